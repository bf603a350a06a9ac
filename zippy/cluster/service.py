"""A server as a node of a cluster: the state machine with the bus, the nodes' file, replication and the core around it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, Protocol

from zippy.cluster.bus import Bus
from zippy.cluster.decisions import Close, Config, Deliver, Drop, Follow, Lead, Note, Open, Pause, Save, Send
from zippy.cluster.machine import Machine
from zippy.cluster.message import Flag, Kind, Published
from zippy.cluster.node import BUS_PORT_BEYOND, Link, Node, bits
from zippy.cluster.nodes_file import NodesFile, Reader, render
from zippy.cluster.slot_map import SlotMap, Told
from zippy.server.info import Fields, Sections
from zippy.settings import Settings, Value

log = logging.getLogger("zippy")

CRON_SECONDS = 0.1


class Replicating(Protocol):
    """What a cluster asks of replication."""

    def follow(self, address: tuple[str, int]) -> None:
        """Follows a primary from now on."""

    def lead(self) -> None:
        """Is a primary from now on."""

    def pause_writes(self, paused: bool) -> None:
        """Has writes wait, or go on."""

    def offset(self) -> int:
        """Of all that was written."""

    def silence(self) -> float | None:
        """Seconds since the primary was heard of; None: it never was."""


class Listening(Protocol):
    """Who gives clients here what other nodes published."""

    def __call__(self, channel: bytes, text: bytes, sharded: bool) -> object: ...


class ClusterNode:
    """One node. context: TLS's of the server's side (True) or the other one. fail: ends the process."""

    def __init__(
        self,
        settings: Settings,
        slots: SlotMap,
        replication: Replicating,
        deliver: Listening,
        context: Callable[[bool], ssl.SSLContext],
        fail: Callable[[str, int], NoReturn],
    ) -> None:
        self.settings = settings
        self.slots = slots
        self.replication = replication
        self.deliver = deliver
        self.fail = fail
        self.file = NodesFile(Path(settings.text("cluster-config-file")))
        self.bus = Bus(self, lambda server: context(server) if settings.flag("tls-cluster") else None)
        self.told = Told(slots)
        self.told_of = (-1, -1)  # versions of what the core was told last: the cluster's, the settings'
        self.configured = -1  # the settings' changes that `config` is made of
        self.config = Config()
        self.beyond_limit = 0  # links closed because of cluster-link-sendbuf-limit
        self.timer: asyncio.TimerHandle | None = None
        self.machine = self.new_machine(random.Random(os.urandom(16)))
        self.busy = False

    # The beginning

    def new_machine(self, chance: random.Random) -> Machine:
        """A node of no cluster."""
        self.configure()
        node = Node(chance.randbytes(20).hex(), Flag.MYSELF | Flag.PRIMARY, now_ms(), shard_id=chance.randbytes(20).hex())
        return Machine(node, self.config, self, chance, now_ms())

    def load(self) -> None:
        """Locks and reads the nodes' file, and writes a new one where there is none. NodesFileError or OSError: it cannot be used."""
        self.file.lock()
        text = self.file.read()
        if text.strip():
            reader = Reader(self.config, now_ms(), self.machine.cluster.chance)
            reader.read(text)
            assert reader.myself is not None
            machine = Machine(reader.myself, self.config, self, self.machine.cluster.chance, now_ms())
            reader.fill(machine.cluster)
            self.machine = machine
            log.info("Node configuration loaded, I'm %s", reader.myself.id)
        else:
            log.info("No cluster configuration found, I'm %s", self.machine.cluster.myself.id)
        self.machine.follow_settings()
        self.machine.cluster.changed(sync=True)

    def primary_address(self) -> tuple[str, int] | None:
        """Whom this server followed when it was ended."""
        cluster = self.machine.cluster
        primary = cluster.myself.primary
        return (primary.ip, cluster.client_port(primary)) if primary is not None and primary.ip else None

    def bind(self) -> None:
        """Has other nodes reach this one, who are answered once it has started. OSError when the bus's port cannot be had."""
        addresses = self.settings.value("bind")
        assert isinstance(addresses, list | tuple)
        self.bus.bind([str(address) for address in addresses], self.bus_port())

    async def start(self) -> None:
        """Takes part in the cluster."""
        self.machine.claim_occupied()
        await self.bus.serve()
        self.machine.cluster.following = self.primary_address()
        for name in ("cluster-announce-ip", "cluster-announce-hostname", "cluster-announce-human-nodename", "cluster-node-timeout"):
            self.settings.on_change(name, self.setting_changed)
        for name in ("cluster-preferred-endpoint-type", "cluster-allow-reads-when-down", "cluster-require-full-coverage",
                     "cluster-allow-pubsubshard-when-down"):
            self.settings.on_change(name, self.setting_changed)
        self.settings.follow("cluster-slot-stats-enabled", lambda wanted: self.slots.count_use(bool(wanted)))
        self.settle()
        self.timer = asyncio.get_running_loop().call_later(CRON_SECONDS, self.cron_of_bus)

    def setting_changed(self, value: Value) -> None:
        """A setting that others are to hear of is another."""
        asyncio.get_running_loop().call_soon(self.run, self.machine.follow_settings)

    def bus_port(self) -> int:
        """Where the bus listens."""
        clients = self.settings.integer("tls-port" if self.settings.flag("tls-cluster") else "port")
        return self.settings.integer("cluster-port") or clients + BUS_PORT_BEYOND

    def configure(self) -> None:
        """Has the state machine know the settings."""
        settings, config = self.settings, self.config
        if settings.changes == self.configured:
            return
        self.configured = settings.changes
        integer, flag = settings.integer, settings.flag
        config.node_timeout = integer("cluster-node-timeout")
        config.ping_interval = integer("cluster-ping-interval")
        config.migration_barrier = integer("cluster-migration-barrier")
        config.replica_migration = flag("cluster-allow-replica-migration")
        config.full_coverage = flag("cluster-require-full-coverage")
        config.validity_factor = integer("cluster-replica-validity-factor")
        config.no_failover = flag("cluster-replica-no-failover")
        config.ping_replicas = integer("repl-ping-replica-period") * 1000
        config.tls = flag("tls-cluster")
        config.tls_replication = flag("tls-replication")
        config.ip = settings.text("cluster-announce-ip")
        config.port = integer("cluster-announce-port") or integer("port")
        config.tls_port = integer("cluster-announce-tls-port") or integer("tls-port")
        config.bus_port = integer("cluster-announce-bus-port") or self.bus_port()
        config.hostname = settings.text("cluster-announce-hostname")
        config.human_name = settings.text("cluster-announce-human-nodename")

    # What the state machine asks

    def offset(self) -> int:
        """Of the server's replication."""
        return self.replication.offset()

    def data_age(self) -> int | None:
        """Milliseconds since the primary was heard of; None: it never was."""
        seconds = self.replication.silence()
        return None if seconds is None else int(seconds * 1000)

    def occupied(self, slots: int) -> int:
        """Those of the slots that have keys."""
        found = 0
        for slot in bits(slots):
            if self.slots.count(slot):
                found |= 1 << slot
        return found

    # What the state machine is told

    def run(self, input_: Callable[..., object], *args: object) -> None:
        """Gives the state machine an input, and does what it decides."""
        self.machine.at(now_ms())
        self.configure()
        try:
            input_(*args)
        finally:
            self.settle()

    def settle(self) -> None:
        """Does what the state machine has decided. What that leads to in turn is done after it."""
        if self.busy:
            return
        self.busy = True
        try:
            while decisions := self.machine.cluster.take():
                for decision in decisions:
                    self.obey(decision)
        finally:
            self.busy = False
        version = self.machine.cluster.version, self.settings.changes
        if version != self.told_of:
            self.told_of = version
            settings = self.settings
            self.told.tell(
                self.machine.cluster,
                settings.text("cluster-preferred-endpoint-type"),
                settings.flag("cluster-allow-reads-when-down"),
                settings.flag("cluster-allow-pubsubshard-when-down"),
            )

    def obey(self, decision: object) -> None:
        """Does one thing that was decided."""
        if isinstance(decision, Send):
            self.bus.send(decision.link, decision.data)
        elif isinstance(decision, Open):
            node = decision.link.node
            if node is not None:
                self.bus.open(decision.link, node.ip, node.bus_port, self.settings.text("bind-source-addr"))
        elif isinstance(decision, Close):
            self.bus.close(decision.link)
        elif isinstance(decision, Save):
            self.save(decision.sync)
        elif isinstance(decision, Follow):
            primary = decision.primary
            self.replication.follow((primary.ip, self.machine.cluster.client_port(primary)))
        elif isinstance(decision, Lead):
            self.replication.lead()
        elif isinstance(decision, Drop):
            for slot in bits(decision.slots):
                self.slots.flush(slot)
        elif isinstance(decision, Deliver):
            self.deliver(decision.channel, decision.text, decision.sharded)
        elif isinstance(decision, Pause):
            self.replication.pause_writes(decision.paused)
        elif isinstance(decision, Note):
            log.log(logging.WARNING if decision.warning else logging.INFO, "%s", decision.text)

    def save(self, sync: bool) -> None:
        """Writes the nodes' file. A node that cannot must not go on: it would promise what it forgets."""
        try:
            self.file.write(render(self.machine.cluster), sync)
        except OSError as error:
            self.fail("Fatal: can't update cluster config file", error.errno or 0)

    def cron_of_bus(self) -> None:
        """What time brings; ten times a second, whatever `hz` is."""
        self.timer = asyncio.get_running_loop().call_later(CRON_SECONDS, self.cron_of_bus)
        limit = self.settings.integer("cluster-link-sendbuf-limit")
        if limit:
            for link, connection in list(self.bus.connections.items()):
                if connection.unsent > limit:
                    log.warning("A cluster link is closed, cluster-link-sendbuf-limit is exceeded: unsent=%d", connection.unsent)
                    self.beyond_limit += 1
                    self.bus.drop(link)
        self.run(self.machine.cron)

    # For the bus

    def accepted(self, peer_ip: str) -> Link:
        """Another node has made a connection."""
        self.machine.at(now_ms())
        return self.machine.accepted(peer_ip)

    def opened(self, link: Link) -> None:
        """A connection of ours is there."""
        self.run(self.machine.link_up, link)

    def lost(self, link: Link) -> None:
        """A connection is gone, or could not be had."""
        self.run(self.machine.link_down, link)

    def received(self, link: Link, messages: list[bytes], local_ip: str) -> None:
        """Whole messages have come. MessageError: one is none."""
        for message in messages:
            if link not in self.bus.connections:
                return
            self.run(self.machine.receive, link, message, local_ip)

    def knows(self, id: str) -> bool:
        """Whether this is a node's id."""
        return self.machine.cluster.known(id) is not None

    # For others

    @staticmethod
    def now() -> int:
        """Milliseconds since the epoch."""
        return now_ms()

    def publish_all(self, published: list[tuple[bytes, bytes, bool]]) -> None:
        """Gives the other nodes, or those of this shard, what clients published here: channel, text, whether it is sharded."""
        for channel, text, sharded in published:
            self.run(self.broadcast, channel, text, sharded)

    def broadcast(self, channel: bytes, text: bytes, sharded: bool) -> None:
        """Sends what was published."""
        cluster = self.machine.cluster
        kind = Kind.PUBLISHSHARD if sharded else Kind.PUBLISH
        shard = cluster.myself.shard_id
        to = [node for node in cluster.others() if node.shard_id == shard] if sharded else None
        self.machine.talk.broadcast(kind, Published(channel, text), to=to)

    def cron(self) -> None:
        """Nothing: the bus has a time of its own."""

    def stop(self, save: bool | None) -> bool:
        """The server ends."""
        if self.timer is not None:
            self.timer.cancel()
        self.bus.stop()
        if self.file.is_ours:
            with contextlib.suppress(OSError):
                self.file.write(render(self.machine.cluster), True)
        self.file.close()
        return True

    def sections(self) -> Sections:
        """For INFO."""
        return {"cluster": {"cluster_enabled": 1}, "memory": self.memory_fields, "clients": self.client_fields}

    def client_fields(self) -> Fields:
        """For INFO."""
        return {"cluster_connections": len(self.bus.connections)}

    def memory_fields(self) -> Fields:
        """For INFO."""
        return {"mem_cluster_links": sum(connection.unsent for connection in self.bus.connections.values())}


def now_ms() -> int:
    """Milliseconds since the epoch, which nodes tell each other."""
    return time.time_ns() // 1_000_000
