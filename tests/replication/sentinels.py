"""Three real sentinels around a primary and its replicas, a client that writes through them, and what can go wrong."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

import redis
from redis.sentinel import Sentinel

from tests.replication.servers import Node
from tests.servers import free_port
from tests.waiting import wait_until

NAME = "main"
QUORUM = 2
PATIENT_MS = 20_000  # until a sentinel takes a server for dead: none is to fail of itself, however busy the machine is
SILENT_MS = 1500  # where one has failed


class Sentinels:
    """Three of them. program: a Redis server's, which is a sentinel when it is told so; address: the primary's."""

    def __init__(self, program: Path, folder: Path, address: tuple[str, int]) -> None:
        self.ports = [free_port() for _ in range(3)]
        self.processes: list[subprocess.Popen[bytes]] = []
        for port in self.ports:
            place = folder / f"sentinel{port}"
            place.mkdir()
            settings = place / "sentinel.conf"
            settings.write_text(
                f"port {port}\nbind 127.0.0.1\nsentinel announce-ip 127.0.0.1\ndir {place}\n"
                f"sentinel monitor {NAME} {address[0]} {address[1]} {QUORUM}\n"
                f"sentinel down-after-milliseconds {NAME} {PATIENT_MS}\n"
                f"sentinel failover-timeout {NAME} 6000\nsentinel parallel-syncs {NAME} 2\n"
            )
            with (place / "log").open("wb") as log:
                self.processes.append(subprocess.Popen([str(program), str(settings), "--sentinel"], stdout=log, stderr=log))
        self.client = Sentinel([("127.0.0.1", port) for port in self.ports], socket_timeout=1.0)

    @contextlib.contextmanager
    def impatient(self) -> Iterator[None]:
        """They notice soon that a server fails, while the `with` block runs and no longer: one that has no time seems to fail too, and
        what it acknowledges while another one is made the primary is lost."""
        self.set_patience(SILENT_MS)
        yield
        self.set_patience(PATIENT_MS)

    def set_patience(self, milliseconds: int) -> None:
        """Tells all of them how long a server may be silent."""
        for sentinel in self.client.sentinels:
            assert sentinel.sentinel_set(NAME, "down-after-milliseconds", milliseconds)

    def primary_port(self) -> int | None:
        """The port of whom all of them take for the primary; None: they do not agree."""
        found = set()
        for sentinel in self.client.sentinels:
            with contextlib.suppress(redis.exceptions.RedisError):
                found.add(sentinel.sentinel_get_master_addr_by_name(NAME))
        return int(found.pop()[1]) if len(found) == 1 else None

    def know(self, replicas: int) -> bool:
        """Whether each of them knows the other two, and so many good replicas."""
        for sentinel in self.client.sentinels:
            try:
                state = sentinel.sentinel_master(NAME)
                known = sentinel.sentinel_slaves(NAME)
            except redis.exceptions.RedisError:
                return False
            good = [slave for slave in known if slave["flags"] == "slave"]
            if state["num-other-sentinels"] != 2 or len(good) != replicas:
                return False
        return True

    def stop(self) -> None:
        """Ends them."""
        for process in self.processes:
            process.kill()
            process.wait()


class Writer:
    """Writes through sentinels while the `with` block runs, and keeps what a replica has acknowledged too."""

    def __init__(self, sentinels: Sentinels) -> None:
        self.sentinels = sentinels
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.acknowledged: list[int] = []
        self.moments: list[float] = []  # of each, seconds since the epoch

    def run(self) -> None:
        """The thread's life."""
        client = self.sentinels.client.master_for(NAME, socket_timeout=1.0)
        number = 0
        while not self.ending.is_set():
            number += 1
            try:
                pipe = client.pipeline(transaction=False)
                pipe.sadd("numbers", number).execute_command("WAIT", 1, 500)
                if pipe.execute()[1] >= 1:
                    self.moments.append(time.time())
                    self.acknowledged.append(number)
            except redis.exceptions.RedisError:
                time.sleep(0.02)

    def lost(self, primary: Node, since: int) -> str:
        """What a primary does not have of that which was acknowledged, from the one at this place on; "": it has all."""
        numbers = self.acknowledged[since:]
        there = primary.client.smismember("numbers", numbers) if numbers else []
        gone = [since + place for place, found in enumerate(there) if not found]
        if not gone:
            return ""
        first, last = (time.strftime("%H:%M:%S", time.localtime(self.moments[place])) for place in (gone[0], gone[-1]))
        return f"{len(gone)} acknowledged writes are lost, from {first} to {last}"

    def __enter__(self) -> Writer:
        """Begins."""
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Ends."""
        self.ending.set()
        self.thread.join()


def kill(node: Node) -> Callable[[], None]:
    """Ends a server at once; the result starts it again."""
    node.process.kill()
    return node.process.start


def hang(node: Node) -> Callable[[], None]:
    """Has a server stand still; the result has it go on."""
    assert node.process.process is not None
    pid = node.process.process.pid
    os.kill(pid, signal.SIGSTOP)
    return lambda: os.kill(pid, signal.SIGCONT)


def is_replica_of(node: Node, port: int) -> bool:
    """Whether a server follows this one and its link is up; False also while it does not answer."""
    try:
        info = node.info()
    except redis.exceptions.RedisError:
        return False
    return info["role"] == "slave" and info["master_port"] == port and info["master_link_status"] == "up"


def fail_over(sentinels: Sentinels, nodes: Sequence[Node], fault: Callable[[Node], Callable[[], None]]) -> Node:
    """Has the primary fail, waits for the new one, undoes the fault and waits until all the others follow; the new one."""
    port = wait_until(sentinels.primary_port)
    old = next(node for node in nodes if node.port == port)
    undo = fault(old)
    for node in nodes:
        if node is not old:
            # whoever has answered twice has read what it was sent before the fault; what it has not read goes when it is promoted
            node("PING")
            node("PING")
    try:
        with sentinels.impatient():
            wait_until(lambda: sentinels.primary_port() not in (None, port), 120.0)
    finally:
        undo()
    primary: Node = wait_until(lambda: settled(sentinels, nodes), 180.0)
    return primary


def settled(sentinels: Sentinels, nodes: Sequence[Node]) -> Node | None:
    """The primary, once all the others follow it and all sentinels know of them; while a machine is slow it may change once more."""
    port = sentinels.primary_port()
    if port is None or not all(is_replica_of(node, port) for node in nodes if node.port != port) or not sentinels.know(len(nodes) - 1):
        return None
    return next(node for node in nodes if node.port == port)
