"""Takes jobs from the queue, one at a time, and stores their results."""

import json
import logging
import os
import time

import psycopg
import redis

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger("worker")

KEEP_JOBS = os.environ.get("KEEP_JOBS") == "1"
REPLY_TIMEOUT_S = float(os.environ.get("REPLY_TIMEOUT_S", "0"))


def take(queue):
    """The next job: out of the queue at once, or with KEEP_JOBS held in a second list until it is done."""
    if KEEP_JOBS:
        return queue.blmove("jobs", "taken", REPLY_TIMEOUT_S / 2, "LEFT", "RIGHT")
    popped = queue.blpop("jobs", REPLY_TIMEOUT_S / 2)
    return popped and popped[1]


def put_back(queue):
    """What a worker that ended had taken and not done."""
    while queue.lmove("taken", "jobs", "RIGHT", "LEFT"):
        log.info("a job was put back")


def handle(db, job):
    words = job["text"].split()
    time.sleep(0.05)  # the real work
    db.execute(
        "INSERT INTO results (job_id, reference, words, longest) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT (job_id) DO NOTHING",
        (job["id"], job["reference"], len(words), max(words, key=len)),
    )
    log.info("job %s: %d words", job["id"], len(words))


def one_job(queue, db):
    raw = take(queue)
    if raw is None:
        return
    try:
        handle(db, json.loads(raw))
    except Exception as error:
        if KEEP_JOBS and isinstance(error, psycopg.OperationalError):
            raise  # the job stays in `taken`, and the next start puts it back
        # one bad job must not stop the others
        log.exception("job failed")
    if KEEP_JOBS:
        queue.lrem("taken", 1, raw)


def main():
    # blpop waits for as long as there is no job, so no timeout unless one is set
    queue = redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=REPLY_TIMEOUT_S or None)
    db = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    if KEEP_JOBS:
        put_back(queue)
    log.info("waiting for jobs")
    while True:
        try:
            one_job(queue, db)
        except redis.RedisError:
            if not KEEP_JOBS:
                raise
            log.warning("no reply of Redis")
            put_back(queue)


if __name__ == "__main__":
    main()
