"""Kills a server at random moments and cuts its disk's power, over and over, and looks for what it had promised.

    python -m tests.persistence.crash --seconds 3600 --seed 1 --policy everysec [--in-process]

Writers of several types send numbers in ascending order and note when each was acknowledged. A round ends with SIGTERM, with kill -9,
or with kill -9 and a power cut, which leaves what was synced and a part by chance of what was not (disk.py here); or with a disk that is
full, or fails to sync, until nothing is acknowledged any more, and with kill -9 when it is well again and the log too. Meanwhile BGSAVE and
BGREWRITEAOF run, in both ways of saving, their children are killed, and the log is switched off and on. The server starts again in the
same folder, with the log. Then

- each writer's data is what a beginning of its commands gives, each done once: a list or a sorted set has no gap and nothing twice,
  counters agree with each other, the halves of a transaction or of an HSET too, no string is cut;
- nothing is there that was never sent;

While the log is on, which is so as soon as no rewrite is scheduled or under way after it was switched on,

- `appendfsync always`: all that was acknowledged is there;
- `everysec`: what was acknowledged is there, but for the last second before a power cut, longer by the longest sync of the round; kill -9
  alone may take what was acknowledged while a sync was under way, since writing is put off meanwhile;
- `no`: the same, but a power cut may take all since the start of the round: nobody syncs, so nobody hears of a disk that fails to;
- after SIGTERM all is there, and after a full or failing disk that was mended.

While it is off, or on and without its base, what a start with the log finds is what the files have:

- all that was acknowledged before CONFIG SET appendonly no was sent, or before a BGREWRITEAOF began that succeeded since;
- all that was there at the last start, if neither has been.

A snapshot holds all that was acknowledged before its BGSAVE began, whatever the log is.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests import servers
from tests.persistence.disk import Disk
from tests.resp import Arg, ConnectionClosed, RawClient, Reply, encode
from tests.servers import ServerProcess

SPREAD = 5  # keys of a writer that increments one after the other
KEPT = 1000  # items of a list and members of a sorted set that are not trimmed away
SECOND = 1.0
TICK = 0.1  # seconds between two looks of the server at its log
SLACK = 0.5  # seconds for a timer that comes late on a busy machine, unless the machine is seen to be busier
BEAT = 0.01  # seconds between two looks at how late timers come


class Broken(Exception):
    """A promise that was not kept."""


@dataclass(frozen=True)
class Kind:
    """What a writer writes: the commands of one number, and the highest number that its data holds (Broken when it is not whole)."""

    name: str
    commands: Callable[[str, int], list[tuple[Arg, ...]]]
    highest: Callable[[RawClient, str], int]
    at_once: int = 1  # numbers that are sent without waiting


def whole(condition: bool, what: str) -> None:
    """Broken unless the condition holds."""
    if not condition:
        raise Broken(what)


def number(reply: Reply) -> int:
    """A number as a string, 0 when there is none."""
    return int(reply.value or 0)


def without_gap(found: list[int], key: str) -> int:
    """The last of ascending numbers that were trimmed to KEPT at multiples of KEPT."""
    last = found[-1] if found else 0
    whole(found == list(range(last - len(found) + 1, last + 1)), f"{key} has a gap: {found[:5]} to {found[-5:]}, {len(found)} items")
    whole(len(found) >= min(last, KEPT), f"{key} has lost its beginning: {found[:3]} to {last}")
    return last


def push(key: str, n: int) -> list[tuple[Arg, ...]]:
    """RPUSH, and now and then LTRIM."""
    return [("RPUSH", key, n), *([("LTRIM", key, -KEPT, -1)] if n % KEPT == 0 else [])]


def highest_item(client: RawClient, key: str) -> int:
    """Of a list."""
    return without_gap([int(item) for item in client("LRANGE", key, 0, -1).plain()], key)


def add(key: str, n: int) -> list[tuple[Arg, ...]]:
    """ZADD, and now and then ZREMRANGEBYRANK."""
    return [("ZADD", key, n, f"member:{n}"), *([("ZREMRANGEBYRANK", key, 0, -KEPT - 1)] if n % KEPT == 0 else [])]


def highest_score(client: RawClient, key: str) -> int:
    """Of a sorted set."""
    words = client("ZRANGE", key, 0, -1, "WITHSCORES").plain()
    whole(words[::2] == [b"member:" + score for score in words[1::2]], f"{key}: members and scores do not agree")
    return without_gap([int(score) for score in words[1::2]], key)


def large_value(n: int) -> bytes:
    """A string of up to 40 KB that tells whether it is whole."""
    return b"%d:" % n * (n * 7919 % 5000 + 1)


def highest_large(client: RawClient, key: str) -> int:
    """Of large strings."""
    value = client("GET", key).value or b""
    n = int(value.partition(b":")[0] or 0)
    whole(not value or value == large_value(n), f"{key} is half written")
    return n


def highest_fields(client: RawClient, key: str) -> int:
    """Of a hash."""
    first, second = client("HMGET", key, "a", "b").plain()
    whole(first == second, f"{key} is half written: {first} {second}")
    return int(first or 0)


def transaction(key: str, n: int) -> list[tuple[Arg, ...]]:
    """Two keys in one EXEC."""
    return [("MULTI",), ("SET", f"{key}:n", n), *push(f"{key}:list", n), ("EXEC",)]


def highest_pair(client: RawClient, key: str) -> int:
    """Of transactions."""
    n = number(client("GET", f"{key}:n"))
    item = highest_item(client, f"{key}:list")
    whole(n == item, f"{key}: half a transaction: {n} {item}")
    return n


def highest_spread(client: RawClient, key: str) -> int:
    """Of counters that were incremented in turn."""
    found = [number(client("GET", f"{key}:{place}")) for place in range(SPREAD)]
    total = sum(found)
    due = [(total + SPREAD - place) // SPREAD - (place == 0) for place in range(SPREAD)]
    whole(found == due, f"{key}: the counters do not agree: {found}")
    return total


KINDS = (
    Kind("string", lambda key, n: [("SET", key, n)], lambda client, key: number(client("GET", key))),
    Kind("counter", lambda key, n: [("INCR", key)], lambda client, key: number(client("GET", key))),
    Kind("counters", lambda key, n: [("INCR", f"{key}:{n % SPREAD}")], highest_spread, at_once=8),
    Kind("list", push, highest_item),
    Kind("pipelined list", push, highest_item, at_once=16),
    Kind("hash", lambda key, n: [("HSET", key, "a", n, "b", n)], highest_fields),
    Kind("transaction", transaction, highest_pair),
    Kind("pipelined transaction", transaction, highest_pair, at_once=5),
    Kind("sorted set", add, highest_score),
    Kind("large", lambda key, n: [("SET", key, large_value(n))], highest_large),
)


class Writer:
    """One connection's worth of numbers, over all rounds."""

    def __init__(self, kind: Kind, place: int) -> None:
        self.kind = kind
        self.key = f"{kind.name}:{place}"
        self.db = place % 2 * 3
        self.sent = 0
        self.acknowledged = 0
        self.acknowledgements: list[tuple[float, int]] = []  # of this round: when, and which
        self.refusal: Reply | None = None  # the first error
        self.thread: threading.Thread | None = None

    def start(self, server: ServerProcess) -> None:
        """Writes until the connection ends or the server refuses."""
        self.acknowledgements.clear()
        self.refusal = None
        self.thread = threading.Thread(target=self.write, args=(server.client(CLIENT_SECONDS),))
        self.thread.start()

    def write(self, client: RawClient) -> None:
        """The thread's life."""
        with client, contextlib.suppress(OSError, ConnectionClosed):
            client("SELECT", self.db)
            while self.refusal is None:
                first = self.sent + 1
                batch = [self.kind.commands(self.key, n) for n in range(first, first + self.kind.at_once)]
                self.sent += len(batch)
                client.send_bytes(b"".join(encode(words) for commands in batch for words in commands))
                for n, commands in enumerate(batch, first):
                    self.read(client, n, len(commands))

    def read(self, client: RawClient, n: int, count: int) -> None:
        """Reads the replies to one number's commands."""
        for _ in range(count):
            reply = client.read()
            if reply.is_error:
                self.refusal = self.refusal or reply
        if self.kind.name == "counter" and reply.value != n:
            self.refusal = self.refusal or reply
        if self.refusal is None:
            self.acknowledged = n
            self.acknowledgements.append((time.monotonic(), n))

    def join(self) -> None:
        """Waits for the end of the thread."""
        if self.thread is not None:
            self.thread.join()
            self.thread = None

    def highest(self, client: RawClient) -> int:
        """The highest number that the server has."""
        client("SELECT", self.db)
        return self.kind.highest(client, self.key)


class Pulse:
    """Notes by how much timers come late: by so much a server's may come late too."""

    def __init__(self) -> None:
        self.latest = 0.0  # seconds
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.beat, daemon=True)
        self.thread.start()

    def beat(self) -> None:
        """The thread's life."""
        began = time.monotonic()
        while not self.stopped.wait(BEAT):
            now = time.monotonic()
            self.latest = max(self.latest, now - began - BEAT)
            began = now

    def stop(self) -> None:
        """Ends it."""
        self.stopped.set()
        self.thread.join()


@dataclass
class Figures:
    """What was seen."""

    acknowledged: int = 0
    unlogged: int = 0  # of these, in rounds that ended with a log that was not on
    on: int = 0  # rounds that ended with the log on
    ends: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)  # acknowledged numbers, by the way of the end
    oldest: dict[str, float] = field(default_factory=dict)  # seconds before the end at which the oldest of them was acknowledged
    snapshots: int = 0  # that were checked

    def __str__(self) -> str:
        oldest = {how: f"{seconds:.2f}" for how, seconds in self.oldest.items()}
        return (
            f"acknowledged={self.acknowledged} unlogged={self.unlogged} ended_on={self.on} "
            f"ends={dict(self.ends)} actions={dict(self.actions)} "
            f"snapshots_checked={self.snapshots} lost={dict(self.lost)} oldest_lost_s={oldest}"
        )


ENDS = ("kill", "kill", "power", "power", "SIGTERM", "full", "fails")
TROUBLES = frozenset({"full", "fails"})
POLICIES = ("always", "everysec", "no")
REFUSALS = (b"MISCONF", b"EXECABORT")  # what writers hear meanwhile
CLIENT_SECONDS = 60.0  # until a reply is given up: ten writers may come first, each with a slow sync
PATIENCE = 30.0  # seconds until a disk's trouble has ended all writing, and until the log is well again after it
ACTIONS = ("BGSAVE", "BGREWRITEAOF", "switch", "switch to and fro", "switch to and fro", "wait until on", "kill child", "nothing")


def rewrites(client: RawClient) -> int:
    """How many rewrites have succeeded."""
    _, _, rest = client("INFO", "persistence").value.partition(b"aof_rewrites:")
    return int(rest.split()[0])


def ends_under(policy: str) -> tuple[str, ...]:
    """How rounds end: where nothing is synced, no sync fails."""
    return tuple(how for how in ENDS if policy != "no" or how != "fails")


class Crash:
    """The rounds of one server."""

    def __init__(self, folder: Path, policy: str, seed: int, in_process: bool = False) -> None:
        """in_process: an engine in the place of a server (engine_server.py)."""
        self.chance = random.Random(seed)
        self.policy = policy
        self.began = time.monotonic()
        self.trace = [f"seed={seed} policy={policy}"]
        self.folder = folder
        self.disk = Disk(folder / "data", folder / "notes")
        self.writers = [Writer(kind, place) for place, kind in enumerate(KINDS)]
        self.figures = Figures()
        self.snapshot_holds: dict[str, int] = {}  # by writer: what the last snapshot that was finished holds at least
        self.log_holds: dict[str, int] = {}  # by writer: what the log's files hold at least, whatever comes
        self.switched_on = True  # the setting appendonly
        self.is_on = True  # the log is known to have its base too
        self.ends: list[str] = []  # that are to come
        self.slow_ms = 0
        self.pulse = Pulse()
        options = ("--appendonly", "yes", "--appendfsync", policy, "--auto-aof-rewrite-min-size", "1mb")
        start = start_engine if in_process else servers.start_server
        self.server = start(*options, folder=self.disk.folder, environment=self.disk.environment())

    def note(self, text: str) -> None:
        """A line of the trace."""
        self.trace.append(f"{time.monotonic() - self.began:9.3f} {text}")

    def run(self, seconds: float, rounds: int = 0) -> Figures:
        """Rounds for so long, and so many at least. Broken, with the trace, when a promise was not kept."""
        done = 0
        try:
            while done < rounds or time.monotonic() - self.began < seconds:
                self.round()
                done += 1
        except (Broken, RuntimeError, ConnectionClosed, OSError) as error:
            said = str(error)[-3000:] if isinstance(error, RuntimeError) else f"{error!r}\n{self.last_words()}"
            raise Broken("\n".join([*self.trace[:1], *self.trace[-60:], said])) from None
        finally:
            self.stop()
        return self.figures

    def last_words(self) -> str:
        """The end of the server's log; an engine in process that hangs is made to say where."""
        if self.server.alive() and self.server.process is not None:
            self.server.process.send_signal(signal.SIGABRT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.server.process.wait(5)
        ended = self.server.process.returncode if self.server.process is not None else None
        return f"{self.server.log()[-9000:]}\nit ended with {ended}"

    def stop(self) -> None:
        """Ends the server and the writers."""
        self.server.stop()
        self.pulse.stop()
        for writer in self.writers:
            writer.join()

    def round(self) -> None:
        """Writes, disturbs, ends, starts and checks."""
        if not self.ends:
            ends = ends_under(self.policy)
            self.ends = self.chance.sample(ends, len(ends))
        how = self.ends.pop()
        self.begin()
        self.disturb(self.chance.uniform(0.05, 2.5))
        if self.policy == "everysec" and self.chance.random() < 0.2:
            time.sleep(1.5)  # so that what was written first is older than a second
        ended = self.end(how)
        # before the power cut, which ends the journal
        allowed = self.allowed_age(how, ended)
        said = self.disk.cut_power(self.chance) if how == "power" else []
        for line in said:
            self.note(line)
        self.slow_ms = self.chance.choice([0, 0, 0, self.chance.randint(20, 400)])
        self.server.environment.update(self.disk.environment(self.slow_ms))
        self.server.start()
        with self.server.client(CLIENT_SECONDS) as client:
            for writer in self.writers:
                self.check(writer, client, how, ended, allowed)
        if self.snapshot_holds and self.chance.random() < 0.2:
            self.check_snapshot()

    def begin(self) -> None:
        """Sets the ways of saving, and lets the writers write. The server has just started."""
        self.switched_on = self.is_on = True
        self.log_holds = self.acknowledged()
        self.pulse.latest = 0.0
        with self.server.client(CLIENT_SECONDS) as client:
            # so that a save of few keys lasts, and something can happen meanwhile
            client("CONFIG", "SET", "rdb-key-save-delay", self.chance.choice([0, 2000, 20_000]))
            client("CONFIG", "SET", "snapshot-method", self.chance.choice(["auto", "fork", "walk"]))
            client("CONFIG", "SET", "aof-use-rdb-preamble", self.chance.choice(["yes", "yes", "no"]))
        for writer in self.writers:
            writer.start(self.server)

    def acknowledged(self) -> dict[str, int]:
        """What each writer was told until now."""
        return {writer.key: writer.acknowledged for writer in self.writers}

    def disturb(self, seconds: float) -> None:
        """Snapshots, rewrites, killed children and switching the log off and on, while the writers write."""
        end = time.monotonic() + seconds
        with self.server.client(CLIENT_SECONDS) as client:
            while (left := end - time.monotonic()) > 0:
                # one soon after the other as often as not, so that they meet each other at work
                time.sleep(min(left, self.chance.choice([self.chance.uniform(0.0, 0.03), self.chance.uniform(0.01, 0.8)])))
                action = self.chance.choice(ACTIONS)
                self.note(action)
                self.figures.actions[action] += 1
                self.act(action, client)
            if self.chance.random() < 0.7:
                self.wait_until_on(client)
            self.learn(client)
            self.note(f"the log is {'on' if self.is_on else 'being prepared' if self.switched_on else 'off'}")

    def act(self, action: str, client: RawClient) -> None:
        """One of ACTIONS."""
        holds = self.acknowledged()
        if action == "kill child":
            self.kill_children()
        elif action == "switch":
            self.switch(client)
        elif action == "switch to and fro":
            for step in self.chance.choices(["switch", "switch", "BGREWRITEAOF"], k=self.chance.randint(2, 8)):
                self.note(step)
                self.act(step, client)
        elif action == "wait until on":
            self.wait_until_on(client)
        elif action == "BGSAVE":
            if client("BGSAVE").value == b"Background saving started":
                self.wait_for_snapshot(client, holds)
        elif action == "BGREWRITEAOF":
            done = rewrites(client)
            started = client("BGREWRITEAOF").value == b"Background append only file rewriting started"
            if started and not self.switched_on:
                self.wait_for_base(client, holds, done)

    def switch(self, client: RawClient) -> None:
        """Switches the log off or on."""
        self.learn(client)
        was_on = self.is_on
        holds = self.acknowledged()
        self.is_on = False
        self.switched_on = not self.switched_on
        whole(client("CONFIG", "SET", "appendonly", "yes" if self.switched_on else "no").value == b"OK", "the log could not be switched")
        if was_on:
            self.log_holds = holds

    def wait_until_on(self, client: RawClient) -> None:
        """Has the log on, unless killed children keep it from getting its base for long."""
        if not self.switched_on:
            self.switch(client)
        deadline = time.monotonic() + 3
        while not self.is_on and time.monotonic() < deadline:
            time.sleep(0.01)
            self.learn(client)

    def learn(self, client: RawClient) -> None:
        """Notes whether the log is on."""
        fields = client("INFO", "persistence").value
        self.is_on = self.switched_on and b"aof_rewrite_in_progress:0" in fields and b"aof_rewrite_scheduled:0" in fields

    def wait_for_base(self, client: RawClient, holds: dict[str, int], done: int) -> None:
        """Now and then waits until the base of a log that is off is in its place, and notes what it has to hold."""
        patience = self.chance.choice([0.0, 0.98])
        while self.chance.random() < patience:
            if b"aof_rewrite_in_progress:0" in client("INFO", "persistence").value:
                if rewrites(client) > done:
                    self.log_holds = holds
                return
            time.sleep(0.01)

    def wait_for_snapshot(self, client: RawClient, holds: dict[str, int]) -> None:
        """Now and then waits until the snapshot is in its place, and notes what it has to hold."""
        while self.chance.random() < 0.95:
            fields = client("INFO", "persistence").value
            if b"rdb_bgsave_in_progress:0" in fields:
                if b"rdb_last_bgsave_status:ok" in fields:
                    self.snapshot_holds = holds
                return
            time.sleep(0.01)

    def kill_children(self) -> None:
        """kill -9 for each process that the server has started."""
        for child in self.children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def end(self, how: str) -> float:
        """Ends the server; the moment (monotonic seconds)."""
        self.note(f"{how}, sync takes {self.slow_ms} ms")
        self.figures.ends[how] += 1
        self.figures.on += self.is_on
        if not self.server.alive():
            raise Broken(f"the server has ended by itself\n{self.server.log()[-3000:]}")
        if how in TROUBLES and self.is_on:
            self.trouble(self.disk.full if how == "full" else self.disk.fails)
        children = self.children()
        ended = time.monotonic()
        if how == "SIGTERM":
            if not self.is_on:
                # it would not leave before it has a base
                with self.server.client(CLIENT_SECONDS) as client:
                    client("CONFIG", "SET", "appendonly", "no")
            self.server.terminate(PATIENCE)
        else:
            self.server.kill()
        for writer in self.writers:
            writer.join()
            if writer.refusal is not None and not (how in TROUBLES and writer.refusal.value.startswith(REFUSALS)):
                raise Broken(f"{writer.key} was refused: {writer.refusal}")
        wait_for_end(children)
        return ended

    def trouble(self, trouble: Path) -> None:
        """Has the disk fail until nobody is told any more that something was written, and then get well. Under always the store ends."""
        trouble.touch()
        deadline = time.monotonic() + PATIENCE
        for writer in self.writers:
            assert writer.thread is not None
            writer.thread.join(max(0.0, deadline - time.monotonic()))
            whole(not writer.thread.is_alive(), f"{writer.key} is still written to, {PATIENCE} seconds after {trouble.name}")
        trouble.unlink()
        if self.policy == "always":
            return
        with self.server.client(CLIENT_SECONDS) as client:
            while client("SET", "afterwards", 1).is_error and time.monotonic() < deadline + PATIENCE:
                time.sleep(0.01)
            self.note(f"after {trouble.name} the log is well again")
            if self.policy == "no":
                return
            done = client("WAITAOF", 1, 0, 1000 * int(PATIENCE))
            whole(done.plain() == [1, 0], f"the log is not on disk, {PATIENCE} seconds after {trouble.name} has ended: {done}")

    def children(self) -> list[int]:
        """The processes that the server has started."""
        if not self.server.alive():
            return []
        assert self.server.process is not None
        pid = self.server.process.pid
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def allowed_age(self, how: str, ended: float) -> float:
        """How long before the end an acknowledgement may be that did not last, in seconds; below 0: none may. The server has ended."""
        if not self.is_on:
            return float("inf")
        if self.policy == "always" or how == "SIGTERM" or how in TROUBLES:
            return -SECOND
        if self.policy == "no" and how == "power":
            return float("inf")
        assert self.server.process is not None
        journal = self.disk.journal()
        cut_off = [ended - began / 1e6 for began, process in journal.under_way.items() if process == self.server.process.pid]
        longest = max([journal.longest_sync, self.slow_ms / 1000, *cut_off])
        return longest + max(SLACK, TICK + self.pulse.latest) + (SECOND if how == "power" else 0)

    def check(self, writer: Writer, client: RawClient, how: str, ended: float, allowed: float) -> None:
        """Holds what the server has against what it promised to the writer."""
        found = writer.highest(client)
        self.note(f"{writer.key}: sent {writer.sent}, acknowledged {writer.acknowledged}, found {found}")
        whole(found <= writer.sent, f"{writer.key}: {found} was never sent")
        lost = [at for at, n in writer.acknowledgements if n > found]
        self.figures.acknowledged += len(writer.acknowledgements)
        self.figures.unlogged += 0 if self.is_on else len(writer.acknowledgements)
        least = self.log_holds[writer.key]
        whole(found >= least, f"{writer.key}: {found} is less than {least}, which the log's files had")
        if lost and self.is_on:
            age = ended - lost[0]
            self.figures.lost[how] += len(lost)
            self.figures.oldest[how] = max(self.figures.oldest.get(how, 0.0), age)
            whole(age <= allowed, f"{writer.key}: {len(lost)} acknowledged numbers are lost, the oldest {age:.3f} s before the end")
        writer.sent = writer.acknowledged = found
        if writer.key in self.snapshot_holds:
            # one that took its place unseen may have begun after this start
            self.snapshot_holds[writer.key] = min(self.snapshot_holds[writer.key], found)

    def check_snapshot(self) -> None:
        """Loads the snapshot elsewhere: it is whole, and holds what was acknowledged before it began."""
        self.figures.snapshots += 1
        elsewhere = self.folder / "snapshot"
        elsewhere.mkdir(exist_ok=True)
        shutil.copy(self.disk.folder / "dump.rdb", elsewhere)
        server = servers.start_server(folder=elsewhere)
        try:
            with server.client(CLIENT_SECONDS) as client:
                for writer in self.writers:
                    found = writer.highest(client)
                    least = self.snapshot_holds[writer.key]
                    whole(found >= least, f"the snapshot holds {found} of {writer.key}, not {least}")
        finally:
            server.stop()
            shutil.rmtree(elsewhere)


def start_engine(*options: str, folder: Path, environment: Mapping[str, str]) -> ServerProcess:
    """An engine in process that is reached like a server."""
    port = servers.free_port()
    command = [sys.executable, str(Path(__file__).with_name("engine_server.py")), "--port", str(port), "--dir", str(folder), *options]
    return ServerProcess(command, port, folder, cwd=Path(__file__).parents[2], environment=environment)


def is_running(pid: int) -> bool:
    """Whether there is such a process, and not only what is left of it for its parent to see."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        # it may go while the file is read
        return False


def wait_for_end(pids: list[int]) -> None:
    """Until these processes, which nobody waits for any more, are gone: a machine that lost its power runs nothing on."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        while is_running(pid):
            time.sleep(0.001)


@contextlib.contextmanager
def kept_on_failure(folder: Path) -> Iterator[None]:
    """Removes the folder, unless something failed in it."""
    yield
    shutil.rmtree(folder)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.persistence.crash", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    parser.add_argument("--policy", choices=POLICIES, default="always")
    parser.add_argument("--in-process", action="store_true", help="an engine kept in a folder, in the place of a server")
    parser.add_argument("--folder", type=Path, default=None, help="where the server's files are kept (default: a temporary folder)")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="zippy-crash-"))
    print(f"seed={options.seed} policy={options.policy} folder={folder}", flush=True)
    try:
        with kept_on_failure(folder):
            figures = Crash(folder, options.policy, options.seed, options.in_process).run(options.seconds)
    except Broken as error:
        print(f"{error}\nEverything is left in {folder}", file=sys.stderr)
        return 1
    print(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
