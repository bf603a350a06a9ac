"""What a node knows of its cluster: nodes, slots, epochs, whether the cluster serves. Without input and output.

Gossip, ownership and elections work on this one object. What is to be done about a change follows from what is known: `take` compares who
is to be replicated and whether writes wait with what was told last, so no part has to think of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from zippy.cluster.decisions import Close, Config, Decision, Follow, Lead, Note, Open, Pause, Save, Surroundings
from zippy.cluster.message import Flag
from zippy.cluster.node import ALL_SLOTS, ROLES, Link, Node

FORGET_MS = 60_000  # for which a node that was forgotten is not to be known again
WRITABLE_DELAY_MS = 2000  # after the start, until a primary serves: others may have taken its slots
LEAST_REJOIN_MS, MOST_REJOIN_MS = 500, 5000  # from a majority's return until a primary serves
REPORT_TIMEOUTS = 2  # node timeouts for which a report of a failure is good
UNDO_TIMEOUTS = 2  # node timeouts after which a primary's failure may be undone when nobody took its slots


class Cluster:
    """The knowledge of one node, and what it has decided. now: milliseconds since the epoch, set before each input."""

    def __init__(self, myself: Node, config: Config, outside: Surroundings, chance: random.Random, now: int) -> None:
        self.myself = myself
        self.config = config
        self.outside = outside
        self.chance = chance
        self.now = now
        self.nodes: dict[str, Node] = {myself.id: myself}
        self.current_epoch = 0
        self.last_vote = 0  # epoch
        self.migrating: dict[int, Node] = {}
        self.importing: dict[int, Node] = {}
        self.denied = 0  # slots that another node has, as far as this one knows, and says that it has not
        self.failed = True  # the cluster does not serve
        self.forgotten: dict[str, int] = {}  # ids, and until when
        self.began_at = now
        self.minority_at = 0
        self.version = 0  # of what clients are told: grows with each change
        self.look = False  # whether the cluster serves has to be looked at
        self.save = self.sync = False
        self.out: list[Decision] = []
        self.following: tuple[str, int] | None = None  # that was told last
        self.pause_wanted = self.paused = False

    # Decisions

    def tell(self, decision: Decision) -> None:
        """Decides something."""
        self.out.append(decision)

    def note(self, text: str, warning: bool = False) -> None:
        """A line for the log."""
        self.out.append(Note(text, warning))

    def changed(self, sync: bool = False) -> None:
        """What is known has changed: it is to be kept, and clients are to be told. sync: nothing may leave before it is on disk."""
        self.version += 1
        self.save = True
        self.sync |= sync
        self.look = True

    def take(self) -> list[Decision]:
        """What has been decided since the last time. What is to be written comes first: nothing of it may be sent before."""
        if self.look:
            self.look_at_state()
        if self.pause_wanted != self.paused:
            self.paused = self.pause_wanted
            self.tell(Pause(self.paused))
        primary = self.myself.primary if self.myself.is_replica else None
        target = (primary.ip, self.client_port(primary)) if primary is not None and primary.ip else None
        if primary is None and self.following is not None:
            self.following = None
            self.tell(Lead())
        elif target is not None and target != self.following and primary is not None:
            self.following = target
            self.tell(Follow(primary))
        out, self.out = self.out, []
        if self.save:
            out.insert(0, Save(self.sync))
            self.save = self.sync = False
        return out

    def client_port(self, node: Node) -> int:
        """The port that replicas connect to."""
        return node.port_for(self.config.tls_replication)

    # Nodes

    def others(self) -> Iterator[Node]:
        """All nodes but this one."""
        return (node for node in self.nodes.values() if node is not self.myself)

    def find(self, id: str) -> Node | None:
        """The node of this id."""
        return self.nodes.get(id)

    def known(self, id: str) -> Node | None:
        """The node of this id, if its handshake is over."""
        node = self.nodes.get(id)
        return None if node is None or node.has(Flag.HANDSHAKE) else node

    def add(self, node: Node) -> None:
        """Knows a node from now on."""
        self.nodes[node.id] = node
        self.changed()

    def new_id(self) -> str:
        """An id that nobody has."""
        return self.chance.randbytes(20).hex()

    def rename(self, node: Node, id: str) -> None:
        """A node's true id is known now."""
        del self.nodes[node.id]
        node.id = id
        self.add(node)

    def remove(self, node: Node) -> None:
        """Forgets a node, its links and its slots."""
        self.set_slots(node, 0)
        for table in (self.migrating, self.importing):
            for slot in [slot for slot, other in table.items() if other is node]:
                del table[slot]
        for other in self.nodes.values():
            other.reports.pop(node, None)
            if other.primary is node:
                other.primary = None
        self.set_primary(node, None)
        del self.nodes[node.id]
        self.close(node.link)
        self.close(node.inbound)
        self.changed()

    def forget(self, node: Node, milliseconds: int = FORGET_MS) -> None:
        """Forgets a node, and does not get to know it by gossip for so long."""
        self.remove(node)
        self.ban(node.id, milliseconds)

    def ban(self, id: str, milliseconds: int) -> None:
        """A node is not to be known by gossip for so long."""
        self.forgotten = {other: until for other, until in self.forgotten.items() if until > self.now}
        self.forgotten[id] = self.now + milliseconds

    def is_banned(self, id: str) -> bool:
        """Whether it was forgotten a short time ago."""
        return self.forgotten.get(id, 0) > self.now

    def replicas_of(self, node: Node) -> list[Node]:
        """Its replicas."""
        return [other for other in self.nodes.values() if other.is_replica and other.primary is node]

    def good_replicas(self, node: Node) -> int:
        """How many of them do not fail."""
        return sum(not other.is_failing for other in self.replicas_of(node))

    # Links

    def connect(self, node: Node) -> None:
        """Begins a link to a node."""
        node.link = Link(node, False, self.now)
        self.tell(Open(node.link))

    def close(self, link: Link | None) -> None:
        """Ends a link."""
        if link is not None:
            self.unlink(link)
            self.tell(Close(link))

    def unlink(self, link: Link) -> None:
        """A link is no more."""
        node, link.node, link.up = link.node, None, False
        if node is not None and node.link is link:
            node.link = None
        elif node is not None and node.inbound is link:
            node.inbound = None

    # Slots

    def owner(self, slot: int) -> Node | None:
        """Whose slot it is."""
        return next((node for node in self.nodes.values() if node.slots >> slot & 1), None)

    @property
    def assigned(self) -> int:
        """All slots that somebody has."""
        found = 0
        for node in self.nodes.values():
            found |= node.slots
        return found

    def held(self, node: Node) -> int:
        """The slots that a node has, but for those of which it says itself that it has them no more. No other node is told of these, nor a
        later life of this one: they would go on by the node's present epoch, in which it has never claimed them."""
        return node.slots & ~self.denied

    def set_slots(self, node: Node, slots: int) -> None:
        """A node has these slots, which nobody else has."""
        if node.slots == slots:
            return
        if node.is_primary and not node.slots and self.has_migrating_replicas():
            # a primary that gets its first slots where others have replicas wants some too
            node.flags |= Flag.MIGRATE_TO
        node.slots = slots
        self.changed(sync=node is self.myself)

    def has_migrating_replicas(self) -> bool:
        """Whether some primary with slots has a replica."""
        return any(node.is_replica and node.primary is not None and node.primary.slots for node in self.nodes.values())

    def give(self, node: Node, slots: int) -> None:
        """A node has these slots too from now on, and who had them has not."""
        for other in self.nodes.values():
            if other is not node and other.slots & slots:
                self.set_slots(other, other.slots & ~slots)
        self.denied &= ~slots
        self.set_slots(node, node.slots | slots)

    def take_away(self, slots: int) -> None:
        """Nobody has these slots. One that was to move would do so again when it comes back, as in Redis."""
        for node in self.nodes.values():
            if node.slots & slots:
                self.set_slots(node, node.slots & ~slots)

    def set_migrating(self, slot: int, node: Node | None) -> None:
        """A slot of this node moves to another one, None: it does not."""
        put(self.migrating, slot, node)
        self.changed()

    def set_importing(self, slot: int, node: Node | None) -> None:
        """A slot comes from another node, None: it does not."""
        put(self.importing, slot, node)
        self.changed()

    def end_moves(self) -> None:
        """No slot moves."""
        if self.migrating or self.importing:
            self.migrating.clear()
            self.importing.clear()
            self.changed()

    # Roles

    def set_as_primary(self, node: Node) -> None:
        """A node is a primary."""
        if node.is_primary:
            return
        node.flags = node.flags & ~ROLES | Flag.PRIMARY
        if node is not self.myself and self.has_migrating_replicas():
            node.flags |= Flag.MIGRATE_TO
        self.set_primary(node, None)
        self.changed(sync=node is self.myself)

    def set_as_replica(self, node: Node, primary: Node | None) -> None:
        """A node is a replica of another one, which may not be known yet."""
        if node.is_replica and node.primary is primary:
            return
        if node.slots:
            self.set_slots(node, 0)
        node.flags = node.flags & ~(ROLES | Flag.MIGRATE_TO) | Flag.REPLICA
        self.set_primary(node, primary)
        if primary is not None:
            self.set_shard(node, primary.shard_id)
        self.changed(sync=node is self.myself)

    def set_primary(self, node: Node, primary: Node | None) -> None:
        """A node follows another one, None: nobody. Replicas may move to who has one, even if that fails, not to who has none left."""
        old, node.primary = node.primary, primary
        if old is not None and not self.replicas_of(old):
            old.flags &= ~Flag.MIGRATE_TO
        if primary is not None:
            primary.flags |= Flag.MIGRATE_TO

    def set_shard(self, node: Node, shard_id: str) -> None:
        """A node belongs to a shard."""
        if shard_id and node.shard_id != shard_id:
            node.shard_id = shard_id
            self.changed()

    # Whether the cluster serves

    @property
    def size(self) -> int:
        """How many nodes vote."""
        return sum(node.votes for node in self.nodes.values())

    @property
    def majority(self) -> int:
        """How many votes decide."""
        return self.size // 2 + 1

    def look_at_state(self) -> None:
        """Finds out whether the cluster serves."""
        self.look = False
        now, primary = self.now, self.myself.is_primary
        if primary and self.failed and now - self.began_at < WRITABLE_DELAY_MS:
            self.look = True
            return
        reachable = sum(node.votes and not node.is_failing for node in self.nodes.values())
        served = 0
        for node in self.nodes.values():
            if not node.has(Flag.FAIL):
                served |= node.slots
        failed = self.config.full_coverage and served != ALL_SLOTS
        if reachable < self.majority:
            failed = True
            self.minority_at = now
        if failed == self.failed:
            return
        rejoin = min(max(self.config.node_timeout, LEAST_REJOIN_MS), MOST_REJOIN_MS)
        if not failed and primary and now - self.minority_at < rejoin:
            self.look = True
            return
        self.failed = failed
        self.version += 1
        self.note(f"Cluster state changed: {'fail' if failed else 'ok'}")


def put(table: dict[int, Node], slot: int, node: Node | None) -> None:
    """Puts a node into a table, or takes it out."""
    table.pop(slot, None)
    if node is not None:
        table[slot] = node
