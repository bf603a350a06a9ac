"""What the state machine of a cluster's node wants done, in this order, and what it asks of those around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from zippy.cluster.node import Link, Node


@dataclass(frozen=True, slots=True)
class Open:
    """Connects to the link's node."""

    link: Link


@dataclass(frozen=True, slots=True)
class Send:
    """Sends bytes on a link that is up."""

    link: Link
    data: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """Ends a link; nothing is told of it any more."""

    link: Link


@dataclass(frozen=True, slots=True)
class Save:
    """Writes the nodes' file before anything that comes after this is done."""

    sync: bool  # it has to be on disk


@dataclass(frozen=True, slots=True)
class Follow:
    """Replicates a primary."""

    primary: Node


@dataclass(frozen=True, slots=True)
class Lead:
    """Replicates nobody."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Deletes the keys of slots that are another node's now."""

    slots: int


@dataclass(frozen=True, slots=True)
class Deliver:
    """Gives what another node published to those who listen here."""

    channel: bytes
    text: bytes
    sharded: bool


@dataclass(frozen=True, slots=True)
class Pause:
    """Has writes wait, or go on."""

    paused: bool


@dataclass(frozen=True, slots=True)
class Note:
    """A line for the log."""

    text: str
    warning: bool = False


Decision = Open | Send | Close | Save | Follow | Lead | Drop | Deliver | Pause | Note


class Surroundings(Protocol):
    """What the state machine asks about the server that it is in."""

    def offset(self) -> int:
        """Of the server's replication."""

    def data_age(self) -> int | None:
        """Milliseconds since a replica heard from its primary; None: it never did."""

    def occupied(self, slots: int) -> int:
        """Those of the slots that have keys."""


@dataclass(slots=True)
class Config:
    """What the settings say; times are milliseconds."""

    node_timeout: int = 15000
    ping_interval: int = 0  # of silence, after which a node is pinged; 0: half of the timeout
    migration_barrier: int = 1
    replica_migration: bool = True
    full_coverage: bool = True
    validity_factor: int = 10
    no_failover: bool = False
    ping_replicas: int = 10000  # repl-ping-replica-period
    tls: bool = False  # between nodes
    tls_replication: bool = False  # from replicas to primaries
    ip: str = ""  # that is announced
    port: int = 0
    tls_port: int = 0
    bus_port: int = 0
    hostname: str = ""
    human_name: str = ""
