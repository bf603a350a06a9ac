"""Real sentinels watch zippy: the clients find the new primary, and what a replica acknowledged is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.needs import missing
from tests.replication.sentinels import Sentinels, Writer, fail_over, hang, kill
from tests.replication.servers import REDIS, ZIPPY, Node, Start, assert_equal, is_up
from tests.servers import oracle_program
from tests.waiting import wait_until


@pytest.fixture
def nodes(start: Start) -> list[Node]:
    """A primary and two replicas."""
    nodes = [start(ZIPPY), start(ZIPPY), start(REDIS)]
    for node in nodes[1:]:
        node.follow(nodes[0])
    wait_until(lambda: all(map(is_up, nodes[1:])))
    return nodes


@pytest.fixture
def sentinels(nodes: list[Node], tmp_path: Path) -> Iterator[Sentinels]:
    """Three sentinels that know all of them."""
    program = oracle_program()
    if program is None:
        missing("there is no Redis that could be a sentinel")
    sentinels = Sentinels(program, tmp_path, ("127.0.0.1", nodes[0].port))
    wait_until(lambda: sentinels.know(2), 120.0)
    yield sentinels
    sentinels.stop()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", [kill, hang])
def test_failover(nodes: list[Node], sentinels: Sentinels, fault: Callable[[Node], Callable[[], None]]) -> None:
    """A client that writes meanwhile finds the new primary; who failed follows it."""
    with Writer(sentinels) as writer:
        wait_until(lambda: len(writer.acknowledged) >= 20, 60.0)
        primary = fail_over(sentinels, nodes, fault)
        enough = len(writer.acknowledged) + 20
        wait_until(lambda: len(writer.acknowledged) >= enough, 60.0)
    assert set(writer.acknowledged) <= {int(number) for number in primary.client.smembers("numbers")}
    for node in nodes:
        if node is not primary:
            assert_equal(primary, node)
