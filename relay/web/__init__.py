"""Flask: what a client may ask for, and the ways to ask. It is handed the hub.

Reading order: subscription, sse, ws, api, figures, rows, pages, site.
"""
