"""INFO's text, made of the fields of its sections.

Whoever watches a server asks for it again and again, and it has more than two hundred lines, of which a third change.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_Next
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.ref cimport PyObject
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeUTF8
from libc.stddef cimport size_t
from libc.stdint cimport uint64_t
from libc.string cimport memcpy
from zippy._core.ground.buf cimport Buf, Slice, buf_append, buf_append_text, buf_free, buf_init, buf_reserve, slice_of
from zippy._core.ground.format cimport format_text
from zippy._core.ground.number cimport num_write_i64, num_write_u64
from zippy._core.resp.kinds import Verbatim


cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)
    long long PyLong_AsLongLongAndOverflow(object number, int* overflow)

cdef enum:
    DECIMALS_TEXT = 352          # bytes that write_decimals needs at most
    FIRST_ROOM = 8 * 1024        # bytes, as much as a plain INFO needs


cdef object encoded(str text):
    """The text itself if it is ASCII and so has its bytes in memory, else those."""
    return text if PyUnicode_IS_ASCII(text) else text.encode("utf-8", "surrogateescape")


cdef Slice slice_of_encoded(object text):
    """The bytes of what `encoded` returned, for as long as that is kept."""
    cdef Py_ssize_t size
    cdef const char* ascii
    if type(text) is bytes:
        return slice_of(<const char*>text, len(text))
    ascii = PyUnicode_AsUTF8AndSize(text, &size)
    return slice_of(ascii, size)


cdef size_t write_decimals(char* text, double number) noexcept nogil:
    """Writes a number with two decimals, as %.2f does."""
    cdef double hundredths = number * 100
    cdef uint64_t rounded
    cdef double rest
    cdef size_t size
    if not 0 <= hundredths < 1e15:
        return format_text(text, DECIMALS_TEXT, b"%.2f", number)
    rounded = <uint64_t>hundredths
    rest = hundredths - <double>rounded
    if 0.499 < rest < 0.501:
        # which is nearer depends on what the multiplication has lost
        return format_text(text, DECIMALS_TEXT, b"%.2f", number)
    rounded += rest > 0.5
    size = num_write_u64(text, rounded // 100)
    text[size] = c'.'
    text[size + 1] = <char>(48 + rounded // 10 % 10)
    text[size + 2] = <char>(48 + rounded % 10)
    return size + 3


cdef int append_line(Buf* out, str name, object value) except -1:
    cdef char[DECIMALS_TEXT] digits
    cdef Slice shown = slice_of(digits, 0)
    cdef object title = encoded(name)
    cdef Slice called = slice_of_encoded(title)
    cdef object text
    cdef int overflow = 1
    cdef long long number
    cdef char* at
    if type(value) is int:
        number = PyLong_AsLongLongAndOverflow(value, &overflow)
    if not overflow:
        shown.len = num_write_i64(digits, number)
    elif type(value) is float:
        shown.len = write_decimals(digits, value)
    else:
        text = encoded(value if type(value) is str else str(value))
        shown = slice_of_encoded(text)
    if buf_reserve(out, called.len + shown.len + 3) == 0:
        at = out.data + out.len
        memcpy(at, called.ptr, called.len)
        at[called.len] = c':'
        at += called.len + 1
        memcpy(at, shown.ptr, shown.len)
        memcpy(at + shown.len, b"\r\n", 2)
        out.len += called.len + shown.len + 3
    return 0


@cython.final
cdef class Section:
    """The lines of a section: those whose value is still the same object are copied from those made before, whole runs of them at once."""

    cdef str title
    cdef dict fields             # that the lines were made of
    cdef bytes text              # the lines
    cdef size_t* ends            # where each of them ends
    cdef size_t room             # for so many ends

    def __cinit__(self, str title):
        self.title = title
        self.fields = {}
        self.text = b""

    def __dealloc__(self):
        PyMem_Free(self.ends)

    cdef int make_room(self, size_t lines) except -1:
        cdef void* ends
        if lines > self.room:
            ends = PyMem_Realloc(self.ends, lines * sizeof(size_t))
            if ends == NULL:
                raise MemoryError
            self.ends = <size_t*>ends
            self.room = lines
        return 0

    cdef int append(self, Buf* out, dict fields) except -1:
        """Appends the lines of these fields."""
        cdef dict fields_before = self.fields
        cdef bytes text_before = self.text
        cdef size_t start = out.len
        cdef const char* before = PyBytes_AS_STRING(text_before)
        cdef size_t run = 0      # what is before[run:copied] is still to be copied
        cdef size_t copied = 0
        cdef size_t line = 0
        cdef Py_ssize_t at = 0
        cdef Py_ssize_t at_before = 0
        cdef PyObject* name
        cdef PyObject* value
        cdef PyObject* name_before
        cdef PyObject* value_before
        cdef bint alike = True   # up to here, the names are those from before
        # until all are written, or a failure would leave lines and ends that do not fit each other
        self.fields = {}
        self.text = b""
        self.make_room(len(fields))
        while PyDict_Next(fields, &at, &name, &value):
            alike = alike and PyDict_Next(fields_before, &at_before, &name_before, &value_before) and name == name_before
            if alike and value == value_before:
                copied = self.ends[line]
            else:
                buf_append(out, before + run, copied - run)
                append_line(out, <object>name, <object>value)
                if alike:
                    run = copied = self.ends[line]
                else:
                    run = copied
            self.ends[line] = out.len - start + copied - run
            line += 1
        buf_append(out, before + run, copied - run)
        if not out.failed:
            self.text = PyBytes_FromStringAndSize(out.data + start, out.len - start)
            self.fields = fields
        return 0


@cython.final
cdef class Report:
    """Makes INFO's text; keeps the text made before, since most of it stays the same."""

    cdef dict sections

    def __cinit__(self):
        self.sections = {}

    def text(self, list sections):
        """The text of (title, {name: value}) of each section; a value is shown as str() does it, a float with two decimals.

        Who gives the fields leaves them as they are from then on.
        """
        cdef Buf out
        cdef Slice title
        cdef dict fields
        cdef Section section
        buf_init(&out)
        buf_reserve(&out, FIRST_ROOM)
        try:
            for name, fields in sections:
                section = self.sections.get(name)
                if section is None:
                    section = self.sections[name] = Section(name)
                buf_append_text(&out, b"\r\n# " if out.len else b"# ")
                name = encoded(section.title)
                title = slice_of_encoded(name)
                buf_append(&out, title.ptr, title.len)
                buf_append(&out, b"\r\n", 2)
                section.append(&out, fields)
            if out.failed:
                raise MemoryError
            return Verbatim(PyUnicode_DecodeUTF8(out.data, out.len, "surrogateescape"))
        finally:
            buf_free(&out)


def size_text(size_t size):
    """Bytes as INFO shows them to people: 1.50M."""
    cdef char[DECIMALS_TEXT] text
    cdef const char* unit = b"KMGTP"
    cdef double shown = size / 1024.0
    cdef size_t written
    if size < 1024:
        return f"{size}B"
    while shown >= 1024 and unit[1] != 0:
        shown /= 1024
        unit += 1
    written = write_decimals(text, shown)
    text[written] = unit[0]
    return PyUnicode_DecodeUTF8(text, written + 1, NULL)
