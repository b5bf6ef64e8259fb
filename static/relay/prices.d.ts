/** Live prices without candles; see ../relay.d.ts. */
export { Prices } from "../relay.js";
export type { Milliseconds, Options, RelayEvents, Standing, State, Status, Ticker } from "../relay.js";
