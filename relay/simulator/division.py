"""Division: a bar is divided into bars of its parts, which together are that bar exactly.

So a made-up hour can be asked for before anybody has asked for its minutes, and its minutes will
agree with it. The same key divides in the same way.
"""

from hashlib import shake_128
from itertools import accumulate, pairwise

from relay.simulator.bar import Bar

#: Open, high, low and close.
Four = tuple[int, int, int, int]

#: Trades come in bursts of this many, so that a part has none or enough for four prices.
_BURST = 4

#: Chances: numbers below 65536.
_WHOLE = 2**16

#: What a part has of the trades for sure, against chances of 0 to 65535.
_LEAST = 2**13


def chances(key: str, count: int) -> memoryview:
    """Return numbers below 65536 that only the key decides."""
    return memoryview(shake_128(key.encode()).digest(2 * count)).cast("H")


def divide(bar: Bar | None, parts: int, key: str, scale: float) -> list[Bar | None]:
    """Return a bar for each of so many parts of equal length; None where nobody traded.

    `scale`: the quote volume of one lot at a price of one tick.

    The first opens as the whole does, each other opens as the one before closed, and the last that
    has trades closes as the whole does. The high and the low are touched; all sums are exact.
    """
    divided: list[Bar | None] = [None] * parts
    if bar is None:
        return divided
    chance = chances(key, 4 * parts + 3)
    bursts = _bursts(max(1, bar.trades // _BURST), chance, parts)
    active = [number for number, share in enumerate(bursts) if share]
    if len(active) == 1:
        divided[active[0]] = bar
        return divided
    mean = int(bar.quote / (bar.volume or 1) / scale)
    prices = _prices(bar, mean, active, parts, chance)
    volumes = _volumes(bar.volume, [bursts[n] * (_WHOLE // 2 + chance[n + parts]) for n in active])
    # Running sums, shared out in proportion: their last is the whole, so nothing is lost.
    worth = _worth(int(2 * bar.quote / scale), volumes, prices)
    worths = sum(worth) or 1
    count = bar.trades - _BURST * sum(bursts)
    worth_so_far = volume_so_far = quote = bought = bought_quote = 0
    for number, four, volume, value in zip(active, prices, volumes, worth, strict=True):
        quote_before, bought_before, bought_quote_before = quote, bought, bought_quote
        worth_so_far += value
        volume_so_far += volume
        quote = bar.quote * worth_so_far // worths
        bought = bar.bought * volume_so_far // (bar.volume or 1)
        bought_quote = bar.bought_quote * quote // (bar.quote or 1)
        count += _BURST * bursts[number]
        divided[number] = Bar(
            *four,
            volume,
            quote - quote_before,
            count,
            bought - bought_before,
            bought_quote - bought_quote_before,
        )
        count = 0
    return divided


def _bursts(total: int, chance: memoryview, parts: int) -> list[int]:
    """Return whole shares of a total by chance; they add up to it."""
    reached = list(accumulate(chance[:parts], initial=0))
    whole = reached[-1] + parts * _LEAST
    offset = chance[-1] * whole // _WHOLE
    ends = [(total * (r + n * _LEAST) + offset) // whole for n, r in enumerate(reached)]
    return [end - begin for begin, end in pairwise(ends)]


def _volumes(total: int, weights: list[int]) -> list[int]:
    """Return whole shares of a total in proportion to weights; they add up to it."""
    whole = sum(weights)
    ends = [total * reached // whole for reached in accumulate(weights, initial=0)]
    return [end - begin for begin, end in pairwise(ends)]


def _worth(total: int, volumes: list[int], prices: list[Four]) -> list[int]:
    """Return twice the worth of each volume, between its low and its high, so that it is the total.

    Where that cannot be, it comes as near as it can.
    """
    worth = [volume * (four[0] + four[3]) for volume, four in zip(volumes, prices, strict=True)]
    missing = total - sum(worth)
    extreme = 1 if missing > 0 else 2
    room = [v * 2 * four[extreme] - w for v, four, w in zip(volumes, prices, worth, strict=True)]
    whole = sum(room)
    if not whole:
        return worth
    if abs(missing) > abs(whole):
        missing = whole
    return [w + missing * r // whole for w, r in zip(worth, room, strict=True)]


def _prices(bar: Bar, mean: int, active: list[int], parts: int, chance: memoryview) -> list[Four]:
    """Return the prices of the parts that have trades, on a way that has nearly that mean."""
    height = bar.high - bar.low
    rise = bar.close - bar.open
    bend = 3 * (2 * mean - bar.open - bar.close)
    square = parts * parts
    highest = active[chance[-2] * len(active) // _WHOLE]
    lowest = active[chance[-3] * len(active) // _WHOLE]
    noise = 2 * parts
    before, last, prices = bar.open, active[-1], []
    for number in active:
        first, second = chance[noise + number], chance[noise + parts + number]
        after = bar.close
        if number != last:
            done = number + 1
            level = bar.open + (rise * done * parts + bend * done * (parts - done)) // square
            level += (first - _WHOLE // 2) * height // _WHOLE // 3
            after = max(bar.low, min(bar.high, level))
        high, low = (before, after) if before > after else (after, before)
        reach = height * second // _WHOLE // 4
        high = bar.high if number == highest else min(bar.high, high + reach)
        low = bar.low if number == lowest else max(bar.low, low - height // 4 + reach)
        low = min(low, before, after)
        prices.append((before, high, low, after))
        before = after
    return prices
