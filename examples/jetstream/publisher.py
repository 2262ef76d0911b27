"""Publishes ten readings a second, and waits for the acknowledgement of each."""

import asyncio
import itertools
import json
import logging
import os
import time

import nats
from nats.errors import Error

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger("publisher")


async def main():
    nc = await nats.connect(os.environ["NATS_URL"])
    js = nc.jetstream()
    await js.add_stream(name="READINGS", subjects=["readings.>"], max_age=3600)
    for number in itertools.count(1):
        reading = {"number": number, "time": time.time(), "value": number % 100}
        try:
            await js.publish("readings.temperature", json.dumps(reading).encode())
        except Error as error:
            log.warning("reading %d was not published: %r", number, error)
        await asyncio.sleep(0.1)


asyncio.run(main())
