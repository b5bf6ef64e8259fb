// Sparklines: the last 24 hours of the symbols in sight, each as a small line.

import { fetchJson } from "../relay/asking.js";
import { number } from "../page/figures.js";

/** Symbols of one question, and milliseconds that others have to come into sight together. */
const BATCH = 50;
const PAUSE = 150;
/** Milliseconds after which a line is asked for again. */
const FRESH = 30 * 60_000;
/** Milliseconds before what was not there is asked for again: the first wait, and the longest. */
const BACKOFF = [3_000, 60_000];
/** Lines that are kept for what comes back into sight: the one that came first goes first. */
const MAX_LINES = 500;
/** The picture's height; its width is stretched to the column's. */
const HEIGHT = 24;

/** Draws a line, or none, in an element's picture: what `draw` of something in sight is given. */
export function drawLine(picture, line) {
  picture.toggleAttribute("hidden", !line);
  if (!line) return;
  picture.setAttribute("viewBox", `0 0 ${line.width} ${HEIGHT}`);
  picture.dataset.way = line.way;
  picture.firstElementChild.setAttribute("d", line.path);
}

export class Sparklines {
  #seen;
  #wide;
  /** Of each symbol: its line, null if there is none yet, and when it is due again. */
  #lines = new Map();
  #failures = 0;
  #isAsking = false;
  #timer = 0;

  /**
   * seen: a function that returns what is in sight, each with its `symbol` and a `draw` that takes its line or
   * null. wide: the media query that is met where there is room for lines.
   */
  constructor(seen, wide) {
    this.#seen = seen;
    this.#wide = wide;
    wide.addEventListener("change", () => this.look());
    document.addEventListener("visibilitychange", () => this.look());
    setInterval(() => this.look(), BACKOFF[1]);
  }

  /** Something has come into sight: it gets the line that is known. */
  draw(one) {
    one.draw(this.#lines.get(one.symbol)?.line ?? null);
    this.look();
  }

  /** Others may have come into sight. */
  look() {
    this.#timer ||= setTimeout(() => this.#ask(), PAUSE);
  }

  async #ask() {
    this.#timer = 0;
    if (this.#isAsking || document.hidden || !this.#wide.matches) return;
    const now = Date.now();
    const isDue = (symbol) => !(this.#lines.get(symbol)?.due > now);
    const symbols = Array.from(this.#seen(), ({ symbol }) => symbol).filter(isDue);
    if (!symbols.length) return;
    this.#isAsking = true;
    try {
      await this.#askFor(symbols.slice(0, BATCH));
    } finally {
      this.#isAsking = false;
    }
    this.look();
  }

  async #askFor(symbols) {
    let closes = {};
    let missing = symbols;
    try {
      const query = new URLSearchParams({ symbols: symbols.sort(), points: 48 });
      const answer = await fetchJson(`/api/history?${query}`);
      ({ closes, waiting: missing } = answer);
    } catch {
      // A price without its line says all the same: it is asked for again.
    }
    this.#failures = missing.length ? this.#failures + 1 : 0;
    const now = Date.now();
    const wait = Math.min(BACKOFF[0] * 2 ** (this.#failures - 1), BACKOFF[1]) * (1 + Math.random() / 4);
    for (const symbol of symbols) {
      const known = Object.hasOwn(closes, symbol) ? closes[symbol] : null;
      const line = known ? lineOf(known.map(number)) : (this.#lines.get(symbol)?.line ?? null);
      this.#keep(symbol, { line, due: now + (missing.includes(symbol) ? wait : FRESH) });
    }
    requestAnimationFrame(() => this.#show(new Set(symbols)));
    if (missing.length) setTimeout(() => this.look(), wait);
  }

  #keep(symbol, line) {
    this.#lines.delete(symbol);
    this.#lines.set(symbol, line);
    if (this.#lines.size > MAX_LINES) this.#lines.delete(this.#lines.keys().next().value);
  }

  #show(symbols) {
    for (const one of this.#seen()) {
      if (symbols.has(one.symbol)) one.draw(this.#lines.get(one.symbol)?.line ?? null);
    }
  }
}

/** A line through the points that are known, cut where some are not; null if too few are. */
function lineOf(values) {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return null;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const y = (value) => (high > low ? 2 + ((high - value) / (high - low)) * (HEIGHT - 4) : HEIGHT / 2).toFixed(1);
  const steps = values.map((value, x) => {
    if (value === null) return "";
    return `${x && values[x - 1] !== null ? "L" : "M"}${x} ${y(value)}`;
  });
  return { path: steps.join(""), width: values.length - 1, way: known.at(-1) < known[0] ? "down" : "up" };
}
