"""The settings in force: one object that the configuration file, the command line, CONFIG and every part of the server share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from zippy._core.ground.glob import fitting, is_pattern
from zippy.setting_types import Setting, SettingError, Value, parse, parse_words, render
from zippy.settings_table import SETTINGS

__all__ = ["SETTINGS", "Listener", "Setting", "SettingError", "Settings", "Value", "find_setting", "parse", "parse_words", "render"]

Listener = Callable[[Value], None]
ListenerToAll = Callable[[Setting, Value], None]

_BY_NAME: dict[str, Setting] = {setting.name: setting for setting in SETTINGS}
_BY_NAME.update({setting.alias: setting for setting in SETTINGS if setting.alias is not None})
_DEFAULTS: dict[str, Value] = {setting.name: setting.default for setting in SETTINGS}
NAMES = frozenset(name.encode() for name in _BY_NAME)
_SHOWN = {name.encode(): name for name, setting in _BY_NAME.items() if not setting.hidden}
_SHOWN_NAMES = tuple(_SHOWN)
NUL = "\0"  # where what Redis's errors repeat ends


def find_setting(name: str) -> Setting | None:
    """The table's row for a name or alias in any letter case, or None."""
    return _BY_NAME.get(name.lower())


class Settings:
    """Values by setting, each with those who want to hear of its changes; starts with the defaults."""

    __slots__ = ("_listeners", "_listeners_to_all", "_values", "changes")

    def __init__(self) -> None:
        self._values = dict(_DEFAULTS)
        self._listeners: dict[str, list[Listener]] = {}
        self._listeners_to_all: list[ListenerToAll] = []
        self.changes = 0  # how often values were changed: what is made of them is good as long as this stays

    def value(self, name: str) -> Value:
        """The value by name or alias; KeyError for an unknown name."""
        return self._values[_BY_NAME[name].name]

    def integer(self, name: str) -> int:
        """The value of a number setting (int, memory, octal, events)."""
        value = self.value(name)
        assert isinstance(value, int), name
        return value

    def flag(self, name: str) -> bool:
        """The value of a yes/no setting."""
        value = self.value(name)
        assert isinstance(value, bool), name
        return value

    def text(self, name: str) -> str:
        """The value of a text or enum setting."""
        value = self.value(name)
        assert isinstance(value, str), name
        return value

    def rendered(self, name: str) -> str:
        """The value as CONFIG GET shows it."""
        setting = _BY_NAME[name]
        return render(setting, self._values[setting.name])

    def put(self, setting: Setting, value: Value) -> None:
        """Keep a value without asking or telling anyone: for loading a file at the start."""
        self._change({setting.name: value})

    def on_change(self, name: str, listener: Listener) -> None:
        """Call `listener(new value)` after each change; it may refuse by raising SettingError, which takes the whole change back."""
        self._listeners.setdefault(_BY_NAME[name].name, []).append(listener)

    def on_each_change(self, listener: ListenerToAll) -> None:
        """Call `listener(setting, new value)` after each change of any setting, before its own listeners; it may refuse as they may."""
        self._listeners_to_all.append(listener)

    def follow(self, name: str, listener: Listener) -> None:
        """Call `listener(value)` now and after each change."""
        self.on_change(name, listener)
        listener(self.value(name))

    def set(self, name: str, text: str, *, trusted: bool = False) -> None:
        """Change one setting as CONFIG SET does."""
        self.set_many([(name, text)], trusted=trusted)

    def set_many(self, pairs: Sequence[tuple[str, str]], *, trusted: bool = False) -> None:
        """Change all of the settings or none; `trusted` callers may change protected ones.

        Raises SettingError with Redis's text, to which a reply only adds "ERR ".
        """
        chosen = self._admit([name for name, _ in pairs], trusted)
        before = {setting.name: self._values[setting.name] for setting, _ in chosen}
        try:
            for (setting, name), (_, text) in zip(chosen, pairs, strict=True):
                self._parse_into(setting, name, text)
            self._tell(chosen, before)
        except SettingError:
            self._change(before)
            raise

    def match(self, patterns: list[bytes]) -> Mapping[str, str]:
        """Names with texts for CONFIG GET: exact names in the caller's spelling, then all names that fit a glob pattern."""
        spelling: dict[str, str] = {}
        for name in patterns:
            if name.lower() in NAMES:
                spelling.setdefault(name.decode().lower(), name.decode())
        for pattern in filter(is_pattern, patterns):
            for name in fitting(pattern, _SHOWN_NAMES, ignore_case=True):
                spelling.setdefault(_SHOWN[name], _SHOWN[name])
        return {shown: self.rendered(name) for name, shown in spelling.items()}

    def _change(self, values: dict[str, Value]) -> None:
        self._values.update(values)
        self.changes += 1

    def changed(self) -> Iterator[Setting]:
        """The settings whose values differ from their defaults, in the table's order."""
        return (setting for setting in SETTINGS if self._values[setting.name] != setting.default)

    def _admit(self, names: Sequence[str], trusted: bool) -> list[tuple[Setting, str]]:
        """The named settings with their lower case names, if all may be changed; the first objection counts, as in Redis."""
        chosen: dict[str, Setting] = {}
        for given in names:
            setting, name = find_setting(given), given.lower()
            if setting is None:
                raise SettingError(f"Unknown option or number of arguments for CONFIG SET - '{given.partition(NUL)[0]}'")
            if not setting.mutable:
                raise _refused(given, "can't set immutable config")
            if setting.protected and not trusted:
                raise _refused(given, "can't set protected config")
            if name in chosen:
                raise _refused(given, "duplicate parameter")
            chosen[name] = setting
        return [(setting, name) for name, setting in chosen.items()]

    def _parse_into(self, setting: Setting, name: str, text: str) -> None:
        try:
            self._change({setting.name: parse(setting, text, self._values[setting.name])})
        except SettingError as error:
            raise _refused(name, str(error)) from None

    def _tell(self, chosen: Sequence[tuple[Setting, str]], before: dict[str, Value]) -> None:
        """Call the listeners of what changed; on a refusal, tell those already told the old value again."""
        told: list[tuple[Listener, Value]] = []
        for setting, name in chosen:
            if self._values[setting.name] == before[setting.name]:
                continue
            to_all = [partial(listener, setting) for listener in self._listeners_to_all]
            for listener in (*to_all, *self._listeners.get(setting.name, ())):
                try:
                    listener(self._values[setting.name])
                except SettingError as error:
                    self._change(before)
                    for earlier, old in reversed(told):
                        earlier(old)
                    raise _refused(name, str(error)) from None
                told.append((listener, before[setting.name]))


def _refused(name: str, reason: str) -> SettingError:
    return SettingError(f"CONFIG SET failed (possibly related to argument '{name}') - {reason}")
