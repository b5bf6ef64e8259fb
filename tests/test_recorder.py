"""What the exchange sent is kept as it came, within bounds, and can be replayed."""

import gzip
import random
import shutil
import signal
import subprocess
import time
import zlib
from pathlib import Path

import pytest
from websockets.sync.client import connect

from relay.exchange import recorder as recorder_module
from relay.exchange.recorder import FILES, Recorder
from relay.simulator.recording import read
from tests.clocks import SetClock
from tests.exchange import Simulator
from tests.processes import Listener, RedisServer, wait_until
from tests.scripted import ScriptedExchange

SECOND = 1_000_000_000


def lines(directory: Path) -> list[bytes]:
    """All that is kept, oldest first."""
    kept = []
    for path in sorted(directory.glob("*.gz")):
        kept += gzip.decompress(path.read_bytes()).splitlines()
    return kept


def test_messages_are_kept_as_they_came_with_their_times(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 1 << 20)
    messages = [b'{"e":"trade"}', b"\xff\x00 no JSON", '{"s":"币安人生USDT"}'.encode(), b"a\nb"]
    for time_, message in enumerate(messages):
        recorder.take(message, SECOND + time_)
    recorder.close()
    assert lines(tmp_path) == [
        b"1000000000 " + messages[0],
        b"1000000001 " + messages[1],
        b"1000000002 " + messages[2],
        b"1000000003 a b",
    ]


def test_files_rotate_and_the_oldest_go(tmp_path: Path) -> None:
    limit = 64 << 10
    recorder = Recorder(tmp_path, limit)
    now = time.time_ns()
    for number in range(3000):
        # What does not compress: half a KiB of it each.
        recorder.take(number.to_bytes(4, "big").hex().encode() + bytes_like(number), now)
        now += SECOND // 4
    recorder.close()
    files = sorted(tmp_path.glob("*.gz"))
    assert 2 < len(files) <= FILES + 1
    assert sum(path.stat().st_size for path in files) <= limit
    kept = [line.split(b" ", 1)[1][:8] for line in lines(tmp_path)]
    newest = [number.to_bytes(4, "big").hex().encode() for number in range(3000)]
    assert kept == newest[-len(kept) :]


def bytes_like(number: int) -> bytes:
    """Half a KiB that is different for each number, without a line's end."""
    chance = random.Random(number)
    return bytes(chance.randint(32, 126) for _ in range(512))


def test_what_a_killed_recorder_left_can_be_read_up_to_its_last_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "FLUSH_NANOSECONDS", 0)
    recorder = Recorder(tmp_path, 1 << 20)
    now = time.time_ns()
    for number in range(100):
        recorder.take(b'{"e":"trade","E":1,"s":"BTCUSDT","p":"%d"}' % number, now + number)
    assert [line.payload for line in read(list(tmp_path.glob("*.gz")))][-1].endswith(b'"99"}')
    recorder.close()


def test_a_disk_that_is_full_ends_the_recording_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(tmp_path, 1 << 20)
    assert recorder._file is not None
    recorder._file.close()
    recorder._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115 - the recorder closes it
    for number in range(3):
        recorder.take(b"x", time.time_ns() + SECOND * 10 * (number + 1))
    recorder.close()
    assert caplog.text.count("the recording ends") == 1


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def keep_for(recorder: Recorder, clock: SetClock, seconds: int) -> None:
    """A message a second."""
    for _ in range(seconds):
        clock.advance(1.1)
        recorder.take(b"x", clock.wall_ns())


def test_a_directory_that_goes_ends_the_recording_and_it_is_tried_again(
    tmp_path: Path, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "kept"
    recorder = Recorder(directory, 1 << 20, clock)
    keep_for(recorder, clock, 3)
    shutil.rmtree(directory)
    directory.write_text("no directory")
    keep_for(recorder, clock, 200)
    assert caplog.text.count("the recording ends") == 1
    assert "its file is gone" in caplog.text
    directory.unlink()
    keep_for(recorder, clock, 70)
    recorder.close()
    assert caplog.text.count("recording again") == 1
    assert len(lines(directory)) > 5


def test_a_disk_that_is_full_for_long_is_told_once_and_gets_no_heap_of_empty_files(
    tmp_path: Path, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(tmp_path, 1 << 20, clock)
    keep_for(recorder, clock, 3)

    def full(data: bytes) -> None:
        raise OSError(28, "No space left on device")

    write, recorder._write = recorder._write, full  # type: ignore[method-assign]
    keep_for(recorder, clock, 600)
    assert caplog.text.count("the recording ends") == 1
    assert len(list(tmp_path.iterdir())) == 1
    recorder._write = write  # type: ignore[method-assign]
    keep_for(recorder, clock, 70)
    recorder.close()
    assert len(list(read(list(tmp_path.glob("*.gz"))))) > 5


@pytest.mark.parametrize("error", [OSError(28, "full"), ValueError("closed"), zlib.error("no")])
def test_nothing_that_a_disk_does_reaches_whoever_records(
    error: Exception, tmp_path: Path, clock: SetClock
) -> None:
    recorder = Recorder(tmp_path, 1 << 20, clock)

    def fail(*_: object) -> None:
        raise error

    recorder._write = fail  # type: ignore[method-assign]
    keep_for(recorder, clock, 200)
    recorder.close()


def test_a_clock_that_is_set_back_puts_nothing_off(tmp_path: Path, clock: SetClock) -> None:
    recorder = Recorder(tmp_path, 1 << 20, clock)
    keep_for(recorder, clock, 3)
    clock.set_wall(1_500_000_000_000)
    keep_for(recorder, clock, 3)
    assert len(list(read(list(tmp_path.glob("*.gz"))))) >= 5
    recorder.close()


def test_a_listener_records_what_a_simulator_replays_to_the_same_prices(
    redis_server: RedisServer, exchange: ScriptedExchange, tmp_path: Path
) -> None:
    env = {"REDIS_URL": redis_server.url, "BINANCE_WS": exchange.url}
    with Listener("--record", str(tmp_path / "kept"), **env) as listener:
        exchange.tick(BTCUSDT="1", ETHUSDT="2")
        exchange.say(b"no JSON \xff at all")
        exchange.tick(BTCUSDT="3")
        wait_until(lambda: redis_server.client.hget("prices", "BTCUSDT") == "3", "the price")
        listener.signal(signal.SIGTERM)
        listener.wait()
    assert [line.split(b" ", 1)[1] for line in lines(tmp_path / "kept")][1] == (
        b"no JSON \xff at all"
    )
    redis_server.client.flushall()
    options = ("--replay", str(tmp_path / "kept"), "--speed", "0")
    with (
        Simulator(*options, stderr=subprocess.DEVNULL) as simulator,
        Listener(REDIS_URL=redis_server.url, BINANCE_WS=simulator.url),
    ):
        wait_until(
            lambda: redis_server.client.hgetall("prices") == {"BTCUSDT": "3", "ETHUSDT": "2"},
            "the same prices",
        )


def test_a_replay_sends_every_recorded_message_again(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    with (
        Simulator("--symbols", "30", "--activity", "1") as simulator,
        Listener(
            "--record", str(tmp_path), REDIS_URL=redis_server.url, BINANCE_WS=simulator.url
        ) as listener,
    ):
        listener.wait_for_line("leading")
        wait_until(lambda: len(redis_server.client.hgetall("prices")) == 30, "prices")
        simulator.fault("junk-only")
        wait_until(lambda: any(tmp_path.glob("*.gz")), "a recording")
        listener.signal(signal.SIGTERM)
        listener.wait()
    kept = [line.split(b" ", 1)[1] for line in lines(tmp_path)]
    assert kept
    options = ("--replay", str(tmp_path), "--speed", "0")
    with (
        Simulator(*options, stderr=subprocess.DEVNULL) as again,
        connect(f"{again.url}/stream?streams=!miniTicker@arr", max_size=None) as client,
    ):
        heard = [client.recv(timeout=20) for _ in kept]
    assert [h if isinstance(h, bytes) else h.encode() for h in heard] == kept
