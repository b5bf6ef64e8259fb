"""What HTTP without TLS needs of TLS."""

import ssl

#: Trusts nobody. httpx would read the certificates of all authorities for each client, and each `httpx.get`
#: makes one: 40 ms, most of what such a request costs.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
