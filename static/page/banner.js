// The banner of every page: how the prices are, why, and how old; also in the document's title.

import { ago } from "./figures.js";

const root = document.documentElement;
const id = (name) => document.getElementById(name);
const [banner, state, reason, age, simulated] = ["banner", "state", "reason", "age", "simulated"].map(id);

/** The id of what the page was rendered from. */
export const since = banner.dataset.since;

let title = document.title.replace(/^(SIMULATED|STALE|DOWN) · /, "");
let prefix = "";

export function show(status) {
  root.dataset.state = status.state;
  root.toggleAttribute("data-simulated", status.simulated);
  simulated.hidden = !status.simulated;
  set(state, status.state);
  // The age beside it goes on counting; this figure would stand still.
  set(reason, status.reason.replace(/ for \d+ s$/, ""));
  set(age, status.age === null ? "no price yet" : `newest price ${ago(status.age)} ago`);
  const more = detail(status);
  if (banner.title !== more) banner.title = more;
  prefix = status.simulated ? "SIMULATED · " : "";
  if (!prefix && ["stale", "down"].includes(status.state)) {
    prefix = `${status.state.toUpperCase()} · `;
  }
  entitle(title);
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
  if (document.title !== prefix + title) document.title = prefix + title;
}

// A live region speaks whenever it is written to: only when there is something new.
function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
