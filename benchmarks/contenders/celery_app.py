"""What `celery -A` loads in a worker's process."""

from __future__ import annotations

import os

from benchmarks.contenders.celery import PORT_VARIABLE, celery_on

app, noop = celery_on(int(os.environ[PORT_VARIABLE]))
