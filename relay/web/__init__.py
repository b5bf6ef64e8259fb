"""Flask: what a client may ask for, and the ways to ask. It is handed the hub.

Reading order: subscription; sse_form, sse; ws_form, ws_client, commands, ws; answer, prices, probes; fresh,
figures, rows, pages; site.
"""
