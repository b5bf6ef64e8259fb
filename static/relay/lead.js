// Lead: the connection that brings what all pages want together, changed without a gap when they change.

import { LONGEST } from "./connection.js";
import { Origins } from "./origins.js";
import { addressOf, areSame, brings, covers, union } from "./wish.js";

/** Milliseconds before a connection that brings too much is changed: a page may be on its way to another. */
const NARROW = 5_000;
/** Milliseconds before it is asked again whose wish is refused, where that could not be found out. */
const ASK_AGAIN = 5_000;

export class Lead {
  #urls;
  #ticket;
  #board;
  #heard;
  #wished;
  #changed;
  #refused;
  #addresses;
  #origins = null;
  /** What brings prices until `#origins` does. */
  #former = null;
  #wish = null;
  #isTooLong = false;
  /** Whether everything is asked for, though a part of it is held. */
  #isRefilling = false;
  #narrowing = 0;
  #asking = 0;

  /**
   * heard: takes what is said, its id, and whether it is less than what is wished for now. wished: takes what
   * ids stand for from now on, and whether the one before stands for less. changed: is told of a loss or a refusal.
   * refused: why a wish is refused, by its JSON. addresses: where that is found out.
   */
  constructor(urls, ticket, board, heard, wished, changed, refused, addresses) {
    this.#urls = urls;
    this.#ticket = ticket;
    this.#board = board;
    this.#heard = heard;
    this.#wished = wished;
    this.#changed = changed;
    this.#refused = refused;
    this.#addresses = addresses;
  }

  /** Since when nothing connects us, else 0. */
  get lost() {
    return this.#former?.lost === 0 ? 0 : (this.#origins?.lost ?? 0);
  }

  get blame() {
    return this.#origins?.blame ?? "";
  }

  /** Sees to it that all of these are brought. */
  want(wishes) {
    clearTimeout(this.#narrowing);
    const allowed = wishes.filter((wish) => !this.#refused.has(JSON.stringify(wish)));
    if (!allowed.length) return this.close();
    const wish = union(allowed);
    if (this.#isTooLong) wish.symbols = null;
    if (!this.#origins || !brings(this.#wish, wish)) this.#open(wish, wishes);
    else if (!areSame(this.#wish, wish)) {
      this.#narrowing = setTimeout(() => this.#open(wish, wishes), NARROW);
    }
  }

  /** Asks for everything, though a part of it is held. */
  refill(wishes) {
    if (this.#wish && !this.#isRefilling) this.#open(this.#wish, wishes, true);
  }

  watch() {
    this.#origins?.watch();
  }

  probe() {
    this.#origins?.probe();
  }

  /** All that was missed has come. */
  settle() {
    if (this.#origins?.lost === 0) this.#closeFormer();
  }

  close() {
    clearTimeout(this.#narrowing);
    clearTimeout(this.#asking);
    this.#closeFormer();
    this.#origins?.close();
    this.#origins = this.#wish = null;
  }

  #closeFormer() {
    this.#former?.close();
    this.#former = null;
  }

  #open(wish, wishes, isAnew = this.#isRefilling && !this.#board.isComplete) {
    const board = this.#board;
    this.#isRefilling = isAnew;
    // Of two that wait to be replaced, the one that delivers.
    if (this.#former && this.#origins?.lost !== 0) this.#origins?.close();
    else {
      this.#closeFormer();
      this.#former = this.#origins;
    }
    clearTimeout(this.#asking);
    this.#wish = wish;
    let hasDelivered = false;
    const since = () => ((hasDelivered || !isAnew) && covers(board.wish, wish) ? board.id : "");
    const origins = new Origins(
      this.#urls.map((url) => addressOf(url, wish)),
      since,
      this.#ticket,
      (said, id, isThin) => {
        if (origins === this.#former) return this.#hearFormer(said, id);
        if (!hasDelivered) this.#wished(wish, isAnew || !covers(board.wish, wish));
        hasDelivered = true;
        this.#heard(said, id, isThin);
      },
      () => {
        if (origins !== this.#origins) return;
        if (origins.refused) this.#refuse(origins.refused, wishes);
        this.#changed();
      },
    );
    this.#origins = origins;
  }

  /** What is still wanted of it; it is nothing to resume from. */
  #hearFormer(said, id) {
    const { symbols } = this.#wish;
    const isWanted = (update) => !symbols || symbols.includes(update?.symbol);
    if (said.event === "removed") this.#heard(said, id, true);
    else if (said.event === undefined) this.#heard([said].flat().filter(isWanted), id, true);
  }

  async #findOut(sentence, wishes) {
    const { refusals } = await import("./refusals.js");
    return this.#addresses.first((url) => refusals(url, wishes, sentence, this.#board.id));
  }

  /** Finds out whose wish it is, if it is not only that all of them are too many. */
  async #refuse(sentence, wishes) {
    const origins = this.#origins;
    origins.close();
    if (origins.isTooLong && this.#wish.symbols) this.#isTooLong = true;
    else {
      const found = await this.#findOut(sentence, wishes).catch(({ retry }) => {
        if (origins !== this.#origins) return;
        const wait = retry > 0 ? Math.min(retry * 1000, LONGEST) : ASK_AGAIN;
        this.#asking = setTimeout(() => this.#refuse(sentence, wishes), wait);
      });
      if (origins !== this.#origins || !found) return;
      for (const [key, why] of found) this.#refused.set(key, why);
      this.#isTooLong ||= !found.size;
    }
    this.#origins = null;
    this.want(wishes);
    this.#changed();
  }
}
