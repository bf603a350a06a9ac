"""What a server says of itself, as numbers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.resp import RawClient
from tests.servers import ServerProcess
from tests.waiting import wait_until

KIB = 1 << 10
MIB = 1 << 20
STEP = 0.5  # seconds by which a clock is moved at once


def used(client: RawClient) -> int:
    """used_memory, bytes."""
    return int(client.info("memory")["used_memory"])


def stat(client: RawClient, name: str) -> int:
    """A counter of INFO stats."""
    return int(client.info("stats")[name])


def connected(client: RawClient) -> int:
    """How many clients are connected."""
    return int(client.info("clients")["connected_clients"])


def blocks(client: RawClient) -> int:
    """Live blocks of the core: what is left allocated, counted one by one."""
    text = client("MEMORY", "MALLOC-STATS").value.decode()
    return int(dict(line.split(": ") for line in text.splitlines())["blocks"])


def resident(server: ServerProcess) -> int:
    """Resident bytes of the process; Linux only."""
    assert server.process is not None
    rows = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(row.split()[1]) * KIB for row in rows if row.startswith("VmRSS"))


def wait_connected(client: RawClient, count: int) -> None:
    """Waits until there are so many clients, this one among them."""
    wait_until(lambda: connected(client) == count, 60)


def wait_alone(client: RawClient) -> None:
    """Waits until this client is the only one."""
    wait_connected(client, 1)


def wait_used(client: RawClient, most: int, seconds: float = 20.0) -> None:
    """Waits until no more than so many bytes are used: what was freed is given back between turns."""
    wait_until(lambda: used(client) <= most, seconds)


@contextmanager
def stopped_clock(client: RawClient) -> Iterator[Callable[[float], None]]:
    """While the block lasts the server's clock stands, and the function moves it on by so many seconds. That is done in steps, so that the
    client who does it is never silent for longer."""
    now = time.time()

    def move(seconds: float) -> None:
        nonlocal now
        end = now + seconds
        while True:
            now = min(now + STEP, end)
            assert client("DEBUG", "SET-CLOCK", int(now * 1e6)).value == b"OK"
            if now == end:
                return

    move(0)
    try:
        yield move
    finally:
        client("DEBUG", "SET-CLOCK", 0)
