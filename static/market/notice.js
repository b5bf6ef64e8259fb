// Notice: a sentence at the foot of the window that goes by itself, about what could not be done.

import { write } from "../page/write.js";

/** Milliseconds that it stands. */
const SHOWN = 6_000;

const line = document.getElementById("notice");

export class Notice {
  #timer = 0;

  say(text) {
    clearTimeout(this.#timer);
    write(line, text);
    this.#timer = setTimeout(() => write(line, ""), SHOWN);
  }
}
