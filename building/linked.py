"""Has all extension modules linked into one shared object, zippy._core.linked, which zippy/_core/__init__.py imports them from.

Each .pyx stays a module and a translation unit of its own. But two hundred shared objects would be two thirds larger in a wheel (symbols,
relocations, Cython's own code, of which each would have a copy that a compressor of one file cannot see), and loading them takes longer.
"""

from __future__ import annotations

from pathlib import Path

from setuptools import Extension

from building.kinds import BUILD, compile_args, link_args

NAME = "zippy._core.linked"

SOURCE = """/* Made by building/linked.py: the modules that are linked into this shared object, and what makes and runs them. */
#include <Python.h>
#include <string.h>

{declarations}
static const struct {{
    const char *name;
    PyObject *(*init)(void);
}} linked[] = {{
{rows}
}};
#define COUNT (sizeof linked / sizeof *linked)

/* The core's account, its clocks and Cython's own state are the process's: a second interpreter would share them without a lock. */
static int refuse_other_interpreters(PyObject *module)
{{
    if (PyInterpreterState_Get() == PyInterpreterState_Main())
        return 0;
    PyErr_SetString(PyExc_ImportError,
        "zippy cannot be imported in a sub-interpreter: its core serves the main interpreter of a process alone. Use threads, or processes "
        "that speak to one zippy server");
    return -1;
}}

static PyObject *names(PyObject *self, PyObject *unused)
{{
    PyObject *all = PyTuple_New(COUNT);
    for (size_t at = 0; all != NULL && at < COUNT; at++) {{
        PyObject *name = PyUnicode_FromString(linked[at].name);
        if (name == NULL)
            Py_CLEAR(all);
        else
            PyTuple_SET_ITEM(all, at, name);
    }}
    return all;
}}

static PyObject *create_module(PyObject *self, PyObject *spec)
{{
    PyObject *name = PyObject_GetAttrString(spec, "name"), *made = NULL;
    const char *text = name == NULL ? NULL : PyUnicode_AsUTF8(name);
    size_t at = 0;
    while (text != NULL && at < COUNT && strcmp(linked[at].name, text) != 0)
        at++;
    if (text != NULL && at < COUNT) {{
        PyObject *definition = linked[at].init();
        if (definition != NULL)
            made = PyModule_FromDefAndSpec((PyModuleDef *)definition, spec);
    }} else if (text != NULL)
        PyErr_Format(PyExc_ImportError, "%U is not linked into {name}", name);
    Py_XDECREF(name);
    return made;
}}

static PyObject *exec_module(PyObject *self, PyObject *module)
{{
    PyModuleDef *definition = PyModule_GetDef(module);
    if (definition == NULL || PyModule_ExecDef(module, definition) < 0)
        return NULL;
    Py_RETURN_NONE;
}}

static PyMethodDef methods[] = {{
    {{"names", names, METH_NOARGS, "The names of all modules that are linked."}},
    {{"create_module", create_module, METH_O, "Makes the module of a spec, as importlib's loaders do."}},
    {{"exec_module", exec_module, METH_O, "Runs a module that create_module made."}},
    {{NULL, NULL, 0, NULL}},
}};

static PyModuleDef_Slot slots[] = {{
    {{Py_mod_exec, refuse_other_interpreters}},
#if PY_VERSION_HEX >= 0x030C0000
    /* so that an interpreter with a lock of its own comes as far as the line above, which says more than Python would */
    {{Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}},
#endif
    {{0, NULL}},
}};

static struct PyModuleDef definition = {{
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "{name}",
    .m_methods = methods,
    .m_slots = slots,
}};

PyMODINIT_FUNC PyInit_{last}(void)
{{
    return PyModuleDef_Init(&definition);
}}
"""


def init_of(module: str) -> str:
    """The C function that a module is initialised by: short names such as `stream` are those of several modules."""
    return "init_" + module.replace(".", "__")


def source(modules: list[str]) -> str:
    """The C of the module that the others are found in."""
    return SOURCE.format(
        name=NAME,
        last=NAME.rpartition(".")[2],
        declarations="\n".join(f"PyObject *{init_of(module)}(void);" for module in modules),
        rows="\n".join(f'    {{"{module}", {init_of(module)}}},' for module in modules),
    )


class Linked(Extension):
    """The one shared object: `parts`, each compiled with macros and arguments of its own, and what finds them."""

    def __init__(self, parts: list[Extension]) -> None:
        path, text = Path(BUILD, "cython/linked.c"), source([part.name for part in parts])
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        self.parts = [*parts, Extension(NAME, [str(path)], extra_compile_args=compile_args)]
        super().__init__(NAME, [name for part in self.parts for name in part.sources], extra_link_args=link_args)
