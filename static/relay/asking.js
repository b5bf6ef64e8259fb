// Asking: one question at a time to /api/history, with a deadline, and again after a failure.

/** Milliseconds that an answer may take. */
const DEADLINE = 10_000;
/** Milliseconds before a question is put again: the first wait at most, and the longest. */
const BACKOFF = [2_000, 60_000];
/** Milliseconds of a delay at most that keeps clients from asking all at once. */
const SPREAD = 500;

export class Asking {
  #answer;
  #failed;
  #ask;
  #from = Infinity;
  #question = null;
  #timer = 0;
  #failures = 0;

  /**
   * ask: (from, question, cache) => the answer about what is from then on, 0 for the newest; see fetchJson.
   * answer: (body) => false to ask again later.
   */
  constructor(ask, answer, failed) {
    this.#ask = ask;
    this.#answer = answer;
    this.#failed = failed;
  }

  /** Asks for what is from `from` on. What is asked meanwhile is asked together afterwards. */
  ask(from, isUrgent = false) {
    this.#from = Math.min(this.#from, from);
    if (this.#question || this.#timer) return;
    if (isUrgent) this.#put();
    else this.#putIn(Math.random() * SPREAD);
  }

  /** The relay can be reached again: no reason to wait any longer. */
  hurry() {
    if (!this.#failures || !this.#timer) return;
    this.#failures = 0;
    clearTimeout(this.#timer);
    this.#putIn(Math.random() * SPREAD);
  }

  /** Forgets what was asked: no answer to it is passed on. */
  stop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#question?.abort();
    this.#question = null;
    this.#from = Infinity;
    this.#failures = 0;
  }

  async #put() {
    const from = this.#from;
    const question = (this.#question = new AbortController());
    this.#from = Infinity;
    let isDone = false;
    try {
      // About what was missed, an answer of a moment ago is not the newest one.
      const body = await this.#ask(from, question, from > 0 ? "no-cache" : "default");
      if (question !== this.#question) return;
      isDone = this.#answer(body);
      if (question !== this.#question) return;
    } catch (error) {
      if (question !== this.#question) return;
      this.#failed(error.message);
    }
    this.#question = null;
    if (isDone) this.#failures = 0;
    else this.#from = Math.min(this.#from, from);
    if (this.#from < Infinity) this.#putIn(isDone ? Math.random() * SPREAD : this.#backoff());
  }

  #putIn(milliseconds) {
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      if (globalThis.document?.hidden) this.#putIn(BACKOFF[0]);
      else this.#put();
    }, milliseconds);
  }

  #backoff() {
    const longest = Math.min(BACKOFF[0] * 2 ** this.#failures++, BACKOFF[1]);
    return longest * (0.5 + Math.random() / 2);
  }
}

/** The JSON at an address; throws an Error that says why there is none. `question` can abort it. */
export async function fetchJson(url, question = new AbortController(), cache = "default") {
  const late = new AbortController();
  const deadline = setTimeout(() => late.abort(), DEADLINE);
  try {
    const answer = await fetch(url, { signal: AbortSignal.any([question.signal, late.signal]), cache });
    const body = await answer.json();
    if (!answer.ok) throw new Error(String(body?.error ?? `the relay answers ${answer.status}`));
    return body;
  } catch (error) {
    if (question.signal.aborted || late.signal.aborted) throw new Error("the relay takes too long to answer");
    if (error instanceof TypeError) throw new Error("the relay cannot be reached");
    if (error instanceof SyntaxError) throw new Error("the relay's answer is no JSON");
    throw error;
  } finally {
    clearTimeout(deadline);
  }
}
