// Table: of all rows only those in sight are in the document, and a few more above and below. Rows have one
// height, so each has its place before it is there. What is out of sight costs nothing.

import { Row } from "./row.js";

/** Rows above and below those in sight that are there already when somebody scrolls. */
const SPARE = 8;

export class Table {
  /** The pairs in their order. */
  pairs = [];
  /** The pair that the keyboard is at; null before it was used. */
  active = null;

  #grid;
  #body;
  #head;
  #onshow;
  /** Rows by their pair, in the order of the document. */
  #rows = new Map();
  #spare = [];
  #changed = new Set();
  #stop = null;
  #frame = 0;
  #rowHeight = 0;
  /** Pixels at the top of the window that sticking heads cover. */
  #covered = 0;

  /** grid: the table element. onshow: takes a row that begins to show a pair. */
  constructor(grid, onshow) {
    this.#grid = grid;
    this.#head = grid.tHead;
    [this.#body] = grid.tBodies;
    this.#onshow = onshow;
    this.measure();
    addEventListener("scroll", () => this.draw(), { passive: true });
    addEventListener("resize", () => this.measure());
    this.#body.addEventListener("focusin", ({ target }) => {
      this.active = this.rowOf(target)?.pair ?? this.active;
      this.draw();
    });
  }

  /** The rows that are in sight, or nearly. */
  get rows() {
    return this.#rows.values();
  }

  /** The row that an element stands in; undefined if in none. */
  rowOf(element) {
    const { symbol } = element.closest("tr").dataset;
    for (const [pair, row] of this.#rows) if (pair.symbol === symbol) return row;
    return undefined;
  }

  /** Shows these pairs, in this order. */
  show(pairs) {
    this.pairs = pairs;
    this.#makeRoom();
    this.draw();
  }

  /** A pair has changed. Returns whether it is in sight: else nothing needs to be done. */
  touch(pair) {
    if (!this.#rows.has(pair)) return false;
    this.#changed.add(pair);
    this.draw();
    return true;
  }

  /** Everything may look different now. */
  touchAll() {
    for (const pair of this.#rows.keys()) this.#changed.add(pair);
    this.draw();
  }

  /** The height of rows, or of what sticks above them, may be another one now. */
  measure() {
    this.#rowHeight = parseFloat(getComputedStyle(this.#grid).getPropertyValue("--row-height"));
    this.#covered = parseFloat(getComputedStyle(this.#head).top) + this.#head.offsetHeight;
    for (const row of this.#rows.values()) row.index = -1;
    this.#makeRoom();
    this.draw();
  }

  /** Room for all rows, also those that are not there. */
  #makeRoom() {
    this.#body.style.height = `${this.pairs.length * this.#rowHeight}px`;
    this.#grid.ariaRowCount = this.pairs.length + 1;
  }

  /** In the next frame. */
  draw() {
    this.#frame ||= requestAnimationFrame(() => this.#render());
  }

  /** Moves the keyboard to a row, and the row into sight. */
  focus(index) {
    const at = Math.min(Math.max(index, 0), this.pairs.length - 1);
    if (at < 0) return;
    this.active = this.pairs[at];
    this.#scrollTo(at);
    this.#render();
    this.#rows.get(this.active).link.focus({ preventScroll: true });
  }

  /** Rows that have room in the window, beneath the heads. */
  get perPage() {
    return Math.max(1, Math.floor((innerHeight - this.#covered) / this.#rowHeight) - 1);
  }

  /** Scrolls back to the first row, if it is above. */
  scrollToTop() {
    const above = this.#covered - this.#body.getBoundingClientRect().top;
    if (above > 0) scrollBy(0, -above);
  }

  #scrollTo(index) {
    const top = this.#body.getBoundingClientRect().top + index * this.#rowHeight;
    const beneath = top + this.#rowHeight - innerHeight;
    if (top < this.#covered) scrollBy(0, top - this.#covered);
    else if (beneath > 0) scrollBy(0, beneath);
  }

  /** Reads first, then writes. */
  #render() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const above = -this.#body.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(above / this.#rowHeight) - SPARE);
    const last = Math.min(this.pairs.length, Math.ceil((above + innerHeight) / this.#rowHeight) + SPARE);
    const focused = this.#body.contains(document.activeElement) ? this.rowOf(document.activeElement) : undefined;
    const lost = focused && this.#rows.get(this.active) === focused ? focused.index : -1;

    const places = new Map();
    for (let index = first; index < last; index += 1) places.set(this.pairs[index], index);
    if (focused && !places.has(focused.pair)) {
      const index = this.pairs.indexOf(focused.pair);
      if (index >= 0) places.set(focused.pair, index);
    }
    this.#free(places);
    this.#fill(places);
    this.#arrange(places, focused?.element);
    for (const pair of this.#changed) this.#rows.get(pair)?.show(pair);
    this.#changed.clear();
    this.#offerStop(above);
    if (lost >= 0 && !this.pairs.includes(focused.pair)) this.focus(lost);
  }

  /** Takes out of the document what is out of sight. */
  #free(places) {
    for (const [pair, row] of this.#rows) {
      if (places.has(pair)) continue;
      this.#rows.delete(pair);
      this.#changed.delete(pair);
      row.element.remove();
      this.#spare.push(row);
    }
  }

  #fill(places) {
    for (const [pair, index] of places) {
      let row = this.#rows.get(pair);
      if (row === undefined) {
        row = this.#spare.pop() ?? new Row();
        row.index = -1;
        row.show(pair);
        this.#rows.set(pair, row);
        this.#onshow(row);
      }
      if (row.index === index) continue;
      row.index = index;
      row.place(index, index * this.#rowHeight);
    }
  }

  /** Puts the elements in the order of their places; the focused one would lose the focus if it moved. */
  #arrange(places, focused) {
    const ordered = [...places].sort((one, other) => one[1] - other[1]);
    let next = this.#body.firstElementChild;
    for (const [pair] of ordered) {
      const { element } = this.#rows.get(pair);
      if (element === next) next = next.nextElementSibling;
      else if (element === focused) next = element.nextElementSibling;
      else this.#body.insertBefore(element, next);
    }
  }

  /** Rows have one tab stop: the row that the keyboard was at, else the first one in sight. */
  #offerStop(above) {
    const top = Math.ceil(Math.max(0, above + this.#covered) / this.#rowHeight);
    const row = this.#rows.get(this.active) ?? this.#rows.get(this.pairs[Math.min(top, this.pairs.length - 1)]);
    if (row === this.#stop) return;
    if (this.#stop) this.#stop.link.tabIndex = -1;
    if (row) row.link.tabIndex = 0;
    this.#stop = row ?? null;
  }
}
