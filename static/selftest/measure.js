// Measure: hears a stream of stamped events to its end over one transport, and notes when each came.

/** Milliseconds beyond a stream's own length after which it is given up. */
const PATIENCE = 8_000;
/** How often the relay's clock is asked. */
const ASKS = 4;

/**
 * By how many milliseconds this device's clock is ahead of the relay's; the shortest way there and back; and
 * what the relay sees of the request. Throws where the relay does not answer.
 */
export async function compareClocks() {
  let best = null;
  for (let ask = 0; ask < ASKS; ask++) {
    const began = performance.now();
    const answer = await fetch("/selftest/hop", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    const { time, protocol, proxies } = await answer.json();
    const roundTrip = performance.now() - began;
    if (best && best.roundTrip <= roundTrip) continue;
    best = { roundTrip, ahead: Date.now() - roundTrip / 2 - time, protocol, proxies, headers: answer.headers };
  }
  return best;
}

/**
 * Server-Sent Events, read by hand: an EventSource would not show headers. length: milliseconds that the stream
 * lasts. heard: called after each event. Gives { status, sentence, headers, arrivals, end }: see `Stream`.
 */
export async function hearEvents(pace, length, heard) {
  const stream = new Stream(heard);
  const signal = AbortSignal.timeout(length + PATIENCE);
  try {
    const headers = { Accept: "text/event-stream" };
    const answer = await fetch(`/selftest/events?pace=${pace}`, { headers, cache: "no-store", signal });
    stream.status = answer.status;
    stream.headers = answer.headers;
    if (answer.ok) await read(answer.body.getReader(), stream);
    else stream.refuse(await answer.text());
  } catch {
    stream.end ||= signal.aborted ? "silent" : "cut";
  }
  return stream.close();
}

async function read(reader, stream) {
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const blocks = text.split(/\r?\n\r?\n/);
    text = blocks.pop();
    for (const block of blocks) {
      if (/^event: done$/m.test(block)) stream.end = "whole";
      else stream.take(/^data: (.*)$/m.exec(block)?.[1]);
    }
  }
}

/** The same over a WebSocket. A browser does not tell why one could not be opened. */
export function hearSocket(pace, length, heard) {
  const stream = new Stream(heard);
  const address = new URL(`/selftest/ws?pace=${pace}`, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  return new Promise((resolve) => {
    const socket = new WebSocket(address);
    const finish = (end) => {
      clearTimeout(timer);
      stream.end ||= end;
      socket.close();
      resolve(stream.close());
    };
    const timer = setTimeout(finish, length + PATIENCE, "silent");
    socket.onopen = () => (stream.status = 101);
    socket.onmessage = ({ data }) => stream.take(data);
    socket.onclose = ({ code }) => finish(stream.status ? (code === 1000 ? "whole" : "cut") : "refused");
  });
}

/** What came of one stream. */
class Stream {
  /** Of the answer; 0 where none came. */
  status = 0;
  headers = new Headers();
  /** What a refusal said. */
  sentence = "";
  /** Of each event: its number, of how many, when it was sent by the relay's clock, and when it came by ours. */
  arrivals = [];
  /** How it ended: whole, cut, silent or refused. */
  end = "";
  #heard;

  constructor(heard) {
    this.#heard = heard;
  }

  take(text) {
    try {
      const { number, of, time } = JSON.parse(text);
      if (![number, of, time].every(Number.isFinite)) return;
      this.arrivals.push({ number, of, sent: time, came: Date.now() });
      this.#heard(this.arrivals);
    } catch {
      // Somebody else's words on the way.
    }
  }

  refuse(text) {
    this.end = "refused";
    try {
      this.sentence = String(JSON.parse(text).error ?? "").slice(0, 200);
    } catch {
      // A proxy's own page.
    }
  }

  close() {
    this.end ||= "cut";
    const { status, headers, sentence, arrivals, end } = this;
    return { status, headers, sentence, arrivals, end };
  }
}
