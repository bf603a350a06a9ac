# A blocking command is its plain one with serve_or_block around it: what it was asked for is kept (Wanted), and looked at again when a key
# is written. What is propagated is the plain pop or move of the key that it came to.

from libc.stdint cimport INT64_MAX, int64_t, uint32_t
from zippy._core.ground.buf cimport Buf, Slice, buf_append, buf_free, buf_init, slice_of, slice_text
from zippy._core.ground.number cimport num_write_i64
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_choice, arg_in_range, arg_option, arg_timeout, check_type, option_table, options_begin, reply_out_of_memory,
    reply_syntax_error
)
from zippy._core.commands.client cimport serve_or_block, want_keys
from zippy._core.commands.engine cimport propagate_instead
from zippy._core.commands.list_removal cimport list_removed
from zippy._core.commands.types cimport BLOCK_NULL, Client, Engine, Wanted
from zippy._core.keyspace.db cimport open_for_write, put_new
from zippy._core.keyspace.effects cimport mutated
from zippy._core.keyspace.types cimport NOTIFY_LIST
from zippy._core.resp.writer cimport reply_array, reply_bulk, reply_error, reply_null, reply_null_array
from zippy._core.values.entry cimport TYPE_LIST, Entry
from zippy._core.values.list cimport (
    LIST_HEAD, LIST_TAIL, ListIter, item_text, list_delete_range, list_iter, list_iter_done, list_iter_next, list_length, list_make_room,
    list_new, list_push
)


cdef inline const char* pop_event(int where) noexcept nogil:
    return b"lpop" if where == LIST_HEAD else b"rpop"


cdef void pop_range(Engine* e, Client* c, Slice key, Entry* entry, int where, int64_t count) noexcept nogil:
    """Replies with count elements from an end, outermost first, and takes them out."""
    cdef ListIter it
    cdef int64_t _
    cdef char[24] scratch
    list_iter(&it, entry, 0 if where == LIST_HEAD else -1, LIST_TAIL if where == LIST_HEAD else LIST_HEAD)
    for _ in range(count):
        list_iter_next(&it)
        reply_bulk(&c.reply, item_text(&it.item, scratch))
    list_iter_done(&it)
    list_delete_range(entry, 0 if where == LIST_HEAD else -count, count)
    list_removed(e, c, key, entry, pop_event(where), count)


cdef void pop(Engine* e, Client* c, int argc, Slice* argv, int where) noexcept nogil:
    cdef Entry* entry
    cdef int64_t count = 1
    cdef int64_t length
    if argc > 3:
        reply_error(&c.reply, b"ERR wrong number of arguments for 'lpop' command" if where == LIST_HEAD
                    else b"ERR wrong number of arguments for 'rpop' command")
        return
    if argc == 3 and not arg_in_range(c, argv[2], 0, INT64_MAX, &count, b"ERR value is out of range, must be positive"):
        return
    entry = open_for_write(c.db, argv[1])
    if entry == NULL:
        if argc == 3:
            reply_null_array(&c.reply)
        else:
            reply_null(&c.reply)
        return
    if not check_type(c, entry, TYPE_LIST):
        return
    length = list_length(entry)
    if count > length:
        count = length
    if argc == 3:
        reply_array(&c.reply, count)
        if count == 0:
            return
    pop_range(e, c, argv[1], entry, where, count)


cdef void lpop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """LPOP key [count]."""
    pop(e, c, argc, argv, LIST_HEAD)


cdef void rpop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """RPOP key [count]."""
    pop(e, c, argc, argv, LIST_TAIL)


cdef void propagate_pop(Engine* e, Client* c, Slice key, int where, int64_t count) noexcept nogil:
    """Tells replicas which list it was and how many: LPOP key, or LPOP key count."""
    cdef Slice[3] request
    cdef char[24] number
    request[0] = slice_text(b"LPOP") if where == LIST_HEAD else slice_text(b"RPOP")
    request[1] = key
    if count < 0:
        propagate_instead(e, c, 2, request)
        return
    request[2] = slice_of(number, num_write_i64(number, count))
    propagate_instead(e, c, 3, request)


cdef bint pop_first_list(Engine* e, Client* c, int keys, Slice* key, int where, int64_t count) noexcept nogil:
    """Pops from the first of the keys that holds a list; False: none does, nothing was replied. count < 0: one element, not in an array."""
    cdef Entry* entry
    cdef int i
    cdef int64_t taken
    for i in range(keys):
        entry = open_for_write(c.db, key[i])
        if entry == NULL:
            continue
        if not check_type(c, entry, TYPE_LIST):
            return True
        taken = list_length(entry)
        if taken > (count if count > 0 else 1):
            taken = count if count > 0 else 1
        reply_array(&c.reply, 2)
        reply_bulk(&c.reply, key[i])
        if count >= 0:
            reply_array(&c.reply, taken)
        pop_range(e, c, key[i], entry, where, taken)
        propagate_pop(e, c, key[i], where, taken if count >= 0 else -1)
        return True
    return False


cdef bint pop_wanted(Engine* e, Client* c, const Wanted* w) noexcept nogil:
    return pop_first_list(e, c, w.key_count, w.argv + w.first_key, w.take, w.count)


cdef void blocking_pop(Engine* e, Client* c, int argc, Slice* argv, int where) noexcept nogil:
    cdef Wanted w
    want_keys(&w, pop_wanted, argv, 1, argc - 2, TYPE_LIST)
    w.take = where
    if arg_timeout(e, c, argv[argc - 1], &w.timeout_us):
        serve_or_block(e, c, &w)


cdef void blpop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """BLPOP key [key ...] timeout. Propagates LPOP."""
    blocking_pop(e, c, argc, argv, LIST_HEAD)


cdef void brpop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """BRPOP key [key ...] timeout. Propagates RPOP."""
    blocking_pop(e, c, argc, argv, LIST_TAIL)


cdef enum ListEnd:
    END_LEFT = 1
    END_RIGHT = 2

cdef enum MultiPopFlag:
    MULTI_POP_COUNT = 1

cdef OptionTable END_WORDS = option_table("lmpop blmpop lmove blmove", [("left", END_LEFT), ("right", END_RIGHT)])
cdef OptionTable MULTI_POP_OPTIONS = option_table("lmpop blmpop", [("count", MULTI_POP_COUNT, MULTI_POP_COUNT, 1)])


cdef bint parse_end(Slice word, int* where) noexcept nogil:
    """Reads LEFT or RIGHT; False: it is neither, nothing was replied."""
    cdef uint32_t end = arg_choice(&END_WORDS, word)
    where[0] = LIST_HEAD if end == END_LEFT else LIST_TAIL
    return end != 0


cdef void multi_pop(Engine* e, Client* c, int argc, Slice* argv, int at, bint blocking) noexcept nogil:
    """[B]LMPOP from the word `at`, where the number of keys stands; what blocks has its timeout in argv[1], which is read last."""
    cdef Wanted w
    cdef int64_t keys
    cdef int64_t count = 1
    cdef int where
    cdef Options options
    if not arg_in_range(c, argv[at], 1, INT64_MAX, &keys, b"ERR numkeys should be greater than 0"):
        return
    if keys >= argc - at - 1 or not parse_end(argv[at + 1 + keys], &where):
        reply_syntax_error(c)
        return
    options_begin(&options, &MULTI_POP_OPTIONS, argc, argv, at + 2 + <int>keys)
    while options.at < argc:
        if arg_option(&options) == 0:
            reply_syntax_error(c)
            return
        if not arg_in_range(c, options.value[0], 1, INT64_MAX, &count, b"ERR count should be greater than 0"):
            return
    want_keys(&w, pop_wanted, argv, at + 1, <int>keys, TYPE_LIST)
    w.take = where
    w.count = count
    if blocking:
        if arg_timeout(e, c, argv[1], &w.timeout_us):
            serve_or_block(e, c, &w)
    elif not pop_wanted(e, c, &w):
        reply_null_array(&c.reply)


cdef void lmpop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """LMPOP numkeys key [key ...] <LEFT | RIGHT> [COUNT count]. Propagates LPOP or RPOP of the key that it popped from, with the number of
    elements."""
    multi_pop(e, c, argc, argv, 1, False)


cdef void blmpop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """BLMPOP timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]. Propagates LPOP or RPOP of the key that it popped from, with the
    number of elements."""
    multi_pop(e, c, argc, argv, 2, True)


cdef bint move(Engine* e, Client* c, Slice source, Slice destination, int take, int put) noexcept nogil:
    """Moves one element; False: the source is absent, nothing was replied."""
    cdef Entry* origin = open_for_write(c.db, source)
    cdef Entry* target
    cdef ListIter it
    cdef Buf element
    cdef Slice text
    cdef char[24] scratch
    if origin == NULL:
        return False
    if not check_type(c, origin, TYPE_LIST):
        return True
    target = open_for_write(c.db, destination)
    if not check_type(c, target, TYPE_LIST):
        return True
    buf_init(&element)
    list_iter(&it, origin, 0 if take == LIST_HEAD else -1, LIST_TAIL)
    list_iter_next(&it)
    text = item_text(&it.item, scratch)
    buf_append(&element, text.ptr, text.len)
    list_iter_done(&it)
    if element.failed:
        buf_free(&element)
        reply_out_of_memory(c)
        return True
    text = slice_of(element.data, element.len)
    list_delete_range(origin, 0 if take == LIST_HEAD else -1, 1)
    if target == NULL:
        target = list_new(destination)
        put_new(c.db, target)
    list_make_room(target, &e.settings, 1, &text)
    list_push(target, text, put)
    reply_bulk(&c.reply, text)
    mutated(c.db, destination, NOTIFY_LIST, b"lpush" if put == LIST_HEAD else b"rpush", 0)
    list_removed(e, c, source, origin, pop_event(take), 1)
    buf_free(&element)
    return True


cdef void rpoplpush_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """RPOPLPUSH source destination."""
    if not move(e, c, argv[1], argv[2], LIST_TAIL, LIST_HEAD):
        reply_null(&c.reply)


cdef void lmove_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """LMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT>."""
    cdef int take
    cdef int put
    if not parse_end(argv[3], &take) or not parse_end(argv[4], &put):
        reply_syntax_error(c)
    elif not move(e, c, argv[1], argv[2], take, put):
        reply_null(&c.reply)


cdef bint move_wanted(Engine* e, Client* c, const Wanted* w) noexcept nogil:
    """Told to others as LMOVE; BRPOPLPUSH, whose fourth word is no end, as the command that there was before."""
    cdef Slice[5] request
    cdef int64_t dirty = e.ks.dirty
    cdef bint old = e.call.argc == 4
    if not move(e, c, w.argv[1], w.argv[2], w.take, w.put):
        return False
    if e.ks.dirty != dirty:
        request[0] = slice_text(b"RPOPLPUSH") if old else slice_text(b"LMOVE")
        request[1] = w.argv[1]
        request[2] = w.argv[2]
        request[3] = slice_text(b"left") if w.take == LIST_HEAD else slice_text(b"right")
        request[4] = slice_text(b"left") if w.put == LIST_HEAD else slice_text(b"right")
        propagate_instead(e, c, 3 if old else 5, request)
    return True


cdef void blocking_move(Engine* e, Client* c, Slice* argv, int take, int put, Slice timeout) noexcept nogil:
    cdef Wanted w
    want_keys(&w, move_wanted, argv, 1, 1, TYPE_LIST)
    w.take = take
    w.put = put
    w.timeout_reply = BLOCK_NULL
    if arg_timeout(e, c, timeout, &w.timeout_us):
        serve_or_block(e, c, &w)


cdef void brpoplpush_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """BRPOPLPUSH source destination timeout. Propagates RPOPLPUSH."""
    blocking_move(e, c, argv, LIST_TAIL, LIST_HEAD, argv[3])


cdef void blmove_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """BLMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout. Propagates LMOVE."""
    cdef int take
    cdef int put
    if not parse_end(argv[3], &take) or not parse_end(argv[4], &put):
        reply_syntax_error(c)
    else:
        blocking_move(e, c, argv, take, put, argv[5])
