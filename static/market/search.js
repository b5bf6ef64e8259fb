// Search: which pairs somebody means by what he types: BTC, btc/usdt, btc usdt, BTCUSDT, bitcoin.

/** Characters of what is sought that count. */
export const MAX_SOUGHT = 64;

const SEPARATORS = /[\s/\-_:]+/;

export class Search {
  #whole;
  #parts;
  #joined;

  constructor(text) {
    this.text = text.slice(0, MAX_SOUGHT).trim();
    this.#whole = folded(this.text);
    this.#parts = this.#whole.split(SEPARATORS).filter(Boolean);
    this.#joined = this.#parts.join("");
  }

  /** Whether nothing is sought: then every pair is meant. */
  get isEmpty() {
    return this.#joined === "";
  }

  /** How well a pair is meant: 0 best, null not at all. */
  rank(pair) {
    if (this.isEmpty) return 0;
    return this.#rankOfSymbol(pair) ?? this.#rankOfName(folded(pair.coin));
  }

  #rankOfSymbol(pair) {
    const [base, quote, symbol] = [pair.base, pair.quote, pair.symbol].map(folded);
    if (base === this.#joined || symbol === this.#joined) return 0;
    const [first, second, ...more] = this.#parts;
    if (second !== undefined) {
      if (more.length || !quote.startsWith(second)) return null;
      if (base === first) return 0;
      return base.startsWith(first) ? 1 : base.includes(first) ? 2 : null;
    }
    if (this.#whole.endsWith("/")) return null;
    if (symbol.startsWith(this.#joined)) return 1;
    return symbol.includes(this.#joined) ? 2 : null;
  }

  #rankOfName(coin) {
    if (coin === this.#whole) return 3;
    if (coin.startsWith(this.#whole)) return 4;
    return coin.includes(this.#whole) ? 5 : null;
  }
}

/** As it is compared: without case, and full-width letters as usual ones. */
function folded(text) {
  return text.normalize("NFKC").toLowerCase();
}
