"""The log's writer under a clock that is set: when it writes, when it syncs, when it waits, and that no reply goes out before."""

from __future__ import annotations

import errno
import os
import re
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.resp import request
from tests.unit.test_evict import policy
from zippy._core.append_log import AppendLog
from zippy._core.callback_transport import CallbackTransport
from zippy._core.introspection import used_memory
from zippy._core.session import Core, Session
from zippy._core.users import log_in

SECOND = 1_000_000


class GivenUp(Exception):
    """In the place of the process's end."""


class Rig:
    """A core with a log, a client and a clock."""

    def __init__(self, policy: str) -> None:
        self.core = Core(16, 1)
        self.now = 1_700_000_000 * SECOND
        self.core.set_clock(self.now)
        self.syncs: list[tuple[int, int, int]] = []  # what the thread was given to sync: descriptor, number of the file, offset
        self.unstartable = 0  # errno of sending the thread
        self.closed: list[int] = []  # what it was given to close
        self.problems: list[int] = []
        self.log = AppendLog(self.core, self.sync, self.closed.append, self.problems.append, self.give_up)
        self.log.set_policy(policy)
        self.sent = b""
        self.session = Session(self.core, CallbackTransport(self.take, lambda session: None))
        log_in(self.session, b"default", b"secret", b"AUTH")
        self.folder = Path(tempfile.mkdtemp(prefix="zippy-log-"))
        self.files: list[int] = []

    def close(self) -> None:
        """Closes everything."""
        self.log.close()
        self.session.close()
        for descriptor in self.files:
            os.close(descriptor)
        for path in self.folder.iterdir():
            path.unlink()
        self.folder.rmdir()

    def take(self, session: Session) -> None:
        """The transport."""
        self.sent += session.take_output()

    def sync(self, descriptor: int, file: int, offset: int) -> None:
        """The thread is sent."""
        if self.unstartable:
            raise OSError(self.unstartable, os.strerror(self.unstartable))
        self.syncs.append((descriptor, file, offset))

    def synced(self, place: int = -1, error: int = 0) -> None:
        """The thread answers."""
        _, file, offset = self.syncs[place]
        self.log.synced_to(file, offset, error)

    def give_up(self, text: str, error: int) -> None:
        """The process would end here."""
        raise GivenUp(text, error)

    def open(self, name: str = "log", sync_former: bool = True) -> Path:
        """Turns the log to a file. sync_former: the thread has synced the one before at once."""
        path = self.folder / name
        self.files.append(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND))
        given = len(self.syncs)
        self.log.open(self.files[-1], path.stat().st_size)
        for place in range(given, len(self.syncs) if sync_former else 0):
            self.synced(place)
        return path

    def __call__(self, *words: object) -> bytes:
        """A command and the end of its turn: the reply that went out."""
        self.sent = b""
        self.session.feed(request(*words))
        self.core.end_turn()
        return self.sent

    def later(self, us: int) -> None:
        """Moves the clock."""
        self.now += us
        self.core.set_clock(self.now)


@pytest.fixture
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """A log with the policy that the test names."""
    rig = Rig(request.param)
    yield rig
    rig.close()


always = pytest.mark.parametrize("rig", ["always"], indirect=True)
everysec = pytest.mark.parametrize("rig", ["everysec"], indirect=True)
never = pytest.mark.parametrize("rig", ["no"], indirect=True)


@always
def test_what_is_written(rig: Rig) -> None:
    path = rig.open()
    assert rig("GET", "a") == b"$-1\r\n"
    assert path.read_bytes() == b""
    rig("SET", "a", 1)
    rig("SELECT", 3)
    rig("SET", "a", 1)
    rig("SET", "b", 1)
    expected = request("SELECT", 0) + request("SET", "a", 1) + request("SELECT", 3) + request("SET", "a", 1) + request("SET", "b", 1)
    assert path.read_bytes() == expected
    assert (rig.log.size, rig.log.buffered) == (len(expected), 0)
    assert rig.log.synced == rig.log.written > 0
    # another file's reader knows nothing of this one
    other = rig.open("other")
    rig("SET", "c", 1)
    assert path.read_bytes() == expected
    assert other.read_bytes() == request("SELECT", 3) + request("SET", "c", 1)


@always
def test_nothing_is_recorded_without_a_log(rig: Rig) -> None:
    rig("SET", "a", 1)
    path = rig.open()
    rig("SET", "b", 1)
    rig.log.close()
    rig("SET", "c", 1)
    assert path.read_bytes() == request("SELECT", 0) + request("SET", "b", 1)
    assert rig.log.descriptor == -1
    again = rig.open("again")
    rig("SET", "d", 1)
    assert again.read_bytes() == request("SELECT", 0) + request("SET", "d", 1)


@always
def test_a_pipeline_is_one_turn(rig: Rig) -> None:
    path = rig.open()
    rig.session.feed(b"".join(request("SET", f"key:{i}", i) for i in range(100)))
    assert (path.read_bytes(), rig.sent) == (b"", b"")
    rig.core.end_turn()
    assert path.read_bytes().count(b"SET") == 100
    assert rig.sent == b"+OK\r\n" * 100


@always
def test_no_reply_goes_out_before_its_sync(rig: Rig) -> None:
    reading, writing = os.pipe()
    # what was written to a pipe cannot be synced
    rig.log.open(writing, 0)
    with pytest.raises(GivenUp, match="sync") as raised:
        rig("SET", "a", 1)
    assert raised.value.args[1] == errno.EINVAL
    assert rig.sent == b""
    assert os.read(reading, 100) == request("SELECT", 0) + request("SET", "a", 1)
    assert rig.log.synced < rig.log.written
    rig.log.set_policy("no")
    os.close(reading)
    os.close(writing)


@always
def test_no_reply_goes_out_before_its_write(rig: Rig) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    rig.log.open(full, 0)
    with pytest.raises(GivenUp, match="write") as raised:
        rig("SET", "a", 1)
    assert raised.value.args[1] == errno.ENOSPC
    assert rig.sent == b""
    rig.log.set_policy("no")
    rig.log.close()
    os.close(full)


@always
def test_syncing_is_left_to_the_system_while_a_child_writes(rig: Rig) -> None:
    rig.open()
    rig.log.sync_later = True
    assert rig("SET", "a", 1) == b"+OK\r\n"
    assert rig.log.synced < rig.log.written
    rig.log.sync_later = False
    rig.log.flush(False)
    assert rig.log.synced == rig.log.written


@everysec
def test_once_a_second_the_thread_is_sent(rig: Rig) -> None:
    rig.open()
    rig("SET", "a", 1)
    assert rig.syncs == [(rig.log.descriptor, 1, rig.log.written)]
    assert rig.log.syncing
    rig.synced()
    assert rig.log.synced == rig.log.written
    rig("SET", "a", 2)
    rig.later(SECOND - 1)
    rig("SET", "a", 3)
    assert len(rig.syncs) == 1
    rig.later(1)
    rig.log.flush(False)
    assert len(rig.syncs) == 2
    rig.synced()
    rig.later(SECOND)
    rig.log.flush(False)
    # there is nothing to sync
    assert len(rig.syncs) == 2


@everysec
def test_a_write_does_not_wait_for_the_thread_but_no_longer_than_two_seconds(rig: Rig) -> None:
    path = rig.open()
    rig("SET", "a", 1)
    first = path.read_bytes()
    assert rig.log.syncing
    assert rig("SET", "a", 2) == b"+OK\r\n"
    rig.later(2 * SECOND - 1)
    assert rig("SET", "a", 3) == b"+OK\r\n"
    assert path.read_bytes() == first
    assert rig.log.buffered == 2 * len(request("SET", "a", 2))
    rig.later(1)
    rig.log.flush(False)
    assert path.read_bytes() == first + request("SET", "a", 2) + request("SET", "a", 3)
    assert (rig.log.delayed, rig.log.buffered) == (1, 0)
    # one at work is enough
    assert len(rig.syncs) == 1
    rig("SET", "a", 4)
    rig.synced(0)
    rig.log.flush(False)
    assert path.read_bytes().endswith(request("SET", "a", 4))
    assert len(rig.syncs) == 2


@everysec
def test_what_was_put_off_goes_to_the_file_it_belongs_to(rig: Rig) -> None:
    path = rig.open()
    rig("SET", "a", 1)
    rig("SET", "a", 2)
    assert rig.log.buffered
    other = rig.open("other")
    rig("SET", "a", 3)
    assert path.read_bytes() == request("SELECT", 0) + request("SET", "a", 1) + request("SET", "a", 2)
    rig.log.close()
    assert other.read_bytes() == request("SELECT", 0) + request("SET", "a", 3)


@everysec
def test_a_thread_that_failed_has_writes_refused(rig: Rig) -> None:
    rig.open()
    rig("SET", "a", 1)
    rig.synced(error=errno.EIO)
    assert (rig.problems, rig.log.error, rig.log.synced) == ([errno.EIO], errno.EIO, 0)
    assert rig("SET", "a", 2) == b"-MISCONF Errors writing to the AOF file: Input/output error\r\n"
    assert rig("PING").startswith(b"-MISCONF")
    assert rig("GET", "a") == b"$1\r\n1\r\n"
    rig("MULTI")
    assert rig("SET", "a", 2).startswith(b"-MISCONF")
    assert rig("EXEC").startswith(b"-EXECABORT")
    rig.later(SECOND)
    rig.log.flush(False)
    rig.synced()
    assert (rig.problems, rig.log.error, rig.log.failed_syncs) == ([errno.EIO, 0], 0, 1)
    assert rig("SET", "a", 2) == b"+OK\r\n"


@never
def test_what_a_full_disk_did_not_take_is_written_later(rig: Rig) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    rig.files.append(full)
    rig.log.open(full, 0)
    rig("SELECT", 2)
    assert rig("SET", "a", 1) == b"+OK\r\n"
    assert rig.problems == [errno.ENOSPC]
    assert rig("SET", "a", 2) == b"-MISCONF Errors writing to the AOF file: No space left on device\r\n"
    # and goes to the file that comes next, whose reader has no database selected
    path = rig.open()
    rig.log.flush(False)
    assert rig.problems[-1] == 0
    rig("SET", "b", 1)
    assert path.read_bytes() == request("SELECT", 2) + request("SET", "a", 1) + request("SET", "b", 1)
    # nothing but the file that is over
    assert [descriptor for descriptor, _, _ in rig.syncs] == [full]


@pytest.mark.parametrize("rig", ["everysec", "no"], indirect=True)
def test_settled_is_what_the_file_has(rig: Rig) -> None:
    rig.log.settle()
    full = os.open("/dev/full", os.O_WRONLY)
    rig.files.append(full)
    rig.log.open(full, 0)
    rig.log.settle()
    rig("SET", "a", 1)
    with pytest.raises(OSError, match="No space left on device"):
        rig.log.settle()
    path = rig.open()
    rig.log.settle()
    assert path.read_bytes() == request("SELECT", 0) + request("SET", "a", 1)


@everysec
@pytest.mark.parametrize("error", [errno.EMFILE, errno.EAGAIN])
def test_a_thread_that_cannot_be_sent_is_sent_a_second_later(rig: Rig, error: int) -> None:
    rig.open()
    rig.unstartable = error
    assert rig("SET", "a", 1) == b"+OK\r\n"
    assert (rig.problems, rig.log.error, rig.log.syncing) == ([error], error, 0)
    # nothing was written that could be lost
    assert rig.log.failed_syncs == 0
    rig.unstartable = 0
    rig.later(SECOND - 1)
    rig.log.flush(False)
    assert rig.syncs == []
    rig.later(1)
    rig.log.flush(False)
    rig.synced()
    assert rig.log.synced == rig.log.written
    assert (rig.problems, rig.log.error) == ([error, 0], 0)


class TestAnotherFile:
    """One file follows another: what is in the second is of no use without the end of the first."""

    @pytest.mark.parametrize("rig", ["everysec", "no"], indirect=True)
    def test_it_begins_when_the_one_before_is_on_disk(self, rig: Rig) -> None:
        first = rig.open("first")
        rig("SET", "a", 1)
        written = first.read_bytes()
        second = rig.open("second", sync_former=False)
        rig("SET", "b", 1)
        rig.later(2 * SECOND - 1)
        rig("SET", "c", 1)
        assert (first.read_bytes(), second.read_bytes(), rig.closed) == (written, b"", [])
        for place in range(len(rig.syncs)):
            rig.synced(place)
        assert rig.closed == rig.files[:1]
        rig.log.flush(False)
        assert second.read_bytes() == request("SELECT", 0) + request("SET", "b", 1) + request("SET", "c", 1)

    @everysec
    def test_after_two_seconds_the_loop_waits_for_the_disk(self, rig: Rig) -> None:
        rig.open("first")
        rig("SET", "a", 1)
        second = rig.open("second", sync_former=False)
        rig("SET", "b", 1)
        rig.later(2 * SECOND)
        rig.log.flush(False)
        # the thread closes it when it has done its part
        assert rig.closed == rig.files[:1]
        assert second.read_bytes() == request("SELECT", 0) + request("SET", "b", 1)

    @never
    def test_where_nothing_is_promised_nobody_waits(self, rig: Rig) -> None:
        rig.open("first")
        rig("SET", "a", 1)
        second = rig.open("second", sync_former=False)
        rig("SET", "b", 1)
        rig.later(200 * SECOND)
        rig.log.flush(False)
        assert (rig.closed, second.read_bytes()) == ([], b"")
        rig.synced()
        rig.log.flush(False)
        assert second.read_bytes() == request("SELECT", 0) + request("SET", "b", 1)

    @everysec
    def test_a_former_sync_of_it_is_not_enough(self, rig: Rig) -> None:
        rig.open("first")
        rig("SET", "a", 1)
        rig("SET", "b", 1)
        rig.open("second", sync_former=False)
        assert [file for _, file, _ in rig.syncs] == [1, 1]
        rig.synced(0)
        assert rig.closed == []
        rig.synced(1)
        assert rig.closed == rig.files[:1]

    @always
    def test_always_syncs_it_at_once(self, rig: Rig) -> None:
        rig.open("first")
        rig.log.sync_later = True
        rig("SET", "a", 1)
        assert rig.log.synced < rig.log.written
        rig.open("second", sync_former=False)
        assert (rig.syncs, rig.closed) == ([], rig.files[:1])

    @everysec
    def test_always_from_now_on_syncs_it_first(self, rig: Rig) -> None:
        rig.open("first")
        rig("SET", "a", 1)
        rig.open("second", sync_former=False)
        rig.log.set_policy("always")
        rig("SET", "b", 1)
        assert rig.closed == rig.files[:1]
        assert rig.log.synced == rig.log.written

    @never
    def test_a_failure_is_told_and_another_sync_follows(self, rig: Rig) -> None:
        rig.open("first")
        rig("SET", "a", 1)
        rig.open("second", sync_former=False)
        rig("SET", "b", 1)
        rig.synced(error=errno.EIO)
        assert (rig.log.error, rig.log.failed_syncs, rig.closed) == (errno.EIO, 1, rig.files[:1])
        assert rig("SET", "c", 1).startswith(b"-MISCONF")
        rig.later(SECOND)
        rig.log.flush(False)
        assert len(rig.syncs) == 2
        rig.synced()
        assert (rig.problems, rig.log.error) == ([errno.EIO, 0], 0)
        assert rig("SET", "c", 1) == b"+OK\r\n"

    @everysec
    def test_an_answer_about_a_log_that_is_over_counts_for_nothing(self, rig: Rig) -> None:
        rig.open("first")
        rig("SET", "a", 1)
        rig.log.close()
        rig.open("second")
        assert rig.log.syncing == 0
        rig.later(SECOND)
        rig("SET", "b", 1)
        synced = rig.log.synced
        rig.synced(0, errno.EIO)
        rig.synced(0)
        assert (rig.log.syncing, rig.log.synced, rig.log.error, rig.log.failed_syncs) == (1, synced, 0, 0)


@everysec
def test_the_buffer_is_no_reason_to_evict(rig: Rig) -> None:
    rig.open()
    rig("SET", "a", 1)
    rig("SET", "a", "x" * 100_000)
    rig("DEL", "a")
    assert rig.log.buffered > 100_000
    rig.core.set_setting("maxmemory", used_memory(rig.core)[0] - 50_000)
    assert rig("SET", "b", "x" * 1000) == b"+OK\r\n"


@always
def test_times_are_written_once_a_second(rig: Rig) -> None:
    path = rig.open()
    rig.log.timestamps = True
    rig("SET", "a", 1)
    rig.later(999_999)
    rig("SET", "a", 2)
    rig.later(1)
    rig.session.feed(request("MULTI") + request("SET", "a", 3) + request("SET", "a", 4) + request("EXEC"))
    rig.core.end_turn()
    assert re.findall(rb"#TS:(\d+)\r\n(\*\d\r\n\$\d\r\n\w+)", path.read_bytes()) == [
        (b"1700000000", b"*2\r\n$6\r\nSELECT"),
        (b"1700000001", b"*1\r\n$5\r\nMULTI"),
    ]


def transaction(*requests: tuple[object, ...]) -> bytes:
    """What is fed for a transaction."""
    return b"".join(request(*words) for words in (("MULTI",), *requests, ("EXEC",)))


class TestUnits:
    """What a transaction is in the file."""

    @pytest.mark.parametrize("size", [1, 15_000, 16_300, 100_000, 3_000_000])
    @always
    def test_more_than_one_request_is_wrapped_whatever_their_sizes(self, rig: Rig, size: int) -> None:
        path = rig.open()
        value = "x" * size
        for before in ([], [("SET", "before", "x" * 500)]):
            path.write_bytes(b"")
            for words in before:
                rig.session.feed(request(*words))
            first, second, third = ("SET", "a", value), ("SET", "b", 1), ("SET", "c", value)
            rig.session.feed(transaction(first, second, third) + transaction(first) + transaction(("GET", "a")) + request(*second))
            rig.core.end_turn()
            select = [] if before else [("SELECT", 0)]
            expected = [*before, ("MULTI",), *select, first, second, third, ("EXEC",), first, second]
            assert path.read_bytes() == b"".join(request(*words) for words in expected)

    @always
    def test_the_database_of_the_first_request_is_selected_within(self, rig: Rig) -> None:
        path = rig.open()
        rig("SELECT", 3)
        rig.session.feed(transaction(("SET", "a", 1), ("SELECT", 0), ("SET", "b", 1)))
        rig.core.end_turn()
        expected = transaction(("SELECT", 3), ("SET", "a", 1), ("SELECT", 0), ("SET", "b", 1))
        assert path.read_bytes() == expected

    @always
    def test_keys_that_expire_or_are_evicted_between_commands_are_units_of_their_own(self, rig: Rig) -> None:
        path = rig.open()
        for key in "abc":
            rig("SET", key, 1, "PX", 10)
        rig("GET", "a")
        written = path.read_bytes()
        rig.later(SECOND)
        rig.core.expire(SECOND)
        rig.core.end_turn()
        deleted = path.read_bytes()[len(written) :]
        assert sorted(re.findall(rb"\w+", deleted)) == sorted(re.findall(rb"\w+", b"".join(request("DEL", key) for key in "abc")))
        rig("SET", "d", 1)
        rig("SET", "e", 1)
        written = path.read_bytes()
        rig.core.set_setting("maxmemory-policy", policy("allkeys-random"))
        rig.core.set_setting("maxmemory", 1)
        rig("GET", "d")
        evicted = path.read_bytes()[len(written) :]
        assert evicted in {request("DEL", "d") + request("DEL", "e"), request("DEL", "e") + request("DEL", "d")}

    @always
    def test_a_part_that_was_taken_is_a_unit_of_its_own(self, rig: Rig) -> None:
        path = rig.open()

        def handler(session: Session, args: list[bytes]) -> str:
            rig.open("other")
            return "taken"

        rig.core.bind("config|get", handler)
        rig("SELECT", 3)
        a, b, c, d = (("SET", key, 1) for key in "abcd")
        for words in (("MULTI",), a, b, ("CONFIG", "GET", "x"), c, d, ("EXEC",), a):
            rig(*words)
        assert path.read_bytes() == transaction(("SELECT", 3), a, b)
        assert (rig.folder / "other").read_bytes() == transaction(("SELECT", 3), c, d) + request(*a)


class TestHalfWritten:
    """A write that the file took only a part of."""

    @never
    def test_what_was_taken_back_begins_the_next_file(self, rig: Rig) -> None:
        path = rig.open()
        rig("SELECT", 3)
        rig("SET", "a", 1)
        written = path.read_bytes()
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(written) + 50, limit[1]))
        try:
            rig.log.timestamps = True
            rig("SET", "b", "x" * 100)
            assert rig.problems == [errno.EFBIG]
            assert (path.read_bytes(), rig.log.size) == (written, len(written))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        # the file takes nothing any more
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, rig.files[0])
        os.close(full)
        other = rig.open("other")
        rig.log.flush(True)
        expected = request("SELECT", 3) + b"#TS:1700000000\r\n" + request("SET", "b", "x" * 100)
        assert other.read_bytes() == expected
        rig("SELECT", 0)
        rig("SET", "c", 1)
        assert other.read_bytes() == expected + b"#TS:1700000000\r\n" + request("SELECT", 0) + request("SET", "c", 1)

    @never
    def test_nothing_follows_half_a_record(self, rig: Rig) -> None:
        reading, writing = os.pipe2(os.O_NONBLOCK)
        rig.log.open(writing, 0)
        rig("SELECT", 3)
        # a pipe that is full takes no more, and cannot be cut
        rig("SET", "a", "x" * 100_000)
        written = os.read(reading, 1000)
        assert rig.problems == [errno.EAGAIN]
        for _ in range(2):
            rig("SET", "b", 1)
            with pytest.raises(OSError, match="Resource temporarily unavailable"):
                rig.open("other")
        while len(written) < 65536:
            written += os.read(reading, 65536)
        rig.log.flush(True)
        while rig.problems[-1] != 0 or len(written) < 100_000:
            written += os.read(reading, 65536)
            rig.log.flush(True)
        assert written == request("SELECT", 3) + request("SET", "a", "x" * 100_000)
        assert rig.log.size == len(written)
        rig("SET", "b", 1)
        assert os.read(reading, 65536) == request("SET", "b", 1)
        other = rig.open("other")
        rig("SET", "c", 1)
        assert other.read_bytes() == request("SELECT", 3) + request("SET", "c", 1)
        os.close(reading)
        os.close(writing)


@everysec
def test_what_was_put_off_keeps_its_times(rig: Rig) -> None:
    path = rig.open()
    rig.log.timestamps = True
    rig("SET", "a", 0)
    for number in range(1, 4):
        rig.later(SECOND // 2)
        rig("SET", "a", number)
    assert b"".join(request("SET", "a", number) for number in range(1, 4)) not in path.read_bytes()
    rig.log.sync()
    assert path.read_bytes() == (
        b"#TS:1700000000\r\n" + request("SELECT", 0) + request("SET", "a", 0) + request("SET", "a", 1)
        + b"#TS:1700000001\r\n" + request("SET", "a", 2) + request("SET", "a", 3)
    )  # fmt: skip


@everysec
def test_much_that_was_put_off_is_written_whole(rig: Rig) -> None:
    path = rig.open()
    rig.log.timestamps = True
    expected = []
    for number in range(300):
        rig.later(6_000)
        rig.session.feed(b"".join(request("SET", key, f"{number:03}" * 1000) for key in "abc"))
        rig.core.end_turn()
        expected += [request("SET", key, f"{number:03}" * 1000) for key in "abc"]
    assert rig.log.buffered > 2_000_000
    assert used_memory(rig.core)[0] > rig.log.buffered
    rig.log.sync()
    data = path.read_bytes()
    assert re.sub(rb"#TS:17\d{8}\r\n", b"", data) == request("SELECT", 0) + b"".join(expected)
    assert re.findall(rb"#TS:17000000(\d\d)\r\n", data) == [b"00", b"01"]
    assert (rig.log.buffered, rig.log.size) == (0, len(data))
    assert used_memory(rig.core)[0] < 1_000_000


@always
def test_offsets_are_bytes_of_the_stream(rig: Rig) -> None:
    rig.log.timestamps = True
    rig.open()
    rig("SET", "a", 1)
    rig.later(SECOND)
    rig("SET", "b", 1)
    expected = len(request("SELECT", 0) + request("SET", "a", 1) + request("SET", "b", 1))
    assert (rig.log.written, rig.log.needs(rig.session)) == (expected, expected)
    rig("GET", "b")
    assert rig.log.needs(rig.session) == expected
