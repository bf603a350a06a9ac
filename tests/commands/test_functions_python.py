"""Functions in Python: in a server, in process, and as the README has them."""

from __future__ import annotations

import asyncio
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

import zippy
from tests.floors.imports import ROOT, needs_sources
from tests.resp import RawClient, Reply
from tests.servers import ServerProcess, StartServer
from zippy.functions import Call, Function, functions_of

MODULE = '''
import zippy

@zippy.function(flags=["no-writes"])
def read(call, keys, args):
    """Reads a key.

    And no more."""
    return call("GET", keys[0])

@zippy.function
def write(call, keys, args):
    call("SET", keys[0], args[0])
    call("INCR", keys[0])
    return call("GET", keys[0])

@zippy.function(library="others", name="fail", description="Fails in the middle.")
def fails(call, keys, args):
    call("SET", keys[0], "written")
    raise ValueError("two\\r\\nlines")

@zippy.function
def wrong(call, keys, args):
    return call("INCR", keys[0])

@zippy.function
def nothing(call, keys, args):
    return object()

@zippy.function
def refused(call, keys, args):
    raise zippy.ReplyError("MYCODE no")

@zippy.function
def tries(call, keys, args):
    try:
        call("LPUSH", keys[0], "x")
    except zippy.ReplyError as error:
        return str(error)

@zippy.function
def nested(call, keys, args):
    return call("FCALL", "read", 1, keys[0])

@zippy.function
def waits(call, keys, args):
    return call("BLPOP", keys[0], 0)

@zippy.function(flags=["allow-oom"])
def greedy(call, keys, args):
    return call("SET", keys[0], "x")

@zippy.function
def sneaks(call, keys, args):
    return call("SET", args[0], "x")

kept = []

@zippy.function
def keeps(call, keys, args):
    kept.append(call)
    if len(kept) > 1:
        kept[0]("PING")
'''


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A folder with a module of functions."""
    (tmp_path / "my_functions.py").write_text(MODULE)
    return tmp_path


@pytest.fixture
def served(start_server: StartServer, module: Path) -> ServerProcess:
    """A server with the functions of the module."""
    return start_server("--functions-module", "my_functions", cwd=module, config={"appendonly": "yes", "appendfsync": "always"})


@pytest.fixture
def client(served: ServerProcess) -> Iterator[RawClient]:
    """A connection to it."""
    with served.client() as client:
        yield client


def plain(call: Call, keys: list[bytes], args: list[bytes]) -> object:
    return [call("PING"), keys, args]


class TestServed:
    """In a server."""

    def test_calls(self, client: RawClient) -> None:
        assert client("FCALL", "WRITE", 1, "k", 41) == Reply("$", b"42")
        assert client("FCALL", "read", 1, "k") == client("FCALL_RO", "read", 1, "k") == Reply("$", b"42")
        assert client("FCALL", "read", 1, "nosuch") == Reply("$-1", None)

    def test_listed(self, client: RawClient) -> None:
        client("HELLO", 3)
        found = {item[b"library_name"]: item for item in client("FUNCTION", "LIST", "WITHCODE").plain()}
        assert found.keys() == {b"my_functions", b"others"}
        assert {item[b"engine"] for item in found.values()} == {b"PYTHON"}
        assert found[b"others"][b"functions"] == [{b"name": b"fail", b"description": b"Fails in the middle.", b"flags": []}]
        assert found[b"others"][b"library_code"] is None
        first = found[b"my_functions"][b"functions"][0]
        assert first == {b"name": b"read", b"description": b"Reads a key.", b"flags": [b"no-writes"]}
        assert client("FUNCTION", "STATS").plain()[b"engines"][b"PYTHON"] == {b"libraries_count": 2, b"functions_count": 12}

    def test_exceptions(self, client: RawClient, served: ServerProcess) -> None:
        """They take nothing back; the log has the traceback."""
        assert client("FCALL", "fail", 1, "k") == Reply("-", b"ERR ValueError: two  lines (function fail)")
        assert client("GET", "k") == Reply("$", b"written")
        assert "Traceback" in served.log()
        assert "my_functions.py" in served.log()

    def test_errors_of_commands(self, client: RawClient) -> None:
        client("SET", "k", "x")
        assert client("FCALL", "wrong", 1, "k") == Reply("-", b"ERR value is not an integer or out of range")
        assert client("FCALL", "tries", 1, "k").value.startswith(b"WRONGTYPE")
        assert client("FCALL", "refused", 0) == Reply("-", b"MYCODE no")
        assert client("FCALL", "nested", 1, "k") == Reply("-", b"ERR This Redis command is not allowed from script")
        assert client("FCALL", "nothing", 0).kind == "-"

    def test_nobody_waits_inside(self, client: RawClient) -> None:
        assert client("FCALL", "waits", 1, "nosuch") == Reply("$-1", None)

    def test_a_call_ends_with_its_function(self, client: RawClient) -> None:
        client("FCALL", "keeps", 0)
        assert client("FCALL", "keeps", 0).value.startswith(b"ERR RuntimeError: the function that this call was for has ended")

    def test_rules_of_scripts(self, client: RawClient) -> None:
        assert client("FCALL_RO", "write", 1, "k", 1) == Reply("-", b"ERR Can not execute a script with write flag using *_ro command.")
        client("CONFIG", "SET", "maxmemory", 1)
        assert client("FCALL", "write", 1, "k", 1) == Reply("-", b"OOM command not allowed when used memory > 'maxmemory'.")
        assert client("FCALL", "greedy", 1, "k").kind == "$"
        assert client("FCALL", "read", 1, "k").kind == "$"

    def test_rights_of_who_calls(self, client: RawClient, served: ServerProcess) -> None:
        assert client("ACL", "SETUSER", "u", "on", "nopass", "+fcall", "+set", "+incr", "~a*") == Reply("+", b"OK")
        with served.client() as user:
            assert user("AUTH", "u", "any") == Reply("+", b"OK")
            denied = b"ERR ACL failure in script: User u has no permissions to run the 'get' command"
            assert user("FCALL", "write", 1, "a", 1) == Reply("-", denied)
            assert user("FCALL", "write", 1, "b", 1) == Reply("-", b"NOPERM No permissions to access a key")
            assert user("FCALL", "sneaks", 0, "b") == Reply("-", b"ERR ACL failure in script: No permissions to access a key")
            assert user("FCALL", "sneaks", 0, "a") == Reply("$", b"OK")
        assert client("GET", "a") == Reply("$", b"x")
        assert client("EXISTS", "b") == Reply(":", 0)

    def test_effects_are_one_unit(self, client: RawClient, served: ServerProcess) -> None:
        client("FCALL", "write", 1, "k", 1)
        text = next((served.folder / "appendonlydir").glob("*.incr.aof")).read_bytes()
        assert text.count(b"MULTI") == text.count(b"EXEC") == 1
        assert b"FCALL" not in text

    def test_never_a_client_s(self, client: RawClient) -> None:
        """Clients cannot load, replace or delete them, and no payload or file has them."""
        empty = client("FUNCTION", "DUMP")
        assert client("FUNCTION", "DELETE", "others").kind == "-"
        code = "#!lua name=others\nredis.register_function('g', function() return 1 end)"
        assert client("FUNCTION", "LOAD", "REPLACE", code).kind == "-"
        code = "#!lua name=mine\nredis.register_function('Fail', function() return 1 end)"
        assert client("FUNCTION", "LOAD", "REPLACE", code) == Reply("-", b"ERR Function Fail already exists")
        assert client("FUNCTION", "LOAD", "#!python name=mine\n") == Reply("-", b"ERR Engine 'python' not found")
        assert client("FUNCTION", "RESTORE", empty.value, "FLUSH") == client("FUNCTION", "FLUSH") == Reply("+", b"OK")
        assert client("DEBUG", "RELOAD") == Reply("+", b"OK")
        assert len(client("FUNCTION", "LIST").value) == 2
        assert client("FUNCTION", "DUMP") == empty

    def test_the_setting(self, client: RawClient) -> None:
        assert client("CONFIG", "GET", "functions-module").plain() == [b"functions-module", b"my_functions"]
        assert client("CONFIG", "SET", "functions-module", "os").kind == "-"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (None, "No module named 'my_functions'"),
            ("1 / 0", "division by zero"),
            ("", "has no function that is marked"),
            ("import zippy\n@zippy.function(name='a b')\ndef f(call, keys, args): pass", "letters, digits and underscores"),
            ("import zippy\n@zippy.function(flags=['nosuch'])\ndef f(call, keys, args): pass", "is no flag of a function"),
            ("import zippy\n@zippy.function\nasync def f(call, keys, args): pass", "would wait"),
        ],
    )
    def test_what_cannot_be_had(self, start_server: StartServer, tmp_path: Path, text: str | None, said: str) -> None:
        if text is not None:
            (tmp_path / "my_functions.py").write_text(text)
        with pytest.raises(RuntimeError, match=re.escape(said)):
            start_server("--functions-module", "my_functions", cwd=tmp_path)


class TestInProcess:
    """In an engine of this process."""

    def test_single_functions(self) -> None:
        with zippy.Engine(functions=[zippy.function(plain)]) as engine:
            client = zippy.connect(engine)
            assert client.fcall("plain", 1, "k", "a") == [b"PONG", [b"k"], [b"a"]]

    def test_modules(self, module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        made = types.ModuleType("my_functions")
        exec(MODULE, made.__dict__)
        with zippy.Engine(functions=[made]) as engine:
            client = zippy.connect(engine, decode_responses=True)
            assert client.fcall("write", 1, "k", 1) == "2"
            with pytest.raises(redis.ResponseError, match="two  lines"):
                client.fcall("fail", 1, "k")

    def test_values(self) -> None:
        """What commands reply with, and what functions return."""
        seen = []

        @zippy.function
        def look(call: Call, keys: list[bytes], args: list[bytes]) -> object:
            call("HSET", "h", "f", 1)
            call("SADD", "s", "a")
            call("ZADD", "z", 1.5, "m")
            seen.extend([call("HGETALL", "h"), call("SMEMBERS", "s"), call("ZSCORE", "z", "m"), call("GET", "no"), call("EXISTS", b"h")])
            return {"map": [1, 2.5, None, True, b"bytes"]}

        with zippy.Engine(functions=[look]) as engine:
            assert zippy.connect(engine, protocol=3).fcall("look", 0) == {b"map": [1, 2.5, None, True, b"bytes"]}
            assert seen == [{b"f": b"1"}, {b"a"}, 1.5, None, 1]

    def test_the_engine_cannot_be_called_from_inside(self) -> None:
        engines = []

        @zippy.function
        def inside(call: Call, keys: list[bytes], args: list[bytes]) -> object:
            return engines[0].execute("PING")

        with zippy.Engine(functions=[inside]) as engine:
            engines.append(engine)
            with pytest.raises(redis.ResponseError, match="cannot be called from inside"):
                zippy.connect(engine).fcall("inside", 0)

    def test_asyncio(self) -> None:
        async def use() -> object:
            return await zippy.connect_async(zippy.Engine(functions=[zippy.function(plain)])).fcall("plain", 0)

        assert asyncio.run(use()) == [b"PONG", [], []]


class TestMarks:
    """The decorator."""

    def test_still_a_function(self) -> None:
        marked = zippy.function(plain)
        assert isinstance(marked, Function)
        assert (marked.name, marked.library, marked.flags) == ("plain", "test_functions_python", ())
        assert marked(lambda *words: b"PONG", [b"k"], []) == [b"PONG", [b"k"], []]

    def test_names_differ(self) -> None:
        one, other = zippy.function(plain), zippy.function(name="PLAIN")(plain)
        assert functions_of([one, one]) == [one]
        with pytest.raises(ValueError, match="two functions"):
            functions_of([one, other])
        with pytest.raises(TypeError, match="neither"):
            functions_of([plain])  # type: ignore[list-item]


@needs_sources
def test_the_readme(tmp_path: Path, start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of its section run as they stand."""
    section = (ROOT / "README.md").read_text().partition("## Functions in Python")[2].partition("\n## ")[0]
    blocks = re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL)
    assert [kind for kind, _ in blocks] == ["python", "sh", "python"]
    (tmp_path / "my_functions.py").write_text(blocks[0][1])
    command = blocks[1][1].splitlines()
    assert command[0] == "zippy-server --functions-module my_functions"
    server = start_server("--functions-module", "my_functions", cwd=tmp_path)
    with server.client() as client:
        client("ZADD", "day1", 3, "ann", 5, "bob")
        client("ZADD", "day2", 4, "ann")
        assert client(*command[1].split()[1:]).plain() == [b"ann", b"bob"]
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_functions", raising=False)
    exec(compile(blocks[2][1], "README.md", "exec"), {})
