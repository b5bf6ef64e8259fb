"""The relay: one connection to Binance feeds everybody.

Reading order: ticker, batch, board (the state); binance, feed, writer, store (how it comes in);
delivery, form, deflate, cohort, client, hub, health (how it goes out); subscription, sse, ws, frames,
rfc6455, permessage_deflate, api, market, pages, site, takeover, worker (whom it goes to).
"""
