"""A node as another one knows it, and the links between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from zippy.cluster.message import SLOTS, Flag

ALL_SLOTS = (1 << SLOTS) - 1
BUS_PORT_BEYOND = 10000  # the bus's port is the clients' port and this, unless a node says otherwise
ROLES = Flag.PRIMARY | Flag.REPLICA
FLAG_WORDS = (
    (Flag.MYSELF, "myself"), (Flag.PRIMARY, "master"), (Flag.REPLICA, "slave"), (Flag.PFAIL, "fail?"), (Flag.FAIL, "fail"),
    (Flag.HANDSHAKE, "handshake"), (Flag.NOADDR, "noaddr"), (Flag.NOFAILOVER, "nofailover"),
)  # fmt: skip


class Link:
    """One connection of the bus, or one that is to be. node: whom it leads to, or who is known to have made it."""

    __slots__ = ("asked", "created", "inbound", "node", "peer_ip", "up")

    def __init__(self, node: Node | None, inbound: bool, created: int, peer_ip: str = "") -> None:
        self.node = node
        self.inbound = inbound
        self.created = self.asked = created  # ms; when the last PING was sent on it
        self.up = inbound
        self.peer_ip = peer_ip


@dataclass(eq=False, slots=True)
class Node:
    """One node. Moments are milliseconds of one clock, 0: never; slots are a number with a bit each."""

    id: str
    flags: int  # see Flag
    created: int
    ip: str = ""
    port: int = 0  # clients' plain port
    tls_port: int = 0
    bus_port: int = 0
    hostname: str = ""
    human_name: str = ""
    shard_id: str = ""
    config_epoch: int = 0
    primary: Node | None = None
    slots: int = field(default=0, repr=False)
    ping_sent: int = 0  # 0: it has answered the last one
    pong_received: int = 0
    data_received: int = 0
    failed_at: int = 0
    voted_at: int = 0  # for a replica of this one
    orphaned_at: int = 0
    offset: int = 0
    offset_at: int = 0
    link: Link | None = None  # ours to it
    inbound: Link | None = None
    reports: dict[Node, int] = field(default_factory=dict)  # who says that it fails, and when

    def has(self, flags: int) -> bool:
        """Whether one of the flags is set."""
        return bool(self.flags & flags)

    @property
    def is_primary(self) -> bool:
        """Whether it is one."""
        return bool(self.flags & Flag.PRIMARY)

    @property
    def is_replica(self) -> bool:
        """Whether it is one."""
        return bool(self.flags & Flag.REPLICA)

    @property
    def is_failing(self) -> bool:
        """Whether it is thought to fail by one or by all."""
        return bool(self.flags & (Flag.PFAIL | Flag.FAIL))

    @property
    def votes(self) -> bool:
        """Whether it counts for majorities."""
        return self.is_primary and self.slots != 0

    @property
    def leader(self) -> Node | None:
        """Whose slots it serves: itself, or its primary."""
        return self.primary if self.is_replica else self

    def port_for(self, tls: bool) -> int:
        """The port of clients with TLS, or without; the other one where there is none."""
        return (self.tls_port or self.port) if tls else (self.port or self.tls_port)

    def flag_words(self) -> str:
        """The flags as CLUSTER NODES shows them."""
        return ",".join(word for flag, word in FLAG_WORDS if self.flags & flag) or "noflags"


def role_of(flags: int) -> int:
    """The role that flags of a message tell; what tells none, or both, is a primary."""
    return Flag.REPLICA if flags & ROLES == Flag.REPLICA else Flag.PRIMARY


def bits(slots: int) -> Iterator[int]:
    """The slots that are set, in their order."""
    for first, last in ranges(slots):
        yield from range(first, last + 1)


def ranges(slots: int) -> Iterator[tuple[int, int]]:
    """The first and last slot of each run."""
    text = bin(slots)[:1:-1]
    at = text.find("1")
    while at >= 0:
        end = text.find("0", at)
        if end < 0:
            end = len(text)
        yield at, end - 1
        at = text.find("1", end)


def slots_of(numbers: Iterable[int]) -> int:
    """These slots as a number."""
    found = bytearray(SLOTS // 8)
    for slot in numbers:
        found[slot >> 3] |= 1 << (slot & 7)
    return int.from_bytes(found, "little")


def span(first: int, last: int) -> int:
    """The slots from the first to the last."""
    return (1 << (last + 1)) - (1 << first)
