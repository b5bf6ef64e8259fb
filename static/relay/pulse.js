// Pulse: when a stream was heard last, how often it usually has something to say, and whether it is silent for long.

import { LATE } from "./health.js";

/**
 * A stream is busy while its bursts come so close: milliseconds without anything within one, and between two at most;
 * so many of them tell. Milliseconds of silence after which a busy one is asked about, or three times its pace.
 */
const BURST = 100;
const BUSY = 1_500;
const BURSTS = 5;
const SILENT = 3_000;

export class Pulse {
  /** When it was heard last. */
  heardAt = 0;

  /** The longest gap between two bursts of late, in milliseconds, and how many bursts there were. */
  #pace = 0;
  #bursts = 0;
  /** Whether the relay has news: what it says without any tells nothing of the pace. */
  #isFed = true;
  /** Milliseconds of silence that even heartbeats do not explain. */
  #most = 12_000 * LATE;

  /** Another stream delivers from now on. */
  begin() {
    this.heardAt = Date.now();
    this.#bursts = this.#pace = 0;
  }

  /** It has said this now. */
  hear({ state, heartbeat }) {
    const gap = Date.now() - this.heardAt;
    const wasFed = this.#isFed;
    if (state) this.#isFed = state === "live";
    if (gap > BURST) {
      if (wasFed && this.#isFed) this.#pace = Math.max(gap, this.#pace * 0.9);
      this.#bursts += 1;
    }
    this.heardAt += gap;
    if (heartbeat > 0) this.#most = heartbeat * 1000 * LATE;
  }

  /** The relay answered for it, which had nothing to say since then. */
  excuse(since) {
    this.#pace = Date.now() - since;
  }

  /** lost: so long that it has failed. odd: longer than is usual for one that is busy. Else nothing. */
  silence() {
    const now = Date.now();
    // A clock that was put back makes nothing newer than it was: from here on it counts anew.
    this.heardAt = Math.min(this.heardAt, now);
    const silence = now - this.heardAt;
    if (silence > this.#most) return "lost";
    const isBusy = this.#bursts >= BURSTS && this.#pace <= BUSY;
    return isBusy && silence > Math.max(SILENT, 3 * this.#pace) ? "odd" : "";
  }
}
