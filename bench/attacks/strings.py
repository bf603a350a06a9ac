"""Attacks on long strings."""

from __future__ import annotations

from bench.attacks.attacker import Attack, Attacker, Ground, chunks, words

LONGEST = 512 << 20


def load(attacker: Attacker) -> None:
    """The longest there is."""
    attacker.require("SETRANGE", "big", LONGEST - 1, "x")


STRINGS = Ground("strings", load, (
    Attack("BITCOUNT", words("BITCOUNT", "big")),
))
