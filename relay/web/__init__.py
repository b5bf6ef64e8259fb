"""Flask: what a client may ask for, and the ways to ask. It is handed the hub.

Reading order: subscription; sse_form, sse; ws_form, ws_client, commands, handshake, ws; answer, prices,
probes; fresh, figures, dollars, rows, pages; stamps, selftest; assets, chart_library, policy,
compression, site.
"""
