"""Attacks by scripts and functions: long ones, many of them, and what is asked about many."""

from __future__ import annotations

from bench.attacks.attacker import Act, Arm, Attack, Attacker, Ground, many, run, sent, words
from bench.wire import Word, request

SCRIPTS = 100_000
LIBRARIES = 10_000
KEYS = 1_000_000
LONG = 50_000_000  # bytes
STATEMENT = "do local a = 1 end "


def library(i: int) -> str:
    """A library of one function."""
    return f"#!lua name=lib{i}\nredis.register_function('f{i}', function() return {i} end)"


def among_scripts(*command: Word) -> Arm:
    """A command where there are many scripts."""

    def arm(attacker: Attacker) -> Act:
        run(attacker.client, b"".join(request("SCRIPT", "LOAD", f"return {i}") for i in range(SCRIPTS)))
        attacker.undo.append(lambda: attacker.client("SCRIPT", "FLUSH"))
        data = request(*command)
        return lambda: run(attacker.client, data)

    return arm


def among_libraries(*command: Word) -> Arm:
    """A command where there are many libraries."""

    def arm(attacker: Attacker) -> Act:
        with_libraries(attacker)
        data = request(*command)
        return lambda: run(attacker.client, data)

    return arm


def with_libraries(attacker: Attacker) -> None:
    """Many libraries, which are gone when the attack is over."""
    attacker.require("FUNCTION", "FLUSH")
    run(attacker.client, b"".join(request("FUNCTION", "LOAD", library(i)) for i in range(LIBRARIES)))
    attacker.undo.append(lambda: attacker.client("FUNCTION", "FLUSH"))


def restored_libraries(policy: str) -> Arm:
    """FUNCTION RESTORE of many libraries beside as many."""

    def arm(attacker: Attacker) -> Act:
        with_libraries(attacker)
        dumped = attacker.require("FUNCTION", "DUMP")
        assert isinstance(dumped, bytes)
        data = request("FUNCTION", "RESTORE", dumped, policy)
        return lambda: run(attacker.client, data)

    return arm


def forgotten(*command: Word) -> Arm:
    """A command that loads scripts or functions, which are gone when the attack is over."""

    def arm(attacker: Attacker) -> Act:
        for group in ("SCRIPT", "FUNCTION"):
            attacker.undo.append(lambda group=group: attacker.client(group, "FLUSH"))  # type: ignore[misc]
        return words(*command)(attacker)

    return arm


SCRIPTING = Ground("scripts", lambda attacker: None, (
    Attack("SCRIPT LOAD of 50 MB, a comment", forgotten("SCRIPT", "LOAD", "--" + "x" * LONG)),
    Attack("SCRIPT LOAD of 50 MB, a string", forgotten("SCRIPT", "LOAD", "return '" + "x" * LONG + "'")),
    Attack("SCRIPT LOAD of 2 MB, statements", forgotten("SCRIPT", "LOAD", STATEMENT * 100_000)),
    Attack("SCRIPT EXISTS of 100,000", among_scripts("SCRIPT", "EXISTS", *many("none", SCRIPTS))),
    Attack("SCRIPT FLUSH of 100,000", among_scripts("SCRIPT", "FLUSH")),
    Attack("SCRIPT FLUSH SYNC of 100,000", among_scripts("SCRIPT", "FLUSH", "SYNC")),
    Attack("SCRIPT FLUSH ASYNC of 100,000", among_scripts("SCRIPT", "FLUSH", "ASYNC")),
    Attack("EVALSHA of none 100,000 times", sent(request("EVALSHA", "0" * 40, 0) * SCRIPTS)),
    Attack("EVAL of 10,000 different", sent(*(request("EVAL", f"return {i}", 0) for i in range(10_000)))),
    Attack("EVAL with a million keys", words("EVAL", "return #KEYS", KEYS, *["key"] * KEYS)),
    Attack("EVAL with a million different keys", words("EVAL", "return #KEYS", KEYS, *many("k", KEYS))),
    Attack("EVAL of a million items", words("EVAL", "local t = {} for i = 1, 1000000 do t[i] = i end return t", 0)),
    Attack("EVAL of 100,000 calls", words("EVAL", "for i = 1, 100000 do redis.call('SET', 'work', i) end", 0)),
    Attack("EVAL of 50 MB, a string", forgotten("EVAL", "return 'x'--" + "x" * LONG, 0)),
    Attack("FUNCTION LOAD of 50 MB, a comment", forgotten("FUNCTION", "LOAD", library(0) + "--" + "x" * LONG)),
    Attack("FUNCTION LOAD of 10,000 functions", forgotten("FUNCTION", "LOAD", "#!lua name=lib\n" + "".join(
        f"redis.register_function('f{i}', function() end)\n" for i in range(10_000)))),
    Attack("FUNCTION LOAD beside 10,000", among_libraries("FUNCTION", "LOAD", library(LIBRARIES))),
    Attack("FUNCTION LOAD REPLACE beside 10,000", among_libraries("FUNCTION", "LOAD", "REPLACE", library(5))),
    Attack("FUNCTION DELETE beside 10,000", among_libraries("FUNCTION", "DELETE", "lib5")),
    Attack("FUNCTION LIST of 10,000", among_libraries("FUNCTION", "LIST")),
    Attack("FUNCTION LIST WITHCODE of 10,000", among_libraries("FUNCTION", "LIST", "WITHCODE")),
    Attack("FUNCTION LIST of 10,000, hostile", among_libraries("FUNCTION", "LIST", "LIBRARYNAME", "*l*i*b*1*2*3*x")),
    Attack("FUNCTION STATS with 10,000", among_libraries("FUNCTION", "STATS")),
    Attack("FUNCTION DUMP of 10,000", among_libraries("FUNCTION", "DUMP")),
    Attack("FUNCTION RESTORE REPLACE of 10,000", restored_libraries("REPLACE")),
    Attack("FUNCTION RESTORE FLUSH of 10,000", restored_libraries("FLUSH")),
    Attack("FUNCTION FLUSH of 10,000", among_libraries("FUNCTION", "FLUSH")),
    Attack("FUNCTION FLUSH SYNC of 10,000", among_libraries("FUNCTION", "FLUSH", "SYNC")),
    Attack("FUNCTION FLUSH ASYNC of 10,000", among_libraries("FUNCTION", "FLUSH", "ASYNC")),
))  # fmt: skip
