// @microsoft/fetch-event-source: it is made for pages, and asks for a document. It ends at a proper end
// unless `onclose` throws, and then comes back with the last id when `retry:` says.
import { fetchEventSource } from "@microsoft/fetch-event-source";

globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };

const url = `${process.argv[2]}/events`;

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
await fetchEventSource(`${url}?symbols=BTCUSDT,ETHUSDT`, {
  openWhenHidden: true,
  onmessage({ data }) {
    if (data) {
      console.log(data);
    }
  },
  onclose() {
    throw new Error("go on");
  },
  onerror() {},
});
