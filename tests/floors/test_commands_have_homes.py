"""Each command has a handler in its group's file and a test class in its group's tests."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from tests.floors.imports import PACKAGE, needs_sources
from zippy.commandspec import CommandSpec

pytestmark = needs_sources

TESTS = Path(__file__).resolve().parents[1] / "commands"
CYTHON_HANDLER = re.compile(r"^cdef void (\w+)_command\(Engine\* e, Client\* c, int argc, Slice\* argv\)", re.MULTILINE)
PYTHON_HANDLER = re.compile(r'^\s*@command\(\s*"([^"]+)"', re.MULTILINE)
OF_A_GROUP = re.compile(r"^COMMANDS: ", re.MULTILINE)
TEST_CLASS = re.compile(r"^class (Test\w+)", re.MULTILINE)
HANDLER_FOLDERS = ("server", "persistence", "replication", "cluster")


def groups() -> dict[str, tuple[CommandSpec, ...]]:
    """The command groups by the name of their file."""
    files = sorted((PACKAGE / "commandspec").glob("[a-z]*.py"))
    stems = [path.stem for path in files if OF_A_GROUP.search(path.read_text())]
    return {stem: import_module(f"zippy.commandspec.{stem}").COMMANDS for stem in stems}


def leaves() -> list[tuple[str, str]]:
    """Group and name of each command, and of each subcommand in place of its container. HELP is one function for all."""
    found = []
    for group, specs in groups().items():
        for spec in specs:
            names = [subcommand.name for subcommand in spec.subcommands] or [spec.name]
            found += [(group, name) for name in names if not name.endswith("|help")]
    return found


@cache
def cython_handlers(group: str) -> frozenset[str]:
    """The commands that the group's Cython files handle, with _ for every separator."""
    files = [path for path in (PACKAGE / "_core" / "commands").glob("*.pyx") if path.stem == group or path.stem.startswith(group + "_")]
    return frozenset(name for path in files for name in CYTHON_HANDLER.findall(path.read_text()))


@cache
def python_handlers() -> frozenset[str]:
    """The commands that Python handles."""
    files = [path for folder in HANDLER_FOLDERS for path in (PACKAGE / folder).rglob("*.py")]
    return frozenset(name for path in files for name in PYTHON_HANDLER.findall(path.read_text()))


@cache
def classes_in_tests(group: str) -> frozenset[str]:
    """The test classes in the group's files."""
    files = [path for path in TESTS.glob("test_*.py") if path.stem == f"test_{group}" or path.stem.startswith(f"test_{group}_")]
    return frozenset(name for path in files for name in TEST_CLASS.findall(path.read_text()))


def class_name(command: str) -> str:
    """client|no-evict -> TestClientNoEvict."""
    return "Test" + "".join(word.capitalize() for word in re.split(r"[|_-]", command))


@pytest.mark.parametrize("group", groups())
def test_each_command_has_a_handler(group: str) -> None:
    """In Cython `<name>_command` in the group's file, in Python a function registered under the name; one of the two."""
    names = [name for owner, name in leaves() if owner == group]
    in_cython = {name for name in names if re.sub(r"[|-]", "_", name) in cython_handlers(group)}
    # COMMAND is a command itself, and its subcommands have handlers elsewhere
    contained = {name for name in names if name.split("|")[0] in python_handlers()} - in_cython
    in_python = contained | {name for name in names if name in python_handlers()}
    assert sorted(set(names) - in_cython - in_python) == []
    assert sorted(in_cython & in_python) == []


@pytest.mark.parametrize("group", groups())
def test_each_command_has_tests(group: str) -> None:
    """tests/commands/test_<group>.py has a class Test<Name> for each command."""
    names = [name for owner, name in leaves() if owner == group]
    assert sorted(class_name(name) for name in names if class_name(name) not in classes_in_tests(group)) == []


def test_class_names() -> None:
    """Words begin with capitals."""
    assert [class_name(name) for name in ("zadd", "client|kill", "sort_ro", "client|no-evict")] == [
        "TestZadd",
        "TestClientKill",
        "TestSortRo",
        "TestClientNoEvict",
    ]


def test_handlers_are_for_known_commands() -> None:
    """A handler for a command that no table has would never run."""
    known = {
        re.sub(r"[|-]", "_", spec.name) for specs in groups().values() for command in specs for spec in (command, *command.subcommands)
    }
    in_cython = {name for path in (PACKAGE / "_core" / "commands").glob("*.pyx") for name in CYTHON_HANDLER.findall(path.read_text())}
    assert sorted(in_cython - known) == []
    assert sorted(name for name in python_handlers() if re.sub(r"[|-]", "_", name) not in known) == []
