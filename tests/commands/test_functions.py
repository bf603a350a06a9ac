"""The functions group: libraries in Lua."""

from __future__ import annotations

import pytest
import redis

from tests.commands.users import NO_KEY, As, log_of, no_command, told
from tests.replies import NIL, OK, bulk, error, integer
from tests.resp import Connect, RawClient, Reply
from tests.servers import StartServer
from tests.unit.rdb_bytes import payload, string
from tests.waiting import wait_until

NOT_FOUND = error("ERR Function not found")


@pytest.fixture(autouse=True)
def no_libraries(raw: RawClient) -> None:
    """Each test begins without libraries."""
    raw("FUNCTION", "FLUSH")


def library(name: str, body: str = "return 1", function: str = "f", more: str = "") -> str:
    """The code of a library with one function; more: further named arguments."""
    return f"#!lua name={name}\nredis.register_function{{function_name='{function}', callback=function(keys, args) {body} end{more}}}"


def names(raw: RawClient) -> list[bytes]:
    """The libraries there are."""
    raw("HELLO", 3)
    found = sorted(item[b"library_name"] for item in raw("FUNCTION", "LIST").plain())
    raw("HELLO", 2)
    return found


class TestFunctionLoad:
    """FUNCTION LOAD."""

    def test_a_library(self, raw: RawClient) -> None:
        assert raw("FUNCTION", "LOAD", library("lib")) == bulk("lib")
        assert raw("FUNCTION", "LOAD", library("lib")) == error("ERR Library 'lib' already exists")
        assert raw("FUNCTION", "LOAD", "REPLACE", library("lib", "return 2")) == bulk("lib")
        assert raw("FCALL", "F", 0) == integer(2)

    def test_a_name_that_is_taken(self, raw: RawClient) -> None:
        raw("FUNCTION", "LOAD", library("lib"))
        assert raw("FUNCTION", "LOAD", library("other", function="F")) == error("ERR Function F already exists")
        assert names(raw) == [b"lib"]

    @pytest.mark.parametrize(
        ("code", "problem"),
        [
            ("return 1", "Missing library metadata"),
            ("#!lua", "Invalid library metadata"),
            ("#!lua\n", "Library name was not given"),
            ("#!lua name=a b\n", "Invalid metadata value given: b"),
            ("#!lua name=a name=b\n", "Invalid metadata value, name argument was given multiple times"),
            ("#!js name=a\n", "Engine 'js' not found"),
            ("#!lua name=a\n", "No functions registered"),
            ("#!lua name=a\nfoo bar", "Error compiling function: user_function:2: '=' expected near 'bar'"),
            (
                "#!lua name=a\nredis.call('GET', 'a')",
                "Error registering functions: ERR user_function:2: Script attempted to access nonexistent global variable 'call'",
            ),
            (
                "#!lua name=a\nx = 1",
                "Error registering functions: ERR user_function:2: Attempt to modify a readonly table",
            ),
            (
                "#!lua name=a\nredis.register_function('a', 1)",
                "Error registering functions: ERR second argument to redis.register_function must be a function",
            ),
            ("#!lua name=a\nwhile true do end", "Error registering functions: ERR FUNCTION LOAD timeout"),
        ],
    )
    def test_what_is_wrong(self, raw: RawClient, code: str, problem: str) -> None:
        raw("FUNCTION", "LOAD", library("old"))
        assert raw("FUNCTION", "LOAD", "REPLACE", code) == error(f"ERR {problem}")
        assert names(raw) == [b"old"]
        assert raw("FCALL", "f", 0) == integer(1)

    def test_an_error_is_one_line(self, raw: RawClient) -> None:
        assert raw("FUNCTION", "LOAD", "a\r\nb", library("lib")) == error("ERR Unknown option given: a  b")
        assert raw("FUNCTION", "LOAD", "x" * 1000, library("lib")) == error(f"ERR Unknown option given: {'x' * 1000}")

    def test_globals_of_loading_end_with_it(self, raw: RawClient) -> None:
        """After a library that failed as after one that did not, functions have theirs."""
        raw("FUNCTION", "LOAD", library("lib", "return string.rep('a', 3)"))
        raw("FUNCTION", "LOAD", "#!lua name=a\nnosuch()")
        assert raw("FCALL", "f", 0) == bulk("aaa")

    def test_registering_is_for_loading(self, raw: RawClient) -> None:
        code = "#!lua name=lib\nlocal kept = redis\nredis.register_function('f', function() kept.register_function('g', kept.log) end)"
        assert raw("FUNCTION", "LOAD", code) == bulk("lib")
        assert raw("FCALL", "f", 0).value.startswith(b"ERR redis.register_function can only be called on FUNCTION LOAD command")


class TestFunctionDelete:
    """FUNCTION DELETE."""

    def test_delete(self, raw: RawClient) -> None:
        raw("FUNCTION", "LOAD", library("lib"))
        assert raw("FUNCTION", "DELETE", "LIB") == error("ERR Library not found")
        assert raw("FUNCTION", "DELETE", "lib") == OK
        assert raw("FCALL", "f", 0) == NOT_FOUND


class TestFunctionFlush:
    """FUNCTION FLUSH."""

    @pytest.mark.parametrize("way", [(), ("SYNC",), ("async",)])
    def test_flush(self, raw: RawClient, way: tuple[str, ...]) -> None:
        raw("FUNCTION", "LOAD", library("lib"))
        assert raw("FUNCTION", "FLUSH", *way) == OK
        assert names(raw) == []
        assert raw("FUNCTION", "LOAD", library("lib")) == bulk("lib")

    def test_keys_and_functions_are_apart(self, raw: RawClient) -> None:
        raw("FUNCTION", "LOAD", library("lib"))
        assert raw("FLUSHALL") == OK
        assert names(raw) == [b"lib"]

    def test_wrong_words(self, raw: RawClient) -> None:
        assert raw("FUNCTION", "FLUSH", "x") == error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
        assert raw("FUNCTION", "FLUSH", "SYNC", "x").kind == "-"


class TestFunctionList:
    """FUNCTION LIST."""

    def test_what_is_told(self, raw: RawClient) -> None:
        code = library("lib", more=", flags={'no-writes', 'allow-oom'}, description='does it'")
        raw("FUNCTION", "LOAD", code)
        raw("HELLO", 3)
        assert raw("FUNCTION", "LIST", "WITHCODE").plain() == [
            {
                b"library_name": b"lib",
                b"engine": b"LUA",
                b"functions": [{b"name": b"f", b"description": b"does it", b"flags": [b"no-writes", b"allow-oom"]}],
                b"library_code": code.encode(),
            }
        ]
        assert raw("FUNCTION", "LIST", "LIBRARYNAME", "nosuch*") == Reply("*", ())
        assert raw("FUNCTION", "LIST", "LIBRARYNAME", "L*").value
        raw("HELLO", 2)
        assert raw("FUNCTION", "LIST").value[0].kind == "*"

    def test_wrong_words(self, raw: RawClient) -> None:
        assert raw("FUNCTION", "LIST", "WITHCODE", "WITHCODE") == error("ERR Unknown argument WITHCODE")
        assert raw("FUNCTION", "LIST", "x" * 1000) == error(f"ERR Unknown argument {'x' * 1000}")
        assert raw("FUNCTION", "LIST", "LIBRARYNAME") == error("ERR library name argument was not given")


class TestFunctionDump:
    """FUNCTION DUMP."""

    def test_the_bytes(self, raw: RawClient) -> None:
        assert raw("FUNCTION", "DUMP") == bulk(payload(b""))
        code = "#!lua name=a\nredis.register_function('f',function() end)"
        raw("FUNCTION", "LOAD", code)
        assert raw("FUNCTION", "DUMP") == bulk(payload(b"\xf5" + string(code.encode())))


class TestFunctionRestore:
    """FUNCTION RESTORE."""

    def test_policies(self, raw: RawClient) -> None:
        raw("FUNCTION", "LOAD", library("a", "return 'old'"))
        raw("FUNCTION", "LOAD", library("b", function="g"))
        dump = payload(b"\xf5" + string(library("a", "return 'new'").encode()))
        assert raw("FUNCTION", "RESTORE", dump) == error("ERR Library a already exists")
        assert raw("FUNCTION", "RESTORE", dump, "REPLACE") == OK
        assert raw("FCALL", "f", 0) == bulk("new")
        assert names(raw) == [b"a", b"b"]
        assert raw("FUNCTION", "RESTORE", dump, "FLUSH") == OK
        assert names(raw) == [b"a"]
        assert raw("FUNCTION", "RESTORE", dump, "x").value.startswith(b"ERR Wrong restore policy given")

    def test_a_function_moves_to_another_library(self, raw: RawClient) -> None:
        raw("FUNCTION", "LOAD", library("a", "return 'old'"))
        bodies = b"".join(b"\xf5" + string(code.encode()) for code in (library("b", "return 'new'"), library("a", function="g")))
        assert raw("FUNCTION", "RESTORE", payload(bodies), "REPLACE") == OK
        assert raw("FCALL", "f", 0) == bulk("new")
        assert raw("FUNCTION", "LOAD", library("c")) == error("ERR Function f already exists")

    @pytest.mark.parametrize("policy", ["APPEND", "REPLACE", "FLUSH"])
    @pytest.mark.parametrize(
        ("body", "problem"),
        [
            (b"\x00\x01a", "given type is not a function"),
            (b"\xf6\x01a", "Pre-GA function format not supported"),
            (b"\xf5\x05a", "Failed loading library payload"),
            (b"\xf5" + string(b"#!lua name=c\n"), "No functions registered"),
            (b"\xf5" + string(library("g", function="g").encode()), "Function g already exists"),
        ],
    )
    def test_all_or_nothing(self, raw: RawClient, policy: str, body: bytes, problem: str) -> None:
        raw("FUNCTION", "LOAD", library("a", "return 'old'"))
        bodies = b"\xf5" + string(library("b", function="g").encode()) + body
        assert raw("FUNCTION", "RESTORE", payload(bodies), policy) == error(f"ERR {problem}")
        assert names(raw) == [b"a"]
        assert raw("FCALL", "f", 0) == bulk("old")

    @pytest.mark.parametrize("data", [b"", b"x", payload(b"")[:-1] + b"x", payload(b"", 13)])
    def test_what_is_no_payload(self, raw: RawClient, data: bytes) -> None:
        assert raw("FUNCTION", "RESTORE", data) == error("ERR DUMP payload version or checksum are wrong")


class TestFunctionStats:
    """FUNCTION STATS."""

    def test_counts(self, raw: RawClient) -> None:
        raw("FUNCTION", "LOAD", library("a"))
        raw("FUNCTION", "LOAD", library("b", function="g"))
        raw("HELLO", 3)
        counts = {b"LUA": {b"libraries_count": 2, b"functions_count": 2}}
        assert raw("FUNCTION", "STATS").plain() == {b"running_script": None, b"engines": counts}
        raw("HELLO", 2)

    def test_info(self, raw: RawClient, r: redis.Redis) -> None:
        r.execute_command("FUNCTION", "FLUSH")
        r.function_load(library("a"))
        fields = r.info("memory")
        assert (fields["number_of_functions"], fields["number_of_libraries"]) == (1, 1)
        assert fields["used_memory_vm_functions"] > 0
        assert fields["used_memory_functions"] > 0
        assert r.memory_stats()["functions.caches"] == fields["used_memory_functions"]
        r.execute_command("FUNCTION", "FLUSH")
        fields = r.info("memory")
        assert (fields["number_of_functions"], fields["used_memory_vm_functions"], fields["used_memory_functions"]) == (0, 0, 0)


class TestFunctionKill:
    """FUNCTION KILL."""

    def test_nothing_runs(self, raw: RawClient) -> None:
        assert raw("FUNCTION", "KILL") == error("NOTBUSY No scripts in execution right now.")

    def test_a_function_that_never_ends(self, raw: RawClient, connect: Connect) -> None:
        raw("CONFIG", "SET", "busy-reply-threshold", 10)
        raw("FUNCTION", "LOAD", library("lib", "while true do pcall(function() while true do end end) end"))
        other = connect()
        other.send_bytes(b"FCALL f 1 key arg\r\n")
        wait_until(lambda: raw("PING").kind == "-")
        assert raw("GET", "a") == error("BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.")
        running = raw("FUNCTION", "STATS").value[1].plain()
        assert running[:4] == [b"name", b"f", b"command", [b"FCALL", b"f", b"1", b"key", b"arg"]]
        assert raw("SCRIPT", "KILL").value.startswith(b"BUSY")
        assert raw("FUNCTION", "KILL") == OK
        assert other.read().value.startswith(b"ERR Script killed by user")
        assert raw("PING") == Reply("+", b"PONG")


class TestFcall:
    """FCALL."""

    def test_keys_and_arguments(self, raw: RawClient) -> None:
        raw("FUNCTION", "LOAD", library("lib", "return {keys, args}"))
        assert raw("FCALL", "f", 1, "k", "a", "b").plain() == [[b"k"], [b"a", b"b"]]

    def test_locals_of_a_library_stay(self, raw: RawClient) -> None:
        raw("FUNCTION", "LOAD", "#!lua name=lib\nlocal n = 0\nredis.register_function('f', function() n = n + 1 return n end)")
        assert [raw("FCALL", "f", 0).value for _ in range(3)] == [1, 2, 3]

    @pytest.mark.parametrize(
        ("words", "problem"),
        [
            (("x",), "ERR Bad number of keys provided"),
            (("-1",), "ERR Number of keys can't be negative"),
            (("1",), "ERR Number of keys can't be greater than number of args"),
        ],
    )
    def test_number_of_keys(self, raw: RawClient, words: tuple[str, ...], problem: str) -> None:
        assert raw("FCALL", "f", *words) == NOT_FOUND
        raw("FUNCTION", "LOAD", library("lib"))
        assert raw("FCALL", "f", *words) == error(problem)

    @pytest.mark.parametrize(
        ("body", "problem"),
        [
            ("error('boom')", "ERR user_function:2: boom script: f, on @user_function:2."),
            ("return redis.error_reply('MY error')", "MY error"),
            ("return redis.call('FCALL', 'f', 0)", "ERR This Redis command is not allowed from script script: f, on @user_function:2."),
            (
                "return redis.call('GET', keys[1])",
                "ERR Lua redis lib command arguments must be strings or integers script: f, on @user_function:2.",
            ),
            ("x = 1", "ERR user_function:2: Attempt to modify a readonly table script: f, on @user_function:2."),
            (
                "return KEYS",
                "ERR user_function:2: Script attempted to access nonexistent global variable 'KEYS' script: f, on @user_function:2.",
            ),
        ],
    )
    def test_errors(self, raw: RawClient, body: str, problem: str) -> None:
        raw("FUNCTION", "LOAD", library("lib", body))
        assert raw("FCALL", "f", 0) == error(problem)

    def test_flags(self, raw: RawClient) -> None:
        raw("FUNCTION", "LOAD", library("a", "return redis.call('SET', 'k', 1)", more=", flags={'no-writes'}"))
        assert raw("FCALL", "f", 0).value.startswith(b"ERR Write commands are not allowed from read-only scripts.")
        raw("FUNCTION", "LOAD", library("b", "return redis.call('SET', 'k', 1)", "g", ", flags={'allow-oom'}"))
        raw("FUNCTION", "LOAD", library("c", "return redis.call('SET', 'k', 1)", "h"))
        raw("CONFIG", "SET", "maxmemory", 1)
        assert raw("FCALL", "g", 0) == OK
        assert raw("FCALL", "h", 0) == error("OOM command not allowed when used memory > 'maxmemory'.")

    def test_in_a_transaction(self, raw: RawClient) -> None:
        raw("FUNCTION", "LOAD", library("lib", "return redis.call('INCR', keys[1])"))
        raw("MULTI")
        raw("FCALL", "f", 1, "n")
        raw("FCALL", "f", 1, "n")
        assert raw("EXEC").plain() == [1, 2]


class TestRights:
    """A function has the rights of who calls it, as a script has."""

    @pytest.fixture(autouse=True)
    def functions(self, raw: RawClient) -> None:
        """Functions that read, write, publish, and ask what they may."""
        bodies = {
            "reads": "return redis.call('GET', args[1])",
            "writes": "return redis.pcall('SET', args[1], 'x').err or 'written'",
            "tells": "return redis.call('PUBLISH', args[1], 'x')",
            "may": "return {redis.acl_check_cmd('GET', args[1]), redis.acl_check_cmd('SET', args[1], 'x')}",
        }
        code = [f"redis.register_function('{name}', function(keys, args) {body} end)" for name, body in bodies.items()]
        assert raw("FUNCTION", "LOAD", "#!lua name=lib\n" + "\n".join(code)) == bulk("lib")

    def test_keys(self, raw: RawClient, as_user: As) -> None:
        client = as_user("u", "+@all", "~a*")
        assert client("FCALL", "writes", 1, "a1", "a1") == bulk("written")
        assert client("FCALL", "reads", 0, "a1") == bulk("x")
        assert client("FCALL", "reads", 1, "b1", "a1") == NO_KEY
        denied = "ERR ACL failure in script: No permissions to access a key script: reads, on @user_function:2."
        assert client("FCALL", "reads", 0, "b1") == error(denied)
        assert client("FCALL", "writes", 0, "b1").value.startswith(b"ERR ACL failure in script: ")
        assert raw("EXISTS", "b1") == integer(0)
        assert raw("FCALL", "writes", 0, "b1") == bulk("written")

    def test_commands(self, raw: RawClient, as_user: As) -> None:
        client = as_user("u", "~*", "+fcall", "+get")
        assert client("FCALL", "reads", 0, "k") == NIL
        denied = "ERR ACL failure in script: User u has no permissions to run the 'set' command"
        assert client("FCALL", "writes", 0, "k") == bulk(denied)
        assert told(log_of(raw)[0]) == (b"command", b"lua", b"set", b"u", 1)
        assert client("FCALL_RO", "reads", 0, "k") == no_command("u", "fcall_ro")
        assert client("FUNCTION", "LOAD", "REPLACE", library("lib")) == no_command("u", "function|load")

    def test_channels(self, as_user: As) -> None:
        client = as_user("u", "+@all", "&a*")
        assert client("FCALL", "tells", 0, "a1") == integer(0)
        assert client("FCALL", "tells", 0, "b1").value.startswith(b"ERR ACL failure in script: ")

    def test_what_it_may(self, raw: RawClient, as_user: As) -> None:
        client = as_user("u", "+@all", "%R~a*")
        assert client("FCALL", "may", 0, "a1").plain() == [1, None]
        assert raw("FCALL", "may", 0, "a1").plain() == [1, 1]

    def test_in_a_transaction(self, as_user: As) -> None:
        client = as_user("u", "+@all", "~a*")
        client("MULTI")
        client("FCALL", "writes", 0, "a1")
        client("FCALL", "writes", 0, "b1")
        first, second = client("EXEC").plain()
        assert first == b"written"
        assert second == b"ERR ACL failure in script: No permissions to access a key"


class TestFcallRo:
    """FCALL_RO."""

    def test_only_without_writes(self, raw: RawClient) -> None:
        raw("FUNCTION", "LOAD", library("a", "return redis.call('GET', keys[1])"))
        raw("FUNCTION", "LOAD", library("b", "return redis.call('GET', keys[1])", "g", ", flags={'no-writes'}"))
        raw("SET", "k", "v")
        assert raw("FCALL_RO", "f", 1, "k") == error("ERR Can not execute a script with write flag using *_ro command.")
        assert raw("FCALL_RO", "g", 1, "k") == bulk("v")


class TestEffects:
    """What functions do is one unit, written as their commands."""

    def test_log(self, start_server: StartServer) -> None:
        server = start_server(config={"appendonly": "yes", "appendfsync": "always"})
        with server.client() as client:
            client("FUNCTION", "LOAD", library("lib", "redis.call('SET', keys[1], 1) redis.call('INCR', keys[1]) return 1"))
            assert client("FCALL", "f", 1, "k") == integer(1)
        text = next((server.folder / "appendonlydir").glob("*.incr.aof")).read_bytes()
        assert text.count(b"MULTI") == text.count(b"EXEC") == 1
        assert b"FCALL" not in text
        server.restart()
        with server.client() as client:
            assert client("GET", "k") == bulk("2")
            assert client("FCALL", "f", 1, "k") == integer(1)
