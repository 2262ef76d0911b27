"""The tasks, as workers and the shop import them."""

import os
import time

from celery import Celery

REDIS_URL = os.environ["REDIS_URL"]

app = Celery("tasks", broker=f"{REDIS_URL}/0", backend=f"{REDIS_URL}/1")
app.conf.result_expires = 3600


@app.task
def invoice(order, amounts):
    time.sleep(0.02)
    return {"order": order, "total": sum(amounts)}
