// ws: coming back with the last id is up to you.
import WebSocket from "ws";

const url = `${process.argv[2].replace("http", "ws")}/ws`;
let id = "";
// Milliseconds without a word after which a connection is dead: 2.5 heartbeats.
let silence = 30_000;

function open() {
  const socket = new WebSocket(`${url}?symbols=BTCUSDT,ETHUSDT&since=${id}`);
  let pause = 1000;
  let timer;
  const listen = () => {
    clearTimeout(timer);
    timer = setTimeout(() => socket.terminate(), silence);
  };
  listen();
  socket.on("message", (data) => {
    const said = JSON.parse(data);
    id = said.id ?? id;
    pause = said.retry ?? pause;
    silence = said.heartbeat ? 2500 * said.heartbeat : silence;
    listen();
    console.log(String(data));
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    clearTimeout(timer);
    setTimeout(open, pause);
  });
}

new WebSocket(`${url}?rate=0`)
  .on("unexpected-response", (_, { statusCode }) => console.log(JSON.stringify({ refused: statusCode })))
  .on("error", () => {});
open();
