"""Two servers, each of which believes that it is the same node of the same cluster: the other node is nowhere, and nobody notices."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from tests import servers
from tests.differential.runner import CONTROL, Endpoint, Setup
from tests.resp import RawClient
from tests.servers import ServerProcess
from tests.waiting import wait_until
from zippy._core.cluster import key_slot

ME, OTHER = b"1" * 40, b"2" * 40
MINE = (b"a", b"b")
LEAVING, COMING, OTHERS, NOBODYS = b"m", b"i", b"y", b"n"
QUIET = b"q"
TAGS = (*MINE, LEAVING, COMING, OTHERS, NOBODYS)
"""Hash tags, by what their slots are when an episode begins. The quiet one's slot is the node's as long as that lives."""
SETTINGS = {
    "cluster-enabled": "yes", "cluster-announce-ip": "127.0.0.1", "cluster-announce-port": 7000, "cluster-announce-bus-port": 17000,
    "cluster-require-full-coverage": "no", "cluster-node-timeout": 1_000_000_000,
}  # fmt: skip


def slot_of(tag: bytes) -> int:
    """The slot of keys with a tag."""
    return key_slot(tag)


def mine() -> list[tuple[int, int]]:
    """The node's own slots at the beginning: all but three."""
    edges = [-1, *sorted(slot_of(tag) for tag in (COMING, OTHERS, NOBODYS)), 16384]
    return [(before + 1, after - 1) for before, after in pairwise(edges)]


def nodes_file() -> str:
    """Of the node at the beginning."""
    away = sorted(slot_of(tag) for tag in (COMING, OTHERS))
    slots = " ".join(f"{first}-{last}" for first, last in mine())
    me, other = ME.decode(), OTHER.decode()
    return (
        f"{me} 127.0.0.1:7000@17000,,tls-port=0,shard-id={'a' * 40} myself,master - 0 0 5 connected {slots} "
        f"[{slot_of(LEAVING)}->-{other}] [{slot_of(COMING)}-<-{other}]\n"
        f"{other} 127.0.0.2:7000@17000,,tls-port=0,shard-id={'b' * 40} master - 0 0 3 connected {' '.join(map(str, away))}\n"
        "vars currentEpoch 5 lastVoteEpoch 0\n"
    )


class NodeEndpoint(Endpoint):
    """A server that is the node."""

    def reset(self, setup: Setup) -> None:
        """As any endpoint's; slots are whose they were at the beginning."""
        super().reset(setup)
        control = self.client(CONTROL)
        nodes = {line.split()[0]: line.split()[8:] for line in control("CLUSTER", "NODES").value.removeprefix(b"txt:").splitlines()}
        for word in nodes[ME]:
            if word.startswith(b"["):
                control("CLUSTER", "SETSLOT", word[1:].partition(b"-")[0], "STABLE")
        # never without any slots, after which the cluster would be down for a while
        wanted = {ME: slots_in(mine()), OTHER: {slot_of(tag) for tag in (COMING, OTHERS)}}
        there = {id: slots_in(parsed(words)) for id, words in nodes.items()}
        for id, slots in wanted.items():
            for slot in slots - there[id]:
                control("CLUSTER", "SETSLOT", slot, "NODE", id)
        for slot in (there[ME] | there[OTHER]) - wanted[ME] - wanted[OTHER]:
            control("CLUSTER", "DELSLOTS", slot)
        control("CLUSTER", "SETSLOT", slot_of(LEAVING), "MIGRATING", OTHER)
        control("CLUSTER", "SETSLOT", slot_of(COMING), "IMPORTING", OTHER)


def parsed(words: list[bytes]) -> list[tuple[int, int]]:
    """The slots in a node's line."""
    edges = [word.partition(b"-") for word in words if not word.startswith(b"[")]
    return [(int(first), int(last or first)) for first, _, last in edges]


def slots_in(ranges: list[tuple[int, int]]) -> set[int]:
    """All of them."""
    return {slot for first, last in ranges for slot in range(first, last + 1)}


def start_nodes(environment: Mapping[str, str] | None = None, program: Path | None = None) -> tuple[ServerProcess, ServerProcess]:
    """A zippy and a real Redis that are the node, as soon as they serve."""
    started = []
    for start in (servers.start_server, servers.start_oracle):
        folder = Path(tempfile.mkdtemp(prefix="zippy-node-"))
        (folder / "nodes.conf").write_text(nodes_file())
        extra = {"program": program} if start is servers.start_oracle and program is not None else {}
        process = start(config={**SETTINGS, "cluster-port": servers.free_port()}, folder=folder, environment=environment, **extra)  # type: ignore[operator]
        process.owns_folder = True
        started.append(process)
    for process in started:
        with process.client() as client:
            wait_until(lambda client=client: serves(client))  # type: ignore[misc]
    return started[0], started[1]


def serves(client: RawClient) -> bool:
    """Whether the node says that its cluster is well."""
    return b"cluster_state:ok" in client("CLUSTER", "INFO").value
