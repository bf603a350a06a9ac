"""Attacks on large lists, sets, hashes and sorted sets."""

from __future__ import annotations

from bench.attacks.attacker import Attack, Attacker, Ground, chunks, on_copy, words


def load(attacker: Attacker) -> None:
    """A value of each kind, and second ones of sets and sorted sets that have half of their members in common."""
    size = attacker.size
    attacker.load(chunks(("RPUSH", "list"), lambda i: (f"item:{i:012d}",), size))
    attacker.load(chunks(("SADD", "set"), member, size))


def member(i: int) -> tuple[str]:
    """A member."""
    return (f"member:{i:012d}",)


ELEMENTS = Ground(
    "elements",
    load,
    (
        Attack("LRANGE of all", words("LRANGE", "list", 0, -1)),
        Attack("SMEMBERS", words("SMEMBERS", "set")),
        Attack("LREM of none", words("LREM", "list", 0, "absent")),
        Attack("RENAME onto it", on_copy("set", "RENAME", "work", "work2")),
    ),
)
