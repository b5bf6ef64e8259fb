// SnippetDialog: the snippets for what is on the screen. It is loaded when somebody opens it.

import { say } from "../page/write.js";
import { copy } from "./copy.js";
import { MAX_NAMED, SNIPPETS } from "./texts.js";

/** What is named where the page shows nothing. */
const EXAMPLES = ["BTCUSDT", "ETHUSDT"];

export class SnippetDialog {
  static #only = null;

  #dialog = document.getElementById("snippets");
  #kinds = this.#dialog.querySelector(".choice");
  #code = this.#dialog.querySelector("code");
  #said = this.#dialog.querySelector('[role="status"]');
  #symbols = EXAMPLES;
  #key = SNIPPETS[0].key;

  /** The page's one. */
  static get only() {
    return (SnippetDialog.#only ??= new SnippetDialog());
  }

  constructor() {
    this.#kinds.replaceChildren(...SNIPPETS.map(choice));
    this.#kinds.addEventListener("click", ({ target }) => this.#choose(target.dataset.kind));
    this.#part("copy").addEventListener("click", () => this.#copy());
    this.#part("close").addEventListener("click", () => this.#dialog.close());
  }

  /** symbols: what is on the screen, in its order. */
  open(symbols) {
    this.#symbols = symbols.length ? symbols.slice(0, MAX_NAMED) : EXAMPLES;
    const rest = symbols.length - this.#symbols.length;
    const first = `The first ${MAX_NAMED} of the ${symbols.length.toLocaleString()} symbols shown.`;
    this.#part("named").textContent = rest > 0 ? `${first} Search, or choose favourites, for others.` : "";
    this.#choose(this.#key);
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  #part(name) {
    return this.#dialog.querySelector(`[data-role=${name}]`);
  }

  #choose(key) {
    const snippet = SNIPPETS.find((each) => each.key === key);
    if (!snippet) return;
    this.#key = key;
    for (const button of this.#kinds.children) button.ariaPressed = String(button.dataset.kind === key);
    this.#code.textContent = snippet.write(location.origin, this.#symbols);
    this.#part("note").textContent = snippet.note;
    say(this.#said, "");
  }

  async #copy() {
    const isDone = await copy(this.#code);
    say(this.#said, isDone ? "Copied." : "It is selected: copy it with the keys.");
  }
}

function choice({ key, title }) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.kind = key;
  button.textContent = title;
  return button;
}
