// Relay: live prices and candles in any web page, without dependencies. It imports its parts from beside
// this file, so load it from a relay, or take its neighbours along. See relay/prices.js for all but candles.
//
//   import { Relay } from "/static/relay.js";
//   const relay = new Relay({ symbols: ["BTCUSDT"], rate: 2 });
//   const held = relay.candles("BTCUSDT", "1m", ({ changed, reset }) => ...);  its candles, kept up to date
//   relay.close();
//
// `held.candles` are { time, open, high, low, close, volume, quote_volume, trades, updates, source },
// ascending, one of each time; times are milliseconds since 1970, prices are strings. `source` is exchange, or
// relay or both where the relay made them of the updates it read. Until `held.complete`, `held.reason` says
// what is missing. `held.older()` loads earlier ones, until `held.isOldest`; `held.close()` ends it. What
// changed is told once a frame at most; after a reset, what was drawn before is void.

import { Candles } from "./relay/candles.js";
import { Prices } from "./relay/prices.js";
import { upper } from "./relay/wish.js";

export { Prices };

/** Milliseconds between two questions for candles where only polls get through, which bring none. */
const POLLED = 5_000;

export class Relay extends Prices {
  /** The candles that are kept up to date. */
  #followed = new Set();
  /** When that was, by a clock that nobody puts back. */
  #asked = -Infinity;

  /**
   * The candles of a symbol: 1s, 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 8h, 12h or 1d. They go on over this
   * connection, which is made anew if it does not bring candles of that symbol yet.
   */
  candles(symbol, interval, onchange = () => {}) {
    const name = upper(symbol);
    const candles = new Candles(name, interval, onchange, this.addresses, () => this.#followed.delete(candles));
    this.#followed.add(candles);
    this.#widen(name);
    return candles;
  }

  close() {
    for (const candles of this.#followed) candles.close();
    super.close();
  }

  take(updates, isThin) {
    for (const candles of this.#followed) {
      for (const update of updates) candles.take(update, this.idOf(update.symbol));
    }
    if (!isThin || performance.now() - this.#asked < POLLED) return;
    this.#asked = performance.now();
    for (const candles of this.#followed) candles.renew();
  }

  greet(said, isFirst) {
    for (const candles of this.#followed) candles.greet(said, isFirst);
  }

  /** Has the connection bring candles, also of this symbol. */
  #widen(symbol) {
    const { symbols, fields } = this.wish;
    const isNamed = !symbols || symbols.includes(symbol);
    if (isNamed && fields === "candle") return;
    this.rewish({ ...this.wish, fields: "candle", symbols: isNamed ? symbols : [...symbols, symbol].sort() });
  }
}
