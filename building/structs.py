"""Has every extension tell zippy/_core/structs.py which structs it was compiled with, when it is imported.

Cython compiles each module for itself, and nothing tells it that another one, built before a struct was changed, has the fields elsewhere.
So the C of an extension is compiled through a wrapper, which initialises the module only if its structs are those of the other modules.
It is made of the generated C, so no module can forget it.
"""

from __future__ import annotations

import re
from pathlib import Path
from zlib import crc32

from setuptools import Extension

from building.linked import init_of

# A struct, and the ones that come from a .pxd: a comment before them tells its line
STRUCT = re.compile(r"^struct (__pyx_\w+) \{\n((?:[^}\n][^\n]*\n)*)\};", re.MULTILINE)
DECLARED = re.compile(r'^/\* "(?:build/generated/)?zippy/_core/([\w/]+)\.pxd":\d+\n(?: \*[^\n]*\n)*\*/\nstruct (\w+) \{', re.MULTILINE)

WRAPPER = """/* Made by building/structs.py; for a {name}.c whose CRC is {crc}. */
#define PyInit_{name} {init}_unchecked
#include "{name}.c"
#undef PyInit_{name}

PyObject *{init}(void)
{{
    static const uint32_t layouts[] = {{
{rows}        0
    }};
    PyObject *structs = PyImport_ImportModule("zippy._core.structs"), *agreed = NULL;
    if (structs != NULL)
        agreed = PyObject_CallMethod(structs, "agree", "ssy#", "{module}", "{headers}", (const char *)layouts, (Py_ssize_t){size});
    Py_XDECREF(structs);
    if (agreed == NULL)
        return NULL;
    Py_DECREF(agreed);
    return {init}_unchecked();
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


def layout(structs: dict[str, str]) -> str:
    """What stands for the structs of a .pxd, as C: of their text, and of their sizes times 1, 3, 5 ..., since two may trade a field."""
    sizes = " + ".join(f"{2 * at + 1}u * sizeof(struct {name})" for at, name in enumerate(sorted(structs)))
    return f"        (uint32_t)({crc32(repr(sorted(structs.items())).encode())}u + 2654435761u * ({sizes})),\n"


def wrapper(module: str, c: str) -> str:
    """The C that is compiled in the place of a module's generated C."""
    found = sorted(shared_structs(c).items())
    return WRAPPER.format(
        name=module.rpartition(".")[2],
        init=init_of(module),
        module=module,
        crc=crc32(c.encode()),
        headers=" ".join(pxd for pxd, _ in found),
        rows="".join(layout(structs) for _, structs in found),
        size=4 * len(found),
    )


def check_structs(extension: Extension) -> Extension:
    """The extension that cythonize returned, with the wrapper as its source.

    The wrapper is written only where it has changed, and so the compiler runs only for C that has: an isolated build brings a Cython of its
    own, whose files are new, so that every module is generated again.
    """
    generated = Path(extension.sources[0])
    path = generated.with_name(f"{generated.stem}_checked.c")
    if not path.exists() or path.stat().st_mtime < max(source.stat().st_mtime for source in (generated, Path(__file__))):
        text = wrapper(extension.name, generated.read_text())
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    extension.sources = [str(path)]
    return extension
