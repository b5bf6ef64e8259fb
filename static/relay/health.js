// Health: how the prices of one relay stand, by what was heard and when.

/** Milliseconds between two heartbeats, until a status says how many. */
const HEARTBEAT = 12_000;
/** Silence, in heartbeats, after which the prices are doubtful. */
export const LATE = 1.25;
/** Milliseconds that a connection may take to come back before it is called lost. */
const GRACE = 4_000;
/** Milliseconds after which what is lost is called down. */
const DOWN = 10_000;
/** Seconds that the newest price may be old while a feed that has just broken is not called so yet. */
const FRESH = 1.5;
/** The part by which a status that came late counts when clocks are compared. */
const LATER = 0.2;

/** What a relay says of its prices. */
const STATES = ["live", "stale", "down"];

const text = (value) => (typeof value === "string" ? value : "");
const figure = (value) => (Number.isFinite(value) ? value : null);

export class Health {
  /** Of the connection: since when it is lost, why if that is not ours, and whether it is being checked. */
  lost = Date.now();
  blame = "";
  checking = false;
  /** When something was heard last, and the newest status. */
  heard = 0;
  said = null;

  /** By how many milliseconds this device's clock is ahead of the relay's, and what the quickest way here takes. */
  #behind = 0;
  #heartbeat = HEARTBEAT;
  #newest = 0;

  /** The time by the relay's clock. */
  get now() {
    return Date.now() - this.#behind;
  }

  /** Milliseconds that a stream may be silent. */
  get patience() {
    return LATE * this.#heartbeat;
  }

  /** Seconds since the exchange sent the feed's newest price, null if it never did. */
  get age() {
    return this.#newest ? Math.max(0, Date.now() - this.#newest) / 1000 : null;
  }

  /** How things stand now; see prices.js. */
  get status() {
    const { said, age } = this;
    const { simulated = false, source = "", latency = null, standbys = 0 } = said ?? {};
    const known = { age, simulated, source, latency, standbys };
    const mine = (state, reason) => ({ ...known, state, reason: this.blame || `your connection: ${reason}` });
    const lost = this.lost && Date.now() - this.lost - GRACE;
    if (this.lost && lost >= 0) {
      const state = lost > DOWN ? "down" : said ? "stale" : "connecting";
      return mine(state, globalThis.navigator?.onLine === false ? "this device is offline" : "lost, trying again");
    }
    if (!said || this.checking) return mine("connecting", said ? "checking it" : "reaching the relay");
    if (Date.now() - this.heard > this.patience) return mine("stale", "nothing arrives");
    let { state, reason } = said;
    if (age !== null) {
      // The feed has broken, and the newest price is as new as ever.
      if (state !== "live" && age <= FRESH) [state, reason] = ["live", ""];
      if (state === "down" && age <= DOWN / 1000) state = "stale";
    }
    return { ...known, state: simulated && state === "live" ? "simulated" : state, reason };
  }

  /** This device's clock was put back by so many milliseconds: nothing gets younger by that. */
  turnBack(milliseconds) {
    this.heard -= milliseconds;
    this.#newest -= milliseconds;
    this.#behind -= milliseconds;
    if (this.lost) this.lost -= milliseconds;
  }

  /** Whatever it is, the connection lives. */
  hear() {
    this.heard = Date.now();
    this.lost = 0;
    this.blame = "";
    this.checking = false;
  }

  hearStatus(said) {
    const { mode, time, heartbeat, age, state, reason, source, latency } = said;
    if (!STATES.includes(state)) return;
    this.said = { ...said, reason: text(reason), source: text(source), latency: figure(latency) };
    if (figure(time) > 0) {
      const later = this.now - time;
      this.#behind += mode || later < 0 ? later : later * LATER;
    }
    // What a worker does not know yet, we may.
    if (figure(age) !== null && age >= 0) this.#newest = Date.now() - age * 1000;
    if (figure(heartbeat) > 0) this.#heartbeat = heartbeat * 1000;
  }

  /**
   * A price came that was read at a time, by the relay's clock. While the feed is broken prices are looked up
   * elsewhere now and then: it is no younger by that.
   */
  hearPrice(time) {
    if (this.said && this.said.state !== "live") return;
    this.#newest = Math.max(this.#newest, time + this.#behind);
  }

  /** Something else tells that the connection is lost. */
  lose(since, blame) {
    this.lost ||= since;
    this.blame = blame;
  }

  /** Nothing is believed that was heard so long ago: milliseconds. isAnew: what was lost before is begun anew. */
  doubt(milliseconds, isAnew) {
    if (!this.heard || Date.now() - this.heard <= milliseconds) return;
    this.lost = (!isAnew && this.lost) || Date.now();
    this.checking = true;
  }
}
