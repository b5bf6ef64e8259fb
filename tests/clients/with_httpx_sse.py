"""httpx-sse: it parses; coming back with the last id is up to you."""

import json
import sys
import time

import httpx
from httpx_sse import SSEError, connect_sse

url = sys.argv[1] + "/events"
last_id = ""
#: Seconds without a word after which a connection is dead: 2.5 heartbeats.
silence = 30.0
with httpx.Client() as client:
    try:
        with connect_sse(client, "GET", url, params={"rate": "0"}) as refused:
            list(refused.iter_sse())
    except SSEError:
        print(json.dumps({"refused": refused.response.status_code}), flush=True)
    while True:
        pause = 1.0
        try:
            headers = {"Last-Event-ID": last_id} if last_id else {}
            wish = {"symbols": "BTCUSDT,ETHUSDT"}
            with connect_sse(
                client, "GET", url, params=wish, headers=headers, timeout=silence
            ) as source:
                for event in source.iter_sse():
                    last_id = event.id or last_id
                    pause = event.retry / 1000 if event.retry is not None else pause
                    if event.data:
                        silence = 2.5 * json.loads(event.data).get("heartbeat", silence / 2.5)
                        print(event.data, flush=True)
        except httpx.TransportError:
            pass
        time.sleep(pause)
