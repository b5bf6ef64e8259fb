"""What Binance says, and how we listen to it. Only this room opens connections to the exchange.

Reading order: values, entries, messages, streams (no I/O); failure, frame_limits, connection, reading,
session, source, feed (how we listen); http_limits, weight, api, rest, klines (what the streams do not
say); recorder, simulated.
"""
