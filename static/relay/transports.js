// Three ways to hear a relay, best first, of one shape: (url, heard, ended, ticket) => what closes it.
// url: of /events, with its query. heard: takes what is said, the id that stands with it if it is the last of a
// batch, and whether it is prices alone. ended: takes nothing, or { status, sentence, retry } of an answer that is none.
// ticket: what opens the relay; see Ticket.

/** Milliseconds between two polls, and those that an answer may take. */
const PERIOD = 1_000;
const DEADLINE = 5_000;

/** Statuses of an address that is too long, whoever gives them. */
export const TOO_LONG = [414, 431];
/** Statuses that say "elsewhere" or "later", though they blame the question. */
const NOT_FINAL = [404, 408, 425, 429];
/** Milliseconds within which it shows whether there is something at an address. */
const GLANCE = 1_500;

/** Whether what `ended` takes is a relay's refusal, which asking again does not change. */
export function isRefusal({ status, sentence }) {
  return status >= 400 && status < 500 && !!sentence && !NOT_FINAL.includes(status);
}

export const TRANSPORTS = { events: ticketed(events), socket: ticketed(socket), poll };

/** A transport that begins once there is the ticket that it needs. */
function ticketed(transport) {
  return (url, heard, ended, ticket) => {
    if (!ticket.isNeeded) return transport(url, heard, ended);
    let close = null;
    const begin = (address) => (close ??= transport(address, heard, ended));
    ticket.put(url).then(begin, (problem) => close ?? ended(problem));
    return () => {
      close?.();
      close = () => {};
    };
  };
}

const sibling = (name, { href, search }) => new URL(name + search, href);

/** Hands on what is JSON. */
function hear(heard, text, id) {
  let said;
  try {
    said = JSON.parse(text);
  } catch {
    return;
  }
  if (said) heard(said, id || said.id || said.at?.(-1)?.id);
}

function events(url, heard, ended) {
  let source = null;
  const open = (EventSource) => {
    if (source === false) return;
    source = new EventSource(url);
    let last = "";
    for (const name of ["message", "status", "heartbeat", "removed", "bye"]) {
      source.addEventListener(name, ({ data, lastEventId }) => {
        hear(heard, data, lastEventId === last ? "" : lastEventId);
        last = lastEventId;
      });
    }
    // A browser would connect again, no sooner than a relay says for those who lost it.
    source.onerror = () => ended();
  };
  if (globalThis.EventSource) open(EventSource);
  else import("./event_source.js").then((module) => open(module.EventSource), ended);
  return () => {
    source?.close();
    source = false;
  };
}

function socket(url, heard, ended) {
  const address = sibling("ws", url);
  address.protocol = address.protocol.replace("http", "ws");
  let source;
  try {
    source = new WebSocket(address);
  } catch {
    // This device has none.
    const timer = setTimeout(ended);
    return () => clearTimeout(timer);
  }
  source.onmessage = ({ data }) => hear(heard, data);
  source.onclose = () => ended();
  return () => source.close();
}

function poll(url, heard, ended, ticket) {
  const stop = new AbortController();
  let timer;
  const next = async (isFirst) => {
    try {
      const address = await ticket.put(url);
      if (isFirst) await lookUp(address, stop.signal);
      const since = await ask(address, heard, stop.signal);
      url.searchParams.set("since", since);
      timer = setTimeout(() => next(), Math.max(PERIOD, 1000 / (url.searchParams.get("rate") ?? 1)));
    } catch (problem) {
      if (!stop.signal.aborted) ended(problem);
    }
  };
  next(true);
  return () => {
    stop.abort();
    clearTimeout(timer);
  };
}

const nothingAt = ({ origin, pathname }) => ({ status: 404, sentence: `nothing is at ${origin}${pathname}` });

/** A relay answers polls whatever the name of its stream is said to be: throws what `ended` takes if it is wrong. */
async function lookUp(url, stop) {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(GLANCE)]);
  const { status } = await fetch(url, { method: "HEAD", signal, cache: "no-store" }).catch(() => ({}));
  if (status === 404) throw nothingAt(url);
}

/** Asks once; the id of the answer. Throws what `ended` takes. */
export async function ask(url, heard, signal) {
  const deadline = AbortSignal.timeout(DEADLINE);
  const answer = await fetch(sibling("api/prices", url), {
    signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    cache: "no-store",
  });
  const { status, headers } = answer;
  const body = await answer.json().catch(() => ({}));
  if (status === 404) throw nothingAt(url);
  if (!answer.ok) throw { status, sentence: body?.error, retry: Number(headers.get("Retry-After")) };
  const { id, prices, feed, removed, ...more } = body ?? {};
  if (typeof id !== "string" || !(prices instanceof Object)) throw { status, sentence: "it answers, but is none" };
  const isThin = url.searchParams.get("fields") !== "price";
  heard({ ...feed, ...more, event: "status", id }, id, isThin);
  if (removed) heard({ event: "removed", symbols: removed }, id, isThin);
  const updates = Object.entries(prices).map(([symbol, price]) => ({ symbol, price }));
  if (updates.length) heard(updates, id, isThin);
  return id;
}
