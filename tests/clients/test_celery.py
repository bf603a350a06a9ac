"""Celery with zippy as broker and result backend."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.needs import needs_command, needs_package

needs_package("celery")


@pytest.fixture
def client(url: str) -> Iterator[redis.Redis]:
    """To ask the server what it can do."""
    with redis.Redis.from_url(url) as client:
        yield client


@pytest.fixture(params=["solo", "prefork"])
def tasks(
    request: pytest.FixtureRequest, url: str, client: redis.Redis, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """The application's module, with a worker beside it."""
    monkeypatch.setenv("CELERY_URL", url)
    monkeypatch.syspath_prepend(str(here))
    command = [sys.executable, "-m", "celery", "-A", "celery_app", "worker", "--pool", request.param, "-c", "2", "--loglevel", "WARNING"]
    needs_command(client, "EVAL", "Celery's worker")
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen(command, cwd=here, env=dict(os.environ), stdout=log, stderr=log)
    yield importlib.import_module("celery_app")
    sys.modules.pop("celery_app")
    worker.terminate()
    try:
        worker.wait(60)
    finally:
        worker.kill()


def test_tasks(tasks: Any) -> None:
    """Results, a group, a chain, a retry, one in the future."""
    from celery import chain, group

    count = 1000
    results = [tasks.add.delay(i, i) for i in range(count)]
    assert [result.get(timeout=60) for result in results] == [2 * i for i in range(count)]
    assert group(tasks.add.s(i, 1) for i in range(10))().get(timeout=30) == list(range(1, 11))
    assert chain(tasks.add.s(1, 2), tasks.add.s(3))().get(timeout=30) == 6
    assert tasks.fail_once.delay().get(timeout=30) == 1
    assert tasks.fail_and_wait.delay().get(timeout=30) == 2
    assert tasks.add.apply_async((1, 1), countdown=0.2).get(timeout=30) == 2
    assert tasks.add.apply_async((1, 2), eta=datetime.now(timezone.utc) + timedelta(seconds=0.2)).get(timeout=30) == 3
    by_priority = [tasks.add.apply_async((i, 0), priority=i % 10) for i in range(30)]
    assert [result.get(timeout=30) for result in by_priority] == list(range(30))


def test_what_runs_scripts(tasks: Any) -> None:
    """A chord counts its parts in Lua, remote control binds its queue for replies so."""
    from celery import chord

    assert chord((tasks.add.s(i, i) for i in range(3)), tasks.add.si(40, 2))().get(timeout=30) == 42
    assert tasks.app.control.ping(timeout=30, limit=1)
