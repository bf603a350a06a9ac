"""Compaction: what deletions left in nearly empty slabs is moved together, and stays what it was."""

import pytest

import zippy
from tests.resp import request
from zippy._core.introspection import dataset_digest
from zippy._core.testing import mem_shim
from zippy._core.testing.mem_shim import release, resident
from zippy.inprocess.engine import host_of

KEYS = 150_000


class Client:
    def __init__(self, engine):
        self.engine = engine
        self.out = bytearray()
        self.session = host_of(engine).channel(lambda one: self.out.extend(one.take_output()), lambda one: None)

    def __call__(self, *requests):
        self.out.clear()
        host_of(self.engine).feed(self.session, b"".join(requests))
        return bytes(self.out)


@pytest.mark.skipif(mem_shim.SANITIZED, reason="every block is malloc's own in a sanitizer build")
class TestCompact:
    def test_sparse_slabs_are_emptied(self):
        with zippy.Engine() as engine:
            host_of(engine).cron_due = float("inf")
            client = Client(engine)
            client(request(b"SET", b"key", b"value"), request(b"INFO", b"memory"))
            release()
            before = resident()
            client(
                *(request(b"SET", b"key:%d" % i, b"v" * 30, *((b"PXAT", b"99999999999999") if i % 20 == 0 else ())) for i in range(KEYS))
            )
            full = resident() - before
            client(*(request(b"DEL", b"key:%d" % i) for i in range(KEYS) if i % 10))
            assert resident() - before > 0.7 * full
            steps = 1
            while host_of(engine).core.compact(0):
                steps += 1
            assert steps > 10
            release()
            # a tenth of the keys, and the partly filled slabs of what is not moved: the table's own blocks, buffers
            assert resident() - before < full / 3
            assert client(*(request(b"GET", b"key:%d" % i) for i in range(0, KEYS, 10))) == b"$30\r\n%s\r\n" % (b"v" * 30) * (KEYS // 10)
            assert client(*(request(b"PEXPIRETIME", b"key:%d" % i) for i in range(0, KEYS, 20))) == b":99999999999999\r\n" * (KEYS // 20)
            assert client(*(request(b"PERSIST", b"key:%d" % i) for i in range(0, KEYS, 20))) == b":1\r\n" * (KEYS // 20)
            assert client(*(request(b"DEL", b"key:%d" % i) for i in range(0, KEYS, 10))) == b":1\r\n" * (KEYS // 10)

    def test_collections_stay_what_they_were(self):
        """Their entries move, what these point to does not."""
        add = [b"RPUSH %s a b", b"SADD %s 1 2", b"SADD %s a b", b"ZADD %s 1 a 2 b", b"HSET %s f v g w"]
        with zippy.Engine() as engine:
            host_of(engine).cron_due = float("inf")
            client = Client(engine)
            client(
                *(
                    request(*(add[i // 10 % len(add)] % (b"collection" + b"%021d" % i)).split())
                    if i % 10 == 0
                    else request(b"SET", b"key:%d" % i, b"v" * 30)
                    for i in range(KEYS)
                )
            )
            client(*(request(b"DEL", b"key:%d" % i) for i in range(KEYS) if i % 10))
            before = dataset_digest(host_of(engine).core)
            steps = 0
            while host_of(engine).core.compact(0):
                steps += 1
            assert steps > 10
            assert dataset_digest(host_of(engine).core) == before
            client(*(request(b"SADD", b"collection" + b"%021d" % i, b"c") for i in range(20, KEYS, 50)))
            assert client(*(request(b"SCARD", b"collection" + b"%021d" % i) for i in range(20, KEYS, 50))) == b":3\r\n" * (KEYS // 50)
            client(request(b"FLUSHALL"))

    def test_what_cannot_be_moved_is_not_tried_again_and_again(self):
        """Members of a large set stay where they are: a second pass would find as much as the first left."""
        with zippy.Engine() as engine:
            host_of(engine).cron_due = float("inf")
            client = Client(engine)
            client(*(request(b"SADD", b"set", b"member:%d" % i + b"x" * 60) for i in range(KEYS)))
            client(*(request(b"SREM", b"set", b"member:%d" % i + b"x" * 60) for i in range(KEYS) if i % 10))
            while host_of(engine).core.compact(0):
                pass
            calls = 1
            while host_of(engine).core.compact(0):
                calls += 1
            assert calls == 1
            assert client(request(b"SCARD", b"set")) == b":%d\r\n" % (KEYS // 10)

    def test_not_while_activedefrag_is_off(self):
        with zippy.Engine(activedefrag=False) as engine:
            host_of(engine).cron_due = float("inf")
            client = Client(engine)
            client(*(request(b"SET", b"key:%d" % i, b"v" * 30) for i in range(KEYS)))
            client(*(request(b"DEL", b"key:%d" % i) for i in range(KEYS) if i % 10))
            release()
            sparse = resident()
            host_of(engine).cron_due = 0
            host_of(engine).do_chores()
            release()
            assert resident() == sparse
            host_of(engine).server.settings.set("activedefrag", "yes")
            for _ in range(1000):
                host_of(engine).cron_due = 0
                host_of(engine).do_chores()
            release()
            assert resident() < 0.8 * sparse
