"""A Binance-shaped exchange on loopback: what tests, benchmarks and an offline first run talk to.

Reading order: frame, wire, control, tally, client, audience, exchange, faults; then the markets:
market, register, course, listing, instrument, candles, payloads, synthetic; clock; lines, recording,
seen, replay, still; then answer, rest, response and backstage.

It shares no code with the relay, so that an error in one is not hidden by the same error in the
other. Every answer it gives carries the header `X-Relay-Simulator: 1`: its prices are not real.
"""
