"""The feed side: reads the exchange and writes to Redis, until SIGTERM. Run one, or more to stand by.

Ends with 0 where it was asked to, and with 70 where something failed that it cannot do without. A second
signal ends it at once.
"""

from gevent import monkey

monkey.patch_all()

import os  # noqa: E402

# This process has metrics of its own, whatever a gunicorn beside it shares among its workers.
os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)

import argparse  # noqa: E402
import gc  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
from functools import partial  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402
from gevent.event import Event  # noqa: E402

from relay import diary, logs  # noqa: E402
from relay.absences import Absences  # noqa: E402
from relay.config import Config, load_or_exit  # noqa: E402
from relay.descriptors import raise_limit  # noqa: E402
from relay.exchange.recorder import Recorder  # noqa: E402
from relay.ingest.pipeline import Pipeline  # noqa: E402
from relay.metrics.attendance import Attendance, of_listener  # noqa: E402
from relay.metrics.listener import ListenerReport  # noqa: E402
from relay.metrics.port import MetricsPort  # noqa: E402
from relay.metrics.reporter import Reporter  # noqa: E402
from relay.store.failure import failures  # noqa: E402
from relay.store.redis_roll import RedisRoll  # noqa: E402
from relay.store.redis_writer import RedisStore  # noqa: E402
from relay.supervise import end_in_time, exit_status, spawn_essential  # noqa: E402


def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    options = _parser().parse_args()
    config = load_or_exit()
    if config.in_process:
        print(
            "REDIS_URL must name a Redis server: in-process mode has no listener.", file=sys.stderr
        )
        sys.exit(2)
    logs.begin(config.log_level, config.log_format)
    events = diary.begin().events
    raise_limit()
    recorder = None
    if options.record is not None:
        try:
            recorder = Recorder(options.record, options.record_megabytes << 20)
        except OSError as error:
            print(
                f"--record cannot write to {options.record}: {error.strerror}.",
                file=sys.stderr,
            )
            sys.exit(2)
    store = RedisStore(config.redis_url, config.relay_secret.get_secret_value())
    tap = None if recorder is None else recorder.take
    absences = Absences()
    spawn_essential(absences.run)
    pipeline = Pipeline(config, store, store.keeper, store.orders, tap, away=absences.since)
    roll = RedisRoll(config.redis_url)
    gevent.spawn(Attendance(roll, partial(of_listener, pipeline), events).run)
    if config.metrics_port:
        _serve_metrics(config, pipeline, absences)
    stop = Event()
    signals = (signal.SIGTERM, signal.SIGINT)
    watchers = [gevent.signal_handler(number, stop.set) for number in signals]
    # What is there by now stays. A full collection looks at the rest alone, and holds up no price.
    gc.collect()
    gc.freeze()
    pipeline.start()
    stop.wait()
    end_in_time()
    for number, watcher in zip(signals, watchers, strict=True):
        watcher.cancel()
        signal.signal(number, signal.SIG_DFL)
    pipeline.stop()
    store.release()
    if recorder is not None:
        recorder.close()
    sys.exit(exit_status())


def _serve_metrics(config: Config, pipeline: Pipeline, absences: Absences) -> None:
    """Prices do not depend on it, but whoever named the port wants to know that it is taken."""
    port = MetricsPort(config.host, config.metrics_port, config.operator_tokens.values())
    try:
        port.start()
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        print(f"METRICS_PORT {config.metrics_port} cannot be listened at: {why}.", file=sys.stderr)
        sys.exit(2)
    reporter = Reporter([ListenerReport(pipeline, alone=True)], absences.take_lag, failures)
    gevent.spawn(reporter.run)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Reads the exchange and writes to Redis. Settings come from the environment; "
        "see .env.example."
    )
    parser.add_argument(
        "--record",
        type=Path,
        metavar="DIR",
        help="keep every message as it came, for `python -m relay.simulator --replay DIR`",
    )
    parser.add_argument(
        "--record-megabytes",
        type=_megabytes,
        default=1024,
        metavar="N",
        help="what the directory may hold; the oldest files go first (1024)",
    )
    return parser


def _megabytes(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    main()
