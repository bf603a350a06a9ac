"""What valgrind counts: python instructions.py COMMAND COUNT [cluster]. So many commands, 16 at a time, to an engine that holds some data.

Run as a file, with the tree of zippy's that is measured in PYTHONPATH. With a count of 0 it does all but the commands.
With `cluster` the engine is a node that has all slots.
"""

from __future__ import annotations

import random
import sys

from zippy._core.callback_transport import CallbackTransport
from zippy._core.session import Core, Session

BATCH = 16
KEYS = 5000


def encoded(*words: object) -> bytes:
    """A request."""
    texts = [str(word).encode() for word in words]
    return b"*%d\r\n" % len(texts) + b"".join(b"$%d\r\n%s\r\n" % (len(text), text) for text in texts)


def command(name: str, i: int) -> bytes:
    """One that redis-benchmark sends, with the number i in its key or member."""
    key, member = f"key:{i:012}", f"element:{i:012}"
    words = {
        "GET": (key,), "SET": (key, "xxx"), "INCR": (f"counter:{i:012}",), "LPUSH": ("mylist", "xxx"), "LPOP": ("mylist",),
        "SADD": ("myset", member), "HSET": ("myhash", member, "xxx"), "ZADD": ("myzset", i * 31 % KEYS, member),
    }[name]  # fmt: skip
    return encoded(name, *words)


def join_cluster(core: Core) -> None:
    """Makes it a node."""
    from zippy._core.cluster import MINE, SLOTS, ClusterMap

    slots = ClusterMap(core)
    slots.enable()
    slots.set_node(0, b"127.0.0.1:6379", b"127.0.0.1:6380")
    slots.assign(0, SLOTS - 1, 0, MINE)
    slots.set_state(True, False, True)


def main(name: str, count: int, in_cluster: bool) -> None:
    """Everything is made beforehand, so that the commands are all that a count adds."""
    core = Core(16, 1)
    if in_cluster:
        join_cluster(core)
    session = Session(core, CallbackTransport(lambda session: session.take_output(), lambda session: None))
    source = random.Random(3)
    for i in range(KEYS):
        for other in ("SET", "LPUSH", "LPUSH"):
            session.feed(command(other, i))
    batches = [b"".join(command(name, source.randrange(KEYS)) for _ in range(BATCH)) for _ in range(count // BATCH)]
    for batch in batches:
        session.feed(batch)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), "cluster" in sys.argv[3:])
