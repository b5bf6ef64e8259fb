// Numerals: how a locale separates the digits of a decimal, and how somebody types one there. Digits are put in
// their places as text, so none is ever lost, in any browser: a number of JavaScript would hold fifteen of them.
// Digits are those of the page's own language, in every locale: ages, times and intervals have them too.

/** A decimal, with what figures.js puts around it: a sign, a unit, a percent sign. */
const FIGURE = /^([+-]?)([0-9]{1,64})(?:\.([0-9]{1,24}))?([KMBTQ%]?)$/;
const LATIN = { numberingSystem: "latn" };
/** A decimal without separators. */
const DECIMAL = /^[0-9]{1,24}(\.[0-9]{1,24})?$/;

export class Numerals {
  #point;
  #separator;
  /** Digits of the last group, and of each before it: 3 and 3, or 3 and 2 in India. */
  #sizes;
  /** Digits from which on there are groups. */
  #least;
  /** What stands before and after the digits, by sign: of a number, and of a percentage. */
  #around;
  #aroundPercent;
  /** The locale's own digits, from 0 to 9, which somebody may type. */
  #digits;

  /** locale: a BCP 47 tag; the browser's own if left out. */
  constructor(locale) {
    const grouped = new Intl.NumberFormat(locale, LATIN);
    this.#digits = digitsOf(locale);
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
    const head = whole.length < this.#least ? whole : this.#group(whole);
    const tail = fraction === undefined ? "" : this.#point + fraction;
    const isPercent = unit === "%";
    const [before, after] = (isPercent ? this.#aroundPercent : this.#around)[sign];
    return before + head + tail + (isPercent ? "" : unit) + after;
  }

  /**
   * The decimals, without separators, that a text can mean: as `write` writes them, without groups, and with a
   * point as the exchange does. Two where the locale's separator is a point, and it may be either: 1.234.
   */
  read(text) {
    const typed = this.#latin(text.normalize("NFKC").trim());
    const pointed = typed.replace(this.#point, ".");
    const isPlain = !typed.includes(".") || this.#point === ".";
    const readings = [typed, isPlain ? pointed : "", this.#ungroup(typed)];
    return [...new Set(readings.filter((each) => DECIMAL.test(each)))];
  }

  /** A decimal as the locale writes it without groups: nobody can take it for another one. */
  bare(decimal) {
    return decimal.replace(".", this.#point);
  }

  #group(whole) {
    const [last, further] = this.#sizes;
    let end = whole.length - last;
    let grouped = whole.slice(end);
    for (; end > 0; end -= further) grouped = whole.slice(Math.max(end - further, 0), end) + this.#separator + grouped;
    return grouped;
  }

  /** Without groups, if they stand as this locale has them; else nothing. */
  #ungroup(typed) {
    const [head, ...tail] = typed.split(this.#point);
    const whole = this.#separator ? same(head).replaceAll(same(this.#separator), "") : head;
    if (tail.length > 1 || !/^[1-9][0-9]*$/.test(whole) || same(this.#group(whole)) !== same(head)) return "";
    return [whole, ...tail].join(".");
  }

  /** With the usual digits and marks in place of the locale's own. */
  #latin(typed) {
    const usual = typed.replaceAll("٫", this.#point).replaceAll("٬", this.#separator);
    return [...usual].map((each) => (this.#digits.includes(each) ? this.#digits.indexOf(each) : each)).join("");
  }
}

/** Groups are kept apart by one of several spaces and apostrophes: a keyboard has one of each. */
function same(text) {
  return text.replace(/\s/g, " ").replaceAll("’", "'");
}

function digitsOf(locale) {
  const format = new Intl.NumberFormat(locale, { useGrouping: false, numberingSystem: "native" });
  return [...format.format(9_876_543_210)].reverse();
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
  const unsigned = new Intl.NumberFormat(locale, { ...LATIN, ...style });
  const signed = new Intl.NumberFormat(locale, { ...LATIN, ...style, signDisplay: "always" });
  return { "": around(unsigned, 1), "+": around(signed, 1), "-": around(signed, -1) };
}

function around(format, number) {
  const parts = format.formatToParts(number);
  const [first, last] = ["findIndex", "findLastIndex"].map((way) => parts[way](({ type }) => type === "integer"));
  return [parts.slice(0, first), parts.slice(last + 1)].map((some) => some.map(({ value }) => value).join(""));
}
