"""Damaged messages, for a moment; and what they have found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.bus_damage import Attack
from tests.cluster.damage import STRANGER, Victim, campaign
from zippy.cluster.message import Flag, Gossip, Kind, Message, Pulse, encode

INPUTS = 1500


@pytest.mark.parametrize("seed", [1, 2])
def test_damage(seed: int) -> None:
    """Messages are refused or taken; nothing of what has to hold is hurt."""
    done = campaign(seed, lambda number: number < INPUTS)
    assert done["refused"] > INPUTS // 5
    assert min(done[kind.name] for kind in Kind) > 0


@pytest.mark.zippy_only
@pytest.mark.parametrize("claims", [False, True])
def test_running_node(tmp_path: Path, claims: bool) -> None:
    """The same over sockets."""
    done = Attack(tmp_path, 1, claims).go_on(lambda number: number < 6)
    assert done["lines in the log"] > 10


@pytest.mark.parametrize("flags", [0, Flag.PRIMARY | Flag.REPLICA])
def test_nodes_have_one_role(flags: int) -> None:
    """A node that tells no role, or both, is a primary; also one that others tell of so."""
    victim = Victim()
    told = Gossip("f" * 40, 0, 0, "10.0.0.70", 6379, 16379, flags)
    pulse = Message(Kind.PONG, STRANGER, 1, 1, ip="10.0.0.8", port=6379, bus_port=16379, flags=flags, marks=4, body=Pulse((told,)))
    victim.take(3, encode(pulse))
    nodes = victim.hand.cluster.nodes
    assert nodes[STRANGER].is_primary
    assert nodes[told.id].is_primary
