"""The cluster under faults: many seeds, and whether the simulator would notice."""

from __future__ import annotations

import pytest

from tests.cluster.simulator import Simulation, Violation
from zippy.cluster.elections import Elections
from zippy.cluster.message import Message
from zippy.cluster.node import Node

SEEDS = (*range(120), 10066, 10218, 50271, 50294, 60450, 60627, 60790, 70617, 70693, 81030, 120326, 120563, 120677)
"""Some, and those that have found something: a slot's owner that says it has not got it, and keeps others from it by its epoch; a ping that
is lost on a link that stays, and is never sent again; a node that knows nobody while all know it, behind a reset and from the beginning; a
slot that its owner lost by what another node knew of it before it was restarted; winners of two shards in an epoch; votes for the place
of a primary that a replica follows no more; a slot that a tool gives to a replica; the epoch of a primary that was a replica before."""
TELLING = (29, 53)  # seeds in which voters vote twice in an epoch


@pytest.mark.parametrize("seed", SEEDS)
def test_seed(seed: int) -> None:
    """Nothing that must never be, and all nodes agree in the end."""
    Simulation(seed).run()


def test_replays() -> None:
    """The same seed is the same life."""
    lives = [Simulation(7) for _ in range(2)]
    for life in lives:
        life.run()
    assert lives[0].steps == lives[1].steps
    assert [*map(list, lives[0].winners.values())] == [*map(list, lives[1].winners.values())]


def objection_of_the_forgetful(self: Elections, sender: Node, request: Message) -> str:
    """Votes whenever it is asked."""
    me = self.cluster.myself
    good = me.votes and sender.is_replica and sender.primary is not None and request.current_epoch >= self.cluster.current_epoch
    return "" if good else "no"


@pytest.mark.parametrize("seed", TELLING)
def test_two_votes_are_noticed(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nodes vote twice in an epoch, that shows."""
    monkeypatch.setattr(Elections, "objection", objection_of_the_forgetful)
    with pytest.raises(Violation, match="votes for"):
        Simulation(seed).run()
