"""Full copies for replicas: one save serves all that wait for it, straight from the save or by way of the file on disk."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from zippy._core.replicas import Replicas
from zippy._core.session import Session
from zippy.replication.history import History, new_id
from zippy.replication.primary import Replica, State
from zippy.replication.saving import Save, Saves
from zippy.settings import Settings

log = logging.getLogger("zippy")

MOST_UNSENT = 256 * 1024  # bytes of a copy that may wait for one replica
CHUNK = 64 * 1024  # bytes of a file that are read at a time
NEWLINE_SECONDS = 1.0  # between two signs of life to those that wait


class Outlet:
    """Gives a save's bytes to several replicas, no faster than the slowest takes them."""

    def __init__(self, relay: Replicas, sessions: list[Session]) -> None:
        self.relay = relay
        self.sessions = sessions
        self.save: Save | None = None
        for session in sessions:
            session.on_sent = self.sent

    def living(self) -> list[Session]:
        """Those that are there still."""
        return [session for session in self.sessions if session.id]

    def is_ready(self) -> bool:
        """See saving.Outlet."""
        return all(self.relay.unsent_replies(session) < MOST_UNSENT for session in self.living())

    def take(self, data: bytes) -> None:
        """See saving.Outlet."""
        for session in self.living():
            self.relay.write(session, data)

    def sent(self, session: Session) -> None:
        """One of them has been sent all that there was."""
        if self.save is not None and self.is_ready():
            self.save.go_on()

    def close(self) -> None:
        """No more comes."""
        self.save = None
        for session in self.living():
            session.on_sent = None


class FileSender:
    """Sends a file to one replica."""

    def __init__(self, relay: Replicas, session: Session, path: Path, on_end: Callable[[Session], None]) -> None:
        self.relay = relay
        self.session = session
        self.on_end = on_end
        self.file = path.open("rb")
        session.on_sent = self.sent
        relay.write(session, b"$%d\r\n" % os.fstat(self.file.fileno()).st_size)

    def sent(self, session: Session) -> None:
        """What there was is sent: more of it."""
        data = self.file.read(CHUNK)
        if data:
            self.relay.write(session, data)
            return
        self.close()
        self.on_end(session)

    def close(self) -> None:
        """Ends it."""
        self.session.on_sent = None
        self.file.close()


class Copies:
    """The copies of one primary. replicas: what is known of each, by its session; selected(): the database that the stream has selected;
    clock(): seconds of a clock that never goes back."""

    def __init__(
        self,
        relay: Replicas,
        settings: Settings,
        history: History,
        saves: Saves,
        replicas: dict[Session, Replica],
        selected: Callable[[], int],
        clock: Callable[[], float],
    ) -> None:
        self.relay = relay
        self.settings = settings
        self.history = history
        self.saves = saves
        self.replicas = replicas
        self.selected = selected
        self.clock = clock
        self.outlet: Outlet | None = None  # of a copy that goes straight to replicas
        self.served: list[Session] = []  # whom the save under way is for
        self.mark = b""
        self.senders: dict[Session, FileSender] = {}
        self.waiting_since = 0.0
        self.told_at = 0.0

    def waiting(self) -> list[Session]:
        """Replicas for which no save has begun."""
        return [session for session, replica in self.replicas.items() if replica.state is State.WAITING and session not in self.served]

    def ask(self) -> None:
        """A replica waits for a copy."""
        if len(self.waiting()) == 1:
            self.waiting_since = self.clock()

    def send_without_keys(self, session: Session) -> None:
        """Sends a copy without keys at once. To be called in a command of the replica's."""
        replica = self.replicas[session]
        offset = self.relay.offset
        try:
            data = self.saves.copy_without_keys(replica.libraries)
        except OSError as error:
            log.warning("The copy for replica %s cannot be made: %s", session.address(), error.strerror)
            session.kill()
            return
        self.relay.forget_selection()
        self.relay.attach(session, offset)
        if not replica.old:
            self.relay.write(session, b"+FULLRESYNC %b %d\r\n" % (self.history.id.encode(), offset))
        self.relay.write(session, b"$%d\r\n" % len(data) + data)
        self.sent_whole(session)

    def cron(self) -> None:
        """Begins a save when it is time, and tells those that wait that the connection lives."""
        waiting = self.waiting()
        now = self.clock()
        if now - self.told_at >= NEWLINE_SECONDS:
            self.told_at = now
            for session, replica in self.replicas.items():
                if replica.state is State.WAITING:
                    self.relay.write(session, b"\n")
        if not waiting or self.served or self.saves.is_saving():
            return
        most = self.settings.integer("repl-diskless-sync-max-replicas")
        waited = now - self.waiting_since >= self.settings.integer("repl-diskless-sync-delay")
        if waited or not self.is_direct(waiting) or (most and len(waiting) >= most):
            self.begin(waiting)

    def is_direct(self, waiting: list[Session]) -> bool:
        """Whether the copy goes to the replicas without a file."""
        return self.settings.flag("repl-diskless-sync") and all(self.replicas[session].eof for session in waiting)

    def begin(self, waiting: list[Session]) -> None:
        """Begins a save for all that wait. To be called between turns."""
        direct = self.is_direct(waiting)
        self.relay.forget_selection()
        offset = self.relay.offset
        origin = (self.selected(), self.history.id, offset)
        log.info("Starting BGSAVE for SYNC with target: %s", "replicas sockets" if direct else "disk")
        self.served = waiting
        try:
            if direct:
                self.outlet = Outlet(self.relay, waiting)
                self.outlet.save = self.saves.save_to(self.outlet, origin, self.direct_ended)
            else:
                self.saves.save_to_file(origin, self.file_ended)
        except OSError as error:
            log.warning("BGSAVE for replication failed: %s", error.strerror or error)
            self.give_up()
            return
        self.mark = new_id().encode()
        for session in waiting:
            self.relay.attach(session, offset)
            if not self.replicas[session].old:
                self.relay.write(session, b"+FULLRESYNC %b %d\r\n" % (self.history.id.encode(), offset))
            if direct:
                self.replicas[session].state = State.COPYING
                self.relay.write(session, b"$EOF:%b\r\n" % self.mark)

    def give_up(self) -> None:
        """The save came to nothing: whoever waits for it may come again."""
        served, self.served = self.served, []
        if self.outlet is not None:
            self.outlet.close()
            self.outlet = None
        for session in served:
            session.kill()

    def direct_ended(self, problem: str) -> None:
        """The save's bytes are all with the replicas' connections, or something went wrong."""
        if problem or self.outlet is None:
            log.warning("Background transfer error: %s", problem)
            self.give_up()
            return
        log.info("Background RDB transfer terminated with success")
        outlet, self.outlet = self.outlet, None
        outlet.close()
        served, self.served = self.served, []
        for session in served:
            if session.id:
                self.relay.write(session, self.mark)
                replica = self.replicas[session]
                replica.state = State.ONLINE
                # what follows the mark at once could not be told from it
                replica.waits_for_ack = True
                replica.heard_at = self.clock()

    def file_ended(self, problem: str) -> None:
        """The file is there, or is not."""
        if problem:
            log.warning("SYNC failed. BGSAVE child returned an error: %s", problem)
            self.give_up()
            return
        served, self.served = self.served, []
        path = self.saves.file_of(self.settings.text("dbfilename"))
        for session in served:
            if session.id:
                self.replicas[session].state = State.COPYING
                try:
                    self.senders[session] = FileSender(self.relay, session, path, self.file_sent)
                except OSError as error:
                    log.warning("SYNC failed. Can't open/stat DB after BGSAVE: %s", error.strerror)
                    session.kill()

    def file_sent(self, session: Session) -> None:
        """A replica has the file."""
        self.senders.pop(session, None)
        self.sent_whole(session)

    def sent_whole(self, session: Session) -> None:
        """The stream follows the copy, unless that was all that was asked for."""
        replica = self.replicas[session]
        replica.state = State.ONLINE
        replica.heard_at = self.clock()
        log.info("Synchronization with replica %s succeeded", session.address())
        if replica.rdb_only:
            session.close_after_reply()
        else:
            self.relay.release(session)

    def forget(self, session: Session) -> None:
        """A replica is gone."""
        sender = self.senders.pop(session, None)
        if sender is not None:
            sender.close()
        if session in self.served:
            self.served.remove(session)
            if self.outlet is None:
                return
            if not self.outlet.living():
                log.info("Diskless rdb transfer, last replica dropped, killing fork child.")
                self.stop()
            elif self.outlet.is_ready() and self.outlet.save is not None:
                self.outlet.save.go_on()

    def stop(self) -> None:
        """Ends a save that goes straight to replicas."""
        outlet, self.outlet = self.outlet, None
        self.served = []
        if outlet is not None:
            outlet.close()
            self.saves.cancel_for_replicas()
