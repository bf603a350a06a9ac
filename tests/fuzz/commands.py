"""Many clients send every command there is, at random, and disturb each other and the server as much as they can.

    python -m tests.fuzz.commands --seconds 360 --seed 1
    python -m tests.fuzz.commands --seconds 360 --seed 1 --cluster

Thirty connections, plain, over a Unix socket and over TLS, some of them slow readers, send pipelines of commands and settings, block, kill
and pause each other, begin snapshots and rewrites, have the data reloaded, and are cut off at any byte. After some seconds of that they are
all closed, and it has to be so that

- the server has answered all the time, in RESP, with no traceback in its log and no report from a sanitizer;
- the tables of keys agree with each other, DBSIZE with what SCAN finds;
- after a restart, with kill -9 where the log is on, keys, values and expiries are what they were;
- after FLUSHALL the memory is what it was in the beginning.

With --cluster the server is a node of a cluster, whose slots come, go and begin to move (`node`).

What a connection sends depends on the seed and its number alone; how the connections interleave is up to the machine. A failure prints the
seed and leaves the folder: `sent` has each command with its time, `sent.before` the round before, beside the server's log and files.
The sanitizer build is run as ARCHITECTURE.md says; reports at the log_path of ASAN_OPTIONS are failures.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import selectors
import shutil
import socket
import ssl
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import hiredis

from tests import servers
from tests.differential.steps import quoted
from tests.fuzz import node
from tests.fuzz.connections import Connection, encrypted, is_payload, local, plain
from tests.fuzz.state import DATABASES, Broken, Stopped, compare, data_of, do_when_idle, hold, ok, verify, wait_for
from tests.fuzz.words import Shared
from tests.process.certificates import Certificates
from tests.process.measure import blocks, used
from tests.resp import ConnectionClosed, RawClient, encode

CLIENTS = 30
ROUND = (4.0, 12.0)  # seconds
PROBE_EVERY = 3.0  # seconds between two looks whether the server answers
PATIENCE = 60.0  # seconds that an answer may take on a busy machine
SHOWN = 400  # characters of a command in the trace
# Tables of watched and waited-for keys keep a bucket once used (two blocks, 16 databases), sixteen candidates for eviction, some arrays
SLACK_BLOCKS = 16 * 2 * 2 + 16 + 20
SLACK_BYTES = 1 << 20
ROUND_SETTINGS = {
    "appendonly": ("yes", "no"),
    "appendfsync": ("always", "everysec", "no"),
    "aof-use-rdb-preamble": ("yes", "no"),
    "snapshot-method": ("auto", "fork", "walk"),
}
UNDISTURBED = {
    "maxmemory": "0",
    "maxmemory-clients": "0",
    "client-output-buffer-limit": "normal 0 0 0",
    "timeout": "0",
    "rdb-key-save-delay": "0",
    "shutdown-on-sigterm": "default",
}
EMPTYING = (
    "CONFIG RESETSTAT", "SLOWLOG RESET", "SCRIPT FLUSH", "FUNCTION FLUSH", "ACL LOG RESET", "MEMORY PURGE", "DEBUG SET-ACTIVE-EXPIRE 1",
)  # fmt: skip
"""What is sent beside FLUSHALL before it is looked whether something is left."""
INLINE = b'GET s1\r\nSET s2 "a b\\x41"\r\n\r\n  PING  \r\n'
TRACEBACK = re.compile(r"^Traceback|internal error|Exception ignored|never awaited", re.MULTILINE)


@dataclass
class Figures:
    """What was done."""

    sent: int = 0
    replies: int = 0
    connections: int = 0
    rounds: int = 0
    keys_compared: int = 0
    restarts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return (
            f"sent={self.sent} replies={self.replies} connections={self.connections} rounds={self.rounds} "
            f"restarts={dict(self.restarts)} keys_compared={self.keys_compared} errors={dict(self.errors.most_common(12))}"
        )


class Trace:
    """What was sent, in a file a round; the one before is kept."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "sent"
        self.before = folder / "sent.before"
        self.began = time.monotonic()
        self.file = self.path.open("w", encoding="utf-8")

    def note(self, text: str) -> None:
        """A line."""
        self.file.write(f"{time.monotonic() - self.began:9.3f} {text}\n")

    def sent(self, number: int, args: tuple[bytes, ...]) -> None:
        """A command of a connection."""
        line = " ".join(quoted(arg[:SHOWN]) for arg in args[:SHOWN])
        self.note(f"{number} {line[:SHOWN]}")

    def next_round(self) -> None:
        """Begins a new file."""
        self.file.close()
        self.path.replace(self.before)
        self.file = self.path.open("w", encoding="utf-8")


class Fuzz:
    """One server and those who talk to it."""

    def __init__(self, folder: Path, seed: int, drop: str = "", in_cluster: bool = False) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.drop = re.compile(drop, re.IGNORECASE) if drop else None
        self.figures = Figures()
        self.shared = Shared(in_cluster=in_cluster)
        self.databases = 1 if in_cluster else DATABASES
        self.trace = Trace(folder)
        self.reports = sanitizer_reports()
        self.selector = selectors.DefaultSelector()
        self.clients: list[Connection] = []
        self.opened = 0
        options = self.listeners(folder)
        if in_cluster:
            node.write_file(folder / "data")
            options += node.options()
        self.server = servers.start_server(*options, "--appendonly", "no", folder=folder / "data")
        self.shared.port = self.server.port
        self.log_read = 0
        self.settings: dict[bytes, bytes] = {}
        self.memory = (0, 0)
        self.began_anew()

    def listeners(self, folder: Path) -> list[str]:
        """Sets up the ways to connect; the server's options for them."""
        socket_path = folder / "socket"
        self.ways: list[Callable[[], socket.socket]] = [lambda: plain(self.server.port), partial(local, socket_path)]
        options = ["--unixsocket", str(socket_path), "--databases", "16"]
        if shutil.which("openssl"):
            certificates = Certificates(folder)
            port = servers.free_port()
            self.ways.append(partial(encrypted, port, certificates.certificate("ca")))
            for name, value in (certificates.settings(port) | {"tls-auth-clients": "no"}).items():
                options += [f"--{name}", value]
        return options

    # The traffic

    def open(self) -> None:
        """Adds a connection."""
        self.opened += 1
        self.figures.connections += 1
        self.shared.clients += 1
        way = self.ways[self.chance.choices(range(len(self.ways)), [6, 2, 1][: len(self.ways)])[0]]
        try:
            client = Connection(self.opened, f"{self.seed} {self.opened}", self.shared, way)
        except OSError as error:
            raise Broken(f"cannot connect: {error!r}\n{self.server.log()[-3000:]}") from None
        self.selector.register(client, selectors.EVENT_READ, client)
        self.clients.append(client)

    def close(self, client: Connection) -> None:
        """Takes a connection away."""
        self.selector.unregister(client)
        client.close()
        self.clients.remove(client)

    def replace(self, client: Connection) -> None:
        """A new connection for one that has ended or is ended here."""
        self.trace.note(f"{client.number} ends")
        self.close(client)
        self.open()

    def speak(self, client: Connection) -> None:
        """Has a connection send some commands, whole or not."""
        chance = client.chance
        for _ in range(chance.choice([1, 1, 1, 2, 5, 20])):
            for further, args in client.words.unit():
                sender = self.clients[(self.clients.index(client) + further) % len(self.clients)]
                dropped = self.drop is not None and self.drop.search(b" ".join(args).decode("latin-1"))
                if sender.words.may_say(args) and not dropped:
                    self.trace.sent(sender.number, args)
                    sender.say(encode(args))
                    self.figures.sent += 1
        if chance.random() < 0.004:
            client.words.is_cut = True
            del client.unsent[chance.randint(0, len(client.unsent)) :]
        if chance.random() < 0.002:
            client.words.is_cut = True
            client.say(INLINE if chance.random() < 0.6 else chance.randbytes(chance.randint(1, 50)))

    def listen(self, client: Connection) -> None:
        """Reads what a connection is told."""
        try:
            for reply in client.replies():
                self.figures.replies += 1
                if is_payload(reply):
                    self.shared.keep(reply)
                elif isinstance(reply, hiredis.ReplyError):
                    self.figures.errors[str(reply).partition(" ")[0][:20]] += 1
        except OSError:
            self.replace(client)
        except hiredis.ProtocolError as error:
            raise Broken(f"connection {client.number} got what is not RESP: {error}") from None

    def step(self) -> None:
        """Some commands, and what is there to be read."""
        for _ in range(4):
            client = self.chance.choice(self.clients)
            if len(client.unsent) < 4 << 20:
                self.speak(client)
            try:
                client.write()
            except OSError:
                self.replace(client)
                continue
            if self.chance.random() < 0.003:
                self.replace(client)
        for key, _ in self.selector.select(0.0005):
            if key.data in self.clients and not (key.data.slow and self.chance.random() < 0.9):
                self.listen(key.data)

    def traffic(self, seconds: float) -> None:
        """All connections at work for so long."""
        while len(self.clients) < CLIENTS:
            self.open()
        end = time.monotonic() + seconds
        next_probe = time.monotonic() + PROBE_EVERY
        while time.monotonic() < end:
            self.step()
            if time.monotonic() > next_probe:
                self.probe()
                next_probe = time.monotonic() + PROBE_EVERY
        while self.clients:
            self.close(self.clients[0])

    def probe(self) -> None:
        """The server answers a newcomer, whom others may kill."""
        self.shared.clients += 1
        for _ in range(20):
            try:
                with self.server.client(PATIENCE) as client:
                    client("CLIENT", "UNPAUSE")
                    if self.shared.in_cluster and self.chance.random() < 0.5:
                        node.take_most_back(client)
                    hold(client("PING").value == b"PONG", "no PONG")
                return
            except ConnectionClosed:
                hold(self.server.alive(), "the server has ended by itself")
            except OSError as error:
                raise Broken(f"the server does not answer: {error!r}") from None
        raise Broken("every newcomer is cut off")

    # What has to hold

    def control(self) -> RawClient:
        """A connection that nobody disturbs, to a server that does nothing else any more."""
        for _ in range(20):
            client = self.server.client(PATIENCE)
            try:
                self.calm(client)
                return client
            except ConnectionClosed:
                # by what those sent who have just gone, or because they have their places still
                client.close()
                hold(self.server.alive(), "the server has ended by itself")
        raise Broken("every newcomer is cut off")

    def calm(self, client: RawClient) -> None:
        """Ends all that the other connections had begun."""
        do_when_idle(client, "CLIENT", "UNPAUSE")
        for name, value in UNDISTURBED.items():
            do_when_idle(client, "CONFIG", "SET", name, value)
        self.let_all_come()
        # MIGRATE keeps connections
        client("CLIENT", "KILL", "TYPE", "normal")
        wait_for(client, "clients", connected_clients="1")
        # what they had sent may have paused it once more
        do_when_idle(client, "CLIENT", "UNPAUSE")
        wait_for(client, "persistence", rdb_bgsave_in_progress="0", aof_rewrite_in_progress="0", aof_rewrite_scheduled="0")
        if self.shared.in_cluster:
            node.take_back(client)

    def let_all_come(self) -> None:
        """Returns when those who connected before, in whatever way, are clients: they are accepted in the order in which they came."""
        for way in self.ways:
            # others may kill a newcomer, but not before it has come
            with contextlib.suppress(ConnectionError, ssl.SSLError), contextlib.closing(way()) as newcomer:
                newcomer.sendall(b"PING\r\n")
                newcomer.recv(1)

    def check_log(self) -> None:
        """Nothing in the server's log that must not be there, and no report."""
        said = self.server.log()[self.log_read :]
        self.log_read += len(said)
        found = TRACEBACK.search(said)
        hold(found is None, f"in the server's log:\n{said[max(0, found.start() - 500) :][:4000] if found else ''}")
        for report in sanitizer_reports() - self.reports:
            raise Broken(f"{report}:\n{report.read_text(errors='replace')[:6000]}")

    def check(self) -> None:
        """All that has to hold between two rounds."""
        self.trace.note("check")
        with self.control() as client:
            with Stopped(client):
                verify(client, self.databases)
            restarts = self.chance.random() < 0.6
            if restarts:
                self.restart(client)
        if restarts:
            self.began_anew(flush=False)
        with self.control() as client:
            self.check_memory(client)
            self.prepare(client)
        self.check_log()

    def restart(self, client: RawClient) -> None:
        """Ends the server and starts it again: the data is the same."""
        logged = client("CONFIG", "GET", "appendonly").plain()[1] == b"yes"
        way = self.chance.choice(["kill", "SIGTERM", "SHUTDOWN NOSAVE"]) if logged else self.chance.choice(["SIGTERM", "SHUTDOWN SAVE"])
        self.trace.note(f"{way}, appendonly {logged}")
        ok(client("CONFIG", "SET", "appendfsync", "always", "save", "" if logged else "3600 1"))
        if logged:
            wait_for(client, "persistence", aof_last_write_status="ok", aof_enabled="1")
        ok(client("SET", "fuzz:last", "written"))
        with Stopped(client):
            before = data_of(client, self.databases)
        self.end(client, way)
        self.server.command[-1] = "yes" if logged else "no"
        if self.shared.in_cluster:
            node.write_file(Path(self.server.folder))
        self.server.start()
        with self.server.client(PATIENCE) as fresh:
            if self.shared.in_cluster:
                node.take_back(fresh)
            with Stopped(fresh) as stopped:
                verify(fresh, self.databases)
                compare(before, data_of(fresh, self.databases), stopped.now_ms)
        self.figures.restarts[way] += 1
        self.figures.keys_compared += len(before)

    def end(self, client: RawClient, way: str) -> None:
        """Ends the server."""
        assert self.server.process is not None
        if way == "kill":
            self.server.kill()
        elif way == "SIGTERM":
            hold(self.server.terminate(PATIENCE) == 0, "SIGTERM: the server ended with an error")
        else:
            client.send(*way.split())
            hold(self.server.process.wait(PATIENCE) == 0, f"{way}: the server ended with an error")

    def began_anew(self, flush: bool = True) -> None:
        """Notes what a server that has just begun is like."""
        self.shared.clients = 1
        with self.control() as client:
            words = client("CONFIG", "GET", "*").plain()
            self.settings = dict(zip(words[::2], words[1::2], strict=True))
            self.memory = self.emptied(client) if flush else self.memory

    def emptied(self, client: RawClient) -> tuple[int, int]:
        """Blocks and bytes in use when all data and statistics are gone and the settings are what they were."""
        ok(client("FLUSHALL"))
        wait_for(client, "memory", lazyfree_pending_objects="0")
        words = client("CONFIG", "GET", "*").plain()
        for name, value in zip(words[::2], words[1::2], strict=True):
            if value != self.settings.get(name, value) and name != b"appendonly":
                ok(client("CONFIG", "SET", name, self.settings[name]))
        for line in EMPTYING:
            ok(client(*line.split()))
        client("LATENCY", "RESET")
        for user in client("ACL", "USERS").plain():
            client("ACL", "DELUSER", user)
        wait_for(client, "persistence", rdb_bgsave_in_progress="0", aof_rewrite_in_progress="0")
        return blocks(client), used(client)

    def prepare(self, client: RawClient) -> None:
        """Settings of a round that single commands would choose too seldom."""
        if self.shared.in_cluster:
            node.give_away(client)
        for name, values in ROUND_SETTINGS.items():
            value = self.chance.choice(values)
            self.trace.note(f"{name} {value}")
            ok(client("CONFIG", "SET", name, value))

    def check_memory(self, client: RawClient) -> None:
        """Nothing is left of a round."""
        left, held = self.emptied(client)
        self.trace.note(f"blocks {left}, bytes {held}, in the beginning {self.memory}")
        hold(
            left <= self.memory[0] + SLACK_BLOCKS and held <= self.memory[1] + SLACK_BYTES,
            f"{left} blocks of {held} bytes are left after FLUSHALL; in the beginning there were {self.memory}",
        )

    def run(self, seconds: float, rounds: int = 0) -> Figures:
        """Rounds for so long, and so many at least; Broken when something must not be."""
        end = time.monotonic() + seconds
        try:
            while self.figures.rounds < rounds or time.monotonic() < end:
                self.traffic(min(self.chance.uniform(*ROUND), seconds))
                self.check()
                self.figures.rounds += 1
                self.trace.next_round()
        except (Broken, ConnectionClosed, TimeoutError, RuntimeError) as error:
            self.trace.note(f"{error!r}")
            raise Broken(f"seed {self.seed}: {error!r}\n{error}\n{self.explain()}") from None
        finally:
            self.stop()
        return self.figures

    def explain(self) -> str:
        """What else is known of a failure: a sanitizer's report, how the server ended, the end of its log."""
        parts = [report.read_text(errors="replace")[:6000] for report in sorted(sanitizer_reports() - self.reports)]
        if self.server.process is not None and self.server.process.poll() is not None:
            parts.append(f"the server has ended with {self.server.process.returncode}")
        return "\n".join([*parts, self.server.log()[-3000:]])

    def stop(self) -> None:
        """Ends everything."""
        self.server.stop()
        for client in self.clients:
            client.close()
        self.selector.close()
        self.trace.file.close()


def sanitizer_reports() -> set[Path]:
    """The files at the log_path of ASAN_OPTIONS."""
    found = re.search(r"log_path=([^:]+)", os.environ.get("ASAN_OPTIONS", ""))
    return set(Path(found[1]).parent.glob(f"{Path(found[1]).name}.*")) if found else set()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.commands", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    parser.add_argument("--drop", default="", help="a pattern of commands that are left out")
    parser.add_argument("--cluster", action="store_true", help="the server is a node of a cluster")
    parser.add_argument("--folder", type=Path, default=None, help="where the server's files are kept (default: a temporary folder)")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="zippy-fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"seed={options.seed} folder={folder}", flush=True)
    try:
        figures = Fuzz(folder, options.seed, options.drop, options.cluster).run(options.seconds)
    except Broken as error:
        print(f"{error}\nEverything is left in {folder}", file=sys.stderr)
        return 1
    print(figures)
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
