"""XXH3 against the reference library's package."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.needs import package
from zippy._core.testing.xxh3_shim import xxh3, xxh3_text

xxhash = package("xxhash")


def test_of_each_length() -> None:
    """All ways there are for short inputs, and the first blocks of long ones."""
    data = random.Random(1).randbytes(1100)
    assert [xxh3(data[:length]) for length in range(1101)] == [xxhash.xxh3_64_intdigest(data[:length]) for length in range(1101)]


@pytest.mark.parametrize("length", [1023, 1024, 1025, 2048, 2049, 4096 + 63, 4096 + 64, 4096 + 65, 100_000, 1 << 20])
def test_of_long_ones(length: int) -> None:
    """Whole blocks, whole stripes, and one more."""
    data = random.Random(length).randbytes(length)
    assert xxh3(data) == xxhash.xxh3_64_intdigest(data)


@given(st.binary(max_size=3000), st.integers(0, 15))
def test_of_any(data: bytes, shift: int) -> None:
    """Wherever they lie."""
    assert xxh3(data, shift) == xxhash.xxh3_64_intdigest(data)


def test_texts() -> None:
    """Sixteen digits, zeros in front too."""
    assert xxh3_text(b"Hello world") == b"b6acb9d84a38ff74"
    assert xxh3_text(b"v8lf0c11xh8ymlqztfd3eeq16kfn4sspw7fqmnuuq3k3t75em5wdizgcdw7uc26nnf961u2jkfzkjytls2kwlj7626sd") == b"00006c38adf31777"
