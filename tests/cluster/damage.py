"""Damaged messages on a node's bus, and what has to hold whatever comes: a closed link or nothing, never an exception, and no slot, role or
epoch that changes by what no node of the cluster has sent.

    python -m tests.cluster.damage --seconds 3600 --seed 1

harms real messages and such of every kind, and gives them to a state machine with the core's table of slots behind it.
"""

from __future__ import annotations

import argparse
import random
import struct
import time
from collections import Counter
from collections.abc import Callable

from tests.cluster.by_hand import ME, NOW, Hand, Peer
from tests.cluster.recorded import RECORDED
from zippy._core.cluster import ClusterMap
from zippy._core.session import Core
from zippy.cluster import replies
from zippy.cluster.decisions import Send
from zippy.cluster.message import (
    EXTENSION,
    GOSSIP,
    HEADER,
    LENGTHS_AT,
    Failing,
    Flag,
    Frames,
    Gossip,
    Kind,
    Mark,
    Message,
    MessageError,
    OfModule,
    Published,
    Pulse,
    Update,
    decode,
    encode,
)
from zippy.cluster.node import ALL_SLOTS, ROLES, Link, span
from zippy.cluster.nodes_file import NodesFileError, Reader, render
from zippy.cluster.slot_map import NOBODYS, Told

STRANGER = "5" * 40
IDS = (ME, "b" * 40, "c" * 40, "d" * 40, STRANGER, "e" * 40)
FIELDS = {"H": (8, 10, 12, 14, 2192, 2194, 2244 - 4), "Q": (16, 24, 32), "I": (4,)}
"""Where numbers are in a header, some of them nearly."""
ID_PLACES = (40, 2128)
EDGES = (0, 1, 2, 3, 7, 8, 10, 11, 255, 256, 2256, 16383, 16384, 65535, 65536, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)
LINKS = 4
ROUNDS = 40  # inputs that one state machine gets


class Found(AssertionError):
    """What must not be."""


def gossip(source: random.Random) -> Gossip:
    """What is said of some node."""
    id = source.choice(IDS)
    ip = source.choice(("10.0.0.2", "10.0.0.9", "", "::1"))
    moment = NOW // 1000 + source.randrange(-10, 10)
    return Gossip(id, source.choice((0, moment)), moment, ip, 6379, 16379, source.choice((1, 2, 5, 9, 17, 33, 65, 3, 0, 0xFFFF)), 0)


def body(source: random.Random, kind: Kind) -> Pulse | Failing | Published | Update | OfModule | None:
    """Of a message of a kind."""
    if kind in (Kind.PING, Kind.PONG, Kind.MEET):
        forgotten = tuple((source.choice(IDS), source.choice(EDGES)) for _ in range(source.choice((0, 0, 0, 1, 2))))
        names = source.choice(("", "host.example", "a" * 60)), source.choice(("", "name-1"))
        return Pulse(tuple(gossip(source) for _ in range(source.randrange(4))), *names, source.choice(("", *IDS)), forgotten)
    if kind in (Kind.PUBLISH, Kind.PUBLISHSHARD):
        return Published(b"channel", source.randbytes(source.randrange(40)))
    if kind is Kind.FAIL:
        return Failing(source.choice(IDS))
    if kind is Kind.UPDATE:
        return Update(source.randrange(20), source.choice(IDS), slots(source))
    return OfModule(1, 2, b"data") if kind is Kind.MODULE else None


def slots(source: random.Random) -> int:
    """Some."""
    first = source.randrange(16384)
    return source.choice((0, span(0, 5000), span(5001, 10000), span(first, source.randrange(first, 16384)), ALL_SLOTS))


def message(source: random.Random) -> bytes:
    """A good message, of any node and of any kind."""
    kind = source.choice(list(Kind))
    marks = Mark.EXTENDED if kind in (Kind.PING, Kind.PONG, Kind.MEET) else source.randrange(4)
    return encode(Message(
        kind, source.choice(IDS), source.randrange(20), source.randrange(20), source.randrange(1000), slots(source),
        source.choice(("", "", *IDS)), source.choice(("", "10.0.0.2", "10.0.0.77")), 6379, 16379, 0,
        source.choice((1, 2, 513, 3, 0, 0xFFFF)), source.random() < 0.1, marks, body(source, kind),
    ))  # fmt: skip


def harm(source: random.Random, data: bytearray) -> None:
    """Changes one thing of a message."""
    way = source.randrange(10)
    if way == 0:
        data[source.randrange(len(data))] = source.randrange(256)
    elif way == 1:
        data[source.choice((0, 40, 2128)) + source.randrange(40)] ^= 1 << source.randrange(8)
    elif way in (2, 3):
        letter = source.choice("HQI")
        size = struct.calcsize(letter)
        number = source.choice(EDGES) % 256**size
        at = source.choice(FIELDS[letter])
        data[at : at + size] = number.to_bytes(size, "big")
    elif way == 4:
        at = source.choice(ID_PLACES)
        data[at : at + 40] = source.choice(IDS).encode()
    elif way == 5:
        del data[source.randrange(len(data)) :]
    elif way == 6:
        extension = EXTENSION.pack(source.choice((0, 8, 16, 48, 56)), source.randrange(6))
        data += source.choice((source.randbytes(source.randrange(100)), extension))
    elif len(data) > HEADER.size:
        at = source.randrange(HEADER.size, len(data))
        if way == 7:
            data[at] = source.choice((0, 10, 32, 44, 127, 255))
        elif way == 8:
            data[at : at + GOSSIP.size] = b""
        else:
            data[at : at + 4] = struct.pack("!I", source.choice(EDGES) % 2**32)


def harmed(source: random.Random) -> bytes:
    """A message, mostly with something wrong; sometimes nothing of the kind."""
    if source.random() < 0.03:
        return source.randbytes(source.randrange(1, 4000))
    data = bytearray(source.choice(RECORDED)[2] if source.random() < 0.3 else message(source))
    for _ in range(source.choice((0, 1, 1, 1, 2, 3))):
        if len(data) >= HEADER.size:
            harm(source, data)
    if source.random() < 0.7 and len(data) >= LENGTHS_AT:
        data[4:8] = struct.pack("!I", len(data))
    return bytes(data)


class Victim:
    """A node with two other primaries and a replica of its own, one that it gets to know, and slots on their way; with a core."""

    def __init__(self) -> None:
        self.hand = Hand()
        hand = self.hand
        self.replica: Peer = hand.peer("d", 4, primary=hand.me)
        hand.machine.meet("10.0.0.8", 6379, 16379)
        hand.cluster.set_migrating(7, hand.b.node)
        hand.cluster.set_importing(6000, hand.b.node)
        self.map = ClusterMap(Core())
        self.map.enable()
        self.told = Told(self.map)
        self.settle()

    def link(self, number: int) -> Link:
        """One that a message may come by: a stranger's, a node's, one to a node, one to whom this node gets to know."""
        hand = self.hand
        if number == 0:
            return hand.machine.accepted("10.0.0.66")
        if number == 1:
            return hand.b.link
        if number == 2:
            if hand.b.node.link is None:
                hand.connect(hand.b.node)
            assert hand.b.node.link is not None
            return hand.b.node.link
        node = next((node for node in hand.cluster.nodes.values() if node.has(Flag.HANDSHAKE)), None)
        if node is None:
            hand.machine.meet("10.0.0.8", 6379, 16379)
            node = next(node for node in hand.cluster.nodes.values() if node.has(Flag.HANDSHAKE))
        if node.link is None:
            hand.connect(node)
        assert node.link is not None
        node.link.up = True
        return node.link

    def take(self, number: int, data: bytes) -> str:
        """Bytes come by a link; says what came of them. Found: something that must not be."""
        cluster = self.hand.cluster
        link = self.link(number)
        frames = Frames(lambda id: cluster.known(id) is not None)
        result = "incomplete"
        try:
            for text in frames.feed(data):
                result = self.take_one(link, text)
        except MessageError:
            result = "refused"
            self.hand.machine.link_down(link)
        self.settle()
        return result

    def take_one(self, link: Link, data: bytes) -> str:
        """One message comes. MessageError."""
        machine = self.hand.machine
        before, known = self.view(), {id for id in self.hand.cluster.nodes if self.hand.cluster.known(id) is not None}
        gets_to_know = link.node is not None and link.node.has(Flag.HANDSHAKE) and not link.inbound
        machine.at(self.hand.now)
        try:
            machine.receive(link, data, "10.0.0.1")
        except MessageError:
            if self.view() != before:
                raise Found("a message that was refused has changed something") from None
            raise
        found = decode(data)
        if (found is None or (found.sender not in known and not gets_to_know)) and self.view() != before:
            raise Found("a message of nobody has changed something")
        return "unknown kind" if found is None else found.kind.name

    def view(self) -> dict[str, tuple[int, int, str, int]]:
        """Slots, roles and epochs of all nodes that are known."""
        return {
            node.id: (node.slots, node.flags & ROLES, node.primary.id if node.primary is not None else "", node.config_epoch)
            for node in self.hand.cluster.nodes.values()
            if not node.has(Flag.HANDSHAKE)
        }

    def settle(self) -> None:
        """Does what was decided, tells the core, and looks whether all that is known agrees with itself. Found."""
        cluster = self.hand.cluster
        for decision in cluster.take():
            if isinstance(decision, Send) and decode(decision.data) is None:
                raise Found("a message of another version is sent")
        self.told.tell(cluster, "ip", False, False)
        taken = 0
        for node in cluster.nodes.values():
            if taken & node.slots or node.slots & ~ALL_SLOTS:
                raise Found(f"slots of {node} are another's, too, or beyond the last")
            taken |= node.slots
            if not node.has(Flag.HANDSHAKE) and node.flags & ROLES not in (Flag.PRIMARY, Flag.REPLICA):
                raise Found(f"{node} has no role, or both")
            if node.is_replica and node.slots:
                raise Found(f"{node} is a replica with slots")
        self.look_at_core(taken)
        self.look_at_file()
        replies.slots(cluster, "ip", False)
        replies.shards(cluster, "ip")

    def look_at_core(self, taken: int) -> None:
        """The core is told the same. Found."""
        for slot in (0, 7, 5000, 5001, 6000, 16383):
            if (self.map.owner(slot)[1] == NOBODYS) == bool(taken >> slot & 1):
                raise Found(f"the core does not know whose slot {slot} is")

    def look_at_file(self) -> None:
        """What is kept can be read again. Found."""
        text = render(self.hand.cluster)
        reader = Reader(self.hand.config, NOW, random.Random(1))
        try:
            reader.read(text)
        except NodesFileError as error:
            raise Found(f"{error} in {text}") from None
        kept = {id: node.slots for id, node in reader.nodes.items()}
        missing = {node.id for node in self.hand.cluster.nodes.values() if not node.has(Flag.HANDSHAKE)} ^ kept.keys()
        cluster = self.hand.cluster
        if missing or any(slots != cluster.held(cluster.nodes[id]) for id, slots in kept.items()):
            raise Found(f"the nodes' file does not tell the same: {text}")


def campaign(seed: int, goes_on: Callable[[int], bool]) -> Counter[str]:
    """Gives victims harmed messages; what came of them. Found, with the input's number."""
    done: Counter[str] = Counter()
    victim = Victim()
    number = 0
    while goes_on(number):
        source = random.Random(f"{seed}/{number}")
        if number % ROUNDS == 0:
            victim = Victim()
        try:
            done[victim.take(source.randrange(LINKS), harmed(source))] += 1
            if source.random() < 0.1:
                victim.hand.pass_time(source.randrange(3000))
        except Exception as error:
            raise Found(f"seed {seed}, input {number}: {type(error).__name__} {error}") from error
        number += 1
    return done


def main() -> None:
    """Goes on for so long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    done = campaign(options.seed, lambda number: time.monotonic() < end)
    print(f"inputs={done.total()} " + " ".join(f"{what}={count}" for what, count in sorted(done.items())))


if __name__ == "__main__":
    main()
