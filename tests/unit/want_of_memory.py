"""Makes the allocator fail in every command, call by call, and looks at what is left.

Requests come from the templates of the differential tests, with keys of every type and encoding. Each is run again and again, the first,
the second, the third ... call that may fail failing (`ground/mem.pxd` says which those are), until it comes through without any. Whatever
fails: the tables agree, the reply is a whole one or its client would be closed, the data is as before or as it should be, those who follow
the stream have the same, and no block is lost.

    python -m tests.unit.want_of_memory --seeds 20

does it with more requests than the suite, and prints what it did.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.differential.grammar import compile_template
from tests.differential.groups import GROUPS, later
from tests.differential.groups.group import Group
from tests.differential.values import ALL_KEYS, KEYS, Source
from tests.resp import Incomplete, ProtocolError, Reply, parse
from tests.unit.rdb_bytes import payload, string
from zippy._core.testing.engine_shim import RecordingEngine
from zippy._core.testing.mem_shim import fail_allocations, failures
from zippy.commandspec import COMMANDS, find_command

Request = tuple[bytes, ...]
Unit = tuple[Request, ...]
"""Commands that one client sends; those that begin with OTHER are sent by another one."""
OTHER = b"@"

FOREVER = 1 << 40
PERSISTENT = "from there on"
ONCE = "once"
MODES = {ONCE: 1, PERSISTENT: FOREVER}
"""How many calls fail: a single one, behind which all goes well, or all from one on."""

SCRIPTS = {b"EVAL", b"EVALSHA", b"EVAL_RO", b"EVALSHA_RO", b"FCALL", b"FCALL_RO"}
IN_PARTS = {b"MSET", b"MSETEX", b"MSETNX", b"EXEC", *SCRIPTS}
"""Commands that say so in their docstring: what was done before memory ended stays done, and is told."""
USES_LIBRARIES = {b"FUNCTION", b"FCALL", b"FCALL_RO"}
LIBRARIES = payload(
    b"".join(
        b"\xf5" + string(b"#!lua name=%s\nredis.register_function('%s',function(keys,args)%s end)" % words)
        for words in ((b"one", b"f1", b"return redis.call('SET',keys[1]or's0','v')"), (b"Two", b"f2", b"return keys"))
    )
)
AT_RANDOM = {b"SPOP", b"SRANDMEMBER", b"HRANDFIELD", b"ZRANDMEMBER", b"RANDOMKEY"}
"""Commands that do not come to the same twice."""
EITHER_WAY = {b"DUMP", *SCRIPTS}
"""Commands that make do with less: a string that cannot be packed is dumped as it is, a script may catch the error."""
REFUSALS = (
    b"-OOM ", b"-ERR Insufficient memory, failed allocating", b"-EXECABORT Transaction discarded because of: OOM ",
    b"-ERR Error compiling function: not enough memory", b"-ERR Error registering functions: not enough memory",
    b"-ERR Error registering functions: ERR not enough memory",
)  # fmt: skip

EXTRA = """
PUBLISH channel val
SPUBLISH channel val
SUBSCRIBE channel channel
PSUBSCRIBE channel
SSUBSCRIBE channel
UNSUBSCRIBE channel
PUNSUBSCRIBE
SUNSUBSCRIBE
WATCH anykey+
UNWATCH
DISCARD
DUMP skey
DUMP lkey
DUMP xkey
DUMP zkey
DUMP hkey
COPY anykey anykey REPLACE
OBJECT ENCODING anykey
BLPOP lkey+ 0
BRPOP 'nothing 'nobody 0
BLMOVE lkey lkey LEFT RIGHT 0
BRPOPLPUSH lkey lkey 0
BLMPOP 0 1 lkey LEFT
BZPOPMIN 'nothing 0
BZPOPMAX zkey 0
BZMPOP 0 1 zkey MIN
SPOP xkey
SPOP xkey 2
SPOP xkey 120
SRANDMEMBER xkey 5
HRANDFIELD hkey 5 WITHVALUES
ZRANDMEMBER zkey 5 WITHSCORES
RANDOMKEY
SORT xkey BY 's* GET 's* GET # ALPHA
SORT lkey ALPHA DESC STORE lkey
SORT zkey BY 's* ALPHA STORE lkey
SORT xkey BY 'nosort GET 'h*->a
LCS skey skey IDX WITHMATCHLEN
LCS skey skey
KEYS *
SCAN 0 COUNT 1000
SSCAN xkey 0 COUNT 1000
HSCAN hkey 0 COUNT 1000
ZSCAN zkey 0 COUNT 1000
SETRANGE skey 100000 'x
SETBIT skey 800000 1
APPEND skey val
BITFIELD skey SET 'u8 100000 7
TIME
CLIENT ID
COMMAND GETKEYS MSET skey val
COMMAND GETKEYSANDFLAGS DEL anykey+
COMMAND COUNT
LATENCY RESET 'command
QUIT
FLUSHALL
FLUSHDB ASYNC
SWAPDB 0 1
MSET skey val skey val skey val
MSETNX 'new1 val 'new2 val
GETDEL skey
SET skey val GET
PFSELFTEST
ACL CAT
ACL CAT 'string
ACL DELUSER 'nobody
ACL GETUSER 'default
ACL LOG
ACL USERS
EVAL_RO 'return{1,2} 1 skey
EVALSHA_RO 'ffffffffffffffffffffffffffffffffffffffff 0
SCRIPT DEBUG NO
"""
"""Templates for commands that the groups have no, or only harmless ones, of."""

UNITS: tuple[tuple[str, ...], ...] = (
    ("MULTI", "SET skey val", "RPUSH lkey item+", "GET skey", "EXEC"),
    ("MULTI", "MSET skey val skey val", "SPOP xkey 3", "SORT lkey ALPHA STORE lkey", "EXEC"),
    ("MULTI", "GET skey", "DISCARD"),
    ("WATCH skey", "MULTI", "APPEND skey val", "EXEC"),
    ("HELLO 3", "SUBSCRIBE channel", "PUBLISH channel val"),
    ("SUBSCRIBE 'a", "PSUBSCRIBE 'a*", "PUBLISH 'ab val"),
    ("CLIENT REPLY OFF", "SUBSCRIBE 'a", "SET skey val"),
    ("CLIENT SETNAME shortval", "SET skey val"),
    ("MONITOR", "PING val"),
    ("@ SUBSCRIBE channel", "PUBLISH channel val", "MULTI", "PUBLISH channel val", "GET skey", "EXEC"),
    ("@ PSUBSCRIBE *", "SET skey val", "LPOP lkey", "RENAME anykey anykey", "DEL anykey", "SPOP xkey"),
    ("@ MONITOR", "SET skey val", "MULTI", "GET skey", "EXEC"),
    ("@ BLPOP 'nothing lkey 'nobody 0", "RPUSH 'nobody item+", "RPUSH 'nothing item+"),
    ("@ BLMOVE 'nothing lkey LEFT LEFT 0", "RPUSH 'nothing item+", "RPUSH 'nothing item+"),
    ("@ BZPOPMIN 'nothing 0", "MULTI", "ZADD 'nothing scored+", "EXEC"),
    ("@ BLMPOP 0 2 'nothing 'nobody LEFT COUNT 2", "SORT lkey ALPHA STORE 'nobody"),
    ("CLIENT TRACKING ON OPTIN", "CLIENT CACHING YES", "EXISTS anykey anykey anykey", "DEL anykey+", "CLIENT TRACKINGINFO"),
    ("CLIENT TRACKING ON BCAST PREFIX 's PREFIX 'l PREFIX 'x", "CLIENT GETREDIR", "SET skey val", "DEL anykey+", "CLIENT TRACKINGINFO"),
    ("@ CLIENT TRACKING ON", "@ EXISTS skey lkey", "SET skey val", "DEL lkey", "FLUSHALL"),
    ("CLIENT TRACKING ON", "MULTI", "GET skey", "SET skey val", "EXEC"),
    ("NOSUCHCOMMAND val val",),
    ("OBJECT NOSUCH val",),
)
"""Commands of which one needs what the ones before it did."""


def preparation() -> Iterator[Request]:
    """A value under each key that requests name, of every encoding that its type has, most of them large."""
    words = [b"%d" % n for n in range(140)]
    texts = [b"member:%d" % n for n in range(140)]
    strings = (b"12", b"short", b"x" * 100, b"y" * 5000, b"z" * 20000, b"\xff" * 9)
    for key, value in zip(KEYS["string"], strings, strict=True):
        yield b"SET", key, value
    yield b"SET", b"n0", b"7"
    yield b"SET", b"n1", b"1.5"
    yield b"PEXPIREAT", b"s3", b"4000000000000"
    for key, items in zip(KEYS["list"], (words[:3], [b"w" * 9000, b"v"], words, texts[:5]), strict=True):
        yield b"RPUSH", key, *items
    for key, items in zip(KEYS["set"], (words[:5], texts[:40], words, texts), strict=True):
        yield b"SADD", key, *items
    for key, items in zip(KEYS["zset"], (texts[:3], texts[:90], texts, words[:20]), strict=True):
        yield b"ZADD", key, *(part for n, item in enumerate(items) for part in (b"%d.5" % n, item))
    for key, items in zip(KEYS["hash"], (texts[:3], texts[:60], texts, [b"a", b"k" * 100]), strict=True):
        yield b"HSET", key, *(part for item in items for part in (item, b"value of " + item))
    yield b"ZADD", b"y0", *(part for item in texts for part in (b"0", item))


PREPARATION = tuple(preparation())


def is_in_core(request: Request) -> bool:
    """Whether the command's handler is in the core, or there is no such command."""
    if request[0] == OTHER:
        return is_in_core(request[1:])
    name = request[0].decode("latin-1").lower()
    spec = find_command(name)
    if spec is not None and spec.subcommands and len(request) > 1:
        spec = find_command(f"{name}|{request[1].decode('latin-1').lower()}") or spec
    return spec is None or spec.handler is not None or bool(spec.subcommands)


def core_commands() -> set[str]:
    """The names of all commands that have a handler in the core."""
    return {spec.name for command in COMMANDS for spec in (command, *command.subcommands) if spec.handler}


def write(template: str, source: Source) -> Request:
    """A request."""
    out: list[bytes] = []
    compile_template(template)(source, out)
    return tuple(out)


def requests_of(group: Group, source: Source) -> Iterator[Unit]:
    """One request of each template of a group, and some of its units."""
    for text in group.templates.strip().splitlines():
        if text.strip():
            yield (write(text.split(None, 1)[1], source),)
    for _ in range(8):
        yield tuple(step.args for step in group.unit(source).steps if step.connection == 0 and step.args)


def all_units(seed: int, small: bool) -> Iterator[Unit]:
    """Units of all kinds."""
    for name, group in (GROUPS | {later.GROUP.name: later.GROUP}).items():
        for unit in requests_of(group, Source(f"{name} {seed}", group.key_type, small)):
            kept = tuple(request for request in unit if is_in_core(request))
            if kept:
                yield kept
    source = Source(f"extra {seed}", "string", small)
    for template in EXTRA.strip().splitlines():
        yield (write(template, source),)
    yield from payloads()
    for templates in UNITS:
        yield tuple(request for request in (write(template, source) for template in templates) if is_in_core(request))


def payloads() -> Iterator[Unit]:
    """RESTORE of what DUMP says of each key, and with a fault."""
    engine = RecordingEngine()
    for request in PREPARATION:
        engine.call(*request)
    for n, key in enumerate(ALL_KEYS):
        payload = engine.call("DUMP", key)[0].split(b"\r\n", 1)[1][:-2]
        yield ((b"RESTORE-ASKING" if n % 2 else b"RESTORE", b"restored" if n % 3 else b"l0", b"0", payload, b"REPLACE"),)
    yield ((b"RESTORE", b"restored", b"100000", payload, b"REPLACE", b"IDLETIME", b"5"),)
    engine.close()


@dataclass
class Outcome:
    """What a unit came to."""

    failures: int
    replies: list[bytes]
    heard: bytes | None
    reply_failed: bool
    stream_failed: bool
    digest: bytes
    followed: bytes


@dataclass
class Tally:
    """What was done."""

    names: set[str] = field(default_factory=set)
    units: int = 0
    runs: int = 0
    failed: int = 0
    problems: list[str] = field(default_factory=list)


class Subject:
    """An engine, and another one that follows its stream."""

    def __init__(self, small: bool) -> None:
        self.engine = RecordingEngine()
        self.follower = RecordingEngine()
        for engine in (self.engine, self.follower):
            engine.set_compact_limits(*((4, 8) if small else (128, 64)))
            # opening Lua takes a thousand blocks, which is a test of its own
            engine.call("EVAL", "return 1", 0)
            engine.call("FUNCTION", "RESTORE", LIBRARIES, "FLUSH")
        self.begin = b""

    def prepare(self, unit: Unit) -> None:
        """Puts both where every unit begins, with libraries for those that need some."""
        for engine in (self.engine, self.follower):
            engine.reconnect()
            if any(request[0].upper() in USES_LIBRARIES for request in unit):
                engine.call("FUNCTION", "RESTORE", LIBRARIES, "FLUSH")
            if engine.digest() != self.begin:
                engine.call("FLUSHALL")
                for request in PREPARATION:
                    engine.call(*request)
                self.begin = engine.digest()

    def run(self, unit: Unit, calls: int, most: int) -> Outcome:
        """What a unit comes to when the call behind so many fails, and up to so many."""
        replies: list[bytes] = []
        told: list[list[bytes]] = []
        reply_failed = stream_failed = False
        fail_allocations(calls, most)
        for request in unit:
            if request[0] == OTHER:
                replies.append(self.engine.call_other(*request[1:]) or b"")
                continue
            reply, stream, _ = self.engine.call(*request)
            replies.append(reply)
            told += stream
            stream_failed |= self.engine.stream_failed
            reply_failed |= self.engine.reply_failed
            if self.engine.reply_failed or not reply:
                # the server would have closed it, or it is blocked
                self.engine.reconnect()
        failed = failures()
        fail_allocations(0, 0)
        for words in told:
            self.follower.call(*words)
        heard = self.engine.heard()
        return Outcome(failed, replies, heard, reply_failed, stream_failed, self.engine.digest(), self.follower.digest())

    def close(self) -> int:
        """How many blocks were lost."""
        return self.engine.close() + self.follower.close()


def replies_in(data: bytes) -> list[Reply]:
    """The replies in data. Incomplete, ProtocolError: it is anything but whole ones."""
    replies: list[Reply] = []
    at = 0
    while at < len(data):
        reply, at = parse(data, at)
        replies.append(reply)
    return replies


def malformed(replies: list[bytes]) -> bool:
    """Whether one is anything but whole replies."""
    try:
        for reply in replies:
            replies_in(reply)
    except (Incomplete, ProtocolError):
        return True
    return False


def problem_of(unit: Unit, before: bytes, outcome: Outcome, good: Outcome) -> str | None:
    """What is wrong with what a unit came to, where it should have come to `good` or not have been."""
    names = {request[0].upper() for request in unit}
    if not outcome.reply_failed and malformed(outcome.replies):
        return f"the reply is {outcome.replies!r:.200}"
    if outcome.heard is not None and malformed([outcome.heard]):
        return f"the other one hears {outcome.heard!r:.200}"
    if not outcome.stream_failed and outcome.followed != outcome.digest:
        return "who follows has something else"
    if len(unit) > 1 or names & AT_RANDOM:
        return None
    if not names & IN_PARTS and outcome.digest not in (before, good.digest):
        return "the data is neither as before nor as it should be"
    reply = outcome.replies[0]
    if outcome.reply_failed or reply == good.replies[0] or names & EITHER_WAY:
        return None
    if not reply.startswith(REFUSALS):
        return f"the reply is {reply!r:.200}, not {good.replies[0]!r:.200}"
    if not names & IN_PARTS and outcome.digest != before:
        return "it was refused and has changed something"
    return None


def starve(subject: Subject, unit: Unit, mode: str, tally: Tally) -> None:
    """Runs a unit until it comes through, one call more succeeding each time."""
    outcomes: list[Outcome] = []
    while not outcomes or outcomes[-1].failures:
        subject.prepare(unit)
        outcomes.append(subject.run(unit, len(outcomes), MODES[mode]))
        fault = subject.engine.fault()
        if fault is not None:
            tally.problems.append(f"{shown(unit)}: call {len(outcomes)} failed {mode}: {fault}")
    for n, outcome in enumerate(outcomes, 1):
        problem = problem_of(unit, subject.begin, outcome, outcomes[-1])
        if problem is not None:
            tally.problems.append(f"{shown(unit)}: call {n} failed {mode}: {problem}")
    tally.runs += len(outcomes)
    tally.failed += len(outcomes) - 1


def shown(unit: Unit) -> str:
    """A unit in a line."""
    return "; ".join(" ".join(f"{word!r:.40}"[2:-1] for word in request[:8]) for request in unit)


def starve_all(seeds: range, tally: Tally, limits: tuple[bool, ...] = (False, True)) -> None:
    """Starves units of all kinds, with the encodings' usual limits and with small ones, once and persistently in turn."""
    for seed in seeds:
        for small in limits:
            subject = Subject(small)
            subject.engine.notify_of_all()
            for place, unit in enumerate(all_units(seed, small)):
                tally.units += 1
                tally.names |= {name for request in unit for name in names_of(request)}
                starve(subject, unit, list(MODES)[(place + seed + small) % len(MODES)], tally)
            left = subject.close()
            if left:
                tally.problems.append(f"seed {seed}: {left} blocks were lost")


def names_of(request: Request) -> set[str]:
    """The command's name, and with its subcommand."""
    words = [word.decode("latin-1").lower() for word in request if word != OTHER][:2]
    return {words[0], "|".join(words)}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4, help="how often each template is filled in anew")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    arguments = parser.parse_args()
    tally = Tally()
    starve_all(range(arguments.first, arguments.first + arguments.seeds), tally)
    print("\n".join(tally.problems))
    print(f"commands={len(tally.names & core_commands())} of {len(core_commands())} units={tally.units} runs={tally.runs} "
          f"failures={tally.failed} problems={len(tally.problems)}")  # fmt: skip
    missing = sorted(core_commands() - tally.names)
    if missing:
        print("never run:", *missing)
    return 1 if tally.problems else 0


if __name__ == "__main__":
    sys.exit(main())
