"""INFO's commandstats, errorstats and latencystats: calls, errors and times by command."""

from __future__ import annotations

from typing import Any

from zippy._core.introspection import command_stats, error_stats
from zippy._core.session import Core
from zippy.server.info import Fields, Sections
from zippy.settings import Settings


class CommandTimes:
    """What the core counts for each command."""

    def __init__(self, core: Core, settings: Settings) -> None:
        self.core = core
        self.settings = settings

    def sections(self) -> Sections:
        """For INFO."""
        return {"commandstats": self.command_fields, "errorstats": self.error_fields, "latencystats": self.latency_fields}

    def command_fields(self) -> Fields:
        """Calls and times by command."""
        fields = {}
        for name, calls, us, rejected, failed, _ in command_stats(self.core):
            times = f"calls={calls},usec={us},usec_per_call={us / calls if calls else 0.0:.2f}"
            fields[f"cmdstat_{name}"] = f"{times},rejected_calls={rejected},failed_calls={failed}"
        return fields

    def error_fields(self) -> Fields:
        """Error replies by their code."""
        return {f"errorstat_{code}": f"count={count}" for code, count in error_stats(self.core)}

    def latency_fields(self) -> Fields:
        """Percentiles of the commands' times."""
        percentiles: Any = self.settings.value("latency-tracking-info-percentiles")
        fields = {}
        for name, _, _, _, _, histogram in command_stats(self.core):
            if histogram:
                shown = [f"p{f'{p:.6f}'.rstrip('0').rstrip('.')}={percentile_us(histogram, p):.3f}" for p in percentiles]
                fields[f"latency_percentiles_usec_{name}"] = ",".join(shown)
        return fields


def percentile_us(histogram: list[tuple[int, int, int]], percentile: float) -> float:
    """A percentile of times in us: the longest that counts as the one in question; of percentile 0 the shortest. 0: there are none."""
    wanted = max(int(sum(count for _, _, count in histogram) * percentile / 100 + 0.5), 1)
    for least, most, count in histogram:
        wanted -= count
        if wanted <= 0:
            return (most if percentile else least) / 1000
    return 0.0
