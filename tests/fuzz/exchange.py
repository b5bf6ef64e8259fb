"""What an exchange says: over its stream, and by REST."""

import re
from collections.abc import Iterable

import msgspec

from relay.batch import Batch, decode_batch, encode_batch
from relay.exchange import rest
from relay.exchange.api import RestError
from relay.exchange.entries import whole_tickers
from relay.exchange.failure import FeedError
from relay.exchange.klines import InvalidSymbol, Klines, Wanted, klines
from relay.exchange.messages import normalise
from relay.exchange.reading import Reading
from relay.exchange.values import UNDECODABLE
from relay.feed_status import FeedStatus
from relay.ticker import PRICE, SIGNED, SYMBOL, Ticker
from tests.fuzz.target import Target

_NOW = 1_700_000_000_000
_MINUTE = 60_000
_WANTED = Wanted(
    "BTCUSDT", "1m", _MINUTE, 5, before=_NOW + 10 * _MINUTE, start=_NOW - _NOW % _MINUTE
)
_FIGURES = (
    *("open", "high", "low", "volume", "quote_volume", "bid", "ask"),
    *("change", "change_percent"),
)
_raw_entries = msgspec.json.Decoder(list[msgspec.Raw]).decode


def check_stream(data: bytes) -> None:
    """One message of a stream."""
    said = normalise(data, _NOW)
    assert said == normalise(data, _NOW), "another result the second time"
    _judge(said.tickers)
    assert len(said.detail) <= 200
    _read(data)
    _compare_at_once_and_singly(data)


def _read(data: bytes) -> None:
    """The connection's own view, whose canary is not for others."""
    reading = Reading(canary=True)
    try:
        tickers = reading.read(data, _NOW)
    except FeedError as refused:
        assert len(str(refused)) <= 300
    else:
        assert tickers is None or len(tickers) <= len(normalise(data, _NOW).tickers)
    assert len(reading.instead) <= 300


def _compare_at_once_and_singly(data: bytes) -> None:
    """Entries that are read together are what each is by itself."""
    if data[:1] != b"[":
        return
    try:
        # What is no text in a field that nobody reads is only seen where an entry is read by itself.
        data.decode()
        together = whole_tickers(data, _NOW)
    except (UnicodeDecodeError, *UNDECODABLE):
        return
    if together is not None:
        singly = [t for raw in _raw_entries(data) for t in normalise(bytes(raw), _NOW).tickers]
        assert singly == together, "an entry is another one by itself"


def _judge(tickers: Iterable[Ticker]) -> None:
    """What comes in is what the store, the board and every client count on."""
    tickers = list(tickers)
    for ticker in tickers:
        assert SYMBOL.fullmatch(ticker.symbol)
        assert PRICE.fullmatch(ticker.price)
        for name in _FIGURES:
            figure = getattr(ticker, name)
            pattern: re.Pattern[str] = SIGNED if name.startswith("change") else PRICE
            assert figure is None or pattern.fullmatch(figure), (name, figure)
        assert ticker.event_time is None or 0 <= ticker.event_time < 10**14
        for number in (ticker.trades, ticker.sequence):
            assert number is None or 0 <= number < 2**63
    batch = Batch("e", 0, len(tickers), FeedStatus("live"), tickers)
    assert decode_batch(encode_batch(batch)).updates == tickers


class _Api:
    """Answers with the bytes."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def get(self, _path: str, _weight: int, most: int) -> tuple[bytes, bool, int | None]:
        if len(self._body) > most:
            raise RestError("too long")
        return self._body, False, None


def check_rest(data: bytes) -> None:
    """A body, of a listing or of the 24 hours."""
    api = _Api(data)
    try:
        day = rest.day(api)
        _judge(day.tickers)
        assert all(ticker.price.strip("0.") for ticker in day.tickers)
        assert set(day.debuts) <= {ticker.symbol for ticker in day.tickers}
    except RestError as refused:
        assert len(str(refused)) <= 400
    try:
        for symbol, listed in rest.listing(api).items():
            assert SYMBOL.fullmatch(symbol)
            assert re.fullmatch(r"[A-Z_]{0,32}", listed.status)
            assert symbol.endswith(listed.quote)
            assert len(listed.quote) <= 16
    except RestError as refused:
        assert len(str(refused)) <= 400


def check_klines(data: bytes) -> None:
    """A body of candles."""
    found = _candles(data)
    assert found == _candles(data), "another result the second time"
    if found is None:
        return
    times = [kline.time for kline in found.klines]
    assert times == sorted(set(times))
    assert len(times) <= _WANTED.limit
    assert all(_WANTED.start <= time < _WANTED.before for time in times)
    assert all(time % _MINUTE == 0 for time in times)
    for kline in found.klines:
        low, high = float(kline.low), float(kline.high)
        assert 0 < low <= min(float(kline.open), float(kline.close))
        assert max(float(kline.open), float(kline.close)) <= high


def _candles(data: bytes) -> Klines | None:
    try:
        return klines(_Api(data), _WANTED)
    except (RestError, InvalidSymbol) as refused:
        assert len(str(refused)) <= 400
        return None


_MINI = (
    b'{"e":"24hrMiniTicker","E":1700000000000,"s":"BTCUSDT","c":"1.5","o":"1","h":"2","l":"1",'
    b'"v":"10","q":"15"}'
)
_FULL = (
    b'{"e":"24hrTicker","E":1700000000000,"s":"ETHUSDT","p":"-0.5","P":"-1.2","w":"1","c":"1.5",'
    b'"o":"1","h":"2","l":"1","v":"10","q":"15","b":"1.4","a":"1.6","n":7,"L":9}'
)
_WORDS = (
    *(
        b'"e":',
        b'"E":',
        b'"s":',
        b'"c":',
        b'"k":',
        b'"data":',
        b'"stream":',
        b'"result":',
        b'"error":',
    ),
    *(
        b"24hrMiniTicker",
        b"24hrTicker",
        b"trade",
        b"kline",
        b"1hTicker",
        b"avgPrice",
        b"depthUpdate",
    ),
    *(b"null", b"true", b"[" * 1500, b'{"a":' * 600, b"1E+30000000", b'"1e5"', b"-1", b"9" * 30),
    *(
        b'"\\u0661"',
        b'"A\\nB"',
        b'"\\ud800"',
        b"\xff",
        b",",
        b"[",
        b"]",
        b"{",
        b"}",
        b'"',
        b"1.5\\n",
    ),
    *(b"9223372036854775808", b"100000000000000", b"1.0", b'"' + b"1" * 49 + b'"'),
)
STREAM = Target(
    "stream",
    check_stream,
    seeds=(
        b"[" + _MINI + b"," + _MINI.replace(b"BTC", b"ETH") + b"]",
        b"[" + _FULL + b"," + _FULL.replace(b"ETH", b"BNB") + b"]",
        b'{"stream":"!miniTicker@arr","data":[' + _MINI + b"]}",
        b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","t":5,"p":"1.5","T":2}}',
        b'{"e":"kline","E":1,"s":"BTCUSDT","k":{"c":"1.5","L":3}}',
        b'{"u":400900217,"s":"BNBUSDT","b":"25.3","B":"31","a":"25.4","A":"40"}',
        b'{"error":{"code":2,"msg":"Invalid request"},"id":1}',
        b'{"result":null,"id":1}',
        b'{"e":"serverShutdown","E":1}',
    ),
    words=_WORDS,
)
_ROW = (
    b'{"symbol":"BTCUSDT","lastPrice":"1.5","openPrice":"1","highPrice":"2","lowPrice":"1","volume":"3",'
    b'"quoteVolume":"4","closeTime":1700000000000,"firstId":0,"lastId":5,"count":6}'
)
REST = Target(
    "rest",
    check_rest,
    seeds=(
        b"[" + _ROW + b"," + _ROW.replace(b"BTC", b"ETH") + b"]",
        b'{"timezone":"UTC","symbols":[{"symbol":"BTCUSDT","status":"TRADING","quoteAsset":"USDT",'
        b'"filters":[{"a":1}]},{"symbol":"X","status":"HALT"}]}',
    ),
    words=(*_WORDS, b'"symbols":', b'"symbol":', b'"status":', b'"lastPrice":', b"{}" * 100),
)
_AT = _NOW - _NOW % _MINUTE
_CANDLE = b'[%d,"1.0","2","0.5","1.5","10",%d,"15",3,"1","2","0"]'
KLINES = Target(
    "klines",
    check_klines,
    seeds=(
        b"[" + b",".join(_CANDLE % (_AT + i * _MINUTE, _AT) for i in range(3)) + b"]",
        b"[]",
        b'{"code":-1121,"msg":"Invalid symbol."}',
    ),
    words=(*_WORDS, b"[],", _CANDLE % (_AT, _AT), b"%d" % (_AT + _MINUTE), b'"0.000"'),
)
