// Origins: one relay at one or several addresses, all heard at once; what is newest counts.

import { parts } from "./board.js";
import { Connection } from "./connection.js";

/** Pieces of one batch at most: 20,000 symbols are not more. */
const MOST = 2_000;

export class Origins {
  #connections;
  #heard;
  #epoch = "";
  /** Whether one of them has begun to say what there is. */
  #isKnown = false;

  /** See Connection; `urls` are those of each. */
  constructor(urls, since, heard, changed) {
    this.#heard = heard;
    const change = () => {
      // Whom nobody believed may be the only one left.
      if (!this.#connections.some((each) => !each.lost && each.epoch === this.#epoch)) {
        this.#connections.find((each) => !each.lost && each.epoch)?.renew();
      }
      changed();
    };
    this.#connections = urls.map((url) => {
      const connection = new Connection(url, since, (...said) => this.#take(connection, ...said), change);
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
    // A status says where it stands itself; what stands with it may be of the epoch before.
    one.epoch = parts((said.event === "status" && said.id) || id || said.id || "")[0] || one.epoch;
    one.state = said.state ?? one.state;
    const others = this.#connections.filter((each) => each !== one && !each.lost);
    if (one.epoch !== this.#epoch && others.some(({ epoch }) => epoch && epoch === this.#epoch)) return;
    const isSame = one.epoch === this.#epoch;
    this.#epoch = one.epoch;
    if (said.event === undefined || said.event === "removed") return this.#collect(one, [said, id, isThin]);
    if (said.mode) one.pieces = [];
    // What one says anew, the other has brought already.
    if (said.mode === "full" && this.#isKnown && isSame && others.some(({ epoch }) => epoch === one.epoch)) {
      said = { ...said, mode: "changes" };
    }
    this.#isKnown ||= !!said.mode;
    const isElsewhere = said.state && said.state !== "live" && others.some(({ state }) => state === "live");
    this.#heard(isElsewhere ? { ...said, state: "live", reason: "" } : said, id, isThin);
  }

  /** Which of two has the newer prices is known by the id of a whole batch, which stands with its last piece. */
  #collect(one, piece) {
    const pieces = [...(one.pieces ?? []), piece];
    const id = piece[1];
    one.pieces = [];
    if (this.#connections.length > 1 && !id && pieces.length < MOST) one.pieces = pieces;
    else for (const [said, own, isThin] of pieces) this.#heard(said, id || own, isThin);
  }
}
