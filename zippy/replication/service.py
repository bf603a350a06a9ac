"""Replication as a service: who this server follows, who follows it, and the commands about both.

A server gets it with `server.join(Replication(...))`; app.py hands it who saves.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from zippy._core import snapshot
from zippy._core.replicas import Replicas
from zippy._core.resp.kinds import NO_REPLY, OK, ReplyError, Simple
from zippy._core.resp.values import Words
from zippy._core.session import Core, Session
from zippy.replication.copies import Copies
from zippy.replication.failover import Failover
from zippy.replication.follower import Follower
from zippy.replication.history import History
from zippy.replication.link import MOST_OFFSET, is_id
from zippy.replication.primary import ConfError, Replica, State
from zippy.replication.saving import Origin, Saves
from zippy.server.arguments import integer, syntax_error, text, timeout_of
from zippy.server.debug import debug
from zippy.server.info import Fields, Sections, WhileSame
from zippy.server.process import LogFormatter
from zippy.server.registry import command
from zippy.server.waiting import Waiting
from zippy.settings import Settings

log = logging.getLogger("zippy")

NOT_ON_REPLICAS = (
    "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be writable "
    "(which is not the default) writes to replicas are just local and are not propagated."
)
NOT_LOADING: Fields = {"async_loading": 0}
UNBLOCKED = "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"


class Replication:
    """The replication of one server. context: TLS's, for the link to the primary; clock: seconds, and never goes back."""

    def __init__(
        self,
        core: Core,
        settings: Settings,
        saves: Saves,
        context: Callable[[], ssl.SSLContext],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.core = core
        self.settings = settings
        self.saves = saves
        self.context = context
        self.clock = clock
        self.history = History()
        self.address: tuple[str, int] | None = None  # of the primary
        self.follower: Follower | None = None
        self.db = 0  # that the stream had selected where the data that was loaded ends
        self.replicas: dict[Session, Replica] = {}
        self.relay = Replicas(core, self.relay_failed)
        self.copies = Copies(self.relay, settings, self.history, saves, self.replicas, self.selected, clock)
        self.waiting = Waiting()
        self.failover = Failover(self, clock)
        self.pinged_at = 0.0
        self.looked_at = 0.0
        self.without_since = self.clock()  # replicas
        self.full = self.partial_ok = self.partial_err = 0
        self.resumes = False  # what was loaded at the start is a part of the primary's history
        self.on_ack: Callable[[], None] = lambda: None  # called when a replica has acknowledged something
        # offsets of the append-only log: what is on disk (None: there is no log), and what it has been given
        self.log_synced: Callable[[], int | None] = lambda: None
        self.log_taken: Callable[[], int] = lambda: 0
        self.caught_up: asyncio.Future[None] | None = None  # waited for by the end of the server
        self.marks: list[tuple[int, int]] = []  # what the log had been given, and the relay's offset then; those that are not on disk
        self.on_disk = 0  # offset of the relay
        self.good = 0  # replicas that count for min-replicas-to-write, by which writes are refused
        settings.follow("repl-backlog-size", lambda _: self.relay.keep(settings.integer("repl-backlog-size")))
        for name in ("replica-read-only", "replica-serve-stale-data", "replica-ignore-maxmemory"):
            settings.follow(name, lambda _: self.push_role())
        for name in ("min-replicas-to-write", "min-replicas-max-lag"):
            settings.follow(name, lambda _: self.count_good())

    # The role

    @property
    def is_replica(self) -> bool:
        """Whether this server follows another one."""
        return self.address is not None

    def push_role(self) -> None:
        """Tells the core what it has to know of the role."""
        settings = self.settings
        follower = self.follower
        LogFormatter.role = "S" if self.is_replica else "M"
        down = follower is not None and follower.state != "connected"
        self.relay.set_role(
            self.is_replica,
            settings.flag("replica-read-only"),
            down and not settings.flag("replica-serve-stale-data"),
            settings.flag("replica-ignore-maxmemory"),
        )
        self.count_good()

    def begin(self, loaded: dict[str, Any], address: tuple[str, int] | None = None) -> None:
        """Follows this primary, or that of the settings, if there is one. loaded: what was found in the snapshot that was loaded."""
        origin = loaded.get("replication")
        address = address or self.settings.value("replicaof")  # type: ignore[assignment]
        if origin is not None and self.is_known(origin):
            self.go_on_from(origin, bool(address))
        if address:
            self.follow((address[0], int(address[1])))

    def is_known(self, origin: tuple[int, bytes, int]) -> bool:
        """Whether what a file says of its history is of use."""
        return 0 <= origin[2] <= MOST_OFFSET and is_id(origin[1].decode(errors="replace"))

    def go_on_from(self, origin: tuple[int, bytes, int], replica: bool) -> None:
        """The data is what a history was at this offset."""
        self.relay.restart(origin[2])
        if replica:
            self.history.adopt(origin[1].decode(errors="replace"))
            self.resumes = True
            self.db = origin[0]
        else:
            # what was written after the file was saved is lost: nobody who has it may go on here but up to there
            self.history.id = origin[1].decode(errors="replace")
            self.history.branch(origin[2])
            self.relay.begin()

    def follow(self, address: tuple[str, int]) -> None:
        """Follows this primary from now on; what is there may be a part of its history."""
        log.info("Before turning into a replica, using my own master parameters to synthesize a cached master: "
                 "I may be able to synchronize with the new master with just a partial transfer.")  # fmt: skip
        was_replica = self.is_replica
        old, self.follower = self.follower, None
        had_part = old.partial if old is not None else self.relay.active or self.resumes
        db = old.db if old is not None else self.db
        if old is not None:
            old.stop()
            db = old.db
        self.address = address
        if not was_replica:
            self.waiting.refuse(ReplyError(UNBLOCKED))
            self.relay.unblock_all(UNBLOCKED.encode())
        self.copies.stop()
        self.disconnect_replicas()
        self.relay.copy_effects(False)
        self.follower = Follower(
            self.core, self.relay, self.settings, self.history, self.saves, address, self.link_context, self.disconnect_replicas,
            self.push_role, self.failover.answered, self.clock,
        )  # fmt: skip
        self.follower.partial = had_part
        self.follower.db = db
        self.follower.synced = self.synced_offset
        self.marks.clear()
        self.on_disk = 0
        self.resumes = False
        self.push_role()
        asyncio.get_running_loop().call_soon(self.follower.cron)

    def link_context(self) -> ssl.SSLContext | None:
        """TLS's for the link, None: it is a plain one."""
        return self.context() if self.settings.flag("tls-replication") else None

    def lead(self) -> None:
        """Is a primary from now on, of the same history under another name."""
        if not self.is_replica:
            return
        follower, self.follower = self.follower, None
        self.address = None
        if follower is not None:
            had_part = follower.partial
            follower.stop()
            if had_part:
                self.history.branch(self.relay.offset)
                log.info("Setting secondary replication ID to %s, valid up to offset: %d. New replication ID is %s",
                         self.history.second, self.history.second_end, self.history.id)  # fmt: skip
            else:
                self.history.begin_anew()
        # they have to hear of the new name
        self.disconnect_replicas()
        self.relay.begin()
        self.without_since = self.clock()
        self.push_role()

    def relay_failed(self) -> None:
        """For want of memory the relay lacks something."""
        log.warning("There was no memory for what replicas get: they have to begin anew")
        self.disconnect_replicas()
        self.history.begin_anew()
        self.relay.restart(self.relay.offset)

    # Replicas

    def disconnect_replicas(self) -> None:
        """Has all replicas come again."""
        for session, replica in list(self.replicas.items()):
            if replica.state is not State.INTRODUCING:
                session.kill()

    def replica_of(self, session: Session) -> Replica:
        """What is known of a client that introduces itself as a replica."""
        return self.replicas.setdefault(session, Replica())

    def known(self, *states: State) -> list[tuple[Session, Replica]]:
        """Replicas that are there, of these states."""
        return [(session, replica) for session, replica in self.replicas.items() if session.id and replica.state in states]

    def forget_gone(self) -> None:
        """Forgets those that are not there any more."""
        for session in [session for session in self.replicas if not session.id]:
            replica = self.replicas.pop(session)
            self.copies.forget(session)
            self.relay.forget(session)
            if replica.state is not State.INTRODUCING:
                log.info("Connection with replica lost.")
                self.without_since = self.clock()
                self.look_at_lagging()

    def count_good(self) -> None:
        """Has writes refused while there are too few good replicas."""
        needed = self.settings.integer("min-replicas-to-write")
        most_lag = self.settings.integer("min-replicas-max-lag")
        now = self.clock()
        self.good = sum(replica.is_good(now, most_lag) for _, replica in self.replicas.items()) if needed and most_lag else 0
        self.relay.set_too_few(self.good < needed and most_lag > 0 and not self.is_replica)

    def cron(self) -> None:
        """What time brings."""
        now = self.clock()
        self.forget_gone()
        if self.follower is not None:
            self.follower.cron()
        self.copies.cron()
        self.failover.cron()
        if now - self.looked_at < 1.0:
            return
        self.looked_at = now
        self.count_good()
        online = self.known(State.ONLINE)
        if online and not self.is_replica and now - self.pinged_at >= self.settings.integer("repl-ping-replica-period"):
            self.pinged_at = now
            if not self.failover.holds:
                self.relay.append([b"PING"])
        for session, replica in online:
            # one that loads its copy acknowledges nothing, but shows that it is alive
            silent = min(now - replica.heard_at, self.relay.idle_seconds(session))
            if not replica.old and silent > self.settings.integer("repl-timeout"):
                log.warning("Disconnecting timedout replica (streaming sync): %s", session.address())
                session.kill()
        self.drop_backlog(now)

    def drop_backlog(self, now: float) -> None:
        """Forgets the backlog when there was no replica for long."""
        ttl = self.settings.integer("repl-backlog-ttl")
        if self.is_replica or not self.relay.active or self.known(State.WAITING, State.COPYING, State.ONLINE) or not ttl:
            return
        if now - self.without_since > ttl:
            log.info("Replication backlog freed after %d seconds without connected replicas.", ttl)
            self.relay.end()
            self.history.begin_anew()

    def lagging(self) -> list[tuple[Session, Replica]]:
        """Replicas that have not acknowledged all that was written."""
        offset = self.relay.offset
        found = self.known(State.WAITING, State.COPYING, State.ONLINE)
        return [(session, replica) for session, replica in found if replica.state is not State.ONLINE or replica.acked < offset]

    async def wait_for_replicas(self) -> None:
        """Before the server ends: lets those that lag get what was written last, for `shutdown-timeout` at most."""
        timeout = self.settings.integer("shutdown-timeout")
        if not timeout or not self.lagging():
            return
        log.info("Waiting for replicas before shutting down.")
        self.pause_writes(True)
        self.caught_up = asyncio.get_running_loop().create_future()
        self.ask_acks()
        try:
            async with asyncio.timeout(timeout):
                await self.caught_up
        except TimeoutError:
            for session, replica in self.lagging():
                log.warning("Lagging replica %s reported offset %d behind master, lag=%d, state=%s.", session.address(),
                            self.relay.offset - replica.acked, replica.lag(self.clock()), replica.state.value)  # fmt: skip
        except asyncio.CancelledError:
            # it was taken back
            self.pause_writes(False)
            raise
        finally:
            self.caught_up = None
        replicas = self.known(State.WAITING, State.COPYING, State.ONLINE)
        log.info("%d of %d replicas are in sync when shutting down.", len(replicas) - len(self.lagging()), len(replicas))

    def stop(self, save: bool | None) -> bool:
        """The server ends."""
        self.copies.stop()
        if self.follower is not None:
            self.follower.stop()
        return True

    def origin(self) -> Origin | None:
        """From where on a file that is saved now may be gone on with."""
        goes_on = self.follower.partial if self.follower is not None else self.relay.active
        return (self.selected(), self.history.id, self.relay.offset) if goes_on else None

    def selected(self) -> int:
        """The database that what comes next in the stream is for; a primary says it with its next write."""
        if self.follower is None:
            return 0
        selected = self.relay.select
        return selected if selected >= 0 else self.follower.db

    # Commands

    @command("replicaof")
    def replicaof(self, session: Session, args: Words) -> Any:
        """REPLICAOF <host port | NO ONE>."""
        if self.settings.flag("cluster-enabled"):
            raise ReplyError("ERR REPLICAOF not allowed in cluster mode.")
        if self.failover.holds:
            raise ReplyError("ERR REPLICAOF not allowed while failing over.")
        if args[1].lower() == b"no" and args[2].lower() == b"one":
            if self.is_replica:
                self.lead()
                log.info("MASTER MODE enabled (user request from '%s')", session.address())
            return OK
        if session in self.replicas and self.replicas[session].state is not State.INTRODUCING:
            raise ReplyError("ERR Command is not valid when client is a replica.")
        port = integer(args[2], "ERR Invalid master port")
        if not 0 <= port <= 65535:
            raise ReplyError("ERR Invalid master port")
        address = text(args[1]), port
        if address == self.address:
            log.info("REPLICAOF would result into synchronization with the master we are already connected with. No operation performed.")
            return Simple("OK Already connected to specified master")
        self.follow(address)
        log.info("REPLICAOF %s:%d enabled (user request from '%s')", *address, session.address())
        return OK

    @command("slaveof")
    def slaveof(self, session: Session, args: Words) -> Any:
        """SLAVEOF <host port | NO ONE>."""
        return self.replicaof(session, args)

    @command("role")
    def role(self, session: Session, args: Words) -> Any:
        """ROLE."""
        if self.address is not None:
            follower = self.follower
            connected = follower is not None and follower.state == "connected"
            state = follower.state if follower is not None else "none"
            return ["slave", self.address[0], self.address[1], state, self.relay.offset if connected else -1]
        replicas = [[self.address_of(other, replica), str(replica.port), str(replica.acked)] for other, replica in self.known(State.ONLINE)]
        return ["master", self.relay.offset, replicas]

    @staticmethod
    def address_of(session: Session, replica: Replica) -> str:
        """A replica's address."""
        return replica.address or session.address().rpartition(":")[0].strip("[]")

    @command("replconf")
    def replconf(self, session: Session, args: Words) -> Any:
        """REPLCONF. Pairs of an option and a value follow: what a replica says of itself; ACK has no reply."""
        if len(args) % 2 == 0:
            raise syntax_error()
        for at in range(1, len(args), 2):
            option, value = text(args[at]).lower(), text(args[at + 1])
            if option == "ack":
                return self.acknowledged(session, args[at:])
            if option == "getack":
                if self.follower is not None and session is self.follower.session:
                    # when this has been put into the relay too
                    asyncio.get_running_loop().call_soon(self.follower.acknowledge)
                return NO_REPLY
            try:
                self.replica_of(session).configure(option, value)
            except ConfError as error:
                raise ReplyError(str(error)) from None
        return OK

    def acknowledged(self, session: Session, words: list[bytes]) -> Any:
        """REPLCONF ACK offset [FACK offset]. Has no reply."""
        replica = self.replicas.get(session)
        if replica is None or replica.state is State.INTRODUCING:
            return NO_REPLY
        try:
            offset = integer(words[1])
            synced = integer(words[3]) if len(words) > 3 and words[2].lower() == b"fack" else None
        except ReplyError:
            return NO_REPLY
        if replica.acknowledge(offset, synced, self.clock()):
            log.info("Synchronization with replica %s succeeded", session.address())
            if replica.rdb_only:
                session.close_after_reply()
            else:
                self.relay.release(session)
        asyncio.get_running_loop().call_soon(self.look_at_waiting)
        return NO_REPLY

    def look_at_waiting(self) -> None:
        """Answers those who waited for what has been acknowledged."""
        self.count_good()
        self.waiting.look()
        self.on_ack()
        self.failover.look()
        self.look_at_lagging()

    def look_at_lagging(self) -> None:
        """Lets the end of the server come when no replica lags any more."""
        if self.caught_up is not None and not self.caught_up.done() and not self.lagging():
            self.caught_up.set_result(None)

    @command("psync")
    def psync(self, session: Session, args: Words) -> Any:
        """PSYNC replicationid offset. Is answered with +CONTINUE and the stream, or with +FULLRESYNC and a copy of the data."""
        wanted = integer(args[2])
        if len(args) > 3 and args[3].lower() == b"failover":
            self.take_over(text(args[1]))
        return self.synchronize(session, text(args[1]), wanted)

    def take_over(self, history_id: str) -> None:
        """The primary wants this server to be the primary. ReplyError: it cannot be."""
        log.info("Failover request received for replid %s.", history_id)
        if not self.is_replica:
            raise ReplyError("ERR PSYNC FAILOVER can't be sent to a master.")
        if history_id != self.history.id:
            raise ReplyError("ERR PSYNC FAILOVER replid must match my replid.")
        self.lead()
        log.info("MASTER MODE enabled (failover request)")

    # For Failover

    def online_replicas(self) -> list[tuple[Session, Replica]]:
        """Those that get the stream."""
        return self.known(State.ONLINE)

    def offset(self) -> int:
        """Of all that was written."""
        return self.relay.offset

    def ask_acks(self) -> None:
        """Has replicas tell how far they are."""
        self.relay.asks = True
        self.core.begin_turn()

    def pause_writes(self, paused: bool) -> None:
        """Has writes wait, or go on."""
        self.relay.pause_writes(paused)

    def hand_over(self, address: tuple[str, int]) -> None:
        """Follows this replica, and tells it that it is the primary."""
        self.follow(address)
        assert self.follower is not None
        self.follower.failover = True

    def take_back(self) -> None:
        """Is the primary again, of the same history."""
        self.lead()

    @command("sync")
    def sync(self, session: Session, args: Words) -> Any:
        """SYNC. Is answered with a copy of the data and the stream."""
        self.replica_of(session).old = True
        return self.synchronize(session, "?", -1)

    def synchronize(self, session: Session, history_id: str, wanted: int) -> Any:
        """Makes a client a replica."""
        replica = self.replica_of(session)
        if replica.state is not State.INTRODUCING:
            return NO_REPLY
        if self.is_replica and (self.follower is None or self.follower.state != "connected"):
            raise ReplyError("NOMASTERLINK Can't SYNC while not connected with my master")
        if self.failover.holds:
            raise ReplyError("NOMASTERLINK Can't SYNC while failing over")
        if self.relay.unsent_replies(session):
            raise ReplyError("ERR SYNC and PSYNC are invalid with pending output")
        log.info("Replica %s asks for synchronization", session.address())
        replica.heard_at = self.clock()
        bundle_packets(session, self.settings.flag("repl-disable-tcp-nodelay"))
        if history_id != "?" and self.goes_on(session, replica, history_id, wanted):
            self.partial_ok += 1
            return NO_REPLY
        if history_id != "?":
            self.partial_err += 1
        self.full += 1
        if not self.relay.active:
            # the first replica: from here on writes have a history
            self.history.begin_anew()
            self.relay.begin()
        self.relay.mark(session)
        if replica.keyless:
            self.copies.send_without_keys(session)
            return NO_REPLY
        replica.state = State.WAITING
        self.copies.ask()
        return NO_REPLY

    def goes_on(self, session: Session, replica: Replica, history_id: str, wanted: int) -> bool:
        """Has a replica go on where it was, if what it lacks is there."""
        if not self.relay.active or not self.history.knows(history_id, wanted):
            log.info("Partial resynchronization not accepted: Replication ID mismatch (Replica asked for '%s', my replication IDs are '%s' "
                     "and '%s')", history_id, self.history.id, self.history.second)  # fmt: skip
            return False
        if not self.relay.first < wanted <= self.relay.offset + 1 or not self.relay.attach(session, wanted - 1):
            log.info("Unable to partial resync with replica %s for lack of backlog (Replica request was: %d).", session.address(), wanted)
            return False
        replica.state = State.ONLINE
        replica.acked = wanted - 1
        head = f"+CONTINUE {self.history.id}\r\n" if replica.psync2 else "+CONTINUE\r\n"
        self.relay.write(session, head.encode())
        self.relay.release(session)
        log.info("Partial resynchronization request from %s accepted. Sending %d bytes of backlog starting from offset %d.",
                 session.address(), self.relay.offset - wanted + 1, wanted)  # fmt: skip
        return True

    @command("wait")
    def wait(self, session: Session, args: Words) -> Any:
        """WAIT numreplicas timeout."""
        if self.is_replica:
            raise ReplyError(NOT_ON_REPLICAS)
        needed = integer(args[1])
        milliseconds = timeout_of(args[2])
        offset = self.relay.offset_of_writes(session)
        count = partial(self.count_acked, offset)
        if count() >= needed or snapshot.in_transaction(session):
            return count()
        self.relay.asks = True
        return self.waiting.wait(asyncio.get_running_loop(), milliseconds, lambda: count() >= needed, count)

    def count_acked(self, offset: int) -> int:
        """Replicas that have acknowledged the stream up to there."""
        return sum(replica.acked >= offset for _, replica in self.known(State.ONLINE))

    # For a cluster

    def silence(self) -> float | None:
        """Seconds since the primary was heard of; None: it never was."""
        follower = self.follower
        if follower is None:
            return None
        connected = follower.state == "connected"
        if not connected and not follower.up_since:
            return None
        return self.clock() - (follower.heard_at if connected else follower.down_since)

    # For WAITAOF, and what a replica tells of its own log

    def refuse_waiting(self) -> None:
        """ReplyError: a replica waits for nobody."""
        if self.is_replica:
            raise ReplyError(
                "ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and are not "
                "propagated."
            )

    def written_by(self, session: Session) -> int:
        """How far a replica has to be to have all that a client wrote."""
        return self.relay.offset_of_writes(session)

    def ask(self) -> None:
        """Has replicas say how far they are, at the end of this turn."""
        self.relay.asks = True

    def synced_offset(self) -> int | None:
        """How far the stream that came is on disk here; None: no log is kept."""
        synced = self.log_synced()
        if synced is None:
            return None
        here = self.log_taken()
        if not self.marks or self.marks[-1] != (here, self.relay.offset):
            self.marks.append((here, self.relay.offset))
        while self.marks and self.marks[0][0] <= synced:
            self.on_disk = self.marks.pop(0)[1]
        return self.on_disk

    def count_synced(self, offset: int) -> int:
        """Replicas that have it on disk up to there."""
        return sum(replica.synced >= offset for _, replica in self.known(State.ONLINE))

    @command("failover")
    def failover_command(self, session: Session, args: Words) -> Any:
        """FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]."""
        if self.settings.flag("cluster-enabled"):
            raise ReplyError("ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead.")
        return self.failover.command(args)

    @debug("change-repl-id", 0, 0, "", "Give the dataset's history another name.")
    def debug_change_repl_id(self, session: Session, args: list[bytes]) -> Any:
        """DEBUG CHANGE-REPL-ID."""
        self.history.begin_anew()
        return OK

    # INFO

    def sections(self) -> Sections:
        """For INFO."""
        return {"persistence": self.loading_fields, "replication": WhileSame(self.alone, self.fields), "stats": self.stats_fields}

    def loading_fields(self) -> Fields:
        """For INFO."""
        follower = self.follower
        loading = follower.loading if follower is not None else None
        if follower is None or loading is None:
            return NOT_LOADING
        # of a copy of unknown length only a bad guess can be told
        total = follower.size or loading.used_mem
        elapsed = int(time.time()) - follower.loading_since
        return {
            "async_loading": int(follower.aside),
            "loading_start_time": follower.loading_since,
            "loading_total_bytes": follower.size or 0,
            "loading_rdb_used_mem": loading.used_mem,
            "loading_loaded_bytes": loading.done,
            "loading_loaded_perc": min(100.0 * loading.done / total, 100.0) if total else 0.0,
            "loading_eta_seconds": elapsed * max(total - loading.done, 1) // (loading.done + 1) if elapsed else 1,
        }

    def stats_fields(self) -> Fields:
        """For INFO."""
        return {
            "sync_full": self.full,
            "sync_partial_ok": self.partial_ok,
            "sync_partial_err": self.partial_err,
            "total_net_repl_input_bytes": self.relay.bytes_in,
            "total_net_repl_output_bytes": self.relay.bytes_out,
        }

    def alone(self) -> object:
        """All that a primary without replicas tells INFO of; None for others."""
        if self.address is not None or self.replicas:
            return None
        relay, history = self.relay, self.history
        ours = history.id, history.second, history.second_end
        return self.settings.changes, self.failover.state, relay.active, relay.first, relay.offset, ours

    def fields(self) -> Fields:
        """For INFO."""
        active = self.relay.active
        first, offset = self.relay.first, self.relay.offset
        replicas = self.known(State.WAITING, State.COPYING, State.ONLINE)
        fields: Fields = {"role": "slave" if self.is_replica else "master", **self.link_fields(), "connected_slaves": len(replicas)}
        if self.settings.integer("min-replicas-to-write") and self.settings.integer("min-replicas-max-lag"):
            fields["min_slaves_good_slaves"] = self.good
        for number, (session, replica) in enumerate(replicas):
            fields[f"slave{number}"] = self.describe(session, replica)
        return {
            **fields,
            "master_failover_state": self.failover.state,
            "master_replid": self.history.id,
            "master_replid2": self.history.second,
            "master_repl_offset": offset,
            "second_repl_offset": self.history.second_end,
            "repl_backlog_active": int(active),
            "repl_backlog_size": self.settings.integer("repl-backlog-size"),
            "repl_backlog_first_byte_offset": first + 1 if active else 0,
            "repl_backlog_histlen": offset - first if active else 0,
        }

    def describe(self, session: Session, replica: Replica) -> str:
        """A replica as INFO shows it."""
        lag = replica.lag(self.clock()) if replica.state is State.ONLINE else 0
        state = replica.state.value
        return f"ip={self.address_of(session, replica)},port={replica.port},state={state},offset={replica.acked},lag={lag}"

    def link_fields(self) -> Fields:
        """INFO's about the primary."""
        if self.address is None:
            return {}
        follower = self.follower
        assert follower is not None
        now = self.clock()
        connected = follower.state == "connected"
        fields: Fields = {
            "master_host": self.address[0],
            "master_port": self.address[1],
            "master_link_status": "up" if connected else "down",
            "master_last_io_seconds_ago": int(now - follower.heard_at) if connected else -1,
            "master_sync_in_progress": int(follower.is_syncing),
            "slave_read_repl_offset": self.relay.offset,
            "slave_repl_offset": self.relay.offset,
        }
        fields |= {
            "replica_full_sync_buffer_size": 0,
            "replica_full_sync_buffer_peak": 0,
            "master_current_sync_attempts": max(follower.attempts, 1 if connected else 0),
            "master_total_sync_attempts": follower.total_attempts,
        }
        if follower.is_syncing:
            size = follower.size or 0
            fields |= {
                "master_sync_total_bytes": size,
                "master_sync_read_bytes": follower.received,
                "master_sync_left_bytes": size - follower.received,
                "master_sync_perc": f"{100 * follower.received / size if size else 0:.2f}",
                "master_sync_last_io_seconds_ago": int(now - follower.heard_at),
            }
        if connected:
            fields["master_link_up_since_seconds"] = int(now - follower.up_since)
        else:
            fields["master_link_down_since_seconds"] = int(now - follower.down_since)
        return {
            **fields,
            "total_disconnect_time_sec": int(follower.down_seconds + (0 if connected else now - follower.down_since)),
            "slave_priority": self.settings.integer("replica-priority"),
            "slave_read_only": int(self.settings.flag("replica-read-only")),
            "replica_announced": int(self.settings.flag("replica-announced")),
        }


def bundle_packets(session: Session, wished: bool) -> None:
    """Has the system gather small packets to a replica into larger ones, which come later; not on a Unix socket."""
    if wished and session.state is not None and session.state.fd >= 0:
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(session.state.fd)) as copy:
            copy.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
