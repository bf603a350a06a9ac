"""Has every extension compare the structs that it was compiled with to those of the others when it is imported.

Cython compiles each module for itself, and nothing tells it that another one, built before a struct was changed, has the fields elsewhere.
So the C of an extension is compiled through a wrapper, which looks at the structs (structs.h) and initialises the module if they agree.
It is made of the generated C, so no module can forget it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from zlib import crc32

from setuptools import Extension

HEADER = Path(__file__).with_name("structs.h")

# A struct, and the ones that come from a .pxd: a comment before them tells its line
STRUCT = re.compile(r"^struct (__pyx_\w+) \{\n((?:[^}\n][^\n]*\n)*)\};", re.MULTILINE)
DECLARED = re.compile(r'^/\* "([\w/]+)\.pxd":\d+\n(?: \*[^\n]*\n)*\*/\nstruct (\w+) \{', re.MULTILINE)

WRAPPER = """/* Made by building/structs.py; for a {name}.c whose CRC is {crc}. */
#define PyInit_{name} zippy_init_unchecked
#include "{name}.c"
#undef PyInit_{name}
#include "{header}"

static const ZippyStructs zippy_structs[] = {{
{rows}    {{NULL, 0}}
}};

PyMODINIT_FUNC PyInit_{name}(void)
{{
    return zippy_structs_agree("{module}", zippy_structs, {count}) ? zippy_init_unchecked() : NULL;
}}
"""


def shared_structs(c: str) -> dict[str, dict[str, str]]:
    """The structs in a module's generated C that a .pxd declares, classes and their tables of methods too: their text by name, by .pxd."""
    text = dict(STRUCT.findall(c))
    found: dict[str, dict[str, str]] = {}
    for pxd, name in DECLARED.findall(c):
        methods = name.replace("__pyx_obj_", "__pyx_vtabstruct_", 1)
        found.setdefault(pxd.replace("/", "."), {}).update({each: text[each] for each in (name, methods) if each in text})
    return found


def row(pxd: str, structs: dict[str, str]) -> str:
    """The line of the table for the structs of a .pxd: the compiler adds up their sizes, times 1, 3, 5 ..., since two may trade a field."""
    sizes = " + ".join(f"{2 * at + 1}u * sizeof(struct {name})" for at, name in enumerate(sorted(structs)))
    return f'    {{"{pxd}", ((uint64_t){crc32(repr(sorted(structs.items())).encode())}u << 32) + (uint32_t)({sizes})}},\n'


def wrapper(module: str, c: str, header: str) -> str:
    """The C that is compiled in the place of a module's generated C."""
    rows = [row(pxd, structs) for pxd, structs in sorted(shared_structs(c).items())]
    name = module.rpartition(".")[2]
    return WRAPPER.format(name=name, crc=crc32(c.encode()), header=header, rows="".join(rows), module=module, count=len(rows))


def check_structs(extension: Extension) -> Extension:
    """The extension that cythonize returned, with the wrapper as its source.

    The wrapper is written only where it has changed, and so the compiler runs only for C that has: an isolated build brings a Cython of its
    own, whose files are new, so that every module is generated again.
    """
    generated = Path(extension.sources[0])
    path = generated.with_name(f"{generated.stem}_checked.c")
    if not path.exists() or path.stat().st_mtime < max(source.stat().st_mtime for source in (generated, Path(__file__))):
        text = wrapper(extension.name, generated.read_text(), os.path.relpath(HEADER, path.parent))
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    extension.sources = [str(path)]
    extension.depends = [*extension.depends, str(HEADER)]
    return extension
