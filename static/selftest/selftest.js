// The self-test's page: measures both transports, says what it found, and shows what to change.

import { compareClocks, hearEvents, hearSocket } from "./measure.js";
import { choose, judge, say } from "./verdict.js";

const part = (name) => document.querySelector(`[data-part="${name}"]`);
const root = document.getElementById("selftest");
const buttons = [...root.querySelectorAll("button")];
/** Milliseconds that a stream of each pace lasts. */
const lengths = { quick: Number(root.dataset.quick), long: Number(root.dataset.long) };
/** What a proxy's own header or its mark on a request looks like; see the sections of the page. */
const KNOWN = { cloudflare: /cloudflare/i, nginx: /nginx|openresty/i, iis: /\biis\b|\barr\b/i, apache: /apache/i };

async function test(pace) {
  for (const button of buttons) button.disabled = true;
  root.dataset.state = "running";
  write("verdict", pace === "quick" ? "Measuring for two seconds …" : "Looking for cuts: two minutes …");
  try {
    const clocks = await compareClocks();
    const count = (name) => (arrivals) => write(name, `${arrivals.length} of ${arrivals[0].of} events`);
    const length = lengths[pace];
    const streams = await Promise.all([
      hearEvents(pace, length, count("events")),
      hearSocket(pace, length, count("socket")),
    ]);
    conclude(clocks, ...streams);
  } catch {
    root.dataset.state = "failed";
    write("verdict", "The relay does not answer: it is away, or something on the way refuses plain requests too.");
  }
  for (const button of buttons) button.disabled = false;
}

function conclude(clocks, events, socket) {
  const judged = { events: judge(events, clocks), socket: judge(socket, clocks) };
  write("events", say("Server-Sent Events", judged.events, events));
  write("socket", say("WebSocket messages", judged.socket, socket));
  for (const [name, { kind }] of Object.entries(judged)) part(name).dataset.kind = kind;
  const chosen = choose(judged.events, judged.socket);
  write("choice", `relay.js would use ${chosen.name}: ${chosen.why}.`);
  const isFine = [judged.events, judged.socket].every(({ kind }) => kind === "passes");
  root.dataset.state = isFine ? "fine" : "troubled";
  write("verdict", isFine ? "Nothing on the way holds events back." : summary(judged));
  tellFacts(clocks, events);
  advise(judged, clocks, events);
}

function summary({ events, socket }) {
  if (events.kind !== "passes" && socket.kind !== "passes") return "Something on the way disturbs both transports.";
  return events.kind === "passes"
    ? "Events pass, but something on the way disturbs WebSockets."
    : "Something on the way disturbs Server-Sent Events.";
}

/** What can be seen of the hops between. */
function tellFacts({ ahead, roundTrip, protocol, proxies }, { headers }) {
  const [page] = performance.getEntriesByType("navigation");
  const coding = headers.get("content-encoding");
  write("browser", { h2: "HTTP/2", h3: "HTTP/3", "http/1.1": "HTTP/1.1" }[page.nextHopProtocol] ?? "not known");
  write("relay", protocol === "HTTP/1.0" ? "HTTP/1.0, by which no WebSocket passes" : protocol);
  write("proxies", proxies.length ? proxies.join(", ") : "none that left a mark");
  write("server", headers.get("server") ?? headers.get("via") ?? "none: the relay itself sends none");
  write(
    "buffering",
    headers.has("x-accel-buffering")
      ? "arrives here: no nginx on the way has taken it"
      : "was taken by an nginx on the way; one before it in a row does not see it",
  );
  write("transformed", coding ? `compressed as ${coding} on the way, though that is forbidden` : "as it was sent");
  write(
    "compression",
    page.encodedBodySize < page.decodedBodySize ? "arrives compressed" : "arrives plain: something unpacks it",
  );
  write("clock", `${Math.abs(Math.round(ahead))} ms ${ahead < 0 ? "behind" : "ahead of"} the relay’s`);
  write("round", `${Math.round(roundTrip)} ms`);
  if (document.querySelector("script[src*=rocket-loader]")) write("proxies", "Cloudflare, with Rocket Loader on");
}

/** Shows what to change, the likeliest culprit first. */
function advise({ events, socket }, { proxies, headers: seen }, { headers }) {
  const traces = [...proxies, ...["server", "via", "x-powered-by"].map((name) => headers.get(name) ?? seen.get(name))];
  const took = !headers.has("x-accel-buffering") && headers.has("content-type") ? "nginx" : "";
  const isTroubled = { events: events.kind !== "passes", socket: socket.kind !== "passes" };
  for (const section of root.querySelectorAll("[data-proxy]")) {
    const isLikely = KNOWN[section.dataset.proxy].test([...traces, took].join(" "));
    section.open = isLikely && (isTroubled.events || isTroubled.socket);
    section.toggleAttribute("data-likely", isLikely);
    for (const advice of section.querySelectorAll("[data-for]")) {
      advice.toggleAttribute("data-wanted", isTroubled[advice.dataset.for]);
    }
  }
}

function write(name, text) {
  const element = part(name);
  if (element.textContent !== text) element.textContent = text;
}

part("again").addEventListener("click", () => test("quick"));
part("cuts").addEventListener("click", () => test("long"));
test("quick");
