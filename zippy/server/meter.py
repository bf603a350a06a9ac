"""Rates and peaks that need to be looked at while time goes by: the cron feeds it."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from zippy._core.introspection import engine_stats, used_memory

if TYPE_CHECKING:
    from zippy._core.session import Core

SAMPLES = 16
SAMPLE_SECONDS = 0.1
MEASURED = ("total_commands_processed", "total_net_input_bytes", "total_net_output_bytes", "eventloop_cycles", "eventloop_duration_sum")


class Meter:
    """What a core does a second, over the last 1.6 seconds."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.startup_memory: int = used_memory(core)[0]
        self.peak = 0
        self.peak_time = int(time.time())
        self.reset()

    def reset(self) -> None:
        """Begins anew."""
        self.sampled_at = time.monotonic()
        self.last = self.read()
        self.rates: dict[str, deque[float]] = {name: deque([0.0] * SAMPLES, SAMPLES) for name in MEASURED}

    def read(self) -> dict[str, int]:
        """The counters now."""
        stats = engine_stats(self.core)
        return {name: stats[name] for name in MEASURED}

    def sample(self) -> None:
        """To be called often; takes a sample when one is due."""
        now = time.monotonic()
        if now - self.sampled_at < SAMPLE_SECONDS:
            return
        counters = self.read()
        for name, rates in self.rates.items():
            rates.append((counters[name] - self.last[name]) / (now - self.sampled_at))
        self.last, self.sampled_at = counters, now
        peak = used_memory(self.core)[1]
        if peak > self.peak:
            self.peak, self.peak_time = peak, int(time.time())

    def rate(self, name: str) -> float:
        """A second, of one of MEASURED."""
        return sum(self.rates[name]) / SAMPLES
