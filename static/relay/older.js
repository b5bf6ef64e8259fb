// Older: asks for what is before the candles that are held, one window of time after the other.

/** When the exchange began, in milliseconds since 1970: no candle is older. */
const BEGINNING = 1_498_867_200_000;
/** Windows in a row without a candle after which no further one is asked for. */
const EMPTY = 4;
/** Milliseconds before what could not be had is asked for again. */
const PAUSE = 5_000;

export class Older {
  /** Whether nothing older is known. */
  isLast = false;
  /** From when on no candle was found, up to the first one; null unless that is known. */
  from = null;

  #ask;
  #question = null;
  #to = Infinity;
  #empty = 0;
  #after = 0;

  /** ask: (to, question) => the answer about the last candles before then; see fetchJson. */
  constructor(ask) {
    this.#ask = ask;
  }

  /**
   * The answer about what is before the candle that opens at `first`, without what was seen to be empty. Null if
   * that is being asked, or is not worth asking now. Throws an Error that says why there is no answer.
   */
  async ask(first) {
    const to = Math.min(first, this.from ?? Infinity);
    if (this.isLast || to === Infinity || this.#question || performance.now() < this.#after) return null;
    const question = (this.#question = new AbortController());
    this.#to = to;
    try {
      const answer = await this.#ask(to, question);
      return question === this.#question ? answer : null;
    } catch (error) {
      if (question !== this.#question) return null;
      this.wait();
      throw error;
    } finally {
      if (question === this.#question) this.#question = null;
    }
  }

  /** There may be more to know later on. */
  wait() {
    this.#after = performance.now() + PAUSE;
  }

  /** An answer had candles. */
  find() {
    this.from = null;
    this.#to = Infinity;
    this.#empty = 0;
  }

  /** A complete answer had none: it looked at what is from then on. One that says no such time is the last. */
  miss(from) {
    const isFurther = Number.isSafeInteger(from) && from < this.#to;
    if (isFurther) this.from = this.#to = from;
    this.isLast = !isFurther || from <= BEGINNING || ++this.#empty >= EMPTY;
  }

  /** Nothing is held, and the newest answer had none either: it looked at what is from then on. */
  begin(from) {
    if (this.from === null && Number.isSafeInteger(from)) this.from = from;
  }

  /** Forgets what was asked: no answer to it is passed on. */
  stop() {
    this.#question?.abort();
    this.#question = null;
  }

  /** What was held is void. */
  reset() {
    this.stop();
    this.find();
    this.isLast = false;
    this.#after = 0;
  }
}
