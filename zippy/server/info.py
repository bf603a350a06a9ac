"""INFO: each section is made of what its sources tell, and every part of the server brings its own.

A name that an earlier part gave keeps its place and gets the later one's value, other names follow at the end. A section of an unknown
name is made, and shown by default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from zippy._core.introspection import may_wait, reply_report
from zippy._core.resp.kinds import NO_REPLY, Verbatim
from zippy._core.resp.report import Section, Source, report
from zippy._core.resp.values import Words
from zippy._core.session import Session
from zippy.server.key_sizes import KeySizesCount
from zippy.server.registry import command
from zippy.settings import Settings

Fields = dict[str, Any]
"""Values as INFO shows them: str() of each, numbers that are no integers with two decimals. They stay as they are once INFO has them."""
Given = Source | Fields | Callable[[], Fields]
"""What gives fields: a source of the core's, fields that stay, or a function, best one that returns the same dict if nothing changed."""
Sections = Mapping[str, Given | Sequence[Given]]
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
GROUPS = ("default", "all", "everything")
TITLES = {"cpu": "CPU"}


class WhileSame:
    """Fields that depend on some state alone; where `state` returns None, on more than that."""

    def __init__(self, state: Callable[[], object], make: Callable[[], Fields]) -> None:
        self.state = state
        self.make = make
        self.made: Fields = {}
        self.made_of: object = None  # the state

    def __call__(self) -> Fields:
        """The fields, the same dict as long as the state is equal to what it was."""
        state = self.state()
        if state is None or state != self.made_of:
            self.made, self.made_of = self.make(), state
        return self.made


class UntilSet(WhileSame):
    """Fields that depend on settings alone."""

    def __init__(self, settings: Settings, make: Callable[[], Fields]) -> None:
        super().__init__(lambda: settings.changes, make)


class Info:
    """The sections of one server. sizes: what has to be counted before the section of sizes is shown."""

    def __init__(self, sizes: KeySizesCount) -> None:
        self.sizes = sizes
        self.sections = {name: Section(TITLES.get(name) or name.capitalize()) for name in SECTIONS}
        self.by_default: list[Section] = []
        self.names: frozenset[bytes] = frozenset()  # that a client may ask for
        self.list_sections()

    def add(self, *parts: Informed) -> None:
        """Asks these parts for their fields from now on."""
        for part in parts:
            for name, given in part.sections().items():
                section = self.sections.get(name) or self.begin(name)
                for source in given if isinstance(given, Sequence) else (given,):
                    section.add(source)

    def begin(self, name: str) -> Section:
        """Begins a section of which nobody tells, in the place of one of that name: another part tells of all of it."""
        section = self.sections[name] = Section(TITLES.get(name) or name.capitalize())
        self.list_sections()
        return section

    def list_sections(self) -> None:
        """Finds out what a client may ask for, and gets without a name."""
        self.by_default = [section for name, section in self.sections.items() if name not in NOT_BY_DEFAULT | BY_NAME_ALONE]
        self.names = frozenset(name.encode() for name in (*self.sections, *GROUPS))

    def chosen(self, wanted: Iterable[str]) -> list[Section]:
        """The sections wanted, each once and in their own order; names are lower case."""
        names = set(wanted)
        if names & {"all", "everything"}:
            names |= set(self.sections) - BY_NAME_ALONE
        elif "default" in names:
            names |= set(self.sections) - NOT_BY_DEFAULT - BY_NAME_ALONE
        return [section for name, section in self.sections.items() if name in names]

    def report(self, wanted: Iterable[str]) -> Verbatim:
        """The text of the sections wanted."""
        return report(self.chosen(wanted))

    @command("info")
    def info(self, session: Session, args: Words) -> Any:
        """INFO [section [section ...]]."""
        if len(args) == 1:
            reply_report(session, self.by_default)
            return NO_REPLY
        # in a C loop that keeps only names of sections: an argument list may be as long as a client likes
        wanted = {name.decode() for name in self.names.intersection(map(bytes.lower, args[1:]))}
        if not {"keysizes", "all", "everything"}.isdisjoint(wanted) and not self.sizes.is_quick():
            if may_wait(session):
                return self.report_with_sizes(wanted)
            self.sizes.count()
        reply_report(session, self.chosen(wanted))
        return NO_REPLY

    async def report_with_sizes(self, wanted: set[str]) -> Verbatim:
        """INFO's reply, after a new count of the values' sizes."""
        await self.sizes.count_in_steps()
        return self.report(wanted)
