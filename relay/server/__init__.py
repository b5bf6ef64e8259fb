"""The web server below the routes: gunicorn's worker, and WebSocket read strictly.

Reading order: takeover, head, waiting, connection, turns, handler, heap, worker; bucket, bounds, visitors,
forwarded, unbelieved (who asks); frames, common, allowance, websocket (RFC 6455), negotiation (RFC 7692).
"""
