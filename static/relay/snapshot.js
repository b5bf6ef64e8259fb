// A snapshot: what a page that leads gives a newcomer, so that it goes on from there; see Board.snapshot.

import { isWish } from "./wish.js";

const isText = (value) => typeof value === "string";
const isNumbered = ([symbol, version]) => isText(symbol) && Number.isFinite(version);

/** Whether it is one, whoever says it. What its tickers hold is looked at where they are taken. */
export function isSnapshot({ said, tickers, versions, thin, gone, heard, id, wish, base }) {
  const areFine = Array.isArray(tickers) && versions.every(isNumbered) && [...thin, ...gone].every(isText);
  const isDated = Number.isFinite(heard) && Number.isFinite(base) && isText(id);
  return said.event === "status" && areFine && isDated && (wish === null || isWish(wish));
}
