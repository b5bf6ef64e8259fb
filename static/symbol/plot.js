// Plot: candles drawn by Lightweight Charts. Prices become numbers here, for drawing alone.

import { Cross } from "./cross.js";
import { decimals, fixed, shown } from "../page/figures.js";

/** Missing candles that a gap is drawn as at most. */
const LONGEST_GAP = 300;
/** Candles from the left edge at which older ones are needed. */
const EDGE = 20;
/** Candles by which the number of decimals is judged. */
const SAMPLE = 200;

export class Plot {
  /** The pointer's candle, or null: the keys have the cross no more. */
  onpoint = () => {};
  /** The oldest candles are in sight. */
  onedge = () => {};
  /** Whether the newest candle is in sight. */
  onnewest = () => {};

  #library;
  #element;
  #chart;
  #series = null;
  #volumes;
  #line = null;
  #shape = "candles";
  #cross;
  #zone;
  #step = 60_000;
  #candles = [];
  /** Decimals of the prices on the axis. */
  #places = 0;
  /** Seconds that the library's times are ahead of UTC. */
  #ahead = 0;
  #colours;
  /** Of each candle drawn, by the library's time: the candle, and its place on the axis. */
  #drawn = new Map();
  #last = -Infinity;

  constructor(library, element, zone, shape) {
    this.#library = library;
    this.#element = element;
    this.#zone = zone;
    this.#shape = shape;
    this.#chart = library.createChart(element, {
      autoSize: true,
      layout: { attributionLogo: false, background: { color: "transparent" }, fontFamily: fontOf(element) },
      rightPriceScale: { scaleMargins: { top: 0.08, bottom: 0.24 } },
      timeScale: { timeVisible: true, rightOffset: 3, barSpacing: 8, minBarSpacing: 0.5 },
      handleScroll: { vertTouchDrag: false },
      localization: {
        priceFormatter: (price) => shown(fixed(price, this.#places)),
        timeFormatter: (time) => this.#zone.time(this.#instant(time), this.#step),
      },
      crosshair: { mode: library.CrosshairMode.Normal },
    });
    // It lays its canvases out by a table, which says nothing.
    this.#chart.chartElement().setAttribute("aria-hidden", "true");
    this.#volumes = this.#chart.addSeries(library.HistogramSeries, {
      priceScaleId: "volume",
      priceFormat: { type: "volume" },
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.#chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.#readColours();
    this.#addSeries();
    const onpoint = (time) => this.onpoint(this.#drawn.get(time)?.candle ?? null);
    this.#cross = new Cross(this.#chart, element, (opens) => this.#find(opens), onpoint);
    this.#chart.timeScale().subscribeVisibleLogicalRangeChange(() => this.look());
  }

  /** Draws all candles anew; `step`: the milliseconds that each spans. */
  draw(candles, step) {
    this.#step = step;
    this.#candles = candles;
    this.#ahead = candles.length ? this.#zone.ahead(candles.at(-1).time) / 1000 : 0;
    this.#drawn.clear();
    this.#last = candles.at(-1)?.time ?? -Infinity;
    this.#places = digits(candles);
    this.#chart.timeScale().applyOptions({
      secondsVisible: step < 60_000,
      tickMarkFormatter: (time, weight) => this.#zone.mark(this.#instant(time), weight),
    });
    this.#series.applyOptions({ priceFormat: { type: "price", precision: this.#places, minMove: 10 ** -this.#places } });
    const points = this.#points(candles);
    this.#series.setData(points.map(([time, candle, isBeforeGap]) => this.#point(time, candle, isBeforeGap)));
    this.#volumes.setData(points.map(([time, candle]) => this.#volume(time, candle)));
    this.#markPrice();
    this.look();
    this.#cross.keep();
  }

  /** Draws what changed, which costs much less if that is at the end. */
  move(candles, changed) {
    let last = this.#last;
    const isAtEnd = changed.every(({ time }) => time >= last && time - last <= this.#step && ((last = time), true));
    if (candles !== this.#candles || !isAtEnd) return this.draw(candles, this.#step);
    for (const candle of changed) {
      const time = candle.time / 1000 + this.#ahead;
      const place = this.#drawn.get(time)?.place ?? this.#drawn.get(this.#last / 1000 + this.#ahead).place + 1;
      this.#drawn.set(time, { candle, place });
      this.#last = candle.time;
      this.#series.update(this.#point(time, candle));
      this.#volumes.update(this.#volume(time, candle));
    }
    this.#markPrice();
    this.#cross.keep();
  }

  /** "candles" or "line"; what is in sight stays in sight. */
  shape(shape) {
    this.#shape = shape;
    const scale = this.#chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    this.#addSeries();
    this.draw(this.#candles, this.#step);
    if (range) scale.setVisibleLogicalRange(range);
  }

  zone(zone) {
    this.#zone = zone;
    this.draw(this.#candles, this.#step);
  }

  /** Takes the page's colours as they are now. */
  recolour() {
    const before = JSON.stringify(this.#colours);
    this.#readColours();
    if (JSON.stringify(this.#colours) !== before) this.draw(this.#candles, this.#step);
  }

  /** Puts the cross on a candle, moves it into sight, and keeps both so until `unpoint` or the pointer moves. */
  point(candle) {
    this.#cross.choose(candle.time);
  }

  unpoint() {
    this.#cross.clear();
  }

  /** Shows so many times as much time: around the candle with the cross, else ending where it does. */
  zoom(factor) {
    const scale = this.#chart.timeScale();
    const { from, to } = scale.getVisibleLogicalRange();
    const span = Math.min(Math.max((to - from) * factor, 10), 2 * this.#drawn.size + 50);
    const fixed = this.#cross.place ?? to;
    const start = fixed - ((fixed - from) / (to - from)) * span;
    scale.setVisibleLogicalRange({ from: start, to: start + span });
  }

  /** Back to the newest candles, as wide as in the beginning. */
  showNewest() {
    this.#chart.timeScale().resetTimeScale();
  }

  /** Tells what is in sight. */
  look() {
    const range = this.#chart.timeScale().getVisibleLogicalRange();
    if (!range || !this.#candles.length) return;
    if (range.from < EDGE) this.onedge();
    const last = this.#drawn.get(this.#last / 1000 + this.#ahead);
    if (last) this.onnewest(range.to >= last.place);
  }

  #readColours() {
    const style = getComputedStyle(this.#element);
    const names = ["up", "down", "line", "quiet", "ground", "accent"];
    this.#colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    const { line, quiet } = this.#colours;
    const label = { color: quiet, labelBackgroundColor: quiet };
    this.#chart.applyOptions({
      layout: { textColor: quiet },
      grid: { vertLines: { color: faded(line, 0.5) }, horzLines: { color: faded(line, 0.5) } },
      rightPriceScale: { borderColor: line },
      timeScale: { borderColor: line },
      crosshair: { vertLine: label, horzLine: label },
    });
  }

  #addSeries() {
    if (this.#series) this.#chart.removeSeries(this.#series);
    const { LineSeries, CandlestickSeries } = this.#library;
    this.#series = this.#chart.addSeries(this.#shape === "line" ? LineSeries : CandlestickSeries, {
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.#line = null;
  }

  /** The candles on the library's axis, and a place for each that is missing: it would close gaps. */
  #points(candles) {
    const points = [];
    candles.forEach((candle, index) => {
      const missing = index ? Math.round((candle.time - candles[index - 1].time) / this.#step) - 1 : 0;
      if (missing > 0) points.at(-1)[2] = true;
      const first = candle.time - Math.min(missing, LONGEST_GAP) * this.#step;
      for (let time = first; time < candle.time; time += this.#step) points.push([time / 1000 + this.#ahead, null]);
      const time = candle.time / 1000 + this.#ahead;
      this.#drawn.set(time, { candle, place: points.length });
      points.push([time, candle, false]);
    });
    return points;
  }

  /** Only the exchange's own candles are filled; a line is cut at a gap. */
  #point(time, candle, isBeforeGap = false) {
    if (!candle) return { time };
    const { ground, accent } = this.#colours;
    const isOwn = candle.source !== "exchange";
    if (this.#shape === "line") {
      const color = isBeforeGap ? "transparent" : isOwn ? faded(accent, 0.6) : accent;
      return { time, value: Number(candle.close), color };
    }
    const [open, high, low, close] = [candle.open, candle.high, candle.low, candle.close].map(Number);
    const colour = this.#wayOf(candle);
    return { time, open, high, low, close, color: isOwn ? ground : colour, borderColor: colour, wickColor: colour };
  }

  #volume(time, candle) {
    if (candle?.volume == null) return { time };
    return { time, value: Number(candle.volume), color: faded(this.#wayOf(candle), 0.33) };
  }

  #wayOf({ open, close }) {
    return Number(close) < Number(open) ? this.#colours.down : this.#colours.up;
  }

  /** A line at the newest price: the library's own would have the colour of a hollow candle. */
  #markPrice() {
    const last = this.#candles.at(-1);
    if (!last) return;
    const colour = this.#wayOf(last);
    const options = { price: Number(last.close), color: colour, lineWidth: 1, lineStyle: 1, axisLabelVisible: true };
    if (this.#line) this.#line.applyOptions(options);
    else this.#line = this.#series.createPriceLine({ ...options, title: "" });
  }

  #find(opens) {
    const time = opens / 1000 + this.#ahead;
    const drawn = this.#drawn.get(time);
    return drawn && { place: drawn.place, price: Number(drawn.candle.close), time, series: this.#series };
  }

  #instant(time) {
    return (time - this.#ahead) * 1000;
  }
}

/** How many decimals the prices have. */
function digits(candles) {
  return Math.max(0, ...candles.slice(-SAMPLE).map(({ open, high, low, close }) => decimals({ price: close, open, high, low })));
}

/** A colour of the page's, as a browser tells it, with so much of its opacity. */
function faded(colour, share) {
  return colour.replace(/^rgb\((.*)\)$/, `rgba($1, ${share})`);
}

function fontOf(element) {
  return getComputedStyle(element).fontFamily;
}
