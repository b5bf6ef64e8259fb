// CandleList: candles in the order of time, one of each time, as many as a page can hold.

import { joined } from "./candle.js";

/** Candles that are held; the oldest go first. */
const MOST = 20_000;

export class CandleList {
  candles = [];
  #onput;

  /** onput: is told of every candle that is new or another one than before. */
  constructor(onput) {
    this.#onput = onput;
  }

  get isFull() {
    return this.candles.length >= MOST;
  }

  clear() {
    this.candles = [];
  }

  /** The candle that opens at a time, if it is held. */
  at(time) {
    return this.candles[this.#placeOf(time)];
  }

  /** Puts one candle in its place. */
  put(candle) {
    const { candles } = this;
    const place = this.#placeOf(candle.time);
    if (place >= 0) candles[place] = candle;
    else candles.splice(~place, 0, candle);
    if (candles.length > MOST) candles.shift();
    this.#onput(candle);
  }

  /** Merges ascending candles; of those from `running` on, what is held is newer. */
  merge(rows, running) {
    const { candles } = this;
    const merged = [];
    let place = 0;
    for (const row of rows) {
      while (candles[place]?.time < row.time) merged.push(candles[place++]);
      const held = candles[place]?.time === row.time ? candles[place++] : null;
      const chosen = choose(held, row, row.time >= running);
      merged.push(chosen);
      if (chosen !== held) this.#onput(chosen);
    }
    this.candles = merged.concat(candles.slice(place)).slice(-MOST);
  }

  /** Where a candle of that time stands; ~place to insert it at if there is none. */
  #placeOf(time) {
    const { candles } = this;
    let [from, to] = [0, candles.length];
    if (candles.at(-1)?.time < time) from = to;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (candles[middle].time < time) from = middle + 1;
      else to = middle;
    }
    return candles[from]?.time === time ? from : ~from;
  }
}

/** Which of two candles of one time to hold: the exchange's own counts, else what is newer. */
function choose(held, row, isOlder) {
  if (!held || row.source === "exchange") return row;
  if (held.source === "exchange") return held;
  // A worker that lags knows less of a minute that is over.
  if (held.source === "relay" && row.source === "relay" && held.updates > row.updates) return held;
  return isOlder ? { ...joined(row, held), updates: held.updates } : row;
}
