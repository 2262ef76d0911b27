"""Stores each message that the sender emits, and acknowledges it to whoever asks for that."""

import os

import psycopg
import socketio

INSERT = "INSERT INTO messages (reference) VALUES (%s) ON CONFLICT DO NOTHING"

sio = socketio.AsyncServer(async_mode="asgi")


@sio.event
async def message(sid, data):
    async with await psycopg.AsyncConnection.connect(os.environ["DATABASE_URL"], autocommit=True) as db:
        await db.execute(INSERT, (data["reference"],))
    return "stored"


async def health(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


app = socketio.ASGIApp(sio, health)
