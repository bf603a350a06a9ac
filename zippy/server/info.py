"""INFO: each section is a list of functions that give its fields, and every part of the server brings its own.

A name that an earlier part gave keeps its place and gets the later one's value, other names follow at the end. A section of an unknown
name is made, and shown by default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from zippy._core.introspection import may_wait
from zippy._core.resp.kinds import Verbatim
from zippy._core.session import Session
from zippy.server.arguments import text
from zippy.server.key_sizes import KeySizesCount
from zippy.server.registry import command

Fields = Mapping[str, Any]
"""Values as INFO shows them once they are str()."""
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


class Info:
    """The sections of one server. sizes: what has to be counted before the section of sizes is shown."""

    def __init__(self, sizes: KeySizesCount) -> None:
        self.sizes = sizes
        self.sections: dict[str, list[Callable[[], Fields]]] = {name: [] for name in SECTIONS}

    def add(self, *parts: Informed) -> None:
        """Asks these parts for their fields from now on."""
        for part in parts:
            for section, function in part.sections().items():
                self.sections.setdefault(section, []).append(function)

    def fields(self, section: str) -> dict[str, Any]:
        """The fields of one section."""
        merged: dict[str, Any] = {}
        for function in self.sections[section]:
            merged.update(function())
        return merged

    def report(self, wanted: list[str]) -> str:
        """The text of the sections wanted, each once and in their own order; none wanted is "default"."""
        names = {name.lower() for name in wanted} or {"default"}
        if names & {"all", "everything"}:
            names |= set(self.sections) - BY_NAME_ALONE
        elif "default" in names:
            names |= set(self.sections) - NOT_BY_DEFAULT - BY_NAME_ALONE
        parts = []
        for section in self.sections:
            if section in names:
                title = {"cpu": "CPU"}.get(section, section.capitalize())
                lines = [f"{name}:{value}\r\n" for name, value in self.fields(section).items()]
                parts.append(f"# {title}\r\n" + "".join(lines))
        return "\r\n".join(parts)

    @command("info")
    def info(self, session: Session, args: list[bytes]) -> Any:
        """INFO [section [section ...]]."""
        wanted = [text(section).lower() for section in args[1:]]
        if not self.sizes.is_quick() and not {"keysizes", "all", "everything"}.isdisjoint(wanted):
            if may_wait(session):
                return self.report_with_sizes(wanted)
            self.sizes.count()
        return Verbatim(self.report(wanted))

    async def report_with_sizes(self, wanted: list[str]) -> Verbatim:
        """INFO's reply, after a new count of the values' sizes."""
        await self.sizes.count_in_steps()
        return Verbatim(self.report(wanted))
