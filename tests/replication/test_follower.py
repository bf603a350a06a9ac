"""A replica's link to a primary that is made up, in simulated time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.replication.damage import HELLO, ID, MARK, OTHER, Peer, Victim, copies
from tests.replication.simulator import LOADS
from tests.resp import request
from tests.unit.rdb_bytes import file_of, string
from zippy._core.snapshot import changes
from zippy.replication import follower
from zippy.replication.link import Step

FULL = HELLO + b"+FULLRESYNC %b 7\r\n" % ID


@pytest.fixture
def victim() -> Iterator[Victim]:
    """A server with some data."""
    made = Victim()
    yield made
    made.close()


def followed(victim: Victim, answer: bytes) -> Peer:
    """Has the server follow a primary that answers so; the connection."""
    peers: list[Peer] = []

    def accept(end: object) -> Peer:
        peers.append(Peer())
        return peers[-1]

    victim.network.listeners[OTHER] = accept
    victim.call("REPLICAOF", OTHER, 6379)
    victim.run()
    assert peers[0].end is not None
    peers[0].end.write(answer)
    return peers[0]


def sized(copy: bytes) -> bytes:
    """A copy of known length, in a primary's words."""
    return FULL + b"$%d\r\n" % len(copy) + copy


def test_second_thoughts(victim: Victim) -> None:
    """Whoever is not to be followed any more before the connection was begun is not connected to."""
    connected: list[str] = []
    for host in (OTHER, "10.0.0.8"):
        victim.network.listeners[host] = lambda end: connected.append(end.host) or Peer()
    victim.call("MULTI")
    victim.call("REPLICAOF", OTHER, 6379)
    victim.call("REPLICAOF", "10.0.0.8", 6379)
    victim.call("EXEC")
    victim.run()
    assert connected == ["10.0.0.8"]


def test_half_a_copy(victim: Victim) -> None:
    """What was loaded of a copy that turns out to be damaged does not stay: nobody has ever had this data."""
    copy = copies()[0]
    followed(victim, sized(copy[:-20]))
    victim.run()
    assert victim.server.replication.follower is not None and not victim.server.replication.follower.partial
    assert victim.call("DBSIZE") == b":0\r\n"
    victim.call("REPLICAOF", "NO", "ONE")
    assert victim.call("DBSIZE") == b":0\r\n"


def test_damaged_copy_aside(victim: Victim) -> None:
    """One that is loaded aside takes nothing away."""
    victim.call("CONFIG", "SET", "repl-diskless-load", "swapdb")
    before = victim.call("DBSIZE")
    followed(victim, sized(copies()[0][:-20]))
    victim.run()
    assert victim.call("DBSIZE") == before != b":0\r\n"


def test_setting_that_changes_meanwhile(victim: Victim, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy that is loaded aside has the server's own replicas come again, whatever the setting is in the end."""
    monkeypatch.setattr(follower, "STEP", 10)
    victim.call("CONFIG", "SET", "repl-diskless-load", "swapdb")
    primary = followed(victim, sized(copies()[1]))
    victim.run()
    replica = Peer()
    victim.network.loop.run_until_complete(victim.network.connect(lambda: replica, "10.0.0.8", victim.server.node.host, 6379))
    assert replica.end is not None and primary.end is not None
    replica.end.write(request("PSYNC", "?", "-1"))
    victim.run(0.3)
    primary.end.abort()
    del victim.network.listeners[OTHER]
    again = Peer()
    victim.network.listeners[OTHER] = lambda end: again
    victim.run(0.3)
    assert again.end is not None
    victim.network.turn_seconds = 0.001
    again.end.write(sized(copies()[0]))
    while not victim.server.is_loading:
        victim.run(0.001)
    assert not replica.lost
    victim.call("CONFIG", "SET", "repl-diskless-load", "disabled")
    victim.run()
    assert not victim.server.is_loading and replica.lost


DIRECT = ["on-empty-db", "swapdb"]


def marked(copy: bytes) -> bytes:
    """One of unknown length."""
    return FULL + b"$EOF:" + MARK + b"\r\n" + copy + MARK


def emptied(victim: Victim, load: str) -> None:
    """Makes what comes next be loaded as it comes."""
    victim.call("CONFIG", "SET", "repl-diskless-load", load)
    if load == "on-empty-db":
        victim.call("FLUSHALL")


def is_syncing(victim: Victim) -> bool:
    """Whether a copy is on its way."""
    found = victim.server.replication.follower
    return found is not None and found.is_syncing


def say(victim: Victim, primary: Peer, data: bytes, size: int) -> None:
    """The primary sends this in pieces of a size, a moment apart."""
    assert primary.end is not None
    for at in range(0, len(data), size):
        primary.end.write(data[at : at + size])
        victim.run(0.002)


@pytest.mark.parametrize("load", DIRECT)
@pytest.mark.parametrize("frame", [sized, marked])
@pytest.mark.parametrize("size", [1, 39, 41])
def test_pieces(victim: Victim, load: str, frame: Callable[[bytes], bytes], size: int) -> None:
    """A copy is loaded as it comes, the mark behind it included, and the stream behind that is run; there is no file at any time."""
    emptied(victim, load)
    primary = followed(victim, b"")
    data = frame(copies()[0]) + request("SET", "behind", "it")
    for at in range(0, len(data), 100):
        say(victim, primary, data[at : at + 100], size)
        assert list(victim.folder.iterdir()) == []
    victim.run()
    assert victim.call("GET", "behind") == b"$2\r\nit\r\n"
    assert victim.call("GET", "own") == b"$1\r\n1\r\n"
    assert victim.call("DBSIZE") == b":8\r\n"
    assert not primary.lost


@pytest.mark.parametrize("frame", [sized, marked])
def test_with_keys(victim: Victim, frame: Callable[[bytes], bytes]) -> None:
    """With on-empty-db, and keys that are there, the copy goes to a file."""
    victim.call("CONFIG", "SET", "repl-diskless-load", "on-empty-db")
    data = frame(copies()[0])
    primary = followed(victim, data[:-50])
    victim.run()
    assert [path.name.split("-")[0] for path in victim.folder.iterdir()] == ["temp"]
    say(victim, primary, data[-50:], 50)
    victim.run()
    assert [path.name for path in victim.folder.iterdir()] == ["dump.rdb"]
    assert victim.call("DBSIZE") == b":7\r\n"


@pytest.mark.parametrize("frame", [sized, marked])
@pytest.mark.parametrize("load", DIRECT)
def test_cut(victim: Victim, load: str, frame: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture) -> None:
    """A link that is cut at any place leaves nothing of the copy; what was there beside it stays."""
    data = frame(copies()[0])
    emptied(victim, load)
    before = victim.call("DBSIZE")
    victim.log.addHandler(caplog.handler)
    for end in range(len(FULL) + 10, len(data), 17):
        primary = followed(victim, data[:end])
        victim.run()
        assert primary.end is not None
        primary.end.close()
        victim.run()
        assert victim.call("DBSIZE") == before
        victim.call("REPLICAOF", "NO", "ONE")
    victim.log.removeHandler(caplog.handler)
    assert f"DB from socket: connection lost at byte {end - data.index(copies()[0])}" in caplog.text or frame is marked
    assert "Finished with success" not in caplog.text


@pytest.mark.parametrize("load", DIRECT)
def test_damaged_as_it_comes(victim: Victim, load: str, caplog: pytest.LogCaptureFixture) -> None:
    """The log says what is wrong, and where, as for a file."""
    emptied(victim, load)
    before = victim.call("DBSIZE")
    victim.log.addHandler(caplog.handler)
    copy = bytearray(copies()[0])
    place = copy.index(b"\xfe\x00")
    copy[place + 1] = 99
    primary = followed(victim, sized(bytes(copy)))
    victim.run()
    victim.log.removeHandler(caplog.handler)
    assert primary.lost
    wanted = f"Failed trying to load the MASTER synchronization DB: a database of a higher number than .* at byte {place + 3}"
    assert re.search(wanted, caplog.text)
    assert ("Discarding temporary DB" in caplog.text) == (load == "swapdb")
    assert victim.call("DBSIZE") == before


@pytest.mark.parametrize("load", LOADS)
def test_library_that_does_not_load(victim: Victim, load: str) -> None:
    """Keys that have come with one do not stay, nor go on as a part of any history."""
    emptied(victim, load)
    primary = followed(victim, sized(file_of(b"\xf5" + string(b"#!none name=lib\n") + b"\x00" + string(b"k") + string(b"v"))))
    victim.run()
    assert primary.lost
    assert victim.call("DBSIZE") == b":0\r\n"
    assert victim.server.replication.follower is not None and not victim.server.replication.follower.partial


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("size", [2**63, 2**64, 10**30])
def test_impossible_size(victim: Victim, load: str, size: int) -> None:
    """A copy that nobody can send is waited for until its bytes are wrong, or end."""
    emptied(victim, load)
    primary = followed(victim, FULL + b"$%d\r\n" % size + copies()[0])
    victim.run()
    assert not primary.lost and is_syncing(victim)
    assert primary.end is not None
    primary.end.abort()
    victim.run()
    assert not is_syncing(victim)


@pytest.mark.parametrize("load", DIRECT)
def test_mark_that_never_comes(victim: Victim, load: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever sends something else behind a copy than its mark is left."""
    emptied(victim, load)
    before = victim.call("DBSIZE")
    victim.log.addHandler(caplog.handler)
    primary = followed(victim, marked(copies()[0])[:-1] + b"x" * 100)
    victim.run()
    victim.log.removeHandler(caplog.handler)
    assert primary.lost
    assert "Replication stream EOF marker is broken" in caplog.text
    assert victim.call("DBSIZE") == before


def fields_of(victim: Victim) -> dict[str, Any]:
    """What INFO says of loading and of the link."""
    return {**victim.server.replication.loading_fields(), **victim.server.replication.fields()}


@pytest.mark.parametrize("load", DIRECT)
def test_meanwhile(victim: Victim, load: str) -> None:
    """While a copy comes there is nothing, or what was there; the primary gets signs of life, and INFO tells how far it is."""
    emptied(victim, load)
    copy = copies()[0]
    half = len(copy) // 2
    primary = followed(victim, sized(copy)[: half - len(copy)])
    victim.run()
    aside = load == "swapdb"
    fields = fields_of(victim)
    assert fields["async_loading"] == int(aside)
    assert fields["loading_total_bytes"] == fields["master_sync_total_bytes"] == len(copy)
    assert half - 60 < fields["loading_loaded_bytes"] <= half == fields["master_sync_read_bytes"]
    assert (fields["master_sync_in_progress"], fields["master_sync_left_bytes"]) == (1, len(copy) - half)
    assert 30 < fields["loading_loaded_perc"] <= 50 and fields["loading_rdb_used_mem"] > 0
    loading = b"-LOADING zippy is loading the dataset in memory\r\n"
    assert victim.call("GET", "own") == (b"$1\r\n1\r\n" if aside else loading)
    # nor does Redis let anybody change his mind
    assert victim.call("REPLICAOF", "NO", "ONE") == loading
    before = primary.received
    for place in range(half, half + 30):
        assert primary.end is not None
        primary.end.write(copy[place : place + 1])
        victim.run(0.1)
    assert 1 <= primary.received - before <= 4
    say(victim, primary, copy[half + 30 :], 1000)
    victim.run()
    assert fields_of(victim)["async_loading"] == 0 and "loading_total_bytes" not in fields_of(victim)
    assert victim.call("GET", "own") == b"$1\r\n1\r\n"


@pytest.mark.parametrize("load", DIRECT)
def test_silence(victim: Victim, load: str, caplog: pytest.LogCaptureFixture) -> None:
    """A primary that sends slowly is waited for, one that sends nothing for too long is not."""
    emptied(victim, load)
    victim.call("CONFIG", "SET", "repl-timeout", 3)
    data = marked(copies()[0])
    begun = data.index(copies()[0]) + 30
    primary = followed(victim, data[:begun])
    for at in range(begun, begun + 5):
        victim.run(2.0)
        assert primary.end is not None
        primary.end.write(data[at : at + 1])
    assert not primary.lost and victim.server.is_loading
    victim.log.addHandler(caplog.handler)
    victim.run(4.0)
    victim.log.removeHandler(caplog.handler)
    assert primary.lost
    assert "MASTER timeout: no data nor PING received..." in caplog.text


@pytest.mark.parametrize("load", DIRECT)
def test_more_than_can_be_loaded(victim: Victim, load: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read while much of a copy waits to be loaded, and that is no silence of the primary."""
    monkeypatch.setattr(follower, "STEP", 1)
    monkeypatch.setattr(follower, "MOST_HELD", 200)
    emptied(victim, load)
    victim.call("CONFIG", "SET", "repl-timeout", 2)
    victim.network.turn_seconds = 0.1
    primary = followed(victim, b"")
    keys = b"".join(b"\x00" + string(b"key:%d" % n) + string(b"v" * 50) for n in range(100))
    say(victim, primary, marked(file_of(keys)) + request("SET", "behind", "it"), 3000)
    paused = most = 0
    while victim.server.replication.follower is not None and victim.server.replication.follower.state != "connected":
        victim.run(0.1)
        found = victim.server.replication.follower
        link = found.link if found is not None else None
        paused += not primary.end.peer.reading and link is not None and link.step is Step.MARKED
        most = max(most, found.loading.excess if found is not None and found.loading is not None else 0)
        assert not primary.lost
    # longer than the timeout, and no two pieces at once
    assert paused > 15
    assert 200 < most <= 200 + 3000
    victim.run(1.0)
    assert victim.call("GET", "behind") == b"$2\r\nit\r\n"


@pytest.mark.parametrize("load", DIRECT)
def test_saved_later(victim: Victim, load: str) -> None:
    """What came without a file is in none, so it counts as changes; who has an append-only log hears that it begins anew."""
    anew = []
    victim.server.snapshots.on_copied = lambda: anew.append(1)
    emptied(victim, load)
    victim.server.snapshots.save()
    followed(victim, sized(copies()[0]))
    victim.run()
    assert anew == [1]
    assert changes(victim.server.parts.core) >= 7
