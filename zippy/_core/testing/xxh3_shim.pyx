# XXH3 for tests; the data is copied to `shift` bytes behind an aligned address.

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy
from zippy._core.ground cimport xxh3 as ground


def xxh3(bytes data, int shift=0):
    """The digest, from a block that ends where the data does."""
    cdef char* block = <char*>malloc(shift + len(data))
    try:
        memcpy(block + shift, <const char*>data, len(data))
        return ground.xxh3(block + shift, len(data))
    finally:
        free(block)


def xxh3_text(bytes data):
    cdef char[ground.XXH3_TEXT] text
    ground.xxh3_text(text, <const char*>data, len(data))
    return <bytes>text
