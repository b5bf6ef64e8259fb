"""Interval: how much time a candle spans."""

#: Seconds of each interval that may be asked for: Binance's, up to a day (rest-api.md, klines). All of them
#: begin at multiples of themselves since 1970, UTC.
SECONDS = {
    "1s": 1,
    "1m": 60,
    "3m": 180,
    "5m": 300,
    "15m": 900,
    "30m": 1_800,
    "1h": 3_600,
    "2h": 7_200,
    "4h": 14_400,
    "6h": 21_600,
    "8h": 28_800,
    "12h": 43_200,
    "1d": 86_400,
}
