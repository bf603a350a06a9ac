"""Attacks on strings as long as they may be."""

from __future__ import annotations

import random

from bench.attacks.attacker import Act, Arm, Attack, Attacker, Ground, on_copy, run, sized, words
from bench.attacks.elements import restored
from bench.wire import Word, request

LONGEST = 512 << 20
FOR_LONGEST = 1_000_000  # the size from which on strings have all that is allowed


def length(size: int) -> int:
    """Of the strings, for a size."""
    return min(LONGEST, LONGEST * size // FOR_LONGEST)


def load(attacker: Attacker) -> None:
    """Two of ones but for the last bit, a random one of a tenth, HyperLogLogs, and two of letters for LCS."""
    long = length(attacker.size)
    for key in ("big", "big2"):
        attacker.require("SETRANGE", key, long - 1, "\1")
        # zeros that nobody wrote may have no memory of their own
        attacker.require("BITOP", "NOT", key, key)
    random.seed(1)
    attacker.require("SET", "random", random.randbytes(long // 10))
    attacker.require("PFADD", "dense", *range(100_000))
    letters = 11_000 * attacker.size // FOR_LONGEST
    for key in ("letters", "letters2"):
        attacker.require("SET", key, "".join(random.choices("abcd", k=letters)))


def received(*command: Word) -> Arm:
    """A command whose last word is as long as it may be."""

    def arm(attacker: Attacker) -> Act:
        data = request(*command, b"x" * length(attacker.size))
        return lambda: run(attacker.client, data)

    return arm


def extended(*command: Word) -> Arm:
    """A command that makes `work`, nearly as long as allowed, longer."""

    def arm(attacker: Attacker) -> Act:
        attacker.require("SETRANGE", "work", length(attacker.size) - 100, "x")
        data = request(*command)
        return lambda: run(attacker.client, data)

    return arm


FIELDS = [word for i in range(100_000) for word in ("SET", "u32", f"#{i}", i)]
STRINGS = Ground("strings", load, (
    Attack("BITCOUNT", words("BITCOUNT", "big")),
    Attack("BITCOUNT of bits", words("BITCOUNT", "big", 1, -2, "BIT")),
    Attack("BITPOS", words("BITPOS", "big", 0)),
    Attack("BITOP AND", words("BITOP", "AND", "work", "big", "big2")),
    Attack("BITOP OR", words("BITOP", "OR", "work", "big", "big2")),
    Attack("BITOP XOR of ten", words("BITOP", "XOR", "work", *["big", "big2"] * 5)),
    Attack("BITOP NOT", words("BITOP", "NOT", "work", "big")),
    Attack("BITOP DIFF", words("BITOP", "DIFF", "work", "big", "big2")),
    Attack("BITOP DIFF1", words("BITOP", "DIFF1", "work", "big", "big2")),
    Attack("BITOP ANDOR", words("BITOP", "ANDOR", "work", "big", "big2")),
    Attack("BITOP ONE", words("BITOP", "ONE", "work", "big", "big2", "big")),
    Attack("BITFIELD of 100,000", words("BITFIELD", "work", *FIELDS)),
    Attack("BITFIELD_RO of 100,000", words("BITFIELD_RO", "big", *(word for i in range(100_000) for word in ("GET", "u32", f"#{i}")))),
    Attack("PFADD of 100,000", words("PFADD", "work", *range(100_000))),
    Attack("PFCOUNT of 10,000", words("PFCOUNT", *["dense"] * 10_000)),
    Attack("PFMERGE of 10,000", words("PFMERGE", "work", *["dense"] * 10_000)),
    Attack("PFDEBUG GETREG", words("PFDEBUG", "GETREG", "dense")),
    Attack("PFSELFTEST", words("PFSELFTEST")),
    Attack("SETRANGE at the end of nothing", sized(lambda size: ("SETRANGE", "work", length(size) - 1, "x"))),
    Attack("SETBIT at the end of nothing", sized(lambda size: ("SETBIT", "work", 8 * length(size) - 1, 1))),
    Attack("BITFIELD at the end of nothing", sized(lambda size: ("BITFIELD", "work", "SET", "u8", 8 * length(size) - 8, 1))),
    Attack("SETRANGE that makes it longer", extended("SETRANGE", "work", 10, "x" * 1000)),
    Attack("APPEND to a long one", extended("APPEND", "work", "x" * 10)),
    Attack("SETRANGE within", words("SETRANGE", "big", 100, "x")),
    Attack("GET", words("GET", "big")),
    Attack("GETRANGE of all", words("GETRANGE", "big", 0, -1)),
    Attack("MGET of one ten times", words("MGET", *["random"] * 10)),
    Attack("GETSET of a long one", on_copy("big", "GETSET", "work", "x")),
    Attack("GETDEL of a long one", on_copy("big", "GETDEL", "work")),
    Attack("SET of a long one", received("SET", "work")),
    Attack("APPEND of a long one", received("APPEND", "work")),
    Attack("ECHO of a long one", received("ECHO")),
    Attack("PUBLISH of a long one", received("PUBLISH", "work")),
    Attack("unknown command of a long name", received()),
    Attack("LCS", words("LCS", "letters", "letters2")),
    Attack("LCS IDX", words("LCS", "letters", "letters2", "IDX")),
    Attack("LCS LEN", words("LCS", "letters", "letters2", "LEN")),
    Attack("COPY of a string", words("COPY", "big", "work")),
    Attack("DUMP of a string", words("DUMP", "big")),
    Attack("DUMP of a random string", words("DUMP", "random")),
    Attack("RESTORE of a string", restored("big")),
    Attack("RESTORE of a random string", restored("random")),
    Attack("DEL of a string", on_copy("big", "DEL", "work")),
    Attack("UNLINK of a string", on_copy("big", "UNLINK", "work")),
    Attack("SET over a string", on_copy("big", "SET", "work", "x")),
    Attack("SADD of a long one", received("SADD", "work")),
    Attack("RPUSH of a long one", received("RPUSH", "work")),
    Attack("HSET of a long one", received("HSET", "work", "field")),
    Attack("ZADD of a long one", received("ZADD", "work", 1)),
))  # fmt: skip
