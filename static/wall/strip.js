// Strip: what stands above the tiles, large: how the prices are, what the wall shows, and the time.

import { shownClock, shownZone } from "../page/figures.js";
import { say, write } from "../page/write.js";

const root = document.documentElement;
const id = (name) => document.getElementById(name);
const [state, reason, simulated, note, clock] = ["state", "reason", "simulated", "shown", "clock"].map(id);
const [time, zone] = clock.children;
/** States in which no newer price comes, so that it matters since when. */
const OLD = ["stale", "down", "paused"];
/** Milliseconds by which the time of one price differs from one look to the next. */
const TREMBLES = 1_500;

/** When the newest price came, in milliseconds since 1970. */
let since = 0;
let title = "";

/** Shows a status of relay.js. */
export function showStatus(status) {
  const isNew = root.dataset.state !== status.state;
  root.dataset.state = status.state;
  root.toggleAttribute("data-simulated", status.simulated);
  simulated.hidden = !status.simulated;
  const made = status.age === null ? 0 : Date.now() - status.age * 1000;
  // The newest price may be another one, though the state is the same; the same one's time trembles.
  if (isNew || Math.abs(made - since) > TREMBLES) since = made;
  const isOld = OLD.includes(status.state) && since > 0;
  say(state, isOld ? `${status.state} since ${shownClock(since)}` : status.state);
  // The reason says how many seconds it has been; the clock beside it says that too.
  say(reason, status.reason.replace(/ for \d+ s$/, ""));
  entitle(status);
}

/** Says what the wall shows. */
export function showNote(text) {
  write(note, text);
}

/** Shows what time it is, local or UTC, as the settings say. */
export function showTime() {
  const now = Date.now();
  write(time, shownClock(now));
  write(zone, shownZone(now));
}

function entitle({ state: word, simulated: isSimulated }) {
  const mark = OLD.includes(word) ? `${word.toUpperCase()} · ` : "";
  const wanted = `${mark}${isSimulated ? "SIMULATED · " : ""}Wall · Relay`;
  if (wanted !== title) document.title = title = wanted;
}
