"""INFO: each section is a list of functions that give its fields, and every part of the server brings its own.

A name that an earlier part gave keeps its place and gets the later one's value, other names follow at the end. A section of an unknown
name is made, and shown by default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from zippy._core.introspection import clock_us, may_wait
from zippy._core.resp.kinds import Verbatim
from zippy._core.resp.report import Report
from zippy._core.session import Core, Session
from zippy.server.arguments import text
from zippy.server.key_sizes import KeySizesCount
from zippy.server.registry import command
from zippy.settings import Settings

Fields = dict[str, Any]
"""Values as INFO shows them: str() of each, numbers that are no integers with two decimals. Made for who gets it."""
Sections = Mapping[str, Callable[[], Fields]]
"""What gives fields, by section."""


class Informed(Protocol):
    """A part of the server that INFO tells of."""

    def sections(self) -> Sections:
        """What gives its fields."""


# In this order they are shown; those that nobody adds to are empty
SECTIONS = (
    "server", "clients", "memory", "persistence", "threads", "stats", "replication", "cpu", "modules", "commandstats", "errorstats",
    "latencystats", "cluster", "keyspace", "keysizes", "zippy", "debug",
)  # fmt: skip
NOT_BY_DEFAULT = frozenset({"commandstats", "latencystats"})
BY_NAME_ALONE = frozenset({"debug"})
TITLES = {"cpu": "CPU"}


class OnceATurn:
    """Fields that stand still within a turn, as the clock does, unless a setting changes."""

    def __init__(self, core: Core, settings: Settings, make: Callable[[], Fields]) -> None:
        self.core = core
        self.settings = settings
        self.make = make
        self.made: Fields = {}
        self.made_at = (-1, 0)  # the core's clock, and the settings' changes

    def __call__(self) -> Fields:
        """The fields."""
        now = (clock_us(self.core), self.settings.changes)
        if now != self.made_at:
            self.made, self.made_at = self.make(), now
        return self.made.copy()


class Info:
    """The sections of one server. sizes: what has to be counted before the section of sizes is shown."""

    def __init__(self, sizes: KeySizesCount) -> None:
        self.sizes = sizes
        self.sections: dict[str, list[Callable[[], Fields]]] = {name: [] for name in SECTIONS}
        self.by_default: list[str] = []
        self.titles: dict[str, str] = {}
        self.writer = Report()

    def add(self, *parts: Informed) -> None:
        """Asks these parts for their fields from now on."""
        for part in parts:
            for section, function in part.sections().items():
                self.sections.setdefault(section, []).append(function)
        self.by_default = [name for name in self.sections if name not in NOT_BY_DEFAULT | BY_NAME_ALONE]
        self.titles = {name: TITLES.get(name) or name.capitalize() for name in self.sections}

    def fields(self, section: str) -> Fields:
        """The fields of one section."""
        functions = self.sections[section]
        if not functions:
            return {}
        merged = functions[0]()
        for function in functions[1:]:
            merged.update(function())
        return merged

    def report(self, wanted: list[str]) -> Verbatim:
        """The text of the sections wanted, each once and in their own order; none wanted is "default"."""
        if not wanted:
            return self.writer.text([(self.titles[name], self.fields(name)) for name in self.by_default])
        names = {name.lower() for name in wanted}
        if names & {"all", "everything"}:
            names |= set(self.sections) - BY_NAME_ALONE
        elif "default" in names:
            names |= set(self.by_default)
        return self.writer.text([(self.titles[name], self.fields(name)) for name in self.sections if name in names])

    @command("info")
    def info(self, session: Session, args: list[bytes]) -> Any:
        """INFO [section [section ...]]."""
        wanted = [text(section).lower() for section in args[1:]]
        if not {"keysizes", "all", "everything"}.isdisjoint(wanted) and not self.sizes.is_quick():
            if may_wait(session):
                return self.report_with_sizes(wanted)
            self.sizes.count()
        return self.report(wanted)

    async def report_with_sizes(self, wanted: list[str]) -> Verbatim:
        """INFO's reply, after a new count of the values' sizes."""
        await self.sizes.count_in_steps()
        return self.report(wanted)
