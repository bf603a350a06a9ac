"""Locks: redis-py's own, pottery's Redlock, and the one of django-redis."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from redis.exceptions import LockNotOwnedError

from tests.needs import needs_command, needs_package


@pytest.fixture
def client(url: str) -> Iterator[redis.Redis]:
    """A server that runs scripts."""
    with redis.Redis.from_url(url) as client:
        needs_command(client, "EVAL", "locks")
        yield client


def hold_in_turn(make: Any) -> None:
    """Eight threads count under the lock that `make` makes; a count that two of them took would be lost."""
    count = [0]

    def work() -> None:
        for _ in range(10):
            with make():
                before = count[0]
                threading.Event().wait(0.0005)
                count[0] = before + 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert count == [80]


def test_redis_py(client: redis.Redis) -> None:
    """Taken by one at a time, extended, reacquired, and released by its owner alone."""
    hold_in_turn(lambda: client.lock("turn", timeout=30, sleep=0.002))
    lock = client.lock("l", timeout=10)
    assert lock.acquire()
    assert not client.lock("l", blocking=False).acquire()
    assert lock.extend(100)
    assert client.ttl("l") > 50
    assert lock.reacquire()
    assert client.ttl("l") <= 10
    client.set("l", "another's")
    with pytest.raises(LockNotOwnedError):
        lock.release()
    assert client.get("l") == b"another's"


def test_redlock(client: redis.Redis) -> None:
    """pottery's Redlock, over one server."""
    needs_package("pottery")
    from pottery import Redlock

    hold_in_turn(lambda: Redlock(key="turn", masters={client}, auto_release_time=30))
    lock = Redlock(key="l", masters={client}, auto_release_time=100)
    assert lock.acquire(blocking=False)
    assert not Redlock(key="l", masters={client}).acquire(blocking=False)
    assert 90 < lock.locked() <= 100
    lock.extend()
    lock.release()
    assert not lock.locked()


def test_next_id(client: redis.Redis) -> None:
    """pottery's ids, which grow in a script."""
    needs_package("pottery")
    from pottery import NextID

    ids = NextID(key="ids", masters={client})
    assert [next(ids) for _ in range(5)] == [1, 2, 3, 4, 5]


def test_django_redis(client: redis.Redis, url: str) -> None:
    """The cache's lock."""
    needs_package("django_redis")
    from django.conf import settings
    from django_redis.cache import RedisCache

    if not settings.configured:
        settings.configure(CACHES={"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}})
    cache = RedisCache(url, {})
    hold_in_turn(lambda: cache.lock("turn", timeout=30, sleep=0.002))
