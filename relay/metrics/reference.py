"""Reference: the name, the meaning and the labels of each metric."""

from typing import Literal, NamedTuple

COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"
#: Upper bounds of durations, in seconds.
DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

#: Why a connection to the exchange failed or ended.
CAUSES = ("broken", "late", "silent", "closed", "refused", "error", "unexpected")
#: The limits that are counted when somebody reaches them.
LIMITS = (
    "MAX_CLIENTS",
    "OPENS",
    "ADDRESS_STREAMS",
    "ADDRESS_OPENS",
    "ADDRESS_REQUESTS",
    "ADDRESS_CONNECTIONS",
    "ADDRESS_SYMBOLS",
    "ADDRESS_COMMANDS",
    "ADDRESS_GUESSES",
    "TOKEN_STREAMS",
    "TOKEN_OPENS",
    "TOKEN_REQUESTS",
    "TOKEN_SYMBOLS",
    "TOKEN_COMMANDS",
    "SYMBOLS_NAMED",
    "SLOWED",
    "COMMANDS",
    "SELF_TESTS",
    "WAITING_POLLS",
)

Among = Literal["livesum", "livemax", "livemin"]


class Family(NamedTuple):
    """One metric."""

    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()
    #: How the gauges of several processes become one: their sum, or the largest.
    among: Among = "livesum"
    #: The values that a counter's one label may have.
    values: tuple[str, ...] = ()


def _counter(name: str, text: str, label: str = "", values: tuple[str, ...] = ()) -> Family:
    return Family(name, COUNTER, text, (label,) if label else (), values=values)


def _sum(name: str, text: str, *labels: str) -> Family:
    return Family(name, GAUGE, text, labels)


def _worst(name: str, text: str, *labels: str) -> Family:
    return Family(name, GAUGE, text, labels, "livemax")


def _durations(name: str, text: str) -> Family:
    return Family(name, HISTOGRAM, text)


#: In the order of docs/metrics.md. Labels have a few values each, all of them constants of ours.
FAMILIES = (
    # Of every process.
    _sum("relay_processes", "Processes that report, by role: worker, listener.", "role"),
    _sum("relay_memory_bytes", "Resident memory."),
    _worst("relay_loop_lag_seconds", "How late the event loop was at most, in the last second."),
    _counter("relay_redis_errors_total", "Times that Redis did not do what it was asked."),
    # Of workers.
    _sum("relay_streams", "Open streams: sse, ws; plain, compressed.", "transport", "form"),
    _counter("relay_opens_total", "Streams that began.", "transport", ("sse", "ws")),
    _counter("relay_deliveries_total", "Updates given to clients, each counted for each client."),
    _counter(
        "relay_sent_bytes_total",
        "Bytes of deliveries: plain is before compression, compressed is as sent.",
        "stage",
        ("plain", "compressed"),
    ),
    _counter(
        "relay_conflated_total",
        "Updates that a client did not get since a newer one of its symbol was there, but for clients behind "
        "that named symbols: nobody can know of those.",
    ),
    _sum("relay_behind", "Clients that do not keep up at present."),
    _counter(
        "relay_cut_total",
        "Clients that were cut: stall took no byte, greed asked for more than it read, talk talked on a "
        "stream that only listens, mute answered no ping, breach broke a rule of WebSocket or one of ours.",
        "reason",
        ("stall", "greed", "talk", "mute", "breach"),
    ),
    _counter(
        "relay_resumes_total",
        "Streams that came with an id: changes went on from there, full had to begin anew.",
        "kind",
        ("changes", "full"),
    ),
    _durations(
        "relay_publish_to_write_seconds",
        "From the listener's writing of a batch to the end of the pass that sent it to clients, "
        "by the clocks of both.",
    ),
    _counter(
        "relay_refused_total", "What was refused for a limit, by the limit's name.", "limit", LIMITS
    ),
    _counter("relay_slowings_total", "Cohorts that were slowed since the worker was behind."),
    _sum("relay_connections", "Connections that are no streams."),
    _sum("relay_greenlets", "Greenlets that serve streams, connections and clients behind."),
    _worst("relay_symbols", "Symbols of which a price is known."),
    _counter("relay_foreign_messages_total", "Messages from Redis that no listener of ours wrote."),
    # What both say of the feed.
    _sum(
        "relay_feed_state",
        "How many processes see the feed so: live, stale, down. Simulated prices are marked beside it.",
        "state",
    ),
    _worst("relay_feed_simulated", "1 where prices come from a simulator."),
    _worst(
        "relay_data_age_seconds",
        "Seconds since the last word: of the exchange's data, of the listener.",
        "hop",
    ),
    _worst("relay_standbys", "Listeners that stand by to take over."),
    _worst(
        "relay_history_degraded", "1 where candles are not kept, or the exchange's not fetched."
    ),
    # Of listeners.
    _sum(
        "relay_leading",
        "Listeners that write, and whose store takes it. More or less than 1 for long is wrong.",
    ),
    _durations(
        "relay_exchange_to_listener_seconds",
        "From the exchange's stamp to our reading it, by two clocks, once a message.",
    ),
    _counter("relay_updates_written_total", "Updates that were written to the store."),
    _counter(
        "relay_feed_switches_total", "Times that prices came from another source than before."
    ),
    _counter("relay_feed_rotations_total", "Connections replaced without a gap."),
    _counter(
        "relay_reconnects_total",
        "Connections to the exchange that failed or ended: broken, late, silent, closed, refused, error, "
        "unexpected.",
        "cause",
        CAUSES,
    ),
    _worst("relay_rest_weight", "Weight spent this minute at the exchange's REST API."),
    _sum("relay_history_waiting_candles", "Candles that wait to be kept."),
    _counter("relay_history_lost_candles_total", "Candles that could not wait any longer."),
)

NAMES = frozenset(family.name for family in FAMILIES)
