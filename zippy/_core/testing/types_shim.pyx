# The table of types, for tests of the rows and of what happens without one.

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t
from libc.string cimport memset
from zippy._core.ground.slice cimport slice_of
from zippy._core.values.entry cimport NO_EXPIRY, Entry, entry_new
from zippy._core.values.types cimport ENCODINGS, RDB_TYPES, TYPES, TypeOps
from zippy._core.values.value cimport type_row, value_reader


cdef list written(const TypeOps* row, int type, int version):
    """What RDB calls the values of a type in a version, each encoding once."""
    cdef Entry[2] bare              # and a value that is NULL
    cdef Entry* e = bare
    cdef int encoding
    found = set()
    memset(bare, 0, sizeof(bare))
    for encoding in range(ENCODINGS):
        if row.encodings[encoding] != NULL:
            e.kind = <uint8_t>(type | encoding << 4)
            found.add(row.rdb_type(e, version))
    return sorted(found)


cdef size_t missing_functions(const TypeOps* row):
    cdef void* const* functions = <void* const*>&row.free
    cdef size_t count = (sizeof(TypeOps) - <size_t>(<const char*>functions - <const char*>row)) // sizeof(void*)
    return sum(1 for i in range(count) if functions[i] == NULL)


def rows(versions):
    """Each row as a dict; "written" has the RDB types of these versions of the format."""
    cdef const TypeOps* row
    cdef int type
    cdef int i
    found = []
    for type in range(TYPES):
        row = type_row(type)
        if row != NULL:
            found.append({
                "type": type,
                "name": row.name.decode(),
                "encodings": [row.encodings[i].decode() for i in range(ENCODINGS) if row.encodings[i] != NULL],
                "read": [i for i in range(<int>RDB_TYPES) if row.readers[i] != NULL],
                "written": sorted({code for version in versions for code in written(row, type, version)}),
                "missing": missing_functions(row),
            })
    return found


def readable():
    """The RDB types that the table reads."""
    cdef int i
    return [i for i in range(<int>RDB_TYPES) if value_reader(i) != NULL]


def make(int type):
    """Makes a value of a type that has no row: the process ends."""
    entry_new(slice_of(b"key", 3), type, 0, NULL, NO_EXPIRY)
