"""INFO's text, and what its parts read no more often than they have to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.peer import Peer
from zippy._core.resp.report import Section, report, size_text
from zippy.server import memory
from zippy.server.key_sizes import VERY_FEW
from zippy.server.server import Server
from zippy.settings import Settings

NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False).map(lambda number: number + 0.0))  # no figure is not a number, or -0.0
VALUES = st.one_of(NUMBERS, st.text(), st.booleans(), st.sampled_from([0, 1, 255, "ok", "a\udcff"]))
FIELDS = st.dictionaries(st.sampled_from(["a", "bb", "ccc", "d\xe9", "\udcff"]), VALUES)


def plain(title: str, fields: dict[str, Any]) -> str:
    """The text of a section, made anew."""
    shown = {name: f"{value:.2f}" if type(value) is float else value for name, value in fields.items()}
    return f"# {title}\r\n" + "".join(f"{name}:{value}\r\n" for name, value in shown.items())


@given(st.lists(st.tuples(FIELDS, FIELDS), min_size=1, max_size=6))
def test_what_is_kept_is_what_would_be_written(told: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    now = told[0]
    section = Section("One")
    section.add(lambda: now[0])
    section.add({"bb": "always"})
    section.add(lambda: now[1])
    for now in told:
        for changed in ({}, dict.fromkeys(now[1], 10**6)):
            now = (now[0], {**now[1], **changed})
            assert report([section]) == plain("One", {**now[0], "bb": "always", **now[1]})


def test_sections_stand_one_behind_the_other() -> None:
    sections = [Section("One"), Section("Two")]
    sections[1].add({"a": 1})
    assert report([]) == ""
    assert report(sections) == "# One\r\n\r\n# Two\r\na:1\r\n"
    assert [section.is_empty() for section in sections] == [True, False]


def test_only_what_changed_is_written() -> None:
    """What is equal is not shown again, even where it is another object."""
    shown = []

    class Value(str):
        """Tells when it is shown."""

        def __str__(self) -> str:
            shown.append(self)
            return "x"

    fields = {"a": Value(), "b": 1}
    section = Section("One")
    section.add(lambda: dict(fields))
    for fields["b"] in (1, 10**6, 10**6 + 1):
        assert report([section]) == plain("One", {"a": "x", "b": fields["b"]})
    assert len(shown) == 1


class Unspeakable:
    """A value that cannot be shown."""

    def __str__(self) -> str:
        raise ValueError


def test_a_report_that_failed_leaves_nothing_behind() -> None:
    before = {"a": "long enough", "b": 1, "c": 2}
    fields: dict[str, Any] = before
    section = Section("One")
    section.add(lambda: fields)
    for fields in (before, {"a": 1, "b": Unspeakable(), "c": 2}, before):
        if fields is before:
            assert report([section]) == plain("One", before)
        else:
            with pytest.raises(ValueError):
                report([section])


NUMBERS = st.one_of(st.floats(0, 1e16), st.integers(0, 1 << 62).map(lambda n: n / 1024), st.integers(0, 999).map(lambda n: n / 8))


@given(NUMBERS)
def test_two_decimals(number: float) -> None:
    section = Section("One")
    section.add({"a": number})
    assert report([section]) == f"# One\r\na:{number:.2f}\r\n"


@pytest.mark.parametrize(
    "size, text",
    [(0, "0B"), (1023, "1023B"), (1024, "1.00K"), (1536, "1.50K"), (5 << 20, "5.00M"), ((1 << 30) + 1, "1.00G"), (1 << 63, "8192.00P")],
)
def test_size_text(size: int, text: str) -> None:
    assert size_text(size) == text


@pytest.fixture
def peer() -> Any:
    """A client of a server whose clock stands still."""
    server = Server(Settings())
    server.core.set_clock(10**15)
    made = Peer(server.core)
    made.server = server
    yield made
    made.session.close()


def test_the_system_is_asked_for_resident_bytes_once_in_a_while(peer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(memory, "resident_bytes", lambda: asked.append(1) or 1 << 20)
    for _ in range(5):
        assert b"used_memory_rss:1048576\r\n" in peer("INFO memory")
        peer("MEMORY STATS")
    assert len(asked) == 1
    peer.server.core.set_clock(10**15 + memory.RESIDENT_US)
    peer("INFO memory")
    assert len(asked) == 2


def test_values_are_counted_once_a_turn(peer: Any) -> None:
    """But of very few keys always."""
    for i in range(VERY_FEW):
        peer(f"SET key:{i} x")
        assert f"db0_distrib_strings_sizes:1={i + 1}\r\n".encode() in peer("INFO keysizes")
    peer(f"SET key:{VERY_FEW} x")
    assert f"=1{VERY_FEW}\r\n".encode() not in peer("INFO keysizes")
    peer.server.core.set_clock(10**15 + 1)
    assert f"db0_distrib_strings_sizes:1={VERY_FEW + 1}\r\n".encode() in peer("INFO keysizes")


def test_a_setting_shows_at_once(peer: Any) -> None:
    assert b"hz:10\r\n" in peer("INFO server")
    peer("CONFIG SET hz 20")
    assert b"hz:20\r\n" in peer("INFO server")
