"""SHA-256 against Python's."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zippy._core.testing.sha256_shim import equal, sha256


@pytest.mark.parametrize("size", [*range(200), 1000, 1 << 20])
def test_every_size_around_a_block(size: int) -> None:
    data = bytes(i & 255 for i in range(size))
    assert sha256(data) == hashlib.sha256(data).digest()


@given(st.binary(max_size=300))
def test_any_text(data: bytes) -> None:
    assert sha256(data) == hashlib.sha256(data).digest()


def test_equal() -> None:
    """Each byte counts."""
    one = sha256(b"a")
    assert equal(one, bytes(one))
    assert not any(equal(one, one[:i] + bytes([one[i] ^ 1]) + one[i + 1 :]) for i in range(32))
