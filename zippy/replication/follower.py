"""The link of a replica to its primary: the connection, the copy that comes by it and is loaded in steps, the stream behind it.

A copy goes to a file that is loaded when it is complete, or is loaded as it comes (`repl-diskless-load`).
"""

from __future__ import annotations

import asyncio
import logging
import mmap
import os
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from zippy._core.callback_transport import CallbackTransport
from zippy._core.client_list import ClientState
from zippy._core.introspection import keyspace
from zippy._core.replicas import Replicas
from zippy._core.session import Core, Session
from zippy._core.snapshot import Loading, SnapshotError, flush
from zippy.replication.history import History
from zippy.replication.link import (
    Continue,
    Copied,
    Copy,
    Decision,
    Declined,
    Failed,
    Introduction,
    Link,
    Note,
    Piece,
    Send,
    Size,
    Step,
    Stream,
    request,
)
from zippy.replication.saving import Saves
from zippy.server.clients import text_address
from zippy.settings import Settings

log = logging.getLogger("zippy")

STEP = 128 * 1024  # bytes of a copy that are loaded between two turns
MOST_HELD = 1024 * 1024  # bytes of one that are waiting to be: no more are read until they are fewer
UNKNOWN = 2**62  # bytes: no copy is as long
RETRY_SECONDS = 1.0  # between two tries to connect
NEWLINE_SECONDS = 1.0  # between two signs of life while the copy is loaded


class Follower(asyncio.Protocol):
    """Follows one primary until `stop`. It is tried again by `cron`, once a second.

    on_copy(): a full copy is about to take the place of what is there: replicas have to go. on_change(): the state has changed.
    on_answer(taken): whom this server was to hand over to has taken over, or has declined. clock(): seconds, never back.
    """

    def __init__(
        self,
        core: Core,
        relay: Replicas,
        settings: Settings,
        history: History,
        saves: Saves,
        address: tuple[str, int],
        context: Callable[[], ssl.SSLContext | None],
        on_copy: Callable[[], None],
        on_change: Callable[[], None],
        on_answer: Callable[[bool], None],
        clock: Callable[[], float],
    ) -> None:
        self.core = core
        self.relay = relay
        self.settings = settings
        self.history = history
        self.saves = saves
        self.host, self.port = address
        self.context = context
        self.on_copy = on_copy
        self.on_change = on_change
        self.on_answer = on_answer
        self.clock = clock
        self.state = "connect"
        self.partial = False  # what is there is a part of the primary's history, as far as is known
        self.db = 0  # that the stream has selected where it was left
        self.stopped = False
        self.transport: asyncio.Transport | None = None
        self.opening: asyncio.Task[None] | None = None
        self.link: Link | None = None
        self.copy: Copy | None = None  # that is coming
        self.size: int | None = None  # of it
        self.received = 0  # bytes of it
        self.path: Path | None = None
        self.file: BinaryIO | None = None
        self.loading: Loading | None = None
        self.aside = False  # whether it is loaded beside what is there
        self.mapped: mmap.mmap | None = None
        self.load_handle: asyncio.TimerHandle | None = None  # of the next step of loading
        self.paused = False  # nothing is read from the connection
        self.loading_since = 0  # seconds since the epoch
        self.session: Session | None = None  # that runs the stream
        self.began = self.clock()
        self.heard_at = self.clock()
        self.down_since = self.clock()
        self.up_since = 0.0
        self.down_seconds = 0.0  # in all, but for what goes on
        self.attempts = 0  # to connect, since the link was up
        self.total_attempts = 0
        self.acked_at = 0.0
        self.told_at = 0.0
        self.tried_at = 0.0
        self.synced: Callable[[], int | None] = lambda: None  # offset that is on disk; None: nothing is kept there
        self.failover = False  # the other one is to be the primary from now on

    def set_state(self, state: str) -> None:
        """Changes the state."""
        if state == self.state:
            return
        now = self.clock()
        if self.state == "connected":
            self.down_since = now
            # a connection that was good is tried for again at once
            self.tried_at = now - RETRY_SECONDS
        if state == "connecting":
            self.attempts += 1
            self.total_attempts += 1
        elif state == "connected":
            self.down_seconds += now - self.down_since
            self.up_since = now
            self.attempts = 0
        self.state = state
        self.on_change()

    # Connecting

    def cron(self) -> None:
        """Connects, acknowledges, and gives up what is silent."""
        if self.stopped:
            # before the first time came
            return
        now = self.clock()
        if self.state == "connect" and self.opening is None and now - self.tried_at >= RETRY_SECONDS:
            self.connect()
        elif self.state != "connect" and not self.paused and now - self.heard_at > self.settings.integer("repl-timeout"):
            log.warning("MASTER timeout: no data nor PING received...")
            self.drop()
        if self.state == "connected" and now - self.acked_at >= 1.0:
            self.acknowledge()

    def connect(self) -> None:
        """Begins to connect."""
        log.info("Connecting to MASTER %s:%d", self.host, self.port)
        self.tried_at = self.heard_at = self.clock()
        self.set_state("connecting")
        self.opening = asyncio.get_running_loop().create_task(self.open(), name="zippy-replication")

    async def open(self) -> None:
        """Connects."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.settings.integer("repl-timeout")):
                source = self.settings.text("bind-source-addr")
                await loop.create_connection(
                    lambda: self, self.host, self.port, ssl=self.context(), local_addr=(source, 0) if source else None
                )
        except (OSError, TimeoutError) as error:
            log.warning("Error condition on socket for SYNC: %s", getattr(error, "strerror", None) or error)
            self.opening = None
            self.drop()
        finally:
            self.opening = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        # uvloop's are no asyncio.Transport
        stream = cast(asyncio.Transport, transport)
        if self.stopped or self.transport is not None:
            stream.abort()
            return
        self.transport = stream
        self.paused = False
        self.heard_at = self.clock()
        log.info("MASTER <-> REPLICA sync started")
        self.link = Link(self.introduction())
        self.obey(self.link.begin())

    def introduction(self) -> Introduction:
        """What the primary is told."""
        settings = self.settings
        port = settings.integer("replica-announce-port") or settings.integer("tls-port" if settings.flag("tls-replication") else "port")
        return Introduction(
            port,
            settings.text("replica-announce-ip"),
            settings.text("masteruser"),
            settings.text("masterauth"),
            self.history.id if self.partial else "?",
            self.relay.offset + 1 if self.partial else -1,
            self.failover,
        )

    def data_received(self, data: bytes) -> None:
        """Bytes from the primary."""
        self.heard_at = self.clock()
        if self.link is not None:
            self.obey(self.link.receive(data))

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        if self.transport is not None:
            if self.state == "connected":
                log.warning("Connection with master lost.")
            elif self.loading is not None and self.mapped is None:
                log.warning("Failed trying to load the MASTER synchronization DB from socket: connection lost at byte %d", self.received)
            elif self.copy is not None:
                log.warning("I/O error trying to sync with MASTER: connection lost")
            self.transport = None
            self.drop()

    def drop(self) -> None:
        """Ends the connection; another one is tried for."""
        transport, self.transport = self.transport, None
        if transport is not None:
            transport.abort()
        if self.opening is not None:
            self.opening.cancel()
            self.opening = None
        self.link = None
        self.end_stream()
        self.end_copy()
        if not self.stopped:
            self.set_state("connect")

    def stop(self) -> None:
        """Follows no more."""
        self.stopped = True
        self.drop()

    # Decisions

    def obey(self, decisions: list[Decision]) -> None:
        """Does what the link decided."""
        for decision in decisions:
            if self.link is None:
                return
            if isinstance(decision, Send):
                self.write(decision.data)
            elif isinstance(decision, Stream):
                self.run(decision.data)
            elif isinstance(decision, Piece):
                self.store(decision.data)
            elif isinstance(decision, Copied):
                self.copied()
            elif isinstance(decision, Copy):
                self.begin_copy(decision)
            elif isinstance(decision, Size):
                self.note_size(decision.size)
            elif isinstance(decision, Continue):
                self.go_on(decision.id)
            elif isinstance(decision, Note):
                log.info("%s", decision.text)
            elif isinstance(decision, Failed | Declined):
                log.warning("%s", decision.reason)
                self.drop()
                if isinstance(decision, Declined):
                    self.on_answer(False)

    def write(self, data: bytes) -> None:
        """Sends bytes."""
        if self.transport is not None:
            self.transport.write(data)

    def answered(self) -> None:
        """PSYNC has been answered as a primary does: the other one is it, whatever becomes of the link."""
        if self.failover:
            self.failover = False
            self.on_answer(True)

    # A full copy

    def begin_copy(self, copy: Copy) -> None:
        """A full copy comes."""
        log.info("Full resync from master: %s:%d", copy.id or "?", copy.offset)
        self.answered()
        self.copy = copy
        self.received = 0
        self.size = None
        self.set_state("sync")

    def note_size(self, size: int | None) -> None:
        """The copy is so long: the first byte of it is the next."""
        self.size = size
        way = self.settings.text("repl-diskless-load")
        self.aside = way == "swapdb"
        at_once = self.aside or (way == "on-empty-db" and not keyspace(self.core))
        log.info("MASTER <-> REPLICA sync: receiving %s to %s",
                 "streamed RDB from master with EOF" if size is None else f"{size} bytes from master",
                 "parser" if at_once else "disk")  # fmt: skip
        if at_once:
            self.begin_loading(Loading(self.core, None, self.aside, UNKNOWN if size is None else min(size, UNKNOWN)))
            return
        self.path = self.saves.file_of(f"temp-{os.getpid()}-0.rdb")
        try:
            self.file = self.path.open("wb")
        except OSError as error:
            log.warning("Opening the temp file needed for MASTER <-> REPLICA synchronization: %s", error.strerror)
            self.drop()

    def store(self, data: bytes) -> None:
        """The next bytes of the copy."""
        self.received += len(data)
        if self.file is None:
            self.feed(data)
            return
        try:
            self.file.write(data)
        except OSError as error:
            log.warning("Write error writing to the DB dump file needed for MASTER <-> REPLICA synchronization: %s", error.strerror)
            self.drop()

    def feed(self, data: bytes) -> None:
        """The next bytes of a copy that is loaded as it comes; none: that was all."""
        loading = self.loading
        assert loading is not None
        try:
            loading.feed(data)
        except MemoryError:
            log.warning("There is no memory for the copy of the master")
            self.drop()
            return
        if not data or loading.excess > MOST_HELD:
            self.pause()
        self.load_soon(loading)

    def copied(self) -> None:
        """The copy is there: it is loaded between turns, and what follows has to wait."""
        if self.file is None:
            self.feed(b"")
            return
        assert self.path is not None
        try:
            self.file.close()
            self.file = None
            with self.path.open("rb") as file:
                self.mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            log.warning("The copy from the master cannot be read: %s", error)
            self.drop()
            return
        self.pause()
        loading = Loading(self.core, self.mapped, self.aside)
        self.begin_loading(loading)
        self.load_soon(loading)

    def pause(self) -> None:
        """Reads nothing from the connection until `resume`."""
        if self.transport is not None and not self.paused:
            self.paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Reads from the connection again."""
        if self.transport is not None and self.paused:
            self.paused = False
            self.heard_at = self.clock()
            self.transport.resume_reading()

    def begin_loading(self, loading: Loading) -> None:
        """A copy, or the beginning of one, can be loaded."""
        log.info("MASTER <-> REPLICA sync: Loading DB in memory")
        self.loading = loading
        self.loading_since = int(time.time())
        self.relay.set_loads_aside(self.aside)
        if not self.aside:
            self.replace()
            loading.begin()

    def replace(self) -> None:
        """What is there goes, and nobody can go on from it."""
        log.info("MASTER <-> REPLICA sync: Flushing old data")
        self.partial = False
        self.on_copy()

    def load_soon(self, loading: Loading) -> None:
        """Loads a part of the copy in the loop's next round, if there is one to be loaded."""
        if self.load_handle is None and not loading.starved:
            self.load_handle = asyncio.get_running_loop().call_later(0, self.load_some, loading)

    def load_some(self, loading: Loading) -> None:
        """Loads a part of the copy."""
        self.load_handle = None
        now = self.clock()
        if now - self.told_at >= NEWLINE_SECONDS:
            self.told_at = now
            self.write(b"\n")
        try:
            more = loading.step(STEP)
        except SnapshotError as error:
            log.warning("Failed trying to load the MASTER synchronization DB: %s at byte %d", error.problem, error.offset)
            if loading.read and self.aside:
                # the keys have taken the place of what was there before a library did not load
                self.aside = False
                self.replace()
            self.drop()
            return
        if not more:
            self.loaded(loading)
            return
        if loading.read and self.size is None and self.received > loading.done:
            log.warning("Replication stream EOF marker is broken")
            self.drop()
            return
        if loading.excess <= MOST_HELD and self.link is not None and self.link.step is not Step.LOADING:
            self.resume()
        self.load_soon(loading)

    def loaded(self, loading: Loading) -> None:
        """The copy is in memory: the stream goes on from there."""
        copy, path = self.copy, self.path
        assert copy is not None
        log.info("Done loading RDB, keys loaded: %d, keys expired: 0.", loading.keys)
        if self.aside:
            log.info("MASTER <-> REPLICA sync: Swapping active DB with loaded DB")
            log.info("MASTER <-> REPLICA sync: Discarding old DB in background")
            self.on_copy()
        origin = loading.replication
        self.end_loading()
        self.copy = self.path = None
        if path is not None:
            self.keep(path)
        if copy.id is None:
            self.history.begin_anew()
        else:
            self.history.adopt(copy.id)
        self.relay.restart(max(copy.offset, 0))
        self.relay.begin()
        self.saves.data_replaced(path is not None)
        log.info("MASTER <-> REPLICA sync: Finished with success")
        self.heard_at = self.clock()
        self.begin_stream(max(origin[0], 0) if origin is not None else 0, copy.id is not None)
        if self.transport is not None and self.link is not None:
            self.resume()
            self.obey(self.link.loaded())

    def keep(self, path: Path) -> None:
        """The copy's file is the newest snapshot."""
        try:
            self.saves.take_copy(path)
        except OSError as error:
            log.warning("Failed trying to rename the temp DB into %s: %s", self.settings.text("dbfilename"), error.strerror)

    def end_loading(self) -> None:
        """Lets go of the copy's bytes."""
        if self.load_handle is not None:
            self.load_handle.cancel()
            self.load_handle = None
        if self.loading is not None:
            self.loading.end()
            self.loading = None
            self.relay.set_loads_aside(False)
        if self.mapped is not None:
            self.mapped.close()
            self.mapped = None

    def end_copy(self) -> None:
        """A copy that came only in part is of no use, nor is what has been loaded of it."""
        half = self.loading is not None
        self.end_loading()
        if half and self.aside:
            log.info("MASTER <-> REPLICA sync: Discarding temporary DB in background")
        elif half:
            flush(self.core, True)
        self.copy = None
        if self.file is not None:
            self.file.close()
            self.file = None
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            self.path = None

    # The stream

    def go_on(self, history_id: str | None) -> None:
        """The stream goes on where it was left."""
        log.info("Successful partial resynchronization with master.")
        self.answered()
        if history_id is not None and history_id != self.history.id:
            log.info("Master replication ID changed to %s", history_id)
            self.history.branch(self.relay.offset, history_id)
            self.on_copy()
        self.relay.begin()
        self.begin_stream(self.db, True)

    def begin_stream(self, db: int, partial: bool) -> None:
        """What comes now is the stream, with this database selected."""
        self.partial = partial
        address = f"{self.host}:{self.port}"
        local = text_address(self.transport.get_extra_info("sockname")) if self.transport is not None else ""
        self.session = Session(
            self.core, CallbackTransport(lambda _: None, self.killed, self.divided), address.encode(), ClientState(local)
        )
        self.relay.follow(self.session, db)
        self.set_state("connected")
        self.acknowledge()

    def run(self, data: bytes) -> None:
        """Runs more of the stream."""
        if self.session is None:
            return
        try:
            self.relay.feed(data)
        except MemoryError:
            log.warning("There is no memory for the stream of the master")
            self.drop()

    def divided(self, session: Session) -> None:
        """There is more to run than one turn has time for."""
        self.pause()
        asyncio.get_running_loop().call_soon(self.run_more, session)

    def run_more(self, session: Session) -> None:
        """The next turn's part."""
        if session is not self.session:
            return
        if not self.relay.go_on():
            self.resume()

    def killed(self, session: Session) -> None:
        """The engine closes the stream's client: it sent nonsense, or somebody wants it so."""
        if session is self.session:
            log.warning("Connection with master lost.")
            self.drop()
        else:
            session.close()

    def end_stream(self) -> None:
        """The stream has ended here."""
        session, self.session = self.session, None
        if session is not None:
            self.db = max(self.relay.select, 0)
            self.relay.unfollow()
            session.close()

    def acknowledge(self) -> None:
        """Tells the primary how far this replica is."""
        self.acked_at = self.clock()
        words = ["REPLCONF", "ACK", str(self.relay.offset)]
        synced = self.synced()
        if synced is not None:
            words += ["FACK", str(synced)]
        self.write(request(*words))

    @property
    def is_syncing(self) -> bool:
        """Whether a full copy is on its way."""
        return self.state == "sync"
