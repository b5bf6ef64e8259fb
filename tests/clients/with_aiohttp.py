"""aiohttp: a WebSocket; coming back with the last id is up to you."""

import asyncio
import json
import sys

import aiohttp

#: It does not wait for an answer to its own goodbye.
TIMEOUT = aiohttp.ClientWSTimeout(ws_close=1)


async def main(url: str) -> None:
    last_id = ""
    # Seconds without a word after which a connection is dead: 2.5 heartbeats.
    silence = 30.0
    async with aiohttp.ClientSession() as session:
        try:
            await session.ws_connect(url, params={"rate": "0"})
        except aiohttp.WSServerHandshakeError as error:
            print(json.dumps({"refused": error.status}), flush=True)
        while True:
            pause = 1.0
            wish = {"symbols": "BTCUSDT,ETHUSDT"} | ({"since": last_id} if last_id else {})
            try:
                # It would wait for five minutes for an answer to its question.
                async with asyncio.timeout(silence):
                    ws = await session.ws_connect(url, params=wish, timeout=TIMEOUT)
                async with ws:
                    while (message := await ws.receive(silence)).type is aiohttp.WSMsgType.TEXT:
                        said = json.loads(message.data)
                        last_id = said.get("id", last_id)
                        pause = said.get("retry", 1000 * pause) / 1000
                        silence = 2.5 * said.get("heartbeat", silence / 2.5)
                        print(message.data, flush=True)
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(pause)


asyncio.run(main(sys.argv[1] + "/ws"))
