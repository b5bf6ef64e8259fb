// How far this device's clock is ahead of a relay's.

import { ask } from "./transports.js";
import { addressOf } from "./wish.js";

/** Questions, of which the quickest answer counts. */
const QUESTIONS = 4;
/** A symbol that nobody lists: the answer is short. */
const WISH = { symbols: ["NONE"], fields: "price", rate: 0 };

/** { ahead, roundTrip } in milliseconds, exact to half of `roundTrip`. Throws an Error that says why not. */
export async function compareClocks(addresses) {
  let best = null;
  for (let number = 0; number < QUESTIONS; number += 1) {
    const { begun, time } = await addresses.first(timeOf);
    const roundTrip = Date.now() - begun;
    if (!best || roundTrip < best.roundTrip) best = { ahead: begun + roundTrip / 2 - time, roundTrip };
  }
  return best;
}

/** The relay's time, and when it was asked for. */
async function timeOf(url) {
  const begun = Date.now();
  let time;
  await ask(addressOf(url, WISH), (said) => (time ??= said.time)).catch(({ sentence, message }) => {
    throw new Error(sentence ?? message ?? "the relay does not answer");
  });
  if (!(time > 0)) throw new Error("the relay does not say what time it is");
  return { begun, time };
}
