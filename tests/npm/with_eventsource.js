// eventsource: as in a browser. It comes back by itself, with the last id, when `retry:` says. While it waits
// for that it does not keep Node alive: a program that does nothing else ends.
import { EventSource } from "eventsource";

const url = `${process.argv[2]}/events`;
const say = ({ data }) => console.log(data);

const refused = new EventSource(`${url}?rate=0`);
refused.onerror = (error) => {
  console.log(JSON.stringify({ refused: error.code }));
  refused.close();
};
setInterval(() => {}, 1000);
const source = new EventSource(`${url}?symbols=BTCUSDT,ETHUSDT`);
source.onmessage = say;
for (const name of ["status", "bye"]) {
  source.addEventListener(name, say);
}
