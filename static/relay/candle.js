// A candle: { time, open, high, low, close, volume, quote_volume, trades, updates, source }. `time` is when
// it opens, in milliseconds since 1970; prices and volumes are decimal strings and stay exact.

const DECIMAL = /^[0-9]{1,24}(\.[0-9]{1,24})?$/;

/** Milliseconds of a minute. */
export const MINUTE = 60_000;

/** Whether it is a decimal as the exchange writes prices: no sign, no exponent. */
export function isDecimal(text) {
  return typeof text === "string" && DECIMAL.test(text);
}

/** Milliseconds of every interval that candles can be had for. */
export const STEPS = new Map(
  Object.entries({
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
  }).map(([interval, seconds]) => [interval, seconds * 1_000]),
);

/** Whether it is an answer of /api/history, whoever gives it. */
export function isAnswer({ id, time, fields, candles }) {
  return typeof id === "string" && Number.isFinite(time) && Array.isArray(fields) && Array.isArray(candles);
}

/** The candles in the rows of an answer, without any that could not be one, in the order of time. */
export function read({ fields, candles }) {
  const read = [];
  for (const row of candles) {
    const candle = Object.fromEntries(fields.map((name, index) => [name, row?.[index]]));
    if (isCandle(candle) && !(candle.time <= read.at(-1)?.time)) read.push(candle);
  }
  return read;
}

/** The relay's own candle in a row of a live update: [time, open, high, low, close, updates]. */
export function own([time, open, high, low, close, updates]) {
  return { time, open, high, low, close, ...UNKNOWN, updates, source: "relay" };
}

/** A candle of one price. */
export function ofPrice(time, price) {
  return own([time, price, price, price, price, 1]);
}

export function isCandle({ time, open, high, low, close }) {
  return Number.isSafeInteger(time) && [open, high, low, close].every(isDecimal);
}

/** What two knew of the same time: the open of the first, the close of the second, the extremes of both. */
export function joined(first, second) {
  const high = compare(second.high, first.high) > 0 ? second.high : first.high;
  const low = compare(second.low, first.low) < 0 ? second.low : first.low;
  return { ...first, high, low, close: second.close };
}

/** Whether a decimal is more than another (positive), less (negative) or the same (0): exact at any length. */
export function compare(one, other) {
  const [[whole, fraction = ""], [than, part = ""]] = [one.split("."), other.split(".")];
  const places = Math.max(fraction.length, part.length);
  const difference = BigInt(whole + fraction.padEnd(places, "0")) - BigInt(than + part.padEnd(places, "0"));
  return difference > 0n ? 1 : difference < 0n ? -1 : 0;
}

/** What only the exchange knows. */
const UNKNOWN = { volume: null, quote_volume: null, trades: null };
