"""SHA-1 against Python's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zippy._core.testing.sha1_shim import sha1, use_instructions


@pytest.fixture(params=[False, True], scope="module", autouse=True)
def instructed(request: pytest.FixtureRequest) -> Iterator[None]:
    """With the processor's own instructions, where it has them, and without."""
    use_instructions(request.param)
    yield
    use_instructions(True)


@pytest.mark.parametrize("size", [*range(130), 1000, 1 << 20])
def test_every_size_around_a_block(size: int) -> None:
    data = bytes(i & 255 for i in range(size))
    assert sha1([data]) == hashlib.sha1(data).digest()


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_taken_in_parts(parts: list[bytes]) -> None:
    assert sha1(parts) == hashlib.sha1(b"".join(parts)).digest()
