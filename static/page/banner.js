// The banner of every page: how the prices are, why, and how old; also in the document's title.

import { ago } from "./figures.js";
import "./paper.js";
import { say } from "./write.js";

const root = document.documentElement;
const id = (name) => document.getElementById(name);
const [banner, state, reason, age, simulated] = ["banner", "state", "reason", "age", "simulated"].map(id);
/** What a title begins with while prices are not as they should be. */
const ALARMS = { stale: "STALE · ", down: "DOWN · ", refused: "REFUSED · ", paused: "Paused · " };

/** Seconds after which an age is marked, before anything else is said: a whole market moves each second. */
const LATE = 2.5;

/** The id of what the page was rendered from. */
export const since = banner.dataset.since;

/** Whether the stream has said anything yet: until then the page is as of when it was rendered, and says so. */
let isHeard = false;
let title = document.title.replace(/^((SIMULATED|STALE|DOWN) · )*/, "");
let prefix = "";
let entitled = "";

/** Shows a status of relay.js. `known`: whether any price is known, though its age may not be. */
export function show(status, known = !/(^|-0)$/.test(since)) {
  if (!isHeard && status.state === "connecting") return;
  isHeard = true;
  root.dataset.state = status.state;
  root.toggleAttribute("data-simulated", status.simulated);
  simulated.hidden = !status.simulated;
  say(state, status.state);
  say(reason, blamed(status.reason));
  say(age, aged(status, known));
  age.toggleAttribute("data-late", status.age > LATE);
  const more = detail(status);
  if (banner.title !== more) banner.title = more;
  prefix = (ALARMS[status.state] ?? "") + (status.simulated ? "SIMULATED · " : "");
  entitle(title);
}

/** Where it is broken, in words that need no knowledge of the relay's parts. */
function blamed(reason) {
  return (
    reason
      .replace(/^listener: /, "inside the relay, its listener: ")
      .replace(/^worker: /, "inside the relay, what serves this page: ")
      .replace(/^redis: /, "inside the relay: ")
      // The age beside it goes on counting; this figure would stand still.
      .replace(/ for \d+ s$/, "")
  );
}

function aged({ state, age }, known) {
  if (state === "refused") return "";
  if (age !== null) return `newest price ${ago(age)} ago`;
  return known ? "newest price of unknown age" : "no price yet";
}

/** What only those who look after the relay want to know. */
function detail({ latency, standbys }) {
  const parts = [];
  if (latency !== null) parts.push(`read ${latency} ms after the exchange's stamp`);
  if (standbys > 0) parts.push(`${standbys} ${standbys > 1 ? "listeners stand" : "listener stands"} by`);
  return parts.join("; ");
}

/** Sets the title without what the banner puts before it. */
export function entitle(text) {
  title = text;
  // A title that was translated is not written again.
  if (entitled === prefix + title) return;
  entitled = prefix + title;
  document.title = entitled;
}
