"""A primary and its replicas, zippy and real Redis in each place: whatever happens, they hold the same in the end."""

from __future__ import annotations

import random
import re
import subprocess
import time
from pathlib import Path

import pytest
import redis

from tests.needs import needs_program
from tests.process.certificates import Certificates
from tests.replication.cutter import Cutter
from tests.replication.load import Load, write
from tests.replication.sentinels import hang
from tests.replication.servers import OLD, REDIS, ZIPPY, Node, Start, agree, assert_equal, counts, is_up
from tests.resp import RawClient
from tests.servers import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)  # on a machine that is ten times slower

PAIRS = [(ZIPPY, ZIPPY), (ZIPPY, REDIS), (REDIS, ZIPPY), (ZIPPY, OLD), (OLD, ZIPPY)]
CHAINS = [(ZIPPY, ZIPPY, ZIPPY), (REDIS, ZIPPY, REDIS), (ZIPPY, REDIS, ZIPPY)]
WAYS = [(), ("--repl-diskless-sync", "no"), ("--snapshot-method", "walk"), ("--snapshot-method", "fork")]
LOADS = ["disabled", "on-empty-db", "swapdb"]


def fill(node: Node, rounds: int = 50, seed: int = 1) -> None:
    """Some data of every type."""
    chance = random.Random(seed)
    for _ in range(rounds):
        write(node.client, chance)


class TestFullCopies:
    """A replica that has nothing."""

    @pytest.mark.parametrize("load", LOADS)
    @pytest.mark.parametrize("kinds", PAIRS)
    def test_under_load(self, start: Start, kinds: tuple[str, str], load: str) -> None:
        """It gets all that is there, and all that is written meanwhile and after."""
        primary, replica = start(kinds[0]), start(kinds[1], "--repl-diskless-load", load)
        fill(primary)
        with Load(primary) as writing:
            replica.follow(primary)
            wait_until(lambda: is_up(replica), 60.0)
            enough = writing.rounds + 50
            wait_until(lambda: writing.rounds > enough, 60.0)
        assert primary("WAIT", 1, 15_000) == 1
        assert_equal(primary, replica)
        assert primary.syncs() == (1, 0)

    @pytest.mark.parametrize("load", ["disabled", "swapdb"])
    @pytest.mark.parametrize("way", WAYS)
    def test_ways(self, start: Start, way: tuple[str, ...], load: str) -> None:
        """From disk, by a child, beside the traffic: two replicas at once, and what is there in them goes."""
        primary = start(ZIPPY, *way)
        replicas = [start(REDIS, "--repl-diskless-load", load), start(ZIPPY, "--repl-diskless-load", load)]
        fill(primary)
        # more than a file gets before it is pushed to disk for the first time
        for number in range(12):
            primary.client.set(f"large:{number}", random.Random(number).randbytes(1 << 20))
        for replica in replicas:
            replica.client.set("other", 1)
            replica.follow(primary)
        with Load(primary, threads=1):
            wait_until(lambda: all(map(is_up, replicas)), 60.0)
        for replica in replicas:
            assert_equal(primary, replica)

    @pytest.mark.parametrize("sync", ["yes", "no"])
    def test_a_large_value_that_changes(self, start: Start, sync: str) -> None:
        """A child goes on with the copy that is under way, from the moment at which that began."""
        primary = start(ZIPPY, "--repl-diskless-sync", sync, "--repl-diskless-sync-delay", "0", "--rdb-key-save-delay", "2000")
        replicas = [start(kind) for kind in (REDIS, ZIPPY)]
        fill(primary)
        for part in range(10):
            primary.client.zadd("large", {f"member:{part}:{number}": number for number in range(5000)})
        for replica in replicas:
            replica.follow(primary)
        wait_until(lambda: primary.client.info("persistence")["rdb_bgsave_in_progress"])
        number = 0
        while not all(map(is_up, replicas)):
            number += 1
            primary.client.zadd("large", {"member:0:0": number})
        for replica in replicas:
            assert_equal(primary, replica)
        assert primary.client.info("stats")["total_forks"] > 0

    @pytest.mark.parametrize("sync", ["yes", "no"])
    @pytest.mark.parametrize("load", LOADS)
    @pytest.mark.parametrize("kind", [REDIS, ZIPPY])
    def test_loading(self, start: Start, load: str, kind: str, sync: str) -> None:
        """A copy is loaded in the place of what is there, or beside it; functions come with it."""
        primary, replica = start(kind, "--repl-diskless-sync", sync), start(ZIPPY, "--repl-diskless-load", load)
        fill(primary)
        primary("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 1 end)")
        replica("FUNCTION", "LOAD", "#!lua name=other\nredis.register_function('g', function() return 1 end)")
        replica.client.set("other", 1)
        replica.follow(primary)
        assert_equal(primary, replica)
        assert [library[b"library_name"] for library in replica("FUNCTION", "LIST")] == [b"lib"]
        assert (replica.process.folder / "dump.rdb").exists() == (load != "swapdb")

    @pytest.mark.parametrize("sync", ["yes", "no"])
    @pytest.mark.parametrize("load", LOADS)
    @pytest.mark.parametrize("has_keys", [False, True], ids=["empty", "with keys"])
    def test_what_the_log_says(self, start: Start, load: str, has_keys: bool, sync: str) -> None:
        """It is told of a copy in Redis's words, whichever way that takes."""
        primary = start(REDIS, "--repl-diskless-sync", sync, "--repl-rdb-channel", "no")
        primary.client.set("key", "value")
        said: list[list[str]] = []
        for kind in (REDIS, ZIPPY):
            replica = start(kind, "--repl-diskless-load", load)
            if has_keys:
                replica.client.set("other", 1)
            replica.follow(primary)
            assert_equal(primary, replica)
            said.append(re.findall(r"(?:MASTER <-> REPLICA sync: |Done loading RDB).*", replica.process.log()))
        assert len(said[0]) >= 5
        assert said[0] == said[1]

    @pytest.mark.parametrize("kind", [REDIS, ZIPPY])
    @pytest.mark.parametrize("load", LOADS[1:])
    def test_log_of_commands(self, start: Start, load: str, kind: str) -> None:
        """What came without a file is in the append-only log, and so there after a restart."""
        primary, replica = start(kind), start(ZIPPY, "--repl-diskless-load", load, "--appendonly", "yes")
        fill(primary)
        replica.follow(primary)
        assert_equal(primary, replica)
        wait_until(lambda: replica.info("persistence")["aof_rewrite_in_progress"] == 0)
        held = counts(replica)
        replica.process.kill()
        primary.stop()
        replica.process.start()
        assert counts(replica) == held != {}

    @pytest.mark.parametrize("load", LOADS)
    def test_broken(self, start: Start, load: str) -> None:
        """A copy that ends in its middle is of no use, and leaves no file; the next one is tried for."""
        primary, replica = start(REDIS), start(ZIPPY, "--repl-diskless-load", load)
        fill(primary, 100)
        cutter = Cutter(primary.port)
        cutter.limits.extend((100, 300, 5000))
        replica.follow(cutter.port)
        wait_until(lambda: cutter.exhausted == 3, 60.0)
        assert_equal(primary, replica)
        assert not list(replica.process.folder.glob("temp-*"))
        cutter.close()


class TestPartialResynchronisation:
    """A replica that comes back."""

    @pytest.mark.parametrize("kinds", PAIRS)
    def test_cut_links(self, start: Start, kinds: tuple[str, str]) -> None:
        """The link breaks in the middle of anything, and nothing is lost or doubled."""
        primary, replica = start(kinds[0], "--repl-backlog-size", "50mb"), start(kinds[1])
        cutter = Cutter(primary.port)
        replica.follow(cutter.port)
        wait_until(lambda: is_up(replica))
        chance = random.Random(7)
        with Load(primary, threads=1):
            for _ in range(8):
                cutter.limits.append(chance.randrange(1, 200_000))
                time.sleep(chance.random() / 20)
                cutter.cut_off(replica)
        assert_equal(primary, replica)
        full, partial = primary.syncs()
        assert full == 1 and partial >= 8
        cutter.close()

    def test_no_backlog(self, start: Start) -> None:
        """What is not there any more comes as a full copy."""
        primary, replica = start(ZIPPY, "--repl-backlog-size", "16384"), start(ZIPPY)
        cutter = Cutter(primary.port)
        replica.follow(cutter.port)
        wait_until(lambda: is_up(replica))
        cutter.close()
        wait_until(lambda: not is_up(replica))
        for n in range(20):
            primary.client.set("long", "x" * 10_000 + str(n))
        replica.follow(primary)
        assert_equal(primary, replica)
        assert primary.syncs() == (2, 0)

    @pytest.mark.parametrize("kinds", PAIRS)
    def test_restarted_replica(self, start: Start, kinds: tuple[str, str]) -> None:
        """A snapshot says which history it is a part of, and up to where."""
        primary, replica = start(kinds[0]), start(kinds[1], "--save", "3600 1")
        fill(primary)
        replica.follow(primary)
        assert_equal(primary, replica)
        replica.restart("--replicaof", f"127.0.0.1 {primary.port}")
        fill(primary, 5, 2)
        assert_equal(primary, replica)
        assert primary.syncs() == (1, 1)

    @pytest.mark.parametrize("kinds", CHAINS)
    def test_promotion(self, start: Start, kinds: tuple[str, str, str]) -> None:
        """The middle of a chain becomes the primary of both ends, which go on where they were."""
        quiet = ("--repl-ping-replica-period", "3600", "--repl-timeout", "3600")
        first, middle, last = (start(kind, *quiet) for kind in kinds)
        # nothing may go on at the first one when the middle one has left it
        first("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        fill(first)
        middle.follow(first)
        wait_until(lambda: is_up(middle))
        last.follow(middle)
        wait_until(lambda: is_up(last))
        fill(first, 20, 2)
        assert_equal(first, middle)
        assert_equal(first, last)
        # what expired has been deleted by whoever looked, and that has to be everywhere
        wait_until(lambda: agree(first, middle) and agree(first, last))
        middle.lead()
        fill(middle, 20, 3)
        first.follow(middle)
        assert_equal(middle, first)
        assert_equal(middle, last)
        assert middle.syncs() == (1, 2)


class TestSlowReplicas:
    """Replicas that do not read."""

    def test_output_limit(self, start: Start) -> None:
        """One that is too far behind is closed, and what was kept for it goes; when it is back it gets everything."""
        primary, replica = start(ZIPPY, "--client-output-buffer-limit", "replica 4mb 0 0"), start(ZIPPY)
        replica.follow(primary)
        assert_equal(primary, replica)
        resume = hang(replica)
        before = primary.info("memory")["used_memory"]
        for n in range(200):
            primary.client.set("key", str(n) * 40_000)
        wait_until(lambda: primary.info()["connected_slaves"] == 0)
        assert "too much output was unsent (client-output-buffer-limit)" in primary.process.log()
        wait_until(lambda: primary.info("memory")["used_memory"] < before + (3 << 20))
        resume()
        assert_equal(primary, replica)

    def test_timeout(self, start: Start) -> None:
        """One that says nothing for long is given up, and a primary that says nothing is left."""
        primary, replica = (start(ZIPPY, "--repl-timeout", "2", "--repl-ping-replica-period", "1") for _ in range(2))
        replica.follow(primary)
        assert_equal(primary, replica)
        resume = hang(replica)
        wait_until(lambda: primary.info()["connected_slaves"] == 0)
        resume()
        assert_equal(primary, replica)
        resume = hang(primary)
        wait_until(lambda: replica.info()["master_link_status"] == "down")
        resume()
        assert_equal(primary, replica)


class TestRoles:
    """What a replica and a primary may be asked for."""

    def test_replica(self, start: Start) -> None:
        """It refuses writes, and reads when they would be stale and that is not wished; it waits for nobody."""
        primary, replica = start(ZIPPY), start(ZIPPY)
        replica.follow(primary)
        wait_until(lambda: is_up(replica))
        assert replica("ROLE")[:4] == [b"slave", b"127.0.0.1", primary.port, b"connected"]
        assert ":S " in replica.process.log() and ":S " not in primary.process.log()
        with pytest.raises(redis.exceptions.ReadOnlyError):
            replica.client.set("key", 1)
        for name in ("WAIT", "WAITAOF"):
            with pytest.raises(redis.exceptions.ResponseError, match="cannot be used with replica instances"):
                replica(*([name, 0, 1, 1] if name == "WAITAOF" else [name, 1, 1]))
        primary.process.kill()
        wait_until(lambda: not is_up(replica))
        assert replica.client.get("key") is None
        replica.client.config_set("replica-serve-stale-data", "no")
        with pytest.raises(redis.exceptions.MasterDownError):
            replica.client.get("key")

    def test_blocked_clients(self, start: Start) -> None:
        """Whoever waits for an element when its server becomes a replica is told so: the element is not theirs to take."""
        primary, replica = start(ZIPPY), start(ZIPPY)
        waiting = RawClient("127.0.0.1", replica.port)
        waiting.send("BLPOP", "list", 0)
        wait_until(lambda: replica.info("clients")["blocked_clients"] == 1)
        replica.follow(primary)
        assert waiting.read().value.startswith(b"UNBLOCKED force unblock from blocking operation")
        primary.client.rpush("list", 1)
        assert_equal(primary, replica)
        assert replica.client.lrange("list", 0, -1) == [b"1"]
        waiting.close()

    @pytest.mark.parametrize("kinds", PAIRS[:3])
    def test_waiting(self, start: Start, kinds: tuple[str, str]) -> None:
        """WAIT counts replicas that have it, WAITAOF those that have it on disk."""
        primary, replica = start(kinds[0], "--appendonly", "yes"), start(kinds[1], "--appendonly", "yes")
        replica.follow(primary)
        assert_equal(primary, replica)
        primary.client.set("key", 1)
        assert primary("WAIT", 1, 15_000) == 1
        assert primary("WAITAOF", 1, 1, 15_000) == [1, 1]
        assert primary("WAIT", 2, 50) == 1

    def test_min_replicas(self, start: Start) -> None:
        """Writes need so many good replicas."""
        primary, replica = start(ZIPPY, "--min-replicas-to-write", "1"), start(ZIPPY)
        with pytest.raises(redis.exceptions.ResponseError, match="NOREPLICAS"):
            primary.client.set("key", 1)
        replica.follow(primary)
        wait_until(lambda: primary.info().get("min_slaves_good_slaves") == 1)
        assert primary.client.set("key", 1)

    def test_what_is_told_of_replicas_is_what_writes_need(self, start: Start) -> None:
        """Also in the second in which one has become too late but nobody has looked."""
        primary, replica = start(ZIPPY, "--min-replicas-to-write", "1", "--min-replicas-max-lag", "1"), start(ZIPPY)
        replica.follow(primary)
        wait_until(lambda: primary.info().get("min_slaves_good_slaves") == 1)
        go_on = hang(replica)

        def is_refused() -> bool:
            told, written = primary.client.pipeline(transaction=False).info("replication").set("key", 1).execute(raise_on_error=False)
            assert told["min_slaves_good_slaves"] == (1 if written is True else 0)
            return written is not True

        try:
            wait_until(is_refused)
        finally:
            go_on()

    @pytest.mark.parametrize("kinds", PAIRS[:3])
    def test_failover(self, start: Start, kinds: tuple[str, str]) -> None:
        """FAILOVER hands the role over, and nothing is copied."""
        primary, replica = start(kinds[0]), start(kinds[1])
        fill(primary)
        replica.follow(primary)
        assert_equal(primary, replica)
        assert primary("FAILOVER", "TIMEOUT", 60_000) == b"OK"
        wait_until(lambda: primary.info()["role"] == "slave" and is_up(primary))
        replica.client.set("after", 1)
        assert_equal(replica, primary)
        assert replica.syncs() == (0, 1)

    # the build of Redis 8 that tests have knows no TLS
    @pytest.mark.parametrize("kinds", [PAIRS[0], *PAIRS[3:]])
    def test_tls(self, start: Start, kinds: tuple[str, str], tmp_path: Path) -> None:
        """The link is a TLS one where tls-replication says so, with a copy and the stream."""
        port = free_port()
        files = [word for name, value in Certificates(tmp_path).settings(port).items() for word in (f"--{name}", value)]
        files += ["--tls-replication", "yes"]
        primary, replica = start(kinds[0], *files), start(kinds[1], *files, "--tls-port", str(free_port()))
        fill(primary)
        replica("REPLICAOF", "127.0.0.1", port)
        with Load(primary, threads=1) as load:
            wait_until(lambda: is_up(replica), 60.0)
            wait_until(lambda: load.rounds > 20, 60.0)
        assert_equal(primary, replica)

    def test_backlog_goes(self, start: Start) -> None:
        """What was kept for replicas that come back is forgotten when none came for long, and the history ends."""
        primary, replica = start(ZIPPY, "--repl-backlog-ttl", "1"), start(ZIPPY)
        replica.follow(primary)
        assert_equal(primary, replica)
        before = primary.info()
        assert before["repl_backlog_active"] == 1
        replica.lead()
        wait_until(lambda: primary.info()["repl_backlog_active"] == 0)
        assert primary.info()["master_replid"] != before["master_replid"]
        replica.follow(primary)
        assert_equal(primary, replica)
        assert primary.syncs() == (2, 0)

    def test_password(self, start: Start) -> None:
        """masterauth and masteruser are for the primary; without them the link does not come up."""
        primary, replica = start(ZIPPY), start(ZIPPY, "--masteruser", "repl", "--masterauth", "secret")
        primary("ACL", "SETUSER", "repl", "on", ">secret", "+psync", "+replconf", "+ping")
        primary("ACL", "SETUSER", "default", "on", ">other", "resetpass", ">other")
        primary.client = redis.Redis(port=primary.port, password="other", socket_timeout=20)
        replica.follow(primary)
        wait_until(lambda: is_up(replica))
        primary.client.set("key", 1)
        wait_until(lambda: replica.client.get("key") == b"1")

    def test_messages(self, start: Start) -> None:
        """What is published at a primary reaches those who listen at a replica, and no log."""
        primary, replica = start(ZIPPY, "--appendonly", "yes"), start(REDIS)
        replica.follow(primary)
        assert_equal(primary, replica)
        listener = replica.client.pubsub()
        listener.subscribe("channel")
        assert wait_until(lambda: listener.get_message(timeout=0.1))["type"] == "subscribe"
        primary.client.set("key", 1)
        primary.client.publish("channel", "text")
        assert wait_until(lambda: listener.get_message(timeout=0.1))["data"] == b"text"
        listener.close()
        assert not any(b"PUBLISH" in path.read_bytes() for path in primary.process.folder.rglob("*.incr.aof"))


class TestEnds:
    """The end of a primary, and copies of a part of the data."""

    def test_shutdown_waits(self, start: Start) -> None:
        """A replica that lags gets what was written last; meanwhile writes wait, and the end can be taken back."""
        # whoever hangs is not given up, and does not give up
        slow = ("--repl-timeout", "3600")
        primary, replica = start(ZIPPY, "--shutdown-timeout", "60", *slow), start(ZIPPY, *slow)
        replica.follow(primary)
        assert_equal(primary, replica)
        resume = hang(replica)
        primary.client.set("key", 1)
        asking, writing = RawClient("127.0.0.1", primary.port), RawClient("127.0.0.1", primary.port)
        asking.send("SHUTDOWN")
        log = primary.process.log_path
        wait_until(lambda: "Waiting for replicas before shutting down" in log.read_text())
        writing.send("SET", "other", 1)
        wait_until(lambda: primary.info("clients")["blocked_clients"] == 1)
        assert primary("SHUTDOWN", "ABORT") is True
        assert writing.read().value == b"OK"
        assert asking.read().value.startswith(b"ERR Errors trying to SHUTDOWN")
        asking.send("SHUTDOWN")
        wait_until(lambda: log.read_text().count("Waiting for replicas before shutting down") == 2)
        resume()
        assert primary.process.process is not None and primary.process.process.wait(60) == 0
        assert "1 of 1 replicas are in sync" in log.read_text()
        assert replica.client.mget("key", "other") == [b"1", b"1"]
        asking.close()
        writing.close()

    def test_shutdown_now(self, start: Start) -> None:
        """NOW waits for nobody."""
        primary, replica = start(ZIPPY, "--shutdown-timeout", "60"), start(ZIPPY)
        replica.follow(primary)
        assert_equal(primary, replica)
        hang(replica)
        primary.client.set("key", 1)
        asking = RawClient("127.0.0.1", primary.port)
        asking.send("SHUTDOWN", "NOW")
        assert primary.process.process is not None and primary.process.process.wait(20) == 0
        asking.close()

    def test_functions_alone(self, start: Start, tmp_path: Path) -> None:
        """redis-cli gets a snapshot, or the libraries of functions alone, as a replica would."""
        program = needs_program("redis-cli")
        primary = start(ZIPPY)
        fill(primary)
        primary("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 1 end)")
        for option in ("--rdb", "--functions-rdb"):
            path = tmp_path / option
            subprocess.run([program, "-p", str(primary.port), option, str(path)], check=True, capture_output=True, timeout=60)
            other = start(REDIS, "--dbfilename", path.name, "--dir", str(tmp_path))
            assert other("FUNCTION", "LIST")[0][b"library_name"] == b"lib"
            assert (other("DBSIZE") > 0) == (option == "--rdb")

    def test_follows_the_stream(self, start: Start) -> None:
        """redis-cli --replica shows what is written."""
        program = needs_program("redis-cli")
        primary = start(ZIPPY)
        command = [program, "-p", str(primary.port), "--replica"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as follower:
            assert follower.stdout is not None
            wait_until(lambda: primary.info().get("slave0", {}).get("state") == "online")
            primary.client.set("key", "some text")
            for line in follower.stdout:
                if "some text" in line:
                    break
            follower.kill()
