"""redis-cli --cluster over nodes of zippy, and over zippy's and Redis's: all that it does, and a client writes meanwhile."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.load import FIRST_SLOTS, ClusterLoad, connect
from tests.cluster.servers import PATIENT, REDIS, ZIPPY, Start, address, check, create, redis_cli, reshard, run_tool, slots_of
from tests.needs import missing
from tests.servers import ServerProcess, start_oracle, start_server
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)  # on a machine that is ten times slower

KINDS = [(ZIPPY, ZIPPY, ZIPPY), (ZIPPY, REDIS, ZIPPY)]


@pytest.fixture(autouse=True)
def needs_redis_cli() -> None:
    """It is Redis's own tool."""
    if shutil.which("redis-cli") is None:
        missing("there is no redis-cli here")


@pytest.fixture
def start_alone(tmp_path: Path) -> Iterator[Callable[[str], ServerProcess]]:
    """start_alone(kind): a server that is no node."""
    servers: list[ServerProcess] = []

    def begin(kind: str) -> ServerProcess:
        servers.append((start_server if kind == ZIPPY else start_oracle)(folder=tmp_path / f"alone{len(servers)}"))
        return servers[-1]

    yield begin
    for server in servers:
        server.stop()


class TestTool:
    """A cluster's life."""

    @pytest.mark.timeout(300)
    @pytest.mark.parametrize("kinds", KINDS)
    def test_slots_move_under_load(self, start: Start, kinds: tuple[str, ...]) -> None:
        """Values of all types go there and back; a node comes, gets its share, and gives all of it back; no write is lost."""
        nodes = [start(kind) for kind in kinds]
        create(nodes)
        check(nodes)
        with ClusterLoad(nodes[0]) as load:
            load.more(300)
            for source, target in ((0, 1), (1, 2), (2, 0)):
                reshard(nodes[0], nodes[source], nodes[target], FIRST_SLOTS)
                check(nodes)
            new = start(kinds[1])
            redis_cli("add-node", new.place, address(nodes[0]))
            nodes.append(new)
            check(nodes)
            redis_cli("rebalance", address(nodes[0]), "--cluster-use-empty-masters", "--cluster-weight", f"{new.id}=0.03")
            check(nodes)
            assert len(slots_of(new)) > FIRST_SLOTS
            load.more(100)
            redis_cli("rebalance", address(nodes[0]), "--cluster-weight", f"{new.id}=0")
            # whoever has lost its last slot follows the one that took it
            check(nodes)
            assert slots_of(new) == []
            assert "slave" in new.nodes()[new.id][2]
            redis_cli("del-node", address(nodes[0]), new.id)
            check(nodes[:3])
            load.more(50)
        assert not load.errors, load.errors
        load.verify()

    def test_what_it_tells(self, start: Start, tmp_path: Path) -> None:
        """info, call, set-timeout, and backup, whose files a server loads."""
        nodes = [start(ZIPPY), start(REDIS), start(ZIPPY)]
        create(nodes)
        client = connect(nodes[0])
        for n in range(60):
            client.set(f"key:{n}", n)
        client.close()
        first = address(nodes[0])
        assert "[OK] 60 keys in 3 masters." in redis_cli("info", first)
        told = redis_cli("call", first, "dbsize")
        assert sum(int(line.rpartition(": ")[2]) for line in told.splitlines()[1:]) == 60, told
        redis_cli("set-timeout", first, str(PATIENT + 1))
        assert {node.client.config_get("cluster-node-timeout")["cluster-node-timeout"] for node in nodes} == {str(PATIENT + 1)}
        kept = tmp_path / "backup"
        kept.mkdir()
        redis_cli("backup", first, str(kept))
        assert len(json.loads((kept / "nodes.json").read_text())) == 3
        files = sorted(kept.glob("*.rdb"))
        assert len(files) == 3
        counts = []
        for number, file in enumerate(files):
            folder = tmp_path / f"loaded{number}"
            folder.mkdir()
            shutil.copy(file, folder / "dump.rdb")
            for begin in (start_server, start_oracle):
                server = begin(folder=folder)
                with server.client() as raw:
                    counts.append(raw("DBSIZE").value)
                server.stop()
        assert sum(counts) == 120
        assert counts[::2] == counts[1::2]

    @pytest.mark.parametrize("source", [ZIPPY, REDIS])
    def test_import(self, start: Start, start_alone: Callable[[str], ServerProcess], source: str) -> None:
        """A standalone server's keys go into the cluster: copies, and then the keys themselves, in the place of what is there."""
        nodes = [start(kind) for kind in (ZIPPY, REDIS, ZIPPY)]
        create(nodes)
        alone = start_alone(source)
        with alone.client() as raw:
            for n in range(100):
                raw("SET", f"key:{n}", n)
            raw("RPUSH", "list", *range(50))
            raw("EXPIRE", "list", 1000)
            place = f"{alone.host}:{alone.port}"
            redis_cli("import", address(nodes[0]), "--cluster-from", place, "--cluster-copy")
            assert raw("DBSIZE").value == 101
            redis_cli("import", address(nodes[0]), "--cluster-from", place, "--cluster-replace")
            assert raw("DBSIZE").value == 0
        client = connect(nodes[0])
        assert [client.get(f"key:{n}") for n in range(100)] == [b"%d" % n for n in range(100)]
        assert client.lrange("list", 0, -1) == [b"%d" % n for n in range(50)]
        assert 900 < client.ttl("list") <= 1000
        client.close()


class TestFix:
    """What is left of a move that did not come to its end."""

    @pytest.mark.parametrize("kinds", [(ZIPPY, REDIS, ZIPPY), (REDIS, ZIPPY, ZIPPY)])
    def test_open_slots(self, start: Start, kinds: tuple[str, ...]) -> None:
        """Keys have gone and nobody was told, in three ways; all is mended, and all keys are there."""
        nodes = [start(kind) for kind in kinds]
        create(nodes)
        source, target = nodes[:2]
        client = connect(nodes[0])
        # tags of three slots of the first node, with twenty keys each
        tags = [n for n in range(100) if client.keyslot(f"{{{n}}}") <= 5460][:3]
        keys = [f"{{{tag}}}{n}" for tag in tags for n in range(20)]
        for key in keys:
            client.set(key, key)
        slots = [client.keyslot(f"{{{tag}}}") for tag in tags]
        for slot in slots:
            target("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
            source("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
            source("MIGRATE", "127.0.0.1", target.port, "", 0, 15_000, "KEYS", *source("CLUSTER", "GETKEYSINSLOT", slot, 8))
        target("CLUSTER", "SETSLOT", slots[1], "STABLE")
        source("CLUSTER", "SETSLOT", slots[2], "STABLE")
        assert "slots are open" in run_tool("check", address(nodes[0]))[1]
        redis_cli("fix", address(nodes[0]))
        check(nodes)
        assert [client.get(key) for key in keys] == [key.encode() for key in keys]
        client.close()

    def test_slots_of_nobody(self, start: Start) -> None:
        """Slots that nobody has are given to somebody."""
        nodes = [start(kind) for kind in (ZIPPY, REDIS, ZIPPY)]
        create(nodes)
        # a message that was under way may give the slot back to its owner
        wait_until(lambda: sum(b"already unassigned" in node.ask("CLUSTER", "DELSLOTS", 5).value for node in nodes) == 3)
        assert run_tool("check", address(nodes[0]))[0] == 1
        redis_cli("fix", address(nodes[0]))
        check(nodes)
