// Candles: those of one symbol and interval, from /api/history, kept up to date by a Relay's connection.
// Relay.candles makes them; see relay.js.

import { Asking, fetchJson } from "./asking.js";
import { isAnswer, isCandle, joined, MINUTE, ofPrice, own, read, STEPS } from "./candle.js";
import { CandleList } from "./candle_list.js";
import { MinuteClock } from "./minute_clock.js";
import { News } from "./news.js";
import { Older } from "./older.js";

/** Candles of an answer about a gap, and the gap beyond which all is asked for anew. */
const MOST = 2_000;
/** Candles before the newest one that are still exchanged for the exchange's. */
const TAIL = 120;
/** Milliseconds that the exchange's clock may be behind the relay's, or its newest second may still change. */
const SKEW = 5_000;
/** Milliseconds after which a minute that is over is kept, so that answers have it. */
const KEPT = 3_000;

export class Candles {
  /** Whether the newest answer had all that there is; else the reason why not. */
  complete = false;
  reason = "";
  /** Whether the first answer is still to come. */
  waiting = true;

  #news;
  #list = new CandleList((candle) => this.#news.add(candle));
  #symbol;
  #step;
  #ask;
  #left;
  #asking;
  #older;
  /** From when on minutes were missed, and what asks for them once more. */
  #gap = 0;
  #keeping = 0;
  #clock;
  #isClosed = false;
  /** Of what kind the answers are; null until there is one. */
  #simulated = null;
  /** The newest live update while there is no answer that it could be added to. */
  #early = null;
  /** The state that the newest answer is exact for, and that of the newest live update. */
  #covered = "";
  #latest = "";
  /** The state by which it showed that minutes are missing; an older answer cannot have them. */
  #missing = "";
  /** The newest minute of which all that we hold is known. */
  #known = -Infinity;

  /** addresses: of the relay's /events; see Addresses. left: what to do once they are closed. */
  constructor(symbol, interval, onchange, addresses, left) {
    if (!STEPS.has(interval)) throw new RangeError(`no such interval: ${interval}`);
    this.symbol = this.#symbol = symbol;
    this.interval = interval;
    this.#step = STEPS.get(interval);
    this.#ask = (parameters, ...how) =>
      addresses.first(async (url) => {
        const address = new URL(`./api/history/${encodeURIComponent(symbol)}`, url);
        address.search = new URLSearchParams({ ...ticketIn(url), interval, ...parameters });
        const answer = await fetchJson(address, ...how);
        if (!(answer instanceof Object && isAnswer(answer))) throw new Error("the relay's answer is no history");
        return answer;
      });
    this.#news = new News((news) => this.#isClosed || onchange(news));
    this.#left = left;
    this.#clock = new MinuteClock(() => this.#askTail());
    this.#asking = new Asking(
      (from, ...how) => this.#ask(from > 0 ? { from, limit: MOST } : {}, ...how),
      (answer) => this.#adopt(answer),
      (reason) => this.#fail(reason),
    );
    this.#older = new Older((to, question) => this.#ask({ to }, question));
    this.#asking.ask(0, true);
  }

  /** Ascending, one of each time. Another array whenever an answer has been merged. */
  get candles() {
    return this.#list.candles;
  }

  /** Whether nothing older is known or can be held. */
  get isOldest() {
    return this.#older.isLast || this.#list.isFull;
  }

  /** From when on no candle was found, up to the first one if there is any; null unless that is known. */
  get from() {
    return this.#older.from;
  }

  /** Loads what is older than the first candle, unless that is being done or there is none. */
  async older() {
    if (this.#simulated === null || this.isOldest) return;
    try {
      const answer = await this.#older.ask(this.candles[0]?.time ?? Infinity);
      if (answer) this.#addOlder(answer);
    } catch (error) {
      this.#fail(error.message);
    }
  }

  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stop();
    this.#clock.stop();
    this.#left();
  }

  /** For the Relay: a live update, and the id that it came with. */
  take(update, id) {
    if (update.symbol !== this.#symbol) return;
    if (this.waiting) this.#early = [update, id];
    else if (this.#step < MINUTE) this.#addPrice(update);
    else if (!isCovered(id, this.#covered)) this.#addMinutes(update.candles ?? [], id);
  }

  /** For the Relay: a connection begins, the first one or a further one. */
  greet({ mode, simulated }, isFirst) {
    const isOfAnotherKind = this.#simulated !== null && this.#simulated !== simulated;
    this.#asking.hurry();
    if (isOfAnotherKind || (mode === "full" && !isFirst)) this.#reset();
    // Seconds that were missed do not show by themselves.
    else if (!this.waiting && this.#step < MINUTE) this.#asking.ask(this.#from());
  }

  /** For the Relay: live updates bring no candles at present. */
  renew() {
    if (!this.waiting) this.#asking.ask(this.#from());
  }

  /** What was held is void. */
  #reset() {
    this.#stop();
    this.#list.clear();
    this.waiting = true;
    this.complete = false;
    this.#older.reset();
    this.#early = null;
    this.#covered = this.#latest = this.#missing = "";
    this.#known = -Infinity;
    this.#simulated = null;
    this.#news.reset();
    this.#asking.ask(0, true);
  }

  #addOlder(answer) {
    if (answer.simulated !== this.#simulated) return this.#older.wait();
    const first = this.candles[0]?.time ?? Infinity;
    const rows = read(answer).filter(({ time }) => time < first);
    if (rows.length) this.#older.find();
    else if (answer.complete) this.#older.miss(answer.from);
    if (!answer.complete) this.#older.wait();
    this.#say(answer);
    this.#list.merge(rows, Infinity);
    this.#news.tell();
  }

  #stop() {
    this.#asking.stop();
    clearTimeout(this.#keeping);
    this.#older.stop();
  }

  /** An answer about what is from some time on; true if it is complete. */
  #adopt(answer) {
    if (this.#simulated !== null && this.#simulated !== answer.simulated) this.#reset();
    this.#simulated = answer.simulated;
    this.#clock.ahead = Date.now() - answer.time;
    this.#say(answer);
    const rows = read(answer);
    // A live update came first that is newer than the answer.
    const isOlder = this.#latest !== "" && !isCovered(this.#latest, answer.id);
    this.#list.merge(rows, isOlder ? answer.closed : Infinity);
    if (answer.complete && !this.candles.length) this.#older.begin(answer.from);
    if (!isOlder) {
      this.#covered = answer.id;
      const newest = Math.max(answer.time - SKEW, rows.at(-1)?.time ?? 0);
      this.#known = Math.max(this.#known, newest - (newest % MINUTE));
    }
    this.#begin();
    this.#news.tell();
    if (this.#missing && !isBefore(answer.id, this.#missing)) this.#fill();
    return answer.complete && !this.#missing;
  }

  #fail(reason) {
    this.complete = false;
    this.reason = reason;
    this.#begin();
    this.#news.tell();
  }

  #say({ complete, reason = "" }) {
    this.complete = complete;
    this.reason = complete ? "" : reason;
  }

  #begin() {
    if (!this.waiting) return;
    this.waiting = false;
    const early = this.#early;
    this.#early = null;
    if (early) this.take(...early);
  }

  /** The newest minutes: the running one last, the one before, and those that are not kept yet. */
  #addMinutes(rows, id) {
    const minutes = [rows].flat().filter(Array.isArray).map(own).filter(isCandle);
    const running = minutes.at(-1);
    if (!running) return;
    const isJoined = minutes.some(({ time }) => time <= this.#known);
    if (!isJoined && running.time - this.#known > MOST * this.#step && this.#known > 0) return this.#reset();
    if (!isJoined) this.#askForMissing(id);
    this.#latest = id;
    for (const minute of minutes) this.#addMinute(minute);
    this.#known = Math.max(this.#known, running.time);
  }

  /** Minutes lie between what we hold and the update of this id. */
  #askForMissing(id) {
    this.#missing = id;
    this.#gap = this.#known > 0 ? this.#known - (this.#known % this.#step) : 0;
    this.#asking.ask(this.#gap);
  }

  /** An answer has come about what was missed. The last of it may not be kept yet, if it ever was. */
  #fill() {
    this.#missing = "";
    const from = this.#gap;
    const since = this.candles.filter(({ time }) => time >= from);
    if (!since.some(({ time }, index) => index && time - since[index - 1].time > this.#step)) return;
    clearTimeout(this.#keeping);
    this.#keeping = setTimeout(() => this.#asking.ask(from), KEPT);
  }

  #addMinute(minute) {
    const time = minute.time - (minute.time % this.#step);
    const held = this.#list.at(time);
    if (held?.source === "exchange") return;
    if (this.#step === MINUTE) {
      if (held?.updates > minute.updates) return;
      const joint = held?.source === "both" ? joined(held, minute) : minute;
      this.#list.put({ ...joint, updates: minute.updates });
    } else {
      // Which of the minute's updates the held one counts already is not known.
      this.#list.put({ ...(held ? joined(held, minute) : minute), time, updates: null });
    }
  }

  #addPrice({ price, event_time: made, received_time: got }) {
    const time = (made ?? got) - ((made ?? got) % this.#step);
    const last = this.candles.at(-1);
    const second = ofPrice(time, price);
    if (!isCandle(second) || time < last?.time) return;
    if (time - last?.time > MOST * this.#step) return this.#reset();
    if (time > last?.time || !last) this.#list.put(second);
    else if (last.source !== "exchange") this.#list.put({ ...joined(last, second), updates: last.updates + 1 });
  }

  /** From when on, among the newest, something is not the exchange's yet. Its last second may change again. */
  #from() {
    const tail = this.candles.slice(-TAIL);
    const isOpen = ({ time, source }, index) => source !== "exchange" || tail[index + 1]?.time - time > this.#step;
    const first = tail.find(isOpen) ?? tail.at(-1);
    return first ? first.time - (this.#step < MINUTE ? SKEW : 0) : 0;
  }

  #askTail() {
    const isOver = this.#from() + this.#step <= this.#clock.now;
    if (isOver && !globalThis.document?.hidden && !this.waiting) this.#asking.ask(this.#from());
  }
}

/** The ticket that opens an address, for another one of the same relay. */
function ticketIn(url) {
  const ticket = new URL(url).searchParams.get("ticket");
  return ticket ? { ticket } : {};
}

/** Whether the state of one id is a part of another one's: ids are <epoch>-<version>. */
function isCovered(id, by) {
  if (!by) return false;
  const [end, other] = [id.lastIndexOf("-"), by.lastIndexOf("-")];
  return id.slice(0, end) === by.slice(0, other) && Number(id.slice(end + 1)) <= Number(by.slice(other + 1));
}

/** Whether the state of one id is older than that of another one; those of two epochs are neither. */
function isBefore(id, other) {
  return isCovered(id, other) && !isCovered(other, id);
}
