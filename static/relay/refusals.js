// Whose wish it is that a relay refuses, where it refuses what several want together.

import { ask, TOO_LONG } from "./transports.js";
import { addressOf } from "./wish.js";

/**
 * The relay's sentences about those wishes that it refuses one by one, by their JSON: none, if together they are
 * only too many. sentence: what it said of all of them. since: an id, so that its answers are short.
 */
export async function refusals(url, wishes, sentence, since) {
  const distinct = new Map(wishes.map((wish) => [JSON.stringify(wish), wish]));
  const [[first]] = distinct;
  if (distinct.size === 1) return new Map([[first, sentence]]);
  const found = new Map();
  const questions = [...distinct].map(async ([key, wish]) => {
    const address = addressOf(url, wish);
    if (since) address.searchParams.set("since", since);
    await ask(address, () => {}).catch(({ status, sentence: own }) => {
      const why = own ?? (TOO_LONG.includes(status) && sentence);
      if (status >= 400 && status < 500 && why) found.set(key, String(why).slice(0, 300));
    });
  });
  await Promise.all(questions);
  return found;
}
