"""The subcommands of CLUSTER, on a node of one."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import partial
from typing import Any

from zippy._core.resp.kinds import OK, ReplyError, Simple, Verbatim
from zippy._core.resp.values import Words
from zippy._core.session import Session
from zippy.cluster import replies
from zippy.cluster.message import SLOTS, Flag
from zippy.cluster.node import ALL_SLOTS, BUS_PORT_BEYOND, Node, bits, span
from zippy.cluster.nodes_file import address_word, line
from zippy.cluster.service import ClusterNode
from zippy.cluster.state import FORGET_MS, Cluster
from zippy.server.arguments import integer, repeated, subcommand_error, syntax_error, text
from zippy.server.help import container_help
from zippy.server.registry import command

STATISTICS = {"key-count": 0, "cpu-usec": 1, "network-bytes-in": 2, "network-bytes-out": 3}
KIND_NAMES = (
    "ping", "pong", "meet", "fail", "publish", "auth-req", "auth-ack", "update", "mfstart", "module", "publishshard",
)  # fmt: skip
BAD_SETSLOT = "ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP"
BAD_LIMIT = f"ERR Limit has to lie in between 1 and {SLOTS} (maximum number of slots)."


class ClusterCommands:
    """The commands of one node."""

    def __init__(self, node: ClusterNode, key_slot: Callable[[bytes], int]) -> None:
        self.node = node
        self.key_slot = key_slot

    @property
    def cluster(self) -> Cluster:
        """What the node knows."""
        return self.node.machine.cluster

    def find(self, word: bytes, error: str = "ERR Unknown node {}") -> Node:
        """The node of an id. ReplyError."""
        found = self.cluster.find(text(word))
        if found is None:
            raise ReplyError(error.format(repeated(word)))
        return found

    def act(self, work: Callable[[], object]) -> Simple:
        """Has the state machine do something. OK."""
        self.node.run(work)
        return OK

    @property
    def preferred(self) -> str:
        """What clients are to be told of places."""
        return self.node.settings.text("cluster-preferred-endpoint-type")

    def has_tls(self, session: Session) -> bool:
        """Whether a client is to be told of ports with TLS: those of its own kind."""
        return self.node.settings.flag("tls-cluster") if session.state is None else bool(session.state.is_tls)

    def line(self, session: Session, node: Node) -> str:
        """A node's line, for a client."""
        return line(self.cluster, node, address_word(node, self.has_tls(session)), node.slots)

    # What there is

    @command("cluster|help")
    def help(self, session: Session, args: Words) -> Any:
        """CLUSTER HELP."""
        return container_help("cluster", session, args)

    @command("cluster|info")
    def info(self, session: Session, args: Words) -> Any:
        """CLUSTER INFO."""
        machine = self.node.machine
        sent = {KIND_NAMES[kind]: count for kind, count in sorted(machine.talk.sent.items())}
        received = {KIND_NAMES[kind]: count for kind, count in sorted(machine.received.items())}
        return Verbatim(replies.info(self.cluster, sent, received, self.node.beyond_limit))

    @command("cluster|nodes")
    def nodes(self, session: Session, args: Words) -> Any:
        """CLUSTER NODES."""
        return Verbatim("".join(self.line(session, node) + "\n" for node in self.cluster.nodes.values()))

    @command("cluster|slots")
    def slots(self, session: Session, args: Words) -> Any:
        """CLUSTER SLOTS."""
        return replies.slots(self.cluster, self.preferred, self.has_tls(session))

    @command("cluster|shards")
    def shards(self, session: Session, args: Words) -> Any:
        """CLUSTER SHARDS."""
        return replies.shards(self.cluster, self.preferred)

    @command("cluster|links")
    def links(self, session: Session, args: Words) -> Any:
        """CLUSTER LINKS."""
        found = []
        for link, connection in self.node.bus.connections.items():
            if link.node is not None and link.up:
                found.append({
                    "direction": "from" if link.inbound else "to",
                    "node": link.node.id,
                    "create-time": link.created,
                    "events": "rw" if connection.unsent else "r",
                    "send-buffer-allocated": connection.unsent,
                    "send-buffer-used": connection.unsent,
                })  # fmt: skip
        return found

    @command("cluster|myid")
    def myid(self, session: Session, args: Words) -> Any:
        """CLUSTER MYID."""
        return self.cluster.myself.id

    @command("cluster|myshardid")
    def myshardid(self, session: Session, args: Words) -> Any:
        """CLUSTER MYSHARDID."""
        return self.cluster.myself.shard_id

    @command("cluster|replicas")
    def replicas(self, session: Session, args: Words) -> Any:
        """CLUSTER REPLICAS node-id."""
        node = self.find(args[2])
        if node.is_replica:
            raise ReplyError("ERR The specified node is not a master")
        return [self.line(session, replica) for replica in self.cluster.replicas_of(node)]

    @command("cluster|slaves")
    def slaves(self, session: Session, args: Words) -> Any:
        """CLUSTER SLAVES node-id."""
        return self.replicas(session, args)

    @command("cluster|count-failure-reports")
    def count_failure_reports(self, session: Session, args: Words) -> Any:
        """CLUSTER COUNT-FAILURE-REPORTS node-id."""
        node = self.find(args[2])
        self.node.machine.at(self.node.now())
        return self.node.machine.failures.reports(node)

    # Keys

    @command("cluster|keyslot")
    def keyslot(self, session: Session, args: Words) -> Any:
        """CLUSTER KEYSLOT key."""
        return self.key_slot(args[2])

    @command("cluster|countkeysinslot")
    def countkeysinslot(self, session: Session, args: Words) -> Any:
        """CLUSTER COUNTKEYSINSLOT slot."""
        slot = integer(args[2])
        if not 0 <= slot < SLOTS:
            raise ReplyError("ERR Invalid slot")
        return self.node.slots.count(slot)

    @command("cluster|getkeysinslot")
    def getkeysinslot(self, session: Session, args: Words) -> Any:
        """CLUSTER GETKEYSINSLOT slot count."""
        slot, most = integer(args[2]), integer(args[3])
        if not 0 <= slot < SLOTS or most < 0:
            raise ReplyError("ERR Invalid slot or number of keys")
        return self.node.slots.keys(slot, min(most, self.node.slots.count(slot)))

    @command("cluster|slot-stats")
    def slot_stats(self, session: Session, args: Words) -> Any:
        """CLUSTER SLOT-STATS <SLOTSRANGE start-slot end-slot | ORDERBY metric [LIMIT limit] [ASC | DESC]>."""
        word = args[2].lower()
        mine = (self.cluster.myself.leader or self.cluster.myself).slots
        if word == b"slotsrange" and len(args) == 5:
            first, last = slot_of(args[3]), slot_of(args[4])
            if first > last:
                raise ReplyError(f"ERR Start slot number {first} is greater than end slot number {last}")
            return [self.statistics(slot) for slot in bits(mine & span(first, last))]
        if word == b"orderby" and len(args) >= 4:
            return self.ordered_statistics(mine, args)
        raise subcommand_error(args)

    def ordered_statistics(self, mine: int, args: Words) -> list[Any]:
        """Those of the slots that are used most, or least."""
        metric = text(args[3]).lower()
        if metric not in STATISTICS or (metric != "key-count" and not self.counts_use):
            raise ReplyError("ERR Unrecognized sort metric for ORDERBY.")
        limit: int | None = None
        ascending: bool | None = None
        at = 4
        while at < len(args):
            word = args[at].lower()
            if word == b"limit" and at + 1 < len(args):
                if limit is not None:
                    raise ReplyError("ERR Multiple filters of the same type are disallowed.")
                limit = integer(args[at + 1], BAD_LIMIT)
                if not 1 <= limit <= SLOTS:
                    raise ReplyError(BAD_LIMIT)
                at += 2
            elif word in (b"asc", b"desc"):
                if ascending is not None:
                    raise ReplyError("ERR Multiple filters of the same type are disallowed.")
                ascending = word == b"asc"
                at += 1
            else:
                raise syntax_error()
        place, sign = STATISTICS[metric], 1 if ascending else -1
        order = sorted(bits(mine), key=lambda slot: (sign * self.node.slots.stats(slot)[place], slot))
        return [self.statistics(slot) for slot in order[:limit]]

    @property
    def counts_use(self) -> bool:
        """Whether more is counted than keys."""
        return self.node.settings.flag("cluster-slot-stats-enabled")

    def statistics(self, slot: int) -> list[Any]:
        """A slot's."""
        values = zip(STATISTICS, self.node.slots.stats(slot), strict=True)
        return [slot, {name: value for name, value in values if name == "key-count" or self.counts_use}]

    # Nodes

    @command("cluster|meet")
    def meet(self, session: Session, args: Words) -> Any:
        """CLUSTER MEET ip port [cluster-bus-port]."""
        if len(args) > 5:
            raise subcommand_error(args)
        ip = text(args[2])
        port = integer(args[3], f"ERR Invalid base port specified: {text(args[3])}")
        bus_port = integer(args[4], f"ERR Invalid bus port specified: {text(args[4])}") if len(args) > 4 else port + BUS_PORT_BEYOND
        if not is_address(ip) or not 0 < port < 65536 or not 0 < bus_port < 65536:
            raise ReplyError(f"ERR Invalid node address specified: {ip}:{text(args[3])}")
        return self.act(lambda: self.node.machine.meet(ip, port, bus_port))

    @command("cluster|forget")
    def forget(self, session: Session, args: Words) -> Any:
        """CLUSTER FORGET node-id."""
        cluster = self.cluster
        id = text(args[2])
        if cluster.find(id) is None and cluster.is_banned(id):
            return OK
        node = self.find(args[2])
        if node is cluster.myself:
            raise ReplyError("ERR I tried hard but I can't forget myself...")
        if cluster.myself.is_replica and node is cluster.myself.primary:
            raise ReplyError("ERR Can't forget my master!")

        def forget() -> None:
            cluster.forget(node)
            self.node.machine.talk.tell_forgotten(id, FORGET_MS // 1000)

        return self.act(forget)

    @command("cluster|replicate")
    def replicate(self, session: Session, args: Words) -> Any:
        """CLUSTER REPLICATE node-id."""
        cluster = self.cluster
        me, node = cluster.myself, self.find(args[2])
        if node is me:
            raise ReplyError("ERR Can't replicate myself")
        if node.is_replica:
            raise ReplyError("ERR I can only replicate a master, not a replica.")
        if me.is_primary and (me.slots or self.node.occupied(ALL_SLOTS)):
            raise ReplyError("ERR To set a master the node must be empty and without assigned slots.")
        return self.act(lambda: self.node.machine.become_replica(node))

    @command("cluster|failover")
    def failover(self, session: Session, args: Words) -> Any:
        """CLUSTER FAILOVER [FORCE | TAKEOVER]."""
        word = args[2].lower() if len(args) == 3 else b""
        if len(args) > 3:
            raise subcommand_error(args)
        if word and word not in (b"force", b"takeover"):
            raise syntax_error()
        machine, primary = self.node.machine, self.cluster.myself.primary
        if self.cluster.myself.is_primary:
            raise ReplyError("ERR You should send CLUSTER FAILOVER to a replica")
        if primary is None:
            raise ReplyError("ERR I'm a replica but my master is unknown to me")
        if not word and (primary.has(Flag.FAIL) or primary.link is None):
            raise ReplyError("ERR Master is down or failed, please use CLUSTER FAILOVER FORCE")
        if word == b"takeover":
            return self.act(machine.elections.take_without_asking)
        return self.act(lambda: machine.elections.begin(word == b"force"))

    @command("cluster|reset")
    def reset(self, session: Session, args: Words) -> Any:
        """CLUSTER RESET [HARD | SOFT]."""
        word = args[2].lower() if len(args) == 3 else b"soft"
        if len(args) > 3:
            raise subcommand_error(args)
        if word not in (b"hard", b"soft"):
            raise syntax_error()
        occupied = self.node.occupied(ALL_SLOTS)
        if self.cluster.myself.is_primary and occupied:
            raise ReplyError("ERR CLUSTER RESET can't be called with master nodes containing keys")
        return self.act(partial(self.node.machine.reset, word == b"hard", occupied))

    @command("cluster|saveconfig")
    def saveconfig(self, session: Session, args: Words) -> Any:
        """CLUSTER SAVECONFIG."""
        return self.act(lambda: self.cluster.changed(sync=True))

    @command("cluster|bumpepoch")
    def bumpepoch(self, session: Session, args: Words) -> Any:
        """CLUSTER BUMPEPOCH."""
        bumped = self.node.machine.ownership.bump()
        self.act(lambda: None)
        return Simple(f"{'BUMPED' if bumped else 'STILL'} {self.cluster.myself.config_epoch}")

    @command("cluster|set-config-epoch")
    def set_config_epoch(self, session: Session, args: Words) -> Any:
        """CLUSTER SET-CONFIG-EPOCH config-epoch."""
        cluster = self.cluster
        epoch = integer(args[2])
        if epoch < 0:
            raise ReplyError(f"ERR Invalid config epoch specified: {epoch}")
        if len(cluster.nodes) > 1:
            raise ReplyError("ERR The user can assign a config epoch only when the node does not know any other node.")
        if cluster.myself.config_epoch:
            raise ReplyError("ERR Node config epoch is already non-zero")

        def set_epoch() -> None:
            cluster.myself.config_epoch = epoch
            cluster.current_epoch = max(cluster.current_epoch, epoch)
            cluster.changed()

        return self.act(set_epoch)

    # Slots

    @command("cluster|addslots")
    def addslots(self, session: Session, args: Words) -> Any:
        """CLUSTER ADDSLOTS slot [slot ...]."""
        return self.add([(slot, slot) for slot in map(slot_of, args[2:])])

    @command("cluster|addslotsrange")
    def addslotsrange(self, session: Session, args: Words) -> Any:
        """CLUSTER ADDSLOTSRANGE start-slot end-slot [start-slot end-slot ...]."""
        return self.add(ranges_of(args))

    def add(self, wanted: list[tuple[int, int]]) -> Simple:
        """This node has these slots from now on. ReplyError."""
        cluster = self.cluster
        found = self.gather(wanted, cluster.assigned, "ERR Slot {} is already busy")

        def add() -> None:
            self.end_imports(found)
            cluster.give(cluster.myself, found)

        return self.act(add)

    @command("cluster|delslots")
    def delslots(self, session: Session, args: Words) -> Any:
        """CLUSTER DELSLOTS slot [slot ...]."""
        return self.delete([(slot, slot) for slot in map(slot_of, args[2:])])

    @command("cluster|delslotsrange")
    def delslotsrange(self, session: Session, args: Words) -> Any:
        """CLUSTER DELSLOTSRANGE start-slot end-slot [start-slot end-slot ...]."""
        return self.delete(ranges_of(args))

    def delete(self, wanted: list[tuple[int, int]]) -> Simple:
        """Nobody has these slots. ReplyError."""
        cluster = self.cluster
        found = self.gather(wanted, ALL_SLOTS & ~cluster.assigned, "ERR Slot {} is already unassigned")

        def delete() -> None:
            self.end_imports(found)
            cluster.take_away(found)

        return self.act(delete)

    def end_imports(self, slots: int) -> None:
        """None of these slots is coming in any more."""
        for slot in bits(slots & set_of(self.cluster.importing)):
            self.cluster.set_importing(slot, None)

    @staticmethod
    def gather(wanted: list[tuple[int, int]], refused: int, error: str) -> int:
        """These slots as a number; ReplyError when one is refused, or given twice."""
        found = 0
        for first, last in wanted:
            some = span(first, last)
            for slot in bits(some & (refused | found)):
                twice = found >> slot & 1
                raise ReplyError(f"ERR Slot {slot} specified multiple times" if twice else error.format(slot))
            found |= some
        return found

    @command("cluster|flushslots")
    def flushslots(self, session: Session, args: Words) -> Any:
        """CLUSTER FLUSHSLOTS."""
        cluster = self.cluster
        if self.node.occupied(ALL_SLOTS):
            raise ReplyError("ERR DB must be empty to perform CLUSTER FLUSHSLOTS.")
        return self.act(lambda: cluster.take_away(cluster.myself.slots))

    @command("cluster|setslot")
    def setslot(self, session: Session, args: Words) -> Any:
        """CLUSTER SETSLOT slot <IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE>."""
        cluster = self.cluster
        if cluster.myself.is_replica:
            raise ReplyError("ERR Please use SETSLOT only with masters.")
        slot = slot_of(args[2])
        word, more = args[3].lower(), len(args) - 4
        if word == b"stable" and more == 0:
            return self.act(lambda: self.settle(slot))
        if word not in (b"migrating", b"importing", b"node") or more != 1:
            raise ReplyError(BAD_SETSLOT)
        mine = bool(cluster.myself.slots >> slot & 1)
        if word == b"migrating" and not mine:
            raise ReplyError(f"ERR I'm not the owner of hash slot {slot}")
        if word == b"importing" and mine:
            raise ReplyError(f"ERR I'm already the owner of hash slot {slot}")
        node = self.find(args[4], "ERR Unknown node {}" if word == b"node" else "ERR I don't know about node {}")
        if node.is_replica:
            raise ReplyError("ERR Target node is not a master")
        if word == b"migrating":
            return self.act(lambda: cluster.set_migrating(slot, node))
        if word == b"importing":
            return self.act(lambda: cluster.set_importing(slot, node))
        if mine and node is not cluster.myself and self.node.slots.count(slot):
            raise ReplyError(f"ERR Can't assign hashslot {slot} to a different node while I still hold keys for this hash slot.")
        return self.act(lambda: self.node.machine.assign(slot, node))

    def settle(self, slot: int) -> None:
        """A slot stays where it is."""
        self.cluster.set_migrating(slot, None)
        self.cluster.set_importing(slot, None)


def slot_of(word: bytes) -> int:
    """A slot. ReplyError."""
    slot = integer(word, "ERR Invalid or out of range slot")
    if not 0 <= slot < SLOTS:
        raise ReplyError("ERR Invalid or out of range slot")
    return slot


def set_of(slots: dict[int, Node]) -> int:
    """The slots of a table."""
    found = 0
    for slot in slots:
        found |= 1 << slot
    return found


def ranges_of(args: Words) -> list[tuple[int, int]]:
    """Pairs of slots. ReplyError."""
    if len(args) % 2:
        raise ReplyError(f"ERR wrong number of arguments for 'cluster|{text(args[1]).lower()}' command")
    found = [(slot_of(first), slot_of(last)) for first, last in zip(args[2::2], args[3::2], strict=True)]
    for first, last in found:
        if first > last:
            raise ReplyError(f"ERR start slot number {first} is greater than end slot number {last}")
    return found


def is_address(word: str) -> bool:
    """Whether this is an IP address."""
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True
