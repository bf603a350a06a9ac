"""INFO's sections: who tells their fields, and the text that is kept of them."""

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from zippy._core.ground.buf cimport Slice

cdef enum Kind:                   # of a field's value, and how it is shown
    KIND_OBJECT                   # a Python object, as str() does it; a float with two decimals
    KIND_INTEGER
    KIND_DECIMALS                 # two of them
    KIND_PERCENT                  # two decimals and a %
    KIND_SECONDS                  # us, as seconds with six decimals
    KIND_SIZE                     # bytes, for people: 1.50M

cdef struct Item:                 # a field as its source told it last
    Kind kind
    const void* name              # KIND_OBJECT: a str, owned; else a literal
    void* object                  # the value, owned
    int64_t integer               # or that, by its kind
    double real
    Py_ssize_t line               # of the section; -1: a later source tells this field, too, and its value is shown

cdef struct Line:                 # a field in a section's text
    size_t start                  # of its value
    size_t len                    # bytes of its value


cdef class Source:
    """Tells fields of a section, always in the same order. A subclass of `tell` calls a function below for each field."""

    cdef Section section          # that shows what is told now; None: none does yet
    cdef Item* items
    cdef Py_ssize_t count
    cdef Py_ssize_t room
    cdef Py_ssize_t at            # which item is told next
    cdef bint learning            # what is told becomes items; else it has to be what was told before, but for values
    cdef bint strange             # it was not
    cdef bint failed              # there was no memory

    cdef void forget(self) noexcept
    cdef int tell(self) except -1
    cdef Item* new_item(self, const void* name, Kind kind) noexcept
    cdef Item* next_item(self, const void* name, Kind kind) noexcept
    cdef void show_number(self, const Item* item) noexcept
    cdef void tell_integer(self, const char* name, Kind kind, int64_t value) noexcept
    cdef void tell_real(self, const char* name, Kind kind, double value) noexcept
    # name: a literal
    cdef void integer(self, const char* name, int64_t value) noexcept
    cdef void decimals(self, const char* name, double value) noexcept
    cdef void percent(self, const char* name, double value) noexcept
    cdef void seconds(self, const char* name, int64_t us) noexcept
    cdef void size(self, const char* name, uint64_t bytes) noexcept
    cdef int learn(self) except -1
    cdef bint is_told_to(self, Section section) except -1


cdef class Section:
    """The text of a section."""

    cdef str title
    cdef list sources
    cdef char* text
    cdef size_t size              # bytes of the text
    cdef size_t room
    cdef Line* lines
    cdef Py_ssize_t count         # of lines
    cdef bint learnt              # text and lines are there

    cdef bint make_room(self, size_t size) noexcept
    cdef bint append(self, const void* data, size_t size) noexcept
    cdef bint put(self, Py_ssize_t place, const char* value, size_t size) noexcept
    cdef int put_object(self, Py_ssize_t place, object value) except -1
    cdef int append_line(self, Item* item) except -1
    cdef dict learn_places(self)
    cdef int learn(self) except -1
    cdef int update(self) except -1


cdef bytes report_text(list sections)     # INFO's of these sections
cdef object encoded(str text)             # the text itself if it is ASCII and so has its bytes in memory, else those
cdef Slice slice_of_encoded(object text)  # the bytes of what `encoded` returned, for as long as that is kept
