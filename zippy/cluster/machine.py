"""The state machine of a cluster's node: messages and time in, decisions out. It does no input and output, and reads no clock.

Whoever drives it calls `at` with the time, one of the inputs (`cron`, `link_up`, `link_down`, `accepted`, `receive` or a command), and does
what `take` of the cluster returns.
"""

from __future__ import annotations

import random

from zippy.cluster.decisions import Config, Deliver, Drop, Surroundings
from zippy.cluster.elections import Elections
from zippy.cluster.failures import Failures
from zippy.cluster.message import (
    PUBLISHING,
    PULSES,
    Failing,
    Flag,
    Gossip,
    Kind,
    Message,
    Published,
    Pulse,
    Update,
    decode,
)
from zippy.cluster.migration import Migration
from zippy.cluster.node import ALL_SLOTS, ROLES, Link, Node, bits, role_of
from zippy.cluster.ownership import Ownership
from zippy.cluster.state import Cluster
from zippy.cluster.talk import Talk

AHEAD_MS = 500  # by which another node's clock may be ahead
MOST_HANDSHAKES = 1000  # at once: whoever reaches the bus can have one begun


class Machine:
    """One node."""

    def __init__(self, myself: Node, config: Config, outside: Surroundings, chance: random.Random, now: int) -> None:
        self.cluster = Cluster(myself, config, outside, chance, now)
        self.talk = Talk(self.cluster)
        self.failures = Failures(self.cluster, self.talk)
        self.ownership = Ownership(self.cluster, self.talk)
        self.elections = Elections(self.cluster, self.talk, self.ownership)
        self.migration = Migration(self.cluster, self.ownership)
        self.received: dict[Kind, int] = {}

    def at(self, now: int) -> None:
        """It is so late: milliseconds since the epoch."""
        self.cluster.now = now

    # Time and links

    def claim_occupied(self) -> None:
        """When a server starts: slots of which it has keys and that nobody has are this node's; those of another one are coming in."""
        cluster, me = self.cluster, self.cluster.myself
        if not me.is_primary:
            return
        for slot in bits(cluster.outside.occupied(ALL_SLOTS & ~me.slots)):
            owner = cluster.owner(slot)
            if owner is None:
                cluster.note(f"I have keys for unassigned slot {slot}. Taking responsibility for it.", warning=True)
                cluster.give(me, 1 << slot)
            elif slot not in cluster.importing:
                text = f"I have keys for slot {slot}, but the slot is assigned to another node. Setting it to importing state."
                cluster.note(text, warning=True)
                cluster.set_importing(slot, owner)

    def cron(self) -> None:
        """What time brings; ten times a second."""
        cluster = self.cluster
        self.follow_settings()
        self.talk.cron()
        self.failures.cron()
        self.ownership.flatten()
        self.elections.cron()
        self.migration.cron()
        cluster.look = True

    def follow_settings(self) -> None:
        """This node is what the settings say of it."""
        cluster, me, config = self.cluster, self.cluster.myself, self.cluster.config
        flags = me.flags & ~Flag.NOFAILOVER | (Flag.NOFAILOVER if config.no_failover else 0)
        told = (flags, config.ip or me.ip, config.port, config.tls_port, config.bus_port, config.hostname, config.human_name)
        if told != (me.flags, me.ip, me.port, me.tls_port, me.bus_port, me.hostname, me.human_name):
            me.flags, me.ip, me.port, me.tls_port, me.bus_port, me.hostname, me.human_name = told
            cluster.changed()

    def meet(self, ip: str, port: int, bus_port: int) -> None:
        """Gets to know whoever is at an address, and has it get to know this node."""
        self.begin_handshake(ip, port, bus_port, Flag.HANDSHAKE | Flag.MEET)

    def begin_handshake(self, ip: str, port: int, bus_port: int, flags: int) -> None:
        """Begins to get to know whoever is at an address, unless that is under way."""
        cluster = self.cluster
        begun = [node for node in cluster.nodes.values() if node.has(Flag.HANDSHAKE)]
        for node in begun:
            if (node.ip, node.bus_port) == (ip, bus_port):
                node.flags |= flags & Flag.MEET
                return
        if len(begun) >= MOST_HANDSHAKES or not ip or not bus_port:
            return
        node = Node(cluster.new_id(), flags, cluster.now, ip, bus_port=bus_port, shard_id=cluster.new_id())
        self.set_port(node, port, 0)
        cluster.add(node)

    def become_replica(self, primary: Node) -> None:
        """CLUSTER REPLICATE."""
        self.elections.end_manual()
        self.elections.forget_election()
        self.ownership.follow(primary)

    def assign(self, slot: int, node: Node) -> None:
        """CLUSTER SETSLOT NODE: a slot is a node's; one that comes in is this node's, in a new epoch, which all are told."""
        cluster, me = self.cluster, self.cluster.myself
        was_mine = bool(me.slots >> slot & 1)
        arrives = node is me and slot in cluster.importing
        if slot in cluster.migrating and not cluster.outside.occupied(1 << slot):
            cluster.set_migrating(slot, None)
        cluster.give(node, 1 << slot)
        if arrives:
            cluster.set_importing(slot, None)
            if self.ownership.bump():
                cluster.note(f"configEpoch updated after importing slot {slot}")
            self.talk.tell_all()
        elif was_mine and node is not me and not me.slots and cluster.config.replica_migration:
            cluster.note(f"Lost my last slot during slot migration. Reconfiguring myself as a replica of {node.id}")
            self.ownership.follow(node)

    def reset(self, hard: bool, occupied: int) -> None:
        """CLUSTER RESET: this node is one of no cluster. occupied: slots with keys, which a replica loses."""
        cluster, me = self.cluster, self.cluster.myself
        if me.is_replica:
            cluster.set_as_primary(me)
            cluster.tell(Drop(occupied))
        cluster.take_away(cluster.assigned)
        cluster.end_moves()
        self.elections.end_manual()
        self.elections.forget_election()
        for node in list(cluster.others()):
            cluster.remove(node)
        cluster.forgotten.clear()
        if hard:
            cluster.current_epoch = cluster.last_vote = me.config_epoch = 0
            me.shard_id = cluster.new_id()
            cluster.rename(me, cluster.new_id())
        cluster.changed(sync=True)

    def set_port(self, node: Node, port: int, second: int) -> None:
        """A node's ports for clients, as messages tell them."""
        node.port, node.tls_port = (second, port) if self.cluster.config.tls else (port, second)

    def link_up(self, link: Link) -> None:
        """A link that was to be opened is there."""
        if link.node is not None:
            self.talk.link_up(link)

    def link_down(self, link: Link) -> None:
        """A link is gone, or could not be had."""
        node = link.node
        if node is not None and not link.inbound and not node.ping_sent and not link.up:
            # whoever cannot be connected to is silent from now on
            node.ping_sent = self.cluster.now
        self.cluster.unlink(link)

    def accepted(self, peer_ip: str) -> Link:
        """Another node has made a connection."""
        return Link(None, True, self.cluster.now, peer_ip)

    # Messages

    def receive(self, link: Link, data: bytes, local_ip: str = "") -> None:
        """A message has come. local_ip: the address of this server that the connection leads to. MessageError: the link is of no use."""
        message = decode(data)
        if message is None:
            return
        cluster = self.cluster
        self.received[message.kind] = self.received.get(message.kind, 0) + 1
        sender = cluster.known(message.sender)
        if sender is cluster.myself:
            sender = None
        if sender is not None:
            self.take_header(link, sender, message)
        if message.kind in PULSES:
            self.take_pulse(link, sender, message, local_ip)
        elif sender is not None:
            self.take_other(sender, message)

    def take_header(self, link: Link, sender: Node, message: Message) -> None:
        """What each message of a node tells."""
        if link.inbound and link.node is None:
            if sender.inbound is not None:
                # the other one has given its old link up
                self.cluster.close(sender.inbound)
            sender.inbound, link.node = link, sender
        sender.data_received = self.cluster.now
        self.ownership.learn_epochs(sender, message)
        sender.offset, sender.offset_at = message.offset, self.cluster.now
        self.elections.heard(sender, message)

    def take_other(self, sender: Node, message: Message) -> None:
        """A message that is no pulse, of a node that is known."""
        body = message.body
        if isinstance(body, Failing):
            node = self.cluster.find(body.id)
            if node is not None:
                self.failures.heard_of(node, sender)
        elif isinstance(body, Published) and message.kind in PUBLISHING:
            self.cluster.tell(Deliver(body.channel, body.text, message.kind is Kind.PUBLISHSHARD))
        elif isinstance(body, Update):
            self.ownership.update(body)
            self.end_what_role_ends()
        elif message.kind is Kind.AUTH_REQUEST:
            self.elections.vote(sender, message)
        elif message.kind is Kind.AUTH_ACK:
            self.elections.count(sender, message)
            self.elections.cron()
        elif message.kind is Kind.MFSTART:
            self.elections.hand_over(sender)

    def take_pulse(self, link: Link, sender: Node | None, message: Message, local_ip: str) -> None:
        """PING, PONG and MEET."""
        cluster, me = self.cluster, self.cluster.myself
        assert isinstance(message.body, Pulse)
        meets = message.kind is Kind.MEET
        if (meets or not me.ip) and not cluster.config.ip and local_ip and me.ip != local_ip and link.inbound:
            me.ip = local_ip
            cluster.note(f"IP address for this node updated to {local_ip}")
            cluster.changed()
        if meets and sender is None and message.sender != me.id:
            self.begin_handshake(message.ip or link.peer_ip, message.port, message.bus_port, Flag.HANDSHAKE)
        if message.kind is not Kind.PONG:
            self.talk.pulse(link, Kind.PONG)
        if not link.inbound:
            sender = self.take_answer(link, sender, message)
        elif sender is not None and message.kind is Kind.PING:
            self.take_address(sender, link, message)
        if sender is not None:
            self.take_role(sender, message)
            self.take_slots(sender, message)
            self.take_gossip(sender, message.body)
            self.take_extensions(sender, message, message.body)
            self.ownership.flatten()
            self.end_what_role_ends()

    def end_what_role_ends(self) -> None:
        """A primary that became a replica hands nothing over any more."""
        if self.cluster.myself.is_replica and self.elections.replica is not None:
            self.elections.end_manual()

    def take_answer(self, link: Link, sender: Node | None, message: Message) -> Node | None:
        """A pulse on a link of ours; the sender, None: there is nothing more to do with it."""
        cluster, node = self.cluster, link.node
        if node is None:
            return None
        if node.has(Flag.HANDSHAKE):
            if sender is not None or message.sender == cluster.myself.id:
                if sender is not None:
                    self.take_address(sender, link, message)
                cluster.remove(node)
                return None
            cluster.rename(node, message.sender)
            node.flags = node.flags & ~(Flag.HANDSHAKE | Flag.MEET | ROLES) | role_of(message.flags)
            node.shard_id = node.shard_id or cluster.new_id()
            cluster.note(f"Handshake with node {node.id} completed.")
            sender = node
            self.take_header(link, sender, message)
        elif node.id != message.sender:
            # another node has the address now
            cluster.note(f"PONG contains mismatching sender ID. Expected {node.id}, got {message.sender}")
            node.flags |= Flag.NOADDR
            node.ip = ""
            node.port = node.tls_port = node.bus_port = 0
            cluster.close(link)
            cluster.changed()
            return None
        if message.kind is Kind.PONG:
            node.pong_received = cluster.now
            node.ping_sent = 0
            self.failures.answered(node)
        return sender

    def take_address(self, sender: Node, link: Link, message: Message) -> None:
        """Where a node is, by its own message."""
        ip = message.ip or link.peer_ip
        port, tls_port = (message.second_port, message.port) if self.cluster.config.tls else (message.port, message.second_port)
        if not ip or (sender.ip, sender.port, sender.tls_port, sender.bus_port) == (ip, port, tls_port, message.bus_port):
            return
        moved = (sender.ip, sender.bus_port) != (ip, message.bus_port)
        sender.ip, sender.port, sender.tls_port, sender.bus_port = ip, port, tls_port, message.bus_port
        if moved and sender.link is not None:
            self.cluster.close(sender.link)
        sender.flags &= ~Flag.NOADDR
        self.cluster.note(f"Address updated for node {sender.id} ({sender.human_name}), now {ip}:{port}")
        self.cluster.changed()

    def take_role(self, sender: Node, message: Message) -> None:
        """Whether the sender is a primary, or whose replica."""
        cluster = self.cluster
        flags = sender.flags & ~(Flag.NOFAILOVER | Flag.EXTENSIONS) | message.flags & Flag.NOFAILOVER
        if message.marks & 4:
            flags |= Flag.EXTENSIONS
        if flags != sender.flags:
            sender.flags = flags
            cluster.changed()
        if not message.primary:
            if sender.is_replica:
                # the epoch that it told as a replica was its primary's
                sender.config_epoch = message.config_epoch
            cluster.set_as_primary(sender)
            return
        primary = cluster.known(message.primary)
        if primary is sender:
            return
        if sender.is_primary:
            cluster.note(f"Reconfiguring node {sender.id} ({sender.human_name}) as a replica")
        if primary is not None or sender.is_primary:
            cluster.set_as_replica(sender, primary)

    def take_slots(self, sender: Node, message: Message) -> None:
        """What slots the sender, or its primary, claims."""
        leader = sender.leader
        if sender.is_primary:
            self.ownership.hear_denials(sender, message.config_epoch, message.slots)
        if leader is None or leader.slots == message.slots:
            self.ownership.settle_collision(sender)
            return
        if sender.is_primary:
            self.ownership.claim(sender, message.config_epoch, message.slots)
        self.ownership.correct(sender, message.config_epoch, message.slots)
        self.ownership.settle_collision(sender)

    def take_extensions(self, sender: Node, message: Message, pulse: Pulse) -> None:
        """What the sender says of itself, and whom it has forgotten."""
        cluster = self.cluster
        if not message.marks & 4:
            return
        if (sender.hostname, sender.human_name) != (pulse.hostname, pulse.human_name):
            sender.hostname, sender.human_name = pulse.hostname, pulse.human_name
            cluster.changed()
        if pulse.shard_id:
            cluster.set_shard(sender, pulse.shard_id)
        for id, seconds in pulse.forgotten:
            node = cluster.find(id)
            if node is not None and node is not cluster.myself and node is not cluster.myself.primary:
                cluster.forget(node, seconds * 1000)
        for other in cluster.replicas_of(sender):
            cluster.set_shard(other, sender.shard_id)

    # Gossip

    def take_gossip(self, sender: Node, pulse: Pulse) -> None:
        """What a node says of others."""
        for entry in pulse.gossip:
            node = self.cluster.find(entry.id)
            if node is not None:
                if node is not self.cluster.myself:
                    self.take_opinion(sender, node, entry)
            elif not entry.flags & (Flag.NOADDR | Flag.HANDSHAKE) and not self.cluster.is_banned(entry.id) and entry.ip:
                self.add_by_gossip(entry)

    def add_by_gossip(self, entry: Gossip) -> None:
        """A node that is in the cluster and was not known here."""
        cluster = self.cluster
        flags = role_of(entry.flags) | entry.flags & Flag.NOFAILOVER
        node = Node(entry.id, flags, cluster.now, entry.ip, bus_port=entry.bus_port, shard_id=cluster.new_id())
        self.set_port(node, entry.port, entry.second_port)
        cluster.add(node)

    def take_opinion(self, sender: Node, node: Node, entry: Gossip) -> None:
        """What a node says of one that is known."""
        cluster = self.cluster
        fails = bool(entry.flags & (Flag.PFAIL | Flag.FAIL))
        if sender.votes:
            self.failures.report(node, sender, fails)
        if not fails and not node.ping_sent and not self.failures.reports(node):
            heard = entry.pong_received * 1000
            if node.pong_received < heard <= cluster.now + AHEAD_MS:
                node.pong_received = heard
        there = (entry.ip, entry.port, entry.bus_port)
        here = (node.ip, node.tls_port if cluster.config.tls else node.port, node.bus_port)
        if node.is_failing and not fails and not entry.flags & (Flag.NOADDR | Flag.HANDSHAKE) and entry.ip and there != here:
            cluster.close(node.link)
            node.ip, node.bus_port = entry.ip, entry.bus_port
            self.set_port(node, entry.port, entry.second_port)
            node.flags &= ~Flag.NOADDR
            cluster.changed()
