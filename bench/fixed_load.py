"""A load generator with a fixed rate: batches leave on a schedule whether or not the server keeps up, and latency counts from the schedule.

Pure Python, one thread that never sleeps: it takes a core of its own, and adds a few microseconds to each round trip. It tells how late it
sent by itself, so that a reader sees when it, not the server, was the limit.
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from bench.blast import reply_bytes
from bench.wire import Word, request

KINDS = 64  # different batches that take turns


@dataclass
class Latencies:
    """What a run saw: nanoseconds from schedule to reply; batches per second; nanoseconds that the generator was late; both sorted."""

    replies: list[int]
    rate: float
    late: list[int]


def at(values: Sequence[int], share: float) -> float:
    """The value below which this share of the sorted values lies."""
    return float(values[min(int(len(values) * share), len(values) - 1)])


def fixed_load(port: int, commands: Sequence[Sequence[Word]], pipeline: int, clients: int, rate: float, seconds: float) -> Latencies:
    """Sends batches of `pipeline` of the commands, chosen in turn, for some seconds.

    rate: batches a second; 0: as fast as replies come. All commands must have replies of the same length.
    """
    expected = reply_bytes(port, commands[:1]) * pipeline
    bodies = [request(*words) for words in commands]
    batches = [b"".join(bodies[(first + i) % len(bodies)] for i in range(pipeline)) for first in range(KINDS)]
    sockets = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(clients)]
    poll = select.epoll()
    for one in sockets:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(one.fileno(), select.EPOLLIN)
    by_number = {one.fileno(): one for one in sockets}
    idle = deque(by_number)
    waiting: dict[int, list[int]] = {}  # socket: bytes to come, when it was due
    replies: list[int] = []
    late: list[int] = []
    buffer = bytearray(1 << 16)
    clock = time.perf_counter_ns
    interval = int(1e9 / rate) if rate else 0
    started = due = clock()
    end = started + int(seconds * 1e9)
    sent = 0
    try:
        while True:
            now = clock()
            while idle and (not interval or now >= due) and now < end:
                if interval:
                    late.append(now - due)
                else:
                    due = now
                number = idle.popleft()
                waiting[number] = [expected, due]
                by_number[number].sendall(batches[sent % KINDS])
                sent += 1
                due += interval
                now = clock()
            if now >= end and (not waiting or now > end + 10**9):
                break
            for number, _ in poll.poll(0):
                state = waiting[number]
                state[0] -= by_number[number].recv_into(buffer)
                if not state[0]:
                    replies.append(clock() - state[1])
                    del waiting[number]
                    idle.append(number)
        return Latencies(sorted(replies), len(replies) / seconds, sorted(late) or [0])
    finally:
        poll.close()
        for one in sockets:
            one.close()
