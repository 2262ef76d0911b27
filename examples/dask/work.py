"""What a worker does for a request."""

import os
import time

import psycopg
from distributed import get_worker


def add_up(reference, numbers):
    """Store the total of the numbers, and return it."""
    time.sleep(0.2)  # the real work
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as db:
        db.execute(
            "INSERT INTO sums (reference, total, worker) VALUES (%s, %s, %s)",
            (reference, sum(numbers), get_worker().name),
        )
    return sum(numbers)
