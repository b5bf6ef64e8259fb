// Relay: live prices in any web page, over one EventSource, without dependencies. What candles need is
// imported from beside this file, so load it from a relay, or take its neighbours along.
//
//   import { Relay } from "/static/relay.js";
//   const relay = new Relay({ symbols: ["BTCUSDT"], rate: 2 });
//   relay.onupdates = (updates) => ...  the newest of each symbol that changed; prices are strings
//   relay.onstatus = ({ state, reason, age, simulated }) => ...  on every change and once a second
//   relay.onremoved = (symbols) => ...  the exchange does not list these any more
//   relay.onreset = () => ...  what was held is void: the relay has started anew, and all of it follows
//   relay.onsettled = () => ...  it has come: a symbol that is not held now is not known to the relay
//   relay.stateOf("BTCUSDT");  how one symbol stands, and relay.ageOf("BTCUSDT"): for how many seconds
//   const held = relay.candles("BTCUSDT", "1m", ({ changed, reset }) => ...);  its candles, kept up to date
//   relay.close();
//
// `state` is live, simulated, stale, down or connecting; `reason` begins with the hop to blame:
// exchange, listener, redis or your connection; `age` is that of the newest price, in seconds.
// One symbol is live, quiet (silent for no longer than is usual for it), stale (for longer) or halted (not
// traded at present); while prices as a whole are neither live nor simulated, it is what they are.
//
// `held.candles` are { time, open, high, low, close, volume, quote_volume, trades, updates, source },
// ascending, one of each time; times are milliseconds since 1970, prices are strings. `source` is exchange, or
// relay or both where the relay made them of the updates it read. Until `held.complete`, `held.reason` says
// what is missing. `held.older()` loads earlier ones, until `held.isOldest`; `held.close()` ends it. What
// changed is told once a frame at most; after a reset, what was drawn before is void.

import { Candles } from "./relay/candles.js";

/** Milliseconds between two heartbeats, until a status says how many. */
const HEARTBEAT = 12_000;
/** Silence, in heartbeats, after which the prices are doubtful. */
const LATE = 1.25;
/** Silence, in heartbeats, after which the connection counts as dead. */
const DEAD = 2.5;
/** Milliseconds before a connection of our own making: the first wait at most, and the longest. */
const BACKOFF = [500, 30_000];
/** Seconds without an update after which a symbol is no longer live. */
const LIVE = 10;
/** Silence, in times its pace, after which a symbol is no longer quiet but stale. */
const PACES = 3;
/** Milliseconds after which a hidden page gives its connection back; it resumes where it was. */
const HIDDEN = 30_000;
/** Milliseconds that a connection may take to come back before it is called lost. */
const GRACE = 3_000;
/** Milliseconds after which a lost connection is called down. */
const DOWN = 10_000;
/**
 * What a client missed comes in several arrays. Milliseconds without a further array after which all of it
 * has come, and milliseconds after which it has in any case: updates may never pause.
 */
const SETTLED = [300, 5_000];

export class Relay {
  onupdates = () => {};
  onstatus = () => {};
  onremoved = () => {};
  onreset = () => {};
  onsettled = () => {};
  /** The newest update of each symbol. */
  tickers = new Map();

  #url;
  #id;
  #source = null;
  #connecting = 0;
  #sleeping = 0;
  #failures = 0;
  #heartbeat = HEARTBEAT;
  #said = null;
  #behind = 0;
  #newest = 0;
  #heard = 0;
  /** Of updates that do not say when the relay read them: when we got them. */
  #got = new Map();
  #lost = 0;
  /** The time until which a part of what we missed may still come; 0 once it has come. */
  #catchingUp = 0;
  #settling = 0;
  /** Whether we held nothing when it began to come. */
  #isReset = false;
  #clock;
  #listening = new AbortController();
  /** The candles that are kept up to date. */
  #followed = new Set();

  /**
   * url: the relay's /events, here or on another site. symbols: all if left out. fields: "ticker", "price", or
   * "candle" where candles are going to be asked for. rate: updates per second and symbol at most. since: the
   * id to resume from. held: the updates that are known as of that id.
   */
  constructor({ url = "/events", symbols, fields = "ticker", rate, since = "", held = [] } = {}) {
    this.#url = new URL(url, location.href);
    const query = { symbols, fields, rate, batch: 1 };
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) this.#url.searchParams.set(name, value);
    }
    this.#id = since;
    this.#hold(held);
    const signal = this.#listening.signal;
    document.addEventListener("visibilitychange", () => this.#look(), { signal });
    addEventListener("online", () => this.#look(), { signal });
    addEventListener("pageshow", () => this.#look(), { signal });
    addEventListener("pagehide", () => this.#disconnect(), { signal });
    this.#lost = Date.now() + GRACE;
    this.#connect();
    this.#look();
    this.#clock = setInterval(() => this.#watch(), 1000);
  }

  /** How things stand now. */
  get status() {
    const now = Date.now();
    const said = this.#said;
    const age = this.#newest ? Math.max(0, now - this.#newest) / 1000 : null;
    const { simulated = false, source = "", latency = null, standbys = 0 } = said ?? {};
    const known = { age, simulated, source, latency, standbys };
    const mine = (state, reason) => ({ ...known, state, reason: `your connection: ${reason}` });
    if (this.#lost && now >= this.#lost) {
      const state = now - this.#lost > DOWN ? "down" : said ? "stale" : "connecting";
      return mine(state, navigator.onLine ? "lost, trying again" : "this device is offline");
    }
    if (!said || (this.#lost && age > GRACE / 1000)) return mine("connecting", "reaching the relay");
    if (now - this.#heard > LATE * this.#heartbeat) return mine("stale", "nothing arrives");
    const state = simulated && said.state === "live" ? "simulated" : said.state;
    return { ...known, state, reason: said.reason };
  }

  /** How one symbol stands: live, quiet, stale or halted, or what prices as a whole are; null if unknown. */
  stateOf(symbol) {
    const ticker = this.tickers.get(symbol);
    if (!ticker) return null;
    const { state } = this.status;
    if (state !== "live" && state !== "simulated") return state;
    if (ticker.status !== undefined) return "halted";
    const age = this.ageOf(symbol);
    if (age <= LIVE) return "live";
    return ticker.pace === undefined || age <= PACES * ticker.pace ? "quiet" : "stale";
  }

  /**
   * Seconds since the relay read the symbol's newest update, by the relay's clock; since we got it, where
   * it does not say when that was. Null if there is none.
   */
  ageOf(symbol) {
    const ticker = this.tickers.get(symbol);
    if (!ticker) return null;
    const read = ticker.received_time;
    const time = read === undefined ? this.#got.get(symbol) : read + this.#behind;
    return Math.max(0, Date.now() - time) / 1000;
  }

  /**
   * The candles of a symbol: 1s, 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 8h, 12h or 1d. They go on over this
   * connection, which is made anew if it does not bring candles of that symbol yet.
   */
  candles(symbol, interval, onchange = () => {}) {
    const candles = new Candles(symbol, interval, onchange, this.#url, () => this.#followed.delete(candles));
    this.#followed.add(candles);
    this.#widen(symbol);
    return candles;
  }

  /** Ends it for good. */
  close() {
    for (const candles of this.#followed) candles.close();
    clearInterval(this.#clock);
    clearTimeout(this.#sleeping);
    this.#listening.abort();
    this.#disconnect();
  }

  /** Has the connection bring candles, also of this symbol. */
  #widen(symbol) {
    const query = this.#url.searchParams;
    const symbols = query.get("symbols")?.split(",");
    const isNamed = !symbols || symbols.includes(symbol);
    if (isNamed && query.get("fields") === "candle") return;
    query.set("fields", "candle");
    if (!isNamed) {
      query.set("symbols", [...symbols, symbol]);
      // An id stands for the symbols that it was given for.
      this.#id = "";
      query.delete("since");
    }
    if (this.#source) this.#connect();
  }

  #connect() {
    this.#disconnect();
    if (this.#id) this.#url.searchParams.set("since", this.#id);
    const source = (this.#source = new EventSource(this.#url));
    this.#heard = Date.now();
    source.onerror = () => this.#fail(source);
    for (const name of ["message", "status", "heartbeat", "removed", "bye"]) {
      source.addEventListener(name, (event) => this.#take(event));
    }
  }

  #disconnect() {
    clearTimeout(this.#connecting);
    clearTimeout(this.#settling);
    this.#connecting = 0;
    this.#source?.close();
    this.#source = null;
  }

  #connectIn(milliseconds) {
    this.#disconnect();
    this.#connecting = setTimeout(() => this.#connect(), milliseconds);
  }

  #connectAfterBackoff() {
    const longest = Math.min(BACKOFF[0] * 2 ** this.#failures++, BACKOFF[1]);
    this.#connectIn(Math.random() * longest);
  }

  /** A message with an `event` key is the event of that name; any other is one update, or an array. */
  #take({ data, lastEventId }) {
    this.#id = lastEventId || this.#id;
    this.#heard = Date.now();
    this.#lost = 0;
    this.#failures = 0;
    const said = JSON.parse(data);
    if (said.event === undefined) this.#update(Array.isArray(said) ? said : [said]);
    else if (said.event === "removed") this.#remove(said);
    else if (said.event === "bye") this.#leave(said);
    else if (said.event === "status" || said.event === "heartbeat") this.#hearStatus(said);
  }

  #update(updates) {
    this.#hold(updates);
    for (const update of updates) {
      // Without a time of its own an update is new, unless it is part of what we missed.
      const time = update.received_time ?? (this.#catchingUp ? 0 : Date.now() - this.#behind);
      this.#newest = Math.max(this.#newest, time + this.#behind);
    }
    if (this.#catchingUp) this.#settleLater();
    for (const candles of this.#followed) {
      for (const update of updates) candles.take(update, this.#id);
    }
    this.onupdates(updates);
  }

  #hold(updates) {
    for (const update of updates) {
      this.tickers.set(update.symbol, update);
      if (update.received_time === undefined) this.#got.set(update.symbol, Date.now());
    }
  }

  #remove({ symbols }) {
    for (const symbol of symbols) {
      this.tickers.delete(symbol);
      this.#got.delete(symbol);
    }
    this.onremoved(symbols);
  }

  #hearStatus(said) {
    const isFirst = !this.#said;
    this.#said = said;
    const now = Date.now();
    this.#behind = now - said.time;
    this.#newest = said.age === null ? 0 : now - said.age * 1000;
    if (said.heartbeat) this.#heartbeat = said.heartbeat * 1000;
    if (said.mode === "full") {
      this.tickers.clear();
      this.#got.clear();
      this.#isReset = true;
      this.onreset();
    }
    if (said.mode) {
      for (const candles of this.#followed) candles.greet(said, isFirst);
      this.#catchingUp = said.mode === "none" && !this.#isReset ? 0 : now + SETTLED[1];
      if (this.#catchingUp) this.#settleLater();
    }
    this.onstatus(this.status);
  }

  /** Each array begins the wait anew. A lost connection ends it: the next one brings the rest. */
  #settleLater() {
    clearTimeout(this.#settling);
    const longest = this.#catchingUp - Date.now();
    this.#settling = setTimeout(() => this.#settle(), Math.min(SETTLED[0], longest));
  }

  #settle() {
    this.#catchingUp = 0;
    if (!this.#isReset) return;
    this.#isReset = false;
    this.onsettled();
  }

  /** A worker that goes away says when to come back: no error. */
  #leave({ retry }) {
    this.#lost = Date.now() + retry + GRACE;
    this.#connectIn(retry);
  }

  /** The browser reconnects by itself, except after an answer that is no event stream. */
  #fail(source) {
    this.#lost ||= Date.now();
    clearTimeout(this.#settling);
    if (source.readyState === EventSource.CLOSED) this.#connectAfterBackoff();
    this.onstatus(this.status);
  }

  #watch() {
    const now = Date.now();
    if (this.#source && now - this.#heard > DEAD * this.#heartbeat) {
      this.#lost ||= now;
      this.#connectAfterBackoff();
    }
    this.onstatus(this.status);
  }

  #look() {
    clearTimeout(this.#sleeping);
    if (document.hidden) this.#sleeping = setTimeout(() => this.#disconnect(), HIDDEN);
    else this.#wake();
  }

  /** Back from sleep, from another page or from being offline: no reason to wait any longer. */
  #wake() {
    const alive = this.#source && !this.#lost && Date.now() - this.#heard < LATE * this.#heartbeat;
    const begun = this.#source?.readyState === EventSource.CONNECTING && !this.#failures;
    if (alive || (begun && Date.now() - this.#heard < GRACE)) return;
    this.#failures = 0;
    this.#lost = Date.now() + GRACE;
    this.#connect();
  }
}
