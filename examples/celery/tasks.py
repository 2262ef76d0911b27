"""The tasks, as workers, the shop and the counter import them."""

import os
import time

import psycopg
from celery import Celery

BROKER_URL = os.environ["BROKER_URL"]
TASK_S = float(os.environ.get("TASK_S", "0.5"))

app = Celery("tasks", broker=BROKER_URL, backend=os.environ["RESULT_URL"])
app.conf.result_expires = 3600
if os.environ.get("ACKS_LATE") == "1":
    app.conf.task_acks_late = True
    app.conf.task_reject_on_worker_lost = True
if os.environ.get("CANCEL_ON_LOSS") == "1":
    app.conf.worker_cancel_long_running_tasks_on_connection_loss = True
if "VISIBILITY_TIMEOUT_S" in os.environ:
    app.conf.broker_transport_options = {
        "visibility_timeout": int(os.environ["VISIBILITY_TIMEOUT_S"]),
        # kombu looks for what to give to another worker every 10 s, and skips nine of ten looks
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        # else nobody looks for 300 s after a worker was killed that was just looking
        "unacked_mutex_expire": 5,
    }


@app.task
def invoice(order, amounts):
    time.sleep(0.02)
    return {"order": order, "total": sum(amounts)}


@app.task(ignore_result=True)
def charge(order):
    """Charge the customer of an order: its row is what accounting sees."""
    time.sleep(TASK_S)  # the payment provider
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as db:
        db.execute("INSERT INTO charges (reference) VALUES (%s)", (order,))
