"""INFO's Keyspace and Keysizes: how many keys there are, and how many values there are of what size, by powers of two.

Nothing is counted until somebody asks, for counting beside each write would cost every SET. A walk takes about 0.04 us a key, so few keys
are counted at once, whoever asks. With more, those who name the section (or ask for all) wait for a count in steps, between which others
are served; a plain INFO, which monitoring sends again and again, shows what was counted last. Where nobody can wait, as in MULTI, keys are
counted at once too, but one time a turn: what the same transaction changes after that is not in it, unless keys are very few.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping

from zippy._core import snapshot
from zippy._core.introspection import KeySizes, clock_us, keyspace
from zippy._core.session import Core

AT_ONCE = 10_000  # keys, less than half a millisecond
VERY_FEW = 100  # keys, about the time that INFO takes without them
STEP_US = 50
NAMES = ("strings_sizes", "lists_items", "sets_items", "zsets_items", "hashes_items")
UNITS = ("", "K", "M", "G", "T", "P", "E")


class OthersTurn:
    """Awaited, it has a loop go round once; asyncio.sleep(0) does the same, and an engine in process need not load asyncio."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class KeySizesCount:
    """The last count of a core's values."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.found: dict[int, list[dict[int, int]]] = {}
        self.counted_at = -1  # the core's clock, which stands still within a turn
        self.changes = 0  # of the dataset, up to then
        self.fields: dict[str, str] = {}  # as INFO shows them
        self.shown = self.found  # what they are made of

    def is_quick(self) -> bool:
        """Whether counting takes no longer than a command may."""
        return self.keys() <= AT_ONCE

    def keys(self) -> int:
        """How many there are."""
        return sum([keys for _, keys, *_ in keyspace(self.core)])

    def count(self) -> None:
        """Counts at once, unless that was done in this turn and either nothing has changed since or counting again would take long."""
        now, changes = clock_us(self.core), snapshot.changes(self.core)
        if now == self.counted_at and (changes == self.changes or self.keys() > VERY_FEW):
            return
        walk = KeySizes(self.core)
        while not walk.step(STEP_US):
            pass
        self.found, self.counted_at, self.changes = walk.found, now, changes

    async def count_in_steps(self) -> None:
        """Counts in steps of a twentieth of a millisecond, with others' turns in between."""
        walk = KeySizes(self.core)
        while not walk.step(STEP_US):
            await OthersTurn()
        self.found = walk.found

    def sections(self) -> Mapping[str, Callable[[], dict[str, str]]]:
        """For INFO."""
        return {"keyspace": self.key_fields, "keysizes": self.size_fields}

    def key_fields(self) -> dict[str, str]:
        """Keys by database."""
        return {
            f"db{number}": f"keys={keys},expires={expires},avg_ttl={ttl},subexpiry={elements}"
            for number, keys, expires, ttl, elements in keyspace(self.core)
        }

    def size_fields(self) -> dict[str, str]:
        """Values by size; of few keys as they are now."""
        if self.is_quick():
            self.count()
        if self.shown is not self.found:
            self.fields = {
                f"db{number}_distrib_{name}": ",".join(f"{size(place)}={count}" for place, count in sorted(bins.items()))
                for number, types in self.found.items()
                for name, bins in zip(NAMES, types, strict=True)
                if bins
            }
            self.shown = self.found
        return self.fields


def size(place: int) -> str:
    """The least size that is counted at a place: 0, 1, 2, 4 ... 512, 1K ..."""
    power = max(place - 1, 0)
    return f"{1 << power % 10}{UNITS[power // 10]}" if place else "0"
