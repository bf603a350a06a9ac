"""Makes a failing sequence short: first units are left out (delta debugging), then steps, then arguments become simple."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.differential.steps import Step, Unit

Fails = Callable[[Sequence[Unit]], bool]
SIMPLE = (b"a", b"1", b"0", b"")
MANY = 50
"""Arguments of one command that are made simple one by one; a longer list is there for its length."""


class Shrinker:
    """Shortens units while `fails` stays true, for at most `seconds`."""

    def __init__(self, fails: Fails, seconds: float = 60.0) -> None:
        self.fails = fails
        self.deadline = time.monotonic() + seconds

    def over(self) -> bool:
        """True when the time is used up."""
        return time.monotonic() > self.deadline

    def shrink(self, units: Sequence[Unit]) -> list[Unit]:
        """The shortest failing units that were found."""
        kept = self.without_units(list(units))
        kept = self.without_steps(kept)
        kept = self.with_fewer_arguments(kept)
        return self.with_simple_arguments(self.without_units(kept))

    def without_units(self, units: list[Unit]) -> list[Unit]:
        """Leave out chunks of units, larger ones first, until each that is left is needed."""
        size = max(1, len(units) // 2)
        while not self.over():
            shorter, start = units, 0
            while start < len(shorter) and not self.over():
                candidate = shorter[:start] + shorter[start + size :]
                if candidate and self.fails(candidate):
                    shorter = candidate
                else:
                    start += size
            if size == 1 and len(shorter) == len(units):
                break
            units = shorter
            size = max(1, min(size // 2, len(units) // 2))
        return units

    def changed(self, units: list[Unit], unit: int, steps: list[Step]) -> list[Unit]:
        """The same units with other steps in one of them."""
        return [*units[:unit], units[unit].with_steps(steps), *units[unit + 1 :]]

    def without_steps(self, units: list[Unit]) -> list[Unit]:
        """Leave out single steps of units that may be shortened from inside."""
        for index in range(len(units)):
            place = 0
            while not units[index].atomic and place < len(units[index].steps) > 1 and not self.over():
                steps = list(units[index].steps)
                candidate = self.changed(units, index, steps[:place] + steps[place + 1 :])
                if self.fails(candidate):
                    units = candidate
                else:
                    place += 1
        return units

    def try_arguments(self, units: list[Unit], index: int, place: int, args: list[bytes]) -> list[Unit] | None:
        """The units with these arguments in one step, when they still fail."""
        steps = list(units[index].steps)
        steps[place] = replace(steps[place], args=tuple(args))
        candidate = self.changed(units, index, steps)
        return candidate if self.fails(candidate) else None

    def with_fewer_arguments(self, units: list[Unit]) -> list[Unit]:
        """Leave out arguments: halves of what follows the name first, then single ones."""
        for index, place in self.places(units):
            size = max(1, (len(units[index].steps[place].args) - 1) // 2)
            finest = size // 50 + 1
            while size >= finest and not self.over():
                start = 1
                while start < len(units[index].steps[place].args) and not self.over():
                    args = list(units[index].steps[place].args)
                    better = self.try_arguments(units, index, place, args[:start] + args[start + size :])
                    units, start = (better, start) if better else (units, start + size)
                size //= 2
        return units

    def with_simple_arguments(self, units: list[Unit]) -> list[Unit]:
        """Put simple values in place of strange ones, and cut long ones."""
        for index, place in self.places(units):
            for number in range(1, min(MANY, len(units[index].steps[place].args))):
                args = list(units[index].steps[place].args)
                for simple in (*SIMPLE, args[number][: len(args[number]) // 2], args[number][:-1]):
                    if len(simple) > len(args[number]) or simple == args[number] or args[number] in SIMPLE or self.over():
                        continue
                    better = self.try_arguments(units, index, place, [*args[:number], simple, *args[number + 1 :]])
                    if better:
                        units = better
                        break
        return units

    def places(self, units: list[Unit]) -> list[tuple[int, int]]:
        """The steps whose arguments may change."""
        return [(index, place) for index, unit in enumerate(units) if not unit.atomic for place in range(len(unit.steps))]
