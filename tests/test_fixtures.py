"""The fixtures do what they say: two protocols, typed replies, settings put back, limits small and large."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from tests.resp import RawClient, Reply


class TestClient:
    """`r`."""

    def test_starts_empty(self, r: redis.Redis) -> None:
        """No key of another test is left."""
        assert r.dbsize() == 0
        r.set("a", b"\xff\x00")
        assert r.get("a") == b"\xff\x00"

    def test_speaks_the_protocol(self, r: redis.Redis, protocol: int) -> None:
        """RESP2 gives a list where RESP3 gives a map."""
        reply = r.execute_command("CONFIG", "GET", "hz")
        assert isinstance(reply, dict if protocol == 3 else list)
        assert r.connection_pool.connection_kwargs["protocol"] == protocol

    @pytest.mark.parametrize("turn", [1, 2])
    def test_settings_are_put_back(self, r: redis.Redis, turn: int) -> None:
        """The second turn finds what the first one changed as it was."""
        assert r.config_get("hash-max-listpack-entries") != {"hash-max-listpack-entries": "7"}
        r.config_set("hash-max-listpack-entries", 7)

    def test_limits(self, r: redis.Redis, encoding: str) -> None:
        """Five fields are many or few."""
        r.hset("h", mapping=dict.fromkeys("abcde", 1))
        assert r.object("encoding", "h") == {"small": b"hashtable", "large": b"listpack"}[encoding]


class TestRaw:
    """`raw` and `connect`."""

    def test_replies_are_typed(self, raw: RawClient) -> None:
        """A status is not a bulk string."""
        assert raw("SET", "a", 1) == Reply("+", b"OK")
        assert raw("GET", "a") == Reply("$", b"1")
        assert raw("GET", "missing") == Reply("$-1", None)

    def test_bytes_go_as_they_are(self, raw: RawClient) -> None:
        """An inline command in two pieces."""
        raw.send_bytes(b"PI")
        raw.send_bytes(b"NG\r\n")
        assert raw.read() == Reply("+", b"PONG")

    def test_second_connection(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        """It sees the same keys, and speaks its own protocol."""
        other = connect()
        assert other("HELLO", 3).kind == "%"
        raw("SET", "a", 1)
        assert other("GET", "missing") == Reply("_", None)
        assert other("GET", "a") == Reply("$", b"1")

    def test_subscriber_hears(self, raw: RawClient, connect: Callable[[], RawClient]) -> None:
        """A fence brings in all that was published before it."""
        listener = connect()
        listener("SUBSCRIBE", "c")
        assert raw("PUBLISH", "c", "m") == Reply(":", 1)
        assert [reply.plain() for reply in listener.read_until(b"fence")] == [[b"message", b"c", b"m"]]


@pytest.mark.zippy_only
def test_servers_of_their_own(start_server: Callable[..., object]) -> None:
    """Two more servers, one with a setting of its own."""
    one = start_server()
    other = start_server(config={"maxmemory": 1_000_000})
    with one.client() as first, other.client() as second:  # type: ignore[attr-defined]
        assert first("CONFIG", "GET", "maxmemory").plain() == [b"maxmemory", b"0"]
        assert second("CONFIG", "GET", "maxmemory").plain() == [b"maxmemory", b"1000000"]
    assert one.port != other.port  # type: ignore[attr-defined]
