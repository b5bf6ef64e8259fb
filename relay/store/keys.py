"""What is kept in Redis, and under which names.

All keys are in the Cluster slot of `prices`, so that one script may touch them together:

    prices                   hash    SYMBOL -> price, as received. Public.
    relay:{prices}:head      hash    epoch, version, feed (FeedStatus as JSON), and what the writer
                                     needs to know its own work again
    relay:{prices}:base      string  a Snapshot as MessagePack, as of some version
    relay:{prices}:log       list    every Batch since then as MessagePack, oldest first
    relay:{prices}:lease     string  who may write; expires if its holder is silent
    relay:{prices}:standbys  zset    who would like to, and when each last asked, in milliseconds
    relay:{prices}:lost      string  the epoch that a worker could not read; expires

Channels:

    prices:updates           {"symbol":"BTCUSDT","price":"67123.45000000"}, one message an update. Public.
    relay:{prices}:batches   a Batch as MessagePack; one without updates is a beat

Whatever else is found in them is nobody's: a key of another type is deleted, and what cannot be read
makes the whole of it lost, and written anew.
"""

PRICES = "prices"
UPDATES = "prices:updates"
HEAD = "relay:{prices}:head"
BASE = "relay:{prices}:base"
LOG = "relay:{prices}:log"
LEASE = "relay:{prices}:lease"
STANDBYS = "relay:{prices}:standbys"
LOST = "relay:{prices}:lost"
BATCHES = "relay:{prices}:batches"
