"""COMMAND's replies are made in steps, the first time."""

from __future__ import annotations

from pathlib import Path

from tests.unit.peer import Peer
from zippy import commandspec
from zippy._core.introspection import commands_there
from zippy._core.session import Core
from zippy.commandspec import groups
from zippy.server import command_table
from zippy.server.command_table import STEP, answer_when_made, docs_of, when_made

NO_GROUPS = {"__init__", "groups", "reply", "rows", "spec", "syntax", "table"}


def test_all_files_of_the_table_are_groups() -> None:
    found = {path.stem for path in Path(commandspec.__file__).parent.glob("*.py")}
    assert found - NO_GROUPS == set(groups.GROUPS)


def test_the_table_is_made_in_steps() -> None:
    made = [str(module.__name__) for module in groups.steps()]  # type: ignore[attr-defined]
    assert made == [f"zippy.commandspec.{name}" for name in ("spec", *groups.GROUPS, "table")]
    assert groups.is_made()


def test_others_have_their_turns_in_between() -> None:
    core = Core(16, 1)
    session = Peer(core).session
    command_table._made.clear()
    docs_of.cache_clear()
    names = commands_there(core)
    work = answer_when_made(session, docs_of, lambda: "answer")
    made = []
    try:
        while True:
            work.send(None)
            made.append(docs_of.cache_info().currsize)
    except StopIteration as end:
        assert end.value == "answer"
    files = len(groups.GROUPS) + 2
    assert made[:files] == [0] * files
    assert made[files:] == list(range(STEP, len(names) + 1, STEP))
    assert docs_of.cache_info().currsize == len(names)
    assert when_made(session, docs_of, lambda: "at once") == "at once"


def test_where_nobody_can_wait_they_are_made_at_once() -> None:
    core = Core(16, 1)
    core.bind("command|docs", command_table.command_docs)
    command_table._made.clear()
    peer = Peer(core)
    assert peer("COMMAND DOCS") == peer("MULTI", "COMMAND DOCS", "EXEC").partition(b"*1\r\n")[2]
