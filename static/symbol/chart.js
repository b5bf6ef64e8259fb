// Chart: a symbol's candles on its page, what they are drawn as, and how one moves about in them.

import { STEPS } from "../relay/candle.js";
import { CandleTable } from "./candle_table.js";
import { compact, decimals, plain, shown } from "../page/figures.js";
import { Plot } from "./plot.js";
import { settings } from "../page/settings.js";
import { say, write } from "../page/write.js";
import { Zone } from "../page/zone.js";

const SOURCES = { exchange: "exchange", relay: "relay", both: "exchange and relay" };
/** What the keys do: candles to go by, and times as much to show. */
const STEPS_OF_KEYS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
const ZOOMS_OF_KEYS = { "+": 0.7, "=": 0.7, "-": 1.4, _: 1.4 };
const REMEMBERED = "chart";
/** The interval that a page shows whose address names none that there is. */
const USUAL = "1m";

export class Chart {
  #relay;
  #symbol;
  #root;
  #parts = {};
  #candles;
  #plot = null;
  #table;
  #interval;
  #shape;
  #zone;
  /** When the candle that the cross is on opens, by keys or pointer; null if it is on none. */
  #pointed = null;

  constructor(relay, symbol, root) {
    this.#relay = relay;
    this.#symbol = symbol;
    this.#root = root;
    for (const element of root.querySelectorAll("[data-part]")) this.#parts[element.dataset.part] = element;
    this.#table = new CandleTable(root.querySelector("details"));
    this.#interval = root.dataset.interval;
    this.#shape = remembered().shape === "line" ? "line" : "candles";
    this.#zone = Zone.chosen;
    const named = new URLSearchParams(location.search).get("interval");
    if (named !== null && named !== this.#interval) this.#readdress();
    this.#follow();
    this.#choose("interval", this.#interval, (interval) => this.#switch(interval));
    this.#choose("shape", this.#shape, (shape) => this.#reshape(shape));
    const pressZone = this.#choose("zone", settings.get("zone"), (zone) => settings.set("zone", zone));
    settings.addEventListener("change", () => {
      pressZone(settings.get("zone"));
      this.#rezone();
    });
    this.#parts.newest.addEventListener("click", () => this.#plot.showNewest());
    this.#parts.plot.addEventListener("keydown", (event) => this.#press(event));
    this.#parts.plot.addEventListener("blur", () => this.#point(null));
    if (root.dataset.library) this.#draw(root.dataset.library);
    else this.#miss("This relay has no library to draw charts with.");
  }

  /** The colours that the page has now. */
  recolour() {
    this.#plot?.recolour();
  }

  #follow() {
    this.#candles = this.#relay.candles(this.#symbol, this.#interval, (news) => this.#show(news));
    const csv = new URL(this.#parts.csv.href);
    csv.searchParams.set("interval", this.#interval);
    this.#parts.csv.href = csv.pathname + csv.search;
    for (const part of ["interval", "each"]) write(this.#parts[part], this.#interval);
    this.#say();
  }

  /** The library comes after the first paint: what is read first does not wait for it. */
  async #draw(url) {
    await painted();
    try {
      await load(url);
    } catch {
      return this.#miss("The chart's library could not be loaded.");
    }
    const { plot } = this.#parts;
    this.#plot = new Plot(globalThis.LightweightCharts, plot, this.#zone, this.#shape);
    this.#plot.onpoint = (candle) => this.#yield(candle);
    this.#plot.onedge = () => this.#candles.older();
    this.#plot.onnewest = (isShown) => (this.#parts.newest.hidden = isShown);
    this.#show({ changed: [], reset: true });
  }

  #miss(why) {
    this.#root.dataset.drawn = "no";
    say(this.#parts.why, `${why} The same candles are in the table.`);
    this.#root.querySelector("details").open = true;
  }

  #show({ changed, reset }) {
    const { candles } = this.#candles;
    if (reset) this.#plot?.draw(candles, this.#step);
    else if (changed.length) this.#plot?.move(candles, changed);
    if (candles.length) this.#plot?.look();
    else this.#candles.older();
    if (this.#plot && candles.length && this.#root.dataset.drawn !== "yes") {
      this.#root.dataset.drawn = "yes";
      performance.mark("chart drawn");
    }
    this.#table.show(candles, this.#decimals, this.#zone, this.#step);
    if (this.#pointed !== null && candles.length && !this.#pointedCandle) this.#point(null);
    this.#describe(this.#pointedCandle);
    this.#say();
  }

  get #pointedCandle() {
    return this.#pointed === null ? null : this.#candles.candles.find(({ time }) => time === this.#pointed);
  }

  get #step() {
    return STEPS.get(this.#interval);
  }

  get #decimals() {
    const last = this.#candles.candles.slice(-100);
    return Math.max(0, ...last.map(({ open, high, low, close }) => decimals({ price: close, open, high, low })));
  }

  /** What there is to know of the candles as a whole. */
  #say() {
    const { candles, complete, reason, waiting } = this.#candles;
    let said = "";
    if (waiting) said = "Waiting for candles…";
    else if (!candles.length) said = complete ? `No candle was found${this.#since}.` : `No candles: ${reason}`;
    else if (!complete) said = `Incomplete: ${reason}`;
    this.#root.toggleAttribute("data-empty", !candles.length);
    say(this.#parts.note, said);
  }

  /** How far back was looked. */
  get #since() {
    const { from } = this.#candles;
    return from === null ? "" : ` since ${this.#zone.time(from, this.#step)} ${this.#zone.name(from)}`;
  }

  /** The values of one candle; of the newest one if there is none. */
  #describe(pointed) {
    const candle = pointed ?? this.#candles.candles.at(-1);
    if (!candle) return;
    const texts = this.#textsOf(candle);
    for (const [part, text] of Object.entries(texts)) write(this.#parts[part], text);
    this.#parts.volume.parentElement.hidden = !texts.volume;
    this.#parts.close.dataset.way = Number(candle.close) < Number(candle.open) ? "down" : "up";
  }

  #textsOf(candle) {
    const texts = {
      opens: `${this.#zone.time(candle.time, this.#step)} ${this.#zone.name(candle.time)}`,
      volume: candle.volume === null ? "" : shown(compact(candle.volume)),
      source: SOURCES[candle.source] ?? "",
    };
    for (const key of ["open", "high", "low", "close"]) texts[key] = shown(plain(candle[key], this.#decimals));
    return texts;
  }

  #press(event) {
    if (!this.#plot || event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    if (key in STEPS_OF_KEYS) this.#go(STEPS_OF_KEYS[key]);
    else if (key in ZOOMS_OF_KEYS) this.#plot.zoom(ZOOMS_OF_KEYS[key]);
    else if (key === "Escape") this.#point(null);
    else return;
    event.preventDefault();
  }

  /** Moves the cross by so many candles, from the newest one if it is on none. */
  #go(by) {
    const { candles } = this.#candles;
    if (!candles.length) return;
    const at = candles.findLastIndex(({ time }) => time <= (this.#pointed ?? Infinity));
    const to = this.#pointed === null && by === -1 ? at : at + by;
    this.#point(candles[Math.min(Math.max(to, 0), candles.length - 1)]);
    if (to <= 0) this.#candles.older();
  }

  #point(candle) {
    this.#pointed = candle?.time ?? null;
    if (candle) this.#plot.point(candle);
    else this.#plot?.unpoint();
    this.#describe(candle);
    if (!candle) return say(this.#parts.said, "");
    const { opens, open, high, low, close, volume, source } = this.#textsOf(candle);
    const figures = `open ${open}, high ${high}, low ${low}, close ${close}`;
    say(this.#parts.said, `${opens}: ${figures}${volume && `, volume ${volume}`}, from ${source}`);
  }

  /** The pointer has the cross, on this candle or on none. */
  #yield(candle) {
    this.#pointed = candle?.time ?? null;
    say(this.#parts.said, "");
    this.#describe(candle);
  }

  #switch(interval) {
    this.#candles.close();
    this.#interval = interval;
    this.#point(null);
    this.#readdress();
    this.#follow();
    this.#plot?.draw([], this.#step);
    this.#plot?.showNewest();
  }

  /** The page's address names the interval that it shows. */
  #readdress() {
    history.replaceState(null, "", this.#interval === USUAL ? location.pathname : `?interval=${this.#interval}`);
  }

  #reshape(shape) {
    this.#shape = shape;
    this.#plot?.shape(shape);
    this.#remember();
  }

  #rezone() {
    if (this.#zone === Zone.chosen) return;
    this.#zone = Zone.chosen;
    this.#plot?.zone(this.#zone);
    this.#show({ changed: [], reset: false });
  }

  #remember() {
    try {
      localStorage.setItem(REMEMBERED, JSON.stringify({ shape: this.#shape }));
    } catch {
      // A browser that keeps nothing for this site: it is chosen anew next time.
    }
  }

  /** Buttons of which one is pressed; returns what presses another one without a choice being made. */
  #choose(name, chosen, onchoice) {
    const buttons = [...this.#root.querySelectorAll(`button[data-${name}]`)];
    const press = (value) => {
      for (const button of buttons) button.setAttribute("aria-pressed", button.dataset[name] === value);
    };
    for (const button of buttons) {
      button.addEventListener("click", () => {
        if (button.getAttribute("aria-pressed") === "true") return;
        press(button.dataset[name]);
        onchoice(button.dataset[name]);
      });
    }
    press(chosen);
    return press;
  }
}

function remembered() {
  try {
    return Object(JSON.parse(localStorage.getItem(REMEMBERED)));
  } catch {
    return {};
  }
}

/** Until a frame has been drawn, or a second in a page that draws none. */
function painted() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    setTimeout(resolve, 1_000);
  });
}

/** Loads a classic script. */
function load(url) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
}
