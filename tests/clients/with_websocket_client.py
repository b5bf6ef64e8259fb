"""websocket-client: without its run_forever; coming back with the last id is up to you."""

import json
import sys
import time

import websocket

url = sys.argv[1].replace("http", "ws", 1) + "/ws"
last_id = ""
#: Seconds without a word after which a connection is dead: 2.5 heartbeats.
silence = 30.0
try:
    websocket.create_connection(url + "?rate=0", timeout=30)
except websocket.WebSocketBadStatusException as error:
    print(json.dumps({"refused": error.status_code}), flush=True)
while True:
    pause = 1.0
    try:
        ws = websocket.create_connection(
            f"{url}?symbols=BTCUSDT,ETHUSDT&since={last_id}", timeout=silence
        )
        while message := ws.recv():
            said = json.loads(message)
            last_id = said.get("id", last_id)
            pause = said.get("retry", 1000 * pause) / 1000
            silence = 2.5 * said.get("heartbeat", silence / 2.5)
            ws.settimeout(silence)
            print(message, flush=True)
    except (websocket.WebSocketException, OSError):
        pass
    time.sleep(pause)
