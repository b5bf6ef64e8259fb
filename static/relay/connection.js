// Connection: what one relay says, over whichever transport delivers, for as long as it is wanted.

import { parts } from "./board.js";
import { Pulse } from "./pulse.js";
import { ask, isRefusal, TOO_LONG, TRANSPORTS } from "./transports.js";

const KINDS = Object.keys(TRANSPORTS);
/** Milliseconds without an answer after which another attempt is made beside it. */
const RIVAL = 2_000;
/** Milliseconds without an answer after which an attempt is given up. */
const PATIENCE = 5_000;
/** Milliseconds before an attempt after a failure: the first wait at most, and the longest. */
const BACKOFF = [500, 30_000];
/** Milliseconds at most for which a relay may send us away. */
export const LONGEST = 600_000;
/** Milliseconds that a connection has lived whose end is no failure, and those at most before the next one. */
const LONG = 2_000;
const AT_ONCE = 250;
/** Milliseconds for which a transport is remembered. */
const REMEMBERED = 3_600_000;
/** Milliseconds after which the best transport is tried again beside one that is not. */
const AGAIN = { socket: 600_000, poll: 30_000 };

/** How long a relay sends us away, as far as that is believed. */
const milliseconds = (retry) => Math.min(Math.max(Number(retry) || 0, 0), LONGEST);

export class Connection {
  /** Since when it is lost; 0 while it delivers. In the future where a relay said when to come back. */
  lost = Date.now();
  /** What a relay says that cannot be reached, or that refuses what is asked. */
  blame = "";
  refused = "";
  /** Whether it refuses because the address is too long. */
  isTooLong = false;
  /** That of what it says. */
  epoch = "";

  #url;
  #since;
  #ticket;
  #heard;
  #changed;
  #memory;
  #kind = null;
  #link = null;
  #attempts = new Set();
  #order = [];
  #timer = 0;
  #begun = 0;
  #pulse = new Pulse();
  #isAsking = false;
  #failures = 0;
  #retry = 0;
  /** Before this time a relay begins no other stream for us, by its word. */
  #away = 0;

  /**
   * url: of /events, with its query. since: () => the id to resume from. ticket: what opens it; see Ticket.
   * heard: takes what is said, its id and whether it is prices alone. changed: is told when `lost` or `refused` is
   * another one.
   */
  constructor(url, since, ticket, heard, changed) {
    this.#url = url;
    this.#since = since;
    this.#ticket = ticket;
    this.#heard = heard;
    this.#changed = changed;
    this.#memory = `relay transport ${url.origin}`;
    this.#try();
  }

  /** Whether it still delivers what it should; to be called about once a second. */
  watch() {
    const now = Date.now();
    const link = this.#link;
    if (!link || this.#attempts.size || now < this.#away) return;
    const silence = this.#pulse.silence();
    if (silence === "lost") this.#try();
    else if (silence === "odd") this.#ask(link);
    else if (now - link.at > AGAIN[link.kind]) {
      link.at = now;
      this.#attempt(KINDS[0]);
    }
  }

  /** Back from sleep, from another page or from being offline: no reason to wait any longer. */
  probe() {
    const now = Date.now();
    if (this.refused || (!this.#link && this.#attempts.size && now - this.#begun < RIVAL)) return;
    this.#failures = this.#retry = 0;
    if (!this.#link) return this.#try();
    if (now - this.#begun < RIVAL) return;
    this.#begun = now;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#pulse.heardAt < now && this.#try(), RIVAL);
    this.#inquire();
  }

  async #inquire() {
    const link = this.#link;
    const news = await this.#poll();
    if (link !== this.#link || !news) return;
    if (!news.length) this.#try();
    for (const said of news) this.#heard(...said);
  }

  /** What a poll beside the link says: null if nobody answers, nothing if it is of another epoch than the link. */
  async #poll() {
    const news = [];
    try {
      const address = await this.#ticket.put(this.#address());
      await ask(address, (...said) => news.push(said), AbortSignal.timeout(RIVAL));
    } catch {
      return null;
    }
    const [[, id]] = news;
    return this.epoch && parts(id)[0] !== this.epoch ? [] : news;
  }

  /** Whether a stream that usually has more to say is silent, or there is nothing new. */
  async #ask(link) {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const { heardAt } = this.#pulse;
    const news = await this.#poll();
    this.#isAsking = false;
    if (link !== this.#link || this.#pulse.heardAt !== heardAt) return;
    if (news) {
      // One status alone says that nothing was missed.
      for (const said of news) this.#heard(...said);
      this.#pulse.excuse(heardAt);
      if (news.length === 1) return (this.#pulse.heardAt = Date.now());
    } else {
      this.lost ||= heardAt;
      this.#changed();
    }
    this.#try();
  }

  /** Connects anew, beside the link, from what `since` is now. */
  renew() {
    this.#try();
  }

  close() {
    this.#stop();
    if (this.#link) this.#end(this.#link);
    this.#link = null;
  }

  #address() {
    const url = new URL(this.#url);
    const id = this.#since();
    if (id) url.searchParams.set("since", id);
    return url;
  }

  /** One transport after the other, beside the link if there is one, until one delivers. */
  #try() {
    this.#stop();
    this.#begun = Date.now();
    this.#kind ??= this.#remembered();
    this.#order = [this.#kind, ...KINDS.filter((kind) => kind !== this.#kind)];
    this.#next();
  }

  #next() {
    clearTimeout(this.#timer);
    this.#attempt(this.#order.shift());
    if (this.#order.length) this.#timer = setTimeout(() => this.#next(), RIVAL);
  }

  #attempt(kind) {
    const attempt = { kind, at: Date.now() };
    this.#attempts.add(attempt);
    attempt.timer = setTimeout(() => this.#fail(attempt), PATIENCE);
    const heard = (...said) => this.#take(attempt, ...said);
    const ended = (problem) => this.#fail(attempt, problem);
    attempt.close = TRANSPORTS[kind](this.#address(), heard, ended, this.#ticket);
  }

  #stop() {
    clearTimeout(this.#timer);
    for (const attempt of this.#attempts) this.#end(attempt);
    this.#attempts.clear();
    this.#order = [];
  }

  #end(attempt) {
    clearTimeout(attempt.timer);
    attempt.close();
  }

  #take(attempt, said, id, isThin) {
    if (said.event === "bye" && attempt !== this.#link) return this.#turnAway(attempt, said);
    if (this.#attempts.delete(attempt)) this.#win(attempt);
    if (attempt !== this.#link) return;
    this.#pulse.hear(said);
    this.lost = 0;
    // A status says where it stands itself; what stands with it may be of the epoch before.
    this.epoch = parts((said.event === "status" && said.id) || id || said.id || "")[0] || this.epoch;
    if (said.event === "bye") this.#leave(said);
    else this.#heard(said, id, isThin);
  }

  /** The first that delivers. */
  #win(attempt) {
    clearTimeout(attempt.timer);
    this.close();
    this.#link = attempt;
    this.#pulse.begin();
    this.#kind = attempt.kind;
    this.#remember();
    this.blame = "";
    this.#failures = this.#retry = 0;
  }

  /** A worker where no further stream may begin: what delivers goes on. */
  #turnAway(attempt, said) {
    if (!this.#attempts.has(attempt)) return;
    if (!this.#link) return this.#leave(said);
    this.#stop();
    this.#away = Date.now() + milliseconds(said.retry);
  }

  /** A worker that goes away, or is full, says when to come back: no error. */
  #leave(said) {
    const retry = milliseconds(said.retry);
    this.close();
    if (said.reason) this.blame = `relay: ${String(said.reason).slice(0, 300)}`;
    this.lost = Date.now() + retry;
    this.#tryIn(retry);
    this.#changed();
  }

  #fail(attempt, problem) {
    const { status, sentence, retry } = problem ?? {};
    if (attempt === this.#link) {
      // A poll that asked too often waits as long as it is told.
      if (retry > 0) this.#retry = retry * 1000;
      return this.#lose(Date.now() - attempt.at > LONG && !(retry > 0));
    }
    if (!this.#attempts.delete(attempt)) return;
    this.#end(attempt);
    if (status || sentence) this.blame = `relay: ${String(sentence ?? `it answers ${status}`).slice(0, 300)}`;
    this.isTooLong = TOO_LONG.includes(status);
    if (this.isTooLong) return this.#refuse("it does not take so many symbols");
    const isOld = status === 401 && this.#ticket.isStale;
    if (isRefusal(problem ?? {}) && !isOld) return this.#refuse(sentence);
    if (retry > 0) this.#retry = retry * 1000;
    if (this.#order.length) this.#next();
    else if (!this.#attempts.size && !(this.#link && this.#pulse.heardAt >= this.#begun)) this.#lose(false);
  }

  #refuse(sentence) {
    this.close();
    this.refused = String(sentence).slice(0, 300);
    this.lost ||= Date.now();
    this.#changed();
  }

  /** A connection that something on the way cuts now and then is there again at once. */
  #lose(isAtOnce) {
    if (this.#link) this.#end(this.#link);
    this.#link = null;
    this.lost ||= Date.now();
    if (!this.#attempts.size) this.#tryIn(isAtOnce ? Math.random() * AT_ONCE : this.#backoff());
    this.#changed();
  }

  #tryIn(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#try(), milliseconds);
  }

  #backoff() {
    const longest = Math.min(BACKOFF[0] * 2 ** this.#failures++, BACKOFF[1]);
    return Math.min(this.#retry, LONGEST) + Math.random() * longest;
  }

  #remembered() {
    try {
      const [kind, at] = localStorage.getItem(this.#memory).split(" ");
      if (KINDS.includes(kind) && Math.abs(Date.now() - at) < REMEMBERED) return kind;
    } catch {
      // Nothing is remembered here.
    }
    return KINDS[0];
  }

  #remember() {
    try {
      if (this.#kind === KINDS[0]) localStorage.removeItem(this.#memory);
      else localStorage.setItem(this.#memory, `${this.#kind} ${Date.now()}`);
    } catch {
      // Nothing can be remembered here.
    }
  }
}
