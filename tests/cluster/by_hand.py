"""State machines that a test drives by hand: it says what time it is and which messages come, and sees what is decided."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TypeVar

from zippy.cluster.decisions import Config, Decision, Open, Send
from zippy.cluster.machine import Machine
from zippy.cluster.message import Body, Flag, Gossip, Kind, Mark, Message, Pulse, decode, encode
from zippy.cluster.node import ALL_SLOTS, Link, Node, span

NOW = 1_700_000_000_000
TIMEOUT = 2000
ME = "50" * 20
Found = TypeVar("Found")


@dataclass
class Outside:
    """A server around a state machine."""

    at: int = 0
    age: int | None = 0
    keys: int = 0  # slots that have some

    def offset(self) -> int:
        """Of the replication."""
        return self.at

    def data_age(self) -> int | None:
        """Since the primary was heard of."""
        return self.age

    def occupied(self, slots: int) -> int:
        """Slots with keys."""
        return slots & self.keys


@dataclass
class Peer:
    """Another node, that a test speaks for."""

    id: str
    node: Node
    link: Link  # from it
    epoch: int = 1
    slots: int = field(default=0, repr=False)
    primary: str = ""
    offset: int = 0

    def message(self, kind: Kind, body: Body = None, current: int = 1, marks: int = 0) -> bytes:
        """A message of it."""
        flags = Flag.REPLICA if self.primary else Flag.PRIMARY
        marks |= Mark.EXTENDED if isinstance(body, Pulse) else 0
        return encode(Message(
            kind, self.id, current, self.epoch, self.offset, self.slots, self.primary, self.node.ip, self.node.port, self.node.bus_port,
            0, flags, False, marks, body,
        ))  # fmt: skip


@dataclass
class Hand:
    """A state machine in a cluster of three primaries with a third of the slots each: this node, `b` and `c`."""

    outside: Outside = field(default_factory=Outside)
    config: Config = field(default_factory=lambda: Config(node_timeout=TIMEOUT, ip="10.0.0.1", port=6379, bus_port=16379))
    now: int = NOW
    done: list[Decision] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.machine = Machine(
            Node(ME, Flag.MYSELF | Flag.PRIMARY, NOW, shard_id=ME), self.config, self.outside, random.Random(1), NOW
        )  # fmt: skip
        self.cluster = self.machine.cluster
        self.me = self.cluster.myself
        self.machine.follow_settings()
        self.me.config_epoch = 1
        self.cluster.current_epoch = 3
        self.b = self.peer("b", 2, epoch=2)
        self.c = self.peer("c", 3, epoch=3)
        self.cluster.give(self.me, span(0, 5000))
        for peer, slots in ((self.b, span(5001, 10000)), (self.c, span(10001, 16383))):
            self.cluster.give(peer.node, slots)
            peer.slots = slots
        self.pass_time(6000)
        assert not self.cluster.failed
        self.done.clear()

    def peer(self, letter: str, number: int, epoch: int = 1, primary: Node | None = None) -> Peer:
        """Another node that is known, with links both ways."""
        id = letter * 40
        flags = Flag.PRIMARY if primary is None else Flag.REPLICA
        node = Node(id, flags | Flag.EXTENSIONS, self.now, f"10.0.0.{number}", 6379, 0, 16379, shard_id=id, config_epoch=epoch)
        node.primary = primary
        self.cluster.add(node)
        link = self.machine.accepted(node.ip)
        found = Peer(id, node, link, epoch, primary=primary.id if primary is not None else "")
        if primary is not None:
            found.slots = primary.slots
            found.epoch = primary.config_epoch
            node.shard_id = primary.shard_id
        self.connect(node)
        return found

    def connect(self, node: Node) -> None:
        """The link to a node comes up."""
        if node.link is None:
            self.cluster.connect(node)
        assert node.link is not None
        self.machine.link_up(node.link)
        self.take()

    def take(self) -> list[Decision]:
        """What has been decided; links are there as soon as they are asked for."""
        found: list[Decision] = []
        while decisions := self.cluster.take():
            found += decisions
            for decision in decisions:
                if isinstance(decision, Open) and decision.link.node is not None:
                    self.machine.link_up(decision.link)
        self.done += found
        return found

    def receive(self, peer: Peer, kind: Kind, body: Body = None, current: int = 1, marks: int = 0) -> list[Decision]:
        """A message of a peer comes on its link; what is decided."""
        self.machine.at(self.now)
        self.machine.receive(peer.link, peer.message(kind, body, current, marks), "10.0.0.1")
        return self.take()

    def answer(self, peer: Peer, body: Pulse | None = None, current: int = 1) -> None:
        """A peer answers a ping."""
        if peer.node.link is not None:
            self.machine.at(self.now)
            self.machine.receive(peer.node.link, peer.message(Kind.PONG, body or Pulse(shard_id=peer.node.shard_id), current), "10.0.0.1")
            self.take()

    def pass_time(self, milliseconds: int, *answering: Peer | str) -> None:
        """Time passes, with crons; these answer all the time, by default `b` and `c`."""
        peers = [self.b, self.c] if not answering else [peer for peer in answering if isinstance(peer, Peer)]
        end = self.now + milliseconds
        while self.now < end:
            self.now += 100
            self.machine.at(self.now)
            self.machine.cron()
            self.take()
            for peer in peers:
                if peer.node.ping_sent:
                    self.answer(peer)

    def sent(self, kind: Kind) -> list[tuple[Link, Message]]:
        """Messages of a kind that were sent, with their links."""
        found = []
        for decision in self.done:
            if isinstance(decision, Send):
                message = decode(decision.data)
                assert message is not None
                if message.kind is kind:
                    found.append((decision.link, message))
        return found

    def of(self, kind: type[Found]) -> list[Found]:
        """Decisions of a kind."""
        return [decision for decision in self.done if isinstance(decision, kind)]


def gossip_about(node: Node, flags: int, pong: int = 0) -> Pulse:
    """A pulse's contents that tell of one node."""
    return Pulse((Gossip(node.id, 0, pong, node.ip, node.port, node.bus_port, flags),))


__all__ = ["ALL_SLOTS", "ME", "NOW", "TIMEOUT", "Hand", "Outside", "Peer", "gossip_about"]
