// Ticket: what opens a relay that is not for everybody. It is asked for anew each time, and told to nobody else.

/** Milliseconds that a page may take to give one: less than a connection may, so that the reason is told. */
const PATIENCE = 4_000;
/** Characters of one at most: a longer one would make the address too long. */
const LONGEST = 1_024;
/** Milliseconds after it was given first for which one is fresh: that it is refused then is not for its age. */
const FRESH = 10_000;

const isTicket = (text) => typeof text === "string" && text.length > 0 && text.length <= LONGEST;

/** What a page says instead of one may hold anything, a ticket too: it is not repeated. */
function none() {
  const sentence = "this page has no ticket for it";
  return Object.assign(new Error(sentence), { sentence });
}

export class Ticket {
  #source;
  #newest = "";
  #since = 0;

  /** source: () => the ticket, or what gives one or a promise of one; nothing where none is needed. */
  constructor(source) {
    this.#source = source;
  }

  /** Whether one is needed. */
  get isNeeded() {
    return this.#source() != null;
  }

  /** Whether asking for another one may help against a refusal of the newest. */
  get isStale() {
    return typeof this.#source() === "function" && Date.now() - this.#since > FRESH;
  }

  /** The address with a ticket in it, where one is needed. Throws an Error with a `sentence`. */
  async put(url) {
    if (!this.isNeeded) return url;
    const address = new URL(url);
    address.searchParams.set("ticket", await this.#get());
    return address;
  }

  async #get() {
    const source = this.#source();
    let timer;
    const late = new Promise((done) => (timer = setTimeout(done, PATIENCE)));
    const given = (async () => (typeof source === "function" ? source() : source))();
    const ticket = await Promise.race([given, late]).catch(() => null);
    clearTimeout(timer);
    if (!isTicket(ticket)) throw none();
    if (ticket !== this.#newest) [this.#newest, this.#since] = [ticket, Date.now()];
    return ticket;
  }
}
