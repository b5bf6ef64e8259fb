// MinuteClock: strikes some seconds after each minute, by the relay's clock, and not for all clients at once.

import { MINUTE } from "./candle.js";

/** Milliseconds after a minute's end at which it strikes: any time between. */
const SETTLED = [5_000, 20_000];

export class MinuteClock {
  /** Milliseconds that our clock is ahead of the relay's. */
  ahead = 0;
  #onstrike;
  #timer = 0;

  constructor(onstrike) {
    this.#onstrike = onstrike;
    this.#wind();
  }

  /** The relay's time, in milliseconds since 1970. */
  get now() {
    return Date.now() - this.ahead;
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #wind() {
    const settled = SETTLED[0] + Math.random() * (SETTLED[1] - SETTLED[0]);
    this.#timer = setTimeout(
      () => {
        this.#wind();
        this.#onstrike();
      },
      MINUTE - (this.now % MINUTE) + settled,
    );
  }
}
