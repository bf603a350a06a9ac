"""A load generator for what redis-benchmark cannot send: batches of several commands, and readers of published messages.

One thread with epoll and plain sockets. A reply's length is learned
from the first batch and must not change: then the replies are counted, not parsed.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Iterator, Sequence

from bench.wire import Connection, Word, request


def reply_bytes(port: int, commands: Sequence[Sequence[Word]]) -> int:
    """How many bytes the server replies to these commands. Raises ErrorReply when one fails."""
    with Connection(port) as client:
        for words in commands:
            client(*words)
    with socket.create_connection(("127.0.0.1", port), 10) as raw:
        raw.sendall(b"".join(request(*words) for words in commands) + request("ECHO", "the end"))
        data = b""
        while not data.endswith(b"the end\r\n"):
            data += raw.recv(65536)
    return len(data) - len(b"$7\r\nthe end\r\n")


def blast(port: int, commands: Sequence[Sequence[Word]], clients: int, pipeline: int, repetitions: int, limit: float) -> float:
    """Sends the commands so many times, `pipeline` repetitions a batch, over so many connections, each waiting for its replies.

    Returns seconds; raises TimeoutError when they are more than `limit`.
    """
    batch = b"".join(request(*words) for words in commands) * pipeline
    expected = reply_bytes(port, commands) * pipeline
    batches = max(repetitions // pipeline, clients)
    poll = select.epoll()
    sockets = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(clients)]
    by_number = {one.fileno(): one for one in sockets}
    missing = {}
    buffer = bytearray(1 << 18)
    started = time.perf_counter()
    try:
        for number, one in by_number.items():
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            poll.register(number, select.EPOLLIN)
            missing[number] = expected
            one.sendall(batch)
        sent, answered = clients, 0
        while answered < batches:
            if time.perf_counter() - started > limit:
                raise TimeoutError(f"more than {limit} s")
            for number, _ in poll.poll(1):
                one = by_number[number]
                received = one.recv_into(buffer)
                if not received:
                    raise ConnectionError("the server closed a connection")
                missing[number] -= received
                if not missing[number]:
                    answered += 1
                    if sent < batches:
                        sent += 1
                        missing[number] = expected
                        one.sendall(batch)
        return time.perf_counter() - started
    finally:
        poll.close()
        for one in sockets:
            one.close()


@contextlib.contextmanager
def subscribed(port: int, count: int, channel: str = "news") -> Iterator[None]:
    """So many connections that are subscribed to a channel; a thread reads what they get."""
    poll = select.epoll()
    with contextlib.ExitStack() as stack:
        by_number = {}
        for _ in range(count):
            client = stack.enter_context(Connection(port))
            client("SUBSCRIBE", channel)
            by_number[client.socket.fileno()] = client.socket
            poll.register(client.socket.fileno(), select.EPOLLIN)
        stop = threading.Event()

        def drain() -> None:
            buffer = bytearray(1 << 18)
            while not stop.is_set():
                for number, _ in poll.poll(0.1):
                    by_number[number].recv_into(buffer)

        thread = threading.Thread(target=drain, name="subscribers")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            poll.close()
