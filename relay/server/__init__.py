"""The web server below the routes: gunicorn's worker, and WebSocket read strictly.

Reading order: takeover, worker; frames, websocket (RFC 6455), negotiation (RFC 7692).
"""
