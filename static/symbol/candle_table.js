// CandleTable: the candles as a table, for those who cannot see the chart or want to read figures.

import { plain, shown } from "../page/figures.js";
import { write } from "../page/write.js";

/** Rows at most, the newest candles; templates/symbol.html says how many. */
const ROWS = 100;
/** Milliseconds between two fillings at least. */
const PAUSE = 1_000;

export class CandleTable {
  #details;
  #body;
  #head;
  #timer = 0;
  #fill = () => {};

  constructor(details) {
    this.#details = details;
    this.#body = details.querySelector("tbody");
    this.#head = details.querySelector("thead th");
    details.addEventListener("toggle", () => this.#fillNow());
  }

  /** Shows these candles, if and as soon as the table is open. */
  show(candles, decimals, zone, step) {
    this.#fill = () => {
      const newest = candles.slice(-ROWS).reverse();
      write(this.#head, `Opens, ${zone.name(newest[0]?.time ?? 0)}`);
      this.#body.replaceChildren(...newest.map((candle) => row(candle, decimals, zone, step)));
    };
    this.#timer ||= setTimeout(() => this.#fillNow(), PAUSE);
  }

  #fillNow() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.#details.open) this.#fill();
  }
}

function row(candle, decimals, zone, step) {
  const { open, high, low, close, volume, source } = candle;
  const element = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = zone.time(candle.time, step);
  const prices = [open, high, low, close].map((price) => shown(plain(price, decimals)));
  const cells = [...prices, volume === null ? "" : shown(plain(volume)), source].map((text) => {
    const cell = document.createElement("td");
    cell.textContent = text;
    return cell;
  });
  element.append(head, ...cells);
  return element;
}
