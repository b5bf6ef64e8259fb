"""`python -m relay.simulator`: a Binance-shaped exchange on loopback."""

import argparse
import asyncio
import gc
import ipaddress
import logging
import os
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from relay.simulator import backstage, recording
from relay.simulator.client import Lifetime
from relay.simulator.clock import Clock
from relay.simulator.exchange import Exchange
from relay.simulator.faults import MOMENTARY, TABLE, Faults
from relay.simulator.market import Market
from relay.simulator.register import Register
from relay.simulator.replay import Replay
from relay.simulator.still import Still
from relay.simulator.synthetic import Synthetic
from relay.simulator.weight import Weight

log = logging.getLogger("relay.simulator")


def main() -> int:
    """Run until SIGTERM, SIGINT, or whatever else the command line says ends it."""
    parser = _parser()
    options = parser.parse_args()
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s simulator: %(message)s"
    )
    logging.getLogger("websockets").setLevel(logging.ERROR)
    if not _is_loopback(options.host):
        refusal: str | None = f"The simulator listens on loopback only, not on {options.host}."
    else:
        refusal = next(filter(None, map(_why_not, options.replay)), None)
    if refusal is not None:
        print(refusal, file=sys.stderr)
        return 2
    asyncio.run(_run(options))
    return 0


def _why_not(path: Path) -> str | None:
    """Return why a recording cannot be replayed; None if it can. Of a directory one file will do."""
    files = recording.files(path)
    if not files:
        return f"There is no such recording: {path}."
    first = None
    for file in files:
        first = recording.first_line_of_unreadable(file)
        if first is None:
            return None
    return f"Nothing can be read of {files[-1]}, whose first line is {first}."


async def _run(options: argparse.Namespace) -> None:
    market = _market(options)
    gc.freeze()  # nothing of it ever goes, and looking through it would hold the market up
    stop = _stopped(options.exit_with_stdin)
    faults = Faults(options.retry_after)
    with ExitStack() as files:
        register = Register(market)
        exchange = Exchange(
            register,
            _lifetime(options),
            faults,
            handshake_delay=options.handshake_delay,
            rest_delay=options.rest_delay,
            weight=Weight(options.weight_limit),
            to_all=bool(options.replay) and options.replay_to_all,
            record=files.enter_context(options.record.open("wb")) if options.record else None,
        )
        for name in options.fault:
            exchange.set_fault(name)
        server = await exchange.listen(options.host, options.port)
        port = server.sockets[0].getsockname()[1]
        host = f"[{options.host}]" if ":" in options.host else options.host
        print(f"simulator listening on ws://{host}:{port}", flush=True)
        for symbol, after, life in options.newcomer:
            loop = asyncio.get_running_loop()
            loop.call_later(_duration(after), register.found, symbol, _duration(life))
        publishing = asyncio.create_task(_publish(market, exchange, options, stop))
        await stop.wait()
        publishing.cancel()
        server.close()
        await asyncio.wait([asyncio.create_task(server.wait_closed())], timeout=1)


async def _publish(
    market: Market, exchange: Exchange, options: argparse.Namespace, stop: asyncio.Event
) -> None:
    """Let the market run. A market that fails ends the process: silence would hide it."""
    try:
        await exchange.register.run(exchange)
    except Exception:
        stop.set()
        raise
    if isinstance(market, Replay):
        log.info(market.summary())
        if options.after_replay == "close":
            exchange.set_fault("close")
        elif options.after_replay == "exit":
            stop.set()


def _market(options: argparse.Namespace) -> Market:
    if options.replay:
        return Replay(
            [file for path in options.replay for file in recording.files(path)],
            speed=options.speed,
            loop=options.loop,
            rebase=options.rebase,
            max_gap=options.max_gap,
            preload=options.preload,
        )
    if options.market == "clock":
        return Clock(options.symbols, options.hz, options.per_frame)
    if options.market == "still":
        return Still()
    return Synthetic(options.symbols, options.activity, options.seed)


def _lifetime(options: argparse.Namespace) -> Lifetime:
    max_age = options.max_age
    if options.shutdown_after is not None:
        max_age = min(max_age, options.shutdown_after + options.shutdown_notice)
    return Lifetime(
        options.ping_interval, options.pong_timeout, max_age, min(options.shutdown_notice, max_age)
    )


def _stopped(with_stdin: bool) -> asyncio.Event:
    """Return an event that is set on SIGTERM, on SIGINT, or when standard input has ended."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        loop.call_soon_threadsafe(stop.set)

    if with_stdin:
        threading.Thread(target=watch, daemon=True).start()
    return stop


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _rate(text: str) -> float:
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError("must be greater than 0")
    return number


def _duration(text: str) -> float:
    number = float(text)
    if not number >= 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return number


def _parser() -> argparse.ArgumentParser:
    faults = "\n".join(f"  {name:15} {what}" for name, what in TABLE.items())
    calls = "\n".join(f"  {line}" for line in str(backstage.__doc__).splitlines()[2:])
    parser = argparse.ArgumentParser(
        prog="python -m relay.simulator",
        description="A Binance-shaped exchange on loopback. Its prices are not real.",
        epilog=f"faults, at start with --fault or at any time with GET /simulator/fault?set=NAME\n"
        f"(and ?clear or ?clear=NAME):\n{faults}\n\n"
        f"calls while it runs:\n{calls}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="a loopback address (127.0.0.1)")
    add("--port", type=int, default=9443, help="0 takes a free port (9443)")
    add("--exit-with-stdin", action="store_true", help="exit when standard input ends")

    add = parser.add_argument_group("market").add_argument
    add("--market", choices=("synthetic", "clock", "still"), default="synthetic")
    add("--symbols", type=_positive, default=1300, help="how many (1300)")
    add("--seed", type=int, default=1, help="synthetic: another seed, other prices (1)")
    add("--activity", type=_rate, default=0.35, help="synthetic: share traded per second (0.35)")
    add(
        "--newcomer",
        action="append",
        default=[],
        nargs=3,
        metavar=("SYMBOL", "AFTER", "LIFE"),
        help="synthetic: one that is listed AFTER seconds, and delisted LIFE seconds later",
    )
    add("--hz", type=_rate, default=1.0, help="clock: frames per second (1)")
    add("--per-frame", type=_positive, help="clock: symbols per frame (all)")

    add = parser.add_argument_group("recordings").add_argument
    add("--replay", type=Path, nargs="+", default=[], metavar="PATH", help="files or directories")
    add("--speed", type=_duration, default=1.0, help="factor; 0 is as fast as clients take it (1)")
    add("--preload", action="store_true", help="read them before listening, for more speed")
    add("--rebase", action="store_true", help="shift times to now")
    add("--loop", action="store_true", help="repeat for ever; implies --rebase")
    add("--max-gap", type=_duration, default=60.0, help="longest silence kept, seconds (60)")
    add(
        "--replay-to-all",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="frames go to whoever subscribed to anything, or only to their stream (to all)",
    )
    add("--after-replay", choices=("stay", "close", "exit"), default="stay")
    add("--record", type=Path, metavar="FILE", help="write what is sent, for --replay")

    add = parser.add_argument_group("connections and faults").add_argument
    add("--ping-interval", type=_rate, default=20.0, help="seconds (20)")
    add("--pong-timeout", type=_rate, default=60.0, help="seconds (60)")
    add("--max-age", type=_rate, default=86_400.0, help="life of a connection, seconds (86400)")
    add("--shutdown-after", type=_duration, help="serverShutdown at this age, seconds")
    add("--shutdown-notice", type=_duration, default=10.0, help="from it to the close (10)")
    add("--fault", action="append", default=[], choices=sorted(TABLE.keys() - MOMENTARY))
    add("--handshake-delay", type=_duration, default=5.0, help="for slow-handshake, seconds (5)")
    add(
        "--rest-delay",
        type=_duration,
        default=5.0,
        help="for rest-slow and klines-slow, seconds (5)",
    )
    add("--retry-after", type=int, default=5, help="with 429 and 418 by fault, seconds (5)")
    add("--weight-limit", type=int, default=6000, help="REST weight a minute, then 429 (6000)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
