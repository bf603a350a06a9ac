"""The application that test_celery.py's worker runs; its broker and backend are in CELERY_URL."""

import os

from celery import Celery

app = Celery("celery_app", broker=os.environ["CELERY_URL"], backend=os.environ["CELERY_URL"])
app.conf.update(broker_connection_retry_on_startup=True, result_expires=600, worker_prefetch_multiplier=16)
app.conf.update(broker_transport_options={"queue_order_strategy": "priority"})


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


@app.task(bind=True, max_retries=3)
def fail_and_wait(self: object) -> int:
    """Fails twice, and is tried again a moment later; the number of retries then."""
    if self.request.retries < 2:
        raise self.retry(countdown=0.1)
    return int(self.request.retries)
