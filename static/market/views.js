// Views: which pairs the market may be narrowed to, and the order that each begins with.

/** @typedef {{ has: (pair: Pair, favourites: Set<string>) => boolean, key: string, descending: boolean }} View */

/** @type {Record<string, View>} */
export const VIEWS = {
  all: { has: () => true, key: "volume", descending: true },
  favourites: { has: ({ symbol }, favourites) => favourites.has(symbol), key: "volume", descending: true },
  gainers: { has: (pair) => pair.isTraded && pair.way > 0, key: "percent", descending: true },
  losers: { has: (pair) => pair.isTraded && pair.way < 0, key: "percent", descending: false },
  active: { has: (pair) => pair.isTraded, key: "trades", descending: true },
  new: { has: (pair) => pair.listed !== null, key: "listed", descending: true },
};

/** The kinds of quote asset that it may be narrowed to, as dollars.js tells them. */
export const QUOTES = ["all", "usd", "btc", "eth", "fiat", "other"];

/** What a column is sorted by. Volume is in US dollars. */
const VALUES = {
  symbol: (pair) => pair.symbol,
  price: (pair) => pair.price,
  percent: (pair) => pair.percent,
  high: (pair) => pair.high,
  low: (pair) => pair.low,
  volume: (pair) => pair.dollars,
  time: (pair) => pair.time,
  trades: (pair) => pair.trades,
  listed: (pair) => pair.listed,
};
/** The columns that have a button. */
export const COLUMNS = ["symbol", "price", "percent", "high", "low", "volume", "time"];

/** Puts [rank, pair] in order, in place: by rank, then by a value; pairs of which it is unknown come last. */
export function sort(found, key, descending) {
  const value = VALUES[key];
  const keyed = found.map(([rank, pair]) => ({ rank, value: value(pair), dollars: pair.dollars ?? -1, pair }));
  const way = descending ? -1 : 1;
  keyed.sort((one, other) => one.rank - other.rank || compare(one, other, way));
  return keyed.map(({ pair }) => pair);
}

function compare(one, other, way) {
  if (one.value !== other.value) {
    if (one.value === null) return 1;
    if (other.value === null) return -1;
    return one.value < other.value ? -way : way;
  }
  if (one.dollars !== other.dollars) return other.dollars - one.dollars;
  return one.pair.symbol < other.pair.symbol ? -1 : 1;
}
