"""INFO's text, kept by section, of which each time only what changed is written anew.

Whoever watches a server asks for INFO again and again, and it has more than two hundred lines, of which some thirty change. So a section
keeps its text, and of each field what its source told last: a value that is another one is written over the old one where that lies.
Which fields there are is learnt anew when a source tells others than before, which hardly ever happens.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_Next
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport Py_EQ, PyObject_RichCompareBool
from cpython.ref cimport PyObject, Py_DECREF, Py_INCREF
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeUTF8
from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy, memmove
from zippy._core.ground.buf cimport Slice, slice_of
from zippy._core.ground.format cimport format_text
from zippy._core.ground.number cimport num_write_i64, num_write_u64
from zippy._core.resp.kinds import Verbatim


cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)

cdef enum:
    NUMBER_TEXT = 352            # bytes that a number as text needs at most
    FIRST_ITEMS = 16


cdef object encoded(str text):
    return text if PyUnicode_IS_ASCII(text) else text.encode("utf-8", "surrogateescape")


cdef Slice slice_of_encoded(object text):
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
        return format_text(text, NUMBER_TEXT, b"%.2f", number)
    rounded = <uint64_t>hundredths
    rest = hundredths - <double>rounded
    if 0.499 < rest < 0.501:
        # which is nearer depends on what the multiplication has lost
        return format_text(text, NUMBER_TEXT, b"%.2f", number)
    rounded += rest > 0.5
    size = num_write_u64(text, rounded // 100)
    text[size] = c'.'
    text[size + 1] = <char>(48 + rounded // 10 % 10)
    text[size + 2] = <char>(48 + rounded % 10)
    return size + 3


cdef size_t write_size(char* text, uint64_t bytes) noexcept nogil:
    """Writes bytes as INFO shows them to people: 1.50M."""
    cdef const char* unit = b"KMGTP"
    cdef double shown = <double>bytes / 1024.0
    cdef size_t size
    if bytes < 1024:
        size = num_write_u64(text, bytes)
        text[size] = c'B'
        return size + 1
    while shown >= 1024 and unit[1] != 0:
        shown /= 1024
        unit += 1
    size = write_decimals(text, shown)
    text[size] = unit[0]
    return size + 1


cdef size_t write_number(char* text, const Item* item) noexcept nogil:
    """Writes an item that is no object."""
    cdef size_t size
    if item.kind == KIND_INTEGER:
        return num_write_i64(text, item.integer)
    if item.kind == KIND_SECONDS:
        return format_text(text, NUMBER_TEXT, b"%lld.%06lld", <long long>(item.integer // 1000000), <long long>(item.integer % 1000000))
    if item.kind == KIND_SIZE:
        return write_size(text, <uint64_t>item.integer)
    size = write_decimals(text, item.real)
    if item.kind == KIND_PERCENT:
        text[size] = c'%'
        size += 1
    return size


cdef object item_name(const Item* item):
    if item.kind == KIND_OBJECT:
        return <object><PyObject*>item.name
    return (<const char*>item.name).decode()


cdef object item_value(const Item* item):
    """As Python has it: what is shown as a number is one, all else a str."""
    cdef char[NUMBER_TEXT] text
    if item.kind == KIND_OBJECT:
        return <object><PyObject*>item.object
    if item.kind == KIND_INTEGER:
        return item.integer
    if item.kind == KIND_DECIMALS:
        return item.real
    return PyUnicode_DecodeUTF8(text, write_number(text, item), NULL)


cdef bint is_same(PyObject* value, PyObject* before) except -1:
    """Whether two values are shown in the same way, as far as that is told quickly."""
    if value == before:
        return True
    kind = type(<object>value)
    if kind is not type(<object>before) or not (kind is int or kind is str or kind is float):
        return False
    return PyObject_RichCompareBool(<object>value, <object>before, Py_EQ)


cdef class Source:

    def __dealloc__(self):
        self.forget()
        PyMem_Free(self.items)

    cdef void forget(self) noexcept:
        """Drops all items."""
        cdef Item* item
        while self.count:
            self.count -= 1
            item = &self.items[self.count]
            if item.kind == KIND_OBJECT:
                Py_DECREF(<object><PyObject*>item.name)
                Py_DECREF(<object><PyObject*>item.object)
        self.at = 0

    cdef int tell(self) except -1:
        """Calls a function below for each field."""
        return 0

    cdef Item* new_item(self, const void* name, Kind kind) noexcept:
        """One more, while they are learnt; NULL: it is not the time, or there is no memory."""
        cdef Py_ssize_t room = max(2 * self.room, FIRST_ITEMS)
        cdef void* items
        if not self.learning:
            self.strange = True
            return NULL
        if self.count == self.room:
            items = PyMem_Realloc(self.items, room * sizeof(Item))
            if items == NULL:
                self.failed = True
                return NULL
            self.items = <Item*>items
            self.room = room
        self.count += 1
        self.at = self.count
        self.items[self.count - 1] = Item(kind=kind, name=name, object=NULL, integer=0, real=0.0, line=-1)
        return &self.items[self.count - 1]

    cdef Item* next_item(self, const void* name, Kind kind) noexcept:
        """What was told at this place before, a new item while they are learnt; NULL: another field was told there."""
        cdef Item* item
        if self.at == self.count:
            return self.new_item(name, kind)
        item = &self.items[self.at]
        if item.name != name or item.kind != kind:
            self.strange = True
            return NULL
        self.at += 1
        return item

    cdef void show_number(self, const Item* item) noexcept:
        """Writes a number that changed."""
        cdef char[NUMBER_TEXT] text
        if item.line >= 0 and not self.section.put(item.line, text, write_number(text, item)):
            self.failed = True

    cdef void tell_integer(self, const char* name, Kind kind, int64_t value) noexcept:
        cdef Item* item = self.next_item(name, kind)
        if item != NULL and item.integer != value:
            item.integer = value
            self.show_number(item)

    cdef void tell_real(self, const char* name, Kind kind, double value) noexcept:
        cdef Item* item = self.next_item(name, kind)
        if item != NULL and item.real != value:
            item.real = value
            self.show_number(item)

    cdef void integer(self, const char* name, int64_t value) noexcept:
        self.tell_integer(name, KIND_INTEGER, value)

    cdef void decimals(self, const char* name, double value) noexcept:
        self.tell_real(name, KIND_DECIMALS, value)

    cdef void percent(self, const char* name, double value) noexcept:
        self.tell_real(name, KIND_PERCENT, value)

    cdef void seconds(self, const char* name, int64_t us) noexcept:
        self.tell_integer(name, KIND_SECONDS, us)

    cdef void size(self, const char* name, uint64_t bytes) noexcept:
        self.tell_integer(name, KIND_SIZE, <int64_t>bytes)

    cdef int learn(self) except -1:
        """Has all fields told as new ones, which no section shows yet."""
        self.forget()
        self.learning = True
        self.failed = self.strange = False
        try:
            self.tell()
        finally:
            self.learning = False
        if self.failed:
            raise MemoryError
        return 0

    cdef bint is_told_to(self, Section section) except -1:
        """Has all fields told again, and the section show what changed; False: they are others than before."""
        self.at = 0
        self.failed = self.strange = False
        self.section = section
        try:
            self.tell()
        finally:
            self.section = None
        if self.failed:
            raise MemoryError
        return not self.strange and self.at == self.count

    def fields(self):
        """The fields as {name: value}, of a source that is in no section."""
        cdef Py_ssize_t i
        self.learn()
        return {item_name(&self.items[i]): item_value(&self.items[i]) for i in range(self.count)}


@cython.final
cdef class Given(Source):
    """Fields that are a dict, which stays as it is: always the same one, or what a function returns."""

    cdef dict fields_told        # the last, None while that is being told
    cdef object function         # None: always those

    def __cinit__(self, given):
        if type(given) is dict:
            self.fields_told = given
        else:
            self.function = given

    cdef int tell(self) except -1:
        cdef Py_ssize_t at = 0
        cdef PyObject* name
        cdef PyObject* value
        cdef dict fields = self.fields_told if self.function is None else self.function()
        if not self.learning:
            if fields is self.fields_told:
                self.at = self.count
                return 0
            self.fields_told = None
        while PyDict_Next(fields, &at, &name, &value) and not self.strange:
            self.tell_object(name, value)
        self.fields_told = fields
        return 0

    cdef int tell_object(self, PyObject* name, PyObject* value) except -1:
        cdef Item* item
        if self.at == self.count:
            item = self.new_item(name, KIND_OBJECT)
            if item != NULL:
                item.object = value
                Py_INCREF(<object>name)
                Py_INCREF(<object>value)
            return 0
        item = &self.items[self.at]
        if not is_same(name, <PyObject*>item.name):
            self.strange = True
            return 0
        self.at += 1
        if not is_same(value, <PyObject*>item.object):
            if item.line >= 0:
                self.section.put_object(item.line, <object>value)
            Py_INCREF(<object>value)
            Py_DECREF(<object><PyObject*>item.object)
            item.object = value
        return 0


cdef object text_of(object value):
    """A value as it is shown, as `encoded` returns it."""
    return encoded(f"{value:.2f}" if type(value) is float else value if type(value) is str else str(value))


@cython.final
cdef class Section:

    def __cinit__(self, str title):
        self.title = title
        self.sources = []

    def __dealloc__(self):
        PyMem_Free(self.text)
        PyMem_Free(self.lines)

    def add(self, given):
        """Has one more source tell fields: a Source, a dict, or a function that returns one.

        A field that an earlier one tells, too, keeps its place and gets this one's value. A dict that was given stays as it is.
        """
        cdef Source source = given if isinstance(given, Source) else Given(given)
        self.sources.append(source)
        self.learnt = False

    def is_empty(self):
        """Whether nobody tells anything."""
        return not self.sources

    cdef bint make_room(self, size_t size) noexcept:
        """Whether the text may become so long."""
        cdef void* text
        if size <= self.room:
            return True
        text = PyMem_Realloc(self.text, 2 * size)
        if text == NULL:
            return False
        self.text = <char*>text
        self.room = 2 * size
        return True

    cdef bint append(self, const void* data, size_t size) noexcept:
        if not self.make_room(self.size + size):
            return False
        memcpy(self.text + self.size, data, size)
        self.size += size
        return True

    cdef bint put(self, Py_ssize_t place, const char* value, size_t size) noexcept:
        """Writes the value of a line over the old one; False: there is no memory."""
        cdef Line* line = &self.lines[place]
        cdef size_t tail = line.start + line.len
        cdef size_t before = line.len
        cdef Py_ssize_t i
        if size != before:
            if not self.make_room(self.size + size):
                return False
            memmove(self.text + line.start + size, self.text + tail, self.size - tail)
            self.size += size - before
            line.len = size
            for i in range(place + 1, self.count):
                self.lines[i].start += size - before
        memcpy(self.text + line.start, value, size)
        return True

    cdef int put_object(self, Py_ssize_t place, object value) except -1:
        cdef object text = text_of(value)
        cdef Slice shown = slice_of_encoded(text)
        if not self.put(place, shown.ptr, shown.len):
            raise MemoryError
        return 0

    cdef int append_line(self, Item* item) except -1:
        """Appends the line of an item."""
        cdef Line* line = &self.lines[item.line]
        cdef object name = encoded(item_name(item))
        cdef object value = text_of(item_value(item))
        cdef Slice called = slice_of_encoded(name)
        cdef Slice shown = slice_of_encoded(value)
        if not (self.append(called.ptr, called.len) and self.append(b":", 1)):
            raise MemoryError
        if not (self.append(shown.ptr, shown.len) and self.append(b"\r\n", 2)):
            raise MemoryError
        line.len = shown.len
        line.start = self.size - 2 - shown.len
        return 0

    cdef dict learn_places(self):
        """Has all sources tell all; {name: (source, item)} of those that are shown, in the order of the lines."""
        cdef Source source
        cdef Source other
        cdef Py_ssize_t i
        cdef Py_ssize_t place
        shown = {}
        for source in self.sources:
            source.learn()
            for i in range(source.count):
                name = item_name(&source.items[i])
                source.items[i].line = len(shown)
                if name in shown:
                    other, place = shown[name]
                    source.items[i].line = other.items[place].line
                    other.items[place].line = -1
                shown[name] = (source, i)
        return shown

    cdef int learn(self) except -1:
        """Makes the text from nothing."""
        cdef Source source
        cdef Py_ssize_t place
        cdef void* lines
        self.learnt = False
        self.size = 0
        self.count = 0
        shown = self.learn_places()
        lines = PyMem_Realloc(self.lines, (len(shown) + 1) * sizeof(Line))
        if lines == NULL:
            raise MemoryError
        self.lines = <Line*>lines
        title = encoded(f"# {self.title}\r\n")
        if not self.append(slice_of_encoded(title).ptr, slice_of_encoded(title).len):
            raise MemoryError
        for source, place in shown.values():
            self.append_line(&source.items[place])
        self.count = len(shown)
        self.learnt = True
        return 0

    cdef int update(self) except -1:
        """Brings the text up to date."""
        cdef Source source
        if self.learnt:
            # what fails on the way leaves fields that are not shown as they were told
            self.learnt = False
            for source in self.sources:
                if not source.is_told_to(self):
                    break
            else:
                self.learnt = True
        if not self.learnt:
            self.learn()
        return 0


cdef bytes report_text(list sections):
    cdef Section section
    cdef size_t size = 0
    cdef char* at
    for section in sections:
        section.update()
        size += section.size + 2
    if size == 0:
        return b""
    text = PyBytes_FromStringAndSize(NULL, size - 2)
    at = PyBytes_AS_STRING(text)
    for section in sections:
        if at != PyBytes_AS_STRING(text):
            memcpy(at, b"\r\n", 2)
            at += 2
        memcpy(at, section.text, section.size)
        at += section.size
    return text


def report(list sections):
    """INFO's text of these sections."""
    return Verbatim(report_text(sections).decode("utf-8", "surrogateescape"))


def size_text(size_t size):
    """Bytes as INFO shows them to people: 1.50M."""
    cdef char[NUMBER_TEXT] text
    return PyUnicode_DecodeUTF8(text, write_size(text, size), NULL)
