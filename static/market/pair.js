// Pair: one symbol as the market shows it: its newest ticker, its assets' names, and what it is sorted by.

import { decimals, made, number, percentChanged } from "../page/figures.js";
import { kindOf, split } from "./dollars.js";
import { NAMES } from "./names.js";

/** Ticks that a price has to move by to count among gainers and losers, less what floats are wrong by. */
const MOVED = 1.5;

export class Pair {
  /** US dollars that were traded in 24 hours; null where no price says. */
  dollars = null;

  /** Decimals that its prices are shown with: the most that they had, or a price would tremble as it moves. */
  places = 0;

  /** ticker: its first; standing: how the symbol stands. */
  constructor(ticker, standing = "live") {
    this.symbol = ticker.symbol;
    this.standing = standing;
    this.take(ticker);
  }

  /** A newer ticker: what costs more is worked out when somebody asks. */
  take(ticker) {
    if (this.quote === undefined || ticker.quote !== this.ticker.quote) this.#name(ticker);
    this.ticker = ticker;
    this.places = Math.max(this.places, decimals(ticker));
  }

  #name(ticker) {
    [this.base, this.quote] = split(ticker);
    this.kind = kindOf(this.quote);
    this.coin = NAMES.get(this.base) ?? "";
  }

  get price() {
    return number(this.ticker.price);
  }

  get percent() {
    return percentChanged(this.ticker);
  }

  get high() {
    return number(this.ticker.high);
  }

  get low() {
    return number(this.ticker.low);
  }

  get time() {
    return made(this.ticker);
  }

  get trades() {
    return this.ticker.trades ?? null;
  }

  get listed() {
    return this.ticker.listed ?? null;
  }

  /** Whether somebody trades it now, as far as one can tell. */
  get isTraded() {
    return this.standing === "live" || this.standing === "quiet";
  }

  /** Which way it went in 24 hours: 1, -1, or 0 where it moved by one tick at most. */
  get way() {
    const percent = this.percent ?? 0;
    const [price, open] = [this.price, number(this.ticker.open)];
    if (price !== null && open !== null) {
      const ticks = Math.abs(price - open) * 10 ** decimals(this.ticker);
      if (ticks < MOVED) return 0;
    }
    return Math.sign(percent);
  }
}
