// Paper: a page that is printed says as of when it was; nothing on it moves any more.

import { shownClock, shownZone } from "./figures.js";
import { Zone } from "./zone.js";

const main = document.querySelector("main");

function date() {
  const now = Date.now();
  main.dataset.printed = `${Zone.chosen.date(now)}, ${shownClock(now)} ${shownZone(now)}`;
}

addEventListener("beforeprint", date);
date();
