"""Nodes of several kinds for tests of clusters, and what they say of each other."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from tests import servers
from tests.servers import ServerProcess, free_port
from tests.waiting import wait_until

ZIPPY, REDIS, OLD = "zippy", "redis8", "redis7"
PATIENT = 20_000  # ms, the timeout of nodes: none is to fail of itself, however busy the machine is
TIMEOUT = 2000  # where one has failed, or none has anything to do but to begin

Start = Callable[..., "ClusterServer"]
"""start(kind, *arguments): a node of this kind, ended with the test."""


class ClusterServer:
    """One node, as a process."""

    def __init__(self, kind: str, folder: Path, *arguments: str) -> None:
        self.kind = kind
        self.bus_port = free_port()
        self.tls_port = 0
        words = ("--cluster-enabled", "yes", "--cluster-node-timeout", str(PATIENT), "--cluster-port", str(self.bus_port))
        quick = ("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1")
        # or a replica whose first election comes to nothing on a busy machine may be too far behind for the next
        quick += ("--cluster-replica-validity-factor", "0")
        if kind != OLD:
            # half the timeout, for all to be told of changes as soon as if it were short
            quick += ("--cluster-ping-interval", str(TIMEOUT // 2))
        if kind == ZIPPY:
            self.process: ServerProcess = servers.start_server(*words, *quick, *arguments, folder=folder)
        else:
            program = Path(shutil.which("redis-server") or "") if kind == OLD else None
            self.process = servers.start_oracle(*words, *quick, *arguments, folder=folder, program=program)
        self.port = self.process.port
        self.client = redis.Redis(port=self.port, socket_timeout=20)

    @property
    def place(self) -> str:
        """Where redis-cli finds it."""
        return f"127.0.0.1:{self.port}@{self.bus_port}"

    def __call__(self, *words: Any) -> Any:
        """A command's reply, as it came."""
        return self.client.execute_command(*words, NEVER_DECODE=True)

    def ask(self, *words: Any) -> Any:
        """A command's reply, raw."""
        with self.process.client() as client:
            return client(*words)

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.ask("CLUSTER", "MYID").value.decode())

    def nodes(self) -> dict[str, list[str]]:
        """CLUSTER NODES: the words of each line by id."""
        text = self.ask("CLUSTER", "NODES").value.decode()
        return {line.split()[0]: line.split() for line in text.splitlines()}

    def info(self) -> dict[str, str]:
        """CLUSTER INFO."""
        lines = self.ask("CLUSTER", "INFO").value.decode().split("\r\n")
        return dict(line.split(":", 1) for line in lines if line)

    def meet(self, other: ClusterServer) -> None:
        """Gets to know another node."""
        self.ask("CLUSTER", "MEET", "127.0.0.1", other.port, other.bus_port)

    def stop(self) -> None:
        """Ends it."""
        self.client.close()
        self.process.stop()


def is_well(node: ClusterServer) -> bool:
    """Whether a node says that its cluster serves."""
    return node.info()["cluster_state"] == "ok"


def table(node: ClusterServer) -> dict[str, tuple[str, ...]]:
    """Roles, epochs and slots of all nodes, as one of them sees them."""
    found = {}
    for id, words in node.nodes().items():
        flags = ",".join(sorted(set(words[2].split(",")) - {"myself"}))
        epoch = words[6] if words[3] == "-" else ""
        # what is under way is told by those alone who move it
        slots = [word for word in words[8:] if word[0] != "["]
        found[id] = (words[1].split("@")[0], flags, words[3], epoch, *slots)
    return found


def is_linked(node: ClusterServer) -> bool:
    """Whether a node has a link to each other one. redis-cli passes over those to which who it asks has none."""
    return all(words[7] == "connected" for words in node.nodes().values())


def agree(nodes: Sequence[ClusterServer]) -> bool:
    """Whether all nodes see the same cluster, are linked, and see that it serves."""
    tables = [table(node) for node in nodes]
    return all(one == tables[0] for one in tables) and all(map(is_well, nodes)) and all(map(is_linked, nodes))


def run_tool(*arguments: str) -> tuple[int, str]:
    """Exit status and output of redis-cli --cluster."""
    program = shutil.which("redis-cli")
    assert program is not None
    # "fix" asks whatever it was told before
    done = subprocess.run([program, "--cluster", *arguments], capture_output=True, text=True, timeout=300, input="yes\nyes\n")
    return done.returncode, done.stdout + done.stderr


def redis_cli(*arguments: str) -> str:
    """What redis-cli --cluster says; it has to succeed."""
    status, text = run_tool(*arguments)
    assert status == 0, text
    return text


def create(nodes: Sequence[ClusterServer]) -> None:
    """Makes a cluster of primaries, with redis-cli."""
    redis_cli("create", *(node.place for node in nodes), "--cluster-yes")
    begin(nodes)


def begin(nodes: Sequence[ClusterServer]) -> None:
    """Waits until all nodes agree. A primary that sees a majority for the first time serves when its timeout has passed."""
    with impatient(nodes):
        wait_until(lambda: agree(nodes), 60)
    wait_until(lambda: agree(nodes), 60)


def address(node: ClusterServer) -> str:
    """A node's host and port."""
    return f"127.0.0.1:{node.port}"


def check(nodes: Sequence[ClusterServer]) -> None:
    """All nodes say the same, and redis-cli has nothing to object."""
    wait_until(lambda: agree(nodes), 60)
    told = redis_cli("check", address(nodes[0]))
    assert "[OK] All nodes agree about slots configuration." in told, told
    assert "[OK] All 16384 slots covered." in told, told
    assert "[WARNING]" not in told, told


def reshard(via: ClusterServer, source: ClusterServer, target: ClusterServer, slots: int) -> None:
    """Moves slots."""
    ends = ("--cluster-from", source.id, "--cluster-to", target.id)
    redis_cli("reshard", address(via), *ends, "--cluster-slots", str(slots), "--cluster-yes")


def slots_of(node: ClusterServer) -> list[int]:
    """The slots that a node says it has."""
    ranges = (word.split("-") for word in node.nodes()[node.id][8:] if word[0] != "[")
    return [slot for words in ranges for slot in range(int(words[0]), int(words[-1]) + 1)]


def role_of(node: ClusterServer) -> str:
    """What a node says it is."""
    return "slave" if "slave" in node.nodes()[node.id][2] else "master"


def join(node: ClusterServer, nodes: Sequence[ClusterServer], primary: ClusterServer | None = None) -> ClusterServer:
    """A node follows one of the others, by default the first, and has all that it has."""
    first = (primary or nodes[0]).id
    nodes[0].meet(node)
    wait_until(lambda: len(node.nodes()) == len(nodes) + 1 and first in node.nodes(), 60)
    assert node.ask("CLUSTER", "REPLICATE", first).value == b"OK"
    wait_until(lambda: agree([*nodes, node]), 60)
    wait_until(lambda: node.client.info("replication").get("master_link_status") == "up", 60)
    return node


def set_timeout(nodes: Sequence[ClusterServer], timeout: int) -> None:
    """Sets the timeout of nodes, in ms."""
    for node in nodes:
        assert node.ask("CONFIG", "SET", "cluster-node-timeout", timeout).value == b"OK"


@contextmanager
def impatient(nodes: Sequence[ClusterServer]) -> Iterator[None]:
    """Nodes notice soon that another one fails, while the `with` block runs and no longer: one that has no time seems to fail too."""
    set_timeout(nodes, TIMEOUT)
    yield
    set_timeout(nodes, PATIENT)
