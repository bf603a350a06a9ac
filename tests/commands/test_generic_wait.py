"""WAIT without replicas; with them it is in tests/replication."""

from __future__ import annotations

from tests.replies import NOT_AN_INTEGER, error, integer
from tests.resp import RawClient


class TestWait:
    """WAIT numreplicas timeout."""

    def test_nobody(self, raw: RawClient) -> None:
        """Nobody has what was written; who waits for nobody waits no time."""
        raw("SET", "key", "value")
        assert raw("WAIT", 0, 0) == raw("WAIT", -1, 0) == raw("WAIT", 1, 10) == integer(0)

    def test_in_transaction(self, raw: RawClient) -> None:
        """It waits no time there."""
        raw("MULTI")
        raw("WAIT", 1, 0)
        assert raw("EXEC").value == (integer(0),)

    def test_arguments(self, raw: RawClient) -> None:
        """What it does not take."""
        assert raw("WAIT", "x", 1) == NOT_AN_INTEGER
        assert raw("WAIT", 1, "x") == error("ERR timeout is not an integer or out of range")
        assert raw("WAIT", 1, -1) == error("ERR timeout is negative")
