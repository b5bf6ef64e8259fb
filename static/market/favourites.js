// Favourites: the symbols that this person marked with a star. They are kept in the browser, for all tabs.

/** Symbols that are kept at most, and characters of one; a symbol has 32. */
export const MAX_FAVOURITES = 200;
const MAX_LENGTH = 32;
const KEPT = "favourites";
const SYMBOL = /^[\p{L}\p{N}_]+$/u;

/** Fires `change`, whoever changed them: this page or another tab. */
export class Favourites extends EventTarget {
  #symbols = recall();

  constructor() {
    super();
    addEventListener("storage", ({ key }) => {
      if (key !== KEPT && key !== null) return;
      this.#symbols = recall();
      this.dispatchEvent(new Event("change"));
    });
  }

  /** The symbols, in the order in which they were marked. */
  get symbols() {
    return this.#symbols;
  }

  has(symbol) {
    return this.#symbols.has(symbol);
  }

  /** Marks a symbol, or takes its mark away. False if there is no room for one more. */
  toggle(symbol) {
    const symbols = new Set(this.#symbols);
    if (!symbols.delete(symbol)) {
      if (symbols.size >= MAX_FAVOURITES) return false;
      symbols.add(symbol);
    }
    this.#keep(symbols);
    return true;
  }

  /** Marks these too, as many as there is room for; returns how many had none. */
  add(symbols) {
    this.#keep(listed([...this.#symbols, ...symbols]));
    return [...symbols].filter((each) => !this.#symbols.has(each)).length;
  }

  #keep(symbols) {
    this.#symbols = symbols;
    try {
      localStorage.setItem(KEPT, JSON.stringify([...symbols]));
    } catch {
      // A browser that keeps nothing for this site: they last as long as the page.
    }
    this.dispatchEvent(new Event("change"));
  }
}

/** The symbols of a list from outside, as many as there is room for. */
export function listed(list) {
  const symbols = list.filter((each) => typeof each === "string" && each.length <= MAX_LENGTH && SYMBOL.test(each));
  return new Set([...new Set(symbols)].slice(0, MAX_FAVOURITES));
}

function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT));
    return listed(Array.isArray(kept) ? kept : []);
  } catch {
    return new Set();
  }
}
