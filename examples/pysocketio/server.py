"""Stores each message that the sender emits, and acknowledges it to whoever asks for that."""

import os

import psycopg
import socketio

INSERT = "INSERT INTO messages (reference) VALUES (%s) ON CONFLICT DO NOTHING"

sio = socketio.AsyncServer(async_mode="asgi")
database = None


async def connection():
    global database
    if database is None or database.closed:
        database = await psycopg.AsyncConnection.connect(os.environ["DATABASE_URL"], autocommit=True)
    return database


@sio.event
async def message(sid, data):
    db = await connection()
    await db.execute(INSERT, (data["reference"],))
    return "stored"


async def health(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


app = socketio.ASGIApp(sio, health)
