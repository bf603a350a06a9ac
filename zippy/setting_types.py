"""What a setting is: its types, and how each type is read from text and shown again, as Redis 8.2 does it.

A value is plain data (int, bool, str, tuples of them); text is str, with bytes that aren't UTF-8 as surrogate escapes. Settings of
several words (`save`, `bind` ...) take one text that is split at single blanks, or the words of a configuration line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

INT_MAX = 2**31 - 1
INT_MIN = -(2**31)
UINT_MAX = 2**32 - 1
INT64_MAX = 2**63 - 1
UINT64_MAX = 2**64 - 1

SettingType: TypeAlias = Literal[
    "bool",
    "int",
    "octal",
    "memory",  # bytes; text may end in k, kb, m, mb, g, gb
    "memory-or-percent",  # bytes, or minus the percentage
    "enum",
    "string",  # ends at a NUL
    "secret",  # may hold any byte
    "filename",  # without a folder
    "dirname",
    "hostname",
    "nodename",
    "title",  # a template with {variables}
    "words",  # tuple of str
    "modules",  # tuple of str, to which each line adds
    "shutdown",  # tuple of choices; () is "default"
    "address",  # (host, port) or ()
    "save",  # tuple of (seconds, changes)
    "buffer-limits",  # (hard bytes, soft bytes, soft seconds) of normal clients, replicas and pub/sub
    "oom-scores",  # three ints
    "percentiles",  # tuple of float
    "events",  # the sum of the bits of EVENTS
]
Value: TypeAlias = "int | bool | str | tuple[Any, ...]"


class SettingError(Exception):
    """A value that a setting doesn't take; the text is Redis's."""


class Setting(NamedTuple):
    """One row of the settings table; `low` and `high` are inclusive and bound numbers."""

    name: str
    type: SettingType
    default: Value
    help: str
    low: int = 0
    high: int = INT_MAX
    unsigned: bool = False  # a negative number gets its own error text
    clamp: tuple[int, int] | None = None  # what lies outside is taken to the nearer end without a word
    choices: tuple[str, ...] = ()
    alias: str | None = None  # a second name, shown by CONFIG GET too
    mutable: bool = True  # CONFIG SET may change it
    protected: bool = False  # CONFIG SET needs enable-protected-configs
    hidden: bool = False  # CONFIG GET shows it by its full name alone
    served: bool = False  # only a server can honour it: an engine in process refuses it
    socket: bool = False  # such a one of a server's sockets: an engine in process honours it while it is served
    kept: bool = False  # an engine in process honours it where it has a folder, and refuses it elsewhere
    used: bool = False  # zippy acts on it; otherwise it is only kept, for clients and files that set it
    waits_for: str = ""  # the part of zippy that is to act on it and is not there yet
    core: bool = False  # the core reads it: a field of its struct, made by the build
    constants: str | None = None  # the core tells its words apart by constants of this prefix, made by the build


MULTI_WORD = frozenset({"words", "modules", "shutdown", "address", "save", "buffer-limits", "oom-scores", "percentiles"})

MOST_WORDS = 1000  # of one value; reading more would keep every client waiting, and no setting has a use for them

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_SIGNED = re.compile(r"[+-]?[0-9]+", re.ASCII)
_OCTAL = re.compile(r"[+-]?[0-7]+", re.ASCII)
_MEMORY = re.compile(r"([0-9]{0,127})(|b|k|kb|m|mb|g|gb)", re.ASCII | re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "k": 1000, "kb": 1 << 10, "m": 10**6, "mb": 1 << 20, "g": 10**9, "gb": 1 << 30}
_HOSTNAME = re.compile(r"[A-Za-z0-9.-]*", re.ASCII)
_NODENAME = re.compile(r"[^!#$%&()*+:;<>?@\[\]^{|}~]*")
# The first group shows nothing in a plain server, and the whole title may not be empty
_TITLE_PART = re.compile(r"\{(?:(title\}|unixsocket\}|server-mode\})|\{|listen-addr\}|port\}|tls-port\}|config-file\})")
_HOSTNAME_MAX = 255
_BIND_MAX = 16
_OOM_MAX = 2000
BUFFER_CLASSES = ("normal", "replica", "pubsub")  # of clients, in the order of the limits in a value
_BUFFER_CLASSES = {**{name: place for place, name in enumerate(BUFFER_CLASSES)}, "slave": 1}
_BUFFER_NAMES = ("normal", "slave", "pubsub")  # CONFIG GET still says "slave"


class Event(NamedTuple):
    """One class of keyspace notifications."""

    letter: str  # in notify-keyspace-events
    name: str  # in the core's constants
    bit: int


# In the order in which Redis shows the letters
EVENTS = (
    Event("g", "GENERIC", 2),
    Event("$", "STRING", 3),
    Event("l", "LIST", 4),
    Event("s", "SET", 5),
    Event("h", "HASH", 6),
    Event("z", "ZSET", 7),
    Event("x", "EXPIRED", 8),
    Event("e", "EVICTED", 9),
    Event("t", "STREAM", 10),
    Event("d", "MODULE", 13),
    Event("n", "NEW", 14),
    Event("o", "OVERWRITTEN", 15),
    Event("c", "TYPE_CHANGED", 16),
    Event("K", "KEYSPACE", 0),
    Event("E", "KEYEVENT", 1),
    Event("m", "KEY_MISS", 11),
)
_EVENT_BITS = {event.letter: 1 << event.bit for event in EVENTS}
EVENTS_ALL = sum(_EVENT_BITS[letter] for letter in "g$lshzxetd")  # the letter A


def parse(setting: Setting, text: str, current: Value | None = None) -> Value:
    """The value that `text` gives to `setting`, as CONFIG SET takes it; `current` is what partial values start from."""
    return parse_words(setting, [text], current)


def parse_words(setting: Setting, words: Sequence[str], current: Value | None = None) -> Value:
    """The value that a configuration line's words after the name give; raises SettingError with Redis's text."""
    if setting.type in MULTI_WORD:
        if len(words) == 1:
            words = words[0].split(" ", MOST_WORDS) if words[0] else []
        if len(words) > MOST_WORDS:
            raise SettingError(f"more than {MOST_WORDS} words")
        return _PARSE_WORDS[setting.type](setting, words, setting.default if current is None else current)
    if len(words) != 1:
        raise SettingError("wrong number of arguments")
    return _PARSE_TEXT[setting.type](setting, words[0])


def render(setting: Setting, value: Value) -> str:
    """The text that CONFIG GET shows for `value`; parse() gives the value back."""
    show = _RENDER.get(setting.type)
    return str(value) if show is None else show(value)


def number(setting: Setting, value: Value) -> int:
    """The number that the core knows a value of a setting by: of an enum's word, its place among the choices."""
    if setting.type == "enum":
        assert isinstance(value, str)
        return setting.choices.index(value)
    assert isinstance(value, int), setting.name
    return int(value)


def memory_text(value: int) -> str:
    """Bytes in the largest unit that divides them, for configuration files."""
    for unit in ("gb", "mb", "kb"):
        if value and value % _UNITS[unit] == 0:
            return f"{value // _UNITS[unit]}{unit}"
    return str(value)


# Numbers


def _bounded(setting: Setting, value: int) -> int:
    if setting.unsigned and value < 0:
        raise SettingError("argument must be greater or equal to 0")
    if not setting.low <= value <= setting.high:
        base = "o" if setting.type == "octal" else "d"
        raise SettingError(f"argument must be between {setting.low:{base}} and {setting.high:{base}} inclusive")
    return value if setting.clamp is None else min(max(value, setting.clamp[0]), setting.clamp[1])


def _integer(text: str) -> int | None:
    if _INTEGER.fullmatch(text) is None:
        return None
    value = int(text)
    return value if -INT64_MAX - 1 <= value <= INT64_MAX else None


def _parse_int(setting: Setting, text: str) -> Value:
    value = _integer(text)
    if value is None:
        raise SettingError("argument couldn't be parsed into an integer")
    return _bounded(setting, value)


def _parse_octal(setting: Setting, text: str) -> Value:
    if _OCTAL.fullmatch(text) is None:
        raise SettingError("argument couldn't be parsed as an octal number")
    return _bounded(setting, int(text, 8))


def memory_of(text: str) -> int | None:
    """What "10mb" means; None: nothing. It is an unsigned 64 bit number that wraps in the multiplication, which is what makes huge values
    negative or small in Redis."""
    match = _MEMORY.fullmatch(_until_nul(text))
    if match is None:
        return None
    return min(int(match[1] or "0"), UINT64_MAX) * _UNITS[match[2].lower()] & UINT64_MAX


def _as_signed(value: int) -> int:
    return value - (1 << 64) if value > INT64_MAX else value


def _parse_memory(setting: Setting, text: str) -> Value:
    value = memory_of(text)
    if value is None:
        raise SettingError("argument must be a memory value")
    return _bounded(setting, _as_signed(value))


def _parse_memory_or_percent(setting: Setting, text: str) -> Value:
    percent = _integer(text[:-1]) if text.endswith("%") else None
    memory = memory_of(text)
    if percent is not None and percent >= 0:
        value = -percent
    elif memory is not None:
        value = _as_signed(memory)
    else:
        raise SettingError("argument must be a memory or percent value")
    if value < -100:
        raise SettingError("percentage argument must be less or equal to 100")
    return value


# Words and texts


def _until_nul(text: str) -> str:
    return text.partition("\0")[0]


def _parse_bool(setting: Setting, text: str) -> Value:
    word = _until_nul(text).lower()
    if word not in ("yes", "no"):
        raise SettingError("argument must be 'yes' or 'no'")
    return word == "yes"


def _choice(setting: Setting, text: str) -> str:
    word = _until_nul(text).lower()
    for choice in setting.choices:
        if choice.lower() == word:
            return choice
    raise SettingError("argument(s) must be one of the following: " + ", ".join(setting.choices))


def _parse_string(setting: Setting, text: str) -> Value:
    return _until_nul(text)


def _parse_secret(setting: Setting, text: str) -> Value:
    return text


def _parse_filename(setting: Setting, text: str) -> Value:
    text = _until_nul(text)
    if not text and not setting.mutable:
        raise SettingError(f"{setting.name} can't be empty")
    if "/" in text:
        raise SettingError(f"{setting.name} can't be a path, just a {setting.type}")
    return text


def _parse_hostname(setting: Setting, text: str) -> Value:
    text = _until_nul(text)
    if len(text) > _HOSTNAME_MAX:
        raise SettingError("Hostnames must be less than 256 characters")
    if _HOSTNAME.fullmatch(text) is None:
        raise SettingError("Hostnames may only contain alphanumeric characters, hyphens or dots")
    return text


def _parse_nodename(setting: Setting, text: str) -> Value:
    if _NODENAME.fullmatch(text) is None or "\0" in text:
        raise SettingError("Announced human node name contained invalid character")
    return text


def _parse_title(setting: Setting, text: str) -> Value:
    text = _until_nul(text)
    shown = _TITLE_PART.sub(lambda part: "" if part[1] else "x", text)
    if not shown.strip() or "{" in shown:
        raise SettingError("template format is invalid or contains unknown variables")
    return text


def _parse_events(setting: Setting, text: str) -> Value:
    mask = 0
    for letter in text:
        bits = EVENTS_ALL if letter == "A" else _EVENT_BITS.get(letter)
        if bits is None:
            raise SettingError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
        mask |= bits
    return mask


def _render_events(value: Any) -> str:
    """Letters in Redis's order; after an A it leaves out `n`, `o` and `c` as well."""
    whole = value & EVENTS_ALL == EVENTS_ALL
    letters = ["A", "K", "E", "m"] if whole else list(_EVENT_BITS)
    return "".join(letter for letter in letters if letter == "A" or value & _EVENT_BITS[letter])


# Settings of several words


def _parse_list(setting: Setting, words: Sequence[str], current: Value) -> Value:
    if len(words) > _BIND_MAX:
        raise SettingError("Too many bind addresses specified.")
    return tuple(words)


def _parse_modules(setting: Setting, words: Sequence[str], current: Value) -> Value:
    assert isinstance(current, tuple)
    return tuple(dict.fromkeys((*current, *filter(None, words))))


def _parse_shutdown(setting: Setting, words: Sequence[str], current: Value) -> Value:
    chosen = {_choice(setting, word) for word in words or [""]}
    if {"save", "nosave"} <= chosen:
        raise SettingError("shutdown options SAVE and NOSAVE can't be used simultaneously")
    return tuple(choice for choice in setting.choices if choice in chosen and choice != "default")


def _parse_address(setting: Setting, words: Sequence[str], current: Value) -> Value:
    if len(words) != 2:
        raise SettingError("wrong number of arguments")
    host, port = words
    if (host.lower(), port.lower()) == ("no", "one"):
        return ()
    number = _c_long(port)
    if number is None or not 0 <= number <= 65535:
        raise SettingError("Invalid master port")
    return (host, number)


def _c_long(word: str) -> int | None:
    """A decimal as C reads it: a sign and leading zeros are fine, nothing at all is 0, what is too large stays at the end."""
    if not word:
        return 0
    if _SIGNED.fullmatch(word) is None:
        return None
    return min(max(int(word[:80]), -INT64_MAX - 1), INT64_MAX)


def _parse_save(setting: Setting, words: Sequence[str], current: Value) -> Value:
    points = []
    for seconds_word, changes_word in zip(words[::2], words[1::2], strict=False):
        seconds, changes = _c_long(seconds_word), _c_long(changes_word)
        if seconds is None or changes is None or seconds < 1 or changes < 0:
            raise SettingError("Invalid save parameters")
        points.append((seconds, (changes + 2**31) % 2**32 - 2**31))  # Redis keeps the changes in an int
    if len(words) % 2:
        raise SettingError("Invalid save parameters")
    return tuple(points)


def _parse_buffer_limits(setting: Setting, words: Sequence[str], current: Value) -> Value:
    assert isinstance(current, tuple)
    if len(words) % 4:
        raise SettingError("Wrong number of arguments in buffer limit configuration.")
    limits = list(current)
    for start in range(0, len(words), 4):
        place = _BUFFER_CLASSES.get(words[start].lower())
        if place is None:
            raise SettingError("Invalid client class specified in buffer limit configuration.")
        hard, soft, seconds = memory_of(words[start + 1]), memory_of(words[start + 2]), _c_long(words[start + 3])
        if hard is None or soft is None or seconds is None or not 0 <= seconds <= INT_MAX:
            raise SettingError("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
        limits[place] = (hard, soft, seconds)
    return tuple(limits)


def _parse_oom_scores(setting: Setting, words: Sequence[str], current: Value) -> Value:
    if len(words) != 3:
        raise SettingError("wrong number of arguments")
    scores = []
    for word in words:
        score = _c_long(word)
        if score is None or abs(score) > _OOM_MAX:
            raise SettingError("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
        scores.append(score)
    return tuple(scores)


def _parse_percentiles(setting: Setting, words: Sequence[str], current: Value) -> Value:
    percentiles = []
    for word in words:
        try:
            value = float.fromhex(word) if word[:2].lower() == "0x" else float(word)
        except (ValueError, OverflowError):
            value = float("nan")
        if value != value or word != word.strip() or "_" in word or not word.isascii():
            raise SettingError(f"Invalid {setting.name} parameters")
        if not 0.0 <= value <= 100.0:
            raise SettingError(f"{setting.name} parameters should sit between [0.0,100.0]")
        percentiles.append(value)
    return tuple(percentiles)


def _percentile_text(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _joined(value: Any) -> str:
    return " ".join(str(item) for item in value)


_PARSE_TEXT: dict[str, Callable[[Setting, str], Value]] = {
    "bool": _parse_bool,
    "int": _parse_int,
    "octal": _parse_octal,
    "memory": _parse_memory,
    "memory-or-percent": _parse_memory_or_percent,
    "enum": _choice,
    "string": _parse_string,
    "secret": _parse_secret,
    "filename": _parse_filename,
    "dirname": _parse_filename,
    "hostname": _parse_hostname,
    "nodename": _parse_nodename,
    "title": _parse_title,
    "events": _parse_events,
}
_PARSE_WORDS: dict[str, Callable[[Setting, Sequence[str], Value], Value]] = {
    "words": _parse_list,
    "modules": _parse_modules,
    "shutdown": _parse_shutdown,
    "address": _parse_address,
    "save": _parse_save,
    "buffer-limits": _parse_buffer_limits,
    "oom-scores": _parse_oom_scores,
    "percentiles": _parse_percentiles,
}
_RENDER: dict[str, Callable[[Any], str]] = {
    "bool": lambda value: "yes" if value else "no",
    "octal": lambda value: f"{value:o}",
    "memory-or-percent": lambda value: f"{-value}%" if value < 0 else str(value),
    "events": _render_events,
    "words": _joined,
    "modules": _joined,
    "shutdown": lambda value: _joined(value) or "default",
    "address": _joined,
    "oom-scores": _joined,
    "save": lambda value: _joined(_joined(point) for point in value),
    "buffer-limits": lambda value: _joined(f"{name} {_joined(limit)}" for name, limit in zip(_BUFFER_NAMES, value, strict=True)),
    "percentiles": lambda value: _joined(_percentile_text(percentile) for percentile in value),
}
