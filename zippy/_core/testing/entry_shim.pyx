# One entry with a string for tests: every change goes through the functions that may move the block.

from libc.string cimport memcpy, memset
from zippy._core.ground.buf cimport Slice, slice_of
from zippy._core.ground.mem cimport Account, mem_charge_to, mem_charged
from zippy._core.values.entry cimport (
    ENC_EMBSTR, ENC_INT, ENTRY_INLINE, NO_EXPIRY, Entry, entry_access, entry_encoding, entry_expiry, entry_free_block, entry_key,
    entry_memory, entry_new_int, entry_new_raw, entry_new_string, entry_new_text, entry_set_access, entry_set_expiry, entry_set_int,
    entry_set_string, entry_set_text, entry_string, entry_string_length, entry_string_resize, entry_with_key
)


cdef Slice slice_from(bytes text):
    return slice_of(<const char*>text, len(text))


cdef class StringEntry:
    """An entry with a string under a key, with an account of its own. `expiry` is in ms since the epoch, None for none."""

    cdef Entry* entry
    cdef Account account
    cdef Account* before

    def __dealloc__(self):
        if self.entry != NULL:
            self.enter()
            entry_free_block(self.entry)
            self.leave()

    cdef void enter(self):
        self.before = mem_charged()
        mem_charge_to(&self.account)

    cdef void leave(self):
        mem_charge_to(self.before)

    def create(self, kind, bytes key, value, expiry=None):
        """A fresh entry in the old one's place; kind: "string", "text", "raw" (value: bytes) or "int" (value: an integer)."""
        cdef char* data
        cdef long long when = NO_EXPIRY if expiry is None else expiry
        self.free()
        self.enter()
        if kind == "int":
            self.entry = entry_new_int(slice_from(key), value, when)
        elif kind == "string":
            self.entry = entry_new_string(slice_from(key), slice_from(value), when)
        elif kind == "text":
            self.entry = entry_new_text(slice_from(key), slice_from(value), when)
        else:
            self.entry = entry_new_raw(slice_from(key), len(value), when, &data)
            memcpy(data, <const char*><bytes>value, len(value))
        self.leave()
        entry_set_access(self.entry, 0)

    def set(self, kind, value):
        """Another value; kind as for create, but not "raw"."""
        self.enter()
        if kind == "int":
            self.entry = entry_set_int(self.entry, value)
        elif kind == "string":
            self.entry = entry_set_string(self.entry, slice_from(value))
        else:
            self.entry = entry_set_text(self.entry, slice_from(value))
        self.leave()

    def resize(self, size):
        cdef char* data
        self.enter()
        self.entry = entry_string_resize(self.entry, size, &data)
        self.leave()
        assert data == entry_string(self.entry, NULL).ptr

    def resize_too_far(self):
        """Ask for more than there is; whether it was refused."""
        cdef char* data
        cdef Entry* entry
        self.enter()
        entry = entry_string_resize(self.entry, <size_t>1 << 60, &data)
        self.leave()
        return entry == NULL

    def fill(self, byte):
        """Write the byte all over a raw string, through the pointer that resizing gives."""
        cdef char* data
        cdef size_t size = entry_string_length(self.entry)
        self.enter()
        self.entry = entry_string_resize(self.entry, size, &data)
        self.leave()
        memset(data, byte, size)

    def set_expiry(self, expiry):
        self.enter()
        self.entry = entry_set_expiry(self.entry, NO_EXPIRY if expiry is None else expiry)
        self.leave()

    def rename(self, bytes key):
        self.enter()
        self.entry = entry_with_key(self.entry, slice_from(key))
        self.leave()

    def free(self):
        """The entry and its string."""
        if self.entry != NULL:
            self.enter()
            entry_free_block(self.entry)
            self.leave()
            self.entry = NULL

    @property
    def key(self):
        cdef Slice key = entry_key(self.entry)
        return key.ptr[:key.len]

    @property
    def value(self):
        cdef char[24] scratch
        cdef Slice text = entry_string(self.entry, scratch)
        assert text.len == entry_string_length(self.entry)
        return text.ptr[:text.len]

    @property
    def expiry(self):
        return None if entry_expiry(self.entry) == NO_EXPIRY else entry_expiry(self.entry)

    @property
    def encoding(self):
        cdef int encoding = entry_encoding(self.entry)
        return "int" if encoding == ENC_INT else "embstr" if encoding == ENC_EMBSTR else "raw"

    @property
    def inline(self):
        return (self.entry.flags & ENTRY_INLINE) != 0

    @property
    def access(self):
        return entry_access(self.entry)

    @access.setter
    def access(self, access):
        entry_set_access(self.entry, access)

    @property
    def memory(self):
        return entry_memory(self.entry)

    @property
    def used(self):
        return self.account.used

    @property
    def blocks(self):
        return self.account.blocks
