"""What is kept in Redis, and under which names.

All keys are in the Cluster slot of `prices`, so that one script may touch them together:

    prices                   hash    SYMBOL -> price, as received. Public.
    relay:{prices}:head      hash    epoch, version, feed (FeedStatus as JSON), and what the writer
                                     needs to know its own work again; its writer alone may
                                     change the archive and take demands
    relay:{prices}:base      string  a Snapshot as MessagePack, as of some version
    relay:{prices}:log       list    every Batch since then as MessagePack, oldest first
    relay:{prices}:lease     string  who may write; expires if its holder is silent
    relay:{prices}:standbys  zset    who would like to, and when each last asked, in milliseconds
    relay:{prices}:roll      hash    a process's name -> when it said so in milliseconds, as 13 digits,
                                     and what it says of itself (Presence) as MessagePack; expires
    relay:{prices}:lost      string  the epoch that a worker could not read; expires

The archive, of which every value expires. A name is `<family>/...`; relay.history lays the values out.

    relay:{prices}:history:<name>    string  a value: a block or a page
    relay:{prices}:order:<family>    zset    the names of a family of which only so many are kept, and
                                             when each was put, in microseconds; expires

Demands: what workers lack. A demand is the name under which its answer will stand in the archive.

    relay:{prices}:demands           zset    those that wait, and when each was made, in microseconds;
                                             plus 4 * 10^15 where it is not urgent
    relay:{prices}:bell              list    not empty where a demand was made since nothing waited
    relay:{prices}:taken:<name>      string  the token of the listener that works on it; expires
    relay:{prices}:answered:<name>   string  when it was answered, in microseconds; expires after 5 s
    relay:{prices}:refused:<name>    string  why it cannot be had; expires

Channels:

    prices:updates           {"symbol":"BTCUSDT","price":"67123.45000000"}, one message an update. Public.
    relay:{prices}:batches   a Batch as MessagePack; one without updates is a beat
    relay:{prices}:answers   the name of a demand that was answered or refused

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
ROLL = "relay:{prices}:roll"
LOST = "relay:{prices}:lost"
BATCHES = "relay:{prices}:batches"
HISTORY = "relay:{prices}:history:"
ORDER = "relay:{prices}:order:"
DEMANDS = "relay:{prices}:demands"
BELL = "relay:{prices}:bell"
TAKEN = "relay:{prices}:taken:"
ANSWERED = "relay:{prices}:answered:"
REFUSED = "relay:{prices}:refused:"
ANSWERS = "relay:{prices}:answers"
