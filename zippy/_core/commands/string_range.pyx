# Writing past the end fills the gap with zeros; lengths are checked before a byte is allocated.

from libc.stddef cimport size_t
from libc.stdint cimport int64_t
from libc.string cimport memcpy
from zippy._core.ground.buf cimport slice_of
from zippy._core.ground.number cimport NUM_I64_TEXT
from zippy._core.commands.args cimport arg_i64, check_type, reply_out_of_memory
from zippy._core.commands.string cimport put_argument
from zippy._core.commands.types cimport CLIENT_MASTER
from zippy._core.keyspace.db cimport db_put_zeros, db_resize_string, lookup_read, open_for_write
from zippy._core.keyspace.effects cimport mutated
from zippy._core.keyspace.types cimport NOTIFY_STRING
from zippy._core.resp.writer cimport reply_bulk, reply_error, reply_int
from zippy._core.values.entry cimport NO_EXPIRY, TYPE_STRING, Entry, entry_string, entry_string_length


cdef bint allowed_length(Engine* e, Client* c, size_t len, size_t more) noexcept nogil:
    """A string may be len + more bytes long; False: replied with an error."""
    # what a master or a file says has been checked where it came from
    if c.flags & CLIENT_MASTER or e.ks.loading:
        return True
    if len + more >= len and len + more <= <size_t>e.settings.proto_max_bulk_len:
        return True
    reply_error(&c.reply, b"ERR string exceeds maximum allowed size (proto-max-bulk-len)")
    return False


cdef void append_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """APPEND key value."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef size_t len = 0
    cdef char* data
    if entry == NULL:
        entry = put_argument(c, NULL, argv[1], argv, 2, NO_EXPIRY)
    else:
        if not check_type(c, entry, TYPE_STRING):
            return
        len = entry_string_length(entry)
        if not allowed_length(e, c, len, argv[2].len):
            return
        entry = db_resize_string(c.db, entry, len + argv[2].len, &data)
        if entry != NULL and argv[2].len:
            memcpy(data + len, argv[2].ptr, argv[2].len)
    if entry == NULL:
        reply_out_of_memory(c)
        return
    mutated(c.db, argv[1], NOTIFY_STRING, b"append", 1)
    reply_int(&c.reply, <int64_t>(len + argv[2].len))


cdef void strlen_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """STRLEN key."""
    cdef Entry* entry = lookup_read(c.db, argv[1])
    if check_type(c, entry, TYPE_STRING):
        reply_int(&c.reply, <int64_t>entry_string_length(entry) if entry != NULL else 0)


cdef void getrange_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """GETRANGE key start end."""
    cdef int64_t start
    cdef int64_t end
    cdef int64_t len
    cdef Entry* entry
    cdef char[NUM_I64_TEXT] scratch
    cdef Slice text = slice_of(b"", 0)
    if not arg_i64(c, argv[2], &start) or not arg_i64(c, argv[3], &end):
        return
    entry = lookup_read(c.db, argv[1])
    if not check_type(c, entry, TYPE_STRING):
        return
    if entry != NULL:
        text = entry_string(entry, scratch)
    len = <int64_t>text.len
    if start < 0 and end < 0 and start > end:
        len = 0
    if start < 0:
        start = start + len if start + len > 0 else 0
    if end < 0:
        end = end + len if end + len > 0 else 0
    if end >= len:
        end = len - 1
    reply_bulk(&c.reply, slice_of(text.ptr + start, <size_t>(end - start + 1)) if start <= end else slice_of(b"", 0))


cdef void substr_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SUBSTR key start end. Is GETRANGE under its old name."""
    getrange_command(e, c, argc, argv)


cdef void setrange_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SETRANGE key offset value."""
    cdef int64_t offset
    cdef Entry* entry
    cdef size_t len = 0
    cdef size_t end
    cdef char* data
    if not arg_i64(c, argv[2], &offset):
        return
    if offset < 0:
        reply_error(&c.reply, b"ERR offset is out of range")
        return
    entry = open_for_write(c.db, argv[1])
    if not check_type(c, entry, TYPE_STRING):
        return
    if entry != NULL:
        len = entry_string_length(entry)
    if argv[3].len == 0:
        reply_int(&c.reply, <int64_t>len)
        return
    if not allowed_length(e, c, <size_t>offset, argv[3].len):
        return
    end = <size_t>offset + argv[3].len
    if entry == NULL:
        entry = db_put_zeros(c.db, argv[1], end, &data)
    else:
        entry = db_resize_string(c.db, entry, end if end > len else len, &data)
    if entry == NULL:
        reply_out_of_memory(c)
        return
    memcpy(data + offset, argv[3].ptr, argv[3].len)
    mutated(c.db, argv[1], NOTIFY_STRING, b"setrange", 1)
    reply_int(&c.reply, <int64_t>(end if end > len else len))
