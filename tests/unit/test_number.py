"""Numbers as text: against Python's own, and against what Redis answers."""

from __future__ import annotations

import math
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.oracle import start_oracle
from zippy._core.testing import number_shim as number

INT64 = st.integers(-(2**63), 2**63 - 1)


@given(INT64)
def test_integers_come_back(n: int) -> None:
    assert number.write_i64(n) == str(n).encode()
    assert number.read_i64(str(n).encode()) == n


@pytest.mark.parametrize(
    "text",
    ["", "-", "+1", " 1", "1 ", "01", "-0", "00", "1a", "9223372036854775808", "-9223372036854775809", "99999999999999999999", "1\0"],
)
def test_only_canonical_integers_are_read(text: str) -> None:
    assert number.read_i64(text.encode()) is None


@given(st.binary(max_size=24))
def test_integers_are_read_as_python_would(text: bytes) -> None:
    try:
        expected = int(text)
    except ValueError:
        expected = None
    if expected is not None and (str(expected).encode() != text or not -(2**63) <= expected < 2**63):
        expected = None
    assert number.read_i64(text) == expected


@given(st.floats(allow_nan=False))
def test_doubles_come_back(d: float) -> None:
    assert float(number.write_double(d)) == d
    assert number.read_double(number.write_double(d)) == d


@pytest.mark.parametrize(
    ("d", "text"),
    [
        (0.0, "0"), (-0.0, "-0"), (1.0, "1"), (1e17, "100000000000000000"), (4.611686018427388e18, "4611686018427387904"), (1e19, "1e+19"),
        (1e21, "1e+21"), (0.1, "0.1"), (1e-6, "0.000001"), (1e-7, "1e-7"), (1 / 3, "0.3333333333333333"), (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"), (math.inf, "inf"), (-math.inf, "-inf"), (123456789.125, "123456789.125"),
    ],
)  # fmt: skip
def test_doubles_are_written_as_redis_does(d: float, text: str) -> None:
    assert number.write_double(d) == text.encode()


@given(st.from_regex(rb"[-+]?[0-9]{0,9}\.?[0-9]{0,9}", fullmatch=True))
def test_decimals_are_read_as_python_reads_them(text: bytes) -> None:
    try:
        expected = float(text)
    except ValueError:
        assert number.read_double(text) is None
    else:
        read = number.read_double(text)
        assert (read, math.copysign(1, read)) == (expected, math.copysign(1, expected))


@pytest.mark.parametrize(
    "text",
    [b"", b"-", b".", b"+.", b"1.2.3", b"--1", b" 1", b"1 ", b"nan", b"1e400", b"-1e400", b"1e-400", b"1x", b"1\0", b"1" * 6000],
)
def test_refused_doubles(text: bytes) -> None:
    assert number.read_double(text) is None


@pytest.mark.parametrize(
    ("text", "d"),
    [(b"0x10", 16.0), (b"inf", math.inf), (b"-Infinity", -math.inf), (b"+5", 5.0), (b".5", 0.5), (b"5.", 5.0), (b"0" * 300 + b"1", 1.0)],
)
def test_accepted_doubles(text: bytes, d: float) -> None:
    assert number.read_double(text) == d


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"3.0", b"3"), (b"1.10", b"1.1"), (b"-0", b"0"), (b"1e17", b"100000000000000000"), (b"1e-20", b"0"), (b"inf", b"inf"),
        (b"-inf", b"-inf"), (b"123456789012345678901234567890", b"123456789012345678899921813504"), (b"nan", None), (b" 1", None),
        (b"1e5000", None), (b"", None),
    ],
)  # fmt: skip
def test_long_doubles(text: bytes, expected: bytes | None) -> None:
    assert number.rewrite_long_double(text) == expected


def general_doubles() -> list[float]:
    """Numbers of all sizes, such as are short, and such as lie on or beside the middle between two roundings."""
    source = random.Random(11)
    doubles = [0.0, -0.0, 5e-324, 1.7976931348623157e308, 99999.5, 9.5, 0.00099999999999999995, 9999999999999.95, 0.1 + 0.2]
    doubles += [d for d in (struct.unpack("d", source.randbytes(8))[0] for _ in range(3000)) if math.isfinite(d)]
    doubles += [source.uniform(-1, 1) * 10 ** source.randint(-6, 17) for _ in range(20_000)]
    doubles += [round(source.uniform(-1000, 1000), source.randint(0, 15)) for _ in range(10_000)]
    doubles += [float(f"{source.randint(10**13, 10**14)}5e{source.randint(-18, 0)}") for _ in range(10_000)]
    near = [math.nextafter(d, source.choice([-math.inf, math.inf])) for d in doubles[-10_000:]]
    return doubles + near


def test_general_doubles_are_printfs() -> None:
    source = random.Random(12)
    for d in general_doubles():
        for digits in (14, source.randint(1, 17)):
            assert number.write_general(d, digits) == (f"%.{digits}g" % d).encode(), (d, digits)


def test_doubles_equal_the_oracle() -> None:
    source = random.Random(7)
    doubles = [struct.unpack("d", source.randbytes(8))[0] for _ in range(5000)]
    doubles += [round(source.uniform(-1e6, 1e6), source.randint(0, 9)) for _ in range(5000)]
    with start_oracle() as redis:
        redis("CONFIG", "SET", "zset-max-listpack-entries", "0")
        redis("HELLO", "2")
        for d in doubles:
            if not math.isnan(d):
                redis("ZADD", "z", repr(d), "m")
                assert redis("ZSCORE", "z", "m") == number.write_double(d).decode()
