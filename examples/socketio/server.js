// Takes messages by HTTP, numbers them, and emits each to every display that is connected.

import { createServer } from "node:http";
import { Server } from "socket.io";

let number = 0;

const http = createServer((request, response) => {
  if (request.method !== "POST" || request.url !== "/messages") {
    return response.writeHead(request.url === "/health" ? 200 : 404).end();
  }
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    const { reference } = JSON.parse(body);
    number += 1;
    io.emit("message", { reference, number });
    response.writeHead(202, { "Content-Type": "application/json" }).end("{}");
  });
});

const options = {};
if (process.env.RECOVERY === "1") {
  options.connectionStateRecovery = { maxDisconnectionDuration: 120_000 };
}
const io = new Server(http, options);
io.on("connection", (socket) => {
  console.log(`display ${socket.id} is here, recovered: ${socket.recovered}`);
  if (process.env.GREETING === "1" && !socket.recovered) {
    socket.emit("greeting");
  }
});

http.listen(8000);
