// Tile: one symbol on the wall.

import { split } from "../market/dollars.js";
import { drawLine } from "../market/sparklines.js";
import { decimals, direction, number, percentChanged, plain, shown, signed, word } from "../page/figures.js";
import { flash } from "../page/flash.js";
import { SAID } from "../page/standing.js";
import { write } from "../page/write.js";

/** Digits of a price that a tile has room for in full size, and how many of them a point or comma is. */
const ROOM = 10.5;
const SEPARATOR = 0.55;

const pattern = document.createElement("template");
pattern.innerHTML =
  "<li><p><b></b> <span></span></p><p><strong></strong></p><p><span></span> <small></small>" +
  '<svg viewBox="0 0 1 24" preserveAspectRatio="none" aria-hidden="true" hidden><path /></svg></p></li>';

export class Tile {
  #ticker = null;
  /** Decimals of the price: the most that there were, or it would tremble as it moves. */
  #places = 0;
  #base;
  #quote;
  #price;
  #percent;
  #mark;
  #line;

  constructor(symbol) {
    this.symbol = symbol;
    this.element = pattern.content.firstChild.cloneNode(true);
    this.element.dataset.symbol = symbol;
    [this.#base, this.#quote, this.#price, this.#percent, this.#mark] = this.element.querySelectorAll(
      "b, span, strong, small",
    );
    this.#line = this.element.querySelector("svg");
    this.#name({ symbol });
  }

  /** Draws the line of its last 24 hours, or none. */
  draw(line) {
    drawLine(this.#line, line);
  }

  /** Shows a newer ticker. */
  show(ticker) {
    const before = this.#ticker && number(this.#ticker.price);
    if (!this.#ticker || this.#ticker.quote !== ticker.quote) this.#name(ticker);
    this.#ticker = ticker;
    this.#places = Math.max(this.#places, decimals(ticker));
    const price = shown(plain(ticker.price, this.#places));
    const percent = signed(percentChanged(ticker));
    if (write(this.#price, price)) {
      this.element.style.setProperty("--long", Math.max(digits(price) / ROOM, 1));
      if (before !== null) flash(this.#price, before, number(ticker.price));
    }
    write(this.#percent, shown(percent));
    this.#percent.dataset.sign = direction(percent);
  }

  /** Says how the symbol stands, unless it is live or quiet; `status` is the exchange's word for a halt. */
  stand(standing, status) {
    if (this.element.dataset.standing === standing) return;
    this.element.dataset.standing = standing;
    const said = status ? word(status).toLowerCase() : standing;
    write(this.#mark, SAID.includes(standing) ? said : "");
  }

  #name(ticker) {
    const [base, quote] = split(ticker);
    write(this.#base, base);
    write(this.#quote, quote && `/ ${quote}`);
  }
}

/** How long a price is, in digits. */
function digits(price) {
  const separators = price.replace(/\p{N}/gu, "").length;
  return price.length - separators + separators * SEPARATOR;
}
