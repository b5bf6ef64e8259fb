// Verdict: what a measured stream says about the way it came, in plain words.

/** Milliseconds that an event may be late on a way that holds nothing back, beside the way itself. */
const USUAL = 250;
/** Milliseconds within which events count as one lump. */
const TOGETHER = 60;
/** Milliseconds without anything after which relay.js tries another transport. */
const PATIENCE = 5_000;

/**
 * What became of a stream: `kind` is passes, held, nothing, refused or cut. `held`: by how many milliseconds the
 * latest event was late; `lumps`: in how many they came; `cutAfter`: milliseconds until it was cut.
 */
export function judge({ arrivals, end }, { ahead, roundTrip }) {
  if (end === "refused") return { kind: "refused", held: null, lumps: 0, cutAfter: null };
  if (!arrivals.length) return { kind: "nothing", held: null, lumps: 0, cutAfter: null };
  const late = arrivals.map(({ sent, came }) => came - ahead - sent - roundTrip / 2);
  const held = Math.max(0, Math.round(Math.max(...late)));
  const lumps = arrivals.filter(({ came }, i) => !i || came - arrivals[i - 1].came > TOGETHER).length;
  const last = arrivals.at(-1);
  const isWhole = end === "whole" && last.number === last.of;
  const cutAfter = isWhole ? null : last.came - arrivals[0].came;
  const isLate = held > USUAL + roundTrip;
  return { kind: isWhole ? (isLate ? "held" : "passes") : "cut", held, lumps, cutAfter };
}

/** A verdict in a sentence or two. `name`: the transport. */
export function say(name, { kind, held, lumps, cutAfter }, { arrivals, sentence, status }) {
  const number = arrivals.length;
  if (kind === "passes") return `${name} pass at once: the slowest of ${number} events was ${held} ms late.`;
  if (kind === "refused") {
    return `${name} are refused${status ? `, with status ${status}` : ""}${sentence && `: ${sentence}`}.`;
  }
  if (kind === "nothing") return `${name} are swallowed: nothing came, not even at the end.`;
  if (kind === "cut") {
    return `${name} are cut: after ${seconds(cutAfter)} and ${number} of ${arrivals[0].of} events.`;
  }
  if (lumps === 1) {
    return (
      `${name} are held back: all ${number} events came together at the end, the first ${seconds(held)} late. ` +
      "A real stream does not end: on it nothing comes until some buffer is full."
    );
  }
  return `${name} are held back by up to ${seconds(held)}: ${number} events came in ${lumps} lumps.`;
}

/** The transport that relay.js ends up with, and why. */
export function choose(events, socket) {
  const comes = ({ kind, lumps }) => kind === "passes" || kind === "cut" || (kind === "held" && lumps > 1);
  if (comes(events)) {
    const isLate = events.kind === "held" && socket.kind === "passes";
    return {
      name: "Server-Sent Events",
      why: isLate ? "they come, if late; mend what holds them back" : "it tries them first, and they come",
    };
  }
  const after = `for ${seconds(PATIENCE)} nothing comes over Server-Sent Events`;
  if (comes(socket)) return { name: "WebSocket", why: after };
  return { name: "polling once a second", why: `${after}, nor over a WebSocket` };
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
