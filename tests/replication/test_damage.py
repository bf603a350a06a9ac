"""Damage to what comes by a link of replication, for a moment; and what it has found."""

from __future__ import annotations

import pytest

from tests.replication.damage import ID, MARKED, REPLICA, REPLY, SIZED, STREAM, Victim, campaign, copies

INPUTS = 1500


@pytest.mark.parametrize("seed", [1, 2])
def test_damage(seed: int) -> None:
    """Links are closed with a line in the log or go on, and the server is well; all kinds come to something and to nothing."""
    done = campaign(seed, lambda number: number < INPUTS)
    assert all(done[f"connected {kind}"] for kind in range(REPLICA) if kind != 0)
    assert all(done[f"connect {kind}"] for kind in (REPLY, SIZED, MARKED))
    assert done["asked: online"] and done["asked: no replica"] and done[f"leads {STREAM}"]


@pytest.mark.parametrize("head", [b"+FULLRESYNC %b 99999999999999999999", b"+FULLRESYNC %b 9223372036854775807"])
def test_offsets(head: bytes) -> None:
    """An offset that no stream comes to ends the link, as other nonsense does: the copy was loaded, and an OverflowError followed."""
    victim, copy = Victim(), copies()[1]
    assert victim.take(REPLY, 0, head % ID + b"\r\n$%d\r\n" % len(copy) + copy) == f"connect {REPLY}"
    victim.close()


def test_blanks() -> None:
    """So does an answer to PSYNC that has no word: it raised an IndexError."""
    victim = Victim()
    assert victim.take(REPLY, 0, b" \r\n") == f"connect {REPLY}"
    victim.close()
