"""Writes what the core knows of the settings as Cython, made of the table by the build: their struct, its defaults, its fields by name,
and the numbers of the words that an enum or a set of letters takes.

A field stands beside its name in one line that is made of one row, so no name can lead to another's field.
"""

from __future__ import annotations

from collections.abc import Iterator

from zippy.setting_types import BUFFER_CLASSES, EVENTS, EVENTS_ALL, Setting, number
from zippy.settings_table import CORE_SWITCHES, SETTINGS

COMMENT_AT = 52  # column of the struct's comments

HEADER = '''"""The settings that the core reads, made by the build of zippy/settings_table.py: zippy/server pushes them down by name."""

from libc.stdint cimport int64_t

{enums}

cdef struct Settings:
{fields}


cdef void settings_defaults(Settings* s) noexcept nogil     # Redis 8.2's; a server pushes down its own
cdef int64_t* settings_field(Settings* s, const char* name) noexcept nogil      # of a setting by its name, NULL if the core has none
'''

SOURCE = """# Made by the build of zippy/settings_table.py.

from libc.string cimport strcmp


cdef void settings_defaults(Settings* s) noexcept nogil:
{defaults}


cdef int64_t* settings_field(Settings* s, const char* name) noexcept nogil:
{names}
    return NULL
"""


def core_settings() -> tuple[Setting, ...]:
    """What the core reads, in the order of its struct."""
    return (*(setting for setting in SETTINGS if setting.core), *CORE_SWITCHES)


def field(setting: Setting) -> str:
    """The name of a setting's field in the struct."""
    return setting.name.replace("-", "_")


def constants() -> Iterator[tuple[Setting, list[tuple[str, int, str]]]]:
    """The settings whose words the core tells apart, each with names, numbers and comments of its constants."""
    for setting in SETTINGS:
        if setting.constants is None:
            continue
        prefix = setting.constants
        if setting.type == "events":
            bits = [(f"{prefix}_{event.name}", 1 << event.bit, event.letter) for event in EVENTS]
            yield setting, [*bits, (f"{prefix}_ALL", EVENTS_ALL, "A")]
        else:
            words = BUFFER_CLASSES if setting.type == "buffer-limits" else setting.choices
            yield setting, [(f"{prefix}_{word.replace('-', '_').upper()}", place, word) for place, word in enumerate(words)]


def enums() -> Iterator[str]:
    """An enum for each of them."""
    for setting, numbers in constants():
        yield f"cdef enum {''.join(word.capitalize() for word in setting.name.split('-'))}:"
        yield from (f"    {name} = {value}".ljust(COMMENT_AT) + f"# {comment}" for name, value, comment in numbers)
        yield ""


def header() -> str:
    """The text of settings.pxd."""
    fields = [f"    int64_t {field(setting)}".ljust(COMMENT_AT) + f"# {setting.help}" for setting in core_settings()]
    return HEADER.format(enums="\n".join(enums()), fields="\n".join(fields))


def source() -> str:
    """The text of settings.pyx."""
    defaults = [f"    s.{field(setting)} = {number(setting, setting.default)}" for setting in core_settings()]
    names = [f'    if strcmp(name, b"{setting.name}") == 0:\n        return &s.{field(setting)}' for setting in core_settings()]
    return SOURCE.format(defaults="\n".join(defaults), names="\n".join(names))
