"""DEBUG: for tests. Each subcommand is marked with the words that it takes, where it is written; services may have their own."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, TypeAlias, TypeVar

from zippy._core.introspection import dataset_digest, key_facts, keyspace, keyspace_fault, memory_stats, populate, value_digest
from zippy._core.resp.kinds import OK, Raw, ReplyError, Simple, Verbatim
from zippy._core.resp.values import Words
from zippy._core.session import Session
from zippy.server.arguments import integer, subcommand_error, text
from zippy.server.config import permits
from zippy.server.cron import Cron
from zippy.server.help import help_lines
from zippy.server.identity import Identity
from zippy.server.log import log
from zippy.server.registry import Namespace, command, marked_in, namespace_of
from zippy.setting_types import SettingError, parse
from zippy.settings import Settings, find_setting

Handler: TypeAlias = Callable[[Session, list[bytes]], Any]
Method: TypeAlias = Callable[[Any, Session, list[bytes]], Any]
Marked = TypeVar("Marked", bound=Handler | Method)

OUT_OF_RANGE = "ERR value is out of range, must be positive"
PACKED_MAX = 4 << 30
LONGEST_SLEEP = 2**63 / 1e9  # seconds; what Python can still count, 292 years


class Usage(NamedTuple):
    """How a subcommand is called: how many arguments it takes, and its two lines of help."""

    name: str
    least: int
    most: int
    arguments: str
    summary: str


USAGES: dict[object, tuple[Usage, ...]] = {}  # of each function that was marked


def debug(name: str, least: int, most: int, arguments: str, summary: str) -> Callable[[Marked], Marked]:
    """Marks a function or method as a subcommand that takes between `least` and `most` arguments; it gets these alone."""

    def mark(function: Marked) -> Marked:
        USAGES[function] = (*USAGES.get(function, ()), Usage(name, least, most, arguments, summary))
        return function

    return mark


@cache
def usages_in(namespace: Namespace) -> tuple[tuple[str, tuple[Usage, ...]], ...]:
    """The subcommands in a module or class by the names of their functions; looked for once, as handlers are."""
    return marked_in(namespace, USAGES)


@debug("sleep", 1, 1, "<seconds>", "Stop everything for so long; decimals are fine.")
def debug_sleep(session: Session, args: list[bytes]) -> Any:
    """DEBUG SLEEP seconds."""
    try:
        seconds = float(args[0])
    except ValueError:
        seconds = 0.0
    # Redis returns at once too where its count of microseconds cannot hold it
    if 0 < seconds < LONGEST_SLEEP:
        time.sleep(seconds)
    return OK


def number_of(argument: bytes) -> int:
    """The number that a text begins with, 0 for none."""
    try:
        return int(argument)
    except ValueError:
        return 0


@debug("set-active-expire", 1, 1, "<0|1>", "Let keys expire by themselves or only when they are asked for.")
def debug_set_active_expire(session: Session, args: list[bytes]) -> Any:
    """DEBUG SET-ACTIVE-EXPIRE 0 | 1."""
    session.core.set_setting("active-expire-enabled", int(number_of(args[0]) != 0))
    return OK


@debug("set-clock", 1, 1, "<us>", "Stop the clock at so many microseconds since the epoch; 0 lets it go again.")
def debug_set_clock(session: Session, args: list[bytes]) -> Any:
    """DEBUG SET-CLOCK us."""
    us = integer(args[0])
    if us < 0:
        raise ReplyError(OUT_OF_RANGE)
    session.core.set_clock(us)
    return OK


@debug("verify", 0, 0, "", "Look for tables of keys that contradict each other; reads every key.")
def debug_verify(session: Session, args: list[bytes]) -> Any:
    """DEBUG VERIFY."""
    fault = keyspace_fault(session.core)
    if fault is not None:
        database, what = fault
        raise ReplyError(f"ERR database {database}: {what}")
    return OK


@debug("object", 1, 1, "<key>", "Show where and how a value is kept.")
def debug_object(session: Session, args: list[bytes]) -> Any:
    """DEBUG OBJECT key."""
    facts = key_facts(session, args[0])
    if facts is None:
        raise ReplyError("ERR no such key")
    nodes = facts.get("nodes")
    chain = (
        ""
        if nodes is None
        else (
            f" ql_nodes:{nodes['count']} ql_avg_node:{nodes['elements'] / nodes['count']:.2f} ql_listpack_max:{nodes['fill']} "
            f"ql_compressed:{int(nodes['compress'] != 0)} ql_uncompressed_size:{nodes['bytes']}"
        )
    )
    return Simple(
        f"Value at:{facts['address']:#x} refcount:1 encoding:{facts['encoding']} serializedlength:{facts['length']} "
        f"lru:{facts['access']} lru_seconds_idle:{facts['idle']}{chain}"
    )


@debug("digest", 0, 0, "", "A checksum of all keys and values; the order of unordered values does not count.")
def debug_digest(session: Session, args: list[bytes]) -> Any:
    """DEBUG DIGEST."""
    return Simple(dataset_digest(session.core))


@debug("digest-value", 0, 1 << 30, "<key> [<key> ...]", "A checksum of each key's value.")
def debug_digest_value(session: Session, args: list[bytes]) -> Any:
    """DEBUG DIGEST-VALUE key [key ...]."""
    return [Simple(value_digest(session, key)) for key in args]


@debug("populate", 1, 3, "<count> [<prefix>] [<size>]", 'Put strings under "key:0", "key:1" ... where there is nothing yet.')
def debug_populate(session: Session, args: list[bytes]) -> Any:
    """DEBUG POPULATE count [prefix] [size]."""
    count = integer(args[0], OUT_OF_RANGE)
    size = integer(args[2], OUT_OF_RANGE) if len(args) > 2 else -1
    if count < 0 or (len(args) > 2 and size < 0):
        raise ReplyError(OUT_OF_RANGE)
    populate(session, count, args[1] if len(args) > 1 else b"key", size or -1)
    return OK


@debug("error", 1, 1, "<text>", "Reply with this error.")
def debug_error(session: Session, args: list[bytes]) -> Any:
    """DEBUG ERROR text."""
    return ReplyError(text(args[0]))


@debug("log", 1, 1, "<text>", "Write to the server's log.")
def debug_log(session: Session, args: list[bytes]) -> Any:
    """DEBUG LOG text."""
    log.warning("DEBUG LOG: %s", text(args[0]))
    return OK


@debug("quicklist-packed-threshold", 1, 1, "<size>", "Taken for compatibility; zippy's lists need no such limit.")
def debug_quicklist_packed_threshold(session: Session, args: list[bytes]) -> Any:
    """DEBUG QUICKLIST-PACKED-THRESHOLD size."""
    memory = find_setting("maxmemory")
    assert memory is not None
    try:
        size = parse(memory, text(args[0]))
    except SettingError:
        size = -1
    assert isinstance(size, int)
    if not 0 <= size <= PACKED_MAX:
        raise ReplyError("ERR argument must be a memory value bigger than 1 and smaller than 4gb")
    return OK


@debug("set-disable-deny-scripts", 1, 1, "<0|1>", "Taken for compatibility.")
@debug("dict-resizing", 1, 1, "<0|1>", "Taken for compatibility; zippy's tables grow a bucket at a time.")
def debug_without_effect(session: Session, args: list[bytes]) -> Any:
    """What zippy has no such switch for."""
    return OK


@debug("structsize", 0, 0, "", "Sizes of machine words.")
def debug_structsize(session: Session, args: list[bytes]) -> Any:
    """DEBUG STRUCTSIZE."""
    return Simple(f"bits:{struct.calcsize('P') * 8} entry:8 bucket:64")


PROTOCOL: dict[str, Any] = {
    "string": "Hello World",
    "integer": 12345,
    "double": 3.141,
    "bignum": 1234567999999999999999999999999999999,
    "null": None,
    "array": [0, 1, 2],
    "set": {0, 1, 2},
    "map": {0: False, 1: True, 2: False},
    "verbatim": Verbatim("This is a verbatim\nstring"),
    "true": True,
    "false": False,
}


@debug("protocol", 1, 1, "<type>", "Reply with a value of this type of the protocol.")
def debug_protocol(session: Session, args: list[bytes]) -> Any:
    """DEBUG PROTOCOL type."""
    kind = text(args[0]).lower()
    if kind == "attrib":
        attribute = b"|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n" if session.protocol == 3 else b""
        return Raw(attribute + b"$39\r\nSome real reply following the attribute\r\n")
    if kind == "push":
        if session.protocol == 2:
            raise ReplyError("ERR RESP2 is not supported by this command")
        return Raw(b"$40\r\nSome real reply following the push reply\r\n>2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n")
    if kind not in PROTOCOL:
        raise ReplyError(
            "ERR Wrong protocol type name. Please use one of the following: "
            "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"
        )
    return PROTOCOL[kind]


class Debug:
    """The subcommands of one server."""

    def __init__(self, settings: Settings, cron: Cron, identity: Identity) -> None:
        self.settings = settings
        self.cron = cron
        self.identity = identity
        self.subcommands: dict[str, tuple[Usage, Handler]] = {}

    def add(self, *owners: object) -> None:
        """Adds what is marked in modules and objects."""
        for owner in owners:
            for handler, usages in usages_in(namespace_of(owner)):
                for usage in usages:
                    self.subcommands[usage.name] = usage, getattr(owner, handler)

    @command("debug")
    def debug_command(self, session: Session, args: Words) -> Any:
        """DEBUG. Runs the subcommand that is named; as in Redis, the spec tells none of them."""
        if not permits(self.settings, session, "enable-debug-command"):
            raise ReplyError(
                'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local '
                "connection, otherwise you need to set this option in the configuration file, and then restart the server."
            )
        found = self.subcommands.get(text(args[1]).lower())
        if found is None or not found[0].least <= len(args) - 2 <= found[0].most:
            raise subcommand_error(args)
        return found[1](session, args[2:])

    @debug("help", 0, 0, "", "Show these lines.")
    def debug_help(self, session: Session, args: list[bytes]) -> Any:
        """DEBUG HELP."""
        usages = [usage for _, (usage, _) in sorted(self.subcommands.items()) if usage.name != "help"]
        return help_lines("debug", [(f"{usage.name.upper()} {usage.arguments}".rstrip(), usage.summary) for usage in usages])

    @debug("pause-cron", 1, 1, "<0|1>", "Stop the periodic work.")
    def debug_pause_cron(self, session: Session, args: list[bytes]) -> Any:
        """DEBUG PAUSE-CRON 0 | 1."""
        self.cron.paused = number_of(args[0]) != 0
        return OK

    @debug("change-repl-id", 0, 0, "", "Give the dataset's history another name.")
    def debug_change_repl_id(self, session: Session, args: list[bytes]) -> Any:
        """DEBUG CHANGE-REPL-ID."""
        self.identity.replication_id = os.urandom(20).hex()
        return OK

    @debug("htstats", 1, 2, "<db> [full]", "The state of a database's tables.")
    def debug_htstats(self, session: Session, args: list[bytes]) -> Any:
        """DEBUG HTSTATS db [full]."""
        number = integer(args[0])
        if not 0 <= number < self.settings.integer("databases"):
            raise ReplyError("ERR Out of range database")
        keys, expires = next(((count, timed) for place, count, timed, *_ in keyspace(session.core) if place == number), (0, 0))
        sizes = next(((main, timed) for place, main, timed in memory_stats(session.core)["tables"] if place == number), (0, 0))
        parts = []
        for title, count, size in (("[Dictionary HT]", keys, sizes[0]), ("[Expires HT]", expires, sizes[1])):
            parts.append(f"{title}\n")
            if count:
                parts.append(f"Hash table 0 stats (main hash table):\n table size: {size} bytes\n number of elements: {count}\n")
        return Verbatim("".join(parts))
