"""Hands the settings that the core reads down to it, now and whenever one changes."""

from __future__ import annotations

from functools import partial
from typing import Any

from zippy._core.session import Core
from zippy.setting_types import Setting, Value, number
from zippy.settings import SETTINGS, Settings

OF_THE_CORE = tuple(setting for setting in SETTINGS if setting.core)


def push_settings(core: Core, settings: Settings) -> None:
    """Has the core follow the settings."""
    for setting in OF_THE_CORE:
        push(core, setting, settings.value(setting.name))
    settings.on_each_change(partial(push, core))
    settings.follow("client-output-buffer-limit", partial(push_output_limits, core))
    for name in ("maxmemory", "maxmemory-clients"):
        settings.follow(name, partial(push_clients_limit, core, settings))


def push(core: Core, setting: Setting, value: Value) -> None:
    """Hands one setting down as a number, if the core reads it."""
    if setting.core:
        core.set_setting(setting.name, number(setting, value))


def push_output_limits(core: Core, limits: Any) -> None:
    """Hands client-output-buffer-limit down: (hard, soft, seconds) of each class of clients."""
    for output_class, (hard, soft, seconds) in enumerate(limits):
        core.set_output_limit(output_class, hard, soft, seconds)


def push_clients_limit(core: Core, settings: Settings, _: Value) -> None:
    """Hands maxmemory-clients down: bytes, or minus the percentage of maxmemory."""
    limit = settings.integer("maxmemory-clients")
    core.set_clients_limit(limit if limit >= 0 else settings.integer("maxmemory") * -limit // 100)
