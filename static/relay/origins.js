// Origins: one relay at one or several addresses, all heard at once; what is newest counts.

import { Connection } from "./connection.js";

export class Origins {
  #connections;
  #heard;
  #epoch = "";
  /** Whether one of them has begun to say what there is. */
  #isKnown = false;

  /** See Connection; `urls` are those of each. */
  constructor(urls, since, ticket, heard, changed) {
    this.#heard = heard;
    const change = () => {
      // Whom nobody believed may be the only one left.
      if (!this.#connections.some((each) => !each.lost && each.epoch === this.#epoch)) {
        this.#connections.find((each) => !each.lost && each.epoch)?.renew();
      }
      changed();
    };
    this.#connections = urls.map((url) => {
      const connection = new Connection(url, since, ticket, (...said) => this.#take(connection, ...said), change);
      return connection;
    });
  }

  /** Since when all of them are lost, else 0. */
  get lost() {
    return this.#connections.some(({ lost }) => !lost) ? 0 : Math.max(...this.#all("lost"));
  }

  get blame() {
    return this.#all("blame").find((blame) => blame) ?? "";
  }

  /** Why one of them refuses what is asked, where none delivers it. */
  get refused() {
    return this.lost ? (this.#all("refused").find((sentence) => sentence) ?? "") : "";
  }

  /** Whether that is because the address is too long. */
  get isTooLong() {
    return this.#all("isTooLong").includes(true);
  }

  watch() {
    for (const each of this.#connections) each.watch();
  }

  probe() {
    for (const each of this.#connections) each.probe();
  }

  close() {
    for (const each of this.#connections) each.close();
  }

  #all(name) {
    return this.#connections.map((each) => each[name]);
  }

  /** Versions of two epochs cannot be compared: one that lives with others is not given up for another one. */
  #take(one, said, id, isThin) {
    one.state = said.state ?? one.state;
    const others = this.#connections.filter((each) => each !== one && !each.lost);
    const isSame = one.epoch === this.#epoch;
    if (!isSame && others.some(({ epoch }) => epoch && epoch === this.#epoch)) return;
    this.#epoch = one.epoch;
    this.#number(one, id);
    if (said.event === "removed" && !id && others.length) one.removed = said;
    else this.#heard(this.#amid(others, said, isSame), id, isThin);
  }

  /** What was removed is so as of the id that stands with the other half of its piece: another one may know more. */
  #number(one, id) {
    if (one.removed) this.#heard(one.removed, id);
    one.removed = null;
  }

  /** What one says, in the light of what others do. */
  #amid(others, said, isSame) {
    const { mode, state } = said;
    if (said.event !== "status" && said.event !== "heartbeat") return said;
    // What one says anew, the other has brought already.
    const isKnown = mode === "full" && this.#isKnown && isSame && others.some(({ epoch }) => epoch === this.#epoch);
    this.#isKnown ||= !!mode;
    const isElsewhere = state && state !== "live" && others.some((each) => each.state === "live");
    return { ...said, ...(isKnown && { mode: "changes" }), ...(isElsewhere && { state: "live", reason: "" }) };
  }
}
