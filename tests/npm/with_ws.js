// ws: coming back with the last id is up to you.
import WebSocket from "ws";

const url = `${process.argv[2].replace("http", "ws")}/ws`;
let id = "";

function open() {
  const socket = new WebSocket(`${url}?symbols=BTCUSDT,ETHUSDT&since=${id}`);
  let pause = 1000;
  socket.on("message", (data) => {
    const said = JSON.parse(data);
    id = said.id ?? id;
    pause = said.retry ?? pause;
    console.log(String(data));
  });
  socket.on("error", () => {});
  socket.on("close", () => setTimeout(open, pause));
}

new WebSocket(`${url}?rate=0`)
  .on("unexpected-response", (_, { statusCode }) => console.log(JSON.stringify({ refused: statusCode })))
  .on("error", () => {});
open();
