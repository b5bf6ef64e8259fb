// What a developer writes against the types, right and wrong; only the compiler reads it.
import { Prices, Relay } from "relay-prices";
import type { Candle, Standing, Status, Ticker } from "relay-prices";
import { Prices as Lean } from "relay-prices/prices";

const relay = new Relay({ url: ["/events", new URL("https://b.example/events")], symbols: ["BTCUSDT"], rate: 2 });
const lean: Prices = new Lean({ symbols: "BTCUSDT,ETHUSDT", fields: "price", hidden: 0.2, shared: false });
const all = new Prices();
new Lean({ since: "e-1", held: [{ symbol: "BTCUSDT", price: "1" }] });

relay.onupdates = (updates) => updates.map(({ symbol, price }: Ticker) => symbol + price);
relay.onstatus = ({ state, age }: Status) => state === "live" && (age ?? 0) > 3;
relay.onreset = relay.onsettled = () => {};
relay.onremoved = null;
relay.addEventListener("price", ({ detail: { symbol, price, quote_volume, quote, listed } }) => {
  const text: string = symbol + price + (quote_volume ?? "") + (quote ?? "") + new Date(listed ?? 0);
  return text;
});
relay.addEventListener("updates", ({ detail }) => detail.at(0)?.price.length, { once: true });
relay.addEventListener("removed", ({ detail }) => detail.join());
relay.addEventListener("close", (event: Event) => event.type);
const stand: Standing | null = relay.stateOf("btcusdt");
const age: number | null = relay.ageOf("btcusdt");
const missing: string = relay.unknown.join();
const held: Ticker | undefined = relay.tickers.get("BTCUSDT");
relay.measure().then(({ ahead, roundTrip }) => ahead + roundTrip);

async function read(): Promise<void> {
  for await (const { symbol, price } of all) if (symbol.length + price.length > 100) break;
}

const chart = relay.candles("BTCUSDT", "1m", ({ changed, reset }) => (reset ? [] : changed));
const last: Candle | undefined = chart.candles.at(-1);
const close: string | undefined = last?.close;
const volume: string | null | undefined = last?.volume;
chart.older().then(() => chart.isOldest || chart.from);
chart.close();

// @ts-expect-error prices are strings
const sum: number = held!.price + 1;
// @ts-expect-error there is no such interval
relay.candles("BTCUSDT", "7m");
// @ts-expect-error there is no such event
relay.addEventListener("prices", () => {});
// @ts-expect-error there is no such option
new Relay({ symbol: "BTCUSDT" });
// @ts-expect-error only a Relay has candles
lean.candles("BTCUSDT", "1m");
// @ts-expect-error nobody changes what is held
relay.tickers.set("BTCUSDT", { symbol: "BTCUSDT", price: "1" });
// @ts-expect-error there is no such state
relay.status.state === "dead";

export { age, close, missing, read, stand, sum, volume };
