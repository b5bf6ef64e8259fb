// Members: the other pages that share a connection, and what each of them wants of it.

import { isWish } from "./wish.js";

/** Pages that are known at most. */
const MOST = 200;

export class Members {
  /** By who they are: { wishes, isHere }. */
  #pages = new Map();

  /** What all of them want. */
  get wishes() {
    return [...this.#pages.values()].flatMap(({ wishes }) => wishes);
  }

  /** A page says what it wants; false where that is nothing to want, or there are too many pages. */
  welcome(from, wishes) {
    if (!wishes.every(isWish) || (this.#pages.size >= MOST && !this.#pages.has(from))) return false;
    this.#pages.set(from, { wishes, isHere: true });
    return true;
  }

  delete(from) {
    this.#pages.delete(from);
  }

  clear() {
    this.#pages.clear();
  }

  /** All are asked anew: those that have said nothing since they were asked last are gone. */
  callRoll() {
    for (const [from, page] of this.#pages) {
      if (page.isHere) page.isHere = false;
      else this.#pages.delete(from);
    }
  }
}
