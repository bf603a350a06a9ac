"""The connection group: client-side caching."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.commands.blocking import wait_blocked
from tests.replies import NIL, NIL3, OK, array, bulk, error, integer
from tests.resp import Connect, RawClient, Reply
from tests.waiting import wait_until

OVERLAP = "ERR Prefix '{}' overlaps with {} prefix '{}'. Prefixes for a single client must not overlap."


def invalid(*keys: bytes) -> Reply:
    """What a tracker is told of keys; without any: that all are invalid."""
    return Reply(">", (bulk(b"invalidate"), array(*map(bulk, keys)) if keys else NIL3))


def message(*keys: bytes) -> Reply:
    """The same, of a client that is told over the channel."""
    return array(bulk(b"message"), bulk(b"__redis__:invalidate"), array(*map(bulk, keys)) if keys else NIL)


def own_id(client: RawClient) -> int:
    """The connection's id."""
    return int(client("CLIENT", "ID").value)


def told(client: RawClient) -> list[Reply]:
    """All that has been sent to a client that waits for no reply."""
    return client.read_until(b"that is all")


def mode(client: RawClient) -> tuple[set[bytes], int, list[bytes]]:
    """What CLIENT TRACKINGINFO says: flags, redirect and prefixes."""
    words = client("CLIENT", "TRACKINGINFO").value
    found = dict(words) if len(words) == 3 else dict(zip(words[::2], words[1::2], strict=True))
    flags, redirect, prefixes = (found[bulk(name)].value for name in (b"flags", b"redirect", b"prefixes"))
    return {flag.value for flag in flags}, redirect, [prefix.value for prefix in prefixes]


@pytest.fixture
def cache(connect: Connect) -> RawClient:
    """A client that can be told of invalid keys."""
    client = connect()
    client("HELLO", 3)
    return client


@pytest.fixture
def clock(raw: RawClient) -> Iterator[RawClient]:
    """A connection behind which nothing expires but when it is come across, at a clock that stands."""
    raw("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    raw("DEBUG", "SET-CLOCK", 1_900_000_000_000_000)
    yield raw
    raw("DEBUG", "SET-CLOCK", 0)
    raw("DEBUG", "SET-ACTIVE-EXPIRE", 1)


class TestClientTracking:
    """CLIENT TRACKING <ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]."""

    @pytest.mark.parametrize(
        ("words", "reply"),
        [
            ("maybe", "ERR syntax error"),
            ("ON foo", "ERR syntax error"),
            ("ON REDIRECT", "ERR syntax error"),
            ("ON BCAST PREFIX", "ERR syntax error"),
            ("ON REDIRECT x", "ERR value is not an integer or out of range"),
            ("ON REDIRECT 0", "ERR The client ID you want redirect to does not exist"),
            ("ON REDIRECT -1", "ERR The client ID you want redirect to does not exist"),
            ("foo REDIRECT 99999999", "ERR The client ID you want redirect to does not exist"),
            ("ON PREFIX x", "ERR PREFIX option requires BCAST mode to be enabled"),
            ("ON BCAST OPTIN", "ERR OPTIN and OPTOUT are not compatible with BCAST"),
            ("ON OPTIN OPTOUT", "ERR You can't specify both OPTIN mode and OPTOUT mode"),
            ("ON BCAST PREFIX foo PREFIX foob", OVERLAP.format("foo", "another provided", "foob")),
            ("ON BCAST PREFIX foob PREFIX foo", OVERLAP.format("foob", "another provided", "foo")),
            ("ON BCAST PREFIX a PREFIX a", OVERLAP.format("a", "another provided", "a")),
        ],
    )
    def test_wrong_options(self, cache: RawClient, words: str, reply: str) -> None:
        assert cache("CLIENT", "TRACKING", *words.split()) == error(reply)
        assert mode(cache) == ({b"off"}, -1, [])

    @pytest.mark.zippy_only
    def test_prefixes_that_overlap_are_refused_wherever_they_stand(self, cache: RawClient) -> None:
        """Redis 8.2.3 replies with the error and with OK to these."""
        for words, pair in (("z x zz z q", ("z", "zz")), ("q x z y x", ("x", "x")), ("b a ab c", ("a", "ab"))):
            prefixes = [word for prefix in words.split() for word in ("PREFIX", prefix)]
            assert cache("CLIENT", "TRACKING", "ON", "BCAST", *prefixes) == error(OVERLAP.format(pair[0], "another provided", pair[1]))
            assert cache("PING") == Reply("+", b"PONG")
        assert mode(cache) == ({b"off"}, -1, [])

    def test_one_redirection(self, cache: RawClient, connect: Connect) -> None:
        other = own_id(connect())
        reply = cache("CLIENT", "TRACKING", "ON", "REDIRECT", other, "REDIRECT", other)
        assert reply == error("ERR A client can only redirect to a single other client")

    def test_modes_do_not_change_into_each_other(self, cache: RawClient) -> None:
        assert cache("CLIENT", "TRACKING", "ON") == OK
        assert cache("CLIENT", "TRACKING", "ON", "BCAST").value.startswith(b"ERR You can't switch BCAST mode on/off before")
        assert cache("CLIENT", "TRACKING", "ON", "OPTIN") == OK
        assert cache("CLIENT", "TRACKING", "ON", "OPTOUT").value.startswith(b"ERR You can't switch OPTIN/OPTOUT mode before")
        assert cache("CLIENT", "TRACKING", "OFF") == OK
        assert cache("CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP") == OK
        assert cache("CLIENT", "TRACKING", "ON").value.startswith(b"ERR You can't switch BCAST mode on/off before")

    def test_prefixes_join_those_that_are_there(self, cache: RawClient) -> None:
        assert cache("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "foo", "PREFIX", "bar") == OK
        for prefix in ("f", "foo", "fooo"):
            assert cache("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", prefix) == error(OVERLAP.format(prefix, "an existing", "foo"))
        assert cache("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "new") == OK
        assert mode(cache)[2] == [b"bar", b"foo", b"new"]
        assert cache.info("stats")["tracking_total_prefixes"] == "3"
        assert cache("CLIENT", "TRACKING", "OFF") == OK
        assert cache.info("stats")["tracking_total_prefixes"] == "0"

    def test_each_reader_is_told_once(self, raw: RawClient, cache: RawClient, connect: Connect) -> None:
        second = connect()
        second("HELLO", 3)
        for client in (cache, second):
            client("CLIENT", "TRACKING", "ON")
            client("MGET", "k", "l")
        stats = cache.info("stats")
        assert (stats["tracking_total_keys"], stats["tracking_total_items"]) == ("2", "4")
        assert cache.info("clients")["tracking_clients"] == "2"
        raw("SET", "k", 1)
        raw("SET", "k", 2)
        assert told(cache) == told(second) == [invalid(b"k")]
        second.close()
        raw("SET", "l", 1)
        assert told(cache) == [invalid(b"l")]
        assert cache.info("stats")["tracking_total_items"] == "0"

    def test_who_speaks_the_old_protocol_is_not_told(self, raw: RawClient, connect: Connect) -> None:
        old = connect()
        old("CLIENT", "TRACKING", "ON")
        old("GET", "k")
        raw("SET", "k", 1)
        assert told(old) == []

    def test_protocol_changes(self, raw: RawClient, cache: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON")
        cache("GET", "k")
        cache("HELLO", 2)
        raw("SET", "k", 1)
        cache("HELLO", 3)
        cache("GET", "k")
        raw("SET", "k", 2)
        assert told(cache) == [invalid(b"k")]

    def test_own_writes_are_told_behind_the_reply(self, cache: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON")
        cache("GET", "k")
        assert cache("SET", "k", 1) == OK
        assert told(cache) == [invalid(b"k")]
        cache("GET", "k")
        cache.send("MULTI")
        cache.send("SET", "k", 2)
        cache.send("GET", "k")
        cache.send("DEL", "k")
        cache.send("EXEC")
        replies = [cache.read() for _ in range(7)]
        assert replies[4:] == [array(OK, bulk(b"2"), integer(1)), invalid(b"k"), invalid(b"k")]

    def test_messages_of_a_command_come_before_its_own_keys(self, raw: RawClient, cache: RawClient) -> None:
        raw("CONFIG", "SET", "notify-keyspace-events", "KEA")
        cache("SUBSCRIBE", "__keyspace@0__:k")
        cache("CLIENT", "TRACKING", "ON")
        cache("GET", "k")
        assert cache("SET", "k", 1) == OK
        kinds = [reply.value[0].value for reply in told(cache)]
        assert kinds == [b"message", b"invalidate"]

    def test_noloop(self, raw: RawClient, cache: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON", "NOLOOP")
        cache("GET", "k")
        cache("SET", "k", 1)
        raw("SET", "k", 2)
        assert told(cache) == []  # the key was forgotten with the first write
        cache("GET", "k")
        raw("SET", "k", 3)
        assert told(cache) == [invalid(b"k")]

    def test_broadcast_at_the_end_of_the_turn(self, raw: RawClient, cache: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "a", "PREFIX", "b")
        raw("MSET", "b2", 1, "a2", 1, "a1", 1, "c", 1, "a2", 2)
        assert told(cache) == [invalid(b"a1", b"a2"), invalid(b"b2")]
        cache.send("SET", "a1", 1)
        assert [cache.read(), cache.read()] == [OK, invalid(b"a1")]

    def test_broadcast_without_prefixes_is_of_all_keys(self, raw: RawClient, cache: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON", "BCAST")
        raw("SELECT", 3)
        raw("MSET", "", 1, "z", 1)
        assert told(cache) == [invalid(b"", b"z")]

    def test_broadcast_noloop(self, raw: RawClient, cache: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP")
        cache("SET", "k", 1)
        assert told(cache) == []
        raw("MSET", "k", 1, "l", 1)
        assert told(cache) == [invalid(b"k", b"l")]

    def test_broadcast_of_what_changes_again_and_again(self, connect: Connect, raw: RawClient, cache: RawClient) -> None:
        """Whoever asks for a prefix meanwhile is told too; with NOLOOP the last change counts."""
        other = connect()
        other("HELLO", 3)
        other("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "a")
        changes = ["SET abc 1", "SET abc 2", "CLIENT TRACKING ON BCAST PREFIX ab", "SET none 1", "SET abc 3", "SET abc 4"]
        cache.send_bytes("\r\n".join([*changes, ""]).encode())
        assert [cache.read() for _ in range(7)] == [OK] * 6 + [invalid(b"abc")]
        assert told(other) == [invalid(b"abc")]
        other("CLIENT", "TRACKING", "OFF")
        other("CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP")
        other("MSET", "k", 1, "k", 2, "l", 1, "k", 3)
        assert told(other) == []
        raw("MSET", "k", 1, "k", 2, "l", 1, "k", 3)
        assert told(other) == [invalid(b"k", b"l")]

    def test_a_write_by_who_was_blocked_is_its_own(self, raw: RawClient, cache: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP")
        cache.send("BLPOP", "l", 0)
        wait_blocked(raw)
        assert raw("RPUSH", "l", "x") == integer(1)
        assert cache.read() == array(bulk(b"l"), bulk(b"x"))
        assert told(cache) == []

    def test_a_blocked_reader(self, raw: RawClient, cache: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON")
        cache("XADD", "x", "1-1", "f", "v")
        cache.send("XREAD", "BLOCK", 0, "STREAMS", "x", "$")
        wait_blocked(raw)
        raw("XADD", "x", "2-1", "f", "v")
        assert cache.read() == invalid(b"x")
        assert cache.read().kind == "%"
        raw("XADD", "x", "3-1", "f", "v")
        assert told(cache) == [invalid(b"x")]

    @pytest.mark.zippy_only
    def test_expiry(self, clock: RawClient, cache: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON")
        for who, reader in ((clock, b"GET"), (clock, b"TTL"), (cache, b"GET")):
            clock("SET", "k", 1, "PX", 1000)
            cache("GET", "k")
            clock("DEBUG", "SET-CLOCK", 1_900_000_002_000_000)
            who(reader, "k")
            assert told(cache) == [invalid(b"k")]
            clock("DEBUG", "SET-CLOCK", 1_900_000_000_000_000)
            told(cache)

    @pytest.mark.zippy_only
    def test_active_expiry_of_a_field(self, clock: RawClient, cache: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON")
        clock("HSET", "h", "f", 1, "g", 2)
        clock("HPEXPIRE", "h", 1000, "FIELDS", 1, "f")
        cache("HGETALL", "h")
        clock("DEBUG", "SET-CLOCK", 1_900_000_002_000_000)
        clock("DEBUG", "SET-ACTIVE-EXPIRE", 1)
        assert cache.read() == invalid(b"h")

    def test_flush(self, raw: RawClient, cache: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON")
        for command in (["FLUSHALL"], ["FLUSHDB", "ASYNC"], ["FLUSHDB", "SYNC"]):
            cache("GET", "k")
            raw(*command)
            assert told(cache) == [invalid()]
            assert cache.info("stats")["tracking_total_keys"] == "0"
        cache.send("FLUSHALL", "ASYNC")
        assert [cache.read(), cache.read()] == [OK, invalid()]
        cache.send("FLUSHALL", "SYNC")
        assert [cache.read(), cache.read()] == [invalid(), OK]

    def test_flush_of_many_keys_is_counted_as_free(self, raw: RawClient, cache: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON")
        before = int(cache.info("memory")["used_memory"])
        keys = [f"key {number} {'x' * 100}" for number in range(5000)]
        cache("EXISTS", *keys)
        assert int(cache.info("memory")["used_memory"]) > before + 5000 * 110
        assert cache.info("stats")["tracking_total_keys"] == "5000"
        raw("FLUSHALL")
        assert cache.read() == invalid()
        wait_until(lambda: int(cache.info("memory")["used_memory"]) < before + 5000 * 50)

    @pytest.mark.zippy_only
    def test_swapdb_is_a_flush(self, raw: RawClient, cache: RawClient) -> None:
        """Redis 8.2 tells nobody, so that caches keep what the other database has now."""
        cache("CLIENT", "TRACKING", "ON")
        cache("GET", "k")
        raw("SWAPDB", 0, 1)
        assert told(cache) == [invalid()]
        raw("SWAPDB", 0, 0)
        assert told(cache) == []

    def test_reload(self, raw: RawClient, cache: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON")
        raw("SET", "k", 1)
        cache("GET", "k")
        assert raw("DEBUG", "RELOAD") == OK
        assert told(cache) == [invalid()]

    @pytest.mark.zippy_only
    def test_eviction(self, raw: RawClient, cache: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON")
        for number in range(50):
            raw("SET", number, "x" * 1000)
        cache("EXISTS", *range(50))
        # the next command evicts all that has to go, however long that takes
        raw("CONFIG", "SET", "maxmemory-policy", "allkeys-random", "maxmemory-eviction-tenacity", 100)
        raw("CONFIG", "SET", "maxmemory", int(raw.info("memory")["used_memory"]) - 20_000)
        raw("PING")
        raw("CONFIG", "SET", "maxmemory", 0)
        keys = [reply.value[1].value[0].value for reply in told(cache)]
        assert keys
        assert all(raw("EXISTS", key) == integer(0) for key in keys)
        assert len(keys) == len(set(keys)) == 50 - int(raw("DBSIZE").value)

    @pytest.mark.zippy_only
    def test_who_is_refused_tells_of_what_was_evicted_for_it(self, raw: RawClient, cache: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON")
        raw("SET", "k", "x" * 1000)
        cache("GET", "k")
        raw("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
        raw("CONFIG", "SET", "maxmemory", 1)
        assert raw("SET", "l", 1).value.startswith(b"OOM")
        assert told(cache) == [invalid(b"k")]
        raw("CONFIG", "SET", "maxmemory", 0)

    @pytest.mark.zippy_only
    def test_table_is_bounded(self, raw: RawClient, cache: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON")
        raw("CONFIG", "SET", "tracking-table-max-keys", 10)
        assert cache("EXISTS", *range(100)) == integer(0)
        keys = {reply.value[1].value[0].value for reply in told(cache)}
        assert raw.info("stats")["tracking_total_keys"] == "10"
        assert len(keys) >= 89
        raw("CONFIG", "SET", "tracking-table-max-keys", 0)
        cache("EXISTS", *range(100))
        assert raw.info("stats")["tracking_total_keys"] == "100"
        raw("CONFIG", "SET", "tracking-table-max-keys", 5)
        while raw.info("stats")["tracking_total_keys"] != "5":
            cache.send("EXISTS", "another")
        assert len({reply.value[1].value[0].value for reply in told(cache) if reply.kind == ">"}) >= 95

    @pytest.mark.zippy_only
    def test_clients_that_come_and_go_take_no_memory(self, raw: RawClient, cache: RawClient, connect: Connect) -> None:
        """Their ids are taken out where a key has no room for another one."""
        cache("CLIENT", "TRACKING", "ON")
        cache("GET", "k")
        for _ in range(60):
            with connect() as other:
                other("CLIENT", "TRACKING", "ON")
                other("GET", "k")
        assert int(raw.info("stats")["tracking_total_items"]) < 10
        raw("SET", "k", 1)
        assert told(cache) == [invalid(b"k")]

    def test_who_tracks_again_is_told_of_what_it_read_before(self, raw: RawClient, cache: RawClient, connect: Connect) -> None:
        cache("CLIENT", "TRACKING", "ON")
        cache("GET", "k")
        cache("CLIENT", "TRACKING", "OFF")
        for _ in range(9):
            other = connect()
            other("CLIENT", "TRACKING", "ON")
            other("GET", "k")
        cache("CLIENT", "TRACKING", "ON")
        raw("SET", "k", 1)
        assert told(cache) == [invalid(b"k")]

    @pytest.mark.zippy_only
    def test_who_tracked_last_leaves_nothing(self, raw: RawClient, connect: Connect) -> None:
        with connect() as other:
            other("CLIENT", "TRACKING", "ON")
            other("EXISTS", *range(3000))
            other("CLIENT", "TRACKING", "OFF")
            assert raw.info("stats")["tracking_total_keys"] == "3000"
        while raw.info("stats")["tracking_total_keys"] != "0":
            raw("PING")

    @pytest.mark.parametrize(
        "command",
        [
            "SET k 2", "DEL k", "UNLINK k", "EXPIRE k 100", "GETDEL k", "RENAME k other", "MOVE k 5", "COPY other k REPLACE", "APPEND k ''",
            "BITOP NOT k other", "MSET a 1 k 2", "SINTERSTORE k nosuch", "PFADD hll a", "SORT list STORE k", "PEXPIRE k -1",
        ],
    )  # fmt: skip
    def test_all_kinds_of_writes(self, raw: RawClient, cache: RawClient, command: str) -> None:
        raw("SET", "k", 1)
        raw("SET", "other", 1)
        raw("RPUSH", "list", 1)
        cache("CLIENT", "TRACKING", "ON")
        cache("EXISTS", "k", "hll")
        raw(*command.split())
        assert told(cache) == [invalid(b"hll" if "hll" in command else b"k")]

    @pytest.mark.parametrize(
        "command", ["GET k", "SETNX k 2", "TOUCH k", "EXPIRE nosuch 1", "GETEX k", "SADD k 1", "RENAMENX k k", "WATCH k"]
    )
    def test_what_changes_nothing(self, raw: RawClient, cache: RawClient, command: str) -> None:
        raw("SET", "k", 1)
        cache("CLIENT", "TRACKING", "ON")
        cache("GET", "k")
        raw(*command.split())
        assert told(cache) == []

    @pytest.mark.parametrize(
        ("command", "keys"),
        [
            ("EXISTS a b a", 2), ("GET a b", 0), ("GET list", 1), ("XREAD STREAMS a b 0 0", 2), ("ZUNION 2 a b", 2), ("ZUNION 3 a b", 0),
            ("SORT a", 0), ("SORT_RO a", 1), ("GETEX a", 0), ("GETDEL a", 0), ("WATCH a", 0), ("SCAN 0", 0), ("RANDOMKEY", 0),
            ("OBJECT ENCODING a", 1), ("MEMORY USAGE a", 1), ("DUMP a", 1), ("BITFIELD a GET u8 0", 0), ("BITFIELD_RO a GET u8 0", 1),
            ("COPY a b", 0), ("DEBUG OBJECT list", 0),
        ],
    )  # fmt: skip
    def test_what_is_remembered(self, raw: RawClient, cache: RawClient, command: str, keys: int) -> None:
        raw("RPUSH", "list", 1)
        cache("CLIENT", "TRACKING", "ON")
        cache(*command.split())
        assert cache.info("stats")["tracking_total_keys"] == str(keys)

    def test_redirection_to_the_new_protocol(self, raw: RawClient, cache: RawClient, connect: Connect) -> None:
        reader = connect()
        reader("CLIENT", "TRACKING", "ON", "REDIRECT", own_id(cache))
        reader("GET", "k")
        reader("SET", "k", 1)
        assert told(cache) == [invalid(b"k")]
        reader("GET", "k")
        assert cache("SET", "k", 1) == OK
        assert told(cache) == [invalid(b"k")]
        reader("CLIENT", "TRACKING", "ON", "REDIRECT", own_id(cache), "NOLOOP")
        reader("GET", "k")
        reader("SET", "k", 1)
        assert told(cache) == []

    def test_redirection_to_a_subscriber(self, raw: RawClient, connect: Connect) -> None:
        reader, target = connect(), connect()
        reader("CLIENT", "TRACKING", "ON", "REDIRECT", own_id(target))
        reader("GET", "k")
        raw("SET", "k", 1)
        assert told(target) == []  # it is subscribed to nothing
        target("SUBSCRIBE", "__redis__:invalidate")
        reader("GET", "k")
        raw("SET", "k", 1)
        assert target.read() == message(b"k")
        raw("FLUSHALL")
        assert target.read() == message()
        reader("CLIENT", "TRACKING", "OFF")
        reader("CLIENT", "TRACKING", "ON", "BCAST", "REDIRECT", own_id(raw))
        assert told(target) == []

    def test_redirection_that_breaks(self, raw: RawClient, cache: RawClient, connect: Connect) -> None:
        target = connect()
        number = own_id(target)
        cache("CLIENT", "TRACKING", "ON", "REDIRECT", number)
        cache("GET", "k")
        assert raw("CLIENT", "KILL", "ID", number) == integer(1)
        assert mode(cache) == ({b"on"}, number, [])
        raw("SET", "k", 1)
        broken = Reply(">", (bulk(b"tracking-redir-broken"), integer(number)))
        assert told(cache) == [broken]
        assert mode(cache) == ({b"on", b"broken_redirect"}, number, [])
        assert set(info(cache)["flags"]) == {"t", "R"}
        raw("FLUSHALL")
        assert told(cache) == [broken]
        assert cache("CLIENT", "TRACKING", "ON") == OK
        assert mode(cache) == ({b"on"}, 0, [])

    @pytest.mark.zippy_only
    def test_a_flush_is_told_in_the_protocol_of_who_is_told(self, raw: RawClient, cache: RawClient, connect: Connect) -> None:
        """Redis 8.2 writes the null of who tracks, which a client of the old protocol cannot read."""
        target = connect()
        cache("CLIENT", "TRACKING", "ON", "REDIRECT", own_id(target))
        target("SUBSCRIBE", "x")
        raw("FLUSHALL")
        assert target.read() == message()

    def test_pushes_come_whatever_client_reply_says(self, cache: RawClient, raw: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON")
        cache("GET", "k")
        cache.send("CLIENT", "REPLY", "OFF")
        cache.send("SET", "k", 1)
        assert cache.read() == invalid(b"k")
        cache.send("GET", "k")
        cache.send("FLUSHALL")
        assert cache.read() == invalid()
        assert cache("CLIENT", "REPLY", "ON") == OK

    def test_reset(self, raw: RawClient, cache: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON", "OPTIN", "NOLOOP")
        assert cache("RESET") == Reply("+", b"RESET")
        assert mode(cache) == ({b"off"}, -1, [])
        assert info(cache)["flags"] == "N"
        assert cache.info("clients")["tracking_clients"] == "0"

    def test_flags_of_client_list(self, cache: RawClient) -> None:
        assert info(cache)["redir"] == "-1"
        cache("CLIENT", "TRACKING", "ON", "BCAST")
        found = info(cache)
        assert (set(found["flags"]), found["redir"]) == ({"t", "B"}, "0")

    @pytest.mark.zippy_only
    def test_many_prefixes(self, cache: RawClient, raw: RawClient) -> None:
        """They are compared in order, not each with each."""
        prefixes = [word for number in range(50_000) for word in ("PREFIX", f"{number:06}")]
        assert cache("CLIENT", "TRACKING", "ON", "BCAST", *prefixes) == OK
        assert cache("CLIENT", "TRACKING", "ON", "BCAST", *prefixes[:1000], "PREFIX", "z") == error(
            OVERLAP.format("000000", "an existing", "000000")
        )
        raw("SET", "049999 and more", 1)
        assert told(cache) == [invalid(b"049999 and more")]


def info(client: RawClient) -> dict[str, str]:
    """CLIENT INFO's fields."""
    return dict(field.split("=", 1) for field in client("CLIENT", "INFO").plain().decode().split())


class TestClientCaching:
    """CLIENT CACHING <YES | NO>."""

    def test_where_it_means_nothing(self, cache: RawClient) -> None:
        outside = "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
        assert cache("CLIENT", "CACHING", "YES") == cache("CLIENT", "CACHING", "foo") == error(outside)
        cache("CLIENT", "TRACKING", "ON")
        only = "ERR CLIENT CACHING {} is only valid when tracking is enabled in {} mode."
        assert cache("CLIENT", "CACHING", "YES") == error(only.format("YES", "OPTIN"))
        assert cache("CLIENT", "CACHING", "NO") == error(only.format("NO", "OPTOUT"))
        assert cache("CLIENT", "CACHING", "foo") == error("ERR syntax error")

    @pytest.mark.parametrize(
        ("commands", "kept"),
        [
            (["CLIENT CACHING YES", "GET k"], True),
            (["CLIENT CACHING YES", "CLIENT GETNAME", "CLIENT SETNAME x", "GET k"], True),
            (["CLIENT CACHING YES", "PING", "GET k"], False),
            (["CLIENT CACHING YES", "NOSUCH", "GET k"], False),
            (["CLIENT CACHING YES", "CLIENT NOSUCH", "GET k"], False),
            (["CLIENT CACHING YES", "GET", "GET k"], False),
            (["CLIENT CACHING YES", "MULTI", "GET k", "EXEC"], True),
            (["MULTI", "CLIENT CACHING YES", "GET k", "EXEC"], True),
            (["MULTI", "GET k", "CLIENT CACHING YES", "EXEC", "GET k"], False),
            (["CLIENT CACHING YES", "MULTI", "DISCARD", "GET k"], False),
            (["CLIENT CACHING YES", "MULTI", "EXEC", "GET k"], False),
            (["GET k"], False),
        ],
    )
    def test_optin(self, raw: RawClient, cache: RawClient, commands: list[str], kept: bool) -> None:
        cache("CLIENT", "TRACKING", "ON", "OPTIN")
        for command in commands:
            cache(*command.split())
        raw("SET", "k", 1)
        assert told(cache) == [invalid(b"k")] * kept

    def test_optout(self, raw: RawClient, cache: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON", "OPTOUT")
        assert cache("CLIENT", "CACHING", "NO") == OK
        assert mode(cache)[0] == {b"on", b"optout", b"caching-no"}
        cache("GET", "k")
        raw("SET", "k", 1)
        assert told(cache) == []
        cache("GET", "k")
        raw("SET", "k", 1)
        assert told(cache) == [invalid(b"k")]


class TestClientGetredir:
    """CLIENT GETREDIR."""

    def test_each_state(self, cache: RawClient, connect: Connect) -> None:
        assert cache("CLIENT", "GETREDIR") == integer(-1)
        cache("CLIENT", "TRACKING", "ON")
        assert cache("CLIENT", "GETREDIR") == integer(0)
        other = own_id(connect())
        cache("CLIENT", "TRACKING", "ON", "REDIRECT", other)
        assert cache("CLIENT", "GETREDIR") == integer(other)


class TestClientTrackinginfo:
    """CLIENT TRACKINGINFO."""

    def test_in_both_protocols(self, raw: RawClient, cache: RawClient) -> None:
        off = (bulk(b"flags"), array(bulk(b"off")), bulk(b"redirect"), integer(-1), bulk(b"prefixes"), array())
        assert raw("CLIENT", "TRACKINGINFO") == Reply("*", off)
        assert cache("CLIENT", "TRACKINGINFO") == Reply(
            "%", ((off[0], Reply("~", (bulk(b"off"),))), (off[2], integer(-1)), (off[4], array()))
        )

    def test_modes(self, cache: RawClient) -> None:
        cache("CLIENT", "TRACKING", "ON", "OPTIN", "NOLOOP")
        cache("CLIENT", "CACHING", "YES")
        assert mode(cache) == ({b"on", b"optin", b"caching-yes", b"noloop"}, 0, [])
        cache("CLIENT", "TRACKING", "OFF")
        cache("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "b", "PREFIX", "a")
        assert mode(cache) == ({b"on", b"bcast"}, 0, [b"a", b"b"])
