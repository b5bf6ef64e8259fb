// Rest: the order of rows rests while a row is in use, so that nothing moves away from under a finger, the
// pointer or the keyboard's focus; and goes on when nothing was done for a while, wherever the pointer stands.

/** Milliseconds without use after which the order goes on. */
export const USE = 5_000;

/** Fires `over` when it ends. */
export class Rest extends EventTarget {
  /** Until when each way of using rows counts, by the page's clock. */
  #until = new Map();
  #timer = 0;

  #body;
  #note;

  /** body: what holds the rows; note: what says that the order rests. */
  constructor(body, note) {
    super();
    this.#body = body;
    this.#note = note;
    for (const element of [body, note]) {
      for (const type of ["pointermove", "pointerdown", "wheel", "touchmove"]) {
        element.addEventListener(type, () => this.#use("pointer"), { passive: true });
      }
      for (const type of ["focusin", "keydown"]) element.addEventListener(type, () => this.#use("keys"));
      // A finger that is lifted leaves too, but what it touched is still looked at.
      element.addEventListener("pointerleave", ({ pointerType, relatedTarget }) => {
        if (pointerType === "mouse" && !this.#has(relatedTarget)) this.#leave("pointer");
      });
      element.addEventListener("focusout", ({ relatedTarget }) => {
        if (!this.#has(relatedTarget)) this.#leave("keys");
      });
    }
    document.addEventListener("selectionchange", () => {
      const selection = document.getSelection();
      if (!selection.isCollapsed && body.contains(selection.anchorNode)) this.#use("selection");
    });
    addEventListener("pageshow", ({ persisted }) => {
      if (persisted) this.end();
    });
  }

  /** Whether the order rests now. */
  get isOn() {
    return Math.max(0, ...this.#until.values()) > Date.now();
  }

  /** Goes on at once. */
  end() {
    this.#until.clear();
    this.#look();
  }

  #has(element) {
    return this.#body.contains(element) || this.#note.contains(element);
  }

  #use(way) {
    this.#until.set(way, Date.now() + USE);
    this.#timer ||= setTimeout(() => this.#look(), USE);
  }

  #leave(way) {
    if (this.#until.delete(way)) this.#look();
  }

  #look() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const left = Math.max(0, ...this.#until.values()) - Date.now();
    if (left > 0) this.#timer = setTimeout(() => this.#look(), Math.min(left, USE));
    else this.dispatchEvent(new Event("over"));
  }
}
