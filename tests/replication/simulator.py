"""Servers that replicate, in one process and in simulated time: cores with the program's own snapshots and replication around them, on an
event loop without sockets (`network`). Links break at any byte, bytes are late and come in pieces, hosts cannot reach each other, servers
crash and come back with what their last snapshot has, saves fail, backlogs are too small, while clients write and somebody has servers
follow others, promotes replicas and fails over. All of it follows from a seed, so a failure replays exactly.

    python -m tests.replication.simulator --seeds 1000
    python -m tests.replication.simulator --seed 17 --verbose

Checked after each step: whoever has a part of a history has what its primary had at this offset, so nothing was applied twice, left out or
gone on with where histories differ; what a replica has acknowledged it has, until a full copy or a crash takes it. After each quiet point:
all have their primary's data, id and offset.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import shutil
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.replication.network import START, WINDOW, End, Network
from tests.resp import request
from zippy._core.callback_transport import CallbackTransport
from zippy._core.client_list import ClientState
from zippy._core.introspection import dataset_digest, keyspace_fault
from zippy._core.session import Session, blocks_left_behind
from zippy._core.snapshot import flush
from zippy._core.transport import StreamProtocol, StreamTransport
from zippy.persistence import background
from zippy.persistence.folder_lock import FolderError, FolderLock
from zippy.persistence.snapshots import Snapshots
from zippy.replication import copies, follower
from zippy.replication.failover import RUNNING
from zippy.replication.history import NONE
from zippy.replication.primary import State
from zippy.replication.service import Replication
from zippy.server.parts import Parts
from zippy.setting_types import parse
from zippy.settings import Settings, find_setting

WALL_CLOCK = 2_000_000_000  # seconds since the epoch, later than now
PORT = 6379
SETTINGS = {
    "save": "", "snapshot-method": "walk", "port": str(PORT), "rdb-save-incremental-fsync": "no", "slowlog-log-slower-than": "-1",
    "databases": "4", "repl-ping-replica-period": "1",
}  # fmt: skip
CRON_SECONDS = 0.1
LOOK_SECONDS = 0.02
ROUNDS = (1, 3)  # of chaos with quiet behind it
STEPS = (15, 40)  # of each
QUIET_SECONDS = 90.0
EXPIRY_MS = 2000  # at most
LOG, COUNT = b"log", b"count"
SMALL: tuple[tuple[Any, str, Any], ...] = (
    (background, "STEP_US", 10**12), (background, "ALL_KEYS", 3), (background, "PIECE", 100), (copies, "MOST_UNSENT", 600),
    (copies, "CHUNK", 250), (follower, "STEP", 100), (follower, "MOST_HELD", 300),
)  # fmt: skip
"""What steps of saving, sending and loading are bound by, in place of time: so even small copies take many."""
LOADS = ("disabled", "on-empty-db", "swapdb")
"""What repl-diskless-load can be."""


class Violation(AssertionError):
    """What must never be."""


@dataclass
class Record:
    """What a history's primary wrote under one id: from the offset on with this log; before that the parent's, up to `parted`."""

    offset: int
    log: list[bytes]
    parent: str = NONE
    parted: int = -1
    entries: list[tuple[int, bytes]] = field(default_factory=list)  # the offset behind each that was added to the log


class Disk:
    """Does the jobs of a DiskThread, in time that is simulated."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.fails = 0.0  # probability
        self.busy_until = 0.0

    def start(self) -> None:
        """See DiskThread."""

    def submit(self, work: Callable[[], None], done: Callable[[int], object]) -> None:
        """See DiskThread."""
        loop = self.network.loop
        self.busy_until = max(self.busy_until, loop.time()) + self.network.chance.random() * 0.05

        def run() -> None:
            error = 0
            try:
                work()
            except OSError as raised:
                error = raised.errno or 1
            if self.network.chance.random() < self.fails:
                self.network.done["disk"] += 1
                error = 5
            done(error)

        loop.call_at(self.busy_until, run)


class Client:
    """A client in the server's own process."""

    def __init__(self, server: Server) -> None:
        self.core = server.parts.core
        self.received = b""
        self.session = Session(self.core, CallbackTransport(self.take, Session.close), b"127.0.0.1:1")

    def take(self, session: Session) -> None:
        """The transport's output."""
        self.received += session.take_output()

    def __call__(self, *words: bytes | str | int) -> bytes:
        """The reply to a command, b"" if there is none yet."""
        return self.send(request(*words))

    def send(self, data: bytes) -> bytes:
        """The replies to commands."""
        self.received = b""
        self.session.feed(data)
        self.core.end_turn()
        return self.received


class Server:
    """One life of a node: core, snapshots and replication, put together as app.py does it."""

    def __init__(self, simulation: Simulation, node: Node) -> None:
        self.network = simulation.network
        self.node = node
        self.settings = settings = Settings()
        own = {"dir": str(node.folder), "bind-source-addr": node.host}
        for name, value in {**SETTINGS, **own, **node.settings}.items():
            setting = find_setting(name)
            assert setting is not None
            settings.put(setting, parse(setting, value))
        self.parts = Parts(settings)
        core = self.parts.core
        core.log_exception = lambda text, **_: simulation.problem(f"{node.host}: {text}")
        core.schedule_turn_end = self.network.loop.call_soon
        core.set_input_time(node.input_us)
        self.keep_time()
        self.snapshots = Snapshots(core, settings, self.network.loop, FolderLock(alone=False))
        self.disk = Disk(self.network)
        self.snapshots.disk = self.disk  # type: ignore[assignment]
        self.parts.join(self.snapshots)
        self.replication = Replication(core, settings, self.snapshots, self.no_context, self.network.loop.time)
        self.snapshots.origin = self.replication.origin
        self.parts.join(self.replication)
        self.replication.relay.keep(node.backlog)
        self.ends: dict[Session, End] = {}
        self.client = Client(self)

    @staticmethod
    def no_context() -> Any:
        """There is no TLS."""
        raise AssertionError("nobody wants TLS")

    def start(self, primary: str) -> None:
        """Begins with what is on disk, or with nothing if that is damaged. primary: whom it follows, "": nobody."""
        try:
            self.snapshots.load_at_start()
        except FolderError:
            self.snapshots.path.unlink()
            flush(self.parts.core)
            self.node.forget_promises()
        self.snapshots.on_copied = self.node.forget_promises
        self.network.listeners[self.node.host] = self.accept
        self.replication.begin(self.snapshots.loaded, (primary, PORT) if primary else None)
        self.network.loop.call_later(CRON_SECONDS * self.network.chance.random(), self.cron)

    def accept(self, end: End) -> StreamProtocol:
        """Somebody connects."""

        def admit(transport: StreamTransport, stream: End, is_tls: bool) -> Session:
            address = f"{stream.other_host}:{PORT}"
            session = Session(self.parts.core, transport, address.encode(), ClientState(self.node.host))
            self.ends[session] = end
            return session

        return StreamProtocol(admit)

    def keep_time(self) -> None:
        """Sets the core's clock."""
        self.parts.core.set_clock(WALL_CLOCK * 1_000_000 + int((self.network.loop.time() - START) * 1e6))

    def cron(self) -> None:
        """What time brings, as long as this life lasts."""
        if self.node.server is not self:
            return
        self.network.loop.call_later(CRON_SECONDS, self.cron)
        self.keep_time()
        self.parts.core.cron()
        self.parts.core.expire(10**9)
        self.snapshots.cron()
        self.replication.cron()
        self.ends = {session: end for session, end in self.ends.items() if session.id}

    def end(self) -> None:
        """Ends at once: nobody hears of it but by what becomes of connections."""
        self.network.listeners.pop(self.node.host, None)
        self.node.server = None
        self.network.vanish(self.node.host)
        mine = self.replication
        self.network.done.update({"full copies": mine.full, "gone on": mine.partial_ok, "not gone on": mine.partial_err})
        if self.replication.follower is not None:
            self.replication.follower.transport = None
        self.replication.stop(None)
        self.snapshots.cancel()
        self.snapshots.folder_lock.leave()
        for session in list(self.parts.core.sessions.values()):
            session.close()

    # What it holds

    @property
    def is_loading(self) -> bool:
        """Whether a copy is taking the place of what is there."""
        found = self.replication.follower
        return found is not None and found.loading is not None

    @property
    def is_busy(self) -> bool:
        """Whether a copy comes or goes, or a failover is under way."""
        mine = self.replication
        return (
            self.is_loading or mine.copies.served != [] or mine.failover.holds or (mine.follower is not None and mine.follower.is_syncing)
        )

    def log(self) -> list[bytes]:
        """The values of the list that is appended to."""
        reply = self.client("LRANGE", LOG, 0, -1)
        if not reply.startswith(b"*"):
            raise Violation(f"{self.node.host} cannot be read: {reply!r}")
        return reply.split(b"\r\n")[2::2]

    def describe(self) -> str:
        """For messages."""
        mine = self.replication
        state = "" if mine.follower is None else f" of {mine.address} {mine.follower.state} partial={mine.follower.partial}"
        return f"{self.node.host}{state} id={mine.history.id[:6]} second={mine.history.second[:6]}:{mine.history.second_end} " \
               f"offset={mine.relay.offset} first={mine.relay.first} log={'-' if self.is_loading else len(self.log())}"  # fmt: skip


@dataclass(eq=False)
class Node:
    """One server through all of its lives."""

    number: int
    folder: Path
    settings: dict[str, str]
    input_us: int
    backlog: int
    server: Server | None = None
    promised: list[bytes] = field(default_factory=list)  # what has been acknowledged of the log
    primary: str = ""  # whom it follows after a restart
    excused: bool = False  # somebody made it a primary, or it came back with what its snapshot had: a failover would find it behind

    @property
    def host(self) -> str:
        """Its address."""
        return f"10.0.0.{self.number + 1}"

    def forget_promises(self) -> None:
        """What it has acknowledged is gone, and may be."""
        self.promised = []


class Simulation:
    """The life of some servers."""

    def __init__(self, seed: int, verbose: bool = False) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.verbose = verbose
        self.network = Network(self.chance)
        self.network.trace = self.trace
        self.checksum = 0  # of all that was delivered, and when
        self.records: dict[str, Record] = {}
        self.token = 0
        self.checks = self.quiets = 0
        self.done: Counter[str] = self.network.done
        self.nodes: list[Node] = []
        self.folder = Path()

    def trace(self, end: End, data: bytes) -> None:
        """Bytes are delivered."""
        self.checksum = zlib.crc32(data, zlib.crc32(f"{end.host} {self.network.loop.time():.9f}".encode(), self.checksum))

    def say(self, text: str) -> None:
        """Tells what happens, if that is wished."""
        if self.verbose:
            print(f"{self.network.loop.time() - START:9.4f} {text}", flush=True)

    def problem(self, text: str) -> None:
        """Something that nobody has caught."""
        found = sys.exc_info()[1]
        self.network.loop.problems.append(found if found is not None else text)

    def fail(self, text: str) -> Violation:
        """A violation, with what all servers are."""
        lines = [node.server.describe() if node.server is not None else f"{node.host} is down" for node in self.nodes]
        return Violation(f"seed {self.seed}: {text}\n" + "\n".join(lines))

    # The whole

    def run(self) -> None:
        """All of it. Violation."""
        loop = self.network.loop
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
        left = blocks_left_behind()
        patches = [patch.object(module, name, value) for module, name, value in (*SMALL, (os, "urandom", self.chance.randbytes))]
        try:
            for one in patches:
                one.start()
            loop.run_until_complete(self.live())
        finally:
            for node in self.nodes:
                if node.server is not None:
                    node.server.end()
            for one in patches:
                one.stop()
            loop.close()
            shutil.rmtree(self.folder)
        self.nodes.clear()
        if blocks_left_behind() != left:
            raise Violation(f"seed {self.seed}: {blocks_left_behind() - left} blocks of memory are left behind")

    async def live(self) -> None:
        """What happens, in order."""
        for number in range(self.chance.choice((2, 3, 3, 4))):
            self.nodes.append(self.new_node(number))
            self.restart(self.nodes[-1])
        for _ in range(self.chance.randint(*ROUNDS)):
            for _ in range(self.chance.randint(*STEPS)):
                self.disturb()
                await self.pass_time(self.chance.random() * self.chance.choice((0.05, 0.5, 1.5)))
            await self.quieten()

    def new_node(self, number: int) -> Node:
        """A node with settings of its own."""
        choice = self.chance.choice
        folder = self.folder / str(number)
        folder.mkdir()
        settings = {
            "repl-diskless-sync": choice(("yes", "no")), "repl-diskless-sync-delay": choice(("0", "0", "1")),
            "repl-diskless-load": choice(LOADS), "repl-timeout": choice(("3", "10")),
            "rdbcompression": choice(("yes", "no")), "repl-backlog-ttl": choice(("0", "3", "3600")),
            "rdb-del-sync-files": choice(("yes", "no")),
        }  # fmt: skip
        return Node(number, folder, settings, choice((0, 10**9)), choice((100, 1500, 10**6)))

    async def pass_time(self, seconds: float, calm: bool = False) -> None:
        """Lets time pass, and looks at everything behind it. calm: nobody interferes while it does."""
        end = self.network.loop.time() + seconds
        while (left := end - self.network.loop.time()) > 0:
            await asyncio.sleep(min(left, LOOK_SECONDS))
            if any(server.replication.failover.holds for server in self.alive()):
                # what it comes to is seen for a moment alone
                self.check()
            loading = [server for server in self.alive() if server.is_loading]
            if loading and not calm and self.chance.random() < 0.2:
                self.interrupt(self.chance.choice(loading))
        self.check()

    def interrupt(self, server: Server) -> None:
        """Somebody has something else in mind with a server that is loading a copy, or the copy is damaged on its disk."""
        path = server.replication.follower.path if server.replication.follower is not None else None
        if path is not None and self.chance.random() < 0.5:
            self.done["damaged"] += 1
            with path.open("r+b") as file:
                file.seek(self.chance.randrange(path.stat().st_size))
                file.write(b"\xff")
            return
        self.done["interrupted"] += 1
        if self.chance.random() < 0.3:
            self.command(server, "CONFIG", "SET", "repl-diskless-load", self.chance.choice(LOADS))
            return
        others = [node for node in self.nodes if node is not server.node and (node.host, PORT) != server.replication.address]
        if not others or self.chance.random() < 0.5:
            self.lead(server)
        else:
            self.command(server, "REPLICAOF", self.chance.choice(others).host, PORT)

    # What happens

    def alive(self) -> list[Server]:
        """The servers that are up."""
        return [node.server for node in self.nodes if node.server is not None]

    def disturb(self) -> None:
        """Somebody writes, works on the servers, or something goes wrong."""
        for server in self.alive():
            for _ in range(self.chance.randrange(4)):
                self.write(server)
        choices: list[tuple[int, Callable[[], None]]] = [
            (6, self.break_link), (6, self.repoint), (3, self.promote), (3, self.fail_over), (3, self.crash), (4, self.change_network),
            (2, self.part), (2, self.save), (1, self.kill_clients), (1, self.change_setting), (3, lambda: None), (2, self.restart_some),
        ]  # fmt: skip
        self.chance.choices([work for _, work in choices], [weight for weight, _ in choices])[0]()

    def command(self, server: Server, *words: bytes | str | int) -> bytes:
        """What an administrator's command is answered."""
        client = Client(server)
        reply = client(*words)
        client.session.close()
        self.say(f"{server.node.host} {' '.join(map(str, words))} -> {reply[:60]!r}")
        return reply

    def write(self, server: Server) -> None:
        """A client writes something."""
        self.note(server)
        chance, client = self.chance, Client(server)
        what = chance.randrange(10)
        if what < 6:
            self.write_log(server, client, what)
        else:
            n, word = chance.randrange(9), chance.randbytes(chance.choice((3, 20, 300)))
            client("SELECT", chance.randrange(3))
            client.send({
                6: request("APPEND", f"s{n}", word) + request("INCRBY", f"n{n}", n)
                   + request("SET", f"e{n}", n, "PX", chance.randint(1, EXPIRY_MS)),
                7: request("SADD", f"x{n}", word, n) + request("ZINCRBY", f"z{n}", n, word) + request("LPUSH", f"l{n}", word) * 3,
                8: request("HINCRBY", f"h{n}", n, n) + request("XADD", f"t{n}", "*", "f", word) + request("PUBLISH", "channel", word),
                9: request("DEL", f"s{n}", f"x{n}") + request("RPOP", f"l{n}") + request("EXPIRE", f"z{n}", 1)
                   + request("EVAL", "redis.call('SET', KEYS[1], 1) redis.call('INCR', KEYS[1])", 1, f"v{n}"),
            }[what])  # fmt: skip
        client.session.close()

    def write_log(self, server: Server, client: Client, what: int) -> None:
        """A client appends the next token to the log, alone, in a transaction or in a script."""
        self.token += 1
        token = b"%d" % self.token
        if what < 3:
            reply = client("RPUSH", LOG, token)
        elif what < 5:
            words = request("MULTI") + request("SELECT", 0) + request("RPUSH", LOG, token) + request("SET", "last", token) + request("EXEC")
            reply = client.send(words).partition(b"\r\n*")[1]
        else:
            reply = client("EVAL", "redis.call('SET', 'last', ARGV[1]) return redis.call('RPUSH', 'log', ARGV[1])", 0, token)
        if not reply or reply.startswith(b"-"):
            # writes are paused or refused
            return
        record = self.records.get(server.replication.history.id)
        offset = server.replication.relay.offset
        if record is not None and server.replication.relay.active:
            record.entries.append((offset, token))

    def pick(self, wanted: Callable[[Server], bool] = lambda server: True) -> Server | None:
        """One of the servers, if there is one; rather one that is in the middle of something."""
        found = [server for server in self.alive() if wanted(server)]
        if self.chance.random() < 0.5:
            found = [server for server in found if server.is_busy] or found
        return self.chance.choice(found) if found else None

    def break_link(self) -> None:
        """A connection breaks."""
        ends = self.network.living()
        if ends:
            end = self.chance.choice(ends)
            self.done["broken"] += 1
            self.say(f"link {end.host} -> {end.other_host} breaks")
            self.network.break_off(end)

    def repoint(self) -> None:
        """Somebody has a server follow another one, whatever comes of it."""
        server = self.pick()
        if server is not None and len(self.nodes) > 1:
            other = self.chance.choice([node for node in self.nodes if node is not server.node])
            self.done["replicaof"] += 1
            self.command(server, "REPLICAOF", other.host, PORT)

    def promote(self) -> None:
        """A replica becomes a primary, and some of the others follow it, or one of those."""
        server = self.pick(lambda server: server.replication.is_replica)
        if server is None:
            return
        self.done["promoted"] += 1
        self.lead(server)
        self.look_at_promises(server)
        tops = [server]
        for other in self.alive():
            if other is not server and self.chance.random() < 0.8:
                self.command(other, "REPLICAOF", self.chance.choice(tops).node.host, PORT)
                tops.append(other)

    def lead(self, server: Server) -> None:
        """Somebody has a server be a primary."""
        if self.command(server, "REPLICAOF", "NO", "ONE").startswith(b"+"):
            server.node.excused = True

    def fail_over(self) -> None:
        """A primary is to hand over its role."""
        server = self.pick(lambda server: not server.replication.is_replica)
        if server is None:
            return
        words: list[str | int] = []
        if self.chance.random() < 0.5:
            other = self.chance.choice(self.nodes)
            words += ["TO", other.host, PORT]
            if self.chance.random() < 0.3:
                words.append("FORCE")
        words += ["TIMEOUT", self.chance.choice((50, 2000))]
        self.done["failover"] += self.command(server, "FAILOVER", *words).startswith(b"+")

    def crash(self) -> None:
        """A server dies, or is ended in good order."""
        server = self.pick()
        if server is None:
            return
        node = server.node
        node.primary = server.replication.address[0] if server.replication.address is not None else ""
        if self.chance.random() < 0.3 and not server.is_loading:
            self.done["stopped"] += 1
            self.say(f"{node.host} is stopped")
            server.snapshots.stop(True)
        else:
            self.done["crashed"] += 1
            self.say(f"{node.host} crashes")
            node.forget_promises()
        server.end()
        if self.chance.random() < 0.2:
            self.say(f"{node.host} loses its snapshot")
            node.forget_promises()
            (node.folder / "dump.rdb").unlink(missing_ok=True)
        self.network.loop.call_later(self.chance.random() * 3, self.restart, node)

    def restart_some(self) -> None:
        """A server that is down comes back at once."""
        down = [node for node in self.nodes if node.server is None]
        if down:
            self.restart(self.chance.choice(down))

    def restart(self, node: Node) -> None:
        """A node comes back, as what it was or as a primary."""
        if node.server is not None or not self.nodes:
            return
        server = Server(self, node)
        node.server = server
        server.start(node.primary if self.chance.random() < 0.8 else "")
        self.say(f"restarted: {server.describe()}")
        node.excused = True
        self.note(server)

    def change_network(self) -> None:
        """The network is better or worse from now on."""
        chance, network = self.chance, self.network
        network.turn_seconds = chance.choice((1e-5, 1e-4, 5e-3, 2e-2))
        network.slowness = chance.choice((0.0001, 0.005, 0.1, 0.5))
        network.splits = chance.choice((0.0, 0.2, 0.9))
        network.window = chance.choice((300, 3000, WINDOW))
        network.refusals = chance.choice((0.0, 0.0, 0.3))
        self.done["network"] += 1
        for server in self.alive():
            server.disk.fails = chance.choice((0.0, 0.0, 0.3))

    def part(self) -> None:
        """Some servers cannot reach each other for a while."""
        one, other = self.chance.choice(self.nodes), self.chance.choice(self.nodes)
        if one is not other:
            self.done["cut"] += 1
            self.say(f"{one.host} and {other.host} cannot reach each other")
            self.network.cut.add(frozenset((one.host, other.host)))
            self.network.loop.call_later(self.chance.random() * 6, self.network.mend)

    def save(self) -> None:
        """Somebody has a server save."""
        server = self.pick()
        if server is not None:
            self.done["saved"] += 1
            self.command(server, self.chance.choice(("SAVE", "BGSAVE", "BGSAVE")))

    def kill_clients(self) -> None:
        """Somebody closes connections of replication."""
        server = self.pick()
        if server is not None:
            self.done["killed"] += 1
            self.command(server, "CLIENT", "KILL", "TYPE", self.chance.choice(("master", "replica")))

    def change_setting(self) -> None:
        """Another way of making copies, or another backlog."""
        server = self.pick()
        if server is not None:
            name = self.chance.choice(("repl-diskless-sync", "repl-diskless-load"))
            value = self.chance.choice(("yes", "no") if name == "repl-diskless-sync" else LOADS)
            server.node.settings[name] = value
            self.command(server, "CONFIG", "SET", name, value)
            server.node.backlog = self.chance.choice((100, 1500, 10**6))
            server.replication.relay.keep(server.node.backlog)
            self.done["setting"] += 1

    # What is checked

    def note(self, server: Server) -> None:
        """Notes under which id a primary writes from now on, and what it has there."""
        mine = server.replication
        if mine.is_replica or not mine.relay.active or mine.history.id in self.records:
            return
        self.records[mine.history.id] = Record(mine.relay.offset, server.log(), mine.history.second, mine.history.second_end - 1)

    def expected(self, history_id: str, offset: int) -> list[bytes] | None:
        """The log of a history at an offset; None: nobody has seen its beginning."""
        record = self.records.get(history_id)
        if record is None:
            return None
        if offset < record.offset and record.parent != NONE and offset < record.parted:
            return self.expected(record.parent, offset)
        return record.log + [token for end, token in record.entries if end <= offset]

    def check(self) -> None:
        """Looks at everything between two events. Violation."""
        if self.network.loop.problems:
            error = self.network.loop.problems[0]
            raise self.fail(f"{type(error).__name__} {error}") from (error if isinstance(error, BaseException) else None)
        self.checks += 1
        for server in self.alive():
            if not server.is_loading:
                self.note(server)
        for server in self.alive():
            server.replication.fields()
            if server.replication.follower is not None and server.replication.follower.state == "connected":
                server.node.excused = False
            if server.is_loading or (server.replication.follower is not None and not server.replication.follower.partial):
                server.node.forget_promises()
            if not server.is_loading:
                self.look_at_log(server)
            self.look_at_acknowledged(server)
            self.look_at_failover(server)
        for server in self.alive():
            self.look_at_promises(server)

    def look_at_log(self, server: Server) -> None:
        """A server has what its history had at its offset, each token once and in order."""
        log = server.log()
        numbers = [int(token) for token in log]
        if any(one >= other for one, other in pairwise(numbers)):
            raise self.fail(f"{server.node.host} has applied something twice, or not in order: {log}")
        origin = server.replication.origin()
        if origin is None:
            return
        _, history_id, offset = origin
        wanted = self.expected(history_id, offset)
        if wanted is not None and wanted != log:
            raise self.fail(f"{server.node.host} is not what {history_id} was at {offset}: it has {log[-9:]}, not {wanted[-9:]}")

    def look_at_acknowledged(self, server: Server) -> None:
        """What replicas have acknowledged they have, and promise to keep."""
        for session, replica in server.replication.replicas.items():
            end = server.ends.get(session)
            if replica.state is not State.ONLINE or end is None or not session.id:
                continue
            node = self.nodes[number_of(end.other_host)]
            other = node.server
            follows: Any = other.replication.follower if other is not None else None
            if other is None or follows is None or follows.transport is not end.peer or follows.state != "connected":
                continue
            if replica.acked > other.replication.relay.offset:
                raise self.fail(f"{node.host} has acknowledged {replica.acked} and is at {other.replication.relay.offset}")
            promised = self.expected(server.replication.history.id, replica.acked)
            if promised is not None and len(promised) > len(node.promised):
                node.promised = promised

    def look_at_failover(self, server: Server) -> None:
        """Who has taken over has all that the primary had that waited for it."""
        failover = server.replication.failover
        if failover.state != RUNNING or failover.force or failover.target is None or server.is_loading:
            return
        other = self.nodes[number_of(failover.target[0])].server
        if other is None or other.replication.is_replica or other.node.excused:
            return
        self.done["handed over"] += 1
        log = server.log()
        if other.log()[: len(log)] != log:
            raise self.fail(f"{other.node.host} has taken over from {server.node.host}, which had {log[-9:]}")

    def look_at_promises(self, server: Server) -> None:
        """What a server has acknowledged as a replica is there, whatever it is now."""
        node = server.node
        if node.promised and not server.is_loading:
            log = server.log()
            if log[: len(node.promised)] != node.promised:
                raise self.fail(f"{node.host} has acknowledged {node.promised[-9:]} and has {log[-9:]}")

    # Quiet

    async def quieten(self) -> None:
        """Mends everything, has all servers follow one, directly or by way of another, and waits until they agree. Violation."""
        chance, network = self.chance, self.network
        network.turn_seconds, network.slowness, network.splits = 1e-5, 0.001, chance.choice((0.0, 0.5))
        network.window, network.refusals = WINDOW, 0.0
        network.mend()
        self.say("all is mended")
        for node in self.nodes:
            self.restart(node)
        end = network.loop.time() + QUIET_SECONDS
        while any(server.replication.failover.holds or server.is_loading for server in self.alive()):
            # REPLICAOF would be refused
            if network.loop.time() > end:
                raise self.fail("a failover does not end, or a copy is loaded for ever")
            await self.pass_time(0.5, calm=True)
        servers = self.alive()
        chance.shuffle(servers)
        servers.sort(key=lambda server: server.replication.is_replica)
        for server in servers:
            server.disk.fails = 0.0
        self.lead(servers[0])
        for number, server in enumerate(servers[1:], 1):
            self.command(server, "REPLICAOF", servers[chance.choice((0, number - 1))].node.host, PORT)
        self.write(servers[0])
        end = network.loop.time() + QUIET_SECONDS
        # what expires has to have done so everywhere: clocks are not set at the same moments
        await self.pass_time(EXPIRY_MS / 1000 + 0.2, calm=True)
        while not all(self.agree(servers[0], server) for server in servers[1:]):
            if network.loop.time() > end:
                raise self.fail("the servers do not come to rest")
            await self.pass_time(0.5, calm=True)
        self.quiets += 1
        digest = dataset_digest(servers[0].parts.core)
        for server in servers:
            if dataset_digest(server.parts.core) != digest:
                raise self.fail(f"{server.node.host} has other data than {servers[0].node.host}")
            if keyspace_fault(server.parts.core) is not None:
                raise self.fail(f"{server.node.host}: {keyspace_fault(server.parts.core)}")

    @staticmethod
    def agree(primary: Server, replica: Server) -> bool:
        """Whether a replica is as far as its primary, in the same history."""
        mine, theirs = replica.replication, primary.replication
        up = mine.follower is not None and mine.follower.state == "connected"
        return up and mine.history.id == theirs.history.id and mine.relay.offset == theirs.relay.offset


def number_of(host: str) -> int:
    """A node's number by its address."""
    return int(host.rpartition(".")[2]) - 1


def main() -> int:
    """Runs many seeds, or one in words."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    log = logging.getLogger("zippy")
    log.setLevel(logging.INFO if options.verbose else logging.CRITICAL)
    if options.verbose:
        logging.basicConfig(format="          %(message)s", stream=sys.stdout)
    seeds = [options.seed] if options.seed is not None else range(options.first, options.first + options.seeds)
    began, events, carried, checks, quiets, failed = time.monotonic(), 0, 0, 0, 0, []
    done: Counter[str] = Counter()
    for seed in seeds:
        simulation = Simulation(seed, options.verbose)
        try:
            simulation.run()
        except Violation as error:
            failed.append(seed)
            print(error, flush=True)
        events, carried = events + simulation.network.loop.events, carried + simulation.network.carried
        checks, quiets = checks + simulation.checks, quiets + simulation.quiets
        done += simulation.done
    print(f"seeds={len(seeds)} events={events} bytes={carried} checks={checks} quiet points={quiets} failed={failed} "
          f"seconds={time.monotonic() - began:.0f}")  # fmt: skip
    print(" ".join(f"{what}={count}" for what, count in sorted(done.items())))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
