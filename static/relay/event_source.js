// EventSource for where there is none, such as Node 20: as much of it as the client needs, over fetch.

export class EventSource extends EventTarget {
  onerror = () => {};
  #stop = new AbortController();
  #id = "";

  constructor(url) {
    super();
    this.#read(url).catch(() => {}).finally(() => this.#stop.signal.aborted || this.onerror());
  }

  close() {
    this.#stop.abort();
  }

  async #read(url) {
    const headers = { Accept: "text/event-stream" };
    const { ok, body } = await fetch(url, { headers, signal: this.#stop.signal });
    if (!ok) return;
    let rest = "";
    for await (const part of body.pipeThrough(new TextDecoderStream())) {
      const events = (rest + part).split("\n\n");
      rest = events.pop();
      for (const event of events) this.#tell(event);
    }
  }

  /** One event: lines of `field: value`. */
  #tell(text) {
    const fields = Object.fromEntries(text.split("\n").map((line) => line.split(/: ?(.*)/s, 2)));
    this.#id = fields.id ?? this.#id;
    if (fields.data === undefined) return;
    const told = new Event(fields.event ?? "message");
    this.dispatchEvent(Object.assign(told, { data: fields.data, lastEventId: this.#id }));
  }
}
