"""Fetches readings from a pull consumer that all workers share, and acknowledges each."""

import asyncio
import json
import logging
import os

import nats
from nats.errors import TimeoutError as FetchTimeoutError

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger("worker")


async def main():
    nc = await nats.connect(os.environ["NATS_URL"])
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
            await asyncio.sleep(0.01)
            await message.ack()
        log.info("%d readings, the last is number %d", len(messages), reading["number"])


asyncio.run(main())
