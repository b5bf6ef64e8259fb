"""Payloads: what each stream says of an instrument (BINANCE docs, web-socket-streams).

Event times are milliseconds. An entry's E is that of its own last trade, as on Binance, where the
entries of one frame spread over the second before it.
"""

from relay.simulator.annals import UNIT, decimal
from relay.simulator.instrument import Instrument, Trade
from relay.simulator.market import Candle

#: Minutes.
_DAY = 1_440


def mini_ticker(i: Instrument) -> str:
    """`<s>@miniTicker` and an entry of `!miniTicker@arr`."""
    return (
        f'{{"e":"24hrMiniTicker","E":{i.last.time},"s":"{i.symbol}","c":"{decimal(i.price)}",'
        f"{_ohlvq(i, _DAY)}}}"
    )


def ticker(i: Instrument) -> str:
    """`<s>@ticker`."""
    t = i.last
    return (
        f'{{"e":"24hrTicker","E":{t.time},"s":"{i.symbol}",{_change(i, _DAY)},'
        f'"x":"{decimal(i.window().open * i.tick)}","c":"{decimal(i.price)}",'
        f'"Q":"{decimal(t.quantity)}","b":"{decimal(i.bid)}","B":"{decimal(i.book_quantity())}",'
        f'"a":"{decimal(i.ask)}","A":"{decimal(i.book_quantity())}",{_window(i, _DAY)}}}'
    )


def rolling_ticker(i: Instrument, window: str) -> str:
    """`<s>@ticker_<window>` and an entry of `!ticker_<window>@arr`; windows 1h, 4h and 1d."""
    minutes = {"1h": 60, "4h": 240}.get(window, _DAY)
    return (
        f'{{"e":"{window}Ticker","E":{i.last.time},"s":"{i.symbol}",{_change(i, minutes)},'
        f'"c":"{decimal(i.price)}",{_window(i, minutes)}}}'
    )


def trade(i: Instrument, t: Trade) -> str:
    """`<s>@trade`."""
    return (
        f'{{"e":"trade","E":{t.time + 1},"s":"{i.symbol}","t":{t.number},"p":"{decimal(t.price)}",'
        f'"q":"{decimal(t.quantity)}","T":{t.time},"m":{_boolean(t.maker)},"M":true}}'
    )


def aggregate_trade(i: Instrument, t: Trade) -> str:
    """`<s>@aggTrade`; here every trade is an aggregate of its own."""
    return (
        f'{{"e":"aggTrade","E":{t.time + 1},"s":"{i.symbol}","a":{t.number},'
        f'"p":"{decimal(t.price)}","q":"{decimal(t.quantity)}","f":{t.number},"l":{t.number},'
        f'"T":{t.time},"m":{_boolean(t.maker)},"M":true}}'
    )


def book_ticker(i: Instrument) -> str:
    """`<s>@bookTicker`: neither an event type nor a time."""
    return (
        f'{{"u":{i.update_id},"s":"{i.symbol}","b":"{decimal(i.bid)}",'
        f'"B":"{decimal(i.book_quantity())}","a":"{decimal(i.ask)}",'
        f'"A":"{decimal(i.book_quantity())}"}}'
    )


def average_price(i: Instrument, now: float) -> str:
    """`<s>@avgPrice`, of five minutes."""
    window = i.window(5)
    mean = window.quote * UNIT // (window.volume * i.lot)
    return (
        f'{{"e":"avgPrice","E":{int(now * 1000)},"s":"{i.symbol}","i":"5m",'
        f'"w":"{decimal(mean)}","T":{i.last.time}}}'
    )


def partial_depth(i: Instrument, levels: int) -> str:
    """`<s>@depth5`, 10 and 20: no event type, no time, no symbol."""
    bids, asks = _book(i, levels)
    return f'{{"lastUpdateId":{i.update_id},"bids":[{bids}],"asks":[{asks}]}}'


def depth(i: Instrument, now: float, since: int) -> str:
    """`<s>@depth`: what changed after the update id `since`."""
    bids, asks = _book(i, 3)
    return (
        f'{{"e":"depthUpdate","E":{int(now * 1000)},"s":"{i.symbol}","U":{since + 1},'
        f'"u":{i.update_id},"b":[{bids}],"a":[{asks}]}}'
    )


def kline(symbol: str, interval: str, c: Candle, now: float, last_id: int, *, closed: bool) -> str:
    """`<s>@kline_<interval>`: a candle, and the number of its last trade."""
    count = int(c[8])
    first, last = (last_id - count + 1, last_id) if count else (-1, -1)
    return (
        f'{{"e":"kline","E":{int(now * 1000)},"s":"{symbol}","k":{{"t":{c[0]},"T":{c[6]},'
        f'"s":"{symbol}","i":"{interval}","f":{first},"L":{last},"o":"{c[1]}",'
        f'"c":"{c[4]}","h":"{c[2]}","l":"{c[3]}","v":"{c[5]}","n":{count},"x":{_boolean(closed)},'
        f'"q":"{c[7]}","V":"{c[9]}","Q":"{c[10]}","B":"0"}}}}'
    )


def _change(i: Instrument, minutes: int) -> str:
    window = i.window(minutes)
    opened = window.open * i.tick
    change, sign = abs(i.price - opened), "-" if i.price < opened else ""
    percent = (i.price - opened) / opened * 100
    mean = window.quote * UNIT // (window.volume * i.lot)
    return f'"p":"{sign}{decimal(change)}","P":"{percent:.3f}","w":"{decimal(mean)}"'


def _ohlvq(i: Instrument, minutes: int) -> str:
    w, tick = i.window(minutes), i.tick
    return (
        f'"o":"{decimal(w.open * tick)}","h":"{decimal(w.high * tick)}",'
        f'"l":"{decimal(w.low * tick)}","v":"{decimal(w.volume * i.lot)}","q":"{decimal(w.quote)}"'
    )


def _window(i: Instrument, minutes: int) -> str:
    count = i.window(minutes).trades
    return (
        f'{_ohlvq(i, minutes)},"O":{i.last.time - minutes * 60_000},'
        f'"C":{i.last.time},"F":{i.last_id - count + 1},"L":{i.last_id},"n":{count}'
    )


def _book(i: Instrument, levels: int) -> tuple[str, str]:
    bids = [max(i.bid - n * i.tick, 0) for n in range(levels)]
    asks = [i.ask + n * i.tick for n in range(levels)]
    return _levels(i, bids), _levels(i, asks)


def _levels(i: Instrument, prices: list[int]) -> str:
    return ",".join(f'["{decimal(price)}","{decimal(i.book_quantity())}"]' for price in prices)


def _boolean(value: bool) -> str:
    return "true" if value else "false"
