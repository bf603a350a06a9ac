"""What zippy saves real servers load, and what they save zippy loads: key by key, with all that is known of each."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import needs, servers
from tests.persistence.encodings import contents, fill, fill_streams, redis_7
from tests.resp import RawClient
from tests.servers import ServerProcess, StartServer

ALL = ("string", "list", "set", "hash", "zset", "stream")
REDIS_8, REDIS_7 = "8.2", "7.0"


@pytest.fixture
def start_redis(tmp_path: Path) -> Iterator[StartServer]:
    """start_redis(version, folder, config): a real Redis for this test; the test is skipped when that version is not here."""
    started: list[ServerProcess] = []

    def start(version: str, folder: Path, config: dict[str, Any] | None = None) -> ServerProcess:
        program = servers.oracle_program() if version == REDIS_8 else redis_7()
        if program is None:
            needs.missing(f"Redis {version}")
        started.append(servers.start_oracle(folder=folder, program=program, config=config))
        return started[-1]

    yield start
    for process in started:
        process.stop()


def same_encodings(version: str) -> tuple[str, ...]:
    """The types whose encodings are zippy's in this version: before 7.2 there were no packed sets and no lists but quicklists."""
    return ALL if version == REDIS_8 else ("hash", "zset", "stream")


def hand_over(folder: Path, to: Path) -> None:
    """Copies the snapshot."""
    to.mkdir()
    shutil.copy(folder / "dump.rdb", to)


def save(client: RawClient, command: str) -> None:
    """Saves, and waits until that is done."""
    assert not client(command).is_error
    while b"rdb_bgsave_in_progress:1" in client("INFO", "persistence").value:
        pass
    assert b"rdb_last_bgsave_status:ok" in client("INFO", "persistence").value


@pytest.mark.parametrize("compression", ["yes", "no"])
@pytest.mark.parametrize("version", [REDIS_8, REDIS_7])
def test_redis_loads_what_zippy_saved(
    start_server: StartServer, start_redis: StartServer, tmp_path: Path, version: str, compression: str
) -> None:
    zippy = start_server(config={"rdbcompression": compression})
    with zippy.client() as client:
        fill(client, fields_expire=version == REDIS_8)
        save(client, "BGSAVE" if compression == "yes" else "SAVE")
        before = contents(client, same_encodings(version))
    hand_over(zippy.folder, tmp_path / "theirs")
    with start_redis(version, tmp_path / "theirs").client() as client:
        after = contents(client, same_encodings(version))
    assert after.keys() == before.keys()
    assert [key for key in before if after[key] != before[key]] == []


@pytest.mark.parametrize("version", [REDIS_8, REDIS_7])
@pytest.mark.parametrize("compression", ["yes", "no"])
def test_zippy_loads_what_redis_saved(
    start_server: StartServer, start_redis: StartServer, tmp_path: Path, version: str, compression: str
) -> None:
    redis = start_redis(version, tmp_path / "theirs", {"rdbcompression": compression})
    with redis.client() as client:
        fill(client, fields_expire=version == REDIS_8)
        save(client, "BGSAVE" if compression == "yes" else "SAVE")
        before = contents(client, same_encodings(version))
    hand_over(redis.folder, tmp_path / "ours")
    with start_server(folder=tmp_path / "ours").client() as client:
        after = contents(client, same_encodings(version))
    assert after.keys() == before.keys()
    assert [key for key in before if after[key] != before[key]] == []


@pytest.mark.parametrize("version", [REDIS_8, REDIS_7])
def test_other_limits(start_server: StartServer, start_redis: StartServer, tmp_path: Path, version: str) -> None:
    """Packed values that are larger or smaller than the reader's limits are what its limits make them."""
    small = {"hash-max-listpack-entries": 2, "zset-max-listpack-entries": 2, "set-max-intset-entries": 2, "list-max-listpack-size": 4}
    redis = start_redis(version, tmp_path / "theirs", small)
    with redis.client() as client:
        fill(client, fields_expire=version == REDIS_8)
        save(client, "SAVE")
        before = contents(client)
    hand_over(redis.folder, tmp_path / "ours")
    with start_server(folder=tmp_path / "ours").client() as client:
        assert contents(client) == before
        save(client, "SAVE")
    hand_over(tmp_path / "ours", tmp_path / "large")
    with start_redis(version, tmp_path / "large").client() as client:
        assert contents(client) == before


def version_of(folder: Path) -> int:
    """The format that a snapshot is written in."""
    return int((folder / "dump.rdb").read_bytes()[5:9])


@pytest.mark.parametrize("method", ["auto", "fork", "walk"])
def test_the_lowest_version_that_can_hold_the_data(start_server: StartServer, method: str) -> None:
    """Twelve as long as a field expires in any database, else ten; a hash whose fields do so no more can be read by all."""
    zippy = start_server(config={"snapshot-method": method})
    with zippy.client() as client:
        client("HSET", "h", "a", 1, "b", 2)
        save(client, "BGSAVE")
        assert version_of(zippy.folder) == 10
        client("SELECT", 7)
        client("HSETEX", "h", "EX", 1000, "FIELDS", 1, "a", 1)
        save(client, "BGSAVE")
        assert version_of(zippy.folder) == 12
        client("HPERSIST", "h", "FIELDS", 1, "a")
        assert client("OBJECT", "ENCODING", "h").value == b"listpackex"
        save(client, "BGSAVE")
        assert version_of(zippy.folder) == 10
        client("DEBUG", "RELOAD")
        assert client("HGETALL", "h").plain() == [b"a", b"1"]
        client("DEL", "h")
        save(client, "SAVE")
        assert version_of(zippy.folder) == 10


@pytest.mark.parametrize("from_zippy", [True, False])
@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu"])
def test_use_of_keys(start_server: StartServer, start_redis: StartServer, tmp_path: Path, policy: str, from_zippy: bool) -> None:
    """How long a key was not used, or how often it was, is kept."""
    began = time.monotonic()
    config = {"maxmemory-policy": policy, "lfu-decay-time": 0}
    lru = policy == "allkeys-lru"
    first, second = tmp_path / "first", tmp_path / "second"
    one = start_server(folder=first, config=config) if from_zippy else start_redis(REDIS_8, first, config)
    known = {f"k{n}": n for n in ((30, 100, 20_000, 1_000_000) if lru else (0, 5, 100, 255))}
    with one.client() as client:
        client("SET", "a", 1)
        payload = client("DUMP", "a").value
        for key, n in known.items():
            assert not client("RESTORE", key, 0, payload, "IDLETIME" if lru else "FREQ", n).is_error
        save(client, "SAVE")
    hand_over(first, second)
    other = start_redis(REDIS_8, second, config) if from_zippy else start_server(folder=second, config=config)
    with other.client() as client:
        for key, n in known.items():
            found = client("OBJECT", "IDLETIME" if lru else "FREQ", key).value
            # whole seconds, rounded when they are saved and when they are asked for
            assert n <= found <= n + (time.monotonic() - began + 2 if lru else 0), key


def moments(client: RawClient, key: str) -> list[Any]:
    """When each consumer of a stream's groups was seen and was active."""
    groups = dict_of(client("XINFO", "STREAM", key, "FULL").plain())[b"groups"]
    consumers = [dict_of(consumer) for group in groups for consumer in dict_of(group)[b"consumers"]]
    return [(consumer[b"name"], consumer[b"seen-time"], consumer.get(b"active-time")) for consumer in consumers]


def dict_of(words: list[Any]) -> dict[bytes, Any]:
    """A flat reply as a dictionary."""
    return dict(zip(words[::2], words[1::2], strict=True))


@pytest.mark.parametrize("from_zippy", [True, False])
@pytest.mark.parametrize("version", [REDIS_8, REDIS_7])
def test_moments_of_consumers(start_server: StartServer, start_redis: StartServer, tmp_path: Path, version: str, from_zippy: bool) -> None:
    """A consumer may never have been active; Redis 7.0 has no moment of that."""
    first, second = tmp_path / "first", tmp_path / "second"
    one = start_server(folder=first) if from_zippy else start_redis(version, first)
    with one.client() as client:
        client("XADD", "s", "1-0", "a", "b")
        client("XGROUP", "CREATE", "s", "g", "0")
        client("XREADGROUP", "GROUP", "g", "reader", "STREAMS", "s", ">")
        if version == REDIS_8:
            client("XGROUP", "CREATECONSUMER", "s", "g", "never")
        save(client, "SAVE")
        before = moments(client, "s")
    hand_over(first, second)
    other = start_redis(version, second) if from_zippy else start_server(folder=second)
    with other.client() as client:
        after = moments(client, "s")
    if version == REDIS_8:
        assert after == before and before[0][2] == -1 < before[1][2]
    else:
        assert [consumer[:2] for consumer in after] == [consumer[:2] for consumer in before]


@pytest.mark.parametrize("version", [REDIS_8, REDIS_7])
def test_dumps(start_server: StartServer, start_redis: StartServer, tmp_path: Path, version: str) -> None:
    """A stream goes to Redis and back by DUMP and RESTORE; Redis 7.0 takes no payload as new as ours."""
    with start_server().client() as ours, start_redis(version, tmp_path / "theirs").client() as theirs:
        fill_streams(theirs)
        expected = contents(theirs)
        for key in theirs("KEYS", "*").plain():
            assert not ours("RESTORE", key, 0, theirs("DUMP", key).value).is_error
        assert contents(ours) == expected
        if version == REDIS_8:
            theirs("FLUSHALL")
            for key in ours("KEYS", "*").plain():
                assert not theirs("RESTORE", key, 0, ours("DUMP", key).value).is_error
            assert contents(theirs) == expected


def test_large_sorted_sets_are_saved_whole(start_server: StartServer, start_redis: StartServer, tmp_path: Path) -> None:
    """Those of more than 128 elements were once saved without the highest."""
    zippy = start_server()
    members = [b"m%04d" % i for i in range(1000)]
    with zippy.client() as client:
        for size in (128, 129, 130, 256, 1000):
            client("ZADD", f"z{size}", *(word for i in range(size) for word in (i, members[i])))
        save(client, "SAVE")
    hand_over(zippy.folder, tmp_path / "theirs")
    hand_over(zippy.folder, tmp_path / "ours")
    for loader in (start_redis(REDIS_8, tmp_path / "theirs"), start_server(folder=tmp_path / "ours")):
        with loader.client() as client:
            for size in (128, 129, 130, 256, 1000):
                assert client("ZRANGE", f"z{size}", 0, -1).plain() == members[:size]
                assert client("ZREVRANGE", f"z{size}", 0, -1).plain() == members[:size][::-1]
                assert client("ZRANK", f"z{size}", members[size - 1]).value == size - 1


@pytest.mark.parametrize("checksum", ["yes", "no"])
def test_redis_check_rdb_agrees(start_server: StartServer, checksum: str) -> None:
    zippy = start_server(config={"rdbchecksum": checksum})
    with zippy.client() as client:
        fill(client)
        keys = len(contents(client))
        save(client, "BGSAVE")
    check = subprocess.run(
        [needs.needs_program("redis-check-rdb"), "dump.rdb"], cwd=zippy.folder, capture_output=True, text=True, timeout=60
    )
    assert (check.returncode, "RDB looks OK!" in check.stdout, f"{keys} keys read" in check.stdout) == (0, True, True), check.stdout
