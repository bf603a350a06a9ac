"""What the server knows about a command before running it: plain, frozen data, one CommandSpec a command.

The terms are those of Redis's COMMAND INFO and COMMAND DOCS, so that the data can be held against a real Redis. Tuples keep
the order in which Redis 8.2 replies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Index(NamedTuple):
    """Keys begin at a fixed place: `position` words after the command's name (1: right after it)."""

    position: int


class Keyword(NamedTuple):
    """Keys begin after the word `keyword`, looked for from word `start` on (negative: backwards from the end)."""

    keyword: str
    start: int


class Range(NamedTuple):
    """Keys go on to `last`, counted from the first key (negative: from the end), every `step` words; `limit` 2: the first half only."""

    last: int
    step: int
    limit: int


class KeyCount(NamedTuple):
    """The number of keys is itself a word; all places are counted from where the search began."""

    count_at: int
    first: int
    step: int


# Categories of access control and flags of keys, in the order of their bits in the core
CATEGORIES = (
    "keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo", "stream", "pubsub",
    "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
)
KEY_FLAGS = ("RO", "RW", "OW", "RM", "access", "update", "insert", "delete", "not_key", "incomplete", "variable_flags")

AFTER_NAME = Index(1)
ONE_KEY = Range(0, 1, 0)


@dataclass(frozen=True, slots=True)
class KeySpec:
    """Where some of a command's keys stand and what it does to them; the default is one key right after the name.

    `begin` and `find` are None when the keys can't be found without understanding the arguments.
    """

    flags: tuple[str, ...]
    begin: Index | Keyword | None = AFTER_NAME
    find: Range | KeyCount | None = ONE_KEY
    notes: str | None = None


@dataclass(frozen=True, slots=True)
class Argument:
    """One node of a command's syntax: `oneof` and `block` hold further `arguments`, a `token` is the literal word before the value."""

    name: str
    type: str
    token: str | None = None
    key_spec: int | None = None
    flags: tuple[str, ...] = ()
    since: str | None = None
    deprecated_since: str | None = None
    display: str | None = None
    arguments: tuple[Argument, ...] = ()


# How commands are told when something expires
TIMES = (
    Argument("seconds", "integer", "EX"),
    Argument("milliseconds", "integer", "PX"),
    Argument("unix-time-seconds", "unix-time", "EXAT"),
    Argument("unix-time-milliseconds", "unix-time", "PXAT"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec:
    """Everything about one command or subcommand (`name` is then `command|subcommand`, lower case)."""

    name: str
    handler: str | None = None  # module.function below zippy/_core/commands; None: a Python function, or a container
    arity: int  # number of words with the name; negative: at least that many
    flags: tuple[str, ...] = ()
    gate: tuple[str, ...] = ()  # what the gate must know beyond the flags, which COMMAND INFO does not tell: names of CMD_ bits
    first_key: int = 0  # the old way to tell keys; 0: none, or not found this way
    last_key: int = 0  # negative: from the end
    key_step: int = 0
    categories: tuple[str, ...]  # of access control, without the "@"
    tips: tuple[str, ...] = ()
    keys: tuple[KeySpec, ...] = ()
    keys_by: str | None = None  # a function of zippy/_core/commands/keys that finds the keys where `keys` does not tell enough
    summary: str
    since: str
    group: str
    complexity: str | None = None
    doc_flags: tuple[str, ...] = ()
    deprecated_since: str | None = None
    replaced_by: str | None = None
    history: tuple[tuple[str, str], ...] = ()  # (version, what changed)
    reply: str
    arguments: tuple[Argument, ...] = ()
    subcommands: tuple[CommandSpec, ...] = ()
