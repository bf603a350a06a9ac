"""What users see of zippy: names that are listed, typed and documented, and errors that are redis-py's and say what is wrong."""

from __future__ import annotations

import asyncio
import inspect
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import redis.asyncio.retry
from redis.backoff import NoBackoff
from redis.retry import Retry

import zippy
import zippy.testing
from zippy.testing import Faults, patch

NO_RETRY = Retry(NoBackoff(), 0)
ERRORS = {
    "ERR mine": redis.ResponseError,
    "LOADING mine": redis.BusyLoadingError,
    "READONLY mine": redis.ReadOnlyError,
    "NOPERM mine": redis.exceptions.NoPermissionError,
    "NOSCRIPT mine": redis.exceptions.NoScriptError,
    "WRONGPASS mine": redis.AuthenticationError,
    "OOM mine": redis.exceptions.OutOfMemoryError,
    "WRONGTYPE mine": redis.ResponseError,
    "MINE mine": redis.ResponseError,
}


def public(module: Any) -> Iterator[tuple[str, Any]]:
    """A module's public names, with those of its classes."""
    for name in dir(module):
        if name.startswith("_"):
            continue
        found = getattr(module, name)
        yield name, found
        if inspect.isclass(found):
            yield from ((f"{name}.{one}", getattr(found, one)) for one in vars(found) if not one.startswith("_"))


@pytest.mark.parametrize("module", [zippy, zippy.testing], ids=lambda module: module.__name__)
class TestNames:
    """dir() of a module."""

    def test_documented(self, module: Any) -> None:
        """Each has a docstring of its own."""
        lacking = [name for name, found in public(module) if not inspect.getdoc(found)]
        assert lacking == []

    def test_typed(self, module: Any) -> None:
        """Each function says what it takes and what it returns."""
        lacking = []
        for name, found in public(module):
            if inspect.isfunction(found):
                signature = inspect.signature(found)
                parts = [one.annotation for one in signature.parameters.values() if one.name != "self"] + [signature.return_annotation]
                lacking += [name] if inspect.Parameter.empty in parts else []
        assert lacking == []

    def test_all(self, module: Any) -> None:
        """What is listed is there, and nothing else is shown."""
        assert sorted(module.__all__) == sorted(name for name in dir(module) if name in module.__all__)
        assert {name for name in dir(module) if not name.startswith("_")} <= set(module.__all__)


@pytest.mark.parametrize("text", ERRORS)
@pytest.mark.parametrize("way", ["sync", "async", "patched"])
class TestErrors:
    """Errors of commands."""

    def raised(self, way: str, text: str) -> Exception:
        """What a client raises for an error."""

        async def ask(engine: zippy.Engine) -> None:
            await zippy.connect_async(engine, retry=redis.asyncio.retry.Retry(NoBackoff(), 0)).get("a")

        with zippy.Engine() as engine, Faults(engine) as faults, patch(engine), pytest.raises(redis.RedisError) as caught:
            faults.error(text, "GET", times=None)
            if way == "sync":
                zippy.connect(engine, retry=NO_RETRY).get("a")
            elif way == "async":
                asyncio.run(ask(engine))
            else:
                redis.Redis(retry=NO_RETRY).get("a")
        return caught.value

    def test_class(self, way: str, text: str) -> None:
        """It is redis-py's, and stays so when it is sent to another process."""
        error = self.raised(way, text)
        assert isinstance(error, ERRORS[text])
        assert type(error).__name__ == ERRORS[text].__name__
        assert type(pickle.loads(pickle.dumps(error))) is ERRORS[text]

    def test_repr(self, way: str, text: str) -> None:
        """It says what is wrong, as str does."""
        error = self.raised(way, text)
        if way != "patched":  # redis-py's own connections show what redis-py shows
            assert repr(error) == f"{type(error).__name__}({str(error)!r})"
        assert "mine" in str(error)
