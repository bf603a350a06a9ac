"""Clusters of processes: zippy's nodes, Redis's, and both in one."""

from __future__ import annotations

import random
import shutil

import pytest
import redis
from redis.cluster import RedisCluster
from redis.exceptions import RedisClusterException

from tests.cluster.load import connect
from tests.cluster.servers import OLD, REDIS, ZIPPY, Start, agree, create, impatient, is_well, join, redis_cli, role_of, table
from tests.needs import missing
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)  # on a machine that is ten times slower

MIXES = [(ZIPPY, ZIPPY, ZIPPY), (ZIPPY, REDIS, ZIPPY), (REDIS, ZIPPY, REDIS), (ZIPPY, OLD, OLD)]


@pytest.fixture(autouse=True)
def needs_redis_cli() -> None:
    """Clusters are made with Redis's own tool."""
    if shutil.which("redis-cli") is None:
        missing("there is no redis-cli here")


class TestMade:
    """What redis-cli makes."""

    @pytest.mark.parametrize("kinds", MIXES)
    def test_create_and_check(self, start: Start, kinds: tuple[str, ...]) -> None:
        """Three primaries; the check is clean, and a client of clusters reads and writes everywhere."""
        nodes = [start(kind) for kind in kinds]
        create(nodes)
        assert "[OK] All 16384 slots covered." in redis_cli("check", nodes[0].place.partition("@")[0])
        client = connect(nodes[1])
        for n in range(200):
            client.set(f"key:{n}", n)
        assert [client.get(f"key:{n}") for n in range(200)] == [b"%d" % n for n in range(200)]
        assert sum(int(node.client.dbsize()) for node in nodes) == 200
        client.close()

    @pytest.mark.parametrize("kind", [ZIPPY, REDIS])
    def test_nodes_come_and_go(self, start: Start, kind: str) -> None:
        """A node is added as a primary, one as a replica, and both are taken out again."""
        nodes = [start(ZIPPY), start(REDIS), start(ZIPPY)]
        create(nodes)
        first = nodes[0].place.partition("@")[0]
        for more in ([], ["--cluster-slave", "--cluster-master-id", nodes[0].id]):
            node = start(kind)
            redis_cli("add-node", node.place, first, *more)
            nodes.append(node)
            wait_until(lambda: agree(nodes), 60)
        assert role_of(nodes[4]) == "slave"
        for node in nodes[:2:-1]:
            redis_cli("del-node", first, node.id)
        wait_until(lambda: agree(nodes[:3]) and len(table(nodes[0])) == 3, 60)

    def test_restarted(self, start: Start) -> None:
        """Nodes that are ended and started again are the same nodes, each with the other's file too."""
        nodes = [start(kind) for kind in (ZIPPY, REDIS, ZIPPY)]
        create(nodes)
        before = table(nodes[0])
        for node in nodes:
            node.process.restart()
        wait_until(lambda: agree(nodes), 60)
        assert {id: words[0] for id, words in table(nodes[0]).items()} == {id: words[0] for id, words in before.items()}
        assert {id: words[4:] for id, words in table(nodes[0]).items()} == {id: words[4:] for id, words in before.items()}

    def test_others_file(self, start: Start) -> None:
        """A node of Redis starts with the file that zippy wrote, and zippy with Redis's."""
        old, new = start(ZIPPY), start(REDIS)
        for node in (old, new):
            node.ask("CLUSTER", "ADDSLOTSRANGE", "0", "100") if node is old else node.ask("CLUSTER", "ADDSLOTSRANGE", "200", "300")
        old.meet(new)
        wait_until(lambda: old.nodes().keys() == new.nodes().keys() == {old.id, new.id}, 60)
        wait_until(lambda: table(old) == table(new), 60)
        before = table(old)
        ids = old.id, new.id
        for node in (old, new):
            node.process.terminate()
        one, other = (node.process.folder / "nodes.conf" for node in (old, new))
        texts = one.read_text(), other.read_text()
        one.write_text(texts[1])
        other.write_text(texts[0])
        for node in (old, new):
            node.process.start()
        assert (old.id, new.id) == (ids[1], ids[0])
        assert {id: words[4:] for id, words in table(old).items()} == {id: words[4:] for id, words in before.items()}


class TestFailover:
    """Replicas that take their primary's place."""

    @pytest.mark.parametrize(("primary", "replica"), [(ZIPPY, ZIPPY), (ZIPPY, REDIS), (REDIS, ZIPPY)])
    def test_killed(self, start: Start, primary: str, replica: str) -> None:
        """A primary dies, its replica is elected by nodes of both kinds, and the old one comes back as a replica."""
        nodes = [start(primary), start(ZIPPY), start(REDIS)]
        create(nodes)
        follower = join(start(replica), nodes)
        client = connect(nodes[1])
        for n in range(100):
            client.set(f"key:{n}", n)
        wait_until(lambda: follower.client.dbsize() == nodes[0].client.dbsize())
        nodes[0].process.kill()
        alive = [nodes[1], nodes[2], follower]
        with impatient(alive):
            wait_until(lambda: role_of(follower) == "master", 60)
        wait_until(lambda: all(map(is_well, alive)), 60)
        assert [wait_until(lambda n=n: self.get(client, f"key:{n}")) for n in range(100)] == [b"%d" % n for n in range(100)]
        nodes[0].process.start()
        wait_until(lambda: role_of(nodes[0]) == "slave", 60)
        wait_until(lambda: agree([*nodes, follower]), 60)
        wait_until(lambda: nodes[0].client.dbsize() == follower.client.dbsize(), 60)
        client.close()

    @staticmethod
    def get(client: RedisCluster, key: str) -> bytes | None:
        """A key's value; None: not now."""
        try:
            return client.get(key)
        except (redis.RedisError, RedisClusterException):
            return None

    @pytest.mark.parametrize(
        ("primary", "replica", "way"),
        [(ZIPPY, ZIPPY, ""), (ZIPPY, REDIS, ""), (REDIS, ZIPPY, ""), (ZIPPY, REDIS, "FORCE"), (REDIS, ZIPPY, "TAKEOVER")],
    )
    def test_by_hand(self, start: Start, primary: str, replica: str, way: str) -> None:
        """CLUSTER FAILOVER in its three ways, there and back."""
        nodes = [start(primary), start(ZIPPY), start(REDIS)]
        create(nodes)
        follower = join(start(replica), nodes)
        nodes[0].client.set("{06S}key", "value")
        wait_until(lambda: follower.client.dbsize() == nodes[0].client.dbsize())
        both = [nodes[0], follower]
        for _ in range(2):
            old, new = both
            assert new.ask("CLUSTER", "FAILOVER", *([way] if way else [])).value == b"OK"
            wait_until(lambda new=new: role_of(new) == "master", 20)
            wait_until(lambda: agree([*nodes, follower]), 60)
            assert role_of(old) == "slave"
            wait_until(lambda old=old: old.client.info("replication").get("master_link_status") == "up", 60)
            both.reverse()


class TestSlotsMove:
    """Slots on their way from node to node."""

    @pytest.mark.parametrize("kinds", [(ZIPPY, ZIPPY, ZIPPY), (ZIPPY, REDIS, ZIPPY)])
    def test_reshard(self, start: Start, kinds: tuple[str, ...]) -> None:
        """redis-cli moves slots with their keys, there and back, and nothing is lost."""
        nodes = [start(kind) for kind in kinds]
        if any(node.ask("COMMAND", "INFO", "MIGRATE").value[0].value is None for node in nodes):
            pytest.skip("keys are moved by MIGRATE, which a node lacks")
        create(nodes)
        client = connect(nodes[0])
        chance = random.Random(5)
        values = {f"key:{n}": chance.randbytes(chance.randrange(200)) for n in range(300)}
        for key, value in values.items():
            client.set(key, value)
        first = nodes[0].place.partition("@")[0]
        for source, target in ((0, 1), (1, 0)):
            redis_cli(
                "reshard", first, "--cluster-from", nodes[source].id, "--cluster-to", nodes[target].id, "--cluster-slots", "200",
                "--cluster-yes",
            )  # fmt: skip
            wait_until(lambda: agree(nodes), 60)
            assert {key: client.get(key) for key in values} == values
        assert "[OK] All 16384 slots covered." in redis_cli("check", first)
        client.close()
