"""websockets: its sync client; coming back with the last id is up to you."""

import json
import sys
import time

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect

url = sys.argv[1].replace("http", "ws", 1) + "/ws"
last_id = ""
#: Seconds without a word after which a connection is dead: 2.5 heartbeats.
silence = 30.0
try:
    connect(url + "?rate=0")
except InvalidStatus as error:
    print(json.dumps({"refused": error.response.status_code}), flush=True)
while True:
    pause = 1.0
    try:
        # Nobody may be there to answer its goodbye.
        address = f"{url}?symbols=BTCUSDT,ETHUSDT&since={last_id}"
        with connect(address, close_timeout=1) as ws:
            while True:
                message = ws.recv(timeout=silence)
                said = json.loads(message)
                last_id = said.get("id", last_id)
                pause = said.get("retry", 1000 * pause) / 1000
                silence = 2.5 * said.get("heartbeat", silence / 2.5)
                print(message, flush=True)
    except (WebSocketException, OSError):
        pass
    time.sleep(pause)
