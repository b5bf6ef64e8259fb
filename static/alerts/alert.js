// Alert: what somebody wants to be told of, and whether it has gone off.
//
//   { id, symbol, way: "above" | "below", price, sound, notify, fired }
//
// `price` is a decimal as text. It goes off at that price already. `fired` is null while it is armed, else
// { price, time, by }: the price that set it off, when that was made, and the tab that told of it.

import { compare, isDecimal } from "./decimal.js";

const SYMBOL = /^[\p{L}\p{M}\p{N}_]{1,32}$/u;
const ID = /^[0-9a-z]{1,12}-[0-9a-z]{1,12}$/;

/** A new alert, armed. */
export function create(symbol, way, price, sound, notify) {
  const id = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`;
  return { id, symbol, way, price, sound, notify, fired: null };
}

/** A symbol as it is listed, of what somebody typed; "" where it can be none. */
export function symbolOf(text) {
  const symbol = text.replace(/[\s/-]/g, "").replace(/[a-z]/g, (letter) => letter.toUpperCase());
  return SYMBOL.test(symbol) ? symbol : "";
}

/** Whether a price sets it off. */
export function isMet({ way, price }, now) {
  if (!isDecimal(now)) return false;
  return way === "above" ? compare(now, price) >= 0 : compare(now, price) <= 0;
}

/** The alert that was kept as this text; null where it is none. */
export function read(text) {
  let kept;
  try {
    kept = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof kept !== "object" || kept === null) return null;
  const { id, symbol, way, price, sound, notify, fired } = kept;
  if (!isText(id, ID) || !isText(symbol, SYMBOL) || !isDecimal(price)) return null;
  if (way !== "above" && way !== "below") return null;
  return { id, symbol, way, price, sound: sound === true, notify: notify === true, fired: readFired(fired) };
}

function readFired(fired) {
  if (typeof fired !== "object" || fired === null) return null;
  const { price, time, by } = fired;
  const isTime = Number.isFinite(time) && Math.abs(time) < 8.64e15;
  return { price: isDecimal(price) ? price : "", time: isTime ? time : 0, by: isText(by, ID) ? by : "" };
}

function isText(value, pattern) {
  return typeof value === "string" && pattern.test(value);
}
