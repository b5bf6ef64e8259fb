// Shared: what is said of a list of favourites that came with the page's address, and what to do with it.

const note = document.getElementById("shared");
const [add, leave] = note.querySelectorAll("button");

export class Shared {
  #choices;

  constructor(choices, favourites) {
    this.#choices = choices;
    add.addEventListener("click", () => {
      favourites.add(choices.shared);
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
