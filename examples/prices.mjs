// Prints prices as they come, until Ctrl-C; whoever reads slowly gets fewer, newer ones.
//
//   node examples/prices.mjs BTCUSDT ETHUSDT
//   RELAY=https://prices.example.com/events node examples/prices.mjs BTCUSDT

import { Prices } from "../static/relay/prices.js";

const [url, symbols] = [process.env.RELAY ?? "http://localhost:3001/events", process.argv.slice(2)];
const relay = new Prices({ url, symbols: symbols.length ? symbols : null, fields: "price" });
process.once("SIGINT", () => relay.close());

let said = "";
relay.addEventListener("status", ({ detail: { state, reason } }) => {
  if (state !== said) console.error(state, reason);
  said = state;
  if (state !== "refused") return;
  process.exitCode = 1;
  relay.close();
});
for await (const { symbol, price } of relay) console.log(symbol, price);
