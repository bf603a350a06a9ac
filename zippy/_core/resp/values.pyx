# Only plain Python types and the kinds of resp/kinds go through here; what is neither is an error of the handler's.

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.ref cimport Py_INCREF
from cpython.slice cimport PySlice_AdjustIndices, PySlice_Unpack
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport uint64_t
from zippy._core.ground.buf cimport Slice, slice_of
from zippy._core.ground.glob cimport glob_is_pattern
from zippy._core.resp.kinds import NoReply, NullArray, OrderedSet, Pairs, Push, Raw, ReplyError, Simple, Verbatim
from zippy._core.resp.writer cimport (
    reply_array, reply_big_number, reply_bool, reply_bulk, reply_double, reply_error_slice, reply_int, reply_map, reply_null,
    reply_free, reply_init, reply_null_array, reply_push, reply_raw, reply_set, reply_simple_slice, reply_verbatim
)


cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)

cdef extern from "<ctype.h>" nogil:
    int tolower(int c)


cdef inline Slice slice_of_bytes(bytes data):
    return slice_of(<const char*>data, len(data))


@cython.final
@cython.freelist(8)
cdef class Words:

    def __len__(self):
        return self.count

    def __getitem__(self, place):
        cdef Py_ssize_t start, stop, step, i, chosen
        cdef Slice word
        cdef list found
        if not isinstance(place, slice):
            i = place
            if i < 0:
                i += self.count
            if not 0 <= i < self.count:
                raise IndexError("no such word")
            word = self.at(i)
            return PyBytes_FromStringAndSize(word.ptr, word.len)
        PySlice_Unpack(place, &start, &stop, &step)
        chosen = PySlice_AdjustIndices(self.count, &start, &stop, step)
        found = []
        for i in range(chosen):
            word = self.at(start + i * step)
            found.append(PyBytes_FromStringAndSize(word.ptr, word.len))
        return found

    def __iter__(self):
        return iter(self[:])

    cdef Slice at(self, Py_ssize_t place) except *:
        if self.words is not None:
            return slice_of_bytes(self.words[place])
        if self.slices == NULL:
            raise RuntimeError("a command's words are gone once it has been answered")
        return self.slices[place]

    cdef int keep(self) except -1:
        if self.words is None:
            self.words = list_of_bytes(self.count, self.slices)
        return 0


@cython.final
cdef class Vocabulary:

    def __cinit__(self, names):
        cdef bytes name
        self.names = frozenset(names)
        for name in self.names:
            if not 0 < len(name) < LENGTHS or name != name.lower():
                raise ValueError(name)
            self.lengths[<unsigned char>name[0]] |= <uint64_t>1 << len(name)

    def among(self, Words words not None, Py_ssize_t first):
        """Those of the words from the first on that are in it, in any letter case, and those that are patterns."""
        cdef Slice word
        cdef Py_ssize_t i
        found = []
        for i in range(first, words.count):
            word = words.at(i)
            if self.may_have(word) and words[i].lower() in self.names or glob_is_pattern(word):
                found.append(words[i])
        return found

    cdef bint may_have(self, Slice word) noexcept nogil:
        return 0 < word.len < LENGTHS and self.lengths[<unsigned char>tolower(word.ptr[0])] >> word.len & 1


cdef Words words_of(Py_ssize_t count, const Slice* slices):
    cdef Words words = Words.__new__(Words)
    words.count = count
    words.slices = slices
    return words


cdef list list_of_bytes(Py_ssize_t count, const Slice* slices):
    cdef list found = PyList_New(count)
    cdef Py_ssize_t i
    for i in range(count):
        item = PyBytes_FromStringAndSize(slices[i].ptr, slices[i].len)
        Py_INCREF(item)  # the list takes over a reference
        PyList_SET_ITEM(found, i, item)
    return found


cdef int write_text(Reply* r, object value) except -1:
    cdef bytes data
    cdef Slice shown
    cdef Py_ssize_t size
    cdef const char* text
    if PyUnicode_IS_ASCII(value):
        # as it lies in memory: most replies in Python are made of such
        text = PyUnicode_AsUTF8AndSize(value, &size)
        shown = slice_of(text, size)
    else:
        data = value.encode("utf-8", "surrogateescape")
        shown = slice_of_bytes(data)
    if type(value) is str:
        reply_bulk(r, shown)
    elif isinstance(value, Simple):
        reply_simple_slice(r, shown)
    elif isinstance(value, Verbatim):
        reply_verbatim(r, b"txt", shown)
    else:
        reply_bulk(r, shown)
    return 0


cdef int write_list(Reply* r, object value) except -1:
    if isinstance(value, Pairs):
        reply_map(r, len(value))
        for key, item in value:
            write_value(r, key)
            write_value(r, item)
        return 0
    if isinstance(value, Push):
        reply_push(r, len(value))
    elif isinstance(value, OrderedSet):
        reply_set(r, len(value))
    else:
        reply_array(r, len(value))
    for item in value:
        write_value(r, item)
    return 0


cdef int write_int(Reply* r, object value) except -1:
    cdef bytes digits
    if -(1 << 63) <= value < (1 << 63):
        reply_int(r, value)
    else:
        digits = str(value).encode()
        reply_big_number(r, slice_of_bytes(digits))
    return 0


cdef int write_value(Reply* r, object value) except -1:
    cdef bytes data
    if type(value) is Raw:
        # what is kept because it is asked for often
        reply_raw(r, PyBytes_AS_STRING(value), len(value))
    elif value is None:
        reply_null(r)
    elif isinstance(value, bool):
        reply_bool(r, value)
    elif isinstance(value, int):
        write_int(r, value)
    elif isinstance(value, bytes):
        reply_bulk(r, slice_of_bytes(value))
    elif isinstance(value, str):
        write_text(r, value)
    elif isinstance(value, (list, tuple)):
        write_list(r, value)
    elif isinstance(value, float):
        reply_double(r, value)
    elif isinstance(value, dict):
        reply_map(r, len(value))
        for key, item in value.items():
            write_value(r, key)
            write_value(r, item)
    elif isinstance(value, (set, frozenset)):
        reply_set(r, len(value))
        for item in value:
            write_value(r, item)
    elif isinstance(value, ReplyError):
        data = str(value).encode("utf-8", "surrogateescape")
        reply_error_slice(r, slice_of_bytes(data))
    elif isinstance(value, NullArray):
        reply_null_array(r)
    elif not isinstance(value, NoReply):
        raise TypeError(f"no reply kind for {type(value).__name__}")
    return 0


def encoded(value, int protocol):
    """The reply that a value makes in RESP2 or RESP3, as Raw: to be kept where the same is asked for again and again."""
    cdef Reply reply
    reply_init(&reply)
    reply.proto = protocol
    try:
        write_value(&reply, value)
        if reply.out.failed:
            raise MemoryError
        return Raw(PyBytes_FromStringAndSize(reply.out.data, reply.out.len))
    finally:
        reply_free(&reply)
