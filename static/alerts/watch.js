// Watch: holds the prices that come against the alerts.

import { made } from "../page/figures.js";
import { Prices } from "../relay/prices.js";
import { isMet } from "./alert.js";
import { claim } from "./claim.js";

/** Updates a second of each symbol while the page is seen, and while it is hidden. */
const RATE = 2;
const HIDDEN_RATE = 0.2;
/** How a symbol stands while its price is the newest that there is. */
const FRESH = ["live", "quiet"];

export class Watch {
  #list;
  #onfire;
  /** The prices of what is waited for, over the page's own connection; null while nothing is. */
  #prices = null;
  #symbols = "";
  #claiming = new Set();

  /**
   * onfire: takes an alert, its ticker, and whether prices are simulated, once it has gone off; it is called
   * in one of the browser's tabs.
   */
  constructor(list, onfire) {
    this.#list = list;
    this.#onfire = onfire;
    list.addEventListener("change", () => this.#adapt());
    this.#adapt();
  }

  /** Listens to the symbols that are waited for, and to nothing while there are none. */
  #adapt() {
    const symbols = [...new Set(this.#list.armed.map(({ symbol }) => symbol))].sort();
    if (symbols.join() !== this.#symbols) {
      this.#symbols = symbols.join();
      this.#prices?.close();
      this.#prices = symbols.length ? new Prices({ symbols, rate: RATE, hidden: HIDDEN_RATE }) : null;
      this.#prices?.addEventListener("updates", () => this.#look());
      // A price may become fresh again without a newer one.
      this.#prices?.addEventListener("status", () => this.#look());
    }
    this.#look();
  }

  #look() {
    const prices = this.#prices;
    for (const alert of this.#list.armed) {
      const ticker = prices.tickers.get(alert.symbol);
      if (!ticker || !isMet(alert, ticker.price) || !FRESH.includes(prices.stateOf(alert.symbol))) continue;
      this.#fire(alert, ticker, prices.status.simulated);
    }
  }

  async #fire(alert, ticker, simulated) {
    if (this.#claiming.has(alert.id)) return;
    this.#claiming.add(alert.id);
    const time = made(ticker) ?? Date.now();
    const won = await claim(this.#list, alert.id, { price: ticker.price, time });
    this.#claiming.delete(alert.id);
    if (won) this.#onfire(this.#list.get(alert.id) ?? alert, ticker, simulated);
  }
}
