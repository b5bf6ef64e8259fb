// Presence: whether anybody can see this page; without a page, as in Node, always.

/** Milliseconds after which a hidden page is asleep. */
const HIDDEN = 30_000;

const page = globalThis.document;

export class Presence {
  /** Hidden for a while. */
  isAsleep = false;
  /** Frozen, or kept for Back: nothing may be held meanwhile. */
  isAway = false;

  #changed;
  #returned;
  #looked;
  #sleeping = 0;
  #listening = new AbortController();

  /**
   * changed: is told when the page falls asleep or is put away. returned: when it is seen, or has the network back;
   * takes whether it was asleep or away. looked: after any of it.
   */
  constructor(changed, returned, looked) {
    this.#changed = changed;
    this.#returned = returned;
    this.#looked = looked;
    if (!page) return;
    const { signal } = this.#listening;
    const look = ({ type }) => this.#look(type === "resume" || type === "pageshow");
    for (const name of ["online", "pageshow", "focus"]) addEventListener(name, look, { signal });
    for (const name of ["visibilitychange", "resume"]) page.addEventListener(name, look, { signal });
    addEventListener("pagehide", () => this.#rest(), { signal });
    page.addEventListener("freeze", () => this.#rest(), { signal });
    if (page.hidden) this.#sleepLater();
  }

  get isSeen() {
    return !page?.hidden;
  }

  close() {
    this.#listening.abort();
    clearTimeout(this.#sleeping);
  }

  /** isBack: it is no longer frozen, or kept for Back. */
  #look(isBack) {
    const { isSeen, isAway } = this;
    const wasAsleep = this.isAsleep || isAway;
    if (isBack || isSeen) this.isAway = false;
    if (this.isAway) return;
    clearTimeout(this.#sleeping);
    this.isAsleep = wasAsleep && !isSeen;
    if (isSeen) this.#returned(wasAsleep);
    else {
      if (isAway) this.#changed();
      this.#sleepLater();
    }
    this.#looked();
  }

  #sleepLater() {
    this.#sleeping = setTimeout(() => {
      this.isAsleep = true;
      this.#changed();
    }, HIDDEN);
  }

  #rest() {
    this.isAway = true;
    this.#changed();
  }
}
