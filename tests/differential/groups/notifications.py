"""Keyspace notifications: a listener hears the events of all the other groups' commands."""

from __future__ import annotations

from tests.differential.groups import expiry, transactions
from tests.differential.groups.data import DATA
from tests.differential.groups.group import Group
from tests.differential.steps import LISTENERS, Step, Unit
from tests.differential.values import Source

OTHERS = (*DATA, transactions.GROUP, expiry.GROUP)


def command(source: Source) -> Unit:
    """A unit of another group: none that blocks, and no SORT with LIMIT, which may look up any of a set's members."""
    group = source.random.choice(OTHERS)
    source.key_type = group.key_type
    unit: Unit = group.unit(source)
    if all(step.wait and not (step.name.startswith("SORT") and b"LIMIT" in [arg.upper() for arg in step.args]) for step in unit.steps):
        return unit
    return command(source)


def listen(source: Source) -> Unit:
    """The listener hears all events of both kinds."""
    return Unit((Step((b"PSUBSCRIBE", source.pick([b"__key*", b"__key*", b"__keyspace@*", b"__keyevent@*"])), LISTENERS[0]),))


def classes(source: Source) -> Unit:
    """Which classes of events are told."""
    flags = source.pick(
        [b"KEA", b"KEA", b"AKE", b"KEAn", b"KEAmn", b"Kg$", b"Elshzx", b"KEe", b"", b"KElh", b"A", b"KEA", b"Knm", b"KEAo", b"KEdtg"]
    )
    name = b"notify-keyspace-events"
    return Unit((Step((b"CONFIG", b"SET", name, flags)), Step((b"CONFIG", b"GET", name))))


def bad_classes(source: Source) -> Unit:
    """What is no class is refused. The setting before it has no "n", which Redis would forget then."""
    name = b"notify-keyspace-events"
    flags = source.pick([b"KEA", b"Kg$", b""]), source.pick([b"foo!", b"a", b"KEAk"])
    return Unit((*(Step((b"CONFIG", b"SET", name, flag)) for flag in flags), Step((b"CONFIG", b"GET", name))), True)


GROUP = Group(
    "notifications", "string", "", [(100, command), (2, listen), (3, classes), (1, bad_classes)], filler="", mangles=False, listens=True
)
