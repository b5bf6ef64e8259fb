// News: what has changed among candles since it was told last; it is told once a frame at most.

/** Milliseconds between two tellings in a hidden page, which has no frames. */
const HIDDEN = 200;

export class News {
  #ontell;
  #changed = new Map();
  #isReset = false;
  #isDue = false;

  /** ontell: takes { changed, reset }. */
  constructor(ontell) {
    this.#ontell = ontell;
  }

  /** A candle is new, or another one than before. */
  add(candle) {
    this.#changed.set(candle.time, candle);
    this.tell();
  }

  /** All that was told is void. */
  reset() {
    this.#changed.clear();
    this.#isReset = true;
    this.tell();
  }

  /** Something else is worth a look: nothing may have changed. */
  tell() {
    if (this.#isDue) return;
    this.#isDue = true;
    if (globalThis.document?.hidden !== false) setTimeout(() => this.#tellNow(), HIDDEN);
    else requestAnimationFrame(() => this.#tellNow());
  }

  #tellNow() {
    const changed = [...this.#changed.values()].sort((one, other) => one.time - other.time);
    const reset = this.#isReset;
    this.#changed.clear();
    this.#isReset = this.#isDue = false;
    this.#ontell({ changed, reset });
  }
}
