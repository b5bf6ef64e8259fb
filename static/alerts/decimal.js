// Decimals as text: compared digit by digit, so that no price is rounded before it is judged.

export { isDecimal } from "../relay/candle.js";

/** Negative, 0 or positive, as the one decimal is less than, equal to or greater than the other. */
export function compare(one, other) {
  const [[whole, fraction], [otherWhole, otherFraction]] = [parts(one), parts(other)];
  return whole.length - otherWhole.length || order(whole, otherWhole) || order(fraction, otherFraction);
}

/** The digits that count, before and after the point. */
function parts(decimal) {
  const [whole, fraction = ""] = decimal.split(".");
  return [whole.replace(/^0+/, ""), fraction.replace(/0+$/, "")];
}

function order(one, other) {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
