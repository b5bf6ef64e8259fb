"""The web server below the routes: gunicorn's worker, and WebSocket read strictly.

Reading order: takeover, head, connection, handler, worker; frames, websocket (RFC 6455), negotiation
(RFC 7692).
"""
