// Place: where somebody was on the page. It comes back with Back and with a reload, once there are rows for it.

/** Milliseconds between two notes of it: browsers refuse too many changes of a history's entry. */
const PAUSE = 400;

export class Place {
  #wanted;
  #timer = 0;

  constructor() {
    history.scrollRestoration = "manual";
    this.recall();
    addEventListener("scroll", () => (this.#timer ||= setTimeout(() => this.note(), PAUSE)), { passive: true });
    addEventListener("pagehide", () => this.note());
    for (const type of ["wheel", "touchmove", "keydown", "pointerdown"]) {
      addEventListener(type, () => (this.#wanted = 0), { passive: true });
    }
  }

  /** This entry of the history is where somebody comes back to. */
  recall() {
    const top = history.state?.top;
    this.#wanted = Number.isFinite(top) && top > 0 ? top : 0;
  }

  /** There are more rows than before, or all of them: goes where somebody was, unless he went elsewhere since. */
  restore(isComplete) {
    if (!this.#wanted) return;
    const longest = document.documentElement.scrollHeight - innerHeight;
    if (longest < this.#wanted && !isComplete) return;
    scrollTo(0, this.#wanted);
    this.#wanted = 0;
  }

  /** Keeps where he is now. */
  note() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.#wanted) return;
    try {
      history.replaceState({ ...history.state, top: Math.round(scrollY) }, "");
    } catch {
      // Too many changes for this browser: the next one says it.
    }
  }
}
