"""The table of types: each row is whole, and what the server does with every value it does with values of each row."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import zippy
from zippy._core import snapshot
from zippy._core.introspection import dataset_digest, memory_stats
from zippy._core.snapshot import SaveRequest
from zippy._core.testing import types_shim
from zippy.inprocess.engine import host_of
from zippy.persistence.json_lines import FORMS

VERSIONS = range(10, 13)
ROWS: list[dict[str, Any]] = types_shim.rows(VERSIONS)
FAR = 99_999_999_999_999
LAST = 70_368_744_177_663  # that an element may expire at


def numbered(count: int, *words: object) -> list[object]:
    """`count` elements of these words, each with its number behind it."""
    return [f"{word}{i}" for i in range(count) for word in words]


def stream_dump() -> bytes:
    """A stream with a group, whose entries one consumer has read and deleted in part: no single command makes one."""
    with zippy.Engine() as engine:
        r = zippy.connect(engine)
        for n in range(1, 2001):
            r.execute_command("XADD", "k", f"{n}-0", "field", f"value {n}")
        for group in ("one", "other"):
            r.execute_command("XGROUP", "CREATE", "k", group, "0")
            r.execute_command("XREADGROUP", "GROUP", group, "consumer", "COUNT", 1000, "STREAMS", "k", ">")
        r.execute_command("XDEL", "k", "900-0", "1-0", "2-0")
        r.execute_command("XTRIM", "k", "MINID", "700-0")
        return r.execute_command("DUMP", "k")


Commands = dict[tuple[str, str], list[object]]

VALUES: Commands = {
    ("string", "int"): ["SET", "k", 12],
    ("string", "embstr"): ["SET", "k", "text"],
    ("string", "raw"): ["SET", "k", "text" * 100],
    ("list", "listpack"): ["RPUSH", "k", "a", 1],
    ("list", "quicklist"): ["RPUSH", "k", *numbered(5000, "element ")],
    ("set", "intset"): ["SADD", "k", 1, 2],
    ("set", "listpack"): ["SADD", "k", "a", 1],
    ("set", "hashtable"): ["SADD", "k", *numbered(1000, "member ")],
    ("zset", "listpack"): ["ZADD", "k", 1, "a", 2, "b"],
    ("zset", "skiplist"): ["ZADD", "k", *numbered(1000, "", "member ")],
    ("hash", "listpack"): ["HSET", "k", "f", "v"],
    ("hash", "listpackex"): ["HSETEX", "k", "PXAT", LAST, "FIELDS", 2, "f", "v", 5, 7],
    ("hash", "hashtable"): ["HSET", "k", *numbered(1000, "field ", "")],
    ("stream", "stream"): ["RESTORE", "k", 0, stream_dump()],
}
"""A command that makes a value under the key k, by type and encoding."""

ELEMENTS_EXPIRE: Commands = {
    ("hash", "hashtable"): ["HSETEX", "k", "PXAT", LAST, "FIELDS", 1000, *numbered(1000, "field ", "")],
}
"""The same, with elements that expire, where that is no encoding of its own."""

ENCODINGS = [(row["name"], encoding, VALUES) for row in ROWS for encoding in row["encodings"]]
ENCODINGS += [(name, encoding, ELEMENTS_EXPIRE) for name, encoding in ELEMENTS_EXPIRE]


@pytest.fixture
def engine() -> Iterator[zippy.Engine]:
    """An engine in this process."""
    with zippy.Engine() as engine:
        yield engine


@pytest.fixture
def r(engine: zippy.Engine) -> redis.Redis:
    """A client of it."""
    return zippy.connect(engine)


class TestTable:
    """The rows themselves."""

    def test_every_function_is_there(self) -> None:
        assert {row["name"]: row["missing"] for row in ROWS} == {row["name"]: 0 for row in ROWS}

    def test_names_differ(self) -> None:
        names = [row["name"] for row in ROWS]
        assert len(set(names)) == len(names) >= 5

    def test_encodings_of_a_type_differ(self) -> None:
        for row in ROWS:
            assert len(set(row["encodings"])) == len(row["encodings"]) > 0

    def test_what_is_written_can_be_read(self) -> None:
        for row in ROWS:
            assert row["written"], row["name"]
            assert set(row["written"]) <= set(row["read"]), row["name"]

    def test_each_rdb_type_has_one_reader(self) -> None:
        read = [code for row in ROWS for code in row["read"]]
        assert sorted(read) == types_shim.readable()

    def test_forms_of_json_are_of_types(self) -> None:
        assert set(FORMS) <= {row["name"] for row in ROWS}

    @pytest.mark.parametrize("number", sorted(set(range(16)) - {row["type"] for row in ROWS}))
    def test_a_type_without_a_row_is_refused(self, number: int) -> None:
        code = f"from zippy._core.testing.types_shim import make; make({number})"
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
        assert ended.returncode == -signal.SIGABRT
        assert f"type {number}, which has no row".encode() in ended.stderr


@pytest.mark.parametrize(("name", "encoding", "commands"), ENCODINGS, ids=lambda part: part if isinstance(part, str) else "")
class TestValues:
    """A value of each encoding that a row names."""

    @pytest.fixture(autouse=True)
    def value(self, r: redis.Redis, name: str, encoding: str, commands: Commands) -> None:
        """Puts it under the key k."""
        r.execute_command(*commands[name, encoding])

    def test_names(self, r: redis.Redis, name: str, encoding: str) -> None:
        r.set("other", "") if name != "string" else r.rpush("other", "")
        assert r.execute_command("TYPE", "k") == name.encode()
        assert r.execute_command("OBJECT", "ENCODING", "k") == encoding.encode()
        assert r.execute_command("SCAN", 0, "TYPE", name) == (0, [b"k"])

    def test_copy(self, engine: zippy.Engine, r: redis.Redis, name: str, encoding: str) -> None:
        dumped, before = r.dump("k"), dataset_digest(host_of(engine).core)
        assert r.execute_command("COPY", "k", "l") == 1
        assert r.execute_command("OBJECT", "ENCODING", "l") == encoding.encode()
        assert r.dump("l") == dumped
        r.delete("k")
        r.rename("l", "k")
        assert dataset_digest(host_of(engine).core) == before

    def test_memory_usage(self, r: redis.Redis, name: str, encoding: str) -> None:
        sampled = r.memory_usage("k")
        assert sampled is not None
        assert 0.5 < sampled / r.memory_usage("k", samples=0) < 2

    def test_dump_and_restore(self, engine: zippy.Engine, r: redis.Redis, name: str, encoding: str) -> None:
        dumped = r.dump("k")
        (row,) = (row for row in ROWS if row["name"] == name)
        assert dumped[0] in row["read"]
        before = dataset_digest(host_of(engine).core)
        r.restore("k", 0, dumped, replace=True)
        assert dataset_digest(host_of(engine).core) == before
        assert r.execute_command("OBJECT", "ENCODING", "k") == encoding.encode()

    def test_the_commands_that_rebuild_it(self, engine: zippy.Engine, name: str, encoding: str, tmp_path: Path) -> None:
        """As an append-only file is rewritten without RDB."""
        request = SaveRequest(str(tmp_path / "base.aof"), "8.2.3")
        request.write_commands(False)
        snapshot.save_here(host_of(engine).core, request)
        with zippy.Engine() as other:
            session = host_of(other).channel(lambda one: one.take_output(), lambda one: None)
            host_of(other).feed(session, (tmp_path / "base.aof").read_bytes())
            assert dataset_digest(host_of(other).core) == dataset_digest(host_of(engine).core)

    @pytest.mark.parametrize("change", [False, True])
    def test_saved_beside_the_traffic(
        self, engine: zippy.Engine, r: redis.Redis, name: str, encoding: str, tmp_path: Path, change: bool
    ) -> None:
        """In steps of no time, or at once because it is deleted."""
        before = dataset_digest(host_of(engine).core)
        walk = snapshot.Walk(host_of(engine).core, SaveRequest(str(tmp_path / "dump.rdb"), "8.2.3"))
        written = b""
        if change:
            walk.step(0, 1)
            r.delete("k")
        while not walk.finished:
            walk.step(0, 1)
            written += walk.take()
        written += walk.take()
        walk.end()
        with zippy.Engine() as other:
            snapshot.load_bytes(host_of(other).core, written)
            assert dataset_digest(host_of(other).core) == before

    def test_its_entry_moves(self, engine: zippy.Engine, r: redis.Redis, name: str, encoding: str) -> None:
        """An expiry makes another block of the entry: nothing in the value may point to the old one."""
        dumped = r.dump("k")
        r.pexpireat("k", FAR)
        r.set("old block", "x" * 16)
        assert r.dump("k") == dumped
        r.persist("k")
        assert r.dump("k") == dumped

    def test_freeing_in_steps(self, engine: zippy.Engine, r: redis.Redis, name: str, encoding: str) -> None:
        """What is left behind is found by the fixture of all tests."""
        steps: list[Callable[[], object]] = []
        host_of(engine).core.free_between_turns(steps.append)
        assert r.unlink("k") == 1
        while steps:
            steps.pop(0)()
        assert memory_stats(host_of(engine).core)["freed_later"][0] == 0
