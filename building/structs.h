/* Whether the modules of the core agree about the structs that they share. An extension's wrapper, made by building/structs.py, calls this
 * before anything of the module runs. Who is imported first says how the structs of a .pxd are laid out, in zippy._core.__structs__. */
#include <stdint.h>

typedef struct {
    const char *pxd;  /* the module whose .pxd declares them */
    uint64_t layout;  /* made of their text and of their sizes */
} ZippyStructs;

static PyObject *zippy_known_structs(void)
{
    PyObject *core = PyImport_AddModule("zippy._core"), *known;
    if (core == NULL)
        return NULL;
    known = PyDict_GetItemString(PyModule_GetDict(core), "__structs__");
    if (known != NULL)
        return known;
    known = PyDict_New();
    if (known == NULL || PyModule_AddObject(core, "__structs__", known) < 0) {
        Py_XDECREF(known);
        return NULL;
    }
    return known;
}

/* 1: they agree with what is known, or were not known; 0: they don't, and ImportError is raised; -1: another exception */
static int zippy_agrees(PyObject *known, const char *module, const ZippyStructs *structs)
{
    PyObject *first = PyDict_GetItemString(known, structs->pxd);
    if (first == NULL) {
        int failed;
        first = Py_BuildValue("(Ks)", (unsigned long long)structs->layout, module);
        failed = first == NULL || PyDict_SetItemString(known, structs->pxd, first) < 0;
        Py_XDECREF(first);
        return failed ? -1 : 1;
    }
    if (PyLong_AsUnsignedLongLong(PyTuple_GetItem(first, 0)) == structs->layout)
        return PyErr_Occurred() ? -1 : 1;
    PyErr_Format(PyExc_ImportError,
                 "the tree is half built: %s and %S were compiled with different structs of %s; "
                 "build it again (python setup.py build_ext --inplace --force)",
                 module, PyTuple_GetItem(first, 1), structs->pxd);
    return 0;
}

static int zippy_structs_agree(const char *module, const ZippyStructs *structs, int count)
{
    PyObject *known = zippy_known_structs();
    if (known == NULL)
        return 0;
    for (int i = 0; i < count; i++)
        if (zippy_agrees(known, module, &structs[i]) != 1)
            return 0;
    return 1;
}
