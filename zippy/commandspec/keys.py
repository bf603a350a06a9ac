"""Which words of a request are keys, and what the command does to them.

Most commands say it in their key specs. A few cannot: their keys, or what happens to them, depend on options; these have a
function of their own here, as they have in Redis.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from zippy.commandspec.spec import CommandSpec, Index, KeyCount, KeySpec


class Key(NamedTuple):
    """A key of a request: the word's place (0: the command's name) and the flags that COMMAND GETKEYSANDFLAGS shows."""

    place: int
    flags: tuple[str, ...]


class KeysUnknown(Exception):
    """The words do not tell: a count that is no number, or more keys than words."""


READ = ("RO", "access")
STORE = ("OW", "update")
CHANGE = ("RW", "access", "update")

Words: TypeAlias = Sequence[bytes]


def has_keys(spec: CommandSpec) -> bool:
    """The command may have keys (channels, which cluster slots are made of too, are none)."""
    return any("not_key" not in key.flags for key in spec.keys)


def request_keys(spec: CommandSpec, words: Words) -> list[Key]:
    """The keys of a request whose words include the command's name; KeysUnknown when they cannot be made out."""
    special = _SPECIAL.get(spec.name)
    if special is not None:
        return special(spec, words)
    keys = [key for key in spec.keys if "not_key" not in key.flags]
    try:
        return [found for key in keys for found in _of_spec(key, words, _count)]
    except KeysUnknown:
        # Redis then asks a function of the command's, which counts more laxly, gives a destination last, and knows no flags
        counted = [key for key in keys if isinstance(key.find, KeyCount)]
        others = [key for key in keys if key not in counted]
        if not counted:
            raise
        return [Key(found.place, ()) for key in [*counted, *others] for found in _of_spec(key, words, _lax_count)]


def _of_spec(key: KeySpec, words: Words, read_count: Callable[[Words, int], int]) -> list[Key]:
    if key.begin is None or key.find is None:
        return []
    first = key.begin.position if isinstance(key.begin, Index) else _after_keyword(key.begin.keyword, key.begin.start, words)
    if first is None:
        return []
    if isinstance(key.find, KeyCount):
        count = read_count(words, first + key.find.count_at)
        begin, step = first + key.find.first, key.find.step
        last = begin + (count - 1) * step
    else:
        begin, step = first, key.find.step
        last = first + key.find.last if key.find.last >= 0 else _from_end(first, key.find.last, key.find.limit, len(words))
    if last >= len(words) or begin >= len(words):
        raise KeysUnknown
    flags = tuple(flag for flag in key.flags if flag not in ("variable_flags", "incomplete"))
    return [Key(place, flags) for place in range(begin, last + 1, step)]


def _from_end(first: int, last: int, limit: int, count: int) -> int:
    """A place counted from the end, or from the end of the first 1 / limit of the words."""
    return count + last if limit < 2 else first + (count - first) // limit + last


def _after_keyword(keyword: str, start: int, words: Words) -> int | None:
    wanted = keyword.lower().encode()
    places = range(start, len(words) - 1) if start > 0 else range(len(words) + start, 0, -1)
    return next((place + 1 for place in places if words[place].lower() == wanted), None)


def _count(words: Words, place: int) -> int:
    if place >= len(words) or not words[place].isdigit() or words[place].startswith(b"0"):
        raise KeysUnknown
    return int(words[place])


def _lax_count(words: Words, place: int) -> int:
    """A number of keys as C's atoi reads it: blanks in front, a sign, anything behind it; the low 32 bits count."""
    digits = re.match(rb"[ \t-\r]*([+-]?[0-9]+)", words[place]) if place < len(words) else None
    number = min(max(int(digits[1]), -(2**63)), 2**63 - 1) if digits else 0
    number = (number + 2**31) % 2**32 - 2**31
    if number <= 0:
        raise KeysUnknown
    return number


def _set(spec: CommandSpec, words: Words) -> list[Key]:
    """SET reads the old value for GET only."""
    reads = any(word.lower() == b"get" for word in words[3:])
    return [Key(1, CHANGE if reads else STORE)]


def _bitfield(spec: CommandSpec, words: Words) -> list[Key]:
    """BITFIELD that only gets changes nothing; one with too few words at its end might."""
    place = 2
    while place < len(words):
        place += {b"get": 3, b"overflow": 2}.get(words[place].lower(), len(words) + 1)
    return [Key(1, READ if place == len(words) else CHANGE)]


def _sort(spec: CommandSpec, words: Words) -> list[Key]:
    """SORT: the last STORE counts."""
    store = None
    place = 2
    while place < len(words):
        option = words[place].lower()
        if option == b"store" and place + 1 < len(words):
            store = place + 1
        place += {b"limit": 3, b"get": 2, b"by": 2, b"store": 2}.get(option, 1)
    return [Key(1, READ)] + ([] if store is None else [Key(store, STORE)])


def _georadius(spec: CommandSpec, words: Words) -> list[Key]:
    """GEORADIUS and GEORADIUSBYMEMBER: the last STORE or STOREDIST counts."""
    begin = 5 if spec.name.startswith("georadiusbymember") else 6
    store = None
    place = begin
    while place < len(words) - 1:
        if words[place].lower() in (b"store", b"storedist"):
            store = place + 1
            place += 1
        place += 1
    return [Key(1, READ)] + ([] if store is None else [Key(store, STORE)])


def _migrate(spec: CommandSpec, words: Words) -> list[Key]:
    """MIGRATE: one key in the middle, or "" there and several behind KEYS."""
    flags = ("RW", "access", "delete")
    if len(words) > 6 and not words[3]:
        for place in range(6, len(words)):
            if words[place].lower() == b"keys":
                return [Key(at, flags) for at in range(place + 1, len(words))]
    return [Key(3, flags)]


_SPECIAL: dict[str, Callable[[CommandSpec, Words], list[Key]]] = {
    "set": _set,
    "bitfield": _bitfield,
    "sort": _sort,
    "sort_ro": lambda spec, words: [Key(1, READ)],
    "georadius": _georadius,
    "georadiusbymember": _georadius,
    "migrate": _migrate,
}
