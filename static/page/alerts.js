// Alerts of a page: watched as long as it lives, and told of by its own notice, a sound or a notification.

import { AlertList } from "../alerts/alert_list.js";
import { beep, isMuted, unmute } from "../alerts/sound.js";
import { Watch } from "../alerts/watch.js";
import { reached, wanted } from "../alerts/words.js";
import { say } from "./write.js";

/** Notices that stand on the page at most; older ones go. The dialog has them all. */
const MAX_NOTICES = 4;

const button = document.getElementById("alerts-button");
const notices = document.getElementById("alerts-fired");

/**
 * Brings templates/alerts.html to life. relay: the page's prices, which say what there is; symbol: the page's
 * one, "" where it shows all.
 */
export function alertsFor(relay, symbol = "") {
  const list = new AlertList();
  const show = () => label(list);
  list.addEventListener("change", show);
  for (const name of ["pointerdown", "keydown"]) {
    addEventListener(name, () => {
      if (list.armed.some(({ sound }) => sound)) unmute();
      setTimeout(show);
    });
  }
  new Watch(list, tell);
  button.addEventListener("click", async () => {
    const { AlertDialog } = await import("../alerts/alert_dialog.js");
    AlertDialog.of(list, relay, symbol).open();
  });
  button.hidden = false;
  show();
}

/** How many are waited for, and whether one of them could not be heard. */
function label(list) {
  const { armed } = list;
  const isUnheard = armed.some(({ sound }) => sound) && isMuted();
  say(button, armed.length ? `Alerts (${armed.length})${isUnheard ? ", muted" : ""}` : "Alerts");
  button.title = isUnheard ? "A browser plays no sound before somebody has clicked on the page" : "";
}

/** An alert has gone off, and this tab is the one to tell. */
function tell(alert, ticker, simulated) {
  const what = `${simulated ? "SIMULATED: " : ""}${wanted(alert)}`;
  const now = reached({ price: ticker.price, time: alert.fired?.time ?? Date.now() });
  notice(`${what}. ${now}.`);
  if (alert.sound) beep();
  if (alert.notify) notify(what, now, alert.id);
}

function notice(text) {
  const line = document.createElement("p");
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Dismiss";
  close.addEventListener("click", () => line.remove());
  line.append(text, " ", close);
  notices.prepend(line);
  while (notices.children.length > MAX_NOTICES) notices.lastElementChild.remove();
}

function notify(title, body, tag) {
  try {
    const shown = new Notification(title, { body, tag });
    shown.onclick = () => focus();
  } catch {
    // Some browsers have notifications for installed pages only.
  }
}
