"""Want of memory: what fails says so and leaves everything as it was, and what cannot fail aborts with a message."""

from __future__ import annotations

import errno
import gc
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import zippy
from tests.resp import Reply
from tests.unit.peer import Peer
from tests.unit.test_append_load import request
from tests.unit.want_of_memory import MODES, ONCE, PERSISTENT, PREPARATION, Tally, core_commands, replies_in, starve_all
from zippy._core.append_load import AppendError, RequestLoader
from zippy._core.introspection import dataset_digest, internal_session, keyspace_fault
from zippy._core.resp.values import encoded
from zippy._core.session import Core
from zippy._core.snapshot import Loading, SaveRequest, SnapshotError, Walk, load_bytes, save_here
from zippy._core.testing import mem_shim
from zippy._core.testing.mem_shim import fail_allocations, failures
from zippy.inprocess.engine import host_of

pytestmark = pytest.mark.skipif(not mem_shim.DEBUG, reason="only a debug build can make the allocator fail")

LONG = b"x" * (2 << 20)
CHUNK = 256 * 1024


@pytest.fixture(autouse=True)
def allocator() -> Iterator[None]:
    """Behaves again after each test. The collector stands still: engines that it ends would be denied what was meant for others."""
    gc.collect()
    gc.disable()
    yield
    fail_allocations(0, 0)
    gc.enable()


@pytest.mark.parametrize("small", [False, True], ids=["packed", "tables"])
def test_every_command(small: bool) -> None:
    tally = Tally()
    starve_all(range(1), tally, (small,))
    assert tally.problems == []
    assert core_commands() <= tally.names
    assert tally.failed > tally.units


class Served:
    """A core with a client, and why it closed clients."""

    def __init__(self) -> None:
        self.core = Core(16, 1)
        self.reasons: list[str] = []
        self.core.on_limit = lambda session, reason: self.reasons.append(reason)
        self.peer = Peer(self.core)

    def sends(self, *commands: bytes) -> bytes:
        """What comes back when a client sends this as sockets bring it."""
        self.peer.sent = b""
        data = b"".join(commands)
        for at in range(0, len(data), CHUNK):
            self.peer.session.feed(data[at : at + CHUNK])
            self.core.end_turn()
        return self.peer.sent

    @property
    def closed(self) -> bool:
        """Whether the client is."""
        return self.peer.session.id == 0


def starved(mode: str, run: Callable[[], object]) -> Iterator[int]:
    """Calls run while one more call than before succeeds, and yields how many failed meanwhile, until none does."""
    calls = 0
    failed = 1
    while failed:
        fail_allocations(calls, MODES[mode])
        run()
        failed = failures()
        fail_allocations(0, 0)
        yield failed
        calls += 1


class TestReplies:
    """A client whose reply there is no memory for is closed, and the log says why."""

    def test_one_that_does_not_even_begin(self) -> None:
        served = Served()
        served.sends(request("SET", "k", LONG))
        fail_allocations(0, 1)
        assert served.sends(request("GET", "k")) == b""
        assert served.closed
        assert served.reasons == ["there was no memory for its request or its reply"]

    def test_nothing_follows_what_is_missing(self) -> None:
        served = Served()
        served.sends(request("SET", "k", LONG), request("RPUSH", "l", *range(20)))
        fail_allocations(1, 1)
        assert served.sends(request("LRANGE", "l", 0, -1), request("GET", "k"), request("PING")) == b""
        assert served.closed

    def test_a_subscriber(self) -> None:
        served = Served()
        other = Peer(served.core)
        other("SUBSCRIBE c")
        fail_allocations(0, 1)
        assert served.sends(request("PUBLISH", "c", b"m" * 100_000)) == b":1\r\n"
        assert other.session.id == 0
        assert not served.closed
        assert served.reasons == ["there was no memory for its request or its reply"]

    def test_of_a_python_value(self) -> None:
        fail_allocations(0, 1)
        with pytest.raises(MemoryError):
            encoded("x" * 1000, 2)


ABSENT = b":0\r\n"
LONG_ARGUMENTS = [
    ("HSET", "k", "f", LONG),
    ("HSET", "k", LONG, "v"),
    ("LPUSH", "k", "a", LONG),
    ("SADD", "k", LONG, "b"),
    ("ZADD", "k", "1", LONG),
    ("SET", "k", LONG),
    ("SET", "k", LONG, "EX", "100"),
    ("MSET", "k", LONG),
    ("APPEND", "k", LONG),
    ("SETRANGE", "k", "10", LONG),
    ("PUBLISH", "k", LONG),
    ("SUBSCRIBE", LONG),
    ("CLIENT", "SETNAME", LONG),
    ("WATCH", LONG),
    ("BLPOP", LONG, "0"),
    ("PFNOSUCH", LONG),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("words", LONG_ARGUMENTS, ids=lambda words: " ".join(map(str, words))[:12])
def test_long_arguments(words: tuple[str | bytes, ...], mode: str) -> None:
    """The command is refused, and there is no key then, or its client is closed."""
    served = Served()
    replies: list[bytes] = []

    def send() -> None:
        nonlocal served
        served = Served()
        replies.append(served.sends(request(*words)))

    for failed in starved(mode, send):
        exists = Peer(served.core)("EXISTS k")
        if not failed:
            break
        if served.closed:
            assert served.reasons == ["there was no memory for its request or its reply"]
        elif replies[-1].startswith(b"-OOM "):
            assert exists == ABSENT
    assert len(replies) > 2
    # where there is no memory for that reply either the client is closed
    assert mode == PERSISTENT or b"-OOM out of memory\r\n" in replies


TEXTS = tuple(b"member %d " % n + b"x" * 500 for n in range(5000))
FIELDS = tuple(part for text in TEXTS for part in (text, b"v"))
SCORED = tuple(part for text in TEXTS for part in (b"1", text))
POINTS = tuple(part for text in TEXTS for part in (b"1", b"2", text))
COPIES = [
    ("COPY", "l", "d", "REPLACE"),
    ("COPY", "s", "d", "REPLACE"),
    ("COPY", "h", "d", "REPLACE"),
    ("COPY", "z", "d", "REPLACE"),
    ("SORT", "l", "ALPHA", "STORE", "d"),
    ("SORT", "s", "BY", "nosort", "GET", "#", "GET", "#", "STORE", "d"),
    ("SUNIONSTORE", "d", "s", "nothing"),
    ("SINTERSTORE", "d", "s", "s"),
    ("SDIFFSTORE", "d", "s", "nothing"),
    ("ZUNIONSTORE", "d", "2", "z", "s"),
    ("ZUNIONSTORE", "d", "2", "s", "z"),
    ("ZINTERSTORE", "d", "2", "z", "s"),
    ("ZDIFFSTORE", "d", "2", "z", "nothing"),
    ("ZRANGESTORE", "d", "z", "0", "-1"),
    ("ZRANGESTORE", "d", "z", "-", "+", "BYLEX"),
    ("GEOSEARCHSTORE", "d", "g", "FROMLONLAT", "0", "0", "BYRADIUS", "30000", "km"),
    ("GEORADIUS", "g", "0", "0", "30000", "km", "STOREDIST", "d"),
]


@pytest.fixture(scope="module")
def large() -> Served:
    """With a large list, set, hash and sorted set, and a small value where they are copied to."""
    served = Served()
    values: tuple[tuple[Any, ...], ...] = (
        *(("RPUSH", "l", *TEXTS), ("SADD", "s", *TEXTS), ("HSET", "h", *FIELDS)),
        *(("ZADD", "z", *SCORED), ("GEOADD", "g", *POINTS), ("SET", "d", "old")),
    )
    served.sends(*(request(*words) for words in values))
    return served


@pytest.mark.parametrize("words", COPIES, ids=" ".join)
def test_copies_of_what_is_large(large: Served, words: tuple[str, ...]) -> None:
    """The command is refused, and nothing has changed."""
    large.sends(request("SET", "d", "old"))
    replies: list[bytes] = []
    for failed in starved(ONCE, lambda: replies.append(large.sends(request(*words)))):
        if failed:
            assert large.sends(request("GET", "d")) == b"$3\r\nold\r\n"
    assert len(replies) > 1
    assert set(replies[:-1]) == {b"-OOM out of memory\r\n"}
    assert replies[-1].startswith(b":")
    assert large.sends(request("TYPE", "d")) != b"+string\r\n"


@pytest.mark.parametrize("mode", MODES)
def test_long_arguments_of_a_transaction(mode: str) -> None:
    """EXEC is not run halfway where its commands would not find room for theirs."""
    transaction = [request(*words) for words in (("MULTI",), ("HSET", "k", "f", LONG), ("SADD", "s", "a"), ("EXEC",))]
    served = Served()
    replies: list[bytes] = []

    def send() -> None:
        nonlocal served
        served = Served()
        replies.append(served.sends(*transaction))

    for _ in starved(mode, send):
        exists = Peer(served.core)("EXISTS k s")
        assert exists in (b":2\r\n", ABSENT)
        assert served.closed or (exists == b":2\r\n") == replies[-1].endswith(b"*2\r\n:1\r\n:1\r\n")
    assert len(replies) > 3
    for refusal in (b"because of: OOM out of memory", b"because of previous errors."):
        assert mode == PERSISTENT or any(b"-EXECABORT Transaction discarded %b\r\n" % refusal in reply for reply in replies)


def test_a_request_that_there_is_no_memory_for() -> None:
    served = Served()
    # the first is made for the words before
    fail_allocations(1, 1)
    served.sends(b"*2\r\n$4\r\nECHO\r\n$100000\r\n" + b"x" * 20)
    assert served.closed
    assert served.reasons == ["there was no memory for its request or its reply"]


OUT_OF_MEMORY = Reply("-", b"OOM out of memory")
NO_ROOM_FOR_REQUEST = Reply("-", b"ERR Protocol error: out of memory")
REQUESTS = [
    b"".join(request("RPUSH", "l", *range(n)) for n in (3, 2000, 3)),
    b"RPUSH l " + b'"a\\x00b" ' * 400 + b"\r\nPING\r\n",
    request("MSET", *range(100)) + request("SET", "k", "v" * 40_000) + request("GET", "k"),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("data", REQUESTS, ids=["many words", "inline", "a long word"])
def test_requests_in_pieces(data: bytes, mode: str) -> None:
    """What is not received whole is not run: its client is closed, or told and closed."""
    served = Served()
    replies: list[bytes] = []

    def send() -> None:
        nonlocal served
        served = Served()
        sent = b""
        for at in range(0, len(data), 1000):
            sent += served.sends(data[at : at + 1000])
        replies.append(sent)

    assert sum(1 for _ in starved(mode, send)) > 5
    for reply in replies:
        for came, wanted in zip(replies_in(reply), replies_in(replies[-1]), strict=False):
            # a key that could not be set is absent
            assert came in (wanted, OUT_OF_MEMORY, NO_ROOM_FOR_REQUEST, Reply("$-1", None))


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-random"])
@pytest.mark.parametrize("mode", MODES)
def test_evicting(mode: str, policy: str) -> None:
    """Where a key cannot be remembered to be evicted, the command is refused."""
    with zippy.Engine(maxmemory="2mb", maxmemory_policy=policy, maxmemory_eviction_tenacity=100) as engine:
        session = host_of(engine).channel(lambda session: None, lambda session: None)
        for n in range(100):
            host_of(engine).feed(session, request("SET", n, "v" * 20_000))
        # what memory a command takes is seen by the one after it
        host_of(engine).feed(session, request("SET", "large", "v" * 400_000))
        session.take_output()
        fail_allocations(0, MODES[mode])
        host_of(engine).feed(session, request("SET", "more", "v"))
        fail_allocations(0, 0)
        host_of(engine).feed(session, request("PING"))
        assert session.take_output() in (b"-OOM command not allowed when used memory > 'maxmemory'.\r\n+PONG\r\n", b"+OK\r\n+PONG\r\n", b"")


def filled() -> Core:
    """A core with values of every type and encoding."""
    core = Core(16, 1)
    peer = Peer(core)
    for words in PREPARATION:
        peer.session.feed(request(*words))
        core.end_turn()
    return core


def digest_of(data: bytes, commands: bool) -> str:
    """The checksum of what a file holds."""
    core = Core(16, 1)
    if commands:
        session = internal_session(core)
        RequestLoader(session).load(data, 0)
        session.close()
    else:
        load_bytes(core, data, keep_expired=True)
    return dataset_digest(core)


def save(core: Core, path: Path, commands: bool) -> int:
    """Saves all keys; 0 or the errno."""
    save_request = SaveRequest(str(path), "8.2.3")
    if commands:
        save_request.write_commands(False)
    try:
        save_here(core, save_request)
    except OSError as error:
        assert error.errno is not None
        return error.errno
    return 0


class TestFiles:
    """A file is whole, or is not there; what is not loaded whole is told."""

    @pytest.mark.parametrize("commands", [False, True], ids=["snapshot", "commands"])
    @pytest.mark.parametrize("mode", MODES)
    def test_saving(self, tmp_path: Path, mode: str, commands: bool) -> None:
        core = filled()
        before = dataset_digest(core)
        path = tmp_path / "dump.rdb"
        errors: list[int] = []

        def run() -> None:
            path.unlink(missing_ok=True)
            errors.append(save(core, path, commands))

        for _ in starved(mode, run):
            assert errors[-1] in (0, errno.ENOMEM)
            assert path.exists() == (errors[-1] == 0)
            assert errors[-1] or digest_of(path.read_bytes(), commands) == before
            assert dataset_digest(core) == before
        assert errors[0] == errno.ENOMEM
        assert errors[-1] == 0

    @pytest.mark.parametrize("mode", MODES)
    def test_loading(self, tmp_path: Path, mode: str) -> None:
        core = filled()
        assert save(core, tmp_path / "dump.rdb", False) == 0
        data = (tmp_path / "dump.rdb").read_bytes()
        outcomes: list[str] = []

        def run() -> None:
            into = Core(16, 1)
            try:
                load_bytes(into, data)
            except SnapshotError as error:
                outcomes.append(error.problem)
            else:
                outcomes.append("whole")
                assert dataset_digest(into) == dataset_digest(core)

        assert sum(1 for _ in starved(mode, run)) > 5
        assert set(outcomes) == {"a string is larger than memory", "whole"}

    @pytest.mark.parametrize("aside", [False, True], ids=["in place", "aside"])
    @pytest.mark.parametrize("mode", MODES)
    def test_loading_what_comes(self, tmp_path: Path, mode: str, aside: bool) -> None:
        """The same of a copy that comes in pieces: the piece that there is no room for is refused too."""
        core = filled()
        assert save(core, tmp_path / "dump.rdb", False) == 0
        data = (tmp_path / "dump.rdb").read_bytes()
        outcomes: list[str] = []

        def run() -> None:
            into = Core(16, 1)
            loading = Loading(into, None, aside, len(data))
            try:
                for at in range(0, len(data), 5000):
                    loading.feed(data[at : at + 5000])
                    while not loading.starved:
                        loading.step(1000)
                loading.feed(b"")
                while loading.step(1000):
                    pass
            except SnapshotError as error:
                outcomes.append(error.problem)
            except MemoryError:
                outcomes.append("MemoryError")
            else:
                outcomes.append("whole")
                assert dataset_digest(into) == dataset_digest(core)
            loading.end()
            assert keyspace_fault(into) is None

        assert sum(1 for _ in starved(mode, run)) > 5
        assert set(outcomes) == {"a string is larger than memory", "MemoryError", "whole"}

    @pytest.mark.parametrize("mode", MODES)
    def test_loading_commands(self, mode: str) -> None:
        """A command that finds no memory ends the loading: what comes behind it would be loaded without it."""
        data = b"".join(request(*words) for words in PREPARATION)
        into = Core(16, 1)
        problems: list[str] = []

        def run() -> None:
            nonlocal into
            into = Core(16, 1)
            session = internal_session(into)
            try:
                RequestLoader(session).load(data, 0)
            except AppendError as error:
                problems.append(error.problem)
            else:
                problems.append("")
            finally:
                session.close()

        for _ in starved(mode, run):
            assert problems[-1] or dataset_digest(into) == dataset_digest(filled())
        assert set(problems) == {"there is no memory for what a command does", ""}

    @pytest.mark.parametrize("mode", MODES)
    def test_walking(self, tmp_path: Path, mode: str) -> None:
        """Beside the traffic, which changes what the walk has not come to."""
        before = dataset_digest(filled())
        problems: list[str] = []
        data = b""

        def run() -> None:
            nonlocal data
            fail_allocations(0, 0)
            core = filled()
            peer = Peer(core)
            data = b""
            fail_allocations(len(problems), MODES[mode])
            try:
                walk = Walk(core, SaveRequest(str(tmp_path / "dump.rdb"), "8.2.3"))
            except MemoryError:
                problems.append("MemoryError")
                return
            try:
                for n in range(10**6):
                    walk.step(10**6, 1)
                    data += walk.take()
                    if walk.finished:
                        break
                    if n < 20:
                        peer(f"APPEND s{n % 6} x", f"RPUSH l{n % 4} x", f"DEL h{n % 4}", f"SADD x{n % 4} {n}") if peer.session.id else None
            except OSError as error:
                problems.append(str(error.errno))
            else:
                problems.append("")
            finally:
                walk.end()

        for _ in starved(mode, run):
            assert problems[-1] or digest_of(data, False) == before
        assert set(problems) == {"MemoryError", str(errno.ENOMEM), ""}


@pytest.mark.parametrize("mode", MODES)
def test_a_command_in_python(mode: str) -> None:
    with zippy.Engine(enable_debug_command="yes", slowlog_log_slower_than=-1) as engine:
        session = host_of(engine).channel(lambda session: None, lambda session: None)
        host_of(engine).feed(session, request("SET", "warm", "up"))
        fail_allocations(0, MODES[mode])
        host_of(engine).feed(session, request("DEBUG", "POPULATE", "3"))
        fail_allocations(0, 0)
        assert engine.execute("DBSIZE") == 1
        assert session.take_output() == b"+OK\r\n-OOM out of memory\r\n"


class TestAborting:
    """What is in pieces of a bounded size aborts the process."""

    CODE = """
import sys
from zippy._core.testing.mem_shim import abort_for_want_of
from zippy.server.process import set_up_log
from zippy.settings import Settings, find_setting
settings = Settings()
settings.put(find_setting("logfile"), sys.argv[1])
set_up_log(settings)
abort_for_want_of(1 << 60)
"""

    @pytest.mark.parametrize("to_file", [False, True])
    def test_it_says_why(self, tmp_path: Path, to_file: bool) -> None:
        path = tmp_path / "zippy.log" if to_file else ""
        done = subprocess.run([sys.executable, "-c", self.CODE, str(path)], capture_output=True, text=True, timeout=60, check=False)
        message = f"# Out of memory allocating {1 << 60} bytes, aborting\n"
        assert done.returncode == -signal.SIGABRT
        assert message in done.stderr
        assert not to_file or message in (tmp_path / "zippy.log").read_text()


def test_once_and_from_there_on() -> None:
    assert mem_shim.has_room(1 << 30)
    fail_allocations(1, MODES[ONCE])
    assert [mem_shim.has_room(1 << 20) for _ in range(4)] == [True, False, True, True]
    assert failures() == 1
    fail_allocations(2, MODES[PERSISTENT])
    assert [mem_shim.has_room(1 << 20) for _ in range(4)] == [True, True, False, False]
    fail_allocations(0, 0)
    assert mem_shim.has_room(1 << 20)
    assert not mem_shim.has_room(1 << 60)
