// Prices: live prices of a relay, without dependencies, in any web page or in Node.
//
//   import { Prices } from "/static/relay/prices.js";        (with candles: Relay, from /static/relay.js)
//   const relay = new Prices({ symbols: ["BTCUSDT"], rate: 2 });
//   relay.addEventListener("price", ({ detail: { symbol, price } }) => ...);
//   for await (const { symbol, price } of relay) ...
//
// Each event has a callback too. What they bring is the event's `detail`, or the callback's argument:
//   updates (onupdates): an array, the newest of each symbol that changed; prices are strings
//   price: one of them
//   status (onstatus): see `status`; on every change and once a second
//   removed (onremoved): an array of symbols that the exchange does not list any more
//   reset (onreset): what was held is void: the relay has started anew, and all of it follows
//   settled (onsettled): it has come: a symbol that is not held now is not known to the relay
//
// `status` is { state, reason, age, simulated, source, latency, standbys, delay }. `state` is live, simulated,
// stale, down or connecting; or paused: the page is hidden, and nothing is wrong; or refused: the relay will not
// give what was asked for. `reason` is its sentence then, else it begins with the hop to blame: exchange, listener,
// redis, relay or your connection. `age` is that of the newest price, in seconds; `latency` is the time from the
// exchange's stamp to the relay's listener, `delay` that to this page, both in milliseconds, null if unknown.
// One symbol is live, quiet (silent for no longer than is usual for it), stale (for longer) or halted (not
// traded at present); while prices as a whole are neither live nor simulated, it is what they are.

import { Group } from "./group.js";
import { covers, FIELDS, upper } from "./wish.js";

/** Updates a second and symbol for whoever saves data or is on a slow network, unless a rate was given. */
const SPARING = 0.5;

/** How things stand for who has asked, and got no answer yet. */
const UNREACHED = { state: "connecting", reason: "your connection: reaching the relay" };

const isFine = ({ state }) => state === "live" || state === "simulated";

/** The symbols that somebody names, in an array or with commas. */
function named(symbols) {
  const names = typeof symbols === "string" ? symbols.split(",") : [...symbols];
  return new Set(names.map((name) => upper(name).trim()).filter((name) => name));
}

function rateOf(rate) {
  const number = Number(rate);
  if (!(number >= 0 && number < Infinity)) throw new RangeError(`no such rate: ${rate}`);
  return number;
}

function fieldsOf(fields) {
  if (!FIELDS.includes(fields)) throw new RangeError(`no such fields: ${fields}`);
  return fields;
}

function addressIn(url) {
  const address = new URL(url, globalThis.location?.href);
  if (!/^https?:$/.test(address.protocol)) throw new TypeError(`no address of a relay's /events: ${url}`);
  return address.href;
}

function ticketOf(ticket) {
  if (ticket != null && !["string", "function"].includes(typeof ticket)) {
    throw new TypeError("ticket is no text, and nothing that gives one");
  }
  return ticket;
}

export class Prices extends EventTarget {
  onupdates = null;
  onstatus = null;
  onremoved = null;
  onreset = null;
  onsettled = null;
  /** The newest update of each symbol. */
  tickers = new Map();
  /** The wanted symbols that the relay does not know; none until that is certain. */
  unknown = [];
  /** What is asked for, now and while the page is hidden; see wish.js. For the group. */
  wish;
  hiddenWish;

  #group;
  #wanted = null;
  #pending = new Map();
  #pause = 0;
  #isOwed;
  #isClosed = false;
  #hasListeners = false;
  /** What `measure` found, and the newest stamp of the exchange with the time at which it came. */
  #ahead = null;
  #stamp = null;

  /**
   * url: the relay's /events, here or on another site, or several of the same relay: the newest counts. symbols: in
   * any case; all if left out. fields: "ticker", "price", or "candle" where candles are going to be asked for.
   * rate: updates per second and symbol at most. since: the id to resume from. held: the updates that are known as
   * of that id. hidden: the rate while the page has been hidden for 30 s; 0 is nothing, which is "paused".
   * shared: whether the connection is shared with other pages of this browser. ticket: what opens the relay, or a
   * function that gives one or a promise of one, which is asked anew each time.
   */
  constructor({
    url = "/events",
    symbols,
    fields = "ticker",
    rate,
    since = "",
    held = [],
    hidden = 0,
    shared = true,
    ticket,
  } = {}) {
    super();
    const { saveData, effectiveType = "" } = globalThis.navigator?.connection ?? {};
    rate ??= saveData || effectiveType.endsWith("2g") ? SPARING : 0;
    if (symbols != null) this.#wanted = named(symbols);
    const names = this.#wanted && [...this.#wanted].sort();
    this.wish = { symbols: names, fields: fieldsOf(fields), rate: rateOf(rate) };
    this.hiddenWish = hidden ? { ...this.wish, rate: rateOf(hidden) } : null;
    this.#isOwed = !since;
    for (const update of held) this.tickers.set(update.symbol, update);
    const urls = [url].flat().map(addressIn);
    if (!urls.length) throw new TypeError("url names no relay");
    this.#group = Group.of(urls, shared, ticketOf(ticket) != null);
    this.#group.add(this, since, held, ticket);
  }

  /** How things stand now. */
  get status() {
    const group = this.#group;
    const { status } = group.board.health;
    const refusal = group.refusalOf(this.wish);
    const stamp = this.#ahead === null ? null : this.#stamp;
    const delay = stamp && Math.max(0, Math.round(stamp.came - this.#ahead - stamp.made));
    if (this.#isClosed) return { ...status, delay, state: "closed", reason: "" };
    if (refusal) return { ...status, delay, state: "refused", reason: refusal };
    if (group.isPaused || this.wish.symbols?.length === 0) return { ...status, delay, state: "paused", reason: "" };
    // Others' prices come, and ours do not yet.
    if (isFine(status) && !covers(group.board.wish, this.wish)) return { ...status, delay, ...UNREACHED };
    return { ...status, delay };
  }

  /** How one symbol stands: live, quiet, stale or halted, or what prices as a whole are; null if unknown. */
  stateOf(symbol) {
    const name = upper(symbol);
    return this.tickers.has(name) ? this.#group.board.stateOf(name, this.status.state) : null;
  }

  /**
   * Seconds since the relay read the symbol's newest update, by the relay's clock; since we got it, where
   * it does not say when that was. Null if there is none.
   */
  ageOf(symbol) {
    const name = upper(symbol);
    return this.tickers.has(name) ? this.#group.board.ageOf(name) : null;
  }

  /**
   * Compares clocks: { ahead, roundTrip }: by how many milliseconds this device's is ahead of the relay's, to half
   * of `roundTrip`. From then on `status.delay` is known. Throws where the relay does not answer.
   */
  async measure() {
    const { compareClocks } = await import("./clocks.js");
    const clocks = await compareClocks(this.addresses);
    this.#ahead = clocks.ahead;
    return clocks;
  }

  /** Ends it for good. */
  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#pause);
    this.#group.delete(this);
    this.dispatchEvent(new Event("close"));
  }

  /** Each price as it comes; whoever is slow gets the newest of each symbol, never a queue. */
  async *[Symbol.asyncIterator]() {
    const waiting = new Map(this.tickers);
    let wake = () => {};
    const take = ({ detail }) => {
      for (const ticker of detail ?? []) waiting.set(ticker.symbol, ticker);
      wake();
    };
    const names = ["updates", "close"];
    for (const name of names) this.addEventListener(name, take);
    try {
      while (!this.#isClosed) {
        const [[symbol, ticker] = []] = waiting;
        waiting.delete(symbol);
        if (ticker?.price) yield ticker;
        else if (!waiting.size) await new Promise((done) => (wake = done));
      }
    } finally {
      for (const name of names) this.removeEventListener(name, take);
    }
  }

  addEventListener(name, ...more) {
    if (name === "price") this.#hasListeners = true;
    super.addEventListener(name, ...more);
  }

  /** For the group: something has happened to its board; see Board. */
  hear(what, data, more) {
    if (this.#isClosed) return;
    if (what === "updates") this.#take(data, more);
    else if (what === "removed") this.#remove(data);
    else if (what === "reset") this.#reset();
    else if (what === "settled") this.#settle();
    else if (what === "greeting") this.greet(data, more);
    else this.#tell("status", this.status);
  }

  /** For whoever extends it: updates have come, those by a poll without more than their price. */
  take() {}

  /** For whoever extends it: a connection begins, the first one or a further one. */
  greet() {}

  /** For whoever extends it: has the group bring what is wished for now. */
  rewish(wish) {
    if (wish.symbols) this.#wanted = new Set(wish.symbols);
    this.wish = wish;
    if (this.hiddenWish) this.hiddenWish = { ...wish, rate: this.hiddenWish.rate };
    this.#group.change();
  }

  /** For whoever extends it: where the relay is asked, and the id of what is held of a symbol. */
  get addresses() {
    return this.#group.addresses;
  }

  idOf(symbol) {
    return this.#group.board.idOf(symbol);
  }

  /** The first at once, then the newest of each symbol at our rate, where others get more than we want. */
  #take(updates, isThin) {
    const mine = this.#wanted ? updates.filter(({ symbol }) => this.#wanted.has(symbol)) : updates;
    if (!mine.length) return;
    for (const update of mine) this.#pending.set(update.symbol, update);
    if (this.#pause) return;
    const { rate } = this.wish;
    this.#flush(isThin);
    const shared = this.#group.board.wish?.rate;
    if (rate && shared !== rate) this.#pause = setTimeout(() => this.#resume(), 1000 / rate);
  }

  #resume() {
    this.#pause = 0;
    const updates = [...this.#pending.values()];
    if (updates.length) this.#take(updates);
  }

  #flush(isThin) {
    const updates = [...this.#pending.values()];
    this.#pending.clear();
    for (const update of updates) this.tickers.set(update.symbol, update);
    const { event_time: made } = updates.at(-1);
    if (made) this.#stamp = { made, came: Date.now() };
    this.unknown = this.unknown.filter((symbol) => !this.tickers.has(symbol));
    this.take(updates, isThin);
    this.#tell("updates", updates);
    if (!this.#hasListeners) return;
    for (const detail of updates) this.#dispatch("price", detail);
  }

  #remove(symbols) {
    for (const symbol of symbols) this.#pending.delete(symbol);
    const mine = symbols.filter((symbol) => this.tickers.delete(symbol));
    if (mine.length) this.#tell("removed", mine);
    this.#know();
  }

  #reset() {
    this.#pending.clear();
    this.tickers.clear();
    this.unknown = [];
    this.#isOwed = true;
    this.#tell("reset");
  }

  #settle() {
    if (this.#pending.size) this.#flush();
    this.#know();
    if (!this.#isOwed) return;
    this.#isOwed = false;
    this.#tell("settled");
  }

  /** What the relay says is unknown, or what is missing where all of it is held. */
  #know() {
    const { board } = this.#group;
    const isUnknown = (symbol) => (board.isComplete ? !board.tickers.has(symbol) : board.unknown.includes(symbol));
    this.unknown = board.isSettled ? [...(this.#wanted ?? [])].filter(isUnknown) : [];
  }

  #tell(name, detail) {
    try {
      if (!this.#isClosed) this[`on${name}`]?.(detail);
    } catch (error) {
      // It is the page's own, and no reason to end.
      queueMicrotask(() => {
        throw error;
      });
    }
    this.#dispatch(name, detail);
  }

  /** Who is told may have closed it amid what there is to tell. */
  #dispatch(name, detail) {
    if (!this.#isClosed) this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
