"""Command templates: a line such as "ZADD zset [(NX|XX)] {CH} scored+" becomes a function that writes random arguments.

WORD, 0, -1     a literal (capitals, digits, signs): written as it is, now and then in small letters
'word           a literal in small letters
word            an atom: the method of that name of the source of values
[ ... ]         perhaps
( a | b )       one of these
{ a | b | c }   some of these, in any order
x+              one to four of x
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.differential.values import Source

Writer = Callable[[Source, list[bytes]], None]
TOKEN = re.compile(r"[\[\](){}|+]|[^\s\[\](){}|+]+")
CLOSING = {"[": "]", "(": ")", "{": "}"}


def compile_template(text: str) -> Writer:
    """The writer for a template."""
    tokens = TOKEN.findall(text)
    writers, rest = read_sequence(tokens, 0)
    if rest != len(tokens):
        raise ValueError(f"bad template: {text}")
    return sequence(writers)


def read_sequence(tokens: list[str], position: int) -> tuple[list[Writer], int]:
    """Read writers up to a closing bracket, a bar or the end."""
    writers: list[Writer] = []
    while position < len(tokens) and tokens[position] not in "])}|":
        token = tokens[position]
        if token in CLOSING:
            writer, position = read_group(tokens, position)
        else:
            writer = atom(token) if token[0].isalpha() and token == token.lower() else literal(token.lstrip("'").encode())
            position += 1
        if position < len(tokens) and tokens[position] == "+":
            writer = repeated(writer)
            position += 1
        writers.append(writer)
    return writers, position


def read_group(tokens: list[str], position: int) -> tuple[Writer, int]:
    """Read a bracketed group that opens at `position`."""
    opening = tokens[position]
    branches: list[Writer] = []
    while True:
        writers, position = read_sequence(tokens, position + 1)
        branches.append(sequence(writers))
        if position >= len(tokens):
            raise ValueError(f"{opening} is not closed")
        if tokens[position] != "|":
            break
    if tokens[position] != CLOSING[opening]:
        raise ValueError(f"{opening} is closed by {tokens[position]}")
    make = {"[": perhaps, "(": choice, "{": subset}[opening]
    return make(branches), position + 1


def literal(word: bytes) -> Writer:
    """Writes the word."""

    def write(source: Source, out: list[bytes]) -> None:
        out.append(word.lower() if source.random.random() < 0.05 else word)

    return write


def atom(name: str) -> Writer:
    """Writes what the source's method of that name gives."""

    if not hasattr(Source, name):
        raise ValueError(f"no such atom: {name}")

    def write(source: Source, out: list[bytes]) -> None:
        value = getattr(source, name)()
        if isinstance(value, bytes):
            out.append(value)
        else:
            out.extend(value)

    return write


def sequence(writers: list[Writer]) -> Writer:
    """Writes all, in order."""

    def write(source: Source, out: list[bytes]) -> None:
        for writer in writers:
            writer(source, out)

    return write if len(writers) != 1 else writers[0]


def choice(branches: list[Writer]) -> Writer:
    """Writes one branch."""

    def write(source: Source, out: list[bytes]) -> None:
        source.random.choice(branches)(source, out)

    return write


def perhaps(branches: list[Writer]) -> Writer:
    """Writes one branch or nothing."""
    one = choice(branches)

    def write(source: Source, out: list[bytes]) -> None:
        if source.random.random() < 0.4:
            one(source, out)

    return write


def subset(branches: list[Writer]) -> Writer:
    """Writes some branches in any order; now and then one of them twice."""

    def write(source: Source, out: list[bytes]) -> None:
        random = source.random
        chosen = [branch for branch in branches if random.random() < 0.35]
        random.shuffle(chosen)
        if chosen and random.random() < 0.03:
            chosen.append(random.choice(chosen))
        for branch in chosen:
            branch(source, out)

    return write


def repeated(writer: Writer) -> Writer:
    """Writes one to four times."""

    def write(source: Source, out: list[bytes]) -> None:
        for _ in range(source.random.choice((1, 1, 1, 2, 2, 3, 4))):
            writer(source, out)

    return write
