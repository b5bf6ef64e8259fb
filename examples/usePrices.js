// const { tickers, status } = usePrices(["BTCUSDT", "ETHUSDT"]);  tickers.get("BTCUSDT")?.price, status?.state
import { useEffect, useState } from "react";
import { Prices } from "relay-prices/prices";

export function usePrices(symbols, url = "http://localhost:3001/events") {
  const [shown, setShown] = useState({ tickers: new Map(), status: null });
  const wanted = symbols.join();
  useEffect(() => {
    const relay = new Prices({ url, symbols: wanted, rate: 4 });
    const show = () => setShown({ tickers: new Map(relay.tickers), status: relay.status });
    relay.onupdates = relay.onremoved = relay.onreset = relay.onstatus = show;
    return () => relay.close();
  }, [wanted, url]);
  return shown;
}
