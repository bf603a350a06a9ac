# HyperLogLogs are strings that users may have written: each command looks at what it finds before it uses it. Opcodes that don't tell of
# all registers are refused here whatever a command would read of them, where Redis notices some of them only when it comes to them.
#
# Dense ones are changed in place. Of sparse ones a draft is changed, and put under the key when it is complete: it may become dense on the
# way, and there may be no memory for that.

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memset
from zippy._core.ground.buf cimport Buf, Slice, buf_free, buf_init, slice_is, slice_of
from zippy._core.ground.hyperloglog cimport (
    HLL_DENSE, HLL_NONE, HLL_SPARSE, HllDraft, HllKind, hll_cache, hll_cached, hll_count, hll_decode, hll_dense_set, hll_dense_store,
    hll_draft, hll_draft_dense, hll_draft_forget_cached, hll_draft_merge, hll_draft_set, hll_draft_store, hll_drafted, hll_estimate,
    hll_forget_cached, hll_is_whole, hll_kind, hll_merge, hll_place, hll_self_test
)
from zippy._core.ground.number cimport NUM_I64_TEXT
from zippy._core.ground.registers cimport REGISTERS, UNIT_PLAIN, registers_best_unit, registers_use
from zippy._core.commands.args cimport check_type, reply_out_of_memory
from zippy._core.commands.types cimport Client, Engine
from zippy._core.keyspace.db cimport db_put_text, db_resize_string, lookup_read, open_for_write
from zippy._core.keyspace.effects cimport mutated
from zippy._core.keyspace.types cimport NOTIFY_STRING
from zippy._core.resp.writer cimport reply_array, reply_bulk, reply_error, reply_error_about, reply_int, reply_ok, reply_simple
from zippy._core.values.entry cimport ENC_RAW, TYPE_STRING, Entry, entry_encoding, entry_set_encoding, entry_string


cdef HllKind kind_of(Client* c, const Entry* entry, char* scratch, Slice* text) noexcept nogil:
    """Reads a value that is there; HLL_NONE: replied that it is no HyperLogLog."""
    cdef HllKind kind
    if not check_type(c, entry, TYPE_STRING):
        return HLL_NONE
    text[0] = entry_string(entry, scratch)
    kind = hll_kind(text[0])
    if kind == HLL_NONE:
        reply_error(&c.reply, b"WRONGTYPE Key is not a valid HyperLogLog string value.")
    return kind


cdef bint check_whole(Client* c, HllKind kind, Slice text) noexcept nogil:
    """The registers may be read; False: replied that they may not."""
    if kind == HLL_DENSE or hll_is_whole(text):
        return True
    reply_error(&c.reply, b"INVALIDOBJ Corrupted HLL object detected")
    return False


cdef char* bytes_of(Client* c, Entry* entry, size_t len) noexcept nogil:
    """The bytes of a string of this length that was opened for writing: it becomes raw, if it is not, which takes no memory."""
    cdef char* data = NULL
    db_resize_string(c.db, entry, len, &data)
    return data


cdef bint put(Client* c, Entry* old, Slice key, const HllDraft* draft) noexcept nogil:
    """Puts a draft under its key; False: replied that there is no memory."""
    cdef Entry* entry = db_put_text(c.db, old, key, hll_drafted(draft))
    if entry == NULL:
        reply_out_of_memory(c)
        return False
    entry_set_encoding(entry, ENC_RAW)
    return True


# PFADD


cdef int64_t add_to_dense(char* text, int count, const Slice* elements) noexcept nogil:
    """How many registers were raised."""
    cdef int64_t changes = 0
    cdef int i
    for i in range(count):
        changes += hll_dense_set(text, hll_place(elements[i]))
    if changes:
        hll_forget_cached(text)
    return changes


cdef int64_t add_to_sparse(Client* c, Entry* entry, Slice key, Slice text, int count, const Slice* elements) noexcept nogil:
    """How many registers were raised, and one for a new key; -1: replied with an error."""
    cdef HllDraft draft
    cdef int64_t changes = entry == NULL
    cdef int i
    hll_draft(&draft, text, <size_t>c.engine.settings.hll_sparse_max_bytes)
    for i in range(count):
        changes += hll_draft_set(&draft, hll_place(elements[i]))
    if changes == 0:
        entry_set_encoding(entry, ENC_RAW)
        return 0
    hll_draft_forget_cached(&draft)
    return changes if put(c, entry, key, &draft) else -1


cdef void pfadd_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PFADD key [element [element ...]]."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef HllKind kind = HLL_SPARSE
    cdef char[NUM_I64_TEXT] scratch
    cdef Slice text = slice_of(NULL, 0)
    cdef int64_t changes
    if entry != NULL:
        kind = kind_of(c, entry, scratch, &text)
        if kind == HLL_NONE or argc > 2 and not check_whole(c, kind, text):
            return
    if kind == HLL_DENSE:
        changes = add_to_dense(bytes_of(c, entry, text.len), argc - 2, argv + 2)
    else:
        changes = add_to_sparse(c, entry, argv[1], text, argc - 2, argv + 2)
    if changes > 0:
        mutated(c.db, argv[1], NOTIFY_STRING, b"pfadd", changes)
    if changes >= 0:
        reply_int(&c.reply, changes > 0)


# PFCOUNT and PFMERGE


cdef bint merge_keys(Client* c, int count, const Slice* keys, uint8_t* raw, bint* any_dense) noexcept nogil:
    """Merges the registers of all keys that are there; False: replied with an error."""
    cdef char[NUM_I64_TEXT] scratch
    cdef Slice text
    cdef HllKind kind
    cdef Entry* entry
    cdef int i
    memset(raw, 0, REGISTERS)
    any_dense[0] = False
    for i in range(count):
        entry = lookup_read(c.db, keys[i])
        if entry == NULL:
            continue
        kind = kind_of(c, entry, scratch, &text)
        if kind == HLL_NONE or not check_whole(c, kind, text):
            return False
        any_dense[0] = any_dense[0] or kind == HLL_DENSE
        hll_merge(raw, text)
    return True


cdef void count_several(Client* c, int count, const Slice* keys) noexcept nogil:
    cdef uint8_t[REGISTERS] raw
    cdef bint any_dense
    if merge_keys(c, count, keys, raw, &any_dense):
        reply_int(&c.reply, <int64_t>hll_estimate(raw))


cdef void pfcount_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PFCOUNT key [key ...]. Of one key, writes the cardinality into it where it was out of date: a change, which is propagated."""
    cdef char[NUM_I64_TEXT] scratch
    cdef char* data
    cdef Slice text
    cdef HllKind kind
    cdef Entry* entry
    cdef uint64_t cardinality
    cdef bint cached
    if argc > 2:
        count_several(c, argc - 1, argv + 1)
        return
    entry = lookup_read(c.db, argv[1])
    if entry == NULL:
        reply_int(&c.reply, 0)
        return
    kind = kind_of(c, entry, scratch, &text)
    if kind == HLL_NONE:
        return
    cached = hll_cached(text.ptr, &cardinality)
    if not cached:
        if not check_whole(c, kind, text):
            return
        cardinality = hll_count(text)
    if not cached or entry_encoding(entry) != ENC_RAW:
        data = bytes_of(c, open_for_write(c.db, argv[1]), text.len)
        hll_cache(data, cardinality)
    if not cached:
        mutated(c.db, argv[1], NOTIFY_STRING, NULL, 1)
    reply_int(&c.reply, <int64_t>cardinality)


cdef bint store_merged(Client* c, Slice key, const uint8_t* raw, bint dense) noexcept nogil:
    """Puts merged registers under a key that is absent or has been merged, too; False: replied that there is no memory."""
    cdef Entry* entry = open_for_write(c.db, key)
    cdef char[NUM_I64_TEXT] scratch
    cdef Slice text = slice_of(NULL, 0)
    cdef HllDraft draft
    cdef char* data
    if entry != NULL:
        text = entry_string(entry, scratch)
        if hll_kind(text) == HLL_DENSE:
            data = bytes_of(c, entry, text.len)
            hll_dense_store(data, raw)
            hll_forget_cached(data)
            return True
    hll_draft(&draft, text, <size_t>c.engine.settings.hll_sparse_max_bytes)
    if dense:
        hll_draft_store(&draft, raw)
    else:
        hll_draft_merge(&draft, raw)
    hll_draft_forget_cached(&draft)
    return put(c, entry, key, &draft)


cdef void pfmerge_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PFMERGE destkey [sourcekey [sourcekey ...]]. The outcome is dense as soon as one of them is."""
    cdef uint8_t[REGISTERS] raw
    cdef bint dense
    if merge_keys(c, argc - 1, argv + 1, raw, &dense) and store_merged(c, argv[1], raw, dense):
        mutated(c.db, argv[1], NOTIFY_STRING, b"pfadd", 1)
        reply_ok(&c.reply)


# PFDEBUG and PFSELFTEST


cdef void choose_unit(Client* c, Slice word) noexcept nogil:
    if slice_is(word, b"on"):
        registers_use(registers_best_unit())
        reply_simple(&c.reply, b"enabled")
    elif slice_is(word, b"off"):
        registers_use(UNIT_PLAIN)
        reply_simple(&c.reply, b"disabled")
    else:
        reply_error(&c.reply, b"ERR Argument must be ON or OFF")


cdef bint make_dense(Client* c, Entry* entry, Slice key, Slice text) noexcept nogil:
    """Makes a sparse one dense; False: replied with an error."""
    cdef HllDraft draft
    if not check_whole(c, HLL_SPARSE, text):
        return False
    hll_draft(&draft, text, 0)
    hll_draft_dense(&draft)
    if not put(c, entry, key, &draft):
        return False
    mutated(c.db, key, NOTIFY_STRING, NULL, 1)
    return True


cdef void reply_registers(Client* c, Slice text) noexcept nogil:
    cdef uint8_t[REGISTERS] raw
    cdef int i
    memset(raw, 0, REGISTERS)
    hll_merge(raw, text)
    reply_array(&c.reply, REGISTERS)
    for i in range(REGISTERS):
        reply_int(&c.reply, raw[i])


cdef void reply_opcodes(Client* c, Slice text) noexcept nogil:
    cdef Buf out
    buf_init(&out)
    hll_decode(text, &out)
    if out.failed:
        reply_out_of_memory(c)
    else:
        reply_bulk(&c.reply, slice_of(out.data, out.len))
    buf_free(&out)


cdef void pfdebug_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PFDEBUG subcommand key. GETREG gives all registers, and makes the value dense; DECODE the opcodes of a sparse one, ENCODING its
    name; TODENSE makes it dense. SIMD has ON or OFF in the place of the key: whether the process computes with its vector unit."""
    cdef char[NUM_I64_TEXT] scratch
    cdef Slice text
    cdef HllKind kind
    cdef Entry* entry
    if slice_is(argv[1], b"simd"):
        choose_unit(c, argv[2])
        return
    entry = open_for_write(c.db, argv[2])
    if entry == NULL:
        reply_error(&c.reply, b"ERR The specified key does not exist")
        return
    kind = kind_of(c, entry, scratch, &text)
    if kind == HLL_NONE:
        return
    entry_set_encoding(entry, ENC_RAW)
    if slice_is(argv[1], b"getreg"):
        if kind == HLL_DENSE or make_dense(c, entry, argv[2], text):
            # what became dense is elsewhere
            reply_registers(c, entry_string(open_for_write(c.db, argv[2]), scratch))
    elif slice_is(argv[1], b"decode"):
        if kind == HLL_DENSE:
            reply_error(&c.reply, b"ERR HLL encoding is not sparse")
        elif check_whole(c, kind, text):
            reply_opcodes(c, text)
    elif slice_is(argv[1], b"encoding"):
        reply_simple(&c.reply, b"dense" if kind == HLL_DENSE else b"sparse")
    elif slice_is(argv[1], b"todense"):
        if kind == HLL_DENSE or make_dense(c, entry, argv[2], text):
            reply_int(&c.reply, kind == HLL_SPARSE)
    else:
        reply_error_about(&c.reply, b"ERR Unknown PFDEBUG subcommand '", argv[1], b"'")


cdef void pfselftest_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """PFSELFTEST. Takes milliseconds: all vector units of the processor, and some thousand elements, sparse beside dense."""
    cdef const char* error = hll_self_test()
    if error != NULL:
        reply_error(&c.reply, error)
    else:
        reply_ok(&c.reply)
