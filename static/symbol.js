// One symbol's page, kept up to date.

import { entitle, show, since } from "./banner.js";
import { clock, decimals, direction, made, percentChanged, placeInRange, plain, signed } from "./figures.js";
import { flash } from "./flash.js";
import { Relay } from "./relay.js";

const article = document.getElementById("symbol");
const { symbol } = article.dataset;
const mark = document.getElementById("mark");
const places = {};
for (const element of article.querySelectorAll("[data-key]")) places[element.dataset.key] = element;

function render(ticker) {
  const digits = decimals(ticker);
  const percent = signed(percentChanged(ticker));
  const price = plain(ticker.price, digits);
  const before = Number(places.price.textContent);
  set("price", price);
  set("percent", percent);
  places.percent.dataset.sign = direction(percent);
  set("time", clock(made(ticker)));
  for (const key of ["open", "high", "low", "bid", "ask"]) set(key, ticker[key] && plain(ticker[key], digits));
  for (const key of ["volume", "quote_volume"]) set(key, ticker[key] && plain(ticker[key]));
  set("trades", ticker.trades);
  mark.setAttribute("x", placeInRange(ticker));
  flash(places.price, before, Number(ticker.price));
  entitle(`${price} ${symbol} · Relay`);
}

/** A figure that the stream does not have is absent. */
function set(key, text) {
  const element = places[key];
  element.textContent = text ?? "";
  if (element.tagName === "DD") element.parentElement.hidden = text === undefined;
}

const relay = new Relay({ symbols: [symbol], rate: 4, since });
relay.onstatus = show;
relay.onupdates = (updates) => render(updates.at(-1));
