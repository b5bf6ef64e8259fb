// How an alert reads.

import { plain, shown, shownClock } from "../page/figures.js";
import { Zone } from "../page/zone.js";

const WAYS = { above: "at or above", below: "at or below" };

/** What is waited for: "BTCUSDT at or above 67,000". */
export function wanted({ symbol, way, price }) {
  return `${symbol} ${WAYS[way]} ${figure(price)}`;
}

/** What set it off: "67,001.5 at 12:04:31". Of another day, that day too. */
export function reached({ price, time }) {
  return `${figure(price)} at ${when(time)}`;
}

function figure(price) {
  return shown(plain(price));
}

function when(time) {
  const [day, today] = [time, Date.now()].map((each) => Zone.chosen.date(each));
  return day === today ? shownClock(time) : `${day}, ${shownClock(time)}`;
}
