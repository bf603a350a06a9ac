"""Attacks on many small keys."""

from __future__ import annotations

from bench.attacks.attacker import Attack, Attacker, Ground, chunks, words


def load(attacker: Attacker) -> None:
    """Strings."""
    attacker.load(chunks(("MSET",), lambda i: (f"key:{i:012d}", "x" * 16), attacker.size))


KEYS = Ground("keys", load, (
    Attack("KEYS *", words("KEYS", "*")),
    Attack("SCAN COUNT of all", words("SCAN", 0, "COUNT", 1 << 40)),
))
