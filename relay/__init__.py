"""The relay: one connection to Binance feeds everybody.

The rooms, in the way a price takes: exchange (what Binance says), ingest (what we make of it), store (where
it lives), fanout (who is owed what), server and web (whom it goes to). The modules beside them are the words
that all rooms use. `simulator` is an exchange to test against.
"""

__version__ = "0.12.0"
