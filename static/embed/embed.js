// A few prices in a frame of another page, kept up to date.

import {
  decimals,
  direction,
  made,
  number,
  percentChanged,
  plain,
  shown,
  shownClock,
  signed,
} from "../page/figures.js";
import { flash } from "../page/flash.js";
import { areJudged, facts, SAID, stand } from "../page/standing.js";
import { say, write } from "../page/write.js";
import { Prices } from "../relay/prices.js";

const root = document.documentElement;
const list = document.getElementById("prices");
const state = document.getElementById("state");
const time = document.getElementById("time");
const lines = new Map([...list.children].map((line) => [line.dataset.symbol, line]));
/** Symbols that are gone or not known, by what is said of them. */
const missing = new Map();

const held = [...lines.values()].filter(({ dataset }) => dataset.received).map(facts);
const relay = new Prices({ symbols: [...lines.keys()], rate: 1, since: list.dataset.since, held });
relay.onstatus = (status) => {
  showState(status);
  if (areJudged(status)) judge();
};
relay.onupdates = (updates) => {
  for (const update of updates) show(update);
};
relay.onremoved = (symbols) => {
  for (const symbol of symbols) missing.set(symbol, "gone");
  judge();
};
relay.onsettled = () => {
  for (const symbol of lines.keys()) if (!relay.tickers.has(symbol)) missing.set(symbol, "unknown");
  judge();
};

function part(line, name) {
  return line.querySelector(`[data-part="${name}"]`);
}

function show(ticker) {
  const line = lines.get(ticker.symbol);
  if (!line) return;
  missing.delete(ticker.symbol);
  const price = part(line, "price");
  const before = number(line.dataset.price);
  const percent = signed(percentChanged(ticker));
  line.dataset.price = ticker.price;
  write(price, shown(plain(ticker.price, decimals(ticker))));
  write(part(line, "percent"), shown(percent));
  part(line, "percent").dataset.sign = direction(percent);
  if (before !== null) flash(price, before, number(ticker.price));
}

function judge() {
  for (const [symbol, line] of lines) {
    const standing = relay.stateOf(symbol) ?? missing.get(symbol);
    if (!standing || !stand(line, standing)) continue;
    say(part(line, "standing"), SAID.includes(standing) ? standing : "");
  }
}

/** Until the relay has said how things stand, prices are as of when the frame was loaded. */
function showState(status) {
  const isUnknown = status.state === "connecting" || status.state === "paused";
  root.dataset.state = isUnknown ? "asof" : status.state;
  root.toggleAttribute("data-simulated", status.simulated);
  const word = isUnknown ? "as of" : status.state;
  say(state, status.simulated && word !== "simulated" ? `simulated ${word}` : word);
  const times = [...relay.tickers.values()].map(made).filter(Number.isFinite);
  if (times.length) write(time, shownClock(Math.max(...times)));
}
