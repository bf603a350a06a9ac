"""Writes the command table as Cython: a row a command, with its handler's address, made of the specs by the build.

A handler or a name of a flag that does not exist is an error of the compiler.
"""

from __future__ import annotations

from collections.abc import Iterator

from zippy.commandspec import COMMANDS
from zippy.commandspec.spec import CATEGORIES, KEY_FLAGS, CommandSpec, Index, KeyCount, KeySpec, Keyword, Range

# What COMMAND INFO shows and the core has no use for

HEAD = """# Made by the build of zippy/commandspec.
from libc.stdint cimport uint64_t
from zippy._core.ground.buf cimport slice_of
from zippy._core.commands.acl_user cimport ACL_WORDS
from zippy._core.commands.types cimport Command, KeySpec, command_fn, keys_fn
cimport zippy._core.commands.types as types
{imports}

cdef KeySpec[{specs}] KEY_SPECS
cdef Command[{rows}] ROWS
cdef uint64_t[{category_count}][ACL_WORDS] CATEGORIES


cdef const Command* command_rows(int* count) noexcept nogil:
    count[0] = {rows}
    return ROWS


cdef const char* category_name(int bit) noexcept nogil:
{categories}
    return NULL


cdef const uint64_t* category_commands(int bit) noexcept nogil:
    return CATEGORIES[bit]


cdef void keys(
    int at, unsigned int flags, int begin, int position, const char* keyword, int find, int last, int limit, int count_at, int first,
    int step
) noexcept nogil:
    KEY_SPECS[at] = KeySpec(flags, begin, position, keyword, find, last, limit, count_at, first, step)


cdef void row(
    int id, int parent, const char* name, int length, int word, int arity, unsigned long long flags, unsigned long long categories,
    int first, int last, int step, int specs, int spec_count, keys_fn keys_by, command_fn handler
) noexcept nogil:
    cdef Command* command = &ROWS[id]
    cdef int bit
    command.id = id
    command.name = slice_of(name, length)
    command.word = slice_of(name + word, length - word)
    command.parent = &ROWS[parent] if parent >= 0 else NULL
    command.arity = arity
    command.flags = flags
    command.categories = categories
    command.first_key = first
    command.last_key = last
    command.key_step = step
    command.key_specs = &KEY_SPECS[specs] if spec_count else NULL
    command.key_spec_count = spec_count
    command.keys_by = keys_by
    command.handler = handler
    # who may run a container may run all in it
    categories |= command.parent.categories if parent >= 0 else 0
    for bit in range({category_count}):
        CATEGORIES[bit][id >> 6] |= (categories >> bit & 1) << (id & 63)
"""


def bits(prefix: str, names: tuple[str, ...] | list[str]) -> str:
    """The sum of the core's constants of these names."""
    return " | ".join(f"types.{prefix}{name.upper()}" for name in names) or "0"


def key_row(place: int, key: KeySpec) -> str:
    """One call that fills a row of KEY_SPECS."""
    begin, position, keyword = "UNKNOWN", 0, "NULL"
    if isinstance(key.begin, Index):
        begin, position = "INDEX", key.begin.position
    elif isinstance(key.begin, Keyword):
        begin, position, keyword = "KEYWORD", key.begin.start, f'b"{key.begin.keyword.lower()}"'
    find, last, limit, count_at, first, step = "UNKNOWN", 0, 0, 0, 0, 1
    if isinstance(key.find, Range):
        find, last, limit, step = "RANGE", key.find.last, key.find.limit, key.find.step
    elif isinstance(key.find, KeyCount):
        find, count_at, first, step = "KEYNUM", key.find.count_at, key.find.first, key.find.step
    flags = bits("KEY_", [flag for flag in KEY_FLAGS if flag in key.flags])
    return (
        f"keys({place}, {flags}, types.BEGIN_{begin}, {position}, {keyword}, types.FIND_{find}, {last}, {limit}, {count_at}, {first}, "
        f"{step})"
    )


def command_row(place: int, parent: int, spec: CommandSpec, first_spec: int) -> str:
    """One call that fills a row of ROWS."""
    flags = [*spec.flags, *spec.gate]
    if spec.handler is None:
        flags.append("python")
    categories = sum(1 << CATEGORIES.index(name) for name in spec.categories)
    handler = spec.handler.split(".")[1] if spec.handler else "NULL"
    return (
        f'row({place}, {parent}, b"{spec.name}", {len(spec.name)}, {spec.name.find("|") + 1}, {spec.arity}, {bits("CMD_", flags)}, '
        f"{categories}, {spec.first_key}, {spec.last_key}, {spec.key_step}, {first_spec}, {len(spec.keys)}, {spec.keys_by or 'NULL'}, "
        f"{handler})"
    )


def all_rows() -> Iterator[tuple[int, CommandSpec]]:
    """Each command and subcommand in the order of the table, with its container's place (-1: it has none)."""
    place = 0
    for spec in COMMANDS:
        container = place
        yield -1, spec
        for subcommand in spec.subcommands:
            yield container, subcommand
        place += 1 + len(spec.subcommands)


def imports() -> Iterator[str]:
    """A cimport for each module that has handlers."""
    handlers: dict[str, set[str]] = {}
    for _, spec in all_rows():
        if spec.handler is not None:
            module, function = spec.handler.split(".")
            handlers.setdefault(module, set()).add(function)
        if spec.keys_by is not None:
            handlers.setdefault("keys", set()).add(spec.keys_by)
    for module, functions in sorted(handlers.items()):
        yield f"from zippy._core.commands.{module} cimport {', '.join(sorted(functions))}"


def source() -> str:
    """The text of rows.pyx."""
    lines: list[str] = []
    specs = 0
    rows = 0
    for parent, spec in all_rows():
        lines += [key_row(specs + place, key) for place, key in enumerate(spec.keys)]
        lines.append(command_row(rows, parent, spec, specs))
        specs += len(spec.keys)
        rows += 1
    categories = "\n".join(f'    if bit == {bit}:\n        return b"{name}"' for bit, name in enumerate(CATEGORIES))
    head = HEAD.format(
        imports="\n".join(imports()), specs=specs, rows=rows, categories=categories, category_count=len(CATEGORIES)
    )
    return "\n".join([head, "", *lines, ""])
