"""Two of the things that can happen to a cluster of both kinds while a client writes; lives.py does all of them for as long as wished."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from tests.cluster.lives import MIXED, Lives, live
from tests.cluster.servers import REDIS
from tests.needs import missing
from tests.replication.servers import has


@pytest.mark.timeout(600)
@pytest.mark.parametrize("step", ["kill in a move", "replica moves"])
def test_step(tmp_path: Path, step: str) -> None:
    """All agree afterwards, and nothing is lost."""
    if shutil.which("redis-cli") is None or not has(REDIS):
        missing("there is no redis-cli here, or no Redis")
    cluster = Lives(MIXED, random.Random(1), tmp_path)
    try:
        live(cluster, 1, [step])
    finally:
        cluster.stop()
