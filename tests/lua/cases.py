"""Random calls of the libraries, each the text of a chunk of Lua: values from a grammar, and input that is malformed a little."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from random import Random

NUMBERS = [
    0, -0.0, 1, -1, 2, 7, 10, 31, 32, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**51, 2**52,
    2**53, 2**53 + 2, 2**63, 2**64, -32, -33, -128, -129, -32768, -32769, -(2**31), -(2**31) - 1, -(2**53), -(2**63), 0.5, 1.5, 2.5, 0.1,
    1 / 3, 2 / 3, 1e14, 1e15, 99999999999999, 123456789012345, 1e-4, 1e-5, 0.00099999999999999995, 9.9999999999999995, 99999999999999.5,
    5e-324, 1e22, 1e23, 1.7976931348623157e308, 3.4028234663852886e38, 1e39, 1e300, math.inf, -math.inf, math.nan,
]  # fmt: skip
WORDS = [
    b"", b"a", b"key", b"null", b"1", b"12", b"1.5", b"\0", b"\xff\xfe", b"/", b'"\\', b"\n\t\r\b\f\v", b"\x7f", b"x" * 31, b"x" * 32,
    b"y" * 300, "é€😀".encode(),
]  # fmt: skip


def number(r: Random) -> float:
    """Any double; mostly one that is near a limit, or short."""
    kind = r.randrange(8)
    if kind < 3:
        return r.choice(NUMBERS)
    if kind == 3:
        return float(r.randint(-(10 ** r.randint(1, 19)), 10 ** r.randint(1, 19)))
    if kind == 4:
        return round(r.uniform(-1000, 1000), r.randint(0, 15))
    if kind == 5:
        return r.choice(NUMBERS) + r.choice([-1, 1, 0.5, -0.5, 1e-10])
    if kind == 6:
        return r.choice([-1, 1]) * r.random() * 10.0 ** r.randint(-20, 25)
    return float(struct.unpack("d", r.randbytes(8))[0])


def number_text(value: float) -> str:
    """The number in Lua."""
    if math.isnan(value):
        return "(0/0)"
    if math.isinf(value):
        return "(1/0)" if value > 0 else "(-1/0)"
    return f"({value!r})"


def bytes_text(data: bytes) -> str:
    """A string in Lua."""
    return '"' + "".join(chr(c) if 32 <= c < 127 and c not in b'"\\' else f"\\{c:03d}" for c in data) + '"'


def word(r: Random) -> bytes:
    """A short string."""
    if r.random() < 0.7:
        return r.choice(WORDS)
    return r.randbytes(r.randrange(12)) if r.random() < 0.5 else bytes(r.choices(b'abc "\\/u\n{}[],:01', k=r.randrange(12)))


def key(r: Random) -> bytes:
    """A string of less than 32 bytes: of longer ones Redis's Lua hashes other bytes, so a table with them is walked in another order."""
    return word(r)[:31]


def scalar(r: Random) -> str:
    """A value that is no table."""
    kind = r.randrange(12)
    if kind < 5:
        return number_text(number(r))
    if kind < 9:
        return bytes_text(word(r))
    return r.choice(["true", "false", "nil", "cjson.null", "cjson.null", "pcall" if r.random() < 0.2 else "true"])


def value(r: Random, depth: int = 0) -> str:
    """Any value: an array, an array with holes, a map, a mixture, or no table."""
    kind = r.randrange(10)
    if depth > 4 or kind < 4:
        return scalar(r)
    size = r.randrange(5)
    if kind < 6:
        return "{" + ",".join(value(r, depth + 1) for _ in range(size)) + "}"
    if kind == 6:
        items = (f"[{r.randint(-1 if r.random() < 0.1 else 1, 14)}]={value(r, depth + 1)}" for _ in range(size))
        return "{" + ",".join(items) + "}"
    if kind == 7:
        keys = (number_text(r.choice([k for k in (number(r), 1.0) if not math.isnan(k)])) for _ in range(size))
        return "{" + ",".join(f"[{k}]={value(r, depth + 1)}" for k in keys) + "}"
    if kind == 8 and r.random() < 0.1:
        return "{[true]=1}"
    return "{" + ",".join(f"[{bytes_text(key(r))}]={value(r, depth + 1)}" for _ in range(size)) + "}"


def damaged(r: Random, data: bytes) -> bytes:
    """The bytes with a few of them changed, lost, doubled or added."""
    raw = bytearray(data)
    for _ in range(r.randint(1, 3)):
        at = r.randrange(len(raw) + 1)
        kind = r.randrange(5)
        if kind == 0:
            raw[at:at] = r.choice([r.randbytes(1), bytes((r.choice(b'{}[],:"\\tfnu0123456789+-.eExX \0\xc1\xd9\xdc\xdf'),))])
        elif kind == 1:
            del raw[at : at + r.randint(1, 3)]
        elif kind == 2 and at < len(raw):
            raw[at] = r.choice([r.randrange(256), raw[at] ^ 1 << r.randrange(8)])
        elif kind == 3:
            raw[at:at] = raw[at : at + r.randint(1, 8)]
        else:
            del raw[at:]
    return bytes(raw)


JSON_NUMBERS = [
    b"0", b"-0", b"01", b"1.", b".5", b"-.5", b"+1", b"1e5", b"1E+05", b"1e", b"1e999", b"-1e-999", b"0x1F", b"0x", b"-0x1p3", b"inf",
    b"-Infinity", b"NaN", b"nan(1)", b"-nan", b"123456789012345678901234567890", b"0.1", b"123456.789", b"1.7976931348623157e309",
    b"9007199254740993", b"123456789012345", b"1234567890123456", b"0.000001234567890123456", b"1..2", b"-", b"--1", b"1-1",
]  # fmt: skip
JSON_STRINGS = [
    b'""', b'"a"', b'"\\n\\t\\"\\\\\\/\\b\\f\\r"', b'"\\u0041"', b'"\\u00e9\\u20AC"', b'"\\ud83d\\ude00"', b'"\\ud83d"',
    b'"\\ude00\\ud83d"', b'"\\ud83d\\u0041"', b'"\\u12"', b'"\\x"', b'"a', b'"a\nb"', b'"\0"', b'"\\u0000"', b"'a'", b'"\xff"',
    b'"\\uDBFF\\uDFFF"',
]  # fmt: skip


def json_text(r: Random, depth: int = 0) -> bytes:
    """JSON, or nearly."""
    blank = b"" if r.random() < 0.9 else bytes(r.choices(b" \t\n\r", k=r.randint(1, 3)))
    kind = r.randrange(10)
    if depth > 4 or kind < 4:
        if kind == 0:
            made = r.choice(JSON_NUMBERS if r.random() < 0.2 else JSON_STRINGS)
        elif kind == 1:
            made = r.choice([b"true", b"false", b"null", b"null"])
        elif kind == 2:
            made = repr(number(r)).encode() if r.random() < 0.7 else b"%d" % r.randrange(100000)
        else:
            made = b'"' + bytes(c for c in word(r) if c not in b'"\\\0') + b'"'
    elif kind < 7:
        made = b"[" + b",".join(json_text(r, depth + 1) for _ in range(r.randrange(5))) + b"]"
    else:
        pairs = (
            b'"%s"%s:%s' % (r.choice([b"a", b"b", b"key", b"1", b"\\u0061"]), blank, json_text(r, depth + 1)) for _ in range(r.randrange(5))
        )
        made = b"{" + b",".join(pairs) + b"}"
    return blank + made + blank


def settings(r: Random) -> str:
    """A library `c` of its own with some of its settings changed."""
    calls = [
        lambda: (
            f"c.encode_sparse_array({r.choice(['true', 'false', 'nil', chr(34) + 'on' + chr(34)])},{r.randint(1, 6)},{r.randrange(15)})"
        ),
        lambda: f"c.encode_max_depth({r.randint(1, 5)})",
        lambda: f"c.decode_max_depth({r.randint(1, 5)})",
        lambda: f"c.encode_number_precision({r.randint(1, 14)})",
        lambda: f"c.encode_invalid_numbers({r.choice(['true', 'false', chr(34) + 'null' + chr(34)])})",
        lambda: f"c.decode_invalid_numbers({r.choice(['true', 'false'])})",
        lambda: f"c.encode_keep_buffer({r.choice(['true', 'false'])})",
    ]
    return "local c=cjson.new() " + " ".join(r.choice(calls)() for _ in range(r.randint(1, 3))) + " "


def cjson_case(r: Random) -> str:
    """cjson.encode or cjson.decode, with its settings or others, or what comes back from both; or a setting that is wrong."""
    own = settings(r) if r.random() < 0.4 else "local c=cjson "
    kind = r.randrange(20)
    if kind == 0:
        name = r.choice(
            ["encode_sparse_array", "encode_max_depth", "encode_number_precision", "encode_invalid_numbers", "decode_invalid_numbers"]
        )
        arguments = ",".join(r.choice([scalar(r), str(r.randrange(20))]) for _ in range(r.randrange(4)))
        return f"local c=cjson.new() return c.{name}({arguments})"
    if kind < 9:
        return f"{own}return c.encode({value(r)})"
    text = json_text(r)
    if r.random() < 0.3:
        text = damaged(r, text)
    if kind < 14:
        return f"{own}return c.encode(c.decode({bytes_text(text)}))"
    return f"{own}return c.decode({bytes_text(text)})"


def packed(r: Random, depth: int = 0) -> bytes:
    """MessagePack of every format, not always the shortest, and types that are refused."""
    kind = r.randrange(16 if depth < 5 else 10)
    if kind < 2:
        return bytes((r.randrange(256),))
    if kind < 5:
        tag = r.randrange(0xCA, 0xD4)
        return bytes((tag,)) + r.choice([r.randbytes, lambda n: b"\xff" * n, lambda n: bytes(n)])(
            {0xCA: 4, 0xCB: 8}.get(tag, 1 << (tag & 3))
        )
    if kind < 8:
        text = word(r)[:31]
        return r.choice([b"%c" % (0xA0 | len(text)), b"\xd9%c" % len(text), b"\xda\0%c" % len(text), b"\xdb\0\0\0%c" % len(text)]) + text
    if kind < 10:
        return r.choice([b"\xc0", b"\xc1", b"\xc2", b"\xc3", b"\xc4", b"\xd4"])
    count = r.randrange(5)
    if kind < 13:
        head = r.choice([b"%c" % (0x90 | count), b"\xdc\0%c" % count, b"\xdd\0\0\0%c" % count])
        return head + b"".join(packed(r, depth + 1) for _ in range(count))
    head = r.choice([b"%c" % (0x80 | count), b"\xde\0%c" % count, b"\xdf\0\0\0%c" % count])
    return head + b"".join(packed(r, depth + 1) for _ in range(2 * count))


def cmsgpack_case(r: Random) -> str:
    """cmsgpack.pack, unpack, unpack_one or unpack_limit."""
    kind = r.randrange(8)
    if kind < 3:
        return f"return cmsgpack.pack({','.join(value(r) for _ in range(r.randrange(4)))})"
    if kind == 3:
        return f"return cmsgpack.unpack(cmsgpack.pack({value(r)},{value(r)}))"
    data = b"".join(packed(r) for _ in range(r.randrange(4)))
    if r.random() < 0.3:
        data = damaged(r, data)
    text = bytes_text(data)
    if kind < 6:
        return f"return cmsgpack.unpack({text})"
    offset = r.choice(["", f",{r.randint(-2, len(data) + 2)}", "," + scalar(r)])
    if kind == 6:
        return f"return cmsgpack.unpack_one({text}{offset})"
    return f"return cmsgpack.unpack_limit({text},{r.choice([str(r.randint(-1, 5)), scalar(r)])}{offset})"


def struct_format(r: Random) -> str:
    """A row of options."""
    options = []
    for _ in range(r.randrange(7)):
        option = r.choice("bBhHlLTfdiIiIscx<>! ")
        if option in "iI" and r.random() < 0.7:
            option += str(r.choice([0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 32, 33]))
        elif option == "c":
            option += r.choice(["", "0", "0", "1", "3", "12"])
        elif option == "!" and r.random() < 0.7:
            option += r.choice(["1", "2", "4", "8", "16", "32", "3", "0"])
        options.append(option)
    made = "".join(options)
    return damaged(r, made.encode()).decode("latin-1") if r.random() < 0.05 else made


def struct_case(r: Random) -> str:
    """struct.pack, unpack or size."""
    made = struct_format(r)
    text = bytes_text(made.encode("latin-1"))
    fitting = ",".join(
        bytes_text(word(r)) if c in "sc" else number_text(number(r)) if r.random() < 0.9 else scalar(r)
        for c in made
        if c in "bBhHlLTfdiIsc"
    )
    arguments = f"{text},{fitting}" if fitting else text
    kind = r.randrange(10)
    if kind < 4:
        return f"return struct.pack({arguments})"
    if kind == 4:
        return f"return struct.size({text})"
    if kind < 7:
        return f"return struct.unpack({text},struct.pack({arguments}))"
    data = r.choice([r.randbytes, lambda n: bytes(r.choices(b"\0\1\2a\xff", k=n))])(r.randrange(60))
    position = r.choice(["", "", f",{r.randint(-2, len(data) + 3)}", "," + scalar(r)])
    return f"return struct.unpack({text},{bytes_text(data)}{position})"


def bit_case(r: Random) -> str:
    """A function of bit."""
    name = r.choice(["tobit", "tohex", "bnot", "band", "bor", "bxor", "lshift", "rshift", "arshift", "rol", "ror", "bswap"])
    arguments = [number_text(number(r)) if r.random() < 0.97 else scalar(r) for _ in range(r.choice([0, 1, 2, 2, 2, 3]))]
    if len(arguments) > 1 and r.random() < 0.5:
        arguments[1] = str(r.randint(-40, 40))
    return f"return bit.{name}({','.join(arguments)})"


CASES: dict[str, Callable[[Random], str]] = {"cjson": cjson_case, "cmsgpack": cmsgpack_case, "struct": struct_case, "bit": bit_case}
