"""Takes jobs from the queue, one at a time, and stores their results."""

import json
import logging
import os
import time

import psycopg
import redis

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger("worker")


def handle(db, job):
    words = job["text"].split()
    time.sleep(0.05)  # the real work
    db.execute(
        "INSERT INTO results (job_id, words, longest) VALUES (%s, %s, %s)",
        (job["id"], len(words), max(words, key=len)),
    )
    log.info("job %s: %d words", job["id"], len(words))


def main():
    # blpop waits for as long as there is no job, so no timeout
    queue = redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=None)
    db = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    log.info("waiting for jobs")
    while True:
        _, raw = queue.blpop("jobs")
        try:
            handle(db, json.loads(raw))
        except Exception:
            # one bad job must not stop the others
            log.exception("job failed")


if __name__ == "__main__":
    main()
