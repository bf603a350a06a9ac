"""Damage to what the libraries read, guided by coverage: libFuzzer, through atheris, keeps what reaches new code and harms it further.

    ZIPPY_FUZZ=1 ZIPPY_DEBUG=1 CC=clang python setup.py build_ext --inplace
    LD_PRELOAD=$(python -c 'import atheris; print(atheris.path())')/asan_with_fuzzer.so \\
    ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 python -m tests.lua.fuzz CORPUS -max_total_time=600

An input's first byte chooses what the rest is: JSON under the usual settings or others, MessagePack, or a format and data for struct. Each
string of Lua is a block of its own, so a read behind its end is seen. Where memory is short is decided by the input as well.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import atheris

from tests.fuzz.coverage import fuzz
from tests.lua.cases import damaged, json_text, packed, struct_format
from tests.lua.states import new_state
from zippy._core.testing.lua_shim import LuaError

ROOM = 1 << 24  # bytes that Lua may take for one input
SHORT = 1 << 10

CHUNKS = [
    b"local ok, v = pcall(cjson.decode, ARGV[1]) if ok then pcall(cjson.encode, v) pcall(cmsgpack.pack, v) end",
    b"local c = cjson.new() c.decode_max_depth(100000) c.encode_max_depth(100000) c.encode_sparse_array(true) "
    b"c.decode_invalid_numbers(false) c.encode_invalid_numbers('null') "
    b"c.encode_number_precision(1 + #ARGV[1] % 14) local ok, v = pcall(c.decode, ARGV[1]) "
    b"if ok then pcall(c.encode, v) end",
    b"local r = {pcall(cmsgpack.unpack, ARGV[1])} if r[1] then pcall(cmsgpack.pack, unpack(r, 2)) pcall(cjson.encode, r) end",
    b"local at = 0 while at >= 0 do local ok, n = pcall(cmsgpack.unpack_one, ARGV[1], at) if not ok or n == at then break end at = n end",
    b"pcall(struct.size, ARGV[2]) local r = {pcall(struct.unpack, ARGV[2], ARGV[1])} "
    b"if r[1] then pcall(struct.pack, ARGV[2], unpack(r, 2)) end",
]
STRUCT = 4


class Target:
    """What libFuzzer calls with one input after the other."""

    def __init__(self) -> None:
        self.state = new_state()

    def seeds(self, corpus: Path) -> None:
        """Writes what an empty corpus begins with."""
        source = Random(1)
        for place in range(300):
            kind = place % len(CHUNKS)
            if kind == STRUCT:
                body = struct_format(source).encode("latin-1") + b"\0" + source.randbytes(40)
            else:
                body = json_text(source) if kind < 2 else b"".join(packed(source) for _ in range(3))
            (corpus / f"seed{place}").write_bytes(bytes((kind,)) + body)

    def __call__(self, data: bytes) -> None:
        if len(data) < 2:
            return
        kind, body = data[0] % len(CHUNKS), data[1:]
        arguments = [body]
        if kind == STRUCT:
            form, _, rest = body.partition(b"\0")
            arguments = [rest, form]
        try:
            self.state.run(CHUNKS[kind], arguments, SHORT if data[0] >= 128 else ROOM)
        except LuaError as error:
            if error.args[0] != b"not enough memory":
                raise

    def mutate(self, data: bytes, most: int, seed: int) -> bytes:
        """libFuzzer's own changes, or those that know what the bytes mean."""
        source = Random(seed)
        if len(data) < 2 or source.random() < 0.6:
            return bytes(atheris.Mutate(data, most))
        return (data[:1] + damaged(source, data[1:]))[:most]


if __name__ == "__main__":
    fuzz(Target())
