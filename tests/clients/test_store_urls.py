"""Stores by URL, and what errors show."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import threading
from pathlib import Path

import pytest
import redis

import zippy
from zippy.inprocess.engine import host_of


def folder_of(client: redis.Redis) -> str:
    """Where the client's store is kept."""
    return host_of(client.connection_pool.connection_kwargs["engine"]).settings.text("dir")


class TestFile:
    """file:///path/to/folder."""

    def test_kept(self, tmp_path: Path) -> None:
        url = f"file://{tmp_path}/data"
        client = zippy.connect(url)
        client.set("a", 1)
        assert client.config_get("appendonly", "appendfsync") == {"appendonly": "yes", "appendfsync": "everysec"}
        del client
        gc.collect()

        async def get() -> bytes:
            async with zippy.connect_async(url) as again:
                return await again.get("a")

        assert asyncio.run(get()) == b"1"

    @pytest.mark.parametrize(
        ("url", "folder"),
        [
            ("file:{here}/a", "a"),
            ("file://localhost{here}/a", "a"),
            ("file:a", "a"),
            ("file:./a/", "a"),
            ("file:~/a", "a"),
            ("file:~%2Fa", "a"),
            ("file://{here}/a%20b%23%3F%25", "a b#?%"),
            ("file://{here}/%ff", "\udcff"),
            ("file://{here}/%5C", "\\"),
            ("file://{here}/~", "~"),
            ("FILE://{here}/c:d", "c:d"),
        ],
    )
    def test_paths(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, folder: str) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path))
        assert folder_of(zippy.connect(url.format(here=tmp_path))) == str(tmp_path / folder)

    def test_settings(self, tmp_path: Path) -> None:
        client = zippy.connect(f"file://{tmp_path}?appendonly=no&save=60+1&rdb-save-incremental-fsync=no", db=1, decode_responses=True)
        wanted = {"appendonly": "no", "save": "60 1", "rdb-save-incremental-fsync": "no", "maxmemory": "0"}
        assert client.config_get(*wanted) == wanted
        assert folder_of(zippy.connect(f"file://{tmp_path}")) == str(tmp_path)
        with pytest.raises(ValueError, match=r"open with other settings: .*'save': '60 1'"):
            zippy.connect(f"file://{tmp_path}?appendonly=yes")

    def test_one_store_a_folder(self, tmp_path: Path) -> None:
        """Whoever names the folder in this process gets the store that is open."""
        first, second = zippy.connect(f"file://{tmp_path}"), zippy.connect(f"file://{tmp_path}/../{tmp_path.name}/")
        first.set("a", 1)
        assert second.get("a") == b"1"
        with pytest.raises(zippy.FolderInUse, match=f"this process, {os.getpid()}"):
            zippy.Engine(tmp_path)
        first.connection_pool.connection_kwargs["engine"].close()
        assert zippy.connect(f"file://{tmp_path}").get("a") == b"1"


class TestMemory:
    """mem://name."""

    def test_one_a_name(self) -> None:
        """It is there for as long as somebody refers to it."""
        first, other = zippy.connect("mem://jobs"), zippy.connect("mem://others")
        first.set("a", 1)
        assert zippy.connect("mem://jobs", db=0).get("a") == b"1"
        assert other.get("a") is None
        del first
        gc.collect()
        assert zippy.connect("mem://jobs").get("a") is None

    def test_made_by_many(self) -> None:
        made: list[redis.Redis] = []
        threads = [threading.Thread(target=lambda: made.append(zippy.connect("mem://many"))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({id(client.connection_pool.connection_kwargs["engine"]) for client in made}) == 1

    def test_settings(self) -> None:
        first = zippy.connect("mem://small?maxmemory=10mb")
        assert zippy.connect("mem://small").config_get("maxmemory") == {"maxmemory": str(10 << 20)}
        with pytest.raises(ValueError, match="other settings"):
            zippy.connect("mem://small?maxmemory=20mb")
        assert first.ping()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis://localhost:6379/0", r"address of a server.*redis\.Redis\.from_url"),
        ("unix:///tmp/s", "address of a server"),
        ("valkeys://x", "address of a server"),
        ("/var/lib/app", "no URL of a store: file:///path"),
        ("http://x", "no URL of a store"),
        ("", "no URL of a store"),
        ("file://data/app", "names a host, 'data': file:///data/app is an absolute path, file:data/app a relative one"),
        ("file://~/data", "names a host, '~'"),
        ("file://[x/", "Invalid IPv6"),
        ("file:", "names no folder"),
        ("file:///a%00b", "names no folder"),
        ("file:///a#b", "written %23"),
        ("file:///C:/data", "path of Windows"),
        (r"file:C:\data", "path of Windows"),
        (r"file:///data\x", "written %5C"),
        ("file:///x?path=1", "no setting 'path'"),
        ("file:///x?appendonly", "given as"),
        ("mem://x?no-such=1", "no setting 'no_such'"),
        ("mem://x?save=60+1", r"without a folder.*Engine\(path"),
        ("mem://x?hz=1&hz=2", "twice"),
        ("mem://", "mem://name"),
        ("mem:name", "mem://name"),
        ("mem://name/1", "db=1"),
    ],
)
def test_wrong(url: str, problem: str) -> None:
    for function in (zippy.connect, zippy.connect_async):
        with pytest.raises(ValueError, match=problem):
            function(url)


def test_no_url() -> None:
    with pytest.raises(TypeError, match="not PosixPath"):
        zippy.connect(Path("/tmp"))  # type: ignore[arg-type]


class TestErrors:
    """What errors show."""

    def test_a_reply(self) -> None:
        client = zippy.connect()
        client.set("a", "x")
        with pytest.raises(redis.ResponseError) as found:
            client.incr("a")
        assert repr(found.value) == "ResponseError('value is not an integer or out of range')"
        assert type(pickle.loads(pickle.dumps(found.value))) is redis.ResponseError
        with pytest.raises(redis.exceptions.NoScriptError, match="No matching script") as unknown:
            client.evalsha("0" * 40, 0)
        assert repr(unknown.value).startswith("NoScriptError('No matching script")
        results = client.pipeline().incr("a").get("a").execute(raise_on_error=False)
        assert repr(results[0]).startswith("ResponseError(") and results[1] == b"x"

    def test_asyncio(self) -> None:
        async def shown() -> str:
            client = zippy.connect_async()
            await client.set("a", "x")
            with pytest.raises(redis.ResponseError) as found:
                await client.lpush("a", 1)
            return repr(found.value)

        assert asyncio.run(shown()).startswith("ResponseError('WRONGTYPE ")
