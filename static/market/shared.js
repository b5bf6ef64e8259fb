// Shared: what is said of a list of favourites that came with the page's address, and what to do with it.

import { MAX_FAVOURITES } from "./favourites.js";

const note = document.getElementById("shared");
const [add, leave] = note.querySelectorAll("button");

export class Shared {
  #choices;

  /** notice: where it is said that not all had room. */
  constructor(choices, favourites, notice) {
    this.#choices = choices;
    add.addEventListener("click", () => {
      const left = favourites.add(choices.shared);
      if (left) notice.say(`There is room for ${MAX_FAVOURITES} favourites: ${left} of the list had none.`);
      choices.unshare();
    });
    leave.addEventListener("click", () => choices.unshare());
    this.show();
  }

  /** Shows what is chosen. */
  show() {
    note.hidden = !this.#choices.shared || this.#choices.view !== "favourites";
  }
}
