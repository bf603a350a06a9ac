"""Readers that wait for entries: when they are served, what they are served, and what they are told when there is nothing to wait for any
more.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.commands.blocking import is_blocked, wait_blocked
from tests.commands.streams import WRONG_TYPE, answers, run, tell
from tests.resp import RawClient

NO_GROUP = "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option"
READ = "XREAD BLOCK 0 STREAMS s $"
READ_FOR_GROUP = "XREADGROUP GROUP g c BLOCK 0 STREAMS s >"

Wait = Callable[[str], RawClient]


@pytest.fixture
def wait(raw: RawClient, connect: Callable[[], RawClient]) -> Wait:
    """wait("XREAD BLOCK 0 ..."): another connection, which is blocked in that command."""
    waiting = 0

    def begin(command: str) -> RawClient:
        nonlocal waiting
        client = connect()
        client.send(*command.split())
        waiting += 1
        wait_blocked(raw, waiting)
        return client

    return begin


class TestReadersAlone:
    """XREAD BLOCK."""

    @pytest.mark.parametrize(
        ("command", "commands", "served"),
        [
            (READ, "XADD s 1-1 a b", "[[s [[1-1 [a b]]]]]"),
            (READ, "XADD s 1-1 a b; XADD s 1-2 a b", "[[s [[1-1 [a b]]]]]"),
            (READ, "MULTI; XADD s 1-1 a b; XADD s 1-2 a b; EXEC", "[[s [[1-1 [a b]] [1-2 [a b]]]]]"),
            ("XREAD BLOCK 0 COUNT 1 STREAMS s $", "MULTI; XADD s 1-1 a b; XADD s 1-2 a b; EXEC", "[[s [[1-1 [a b]]]]]"),
            ("XREAD BLOCK 0 STREAMS s +", "XADD s 1-1 a b; XADD s 1-2 a b", "[[s [[1-1 [a b]]]]]"),
            ("XREAD BLOCK 0 STREAMS s 5", "XADD s 1-1 a b; XADD s 6-1 a b", "[[s [[6-1 [a b]]]]]"),
            ("XREAD BLOCK 0 STREAMS t s $ $", "XADD s 1-1 a b", "[[s [[1-1 [a b]]]]]"),
            (
                "XREAD BLOCK 0 STREAMS t s $ $",
                "MULTI; XADD s 1-1 a b; XADD t 2-2 c d; EXEC",
                "[[t [[2-2 [c d]]]] [s [[1-1 [a b]]]]]",
            ),
            (READ, "MULTI; XADD s 1-1 a b; XDEL s 1-1; EXEC; XADD s 2-1 a b", "[[s [[2-1 [a b]]]]]"),
            (READ, "XGROUP CREATE s g 0 MKSTREAM; XADD s 1-1 a b", "[[s [[1-1 [a b]]]]]"),
            (READ, "SET s 1; DEL s; XADD s 1-1 a b", "[[s [[1-1 [a b]]]]]"),
            (READ, "RPUSH s 1; DEL s; XADD s 1-1 a b", "[[s [[1-1 [a b]]]]]"),
            (READ, "XADD t 1-1 a b; RENAME t s", "[[s [[1-1 [a b]]]]]"),
            (READ, "XADD t 1-1 a b; COPY t s", "[[s [[1-1 [a b]]]]]"),
            (READ, "SELECT 1; XADD s 1-1 a b; SWAPDB 0 1; FLUSHDB; SELECT 0", "[[s [[1-1 [a b]]]]]"),
            ("XREAD BLOCK 0 STREAMS s t $ $", "SET s 1; XADD t 1-1 a b", WRONG_TYPE),
        ],
    )
    def test_served(self, raw: RawClient, wait: Wait, command: str, commands: str, served: str) -> None:
        reader = wait(command)
        answers(raw, commands)
        assert tell(reader.read()) == served

    def test_last_id_is_that_of_the_beginning(self, raw: RawClient, wait: Wait) -> None:
        """$ is the last id when the command comes: entries below it do not serve, in whatever stream they are."""
        run(raw, "XADD s 5-1 a b")
        reader = wait(READ)
        answers(raw, "DEL s; XADD s 1-1 a b; XADD s 5-1 a b")
        assert is_blocked(raw)
        run(raw, "XADD s 5-2 c d")
        assert tell(reader.read()) == "[[s [[5-2 [c d]]]]]"

    def test_last_entry_is_that_of_the_beginning(self, raw: RawClient, wait: Wait) -> None:
        """+ asks for the last entry, or for the next one where there is none."""
        answers(raw, "XADD s 5-1 a b; XDEL s 5-1")
        reader = wait("XREAD BLOCK 0 STREAMS s +")
        run(raw, "XADD s 6-1 a b")
        assert tell(reader.read()) == "[[s [[6-1 [a b]]]]]"
        assert answers(raw, "XREAD BLOCK 0 STREAMS s +") == "[[s [[6-1 [a b]]]]]"

    def test_all_are_served(self, raw: RawClient, wait: Wait) -> None:
        readers = [wait(READ) for _ in range(3)]
        run(raw, "XADD s 1-1 a b")
        assert {tell(reader.read()) for reader in readers} == {"[[s [[1-1 [a b]]]]]"}

    def test_in_vain(self, raw: RawClient) -> None:
        assert answers(raw, "XREAD BLOCK 1 STREAMS s $") == "nil"
        assert answers(raw, "MULTI; XREAD BLOCK 0 STREAMS s $; EXEC") == "[nil]"

    def test_in_resp3(self, raw: RawClient, wait: Wait, connect: Callable[[], RawClient]) -> None:
        reader = connect()
        reader("HELLO", 3)
        reader.send(*READ.split())
        wait_blocked(raw, 1)
        run(raw, "XADD s 1-1 a b")
        assert tell(reader.read()) == "{s: [[1-1 [a b]]]}"

    def test_unblocked(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        for word, told in (("ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK"), ("TIMEOUT", "nil")):
            reader = connect()
            number = reader("CLIENT", "ID").value
            reader.send(*READ.split())
            wait_blocked(raw, 1)
            assert raw("CLIENT", "UNBLOCK", number, word).value == 1
            assert tell(reader.read()) == told
            assert tell(reader("PING")) == "PONG"

    def test_many_streams(self, raw: RawClient, wait: Wait) -> None:
        """The ids of many are kept."""
        keys = " ".join(f"k{n}" for n in range(50))
        reader = wait(f"XREAD BLOCK 0 STREAMS {keys} {' '.join(f'{n}-5' for n in range(50))}")
        run(raw, "XADD k49 49-5 a b")
        assert is_blocked(raw)
        run(raw, "XADD k49 49-6 a b")
        assert tell(reader.read()) == "[[k49 [[49-6 [a b]]]]]"

    def test_gone_while_it_waits(self, raw: RawClient, wait: Wait) -> None:
        wait(READ).close()
        wait_blocked(raw, 0)
        assert answers(raw, "XADD s 1-1 a b") == "1-1"


class TestReadersForGroups:
    """XREADGROUP BLOCK."""

    @pytest.mark.parametrize(
        ("commands", "served"),
        [
            ("XADD s 1-1 a b", "[[s [[1-1 [a b]]]]]"),
            ("XGROUP SETID s g 0; XADD s 1-1 a b", "[[s [[1-1 [a b]]]]]"),
            ("XGROUP DELCONSUMER s g c; XADD s 1-1 a b", "[[s [[1-1 [a b]]]]]"),
            ("XGROUP CREATE t g 0 MKSTREAM; XADD t 1-1 a b; RENAME t s", "[[s [[1-1 [a b]]]]]"),
            ("MULTI; DEL s; XGROUP CREATE s g 0 MKSTREAM; EXEC; XADD s 1-1 a b", "[[s [[1-1 [a b]]]]]"),
            ("DEL s", NO_GROUP),
            ("UNLINK s", NO_GROUP),
            ("RENAME s t", NO_GROUP),
            ("MOVE s 1", NO_GROUP),
            ("PEXPIRE s -1", NO_GROUP),
            ("FLUSHDB", NO_GROUP),
            ("FLUSHALL ASYNC", NO_GROUP),
            ("SWAPDB 0 1", NO_GROUP),
            ("XGROUP DESTROY s g", NO_GROUP),
            ("MULTI; XADD s 1-1 a b; DEL s; EXEC", NO_GROUP),
            ("XADD t 1-1 a b; RENAME t s", NO_GROUP),
            ("SET s 1", WRONG_TYPE),
            ("MULTI; DEL s; SET s 1; EXEC", WRONG_TYPE),
            ("SET t 1; RENAME t s", WRONG_TYPE),
        ],
    )
    def test_served(self, raw: RawClient, wait: Wait, commands: str, served: str) -> None:
        run(raw, "XGROUP CREATE s g $ MKSTREAM")
        reader = wait(READ_FOR_GROUP)
        answers(raw, commands)
        assert tell(reader.read()) == served

    @pytest.mark.parametrize(
        "commands",
        [
            "XGROUP SETID s g 0",
            "XDEL s 1-1",
            "XTRIM s MAXLEN 0",
            "XSETID s 9",
            "XGROUP CREATE s h 0",
            "XGROUP DESTROY s other",
            "EXPIRE s 100",
            "MULTI; XADD s 5-1 a b; XDEL s 5-1; EXEC",
        ],
    )
    def test_not_served(self, raw: RawClient, wait: Wait, commands: str) -> None:
        """What brings no entry, though the group may have some to read now."""
        answers(raw, "XADD s 1-1 a b; XGROUP CREATE s g $; XGROUP CREATE s other $")
        wait(READ_FOR_GROUP)
        answers(raw, commands)
        assert is_blocked(raw)

    def test_first_come_first_served(self, raw: RawClient, wait: Wait) -> None:
        run(raw, "XGROUP CREATE s g $ MKSTREAM")
        first, second = wait(READ_FOR_GROUP), wait(READ_FOR_GROUP.replace(" c ", " d "))
        run(raw, "XADD s 1-1 a b")
        assert tell(first.read()) == "[[s [[1-1 [a b]]]]]"
        assert is_blocked(raw)
        run(raw, "XADD s 1-2 a b")
        assert tell(second.read()) == "[[s [[1-2 [a b]]]]]"
        assert answers(raw, "XPENDING s g") == "[2 1-1 1-2 [[c 1] [d 1]]]"

    def test_groups_do_not_compete(self, raw: RawClient, wait: Wait) -> None:
        answers(raw, "XGROUP CREATE s g $ MKSTREAM; XGROUP CREATE s h $")
        readers = [wait(READ_FOR_GROUP), wait(READ_FOR_GROUP.replace(" g ", " h "))]
        run(raw, "XADD s 1-1 a b")
        assert [tell(reader.read()) for reader in readers] == ["[[s [[1-1 [a b]]]]]"] * 2

    def test_several_streams(self, raw: RawClient, wait: Wait) -> None:
        """One of them is enough to be served, and one that is gone to be told so."""
        for key in "st":
            run(raw, f"XGROUP CREATE {key} g $ MKSTREAM")
        both = "XREADGROUP GROUP g c BLOCK 0 STREAMS s t > >"
        reader = wait(both)
        run(raw, "XADD t 1-1 a b")
        assert tell(reader.read()) == "[[t [[1-1 [a b]]]]]"
        reader.send(*both.split())
        wait_blocked(raw, 1)
        run(raw, "DEL t")
        assert tell(reader.read()) == NO_GROUP.replace("'s'", "'t'")

    def test_who_looked_in_vain_waits_behind_the_others(self, raw: RawClient, wait: Wait) -> None:
        """As in Redis: also for a stream that was not written to."""
        for key in "st":
            run(raw, f"XGROUP CREATE {key} g $ MKSTREAM")
        commands = (READ_FOR_GROUP, "XREADGROUP GROUP g both BLOCK 0 STREAMS s t > >", "XREADGROUP GROUP g late BLOCK 0 STREAMS t >")
        first, both, late = map(wait, commands)
        run(raw, "XADD s 1-1 a b")
        assert tell(first.read()) == "[[s [[1-1 [a b]]]]]"
        run(raw, "XADD t 2-1 a b")
        run(raw, "XADD t 3-1 a b")
        assert tell(late.read()) == "[[t [[2-1 [a b]]]]]"
        assert tell(both.read()) == "[[t [[3-1 [a b]]]]]"

    def test_consumer_is_there_while_it_waits(self, raw: RawClient, wait: Wait) -> None:
        run(raw, "XGROUP CREATE s g $ MKSTREAM")
        wait(READ_FOR_GROUP)
        assert answers(raw, "XGROUP CREATECONSUMER s g c") == "0"

    def test_from_a_moved_element(self, raw: RawClient, wait: Wait, connect: Callable[[], RawClient]) -> None:
        """A client that waits for a list is served, and what it stores does not wake a reader of a stream at the same key."""
        run(raw, "XGROUP CREATE s g $ MKSTREAM")
        mover = wait("BLMOVE from to LEFT LEFT 0")
        reader = wait(READ_FOR_GROUP)
        run(raw, "RPUSH from x")
        assert tell(mover.read()) == "x"
        run(raw, "RENAME to s")
        assert tell(reader.read()) == WRONG_TYPE


def set_clock(raw: RawClient, ms: int) -> None:
    """Stops the clock, so many milliseconds behind where these tests begin."""
    raw("DEBUG", "SET-CLOCK", (1_000_000_000_000 + ms) * 1000)


@pytest.mark.zippy_only
class TestClaimingReaders:
    """XREADGROUP CLAIM, which Redis has from 8.4 on: what others left comes before what is new."""

    @pytest.fixture
    def left(self, raw: RawClient) -> RawClient:
        """A connection with its clock set; of a stream of five the consumer "dead" has three pending, the second one for longest."""
        set_clock(raw, 0)
        for n in range(1, 6):
            run(raw, f"XADD s {n}-1 n {n}")
        run(raw, "XGROUP CREATE s g 0")
        run(raw, "XREADGROUP GROUP g dead COUNT 3 STREAMS s >")
        run(raw, "XCLAIM s g dead 0 2-1 IDLE 5000 RETRYCOUNT 7 JUSTID")
        run(raw, "XCLAIM s g dead 0 1-1 3-1 IDLE 1000 JUSTID")
        yield raw
        raw("DEBUG", "SET-CLOCK", 0)

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            (
                "XREADGROUP GROUP g c CLAIM 1000 STREAMS s >",
                "[[s [[2-1 [n 2] 5000 7] [1-1 [n 1] 1000 1] [3-1 [n 3] 1000 1] [4-1 [n 4] 0 0] [5-1 [n 5] 0 0]]]]",
            ),
            ("XREADGROUP GROUP g c COUNT 2 CLAIM 1000 STREAMS s >", "[[s [[2-1 [n 2] 5000 7] [1-1 [n 1] 1000 1]]]]"),
            ("XREADGROUP GROUP g c CLAIM 5000 COUNT 2 STREAMS s >", "[[s [[2-1 [n 2] 5000 7] [4-1 [n 4] 0 0]]]]"),
            ("XREADGROUP GROUP g c CLAIM 5001 STREAMS s >", "[[s [[4-1 [n 4] 0 0] [5-1 [n 5] 0 0]]]]"),
            ("XREADGROUP GROUP g c STREAMS s >; XREADGROUP GROUP g c CLAIM 5001 STREAMS s >", "nil"),
            ("XREADGROUP GROUP g c STREAMS s >; XREADGROUP GROUP g c CLAIM 5000 STREAMS s >", "[[s [[2-1 [n 2] 5000 7]]]]"),
            ("XREADGROUP GROUP g c CLAIM 5000 STREAMS s >; XPENDING s g - + 9 c", "[[2-1 c 0 8] [4-1 c 0 1] [5-1 c 0 1]]"),
            # what is claimed is not acknowledged by NOACK, and what is read again is not claimed
            ("XREADGROUP GROUP g c NOACK CLAIM 5000 STREAMS s >; XPENDING s g - + 9 c", "[[2-1 c 0 8]]"),
            ("XREADGROUP GROUP g c CLAIM 0 STREAMS s 0", "[[s []]]"),
            # what was deleted is forgotten
            ("XDEL s 2-1; XREADGROUP GROUP g c COUNT 1 CLAIM 5000 STREAMS s >; XPENDING s g", "[3 1-1 4-1 [[c 1] [dead 2]]]"),
            ("XREADGROUP GROUP g c CLAIM x STREAMS s >", "-ERR min-idle-time must be a positive integer"),
            ("XREADGROUP GROUP g c CLAIM -1 STREAMS s >", "-ERR min-idle-time must be a positive integer"),
            ("XREAD CLAIM 1 STREAMS s 0", "-ERR The CLAIM option is only supported by XREADGROUP. You called XREAD instead."),
        ],
    )
    def test_answers(self, left: RawClient, commands: str, answer: str) -> None:
        assert answers(left, commands) == answer

    def test_of_many(self, left: RawClient) -> None:
        """The oldest of thousands, in the order of their moments."""
        count = 3000
        for n in range(10, 10 + count):
            left.send("XADD", "s", f"{n}-1", "n", n)
        for _ in range(count):
            left.read()
        run(left, "XREADGROUP GROUP g dead STREAMS s >")
        for n in range(10, 10 + count):
            left.send("XCLAIM", "s", "g", "dead", 0, f"{n}-1", "IDLE", 10_000 + n * 7919 % count, "JUSTID")
        for _ in range(count):
            left.read()
        oldest = sorted(range(10, 10 + count), key=lambda n: -(n * 7919 % count))
        (served,) = run(left, "XREADGROUP GROUP g c COUNT 100 CLAIM 10000 STREAMS s >").plain()
        assert [id for id, *_ in served[1]] == [b"%d-1" % n for n in oldest[:100]]

    def test_waiting(self, left: RawClient, wait: Wait) -> None:
        """An entry that has been pending for long enough while somebody waits is claimed then."""
        run(left, "XREADGROUP GROUP g dead STREAMS s >")
        reader = wait("XREADGROUP GROUP g c BLOCK 0 COUNT 1 CLAIM 6000 STREAMS s >")
        set_clock(left, 999)
        assert is_blocked(left)
        set_clock(left, 1000)
        assert tell(reader.read()) == "[[s [[2-1 [n 2] 6000 7]]]]"

    def test_waiting_for_what_is_not_pending_yet(self, left: RawClient, wait: Wait) -> None:
        """What others take while somebody waits is looked at when its time may have come."""
        answers(left, "XREADGROUP GROUP g dead STREAMS s >; XACK s g 1-1 2-1 3-1 4-1 5-1")
        reader = wait("XREADGROUP GROUP g c BLOCK 0 CLAIM 500 STREAMS s >")
        run(left, "XCLAIM s g dead 0 4-1 FORCE JUSTID")
        set_clock(left, 500)
        assert tell(reader.read()) == "[[s [[4-1 [n 4] 500 1]]]]"

    def test_time_is_over(self, left: RawClient, wait: Wait) -> None:
        run(left, "XREADGROUP GROUP g dead STREAMS s >")
        reader = wait("XREADGROUP GROUP g c BLOCK 700 CLAIM 9000 STREAMS s >")
        set_clock(left, 701)
        assert tell(reader.read()) == "nil"
