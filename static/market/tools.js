// Tools: what stands above the rows. Views and quotes to choose among, the search, and the heads that sort.

import { shown } from "../page/figures.js";
import { settings } from "../page/settings.js";
import { say, write } from "../page/write.js";

const search = document.getElementById("search");
const radios = [...document.querySelectorAll(".tools input[type=radio]")];
const active = radios.find(({ value }) => value === "active");
const tallies = new Map([...document.querySelectorAll(".tools [data-tally]")].map((each) => [each.dataset.tally, each]));
const heads = [...document.querySelectorAll("#market th[data-key]")];
const count = document.getElementById("count");

export class Tools {
  #choices;

  constructor(choices) {
    this.#choices = choices;
    for (const radio of radios) {
      radio.disabled = false;
      radio.addEventListener("change", () => choices[radio.name === "view" ? "look" : "narrow"](radio.value));
    }
    for (const head of heads) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => choices.sortBy(head.dataset.key));
      head.append(button);
    }
    search.disabled = false;
    search.value = choices.search.text;
    search.addEventListener("input", () => choices.seek(search.value));
    this.show();
  }

  /** Shows what is chosen. */
  show() {
    const { view, quote, key, descending, isRanked, search: sought } = this.#choices;
    for (const radio of radios) radio.checked = radio.value === (radio.name === "view" ? view : quote);
    for (const head of heads) {
      if (isRanked || head.dataset.key !== key) head.ariaSort = null;
      else head.ariaSort = descending ? "descending" : "ascending";
    }
    const clock = heads.find((head) => head.dataset.key === "time").firstElementChild;
    say(clock, settings.get("zone") === "utc" ? "Time, UTC" : "Time");
    if (search.value.trim() !== sought.text) search.value = sought.text;
  }

  /** Where no trades are told, the most active would be those of the most volume, as all are. */
  offerActive(isCounted) {
    active.closest("label").hidden = !isCounted && this.#choices.view !== "active";
  }

  /** Says how many rows there are, of how many symbols, and how many with each kind of quote. */
  count(found, all, kinds) {
    for (const [kind, tally] of tallies) {
      const number = kinds.get(kind) ?? 0;
      write(tally, shown(String(number)));
      tally.closest("label").hidden = kind === "other" && number === 0 && this.#choices.quote !== "other";
    }
    const total = shown(String(all));
    const whole = all === 1 ? "1 symbol" : `${total} symbols`;
    say(count, found === all ? whole : `${shown(String(found))} of ${total}`);
  }
}
