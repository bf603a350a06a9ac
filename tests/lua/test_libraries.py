"""cjson, cmsgpack, struct and bit: what Redis 8.2 answers, and what becomes of memory that is short."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

import zippy
from tests.lua.cases import CASES
from tests.lua.compare import by_server, by_state, differences
from tests.lua.states import new_state
from tests.resp import RawClient
from tests.servers import ServerProcess
from zippy._core.session import blocks_left_behind
from zippy._core.testing.lua_shim import LuaError, State

SAMPLE = 4000


@pytest.fixture
def state() -> Iterator[State]:
    """A state of its own: settings last as long as a state."""
    yield new_state()


def error_of(state: State, code: str) -> str:
    """The message of a chunk that fails."""
    with pytest.raises(LuaError) as caught:
        state.run(code.encode())
    return str(caught.value.args[0].decode())


@pytest.mark.parametrize("library", CASES)
def test_a_sample_is_answered_as_by_redis(state: State, oracle: ServerProcess, library: str) -> None:
    with oracle.client(timeout=60.0) as client:
        found = list(differences(library, 20261, SAMPLE, by_state(state), by_server(client)))
    assert not found, "\n".join(str(difference) for difference in found[:5])


@pytest.mark.parametrize("library", CASES)
def test_scripts_get_the_same(server: ServerProcess, oracle: ServerProcess, library: str) -> None:
    """Through EVAL, in the sandbox."""
    with oracle.client(timeout=60.0) as theirs, server.client(timeout=60.0) as ours:
        found = list(differences(library, 20262, SAMPLE, by_server(ours), by_server(theirs)))
    assert not found, "\n".join(str(difference) for difference in found[:5])


class TestCjson:
    @pytest.mark.parametrize(
        "code, expected",
        [
            ("cjson.encode({1,'a',true,cjson.null,{x={}}})", b'[1,"a",true,null,{"x":{}}]'),
            ("cjson.encode({[1]=1,[6]=2,[2]=3})", b"[1,3,null,null,null,2]"),
            ("cjson.encode({[0]=1})", b'{"0":1}'),
            ("cjson.encode({[2^31]=1})", b'{"2147483648":1}'),
            ("cjson.encode('/\"\\\\\\127\\1\\n')", b'"\\/\\"\\\\\\u007f\\u0001\\n"'),
            ("cjson.encode({0.1,-0,1e14,99999999999999,1/3,12345678.5})", b"[0.1,-0,1e+14,99999999999999,0.33333333333333,12345678.5]"),
            ("cjson.decode('\"\\\\ud83d\\\\ude00\\\\u00e9\\\\n\"')", "😀é\n".encode()),
            ("cjson.decode('[1,[2,[3]],-0x10,1e2]')", [1.0, [2.0, [3.0]], -16.0, 100.0]),
            ("cjson.decode('\"a\"\\0 what follows a NUL is not read')", b"a"),
            ("cjson.decode('null') == cjson.null", True),
        ],
    )
    def test_values(self, state: State, code: str, expected: object) -> None:
        assert state.run(f"return {code}".encode()) == expected

    @pytest.mark.parametrize(
        "code, message",
        [
            ("cjson.encode({[1]=1,[11]=2})", "Cannot serialise table: excessively sparse array"),
            ("cjson.encode({[true]=1})", "Cannot serialise boolean: table key must be a number or string"),
            ("cjson.encode(0/0)", "Cannot serialise number: must not be NaN or Inf"),
            ("cjson.encode(pcall)", "Cannot serialise function: type not supported"),
            ("cjson.encode()", "bad argument #1 to 'encode' (expected 1 argument)"),
            ("cjson.decode('[1,]')", "Expected value but found T_ARR_END at character 4"),
            ('cjson.decode(\'{"a":"\\\\ud800"}\')', "Expected value but found invalid unicode escape code at character 7"),
            ("cjson.decode('\"abc')", "Expected value but found unexpected end of string at character 5"),
            ("cjson.decode(('['):rep(1001))", "Found too many nested data structures (1001) at character 1001"),
            ("cjson.decode('1\\0')", "JSON parser does not support UTF-16 or UTF-32"),
            ("cjson.encode_number_precision(15)", "bad argument #1 to 'encode_number_precision' (expected integer between 1 and 14)"),
        ],
    )
    def test_errors(self, state: State, code: str, message: str) -> None:
        assert error_of(state, f"return {code}") == f"user_script:1: {message}"

    def test_depth_is_bounded_by_the_stack_whatever_is_set(self, state: State) -> None:
        state.run(b"cjson.decode_max_depth(2147483647) cjson.encode_max_depth(2147483647)")
        assert "(7999) at character 7999" in error_of(state, "cjson.decode(('['):rep(100000))")
        assert "(4000) at character 19996" in error_of(state, "cjson.decode(('{\"a\":'):rep(100000))")
        assert "excessive nesting (7998)" in error_of(state, "local t = {} for i = 1, 100000 do t = {t} end cjson.encode(t)")

    def test_settings_last_and_belong_to_one_library(self, state: State) -> None:
        state.run(b"cjson.encode_number_precision(3)")
        assert state.run(b"return cjson.encode(1/3), cjson.new().encode(1/3)") == [b"0.333", b"0.33333333333333"]

    def test_an_array_of_holes_alone_ends_with_an_error(self, state: State) -> None:
        # Redis writes on until its memory is used up
        assert "longer than 512 MiB" in error_of(
            state, "local c = cjson.new() c.encode_sparse_array(false, 0) c.encode({[2147483647] = 1})"
        )


class TestCmsgpack:
    @pytest.mark.parametrize(
        "code, expected",
        [
            (
                "cmsgpack.pack(1, -1, 128, -129, 2^40, 0.5, 0.1)",
                b"\1\xff\xcc\x80\xd1\xff\x7f\xcf\0\0\1\0\0\0\0\0\xca?\0\0\0\xcb?\xb9\x99\x99\x99\x99\x99\x9a",
            ),
            ("cmsgpack.pack({1,2},{a=true},{},nil,pcall)", b"\x92\1\2\x81\xa1a\xc3\x90\xc0\xc0"),
            ("cmsgpack.pack({[1]=1,[3]=2})", b"\x82\1\1\3\2"),
            ("cmsgpack.unpack('\\147\\1\\161a\\203?\\240\\0\\0\\0\\0\\0\\0')", [1.0, b"a", 1.0]),
            ("cmsgpack.unpack_one('\\1\\2\\3', 1)", [2.0, 2.0]),
            ("cmsgpack.unpack_limit('\\1\\2\\3', 9)", [-1.0, 1.0, 2.0, 3.0]),
            ("cmsgpack.unpack('\\207\\255\\255\\255\\255\\255\\255\\255\\255')", -1.0),
        ],
    )
    def test_values(self, state: State, code: str, expected: object) -> None:
        assert state.run(f"return {code}".encode()) == expected

    @pytest.mark.parametrize(
        "code, message",
        [
            ("cmsgpack.pack()", "user_script:1: bad argument #0 to 'pack' (MessagePack pack needs input.)"),
            ("cmsgpack.unpack('\\165abc')", "user_script:1: Missing bytes in input."),
            ("cmsgpack.unpack('\\221\\255\\255\\255\\255')", "user_script:1: Missing bytes in input."),
            ("cmsgpack.unpack('\\193')", "user_script:1: Bad data format in input."),
            ("cmsgpack.unpack('\\129\\192\\1')", "table index is nil"),
            ("cmsgpack.unpack_one('ab', 3)", "user_script:1: Start offset 3 greater than input length 2."),
            ("cmsgpack.unpack(('\\145'):rep(9000))", "user_script:1: stack overflow (in function mp_decode_to_lua_array)"),
        ],
    )
    def test_errors(self, state: State, code: str, message: str) -> None:
        assert error_of(state, f"return {code}") == message

    def test_tables_in_more_than_sixteen_tables_are_nil(self, state: State) -> None:
        assert state.run(b"local t = {} for i = 1, 16 do t = {t} end return cmsgpack.pack(t)") == b"\x91" * 16 + b"\xc0"


class TestStruct:
    @pytest.mark.parametrize(
        "code, expected",
        [
            ("struct.pack('<i4>i4', 1, 1)", b"\1\0\0\0\0\0\0\1"),
            ("struct.pack('!4bi', 1, 2)", b"\1\0\0\0\2\0\0\0"),
            ("struct.pack('sc0c2', 'a', 'bc', 'def')", b"a\0bcde"),
            ("struct.pack('fd', 1.5, 1.5)", b"\0\0\xc0?\0\0\0\0\0\0\xf8?"),
            ("struct.unpack('bc0s', '\\2abcd\\0')", [b"ab", b"cd", 7.0]),
            ("struct.unpack('>I3', 'xabc', 2)", [6382179.0, 5.0]),
            ("struct.size('!bd')", 16.0),
        ],
    )
    def test_values(self, state: State, code: str, expected: object) -> None:
        assert state.run(f"return {code}".encode()) == expected

    @pytest.mark.parametrize(
        "code, message",
        [
            ("struct.pack('i33', 1)", "integral size 33 is larger than limit of 32"),
            ("struct.pack('c99999999999', 1)", "integral size overflow"),
            ("struct.pack('!3b', 1)", "alignment 3 is not a power of 2"),
            ("struct.pack('b')", "bad argument #2 to 'pack' (number expected, got nil)"),
            ("struct.pack('q', 1)", "bad argument #1 to 'pack' (invalid format option 'q')"),
            ("struct.unpack('c2147483647', 'a')", "bad argument #2 to 'unpack' (data string too short)"),
            ("struct.unpack('b', 'a', -1)", "bad argument #2 to 'unpack' (data string too short)"),
            ("struct.unpack('b', 'a', 0)", "bad argument #3 to 'unpack' (offset must be 1 or greater)"),
            ("struct.unpack('dc0', struct.pack('d', -1))", "bad argument #2 to 'unpack' (data string too short)"),
            ("struct.unpack(('b'):rep(9000), ('a'):rep(9000))", "stack overflow (too many results)"),
            ("struct.size('s')", "bad argument #1 to 'size' (option 's' has no fixed size)"),
        ],
    )
    def test_errors(self, state: State, code: str, message: str) -> None:
        assert error_of(state, f"return {code}") == f"user_script:1: {message}"


class TestBit:
    @pytest.mark.parametrize(
        "code, expected",
        [
            ("bit.tobit(2^31), bit.tobit(-2^31 - 1), bit.tobit(2.5), bit.tobit(1/0)", [-2147483648.0, 2147483647.0, 2.0, 0.0]),
            ("bit.band(7, 3, 1), bit.bor(1, 2, 4), bit.bxor(1, 3), bit.bnot(0)", [1.0, 7.0, 2.0, -1.0]),
            ("bit.lshift(1, 33), bit.rshift(-1, 1), bit.arshift(-256, 4)", [2.0, 2147483647.0, -16.0]),
            ("bit.rol(0x12345678, 8), bit.ror(1, 0), bit.bswap(0x80)", [878082066.0, 1.0, -2147483648.0]),
            ("bit.tohex(255), bit.tohex(255, -4), bit.tohex(1, 0), bit.tohex(1, -2147483648)", [b"000000ff", b"00FF", b"", b"00000001"]),
        ],
    )
    def test_values(self, state: State, code: str, expected: object) -> None:
        assert state.run(f"return {code}".encode()) == expected

    def test_errors(self, state: State) -> None:
        assert error_of(state, "bit.band(1, 'x')") == "user_script:1: bad argument #2 to 'band' (number expected, got string)"
        assert error_of(state, "bit.bor(1, 'x', {})") == "user_script:1: bad argument #3 to 'bor' (number expected, got table)"
        assert error_of(state, "bit:tobit()") == "user_script:1: calling 'tobit' on bad self (number expected, got table)"


WORK = b"""
local t = {} for i = 1, 50 do t[i] = {name = ('x'):rep(i * 10), n = i / 3, list = {i, tostring(i)}} end
local json = cjson.encode(t) local packed = cmsgpack.pack(t)
return #cjson.encode(cjson.decode(json)), #cmsgpack.pack(cmsgpack.unpack(packed)), #struct.pack('sc0', json, packed)
"""


def test_want_of_memory_is_an_error_and_leaves_the_state_usable(state: State) -> None:
    """Whatever the place at which there is no more, and nothing stays behind."""
    whole = state.run(WORK)
    least = state.collect()
    failed = 0
    for room in range(200, 200_000, 997):
        try:
            assert state.run(WORK, [], room) == whole
        except LuaError as error:
            assert error.args[0].endswith(b"not enough memory")
            failed += 1
        assert state.collect() < least + 10_000
    assert failed > 20
    assert state.run(WORK) == whole


def test_what_a_state_allocates_is_no_engines(state: State) -> None:
    """An engine that was used before it, and ends before it, has nothing left."""
    with zippy.Engine() as engine:
        engine.execute("PING")
        assert new_state().run(b"return cjson.encode({1})") == state.run(b"return cjson.encode({1})") == b"[1]"
        engine.execute("PING")
        state.run(b"return cmsgpack.pack(1)")
    del engine
    gc.collect()
    assert blocks_left_behind() == 0


class TestInScripts:
    """What a script sees of them: tables that nobody changes, and settings that last from one to the next."""

    @pytest.mark.parametrize("library", CASES)
    def test_nobody_changes_them(self, raw: RawClient, library: str) -> None:
        for body in (f"{library}.x = 1", f"rawset({library}, 'x', 1)", f"setmetatable({library}, {{}})"):
            assert b"Attempt to modify a readonly table" in raw("EVAL", body, 0).value
        assert raw("EVAL", f"return {library}.x", 0).is_null

    def test_errors_name_the_line(self, raw: RawClient) -> None:
        reply = raw("EVAL", "local x\nreturn cjson.encode(0/0)", 0).value
        assert reply.startswith(b"ERR user_script:2: Cannot serialise number: must not be NaN or Inf script: ")

    def test_settings_last(self, raw: RawClient) -> None:
        assert raw("EVAL", "return cjson.encode_number_precision(3)", 0).value == 3
        assert raw("EVAL", "return cjson.encode(1/3)", 0).value == b"0.333"
        assert raw("EVAL", "return cjson.encode_number_precision(14)", 0).value == 14

    def test_null(self, raw: RawClient) -> None:
        assert raw("EVAL", "return {1, cjson.null, cjson.decode('null'), 'a'}", 0).plain() == [1, None, None, b"a"]
