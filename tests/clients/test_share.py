"""Stores in folders that several processes share: zippy.Engine(path, share=True)."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import zippy
from tests.persistence.share import Share
from tests.waiting import blocked, until, wait_until
from zippy.inprocess import shared
from zippy.inprocess.engine import host_of
from zippy.inprocess.shared import SOCKET
from zippy.persistence.folder_lock import NAME, FolderLock

SECONDS = 30
PROCESS = """
import sys, threading, redis, zippy
engine = zippy.Engine(sys.argv[1], share=True, appendfsync="always")
client = zippy.connect(engine)
print("ready", flush=True)
for line in sys.stdin:
    try:
        print(repr(eval(line)), flush=True)
    except Exception as error:
        print(f"{type(error).__name__}: {error}", flush=True)
"""


def is_running(function: str) -> bool:
    """Whether some thread is in a function of this name."""
    return any(frame.f_code.co_name == function for top in sys._current_frames().values() for frame, _ in traceback.walk_stack(top))


class Other:
    """Another process that shares the folder. other("client.get('a')") is what that comes to there, as repr shows it."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self.process.pid
        assert self.read() == "ready"

    def read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def begin(self, code: str) -> None:
        """Has it evaluate code; `read` gives what it came to."""
        assert self.process.stdin is not None
        self.process.stdin.write(code + "\n")
        self.process.stdin.flush()

    def __call__(self, code: str) -> str:
        self.begin(code)
        return self.read()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def leave(self) -> None:
        """Has it end by itself."""
        self.process.communicate()
        assert self.process.returncode == 0


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No thread and no descriptor of a store outlives its test."""
    gc.collect()
    before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    yield
    gc.collect()
    wait_until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("zippy-")])
    if sys.platform == "linux":
        wait_until(lambda: len(os.listdir("/proc/self/fd")) <= before)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Callable[[], Other]]:
    """Makes processes that share tmp_path / "store"; they end with the test."""
    made: list[Other] = []

    def make() -> Other:
        made.append(Other(tmp_path / "store"))
        return made[-1]

    yield make
    for each in made:
        each.kill()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


def owner_of(folder: Path) -> int:
    """The process that the lock's file names."""
    return int((folder / "zippy.lock").read_bytes().split()[0])


class TestSharing:
    """One owner and its guests."""

    @pytest.mark.parametrize("is_owner", [True, False])
    def test_one_store(self, folder: Path, other: Callable[[], Other], is_owner: bool) -> None:
        first = None if is_owner else other()
        with zippy.Engine(folder, share=True) as engine:
            second = first or other()
            assert owner_of(folder) == (os.getpid() if is_owner else second.pid)
            client = zippy.connect(engine)
            assert second("engine.execute('SET', 'a', 1)") == "b'OK'"
            assert client.get("a") == engine.execute("GET", "a") == b"1"
            client.hset("h", mapping={"f": "v"})
            assert second("client.hgetall('h')") == "{b'f': b'v'}"
            assert client.pipeline().incr("a").incr("a").execute() == [2, 3]

    def test_by_url(self, folder: Path, other: Callable[[], Other]) -> None:
        there = other()
        client = zippy.connect(f"file://{folder}", share=True, decode_responses=True)
        client.set("a", "ä")
        assert there("client.get('a')") == repr("ä".encode())
        assert zippy.connect(f"file://{folder}", share=True).get("a") == "ä".encode()
        there.kill()
        assert client.get("a") == "ä"

    def test_socket_is_private(self, folder: Path) -> None:
        with zippy.Engine(folder, share=True):
            assert stat.S_IMODE((folder / SOCKET).stat().st_mode) == 0o600
        assert not (folder / SOCKET).exists()

    def test_stale_socket(self, folder: Path) -> None:
        """What a killed owner left is no obstacle, and neither is a file that is no socket."""
        folder.mkdir()
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(folder / SOCKET))
        zippy.Engine(folder, share=True).close()
        (folder / SOCKET).write_text("something else")
        zippy.Engine(folder, share=True).close()

    def test_long_path(self, tmp_path: Path) -> None:
        """Longer than a socket's address may be."""
        folder = tmp_path / ("d" * 200)
        with zippy.Engine(folder, share=True) as engine:
            there = Other(folder)
            assert there("engine.execute('SET', 'a', 1)") == "b'OK'"
            assert engine.execute("GET", "a") == b"1"
            assert there("client.incr('a')") == "2"
            listed = zippy.connect(engine).client_list()
            assert f"{folder / SOCKET}:0" in {each["addr"] for each in listed} & {each["laddr"] for each in listed}
            there.leave()

    @pytest.mark.parametrize("waits_here", [True, False])
    def test_blocking(self, folder: Path, other: Callable[[], Other], waits_here: bool) -> None:
        there = other()
        with zippy.Engine(folder, share=True) as engine, ThreadPoolExecutor() as pool:
            client = zippy.connect(engine)
            if waits_here:
                popped = pool.submit(client.blpop, ["q"], 0)
                wait_until(lambda: blocked(engine) == 1)
                assert there("client.rpush('q', 'x')") == "1"
                assert popped.result(SECONDS) == (b"q", b"x")
            else:
                there.begin("client.blpop('q', 0)")
                wait_until(lambda: blocked(engine) == 1)
                client.rpush("q", "x")
                assert there.read() == "(b'q', b'x')"
            assert client.blpop(["q"], 0.01) is None

    def test_values(self, folder: Path, other: Callable[[], Other]) -> None:
        """Engine.execute gives the same for a guest as for the owner."""
        commands: list[tuple[Any, ...]] = [
            ("SET", "s", b"\x00\xff"), ("GET", "s"), ("GET", "none"), ("INCRBYFLOAT", "f", 1.5), ("RPUSH", "l", 1, 2.5, "x"),
            ("LRANGE", "l", 0, -1), ("HSET", "h", "a", 1), ("HGETALL", "h"), ("SADD", "t", "x"), ("SMEMBERS", "t"),
            ("ZADD", "z", 1.5, "a"), ("ZSCORE", "z", "a"), ("ZRANGE", "z", 0, -1, "WITHSCORES"), ("NOSUCH", "x"), ("GET",),
            ("LPUSH", "s", 1), ("BLPOP", "none", 0), ("SUBSCRIBE", "c"), ("MULTI",), ("CLIENT", "SETNAME", "x"), ("SELECT", 3),
            ("SET", "in3", 1), ("PING",), ("XADD", "x", "1-1", "f", "v"), ("XRANGE", "x", "-", "+"), ("XREAD", "STREAMS", "x", 0),
            ("EVAL", "return {1, 'a', {2}}", 0), ("EVAL", "return redis.error_reply('MY error')", 0), ("INFO", "nosuchsection"),
            ("OBJECT", "ENCODING", "in3"), ("SELECT", 99),
        ]  # fmt: skip
        there = other()
        with zippy.Engine(folder, share=True) as guest, zippy.Engine() as alone:
            got, wanted = guest.execute_many(commands), alone.execute_many(commands)
            for command, value, expected in zip(commands, got, wanted, strict=True):
                assert repr(value) == repr(expected), command
            for name in ("GET", "EXISTS"):
                assert guest.execute(name, "in3") == alone.execute(name, "in3")
            with pytest.raises(zippy.ReplyError, match="WRONGTYPE"):
                guest.execute_many([("SELECT", 0)])
                guest.execute("LPUSH", "s", 1)
            for wrong in ((True,), (None,), ()):
                with pytest.raises(TypeError) as ours:
                    guest.execute(*wrong)
                with pytest.raises(TypeError) as theirs:
                    alone.execute(*wrong)
                assert str(ours.value) == str(theirs.value)
            assert guest.execute_many([]) == alone.execute_many([]) == []
            guest.execute("SELECT", 3)
            there.kill()
            # which database was selected holds when the store is taken over
            assert guest.execute("GET", "in3") == b"1"

    def test_asyncio(self, folder: Path, other: Callable[[], Other]) -> None:
        there = other()

        async def run() -> None:
            client = zippy.connect_async(f"file://{folder}", share=True)
            await client.set("a", 1)
            popped = asyncio.ensure_future(client.blpop(["q"], 0))
            await until(lambda: "'blocked_clients': 1" in there("client.info('clients')"))
            assert there("client.rpush('q', 'x')") == "1"
            assert tuple(await popped) == (b"q", b"x")
            there.kill()
            await until(lambda: client.connection_pool._available_connections[0]._reader.at_eof())
            assert await client.incr("a") == 2
            assert owner_of(folder) == os.getpid()
            # commands go past redis-py from now on
            assert client.caller is not None and await client.incr("a") == 3
            await client.aclose()

        asyncio.run(asyncio.wait_for(run(), SECONDS))

    def test_threads_and_fork(self, folder: Path) -> None:
        """A forked child of the owner is another process: it reaches its parent."""
        code = f"""
import os, zippy
engine = zippy.Engine({str(folder)!r}, share=True)
client = zippy.connect(engine)
client.set("a", 1)
engine.execute("INCR", "a")
child = os.fork()
if not child:
    assert client.incr("a") == 3, client.get("a")
    assert engine.execute("INCR", "a") == 4
    os._exit(7)
assert os.waitpid(child, 0)[1] == 7 << 8
assert engine.execute("INCR", "a") == 5 and client.incr("a") == 6
"""
        ended = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=SECONDS, check=False)
        assert (ended.returncode, ended.stderr) == (0, "")

    def test_served_too(self, folder: Path, other: Callable[[], Other]) -> None:
        """An owner may be served by an address as well; a guest may not."""
        with zippy.Engine(folder, share=True) as engine:
            there = other()
            with zippy.serve(engine=engine) as server, redis.Redis.from_url(server.url) as client:
                client.set("a", 1)
                assert there("client.get('a')") == "b'1'"
                assert "another process" in there("zippy.serve(engine=engine)")
            assert there("client.get('a')") == engine.execute("GET", "a") == b"1" or there("client.get('a')") == "b'1'"

    def test_what_is_the_owners(self, folder: Path, other: Callable[[], Other]) -> None:
        there = other()
        with zippy.Engine(folder, share=True) as guest:
            for use in (lambda: guest.lock, guest.snapshot, lambda: zippy.testing.Faults(guest).__enter__()):
                with pytest.raises(RuntimeError, match="another process"):
                    use()
        assert there("engine.execute('PING')") == "b'PONG'"

    def test_password(self, folder: Path) -> None:
        """Settings are the owner's; a guest's engine knows the password from its own."""
        with zippy.Engine(folder, share=True, requirepass="x") as owner, ThreadPoolExecutor():
            owner.execute("SET", "a", 1)
            with zippy.Engine(folder, share=True, requirepass="x") as guest:
                assert guest.execute("GET", "a") == b"1"
                assert zippy.connect(guest, password="x").get("a") == b"1"
                with pytest.raises(redis.AuthenticationError):
                    zippy.connect(guest).get("a")


class TestRefusals:
    """What cannot be shared."""

    def test_owner_does_not_share(self, folder: Path) -> None:
        with zippy.Engine(folder), pytest.raises(zippy.FolderInUse, match=str(os.getpid())) as refused:
            zippy.Engine(folder, share=True)
        assert refused.value.pid == os.getpid()

    @pytest.mark.parametrize("before", ["", "dead", "dead shares"])
    def test_owner_that_has_not_said_who_it_is(self, folder: Path, monkeypatch: pytest.MonkeyPatch, before: str) -> None:
        """The file is written behind the lock: what it says till then is no reason to give up."""
        monkeypatch.setattr(shared, "GRACE", 0.0)
        tries: list[Path] = []
        hold = FolderLock.hold
        monkeypatch.setattr(FolderLock, "hold", lambda lock, folder: (tries.append(folder), hold(lock, folder)))
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        folder.mkdir()
        (folder / NAME).write_text(before.replace("dead", str(ended.pid)))
        with (folder / NAME).open() as held, ThreadPoolExecutor() as pool:
            fcntl.flock(held, fcntl.LOCK_EX)
            opened = pool.submit(zippy.Engine, folder, share=True)
            wait_until(lambda: len(tries) > 2)
            held.close()
            with opened.result(SECONDS) as engine:
                assert engine.execute("PING") == b"PONG"

    def test_who_does_not_share(self, folder: Path, other: Callable[[], Other]) -> None:
        there = other()
        with pytest.raises(zippy.FolderInUse, match=str(there.pid)):
            zippy.Engine(folder)

    def test_nothing_to_share(self) -> None:
        for make in (
            lambda: zippy.Engine(share=True),
            lambda: zippy.connect(share=True),
            lambda: zippy.connect("mem://x", share=True),
            lambda: zippy.connect(zippy.Engine(), share=True),
            lambda: zippy.connect_async(share=True),
        ):
            with pytest.raises(ValueError, match="share=True"):
                make()

    def test_open_without(self, folder: Path) -> None:
        """A URL's store that is in this process already, and not shared."""
        client = zippy.connect(f"file://{folder}")
        with pytest.raises(ValueError, match="without share=True"):
            zippy.connect(f"file://{folder}", share=True)
        assert client.ping()

    def test_wrong_setting(self, folder: Path, other: Callable[[], Other]) -> None:
        other()
        with pytest.raises(ValueError, match="nosuch"):
            zippy.Engine(folder, share=True, nosuch=1)

    def test_damaged(self, folder: Path) -> None:
        """The folder's error is as without sharing, and the folder is free afterwards."""
        folder.mkdir()
        (folder / "appendonlydir").mkdir()
        (folder / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
        for _ in range(2):
            with pytest.raises(zippy.FolderError, match="manifest"):
                zippy.Engine(folder, share=True)


class TestTakingOver:
    """The owner goes."""

    @pytest.mark.parametrize("end", ["kill", "leave"])
    def test_next_use(self, folder: Path, other: Callable[[], Other], end: str) -> None:
        owner = other()
        with zippy.Engine(folder, share=True) as engine:
            client, third = zippy.connect(engine), other()
            assert [client.incr("n"), engine.execute("INCR", "n"), third("client.incr('n')")] == [1, 2, "3"]
            getattr(owner, end)()
            assert [client.incr("n"), engine.execute("INCR", "n"), third("client.incr('n')"), third("engine.execute('INCR', 'n')")] == [
                4, 5, "6", "7",
            ]  # fmt: skip
            assert owner_of(folder) == os.getpid() and host_of(engine).kept is not None
        assert third("client.incr('n')") == "8" and owner_of(folder) == third.pid

    @pytest.mark.parametrize("retries", [0, 1])
    def test_under_way(self, folder: Path, other: Callable[[], Other], retries: int) -> None:
        """A command that waits when the owner is killed is redis-py's to send again, if it is told to."""
        owner = other()
        with zippy.Engine(folder, share=True) as engine, ThreadPoolExecutor() as pool:
            options = {"retry": Retry(NoBackoff(), retries)} if retries else {}
            popped = pool.submit(zippy.connect(engine, **options).blpop, ["q"], 0)
            wait_until(lambda: blocked(engine) == 1)
            owner.kill()
            if retries:
                wait_until(lambda: blocked(engine) == 1)
                engine.execute("RPUSH", "q", "x")
                assert popped.result(SECONDS) == (b"q", b"x")
            else:
                with pytest.raises(redis.ConnectionError):
                    popped.result(SECONDS)

    def test_execute_under_way(self, folder: Path, other: Callable[[], Other]) -> None:
        """Not sent twice: whoever calls hears that it is not known."""
        owner = other()
        with zippy.Engine(folder, share=True) as engine, ThreadPoolExecutor() as pool:
            engine.execute("SET", "n", 0)
            os.kill(owner.pid, signal.SIGSTOP)
            counted = pool.submit(engine.execute, "INCR", "n")
            # before it is sent the next owner would be asked
            wait_until(lambda: is_running("read_value"))
            os.kill(owner.pid, signal.SIGKILL)
            with pytest.raises(ConnectionError):
                counted.result(SECONDS)
            assert engine.execute("GET", "n") in (b"0", b"1")

    def test_messages(self, folder: Path, other: Callable[[], Other]) -> None:
        """A subscriber is one of the next owner's clients, without being told."""
        owner = other()
        with zippy.Engine(folder, share=True) as engine, ThreadPoolExecutor() as pool:
            client = zippy.connect(engine, retry=Retry(NoBackoff(), 3))
            with client.pubsub(ignore_subscribe_messages=True) as messages:
                messages.subscribe("c")
                wait_until(lambda: client.pubsub_numsub("c") == [(b"c", 1)] and messages.get_message() is None)
                heard = pool.submit(next, messages.listen())
                owner.kill()
                third = other()
                wait_until(lambda: third("client.publish('c', 'm')") == "1")
                assert heard.result(SECONDS)["data"] == b"m"

    def test_clients_of_a_closed_engine(self, folder: Path, other: Callable[[], Other]) -> None:
        other()
        engine = zippy.Engine(folder, share=True)
        client = zippy.connect(engine)
        client.ping()
        engine.execute("PING")
        engine.close()
        engine.close()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        with pytest.raises(redis.ConnectionError, match="the engine is closed"):
            client.ping()
        with pytest.raises(ConnectionError, match="the engine is closed"):
            engine.execute("PING")

    def test_collected(self, folder: Path, other: Callable[[], Other]) -> None:
        """An owner that nobody refers to any more leaves the store to others."""
        client = zippy.connect(zippy.Engine(folder, share=True))
        client.set("a", 1)
        there = other()
        del client
        gc.collect()
        assert there("client.get('a')") == "b'1'"

    @pytest.mark.parametrize("policy", ["always", "everysec"])
    def test_again_and_again(self, tmp_path: Path, policy: str) -> None:
        (tmp_path / "logs").mkdir()
        acknowledged, owners = Share(tmp_path / "store", tmp_path / "logs", 1, policy).run(4)
        assert acknowledged >= owners == 4
