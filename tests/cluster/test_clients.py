"""Clients of clusters that work while slots move and primaries change: redis-py's, with and without asyncio, ioredis and node-redis."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from typing import Any

import pytest

from tests.cluster.life import NAMES, Client
from tests.cluster.load import FIRST_SLOTS, TAGS, connect
from tests.cluster.servers import REDIS, ZIPPY, ClusterServer, Start, agree, create, impatient, join, reshard, role_of
from tests.needs import missing
from tests.waiting import wait_until

# what clients may see between a primary's end and its place being taken: a connection that is gone, and the documented CLUSTERDOWN
IN_THE_WINDOW = (
    *("CLUSTERDOWN", "ConnectionError", "TimeoutError", "ClusterError", "ClusterDownError", "ECONNREFUSED", "ECONNRESET", "EPIPE"),
    *("Connection is closed", "Socket closed", "Failed to refresh slots cache", "ClusterAllFailedError", "Too many Cluster redirections"),
)


@pytest.fixture(autouse=True)
def needs_redis_cli() -> None:
    """Clusters are made with Redis's own tool."""
    if shutil.which("redis-cli") is None:
        missing("there is no redis-cli here")


def look_at(clients: list[Client], allowed: tuple[str, ...] = (), may_lose: bool = False) -> None:
    """All that was acknowledged is there, and no client saw another error than these."""
    for client in clients:
        told = client.ask("check")
        strange = [error for error in told["errors"] if not any(word in error for word in allowed)]
        assert not strange, f"{client.name}: {strange[:3]} of {len(told['errors'])}"
        assert may_lose or not told["wrong"], f"{client.name}: {told['wrong'][:3]}"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kinds", [(ZIPPY, ZIPPY, ZIPPY, ZIPPY), (ZIPPY, REDIS, ZIPPY, REDIS)])
def test_clients(start: Start, kinds: tuple[str, ...]) -> None:
    """Slots go and come back; the first node's replica takes over by hand, and the other way round when it is killed."""
    nodes = [start(kind) for kind in kinds[:3]]
    create(nodes)
    follower = join(start(kinds[3]), nodes)
    every = [*nodes, follower]
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(name, nodes[1].port)) for name in NAMES]
        go_on(clients)
        for source, target in ((0, 1), (1, 0)):
            reshard(nodes[2], nodes[source], nodes[target], FIRST_SLOTS)
            wait_until(lambda: agree(every), 60)
        go_on(clients)
        look_at(clients)
        take_over(follower, every)
        go_on(clients)
        look_at(clients)
        wait_until(lambda: nodes[0].client.info("replication").get("master_link_status") == "up", 60)
        follower.process.kill()
        with impatient(nodes):
            wait_until(lambda: role_of(nodes[0]) == "master", 60)
        # node-redis has what it wanted to send there wait for the connection
        follower.process.start()
        wait_until(lambda: agree(every), 60)
        go_on(clients)
        # replication does not wait: what was acknowledged in the last moment may have gone with the primary
        look_at(clients, IN_THE_WINDOW, may_lose=True)


def go_on(clients: list[Client]) -> None:
    """Waits until all have written more."""
    for client in clients:
        client.more(300)


def take_over(replica: ClusterServer, every: list[ClusterServer]) -> None:
    """A manual failover."""
    assert replica.ask("CLUSTER", "FAILOVER").value == b"OK"
    wait_until(lambda: role_of(replica) == "master", 20)
    wait_until(lambda: agree(every), 60)


def test_shard_channels(start: Start) -> None:
    """Who listens to a shard channel hears on when its primary changes, and is told when the slot goes to another shard."""
    nodes = [start(kind) for kind in (ZIPPY, ZIPPY, REDIS)]
    create(nodes)
    follower = join(start(ZIPPY), nodes)
    every = [*nodes, follower]
    client = connect(nodes[2])
    channel = "channel" + TAGS[0]
    listener = client.pubsub()
    listener.ssubscribe(channel)

    def told(kind: str) -> Any:
        """What the next message says, which is of this kind."""
        message = wait_until(lambda: listener.get_sharded_message(timeout=0.1))
        assert message["type"] == kind
        return message["data"]

    assert told("ssubscribe") == 1
    for text, change in ((b"before", None), (b"after", follower), (b"there again", nodes[0])):
        if change is not None:
            take_over(change, every)
        assert client.execute_command("SPUBLISH", channel, text) == 1
        assert told("smessage") == text
    reshard(nodes[2], nodes[0], nodes[1], FIRST_SLOTS)
    wait_until(lambda: agree(every), 60)
    assert told("sunsubscribe") == 0
    listener.close()
    client.close()
