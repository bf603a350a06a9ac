"""A campaign: episodes of one group from one seed, each difference shortened and described."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from tests.differential.groups import Group
from tests.differential.runner import Difference, Endpoint, Episode, Setup
from tests.differential.shrink import Shrinker
from tests.differential.steps import Unit, line, listing
from tests.differential.values import Source
from tests.resp import Reply

EPISODE = 2000
SHRINK_PATIENCE = 3.0
UNKNOWN = re.compile(rb"ERR unknown command|ERR '.*' has no handler")


@dataclass
class Finding:
    """A difference with the shortest sequence that shows it."""

    group: str
    seed: str
    setup: Setup
    difference: Difference
    units: Sequence[Unit]
    stable: bool

    def __str__(self) -> str:
        setup = f"HELLO {self.setup.resp}, encodings' limits {'small' if self.setup.small else 'default'}"
        lines = [f"=== {self.group}, seed {self.seed}, {setup}: {self.difference.what}"]
        if not self.stable:
            lines.append("(did not show again when the sequence was repeated)")
        lines.append(listing(self.units))
        if self.difference.step is not None and len(self.units) > 1:
            lines.append(f"# the replies to: {line(self.difference.step)[:300]}")
        lines += [f"  zippy:  {shown(self.difference.ours)}", f"  oracle: {shown(self.difference.theirs)}"]
        return "\n".join(lines)


def shown(side: object) -> str:
    """One side of a difference, as text of bounded length."""
    text = repr(side).replace("Reply(kind=", "(").replace("value=", "")
    return text if len(text) < 2000 else f"{text[:2000]} ... ({len(text)} characters)"


@dataclass
class Campaign:
    """Compares two endpoints over one group. Commands in `ignore` are left out; those that our side turns out not to know
    are left out from then on, and gathered in `missing`."""

    ours: Endpoint
    theirs: Endpoint
    group: Group
    setup: Setup
    seed: int
    count: int
    ignore: Collection[str] = frozenset()
    episode: int = EPISODE
    shrink_seconds: float = 60.0
    missing: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        has_clock = self.ours.clock is not None and self.ours.clock is self.theirs.clock
        self.setup = replace(self.setup, clock=self.group.clock and has_clock, pushes=self.group.listens)

    def findings(self) -> Iterator[Finding]:
        """Each difference once: after one the episode is given up, and a like one in a later episode is not told again."""
        known: set[str] = set()
        for number in range((self.count + self.episode - 1) // self.episode):
            seed = f"{self.seed}/{number}"
            source = Source(f"{self.group.name} {seed}", self.group.key_type, self.setup.small, self.setup.clock)
            wanted = min(self.episode, self.count - number * self.episode)
            drawn = list(self.group.units(source, wanted))
            units, difference = self.run_known(drawn)
            if difference is None or difference.signature in known:
                continue
            known.add(difference.signature)
            yield self.described(seed, units, difference)

    def run_known(self, drawn: Sequence[Unit]) -> tuple[list[Unit], Difference | None]:
        """The first difference that is not a command unknown to our side, and the units without such commands."""
        while True:
            units = [unit for unit in drawn if not self.ignored(unit)]
            difference = self.run(units, self.setup)
            unknown = unknown_command(difference)
            if unknown is None:
                return units, difference
            self.missing.add(unknown)

    def ignored(self, unit: Unit) -> bool:
        """True when a unit has a command that is left out."""
        return any(step.name in self.ignore or step.name in self.missing for step in unit.steps)

    def run(self, units: Sequence[Unit], setup: Setup) -> Difference | None:
        """The first difference of a sequence."""
        return Episode(self.ours, self.theirs, units, setup, self.group.listens, self.group.batch).run()

    def described(self, seed: str, units: Sequence[Unit], difference: Difference) -> Finding:
        """The finding for a difference: its sequence is cut behind it, and shortened."""
        wanted = difference.signature
        patient = replace(self.setup, patience=SHRINK_PATIENCE)
        best = difference

        def fails(candidate: Sequence[Unit]) -> bool:
            nonlocal best
            found = self.run(candidate, patient)
            if found is None or found.signature != wanted:
                return False
            best = found
            return True

        units = units[: difference.unit + 1]
        if not fails(units):
            return Finding(self.group.name, seed, self.setup, difference, units[-20:], False)
        shortest = Shrinker(fails, self.shrink_seconds).shrink(units)
        fails(shortest)
        return Finding(self.group.name, seed, self.setup, best, shortest, True)


def unknown_command(difference: Difference | None) -> str | None:
    """The command that our side does not know and the other does, when that is the difference."""
    if difference is None or difference.step is None:
        return None
    if is_unknown(difference.ours) and not is_unknown(difference.theirs):
        return difference.step.name
    return None


def is_unknown(reply: object) -> bool:
    """True for the error that says that there is no such command, or none yet."""
    return isinstance(reply, Reply) and reply.is_error and UNKNOWN.match(reply.value) is not None
