"""The simulator repeats recordings: every format, in order, byte for byte."""

import gzip
import json
import subprocess
import sys
import zlib
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.exchange import WAIT, Simulator, hear_until_closed
from tests.processes import ROOT

TRADE = '{"e":"trade","E":%d,"s":"%s","t":%d,"p":"%s","q":"1","T":%d,"m":true,"M":true}'
MINI = '{"e":"24hrMiniTicker","E":%d,"s":"%s","c":"%s","o":"1","h":"9","l":"1","v":"1","q":"5.0e0"}'
Row = list[Any]
START = 1_723_161_255_000  # ms


def trade(number: int, symbol: str = "BTCUSDT") -> str:
    time = START + 10 * number
    return TRADE % (time, symbol, 500 + number, f"{number}.50", time)


def wrapped(stream: str, payload: str) -> str:
    return f'{{"stream":"{stream}","data":{payload}}}'


def line_ns(number: int, text: str) -> str:
    return f"{(START + 10 * number) * 1_000_000} {text}\n"


def listen(simulator: Simulator, path: str = "/stream?streams=any") -> list[str | bytes]:
    """Return everything a client hears until the exchange closes."""
    with connect(simulator.url + path, max_size=None, compression=None) as client:
        return hear_until_closed(client)[0]


def replay(
    *paths: Path, path: str = "/stream?streams=any", more: tuple[str, ...] = ()
) -> list[str | bytes]:
    files = [str(file) for file in paths]
    options = ("--speed", "0", "--after-replay", "close", *more)
    with Simulator("--replay", *files, *options) as simulator:
        return listen(simulator, path)


def test_gzipped_files_are_merged_by_time_and_rest_lines_skipped(tmp_path: Path) -> None:
    files = []
    for symbol, numbers in (("BTCUSDT", range(0, 300, 2)), ("ETHUSDT", range(1, 300, 2))):
        stream = f"{symbol.lower()}@trade"
        lines = [line_ns(n, wrapped(stream, trade(n, symbol))) for n in numbers]
        lines.insert(3, line_ns(numbers[2], '{"lastUpdateId":1,"bids":[["1","2"]],"asks":[]}'))
        files.append(tmp_path / f"{symbol}.gz")
        files[-1].write_bytes(gzip.compress("".join(lines).encode()))
    heard = [json.loads(message) for message in replay(*files)]
    assert [message["data"]["t"] for message in heard] == list(range(500, 800))
    assert {message["stream"] for message in heard} == {"btcusdt@trade", "ethusdt@trade"}


def test_payload_bytes_are_unchanged(tmp_path: Path) -> None:
    odd = '[%s, {"e":"24hrMiniTicker",  "s":"币安人生USDT","c":"1.10","E":1.0e3,"é":"\\u00e9"}]'
    text = odd % (MINI % (START, "BTCUSDT", "5.00"))
    file = tmp_path / "frames.jsonl"
    file.write_text(text + "\n")
    assert replay(file, path="/ws/!miniTicker@arr") == [text]
    assert replay(file) == [wrapped("!miniTicker@arr", text)]


def test_directory_stands_for_the_recordings_in_it(tmp_path: Path) -> None:
    for number, name in ((1, "b"), (0, "a"), (2, "deeper/c")):
        file = tmp_path / "recordings" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(line_ns(number, wrapped("btcusdt@trade", trade(number))))
    (tmp_path / "recordings" / ".hidden").write_text(line_ns(3, "[]"))
    heard = replay(tmp_path / "recordings", path="/ws/any")
    assert heard == [trade(number) for number in range(3)]


def test_preloaded_recording_is_not_read_again(tmp_path: Path) -> None:
    file = tmp_path / "frames"
    file.write_text("".join(line_ns(n, trade(n)) for n in range(3)))
    options = ("--preload", "--speed", "0", "--after-replay", "close")
    with Simulator("--replay", str(file), *options) as simulator:
        file.unlink()
        assert listen(simulator, "/ws/any") == [trade(n) for n in range(3)]


def test_empty_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        Simulator("--replay", str(tmp_path))


def test_gzip_members_one_after_the_other_are_one_recording(tmp_path: Path) -> None:
    rows = [line_ns(n, trade(n)).encode() for n in range(4)]
    # A line may begin in one member and end in the next.
    members = [rows[0] + rows[1][:50], rows[1][50:] + rows[2], rows[3].rstrip()]
    file = tmp_path / "frames.gz"
    file.write_bytes(b"".join(map(gzip.compress, members)))
    assert replay(file, path="/ws/any") == [trade(n) for n in range(4)]


@pytest.mark.parametrize("flush", [zlib.Z_SYNC_FLUSH, zlib.Z_NO_FLUSH])
def test_gzip_file_that_was_cut_off_is_replayed_up_to_the_cut(tmp_path: Path, flush: int) -> None:
    rows = [line_ns(n, trade(n)).encode() for n in range(2000)]
    packer = zlib.compressobj(wbits=31)
    packed = b"".join(
        [packer.compress(row) + packer.flush(flush) for row in rows] + [packer.flush()]
    )
    file = tmp_path / "frames.gz"
    file.write_bytes(gzip.compress(line_ns(-1, trade(-1)).encode()) + packed[: len(packed) // 2])
    heard = replay(file, path="/ws/any")
    assert heard == [trade(n) for n in range(-1, len(heard) - 1)]
    assert 500 < len(heard) < 2000


def test_broken_gzip_file_is_replayed_up_to_the_break(tmp_path: Path) -> None:
    good = gzip.compress("".join(line_ns(n, trade(n)) for n in range(3)).encode())
    file = tmp_path / "frames.gz"
    file.write_bytes(good + b"\x00" * 4000 + good)
    other = tmp_path / "other"
    other.write_text(line_ns(3, trade(3)))
    assert replay(file, other, path="/ws/any") == [trade(n) for n in range(4)]


def test_frames_as_received_come_back_as_they_were(tmp_path: Path) -> None:
    frames = [
        wrapped("btcusdt@trade", trade(0)).encode(),
        trade(1).encode(),
        b'{"result":null,"id":1}',
        b'{"stream":"btcusdt@bookTicker","data":{"u":4,"s":"BTCUSDT","b":"25.35","B":"3',
        b'{ "e" : "neverHeardOf" }',
        b"no JSON \xc3\xa9 \r",
        b"",
        bytes(n for n in range(256) if n != 10),
        wrapped("ethusdt@trade", trade(2, "ETHUSDT")).encode(),
    ]
    file = tmp_path / "frames"
    rows = [b"%d %b\n" % ((START + n) * 1_000_000, frame) for n, frame in enumerate(frames)]
    file.write_bytes(b"".join(rows))
    odd = [frames[3].decode(), frames[4].decode(), "no JSON é \r", "", frames[7]]
    combined = [wrapped("btcusdt@trade", trade(n)) for n in (0, 1)]
    assert replay(file) == [*combined, *odd, frames[8].decode()]
    # What belongs to no stream goes even to those who get only what they subscribed to.
    strict = replay(file, path="/ws/btcusdt@trade", more=("--no-replay-to-all",))
    assert strict == [trade(0), trade(1), *odd]


def test_what_is_no_json_can_be_recorded_and_replayed_again(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text(line_ns(0, "no JSON") + line_ns(1, trade(1)))
    heard = replay(first, path="/ws/any", more=("--record", str(second)))
    assert heard == ["no JSON", trade(1)]
    assert replay(second, path="/ws/any") == heard


def test_junk_is_no_price(tmp_path: Path) -> None:
    file = tmp_path / "frames"
    broken = [
        '{"e":"trade","E":"soon","s":"BTCUSDT","p":"7.0"}',
        f'[{MINI % (START, "A", "5")},{{"e',
    ]
    file.write_text("".join(line_ns(n, text) for n, text in enumerate([*broken, trade(1, "B")])))
    with Simulator("--replay", str(file), "--after-replay", "close") as simulator:
        listen(simulator)
        prices = simulator.get("/api/v3/ticker/price").json()
    assert prices == [{"symbol": "A", "price": "5"}, {"symbol": "B", "price": "1.50"}]


def test_cryptofeed_file_is_read_past_its_header(tmp_path: Path) -> None:
    frames = [wrapped("btcusdt@trade", trade(n)) for n in range(3)]
    seconds = [f"{(START + 10 * n) / 1000}: {frame}\n" for n, frame in enumerate(frames)]
    file = tmp_path / "BINANCE.ws.1.0"
    file.write_text("".join(["wss://x/stream?streams=btcusdt@trade <-> 1.5\n", *seconds, "\n"]))
    assert replay(file) == frames


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9], ids=["ns", "us", "ms", "s"])
def test_times_of_any_resolution_are_read(unit: int, tmp_path: Path) -> None:
    files = []
    for symbol, numbers in (("BTCUSDT", (0, 200)), ("ETHUSDT", (100, 300))):
        files.append(tmp_path / symbol)
        times = [(START + 10 * number) * 10**6 // unit for number in numbers]
        rows = [f"{t} {trade(n, symbol)}\n" for t, n in zip(times, numbers, strict=True)]
        files[-1].write_text("".join(rows))
    heard = [json.loads(message)["s"] for message in replay(*files, path="/ws/any")]
    assert heard == ["BTCUSDT", "ETHUSDT"] * 2


def test_files_of_different_resolutions_are_merged_by_time(tmp_path: Path) -> None:
    times = [START * 10**6, START * 10**3 + 10, f"{START // 1000}.020000", START + 30]
    forms = ["{} {}", "{} {}", "{}: {}", '{{"time":{},"stream":"btcusdt@trade","data":{}}}']
    files = []
    for number, (form, time) in enumerate(zip(forms, times, strict=True)):
        files.append(tmp_path / str(number))
        files[-1].write_text(form.format(time, trade(number)) + "\n")
    heard = [json.loads(message)["t"] for message in replay(*reversed(files), path="/ws/any")]
    assert heard == [500, 501, 502, 503]


def refused(*paths: Path) -> str:
    """What the simulator says where it does not even start."""
    command = [sys.executable, "-m", "relay.simulator", "--port", "0", "--replay", *map(str, paths)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=WAIT, check=False
    )
    assert done.returncode == 2
    return done.stderr


def test_a_file_of_which_nothing_can_be_read_is_refused_with_its_first_line(
    tmp_path: Path,
) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text(line_ns(0, trade(0)))
    bad.write_text("time;price\n\n1;2\n")
    said = refused(good, bad)
    assert str(bad) in said
    assert "'time;price'" in said
    assert "'{\"time\":5}'" in refused_text(tmp_path, '{"time":5}\n')


def refused_text(directory: Path, text: str) -> str:
    file = directory / "text"
    file.write_text(text)
    return refused(file)


def test_lines_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "frames"
    ack = '{"result":null,"id":1}\n'
    file.write_text(f'torn\n{line_ns(0, trade(0))}{{"t":"recv"}}\n{ack}{line_ns(1, trade(1))}')
    options = ("--speed", "0", "--after-replay", "exit")
    with Simulator("--replay", str(file), *options, stderr=subprocess.PIPE) as simulator:
        assert len(listen(simulator)) == 2
        assert simulator.process.stderr is not None
        log = simulator.process.stderr.read()
        simulator.process.stderr.close()
    assert f"{file}: 2 lines could not be read, and 2 could; the first of them: 'torn'" in log


def test_enveloped_frames_are_unpacked(tmp_path: Path) -> None:
    frame = wrapped("btcusdt@trade", trade(1))
    lines = [
        {"t": "header", "ts": 1.0, "data": "{}"},
        {"t": "http", "ts": 1.5, "data": "{}"},
        {"t": "recv", "ts": START / 1000, "data": frame},
    ]
    file = tmp_path / "cryptofeed.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert replay(file) == [frame]


def test_bare_and_annotated_messages_find_their_streams(tmp_path: Path) -> None:
    book = '{"u":400900217,"s":"BNBUSDT","b":"25.35","B":"31.21","a":"25.36","A":"40.66"}'
    kline = '{"e":"kline","E":1723161255000,"s":"BNBBTC","k":{"s":"BNBBTC","i":"1m","c":"0.0020"}}'
    lines = [
        f'{{"src":"somewhere","claimed":"real","msg":{MINI % (START, "BTCUSDT", "5")}}}',
        '{"src":"an ACK","claimed":"real","msg":{"result":null,"id":1}}',
        trade(1),
        book,
        kline,
    ]
    file = tmp_path / "messages.jsonl"
    file.write_text("\n".join(lines))
    streams = [json.loads(message)["stream"] for message in replay(file)]
    names = ["btcusdt@miniTicker", "btcusdt@trade", "bnbusdt@bookTicker", "bnbbtc@kline_1m"]
    assert streams == names


def test_strict_routing_sends_each_stream_to_its_subscribers(tmp_path: Path) -> None:
    file = tmp_path / "ticks"
    symbols = ["BTCUSDT", "ETHUSDT"] * 3
    file.write_text(
        "".join(
            line_ns(n, wrapped(f"{symbol.lower()}@trade", trade(n, symbol)))
            for n, symbol in enumerate(symbols)
        )
    )
    heard = replay(file, path="/ws/ethusdt@trade", more=("--no-replay-to-all",))
    assert heard == [trade(n, "ETHUSDT") for n in (1, 3, 5)]


def test_rest_knows_only_what_has_been_replayed(tmp_path: Path) -> None:
    file = tmp_path / "ticks"
    file.write_text(line_ns(0, wrapped("btcusdt@trade", trade(7))))
    with Simulator("--replay", str(file), "--after-replay", "close") as simulator:
        assert simulator.get("/api/v3/ticker/price").json() == []
        listen(simulator)
        prices = simulator.get("/api/v3/ticker/24hr", symbolStatus="TRADING").json()
        assert [(day["symbol"], day["lastPrice"]) for day in prices] == [("BTCUSDT", "7.50")]


def test_loop_moves_times_to_now_and_ids_onwards(tmp_path: Path) -> None:
    file = tmp_path / "ticks"
    file.write_text("".join(line_ns(n, wrapped("btcusdt@trade", trade(n))) for n in range(3)))
    with Simulator("--replay", str(file), "--loop") as simulator:
        before = simulator.get("/api/v3/time").json()["serverTime"]
        with connect(f"{simulator.url}/ws/btcusdt@trade") as client:
            heard = [json.loads(client.recv(timeout=WAIT)) for _ in range(9)]
    assert [message["t"] for message in heard] == list(range(500, 509))
    times = [message["E"] for message in heard]
    assert times == sorted(times)
    assert times[0] >= before
    assert all(message["T"] == message["E"] for message in heard)
    assert [message["p"] for message in heard[:4]] == ["0.50", "1.50", "2.50", "0.50"]


def test_nothing_is_lost_when_the_client_is_slow(tmp_path: Path) -> None:
    file = tmp_path / "frames.jsonl"
    padding = ",".join(MINI % (START, f"S{n}USDT", "1.0") for n in range(1000))
    rows = [f"[{MINI % (START + n, 'BTCUSDT', str(n))},{padding}]\n" for n in range(60)]
    file.write_text("".join(rows))
    options = ("--speed", "0", "--after-replay", "close")
    with (
        Simulator("--replay", str(file), *options) as simulator,
        connect(f"{simulator.url}/ws/any", max_size=None, compression=None) as slow,
    ):
        first = str(slow.recv(timeout=WAIT))
        simulator.status()  # the exchange goes on being an exchange while it waits
        heard = [first, *hear_until_closed(slow)[0]]
    assert [json.loads(message)[0]["c"] for message in heard] == [str(n) for n in range(60)]


def test_what_is_recorded_can_be_replayed(tmp_path: Path) -> None:
    file = tmp_path / "recording.jsonl"
    with (
        Simulator("--symbols", "20", "--activity", "1", "--record", str(file)) as simulator,
        connect(f"{simulator.url}/stream?streams=!miniTicker@arr/btcusdt@depth@100ms") as client,
    ):
        sent = [str(client.recv(timeout=WAIT)) for _ in range(6)]
    heard = replay(file)
    # What greets a new client is not of the market's making now, so it is not on the recording.
    assert set(sent[1:]) <= set(heard)
    for row in file.read_text().splitlines():
        assert json.loads(row).keys() == {"time", "stream", "data"}


def test_summary_counts_frames_symbols_and_updates(tmp_path: Path) -> None:
    file = tmp_path / "frames.jsonl"
    both = f"{MINI % (START, 'BTCUSDT', '1')},{MINI % (START, 'ETHUSDT', '2')}"
    file.write_text(f"[{both}]\n{trade(1)}\n[{both}]\n")
    options = ("--speed", "0", "--after-replay", "exit")
    with Simulator("--replay", str(file), *options, stderr=subprocess.PIPE) as simulator:
        listen(simulator)
        assert simulator.process.stderr is not None
        log = simulator.process.stderr.read()
        simulator.process.stderr.close()
    assert "replayed 3 frames, 2 symbols, 5 updates" in log


def candles(simulator: Simulator, interval: str, symbol: str = "BTCUSDT", **more: str) -> list[Row]:
    query = {"symbol": symbol, "interval": interval, **more}
    rows: list[Row] = simulator.get("/api/v3/klines", **query).json()
    return rows


def computed(trades: list[dict[str, Any]], length: int) -> list[Row]:
    """Candles of trades, by hand; length in ms. Those between without a trade are flat."""
    rows: list[Row] = []
    opened = trades[0]["T"] // length * length
    while opened <= trades[-1]["T"]:
        inside = [trade for trade in trades if opened <= trade["T"] < opened + length]
        prices = [Decimal(trade["p"]) for trade in inside] or [Decimal(rows[-1][4])]
        whole = [prices[0], max(prices), min(prices), prices[-1]]
        volume = sum((Decimal(trade["q"]) for trade in inside), Decimal(0))
        quote = sum((Decimal(trade["q"]) * Decimal(trade["p"]) for trade in inside), Decimal(0))
        shown = [f"{number:.8f}" for number in (*whole, volume)]
        rows.append([opened, *shown, opened + length - 1, f"{quote:.8f}", len(inside)])
        opened += length
    return rows


def first_columns(rows: list[Row]) -> list[Row]:
    return [row[:9] for row in rows]


@pytest.mark.parametrize("rebase", [(), ("--rebase",)], ids=["as recorded", "rebased"])
def test_candles_are_those_of_the_replayed_trades(tmp_path: Path, rebase: tuple[str, ...]) -> None:
    chance = Random(3)
    rows, time = [], START
    for number in range(400):
        # A gap of four minutes is in the middle.
        time += chance.randint(0, 1500) if number != 200 else 240_000
        for symbol in ("BTCUSDT", "ETHUSDT"):
            price, quantity = (
                f"{chance.randint(100, 999)}.50",
                f"0.{chance.randint(1, 99):02}000000",
            )
            payload = (
                f'{{"e":"trade","E":{time},"s":"{symbol}","t":{500 + number},"p":"{price}",'
                f'"q":"{quantity}","T":{time},"m":true,"M":true}}'
            )
            rows.append(f"{time * 10**6} {wrapped(f'{symbol.lower()}@trade', payload)}\n")
    file = tmp_path / "ticks"
    file.write_text("".join(rows))
    options = ("--speed", "0", "--after-replay", "close", *rebase)
    with Simulator("--replay", str(file), *options) as simulator:
        heard = [json.loads(message)["data"] for message in listen(simulator)]
        assert len(heard) == 800
        for symbol in ("BTCUSDT", "ETHUSDT"):
            trades = [trade for trade in heard if trade["s"] == symbol]
            for interval, length in (("1s", 1000), ("1m", 60_000), ("5m", 300_000)):
                shown = candles(simulator, interval, symbol, limit="1000", startTime="0")
                assert first_columns(shown) == computed(trades, length)[:1000]
            newest = candles(simulator, "1m", symbol, limit="2")
            assert first_columns(newest) == computed(trades, 60_000)[-2:]
            assert sum(row[8] for row in candles(simulator, "1M", symbol)) == 400


def test_aggregate_trades_count_all_that_they_hold(tmp_path: Path) -> None:
    aggregate = (
        '{"e":"aggTrade","E":%d,"s":"PEPEUSDT","a":%d,"p":"0.00000412","q":"90000000000000.00",'
        '"f":%d,"l":%d,"T":%d,"m":false,"M":true}'
    )
    texts = [aggregate % (START, 7 + n, 100 + 3 * n, 102 + 3 * n, START) for n in (0, 1, 1)]
    file = tmp_path / "ticks"
    file.write_text("".join(line_ns(n, text) for n, text in enumerate(texts)))
    options = ("--speed", "0", "--after-replay", "close")
    with Simulator("--replay", str(file), *options) as simulator:
        listen(simulator)
        (row,) = candles(simulator, "1m", "PEPEUSDT")
    assert row[1:6] == ["0.00000412"] * 4 + ["180000000000000.00000000"]
    assert row[7:11] == ["741600000.00000000", 6, row[5], row[7]]


def test_junk_is_in_no_candle(tmp_path: Path) -> None:
    good = trade(3).replace('"3.50"', '"%s"').replace('"t":503', '"t":%d')
    prices = ("NaN", "1e999999999", "-1", "", "soon", "0")
    texts = [good % (503 + n, price) for n, price in enumerate(prices)]
    texts += [trade(9).replace('"T":', '"X":'), trade(9).replace('"t":509', '"t":"x"'), trade(10)]
    file = tmp_path / "ticks"
    file.write_text("".join(line_ns(n, text) for n, text in enumerate(texts)))
    with Simulator("--replay", str(file), "--speed", "0", "--after-replay", "close") as simulator:
        listen(simulator)
        (row,) = candles(simulator, "1m")
    assert (row[1:5], row[8]) == (["10.50000000"] * 4, 1)


def test_there_are_no_candles_of_what_was_not_traded(tmp_path: Path) -> None:
    file = tmp_path / "ticks"
    file.write_text(line_ns(0, MINI % (START, "BTCUSDT", "5")) + "\n")
    with Simulator("--replay", str(file), "--speed", "0", "--after-replay", "close") as simulator:
        listen(simulator)
        assert candles(simulator, "1m") == []
