// Shows messages: its list of them is a table. The library connects again by itself.

import pg from "pg";
import { io } from "socket.io-client";

const INSERT = "INSERT INTO shown (reference, number, display) VALUES ($1, $2, $3)";

const db = new pg.Client({ connectionString: process.env.DATABASE_URL });
await db.connect();
const socket = io(process.env.SERVER_URL);

socket.on("connect", () => console.log(`connected, recovered: ${socket.recovered}`));
socket.on("disconnect", (reason) => console.log(`disconnected: ${reason}`));
socket.on("message", (message) => db.query(INSERT, [message.reference, message.number, "hall"]));
