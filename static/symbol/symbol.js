// One symbol's page, kept up to date.

import { entitle, show, since } from "../page/banner.js";
import { Chart } from "./chart.js";
import {
  ago,
  clock,
  decimals,
  direction,
  made,
  number,
  percentChanged,
  placeInRange,
  plain,
  signed,
  word,
} from "../page/figures.js";
import { flash } from "../page/flash.js";
import { Relay } from "../relay.js";
import { areJudged, facts, stand } from "../page/standing.js";

const article = document.getElementById("symbol");
const { symbol } = article.dataset;
const mark = document.getElementById("mark");
const places = {};
for (const element of article.querySelectorAll("[data-key]")) places[element.dataset.key] = element;

function render(ticker) {
  const digits = decimals(ticker);
  const percent = signed(percentChanged(ticker));
  const price = plain(ticker.price, digits);
  const before = number(places.price.textContent);
  set("price", price);
  set("percent", percent);
  places.percent.dataset.sign = direction(percent);
  set("time", clock(made(ticker)));
  for (const key of ["open", "high", "low", "bid", "ask"]) set(key, ticker[key] && plain(ticker[key], digits));
  for (const key of ["volume", "quote_volume"]) set(key, ticker[key] && plain(ticker[key]));
  set("trades", ticker.trades);
  mark.setAttribute("x", placeInRange(ticker));
  flash(places.price, before, number(ticker.price));
  entitle(`${price} ${symbol} · Relay`);
}

/** A figure that the stream does not have is absent. */
function set(key, text) {
  const element = places[key];
  const shown = text ?? "";
  // A live region speaks whenever it is written to.
  if (element.textContent !== String(shown)) element.textContent = shown;
  if (element.tagName === "DD") element.parentElement.hidden = !shown && shown !== 0;
}

/** Says how the symbol stands, and how old its price is unless that goes without saying. */
function judge(standing) {
  const ticker = relay.tickers.get(symbol);
  set("ago", standing === "live" || !ticker ? "" : `, ${ago(relay.ageOf(symbol))} ago`);
  set("status", ticker?.status ? `: ${word(ticker.status)}` : "");
  if (!stand(article, standing)) return;
  for (const said of article.querySelectorAll("[data-when]")) said.hidden = said.dataset.when !== standing;
}

const relay = new Relay({ symbols: [symbol], fields: "candle", rate: 4, since, held: [facts(article)] });
const chart = new Chart(relay, symbol, document.getElementById("chart"));
/** How the symbol stands while the relay holds nothing of it: gone, unknown, or null before that is certain. */
let missing = null;
relay.onstatus = (status) => {
  show(status);
  const standing = relay.stateOf(symbol) ?? missing;
  if (standing && areJudged(status)) judge(standing);
};
relay.onupdates = (updates) => {
  render(updates.at(-1));
  relay.onstatus(relay.status);
};
relay.onremoved = () => {
  missing = "gone";
  judge(missing);
};
relay.onreset = () => {
  missing = null;
};
relay.onsettled = () => {
  missing ??= "unknown";
  relay.onstatus(relay.status);
};

// Old prices are greyed, and so is their chart.
const greyed = new MutationObserver(() => chart.recolour());
greyed.observe(document.documentElement, { attributeFilter: ["data-state"] });
greyed.observe(article, { attributeFilter: ["data-standing"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chart.recolour());
