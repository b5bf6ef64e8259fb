// Group: all that a page wants of one relay over one connection, which it shares with other pages.

import { Addresses } from "./addresses.js";
import { Board } from "./board.js";
import { Lead } from "./lead.js";
import { Members } from "./members.js";
import { Presence } from "./presence.js";
import { Sharing } from "./sharing.js";
import { isSnapshot } from "./snapshot.js";
import { Ticket } from "./ticket.js";
import { covers, isWish } from "./wish.js";

/** The language of the pages of a group: those that speak another one do not meet. */
const PROTOCOL = 1;
/** Milliseconds without anything heard after which a page that comes back does not believe its prices. */
const QUIET = 1_500;
/** Milliseconds between two looks at how things stand; so many late, and the device has slept. */
const TICK = 1_000;
const SLEPT = 4_000;
/** Ticks between two questions of a leader who is there; who misses one of them is gone. */
const ROLL_CALL = 10;
/** Milliseconds within which pages that are there say what they want of a new leader. */
const ANSWERS = 1_000;
/** Times that a stream may be silent after which a leader without a true word is none. */
const FORSAKEN = 2;
/** Milliseconds ahead at most to which a leader may have been sent away. */
const LONGEST = 600_000;

const groups = new Map();

export class Group {
  /** Of this page, for these addresses of a relay. */
  static of(urls, isShared, hasTicket) {
    if (!isShared) return new Group(urls, "");
    // Who has none would be refused where it leads, and what it says then would be of no use to who has.
    const key = urls.join(" ") + (hasTicket ? " with a ticket" : "");
    if (!groups.has(key)) groups.set(key, new Group(urls, `relay/${PROTOCOL} ${key}`));
    return groups.get(key);
  }

  board = new Board((...news) => this.#tell(...news));
  /** Where questions go. */
  addresses;
  /** Whether nothing is wanted: the page is hidden, or on its way out. */
  isPaused = false;

  #urls;
  /** Each with its ticket. */
  #views = new Map();
  /** That of any view of this page: another page that leads takes its own. */
  #ticket = new Ticket(() => this.#views.values().next().value);
  #sharing;
  #members = new Members();
  /** Newcomers that have not been told yet what they lack, and what they hold. */
  #waiting = new Map();
  #lead = null;
  /** Why a wish is refused, by its JSON. */
  #refused = new Map();
  #presence = null;
  #clock = 0;
  #ticked = 0;
  #ticks = 0;
  /** Whether all that the leader says adds to what we hold, and whether it has said something true of late. */
  #isBriefed = false;
  #hasWord = false;
  /** Ticks without such a word. */
  #silence = 0;

  constructor(urls, name) {
    this.#urls = urls;
    this.addresses = new Addresses(urls, this.#ticket);
    this.#sharing = new Sharing(
      name,
      () => this.#begin(),
      () => {
        this.#end();
        this.#isBriefed = false;
        this.#announce(true);
      },
      (...message) => this.#hear(...message),
    );
  }

  /** Brings a view what it wants from now on; since: what it holds already. ticket: as in Options. */
  add(view, since, held, ticket) {
    const isFirst = !this.#views.size;
    this.#views.set(view, ticket);
    if (isFirst) return this.#open(view, since, held);
    this.change();
    const { board } = this;
    if (!board.isComplete) this.#complete();
    // Whoever made the view has not said yet what to do with what it hears.
    queueMicrotask(() => {
      view.hear("updates", [...board.tickers.values()].filter(({ price }) => price));
      if (board.isSettled && board.isComplete && covers(board.wish, view.wish)) view.hear("settled");
    });
  }

  delete(view) {
    this.#views.delete(view);
    if (this.#views.size) return this.change();
    this.#presence.close();
    this.#leave();
    clearInterval(this.#clock);
  }

  /** What is wanted is another thing than before. */
  change() {
    const wishes = this.#wishes();
    this.isPaused = !wishes.length;
    if (this.isPaused) this.#leave();
    else if (!this.#sharing.hasJoined) this.#sharing.join();
    else {
      this.#announce();
      this.#want();
    }
    this.#tell("status");
  }

  /** Why a wish is refused, if it is. */
  refusalOf(wish) {
    return this.#refused.get(JSON.stringify(wish));
  }

  #open(view, since, held) {
    this.board = new Board((...news) => this.#tell(...news));
    this.board.begin(since, held);
    if (since) this.board.wish = view.wish;
    this.#presence = new Presence(
      () => this.change(),
      (wasAsleep) => this.#return(wasAsleep),
      () => this.#sharing.look(),
    );
    this.#ticked = Date.now();
    this.#clock = setInterval(() => this.#tick(), TICK);
    this.change();
  }

  /** Asks for everything, where the view that began holds for itself what the next one lacks. */
  #complete() {
    if (this.#lead) return this.#lead.refill(this.#all());
    this.board.id = "";
    this.#announce(true);
  }

  #wishes() {
    const { isAway, isAsleep } = this.#presence;
    if (isAway) return [];
    const wishes = [...this.#views.keys()].map((view) => (isAsleep ? view.hiddenWish : view.wish));
    return wishes.filter((wish) => wish && wish.symbols?.length !== 0);
  }

  /** Nothing is believed that may have stood still meanwhile. */
  #return(wasAsleep) {
    const { health } = this.board;
    health.doubt(QUIET, wasAsleep);
    if (wasAsleep) this.change();
    else if (health.checking || health.lost) {
      if (this.#lead) this.#lead.probe();
      else this.#sharing.post("probe");
      this.#tell("status");
    }
  }

  #tick() {
    const late = Date.now() - this.#ticked;
    this.#ticked = Date.now();
    if (late < 0) this.board.health.turnBack(-late);
    if (late > SLEPT && this.#presence.isSeen) this.#return(false);
    if (this.#lead) {
      this.#lead.watch();
      if (++this.#ticks % ROLL_CALL === 0) this.#callRoll();
    } else this.#judgeLeader();
    if (!this.isPaused) this.#tell("status");
  }

  /** While it says that its connection is lost, it does what it can. */
  #judgeLeader() {
    this.#silence = this.#hasWord || this.isPaused ? 0 : this.#silence + 1;
    this.#hasWord = false;
    if (this.#silence * TICK <= FORSAKEN * this.board.health.patience) return;
    this.#silence = 0;
    this.#members.clear();
    this.#sharing.standAlone();
  }

  #leave() {
    this.#sharing.post("bye");
    this.#sharing.leave();
    this.#members.clear();
    this.#end();
  }

  /** Says what this page wants, and as a newcomer what it holds. */
  #announce(isNew = false) {
    this.#sharing.post("wish", this.#wishes(), isNew ? this.board.id : null);
  }

  #callRoll() {
    this.#members.callRoll();
    this.#sharing.post("who?");
    // Those who hear nothing for long take it that nobody leads.
    if (this.#lead.lost) this.#tellLink();
    this.#want();
  }

  #begin() {
    this.#silence = 0;
    this.#sharing.post("who?");
    this.#lead = new Lead(
      this.#urls,
      this.#ticket,
      this.board,
      (...said) => {
        this.#sharing.post("said", ...said);
        this.#take(...said);
      },
      (...wished) => {
        this.board.wishFor(...wished);
        this.#sharing.post("wished", ...wished);
      },
      () => this.#tellLink(),
      this.#refused,
      this.addresses,
    );
    // What others wanted of the leader before, until they say what they want now.
    this.#want(this.board.wish ? [this.board.wish] : []);
    if (this.board.wish) setTimeout(() => this.#want(), ANSWERS);
  }

  #end() {
    this.#lead?.close();
    this.#lead = null;
    this.#waiting.clear();
  }

  #want(more = []) {
    this.#lead?.want(this.#all().concat(more));
  }

  /** What all pages want. */
  #all() {
    return [...this.#wishes(), ...this.#members.wishes];
  }

  #tellLink() {
    const { health } = this.board;
    const { lost, blame } = this.#lead ?? {};
    if (lost) {
      health.lose(lost, blame);
      this.board.pause();
    }
    this.#sharing.post("link", health.lost, blame, [...this.#refused]);
    this.#tell("status");
  }

  /** Nothing that is said may end a connection, be it no JSON of ours. */
  #take(...said) {
    try {
      this.board.take(...said);
      this.#hasWord = true;
    } catch (error) {
      console.warn("relay:", error);
    }
  }

  /** A message of another page. */
  #hear(from, isLeader, what, ...more) {
    if (what === "wish") this.#welcome(from, ...more);
    else if (what === "who?") this.#announce();
    else if (what === "probe") {
      if (Date.now() - this.board.health.heard > QUIET / 2) this.#lead?.probe();
    } else if (what === "bye") {
      this.#members.delete(from);
      this.#want();
    } else if (isLeader) this.#follow(what, ...more);
  }

  #welcome(from, wishes, since) {
    if (!this.#members.welcome(from, wishes)) return;
    this.#want();
    if (!this.#lead || since === null) return;
    this.#waiting.set(from, String(since));
    if (this.board.isKnown) this.#brief();
  }

  /** Gives newcomers what they lack. */
  #brief() {
    for (const [from, since] of this.#waiting) this.#answer(from, since);
    this.#waiting.clear();
  }

  #answer(from, since) {
    const snapshot = this.board.snapshot(since);
    this.#sharing.post("snapshot", from, snapshot);
    if (this.board.health.lost) this.#tellLink();
    if (snapshot.said.mode === "full" && !this.board.isComplete) this.#lead.refill(this.#all());
  }

  /** What the leader says. Its snapshot has all that it said before, which is nothing to go on from alone. */
  #follow(what, ...more) {
    const { board } = this;
    if (what === "link") this.#hearLink(...more);
    else if (what === "snapshot" && more[0] === this.#sharing.me && isSnapshot(more[1])) {
      board.adopt(more[1]);
      this.#isBriefed = this.#hasWord = true;
    } else if (!this.#isBriefed) return;
    else if (what === "said") this.#take(...more);
    else if (what === "wished" && isWish(more[0])) board.wishFor(...more);
  }

  #hearLink(lost, blame, refused) {
    this.#refused = new Map(refused.filter((pair) => pair.every((text) => typeof text === "string")));
    if (Number.isFinite(lost) && lost > 0) {
      this.board.health.lose(Math.min(lost, Date.now() + LONGEST), String(blame ?? ""));
      this.board.pause();
      this.#hasWord = true;
    }
    this.#tell("status");
  }

  /** Hands on what has happened to the board. */
  #tell(what, ...more) {
    const { board } = this;
    if (what === "settled") this.#lead?.settle();
    if (what === "greeting" && this.#lead) this.#brief();
    for (const view of this.#views.keys()) {
      if (what !== "settled" || covers(board.wish, view.wish)) view.hear(what, ...more);
    }
  }
}
