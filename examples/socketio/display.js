// Shows messages: its list of them is a table. The library connects again by itself.

import pg from "pg";
import { io } from "socket.io-client";

const db = new pg.Pool({ connectionString: process.env.DATABASE_URL });
const socket = io(process.env.SERVER_URL);

socket.on("connect", () => console.log(`connected, recovered: ${socket.recovered}`));
socket.on("disconnect", (reason) => console.log(`disconnected: ${reason}`));
socket.on("message", async (message) => {
  await db.query("INSERT INTO shown (reference) VALUES ($1)", [message.reference]);
});
