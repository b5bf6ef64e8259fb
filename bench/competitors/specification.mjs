// The specification's own design in Node: one Redis subscription, every message forwarded to every client.
// REDIS_URL and PORT are read from the environment.
import http from "node:http";
import { createClient } from "redis";
import { WebSocketServer } from "ws";

const responses = new Set();

const server = http.createServer((request, response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  response.flushHeaders();
  responses.add(response);
  request.on("close", () => responses.delete(response));
});
const sockets = new WebSocketServer({ server });
server.listen({ port: Number(process.env.PORT), host: "127.0.0.1", backlog: 4096 });

const subscriber = createClient({ url: process.env.REDIS_URL });
await subscriber.connect();
await subscriber.subscribe("prices:updates", (message) => {
  for (const response of responses) response.write(`data: ${message}\n\n`);
  for (const socket of sockets.clients) socket.send(message);
});
