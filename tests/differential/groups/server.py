"""Commands about the connection and the server whose replies are defined: the keys of commands, clients, settings, refusals.

What COMMAND INFO and CONFIG say of each command and setting is held against Redis in tests/unit.
"""

from __future__ import annotations

from tests.differential.groups import stream, transactions
from tests.differential.groups.data import DATA
from tests.differential.groups.group import Group, commands
from tests.differential.steps import Unit
from tests.differential.values import BINARY, Source
from zippy.commandspec import find_command

OTHERS = (*DATA, stream.GROUP, transactions.GROUP)


def keys_of(source: Source) -> Unit:
    """Which words of another group's command are keys."""
    group = source.random.choice(OTHERS)
    source.key_type = group.key_type
    step = source.random.choice(group.unit(source).steps)
    if find_command(step.name.lower()) is None or (step.name == "PFMERGE" and len(step.args) == 2):
        # Redis cannot tell that the destination of PFMERGE without sources is a key
        return keys_of(source)
    return commands((b"COMMAND", source.pick([b"GETKEYS", b"GETKEYSANDFLAGS"]), *step.args))


REPEATING = (
    (b"CONFIG", b"SET"), (b"CLIENT", b"KILL", b"TYPE"), (b"CLIENT", b"KILL", b"USER"), (b"CLIENT", b"LIST", b"TYPE"),
    (b"CLIENT", b"SETINFO"), (b"HELLO", b"2"), (b"LATENCY", b"GRAPH"), (b"DEBUG",), (b"CLIENT",), (b"COMMAND", b"LIST", b"FILTERBY"),
)  # fmt: skip


def repeated_by(source: Source) -> Unit:
    """What an error repeats of a word that is none."""
    command = source.random.choice(REPEATING)
    more = (b"1",) if command in ((b"CONFIG", b"SET"), (b"CLIENT", b"SETINFO"), (b"COMMAND", b"LIST", b"FILTERBY")) else ()
    return commands((*command, source.pick(BINARY), *more))


def help_of(source: Source) -> Unit:
    """HELP of a command with subcommands: its words are zippy's own, so the shape is compared."""
    name = source.pick([b"CLIENT", b"COMMAND", b"CONFIG", b"MEMORY", b"LATENCY", b"SLOWLOG", b"OBJECT", b"PUBSUB", b"XGROUP", b"XINFO"])
    return commands((name, b"HELP"), check="outline")


GROUP = Group(
    "server",
    "any",
    """
    3   PING [val]
    2   ECHO val
    2   PING val val
    2   SELECT database
    2   SELECT integer
    2   HELLO ('2|'3|integer)
    2   HELLO ('2|'3|integer) SETNAME shortval
    1   HELLO ('2|'3) 'foo
    2   ASKING
    1   READONLY
    1   READWRITE
    3   CLIENT SETNAME shortval
    3   CLIENT GETNAME
    2   CLIENT SETINFO ('lib-name|'lib-ver|'foo) shortval
    1   CLIENT REPLY ON
    1   CLIENT REPLY 'foo
    2   CLIENT NO-EVICT (ON|OFF|'foo)
    2   CLIENT NO-TOUCH (ON|OFF|'foo)
    2   CLIENT KILL {ID ('0|'-1|'foo|'999999|'9223372036854775808)|ADDR '1.2.3.4:5|LADDR '1.2.3.4:5|USER 'nosuch|MAXAGE '999999|'foo 'bar}
    1   CLIENT KILL '1.2.3.4:5
    2   CLIENT KILL TYPE ('foo|REPLICA|MASTER)
    2   CLIENT KILL ID '999999 {USER 'default|SKIPME ('yes|'no|'foo)|TYPE (NORMAL|PUBSUB|'foo)}
    1   CLIENT LIST TYPE ('foo|REPLICA|MASTER)
    1   CLIENT LIST ID ('999999|'foo|'0|'-1)
    1   CLIENT LIST 'foo
    2   CLIENT UNBLOCK ('999999|'foo|integer) [(TIMEOUT|ERROR|'foo)]
    1   CLIENT PAUSE ('foo|'-1|'0) [(WRITE|ALL|'foo)]
    1   CLIENT UNPAUSE
    1   CLIENT (ID|INFO|GETNAME|LIST|NO-EVICT|PAUSE|UNBLOCK|KILL|SETNAME|SETINFO|REPLY|'foo|UNPAUSE) 'a 'b 'c 'd
    1   CLIENT (NO-EVICT|PAUSE|UNBLOCK|KILL|SETNAME|SETINFO|REPLY|'foo)
    1   COMMAND LIST FILTERBY ('foo 'bar|MODULE 'nosuch|PATTERN 'nosuch*|ACLCAT 'nosuch)
    1   COMMAND LIST 'foo
    1   COMMAND (GETKEYS|GETKEYSANDFLAGS|'foo|COUNT 'a)
    1   COMMAND (INFO|DOCS) 'nosuch
    2   CONFIG SET ('hz '0|'hz 'foo|'nosuch '1|'maxmemory '-1|'hz|'hz '10 'hz '20|'databases '1)
    1   CONFIG GET ('nosuch|'hz|'hz 'hz*|'tcp-keepalive 'maxclient*)
    1   CONFIG (GET|SET|'foo|RESETSTAT 'a|REWRITE 'a)
    1   MEMORY USAGE 'missing [SAMPLES integer]
    1   MEMORY (USAGE|'foo|STATS 'a|DOCTOR 'a|PURGE)
    1   LATENCY ('foo|HISTORY|HISTORY 'nosuch|GRAPH 'nosuch|LATEST 'a)
    1   LATENCY RESET
    1   LATENCY RESET 'nosuch
    1   SLOWLOG ('foo|GET 'a|GET '-2|LEN 'a|RESET 'a)
    1   DEBUG ('foo|SLEEP 'a|SET-ACTIVE-EXPIRE|OBJECT 'missing)
    1   FLUSHALL (SYNC|ASYNC|'foo|SYNC 'a)
    1   FLUSHDB (SYNC|ASYNC|'foo|SYNC 'a)
    1   SWAPDB ('a 'b|'0 'b|integer integer|'0)
    1   SHUTDOWN ('foo|SAVE NOSAVE|ABORT 'a|ABORT)
    1   BGSAVE 'foo
    1   (LASTSAVE|TIME|DBSIZE|RESET|MONITOR) 'a 'b 'c
    1   AUTH
    2   RESET
    2   'nosuch val
    1   ('GETT|'nosuch|'getx) val+
    """,
    [(30, keys_of), (3, help_of), (3, repeated_by)],
    filler="",
    mangles=False,
)
