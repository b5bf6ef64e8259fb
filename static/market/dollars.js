// Dollars: what amounts of each quote asset are worth, by the prices at hand; and which asset of a symbol
// is which. relay/web/dollars.py has the same rules. Nothing here throws, whatever a ticker holds.

/** Assets that stand for one US dollar; those whose prices count before others' come first. */
const STABLE = [
  "USDT", "USDC", "FDUSD", "USD1", "TUSD", "USDP", "DAI", "BUSD", "USDE", "USDS", "RLUSD", "XUSD", "BFUSD",
  "PYUSD", "GUSD", "PAX", "U", "USD",
];
/** Money of a state, and coins that stand for it. */
const FIAT = [
  "EUR", "TRY", "BRL", "JPY", "IDR", "GBP", "AUD", "ARS", "MXN", "COP", "CZK", "PLN", "RON", "UAH", "ZAR",
  "NGN", "RUB", "CHF", "CAD", "AEUR", "EURI", "IDRT", "BIDR", "BKRW", "BVND", "GYEN",
];
/** Assets in which others are priced that have no price in dollars themselves. */
const BRIDGES = ["BTC", "ETH", "BNB"];
/** Each kind of quote asset; any that is not listed is "other". */
export const KINDS = new Map([
  ...STABLE.map((asset) => [asset, "usd"]),
  ["BTC", "btc"],
  ["ETH", "eth"],
  ...FIAT.map((asset) => [asset, "fiat"]),
]);
/**
 * The quote assets that a symbol may end in, for symbols whose quote nobody told. Left out is what would be
 * found in other symbols: ADAEUR is no pair of AEUR, nor AVAXUSD one of XUSD, nor BNBIDR one of BIDR.
 */
export const QUOTES = new Set([
  "FDUSD", "RLUSD",
  "USDT", "USDC", "TUSD", "USDP", "BUSD", "USDE", "USDS", "USD1", "DOGE", "EURI", "IDRT", "BKRW", "BVND", "GYEN",
  "BTC", "ETH", "BNB", "SOL", "XRP", "TRX", "DOT", "DAI", "PAX", "VAI", "USD",
  "EUR", "TRY", "BRL", "JPY", "IDR", "GBP", "AUD", "ARS", "MXN", "COP", "CZK", "PLN", "RON", "UAH", "ZAR",
  "NGN", "RUB",
]);
const LENGTHS = [...new Set(Array.from(QUOTES, (quote) => quote.length))].sort((a, b) => b - a);
const AMOUNT = /^[0-9]+(\.[0-9]+)?$/;
/** What one unit of an asset that others are priced in may be worth: beyond is a mistake, or an attack. */
const [LEAST, MOST] = [1e-9, 1e9];

/** The kind of a quote asset: "usd", "btc", "eth", "fiat" or "other". */
export function kindOf(quote) {
  return KINDS.get(quote) ?? "other";
}

/**
 * A ticker's base and quote asset: by its `quote`, else by the longest known quote that its symbol ends in,
 * else the whole symbol and "".
 */
export function split({ symbol, quote }) {
  if (quote && symbol.endsWith(quote) && quote.length < symbol.length) {
    return [symbol.slice(0, -quote.length), quote];
  }
  for (const last of LENGTHS) {
    const known = symbol.slice(-last);
    if (last < symbol.length && QUOTES.has(known)) return [symbol.slice(0, -last), known];
  }
  return [symbol, ""];
}

export class Dollars {
  #prices = new Map();
  #units = new Map();

  /** Works out anew what a unit of each quote is worth. Of the tickers only prices that are traded count. */
  renew(tickers) {
    this.#prices = new Map();
    const quotes = new Set();
    for (const ticker of tickers) {
      const [base, quote] = split(ticker);
      quotes.add(quote);
      const price = ticker.status ? null : positive(ticker.price);
      if (price !== null) this.#prices.set(`${base}/${quote}`, price);
    }
    this.#units = new Map(STABLE.map((asset) => [asset, 1]));
    for (const assets of [BRIDGES, quotes]) this.#learn(assets);
  }

  /** US dollars of an amount of a quote asset, to be shown in a few digits; null where no price says. */
  worth(amount, quote) {
    const unit = this.#units.get(quote);
    if (unit === undefined || !AMOUNT.test(amount)) return null;
    const dollars = Number(amount) * unit;
    return Number.isFinite(dollars) ? dollars : null;
  }

  #learn(assets) {
    for (const asset of assets) {
      if (this.#units.has(asset)) continue;
      const unit = this.#against(asset, STABLE) ?? this.#against(asset, BRIDGES);
      if (unit !== null) this.#units.set(asset, unit);
    }
  }

  /** A unit in dollars by the first of the others that it is traded against; null if by none. */
  #against(asset, others) {
    for (const other of others) {
      const dollars = this.#units.get(other);
      if (dollars === undefined) continue;
      const direct = this.#prices.get(`${asset}/${other}`);
      if (within(direct * dollars)) return direct * dollars;
      const inverse = this.#prices.get(`${other}/${asset}`);
      if (within(dollars / inverse)) return dollars / inverse;
    }
    return null;
  }
}

/** A price that can be one; null else. */
function positive(price) {
  const value = AMOUNT.test(price) ? Number(price) : 0;
  return value > 0 && Number.isFinite(value) ? value : null;
}

function within(unit) {
  return unit >= LEAST && unit <= MOST;
}
