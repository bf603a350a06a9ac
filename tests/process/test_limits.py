"""Memory limits of a server under load: of the data with every policy, of all clients together, and that nothing is left behind."""

from __future__ import annotations

import pytest

from tests.process.measure import KIB, MIB, blocks, connected, stat, used, wait_alone, wait_used
from tests.resp import ConnectionClosed, RawClient, encode
from tests.servers import ServerProcess, StartServer
from tests.waiting import wait_until

OUT_OF_MEMORY = b"OOM command not allowed when used memory > 'maxmemory'."
ROOM = 4 * MIB  # for data, above what an empty server uses


def fill(client: RawClient, count: int, first: int = 0, expiring: bool = False) -> list[str]:
    """Sets so many keys of about 1 KiB in one pipeline; the kinds of the replies."""
    late = ("EX", 1000) if expiring else ()
    client.send_bytes(b"".join(encode(("SET", f"k{i}", "x" * 1000, *late)) for i in range(first, first + count)))
    return [client.read().kind for _ in range(count)]


def limit(client: RawClient, policy: str) -> int:
    """Sets maxmemory to ROOM above what is used now; the limit."""
    most = used(client) + ROOM
    assert client("CONFIG", "SET", "maxmemory", most, "maxmemory-policy", policy).value == b"OK"
    return most


class TestMaxmemory:
    """The limit of the data."""

    def test_noeviction(self, server: ServerProcess, raw: RawClient) -> None:
        """Writes that need memory are refused in Redis's words; reads and deletes go on, and after them writes do."""
        most, evicted = limit(raw, "noeviction"), stat(raw, "evicted_keys")
        kinds = fill(raw, 6000)
        accepted = kinds.count("+")
        # how near it comes depends on what the pipeline's own buffers hold
        assert 3000 < accepted < 4300
        assert used(raw) < most + 64 * KIB
        assert raw("CONFIG", "SET", "maxmemory", used(raw) - MIB).value == b"OK"
        assert raw("SET", "more", "x").value == OUT_OF_MEMORY
        assert raw("DBSIZE").value == accepted
        assert raw("GET", "k0").value == b"x" * 1000
        assert raw("DEL", *[f"k{i}" for i in range(2000)]).value == 2000
        assert raw("SET", "more", "x").value == b"OK"
        assert stat(raw, "evicted_keys") == evicted

    def test_transaction_is_refused_as_a_whole(self, server: ServerProcess, raw: RawClient) -> None:
        """A command that is refused for memory makes EXEC abort."""
        limit(raw, "noeviction")
        fill(raw, 3000)
        assert raw("MULTI").value == b"OK"
        with server.client() as other:
            assert other("CONFIG", "SET", "maxmemory", used(other) - MIB).value == b"OK"
        assert raw("SET", "more", "x").value == OUT_OF_MEMORY
        assert raw("EXEC").value == b"EXECABORT Transaction discarded because of previous errors."

    @pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "allkeys-random"])
    def test_allkeys(self, server: ServerProcess, raw: RawClient, policy: str) -> None:
        """Three times more than fits: all writes go through, the memory stays within the limit, and INFO counts what went."""
        most, evicted = limit(raw, policy), stat(raw, "evicted_keys")
        for part in range(6):
            assert set(fill(raw, 2000, part * 2000)) == {"+"}
            assert used(raw) < most + 64 * KIB
        # by one command: each may have something to evict
        fields = raw.info("stats", "keyspace")
        kept = int(fields["db0"].split(",")[0].removeprefix("keys="))
        assert 3000 < kept < 4300
        assert int(fields["evicted_keys"]) - evicted == 12_000 - kept
        # nothing goes for its own sake, whatever the policy is
        raw.send_bytes(encode(("MULTI",)) + encode(("SET", "newest", "x" * 1000)) + encode(("GET", "newest")) + encode(("EXEC",)))
        assert [raw.read().value for _ in range(3)] == [b"OK", b"QUEUED", b"QUEUED"]
        assert raw.read().plain() == [b"OK", b"x" * 1000]

    @pytest.mark.parametrize("policy", ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"])
    def test_volatile(self, server: ServerProcess, raw: RawClient, policy: str) -> None:
        """Keys that would stay for ever do; when no others are left, writes are refused."""
        limit(raw, policy)
        assert set(fill(raw, 1000)) == {"+"}
        assert set(fill(raw, 8000, 1000, expiring=True)) == {"+"}
        assert raw("EXISTS", *[f"k{i}" for i in range(1000)]).value == 1000
        kinds = fill(raw, 6000, 20_000)
        assert kinds[-1] == "-" and "+" in kinds
        assert raw("EXISTS", *[f"k{i}" for i in range(1000)]).value == 1000

    def test_hot_keys_stay(self, server: ServerProcess, raw: RawClient) -> None:
        """LFU keeps what is read often while three times the memory's worth of others goes through."""
        limit(raw, "allkeys-lfu")
        # a new minute would take from what was counted in the one before
        assert raw("CONFIG", "SET", "lfu-decay-time", 0).value == b"OK"
        fill(raw, 1000)
        for _ in range(30):
            raw.send_bytes(b"".join(encode(("GET", f"k{i}")) for i in range(100)))
            assert all(raw.read().value for _ in range(100))
        fill(raw, 12_000, 10_000)
        assert raw("EXISTS", *[f"k{i}" for i in range(100)]).value >= 95

    def test_one_value_larger_than_the_limit(self, server: ServerProcess, raw: RawClient) -> None:
        """Bytes on their way count too, so it is refused, as in Redis; a small one is not."""
        most = limit(raw, "allkeys-random")
        assert raw("SET", "large", "x" * (2 * ROOM)).value == OUT_OF_MEMORY
        assert raw("SET", "small", "x").value == b"OK"
        wait_used(raw, most)

    def test_limit_set_below_what_is_used(self, server: ServerProcess, raw: RawClient) -> None:
        """CONFIG SET evicts down to the new limit, in parts where that takes long."""
        before = used(raw)
        fill(raw, 8000)
        assert raw("CONFIG", "SET", "maxmemory-policy", "allkeys-random").value == b"OK"
        assert raw("CONFIG", "SET", "maxmemory", before + ROOM).value == b"OK"
        wait_until(lambda: raw("SET", "k", "x").value == b"OK" and used(raw) <= before + ROOM)
        assert 3000 < raw("DBSIZE").value < 4300

    def test_collections_and_large_arguments(self, server: ServerProcess, raw: RawClient) -> None:
        """Growing collections are refused too, and a refused command with many arguments leaves nothing."""
        limit(raw, "noeviction")
        grown = 0
        while raw("RPUSH", "list", *["x" * 1000] * 100).kind == ":":
            grown += 100
        assert 3000 < grown < 4300
        assert raw("CONFIG", "SET", "maxmemory", used(raw) - MIB).value == b"OK"
        now = used(raw)
        for _ in range(100):
            assert raw("SADD", "set", *[f"{i}" * 50 for i in range(100)]).value == OUT_OF_MEMORY
        assert abs(used(raw) - now) < 64 * KIB


class TestClientsMemory:
    """maxmemory-clients."""

    @pytest.mark.parametrize("how", ["bytes", "percent"])
    def test_largest_goes(self, start_server: StartServer, how: str) -> None:
        """The client that holds most is closed, the others and those who asked for it stay."""
        server = start_server(config={"maxmemory": "1gb", "maxmemory-clients": "20mb" if how == "bytes" else "2%"})
        with server.client() as watcher, server.client() as small, server.client() as large, server.client() as immune:
            assert immune("CLIENT", "NO-EVICT", "on").value == b"OK"
            before = used(watcher)
            # an argument that does not end stays in the client's buffer
            immune.send_bytes(b"*2\r\n$4\r\nECHO\r\n$%d\r\n" % (30 * MIB) + b"x" * (29 * MIB))
            wait_until(lambda: used(watcher) > before + 29 * MIB)
            small.send_bytes(b"*2\r\n$4\r\nECHO\r\n$%d\r\n" % (5 * MIB) + b"x" * (4 * MIB))
            wait_until(lambda: used(watcher) > before + 33 * MIB)
            with pytest.raises((ConnectionError, ConnectionClosed)):
                large.send_bytes(b"*2\r\n$4\r\nECHO\r\n$%d\r\n" % (60 * MIB) + b"x" * (59 * MIB))
                large.read()
            assert stat(watcher, "evicted_clients") == 1
            assert "maxmemory-clients" in server.log()
            small.send_bytes(b"x" * MIB + b"\r\n")
            assert len(small.read().value) == 5 * MIB
            immune.send_bytes(b"x" * MIB + b"\r\n")
            assert len(immune.read().value) == 30 * MIB

    def test_output_counts(self, start_server: StartServer) -> None:
        """Replies that nobody reads count as well."""
        server = start_server(config={"maxmemory-clients": "20mb"})
        with server.client() as watcher, server.client() as lazy:
            assert watcher("SET", "a", "x" * MIB).value == b"OK"
            lazy.send_bytes(encode(("GET", "a")) * 60)
            wait_until(lambda: stat(watcher, "evicted_clients") == 1)
            assert watcher("CONFIG", "SET", "maxmemory-clients", "0").value == b"OK"
            with server.client() as other:
                other.send_bytes(encode(("GET", "a")) * 60)
                assert all(len(other.read().value) == MIB for _ in range(60))

    def test_set_below_what_is_held(self, start_server: StartServer) -> None:
        """CONFIG SET looks at who is there already."""
        server = start_server()
        with server.client() as watcher, server.client() as large:
            before = used(watcher)
            large.send_bytes(b"*2\r\n$4\r\nECHO\r\n$%d\r\n" % (30 * MIB) + b"x" * (29 * MIB))
            wait_until(lambda: used(watcher) > before + 29 * MIB)
            assert watcher("CONFIG", "SET", "maxmemory-clients", "20mb").value == b"OK"
            wait_until(lambda: stat(watcher, "evicted_clients") == 1)
            wait_used(watcher, before + MIB)


class TestNothingIsLeft:
    """After all is deleted and everyone has left, each block that was allocated has been freed."""

    KINDS = (
        ("SET", "s", "x" * 100),
        ("SET", "i", 12),
        ("SETEX", "e", 1000, "x"),
        ("APPEND", "s", "y" * 100_000),
        ("RPUSH", "l", *range(2000)),
        ("SADD", "si", *range(1000)),
        ("SADD", "ss", *[f"m{i}" for i in range(1000)]),
        ("HSET", "h", *[f"f{i}" for i in range(2000)]),
        ("HEXPIRE", "h", 1000, "FIELDS", 2, "f0", "f2"),
        ("ZADD", "z", *[word for i in range(1000) for word in (i, f"m{i}")]),
        ("SORT", "l", "STORE", "sorted"),
        ("ZUNIONSTORE", "zu", 2, "z", "z"),
        ("COPY", "z", "zc"),
        ("RENAME", "zc", "zd"),
        ("SUBSCRIBE", "c1", "c2"),
        ("UNSUBSCRIBE", "c1"),
    )

    def visit(self, server: ServerProcess, watcher: RawClient) -> None:
        """Clients of all sorts, who leave in the middle of things."""
        clients = [server.client() for _ in range(9)]
        first = clients[0]
        for words in self.KINDS:
            first(*words)
        clients[1]("MULTI")
        clients[1]("SET", "a", "x" * 1000)
        clients[2]("WATCH", "a", "b")
        clients[3].send("BLPOP", "no", "nowhere", 100)
        clients[4].send_bytes(b"*2\r\n$3\r\nGET\r\n$100000\r\nxxx")
        clients[5]("PSUBSCRIBE", "*")
        clients[6]("MONITOR")
        clients[7]("HELLO", "3", "SETNAME", "name")
        clients[8].send_bytes(b'PING "')
        # all have come, and all that they sent was read
        wait_until(lambda: connected(watcher) == 1 + len(clients) and watcher.info("clients")["blocked_clients"] == "1")
        for client in clients:
            client.close()

    def test_blocks(self, start_server: StartServer) -> None:
        """No more blocks are alive after further visits than after the second, when tables had grown to their size."""
        server = start_server()
        with server.client() as watcher:
            self.visit(server, watcher)
            wait_alone(watcher)
            self.held(watcher)
            self.visit(server, watcher)
            wait_alone(watcher)
            expected = self.held(watcher)
            for _ in range(2):
                self.visit(server, watcher)
                wait_alone(watcher)
                # what the visit was noted in may go a moment later
                wait_until(lambda: self.held(watcher) <= expected)
            assert connected(watcher) == 1

    @staticmethod
    def held(watcher: RawClient) -> tuple[int, int]:
        """Blocks and bytes, without data and what is known of commands."""
        assert watcher("FLUSHALL").value == b"OK"
        wait_until(lambda: watcher.info("memory")["lazyfree_pending_objects"] == "0")
        watcher("CONFIG", "RESETSTAT")
        watcher("SLOWLOG", "RESET")
        return blocks(watcher), used(watcher)
