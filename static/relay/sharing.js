// Sharing: the pages of one browser that want the same relay, and which of them leads: has the connection.
// Where the browser cannot tell, or nothing shall be shared, each page leads itself.

/** Milliseconds without a word of the leader after which it is asked, and those that it has to answer. */
const SILENT = 500;
const ANSWER = [300, 500];
/** Times at most that the patience is doubled, each for so many milliseconds, with leaders that are only slow. */
const DOUBLED = 4;
const WARY = 60_000;
/** Milliseconds within which pages that see the same do not all act at once. */
const SPREAD = 100;

const between = ([low, high]) => low + Math.random() * (high - low);
const isVisible = () => !globalThis.document?.hidden;

export class Sharing {
  isLeading = false;
  /** The name of this page in the group. */
  me = Math.random().toString(36).slice(2);

  #name;
  #lead;
  #follow;
  #hear;
  #channel = null;
  #queued = null;
  #release = () => {};
  #leader = "";
  #isLeaderVisible = true;
  #heard = 0;
  #asking = 0;
  #ticking = 0;
  #slowness = 0;

  /**
   * name: that of the group; "" to be alone. lead, follow: what to do when this page begins to lead, or another
   * one does. hear: takes a message of another page: who says it, whether that is the leader, and what was posted.
   */
  constructor(name, lead, follow, hear) {
    const canShare = name && globalThis.document && globalThis.BroadcastChannel && globalThis.navigator?.locks;
    this.#name = canShare ? name : "";
    this.#lead = lead;
    this.#follow = follow;
    this.#hear = hear;
  }

  get hasJoined() {
    return !!this.#channel || (!this.#name && this.isLeading);
  }

  join() {
    if (this.hasJoined) return;
    if (!this.#name) return this.#begin();
    this.#heard = Date.now();
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }) => {
      try {
        this.#take(...data);
      } catch {
        // Whatever another page says, it is no reason to end.
      }
    };
    this.post("there?");
    this.#queue();
    this.#ticking = setInterval(() => this.#watch(), SILENT / 2);
  }

  /** Gives everything back: no lock, no channel, no timer. */
  leave() {
    clearInterval(this.#ticking);
    clearTimeout(this.#asking);
    this.#asking = 0;
    this.#channel?.close();
    this.#channel = null;
    this.#queued?.abort();
    this.#queued = null;
    this.#end();
    this.#leader = "";
  }

  /** Says something to all others. */
  post(...message) {
    this.#channel?.postMessage([this.me, ...message]);
  }

  /** Whether this page is seen has changed. */
  look() {
    if (this.isLeading) this.post("here", isVisible());
    else this.post("there?");
  }

  /** Asks for the lead; with `steal`, takes it from whoever has it. */
  #queue(steal = false) {
    this.#queued?.abort();
    const queued = (this.#queued = new AbortController());
    const options = steal ? { steal } : { signal: queued.signal };
    const held = () => {
      if (queued !== this.#queued) return null;
      this.#begin();
      return new Promise((release) => (this.#release = release));
    };
    navigator.locks.request(this.#name, options, held).catch(({ name }) => {
      // Aborted by ourselves, or taken away.
      if (queued !== this.#queued) return;
      if (name === "SecurityError") return this.standAlone();
      if (isVisible()) this.post("slow");
      this.#end();
      this.#queue();
    });
  }

  /** This page does without the others for good, as where a site may store nothing. */
  standAlone() {
    this.leave();
    this.#name = "";
    this.#begin();
  }

  #begin() {
    this.isLeading = true;
    this.#leader = this.me;
    this.post("here", isVisible());
    this.#lead();
  }

  #end() {
    this.#release();
    if (!this.isLeading) return;
    this.isLeading = false;
    this.#leader = "";
    this.#heard = Date.now();
    this.#follow();
    this.post("there?");
  }

  #take(from, what, ...more) {
    if (what === "there?") {
      if (this.isLeading) this.post("here", isVisible());
      return;
    }
    if (what === "here" && !this.isLeading) {
      const isNew = from !== this.#leader;
      this.#leader = from;
      this.#isLeaderVisible = more[0];
      if (isNew) this.#follow();
      if (!more[0] && isVisible()) setTimeout(() => this.#relieve(from), Math.random() * SPREAD);
    }
    if (from === this.#leader) {
      this.#heard = Date.now();
      clearTimeout(this.#asking);
      this.#asking = 0;
    }
    // Whoever says that it no longer leads was slow, not dead.
    if (what === "slow" && this.#slowness < DOUBLED) {
      this.#slowness += 1;
      setTimeout(() => (this.#slowness -= 1), WARY);
    }
    this.#hear(from, from === this.#leader && !this.isLeading, what, ...more);
  }

  /** A page that is seen leads before one that is hidden, whose timers are slow and which may be frozen. */
  #relieve(leader) {
    if (this.#channel && this.#leader === leader && !this.#isLeaderVisible && isVisible()) this.#queue(true);
  }

  /** A leader that crashed gives its lock back; one that is stopped does not, and says nothing either. */
  #watch() {
    const patience = 2 ** this.#slowness;
    if (this.isLeading || !isVisible() || this.#asking || Date.now() - this.#heard < SILENT * patience) return;
    this.post("there?");
    this.#asking = setTimeout(() => {
      this.#asking = 0;
      if (this.#channel && !this.isLeading) this.#queue(true);
    }, between(ANSWER) * patience);
  }
}
