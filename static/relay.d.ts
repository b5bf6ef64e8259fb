/** Live prices and candles of a relay, in a web page or in Node. Prices are decimal strings, never floats. */

/** Milliseconds since 1970. */
export type Milliseconds = number;

/** The newest price of one symbol, and what else the relay knows. With `fields: "price"` only the first two. */
export interface Ticker {
  readonly symbol: string;
  readonly price: string;
  /** The kind of the exchange's stream that gave the price. */
  readonly stream?: string;
  /** When the relay read it, by the relay's clock. */
  readonly received_time?: Milliseconds;
  /** When it happened, as the exchange says. */
  readonly event_time?: Milliseconds;
  readonly open?: string;
  readonly high?: string;
  readonly low?: string;
  /** What was traded in 24 hours, in the base asset. */
  readonly volume?: string;
  /** What was traded in 24 hours, in the quote asset. */
  readonly quote_volume?: string;
  readonly change?: string;
  readonly change_percent?: string;
  readonly bid?: string;
  readonly ask?: string;
  /** The number of trades in 24 hours. */
  readonly trades?: number;
  readonly sequence?: number;
  /** The exchange's word where the symbol is not traded at present: HALT, BREAK, ... */
  readonly status?: string;
  /** Seconds that the symbol may usually go without an update. */
  readonly pace?: number;
  /** The asset in which it is priced, as the exchange lists it. */
  readonly quote?: string;
  /** When the relay saw it being listed, where that was within the last 30 days. */
  readonly listed?: Milliseconds;
}

/** How prices as a whole are. `paused`: the page is hidden, and nothing is wrong. */
export type State = "live" | "simulated" | "stale" | "down" | "connecting" | "paused" | "refused" | "closed";

/** How one symbol stands: `quiet` is silent for no longer than is usual for it, `halted` is not traded. */
export type Standing = Exclude<State, "simulated"> | "quiet" | "halted";

export interface Status {
  readonly state: State;
  /** The relay's sentence where it refuses; else the hop to blame, and why. Empty where all is well. */
  readonly reason: string;
  /** Of the feed's newest price, in seconds; null if there is none. */
  readonly age: number | null;
  /** Whether the prices are made up, for want of an exchange. */
  readonly simulated: boolean;
  /** The URL that the relay reads. */
  readonly source: string;
  /** Milliseconds from the exchange's stamp to the relay's listener; null if unknown. */
  readonly latency: number | null;
  /** Listeners that stand by. */
  readonly standbys: number;
  /** Milliseconds from the exchange's stamp to this page; null before `measure` has compared the clocks. */
  readonly delay: number | null;
}

export interface Options {
  /** The relay's /events, or several addresses of the same relay: the newest counts. */
  url?: string | URL | readonly (string | URL)[];
  /** In any case; separated by commas, or one by one. All symbols if left out; none of them is `paused`. */
  symbols?: string | Iterable<string> | null;
  /** What an update brings: whole tickers, or symbol and price alone. */
  fields?: "ticker" | "price" | "candle";
  /** Updates per second and symbol at most; without it each one. */
  rate?: number;
  /** The id to resume from, and what is held as of that id. */
  since?: string;
  held?: readonly Ticker[];
  /** The rate while the page has been hidden for 30 s; 0 is nothing, which is `paused`. */
  hidden?: number;
  /** Whether the connection is shared with other pages of this browser. */
  shared?: boolean;
  /**
   * What opens a relay that is not for everybody, or what gives it: that is asked anew for each connection, poll and
   * question. It is kept in no storage, and told to no other page.
   */
  ticket?: string | (() => string | Promise<string>);
}

/** What `addEventListener` may be told of. */
export interface RelayEvents {
  /** One update. */
  price: CustomEvent<Ticker>;
  /** The newest of each symbol that changed. */
  updates: CustomEvent<Ticker[]>;
  /** On every change, and once a second. */
  status: CustomEvent<Status>;
  /** Symbols that the exchange does not list any more. */
  removed: CustomEvent<string[]>;
  /** What was held is void; all of it follows. */
  reset: CustomEvent<null | undefined>;
  /** All that was missed has come: a wanted symbol that is not held now is unknown to the relay. */
  settled: CustomEvent<null | undefined>;
  close: Event;
}

/** Live prices. */
export class Prices extends EventTarget implements AsyncIterable<Ticker> {
  /**
   * Throws TypeError where `url` is no address or `ticket` no text or function, and RangeError where there are no such
   * `fields`, or no such rate.
   */
  constructor(options?: Options);

  /** The newest update of each symbol. */
  readonly tickers: ReadonlyMap<string, Ticker>;
  /** The wanted symbols that the relay does not know; none until that is certain. */
  readonly unknown: readonly string[];
  readonly status: Status;

  onupdates: ((updates: Ticker[]) => void) | null;
  onstatus: ((status: Status) => void) | null;
  onremoved: ((symbols: string[]) => void) | null;
  onreset: (() => void) | null;
  onsettled: (() => void) | null;

  /** How one symbol stands; null if it has no price. */
  stateOf(symbol: string): Standing | null;
  /** Seconds since the relay read the symbol's newest update, by the relay's clock; null if there is none. */
  ageOf(symbol: string): number | null;
  /**
   * Compares clocks: by how many milliseconds this device's is ahead of the relay's, to half of `roundTrip`. From
   * then on `status.delay` is known. Throws where the relay does not answer.
   */
  measure(): Promise<{ ahead: number; roundTrip: number }>;
  /** Ends it for good. */
  close(): void;
  /** Each price as it comes; whoever is slow gets the newest of each symbol. Ends when it is closed. */
  [Symbol.asyncIterator](): AsyncGenerator<Ticker, void, void>;

  addEventListener<Name extends keyof RelayEvents>(
    name: Name,
    listener: ((event: RelayEvents[Name]) => void) | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Name extends keyof RelayEvents>(
    name: Name,
    listener: ((event: RelayEvents[Name]) => void) | null,
    options?: boolean | EventListenerOptions,
  ): void;
}

/** Live prices, and candles that go on living. */
export class Relay extends Prices {
  /**
   * The candles of a symbol, kept up to date over the same connection. What changed is told once a frame at most.
   * Throws RangeError if there is no such interval.
   */
  candles(symbol: string, interval: Interval, onchange?: (news: CandleNews) => void): Candles;
}

export type Interval =
  | "1s" | "1m" | "3m" | "5m" | "15m" | "30m" | "1h" | "2h" | "4h" | "6h" | "8h" | "12h" | "1d";

export interface Candle {
  /** When it opens. */
  readonly time: Milliseconds;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  /** In the base asset, in the quote asset, and how many; null where only the exchange would know. */
  readonly volume: string | null;
  readonly quote_volume: string | null;
  readonly trades: number | null;
  /** Of how many updates the relay made it; null where it did not. */
  readonly updates: number | null;
  /** The exchange's own and final; the relay's, of the updates it read; or what both said while it ran. */
  readonly source: "exchange" | "relay" | "both";
}

export interface CandleNews {
  /** The candles that are new, or others than before, in the order of time. */
  readonly changed: Candle[];
  /** Whether what was drawn before is void. */
  readonly reset: boolean;
}

/** The candles of one symbol and interval. */
export interface Candles {
  readonly symbol: string;
  readonly interval: Interval;
  /** Ascending, one of each time. */
  readonly candles: readonly Candle[];
  /** Whether the newest answer had all that there is; else `reason` says what is missing. */
  readonly complete: boolean;
  readonly reason: string;
  /** Whether the first answer is still to come. */
  readonly waiting: boolean;
  /** Whether nothing older is known or can be held. */
  readonly isOldest: boolean;
  /** From when on no candle was found, up to the first one; null unless that is known. */
  readonly from: Milliseconds | null;
  /** Loads what is older than the first candle. */
  older(): Promise<void>;
  close(): void;
}
