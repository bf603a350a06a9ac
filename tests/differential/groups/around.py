"""Transactions around commands of all the groups."""

from __future__ import annotations

from tests.differential.groups.data import DATA
from tests.differential.steps import Step, Unit
from tests.differential.values import ALL_KEYS, KEYS, Source


def around(source: Source) -> Unit:
    """Commands of all the groups in one transaction; at times another connection changes a watched key with one of them."""
    random = source.random
    lines: tuple[tuple[bytes, ...], ...] = ()
    while len(lines) < 4:
        group = random.choice(DATA)
        source.key_type = group.key_type
        lines += tuple(
            step.args
            for step in group.unit(source).steps
            if step.wait and step.connection == 0 and step.check == "auto" and step.name not in ("MULTI", "EXEC", "DUMP", "OBJECT")
        )
    steps = [Step((b"MULTI",)), *(Step(line) for line in lines[1:]), Step((b"EXEC",))]
    if random.random() < 0.4:
        spoiled = Step(lines[0], 1) if not lines[0][0].upper().startswith(b"B") else Step((b"DEL", *KEYS["string"]), 1)
        steps = [Step((b"WATCH", *random.sample(ALL_KEYS, 6))), spoiled, *steps]
    return Unit(tuple(steps))
