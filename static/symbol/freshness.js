// Freshness: for whoever asks, how long a price takes from the exchange to this page. It measures only while
// it is open.

import { shown } from "../page/figures.js";
import { write } from "../page/write.js";

/** Milliseconds between two measurements. */
const AGAIN = 10_000;

export class Freshness {
  #relay;
  #details;
  #places = {};
  /** { ahead, roundTrip } in milliseconds; null until it is measured. */
  #measured = null;
  #timer = 0;

  constructor(relay, details) {
    this.#relay = relay;
    this.#details = details;
    for (const element of details.querySelectorAll("[data-place]")) this.#places[element.dataset.place] = element;
    details.addEventListener("toggle", () => this.#toggle());
  }

  /** Shows a status of the relay's, if anybody looks. */
  show({ latency = null, delay = null }) {
    if (!this.#details.open) return;
    const { ahead = null, roundTrip = null } = this.#measured ?? {};
    this.#say("read", duration(latency));
    this.#say("brought", duration(delay === null || latency === null ? null : Math.max(0, delay - latency)));
    this.#say("whole", duration(delay));
    this.#say("round", duration(roundTrip));
    this.#say("clock", offset(ahead));
  }

  #say(place, text) {
    write(this.#places[place], text);
  }

  #toggle() {
    clearInterval(this.#timer);
    if (!this.#details.open) return;
    this.#timer = setInterval(() => this.#measure(), AGAIN);
    this.show(this.#relay.status);
    this.#measure();
  }

  async #measure() {
    if (document.hidden) return;
    try {
      this.#measured = await this.#relay.measure();
    } catch {
      // What was measured before is no longer known to be true.
      this.#measured = null;
    }
    this.show(this.#relay.status);
  }
}

function duration(milliseconds) {
  return Number.isFinite(milliseconds) ? `${shown(milliseconds.toFixed(0))} ms` : "not known now";
}

function offset(ahead) {
  if (!Number.isFinite(ahead)) return "not known now";
  if (Math.round(ahead) === 0) return "as the relay’s";
  return `${duration(Math.abs(ahead))} ${ahead > 0 ? "ahead of" : "behind"} the relay’s`;
}
