"""CLUSTER's subcommands on a node: zippy's replies beside those of a real Redis, for the same requests in the same order."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.cluster.servers import OLD, REDIS, ZIPPY, ClusterServer, Start, begin
from tests.commands.blocking import wait_blocked
from tests.resp import RawClient, Reply
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)  # on a machine that is ten times slower

NOBODY = "e" * 40
REQUESTS = [
    *("INFO", "NODES", "SLOTS", "SHARDS", "LINKS", "MYID", "MYSHARDID", "KEYSLOT a{b}c", "KEYSLOT {}x", "BUMPEPOCH", "BUMPEPOCH"),
    *("SET-CONFIG-EPOCH 5", "SET-CONFIG-EPOCH a", "SET-CONFIG-EPOCH -1", "ADDSLOTS 1 2 3", "ADDSLOTS 1", "ADDSLOTS 5 5"),
    *("ADDSLOTS 16384", "ADDSLOTS a", "ADDSLOTS -1", "ADDSLOTSRANGE 10", "ADDSLOTSRANGE 10 9", "ADDSLOTSRANGE 10 12 11 13"),
    *("ADDSLOTSRANGE 10 12 x 3", "ADDSLOTSRANGE 10 12 14", "DELSLOTS 99", "DELSLOTS 1 1", "DELSLOTS 1", "DELSLOTSRANGE 1 3"),
    *("DELSLOTSRANGE 2", "DELSLOTSRANGE 3 2", "COUNTKEYSINSLOT 16384", "COUNTKEYSINSLOT -1", "COUNTKEYSINSLOT a", "COUNTKEYSINSLOT 2"),
    *("GETKEYSINSLOT 2 -1", "GETKEYSINSLOT 2 10", "GETKEYSINSLOT 99999 1", "GETKEYSINSLOT x 1", "GETKEYSINSLOT 1 x"),
    *("COUNT-FAILURE-REPORTS abc", "COUNT-FAILURE-REPORTS <me>", "FORGET abc", "FORGET <me>", "REPLICATE abc", "REPLICATE <me>"),
    *("REPLICAS abc", "REPLICAS <me>", "SLAVES abc", "SLAVES <me>", "FAILOVER", "FAILOVER FORCE", "FAILOVER foo", "FAILOVER FORCE x"),
    *("FLUSHSLOTS", "RESET foo", "RESET HARD SOFT", "SAVECONFIG", "SETSLOT", "SETSLOT 1", "SETSLOT 1 foo", "SETSLOT 99999 STABLE"),
    *("SETSLOT 1 STABLE", "SETSLOT 1 STABLE x", "SETSLOT 1 MIGRATING abc", "SETSLOT 2 MIGRATING abc", "SETSLOT 2 IMPORTING abc"),
    *("SETSLOT 1 NODE abc", "SETSLOT 1 NODE", "SETSLOT 1 MIGRATING", "MEET a", "MEET a b", "MEET a 1", "MEET 127.0.0.1 99999"),
    *("MEET 127.0.0.1 0", "MEET 127.0.0.1 7000 0", "MEET 127.0.0.1 7000 a", "MEET 127.0.0.1 7000 70000", "MEET 127.0.0.1 65000"),
    *("MEET 127.0.0.1 1 2 3", "SETSLOT 1 IMPORTING <me>", "SETSLOT 1 NODE <me>", "SETSLOT 2 NODE <me>", "SLOTS", "SHARDS"),
    *("SETSLOT 2 IMPORTING <me>", "SETSLOT 2 MIGRATING <me>", "NODES", "SETSLOT 2 STABLE", "NODES"),
    *("SLOT-STATS", "SLOT-STATS SLOTSRANGE 0 3", "SLOT-STATS SLOTSRANGE 3 0", "SLOT-STATS SLOTSRANGE 0", "SLOT-STATS SLOTSRANGE 0 x"),
    *("SLOT-STATS ORDERBY KEY-COUNT", "SLOT-STATS ORDERBY KEY-COUNT LIMIT 1 DESC", "SLOT-STATS ORDERBY cpu-usec"),
    *("SLOT-STATS ORDERBY foo", "SLOT-STATS ORDERBY KEY-COUNT LIMIT 0", "SLOT-STATS ORDERBY KEY-COUNT LIMIT a"),
    *("SLOT-STATS ORDERBY KEY-COUNT ASC DESC", "SLOT-STATS ORDERBY KEY-COUNT ASC", "SLOT-STATS ORDERBY KEY-COUNT LIMIT 16385"),
    *("SLOT-STATS ORDERBY KEY-COUNT LIMIT 1 LIMIT 1", "SLOT-STATS ORDERBY KEY-COUNT foo", "SLOT-STATS ORDERBY KEY-COUNT LIMIT"),
    *("SLOT-STATS foo", "SLOT-STATS foo bar", "NODES x", "foo", "ADDSLOTSRANGE 3 16383", "ADDSLOTS 0", "INFO", "SHARDS", "SLOTS"),
    *("DELSLOTSRANGE 100 16383", "INFO", "NODES", "RESET HARD", "NODES", "INFO", "SET-CONFIG-EPOCH 7", "INFO", "RESET", "INFO"),
]  # fmt: skip
ROLES = [
    *("SETSLOT 1 STABLE", "SETSLOT 1 NODE <me>", "SETSLOT x STABLE", "SETSLOT 1 foo", "REPLICATE <me>", "REPLICATE <third>"),
    *("REPLICATE <first>", "FORGET <first>", "FORGET <me>", "SETSLOT 20 NODE <me>", "SETSLOT 20 MIGRATING <me>", "ADDSLOTS 5"),
    *("SETSLOT 1 IMPORTING <third>", "ADDSLOTS 20000", "DELSLOTS 20000", "SET-CONFIG-EPOCH 9", "REPLICAS <first>", "REPLICAS <me>"),
    *("REPLICAS <third>", "COUNT-FAILURE-REPORTS <first>", "COUNTKEYSINSLOT 5", "GETKEYSINSLOT 5 10", "FAILOVER x"),
    *("FAILOVER FORCE FORCE", "MYSHARDID"),
]  # fmt: skip
OTHERS = [
    *("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", "SLAVEOF NO ONE", "FAILOVER", "CONFIG GET databases", "CONFIG GET cluster-enabled"),
    *("INFO cluster", "CLUSTER"),
]


def plain(reply: Any, node: ClusterServer) -> Any:
    """A reply without ids, ports and what is measured."""
    if isinstance(reply, Reply):
        return reply.kind, plain(reply.value, node)
    if isinstance(reply, tuple | list):
        return tuple(plain(item, node) for item in reply)
    if isinstance(reply, bytes):
        text = re.sub(rb"\b[0-9a-f]{40}\b", b"<id>", reply)
        for port, name in ((node.bus_port, b"<bus>"), (node.port, b"<port>")):
            text = re.sub(rb"\b%d\b" % port, name, text)
        # Redis does not count before it has been up for two seconds
        return re.sub(rb"cluster_size:\d+", b"cluster_size:<n>", text)
    return "<port>" if reply == node.port else reply


class TestBesideRedis:
    """One node of each."""

    @pytest.mark.parametrize("protocol", [2, 3])
    def test_one_node(self, start: Start, protocol: int) -> None:
        """All subcommands, with right and wrong words."""
        answers = []
        for kind in (ZIPPY, REDIS):
            node = start(kind)
            id = node.id
            with node.process.client() as client:
                client("HELLO", protocol)
                answers.append([
                    (request, plain(client("CLUSTER", *request.replace("<me>", id).split()), node)) for request in REQUESTS
                ])  # fmt: skip
                answers[-1] += [(request, plain(client(*request.split()), node)) for request in OTHERS]
        different = [(ours, theirs) for ours, theirs in zip(*answers, strict=True) if ours != theirs]
        assert not different, str(different[:5])

    def test_slots_of_who_waits(self, start: Start) -> None:
        """What a command that had to wait was sent counts once, when it is served, and never when it is not."""
        found = []
        for kind in (ZIPPY, REDIS):
            node = start(kind, "--cluster-slot-stats-enabled", "yes")
            node.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            begin([node])
            with node.process.client() as client, node.process.client() as waiting:
                waiting.send("BLPOP", "queue", 0)
                wait_blocked(client)
                found.append([self.slot(client)])
                client("RPUSH", "queue", "x")
                assert waiting.read().kind == "*"
                found[-1].append(self.slot(client))
                assert waiting("BLPOP", "queue", "0.05").value is None
                found[-1].append(self.slot(client))
        assert found[0] == found[1]

    @staticmethod
    def slot(client: RawClient) -> list[Any]:
        """The figures of the slot of `queue`, without times."""
        slot = client("CLUSTER", "KEYSLOT", "queue").value
        figures = client("CLUSTER", "SLOT-STATS", "SLOTSRANGE", slot, slot).value[0].value[1].plain()
        return [figures[:2], figures[4:]]

    def test_info_of_the_server(self, start: Start) -> None:
        """It says that it is a node."""
        node = start(ZIPPY)
        assert node.client.info("server")["redis_mode"] == "cluster"
        assert b"cluster" in [reply.value for reply in node.ask("HELLO").value]

    @pytest.mark.parametrize("other", [REDIS, OLD])
    def test_two_nodes(self, start: Start, other: str) -> None:
        """What two nodes, one of them real, say of the same cluster; places by each of the kinds of endpoints."""
        ours, theirs = start(ZIPPY, "--cluster-announce-hostname", "our.host"), start(other, "--cluster-announce-hostname", "their.host")
        ours.ask("CLUSTER", "ADDSLOTSRANGE", 0, 8000)
        theirs.ask("CLUSTER", "ADDSLOTSRANGE", 8001, 16383)
        ours.meet(theirs)
        nodes = (ours, theirs)
        wait_until(lambda: all(node.info()["cluster_state"] == "ok" for node in nodes), 30)
        wait_until(lambda: all(b".host" in word for node in nodes for word in self.hosts(node)), 30)
        for preferred in ("ip", "hostname", "unknown-endpoint"):
            for node in nodes:
                node.ask("CONFIG", "SET", "cluster-preferred-endpoint-type", preferred)
            wait_until(lambda: ours.ask("CLUSTER", "SLOTS").value == theirs.ask("CLUSTER", "SLOTS").value)
            if other == REDIS:
                wait_until(lambda: self.shards(ours) == self.shards(theirs))
        wait_until(lambda: self.links(ours) == self.links(theirs))

    @staticmethod
    def hosts(node: ClusterServer) -> list[bytes]:
        """The words of places."""
        return [words[1].encode() for words in node.nodes().values()]

    @staticmethod
    def shards(node: ClusterServer) -> Any:
        """CLUSTER SHARDS in an order of its own."""
        return sorted(repr(reply) for reply in node.ask("CLUSTER", "SHARDS").value)

    @staticmethod
    def links(node: ClusterServer) -> list[list[bytes]]:
        """The names of the fields of CLUSTER LINKS, and the directions."""
        found = []
        for link in node.ask("CLUSTER", "LINKS").value:
            words = [reply.value for reply in link.value]
            found.append([*words[::2], words[1]])
        return sorted(found)


class TestRoles:
    """A primary of zippy's and one of Redis's, each with a replica of its own kind."""

    def test_what_roles_refuse(self, start: Start) -> None:
        """Replicas, and primaries with a replica, refuse and answer the same."""
        pairs = [[start(kind), start(kind)] for kind in (ZIPPY, REDIS)]
        answers = []
        for primary, replica in pairs:
            for epoch, node in enumerate((primary, replica), 1):
                # or one of the two gives itself another one
                assert node.ask("CLUSTER", "SET-CONFIG-EPOCH", epoch).value == b"OK"
            primary.meet(replica)
            wait_until(lambda a=primary, b=replica: a.id in b.nodes() and b.id in a.nodes(), 30)
            primary.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            assert replica.ask("CLUSTER", "REPLICATE", primary.id).value == b"OK"
            begin([primary, replica])
            ids = {"<first>": primary.id, "<third>": NOBODY}
            answers.append([
                (request, self.told(node.ask("CLUSTER", *self.words(request, {**ids, "<me>": replica.id})), pair=(primary, replica)))
                for node in (replica, primary) for request in ROLES
            ])  # fmt: skip
        different = [(ours, theirs) for ours, theirs in zip(*answers, strict=True) if ours != theirs]
        assert not different, str(different[:5])

    @staticmethod
    def words(request: str, ids: dict[str, str]) -> list[str]:
        """A request's words, with ids for names."""
        return [ids.get(word, word) for word in request.split()]

    @staticmethod
    def told(reply: Reply, pair: tuple[ClusterServer, ClusterServer]) -> Any:
        """A reply without what is the pair's own, and without times: a ping may be under way, or none."""
        text = plain(plain(reply, pair[0]), pair[1])
        return re.sub(r"(\b0 )?\d{13}( \d{13})?", "<ms>", repr(text))


class TestForget:
    """CLUSTER FORGET."""

    def test_gone_for_a_minute(self, start: Start) -> None:
        """A node that one forgets is forgotten by the others too, zippy's and Redis's."""
        nodes = [start(ZIPPY), start(REDIS), start(ZIPPY)]
        for node in nodes[1:]:
            nodes[0].meet(node)
        known = {node.id for node in nodes}
        wait_until(lambda: all(set(node.nodes()) == known for node in nodes), 30)
        gone = nodes[2].id
        assert nodes[2].ask("CLUSTER", "RESET", "HARD").value == b"OK"
        assert nodes[0].ask("CLUSTER", "FORGET", gone).value == b"OK"
        wait_until(lambda: all(gone not in node.nodes() for node in nodes[:2]), 30)
        assert nodes[0].ask("CLUSTER", "FORGET", gone).value == b"OK"
        assert nodes[0].ask("CLUSTER", "FORGET", NOBODY).value == f"ERR Unknown node {NOBODY}".encode()
