// The market page: every symbol's row kept up to date, sorted and searched.

import { show, since } from "../page/banner.js";
import { Relay } from "../relay.js";
import { Row } from "./row.js";
import { Sparklines } from "./sparklines.js";
import { areJudged, facts } from "../page/standing.js";

/** Milliseconds between two looks at the order while prices move. */
const SORT_EVERY = 3_000;
/** Milliseconds of a frame's sixteen that rows may take. */
const FRAME_BUDGET = 6;

const body = document.querySelector("#market tbody");
const heads = [...document.querySelectorAll("#market th[data-key]")];
const search = document.getElementById("search");
const count = document.getElementById("count");
const empty = document.getElementById("empty");

const rows = new Map();
const sparklines = new Sparklines(rows);
const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const row = rows.get(target.dataset.symbol);
    if (row) row.inSight = isIntersecting;
  }
  sparklines.look();
});
for (const element of body.rows) add(new Row(element.dataset.symbol, element));
/** What came since the last frame: each symbol's newest. */
const pending = new Map();
/** Whether a frame has been asked for. */
let drawing = false;
let key = "volume";
let descending = true;
let sought = "";

const relay = new Relay({ rate: 2, since, held: [...body.rows].map(facts) });
relay.onstatus = (status) => {
  show(status);
  if (areJudged(status)) judge();
};
relay.onupdates = (updates) => {
  for (const update of updates) pending.set(update.symbol, update);
  draw();
};
relay.onremoved = (symbols) => {
  for (const symbol of symbols) drop(symbol);
  tally();
};
// Rows stay until all that follows a reset has come: their symbols may be in its last array.
relay.onsettled = forget;

function add(row) {
  rows.set(row.symbol, row);
  sight.observe(row.element);
  return row;
}

function drop(symbol) {
  const row = rows.get(symbol);
  pending.delete(symbol);
  if (row === undefined) return;
  sight.unobserve(row.element);
  row.element.remove();
  rows.delete(symbol);
}

/** All rows, also those out of sight: a second's look at a thousand costs about a millisecond. */
function judge() {
  for (const [symbol, row] of rows) {
    const standing = relay.stateOf(symbol);
    if (standing) row.stand(standing, relay.tickers.get(symbol).status);
  }
}

function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(render);
}

/** As many rows as a frame has time for; the others in the next one. */
function render() {
  drawing = false;
  const end = performance.now() + FRAME_BUDGET;
  let added = false;
  for (const [symbol, ticker] of pending) {
    if (performance.now() > end) {
      draw();
      break;
    }
    pending.delete(symbol);
    let row = rows.get(symbol);
    if (row === undefined) {
      row = add(new Row(symbol));
      row.element.hidden = !matches(row);
      added = true;
    }
    row.show(ticker);
  }
  if (added) {
    arrange();
    tally();
  }
}

/** Takes away the rows of symbols that the relay does not know. */
function forget() {
  for (const symbol of rows.keys()) {
    if (!relay.tickers.has(symbol)) drop(symbol);
  }
  tally();
}

/** Puts the rows in order, moving only those that are out of it. */
function arrange() {
  const order = [...rows.values()].map((row) => [row[key], row]);
  const compare = key === "symbol" ? (a, b) => (a[0] < b[0] ? -1 : 1) : (a, b) => a[0] - b[0];
  order.sort(descending ? (a, b) => compare(b, a) : compare);
  let next = body.firstElementChild;
  for (const [, { element }] of order) {
    if (element === next) next = next.nextElementSibling;
    else body.insertBefore(element, next);
  }
}

/** Rows must not move away from under the pointer or the keyboard's focus. */
function arrangeUnlessInUse() {
  if (!document.hidden && !body.matches(":hover") && !body.contains(document.activeElement)) arrange();
}

function sortBy(head) {
  descending = head.dataset.key === key ? !descending : head.dataset.key !== "symbol";
  key = head.dataset.key;
  for (const each of heads) each.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", descending ? "descending" : "ascending");
  arrange();
}

function matches(row) {
  return row.symbol.includes(sought);
}

function filter() {
  sought = search.value.trim().toUpperCase();
  for (const row of rows.values()) row.element.hidden = !matches(row);
  tally();
}

function tally() {
  const found = sought ? [...rows.values()].filter(matches).length : rows.size;
  count.textContent = sought ? `${found} of ${rows.size} symbols` : `${rows.size} symbols`;
  empty.hidden = found > 0;
  empty.textContent = rows.size ? `No symbol contains “${search.value.trim()}”.` : "Waiting for the first prices.";
}

for (const head of heads) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  button.addEventListener("click", () => sortBy(head));
  head.append(button);
}
search.disabled = false;
search.addEventListener("input", filter);
addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "Escape" && document.activeElement === search) {
    search.value = "";
    filter();
  }
});
filter();
setInterval(arrangeUnlessInUse, SORT_EVERY);
