"""That harm done to the tables of keys is found."""

from __future__ import annotations

import pytest

from zippy._core.testing.verify_shim import Tables

LATER = 4_000_000_000_000


@pytest.fixture
def tables() -> Tables:
    """A hundred keys, every other one with an expiry."""
    tables = Tables()
    for n in range(100):
        tables.put(b"%d" % n, LATER if n % 2 else -1)
    return tables


def test_whole(tables: Tables) -> None:
    assert tables.fault() is None
    assert Tables().fault() is None


@pytest.mark.parametrize("expiry", [-1, LATER])
def test_two_entries_with_one_key(tables: Tables, expiry: int) -> None:
    tables.put_again(b"7", expiry)
    assert tables.fault() == "another entry is found under an entry's key"


def test_expiry_without_a_place(tables: Tables) -> None:
    tables.forget_expiry(b"7")
    assert tables.fault() == "an entry with an expiry is not the one among the expires"


def test_place_without_an_expiry(tables: Tables) -> None:
    tables.expire_by_mistake(b"8")
    assert tables.fault() == "a key without an expiry is among the expires"


def test_expires_hold_more(tables: Tables) -> None:
    tables.forget(b"7")
    assert tables.fault() == "the expires hold what is no key"
