// Whose wish it is that a relay refuses, where it refuses what several want together.

import { ask, isRefusal, TOO_LONG } from "./transports.js";
import { addressOf } from "./wish.js";

/**
 * The relay's sentences about those wishes that it refuses one by one, by their JSON: none, if together they are
 * only too many. sentence: what it said of all of them. since: an id, so that its answers are short. Throws
 * { retry } in seconds, NaN if unknown, where one of them gets no answer that says yes or no.
 */
export async function refusals(url, wishes, sentence, since) {
  const distinct = new Map(wishes.map((wish) => [JSON.stringify(wish), wish]));
  const [[first]] = distinct;
  if (distinct.size === 1) return new Map([[first, sentence]]);
  const found = new Map();
  const questions = [...distinct].map(async ([key, wish]) => {
    const address = addressOf(url, wish);
    if (since) address.searchParams.set("since", since);
    try {
      await ask(address, () => {});
    } catch (problem) {
      if (isRefusal(problem)) found.set(key, String(problem.sentence).slice(0, 300));
      else if (!TOO_LONG.includes(problem.status)) throw problem;
    }
  });
  await Promise.all(questions);
  return found;
}
