"""FAILOVER: a primary hands its role to a replica that has everything.

Writes wait while the replica catches up; then this server follows it, and tells it in PSYNC that it is the primary now.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from zippy._core.resp.kinds import OK, ReplyError
from zippy._core.resp.values import Words
from zippy._core.session import Session
from zippy.replication.primary import Replica
from zippy.server.arguments import integer, syntax_error, text

log = logging.getLogger("zippy")

NONE = "no-failover"
WAITING = "waiting-for-sync"
RUNNING = "failover-in-progress"


class Server(Protocol):
    """What a failover needs of the server's replication."""

    @property
    def is_replica(self) -> bool:
        """Whether it follows another one."""

    def online_replicas(self) -> list[tuple[Session, Replica]]:
        """Those that get the stream."""

    def address_of(self, session: Session, replica: Replica) -> str:
        """A replica's address."""

    def offset(self) -> int:
        """Of all that was written."""

    def ask_acks(self) -> None:
        """Has replicas tell how far they are."""

    def pause_writes(self, paused: bool) -> None:
        """Has writes wait, or go on."""

    def hand_over(self, address: tuple[str, int]) -> None:
        """Follows this replica, and tells it that it is the primary."""

    def take_back(self) -> None:
        """Is the primary again, of the same history."""


class Failover:
    """The failover of one server, whether there is one or not."""

    def __init__(self, server: Server, clock: Callable[[], float] = time.monotonic) -> None:
        self.server = server
        self.clock = clock
        self.state = NONE
        self.target: tuple[str, int] | None = None
        self.force = False
        self.deadline: float | None = None

    @property
    def holds(self) -> bool:
        """Whether one is under way."""
        return self.state != NONE

    def command(self, args: Words) -> Any:
        """FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]."""
        if len(args) == 2 and args[1].lower() == b"abort":
            if not self.holds:
                raise ReplyError("ERR No failover in progress.")
            self.abort("Failover manually aborted")
            return OK
        target, force, milliseconds = read_options(args)
        if self.holds:
            raise ReplyError("ERR FAILOVER already in progress.")
        if self.server.is_replica:
            raise ReplyError("ERR FAILOVER is not valid when server is a replica.")
        replicas = self.server.online_replicas()
        if not replicas:
            raise ReplyError("ERR FAILOVER requires connected replicas.")
        if force and (milliseconds is None or target is None):
            raise ReplyError("ERR FAILOVER with force option requires both a timeout and target HOST and IP.")
        if target is not None and target not in self.addresses():
            raise ReplyError("ERR FAILOVER target HOST and PORT is not a replica.")
        self.target, self.force = target, force
        self.deadline = None if milliseconds is None else self.clock() + milliseconds / 1000
        self.state = WAITING
        log.info("FAILOVER requested to %s.", "any replica" if target is None else f"{target[0]}:{target[1]}")
        self.server.pause_writes(True)
        self.server.ask_acks()
        return OK

    def addresses(self) -> dict[tuple[str, int], Replica]:
        """The replicas by address."""
        return {(self.server.address_of(session, replica), replica.port): replica for session, replica in self.server.online_replicas()}

    def look(self) -> None:
        """A replica has acknowledged something: when one has everything, it takes over."""
        if self.state != WAITING:
            return
        for address, replica in self.addresses().items():
            if self.target in (None, address) and replica.acked >= self.server.offset():
                log.info("Failover target is synced")
                self.run(address)
                return

    def run(self, address: tuple[str, int]) -> None:
        """The replica is to take over."""
        self.state = RUNNING
        self.target = address
        self.server.hand_over(address)

    def cron(self) -> None:
        """What time brings."""
        if self.state == WAITING:
            self.look()
        if self.state == NONE or self.deadline is None or self.clock() < self.deadline:
            return
        if self.state == WAITING and self.force and self.target is not None:
            log.info("Failover to %s:%d time out exceeded, failing over.", *self.target)
            self.deadline = None
            self.run(self.target)
        elif self.state == WAITING:
            self.abort("Replica never caught up before timeout")

    def abort(self, why: str) -> None:
        """All stays as it was."""
        log.info("Aborting failover attempt: %s", why)
        running = self.state == RUNNING
        self.end()
        if running:
            self.server.take_back()

    def answered(self, taken: bool) -> None:
        """The replica has taken over, or has declined."""
        if taken:
            self.end()
        elif self.state == RUNNING:
            self.abort("Failover target rejected psync request")

    def end(self) -> None:
        """There is none any more."""
        self.state = NONE
        self.target = self.deadline = None
        self.force = False
        self.server.pause_writes(False)


def read_options(args: Words) -> tuple[tuple[str, int] | None, bool, int | None]:
    """The target, whether it is forced, and milliseconds."""
    target: tuple[str, int] | None = None
    force = False
    milliseconds: int | None = None
    at = 1
    while at < len(args):
        word = args[at].lower()
        if word == b"timeout" and at + 1 < len(args) and milliseconds is None:
            milliseconds = integer(args[at + 1])
            if milliseconds <= 0:
                raise ReplyError("ERR FAILOVER timeout must be greater than 0")
            at += 2
        elif word == b"to" and at + 2 < len(args) and target is None:
            target = text(args[at + 1]), integer(args[at + 2])
            at += 3
        elif word == b"force" and not force:
            force = True
            at += 1
        else:
            raise syntax_error()
    return target, force, milliseconds
