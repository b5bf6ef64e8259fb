// Cross: the library's cross on the candle that the keys chose. The library keeps a cross where it is on the
// screen, whatever candle moves below it: so it is put anew whenever something may have moved.

/** Candles between a chosen one that was out of sight and the edge that it is moved to. */
const MARGIN = 2;

export class Cross {
  #chart;
  #find;
  #onpoint;
  /** When the chosen candle opens; null if the keys chose none. */
  #chosen = null;
  /** Where the pointer was last: the browser tells of one at rest too. */
  #pointer = "";
  #isDue = false;

  /**
   * find: what is drawn of the candle that opens then, { place, price, time, series }, if it is drawn.
   * onpoint: is told the library's time at the pointer, which has the cross unless the keys have it.
   */
  constructor(chart, element, find, onpoint) {
    this.#chart = chart;
    this.#find = find;
    this.#onpoint = onpoint;
    chart.subscribeCrosshairMove((event) => this.#follow(event));
    chart.timeScale().subscribeVisibleLogicalRangeChange(() => this.#putSoon());
    for (const type of ["wheel", "touchmove"]) {
      element.addEventListener(type, () => this.#leave(), { capture: true, passive: true });
    }
  }

  /** The place on the axis of the chosen candle, or null. */
  get place() {
    return this.#found?.place ?? null;
  }

  /** Puts the cross on the candle that opens then, and keeps it there. */
  choose(time) {
    this.#chosen = time;
    this.keep();
  }

  clear() {
    this.#chosen = null;
    this.#chart.clearCrosshairPosition();
  }

  /** Candles were drawn: the chosen one is moved into sight again, and has the cross. */
  keep() {
    const { place } = this;
    const scale = this.#chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    if (place === null || !range) return;
    const { from, to } = range;
    const by = place < from + 1 ? place - from - MARGIN : place > to - 1 ? place - to + MARGIN : 0;
    if (by) scale.setVisibleLogicalRange({ from: from + by, to: to + by });
    this.#putSoon();
  }

  get #found() {
    return this.#chosen === null ? undefined : this.#find(this.#chosen);
  }

  #follow({ time, sourceEvent }) {
    const pointer = sourceEvent && `${sourceEvent.clientX} ${sourceEvent.clientY}`;
    const isMoved = pointer && pointer !== this.#pointer;
    if (pointer) this.#pointer = pointer;
    if (this.#chosen !== null && !isMoved) return this.#putSoon();
    this.#chosen = null;
    this.#onpoint(time);
  }

  /** Whoever moves the chart by hand no longer looks at the chosen candle. */
  #leave() {
    if (this.#chosen === null) return;
    this.clear();
    this.#onpoint(undefined);
  }

  /** Once the library is done with what it does now: amid that, its series may be empty. */
  #putSoon() {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.#put();
    });
  }

  #put() {
    if (this.#chosen === null) return;
    const found = this.#found;
    const range = this.#chart.timeScale().getVisibleLogicalRange();
    if (!found || !range || found.place < range.from || found.place > range.to) {
      return this.#chart.clearCrosshairPosition();
    }
    this.#chart.setCrosshairPosition(found.price, found.time, found.series);
  }
}
