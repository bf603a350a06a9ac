"""The fuzzer for a minute, and that it leaves nothing out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.commands import Fuzz
from tests.fuzz.values import LEFT_OUT, VALUES
from tests.fuzz.words import NOT_DEBUGGED, NOT_SAID, Shared, Words, said
from zippy.commandspec import COMMANDS
from zippy.persistence import append_only, snapshots  # noqa: F401  they have subcommands
from zippy.server.debug import USAGES
from zippy.settings import SETTINGS


@pytest.mark.timeout(400)
def test_every_command_is_said() -> None:
    names = {spec.name for command in COMMANDS for spec in (command, *command.subcommands)}
    spoken = said("coverage", 90_000)
    assert names - spoken - NOT_SAID.keys() == set()
    subcommands = {usage.name for usages in USAGES.values() for usage in usages}
    assert {name for name in subcommands if f"debug|{name}" not in spoken} - NOT_DEBUGGED.keys() == set()


def test_every_setting_is_set() -> None:
    names = {setting.name for setting in SETTINGS if setting.mutable and not setting.name.startswith("tls-")}
    assert names - VALUES.keys() - LEFT_OUT.keys() == set()


def test_nobody_becomes_a_replica() -> None:
    words = Words("cut", Shared())
    assert words.may_say((b"FLUSHALL", b"sync"))
    words.is_cut = True
    assert not words.may_say((b"FLUSHALL", b"sync"))
    assert words.may_say((b"FLUSHALL", b"ASYNC"))


@pytest.mark.timeout(400)
@pytest.mark.parametrize("in_cluster", [False, True])
def test_a_minute(tmp_path: Path, in_cluster: bool) -> None:
    figures = Fuzz(tmp_path, 1, in_cluster=in_cluster).run(60, rounds=2)
    print(figures)
    assert figures.replies > 1000
