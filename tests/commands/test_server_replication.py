"""The commands about replication; what replication does is in tests/replication."""

from __future__ import annotations

import pytest

from tests.replies import NOT_AN_INTEGER, OK, SYNTAX, error, integer, wrong_arguments
from tests.resp import Connect, RawClient, Reply

NO_REPLICAS = error("ERR FAILOVER requires connected replicas.")
BAD_PORT = error("ERR Invalid master port")


class TestReplicaof:
    """REPLICAOF host port."""

    @pytest.mark.parametrize("name", ["REPLICAOF", "SLAVEOF"])
    def test_arguments(self, raw: RawClient, name: str) -> None:
        """Ports are numbers up to 65535; a primary that is told to be one stays it."""
        assert raw(name, "no", "one") == OK
        assert raw(name, "127.0.0.1", "x") == raw(name, "127.0.0.1", 70000) == raw(name, "127.0.0.1", -1) == BAD_PORT
        assert raw(name, "127.0.0.1") == wrong_arguments(name.lower())
        assert raw.info("replication")["role"] == "master"

    def test_setting(self, raw: RawClient) -> None:
        """CONFIG SET does not change who is followed."""
        assert raw("CONFIG", "SET", "replicaof", "127.0.0.1 1") == error(
            "ERR CONFIG SET failed (possibly related to argument 'replicaof') - can't set immutable config"
        )


class TestSlaveof:
    """SLAVEOF host port."""

    def test_no_one(self, raw: RawClient) -> None:
        """The old name is the same."""
        assert raw("SLAVEOF", "NO", "ONE") == OK


class TestRole:
    """ROLE."""

    def test_primary(self, raw: RawClient) -> None:
        """A primary without replicas."""
        role = raw("ROLE").value
        assert (role[0].value, role[2].value) == (b"master", ())


class TestPsync:
    """PSYNC replicationid offset."""

    def test_arguments(self, raw: RawClient) -> None:
        """Both are needed."""
        assert raw("PSYNC", "?") == wrong_arguments("psync")


class TestSync:
    """SYNC."""

    def test_in_transaction(self, raw: RawClient) -> None:
        """It is none of a transaction's."""
        raw("MULTI")
        assert raw("SYNC") == error("ERR Command not allowed inside a transaction")
        raw("DISCARD")

    @pytest.mark.parametrize("words", ["SYNC", "PSYNC ? -1"])
    def test_behind_replies(self, raw: RawClient, words: str) -> None:
        """What a replica gets has no replies before it that it has not read."""
        raw.send_bytes(f"PING\r\n{words}\r\nPING\r\n".encode())
        assert raw.read().value == b"PONG"
        assert raw.read() == error("ERR SYNC and PSYNC are invalid with pending output")
        assert raw.read().value == b"PONG"


class TestReplconf:
    """REPLCONF option value."""

    def test_options(self, connect: Connect) -> None:
        """What replicas and Sentinel say, and what is none of that."""
        client = connect()
        for pair in (
            ("listening-port", 7000), ("ip-address", "1.2.3.4"), ("capa", "eof"), ("capa", "whatever"), ("rdb-only", 1), ("rdb-only", 0),
            ("rdb-filter-only", ""),
        ):  # fmt: skip
            assert client("REPLCONF", *pair) == OK, pair
        assert client("REPLCONF") == client("REPLCONF", "capa", "eof", "capa", "psync2") == OK
        assert client("REPLCONF", "capa") == SYNTAX
        assert client("REPLCONF", "foo", "bar") == error("ERR Unrecognized REPLCONF option: foo")
        assert client("REPLCONF", "listening-port", "x") == client("REPLCONF", "rdb-only", "x") == NOT_AN_INTEGER
        assert client("REPLCONF", "rdb-filter-only", "foo") == error("ERR Unsupported rdb-filter-only option: foo")

    def test_ack_of_no_replica(self, connect: Connect) -> None:
        """It has no reply, whoever sends it."""
        client = connect()
        client.send("REPLCONF", "ACK", 5)
        assert client("PING") == Reply("+", b"PONG")


class TestFailover:
    """FAILOVER."""

    def test_without_replicas(self, raw: RawClient) -> None:
        """There is nobody to hand the role to."""
        assert raw("FAILOVER") == raw("FAILOVER", "TO", "127.0.0.1", 1) == raw("FAILOVER", "TIMEOUT", 10) == NO_REPLICAS
        assert raw("FAILOVER", "TO", "127.0.0.1", 1, "FORCE", "TIMEOUT", 100) == NO_REPLICAS
        assert raw("FAILOVER", "ABORT") == error("ERR No failover in progress.")

    def test_arguments(self, raw: RawClient) -> None:
        """What it does not take."""
        assert raw("FAILOVER", "TIMEOUT", 0) == error("ERR FAILOVER timeout must be greater than 0")
        assert raw("FAILOVER", "TIMEOUT", "x") == raw("FAILOVER", "TO", "127.0.0.1", "x") == NOT_AN_INTEGER
        for words in (("TO", "127.0.0.1"), ("foo",), ("ABORT", "TO", "a", 1)):
            assert raw("FAILOVER", *words) == SYNTAX, words


class TestWithoutReplicas:
    """What a primary tells of itself."""

    def test_info(self, raw: RawClient) -> None:
        """The section's fields, of a server that has no replica."""
        info = raw.info("replication")
        assert list(info)[:4] == ["role", "connected_slaves", "master_failover_state", "master_replid"]
        assert len(info["master_replid"]) == 40 and info["second_repl_offset"] == "-1"
        assert integer(0) == raw("WAIT", 0, 0)
