// Empty: what is said where there are no rows, and what to do about it.

import { say } from "../page/write.js";

const block = document.getElementById("empty");
const text = block.querySelector("p");
const button = block.querySelector("button");

const WORDS = {
  favourites: "No favourites yet. Press the star of a symbol, or the key F while you are in its row.",
  gainers: "No symbol has risen by more than one tick in 24 hours.",
  losers: "No symbol has fallen by more than one tick in 24 hours.",
  active: "No symbol is traded at present.",
  new: "The relay has not seen a symbol being listed in the last 30 days.",
};

export class Empty {
  #choices;
  #remedy = null;

  constructor(choices) {
    this.#choices = choices;
    button.addEventListener("click", () => this.#remedy?.());
  }

  /** found: rows that there are; all: symbols that are known; inView: symbols of the view, of whatever quote. */
  show(found, all, inView) {
    block.hidden = found > 0;
    if (found > 0) return;
    const { search, view, quote } = this.#choices;
    if (all === 0) this.#say("Waiting for the first prices.");
    else if (!search.isEmpty) this.#say(`Nothing here is called “${search.text}”.`, "Clear the search", () => this.#choices.seek(""));
    else if (quote !== "all" && inView > 0) this.#say("None with this quote.", "Show all quotes", () => this.#choices.narrow("all"));
    else this.#say(WORDS[view] ?? "No symbols.", view === "all" ? "" : "Show all symbols", () => this.#choices.look("all"));
  }

  #say(words, label = "", remedy = null) {
    say(text, words);
    say(button, label);
    button.hidden = !label;
    this.#remedy = remedy;
  }
}
