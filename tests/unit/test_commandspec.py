"""The command table against a real Redis 8.2, and against itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.since import as_known, is_known
from tests.unit.oracle import Oracle, start_oracle
from zippy._core.resp.kinds import OrderedSet, Simple
from zippy._core.testing.engine_shim import command_categories
from zippy.commandspec import COMMANDS, Argument, CommandSpec, Index, Range, find_command
from zippy.commandspec.reply import docs_reply, info_reply
from zippy.commandspec.spec import CATEGORIES

GROUPS = {
    *("connection", "generic", "string", "bitmap", "hyperloglog", "list", "set", "sorted-set", "geo", "hash", "stream"),
    *("transactions", "pubsub", "scripting", "server", "cluster"),
}
OWN_WORDING = {"summary", "complexity", "history", "notes"}  # told in zippy's words, so only their presence is compared
LEFT_OUT = {"module"}  # administration of later parts
KNOWN = [as_known(command) for command in COMMANDS if is_known(command.since)]
ALL = [spec for command in COMMANDS for spec in (command, *command.subcommands)]


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    with start_oracle() as server:
        yield server


def plain(reply: Any) -> Any:
    """A reply with sets made order-free and own wording blanked, to compare with ==; simple strings stay apart from bulks."""
    if isinstance(reply, OrderedSet):
        return ("set", sorted((plain(item) for item in reply), key=repr))
    if isinstance(reply, list):
        return [plain(item) for item in reply]
    if isinstance(reply, dict):
        return {
            key: len(value) if key == "history" else "..." if key in OWN_WORDING else plain(value)
            for key, value in reply.items()
            if key != "subcommands"
        }
    return ("simple", str(reply)) if isinstance(reply, Simple) else reply


def names(specs: Any) -> list[str]:
    return sorted(specs)


@pytest.mark.parametrize("command", KNOWN, ids=lambda command: command.name)
def test_info_is_that_of_redis(oracle: Oracle, command: CommandSpec) -> None:
    (theirs,) = oracle("COMMAND", "INFO", command.name)
    ours = info_reply(command)
    assert plain(ours[:9]) == plain(theirs[:9])
    assert isinstance(ours[9], type(theirs[9]))
    subcommands = {subcommand[0]: subcommand for subcommand in theirs[9]}
    assert [subcommand.name for subcommand in command.subcommands] == names(subcommands)
    for subcommand in command.subcommands:
        assert plain(info_reply(subcommand)) == plain(subcommands[subcommand.name])


@pytest.mark.parametrize("command", KNOWN, ids=lambda command: command.name)
def test_docs_have_the_structure_of_redis(oracle: Oracle, command: CommandSpec) -> None:
    theirs = oracle("COMMAND", "DOCS", command.name)[command.name]
    ours = docs_reply(command)
    assert plain(ours) == plain(theirs)
    assert list(ours) == list(theirs)
    for subcommand in command.subcommands:
        assert plain(docs_reply(subcommand)) == plain(theirs["subcommands"][subcommand.name])
    assert names(ours.get("subcommands", ())) == names(theirs.get("subcommands", ()))


def test_history_names_the_versions_of_redis(oracle: Oracle) -> None:
    docs = oracle("COMMAND", "DOCS")
    for command in KNOWN:
        for spec in (command, *command.subcommands):
            theirs = docs[command.name] if spec is command else docs[command.name]["subcommands"][spec.name]
            assert [version for version, _ in spec.history] == [version for version, _ in theirs.get("history", ())], spec.name


def test_groups_are_complete(oracle: Oracle) -> None:
    theirs = {name for name, docs in oracle("COMMAND", "DOCS").items() if docs["group"] in GROUPS and "module" not in docs}
    assert theirs - {command.name for command in KNOWN} == LEFT_OUT
    assert {command.name for command in KNOWN} <= theirs


def test_categories_are_those_of_redis(oracle: Oracle) -> None:
    """Of each category the commands that ACL CAT shows, as far as zippy has them; in the specs and as the core's bits."""
    assert set(oracle("ACL", "CAT")) == set(CATEGORIES)
    ours = {spec.name for spec in ALL if is_known(spec.since)}
    bits = command_categories()
    assert bits.keys() == {spec.name for spec in ALL}
    for place, category in enumerate(CATEGORIES):
        theirs = ours.intersection(oracle("ACL", "CAT", category))
        assert {spec.name for spec in ALL if category in spec.categories} & ours == theirs
        assert {name for name, has in bits.items() if has >> place & 1} & ours == theirs


def test_what_is_later_tells_so(oracle: Oracle) -> None:
    """The oracle knows no command and no option that is later than it, and what it does not know says that it is later."""
    for command in COMMANDS:
        assert is_known(command.since) == (oracle("COMMAND", "INFO", command.name) != [None]), command.name


def test_words_are_zippys_own(oracle: Oracle) -> None:
    docs = oracle("COMMAND", "DOCS")
    for command in KNOWN:
        assert command.summary != docs[command.name]["summary"], command.name
        for subcommand in command.subcommands:
            assert subcommand.summary != docs[command.name]["subcommands"][subcommand.name]["summary"], subcommand.name


class TestConsistency:
    """What must hold without asking anybody."""

    def test_names_are_unique_and_found(self) -> None:
        assert len({spec.name for spec in ALL}) == len(ALL)
        assert all(find_command(spec.name.upper()) is spec for spec in ALL)
        assert find_command("nosuch") is None

    @pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.name)
    def test_spec(self, spec: CommandSpec) -> None:
        assert spec.name == spec.name.lower()
        assert spec.group in GROUPS
        assert spec.arity != 0
        assert spec.reply
        assert spec.summary.endswith(".") and len(spec.summary) < 100
        assert ("fast" in spec.categories) != ("slow" in spec.categories)
        assert ("fast" in spec.flags) == ("fast" in spec.categories)
        assert ("write" in spec.flags) == ("write" in spec.categories)
        assert not {"write", "readonly"} <= set(spec.flags)
        for words in (spec.flags, spec.categories, spec.tips):
            assert len(set(words)) == len(words)
        assert all(subcommand.name.startswith(spec.name + "|") for subcommand in spec.subcommands)
        assert (spec.deprecated_since is not None) == ("deprecated" in spec.doc_flags)

    @pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.name)
    def test_first_key_agrees_with_key_specs(self, spec: CommandSpec) -> None:
        ranges = [key for key in spec.keys if isinstance(key.begin, Index) and isinstance(key.find, Range)]
        if spec.first_key == 0:
            assert (spec.last_key, spec.key_step) == (0, 0)
            assert all(not isinstance(key.find, Range) or "not_key" in key.flags for key in ranges)
        else:
            assert spec.first_key == min(key.begin.position for key in ranges if isinstance(key.begin, Index))

    @pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.name)
    def test_arguments(self, spec: CommandSpec) -> None:
        def check(argument: Argument) -> None:
            assert bool(argument.arguments) == (argument.type in ("oneof", "block"))
            assert (argument.token is not None) or argument.type != "pure-token"
            assert argument.key_spec is None or argument.key_spec < len(spec.keys)
            for child in argument.arguments:
                check(child)

        for argument in spec.arguments:
            check(argument)
