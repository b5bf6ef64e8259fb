// The wall: prices for a screen that nobody sits at.
//
//   /?wall                                the most traded symbols, by US dollars
//   /?wall&view=gainers&quote=usd         view: gainers, losers, active or new
//                                         quote: usd, btc, eth, fiat or other
//   /?wall&symbols=BTCUSDT,ETHUSDT        just these, as large as they can be
//   &theme=light  &zone=utc               a wall is dark and local unless somebody wants it otherwise

import { Sparklines } from "../market/sparklines.js";
import "../page/paper.js";
import { areJudged } from "../page/standing.js";
import { Prices } from "../relay/prices.js";
import { stayAwake } from "./awake.js";
import { Board } from "./board.js";
import { letLeave } from "./leave.js";
import { Ranking } from "./ranking.js";
import { showNote, showStatus, showTime } from "./strip.js";
import { Wish } from "./wish.js";

/** Milliseconds that tiles keep their places at least. */
const ARRANGE_EVERY = 30_000;
/** Milliseconds after the first price at which an empty wall begins, though more may be on their way. */
const BEGIN_AFTER = 500;
/** Milliseconds that a size must last. */
const RESIZED = 200;
/** Pixels to the right and down that all is shifted by, in turn: no edge burns itself in. */
const SHIFTS = [[0, 0], [2, 1], [4, 2], [3, 4], [1, 3]];

const wish = new Wish(location.search);
const ranking = new Ranking(wish);
const wall = document.getElementById("wall");
const empty = document.getElementById("empty");
const board = new Board(document.getElementById("tiles"));
/** A small screen has none to spare for lines. */
const sparklines = new Sparklines(() => board.tiles.values(), matchMedia("(min-width: 721px)"));
/** Symbols that are gone or not known, by what is said of them. */
const missing = new Map();
/** The newest of each symbol on the wall since the last frame. */
const pending = new Map();
let isSettled = false;
let shifted = 0;
let resizing = 0;
let beginning = 0;

const relay = new Prices({ symbols: wish.symbols.length ? wish.symbols : undefined, rate: 1 });
relay.onstatus = (status) => {
  showStatus(status);
  showTime();
  judge(status);
};
relay.onupdates = (updates) => {
  for (const update of updates) {
    missing.delete(update.symbol);
    if (board.tiles.has(update.symbol)) pending.set(update.symbol, update);
  }
  if (pending.size) requestAnimationFrame(draw);
  if (!board.tiles.size) beginning = beginning || setTimeout(arrange, BEGIN_AFTER);
};
relay.onremoved = (symbols) => {
  for (const symbol of symbols) if (board.tiles.has(symbol)) missing.set(symbol, "gone");
};
relay.onsettled = () => {
  isSettled = true;
  for (const symbol of wish.symbols) if (!relay.tickers.has(symbol)) missing.set(symbol, "unknown");
  arrange();
};

function draw() {
  for (const [symbol, ticker] of pending) {
    const tile = board.tiles.get(symbol);
    if (tile) tile.show(ticker);
  }
  pending.clear();
}

function arrange() {
  beginning = 0;
  const isJudged = areJudged(relay.status);
  const symbols = ranking.symbols(relay.tickers, (symbol) => (isJudged ? relay.stateOf(symbol) : "live"));
  const room = board.resize(isSettled || wish.symbols.length ? symbols.length : Infinity);
  for (const tile of board.arrange(symbols.slice(0, room))) {
    const ticker = relay.tickers.get(tile.symbol);
    if (ticker) tile.show(ticker);
    sparklines.draw(tile);
  }
  for (const symbol of missing.keys()) if (!board.tiles.has(symbol)) missing.delete(symbol);
  judge(relay.status);
  say(room);
}

function judge(status) {
  if (!areJudged(status)) return;
  for (const [symbol, tile] of board.tiles) {
    const ticker = relay.tickers.get(symbol);
    const standing = relay.stateOf(symbol) || missing.get(symbol);
    if (standing) tile.stand(standing, ticker && ticker.status);
  }
}

/** What is shown, and that not all of it has room where symbols were named. */
function say(room) {
  const named = wish.symbols.length;
  showNote(named > room ? `${room} of ${named}: no room for more` : wish.title);
  empty.hidden = board.tiles.size > 0;
  empty.textContent = isSettled ? "No symbol is like that at present." : "Waiting for the first prices.";
}

function shift() {
  shifted = (shifted + 1) % SHIFTS.length;
  const [right, down] = SHIFTS[shifted];
  wall.style.transform = `translate(${right}px, ${down}px)`;
}

// Also when the band above appears that says that prices are simulated.
new ResizeObserver(() => {
  clearTimeout(resizing);
  resizing = setTimeout(arrange, RESIZED);
}).observe(document.getElementById("tiles"));
setInterval(() => {
  shift();
  // While prices stand still so does their order.
  if (!document.hidden && areJudged(relay.status)) arrange();
}, ARRANGE_EVERY);
showTime();
setInterval(showTime, 1000);
arrange();
stayAwake();
letLeave();
