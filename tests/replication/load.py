"""Writes of every type, at random."""

from __future__ import annotations

import random
import threading
from types import TracebackType

import redis

from tests.replication.servers import Node


def write(client: redis.Redis, chance: random.Random) -> None:
    """Some writes, one of them a transaction and one a script."""
    n = chance.randrange(200)
    word = chance.randbytes(chance.randrange(100))
    pipe = client.pipeline(transaction=False)
    pipe.execute_command("SELECT", chance.randrange(3))
    pipe.set(f"string:{n}", word).append(f"string:{n}", word).incrbyfloat("float", chance.random()).setbit("bits", n, 1)
    pipe.rpush(f"list:{n % 9}", word, n).lpop(f"list:{n % 9}").ltrim(f"list:{n % 9}", 0, 300)
    pipe.sadd(f"set:{n % 9}", n, word).spop(f"set:{chance.randrange(9)}")
    pipe.zadd(f"zset:{n % 9}", {f"m{n}": chance.random()}).zpopmin(f"zset:{chance.randrange(9)}")
    pipe.hset(f"hash:{n % 9}", f"f{n}", word).hincrby("counts", n % 30, 2).hdel(f"hash:{n % 9}", f"f{chance.randrange(200)}")
    pipe.xadd(f"stream:{n % 5}", {"n": n}, maxlen=200, approximate=False).pfadd("log", n, word)
    pipe.geoadd("geo", (chance.uniform(-90, 90), chance.uniform(-80, 80), f"p{n}"))
    pipe.set(f"soon:{n}", n, px=chance.choice([20, 60_000])).expire(f"string:{chance.randrange(200)}", 1000)
    pipe.rename(f"string:{n}", f"string:{chance.randrange(200)}").delete(f"set:{chance.randrange(9)}").publish("channel", word)
    pipe.eval("redis.call('SET', 'script', ARGV[1]) return redis.call('INCR', 'scripts')", 0, n)
    pipe.execute(raise_on_error=False)
    with client.pipeline() as transaction:
        transaction.incr("both").lpush("transactions", n).ltrim("transactions", 0, 50)
        transaction.execute()


class Load:
    """Writes by threads while the `with` block runs."""

    def __init__(self, node: Node, threads: int = 2, seed: int = 1) -> None:
        self.node = node
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(seed + n,)) for n in range(threads)]
        self.rounds = 0

    def run(self, seed: int) -> None:
        """A thread's life."""
        client = self.node.connect()
        chance = random.Random(seed)
        while not self.ending.is_set():
            write(client, chance)
            self.rounds += 1
        client.close()

    def __enter__(self) -> Load:
        """Begins."""
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Ends."""
        self.ending.set()
        for thread in self.threads:
            thread.join()
