"""The scripting group: EVAL and its kin, SCRIPT; what scripts may call is in test_scripting_library."""

from __future__ import annotations

from hashlib import sha1

import pytest

from tests.replies import NIL, OK, array, bulk, error, integer, wrong_arguments
from tests.resp import RawClient, Reply

NO_SCRIPT = error("NOSCRIPT No matching script. Please use EVAL.")


def sha(body: str) -> str:
    """What the server calls a script."""
    return sha1(body.encode()).hexdigest()


def at(text: str, body: str, line: int = 1) -> Reply:
    """The error of a script that failed in a line."""
    return error(f"{text} script: {sha(body)}, on @user_script:{line}.")


@pytest.fixture(autouse=True)
def no_scripts(raw: RawClient) -> None:
    """Scripts are not in the database: those of the test before are still there."""
    raw("SCRIPT", "FLUSH")


class TestEval:
    """EVAL."""

    def test_keys_and_arguments(self, raw: RawClient) -> None:
        reply = raw("EVAL", "return {KEYS, ARGV, #KEYS}", 1, "k", "a", b"\0")
        assert reply == array(array(bulk("k")), array(bulk("a"), bulk(b"\0")), integer(1))
        assert raw("EVAL", "return {#KEYS, #ARGV}", 0) == array(integer(0), integer(0))

    @pytest.mark.parametrize(
        ("count", "reply"),
        [
            ("x", error("ERR value is not an integer or out of range")),
            ("-1", error("ERR Number of keys can't be negative")),
            ("2", error("ERR Number of keys can't be greater than number of args")),
        ],
    )
    def test_number_of_keys(self, raw: RawClient, count: str, reply: Reply) -> None:
        assert raw("EVAL", "return 1", count, "k") == reply

    def test_wrong_code(self, raw: RawClient) -> None:
        assert raw("EVAL", "return (", 0) == error(
            "ERR Error compiling script (new function): user_script:1: unexpected symbol near '<eof>'"
        )
        assert raw("EVAL") == wrong_arguments("eval")
        assert raw("SCRIPT", "EXISTS", sha("return (")) == array(integer(0))

    def test_errors_tell_the_line(self, raw: RawClient) -> None:
        body = "local x = {}\nreturn x.y.z"
        assert raw("EVAL", body, 0) == at("ERR user_script:2: attempt to index field 'y' (a nil value)", body, 2)
        body = "error('a\\r\\nb')"
        assert raw("EVAL", body, 0) == at("ERR user_script:1: a  b", body)

    def test_effects_are_one_unit(self, raw: RawClient) -> None:
        raw("EVAL", "redis.call('SET', KEYS[1], 1); redis.call('INCR', KEYS[1])", 1, "a")
        assert raw("GET", "a") == bulk("2")

    def test_select_ends_with_the_script(self, raw: RawClient) -> None:
        raw("EVAL", "redis.call('SELECT', 5); redis.call('SET', 'a', 1)", 0)
        assert raw("EXISTS", "a") == integer(0)
        raw("SELECT", 5)
        assert raw("EXISTS", "a") == integer(1)

    def test_in_multi(self, raw: RawClient) -> None:
        raw("MULTI")
        raw("EVAL", "return redis.call('SET', 'a', 1)", 0)
        raw("EVAL", "return redis.call('NOSUCH')", 0)
        assert raw("EXEC") == array(OK, at("ERR Unknown Redis command called from script", "return redis.call('NOSUCH')"))

    def test_first_line(self, raw: RawClient) -> None:
        body = "#!lua flags=no-writes\nreturn redis.call('SET', 'a', 1)"
        assert raw("EVAL", body, 0) == at("ERR Write commands are not allowed from read-only scripts.", body, 2)
        assert raw("EVAL", "#!lua flags=none\nreturn 1", 0) == error("ERR Unexpected flag in script shebang: none")
        assert raw("EVAL", "#!lua name=x\nreturn 1", 0) == error("ERR Unknown lua shebang option: name=x")
        assert raw("EVAL", "#!js\nreturn 1", 0) == error("ERR Unexpected engine in script shebang: #!js")
        assert raw("EVAL", "#!lua", 0) == error("ERR Invalid script shebang")

    def test_many_scripts_are_evicted(self, raw: RawClient) -> None:
        """Of those that came with EVAL alone, the one that was run longest ago."""
        raw("SCRIPT", "LOAD", "return 'loaded'")
        for n in range(500):
            raw("EVAL", f"return {n}", 0)
        raw("EVAL", "return 0", 0)
        raw("EVAL", "return 'one more'", 0)
        known = raw("SCRIPT", "EXISTS", *(sha(body) for body in ("return 0", "return 1", "return 2", "return 'loaded'")))
        assert known == array(integer(1), integer(0), integer(1), integer(1))


class TestEvalsha:
    """EVALSHA."""

    def test_known_and_unknown(self, raw: RawClient) -> None:
        assert raw("EVALSHA", sha("return 7"), 0) == NO_SCRIPT
        raw("EVAL", "return 7", 0)
        assert raw("EVALSHA", sha("return 7").upper(), 0) == integer(7)
        assert raw("EVALSHA", "x", 0) == NO_SCRIPT


class TestEvalRo:
    """EVAL_RO."""

    def test_may_not_write(self, raw: RawClient) -> None:
        body = "return redis.call('SET', 'a', 1)"
        assert raw("EVAL_RO", body, 0) == at("ERR Write commands are not allowed from read-only scripts.", body)
        assert raw("EVAL_RO", "return redis.call('GET', 'a')", 0) == NIL
        assert raw("EVAL_RO", "#!lua\nreturn 1", 0) == error("ERR Can not execute a script with write flag using *_ro command.")


class TestEvalshaRo:
    """EVALSHA_RO."""

    def test_may_not_write(self, raw: RawClient) -> None:
        body = "return redis.call('SET', 'a', 1)"
        raw("SCRIPT", "LOAD", body)
        assert raw("EVALSHA_RO", sha(body), 0) == at("ERR Write commands are not allowed from read-only scripts.", body)


class TestScriptLoad:
    """SCRIPT LOAD."""

    def test_loads(self, raw: RawClient) -> None:
        assert raw("SCRIPT", "LOAD", "return 1") == bulk(sha("return 1"))
        assert raw("SCRIPT", "LOAD", "return (").is_error


class TestScriptExists:
    """SCRIPT EXISTS."""

    def test_each(self, raw: RawClient) -> None:
        raw("SCRIPT", "LOAD", "return 1")
        assert raw("SCRIPT", "EXISTS", sha("return 1"), "x") == array(integer(1), integer(0))


class TestScriptFlush:
    """SCRIPT FLUSH."""

    @pytest.mark.parametrize("words", [(), ("SYNC",), ("async",)])
    def test_forgets(self, raw: RawClient, words: tuple[str, ...]) -> None:
        raw("SCRIPT", "LOAD", "return 1")
        raw("EVAL", "return 2", 0)
        assert raw("SCRIPT", "FLUSH", *words) == OK
        assert raw("SCRIPT", "EXISTS", sha("return 1"), sha("return 2")) == array(integer(0), integer(0))
        assert raw("EVAL", "return 2", 0) == integer(2)

    def test_libraries_begin_anew(self, raw: RawClient) -> None:
        body = "local ok = pcall(cjson.encode, {{1}}) cjson.encode_max_depth(1) return ok and 1 or 0"
        assert [raw("EVAL", body, 0), raw("EVAL", body, 0)] == [integer(1), integer(0)]
        assert raw("SCRIPT", "FLUSH") == OK
        assert raw("EVAL", body, 0) == integer(1)
        assert raw("SCRIPT", "FLUSH") == OK

    def test_wrong_word(self, raw: RawClient) -> None:
        assert raw("SCRIPT", "FLUSH", "x") == error("ERR SCRIPT FLUSH only support SYNC|ASYNC option")


class TestScriptKill:
    """SCRIPT KILL."""

    def test_nothing_runs(self, raw: RawClient) -> None:
        assert raw("SCRIPT", "KILL") == error("NOTBUSY No scripts in execution right now.")


class TestScriptDebug:
    """SCRIPT DEBUG."""

    def test_modes(self, raw: RawClient) -> None:
        assert raw("SCRIPT", "DEBUG", "NO") == OK
        assert raw("SCRIPT", "DEBUG", "x") == error("ERR Use SCRIPT DEBUG YES/SYNC/NO")
