"""Merge: candles of longer intervals, made from shorter ones."""

from collections.abc import Iterable

import msgspec

from relay.candle import Candle, joined


def aggregated(candles: Iterable[Candle], seconds: int) -> list[Candle]:
    """One candle for each interval of so many seconds in which there is any; the oldest first, as they
    come."""
    found: list[Candle] = []
    for candle in candles:
        time = candle.time // seconds * seconds
        if found and found[-1].time == time:
            found[-1] = _at(time, joined(found[-1], candle))
        else:
            found.append(_at(time, candle))
    return found


def total(candles: Iterable[Candle]) -> Candle | None:
    """What all of them amount to; None for none."""
    whole = None
    for candle in candles:
        whole = candle if whole is None else joined(whole, candle)
    return whole


def _at(time: int, candle: Candle) -> Candle:
    return candle if candle.time == time else msgspec.structs.replace(candle, time=time)
