"""Replication under faults: many seeds, and whether the simulator would notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.replication.simulator import Simulation, Violation
from zippy.replication.failover import Failover
from zippy.replication.follower import Follower
from zippy.replication.history import History
from zippy.replication.link import Introduction, request
from zippy.replication.service import Replication

SEEDS = range(200)


@pytest.mark.parametrize("seed", SEEDS)
def test_seed(seed: int) -> None:
    """Nothing that must never be, and all servers have the same in the end."""
    Simulation(seed).run()


def test_replays() -> None:
    """The same seed is the same life, to the byte and the moment."""
    lives = [Simulation(7) for _ in range(2)]
    for life in lives:
        life.run()
    assert lives[0].checksum == lives[1].checksum
    assert lives[0].done == lives[1].done
    assert lives[0].done["split"] > 0


def know_too_much(self: History, history_id: str, wanted: int) -> bool:
    """Has whoever followed the old history go on, wherever that was left."""
    return history_id in (self.id, self.second)


def acknowledge_too_much(self: Follower) -> None:
    """Tells of more than there is."""
    self.acked_at = self.clock()
    self.write(request("REPLCONF", "ACK", str(self.relay.offset + 60)))


introduction = Follower.introduction


def want_too_much(self: Follower) -> Introduction:
    """Asks for a byte that is there already."""
    found = introduction(self)
    return replace(found, offset=found.offset - 1) if found.offset > 0 else found


begin_stream = Follower.begin_stream


def forget_database(self: Follower, db: int, partial: bool) -> None:
    """Goes on in the first database."""
    begin_stream(self, 0, partial)


def keep_name(self: Replication, origin: tuple[int, bytes, int], replica: bool) -> None:
    """Goes on under the name that the snapshot has, without what was written after it."""
    self.relay.restart(origin[2])
    self.history.adopt(origin[1].decode())
    self.resumes, self.db = replica, origin[0]
    if not replica:
        self.relay.begin()


def hand_over_early(self: Failover) -> None:
    """Does not wait until a replica has everything."""
    for address in self.addresses() if self.state == "waiting-for-sync" else ():
        if self.target in (None, address):
            self.run(address)
            return


def keep_on(self: Follower) -> None:
    """Takes for a part of a history what is about to go."""
    self.on_copy()


@pytest.mark.parametrize(
    ("owner", "name", "mistake", "text", "seeds"),
    [
        (History, "knows", know_too_much, "is not what", (7, 13, 24)),
        (Follower, "acknowledge", acknowledge_too_much, "has acknowledged", (0, 1)),
        (Follower, "introduction", want_too_much, "do not come to rest", (0, 1, 5)),
        (Follower, "begin_stream", forget_database, "has other data", (9, 72, 95)),
        (Replication, "go_on_from", keep_name, "is not what", (0, 5, 9)),
        (Replication, "disconnect_replicas", lambda self: None, "is not what", (0, 1)),
        (Failover, "look", hand_over_early, "has taken over", (2, 4, 9)), (Follower, "replace", keep_on, "is not what", (1, 24, 31)),
        (Failover, "answered", lambda self, taken: self.end() if taken else None, "does not end", (355, 358)),
    ],
)  # fmt: skip
def test_mistakes_are_noticed(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str, mistake: Callable[..., Any], text: str, seeds: tuple[int, ...]
) -> None:
    """Each in one of the seeds."""
    monkeypatch.setattr(owner, name, mistake)
    with pytest.raises(Violation, match=text):
        for seed in seeds:
            Simulation(seed).run()
