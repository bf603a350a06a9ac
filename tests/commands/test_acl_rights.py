"""What users may do, where it shows: in the gate, in transactions, for those who wait or listen, for SORT's patterns."""

from __future__ import annotations

import pytest

from tests.commands.blocking import wait_blocked
from tests.commands.users import NO_CHANNEL, NO_KEY, As, log_of, no_command, told
from tests.differential.groups import GROUPS
from tests.differential.values import Source
from tests.replies import NIL, OK, QUEUED, array, bulk, error, integer
from tests.resp import Connect, RawClient

CHANGED = (
    "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for "
    "the following reason: no permission to "
)


class TestGate:
    """Commands as they come."""

    def test_keys(self, raw: RawClient, as_user: As) -> None:
        client = as_user("u", "+@all", "~x*", "%R~r*", "%W~w*")
        assert client("SET", "x1", 1) == OK
        assert client("GET", "r") == client("GET", "x2") == NIL
        assert client("SET", "w", 1) == OK
        assert [client(*words) for words in (("GET", "w"), ("SET", "r", 1), ("GET", "y"), ("MGET", "x1", "y"), ("DEL", "x1", "r"))] == [
            NO_KEY
        ] * 5
        assert raw("EXISTS", "x1", "w", "r") == integer(2)

    @pytest.mark.parametrize(
        ("pattern", "fits", "does_not"),
        [
            ("ab", ["ab"], ["", "a", "abc", "Ab"]),
            ("ab*", ["ab", "abc", "ab\0"], ["", "a", "aab"]),
            ("*ab", ["ab", "xab"], ["abx", ""]),
            ("a?c", ["abc", "a?c"], ["ac", "abcd"]),
            ("a[bc]", ["ab", "ac"], ["a", "ad", "a[bc]"]),
            (r"a\*", ["a*"], ["ab", "a"]),
            (r"a\**", ["a*", "a*b"], ["ab", "a"]),
            ("a*b*", ["ab", "axbx"], ["ax", "ba"]),
            ("{}:*", ["{}:1"], ["{x}:1"]),
            ("", [""], ["a"]),
        ],
    )
    def test_patterns(self, as_user: As, pattern: str, fits: list[str], does_not: list[str]) -> None:
        client = as_user("u", "+get", f"~{pattern}")
        assert [client("GET", key) for key in fits] == [NIL] * len(fits)
        assert [client("GET", key) for key in does_not] == [NO_KEY] * len(does_not)

    def test_commands(self, raw: RawClient, as_user: As) -> None:
        client = as_user("u", "allkeys", "+@read", "-get", "+config|get", "+select|1")
        assert client("STRLEN", "x") == integer(0)
        assert client("CONFIG", "GET", "port").kind == "*"
        assert client("SELECT", 1) == OK
        for words, command in (
            (("GET", "x"), "get"), (("SET", "x", 1), "set"), (("CONFIG", "SET", "hz", 10), "config|set"), (("SELECT", 0), "select"),
            (("ACL", "WHOAMI"), "acl|whoami"), (("MULTI",), "multi"),
        ):  # fmt: skip
            assert client(*words) == no_command("u", command)
        raw("ACL", "SETUSER", "u", "+@all")
        assert client("SELECT", 0) == OK

    def test_errors_of_form_come_first(self, as_user: As) -> None:
        client = as_user("u")
        assert client("NOSUCH").value.startswith(b"ERR unknown command")
        assert client("GET").value.startswith(b"ERR wrong number of arguments")
        assert client("CONFIG", "NOSUCH").value.startswith(b"ERR unknown subcommand")

    def test_channels(self, as_user: As) -> None:
        client = as_user("u", "+@all", "&c*", "&d?")
        for words in (("PUBLISH", "c1", "x"), ("SPUBLISH", "d1", "x")):
            assert client(*words) == integer(0)
        for words in (
            ("PUBLISH", "d", "x"),
            ("SUBSCRIBE", "c1", "x"),
            ("PSUBSCRIBE", "c"),
            ("PSUBSCRIBE", "d?", "d*"),
            ("SSUBSCRIBE", "d"),
        ):
            assert client(*words) == NO_CHANNEL
        assert client("PSUBSCRIBE", "d?").value[1] == bulk("d?")

    def test_many_keys(self, as_user: As) -> None:
        """More than the check has room for by itself."""
        client = as_user("u", "+mget", "~x*")
        keys = [f"x{i}" for i in range(1000)]
        assert len(client("MGET", *keys).value) == 1000
        assert client("MGET", *keys, "y") == NO_KEY

    def test_a_user_who_may_all_again(self, raw: RawClient, as_user: As) -> None:
        client = as_user("u", "+get")
        assert client("GET", "x") == NO_KEY
        raw("ACL", "SETUSER", "u", "allkeys", "allchannels", "allcommands")
        assert client("SET", "x", 1) == OK
        raw("ACL", "SETUSER", "u", "reset")
        assert client("GET", "x") == no_command("u", "get")

    def test_rename_command_changes_no_rule(self, start_server: object) -> None:
        """Rules are about what a command is, whatever it is called."""
        server = start_server("--rename-command", "get", "fetch")  # type: ignore[operator]
        with server.client() as client:
            assert client("ACL", "SETUSER", "u", "on", "nopass", "allkeys", "+get") == OK
            assert client("AUTH", "u", "any") == OK
            assert client("FETCH", "x") == NIL
            assert client("SET", "x", 1) == no_command("u", "set")

    def test_they_are_counted_as_rejected(self, raw: RawClient, as_user: As) -> None:
        client = as_user("u", "+ping")
        raw("CONFIG", "RESETSTAT")
        client("GET", "x")
        assert "cmdstat_get:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0" in raw("INFO", "commandstats").value.decode()
        assert "errorstat_NOPERM:count=1" in raw("INFO", "errorstats").value.decode()


class TestTransactions:
    """MULTI and EXEC."""

    def test_refused_when_queued(self, as_user: As) -> None:
        client = as_user("u", "+@all", "~x")
        client("MULTI")
        assert client("GET", "y") == NO_KEY
        assert client("EXEC").value.startswith(b"EXECABORT")

    def test_refused_when_run(self, raw: RawClient, as_user: As) -> None:
        """The others run."""
        client = as_user("u", "+@all", "allkeys", "allchannels")
        client("MULTI")
        for words in (("GET", "x"), ("SET", "y", 1), ("PUBLISH", "c", "m"), ("STRLEN", "y")):
            assert client(*words) == QUEUED
        raw("ACL", "SETUSER", "u", "-get", "resetchannels")
        assert client("EXEC") == array(
            error(CHANGED + "execute the command or subcommand"), OK,
            error(CHANGED + "access one of the channels used as arguments"), integer(1),
        )  # fmt: skip
        raw("ACL", "SETUSER", "u", "resetkeys")
        client("MULTI")
        raw("ACL", "SETUSER", "u", "allkeys")
        client("SET", "x", 1)
        raw("ACL", "SETUSER", "u", "resetkeys")
        assert client("EXEC") == array(error(CHANGED + "touch the specified keys"))
        assert [told(entry)[:4] for entry in log_of(raw)] == [
            (b"key", b"multi", b"x", b"u"), (b"channel", b"multi", b"c", b"u"), (b"command", b"multi", b"get", b"u"),
        ]  # fmt: skip


class TestWaiting:
    """Blocked clients."""

    @pytest.mark.parametrize(("rule", "answer"), [("-blpop", no_command("u", "blpop")), ("resetkeys", NO_KEY)])
    def test_refused_when_served(self, raw: RawClient, as_user: As, rule: str, answer: object) -> None:
        client = as_user("u", "+@all", "allkeys")
        client.send("BLPOP", "l", 0)
        wait_blocked(raw)
        raw("ACL", "SETUSER", "u", rule)
        raw("RPUSH", "l", "a")
        assert client.read() == answer
        assert raw("LRANGE", "l", 0, -1) == array(bulk("a"))
        assert client("ACL", "WHOAMI") == bulk("u")


class TestListening:
    """Subscribed clients whose user loses channels."""

    @pytest.mark.parametrize("words", [("SUBSCRIBE", "c1"), ("PSUBSCRIBE", "c*"), ("SSUBSCRIBE", "c1")])
    def test_closed(self, raw: RawClient, as_user: As, words: tuple[str, str]) -> None:
        client = as_user("u", "+@all", "&c*")
        bystander = as_user("u")
        client(*words)
        raw("ACL", "SETUSER", "u", "&d*")
        raw("ACL", "SETUSER", "u", "resetchannels", "&d*", "(&c*)")
        assert client("PING").value[0] == bulk("pong")
        raw("ACL", "SETUSER", "u", "clearselectors")
        assert client.is_closed()
        assert bystander("ACL", "WHOAMI") == bulk("u")

    def test_a_channel_that_still_fits(self, raw: RawClient, as_user: As) -> None:
        """A pattern has to be there as such."""
        client, other = as_user("u", "+@all", "allchannels"), as_user("u")
        client("SUBSCRIBE", "c1")
        other("PSUBSCRIBE", "c1*")
        raw("ACL", "SETUSER", "u", "resetchannels", "&c*")
        assert client("PING").value[0] == bulk("pong")
        assert other.is_closed()

    def test_by_itself(self, as_user: As) -> None:
        """Who does it to itself gets the reply."""
        client = as_user("u", "+@all", "allchannels")
        client("HELLO", 3)
        client("SUBSCRIBE", "c")
        assert client("ACL", "SETUSER", "u", "resetchannels") == OK
        assert client.is_closed()

    def test_no_channel_was_lost(self, raw: RawClient, connect: Connect, as_user: As) -> None:
        """Who subscribed as somebody else keeps what it has until its user loses something."""
        as_user("u", "+@all")
        client = connect()
        client("HELLO", 3)
        client("SUBSCRIBE", "c")
        client("AUTH", "u", "any")
        raw("ACL", "SETUSER", "u", "+get", "&d")
        assert client("ACL", "WHOAMI") == bulk("u")


class TestSort:
    """BY and GET read keys that are not on the command's line."""

    BY = error("ERR BY option of SORT denied due to insufficient ACL permissions.")
    GET = error("ERR GET option of SORT denied due to insufficient ACL permissions.")

    @pytest.mark.parametrize("rules", [("~x",), ("%R~x", "%W~*"), ("~x", "(%R~* +get)"), ("~x", "(~y* +sort)")])
    def test_refused(self, raw: RawClient, as_user: As, rules: tuple[str, ...]) -> None:
        client = as_user("u", "+@all", *rules)
        raw("RPUSH", "x", 2, 1)
        for words, answer in (
            ("BY y*", self.BY), ("GET y*", self.GET), ("GET #", self.GET), ("BY nosort GET #", self.GET), ("BY nosort BY y*", self.BY),
            ("BY y* LIMIT a b", self.BY),
        ):  # fmt: skip
            assert client("SORT", "x", *words.split()) == answer
        assert client("SORT_RO", "x", "BY", "y*") == self.BY
        assert client("SORT", "x", "BY", "nosort").kind == "*"
        assert client("SORT", "x").value == (bulk("1"), bulk("2"))

    @pytest.mark.parametrize("rules", [("allkeys",), ("%R~*", "~x"), ("~x", "(%R~* +sort)")])
    def test_allowed(self, raw: RawClient, as_user: As, rules: tuple[str, ...]) -> None:
        client = as_user("u", "+@all", *rules)
        raw("RPUSH", "x", 2, 1)
        assert client("SORT", "x", "BY", "y*", "GET", "#") == array(bulk("1"), bulk("2"))


class TestScripts:
    """A script may do what the user may who calls it."""

    @pytest.mark.parametrize(
        ("call", "why", "entry"),
        [
            ("'get','y'", "No permissions to access a key", ("key", "y")),
            ("'publish','d','x'", "No permissions to access a channel", ("channel", "d")),
            ("'set','x','1'", "User u has no permissions to run the 'set' command", ("command", "set")),
            ("'config','get','port'", "This Redis command is not allowed from script", None),
        ],
    )
    def test_refused(self, raw: RawClient, as_user: As, call: str, why: str, entry: tuple[str, str] | None) -> None:
        client = as_user("u", "+eval", "+get", "+publish", "+multi", "+exec", "~x*", "&c*")
        text = f"ERR {why}" if entry is None else f"ERR ACL failure in script: {why}"
        assert client("EVAL", f"return redis.pcall({call})", 0) == error(text)
        answer = client("EVAL", f"return redis.call({call})", 0)
        assert answer.kind == "-" and answer.value.startswith(f"{text} script: ".encode())
        client("MULTI")
        client("EVAL", f"return redis.pcall({call})", 0)
        assert client("EXEC") == array(error(text))
        noted = [] if entry is None else [(entry[0].encode(), b"lua", entry[1].encode(), b"u", 3)]
        assert [told(one) for one in log_of(raw)] == noted

    def test_allowed(self, raw: RawClient, as_user: As) -> None:
        client = as_user("u", "+eval", "+get", "+publish", "~x*", "&c*")
        raw("SET", "x1", "v")
        body = "return {redis.call('get', KEYS[1]), redis.call('publish', 'c1', 'x')}"
        assert client("EVAL", body, 1, "x1") == array(bulk("v"), integer(0))
        # and who may do everything is not held back by who came before
        assert raw("EVAL", "return redis.call('get', 'y')", 0) == NIL

    def test_their_keys(self, as_user: As) -> None:
        client = as_user("u", "+eval", "~x*")
        assert client("EVAL", "return 1", 1, "y") == NO_KEY

    def test_sort(self, raw: RawClient, as_user: As) -> None:
        client = as_user("u", "+@all", "~x*")
        raw("RPUSH", "x", 2, 1)
        assert client("EVAL", "return redis.pcall('sort', 'x', 'by', 'y*')", 0) == error(
            "ERR BY option of SORT denied due to insufficient ACL permissions."
        )

    @pytest.mark.parametrize(
        ("words", "allowed"),
        [
            ("'get','x1'", True), ("'get','y'", False), ("'get'", True), ("'set','x','v'", False), ("'publish','c','x'", True),
            ("'publish','d','x'", False), ("'publish'", True),
        ],
    )  # fmt: skip
    def test_acl_check_cmd(self, as_user: As, words: str, allowed: bool) -> None:
        client = as_user("u", "+eval", "+get", "+publish", "~x*", "&c*")
        assert client("EVAL", f"return redis.acl_check_cmd({words})", 0) == (integer(1) if allowed else NIL)


KEYLESS = (
    "flushall",
    "flushdb",
    "swapdb",
    "debug",
    "randomkey",
    "scan",
    "keys",
    "dbsize",
    "shutdown",
    "select",
    "client",
    "hello",
    "config",
)
SESSION = ("RESET", "QUIT", "MULTI", "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "AUTH", "MONITOR")


@pytest.mark.parametrize("group", [name for name in GROUPS if name not in ("acl", "server", "transactions", "pubsub")])
def test_who_has_no_keys_reads_and_changes_none(raw: RawClient, as_user: As, group: str) -> None:
    """Whatever words a command has, right or wrong: no reply tells of a value, and none is changed."""
    source = Source(group, GROUPS[group].key_type, small=True)
    raw("MSET", *(word for i in range(6) for word in (f"s{i}", "secret")))
    for i in range(4):
        raw("RPUSH", f"l{i}", "secret")
        raw("SADD", f"x{i}", "secret")
        raw("ZADD", f"z{i}", 1, "secret")
        raw("HSET", f"h{i}", "secret", "secret")
        raw("XADD", f"t{i}", "1-1", "secret", "secret")
    before = raw("DEBUG", "DIGEST")
    client = as_user("u", "+@all", "allchannels", *(f"-{name}" for name in KEYLESS))
    for _ in range(500):
        for step in GROUPS[group].unit(source).steps:
            if step.wait and step.name not in SESSION:
                assert b"secret" not in repr(client(*step.args)).encode(), step.args
    assert raw("DEBUG", "DIGEST") == before
