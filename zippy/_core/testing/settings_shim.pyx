# The core's side of the settings as Python sees it: what the build made of the table, for tests.

from libc.stdint cimport int64_t
from zippy._core.session cimport Core
from zippy._core.values.settings cimport Settings, settings_defaults, settings_field


def defaults():
    """The fields' defaults by name."""
    cdef Settings s
    settings_defaults(&s)
    return s


def filled(dict values):
    """The fields by name, after each was filled in by its setting's name. KeyError for a name that the core has no field for."""
    cdef Settings s
    cdef int64_t* field
    settings_defaults(&s)
    for name, value in values.items():
        field = settings_field(&s, name.encode())
        if field == NULL:
            raise KeyError(name)
        field[0] = value
    return s


def in_force(Core core):
    """The fields of a core by name."""
    return core.engine.settings


def commands_ahead(Core core):
    """How many commands a core parses ahead; 0: as many as it can."""
    return core.engine.batch.ahead
