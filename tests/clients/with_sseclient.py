"""sseclient-py: it parses any iterable of bytes; coming back with the last id is up to you."""

import json
import sys
import time

import httpx
import sseclient

url = sys.argv[1] + "/events"
last_id = ""
#: Seconds without a word after which a connection is dead: 2.5 heartbeats.
silence = 30.0
refused = httpx.get(url, params={"rate": "0"})
print(json.dumps({"refused": refused.status_code}), flush=True)
while True:
    pause = 1.0
    try:
        headers = {"Last-Event-ID": last_id} if last_id else {}
        wish = {"symbols": "BTCUSDT,ETHUSDT"}
        with httpx.stream("GET", url, params=wish, headers=headers, timeout=silence) as answer:
            for event in sseclient.SSEClient(answer.iter_bytes()).events():
                last_id = event.id or last_id
                pause = int(event.retry) / 1000 if event.retry else pause
                if event.data:
                    silence = 2.5 * json.loads(event.data).get("heartbeat", silence / 2.5)
                    print(event.data, flush=True)
    except httpx.TransportError:
        pass
    time.sleep(pause)
