"""Commands in Python that take as many words as a client likes: what is done with each word is done in C."""

from __future__ import annotations

import gc
import sys
from types import FrameType

import pytest

from tests.resp import request
from zippy._core.session import Session
from zippy.server.parts import Parts
from zippy.settings import Settings


def calls(words: str) -> int:
    """How many calls Python makes to answer this."""
    session = Session(Parts(Settings()).core, None)
    data = request(*words.split())
    session.feed(data)
    session.take_output()
    count = 0

    def note(frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    # others may have the collector call them
    gc.disable()
    sys.setprofile(note)
    try:
        session.feed(data)
    finally:
        sys.setprofile(None)
        gc.enable()
    assert session.take_output()
    session.close()
    return count


@pytest.mark.parametrize("command", ["INFO server", "CONFIG GET port", "COMMAND INFO get", "COMMAND DOCS get"])
def test_words_that_mean_nothing_cost_no_call(command: str) -> None:
    few, many = (calls(command + " none none0 none1 none2" * times) for times in (100, 1000))
    assert few == many > 0


def test_a_constant_costs_none() -> None:
    nothing = calls("PING")
    assert calls("COMMAND COUNT") == nothing
