// Row: one symbol's line in the market table, and the values it is sorted by.

import { clock, compact, decimals, direction, made, number, percentChanged, plain, signed } from "../page/figures.js";
import { flash } from "../page/flash.js";
import { markOf, stand } from "../page/standing.js";

const pattern = document.createElement("template");
pattern.innerHTML =
  '<tr><th scope="row"><a></a></th><td></td><td></td><td></td><td></td><td></td><td></td></tr>';

export class Row {
  /** From a line that the server rendered, or a new one. */
  constructor(symbol, element = create(symbol)) {
    this.symbol = symbol;
    this.element = element;
    this.cells = element.children;
    this.ticker = null;
    /** Only what is in sight flashes: a thousand that nobody sees cost as much. */
    this.inSight = false;
    element.role = "row";
    for (const cell of this.cells) cell.role = cell.tagName === "TH" ? "rowheader" : "cell";
  }

  get price() {
    return number(this.ticker?.price ?? this.cells[1].textContent) ?? 0;
  }
  get percent() {
    return (this.ticker ? percentChanged(this.ticker) : parseFloat(this.cells[2].textContent)) || 0;
  }
  get high() {
    return number(this.ticker ? this.ticker.high : this.cells[3].textContent) ?? 0;
  }
  get low() {
    return number(this.ticker ? this.ticker.low : this.cells[4].textContent) ?? 0;
  }
  get volume() {
    return number(this.ticker ? this.ticker.quote_volume : this.cells[5].dataset.value) ?? 0;
  }
  get time() {
    return this.ticker ? made(this.ticker) : Number(this.cells[6].dataset.value);
  }

  /** Marks the row unless the symbol is live; `status` is the exchange's word where it is halted. */
  stand(standing, status) {
    if (!stand(this.element, standing)) return;
    this.cells[0].querySelector("small")?.remove();
    if (standing !== "live") this.cells[0].append(markOf(standing, status));
  }

  /** Shows a newer ticker; only the cells that say something new are touched. */
  show(ticker) {
    const before = this.price;
    this.ticker = ticker;
    const places = decimals(ticker);
    const percent = signed(percentChanged(ticker));
    const way = direction(percent);
    const { high = "", low = "", quote_volume: volume = "" } = ticker;
    const moved = this.#set(1, plain(ticker.price, places));
    this.#set(2, percent);
    this.#set(3, plain(high, places));
    this.#set(4, plain(low, places));
    this.#set(5, compact(volume));
    this.#set(6, clock(made(ticker)));
    if (this.cells[2].dataset.sign !== way) this.cells[2].dataset.sign = way;
    if (moved && this.inSight) flash(this.cells[1], before, this.price);
  }

  /** Draws the line of the last 24 hours; its column says nothing that the figures do not. */
  draw(line) {
    this.cells[7]?.remove();
    const cell = document.createElement("td");
    cell.ariaHidden = "true";
    cell.append(line);
    this.element.append(cell);
  }

  #set(index, text) {
    const cell = this.cells[index];
    const node = cell.firstChild;
    if (node === null) cell.textContent = text;
    else if (node.data === text) return false;
    else node.data = text;
    return true;
  }
}

function create(symbol) {
  const element = pattern.content.firstChild.cloneNode(true);
  const link = element.querySelector("a");
  element.dataset.symbol = symbol;
  link.textContent = symbol;
  link.href = `/symbols/${encodeURIComponent(symbol)}`;
  return element;
}
