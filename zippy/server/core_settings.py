"""Hands the settings that the core reads down to it, now and whenever one changes."""

from __future__ import annotations

from functools import partial
from typing import Any

from zippy._core.session import Core
from zippy.setting_types import Setting, Value, number
from zippy.settings import SETTINGS, Settings


class CoreSettings:
    """The settings of one core."""

    def __init__(self, core: Core, settings: Settings) -> None:
        self.core = core
        self.settings = settings
        for setting in SETTINGS:
            if setting.core:
                settings.follow(setting.name, partial(self.push, setting))
        settings.follow("client-output-buffer-limit", self.push_output_limits)
        settings.follow("maxmemory", self.push_clients_limit)
        settings.follow("maxmemory-clients", self.push_clients_limit)

    def push(self, setting: Setting, value: Value) -> None:
        """Hands one setting down as a number."""
        self.core.set_setting(setting.name, number(setting, value))

    def push_output_limits(self, limits: Any) -> None:
        """Hands client-output-buffer-limit down: (hard, soft, seconds) of normal, replica, pubsub."""
        for output_class, (hard, soft, seconds) in enumerate(limits):
            self.core.set_output_limit(output_class, hard, soft, seconds)

    def push_clients_limit(self, _: Value) -> None:
        """Hands maxmemory-clients down: bytes, or minus the percentage of maxmemory."""
        limit = self.settings.integer("maxmemory-clients")
        self.core.set_clients_limit(limit if limit >= 0 else self.settings.integer("maxmemory") * -limit // 100)
