"""redis-py's scripts and what is built of them: locks, over TCP, over a Unix socket and in process, in RESP2 and RESP3."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import redis
from redis.exceptions import LockError, LockNotOwnedError, NoScriptError, ResponseError

Connect = Callable[..., redis.Redis]


def test_registered_script(r: redis.Redis) -> None:
    """It is loaded when the server does not know it, also in a pipeline."""
    multiply = r.register_script("return redis.call('GET', KEYS[1]) * ARGV[1]")
    r.set("a", 3)
    assert multiply(keys=["a"], args=[5]) == 15
    r.script_flush()
    with pytest.raises(NoScriptError):
        r.evalsha(multiply.sha, 1, "a", 5)
    assert multiply(keys=["a"], args=[5]) == 15
    with r.pipeline() as pipe:
        pipe.set("a", 4)
        multiply(keys=["a"], args=[5], client=pipe)
        assert pipe.execute() == [True, 20]


def test_errors(r: redis.Redis) -> None:
    with pytest.raises(ResponseError, match="Error compiling script"):
        r.eval("return (", 0)
    with pytest.raises(ResponseError, match="user_script:1: x"):
        r.eval("error('x')", 0)


def test_lock(r: redis.Redis, connect: Connect) -> None:
    """Taken, extended, found taken, given back; who does not own it cannot give it back."""
    lock = r.lock("lock", timeout=10)
    other = connect().lock("lock", timeout=10, blocking=False)
    assert lock.acquire()
    assert not other.acquire()
    assert lock.extend(20)
    assert lock.reacquire()
    lock.release()
    assert other.acquire()
    r.set("lock", "somebody else's")
    with pytest.raises(LockNotOwnedError):
        other.release()
    with pytest.raises(LockError):
        lock.release()


def test_one_at_a_time(connect: Connect) -> None:
    """A counter that is read and written under a lock loses nothing."""

    def count() -> None:
        mine = connect()
        for _ in range(10):
            with mine.lock("lock", timeout=10, sleep=0.001):
                mine.set("n", int(mine.get("n") or 0) + 1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert connect().get("n") == "40"
