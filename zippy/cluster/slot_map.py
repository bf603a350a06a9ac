"""Tells the core whose each slot is, as far as that has changed."""

from __future__ import annotations

from typing import Protocol

from zippy.cluster.message import Flag
from zippy.cluster.node import Node, ranges
from zippy.cluster.state import Cluster

# zippy/_core/cluster's
MINE, PRIMARYS, OTHERS, NOBODYS = range(4)
UNKNOWN_HOST = "?"


class SlotMap(Protocol):
    """What the core is told, and asked; see zippy/_core/cluster."""

    def set_node(self, index: int, plain: bytes, tls: bytes) -> None: ...
    def assign(self, first: int, last: int, index: int, kind: int) -> None: ...
    def migrate(self, slot: int, index: int) -> None: ...
    def import_(self, slot: int, index: int) -> None: ...
    def settle(self, slot: int) -> None: ...
    def set_state(self, ok: bool, reads_when_down: bool, shards_when_down: bool) -> None: ...
    def count(self, slot: int) -> int: ...
    def keys(self, slot: int, most: int) -> list[bytes]: ...
    def flush(self, slot: int) -> None: ...
    def count_use(self, wanted: bool) -> None: ...
    def stats(self, slot: int) -> tuple[int, int, int, int]: ...


class Told:
    """What the core has been told."""

    def __init__(self, slots: SlotMap) -> None:
        self.slots = slots
        self.indexes: dict[str, int] = {}
        self.places: dict[str, tuple[bytes, bytes]] = {}
        self.assigned: dict[tuple[str, int], int] = {}  # slots by node and kind
        self.moves: dict[int, tuple[str, bool]] = {}  # the other node, and whether it comes in
        self.state: tuple[bool, bool, bool] | None = None

    def tell(self, cluster: Cluster, preferred: str, reads_when_down: bool, shards_when_down: bool) -> None:
        """Tells what has changed. preferred: the setting cluster-preferred-endpoint-type."""
        for node in cluster.nodes.values():
            if not node.has(Flag.HANDSHAKE):
                self.tell_place(node, preferred)
        assigned = {(node.id, self.kind(cluster, node)): node.slots for node in cluster.nodes.values() if node.slots}
        freed = self.all_of(self.assigned) & ~self.all_of(assigned)
        for (id, kind), slots in assigned.items():
            self.assign(slots & ~self.assigned.get((id, kind), 0), self.index(id), kind)
        self.assign(freed, 0, NOBODYS)
        self.assigned = assigned
        self.tell_moves(cluster)
        state = (not cluster.failed, reads_when_down, shards_when_down)
        if state != self.state:
            self.slots.set_state(*state)
            self.state = state

    @staticmethod
    def all_of(assigned: dict[tuple[str, int], int]) -> int:
        """All slots that somebody has."""
        found = 0
        for slots in assigned.values():
            found |= slots
        return found

    @staticmethod
    def kind(cluster: Cluster, node: Node) -> int:
        """What a node is to this one."""
        if node is cluster.myself:
            return MINE
        return PRIMARYS if node is cluster.myself.primary else OTHERS

    def index(self, id: str) -> int:
        """A node's number."""
        return self.indexes.setdefault(id, len(self.indexes))

    def assign(self, slots: int, index: int, kind: int) -> None:
        """Tells whose slots are."""
        for first, last in ranges(slots):
            self.slots.assign(first, last, index, kind)

    def tell_place(self, node: Node, preferred: str) -> None:
        """Tells where clients find a node."""
        host = endpoint(node, preferred) or ""
        place = f"{host}:{node.port}".encode(), f"{host}:{node.tls_port}".encode()
        if self.places.get(node.id) != place:
            self.places[node.id] = place
            self.slots.set_node(self.index(node.id), *place)

    def tell_moves(self, cluster: Cluster) -> None:
        """Tells what slots move. One that moves to this node itself, which SETSLOT allows, is served as if it did not."""
        moves = {slot: (node.id, False) for slot, node in cluster.migrating.items() if node is not cluster.myself}
        moves |= {slot: (node.id, True) for slot, node in cluster.importing.items()}
        for slot in self.moves.keys() - moves.keys():
            self.slots.settle(slot)
        for slot, (id, comes) in moves.items():
            if self.moves.get(slot) != (id, comes):
                self.slots.settle(slot)
                (self.slots.import_ if comes else self.slots.migrate)(slot, self.index(id))
        self.moves = moves


def endpoint(node: Node, preferred: str) -> str | None:
    """Where clients find a node; None: where they have found this one."""
    if preferred == "ip":
        return node.ip
    if preferred == "hostname":
        return node.hostname or UNKNOWN_HOST
    return None
