"""What the build makes of the settings for the core."""

from __future__ import annotations

import pytest

from zippy._core.session import Core
from zippy._core.testing import settings_shim
from zippy._core.testing.parser_shim import RequestParser
from zippy.setting_types import number
from zippy.settings import SETTINGS, find_setting
from zippy.settings_core import constants, core_settings, field, header


def test_each_name_fills_the_field_of_that_name() -> None:
    values = {setting.name: 1000 + place for place, setting in enumerate(core_settings())}
    assert settings_shim.filled(values) == {field(setting): values[setting.name] for setting in core_settings()}


def test_defaults_are_those_of_the_table() -> None:
    assert settings_shim.defaults() == {field(setting): number(setting, setting.default) for setting in core_settings()}


def test_a_setting_that_the_core_does_not_read_is_refused() -> None:
    core = Core()
    for name in ("port", "nosuch", ""):
        with pytest.raises(KeyError):
            core.set_setting(name, 1)
    assert settings_shim.in_force(core) == settings_shim.defaults()


def test_a_core_keeps_what_it_is_told() -> None:
    core = Core()
    core.set_setting("zset-max-listpack-value", 7)
    assert settings_shim.in_force(core) == settings_shim.defaults() | {"zset_max_listpack_value": 7}


def test_constants_are_made_of_the_words() -> None:
    """A word's number is what is pushed down for it, and its constant in the core has that number."""
    lines = header().splitlines()
    for setting, numbers in constants():
        for name, value, word in numbers:
            assert any(line.split() == [name, "=", str(value), "#", word] for line in lines)
            if setting.type == "enum":
                assert number(setting, word) == value
    policy = find_setting("maxmemory-policy")
    assert policy is not None
    assert [number(policy, word) for word in policy.choices] == list(range(len(policy.choices)))


def test_only_settings_without_effect_wait() -> None:
    assert [setting.name for setting in SETTINGS if setting.waits_for and (setting.used or setting.core)] == []
    assert [setting.name for setting in SETTINGS if setting.hidden and not (setting.used or setting.waits_for)] == []


@pytest.mark.parametrize(("ahead", "count"), [(0, 16), (1, 1), (4, 4), (16, 16)])
def test_commands_parsed_ahead(ahead: int, count: int) -> None:
    assert RequestParser().parsed_ahead(b"*1\r\n$4\r\nPING\r\n" * 20, ahead) == count


@pytest.mark.parametrize(("value", "ahead"), [(0, 1), (1, 1), (4, 4), (16, 16), (128, 16)])
def test_prefetch_batch_max_size(value: int, ahead: int) -> None:
    """As many commands are parsed ahead, and their keys fetched together; no more than the core has room for."""
    core = Core()
    assert settings_shim.commands_ahead(core) == 0
    core.set_setting("prefetch-batch-max-size", value)
    assert settings_shim.commands_ahead(core) == ahead
