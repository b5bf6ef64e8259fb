// Numerals: how a locale writes a decimal. Digits are put in their places as text, so none is ever lost, in any
// browser: a number of JavaScript would hold fifteen of them.

/** A decimal, with what figures.js puts around it: a sign, a unit, a percent sign. */
const FIGURE = /^([+-]?)([0-9]{1,64})(?:\.([0-9]{1,24}))?([KMBTQ%]?)$/;
const LATIN = "0123456789";

export class Numerals {
  #digits;
  #isLatin;
  #point;
  #separator;
  /** Digits of the last group, and of each before it: 3 and 3, or 3 and 2 in India. */
  #sizes;
  /** Digits from which on there are groups. */
  #least;
  /** What stands before and after the digits, by sign: of a number, and of a percentage. */
  #around;
  #aroundPercent;

  /** locale: a BCP 47 tag; the browser's own if left out. */
  constructor(locale) {
    const grouped = new Intl.NumberFormat(locale);
    this.#digits = digitsOf(locale);
    this.#isLatin = this.#digits.join("") === LATIN;
    this.#point = find(grouped.formatToParts(0.5), "decimal") ?? ".";
    const parts = grouped.formatToParts(123_456_789_012);
    this.#separator = find(parts, "group") ?? "";
    const [further, last] = parts.filter(({ type }) => type === "integer").slice(-2).map(({ value }) => [...value].length);
    this.#sizes = [last ?? further, further];
    this.#least = leastGrouped(grouped);
    this.#around = aroundOf(locale, {});
    this.#aroundPercent = aroundOf(locale, { style: "percent" });
  }

  /** The figure as the locale writes it; nothing if it is none. */
  write(figure) {
    const found = FIGURE.exec(figure);
    if (!found) return "";
    const [, sign, whole, fraction, unit] = found;
    const head = whole.length < this.#least ? this.#spell(whole) : this.#group(whole);
    const tail = fraction === undefined ? "" : this.#point + this.#spell(fraction);
    const isPercent = unit === "%";
    const [before, after] = (isPercent ? this.#aroundPercent : this.#around)[sign];
    return before + head + tail + (isPercent ? "" : unit) + after;
  }

  #group(whole) {
    const [last, further] = this.#sizes;
    let end = whole.length - last;
    let grouped = this.#spell(whole.slice(end));
    for (; end > 0; end -= further) {
      grouped = this.#spell(whole.slice(Math.max(end - further, 0), end)) + this.#separator + grouped;
    }
    return grouped;
  }

  #spell(digits) {
    return this.#isLatin ? digits : digits.replace(/[0-9]/g, (digit) => this.#digits[digit]);
  }
}

function digitsOf(locale) {
  const digits = [...new Intl.NumberFormat(locale, { useGrouping: false }).format(9_876_543_210)].reverse();
  return digits.length === LATIN.length ? digits : [...LATIN];
}

function find(parts, wanted) {
  return parts.find(({ type }) => type === wanted)?.value;
}

function leastGrouped(format) {
  for (let digits = 4; digits <= 12; digits += 1) {
    if (find(format.formatToParts(10 ** (digits - 1)), "group")) return digits;
  }
  return Infinity;
}

/** Signs and percent signs stand where the locale wants them, with marks that keep them there. */
function aroundOf(locale, style) {
  const unsigned = new Intl.NumberFormat(locale, style);
  const signed = new Intl.NumberFormat(locale, { ...style, signDisplay: "always" });
  return { "": around(unsigned, 1), "+": around(signed, 1), "-": around(signed, -1) };
}

function around(format, number) {
  const parts = format.formatToParts(number);
  const [first, last] = ["findIndex", "findLastIndex"].map((way) => parts[way](({ type }) => type === "integer"));
  return [parts.slice(0, first), parts.slice(last + 1)].map((some) => some.map(({ value }) => value).join(""));
}
