"""The relay: one connection to Binance feeds everybody.

Reading order: ticker, batch, board, binance, feed, writer, store, hub, cohort, client, sse, ws, api, pages.
"""
