"""redis-cli and redis-benchmark, as Debian's redis-tools have them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable

import pytest
import redis

from tests.needs import needs_program

Cli = Callable[..., str]


@pytest.fixture
def client(url: str) -> redis.Redis:
    """A client beside the tool."""
    return redis.Redis.from_url(url, decode_responses=True)


@pytest.fixture
def port(url: str) -> str:
    """The server's port."""
    return url.rsplit(":", 1)[1].split("/")[0]


@pytest.fixture
def cli(port: str) -> Cli:
    """cli(*arguments, given=""): what redis-cli writes; `given` is what it reads."""
    program = needs_program("redis-cli")

    def run(*arguments: str, given: str = "") -> str:
        command = [program, "-p", port, *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, timeout=30, check=False).stdout

    return run


@pytest.fixture
def keys(client: redis.Redis) -> None:
    """A key of each type."""
    client.mset({"a": "1", "b": "22", "longest": "x" * 100})
    client.rpush("l", *range(40))
    client.hset("h", mapping={str(i): i for i in range(30)})
    client.sadd("s", *range(20))
    client.zadd("z", {str(i): i for i in range(10)})


def watch(port: str, *arguments: str, until: Callable[[str], bool], begin: Callable[[], object] = lambda: None) -> str:
    """What redis-cli writes, until it has written enough and is ended."""
    command = [needs_program("redis-cli"), "-p", port, *arguments]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    deadline = time.monotonic() + 20
    written = ""
    try:
        while not until(written):
            assert time.monotonic() < deadline, written
            begin()
            written += (process.stdout.read() or b"").decode()
            time.sleep(0.02)
    finally:
        process.terminate()
        try:
            process.wait(10)
        finally:
            process.kill()
            process.stdout.close()
    return written


class TestRedisCli:
    """The modes of redis-cli."""

    @pytest.mark.usefixtures("keys")
    def test_replies(self, cli: Cli) -> None:
        """Replies as text, as CSV, as JSON, in RESP3, an error with its exit code."""
        assert cli("get", "b") == "22\n"
        assert cli("--csv", "lrange", "l", "0", "2") == '"0","1","2"\n'
        assert cli("--json", "hmget", "h", "1", "none") == '["1",null]\n'
        assert cli("-3", "--no-raw", "zrange", "z", "0", "0", "withscores") == '1) 1) "0"\n   2) (double) 0\n'
        assert cli("-3", "--no-raw", "hello").startswith('1# "server" => "redis"\n')
        assert cli("-n", "3", "dbsize") == "0\n"
        assert cli("-x", "append", "b", given="33") == "4\n"
        assert cli("-r", "3", "incr", "a") == "2\n3\n4\n"
        assert "unknown command" in cli("nosuch")

    def test_session(self, cli: Cli) -> None:
        """Lines as typed: a transaction, another protocol, help from COMMAND DOCS."""
        assert cli(given="multi\nincr a\nincr a\nexec\n") == "OK\nQUEUED\nQUEUED\n1\n2\n"
        assert "proto 3\n" in cli(given="hello 3\n")
        assert "SET" in cli(given="help set\n")

    @pytest.mark.usefixtures("keys")
    def test_sampling(self, cli: Cli, client: redis.Redis) -> None:
        """--bigkeys, --memkeys, --hotkeys, --scan."""
        big = cli("--bigkeys")
        assert "Sampled 7 keys in the keyspace!" in big
        for found in ("list found '\"l\"' has 40 items", "hash found '\"h\"' has 30 fields", "string found '\"longest\"' has 100 bytes"):
            assert found in big
        assert "Biggest string found '\"longest\"'" in cli("--memkeys")
        assert sorted(cli("--scan", "--pattern", "?").split()) == ["a", "b", "h", "l", "s", "z"]
        client.config_set("maxmemory-policy", "allkeys-lfu")
        try:
            assert "Sampled 7 keys in the keyspace!" in cli("--hotkeys")
        finally:
            client.config_set("maxmemory-policy", "noeviction")

    def test_pipe(self, cli: Cli, client: redis.Redis) -> None:
        """--pipe loads ten thousand commands, the protocol's and plain lines, and counts errors."""
        commands = "".join(f"*3\r\n$3\r\nSET\r\n$6\r\n{i:06}\r\n$1\r\nx\r\n" for i in range(10_000))
        assert "errors: 0, replies: 10000" in cli("--pipe", given=commands)
        assert client.dbsize() == 10_000
        assert "errors: 1, replies: 2" in cli("--pipe", given="SET text a\r\nINCR text\r\n")

    def test_latency(self, cli: Cli) -> None:
        """--latency: the least, the most and the mean, ms, and the number of samples of a second."""
        least, most, mean, samples = map(float, cli("--raw", "--latency", "-i", "1").split())
        assert 0 <= least <= mean <= most and samples > 10

    def test_watching(self, port: str, client: redis.Redis) -> None:
        """--stat, MONITOR and SUBSCRIBE go on until they are ended."""
        stat = watch(port, "--stat", "-i", "0.1", until=lambda text: text.count("\n") > 4)
        assert "keys" in stat and "clients" in stat
        seen = watch(port, "monitor", until=lambda text: '"get" "a b"' in text.lower(), begin=lambda: client.get("a b"))
        assert seen.startswith("OK\n")
        heard = watch(
            port, "subscribe", "news", until=lambda text: "message\nnews\nhello" in text, begin=lambda: client.publish("news", "hello")
        )
        assert heard.startswith("subscribe\nnews\n1\n")


class TestRedisBenchmark:
    """redis-benchmark without an error."""

    @pytest.mark.parametrize("options", [(), ("-P", "16"), ("-3",), ("-c", "1"), ("-r", "1000", "-d", "100")], ids=str)
    def test_default(self, port: str, client: redis.Redis, options: tuple[str, ...]) -> None:
        """All of the default tests, each with a line of figures."""
        command = [needs_program("redis-benchmark"), "-p", port, "--csv", "-n", "1000", *options]
        errors = client.info("errorstats")
        run = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
        lines = run.stdout.splitlines()
        assert len(lines) == 21, run.stdout + run.stderr
        assert all(line.startswith('"') for line in lines), run.stdout
        assert "rror" not in run.stderr and "WARNING" not in run.stderr
        assert client.info("errorstats") == errors
