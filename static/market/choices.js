// Choices: what the market shows, and in which order. They live in the page's address, which may be shared, and
// but for what is sought in the browser too. In the address stands only what is not usual.

import { settings } from "../page/settings.js";
import { listed } from "./favourites.js";
import { Search } from "./search.js";
import { COLUMNS, QUOTES, VIEWS } from "./views.js";

const KEPT = "market";
/** Settings that a shared address says too, and their usual values. */
const LOOKS = { theme: "auto", density: "cosy" };
/** Milliseconds between two changes of the address: browsers refuse too many. */
const PAUSE = 400;
/** Characters of favourites in an address at most: a longer request line may be refused on the way. */
const MAX_NAMED = 4_000;

/**
 * Fires `change` when one of them was made, `leave` before one that Back undoes, and `return` after Back or
 * Forward did.
 */
export class Choices extends EventTarget {
  #favourites;
  #timer = 0;

  constructor(favourites) {
    super();
    this.#favourites = favourites;
    const address = new URLSearchParams(location.search);
    this.#take(address, ["view", "quote", "sort"].some((name) => address.has(name)) ? {} : recall());
    settings.addEventListener("change", () => this.#addressLater());
    favourites.addEventListener("change", () => this.#addressLater());
    addEventListener("pagehide", () => this.#address());
    addEventListener("popstate", () => this.#return());
  }

  /** What an address says, and what it does not as it was kept. */
  #take(address, kept) {
    const said = (name) => address.get(name) ?? kept[name];
    this.view = Object.hasOwn(VIEWS, said("view")) ? said("view") : "all";
    this.quote = QUOTES.includes(said("quote")) ? said("quote") : "all";
    /** What is sorted by: "price", or "-price" where the largest comes first; "" is the view's own order. */
    this.sort = known(said("sort")) ? said("sort") : "";
    this.search = new Search(address.get("q") ?? "");
    /** The favourites that the address names, where they are not this person's; else null. */
    this.shared = address.has("fav") ? differing(listed(address.get("fav").split(",")), this.#favourites.symbols) : null;
  }

  /** Back or Forward has changed the address. */
  #return() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const before = this.#said;
    this.#take(new URLSearchParams(location.search), {});
    // A look is no step: it stays as it is, and so the address may have to say another one.
    this.#addressLater();
    if (this.#said === before) return;
    this.#keep();
    this.dispatchEvent(new Event("change"));
    this.dispatchEvent(new Event("return"));
  }

  get #said() {
    return [this.view, this.quote, this.sort, this.search.text, [...(this.shared ?? [])].join()].join(" ");
  }

  /** The symbols that the view of favourites shows. */
  get favourites() {
    return this.shared ?? this.#favourites.symbols;
  }

  /** The column that rows are sorted by. */
  get key() {
    return this.sort ? this.sort.replace("-", "") : VIEWS[this.view].key;
  }

  get descending() {
    return this.sort ? this.sort.startsWith("-") : VIEWS[this.view].descending;
  }

  /** Whether what is meant best comes first: where somebody seeks, and has not sorted. */
  get isRanked() {
    return !this.search.isEmpty && !this.sort && VIEWS[this.view].key === "volume";
  }

  /** A view has its own order until somebody sorts it. */
  look(view) {
    this.#step(() => {
      this.view = view;
      this.sort = "";
    });
  }

  narrow(quote) {
    this.#step(() => {
      this.quote = quote;
    });
  }

  sortBy(key) {
    const isTurned = key === this.key && !this.isRanked;
    const descending = isTurned ? !this.descending : key !== "symbol";
    this.sort = `${descending ? "-" : ""}${key}`;
    this.#changed();
  }

  seek(text) {
    this.search = new Search(text);
    this.#changed();
  }

  /** Goes back to this person's own favourites. */
  unshare() {
    this.shared = null;
    this.#changed();
  }

  /** Takes a step that Back undoes: the address before it says what was chosen until then. */
  #step(choose) {
    this.#say("replaceState", history.state);
    this.dispatchEvent(new Event("leave"));
    choose();
    this.#settle();
    this.#say("pushState", null);
    this.dispatchEvent(new Event("change"));
  }

  #changed() {
    this.#settle();
    this.#addressLater();
    this.dispatchEvent(new Event("change"));
  }

  /** An order that is the view's own is not said. */
  #settle() {
    const { key, descending } = VIEWS[this.view];
    if (this.search.isEmpty && this.sort === `${descending ? "-" : ""}${key}`) this.sort = "";
    this.#keep();
  }

  #keep() {
    keep({ view: this.view, quote: this.quote, sort: this.sort });
  }

  #addressLater() {
    this.#timer ||= setTimeout(() => this.#address(), PAUSE);
  }

  #address() {
    if (this.#timer) this.#say("replaceState", history.state);
  }

  /** way: the history's method; state: what it keeps with the address. */
  #say(way, state) {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const url = new URL(location.href);
    const said = {
      q: this.search.text,
      view: this.view === "all" ? "" : this.view,
      quote: this.quote === "all" ? "" : this.quote,
      sort: this.sort,
      fav: this.view === "favourites" ? named(this.favourites) : "",
    };
    for (const [name, usual] of Object.entries(LOOKS)) {
      said[name] = settings.get(name) === usual ? "" : settings.get(name);
    }
    for (const [name, value] of Object.entries(said)) {
      // In one order, whichever was chosen first.
      url.searchParams.delete(name);
      if (value) url.searchParams.set(name, value);
    }
    // A comma may stand in a query as it is, and reads better so.
    url.search = url.search.replaceAll("%2C", ",");
    try {
      history[way](state, "", url);
    } catch {
      // Too many changes for this browser: the next one says all.
    }
  }
}

function known(sort) {
  return typeof sort === "string" && COLUMNS.includes(sort.replace("-", ""));
}

/** As many of the symbols as an address has room for. */
function named(symbols) {
  let length = 0;
  return [...symbols].filter((symbol) => (length += encodeURIComponent(symbol).length + 1) <= MAX_NAMED).join();
}

/** The symbols, unless this person has the same. */
function differing(symbols, own) {
  return symbols.size === own.size && [...symbols].every((symbol) => own.has(symbol)) ? null : symbols;
}

function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT));
    return typeof kept === "object" && kept !== null ? kept : {};
  } catch {
    return {};
  }
}

function keep(choices) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(choices));
  } catch {
    // A browser that keeps nothing for this site: the address still does.
  }
}
