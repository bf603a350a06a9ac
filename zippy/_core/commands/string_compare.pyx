# Later than Redis 8.2: DIGEST and DELEX are of Redis 8.4, DELIFEQ of Valkey 9.0. What they delete is propagated as DEL, which every server
# knows.

from zippy._core.ground.buf cimport slice_equal, slice_is, slice_text
from zippy._core.ground.number cimport NUM_I64_TEXT
from zippy._core.ground.slice cimport slice_of
from zippy._core.ground.xxh3 cimport XXH3_TEXT, xxh3_text
from zippy._core.commands.args cimport OptionTable, Options, arg_options, check_type, option_table, option_value
from zippy._core.commands.engine cimport propagate_instead
from zippy._core.keyspace.db cimport delete_key, lookup_read, open_for_write
from zippy._core.keyspace.effects cimport mutated
from zippy._core.keyspace.types cimport NOTIFY_GENERIC
from zippy._core.resp.writer cimport reply_bulk, reply_error, reply_int, reply_null
from zippy._core.values.entry cimport TYPE_STRING, entry_string

cdef OptionTable DELEX_OPTIONS = option_table("delex", [
    ("ifeq", IF_EQUAL, IF_VALUE, 1),
    ("ifne", IF_NOT_EQUAL, IF_VALUE, 1),
    ("ifdeq", IF_DIGEST_EQUAL, IF_VALUE, 1),
    ("ifdne", IF_DIGEST_NOT_EQUAL, IF_VALUE, 1),
])


cdef bint condition_is_valid(Client* c, uint32_t condition, Slice operand) noexcept nogil:
    if not condition & IF_DIGEST or operand.len == XXH3_TEXT - 1:
        return True
    reply_error(&c.reply, b"ERR must be exactly 16 hexadecimal characters")
    return False


cdef void write_digest(char* dst, const Entry* entry) noexcept nogil:
    """dst has XXH3_TEXT bytes."""
    cdef char[NUM_I64_TEXT] scratch
    cdef Slice value = entry_string(entry, scratch)
    xxh3_text(dst, value.ptr, value.len)


cdef bint condition_holds(const Entry* entry, uint32_t condition, Slice operand) noexcept nogil:
    cdef char[NUM_I64_TEXT] scratch
    cdef char[XXH3_TEXT] digest
    cdef bint equal = False
    if entry != NULL and condition & IF_DIGEST:
        write_digest(digest, entry)
        equal = slice_is(operand, digest)
    elif entry != NULL:
        equal = slice_equal(entry_string(entry, scratch), operand)
    return equal == ((condition & (IF_EQUAL | IF_DIGEST_EQUAL)) != 0)


cdef void digest_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """DIGEST key."""
    cdef Entry* entry = lookup_read(c.db, argv[1])
    cdef char[XXH3_TEXT] text
    if not check_type(c, entry, TYPE_STRING):
        return
    if entry == NULL:
        reply_null(&c.reply)
        return
    write_digest(text, entry)
    reply_bulk(&c.reply, slice_of(text, XXH3_TEXT - 1))


cdef void delete_if(Engine* e, Client* c, Slice key, uint32_t condition, Slice operand) noexcept nogil:
    """Deletes the key if it holds a string of which the condition is true; condition 0: whatever it holds."""
    cdef Entry* entry = open_for_write(c.db, key)
    cdef Slice[2] words
    if condition and not check_type(c, entry, TYPE_STRING):
        return
    if entry == NULL or (condition and not condition_holds(entry, condition, operand)):
        reply_int(&c.reply, 0)
        return
    delete_key(c.db, key)
    mutated(c.db, key, NOTIFY_GENERIC, b"del", 1)
    words[0] = slice_text(b"DEL")
    words[1] = key
    propagate_instead(e, c, 2, words)
    reply_int(&c.reply, 1)


cdef void delex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """DELEX key [IFEQ ifeq-value | IFNE ifne-value | IFDEQ ifdeq-digest | IFDNE ifdne-digest]. Propagates the deletion."""
    cdef Options options
    cdef Slice operand = slice_of(NULL, 0)
    if not arg_options(c, &DELEX_OPTIONS, argc, argv, 2, &options):
        return
    if options.flags:
        operand = option_value(&options, options.flags)
    if condition_is_valid(c, options.flags, operand):
        delete_if(e, c, argv[1], options.flags, operand)


cdef void delifeq_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """DELIFEQ key value. Propagates the deletion."""
    delete_if(e, c, argv[1], IF_EQUAL, argv[2])
