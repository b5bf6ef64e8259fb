// Ranking: which symbols a wall shows, and in which order: that of the market page's views.

import { Dollars } from "../market/dollars.js";
import { Pair } from "../market/pair.js";
import { sort, VIEWS } from "../market/views.js";

/** No wall knows whose favourites it would show. */
const NONE = new Set();

export class Ranking {
  #wish;
  #dollars = new Dollars();

  constructor(wish) {
    this.#wish = wish;
  }

  /** The symbols in their order. tickers: all that are known; standing: (symbol) → how it stands. */
  symbols(tickers, standing) {
    if (this.#wish.symbols.length) return this.#wish.symbols;
    this.#dollars.renew(tickers.values());
    const view = VIEWS[this.#wish.view];
    const found = [];
    for (const ticker of tickers.values()) {
      const pair = new Pair(ticker, standing(ticker.symbol));
      if ((this.#wish.quote && pair.kind !== this.#wish.quote) || !view.has(pair, NONE)) continue;
      pair.dollars = this.#dollars.worth(ticker.quote_volume || "", pair.quote);
      found.push([0, pair]);
    }
    return sort(found, view.key, view.descending).map(({ symbol }) => symbol);
  }
}
