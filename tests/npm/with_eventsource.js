// eventsource: as in a browser. It comes back by itself, with the last id, when `retry:` says. A connection that
// is silent is for you to leave: a timer does that here. While it waits the library does not keep Node alive;
// the timer does.
import { EventSource } from "eventsource";

const url = `${process.argv[2]}/events`;
let id = "";
// Milliseconds without a word after which a connection is dead: 2.5 heartbeats; and those that the relay asks
// to wait for besides.
let silence = 30_000;
let pause = 0;
let source;
let timer;

function open() {
  source?.close();
  source = new EventSource(`${url}?symbols=BTCUSDT,ETHUSDT&since=${id}`);
  source.onmessage = hear;
  for (const name of ["status", "heartbeat", "removed", "bye"]) {
    source.addEventListener(name, hear);
  }
  source.onerror = listen;
  listen();
}

function listen() {
  clearTimeout(timer);
  timer = setTimeout(open, pause + silence);
}

function hear({ data, lastEventId }) {
  const { heartbeat, retry = 0 } = JSON.parse(data);
  id = lastEventId || id;
  silence = heartbeat ? 2500 * heartbeat : silence;
  pause = retry;
  listen();
  console.log(data);
}

const refused = new EventSource(`${url}?rate=0`);
refused.onerror = (error) => {
  console.log(JSON.stringify({ refused: error.code }));
  refused.close();
};
open();
