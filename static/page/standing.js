// How one symbol stands, as templates/standing.html writes it: live, or marked in words.

import { word } from "./figures.js";

/** Standings that a reader has to know of; a quiet symbol's price is its newest all the same. */
export const SAID = ["stale", "halted", "gone", "unknown"];

const marks = document.getElementById("marks");

/** What the server knew of a symbol when it rendered this element. */
export function facts({ dataset: { symbol, received, pace, status } }) {
  return { symbol, received_time: Number(received), pace: pace && Number(pace), status };
}

/** Whether symbols are judged one by one: else the banner speaks for all, and marks stay as they were. */
export function areJudged({ state }) {
  return state === "live" || state === "simulated";
}

/** Notes how an element's symbol stands; false if that is nothing new. */
export function stand({ dataset }, standing) {
  if ((dataset.standing ?? "live") === standing) return false;
  if (standing === "live") delete dataset.standing;
  else dataset.standing = standing;
  return true;
}

/** The mark beside a symbol that is not live; `status` is the exchange's own word. */
export function markOf(standing, status) {
  const mark = marks.content.querySelector(`[data-mark="${standing}"]`).cloneNode(true);
  if (status) mark.title += `: ${word(status)}`;
  return mark;
}
