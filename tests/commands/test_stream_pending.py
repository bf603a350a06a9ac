"""What is pending in consumer groups, and giving it to others."""

from __future__ import annotations

import pytest

from tests.commands.streams import (
    BAD_ID,
    BAD_START,
    NOT_AN_INTEGER,
    OTHER,
    SYNTAX,
    WRONG_TYPE,
    answers,
    run,
)
from tests.listening import Listener
from tests.resp import RawClient


class TestXpending:
    """XPENDING key group [[IDLE min-idle-time] start end count [consumer]]."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XPENDING s g", "[3 1-1 2-1 [[one 2] [two 1]]]"),
            ("XPENDING s other", "[0 nil nil nil]"),
            ("XPENDING s none", "-NOGROUP No such key 's' or consumer group 'none'"),
            ("XPENDING absent g", "-NOGROUP No such key 'absent' or consumer group 'g'"),
            ("XPENDING text g", WRONG_TYPE),
            ("XPENDING s g - + 10 three", "[]"),
            ("XPENDING s g - + 0", "[]"),
            ("XPENDING s g - + -1", "[]"),
            ("XPENDING s g IDLE 100000 - + 10", "[]"),
            ("XPENDING s g - +", SYNTAX),
            ("XPENDING s g IDLE 0", SYNTAX),
            ("XPENDING s g - + x", NOT_AN_INTEGER),
            ("XPENDING s g x + 1", BAD_ID),
            ("XPENDING s g - x 1", BAD_ID),
            ("XPENDING s g (18446744073709551615-18446744073709551615 + 1", BAD_START),
            ("XPENDING s g IDLE x - + 1", NOT_AN_INTEGER),
            ("XPENDING s g IDLE 0 - +", SYNTAX),
            ("XPENDING s none - + 1", "-NOGROUP No such key 's' or consumer group 'none'"),
            ("XPENDING s g IDLE 0 - + 1 one more", SYNTAX),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer

    def test_entries(self, filled: RawClient) -> None:
        def told(command: str) -> list[list[object]]:
            return [[id, name, count] for id, name, _, count in run(filled, command).plain()]

        everything = [[b"1-1", b"one", 1], [b"1-2", b"one", 1], [b"2-1", b"two", 1]]
        assert told("XPENDING s g - + 10") == everything
        assert told("XPENDING s g - + 2") == everything[:2]
        assert told("XPENDING s g - + 10 one") == everything[:2]
        assert told("XPENDING s g (1-1 (2-1 10") == everything[1:2]
        assert told("XPENDING s g 2 2 10") == everything[2:]
        assert told("XPENDING s g idle 0 - + 1 two") == everything[2:]
        assert told("XPENDING s g IDLE -5 - + 10") == everything

    def test_idle(self, filled: RawClient) -> None:
        run(filled, "XCLAIM s g two 0 1-1 IDLE 1000000 JUSTID")
        (entry,) = run(filled, "XPENDING s g IDLE 999999 - + 10").plain()
        assert entry[:2] == [b"1-1", b"two"]
        assert 1_000_000 <= entry[2] < 1_060_000


class TestXclaim:
    """XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count] [FORCE]
    [JUSTID] [LASTID lastid]."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XCLAIM s g two 0 1-1", "[[1-1 [a 1]]]"),
            ("XCLAIM s g two 0 1-1 1-2 3-1", "[[1-1 [a 1]] [1-2 [a 2]]]"),
            ("XCLAIM s g two 0 1-1 JUSTID", "[1-1]"),
            ("XCLAIM s g two 100000 1-1", "[]"),
            ("XCLAIM s g two 0 3-1", "[]"),
            ("XCLAIM s g two 0 3-1 FORCE", "[[3-1 [b 5]]]"),
            ("XCLAIM s g two 0 9-9 FORCE", "[]"),
            ("XDEL s 1-1; XCLAIM s g two 0 1-1", "[]"),
            ("XDEL s 1-1; XCLAIM s g two 0 1-1; XPENDING s g", "[2 1-2 2-1 [[one 1] [two 1]]]"),
            ("XCLAIM s g two 0 1-1; XPENDING s g", "[3 1-1 2-1 [[one 1] [two 2]]]"),
            (
                "XCLAIM s g two 0 1-1 LASTID 3-1; XINFO GROUPS s",
                f"[[name g consumers 2 pending 3 last-delivered-id 3-1 entries-read 3 lag 2] {OTHER}]",
            ),
            (
                "XCLAIM s g two 0 9-9 LASTID 3-1; XINFO GROUPS s",
                f"[[name g consumers 2 pending 3 last-delivered-id 3-1 entries-read 3 lag 2] {OTHER}]",
            ),
            (
                "XCLAIM s g two 0 1-1 LASTID 1-1; XINFO GROUPS s",
                f"[[name g consumers 2 pending 3 last-delivered-id 2-1 entries-read 3 lag 2] {OTHER}]",
            ),
            ("XCLAIM s g two 0 JUSTID", "[]"),
            ("XCLAIM s none two 0 1-1", "-NOGROUP No such key 's' or consumer group 'none'"),
            ("XCLAIM absent g two 0 1-1", "-NOGROUP No such key 'absent' or consumer group 'g'"),
            ("XCLAIM text g two x 1-1", WRONG_TYPE),
            ("XCLAIM s g two x 1-1", "-ERR Invalid min-idle-time argument for XCLAIM"),
            ("XCLAIM s g two 0 1-1 x", "-ERR Unrecognized XCLAIM option 'x'"),
            ("XCLAIM s g two 0 1-1 IDLE", "-ERR Unrecognized XCLAIM option 'IDLE'"),
            ("XCLAIM s g two 0 1-1 IDLE x", "-ERR Invalid IDLE option argument for XCLAIM"),
            ("XCLAIM s g two 0 1-1 TIME x", "-ERR Invalid TIME option argument for XCLAIM"),
            ("XCLAIM s g two 0 1-1 RETRYCOUNT x", "-ERR Invalid RETRYCOUNT option argument for XCLAIM"),
            ("XCLAIM s g two 0 1-1 LASTID x", BAD_ID),
            ("XCLAIM s g two 0 1-1 IDLE 5 1-2", "-ERR Unrecognized XCLAIM option '1-2'"),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer

    def test_counts(self, filled: RawClient) -> None:
        """A claim is a delivery more, unless it is JUSTID; RETRYCOUNT says how many there were."""

        def counts() -> list[int]:
            return [entry[3] for entry in run(filled, "XPENDING s g - + 10").plain()]

        run(filled, "XCLAIM s g two 0 1-1")
        assert counts() == [2, 1, 1]
        run(filled, "XCLAIM s g two 0 1-1 JUSTID")
        assert counts() == [2, 1, 1]
        run(filled, "XCLAIM s g two 0 1-1 1-2 RETRYCOUNT 7 JUSTID")
        assert counts() == [7, 7, 1]
        run(filled, "XCLAIM s g two 0 1-2 RETRYCOUNT -1")
        assert counts() == [7, 8, 1]
        run(filled, "XCLAIM s g two 0 3-1 FORCE JUSTID")
        run(filled, "XCLAIM s g two 0 3-2 FORCE")
        assert counts() == [7, 8, 1, 1, 2]

    def test_times(self, filled: RawClient) -> None:
        """What lies in the future is now."""
        filled("HELLO", 3)

        def idle(command: str) -> int:
            run(filled, f"XCLAIM s g two 0 1-1 JUSTID {command}")
            told: int = run(filled, "XPENDING s g - + 1").plain()[0][2]
            return told

        assert 500_000 <= idle("IDLE 500000") < 560_000
        assert 0 <= idle("IDLE -5") < 60_000
        assert idle("TIME 1000") > 1_000_000_000_000
        assert 0 <= idle("TIME -1") < 60_000
        assert 0 <= idle("TIME 99999999999999") < 60_000
        assert 0 <= idle("") < 60_000

    def test_new_consumer(self, effects: Listener) -> None:
        for n in range(1, 4):
            effects("XADD", "s", f"{n}-1", "a", "b")
        effects("XGROUP", "CREATE", "s", "g", "0")
        effects("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
        assert effects("XCLAIM", "s", "g", "d", 0, "1-1") == (["xgroup-createconsumer s"], 2)
        assert effects("XCLAIM", "s", "g", "d", 0, "1-1", "2-1", "9-9") == ([], 2)
        assert effects("XCLAIM", "s", "g", "e", 0, "9-9") == (["xgroup-createconsumer s"], 1)
        assert effects("XCLAIM", "s", "g", "e", 0, "9-9", "LASTID", "9-9") == ([], 1)


class TestXautoclaim:
    """XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XAUTOCLAIM s g two 0 0", "[0-0 [[1-1 [a 1]] [1-2 [a 2]] [2-1 [a 3 b 4]]] []]"),
            ("XAUTOCLAIM s g two 0 0 JUSTID", "[0-0 [1-1 1-2 2-1] []]"),
            ("XAUTOCLAIM s g two 0 - COUNT 1", "[1-2 [[1-1 [a 1]]] []]"),
            ("XAUTOCLAIM s g two 0 (1-1 COUNT 1 JUSTID", "[2-1 [1-2] []]"),
            ("XAUTOCLAIM s g two 0 + JUSTID", "[0-0 [] []]"),
            ("XAUTOCLAIM s g two 100000 0", "[0-0 [] []]"),
            ("XAUTOCLAIM s g two 100000 0 COUNT 1", "[0-0 [] []]"),
            ("XDEL s 1-1 1-2; XAUTOCLAIM s g two 0 0", "[0-0 [[2-1 [a 3 b 4]]] [1-1 1-2]]"),
            ("XDEL s 1-1 1-2; XAUTOCLAIM s g two 0 0 COUNT 1", "[1-2 [] [1-1]]"),
            ("XDEL s 1-1 1-2; XAUTOCLAIM s g two 100000 0; XPENDING s g", "[1 2-1 2-1 [[two 1]]]"),
            ("XAUTOCLAIM s none two 0 0", "-NOGROUP No such key 's' or consumer group 'none'"),
            ("XAUTOCLAIM absent g two 0 0", "-NOGROUP No such key 'absent' or consumer group 'g'"),
            ("XAUTOCLAIM text g two 0 0", WRONG_TYPE),
            ("XAUTOCLAIM s g two x 0", "-ERR Invalid min-idle-time argument for XAUTOCLAIM"),
            ("XAUTOCLAIM s g two 0 x", BAD_ID),
            ("XAUTOCLAIM s g two 0 0 COUNT", SYNTAX),
            ("XAUTOCLAIM s g two 0 0 COUNT 0", "-ERR COUNT must be > 0"),
            ("XAUTOCLAIM s g two 0 0 COUNT x", "-ERR COUNT must be > 0"),
            ("XAUTOCLAIM s g two 0 0 COUNT 9223372036854775807", "-ERR COUNT must be > 0"),
            ("XAUTOCLAIM s g two 0 0 WHAT", SYNTAX),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer

    def test_looks_at_ten_times_count(self, filled: RawClient) -> None:
        for n in range(10, 60):
            run(filled, f"XADD s {n}-1 a b")
        run(filled, "XREADGROUP GROUP g one STREAMS s >")
        assert answers(filled, "XAUTOCLAIM s g two 100000 0 COUNT 2") == "[25-1 [] []]"
        assert answers(filled, "XAUTOCLAIM s g two 100000 25 COUNT 3 JUSTID") == "[55-1 [] []]"

    def test_counts_and_effects(self, effects: Listener) -> None:
        for n in range(1, 4):
            effects("XADD", "s", f"{n}-1", "a", "b")
        effects("XGROUP", "CREATE", "s", "g", "0")
        effects("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
        assert effects("XAUTOCLAIM", "s", "g", "d", 0, 0) == (["xgroup-createconsumer s"], 4)
        assert effects("XAUTOCLAIM", "s", "g", "d", 0, 0, "JUSTID") == ([], 3)
        effects("XDEL", "s", "1-1")
        assert effects("XAUTOCLAIM", "s", "g", "d", 100_000, 0) == ([], 1)
        assert [entry[3] for entry in effects.raw("XPENDING", "s", "g", "-", "+", 10).plain()] == [2, 2]
