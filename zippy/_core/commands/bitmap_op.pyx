# The outcome is made in chunks that stay in the first-level cache while all sources pass over them. A source that ends within a chunk
# is copied and filled with zeros, so that the loops over words know no ends.

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcpy, memset
from zippy._core.ground.bits cimport bits_and, bits_and_not, bits_not, bits_not_and, bits_note_repeated, bits_or, bits_xor
from zippy._core.ground.buf cimport slice_of, slice_text
from zippy._core.ground.mem cimport mem_free, mem_provide, mem_try_alloc
from zippy._core.ground.number cimport NUM_I64_TEXT
from zippy._core.commands.args cimport OptionTable, arg_choice, option_table, reply_out_of_memory, reply_syntax_error, reply_wrong_type
from zippy._core.keyspace.db cimport delete_key, lookup_read, open_for_write, put_over
from zippy._core.keyspace.effects cimport mutated
from zippy._core.keyspace.types cimport NOTIFY_GENERIC, NOTIFY_STRING
from zippy._core.resp.writer cimport reply_error, reply_error_about, reply_int
from zippy._core.values.entry cimport NO_EXPIRY, TYPE_STRING, Entry, entry_new_raw, entry_string, entry_type

cdef enum BitOperation:
    OP_AND = 1
    OP_OR = 2
    OP_XOR = 3
    OP_NOT = 4
    OP_DIFF = 5             # in the first and in no other
    OP_DIFF1 = 6            # in one of the others and not in the first
    OP_ANDOR = 7            # in the first and in one of the others
    OP_ONE = 8              # in exactly one

cdef OptionTable OPERATION_WORDS = option_table("bitop", [
    ("and", OP_AND),
    ("or", OP_OR),
    ("xor", OP_XOR),
    ("not", OP_NOT),
    ("diff", OP_DIFF),
    ("diff1", OP_DIFF1),
    ("andor", OP_ANDOR),
    ("one", OP_ONE),
])

cdef enum:
    CHUNK = 4096            # bytes
    AHEAD = 64 * CHUNK      # bytes whose pages are asked for at a time, while what was zeroed is still in the second-level cache


cdef struct Source:
    # a string, or the text of an integer
    Slice text
    char[NUM_I64_TEXT] scratch


cdef const char* chunk_of(Slice text, size_t at, size_t len, char* room) noexcept nogil:
    """The bytes at .. at + len of a string that zeros follow; those that are not all there are copied to room."""
    if at + len <= text.len:
        return text.ptr + at
    memset(room, 0, len)
    if at < text.len:
        memcpy(room, text.ptr + at, text.len - at)
    return room


cdef void combine(uint32_t op, const Source* sources, int count, size_t at, size_t len, char* target) noexcept nogil:
    """One chunk of the outcome."""
    cdef char[CHUNK] room
    cdef char[CHUNK] repeated
    cdef const char* first = chunk_of(sources[0].text, at, len, room)
    cdef const char* source
    cdef int i
    cdef bint first_apart = op == OP_DIFF or op == OP_DIFF1 or op == OP_ANDOR
    if first_apart:
        # `first` is asked for again at the end: room serves the others meanwhile
        memcpy(target, chunk_of(sources[1].text, at, len, room), len)
    else:
        memcpy(target, first, len)
    if op == OP_ONE:
        memset(repeated, 0, len)
    for i in range(2 if first_apart else 1, count):
        source = chunk_of(sources[i].text, at, len, room)
        if op == OP_AND:
            bits_and(target, source, len)
        elif op == OP_XOR:
            bits_xor(target, source, len)
        elif op == OP_ONE:
            bits_note_repeated(repeated, target, source, len)
        else:
            bits_or(target, source, len)
    if op == OP_NOT:
        bits_not(target, len)
    elif op == OP_ONE:
        bits_and_not(target, repeated, len)
    elif first_apart:
        first = chunk_of(sources[0].text, at, len, room)
        if op == OP_DIFF1:
            bits_and_not(target, first, len)
        elif op == OP_DIFF:
            bits_not_and(target, first, len)
        else:
            bits_and(target, first, len)


cdef bint read_sources(Client* c, int count, const Slice* keys, Source* sources, size_t* longest) noexcept nogil:
    """Finds the strings; False: replied that one is not a string."""
    cdef int i
    cdef Entry* entry
    longest[0] = 0
    for i in range(count):
        entry = lookup_read(c.db, keys[i])
        if entry == NULL:
            sources[i].text = slice_of(b"", 0)
            continue
        if entry_type(entry) != TYPE_STRING:
            reply_wrong_type(c)
            return False
        sources[i].text = entry_string(entry, sources[i].scratch)
        if sources[i].text.len > longest[0]:
            longest[0] = sources[i].text.len
    return True


cdef bint store(Client* c, uint32_t op, Slice key, int count, const Source* sources, size_t len) noexcept nogil:
    """Puts the outcome under the key, or deletes it when there is none; False: out of memory."""
    cdef Entry* entry
    cdef char* data
    cdef size_t at = 0
    if len == 0:
        # a key whose time is over goes with "del" too, as long as nobody has noticed
        if delete_key(c.db, key):
            mutated(c.db, key, NOTIFY_GENERIC, b"del", 1)
        return True
    # the outcome is complete before it takes the key, whose old value may be among the sources
    entry = entry_new_raw(key, len, NO_EXPIRY, &data)
    if entry == NULL:
        return False
    while at < len:
        if at % AHEAD == 0:
            mem_provide(data + at, min(<size_t>AHEAD, len - at))
        combine(op, sources, count, at, len - at if len - at < CHUNK else CHUNK, data + at)
        at += CHUNK
    open_for_write(c.db, key)
    put_over(c.db, entry)
    mutated(c.db, key, NOTIFY_STRING, b"set", 1)
    return True


cdef void run(Client* c, uint32_t op, Slice key, int count, const Slice* keys) noexcept nogil:
    cdef Source* sources = <Source*>mem_try_alloc(count * sizeof(Source))
    cdef size_t len
    if sources == NULL:
        reply_out_of_memory(c)
        return
    if read_sources(c, count, keys, sources, &len):
        if store(c, op, key, count, sources, len):
            reply_int(&c.reply, <int64_t>len)
        else:
            reply_out_of_memory(c)
    mem_free(sources)


cdef void bitop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """BITOP <AND | OR | XOR | NOT | DIFF | DIFF1 | ANDOR | ONE> destkey key [key ...]. Combines in chunks that stay in the cache, whatever
    the number of keys."""
    cdef uint32_t op = arg_choice(&OPERATION_WORDS, argv[1])
    cdef Slice name
    if op == 0:
        reply_syntax_error(c)
    elif op == OP_NOT and argc != 4:
        reply_error(&c.reply, b"ERR BITOP NOT must be called with a single source key.")
    elif (op == OP_DIFF or op == OP_DIFF1 or op == OP_ANDOR) and argc < 5:
        name = slice_text(b"DIFF" if op == OP_DIFF else b"DIFF1" if op == OP_DIFF1 else b"ANDOR")
        reply_error_about(&c.reply, b"ERR BITOP ", name, b" must be called with at least two source keys.")
    else:
        run(c, op, argv[2], argc - 3, argv + 3)
