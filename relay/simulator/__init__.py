"""A Binance-shaped exchange on loopback: what tests, benchmarks and an offline first run talk to.

Reading order: frame, wire, control, tally, client, audience, exchange, faults, rows_junk; then the
markets: market, register, gaps; candles: interval, bar, division, past, rows, tape, annals, window;
course, listing, instrument, payloads, activity, synthetic; clock; lines, recording, tapes, seen,
replay, still; then answer, weight, rest, desk, response and backstage.

It shares no code with the relay, so that an error in one is not hidden by the same error in the
other. Every answer it gives carries the header `X-Relay-Simulator: 1`: its prices are not real.
"""
