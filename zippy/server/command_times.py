"""INFO's commandstats, errorstats and latencystats: calls, errors and times by command."""

from __future__ import annotations

from typing import Any

from zippy._core.introspection import command_lines, error_stats, latency_lines
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
        return command_lines(self.core)

    def error_fields(self) -> Fields:
        """Error replies by their code."""
        return {f"errorstat_{code}": f"count={count}" for code, count in error_stats(self.core)}

    def latency_fields(self) -> Fields:
        """Percentiles of the commands' times."""
        percentiles: Any = self.settings.value("latency-tracking-info-percentiles")
        return latency_lines(self.core, [(f"p{f'{p:.6f}'.rstrip('0').rstrip('.')}".encode(), p) for p in percentiles])
