// ws: coming back with the last id is up to you.
import WebSocket from "ws";

const url = `${process.argv[2].replace("http", "ws")}/ws`;
let id = "";

function open() {
  const socket = new WebSocket(`${url}?symbols=BTCUSDT,ETHUSDT&since=${id}`);
  let pause = 1000;
  // Without a word for 2.5 heartbeats it is dead.
  const dead = setTimeout(() => socket.terminate(), 30_000);
  socket.on("message", (data) => {
    dead.refresh();
    const said = JSON.parse(data);
    id = said.id ?? id;
    pause = said.retry ?? pause;
    console.log(String(data));
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    clearTimeout(dead);
    setTimeout(open, pause);
  });
}

new WebSocket(`${url}?rate=0`)
  .on("unexpected-response", (_, { statusCode }) => console.log(JSON.stringify({ refused: statusCode })))
  .on("error", () => {});
open();
