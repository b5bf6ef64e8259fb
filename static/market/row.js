// Row: one line of the market table. It shows one pair, and later another one: there are as many as are in sight.

import { compact, direction, fixed, plain, shown, shownClock, signed } from "../page/figures.js";
import { flash } from "../page/flash.js";
import { markOf, stand } from "../page/standing.js";
import { write } from "../page/write.js";
import { drawLine } from "./sparklines.js";

const pattern = document.createElement("template");
pattern.innerHTML =
  '<tr role="row"><th role="rowheader" scope="row"><a tabindex="-1"><b></b><span></span></a><i></i></th>' +
  '<td role="gridcell"></td>'.repeat(6) +
  '<td aria-hidden="true"><svg viewBox="0 0 1 24" preserveAspectRatio="none"><path /></svg></td>' +
  '<td role="gridcell"><button type="button" tabindex="-1"></button></td></tr>';

/** Characters of a price from which on it is set smaller, and smallest, with the whole of it as a title too. */
const [LONG, VERY_LONG] = [11, 17];
/** Characters of a symbol from which on a narrow screen shows it smaller. */
const WIDE = 13;

export class Row {
  pair = null;
  /** The number that the price cell shows. */
  #value = null;

  get symbol() {
    return this.pair.symbol;
  }

  constructor() {
    this.element = pattern.content.firstChild.cloneNode(true);
    this.link = this.element.querySelector("a");
    this.star = this.element.querySelector("button");
    const cells = this.element.children;
    [this.head, this.price, this.percent, this.high, this.low, this.volume, this.time] = cells;
    [this.base, this.quote] = this.link.children;
    this.coin = this.head.lastElementChild;
    this.line = this.element.querySelector("svg");
  }

  /** Shows what is known of a pair now; only what is new is written. */
  show(pair) {
    const before = this.pair === pair ? this.#value : null;
    if (this.pair !== pair) this.#name(pair);
    const { ticker } = pair;
    const { places } = pair;
    const price = plain(ticker.price, places);
    this.#measure(price);
    const percent = signed(pair.percent);
    const way = direction(percent);
    if (this.percent.dataset.sign !== way) this.percent.dataset.sign = way;
    const moved = write(this.price, shown(price));
    const far = write(this.percent, shown(percent));
    const high = write(this.high, shown(plain(ticker.high ?? "", places)));
    const low = write(this.low, shown(plain(ticker.low ?? "", places)));
    write(this.volume, amount(pair.dollars));
    write(this.time, shownClock(pair.time));
    if (moved || far || high || low) this.#entitle();
    this.#value = pair.price;
    if (moved && before !== null) flash(this.price, before, this.#value);
  }

  /** Many digits need smaller type. */
  #measure(price) {
    if (this.price.dataset.value === price) return;
    this.price.dataset.value = price;
    const { dataset } = this.element;
    if (price.length < LONG) delete dataset.long;
    else dataset.long = price.length < VERY_LONG ? "" : "very";
  }

  /** What may be cut is said whole where the pointer rests. */
  #entitle() {
    for (const cell of [this.price, this.percent, this.high, this.low]) {
      const title = cell.textContent.length < VERY_LONG ? "" : cell.textContent;
      if (cell.title !== title) cell.title = title;
    }
  }

  #name(pair) {
    this.pair = pair;
    this.element.dataset.symbol = pair.symbol;
    this.link.href = `/symbols/${encodeURIComponent(pair.symbol)}`;
    write(this.base, pair.base);
    write(this.quote, pair.quote && `/${pair.quote}`);
    write(this.coin, pair.coin);
    this.link.toggleAttribute("data-wide", pair.symbol.length >= WIDE);
    this.star.ariaLabel = `Favourite ${pair.base}${pair.quote && "/"}${pair.quote}`;
    delete this.price.dataset.flash;
  }

  /** Marks the row unless the symbol is live. */
  stand() {
    const { standing, ticker } = this.pair;
    if (!stand(this.element, standing)) return;
    this.head.querySelector("small")?.remove();
    if (standing !== "live") this.link.after(markOf(standing, ticker.status));
  }

  /** Whether its star is set. */
  favour(isFavourite) {
    const pressed = String(isFavourite);
    if (this.star.ariaPressed !== pressed) this.star.ariaPressed = pressed;
  }

  /** Its place among all rows, from 0 on. */
  place(index, top) {
    this.element.style.transform = `translateY(${top}px)`;
    // The line of the column heads is the first one.
    this.element.ariaRowIndex = index + 2;
  }

  /** Draws the line of the last 24 hours, or none; its column says nothing that the figures do not. */
  draw(line) {
    drawLine(this.line, line);
  }
}

/** US dollars in a few digits. */
function amount(dollars) {
  if (dollars === null) return "–";
  return shown(compact(fixed(dollars, dollars < 1000 ? 2 : 0))) || "–";
}
