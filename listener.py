"""The feed side: reads the exchange and writes to Redis, until SIGTERM. Run one, or more to stand by."""

from gevent import monkey

monkey.patch_all()

import logging  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402

import gevent  # noqa: E402
from gevent.event import Event  # noqa: E402

from relay.config import load_or_exit  # noqa: E402
from relay.essential import spawn_essential  # noqa: E402
from relay.feed import Feed  # noqa: E402
from relay.simulator.child import SimulatorChild  # noqa: E402
from relay.store.redis import RedisStore  # noqa: E402
from relay.writer import Writer  # noqa: E402

log = logging.getLogger("listener")


def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    config = load_or_exit()
    if config.in_process:
        print(
            "REDIS_URL must name a Redis server: in-process mode has no listener.", file=sys.stderr
        )
        sys.exit(2)
    logging.basicConfig(
        level=config.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    store = RedisStore(config.redis_url)
    writer = Writer(store)
    feed = Feed(
        config.sources,
        writer.offer,
        writer.begin,
        silence=config.feed_silence_seconds,
        simulator=SimulatorChild().url,
    )
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stop.set)
    spawn_essential(feed.run)
    spawn_essential(writer.run, feed.status)
    stop.wait()
    feed.stop()
    store.release()
    log.info("stopped: %d updates written, %d dropped", writer.written, writer.dropped)


if __name__ == "__main__":
    main()
