"""What HTTP without TLS needs of TLS."""

import ssl
from typing import Any

import httpx

#: Trusts nobody. httpx would read the certificates of all authorities for each client, and each `httpx.get`
#: makes one: 40 ms, most of what such a request costs.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
#: Seconds that an answer may take, on a machine that has much else to do as well.
WAIT_SECONDS = 20.0


def get(url: str, **options: Any) -> httpx.Response:
    """`httpx.get` of a URL of http, which waits for longer."""
    return httpx.get(url, verify=NO_TLS, **{"timeout": WAIT_SECONDS, **options})
