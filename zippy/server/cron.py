"""Work that comes with time: expiry, compaction, time limits of clients, and what services have to do regularly."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from zippy._core.session import Core
from zippy.server.info import Fields, Sections
from zippy.server.log import log
from zippy.settings import Settings

if TYPE_CHECKING:
    # an engine in process has no loop, and loads none
    from zippy.server.loop import Loop
    from zippy.server.schedule import Timer

EXPIRE_US = 1000  # a step of active expiry; with the interval, a quarter of the time at most
EXPIRE_INTERVAL = 0.003  # seconds
COMPACT_US = 500  # a step of compaction; with the interval, a fifth of the time at most
COMPACT_INTERVAL = 0.002  # seconds


class Cron:
    """The periodic work of one server."""

    def __init__(self, core: Core, settings: Settings) -> None:
        self.core = core
        self.settings = settings
        self.paused = False  # DEBUG PAUSE-CRON
        self.work: list[Callable[[], None]] = []  # that is done each time, beside the core's
        self.is_saving: Callable[[], bool] = lambda: False  # in the background: memory is shared, or being walked
        self.compacting = False  # a further step is arranged
        self.expiring = False  # the same for active expiry
        self.loop: Loop | None = None  # in which it runs
        self.next: Timer | None = None

    def start(self, loop: Loop) -> None:
        """Begins: works `hz` times a second from now on."""
        self.loop = loop
        self.next = loop.call_later(1 / self.settings.integer("hz"), self.run)

    def stop(self) -> None:
        """Ends; may be called twice."""
        self.loop = None
        self.expiring = self.compacting = False
        if self.next is not None:
            self.next.cancel()

    def run(self) -> None:
        """Works once, and arranges the next time."""
        if self.loop is None:
            return
        try:
            if not self.paused:
                self.work_once()
        except Exception:
            log.exception("cron failed")
        finally:
            self.next = self.loop.call_later(1 / self.settings.integer("hz"), self.run)

    def work_once(self) -> None:
        """All that comes with time, once."""
        self.core.cron()
        if not self.expiring:
            self.expire()
        if not self.compacting:
            self.compact()
        self.core.visit_clients(self.settings.integer("timeout"), self.settings.integer("hz"))
        self.do_work()

    def do_work(self) -> None:
        """What is to be done beside the core's own."""
        for work in self.work:
            work()

    def expire(self) -> None:
        """A step of active expiry, and the next ones in short intervals while many keys are found expired."""
        self.expiring = False
        if self.loop is not None and not self.paused and self.core.expire(EXPIRE_US):
            self.expiring = True
            self.loop.call_later(EXPIRE_INTERVAL, self.expire)

    def compact(self) -> None:
        """A step of compaction, and the next ones in short intervals until nothing worth it is left."""
        self.compacting = False
        if self.loop is None:
            return
        if self.settings.flag("activedefrag") and not self.is_saving() and self.core.compact(COMPACT_US):
            self.compacting = True
            self.loop.call_later(COMPACT_INTERVAL, self.compact)

    def sections(self) -> Sections:
        """For INFO."""
        return {"memory": self.memory_fields}

    def memory_fields(self) -> Fields:
        """For INFO."""
        return {"active_defrag_running": int(self.compacting)}
