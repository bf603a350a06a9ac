"""Consumer groups: making them, reading for them, acknowledging, and what is told of them."""

from __future__ import annotations

import pytest

from tests.commands.streams import (
    BAD_ID,
    BAD_NUMBER_OF_IDS,
    MEANINGLESS,
    NO_KEY_FOR_GROUP,
    NOT_AN_INTEGER,
    OTHER,
    OTHER_NUMBER_OF_IDS,
    SYNTAX,
    WRONG_TYPE,
    answers,
    run,
)
from tests.listening import Listener
from tests.resp import RawClient


class TestXgroupCreate:
    """XGROUP CREATE key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XGROUP CREATE s new 0", "OK"),
            ("XGROUP CREATE s new $", "OK"),
            ("XGROUP CREATE s new $; XREADGROUP GROUP new c STREAMS s >", "nil"),
            (
                "XGROUP CREATE s new 3-1 ENTRIESREAD 4; XINFO GROUPS s",
                "[[name g consumers 2 pending 3 last-delivered-id 2-1 entries-read 3 lag 2] [name new consumers 0 "
                f"pending 0 last-delivered-id 3-1 entries-read 4 lag 1] {OTHER}]",
            ),
            (
                "XGROUP CREATE s new 3-1 ENTRIESREAD 100; XINFO GROUPS s",
                "[[name g consumers 2 pending 3 last-delivered-id 2-1 entries-read 3 lag 2] [name new consumers 0 "
                f"pending 0 last-delivered-id 3-1 entries-read 5 lag 0] {OTHER}]",
            ),
            ("XGROUP CREATE s g 0", "-BUSYGROUP Consumer Group name already exists"),
            ("XGROUP CREATE absent new 0", NO_KEY_FOR_GROUP),
            ("XGROUP CREATE absent new x", NO_KEY_FOR_GROUP),
            ("XGROUP CREATE absent new 0 MKSTREAM", "OK"),
            (
                "XGROUP CREATE absent new $ MKSTREAM ENTRIESREAD 5; XINFO GROUPS absent",
                "[[name new consumers 0 pending 0 last-delivered-id 0-0 entries-read 0 lag 0]]",
            ),
            ("XGROUP CREATE absent new x MKSTREAM; EXISTS absent", "0"),
            ("XGROUP CREATE s new x", BAD_ID),
            ("XGROUP CREATE s new +", BAD_ID),
            ("XGROUP CREATE s new 0 WHAT", "-ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP."),
            ("XGROUP CREATE s new 0 ENTRIESREAD", "-ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP."),
            ("XGROUP CREATE s new 0 ENTRIESREAD x", NOT_AN_INTEGER),
            ("XGROUP CREATE s new 0 ENTRIESREAD -2", "-ERR value for ENTRIESREAD must be positive or -1"),
            (
                "XGROUP CREATE s new 0 MKSTREAM MKSTREAM MKSTREAM MKSTREAM",
                "-ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.",
            ),
            ("XGROUP CREATE text new 0 MKSTREAM", WRONG_TYPE),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer

    def test_effects(self, effects: Listener) -> None:
        assert effects("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM") == (["new s", "xgroup-create s"], 1)
        assert effects("XGROUP", "CREATE", "s", "h", "$") == (["xgroup-create s"], 1)
        assert effects("XGROUP", "CREATE", "s", "h", "$") == ([], 0)


class TestXgroupSetid:
    """XGROUP SETID key group <id | $> [ENTRIESREAD entries-read]."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XGROUP SETID s g 0", "OK"),
            ("XGROUP SETID s g 0; XREADGROUP GROUP g two COUNT 1 STREAMS s >", "[[s [[1-1 [a 1]]]]]"),
            ("XGROUP SETID s g $; XREADGROUP GROUP g two STREAMS s >", "nil"),
            (
                "XGROUP SETID s g 2-1 ENTRIESREAD 3; XINFO GROUPS s",
                f"[[name g consumers 2 pending 3 last-delivered-id 2-1 entries-read 3 lag 2] {OTHER}]",
            ),
            (
                "XGROUP SETID s g 2-1 ENTRIESREAD 9; XINFO GROUPS s",
                f"[[name g consumers 2 pending 3 last-delivered-id 2-1 entries-read 5 lag 0] {OTHER}]",
            ),
            # more were added than a signed number can say
            (
                "XSETID s 9-9 ENTRIESADDED 9223372036854775807; XADD s 10-1 a 1; XGROUP DESTROY s other; "
                "XGROUP SETID s g 1-1 ENTRIESREAD 3; XINFO GROUPS s",
                "[[name g consumers 2 pending 3 last-delivered-id 1-1 entries-read 3 lag 9223372036854775805]]",
            ),
            ("XGROUP SETID s none 0", "-NOGROUP No such consumer group 'none' for key name 's'"),
            ("XGROUP SETID s none x", "-NOGROUP No such consumer group 'none' for key name 's'"),
            ("XGROUP SETID s g x", BAD_ID),
            ("XGROUP SETID absent g 0", NO_KEY_FOR_GROUP),
            ("XGROUP SETID text g 0", WRONG_TYPE),
            ("XGROUP SETID s g 0 MKSTREAM", "-ERR unknown subcommand or wrong number of arguments for 'SETID'. Try XGROUP HELP."),
            ("XGROUP SETID s g 0 ENTRIESREAD x", NOT_AN_INTEGER),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer

    def test_effects(self, effects: Listener) -> None:
        effects("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
        assert effects("XGROUP", "SETID", "s", "g", "5") == (["xgroup-setid s"], 1)


class TestXgroupCreateconsumer:
    """XGROUP CREATECONSUMER key group consumer."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XGROUP CREATECONSUMER s g three", "1"),
            ("XGROUP CREATECONSUMER s g one", "0"),
            ("XGROUP CREATECONSUMER s none three", "-NOGROUP No such consumer group 'none' for key name 's'"),
            ("XGROUP CREATECONSUMER absent g three", NO_KEY_FOR_GROUP),
            ("XGROUP CREATECONSUMER text g three", WRONG_TYPE),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer

    def test_effects(self, effects: Listener) -> None:
        effects("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
        assert effects("XGROUP", "CREATECONSUMER", "s", "g", "c") == (["xgroup-createconsumer s"], 1)
        assert effects("XGROUP", "CREATECONSUMER", "s", "g", "c") == ([], 0)


class TestXgroupDelconsumer:
    """XGROUP DELCONSUMER key group consumer."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XGROUP DELCONSUMER s g one", "2"),
            ("XGROUP DELCONSUMER s g one; XPENDING s g", "[1 2-1 2-1 [[two 1]]]"),
            ("XGROUP DELCONSUMER s g three", "0"),
            ("XGROUP DELCONSUMER s none one", "-NOGROUP No such consumer group 'none' for key name 's'"),
            ("XGROUP DELCONSUMER absent g one", NO_KEY_FOR_GROUP),
            ("XGROUP DELCONSUMER text g one", WRONG_TYPE),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer

    def test_effects(self, effects: Listener) -> None:
        effects("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
        effects("XGROUP", "CREATECONSUMER", "s", "g", "c")
        assert effects("XGROUP", "DELCONSUMER", "s", "g", "c") == (["xgroup-delconsumer s"], 1)
        assert effects("XGROUP", "DELCONSUMER", "s", "g", "c") == ([], 0)


class TestXgroupDestroy:
    """XGROUP DESTROY key group."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XGROUP DESTROY s g", "1"),
            ("XGROUP DESTROY s g; XPENDING s g", "-NOGROUP No such key 's' or consumer group 'g'"),
            ("XGROUP DESTROY s none", "0"),
            ("XGROUP DESTROY absent g", NO_KEY_FOR_GROUP),
            ("XGROUP DESTROY text g", WRONG_TYPE),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer

    def test_effects(self, effects: Listener) -> None:
        effects("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
        assert effects("XGROUP", "DESTROY", "s", "g") == (["xgroup-destroy s"], 1)
        assert effects("XGROUP", "DESTROY", "s", "g") == ([], 0)


class TestXreadgroup:
    """XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XREADGROUP GROUP g one STREAMS s >", "[[s [[3-1 [b 5]] [3-2 [a 6]]]]]"),
            ("XREADGROUP GROUP g one COUNT 1 STREAMS s >", "[[s [[3-1 [b 5]]]]]"),
            ("XREADGROUP GROUP g one STREAMS s >; XPENDING s g", "[5 1-1 3-2 [[one 4] [two 1]]]"),
            ("XREADGROUP GROUP g one STREAMS s >; XREADGROUP GROUP g one STREAMS s >", "nil"),
            ("XREADGROUP GROUP g one NOACK STREAMS s >; XPENDING s g", "[3 1-1 2-1 [[one 2] [two 1]]]"),
            ("XREADGROUP GROUP g one STREAMS s 0", "[[s [[1-1 [a 1]] [1-2 [a 2]]]]]"),
            ("XREADGROUP GROUP g one STREAMS s 1-1", "[[s [[1-2 [a 2]]]]]"),
            ("XREADGROUP GROUP g one COUNT 1 STREAMS s 0", "[[s [[1-1 [a 1]]]]]"),
            ("XREADGROUP GROUP g one STREAMS s 1-2", "[[s []]]"),
            ("XREADGROUP GROUP g three STREAMS s 0", "[[s []]]"),
            ("XDEL s 1-1; XREADGROUP GROUP g one STREAMS s 0", "[[s [[1-1 nil] [1-2 [a 2]]]]]"),
            (
                "XREADGROUP GROUP g one STREAMS s s > 0",
                "[[s [[3-1 [b 5]] [3-2 [a 6]]]] [s [[1-1 [a 1]] [1-2 [a 2]] [3-1 [b 5]] [3-2 [a 6]]]]]",
            ),
            ("XREADGROUP GROUP g one BLOCK 0 STREAMS s 1-2", "[[s []]]"),
            ("XREADGROUP GROUP none one STREAMS s >", "-NOGROUP No such key 's' or consumer group 'none' in XREADGROUP with GROUP option"),
            (
                "XREADGROUP GROUP g one STREAMS absent >",
                "-NOGROUP No such key 'absent' or consumer group 'g' in XREADGROUP with GROUP option",
            ),
            (
                "XREADGROUP GROUP g one STREAMS s absent > >",
                "-NOGROUP No such key 'absent' or consumer group 'g' in XREADGROUP with GROUP option",
            ),
            ("XREADGROUP GROUP g one STREAMS text >", WRONG_TYPE),
            ("XREADGROUP GROUP g one STREAMS s $", MEANINGLESS.replace("?", "$")),
            ("XREADGROUP GROUP g one STREAMS s +", MEANINGLESS.replace("?", "+")),
            ("XREADGROUP GROUP g one STREAMS s x", BAD_ID),
            (
                "XREADGROUP GROUP g one STREAMS s t >",
                "-ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.",
            ),
            ("XREADGROUP COUNT 1 NOACK STREAMS s >", "-ERR Missing GROUP option for XREADGROUP"),
            ("XREADGROUP GROUP g one WHAT STREAMS s >", SYNTAX),
            ("XREADGROUP GROUP g one COUNT x STREAMS s >", NOT_AN_INTEGER),
            ("XREADGROUP GROUP g one BLOCK -1 STREAMS s >", "-ERR timeout is negative"),
            ("XREADGROUP GROUP g STREAMS s > STREAMS", SYNTAX),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer

    def test_map_in_resp3(self, filled: RawClient) -> None:
        filled("HELLO", 3)
        assert answers(filled, "XREADGROUP GROUP g one COUNT 1 STREAMS s s > 1-1") == "{s: [[3-1 [b 5]]] s: [[1-2 [a 2]]]}"

    def test_reading_again_counts(self, filled: RawClient) -> None:
        """The consumer's own entries are delivered once more; one that was deleted is not."""
        run(filled, "XDEL s 1-1")
        run(filled, "XREADGROUP GROUP g one STREAMS s 0")
        pending = run(filled, "XPENDING s g - + 10").plain()
        assert [[id, count] for id, _, _, count in pending] == [[b"1-1", 1], [b"1-2", 2], [b"2-1", 1]]

    def test_delivered_again(self, filled: RawClient) -> None:
        """A group that was set back delivers what is pending already: it is the new consumer's then, delivered once."""
        run(filled, "XGROUP SETID s g 0")
        run(filled, "XREADGROUP GROUP g three COUNT 2 STREAMS s >")
        assert answers(filled, "XPENDING s g") == "[3 1-1 2-1 [[three 2] [two 1]]]"
        assert [count for _, _, _, count in run(filled, "XPENDING s g - + 10").plain()] == [1, 1, 1]

    def test_watchers_do_not_hear(self, filled: RawClient) -> None:
        """What happens to groups is no change of the key."""
        run(filled, "WATCH s")
        for command in (
            *("XREADGROUP GROUP g one STREAMS s >", "XACK s g 1-1", "XCLAIM s g two 0 1-2", "XAUTOCLAIM s g one 0 0", "XSETID s 9"),
            *(
                "XGROUP CREATE s new 0",
                "XGROUP SETID s g 0",
                "XGROUP CREATECONSUMER s g c",
                "XGROUP DELCONSUMER s g one",
                "XGROUP DESTROY s g",
            ),
        ):
            run(filled, command)
        assert answers(filled, "MULTI; EXEC") == "[]"
        assert answers(filled, "WATCH s; XDEL s 1-1; MULTI; EXEC") == "nil"

    def test_effects(self, effects: Listener) -> None:
        for n in range(1, 5):
            effects("XADD", "s", f"{n}-1", "a", "b")
        effects("XGROUP", "CREATE", "s", "g", "0")
        read = ("XREADGROUP", "GROUP", "g")
        assert effects(*read, "c", "COUNT", 2, "STREAMS", "s", ">") == (["xgroup-createconsumer s"], 2)
        assert effects(*read, "c", "COUNT", 1, "STREAMS", "s", ">") == ([], 1)
        assert effects(*read, "c", "NOACK", "STREAMS", "s", ">") == ([], 1)
        assert effects(*read, "c", "STREAMS", "s", ">") == ([], 0)
        assert effects(*read, "c", "STREAMS", "s", "0") == ([], 0)
        assert effects(*read, "d", "STREAMS", "s", "0") == (["xgroup-createconsumer s"], 1)


class TestXack:
    """XACK key group id [id ...]."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XACK s g 1-1", "1"),
            ("XACK s g 1-1 1-2 1-1 9-9", "2"),
            ("XACK s g 3-1", "0"),
            ("XACK s none 1-1", "0"),
            ("XACK s none x", "0"),
            ("XACK absent g x", "0"),
            ("XACK s g 1-1 x", BAD_ID),
            ("XACK s g 1-1 x; XPENDING s g", "[3 1-1 2-1 [[one 2] [two 1]]]"),
            ("XACK s g 1-1 2-1; XPENDING s g", "[1 1-2 1-2 [[one 1]]]"),
            ("XACK text g 1-1", WRONG_TYPE),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer

    def test_effects(self, effects: Listener) -> None:
        effects("XADD", "s", "1-1", "a", "b")
        effects("XGROUP", "CREATE", "s", "g", "0")
        effects("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
        assert effects("XACK", "s", "g", "1-1", "2-1") == ([], 1)
        assert effects("XACK", "s", "g", "1-1") == ([], 0)


class TestXackdel:
    """XACKDEL key group [KEEPREF | DELREF | ACKED] IDS numids id [id ...]."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XACKDEL s g IDS 2 1-1 3-1", "[1 -1]"),
            ("XACKDEL s g IDS 1 1-1; XLEN s", "4"),
            ("XACKDEL s g IDS 1 1-1; XPENDING s g", "[2 1-2 2-1 [[one 1] [two 1]]]"),
            ("XACKDEL s g ACKED IDS 2 1-1 1-2", "[1 2]"),
            ("XACKDEL s g ACKED IDS 2 1-1 1-2; XLEN s", "4"),
            ("XREADGROUP GROUP other x STREAMS s >; XACKDEL s g KEEPREF IDS 1 1-2; XPENDING s other", "[4 1-2 3-2 [[x 4]]]"),
            ("XREADGROUP GROUP other x STREAMS s >; XACKDEL s g DELREF IDS 1 1-2; XPENDING s other", "[3 2-1 3-2 [[x 3]]]"),
            ("XDEL s 1-1; XACKDEL s g IDS 1 1-1", "[1]"),
            ("XACKDEL s none IDS 1 1-1", "[-1]"),
            ("XACKDEL absent g IDS 2 1-1 x", "[-1 -1]"),
            ("XACKDEL text g IDS 1 1-1", WRONG_TYPE),
            ("XACKDEL s g IDS 1 x", BAD_ID),
            ("XACKDEL s g IDS 2 1-1", OTHER_NUMBER_OF_IDS),
            ("XACKDEL s g IDS 0 1-1", BAD_NUMBER_OF_IDS),
            ("XACKDEL s g WHAT IDS 1 1-1", SYNTAX),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer

    def test_effects(self, effects: Listener) -> None:
        for n in range(1, 4):
            effects("XADD", "s", f"{n}-1", "a", "b")
        effects("XGROUP", "CREATE", "s", "g", "0")
        effects("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
        assert effects("XACKDEL", "s", "g", "IDS", 2, "1-1", "9-9") == (["xdel s"], 1)
        assert effects("XACKDEL", "s", "g", "IDS", 1, "1-1") == ([], 0)
        effects("XDEL", "s", "2-1")
        assert effects("XACKDEL", "s", "g", "IDS", 1, "2-1") == ([], 1)


class TestXinfoGroups:
    """XINFO GROUPS key."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XINFO GROUPS s", f"[[name g consumers 2 pending 3 last-delivered-id 2-1 entries-read 3 lag 2] {OTHER}]"),
            (
                "XREADGROUP GROUP g one STREAMS s >; XINFO GROUPS s",
                f"[[name g consumers 2 pending 5 last-delivered-id 3-2 entries-read 5 lag 0] {OTHER}]",
            ),
            (
                "XDEL s 3-1; XINFO GROUPS s",
                "[[name g consumers 2 pending 3 last-delivered-id 2-1 entries-read 3 lag nil] [name other consumers "
                "0 pending 0 last-delivered-id 1-1 entries-read nil lag nil]]",
            ),
            ("XINFO GROUPS absent", "-ERR no such key"),
            ("XINFO GROUPS text", WRONG_TYPE),
            ("XADD new 1-1 a b; XINFO GROUPS new", "[]"),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer


class TestXinfoConsumers:
    """XINFO CONSUMERS key group."""

    @pytest.mark.parametrize(
        ("commands", "answer"),
        [
            ("XINFO CONSUMERS s other", "[]"),
            ("XINFO CONSUMERS s none", "-NOGROUP No such consumer group 'none' for key name 's'"),
            ("XINFO CONSUMERS absent g", "-ERR no such key"),
            ("XINFO CONSUMERS text g", WRONG_TYPE),
        ],
    )
    def test_answers(self, filled: RawClient, commands: str, answer: str) -> None:
        assert answers(filled, commands) == answer

    def test_consumers(self, filled: RawClient) -> None:
        """Who tried to read and got nothing was seen, and never active."""
        run(filled, "XREADGROUP GROUP g three STREAMS s 0")
        filled("HELLO", 3)
        one, three, two = run(filled, "XINFO CONSUMERS s g").plain()
        assert [one[b"name"], three[b"name"], two[b"name"]] == [b"one", b"three", b"two"]
        assert [one[b"pending"], three[b"pending"], two[b"pending"]] == [2, 0, 1]
        assert list(one) == [b"name", b"pending", b"idle", b"inactive"]
        assert three[b"inactive"] == -1
        assert 0 <= one[b"inactive"] < 60_000
        assert 0 <= three[b"idle"] <= one[b"idle"] < 60_000
