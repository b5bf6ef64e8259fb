// Board: the tiles on the wall, as many as have room, each in its place.

import { fit, leastSize } from "./fit.js";
import { Tile } from "./tile.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Board {
  #list;
  #tiles = new Map();

  /** list: the element that the tiles are put in. */
  constructor(list) {
    this.#list = list;
    document.documentElement.style.setProperty("--least", `${leastSize(innerWidth, innerHeight)}px`);
  }

  /** The tiles that are shown, by symbol. */
  get tiles() {
    return this.#tiles;
  }

  /** Makes room for `number` tiles, or as many as there can be; returns how many there is room for. */
  resize(number) {
    const least = leastSize(innerWidth, innerHeight);
    document.documentElement.style.setProperty("--least", `${least}px`);
    const { columns, rows, size } = fit(this.#list.clientWidth, this.#list.clientHeight, least, number);
    this.#list.style.setProperty("--columns", columns);
    this.#list.style.setProperty("--rows", rows);
    this.#list.style.setProperty("--size", `${size}px`);
    return columns * rows;
  }

  /** Shows these symbols in this order. Tiles that stay go to their places; returns those that are new. */
  arrange(symbols) {
    const places = still.matches ? null : this.#places();
    const added = [];
    const wanted = new Set(symbols);
    for (const [symbol, tile] of this.#tiles) {
      if (wanted.has(symbol)) continue;
      tile.element.remove();
      this.#tiles.delete(symbol);
    }
    let next = this.#list.firstElementChild;
    for (const symbol of symbols) {
      if (!this.#tiles.has(symbol)) {
        this.#tiles.set(symbol, new Tile(symbol));
        added.push(this.#tiles.get(symbol));
      }
      const { element } = this.#tiles.get(symbol);
      if (element === next) next = next.nextElementSibling;
      else this.#list.insertBefore(element, next);
    }
    if (places) this.#move(places);
    return added;
  }

  #places() {
    const places = new Map();
    for (const [symbol, { element }] of this.#tiles) places.set(symbol, element.getBoundingClientRect());
    return places;
  }

  /** Lets each tile begin where it was, and glide to where it is now. */
  #move(places) {
    const moves = [];
    for (const [symbol, { element }] of this.#tiles) {
      const [from, to] = [places.get(symbol), element.getBoundingClientRect()];
      const [right, down] = from ? [from.left - to.left, from.top - to.top] : [0, 0];
      if (right || down) moves.push([element, right, down]);
    }
    for (const [{ style }, right, down] of moves) {
      style.transition = "none";
      style.transform = `translate(${right}px, ${down}px)`;
    }
    void this.#list.offsetWidth;
    for (const [{ style }] of moves) style.transition = style.transform = "";
  }
}
