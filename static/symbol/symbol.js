// One symbol's page, kept up to date.

import { alertsFor } from "../page/alerts.js";
import { entitle, show, since } from "../page/banner.js";
import { Chart } from "./chart.js";
import {
  ago,
  decimals,
  direction,
  made,
  number,
  percentChanged,
  placeInRange,
  plain,
  shown,
  shownClock,
  shownZone,
  signed,
  word,
} from "../page/figures.js";
import { flash } from "../page/flash.js";
import { Freshness } from "./freshness.js";
import { Relay } from "../relay.js";
import { settings } from "../page/settings.js";
import { snippetsFor } from "../page/snippets.js";
import { areJudged, facts, stand } from "../page/standing.js";
import { say, write } from "../page/write.js";

/** Updates a second while the page is hidden: its title has a price, which must stay true. */
const HIDDEN_RATE = 0.2;

const article = document.getElementById("symbol");
const { symbol, name, base } = article.dataset;
const mark = document.getElementById("mark");
const places = {};
for (const element of article.querySelectorAll("[data-key]")) places[element.dataset.key] = element;

/** The price that is shown, as the relay sent it. */
let before = null;

function render(ticker) {
  const digits = decimals(ticker);
  const percent = signed(percentChanged(ticker));
  const price = shown(plain(ticker.price, digits));
  set("price", price);
  set("percent", shown(percent));
  places.percent.dataset.sign = direction(percent);
  set("time", shownClock(made(ticker)));
  set("zone", shownZone(made(ticker)));
  for (const key of ["open", "high", "low", "bid", "ask"]) set(key, shown(plain(ticker[key] ?? "", digits)));
  for (const key of ["volume", "quote_volume"]) set(key, shown(plain(ticker[key] ?? "")));
  set("trades", shown(String(ticker.trades ?? "")));
  mark.setAttribute("x", placeInRange(ticker));
  if (before !== null) flash(places.price, before, number(ticker.price));
  before = number(ticker.price);
  entitle(`${price} ${name} · Relay`);
}

/** A figure that the stream does not have is absent. */
function set(key, text) {
  const element = places[key];
  write(element, text);
  if (element.tagName === "DD") element.parentElement.hidden = text === "";
}

/** Says how the symbol stands, and how old its price is unless that goes without saying. */
function judge(standing) {
  const ticker = relay.tickers.get(symbol);
  set("ago", standing === "live" || !ticker ? "" : `, ${ago(relay.ageOf(symbol))} ago`);
  say(places.status, ticker?.status ? `: ${word(ticker.status)}` : "");
  if (!stand(article, standing)) return;
  for (const said of article.querySelectorAll("[data-when]")) said.hidden = said.dataset.when !== standing;
}

const relay = new Relay({
  symbols: [symbol],
  fields: "candle",
  rate: 4,
  hidden: HIDDEN_RATE,
  since,
  held: [facts(article)],
});
const chart = new Chart(relay, symbol, document.getElementById("chart"));
const freshness = new Freshness(relay, document.getElementById("freshness"));
alertsFor(relay, symbol);
snippetsFor(() => [symbol]);
/** How the symbol stands while the relay holds nothing of it: gone, unknown, or null before that is certain. */
let missing = null;
relay.onstatus = (status) => {
  show(status);
  freshness.show(status);
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

/** What the server rendered, as the reader wants it. */
function restyle() {
  const ticker = relay.tickers.get(symbol);
  if (ticker?.price !== undefined) return render(ticker);
  for (const [key, element] of Object.entries(places)) {
    if (element.dataset.figure !== undefined) set(key, shown(element.dataset.figure));
  }
  const time = Number(places.time.dataset.made);
  set("time", shownClock(time));
  set("zone", shownZone(time));
}

/** The names of all coins come after all that is needed sooner; without them the symbol says enough. */
async function introduce() {
  try {
    const { NAMES } = await import("../market/names.js");
    write(document.getElementById("coin"), NAMES.get(base) ?? "");
  } catch {
    // Its file did not come.
  }
}

restyle();
introduce();
settings.addEventListener("change", restyle);

// Old prices are greyed, and so is their chart.
const greyed = new MutationObserver(() => chart.recolour());
greyed.observe(document.documentElement, { attributeFilter: ["data-state", "data-theme"] });
greyed.observe(article, { attributeFilter: ["data-standing"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chart.recolour());
