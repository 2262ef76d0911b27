"""Sends five orders a second, and waits for each invoice."""

import itertools
import logging
import random
import time

from celery.exceptions import TimeoutError as InvoiceTimeoutError
from tasks import invoice

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger("shop")

for order in itertools.count(1):
    amounts = [random.randint(1, 100) for _ in range(5)]
    sent = invoice.delay(order, amounts)
    try:
        log.info("order %d: %d", order, sent.get(timeout=10)["total"])
    except InvoiceTimeoutError:
        log.error("order %d has no invoice after 10 s", order)
    time.sleep(0.2)
