from libc.string cimport strcmp
from zippy._core.ground.buf cimport Slice
from zippy._core.commands.args cimport check_type
from zippy._core.commands.types cimport Client, Engine
from zippy._core.keyspace.db cimport db_put_string, lookup_read, open_for_write
from zippy._core.keyspace.effects cimport mutated
from zippy._core.keyspace.types cimport NOTIFY_STRING
from zippy._core.resp.writer cimport reply_bulk, reply_error, reply_null, reply_ok
from zippy._core.values.entry cimport NO_EXPIRY, TYPE_STRING, Entry, entry_string


cdef command_fn string_handler(const char* name) noexcept nogil:
    if strcmp(name, b"get") == 0:
        return get_command
    if strcmp(name, b"set") == 0:
        return set_command
    return NULL


cdef void get_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    cdef Entry* entry = lookup_read(c.db, argv[1])
    cdef char[24] scratch
    if entry == NULL:
        reply_null(&c.reply)
    elif check_type(c, entry, TYPE_STRING):
        reply_bulk(&c.reply, entry_string(entry, scratch))


cdef void set_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    cdef Entry* old = open_for_write(c.db, argv[1])
    if db_put_string(c.db, old, argv[1], argv[2], NO_EXPIRY) == NULL:
        reply_error(&c.reply, b"OOM out of memory")
        return
    mutated(c.db, argv[1], NOTIFY_STRING, b"set", 1)
    reply_ok(&c.reply)
