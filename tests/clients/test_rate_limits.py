"""Rate limits: the package limits, whose strategies are scripts, and Flask-Limiter on top of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from tests.needs import needs_command, needs_package

needs_package("limits")


@pytest.fixture
def storage(url: str) -> Any:
    """The server as a storage of limits."""
    from limits.storage import RedisStorage

    with redis.Redis.from_url(url) as client:
        needs_command(client, "EVAL", "the package limits")
    return RedisStorage(url)


@pytest.mark.parametrize("strategy", ["FixedWindowRateLimiter", "MovingWindowRateLimiter", "SlidingWindowCounterRateLimiter"])
def test_strategies(storage: Any, strategy: str) -> None:
    """Ten hits pass, no eleventh does, however many ask at once."""
    from limits import parse, strategies

    limiter = getattr(strategies, strategy)(storage)
    limit = parse("10 per hour")
    assert limiter.test(limit, "user")
    with ThreadPoolExecutor(8) as pool:
        passed = list(pool.map(lambda _: limiter.hit(limit, "user"), range(40)))
    assert passed.count(True) == 10
    assert not limiter.test(limit, "user")
    assert limiter.get_window_stats(limit, "user").remaining == 0
    assert limiter.hit(limit, "other", cost=10)
    assert not limiter.hit(limit, "other")
    limiter.clear(limit, "user")
    assert limiter.hit(limit, "user")
    storage.reset()


def test_flask_limiter(storage: Any, url: str) -> None:
    """Requests beyond the limit are answered with 429."""
    needs_package("flask_limiter")
    from flask import Flask
    from flask_limiter import Limiter

    app = Flask(__name__)
    limiter = Limiter(lambda: "user", app=app, storage_uri=url, strategy="moving-window")

    @app.route("/")
    @limiter.limit("3 per hour")
    def page() -> str:
        return "ok"

    with app.test_client() as browser:
        assert [browser.get("/").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
