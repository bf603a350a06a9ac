"""Django's cache through django-redis, and through Django's own Redis backend."""

from __future__ import annotations

from typing import Any

import pytest

from tests.needs import needs_package

needs_package("django")
needs_package("django_redis")


@pytest.fixture(params=["django_redis.cache.RedisCache", "django.core.cache.backends.redis.RedisCache"])
def cache(request: pytest.FixtureRequest, url: str) -> Any:
    """A cache on the server."""
    from django.conf import settings
    from django.utils.module_loading import import_string

    if not settings.configured:
        settings.configure(CACHES={"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}})
    return import_string(request.param)(url, {})


def test_cache(cache: Any) -> None:
    """What every Django cache does."""
    cache.set("a", {"b": [1, 2]}, timeout=100)
    assert cache.get("a") == {"b": [1, 2]}
    assert cache.get("none", "instead") == "instead"
    assert cache.add("a", 1) is False
    assert cache.add("n", 1) is True
    cache.set_many({"x": 1, "y": 2})
    assert cache.get_many(["x", "y", "z"]) == {"x": 1, "y": 2}
    assert cache.touch("x", 50) is True
    assert cache.has_key("x") is True
    assert cache.get_or_set("made", lambda: 7) == 7
    cache.delete_many(["x", "y"])
    assert cache.get("x") is None
    cache.set("gone", 1, timeout=0)
    assert cache.get("gone") is None
    cache.clear()
    assert cache.get("a") is None


def test_numbers(cache: Any, url: str) -> None:
    """django-redis counts in a script, Django's own backend does not."""
    cache.set("n", 1)
    assert cache.incr("n", 41) == 42
    assert cache.decr("n") == 41
    with pytest.raises(ValueError):
        cache.incr("none")


def test_extensions(cache: Any) -> None:
    """What django-redis has beyond that."""
    if not hasattr(cache, "delete_pattern"):
        pytest.skip("only django-redis has these")
    cache.set("a", 1, timeout=100)
    cache.set("b", 1, timeout=None)
    assert 95 <= cache.ttl("a") <= 100
    assert cache.ttl("b") is None
    assert cache.expire("b", 10) is True
    assert cache.persist("b") is True
    cache.set_many({f"item:{i}": i for i in range(300)})
    assert len(cache.keys("item:*")) == 300
    assert set(cache.iter_keys("item:1?")) == {f"item:1{i}" for i in range(10)}
    assert cache.delete_pattern("item:*") == 300
    assert cache.set("c", 1, nx=True) is True
    assert cache.sadd("s", "x", "y") == 2
    assert cache.smembers("s") == {"x", "y"}
