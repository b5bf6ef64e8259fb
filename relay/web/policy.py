"""Policy: what a page may load, what it may ask of a browser, and who may show it in a frame."""

from collections.abc import Collection

#: Of every answer.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # A page links to one other site. That need not learn where a relay stands, which may be a private host.
    "Referrer-Policy": "same-origin",
}
#: Of every answer that is a page.
PAGE_HEADERS = {
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
#: Of every answer that is none: whatever somebody makes a browser take it for, it may do nothing.
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
#: All that a page needs comes from this relay, and nothing of it is inline. 'self' includes its WebSocket in
#: every browser that knows the colours of our style sheet; in Safari before 15.4 it does not, and relay.js
#: goes on without one.
_SOURCES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)


def content_policy(ancestors: Collection[str]) -> str:
    """A Content-Security-Policy for a page that only these may show in a frame: see FRAME_ANCESTORS."""
    return f"{_SOURCES}; frame-ancestors {' '.join(ancestors)}"
