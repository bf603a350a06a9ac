"""The transactions group."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.replies import NIL_ARRAY, OK, QUEUED, bulk
from tests.resp import RawClient, Reply

ABORTED = Reply("-", b"EXECABORT Transaction discarded because of previous errors.")


class TestMulti:
    """MULTI."""

    def test_nesting(self, raw: RawClient) -> None:
        assert raw("MULTI") == OK
        assert raw("MULTI") == Reply("-", b"ERR MULTI calls can not be nested")
        assert raw("SET", "a", 1) == QUEUED
        assert raw("EXEC") == Reply("*", (OK,))

    def test_arguments_are_kept(self, raw: RawClient) -> None:
        raw("MULTI")
        raw("SET", "a", b"x" * 100_000)
        raw("STRLEN", "a")
        assert raw("EXEC") == Reply("*", (OK, Reply(":", 100_000)))


class TestExec:
    """EXEC."""

    def test_order_and_errors(self, raw: RawClient) -> None:
        """An error at run time stops nothing."""
        for words in (("MULTI",), ("SET", "a", "x"), ("INCR", "a"), ("GET", "a")):
            raw(*words)
        assert raw("EXEC") == Reply("*", (OK, Reply("-", b"ERR value is not an integer or out of range"), bulk(b"x")))

    @pytest.mark.parametrize("words", [("NOSUCH",), ("GET",), ("CONFIG", "NOSUCH")])
    def test_refused_when_queued(self, raw: RawClient, words: tuple[str, ...]) -> None:
        raw("MULTI")
        raw("SET", "a", 1)
        assert raw(*words).kind == "-"
        assert raw("EXEC") == ABORTED
        assert raw("EXISTS", "a") == Reply(":", 0)

    def test_without_multi(self, raw: RawClient) -> None:
        assert raw("EXEC") == Reply("-", b"ERR EXEC without MULTI")

    def test_exec_itself_refused(self, raw: RawClient) -> None:
        raw("MULTI")
        assert raw("EXEC", "a") == Reply("-", b"EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command")
        assert raw("EXEC") == Reply("-", b"ERR EXEC without MULTI")

    def test_commands_answered_in_python(self, raw: RawClient) -> None:
        """They run in their place, between those of the core."""
        queued = [("SET", "a", 1), ("CLIENT", "SETNAME", "me"), ("CLIENT", "GETNAME"), ("INCR", "a"), ("CONFIG", "GET", "port")]
        for words in (("MULTI",), *queued, ("GET", "a")):
            raw(*words)
        reply = raw("EXEC").value
        assert reply[:4] == (OK, OK, bulk(b"me"), Reply(":", 2))
        assert reply[5] == bulk(b"2")

    def test_empty(self, raw: RawClient) -> None:
        raw("MULTI")
        assert raw("EXEC") == Reply("*", ())

    def test_select_stays(self, raw: RawClient) -> None:
        for words in (("MULTI",), ("SELECT", 1), ("SET", "a", 1), ("EXEC",)):
            raw(*words)
        assert raw("EXISTS", "a") == Reply(":", 1)
        raw("SELECT", 0)
        assert raw("EXISTS", "a") == Reply(":", 0)


class TestDiscard:
    """DISCARD."""

    def test_forgets(self, raw: RawClient) -> None:
        assert raw("DISCARD") == Reply("-", b"ERR DISCARD without MULTI")
        raw("MULTI")
        raw("SET", "a", 1)
        assert raw("DISCARD") == OK
        assert raw("EXISTS", "a") == Reply(":", 0)

    def test_ends_watching(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        raw("WATCH", "a")
        raw("MULTI")
        raw("DISCARD")
        connect()("SET", "a", 1)
        raw("MULTI")
        assert raw("EXEC") == Reply("*", ())


def milliseconds(raw: RawClient) -> int:
    """The server's time."""
    seconds, us = raw("TIME").plain()
    return int(seconds) * 1000 + int(us) // 1000


def watched(client: RawClient) -> int:
    """How many keys the client watches."""
    found = re.search(rb" watch=(\d+) ", client("CLIENT", "INFO").value)
    assert found
    return int(found[1])


class TestWatch:
    """WATCH key [key ...]."""

    @pytest.mark.zippy_only
    def test_many(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        """Twice as many keys take twice as long: nothing is looked for among all that is watched."""
        other = connect()
        keys = [f"k{i}" for i in range(150_000)]
        for client in (raw, other):
            assert client("WATCH", *keys) == OK
        for client in (raw, other):
            client("MULTI")
        assert raw("EXEC") == Reply("*", ())
        other("SET", keys[7], 1)
        assert other("EXEC") == Reply("*", (OK,))
        # so many end in steps, which who flushes waits for
        assert raw("FLUSHALL", "SYNC") == OK
        assert b"total_watched_keys:0\r\n" in raw("INFO", "clients").value

    def test_after_others_left(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        """Whoever watched a key first, and whether that one still does: each client's watch of it is one."""
        first, second, third = raw, connect(), connect()
        for client in (first, second, third):
            client("WATCH", "a", "b")
        first("UNWATCH")
        for client in (first, second, third, first):
            client("WATCH", "a", "b", "a")
        assert [watched(client) for client in (first, second, third)] == [2, 2, 2]
        third("UNWATCH")
        first("MULTI")
        second("SET", "b", 1)
        assert first("EXEC") == NIL_ARRAY
        second("MULTI")
        assert second("EXEC") == NIL_ARRAY
        first("WATCH", "a", "a")
        assert watched(first) == 1

    def test_again(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        """To watch a key again, in this database or another one, costs no memory and changes nothing."""
        other = connect()
        for client in (raw, other, raw, other, raw):
            assert client("WATCH", "a", "b", "a") == OK
        assert watched(raw) == watched(other) == 2
        raw("SELECT", 1)
        raw("WATCH", "a", "a")
        assert watched(raw) == 3
        raw("UNWATCH")
        assert (watched(raw), watched(other)) == (0, 2)
        raw("SELECT", 0)
        raw("SET", "b", 1)
        other("MULTI")
        assert other("EXEC") == NIL_ARRAY

    @pytest.mark.parametrize(
        "change",
        [("SET", "a", 2), ("DEL", "a"), ("EXPIRE", "a", 100), ("RENAME", "a", "b"), ("FLUSHALL",), ("FLUSHDB",), ("SWAPDB", 0, 1),
         ("APPEND", "a", "x")],
    )  # fmt: skip
    def test_change_aborts(self, raw: RawClient, connect: Callable[[], RawClient], change: tuple[object, ...]) -> None:
        raw("SET", "a", 1)
        assert raw("WATCH", "a") == OK
        connect()(*change)
        raw("MULTI")
        raw("SET", "c", 1)
        assert raw("EXEC") == NIL_ARRAY
        assert raw("EXISTS", "c") == Reply(":", 0)

    @pytest.mark.parametrize(
        ("change", "aborts"),
        [
            (("FLUSHDB",), False),
            (("FLUSHALL",), False),
            (("SWAPDB", 0, 2), False),
            (("SWAPDB", 0, 1), True),
            (("GET", "a"), False),
            (("SET", "a", 2), True),
        ],
    )
    def test_a_key_that_is_over_is_absent(self, raw: RawClient, change: tuple[object, ...], aborts: bool) -> None:
        """That it goes in any way is no change; that another one comes is. Database 1 has the key, 2 has one whose time is over too."""
        raw("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        for database, options in ((1, ()), (2, ("PX", 1)), (0, ("PX", 1))):
            raw("SELECT", database)
            raw("SET", "a", 1, *options)
        begin = now = milliseconds(raw)
        while now < begin + 3:
            now = milliseconds(raw)
        raw("WATCH", "a")
        raw(*change)
        raw("MULTI")
        assert raw("EXEC") == (NIL_ARRAY if aborts else Reply("*", ()))
        raw("DEBUG", "SET-ACTIVE-EXPIRE", 1)

    def test_own_change_aborts(self, raw: RawClient) -> None:
        raw("WATCH", "a")
        raw("SET", "a", 1)
        raw("MULTI")
        assert raw("EXEC") == NIL_ARRAY

    def test_other_keys_do_not(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        raw("WATCH", "a")
        other = connect()
        other("SET", "b", 1)
        other("SELECT", 1)
        other("SET", "a", 1)
        raw("MULTI")
        assert raw("EXEC") == Reply("*", ())

    def test_reading_does_not(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        raw("SET", "a", 1)
        raw("WATCH", "a")
        other = connect()
        other("GET", "a")
        other("PERSIST", "a")
        raw("MULTI")
        assert raw("EXEC") == Reply("*", ())

    @pytest.mark.zippy_only
    def test_expiry_aborts(self, raw: RawClient) -> None:
        raw("DEBUG", "SET-CLOCK", 1_000_000_000_000_000)
        raw("SET", "a", 1, "PX", 50)
        raw("WATCH", "a")
        raw("DEBUG", "SET-CLOCK", 1_000_000_000_100_000)
        raw("MULTI")
        assert raw("EXEC") == NIL_ARRAY
        raw("DEBUG", "SET-CLOCK", 0)

    def test_inside_multi(self, raw: RawClient) -> None:
        raw("MULTI")
        assert raw("WATCH", "a") == Reply("-", b"ERR WATCH inside MULTI is not allowed")
        assert raw("EXEC") == Reply("*", ())


class TestUnwatch:
    """UNWATCH."""

    def test_ends_watching(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        raw("WATCH", "a")
        connect()("SET", "a", 1)
        assert raw("UNWATCH") == OK
        raw("MULTI")
        assert raw("EXEC") == Reply("*", ())
