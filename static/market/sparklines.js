// Sparklines: the last 24 hours of the rows in sight, each as a small line.

import { fetchJson } from "../relay/asking.js";
import { number } from "../page/figures.js";

/** Symbols of one question, and milliseconds that rows have to come into sight together. */
const BATCH = 50;
const PAUSE = 150;
/** Milliseconds after which a line is asked for again. */
const FRESH = 30 * 60_000;
/** Milliseconds before what was not there is asked for again: the first wait, and the longest. */
const BACKOFF = [3_000, 60_000];
/** Milliseconds of a frame that lines may take. */
const FRAME_BUDGET = 4;
/** The picture's height; its width is stretched to the column's. */
const HEIGHT = 24;

const SVG = "http://www.w3.org/2000/svg";
/** Where there is room for the column; see style/market.css. */
const wide = matchMedia("(min-width: 1001px)");

export class Sparklines {
  #rows;
  /** Of each symbol that was asked for: when it is due again. */
  #due = new Map();
  #failures = 0;
  #isAsking = false;
  #timer = 0;
  #drawn = [];

  /** rows: the rows by symbol, which say whether they are in sight. */
  constructor(rows) {
    this.#rows = rows;
    wide.addEventListener("change", () => this.look());
    document.addEventListener("visibilitychange", () => this.look());
    setInterval(() => this.look(), BACKOFF[1]);
  }

  /** Rows may have come into sight. */
  look() {
    this.#lookIn(PAUSE);
  }

  #lookIn(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), milliseconds);
  }

  async #ask() {
    if (this.#isAsking || document.hidden || !wide.matches) return;
    const now = Date.now();
    for (const symbol of this.#due.keys()) if (!this.#rows.has(symbol)) this.#due.delete(symbol);
    const isDue = (row) => row.inSight && !row.element.hidden && !(this.#due.get(row.symbol) > now);
    const symbols = [...this.#rows.values()].filter(isDue).map(({ symbol }) => symbol);
    if (!symbols.length) return;
    this.#isAsking = true;
    await this.#askFor(symbols.slice(0, BATCH));
    this.#isAsking = false;
    this.look();
  }

  async #askFor(symbols) {
    let missing = symbols;
    try {
      const query = new URLSearchParams({ symbols: symbols.sort(), points: 48 });
      const { closes, waiting } = await fetchJson(`/api/history?${query}`);
      this.#draw(Object.entries(closes));
      missing = waiting;
    } catch {
      // A row without its line says all the same: it is asked for again.
    }
    this.#failures = missing.length ? this.#failures + 1 : 0;
    const now = Date.now();
    for (const symbol of symbols) this.#due.set(symbol, now + FRESH);
    const wait = Math.min(BACKOFF[0] * 2 ** (this.#failures - 1), BACKOFF[1]) * (1 + Math.random() / 4);
    for (const symbol of missing) this.#due.set(symbol, now + wait);
    if (missing.length) setTimeout(() => this.look(), wait);
  }

  #draw(lines) {
    if (!this.#drawn.length && lines.length) requestAnimationFrame(() => this.#drawSome());
    this.#drawn.push(...lines);
  }

  /** As many as a frame has time for. */
  #drawSome() {
    const end = performance.now() + FRAME_BUDGET;
    while (this.#drawn.length && performance.now() < end) {
      const [symbol, closes] = this.#drawn.shift();
      this.#rows.get(symbol)?.draw(sparkline(closes.map(number)));
    }
    if (this.#drawn.length) requestAnimationFrame(() => this.#drawSome());
  }
}

/** A line through the points that are known, cut where some are not. */
function sparkline(values) {
  const known = values.filter((value) => value !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const y = (value) => (high > low ? 2 + ((high - value) / (high - low)) * (HEIGHT - 4) : HEIGHT / 2).toFixed(1);
  const steps = values.map((value, x) => {
    if (value === null) return "";
    return `${x && values[x - 1] !== null ? "L" : "M"}${x} ${y(value)}`;
  });
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${values.length - 1} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.dataset.way = known.at(-1) < known[0] ? "down" : "up";
  svg.appendChild(document.createElementNS(SVG, "path")).setAttribute("d", steps.join(""));
  return svg;
}
