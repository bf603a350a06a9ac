"""The pubsub group, and keyspace notifications."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.replies import NIL, bulk
from tests.resp import RawClient, Reply


def message(*words: bytes | int, kind: str = "*") -> Reply:
    """A message or a confirmation: bulk strings and integers in an array, or in a push."""
    return Reply(kind, tuple(Reply(":", word) if isinstance(word, int) else bulk(word) for word in words))


class TestSubscribe:
    """SUBSCRIBE channel [channel ...]."""

    def test_confirms_each(self, raw: RawClient) -> None:
        raw.send("SUBSCRIBE", "a", "b", "a")
        assert [raw.read() for _ in range(3)] == [
            message(b"subscribe", b"a", 1), message(b"subscribe", b"b", 2), message(b"subscribe", b"a", 2)
        ]  # fmt: skip

    def test_push_in_resp3(self, raw: RawClient) -> None:
        raw("HELLO", 3)
        assert raw("SUBSCRIBE", "a") == message(b"subscribe", b"a", 1, kind=">")
        assert raw("PING") == Reply("+", b"PONG")
        assert raw("GET", "x").value is None

    def test_other_commands_are_refused_in_resp2(self, raw: RawClient) -> None:
        raw("SUBSCRIBE", "a")
        assert raw("GET", "x") == Reply(
            "-", b"ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
        )
        assert raw("PING") == message(b"pong", b"")
        assert raw("PING", "hi") == message(b"pong", b"hi")
        assert raw("RESET") == Reply("+", b"RESET")
        assert raw("GET", "x") == NIL


class TestUnsubscribe:
    """UNSUBSCRIBE [channel ...]."""

    def test_some_and_all(self, raw: RawClient) -> None:
        assert raw("UNSUBSCRIBE") == Reply("*", (bulk(b"unsubscribe"), NIL, Reply(":", 0)))
        raw.send("SUBSCRIBE", "a", "b")
        raw.read()
        raw.read()
        assert raw("UNSUBSCRIBE", "b") == message(b"unsubscribe", b"b", 1)
        assert raw("UNSUBSCRIBE") == message(b"unsubscribe", b"a", 0)
        assert raw("GET", "x") == NIL


class TestPsubscribe:
    """PSUBSCRIBE pattern [pattern ...]."""

    def test_matches(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        raw("PSUBSCRIBE", "news.*")
        other = connect()
        assert other("PUBLISH", "news.art", "x") == Reply(":", 1)
        assert other("PUBLISH", "old.art", "x") == Reply(":", 0)
        assert raw.read() == message(b"pmessage", b"news.*", b"news.art", b"x")


class TestPunsubscribe:
    """PUNSUBSCRIBE [pattern ...]."""

    def test_leaves(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        raw("PSUBSCRIBE", "a*")
        assert raw("PUNSUBSCRIBE", "a*") == message(b"punsubscribe", b"a*", 0)
        assert connect()("PUBLISH", "ab", "x") == Reply(":", 0)


class TestPublish:
    """PUBLISH channel message."""

    def test_receivers(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        listeners = [connect() for _ in range(3)]
        for listener in listeners:
            listener("SUBSCRIBE", "c")
        listeners[0]("PSUBSCRIBE", "*")
        assert raw("PUBLISH", "c", b"\x00hi") == Reply(":", 4)
        assert [listener.read() for listener in listeners] == [message(b"message", b"c", b"\x00hi")] * 3
        assert listeners[0].read() == message(b"pmessage", b"*", b"c", b"\x00hi")

    def test_to_oneself_comes_after_the_reply(self, raw: RawClient) -> None:
        raw("HELLO", 3)
        raw("SUBSCRIBE", "c")
        assert raw("PUBLISH", "c", "x") == Reply(":", 1)
        assert raw.read() == message(b"message", b"c", b"x", kind=">")


class TestSsubscribe:
    """SSUBSCRIBE shardchannel [shardchannel ...]."""

    def test_counts_apart(self, raw: RawClient) -> None:
        raw("SUBSCRIBE", "a")
        assert raw("SSUBSCRIBE", "s") == message(b"ssubscribe", b"s", 1)


class TestSunsubscribe:
    """SUNSUBSCRIBE [shardchannel ...]."""

    def test_leaves(self, raw: RawClient) -> None:
        raw("SSUBSCRIBE", "s")
        assert raw("SUNSUBSCRIBE") == message(b"sunsubscribe", b"s", 0)


class TestSpublish:
    """SPUBLISH shardchannel message."""

    def test_reaches_shard_subscribers_only(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        shard, plain = connect(), connect()
        shard("SSUBSCRIBE", "c")
        plain("SUBSCRIBE", "c")
        assert raw("SPUBLISH", "c", "x") == Reply(":", 1)
        assert shard.read() == message(b"smessage", b"c", b"x")


class TestPubsubChannels:
    """PUBSUB CHANNELS [pattern]."""

    def test_lists(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        listener = connect()
        listener.send("SUBSCRIBE", "a1", "b1")
        listener.read()
        listener.read()
        assert sorted(raw("PUBSUB", "CHANNELS").plain()) == [b"a1", b"b1"]
        assert raw("PUBSUB", "CHANNELS", "a*").plain() == [b"a1"]
        assert raw("PUBSUB", "CHANNELS", "a", "b") == Reply(
            "-", b"ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP."
        )


class TestPubsubNumsub:
    """PUBSUB NUMSUB [channel ...]."""

    def test_counts(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        listener = connect()
        listener("SUBSCRIBE", "a")
        assert raw("PUBSUB", "NUMSUB", "a", "b").plain() == [b"a", 1, b"b", 0]
        assert raw("PUBSUB", "NUMSUB") == Reply("*", ())


class TestPubsubNumpat:
    """PUBSUB NUMPAT."""

    def test_counts_patterns_once(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        listeners = [connect(), connect()]
        for listener in listeners:
            listener("PSUBSCRIBE", "a*")
        assert raw("PUBSUB", "NUMPAT") == Reply(":", 1)


class TestPubsubShardchannels:
    """PUBSUB SHARDCHANNELS [pattern]."""

    def test_lists(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        listener = connect()
        listener("SSUBSCRIBE", "s")
        assert raw("PUBSUB", "SHARDCHANNELS").plain() == [b"s"]
        assert raw("PUBSUB", "CHANNELS").plain() == []


class TestPubsubShardnumsub:
    """PUBSUB SHARDNUMSUB [shardchannel ...]."""

    def test_counts(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        listener = connect()
        listener("SSUBSCRIBE", "s")
        assert raw("PUBSUB", "SHARDNUMSUB", "s", "x").plain() == [b"s", 1, b"x", 0]


class TestNotifications:
    """Keyspace notifications."""

    def test_both_kinds(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        raw("CONFIG", "SET", "notify-keyspace-events", "KE$")
        listener = connect()
        listener("PSUBSCRIBE", "__key*@0__:*")
        raw("SET", "a", 1)
        assert listener.read() == message(b"pmessage", b"__key*@0__:*", b"__keyspace@0__:a", b"set")
        assert listener.read() == message(b"pmessage", b"__key*@0__:*", b"__keyevent@0__:set", b"a")

    def test_classes(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        """Only the classes that were asked for."""
        raw("CONFIG", "SET", "notify-keyspace-events", "El")
        listener = connect()
        listener("PSUBSCRIBE", "__keyevent@*")
        raw("SET", "a", 1)
        raw("RPUSH", "l", 1)
        assert listener.read() == message(b"pmessage", b"__keyevent@*", b"__keyevent@0__:rpush", b"l")

    @pytest.mark.zippy_only
    def test_expired(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        raw("CONFIG", "SET", "notify-keyspace-events", "Ex")
        listener = connect()
        listener("SUBSCRIBE", "__keyevent@0__:expired")
        raw("DEBUG", "SET-CLOCK", 1_000_000_000_000_000)
        raw("SET", "a", 1, "PX", 50)
        raw("DEBUG", "SET-CLOCK", 1_000_000_001_000_000)
        assert raw("GET", "a") == NIL
        assert listener.read() == message(b"message", b"__keyevent@0__:expired", b"a")
        raw("DEBUG", "SET-CLOCK", 0)
