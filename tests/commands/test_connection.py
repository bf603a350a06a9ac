"""The connection group."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from tests.commands.blocking import is_blocked, wait_blocked
from tests.replies import NIL, NOT_AN_INTEGER, OK, SYNTAX, bulk, error, integer, wrong_arguments
from tests.resp import Connect, RawClient, Reply
from tests.servers import ServerProcess
from tests.waiting import wait_until

BAD_NAME = Reply("-", b"ERR Client names cannot contain spaces, newlines or special characters.")
NOAUTH = Reply("-", b"NOAUTH Authentication required.")
WRONGPASS = Reply("-", b"WRONGPASS invalid username-password pair or user is disabled.")
NO_PASSWORD = Reply(
    "-",
    b"ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
)
FIELDS = [
    "id", "addr", "laddr", "fd", "name", "age", "idle", "flags", "db", "sub", "psub", "ssub", "multi", "watch", "qbuf", "qbuf-free",
    "argv-mem", "multi-mem", "rbs", "rbp", "obl", "oll", "omem", "tot-mem", "events", "cmd", "user", "redir", "resp", "lib-name",
    "lib-ver", "io-thread", "tot-net-in", "tot-net-out", "tot-cmds",
]  # fmt: skip


def fields(line: bytes) -> dict[str, str]:
    """A line of CLIENT LIST."""
    return dict(re.findall(r"(\S+?)=(\S*)", line.decode()))


def info(client: RawClient) -> dict[str, str]:
    """CLIENT INFO."""
    return fields(client("CLIENT", "INFO").value)


def listed(client: RawClient, *arguments: object) -> dict[int, dict[str, str]]:
    """CLIENT LIST, by id."""
    lines = client("CLIENT", "LIST", *map(str, arguments)).value.splitlines()
    return {int(found["id"]): found for found in map(fields, lines) if found}


def own_id(client: RawClient) -> int:
    """CLIENT ID."""
    number: int = client("CLIENT", "ID").value
    return number


def blocked(client: RawClient, other: RawClient, *command: str) -> int:
    """Sends a command that blocks, and waits until it does; the client's id."""
    number = own_id(client)
    client.send(*command)
    wait_until(lambda: "b" in listed(other, "ID", number)[number]["flags"])
    return number


@pytest.fixture
def password(raw: RawClient) -> str:
    """The default user has this password; the raw connection stays in."""
    raw("CONFIG", "SET", "requirepass", "secret")
    return "secret"


class TestAuth:
    def test_without_a_password(self, raw: RawClient) -> None:
        assert raw("AUTH", "x") == NO_PASSWORD
        assert raw("AUTH", "default", "anything") == OK
        assert raw("AUTH", "nobody", "x") == WRONGPASS
        assert raw("AUTH") == wrong_arguments("auth")
        assert raw("AUTH", "a", "b", "c") == SYNTAX

    def test_with_a_password(self, raw: RawClient, connect: Connect, password: str) -> None:
        client = connect()
        assert client("PING") == NOAUTH
        assert client("AUTH", "wrong") == WRONGPASS
        assert client("AUTH", "default", "wrong") == WRONGPASS
        assert client("PING") == NOAUTH
        assert client("AUTH", password) == OK
        assert client("PING") == Reply("+", b"PONG")
        assert client("AUTH", "wrong") == WRONGPASS
        assert client("PING") == Reply("+", b"PONG")

    def test_unknown_commands_come_before_authentication(self, connect: Connect, password: str) -> None:
        assert connect()("NOSUCH").value.startswith(b"ERR unknown command")

    def test_in_a_transaction(self, raw: RawClient) -> None:
        raw("MULTI")
        assert raw("AUTH", "default", "x") == Reply("+", b"QUEUED")
        assert raw("EXEC") == Reply("*", (OK,))


class TestHello:
    def test_reply(self, raw: RawClient) -> None:
        reply = raw("HELLO", 3)
        assert reply.kind == "%"
        pairs = {key.value: value for key, value in reply.value}
        assert list(pairs) == [b"server", b"version", b"proto", b"id", b"mode", b"role", b"modules"]
        assert [pairs[name].value for name in (b"server", b"version", b"proto", b"mode", b"role")] == [
            b"redis", b"8.2.3", 3, b"standalone", b"master",
        ]  # fmt: skip
        assert pairs[b"id"] == integer(own_id(raw))
        assert raw("HELLO", 2).kind == "*"
        assert raw("HELLO").value[5] == integer(2)

    def test_versions(self, raw: RawClient) -> None:
        for version in (1, 4, -3):
            assert raw("HELLO", version) == Reply("-", b"NOPROTO unsupported protocol version")
        for version in ("x", "", " 2", "99999999999999999999999"):
            assert raw("HELLO", version) == Reply("-", b"ERR Protocol version is not an integer or out of range")

    def test_options(self, raw: RawClient) -> None:
        for options in (("foo",), ("auth",), ("auth", "a"), ("setname",)):
            assert raw("HELLO", 2, *options) == error(f"ERR Syntax error in HELLO option '{options[0]}'")
        assert raw("HELLO", 2, "SETNAME", "a b") == BAD_NAME
        assert raw("HELLO", 2, "SETNAME", "a", "SETNAME", "b").kind == "*"
        assert raw("CLIENT", "GETNAME") == bulk(b"b")
        assert raw("HELLO", 2, "AUTH", "nobody", "x") == WRONGPASS

    def test_authenticates(self, connect: Connect, password: str) -> None:
        client = connect()
        assert client("HELLO", 3).value.startswith(b"NOAUTH HELLO must be called with the client already authenticated")
        assert client("HELLO", 3, "AUTH", "default", "wrong") == WRONGPASS
        assert client("PING") == NOAUTH
        assert client("HELLO", 3, "AUTH", "default", password, "SETNAME", "me").kind == "%"
        assert client("CLIENT", "GETNAME") == bulk(b"me")

    def test_a_failed_one_changes_nothing(self, raw: RawClient) -> None:
        assert raw("HELLO", 3, "AUTH", "nobody", "x", "SETNAME", "me") == WRONGPASS
        assert raw("CLIENT", "GETNAME") == NIL


class TestReset:
    def test_what_it_sets_back(self, raw: RawClient, connect: Connect) -> None:
        client = connect()
        for command in (("HELLO", "3"), ("SELECT", "3"), ("CLIENT", "SETNAME", "me"), ("CLIENT", "NO-EVICT", "ON"), ("WATCH", "a")):
            client(*command)
        client("CLIENT", "NO-TOUCH", "ON")
        client("MULTI")
        assert client("RESET") == Reply("+", b"RESET")
        found = info(client)
        assert {name: found[name] for name in ("db", "name", "flags", "multi", "watch", "resp")} == {
            "db": "0", "name": "", "flags": "N", "multi": "-1", "watch": "0", "resp": "2",
        }  # fmt: skip
        assert client("EXEC") == Reply("-", b"ERR EXEC without MULTI")

    def test_ends_subscriptions_and_monitor(self, raw: RawClient, connect: Connect) -> None:
        client = connect()
        client("SUBSCRIBE", "c")
        assert client("RESET") == Reply("+", b"RESET")
        assert raw("PUBLISH", "c", "x") == integer(0)
        client("MONITOR")
        assert client("RESET") == Reply("+", b"RESET")
        raw("PING")
        assert client("PING") == Reply("+", b"PONG")

    def test_asks_for_the_password_again(self, connect: Connect, password: str) -> None:
        client = connect()
        client("AUTH", password)
        assert client("RESET") == Reply("+", b"RESET")
        assert client("PING") == NOAUTH


class TestPing:
    def test_replies(self, raw: RawClient) -> None:
        assert raw("PING") == Reply("+", b"PONG")
        assert raw("PING", "a") == bulk(b"a")
        assert raw("PING", "a", "b") == wrong_arguments("ping")

    def test_subscribed(self, raw: RawClient) -> None:
        raw("SUBSCRIBE", "c")
        assert raw("PING") == Reply("*", (bulk(b"pong"), bulk(b"")))
        assert raw("PING", "x") == Reply("*", (bulk(b"pong"), bulk(b"x")))


class TestEcho:
    def test_replies(self, raw: RawClient) -> None:
        assert raw("ECHO", b"\0\xff") == bulk(b"\0\xff")
        assert raw("ECHO") == wrong_arguments("echo")


class TestSelect:
    def test_replies(self, raw: RawClient) -> None:
        assert raw("SELECT", 15) == OK
        assert info(raw)["db"] == "15"
        assert raw("SELECT", 16) == Reply("-", b"ERR DB index is out of range")
        assert raw("SELECT", -1) == Reply("-", b"ERR DB index is out of range")
        assert raw("SELECT", "x") == NOT_AN_INTEGER

    def test_databases_are_apart(self, raw: RawClient) -> None:
        raw("SET", "a", "1")
        raw("SELECT", 1)
        assert raw("GET", "a") == NIL


class TestQuit:
    def test_replies_and_closes(self, connect: Connect) -> None:
        client = connect()
        client.send_bytes(b"PING\r\nQUIT\r\nPING\r\n")
        assert [client.read(), client.read()] == [Reply("+", b"PONG"), OK]
        assert client.is_closed()


class TestClientId:
    def test_grows(self, raw: RawClient, connect: Connect) -> None:
        assert own_id(connect()) < own_id(connect())
        assert raw("CLIENT", "ID", "x") == wrong_arguments("client|id")


class TestClientSetname:
    def test_names(self, raw: RawClient) -> None:
        for bad in ("a b", "a\n", "é", "\x7f"):
            assert raw("CLIENT", "SETNAME", bad) == BAD_NAME
        assert raw("CLIENT", "SETNAME", "a-b!~") == OK
        assert info(raw)["name"] == "a-b!~"
        assert raw("CLIENT", "SETNAME") == wrong_arguments("client|setname")


class TestClientGetname:
    def test_names(self, raw: RawClient) -> None:
        assert raw("CLIENT", "GETNAME") == NIL
        raw("CLIENT", "SETNAME", "x" * 1000)
        assert raw("CLIENT", "GETNAME") == bulk(b"x" * 1000)
        raw("CLIENT", "SETNAME", "")
        assert raw("CLIENT", "GETNAME") == NIL


class TestClientSetinfo:
    def test_attributes(self, raw: RawClient) -> None:
        assert raw("CLIENT", "SETINFO", "lib-name", "mine(v2)") == OK
        assert raw("CLIENT", "SETINFO", "LIB-VER", "1.2") == OK
        assert (info(raw)["lib-name"], info(raw)["lib-ver"]) == ("mine(v2)", "1.2")
        assert raw("CLIENT", "SETINFO", "lib-name", "") == OK
        assert info(raw)["lib-name"] == ""

    def test_refusals(self, raw: RawClient) -> None:
        assert raw("CLIENT", "SETINFO", "FOO", "x") == Reply("-", b"ERR Unrecognized option 'FOO'")
        assert raw("CLIENT", "SETINFO", "LIB-NAME", "a b") == Reply(
            "-", b"ERR LIB-NAME cannot contain spaces, newlines or special characters."
        )


class TestClientInfo:
    def test_fields(self, raw: RawClient) -> None:
        found = info(raw)
        assert list(found) == FIELDS
        assert found["cmd"] == "client|info"
        assert found["addr"].startswith("127.0.0.1:")
        assert (found["user"], found["redir"], found["events"], found["flags"]) == ("default", "-1", "r", "N")
        raw("HELLO", 3)
        reply = raw("CLIENT", "INFO")
        assert reply.kind == "="
        assert reply.value.endswith(b"\n")

    def test_transaction(self, raw: RawClient, connect: Connect) -> None:
        client = connect()
        number = own_id(client)
        client("WATCH", "a", "b")
        client("MULTI")
        client("SET", "a", "1")
        found = listed(raw, "ID", number)[number]
        assert (found["flags"], found["multi"], found["watch"], found["cmd"]) == ("x", "1", "2", "set")
        client("CLIENT", "INFO")
        inside = fields(client("EXEC").value[1].value)
        assert (inside["flags"], inside["multi"], inside["watch"], inside["cmd"]) == ("x", "2", "0", "exec")

    def test_watched_key_changed(self, raw: RawClient, connect: Connect) -> None:
        client = connect()
        number = own_id(client)
        client("WATCH", "a")
        raw("SET", "a", 1)
        assert "d" in listed(raw, "ID", number)[number]["flags"]

    def test_subscriptions(self, raw: RawClient, connect: Connect) -> None:
        client = connect()
        number = own_id(client)
        client("SUBSCRIBE", "a")
        client("SUBSCRIBE", "b")
        client("PSUBSCRIBE", "p*")
        client("SSUBSCRIBE", "s")
        found = listed(raw, "ID", number)[number]
        assert (found["flags"], found["sub"], found["psub"], found["ssub"]) == ("P", "2", "1", "1")


class TestClientList:
    def test_lines(self, raw: RawClient, connect: Connect) -> None:
        other = connect()
        number = own_id(other)
        found = listed(raw)
        assert {own_id(raw), number} <= set(found)
        assert list(found) == sorted(found)
        assert all(list(line) == FIELDS for line in found.values())

    def test_by_id(self, raw: RawClient) -> None:
        number = own_id(raw)
        reply = raw("CLIENT", "LIST", "ID", number, number, 999999999)
        assert reply.value.count(b"\n") == 2
        assert raw("CLIENT", "LIST", "ID", 0) == bulk(b"")
        assert raw("CLIENT", "LIST", "ID", "x") == Reply("-", b"ERR Invalid client ID")
        assert raw("CLIENT", "LIST", "ID", number, "TYPE", "normal") == Reply("-", b"ERR Invalid client ID")
        assert raw("CLIENT", "LIST", "ID") == SYNTAX

    def test_by_type(self, raw: RawClient, connect: Connect) -> None:
        subscriber = connect()
        number = own_id(subscriber)
        subscriber("SUBSCRIBE", "c")
        assert list(listed(raw, "TYPE", "pubsub")) == [number]
        assert number not in listed(raw, "TYPE", "NORMAL")
        for kind in ("master", "slave", "replica"):
            assert raw("CLIENT", "LIST", "TYPE", kind) == bulk(b"")
        assert raw("CLIENT", "LIST", "TYPE", "foo") == Reply("-", b"ERR Unknown client type 'foo'")
        assert raw("CLIENT", "LIST", "TYPE", "normal", "ID", "1") == SYNTAX
        assert raw("CLIENT", "LIST", "USER", "default") == SYNTAX


class TestClientKill:
    def test_by_address(self, raw: RawClient, connect: Connect) -> None:
        client = connect()
        address = info(client)["addr"]
        assert raw("CLIENT", "KILL", address) == OK
        assert client.is_closed()
        assert raw("CLIENT", "KILL", address) == Reply("-", b"ERR No such client")
        assert raw("CLIENT", "KILL", "id") == Reply("-", b"ERR No such client")
        assert raw("CLIENT", "KILL") == wrong_arguments("client|kill")

    def test_filters(self, raw: RawClient, connect: Connect) -> None:
        client = connect()
        found = info(client)
        number = int(found["id"])
        assert raw("CLIENT", "KILL", "ID", number, "ADDR", "1.2.3.4:5") == integer(0)
        assert raw("CLIENT", "KILL", "ID", number, "LADDR", "1.2.3.4:5") == integer(0)
        assert raw("CLIENT", "KILL", "ID", number, "TYPE", "pubsub") == integer(0)
        assert raw("CLIENT", "KILL", "ID", number, "MAXAGE", 100000) == integer(0)
        assert client("PING") == Reply("+", b"PONG")
        assert raw(
            "CLIENT", "KILL", "ID", number, "ADDR", found["addr"], "LADDR", found["laddr"], "TYPE", "normal", "USER", "default"
        ) == integer(1)
        assert client.is_closed()
        assert number not in listed(raw)

    def test_of_an_option_that_comes_twice_the_last_counts(self, raw: RawClient, connect: Connect) -> None:
        client = connect()
        assert raw("CLIENT", "KILL", "ID", 999999999, "ID", own_id(client)) == integer(1)
        assert client.is_closed()

    def test_itself(self, connect: Connect) -> None:
        client = connect()
        number = own_id(client)
        assert client("CLIENT", "KILL", "ID", number) == integer(0)
        assert client("CLIENT", "KILL", "ID", number, "SKIPME", "no") == integer(1)
        assert client.is_closed()
        client = connect()
        assert client("CLIENT", "KILL", info(client)["addr"]) == OK
        assert client.is_closed()

    def test_a_subscriber_and_a_blocked_one(self, raw: RawClient, connect: Connect) -> None:
        subscriber, waiting = connect(), connect()
        subscriber("SUBSCRIBE", "c")
        assert raw("CLIENT", "KILL", "TYPE", "pubsub") == integer(1)
        assert subscriber.is_closed()
        number = blocked(waiting, raw, "BLPOP", "list", "0")
        raw.send("CLIENT", "KILL", "ID", number)  # type: ignore[arg-type]
        raw.send("RPUSH", "list", "a")
        assert [raw.read(), raw.read(), raw("LLEN", "list")] == [integer(1), integer(1), integer(1)]
        assert waiting.is_closed()

    @pytest.mark.parametrize(
        ("arguments", "reply"),
        [
            (("ID", "x"), "ERR client-id should be greater than 0"),
            (("ID", "0"), "ERR client-id should be greater than 0"),
            (("MAXAGE", "x"), "ERR maxage is not an integer or out of range"),
            (("MAXAGE", "0"), "ERR maxage should be greater than 0"),
            (("TYPE", "foo"), "ERR Unknown client type 'foo'"),
            (("USER", "nobody"), "ERR No such user 'nobody'"),
            (("SKIPME", "maybe"), "ERR syntax error"),
            (("FOO", "bar"), "ERR syntax error"),
            (("ID", "1", "2"), "ERR syntax error"),
            (("ID", "999999999", "TYPE"), "ERR syntax error"),
        ],
    )
    def test_refusals(self, raw: RawClient, arguments: tuple[str, ...], reply: str) -> None:
        assert raw("CLIENT", "KILL", *arguments) == error(reply)


class TestClientNoEvict:
    def test_flag(self, raw: RawClient) -> None:
        assert raw("CLIENT", "NO-EVICT", "on") == OK
        assert info(raw)["flags"] == "e"
        assert raw("CLIENT", "NO-EVICT", "OFF") == OK
        assert info(raw)["flags"] == "N"
        assert raw("CLIENT", "NO-EVICT", "x") == SYNTAX
        assert raw("CLIENT", "NO-EVICT") == wrong_arguments("client|no-evict")


class TestClientNoTouch:
    def test_flag(self, raw: RawClient) -> None:
        assert raw("CLIENT", "NO-TOUCH", "ON") == OK
        assert info(raw)["flags"] == "T"
        assert raw("CLIENT", "NO-TOUCH", "off") == OK
        assert info(raw)["flags"] == "N"
        assert raw("CLIENT", "NO-TOUCH", "x") == SYNTAX

    def test_reads_leave_the_frequency(self, raw: RawClient) -> None:
        # a minute may end meanwhile
        raw("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu", "lfu-decay-time", 0)
        raw("CONFIG", "SET", "lfu-log-factor", 0)
        raw("SET", "a", 1)
        raw("CLIENT", "NO-TOUCH", "on")
        before = raw("OBJECT", "FREQ", "a")
        for _ in range(20):
            raw("GET", "a")
        assert raw("OBJECT", "FREQ", "a") == before
        raw("CLIENT", "NO-TOUCH", "off")
        for _ in range(20):
            raw("GET", "a")
        assert raw("OBJECT", "FREQ", "a").value > before.value


class TestClientReply:
    def test_modes(self, raw: RawClient) -> None:
        assert raw("CLIENT", "REPLY", "ON") == OK
        raw.send("CLIENT", "REPLY", "SKIP")
        raw.send("ECHO", "skipped")
        assert raw("ECHO", "a") == bulk(b"a")
        raw.send("CLIENT", "REPLY", "OFF")
        raw.send("ECHO", "off")
        raw.send("NOSUCH")
        raw.send("CLIENT", "REPLY", "SKIP")
        raw.send("CLIENT", "REPLY", "x")
        assert raw("CLIENT", "REPLY", "on") == OK
        assert raw("ECHO", "a") == bulk(b"a")
        assert raw("CLIENT", "REPLY", "x") == SYNTAX

    @pytest.mark.parametrize("mode", ["OFF", "SKIP"])
    @pytest.mark.parametrize(("version", "kind"), [("2", "*"), ("3", ">")])
    def test_pushes_are_no_replies(self, raw: RawClient, connect: Connect, mode: str, version: str, kind: str) -> None:
        """SUBSCRIBE and its kin confirm under OFF and SKIP too, and messages come; the version of the protocol does not matter."""
        client = connect()
        client("HELLO", version)
        for words, expected in [
            (("SUBSCRIBE", "a", "b"), [(b"subscribe", b"a", 1), (b"subscribe", b"b", 2)]),
            (("PSUBSCRIBE", "p*"), [(b"psubscribe", b"p*", 3)]),
            (("UNSUBSCRIBE", "b"), [(b"unsubscribe", b"b", 2)]),
            (("PUNSUBSCRIBE",), [(b"punsubscribe", b"p*", 1)]),
        ]:
            if version == "3" or words[0] == "SUBSCRIBE":
                client.send("CLIENT", "REPLY", mode)
            client.send(*words)
            for confirmation in expected:
                reply = client.read()
                assert (reply.kind, tuple(reply.plain())) == (kind, confirmation)
        assert raw("PUBLISH", "a", "x") == integer(1)
        assert client.read().plain() == [b"message", b"a", b"x"]

    def test_transaction_without_replies(self, connect: Connect) -> None:
        """What is pushed in a transaction comes, though its array does not."""
        client = connect()
        client("HELLO", "3")
        client.send("CLIENT", "REPLY", "OFF")
        for words in (("MULTI",), ("SUBSCRIBE", "a"), ("PUBLISH", "a", "x"), ("GET", "k"), ("EXEC",)):
            client.send(*words)
        assert [client.read().plain(), client.read().plain()] == [[b"subscribe", b"a", 1], [b"message", b"a", b"x"]]
        assert client("CLIENT", "REPLY", "ON") == OK

    def test_monitor_gets_nothing(self, raw: RawClient, connect: Connect) -> None:
        """Lines of MONITOR are replies."""
        client = connect()
        number = own_id(client)
        client.send("CLIENT", "REPLY", "OFF")
        client.send("MONITOR")
        client.send("ECHO", "fence")
        wait_until(lambda: "O" in listed(raw, "ID", number)[number]["flags"])
        assert raw("PING") == Reply("+", b"PONG")
        client.send("CLIENT", "REPLY", "ON")
        assert client.read() == OK


class TestClientPause:
    def test_waiting_clients_are_counted(self, raw: RawClient, connect: Connect) -> None:
        """Those that a pause holds back are blocked, for INFO, until it is over or they are gone."""
        assert raw("CLIENT", "PAUSE", 100000, "WRITE") == OK
        first, second = connect(), connect()
        first.send("SET", "a", "1")
        second.send("BLPOP", "list", "0")
        wait_blocked(raw, 2)
        first.close()
        wait_blocked(raw, 1)
        assert raw("CLIENT", "UNPAUSE") == OK
        wait_blocked(raw, 1)
        assert raw("RPUSH", "list", "x") == integer(1)
        assert second.read().plain() == [b"list", b"x"]
        assert is_blocked(raw, 0)

    def test_all(self, raw: RawClient, connect: Connect) -> None:
        client = connect()
        began = time.monotonic()
        assert raw("CLIENT", "PAUSE", 150) == OK
        client.send("PING")
        client.send("PING")
        assert [client.read(), client.read()] == [Reply("+", b"PONG")] * 2
        # an end is told to the millisecond
        assert time.monotonic() - began > 0.148

    def test_writes_only(self, raw: RawClient, connect: Connect) -> None:
        client = connect()
        assert raw("CLIENT", "PAUSE", 100000, "WRITE") == OK
        assert client("GET", "a") == NIL
        assert client("MULTI") == OK
        assert client("GET", "a") == Reply("+", b"QUEUED")
        assert client("EXEC").kind == "*"
        for command in (("SET", "a", "1"), ("PUBLISH", "c", "x")):
            waiting = connect()
            number = blocked(waiting, raw, *command)
            assert listed(raw, "ID", number)[number]["cmd"] == command[0].lower()
        assert raw("GET", "a") == NIL
        assert raw("CLIENT", "UNPAUSE") == OK
        assert waiting.read() == integer(0)
        assert raw("GET", "a") == bulk(b"1")

    def test_a_transaction_that_writes(self, raw: RawClient, connect: Connect) -> None:
        client = connect()
        client("MULTI")
        client("SET", "a", "1")
        raw("CLIENT", "PAUSE", 100000, "WRITE")
        client.send("EXEC")
        wait_blocked(raw)
        raw("CLIENT", "UNPAUSE")
        assert client.read() == Reply("*", (OK,))

    def test_is_only_made_longer(self, raw: RawClient, connect: Connect) -> None:
        client = connect()
        assert raw("CLIENT", "PAUSE", 100000, "WRITE") == OK
        assert raw("CLIENT", "PAUSE", 1, "WRITE") == OK
        client.send("SET", "a", "1")
        wait_blocked(raw)
        raw("CLIENT", "UNPAUSE")
        assert client.read() == OK

    def test_keys_do_not_expire(self, raw: RawClient, connect: Connect) -> None:
        raw("CLIENT", "PAUSE", 100000, "WRITE")
        raw("CLIENT", "UNPAUSE")
        raw("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        raw("SET", "a", "1", "PX", "1")
        raw("CLIENT", "PAUSE", 100000, "WRITE")
        raw("DEBUG", "SET-ACTIVE-EXPIRE", 1)
        assert raw("DBSIZE") == integer(1)
        wait_until(lambda: raw("GET", "a") == NIL)
        assert raw("DBSIZE") == integer(1)
        raw("CLIENT", "UNPAUSE")

    def test_is_over_for_keys_and_writes_at_once(self, raw: RawClient, connect: Connect) -> None:
        """Even if the timer that ends it comes late, no write meets a key whose time is over and that does not vanish."""
        client = connect()
        now = 1_700_000_000_000_000
        raw("DEBUG", "SET-CLOCK", now)
        try:
            assert raw("SET", "a", "1", "PX", "50") == OK
            assert raw("CLIENT", "PAUSE", 100, "WRITE") == OK
            raw("DEBUG", "SET-CLOCK", now + 200_000)
            assert client("RPUSH", "a", "x") == integer(1)
            assert client("DBSIZE") == integer(1)
            assert client("DEBUG", "VERIFY") == OK
        finally:
            raw("DEBUG", "SET-CLOCK", 0)

    @pytest.mark.parametrize(
        ("arguments", "reply"),
        [
            (("x",), "ERR timeout is not an integer or out of range"),
            (("-1",), "ERR timeout is negative"),
            (("9223372036854775807",), "ERR timeout is out of range"),
            (("1", "x"), "ERR CLIENT PAUSE mode must be WRITE or ALL"),
            (("x", "x"), "ERR CLIENT PAUSE mode must be WRITE or ALL"),
            (("0", "write", "x"), "ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP."),
        ],
    )
    def test_refusals(self, raw: RawClient, arguments: tuple[str, ...], reply: str) -> None:
        assert raw("CLIENT", "PAUSE", *arguments) == error(reply)


class TestClientUnpause:
    def test_without_a_pause(self, raw: RawClient) -> None:
        assert raw("CLIENT", "UNPAUSE") == OK
        assert raw("CLIENT", "UNPAUSE", "x") == wrong_arguments("client|unpause")


class TestClientUnblock:
    def test_as_a_timeout(self, raw: RawClient, connect: Connect) -> None:
        client = connect()
        number = blocked(client, raw, "BLPOP", "a", "0")
        assert raw("CLIENT", "UNBLOCK", number) == integer(1)
        assert client.read() == Reply("*-1", None)
        number = blocked(client, raw, "BLMOVE", "a", "b", "LEFT", "LEFT", "0")
        assert raw("CLIENT", "UNBLOCK", number, "TIMEOUT") == integer(1)
        assert client.read() == Reply("*-1", None)
        assert raw("CLIENT", "UNBLOCK", number) == integer(0)

    def test_as_an_error(self, raw: RawClient, connect: Connect) -> None:
        client = connect()
        number = blocked(client, raw, "BLPOP", "a", "0")
        assert raw("CLIENT", "UNBLOCK", number, "ERROR") == integer(1)
        assert client.read() == Reply("-", b"UNBLOCKED client unblocked via CLIENT UNBLOCK")
        assert client("PING") == Reply("+", b"PONG")

    def test_refusals(self, raw: RawClient) -> None:
        assert raw("CLIENT", "UNBLOCK", "x") == NOT_AN_INTEGER
        assert raw("CLIENT", "UNBLOCK", 1, "x") == Reply("-", b"ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
        assert raw("CLIENT", "UNBLOCK", 999999999) == integer(0)
        assert raw("CLIENT", "UNBLOCK", own_id(raw)) == integer(0)


class TestClientHelp:
    def test_lists_the_subcommands(self, raw: RawClient) -> None:
        reply = raw("CLIENT", "HELP")
        assert all(line.kind == "+" for line in reply.value)
        words = {line.value.split()[0] for line in reply.value if not line.value.startswith(b" ")}
        assert {b"KILL", b"LIST", b"NO-EVICT", b"PAUSE", b"HELP"} <= words
        assert raw("CLIENT", "HELP", "x") == wrong_arguments("client|help")

    def test_unknown_subcommands(self, raw: RawClient) -> None:
        for word in ("foo", "maint_notifications"):
            assert raw("CLIENT", word) == error(f"ERR unknown subcommand '{word}'. Try CLIENT HELP.")
        assert raw("CLIENT") == wrong_arguments("client")


def test_every_idle_client_is_closed_after_the_timeout(start_server: Callable[..., ServerProcess]) -> None:
    server = start_server()
    with server.client() as client, server.client() as subscriber:
        subscriber("SUBSCRIBE", "c")
        assert client("CONFIG", "SET", "timeout", 1) == OK
        assert client.is_closed(timeout=60)
        assert subscriber("PING").kind == "*"
