# Commands of a limited number of elements: loading a file never has to hold more than that, and a short log of small keys stays readable.

from zippy._core.ground.buf cimport slice_text
from zippy._core.ground.number cimport NUM_I64_TEXT, num_write_i64
from zippy._core.ground.slice cimport slice_of
from zippy._core.values.rdb_stream cimport rdb_write

cdef enum:
    ELEMENTS = 64               # of a collection in one command


cdef void write_number(RdbWriter* w, const char* kind, uint64_t n) noexcept nogil:
    cdef char[NUM_I64_TEXT] text
    rdb_write(w, kind, 1)
    rdb_write(w, text, num_write_i64(text, <int64_t>n))
    rdb_write(w, b"\r\n", 2)


cdef void command_begin(RdbWriter* w, uint64_t words) noexcept nogil:
    write_number(w, b"*", words)


cdef void command_word(RdbWriter* w, Slice word) noexcept nogil:
    write_number(w, b"$", word.len)
    rdb_write(w, word.ptr, word.len)
    rdb_write(w, b"\r\n", 2)


cdef void command_int(RdbWriter* w, int64_t n) noexcept nogil:
    cdef char[NUM_I64_TEXT] text
    command_word(w, slice_of(text, num_write_i64(text, n)))


cdef void elements_begin(Elements* c, RdbWriter* w, const char* command, Slice key, int words, uint64_t length) noexcept nogil:
    c.w = w
    c.command = slice_text(command)
    c.key = key
    c.words = words
    c.left = length
    c.room = 0


cdef void elements_next(Elements* c) noexcept nogil:
    if c.room == 0:
        c.room = ELEMENTS if c.left > ELEMENTS else <int>c.left
        c.left -= <uint64_t>c.room
        command_begin(c.w, <uint64_t>(2 + c.room * c.words))
        command_word(c.w, c.command)
        command_word(c.w, c.key)
    c.room -= 1
