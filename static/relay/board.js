// Board: what is held of one relay: the same in every page that shares a connection.

import { Health } from "./health.js";

/** Seconds without an update after which a symbol is no longer live. */
const LIVE = 10;
/** Silence, in times its pace, after which a symbol is no longer quiet but stale. */
const PACES = 3;
/**
 * What a client missed comes in several arrays. Milliseconds without a further array after which all of it
 * has come, and milliseconds after which it has in any case: updates may never pause.
 */
const SETTLED = [300, 5_000];
/** Symbols that are held, as many as a relay knows. */
const MOST = 50_000;
/** Milliseconds after which it has come, though the relay said up to which id, and that never came. */
const LONGEST = 30_000;
/** The epoch and the version of an id: <epoch>-<version>. */
export function parts(given) {
  const id = String(given);
  const at = id.lastIndexOf("-");
  return [id.slice(0, Math.max(at, 0)), Number(id.slice(at + 1)) || 0];
}

export class Board {
  /** The newest update of each symbol. */
  tickers = new Map();
  /** From where to resume what `wish` stands for; see wish.js. */
  id = "";
  wish = null;
  health = new Health();
  /** Whether all that is known of the wish's symbols is held, not only what changed since `base`. */
  isComplete = true;
  unknown = [];

  #tell;
  #epoch = "";
  /** The version from which on all changes and removals are known. */
  #base = 0;
  /** By which version each symbol was brought, also those that are gone. */
  #versions = new Map();
  /** The symbols of which a piece has come whose batch goes on. */
  #unnumbered = new Set();
  /** Symbols of which a poll gave the price alone. */
  #thin = new Set();
  /** When the relay read each, by its clock; when we got it, where it does not say. */
  #read = new Map();
  /** The time until which a part of what we missed may still come; 0 once it has come. */
  #catchingUp = 0;
  #settling = 0;
  /** Whether what comes is all that there is, and what has come of it where our prices are as good. */
  #isFull = false;
  /** The version with which all of it has come, where the relay said so. */
  #upTo = 0;
  /** From where we would have resumed before it began. */
  #before = "";
  #fresh = null;

  /**
   * tell: takes what happened and to what: "updates" (an array, and whether they are prices alone), "removed"
   * (symbols), "reset", "settled", "status", and "greeting" (a status with a mode, whether it is the first).
   */
  constructor(tell) {
    this.#tell = tell;
  }

  /** Begins with what a page holds as of an id; without prices, or nothing, where only the page itself has it. */
  begin(id, held) {
    this.id = id;
    [this.#epoch, this.#base] = parts(id);
    this.isComplete = !id || (held.length > 0 && held.every(({ price }) => price));
    for (const update of held) this.#hold(update);
  }

  /** Whether a relay, or whoever speaks for it, has said anything. */
  get isKnown() {
    return !!this.health.said;
  }

  /** Whether all of what was missed has come. */
  get isSettled() {
    return this.isKnown && !this.#catchingUp;
  }

  /** How one symbol stands: live, quiet, stale or halted, or what prices as a whole are; null if unknown. */
  stateOf(symbol, state) {
    const ticker = this.tickers.get(symbol);
    if (!ticker) return null;
    if (state !== "live" && state !== "simulated") return state;
    if (ticker.status !== undefined) return "halted";
    const age = this.ageOf(symbol);
    if (age <= LIVE) return "live";
    return ticker.pace === undefined || age <= PACES * ticker.pace ? "quiet" : "stale";
  }

  /** Seconds since the relay read the symbol's newest update; since we got it, where it does not say when. */
  ageOf(symbol) {
    return this.tickers.has(symbol) ? Math.max(0, this.health.now - this.#read.get(symbol)) / 1000 : null;
  }

  /**
   * Takes what a relay says: an object with an `event` key, an update, or an array of updates. isThin: they
   * hold less than was wished for, and their id is none to resume from; they count within our epoch only.
   */
  take(said, id = "", isThin = false) {
    if (!(said instanceof Object)) return;
    this.health.hear();
    const isOther = isThin && id && this.#epoch && parts(id)[0] !== this.#epoch;
    if (isOther && (said.event === undefined || said.event === "removed")) return;
    if (said.event === undefined) this.#update([said].flat(), id, isThin);
    else if (said.event === "removed") this.#remove([said.symbols].flat(), id || said.id || "");
    else if (said.event === "status" || said.event === "heartbeat") this.#hearStatus(said);
    if (id && !isThin && this.#upTo && parts(id)[1] >= this.#upTo) this.#settleLater(0);
    if (id && !isThin && (said.event === undefined || said.event === "removed")) this.#reach(id);
  }

  /** The id with which a symbol's newest update came. */
  idOf(symbol) {
    return this.#unnumbered.has(symbol) ? this.id : `${this.#epoch}-${this.#versions.get(symbol) ?? 0}`;
  }

  /** What a page needs that holds the state of an id, or of none. */
  snapshot(since) {
    const [epoch, version] = parts(since);
    // What is gone is not known before all that there is has come.
    const base = this.#isFull ? Number.MAX_SAFE_INTEGER : this.#base;
    const mode = epoch && epoch === this.#epoch && version >= base ? "changes" : "full";
    const isNewer = (symbol) => this.#unnumbered.has(symbol) || this.#versions.get(symbol) > version;
    const isOwed = ({ symbol, price }) => price && (mode === "full" || isNewer(symbol));
    const { said, now, age, heard } = this.health;
    return {
      said: { ...said, event: "status", mode, id: this.id, time: now, age, up_to: `${this.#epoch}-${this.#upTo}` },
      tickers: [...this.tickers.values()].filter(isOwed),
      versions: [...this.#versions],
      thin: [...this.#thin],
      heard,
      gone: [...this.#versions.keys()].filter((symbol) => !this.tickers.has(symbol)),
      id: this.id,
      wish: this.wish,
      base,
      isComplete: this.isComplete,
      isSettled: this.isSettled,
    };
  }

  /** Goes on from what another page holds. */
  adopt({ said, tickers, versions, thin, heard, gone, id, wish, base, isComplete, isSettled }) {
    this.take(said);
    this.health.heard = Math.min(heard, Date.now());
    this.#versions = new Map([...this.#versions, ...versions]);
    if (said.mode === "full") this.isComplete = isComplete;
    this.#base = Math.max(base, this.#base);
    this.id = id;
    this.wish = wish;
    this.#remove(gone, "");
    this.#update(tickers, "");
    this.#thin = new Set(thin);
    if (isSettled) this.#settle();
  }

  /** Ids stand for this from now on. isNew: ours does not, nor do all updates that are held. */
  wishFor(wish, isNew) {
    this.wish = wish;
    if (isNew) this.id = "";
    const wished = new Set(wish.symbols ?? this.tickers.keys());
    for (const symbol of this.tickers.keys()) {
      if (isNew) this.#thin.add(symbol);
      if (wished.has(symbol)) continue;
      this.#forget(symbol);
      this.#versions.delete(symbol);
    }
  }

  /** A connection lost amid what we missed: the next one brings the rest. */
  pause() {
    clearTimeout(this.#settling);
  }

  #reach(id) {
    const [epoch, version] = parts(id);
    const [mine, reached] = parts(this.id);
    if (epoch !== mine || version > reached) this.id = id;
  }

  #update(updates, id, isThin = false) {
    const [epoch, version] = parts(id);
    const { now } = this.health;
    const news = [];
    if (epoch && epoch !== this.#epoch) {
      // Versions of two epochs cannot be compared.
      this.#epoch = epoch;
      this.#versions.clear();
    }
    for (let update of updates) {
      const symbol = update?.symbol;
      if (typeof symbol !== "string" || typeof update.price !== "string") continue;
      const held = this.tickers.get(symbol);
      if (!held && this.tickers.size >= MOST) continue;
      this.#fresh?.add(symbol);
      // Of two connections, or of two states of one, the newer one counts.
      const isOld = epoch && version < this.#versions.get(symbol);
      // It may have been removed: without an id of its own, or before the removal's has come, that is not known.
      if (isThin && !held && (!epoch || this.#unnumbered.has(symbol))) continue;
      if (isOld && (isThin || !this.#thin.has(symbol) || held?.price !== update.price)) continue;
      if (isThin) {
        update = { ...held, event_time: undefined, received_time: now, ...update };
        this.#thin.add(symbol);
      } else {
        this.#thin.delete(symbol);
        // Without a time of its own an update is new, unless it is part of what we missed.
        this.health.hearPrice(update.received_time ?? (this.#catchingUp ? 0 : now));
      }
      if (!isOld) this.#unnumbered.add(symbol);
      this.#hold(update);
      news.push(update);
    }
    this.#number(id);
    if (this.#catchingUp) this.#settleLater();
    if (news.length) this.#tell("updates", news, isThin);
  }

  /** The id of a batch came: it is also that of the batch's pieces before. */
  #number(id) {
    const [epoch, version] = parts(id);
    if (!epoch) return;
    for (const symbol of this.#unnumbered) this.#versions.set(symbol, version);
    this.#unnumbered.clear();
    // Of those that are gone, the ones that went first.
    for (const symbol of this.#versions.keys()) {
      if (this.#versions.size <= 2 * MOST) break;
      if (!this.tickers.has(symbol)) this.#versions.delete(symbol);
    }
  }

  #hold(update) {
    this.tickers.set(update.symbol, update);
    this.#read.set(update.symbol, update.received_time ?? this.health.now);
  }

  #forget(symbol) {
    this.#read.delete(symbol);
    this.#thin.delete(symbol);
    return this.tickers.delete(symbol);
  }

  #remove(symbols, id) {
    const [epoch, version] = parts(id);
    const isKnown = (symbol) => this.tickers.has(symbol) || this.#versions.has(symbol);
    const isGone = (symbol) => isKnown(symbol) && (!epoch || version >= (this.#versions.get(symbol) ?? 0));
    const gone = symbols.filter(isGone);
    for (const symbol of gone) {
      this.#fresh?.delete(symbol);
      this.#unnumbered.add(symbol);
      this.#forget(symbol);
    }
    this.#number(id);
    if (gone.length) this.#tell("removed", gone);
  }

  #hearStatus(said) {
    const isFirst = !this.isKnown;
    // A worker that has read nothing yet knows nothing, so it cannot say what there is.
    const isEmpty = String(said.id ?? "").startsWith("-");
    this.health.hearStatus(said);
    if (said.mode && !isEmpty) this.#greet(said, isFirst);
    this.#tell("status");
  }

  #greet(said, isFirst) {
    const [epoch] = parts(said.id ?? "");
    let { mode } = said;
    this.unknown = Array.isArray(said.unknown) ? said.unknown : [];
    // The rest of all that there is; where nothing of it counts yet, we went on from what we held before.
    const isRest = mode !== "full" && epoch === this.#epoch && said.id !== this.#before;
    if (!isRest) {
      this.#isFull = mode === "full";
      this.#upTo = this.#isFull ? parts(said.up_to ?? "")[1] : 0;
      this.#fresh = null;
    }
    if (mode === "full") {
      this.isComplete = true;
      this.#before = this.id;
      if (epoch && epoch === this.#epoch) {
        this.#fresh = new Set();
        mode = "changes";
      } else {
        this.tickers.clear();
        this.#read.clear();
        this.#thin.clear();
        this.#versions.clear();
        this.#unnumbered.clear();
        this.id = "";
        this.#tell("reset");
      }
    }
    this.#epoch = epoch || this.#epoch;
    this.#tell("greeting", { ...said, mode }, isFirst);
    this.#catchingUp = Date.now() + (this.#upTo ? LONGEST : SETTLED[1]);
    if (mode === "none") this.#settle();
    else this.#settleLater();
  }

  /** Each array begins the wait anew. */
  #settleLater(pause = this.#upTo ? LONGEST : SETTLED[0]) {
    clearTimeout(this.#settling);
    const longest = this.#catchingUp - Date.now();
    this.#settling = setTimeout(() => this.#settle(), Math.min(pause, longest));
  }

  #settle() {
    clearTimeout(this.#settling);
    this.#catchingUp = this.#upTo = 0;
    const fresh = this.#fresh;
    this.#fresh = null;
    if (this.#isFull) this.#base = parts(this.id)[1];
    this.#isFull = false;
    if (fresh) this.#remove([...this.tickers.keys()].filter((symbol) => !fresh.has(symbol)), "");
    this.#tell("settled");
  }
}
