// Wish: what a wall's address asks for. Whatever stands there, some wall comes of it.

/** What the market's views and kinds of quotes are called on a wall. */
const VIEWS = {
  all: "Most traded",
  gainers: "Gainers",
  losers: "Losers",
  active: "Most active",
  new: "New",
};
const QUOTES = {
  usd: "in US dollars",
  btc: "in BTC",
  eth: "in ETH",
  fiat: "in fiat money",
  other: "in others",
};
const SYMBOL = /^[\p{L}\p{N}_]{1,32}$/u;
/** Symbols that a wall may name: no screen has room for more. */
const MAX_SYMBOLS = 200;

export class Wish {
  /** query: of the wall's address. */
  constructor(query) {
    const parameters = new URLSearchParams(query);
    /** The symbols that it names, each once, in their order; [] for all. */
    this.symbols = named(parameters.get("symbols") || "");
    /** all, gainers, losers, active or new. */
    this.view = known(VIEWS, parameters.get("view")) || "all";
    /** usd, btc, eth, fiat or other; "" for all. */
    this.quote = known(QUOTES, parameters.get("quote")) || "";
  }

  /** In words; "" where symbols are named. */
  get title() {
    if (this.symbols.length) return "";
    return this.quote ? `${VIEWS[this.view]}, ${QUOTES[this.quote]}` : VIEWS[this.view];
  }
}

function named(text) {
  const upper = (name) => name.trim().replace(/[a-z]/g, (letter) => letter.toUpperCase());
  const names = text.split(",").map(upper).filter((name) => SYMBOL.test(name));
  return [...new Set(names)].slice(0, MAX_SYMBOLS);
}

function known(names, name) {
  return Object.prototype.hasOwnProperty.call(names, name) ? name : "";
}
