// The market page: every symbol's newest price, in an order that means something.

import { alertsFor } from "../page/alerts.js";
import { show as showBanner, since } from "../page/banner.js";
import { settings } from "../page/settings.js";
import { snippetsFor } from "../page/snippets.js";
import { areJudged, facts } from "../page/standing.js";
import { Prices } from "../relay/prices.js";
import { Choices } from "./choices.js";
import { Dollars } from "./dollars.js";
import { Empty } from "./empty.js";
import { Favourites, MAX_FAVOURITES } from "./favourites.js";
import { listen } from "./keys.js";
import { Notice } from "./notice.js";
import { Pair } from "./pair.js";
import { Place } from "./place.js";
import { Rest } from "./rest.js";
import { Shared } from "./shared.js";
import { Sparklines } from "./sparklines.js";
import { stick } from "./stick.js";
import { Table } from "./table.js";
import { Tools } from "./tools.js";
import { sort, VIEWS } from "./views.js";

/** Milliseconds between two looks at the order while prices move, and while symbols are still coming. */
const SORT_EVERY = 3_000;
const SORT_SOON = 150;

const grid = document.getElementById("market");
const body = grid.tBodies[0];
const resting = document.getElementById("resting");

const pairs = new Map();
/** Symbols that there are, as the server said; more or fewer may have come since. */
const promised = Number(grid.dataset.symbols);
const dollars = new Dollars();
const favourites = new Favourites();
const choices = new Choices(favourites);
const tools = new Tools(choices);
const empty = new Empty(choices);
const notice = new Notice();
const shared = new Shared(choices, favourites, notice);
const place = new Place();
const rest = new Rest(body, resting);
const table = new Table(grid, dress);
/** The column of lines has room there; see style/market/widths.css. */
const wide = matchMedia("(min-width: 1201px)");
const sparklines = new Sparklines(() => table.rows, wide);
/** Whether every symbol that the relay has is here. */
let isComplete = false;
/** The next look at the order that symbols which are new have asked for, and when the last one was. */
let soon = 0;
let arranged = 0;

const held = [...body.rows].map(facts);
for (const element of body.rows) adopt(element);
body.replaceChildren();
isComplete = pairs.size >= promised;
arrange();

// An id stands for all symbols: who has only some of them asks for everything.
const relay = new Prices({ rate: 2, since: isComplete ? since : "", held });
relay.onstatus = (status) => {
  showBanner(status, pairs.size > 0);
  judge(status);
};
relay.onupdates = (updates) => {
  let isNew = false;
  for (const ticker of updates) isNew = take(ticker) || isNew;
  if (isNew) soon ||= setTimeout(arrange, Math.max(0, arranged + SORT_SOON - Date.now()));
};
relay.onremoved = (symbols) => {
  for (const symbol of symbols) pairs.delete(symbol);
  arrange();
};
// Rows stay until all that follows a reset has come: their symbols may be in its last array.
relay.onsettled = () => {
  for (const symbol of pairs.keys()) if (!relay.tickers.has(symbol)) pairs.delete(symbol);
  isComplete = true;
  arrange();
};

/** What the server rendered of a symbol, until its ticker comes. */
function adopt(element) {
  const [, price, percent, high, low, volume, time] = element.children;
  const ticker = {
    ...facts(element),
    quote: element.dataset.quote,
    price: price.dataset.value,
    high: high.textContent,
    low: low.textContent,
    change_percent: percent.textContent.replace(/^\+|%$/g, ""),
    event_time: Number(time.dataset.value),
  };
  if (ticker.change_percent === "") delete ticker.change_percent;
  const pair = new Pair(ticker, element.dataset.standing);
  pair.dollars = volume.dataset.value ? Number(volume.dataset.value) : null;
  pairs.set(pair.symbol, pair);
}

/** A newer ticker. Returns whether its symbol is new. */
function take(ticker) {
  const pair = pairs.get(ticker.symbol);
  if (pair === undefined) {
    pairs.set(ticker.symbol, new Pair(ticker));
    return true;
  }
  pair.take(ticker);
  if (table.touch(pair)) convert(pair);
  return false;
}

/** Until a ticker tells its volume, and prices for it are here, what the server said counts. */
function convert(pair) {
  const { quote_volume: volume } = pair.ticker;
  if (volume === undefined) return;
  const worth = dollars.worth(volume, pair.quote);
  if (worth !== null || isComplete) pair.dollars = worth;
}

function judge(status) {
  if (!areJudged(status)) return;
  for (const [symbol, pair] of pairs) pair.standing = relay.stateOf(symbol) ?? pair.standing;
  for (const row of table.rows) row.stand();
}

/** A row that begins to show another pair. */
function dress(row) {
  row.stand();
  row.favour(favourites.has(row.pair.symbol));
  sparklines.draw(row);
}

/** Works out anew which pairs are to be seen in which order. While rows are in use they stay where they are. */
function arrange() {
  clearTimeout(soon);
  soon = 0;
  arranged = Date.now();
  dollars.renew([...pairs.values()].map(({ ticker }) => ticker));
  for (const pair of pairs.values()) convert(pair);
  const { found, inView, kinds, isCounted } = find();
  const wanted = sort(found, choices.key, choices.descending);
  const order = rest.isOn ? kept(wanted) : wanted;
  resting.hidden = order.every((pair, index) => pair === wanted[index]);
  table.show(order);
  table.touchAll();
  const all = isComplete ? pairs.size : Math.max(pairs.size, promised);
  const isAll = !isComplete && choices.view === "all" && choices.quote === "all" && choices.search.isEmpty;
  tools.count(isAll ? all : wanted.length, all, kinds);
  tools.offerActive(isCounted);
  empty.show(wanted.length, pairs.size, inView);
  place.restore(isComplete);
}

/**
 * The pairs that are meant, with how well; how many of the view there are, also of each kind of quote; and
 * whether the stream counts trades.
 */
function find() {
  const found = [];
  const kinds = new Map();
  let inView = 0;
  let isCounted = false;
  const view = VIEWS[choices.view];
  for (const pair of pairs.values()) {
    isCounted ||= pair.trades !== null;
    if (!view.has(pair, choices.favourites)) continue;
    inView += 1;
    kinds.set(pair.kind, (kinds.get(pair.kind) ?? 0) + 1);
    if (choices.quote !== "all" && pair.kind !== choices.quote) continue;
    const rank = choices.search.rank(pair);
    if (rank !== null) found.push([choices.isRanked ? rank : 0, pair]);
  }
  kinds.set("all", inView);
  return { found, inView, kinds, isCounted };
}

/** The order as it is, without those that are gone; new ones come last. */
function kept(wanted) {
  const all = new Set(wanted);
  const now = table.pairs.filter((pair) => all.has(pair));
  for (const pair of now) all.delete(pair);
  return [...now, ...all];
}

/** Somebody chose something: that is seen at once, from the first row on. */
function choose() {
  tools.show();
  shared.show();
  rest.end();
  table.scrollToTop();
}

function favour(pair) {
  if (!favourites.toggle(pair.symbol)) notice.say(`There is room for ${MAX_FAVOURITES} favourites: take a star away first.`);
}

body.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button) favour(table.rowOf(button).pair);
});
favourites.addEventListener("change", () => {
  for (const row of table.rows) row.favour(favourites.has(row.pair.symbol));
  if (choices.view === "favourites") arrange();
});
choices.addEventListener("change", choose);
choices.addEventListener("leave", () => place.note());
choices.addEventListener("return", () => {
  place.recall();
  place.restore(isComplete);
});
rest.addEventListener("over", arrange);
resting.querySelector("button").addEventListener("click", () => rest.end());
settings.addEventListener("change", () => {
  tools.show();
  table.measure();
  table.touchAll();
});
alertsFor(relay);
snippetsFor(() => table.pairs.map(({ symbol }) => symbol));
listen(table, document.getElementById("search"), favour);
stick(() => table.measure());
setInterval(() => {
  if (!document.hidden) arrange();
}, SORT_EVERY);
