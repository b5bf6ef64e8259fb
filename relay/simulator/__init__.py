"""A Binance-shaped exchange on loopback: what tests, benchmarks and an offline first run talk to.

Reading order: frame, control, client, exchange, faults; then the markets: market, course,
listing, instrument, candles, payloads, synthetic; clock; recording, seen, replay, still; then rest
and backstage.

It shares no code with the relay, so that an error in one is not hidden by the same error in the
other. Every answer it gives carries the header `X-Relay-Simulator: 1`: its prices are not real.
"""
