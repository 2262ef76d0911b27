"""Fetches readings from a pull consumer that all workers share, stores and acknowledges each."""

import asyncio
import json
import logging
import os

import nats
import psycopg
from nats.errors import TimeoutError as FetchTimeoutError
from settings import CONNECT_OPTIONS

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger("worker")

INSERT = "INSERT INTO readings (number, reference) VALUES (%s, %s) ON CONFLICT (number) DO NOTHING"


async def main():
    db = await psycopg.AsyncConnection.connect(os.environ["DATABASE_URL"], autocommit=True)
    nc = await nats.connect(os.environ["NATS_URL"], **CONNECT_OPTIONS)
    js = nc.jetstream()
    await js.add_stream(name="READINGS", subjects=["readings.>"], max_age=3600)
    readings = await js.pull_subscribe("readings.>", durable="workers")
    while True:
        try:
            messages = await readings.fetch(batch=10, timeout=5)
        except FetchTimeoutError:
            continue
        for message in messages:
            reading = json.loads(message.data)
            await db.execute(INSERT, (message.metadata.sequence.stream, reading.get("reference")))
            await message.ack()
        log.info("%d readings, the last has number %d", len(messages), message.metadata.sequence.stream)


asyncio.run(main())
