"""Cases: what is measured. Each is a market, clients, contenders, and the figures that matter."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One question to all its contenders."""

    title: str
    #: Options of the simulator's clock market.
    market: tuple[str, ...]
    #: Options of bench.load.
    load: tuple[str, ...]
    #: The first one is what the others are compared with.
    contenders: tuple[str, ...]
    #: Keys of report.FIGURES.
    figures: tuple[str, ...]
    #: The figure that the chart shows and ratios are taken of.
    main: str
    #: Prices that a client wants every second; 0 where none are.
    wanted: float = 0.0
    #: It counts for at least so long.
    seconds: float = 0.0


FAN_OUT = (
    "share",
    "per_cpu_s",
    "ratio",
    "p50_ms",
    "p99_ms",
    "max_ms",
    "kb_per_s",
    "generator_busy",
)
MEMORY = ("clients", "kib_per_client", "ratio", "connect_s", "server_cpu_s")
RETURN = (
    "back_s",
    "ratio",
    "open_p50_ms",
    "open_p99_ms",
    "kb_per_client",
    "failed",
    "server_cpu_s",
)

_ONE_SYMBOL = ("--symbols", "1", "--hz", "100")
_WHOLE_MARKET = ("--symbols", "2000", "--hz", "1")
_BUSY_MARKET = ("--symbols", "2000", "--hz", "100", "--per-frame", "10")
_QUIET_MARKET = ("--symbols", "2000", "--hz", "1", "--per-frame", "100")
#: Rare enough to be nothing, often enough for the listener to believe that its feed is alive.
_STILL_MARKET = ("--symbols", "1", "--hz", "0.2")

_SSE = ("--path", "/events")
_WS = ("--path", "/ws", "--websocket")

CASES = {
    "hot": Case(
        "HOT: 1 symbol, 100 updates/s, 1,000 SSE clients",
        _ONE_SYMBOL,
        (*_SSE, "--clients", "1000"),
        ("floor", "relay", "node", "queue"),
        FAN_OUT,
        "per_cpu_s",
        wanted=100,
    ),
    "hot-ws": Case(
        "HOT: 1 symbol, 100 updates/s, 1,000 WebSocket clients",
        _ONE_SYMBOL,
        (*_WS, "--clients", "1000"),
        ("floor", "relay", "node", "websockets"),
        FAN_OUT,
        "per_cpu_s",
        wanted=100,
    ),
    "hot-2000": Case(
        "HOT: 1 symbol, 100 updates/s, 2,000 SSE clients",
        _ONE_SYMBOL,
        (*_SSE, "--clients", "2000", "--sample-every", "40"),
        ("floor", "relay", "node", "queue"),
        FAN_OUT,
        "per_cpu_s",
        wanted=100,
    ),
    "market": Case(
        "MARKET: 2,000 symbols in one frame a second, 200 SSE clients",
        _WHOLE_MARKET,
        (*_SSE, "--clients", "200"),
        ("floor", "relay", "node", "queue"),
        FAN_OUT,
        "per_cpu_s",
        wanted=2000,
    ),
    "filtered": Case(
        "FILTERED: 1,000 updates/s over 2,000 symbols, 2,000 SSE clients with 5 symbols each",
        _BUSY_MARKET,
        ("--path", "/events?symbols=%s", "--pick", "5", "--pick-from", "2000", "--clients", "2000"),
        ("floor", "relay", "queue"),
        FAN_OUT,
        "per_cpu_s",
        wanted=2.5,
    ),
    "idle": Case(
        "IDLE: memory of 5,000 SSE clients whose symbol never moves",
        _STILL_MARKET,
        ("--path", "/events?symbols=NEVERUSDT", "--clients", "5000"),
        ("relay", "node", "queue"),
        MEMORY,
        "kib_per_client",
    ),
    "idle-ws": Case(
        "IDLE: memory of 5,000 WebSocket clients whose symbol never moves",
        _STILL_MARKET,
        ("--path", "/ws?symbols=NEVERUSDT", "--websocket", "--clients", "5000"),
        ("relay", "node", "websockets"),
        MEMORY,
        "kib_per_client",
    ),
    "big": Case(
        "BIG: 2,000 symbols in one frame a second, 10,000 SSE clients",
        _WHOLE_MARKET,
        (*_SSE, "--clients", "10000", "--sample-every", "500", "--count-samples", "--warm", "5"),
        ("relay", "relay-gzip"),
        FAN_OUT,
        "per_cpu_s",
        wanted=2000,
    ),
    "stalled": Case(
        "STALLED: HOT with 1,000 SSE clients of whom 50 never read",
        _ONE_SYMBOL,
        (*_SSE, "--clients", "1000", "--stalled", "50", "--warm", "6"),
        ("floor", "relay", "node", "queue"),
        (*FAN_OUT, "growth_kib", "closed"),
        "per_cpu_s",
        wanted=100,
    ),
    "resume": Case(
        "RESUME: 5,000 SSE clients of 2,000 symbols, 100 updates/s, lose their streams and return",
        _QUIET_MARKET,
        (*_SSE, "--clients", "5000", "--reconnect"),
        ("relay-anew", "relay"),
        RETURN,
        "back_s",
        seconds=15,
    ),
}
