// @microsoft/fetch-event-source: it is made for pages, and asks for a document. It ends at a proper end
// unless `onclose` throws, and then comes back with the last id when `retry:` says. A connection that is silent
// is for you to leave: a timer aborts it here, and asks anew.
import { fetchEventSource } from "@microsoft/fetch-event-source";

globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };

const url = `${process.argv[2]}/events`;
let id = "";
// Milliseconds without a word after which a connection is dead: 2.5 heartbeats; and those that the relay asks
// to wait for besides.
let silence = 30_000;
let pause = 0;

class Refused extends Error {}

await fetchEventSource(`${url}?rate=0`, {
  async onopen({ status }) {
    console.log(JSON.stringify({ refused: status }));
    throw new Refused();
  },
  onerror(error) {
    throw error;
  },
}).catch(() => {});
for (;;) {
  const dead = new AbortController();
  let timer;
  const listen = () => {
    clearTimeout(timer);
    timer = setTimeout(() => dead.abort(), pause + silence);
  };
  listen();
  await fetchEventSource(`${url}?symbols=BTCUSDT,ETHUSDT`, {
    signal: dead.signal,
    // The library writes this name in small letters, and would send another one beside it.
    headers: id ? { "last-event-id": id } : {},
    openWhenHidden: true,
    onmessage(event) {
      const { heartbeat, retry = 0 } = event.data ? JSON.parse(event.data) : {};
      id = event.id || id;
      silence = heartbeat ? 2500 * heartbeat : silence;
      pause = retry;
      listen();
      if (event.data) {
        console.log(event.data);
      }
    },
    onclose() {
      throw new Error("go on");
    },
    onerror: listen,
  });
}
