"""What Binance says, and how we listen to it. Only this room opens connections to the exchange.

Reading order: messages, streams (no I/O); connection, session, source, feed (how we listen); rest (what
the streams do not say); recorder, simulated.
"""
