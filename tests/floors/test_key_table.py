"""What a database's keys lie in is decided behind one door, keyspace/key_table: nobody else names its hash tables or casts to them."""

from __future__ import annotations

import re

from tests.floors.imports import PACKAGE, ROOT, needs_sources

CORE = PACKAGE / "_core"
DOOR = CORE / "keyspace" / "key_table.pxd"
CAST = re.compile(r"<\s*(const\s+)?(HashTable|HtIter)\s*\*\s*>(?!mem_)")
"""A KeyTable given to a function of the hash table's is an error of the compiler, unless it is cast. What the allocator returns is."""

pytestmark = needs_sources


def tables() -> list[str]:
    """The fields of KeyTable."""
    struct = re.search(r"^cdef struct KeyTable:\n((?:    .+\n)+)", DOOR.read_text(), re.MULTILINE)
    assert struct
    return re.findall(r"^    [\w*]+ (\w+)", struct[1], re.MULTILINE)


def lines_with(pattern: re.Pattern[str], but: set[str]) -> list[str]:
    """The lines of the core that hold it, the tests' own modules included; `but` names modules that may."""
    files = [path for suffix in ("pyx", "pxd") for path in CORE.rglob(f"*.{suffix}") if path.stem not in but]
    assert files
    return [f"{path.relative_to(ROOT)}: {line.strip()}" for path in files for line in path.read_text().splitlines() if pattern.search(line)]


def test_nobody_else_names_the_tables() -> None:
    """What they are called is said in key_table alone."""
    assert tables() == ["all_entries", "expiring_entries", "element_times", "slot_entries", "drained_slots", "by_slot"]
    named = re.compile(rf"\b({'|'.join(tables())})\b")
    assert lines_with(named, set())
    assert lines_with(named, {"key_table"}) == []


def test_nobody_casts_to_a_hash_table() -> None:
    """A key table's address becomes that of a hash table nowhere."""
    assert CAST.search("ht_find(<HashTable*>&db.table, key)")
    assert lines_with(CAST, set()) == []
