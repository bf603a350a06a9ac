"""The bus of a running node: what is published, TLS, and whoever speaks nonsense to it."""

from __future__ import annotations

import contextlib
import random
import socket
import sys
from pathlib import Path

import pytest

from tests.cluster.recorded import RECORDED
from tests.cluster.servers import OLD, REDIS, TIMEOUT, ZIPPY, ClusterServer, Start, begin, is_well, role_of
from tests.process.certificates import Certificates
from tests.servers import config_arguments, free_port, start_process
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)  # on a machine that is ten times slower

LATE = """
import asyncio, os
from zippy.cli.main import main
from zippy.cluster.service import ClusterNode

start = ClusterNode.start

async def late(node):
    while not os.path.exists({go!r}):
        await asyncio.sleep(0.01)
    await start(node)

ClusterNode.start = late
main()
"""
"""A server that takes part in its cluster when there is a file of this name."""


def pair(start: Start, kinds: tuple[str, str], *arguments: str) -> list[ClusterServer]:
    """Two primaries with half of the slots each."""
    nodes = [start(kind, *arguments) for kind in kinds]
    for node, slots in zip(nodes, ((0, 8000), (8001, 16383)), strict=True):
        assert node.ask("CLUSTER", "ADDSLOTSRANGE", *slots).value == b"OK"
    nodes[0].meet(nodes[1])
    begin(nodes)
    return nodes


def test_before_it_is_served(tmp_path: Path) -> None:
    """Whoever was answered by a node reaches its bus too: for a moment its port was refused, and a MEET had to be tried again."""
    go, bus_port = tmp_path / "go", free_port()
    settings = config_arguments({"cluster-enabled": "yes", "cluster-port": bus_port})
    node = start_process([sys.executable, "-c", LATE.format(go=str(go))], settings, tmp_path / "node", None, None)
    try:
        with socket.create_connection(("127.0.0.1", bus_port), timeout=30) as connection:
            connection.sendall(RECORDED[0][2])
            go.touch()
            assert connection.recv(4) == b"RCmb"
    finally:
        node.stop()


class TestPublished:
    """Messages that clients publish."""

    @pytest.mark.parametrize("kinds", [(ZIPPY, ZIPPY), (ZIPPY, REDIS), (REDIS, ZIPPY)])
    def test_to_all_nodes(self, start: Start, kinds: tuple[str, str]) -> None:
        """PUBLISH at one node reaches those who listen at another, once, also out of a transaction and a script."""
        here, there = pair(start, kinds)
        listener = there.client.pubsub(ignore_subscribe_messages=True)
        listener.psubscribe("news*")
        wait_until(lambda: there.ask("PUBSUB", "NUMPAT").value == 1)
        here.client.publish("news", "one")
        with here.client.pipeline() as transaction:
            transaction.publish("news", "two").publish("news", b"three\r\n\0")
            transaction.execute()
        here.client.eval("redis.call('PUBLISH', 'news', 'four')", 0)
        found: list[bytes] = []

        def all_there() -> bool:
            message = listener.get_message(timeout=0.1)
            if message is not None:
                found.append(message["data"])
            return len(found) == 4

        wait_until(all_there)
        assert found == [b"one", b"two", b"three\r\n\0", b"four"]
        assert listener.get_message(timeout=0.1) is None
        listener.close()

    @pytest.mark.parametrize("kinds", [(ZIPPY, ZIPPY), (ZIPPY, REDIS), (REDIS, ZIPPY)])
    def test_to_the_shard(self, start: Start, kinds: tuple[str, str]) -> None:
        """SPUBLISH at a primary reaches those who listen at its replica, and nobody else is told."""
        primary, replica = start(kinds[0]), start(kinds[1])
        primary.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        primary.meet(replica)
        id = primary.id
        wait_until(lambda: "master" in replica.nodes().get(id, ["", "", ""])[2])
        assert replica.ask("CLUSTER", "REPLICATE", id).value == b"OK"
        begin([primary, replica])
        assert role_of(replica) == "slave"
        listener = replica.process.client()
        assert listener("SSUBSCRIBE", "channel").value[0].value == b"ssubscribe"
        primary.ask("SPUBLISH", "channel", "text")
        assert [part.value for part in listener.read().value] == [b"smessage", b"channel", b"text"]
        listener.close()


class TestTls:
    """tls-cluster."""

    # the build of Redis 8 that tests have knows no TLS
    @pytest.mark.parametrize("kinds", [(ZIPPY, ZIPPY), (ZIPPY, OLD)])
    def test_cluster(self, start: Start, kinds: tuple[str, str], tmp_path: Path) -> None:
        """Two nodes whose bus is TLS agree; a plain connection to it comes to nothing."""
        certificates = Certificates(tmp_path)
        nodes = []
        for kind in kinds:
            port = free_port()
            files = [word for name, value in certificates.settings(port).items() for word in (f"--{name}", value)]
            nodes.append(start(kind, *files, "--tls-cluster", "yes", "--tls-replication", "yes"))
            nodes[-1].tls_port = port
        for node, slots in zip(nodes, ((0, 8000), (8001, 16383)), strict=True):
            node.ask("CLUSTER", "ADDSLOTSRANGE", *slots)
        nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", nodes[1].tls_port, nodes[1].bus_port)
        begin(nodes)
        with socket.create_connection(("127.0.0.1", nodes[0].bus_port), timeout=30) as plain:
            plain.sendall(RECORDED[0][2])
            # a connection that is closed before all of this was read is reset
            with contextlib.suppress(ConnectionResetError):
                assert not plain.recv(100).startswith(b"RCmb")


class TestNonsense:
    """Whoever reaches the port."""

    def test_damaged_messages(self, start: Start) -> None:
        """Harmed messages of real nodes, and bytes at random: connections are closed, and the node goes on as it was."""
        # for which it tries to get to know whoever a MEET names
        node = start(ZIPPY, "--cluster-node-timeout", str(TIMEOUT))
        node.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        wait_until(lambda: is_well(node))
        before = {id: words[2:] for id, words in node.nodes().items()}
        chance = random.Random(3)
        for _ in range(200):
            data = bytearray(chance.choice(RECORDED)[2])
            for _ in range(chance.randrange(1, 6)):
                data[chance.choice((chance.randrange(len(data)), chance.randrange(2256), chance.randrange(16)))] = chance.randrange(256)
            if chance.random() < 0.2:
                data = bytearray(chance.randbytes(chance.randrange(1, 3000)))
            with socket.create_connection(("127.0.0.1", node.bus_port), timeout=10) as connection:
                connection.sendall(bytes(data))
        with socket.create_connection(("127.0.0.1", node.bus_port), timeout=10) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert connection.recv(100) == b""
        assert "Bad message on the cluster bus" in node.process.log()
        assert "Traceback" not in node.process.log()
        wait_until(lambda: {id: words[2:] for id, words in node.nodes().items()} == before)
        assert is_well(node)
