// Addresses: those of one relay, of which the one that answered last is asked first.

export class Addresses {
  #urls;
  #ticket;

  /** ticket: what opens them; see Ticket. */
  constructor(urls, ticket) {
    this.#urls = [...urls];
    this.#ticket = ticket;
  }

  /**
   * What `ask` brings from the first of them that it does not fail with; throws what it threw last. It gets each with
   * a ticket, where one is needed.
   */
  async first(ask) {
    for (let left = this.#urls.length; ; left -= 1) {
      const [url] = this.#urls;
      try {
        return await ask(await this.#ticket.put(url));
      } catch (error) {
        if (left <= 1) throw error;
        if (url === this.#urls[0]) this.#urls.push(this.#urls.shift());
      }
    }
  }
}
