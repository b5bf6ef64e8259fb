// A wish: what is asked of a relay, { symbols, fields, rate }: symbols null for all, rate 0 for no limit.

/** Each brings what the one before it does. */
export const FIELDS = ["price", "ticker", "candle"];
/** Symbols that a wish of another page may name. */
const MOST = 4_096;

/** A symbol as relays spell it: its ASCII letters in upper case. */
export const upper = (symbol) => String(symbol).replace(/[a-z]+/g, (letters) => letters.toUpperCase());

/** What fulfils all of these. */
export function union(wishes) {
  const [symbols, fields, rates] = ["symbols", "fields", "rate"].map((name) => wishes.map((wish) => wish[name]));
  return {
    symbols: symbols.includes(null) ? null : [...new Set(symbols.flat())].sort(),
    fields: FIELDS[Math.max(...fields.map((each) => FIELDS.indexOf(each)))],
    rate: rates.includes(0) ? 0 : Math.max(...rates),
  };
}

/** Whether whoever holds what `wide` stands for holds what `wish` does. Candles that are missing come live. */
export function covers(wide, wish) {
  if (!wide || (wide.fields === "price" && wish.fields !== "price")) return false;
  const has = new Set(wide.symbols);
  return !wide.symbols || !!wish.symbols?.every((symbol) => has.has(symbol));
}

/** Whether a connection for `wide` brings all of `wish`, and as often. */
export function brings(wide, wish) {
  const isAsOften = !wide?.rate || (wish.rate && wish.rate <= wide.rate);
  return covers(wide, wish) && isAsOften && FIELDS.indexOf(wide.fields) >= FIELDS.indexOf(wish.fields);
}

export const areSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** Whether it is a wish, whoever says it. */
export function isWish({ symbols, fields, rate }) {
  const areNames = symbols === null || (symbols.length <= MOST && symbols.every((name) => typeof name === "string"));
  return areNames && FIELDS.includes(fields) && Number.isFinite(rate) && rate >= 0;
}

/** The address of a relay's stream for a wish. */
export function addressOf(url, { symbols, fields, rate }) {
  const address = new URL(url);
  const query = { symbols: symbols ?? "", fields, rate: rate || "", batch: 1 };
  for (const [name, value] of Object.entries(query)) if (value !== "") address.searchParams.set(name, value);
  return address;
}
