"""Damaged payloads and files, as many as moments allow; `python -m tests.persistence.damage` goes on for as long as wished."""

from __future__ import annotations

import pytest

import zippy
from tests.persistence.damage import Campaign, damaged, hyperloglogs, whole_files

SEEDS = range(4)


@pytest.mark.parametrize("seed", SEEDS)
def test_payloads(seed: int) -> None:
    with zippy.Engine() as engine:
        campaign = Campaign(engine, seed)
        campaign.run(count=1500)
        # damage that is always refused would test nothing beyond the checks
        assert campaign.loaded > 100
        assert campaign.tried - campaign.loaded > 500


@pytest.mark.parametrize("seed", SEEDS)
def test_files(seed: int) -> None:
    tried, loaded = whole_files(seed, lambda tried: tried < 1500)
    assert tried == 1500
    assert 50 < loaded < 1450


@pytest.mark.parametrize("seed", SEEDS)
def test_hyperloglogs(seed: int) -> None:
    with zippy.Engine() as engine:
        campaign = Campaign(engine, seed)
        bodies = list(hyperloglogs(campaign.r))
        for text in bodies:
            campaign.count(text)
        assert campaign.loaded == len(bodies)
        for _ in range(60):
            campaign.count(damaged(campaign.source, bodies))
        assert campaign.loaded < len(bodies) + 50


def test_every_cut_of_every_body() -> None:
    """A body that ends too early is refused, wherever it ends; the last byte of each counts."""
    with zippy.Engine() as engine:
        campaign = Campaign(engine, 1)
        for body in campaign.bodies:
            step = max(1, len(body) // 150)
            for size in {*range(1, len(body), step), len(body) - 1}:
                campaign.one(body[:size])
        assert campaign.loaded == 0
