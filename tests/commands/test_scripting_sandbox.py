"""What scripts may not do: change what others use, get out of Lua, take all memory or all time."""

from __future__ import annotations

import pytest

import zippy.version
from tests.commands.test_scripting import at
from tests.replies import NIL, array, bulk, error, integer
from tests.resp import RawClient, Reply

READ_ONLY = "ERR Attempt to modify a readonly table"


def run(raw: RawClient, body: str) -> Reply:
    """What a script without keys returns."""
    return raw("EVAL", body, 0)


class TestGlobals:
    """Globals are those of Redis 8.2, and nobody changes them."""

    @pytest.mark.parametrize(
        "name",
        ["print", "dofile", "loadfile", "require", "package", "io", "debug", "newproxy", "getfenv", "setfenv", "ffi", "jit", "server"],
    )
    def test_absent(self, raw: RawClient, name: str) -> None:
        body = f"return {name}"
        assert run(raw, body) == at(f"ERR user_script:1: Script attempted to access nonexistent global variable '{name}'", body)
        assert run(raw, f"return rawget(_G, '{name}')") == NIL

    @pytest.mark.parametrize(
        "body",
        [
            "x = 1",
            "redis = 1",
            "redis.call = nil",
            "string.rep = 1",
            "math.pi = 3",
            "_G.x = 1",
            "_G._G = 1",
            "KEYS = 1",
            "getmetatable('').__index = 1",
            "getmetatable(_G).__index = nil",
            "for k in pairs(math) do math[k] = nil end",
            "loadstring('_G.tostring = 1')()",
        ],
    )
    def test_assignment(self, raw: RawClient, body: str) -> None:
        reply = run(raw, body)
        assert reply.is_error and b"Attempt to modify a readonly table" in reply.value
        assert run(raw, "return {type(redis.call), type(string.rep), type(math.pi), type(tostring)}") == array(
            bulk("function"), bulk("function"), bulk("number"), bulk("function")
        )

    @pytest.mark.parametrize("table", ["_G", "redis", "string", "table", "math", "os", "coroutine", "getmetatable('')", "getmetatable(_G)"])
    @pytest.mark.parametrize("change", ["rawset({}, 'x', 1)", "setmetatable({}, {{}})", "table.insert({}, 1)", "table.insert({}, 1, 1)"])
    def test_functions_that_write(self, raw: RawClient, table: str, change: str) -> None:
        body = change.replace("{}", table, 1).replace("{{}}", "{}")
        assert run(raw, body) == at(READ_ONLY, body)

    @pytest.mark.parametrize("table", ["_G", "redis", "string", "math"])
    def test_real_tables_stay_hidden(self, raw: RawClient, table: str) -> None:
        """Whatever hands a protected table back hands out the one that cannot be changed."""
        body = f"""
            local given = {table}
            local f, t = pairs(given)
            local seen = {{t}}
            for k, v in pairs(given) do seen[#seen + 1] = v end
            for k, v in next, given do seen[#seen + 1] = v end
            table.foreach(given, function(k, v) seen[#seen + 1] = v end)
            for _, v in ipairs(seen) do
                if type(v) == 'table' and v ~= KEYS and v ~= ARGV and pcall(rawset, v, 'x', 1) then return 'changed' end
            end
            return #seen > 3
        """
        assert run(raw, body) == integer(1)

    def test_reading_goes_through(self, raw: RawClient) -> None:
        body = "return {type(next(redis)), type(rawget(redis, 'call')), rawequal(_G, _G._G), getmetatable('').__index == string}"
        assert run(raw, body) == array(bulk("string"), bulk("function"), integer(1), integer(1))

    def test_version(self, raw: RawClient) -> None:
        assert run(raw, "return redis.REDIS_VERSION") == bulk(zippy.version.REDIS_VERSION)

    def test_nothing_is_kept_for_the_next_script(self, raw: RawClient) -> None:
        run(raw, "KEYS.x = 1; ARGV[1] = 2; setmetatable(KEYS, {__index = function() return 3 end})")
        assert run(raw, "return {KEYS.x or 'none', #ARGV, KEYS[5] or 'none'}") == array(bulk("none"), integer(0), bulk("none"))


class TestCode:
    """Compiled code is never loaded."""

    @pytest.mark.parametrize(
        "body",
        [
            "return {loadstring(string.dump(function() end)) or 'refused'}",
            "local n = 0 return {load(function() n = n + 1 return n == 1 and string.dump(function() end) or nil end) or 'refused'}",
            "local n = 0 return {load(function() n = n + 1 return ({'', '\\27', 'Lua'})[n] end) or 'refused'}",
        ],
    )
    def test_in_scripts(self, raw: RawClient, body: str) -> None:
        assert run(raw, body) == array(bulk("refused"))

    def test_as_a_script(self, raw: RawClient) -> None:
        assert raw("EVAL", b"\x1bLuaQ\0", 0) == error(
            "ERR Error compiling script (new function): user_script:1: unexpected symbol near 'char(27)'"
        )

    def test_first_piece_decides(self, raw: RawClient) -> None:
        body = "local f, e = load(function() return '\\27Lua' end) return {type(f), e}"
        assert run(raw, body).value[0] == bulk("nil")


class TestErrors:
    """Errors are one line of the protocol, whatever they hold."""

    @pytest.mark.parametrize("text", ["a\\r\\n+OK\\r\\n", "\\r\\n", "a\\0b", "\\n"])
    @pytest.mark.parametrize(
        "form",
        ["return {{err='{}'}}", "return {{ok='{}'}}", "error('{}')", "return redis.error_reply('{}')", "return redis.status_reply('{}')"],
    )
    def test_line_breaks(self, raw: RawClient, form: str, text: str) -> None:
        reply = run(raw, form.format(text))
        assert reply.kind in "+-"
        assert b"\n" not in reply.value and b"\r" not in reply.value
        assert raw("PING") == Reply("+", b"PONG")

    def test_protected_table_as_error(self, raw: RawClient) -> None:
        assert run(raw, "error(redis)") == at("ERR unknown error", "error(redis)")

    def test_caught_errors_are_texts(self, raw: RawClient) -> None:
        assert run(raw, "return {pcall(redis.call, 'NOSUCH')}") == array(NIL, bulk("ERR Unknown Redis command called from script"))
        assert run(raw, "return {pcall(error, setmetatable({}, {__index = {err = 'text'}}))}") == array(NIL, bulk("text"))

    def test_caught_tables_without_text(self, raw: RawClient) -> None:
        """What stands in the place of the text comes behind the table."""
        assert run(raw, "return {pcall(error, {err = {7}})}") == array(NIL, array(), array(integer(7)))
        assert run(raw, "return select('#', pcall(error, {}))") == integer(3)
        assert run(raw, "return {pcall()}") == array(NIL, bulk("attempt to call a boolean value"))


class TestBounds:
    """What takes much ends with an error."""

    @pytest.mark.parametrize(
        ("body", "text"),
        [
            ("return ('x'):rep(2^31 - 1)", "ERR user_script:1: resulting string too large"),
            ("return select('#', unpack({}, 1, 1e8))", "ERR user_script:1: too many results to unpack"),
            ("local function f() return f() + 1 end return f()", "ERR user_script:1: stack overflow"),
            ("return string.find(('a'):rep(3000), ('a?'):rep(3000))", "ERR user_script:1: pattern too complex"),
        ],
    )
    def test_error(self, raw: RawClient, body: str, text: str) -> None:
        assert run(raw, body) == at(text, body)
        assert raw("PING") == Reply("+", b"PONG")

    @pytest.mark.socket_only
    def test_nested_reply(self, raw: RawClient) -> None:
        raw.send("EVAL", "local t = {} for i = 1, 20000 do t = {t} end return t", 0)
        while not raw.buffer.endswith(b"limit\r\n"):
            raw.fill()
        assert bytes(raw.buffer) == b"*1\r\n" * 7995 + b"-ERR reached lua stack limit\r\n"
        raw.buffer.clear()

    def test_memory(self, raw: RawClient) -> None:
        raw("CONFIG", "SET", "maxmemory", "100mb")
        reply = run(raw, "local s = 'x' while true do s = s .. s end")
        assert reply.is_error and b"not enough memory" in reply.value
        assert run(raw, "return 1") == integer(1)

    def test_memory_is_counted(self, raw: RawClient) -> None:
        def used() -> int:
            return int(raw.info("memory")["used_memory_vm_eval"])

        # nothing of the scripts before is left to be collected
        raw("SCRIPT", "FLUSH", "SYNC")
        run(raw, "return 1")
        before = used()
        raw("SCRIPT", "LOAD", "return '" + "x" * 1_000_000 + "'")
        assert used() > before + 1_000_000
