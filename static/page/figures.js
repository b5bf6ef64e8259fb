// How figures read, the same as relay/web/figures.py writes them. Prices stay strings.
// Nothing here throws, whatever a ticker holds: a text that is no decimal reads as nothing.
// What `shown` and `shownClock` return is for people's eyes only, in their locale and zone: only `typed` reads it back.

import { Numerals } from "./numerals.js";
import { Zone } from "./zone.js";

const numerals = new Numerals();

const DECIMAL = /^-?[0-9]{1,24}(\.[0-9]{1,24})?$/;
const UNITS = ["", "K", "M", "B", "T", "Q"];
/** Milliseconds since 1970 at which the year 10000 begins: no exchange means a later time. */
const LAST_TIME = 253_402_300_800_000;
/** From here on JavaScript writes an exponent. */
const EXPONENT = 1e21;
/** Characters of a word that is not ours: the exchange's HALT, BREAK, ... */
const WORD_LENGTH = 40;

/** A figure's value, always finite; null where it is no decimal. */
export function number(figure) {
  return isDecimal(figure) ? Number(figure) : null;
}

/** A price without the zeros that pad it, but for those up to `decimals`. */
export function plain(price, decimals = 0) {
  if (!isDecimal(price)) return "";
  const [whole, fraction = ""] = price.split(".");
  const kept = fraction.replace(/0+$/, "").padEnd(Math.min(decimals, fraction.length), "0");
  return kept ? `${whole}.${kept}` : whole;
}

/** How many decimals a symbol's prices have, judged by those at hand. */
export function decimals({ price, open, high, low }) {
  let most = 0;
  for (const each of [price, open, high, low]) {
    if (!isDecimal(each)) continue;
    let end = each.length;
    while (each[end - 1] === "0") end -= 1;
    const point = each.indexOf(".");
    if (point >= 0) most = Math.max(most, end - point - 1);
  }
  return most;
}

/** A volume's first three digits and a unit: 1.94B. */
export function compact(volume) {
  if (!isDecimal(volume)) return "";
  const [whole, fraction = ""] = volume.split(".");
  const unit = Math.min(Math.floor(Math.max(whole.length - 1, 0) / 3), UNITS.length - 1);
  if (unit === 0) return plain(`${whole}.${fraction.slice(0, whole === "0" ? 6 : 2)}`);
  const head = whole.length - 3 * unit;
  const rest = whole.slice(head, 3);
  return `${whole.slice(0, head)}${rest && "."}${rest}${UNITS[unit]}`;
}

/** Percent over 24 hours as a number: as the stream says, or from its open; null if unknown. */
export function percentChanged({ price, open, change_percent: said }) {
  if (said !== undefined) return number(said);
  const [now, opened] = [number(price), number(open)];
  return now !== null && opened ? (now / opened - 1) * 100 : null;
}

/** A number of JavaScript with so many decimals, and never with an exponent; it is finite. */
export function fixed(value, places) {
  return Math.abs(value) < EXPONENT ? value.toFixed(places) : BigInt(value) + (places ? `.${"0".repeat(places)}` : "");
}

/** With its sign and two decimals: +1.25%. */
export function signed(percent) {
  if (percent === null) return "";
  const text = fixed(percent, 2);
  return Number(text) === 0 ? "0.00%" : `${percent > 0 ? "+" : ""}${text}%`;
}

/** The way that a signed figure points: up, down or nothing. */
export function direction(signed) {
  return { "+": "up", "-": "down" }[signed[0]] ?? "";
}

/** Where the price stands between the low (0) and the high (99): a place to draw a mark at. */
export function placeInRange(ticker) {
  const [price, low, high] = [ticker.price, ticker.low, ticker.high].map(number);
  if (price === null || low === null || high === null || !(low < high)) return 49.5;
  return Math.min(Math.max((price - low) / (high - low), 0), 1) * 99;
}

/** When the price was made, as the exchange says, else when the relay read it; milliseconds. */
export function made({ event_time: time, received_time: read }) {
  return time > 0 && time < LAST_TIME ? time : read;
}

/** The time of day in UTC: 12:04:31. */
export function clock(milliseconds) {
  const seconds = ((Math.floor(milliseconds / 1000) % 86_400) + 86_400) % 86_400;
  return [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((part) => two(Math.floor(part))).join(":");
}

/** A figure as plain, compact or signed write it, with the separators and digits of the reader's locale. */
export function shown(figure) {
  return numerals.write(figure);
}

/**
 * The price that somebody typed, in his locale or with a point: { price, asks }. `price` is null where it is
 * none, or where it can mean two: then `asks` has both as nobody can mistake them, else it is [].
 */
export function typed(text) {
  const meant = numerals.read(text);
  if (meant.length === 1) return { price: meant[0], asks: [] };
  return { price: null, asks: meant.map((each) => numerals.bare(each)) };
}

/** The time of day where the reader wants it, local or UTC: 12:04:31. */
export function shownClock(milliseconds) {
  return clock(milliseconds + Zone.chosen.ahead(milliseconds));
}

/** What to call that time's zone: UTC, UTC+1, UTC−3:30. */
export function shownZone(milliseconds) {
  return Zone.chosen.name(milliseconds);
}

/** An age: 4 s, 2 min 05 s, 3 h 12 min. */
export function ago(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return `${Math.floor(seconds)} s`;
  if (minutes < 60) return `${minutes} min ${two(Math.floor(seconds % 60))} s`;
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** A word of the exchange's, as much of it as a page has room for. */
export function word(text) {
  return String(text).slice(0, WORD_LENGTH);
}

function isDecimal(figure) {
  return typeof figure === "string" && DECIMAL.test(figure);
}

function two(number) {
  return String(number).padStart(2, "0");
}
