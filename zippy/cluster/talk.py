"""What a node sends: who is pinged when, and what a message says of its sender and of others. Without input and output."""

from __future__ import annotations

from zippy.cluster.decisions import Send
from zippy.cluster.message import PULSES, Body, Flag, Gossip, Kind, Mark, Message, Pulse, encode
from zippy.cluster.node import Link, Node
from zippy.cluster.state import Cluster

LEAST_GOSSIP = 3
LOOKS_AT = 5  # nodes, of which the one that was silent for longest is pinged each second
CRONS_A_SECOND = 10
LEAST_HANDSHAKE_MS = 1000


class Talk:
    """Sends messages for a cluster's node."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.crons = 0
        self.pauses_for: Node | None = None  # the replica that takes over by hand
        self.sent: dict[Kind, int] = {}

    # Messages

    def message(self, kind: Kind, body: Body = None, marks: int = 0) -> Message:
        """A message of this node."""
        cluster = self.cluster
        me, config = cluster.myself, cluster.config
        leader = me.leader or me
        if me.is_primary and self.pauses_for is not None:
            marks |= Mark.PAUSED
        if kind in PULSES:
            marks |= Mark.EXTENDED
        port, second = (config.tls_port, config.port) if config.tls else (config.port, config.tls_port)
        return Message(
            kind, me.id, cluster.current_epoch, leader.config_epoch, cluster.outside.offset(), cluster.held(leader),
            me.primary.id if me.primary is not None else "", config.ip, port, config.bus_port, second, me.flags, cluster.failed, marks,
            body,
        )  # fmt: skip

    def send(self, link: Link | None, kind: Kind, body: Body = None, marks: int = 0) -> None:
        """Sends a message on a link, if it is up."""
        if link is not None and link.up:
            self.send_bytes(link, kind, encode(self.message(kind, body, marks)))

    def send_bytes(self, link: Link, kind: Kind, data: bytes) -> None:
        """Sends a message on a link."""
        self.sent[kind] = self.sent.get(kind, 0) + 1
        self.cluster.tell(Send(link, data))

    def broadcast(self, kind: Kind, body: Body = None, marks: int = 0, to: list[Node] | None = None) -> None:
        """Sends the same message to all nodes that there is a link to, or to these."""
        data = encode(self.message(kind, body, marks))
        for node in self.cluster.others() if to is None else to:
            if node.link is not None and node.link.up and not node.has(Flag.HANDSHAKE | Flag.MYSELF):
                self.send_bytes(node.link, kind, data)

    def pulse(self, link: Link | None, kind: Kind) -> None:
        """Sends PING, PONG or MEET on a link, with gossip."""
        if link is None or not link.up:
            return
        if link.node is not None and kind is Kind.PING:
            # nothing makes up for an answer that is missing
            link.node.ping_sent = link.node.ping_sent or self.cluster.now
            link.asked = self.cluster.now
        self.send(link, kind, self.pulse_body(link.node))

    def pulse_body(self, to: Node | None, forgotten: tuple[tuple[str, int], ...] = ()) -> Pulse:
        """Gossip, and what this node says of itself to those who understand it."""
        me = self.cluster.myself
        gossip = tuple(map(self.gossip_of, self.chosen(to)))
        if to is None or not to.has(Flag.EXTENSIONS):
            return Pulse(gossip)
        config = self.cluster.config
        return Pulse(gossip, config.hostname, config.human_name, me.shard_id, forgotten)

    def chosen(self, to: Node | None) -> list[Node]:
        """Some nodes at random that are well, a tenth of all, and all that may not be."""
        nodes = self.cluster.nodes
        fresh = [
            node
            for node in nodes.values()
            if node is not to
            and not node.has(Flag.MYSELF | Flag.PFAIL | Flag.HANDSHAKE | Flag.NOADDR)
            and not (node.link is None and not node.slots)
        ]
        suspects = [node for node in nodes.values() if node.has(Flag.PFAIL) and not node.has(Flag.HANDSHAKE | Flag.NOADDR)]
        wanted = min(max(LEAST_GOSSIP, len(nodes) // 10), max(len(nodes) - 2, 0), len(fresh))
        return self.cluster.chance.sample(fresh, wanted) + suspects

    def gossip_of(self, node: Node) -> Gossip:
        """What is told of a node."""
        tls = self.cluster.config.tls
        port, second = (node.tls_port, node.port) if tls else (node.port, node.tls_port)
        return Gossip(
            node.id, node.ping_sent // 1000, node.pong_received // 1000, node.ip, port, node.bus_port, node.flags & 0xFFFF, second
        )  # fmt: skip

    def tell_all(self) -> None:
        """Tells all nodes what this one is."""
        for node in list(self.cluster.others()):
            if not node.has(Flag.HANDSHAKE):
                self.pulse(node.link, Kind.PONG)

    def tell_shard(self) -> None:
        """Tells the replicas of this node's primary, which rank themselves, what this one is."""
        leader = self.cluster.myself.leader
        for node in list(self.cluster.others()):
            if node.is_replica and node.primary is leader:
                self.pulse(node.link, Kind.PONG)

    def tell_forgotten(self, id: str, seconds: int) -> None:
        """Has all nodes forget one."""
        for node in list(self.cluster.others()):
            if not node.has(Flag.HANDSHAKE) and node.link is not None and node.link.up:
                self.send(node.link, Kind.PING, self.pulse_body(node, ((id, seconds),)))

    # Links

    def link_up(self, link: Link) -> None:
        """A link of ours is there: its first message is a PING, or a MEET where the other one is to get to know us."""
        node = link.node
        assert node is not None
        link.up = True
        meets = node.has(Flag.MEET)
        self.pulse(link, Kind.MEET if meets else Kind.PING)
        if meets:
            node.flags &= ~Flag.MEET

    def cron(self) -> None:
        """Connects to whoever there is no link to, and pings; ten times a second."""
        self.crons += 1
        cluster = self.cluster
        expiry = max(cluster.config.node_timeout, LEAST_HANDSHAKE_MS)
        for node in list(cluster.others()):
            if node.has(Flag.HANDSHAKE) and cluster.now - node.created > expiry:
                cluster.remove(node)
            elif node.link is None and not node.has(Flag.NOADDR):
                cluster.connect(node)
        if self.crons % CRONS_A_SECOND == 0:
            self.ping_silent()
        for node in list(cluster.others()):
            if not node.has(Flag.HANDSHAKE | Flag.NOADDR):
                self.look_at(node)

    def ping_silent(self) -> None:
        """Pings, of some nodes at random, the one that has not answered for longest."""
        cluster = self.cluster
        free = [
            node
            for node in cluster.others()
            if node.link is not None and node.link.up and not node.ping_sent and not node.has(Flag.HANDSHAKE)
        ]
        some = cluster.chance.sample(free, min(LOOKS_AT, len(free)))
        if some:
            self.pulse(min(some, key=lambda node: node.pong_received).link, Kind.PING)

    def look_at(self, node: Node) -> None:
        """Opens a link that may be broken again, and sees to it that a node is pinged in time."""
        cluster = self.cluster
        now, half = cluster.now, cluster.config.node_timeout / 2
        link = node.link
        if link is None:
            return
        silent = node.ping_sent and now - node.ping_sent > half and now - node.data_received > half
        if link.up and silent and now - link.created > cluster.config.node_timeout:
            cluster.close(link)
            return
        config = cluster.config
        silence = config.ping_interval or half
        overdue = now - link.asked > config.node_timeout if node.ping_sent else now - node.pong_received > silence
        if overdue or node is self.pauses_for:
            self.pulse(link, Kind.PING)
