"""The application that test_celery.py's worker runs; its broker and backend are in CELERY_URL.

With CELERY_WITHOUT_SCRIPTS the worker does without what it asks Lua for: the lock around the search for messages that nobody
acknowledged, and remote control.
"""

import contextlib
import os

import kombu.transport.redis
from celery import Celery

app = Celery("celery_app", broker=os.environ["CELERY_URL"], backend=os.environ["CELERY_URL"])
app.conf.update(broker_connection_retry_on_startup=True, result_expires=600, worker_prefetch_multiplier=16)
if os.environ.get("CELERY_WITHOUT_SCRIPTS"):
    app.conf.update(worker_enable_remote_control=False)
    kombu.transport.redis.Mutex = lambda client, name, expire: contextlib.nullcontext()


@app.task
def add(a: int, b: int) -> int:
    """The sum."""
    return a + b


@app.task(bind=True, max_retries=2, default_retry_delay=0)
def fail_once(self: object) -> int:
    """Fails the first time; the number of retries then."""
    if self.request.retries == 0:
        raise self.retry()
    return int(self.request.retries)
