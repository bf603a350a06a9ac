"""The stream group but for consumer groups: adding, reading, trimming, deleting."""

from __future__ import annotations

import time

import pytest
import redis

from tests.commands.streams import (
    BAD_END,
    BAD_ID,
    BAD_NUMBER_OF_IDS,
    BAD_START,
    EXHAUSTED,
    LIMIT_ALONE,
    LIMIT_OF_NOTHING,
    NOT_ABOVE,
    NOT_AN_INTEGER,
    OTHER_NUMBER_OF_IDS,
    SYNTAX,
    TWO_WAYS,
    WRONG_TYPE,
    ZERO_ID,
    answers,
    run,
)
from tests.listening import Listener
from tests.resp import RawClient


class TestXadd:
    """XADD key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> field
    value [field value ...]."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XADD s 4-1 a b", "4-1"),
            ("XADD s 4 a b", "4-0"),
            ("XADD s 3-* a b", "3-3"),
            ("XADD s 4-* a b", "4-0"),
            ("XADD new 0-* a b", "0-1"),
            ("XADD new 5 a b c d", "5-0"),
            ("XADD s 3-2 a b", NOT_ABOVE),
            ("XADD s 2-* a b", NOT_ABOVE),
            ("XADD s 0-0 a b", ZERO_ID),
            ("XADD new 0 a b", ZERO_ID),
            ("XADD new 0-0 a", "-ERR wrong number of arguments for 'xadd' command"),
            ("XADD s bad a b", BAD_ID),
            ("XADD s 1-a a b", BAD_ID),
            ("XADD s - a b", BAD_ID),
            ("XADD s + a b", BAD_ID),
            ("XADD s -* a b", BAD_ID),
            ("XADD s 18446744073709551616 a b", BAD_ID),
            ("XADD s 4-1 a", "-ERR wrong number of arguments for 'xadd' command"),
            ("XADD s *", "-ERR wrong number of arguments for 'xadd' command"),
            ("XADD s * a b c", "-ERR wrong number of arguments for 'xadd' command"),
            ("XADD text 4-1 a b", WRONG_TYPE),
            ("XADD s 18446744073709551615-18446744073709551615 a b; XADD s * a b", EXHAUSTED),
            ("XADD s 18446744073709551615-18446744073709551615 a b; XADD s 5-1 a b", EXHAUSTED),
            ("XADD new NOMKSTREAM * a b", "nil"),
            ("XADD s NOMKSTREAM 4-1 a b", "4-1"),
            ("XADD new NOMKSTREAM * a b; EXISTS new", "0"),
            ("XADD s MAXLEN 2 4-1 a b; XRANGE s - +", "[[3-2 [a 6]] [4-1 [a b]]]"),
            ("XADD s MAXLEN = 2 4-1 a b; XRANGE s - +", "[[3-2 [a 6]] [4-1 [a b]]]"),
            ("XADD s MAXLEN ~ 3 4-1 a b; XRANGE s - +", "[[2-1 [a 3 b 4]] [3-1 [b 5]] [3-2 [a 6]] [4-1 [a b]]]"),
            ("XADD s MAXLEN ~ 1 LIMIT 2 4-1 a b; XLEN s", "4"),
            ("XADD s MAXLEN ~ 1 LIMIT 1 4-1 a b; XLEN s", "6"),
            ("XADD s MAXLEN ~ 1 LIMIT 0 4-1 a b; XLEN s", "2"),
            ("XADD s MINID 2 4-1 a b; XRANGE s - +", "[[2-1 [a 3 b 4]] [3-1 [b 5]] [3-2 [a 6]] [4-1 [a b]]]"),
            ("XADD s MINID ~ 3 4-1 a b; XRANGE s - +", "[[2-1 [a 3 b 4]] [3-1 [b 5]] [3-2 [a 6]] [4-1 [a b]]]"),
            ("XADD s MAXLEN 0 4-1 a b; XLEN s", "0"),
            ("XADD s MAXLEN 0 4-1 a b; XADD s 4-1 a b", NOT_ABOVE),
            ("XADD s DELREF MAXLEN 3 4-1 a b; XPENDING s g", "[0 nil nil nil]"),
            ("XADD s KEEPREF MAXLEN 3 4-1 a b; XPENDING s g", "[3 1-1 2-1 [[one 2] [two 1]]]"),
            ("XADD s ACKED MAXLEN 1 4-1 a b; XLEN s", "6"),
            ("XADD s MAXLEN -1 4-1 a b", "-ERR The MAXLEN argument must be >= 0."),
            ("XADD s MAXLEN x 4-1 a b", NOT_AN_INTEGER),
            ("XADD s MINID x 4-1 a b", BAD_ID),
            ("XADD s MINID - 4-1 a b", BAD_ID),
            ("XADD s MAXLEN 1 MINID 1 4-1 a b", TWO_WAYS),
            ("XADD s MAXLEN 1 MAXLEN 1 4-1 a b", TWO_WAYS),
            ("XADD s MAXLEN 2 LIMIT 1 4-1 a b", LIMIT_ALONE),
            ("XADD s LIMIT 1 4-1 a b", LIMIT_OF_NOTHING),
            ("XADD s LIMIT 0 4-1 a b", LIMIT_ALONE),
            ("XADD s MAXLEN ~ 2 LIMIT -1 4-1 a b", "-ERR The LIMIT argument must be >= 0."),
            ("XADD s KEEPREF DELREF 4-1 a b", BAD_ID),
            ("XADD s MAXLEN 2", "-ERR wrong number of arguments for 'xadd' command"),
            ("XADD s MAXLEN ~ 2 LIMIT x 4-1 a b", NOT_AN_INTEGER),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer

    def test_generated_ids(self, r: redis.Redis) -> None:
        """Milliseconds since the epoch, and a number for those of one millisecond."""
        before = int(time.time() * 1000)
        ids = [r.xadd("s", {"a": n}) for n in range(300)]
        moments = [tuple(map(int, id.split(b"-"))) for id in ids]
        assert moments == sorted(set(moments))
        assert all(before - 1000 <= ms <= before + 60_000 for ms, _ in moments)

    def test_generated_id_behind_one_of_the_future(self, filled: RawClient) -> None:
        run(filled, "XADD s 99999999999999-5 a b")
        assert answers(filled, "XADD s * a b") == "99999999999999-6"
        run(filled, "XADD s 99999999999999-18446744073709551615 a b")
        assert answers(filled, "XADD s * a b") == "100000000000000-0"

    def test_values_come_back(self, r: redis.Redis) -> None:
        """Numbers as they were written, binary, empty and long; with fields as before or others."""
        entries: list[dict[bytes, bytes]] = [
            {b"a": b"1", b"b": b"-9223372036854775808"},
            {b"a": b"007", b"b": b""},
            {b"a": b"x" * 5000, b"b": b"\r\n\x00\xff"},
            {b"other": b"1.0"},
            {b"": b"empty"},
        ]
        for entry in entries * 40:
            r.xadd("s", entry)  # type: ignore[arg-type]
        assert [entry for _, entry in r.xrange("s")] == entries * 40

    def test_repeated_fields(self, filled: RawClient) -> None:
        run(filled, "XADD s 4-1 a 1 a 2")
        assert answers(filled, "XRANGE s 4-1 4-1") == "[[4-1 [a 1 a 2]]]"

    def test_effects(self, effects: Listener) -> None:
        assert effects("XADD", "s", "1-1", "a", "b") == (["new s", "xadd s"], 1)
        assert effects("XADD", "s", "1-2", "a", "b") == (["xadd s"], 1)
        assert effects("XADD", "s", "MAXLEN", 1, "1-3", "a", "b") == (["xadd s", "xtrim s"], 1)
        assert effects("XADD", "s", "MAXLEN", 1, "1-3", "a", "b") == ([], 0)
        assert effects("XADD", "t", "NOMKSTREAM", "1-3", "a", "b") == ([], 0)


class TestXlen:
    """XLEN key."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XLEN s", "5"),
            ("XLEN absent", "0"),
            ("XLEN text", WRONG_TYPE),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer


class TestXrange:
    """XRANGE key start end [COUNT count]."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XRANGE s - +", "[[1-1 [a 1]] [1-2 [a 2]] [2-1 [a 3 b 4]] [3-1 [b 5]] [3-2 [a 6]]]"),
            ("XRANGE s 1-2 3-1", "[[1-2 [a 2]] [2-1 [a 3 b 4]] [3-1 [b 5]]]"),
            ("XRANGE s 1 1", "[[1-1 [a 1]] [1-2 [a 2]]]"),
            ("XRANGE s 2 +", "[[2-1 [a 3 b 4]] [3-1 [b 5]] [3-2 [a 6]]]"),
            ("XRANGE s (1-2 (3-2", "[[2-1 [a 3 b 4]] [3-1 [b 5]]]"),
            ("XRANGE s (1 2", "[[1-1 [a 1]] [1-2 [a 2]] [2-1 [a 3 b 4]]]"),
            ("XRANGE s 3-3 +", "[]"),
            ("XRANGE s + -", "[]"),
            ("XRANGE s - + COUNT 2", "[[1-1 [a 1]] [1-2 [a 2]]]"),
            ("XRANGE s - + COUNT 0", "nil"),
            ("XRANGE s - + COUNT -1", "nil"),
            ("XRANGE s - + COUNT 1 COUNT 2", "[[1-1 [a 1]] [1-2 [a 2]]]"),
            ("XRANGE absent - +", "[]"),
            ("XRANGE absent - + COUNT 0", "[]"),
            ("XRANGE s x +", BAD_ID),
            ("XRANGE s - x", BAD_ID),
            ("XRANGE s (- +", BAD_ID),
            ("XRANGE s (18446744073709551615-18446744073709551615 +", BAD_START),
            ("XRANGE s - (0-0", BAD_END),
            ("XRANGE s - + COUNT", SYNTAX),
            ("XRANGE s - + COUNT x", NOT_AN_INTEGER),
            ("XRANGE s - + WHAT 1", SYNTAX),
            ("XRANGE text - +", WRONG_TYPE),
            ("XRANGE text x +", BAD_ID),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer


class TestXrevrange:
    """XREVRANGE key end start [COUNT count]."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XREVRANGE s + -", "[[3-2 [a 6]] [3-1 [b 5]] [2-1 [a 3 b 4]] [1-2 [a 2]] [1-1 [a 1]]]"),
            ("XREVRANGE s 3-1 1-2", "[[3-1 [b 5]] [2-1 [a 3 b 4]] [1-2 [a 2]]]"),
            ("XREVRANGE s 1 1", "[[1-2 [a 2]] [1-1 [a 1]]]"),
            ("XREVRANGE s (3-2 (1-1", "[[3-1 [b 5]] [2-1 [a 3 b 4]] [1-2 [a 2]]]"),
            ("XREVRANGE s - +", "[]"),
            ("XREVRANGE s + - COUNT 2", "[[3-2 [a 6]] [3-1 [b 5]]]"),
            ("XREVRANGE s + - COUNT 0", "nil"),
            ("XREVRANGE absent + -", "[]"),
            ("XREVRANGE s x -", BAD_ID),
            ("XREVRANGE s + (18446744073709551615-18446744073709551615", BAD_START),
            ("XREVRANGE s (0-0 -", BAD_END),
            ("XREVRANGE s x (18446744073709551615-18446744073709551615", BAD_START),
            ("XREVRANGE text + -", WRONG_TYPE),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer


class TestXdel:
    """XDEL key id [id ...]."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XDEL s 1-1", "1"),
            ("XDEL s 1-1 9-9 3-2 1-1", "2"),
            ("XDEL s 9-9", "0"),
            ("XDEL absent 1-1", "0"),
            ("XDEL absent x", "0"),
            ("XDEL s 1-1 x", BAD_ID),
            ("XDEL text 1-1", WRONG_TYPE),
            ("XDEL s 1-1 x; XLEN s", "5"),
            ("XDEL s 1-1 3-2; XRANGE s - +", "[[1-2 [a 2]] [2-1 [a 3 b 4]] [3-1 [b 5]]]"),
            ("XDEL s 1-1 1-2 2-1 3-1 3-2; EXISTS s", "1"),
            ("XDEL s 1-1; XPENDING s g", "[3 1-1 2-1 [[one 2] [two 1]]]"),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer

    def test_effects(self, effects: Listener) -> None:
        for n in range(1, 4):
            effects("XADD", "s", f"{n}-1", "a", "b")
        assert effects("XDEL", "s", "1-1", "2-1", "9-9") == (["xdel s"], 2)
        assert effects("XDEL", "s", "1-1") == ([], 0)


class TestXdelex:
    """XDELEX key [KEEPREF | DELREF | ACKED] IDS numids id [id ...]."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XDELEX s IDS 2 1-1 9-9", "[1 -1]"),
            ("XDELEX s KEEPREF IDS 1 1-1", "[1]"),
            ("XDELEX s KEEPREF IDS 1 1-1; XPENDING s g", "[3 1-1 2-1 [[one 2] [two 1]]]"),
            ("XDELEX s DELREF IDS 1 1-1; XPENDING s g", "[2 1-2 2-1 [[one 1] [two 1]]]"),
            ("XDELEX s ACKED IDS 2 1-1 1-2", "[2 2]"),
            ("XACK s g 1-1; XDELEX s ACKED IDS 2 1-1 1-2", "[1 2]"),
            ("XDELEX s acked IDS 1 9-9", "[2]"),
            ("XDELEX s IDS 1 1-1 DELREF", "[1]"),
            ("XDELEX s IDS 1 1-1 IDS 1 1-2", "[1]"),
            ("XDELEX absent IDS 2 1-1 x", "[-1 -1]"),
            ("XDELEX text IDS 1 1-1", WRONG_TYPE),
            ("XDELEX s IDS 1 x", BAD_ID),
            ("XDELEX s IDS 0 1-1", BAD_NUMBER_OF_IDS),
            ("XDELEX s IDS x 1-1", BAD_NUMBER_OF_IDS),
            ("XDELEX s IDS 2 1-1", OTHER_NUMBER_OF_IDS),
            ("XDELEX s IDS 1 1-1 1-2", SYNTAX),
            ("XDELEX s KEEPREF ACKED IDS 1 1-1", SYNTAX),
            ("XDELEX s WHAT IDS 1 1-1", SYNTAX),
            ("XDELEX s KEEPREF 1 2", SYNTAX),
            ("XDELEX s IDS 1", "-ERR wrong number of arguments for 'xdelex' command"),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer

    def test_effects(self, effects: Listener) -> None:
        for n in range(1, 4):
            effects("XADD", "s", f"{n}-1", "a", "b")
        assert effects("XDELEX", "s", "IDS", 3, "1-1", "2-1", "9-9") == (["xdel s"], 2)
        assert effects("XDELEX", "s", "IDS", 1, "1-1") == ([], 0)


class TestXtrim:
    """XTRIM key <MAXLEN | MINID> [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XTRIM s MAXLEN 2", "3"),
            ("XTRIM s MAXLEN 2; XRANGE s - +", "[[3-1 [b 5]] [3-2 [a 6]]]"),
            ("XTRIM s MAXLEN 9", "0"),
            ("XTRIM s MAXLEN ~ 2", "2"),
            ("XTRIM s MAXLEN ~ 2; XRANGE s - +", "[[2-1 [a 3 b 4]] [3-1 [b 5]] [3-2 [a 6]]]"),
            ("XTRIM s MAXLEN ~ 2 LIMIT 1", "0"),
            ("XTRIM s MAXLEN ~ 0 LIMIT 3", "2"),
            ("XTRIM s MAXLEN = 0", "5"),
            ("XTRIM s MINID 2-1", "2"),
            ("XTRIM s MINID 2; XRANGE s - +", "[[2-1 [a 3 b 4]] [3-1 [b 5]] [3-2 [a 6]]]"),
            ("XTRIM s MINID ~ 2-1", "2"),
            ("XTRIM s MINID ~ 99", "5"),
            ("XTRIM s MAXLEN 0 ACKED", "0"),
            ("XTRIM s DELREF MAXLEN 3", "2"),
            ("XTRIM s DELREF MAXLEN 3; XPENDING s g", "[1 2-1 2-1 [[two 1]]]"),
            ("XACK s g 1-1; XTRIM s MAXLEN 0 ACKED", "1"),
            ("XTRIM absent MAXLEN 1", "0"),
            ("XTRIM text MAXLEN 1", WRONG_TYPE),
            ("XTRIM s MAXLEN", "-ERR wrong number of arguments for 'xtrim' command"),
            ("XTRIM s MAXLEN -1", "-ERR The MAXLEN argument must be >= 0."),
            ("XTRIM s MAXLEN x", NOT_AN_INTEGER),
            ("XTRIM s MINID x", BAD_ID),
            ("XTRIM s MAXLEN 1 2", SYNTAX),
            ("XTRIM s WHAT 1", SYNTAX),
            ("XTRIM s LIMIT 1", LIMIT_OF_NOTHING),
            ("XTRIM s LIMIT 0", "-ERR syntax error, XTRIM must be called with a trimming strategy"),
            ("XTRIM s MAXLEN 1 LIMIT 1", LIMIT_ALONE),
            ("XTRIM s MAXLEN 1 MINID 1", TWO_WAYS),
            ("XTRIM s KEEPREF ACKED MAXLEN 1", SYNTAX),
            ("XTRIM s NOMKSTREAM MAXLEN 1", SYNTAX),
            ("XTRIM s MAXLEN ~", NOT_AN_INTEGER),
            ("XTRIM s MAXLEN ~ 1 LIMIT x", NOT_AN_INTEGER),
            ("XTRIM s MAXLEN ~ 1 LIMIT -1", "-ERR The LIMIT argument must be >= 0."),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer

    @pytest.mark.parametrize("references", ["KEEPREF", "DELREF"])
    @pytest.mark.parametrize(
        ("commands", "blocks"),
        [
            # the last entry of the second block was deleted before; the block stays unless that is below the id, too
            ("XDEL s 3-1; XTRIM s MINID 3-1", 2),
            ("XDEL s 3-1; XTRIM s MINID 3-2", 1),
            ("XDEL s 3-1; XTRIM s MAXLEN 1", 1),
            ("XDEL s 3-1; XTRIM s MINID 3-1; XTRIM s MINID 3-2", 1),
            ("XDEL s 3-1; XTRIM s MINID 3-1; XTRIM s MAXLEN 1", 2),
            ("XDEL s 3-1; XTRIM s MINID 3-1; XTRIM s MAXLEN 0", 0),
        ],
    )
    def test_emptied_block(self, filled: RawClient, references: str, commands: str, blocks: int) -> None:
        for command in commands.split("; "):
            run(filled, f"{command} {references}" if command.startswith("XTRIM") else command)
        facts = dict(zip(*[iter(run(filled, "XINFO STREAM s").plain())] * 2, strict=True))
        assert facts[b"radix-tree-keys"] == blocks

    def test_default_limit(self, filled: RawClient) -> None:
        """What is approximate removes a hundred blocks at once and no more; LIMIT 0 lets it remove all."""
        run(filled, "CONFIG SET stream-node-max-entries 2")
        for n in range(600):
            run(filled, f"XADD long {n + 1}-1 a b")
        assert answers(filled, "XTRIM long MAXLEN ~ 10") == "200"
        assert answers(filled, "XTRIM long MAXLEN ~ 10 LIMIT 0") == "390"

    def test_effects(self, effects: Listener) -> None:
        for n in range(1, 4):
            effects("XADD", "s", f"{n}-1", "a", "b")
        assert effects("XTRIM", "s", "MAXLEN", 1) == (["xtrim s"], 2)
        assert effects("XTRIM", "s", "MAXLEN", 1) == ([], 0)


class TestXsetid:
    """XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XSETID s 9-1", "OK"),
            ("XSETID s 9-1; XADD s 9-1 a b", NOT_ABOVE),
            (
                "XSETID s 9 ENTRIESADDED 20 MAXDELETEDID 8; XINFO STREAM s",
                "[length 5 radix-tree-keys 3 radix-tree-nodes 8 last-generated-id 9-0 max-deleted-entry-id 8-0 "
                "entries-added 20 recorded-first-entry-id 1-1 groups 2 first-entry [1-1 [a 1]] last-entry [3-2 [a "
                "6]]]",
            ),
            ("XSETID s 3-2", "OK"),
            ("XSETID s 3-1", "-ERR The ID specified in XSETID is smaller than the target stream top item"),
            ("XDEL s 3-2; XSETID s 3-1", "-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"),
            ("XDEL s 3-2; XSETID s 3-1 MAXDELETEDID 1", "-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"),
            ("XSETID s 9 ENTRIESADDED 4", "-ERR The entries_added specified in XSETID is smaller than the target stream length"),
            ("XSETID s 9 ENTRIESADDED -1", "-ERR entries_added must be positive"),
            ("XSETID s 9 ENTRIESADDED x", NOT_AN_INTEGER),
            ("XSETID s 9 MAXDELETEDID 10", "-ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"),
            ("XSETID s 9 MAXDELETEDID x", BAD_ID),
            ("XSETID s 9 ENTRIESADDED", SYNTAX),
            ("XSETID s 9 WHAT 1", SYNTAX),
            ("XSETID s x", BAD_ID),
            ("XSETID absent 9", "-ERR no such key"),
            ("XSETID absent x", BAD_ID),
            ("XSETID text 9", WRONG_TYPE),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer

    def test_effects(self, effects: Listener) -> None:
        effects("XADD", "s", "1-1", "a", "b")
        assert effects("XSETID", "s", "5-1") == (["xsetid s"], 1)


class TestXread:
    """XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XREAD STREAMS s 0", "[[s [[1-1 [a 1]] [1-2 [a 2]] [2-1 [a 3 b 4]] [3-1 [b 5]] [3-2 [a 6]]]]]"),
            ("XREAD STREAMS s 1-2", "[[s [[2-1 [a 3 b 4]] [3-1 [b 5]] [3-2 [a 6]]]]]"),
            ("XREAD COUNT 2 STREAMS s 0", "[[s [[1-1 [a 1]] [1-2 [a 2]]]]]"),
            ("XREAD COUNT 0 STREAMS s 2-1", "[[s [[3-1 [b 5]] [3-2 [a 6]]]]]"),
            ("XREAD COUNT -1 STREAMS s 2-1", "[[s [[3-1 [b 5]] [3-2 [a 6]]]]]"),
            ("XREAD STREAMS s $", "nil"),
            ("XREAD STREAMS s +", "[[s [[3-2 [a 6]]]]]"),
            ("XDEL s 3-2; XREAD STREAMS s +", "[[s [[3-1 [b 5]]]]]"),
            ("XDEL s 3-2; XREAD STREAMS s 3-1", "nil"),
            ("XREAD STREAMS s 3-2", "nil"),
            ("XREAD STREAMS absent 0", "nil"),
            ("XREAD STREAMS absent $", "nil"),
            ("XREAD STREAMS absent +", "nil"),
            ("XREAD STREAMS absent s 0 3-1", "[[s [[3-2 [a 6]]]]]"),
            ("XREAD STREAMS s s 3-1 +", "[[s [[3-2 [a 6]]]] [s [[3-2 [a 6]]]]]"),
            ("XREAD STREAMS text 0", WRONG_TYPE),
            ("XREAD STREAMS s text 0 0", WRONG_TYPE),
            ("XREAD STREAMS s >", "-ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."),
            ("XREAD STREAMS s x", BAD_ID),
            ("XREAD STREAMS s -", BAD_ID),
            ("XREAD STREAMS s t 0", "-ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be specified."),
            ("XREAD COUNT x STREAMS s 0", NOT_AN_INTEGER),
            ("XREAD BLOCK x STREAMS s 0", "-ERR timeout is not an integer or out of range"),
            ("XREAD BLOCK -1 STREAMS s 0", "-ERR timeout is negative"),
            ("XREAD BLOCK 9223372036854775807 STREAMS s 0", "-ERR timeout is out of range"),
            ("XREAD BLOCK 0 STREAMS s 3-1", "[[s [[3-2 [a 6]]]]]"),
            ("XREAD NOACK STREAMS s 0", "-ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead."),
            ("XREAD GROUP g one STREAMS s 0", "-ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead."),
            ("XREAD WHAT STREAMS s 0", SYNTAX),
            ("XREAD COUNT 1 STREAMS", SYNTAX),
            ("XREAD STREAMS s 0 COUNT 1", BAD_ID),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer

    def test_map_in_resp3(self, filled: RawClient) -> None:
        filled("HELLO", 3)
        assert answers(filled, "XREAD STREAMS s absent s 3-1 0 1-1") == (
            "{s: [[3-2 [a 6]]] s: [[1-2 [a 2]] [2-1 [a 3 b 4]] [3-1 [b 5]] [3-2 [a 6]]]}"
        )
        assert filled("XREAD", "STREAMS", "s", "$").kind == "_"

    def test_many_streams(self, filled: RawClient) -> None:
        """More than a plan on the stack has room for."""
        keys = [f"k{n}" for n in range(40)]
        for key in keys:
            run(filled, f"XADD {key} 1-1 key {key}")
        told = answers(filled, f"XREAD STREAMS {' '.join(keys)} {' '.join(['0'] * 40)}")
        assert told == f"[{' '.join(f'[{key} [[1-1 [key {key}]]]]' for key in keys)}]"


class TestXinfoStream:
    """XINFO STREAM key [FULL [COUNT count]]."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            (
                "XINFO STREAM s",
                "[length 5 radix-tree-keys 3 radix-tree-nodes 8 last-generated-id 3-2 max-deleted-entry-id 0-0 "
                "entries-added 5 recorded-first-entry-id 1-1 groups 2 first-entry [1-1 [a 1]] last-entry [3-2 [a 6]]]",
            ),
            (
                "XDEL s 1-1 2-1; XINFO STREAM s",
                "[length 3 radix-tree-keys 3 radix-tree-nodes 8 last-generated-id 3-2 max-deleted-entry-id 2-1 "
                "entries-added 5 recorded-first-entry-id 1-2 groups 2 first-entry [1-2 [a 2]] last-entry [3-2 [a 6]]]",
            ),
            (
                "XTRIM s MAXLEN 0; XINFO STREAM s",
                "[length 0 radix-tree-keys 0 radix-tree-nodes 1 last-generated-id 3-2 max-deleted-entry-id 0-0 "
                "entries-added 5 recorded-first-entry-id 0-0 groups 2 first-entry nil last-entry nil]",
            ),
            ("XINFO STREAM absent", "-ERR no such key"),
            ("XINFO STREAM text", WRONG_TYPE),
            ("XINFO STREAM s WHAT", "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP."),
            ("XINFO STREAM s FULL COUNT", "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP."),
            ("XINFO STREAM s FULL COUNT x", NOT_AN_INTEGER),
            ("XINFO STREAM s FULL WHAT 1", "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP."),
            ("XINFO STREAM s COUNT 1", "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP."),
            ("XINFO STREAM absent FULL COUNT x", "-ERR no such key"),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer

    def test_full(self, filled: RawClient) -> None:
        """Names and shapes of all that is told; moments are near the clock's."""
        filled("HELLO", 3)
        facts = run(filled, "XINFO STREAM s FULL").plain()
        assert list(facts) == [
            *(b"length", b"radix-tree-keys", b"radix-tree-nodes", b"last-generated-id", b"max-deleted-entry-id", b"entries-added"),
            *(b"recorded-first-entry-id", b"entries", b"groups"),
        ]
        group, other = facts[b"groups"]
        assert (group[b"name"], group[b"last-delivered-id"], group[b"entries-read"], group[b"lag"]) == (b"g", b"2-1", 3, 2)
        assert (other[b"name"], other[b"entries-read"], other[b"pending"], other[b"consumers"]) == (b"other", None, [], [])
        assert [[id, name, count] for id, name, _, count in group[b"pending"]] == [
            *([b"1-1", b"one", 1], [b"1-2", b"one", 1], [b"2-1", b"two", 1]),
        ]
        one, two = group[b"consumers"]
        assert list(one) == [b"name", b"seen-time", b"active-time", b"pel-count", b"pending"]
        assert [id for id, _, _ in one[b"pending"]] == [b"1-1", b"1-2"]
        moments = [one[b"seen-time"], two[b"active-time"], *(moment for _, _, moment, _ in group[b"pending"])]
        assert all(abs(moment - time.time() * 1000) < 60_000 for moment in moments)

    def test_count(self, filled: RawClient) -> None:
        for n in range(4, 24):
            run(filled, f"XADD s {n}-1 a b")
        run(filled, "XREADGROUP GROUP g one STREAMS s >")
        filled("HELLO", 3)
        told = [run(filled, f"XINFO STREAM s FULL {count}").plain() for count in ("", "COUNT 3", "COUNT 0", "COUNT -1")]
        assert [len(facts[b"entries"]) for facts in told] == [10, 3, 25, 10]
        assert [len(facts[b"groups"][0][b"pending"]) for facts in told] == [10, 3, 25, 10]
        assert [len(facts[b"groups"][0][b"consumers"][0][b"pending"]) for facts in told] == [10, 3, 24, 10]
