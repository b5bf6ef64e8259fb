"""websockets: its sync client; coming back with the last id is up to you."""

import json
import sys
import time

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

url = sys.argv[1].replace("http", "ws", 1) + "/ws"
last_id = ""
try:
    connect(url + "?rate=0")
except InvalidStatus as error:
    print(json.dumps({"refused": error.response.status_code}), flush=True)
while True:
    pause = 1.0
    try:
        with connect(f"{url}?symbols=BTCUSDT,ETHUSDT&since={last_id}") as ws:
            while True:
                message = ws.recv()
                said = json.loads(message)
                last_id = said.get("id", last_id)
                pause = said.get("retry", 1000 * pause) / 1000
                print(message, flush=True)
    except (ConnectionClosed, OSError):
        pass
    time.sleep(pause)
