# What stays or goes is decided in one pass where that is cheaper than drawing. How many stay decides about the encoding, as in Redis.

from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t, uint32_t, uint64_t
from zippy._core.ground.buf cimport Buf, buf_append, buf_clear, buf_free, buf_init, slice_text
from zippy._core.ground.listpack cimport LpItem
from zippy._core.ground.mem cimport mem_free
from zippy._core.ground.sampling cimport Choice, choose, draw_distinct
from zippy._core.ground.slice cimport Slice, slice_of
from zippy._core.commands.args cimport arg_i64, arg_in_range, check_type, reply_syntax_error
from zippy._core.commands.engine cimport propagate_instead
from zippy._core.commands.output cimport reply_may_go_on, reply_may_repeat
from zippy._core.commands.set_removal cimport members_removed
from zippy._core.commands.types cimport Client, Engine
from zippy._core.keyspace.db cimport delete_key, lookup_read, open_for_write
from zippy._core.keyspace.lazy_free cimport free_entry
from zippy._core.keyspace.effects cimport mutated, notify
from zippy._core.keyspace.types cimport NOTIFY_GENERIC, NOTIFY_SET
from zippy._core.resp.writer cimport reply_array, reply_bulk, reply_error, reply_null, reply_set
from zippy._core.values.entry cimport ENC_INTSET, TYPE_SET, Entry, entry_encoding
from zippy._core.values.set cimport (
    SET_TEXT, SetIter, set_add_item, set_iter, set_iter_done, set_iter_next, set_length, set_member_of, set_new_intset, set_new_listpack,
    set_places, set_random, set_remove, set_remove_item, set_swap, set_table, set_text
)

cdef enum:
    FEW = 3           # up to a third of all are drawn one by one; beyond, all are walked
    SEEKS = 8         # draws from a listpack that are worth no list of where its elements are
    KEEP_FEW = 5      # when less than a fifth of what is popped stays, that moves to a new set (as Redis does, which shows in the encoding)
    SREM_MEMBERS = 1024   # members that one propagated SREM names


# ---- SRANDMEMBER


cdef void reply_with_repeats(Engine* e, Client* c, Entry* entry, int64_t count) noexcept nogil:
    cdef char[SET_TEXT] scratch
    cdef LpItem member
    cdef uint32_t* places
    cdef size_t place = c.reply.out.len
    if not reply_may_repeat(e, c, <uint64_t>count):
        return
    reply_array(&c.reply, count)
    places = set_places(entry) if count > SEEKS else NULL
    while count:
        set_random(entry, &e.ks.random, places, &member)
        reply_bulk(&c.reply, set_text(&member, scratch))
        count -= 1
        if not reply_may_go_on(e, c, place):
            break
    mem_free(places)


cdef void reply_block(void* context, void* block) noexcept nogil:
    cdef Slice member
    set_member_of(block, &member)
    reply_bulk(&(<Client*>context).reply, member)


cdef void reply_distinct(Engine* e, Client* c, Entry* entry, uint64_t count) noexcept nogil:
    cdef char[SET_TEXT] scratch
    cdef SetIter it
    cdef Choice choice
    choice.left = set_length(entry)
    choice.wanted = count if count < choice.left else choice.left
    reply_array(&c.reply, choice.wanted)
    if set_table(entry) != NULL and choice.wanted <= choice.left // FEW:
        draw_distinct(set_table(entry), &e.ks.random, choice.wanted, reply_block, c)
        return
    set_iter(&it, entry)
    while set_iter_next(&it):
        if choose(&choice, &e.ks.random):
            reply_bulk(&c.reply, set_text(&it.member, scratch))
    set_iter_done(&it)


cdef bint parse_count(Client* c, Slice s, int64_t* count) noexcept nogil:
    if not arg_i64(c, s, count):
        return False
    if count[0] == INT64_MIN:
        reply_error(&c.reply, b"ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")
        return False
    return True


cdef void srandmember_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SRANDMEMBER key [count]. Draws from a large set's table when at most a third of it is wanted; else walks all of it."""
    cdef Entry* entry
    cdef LpItem member
    cdef char[SET_TEXT] scratch
    cdef int64_t count = 0
    if argc > 3:
        reply_syntax_error(c)
        return
    if argc == 3 and not parse_count(c, argv[2], &count):
        return
    entry = lookup_read(c.db, argv[1])
    if entry == NULL and argc == 3:
        reply_array(&c.reply, 0)
    elif entry == NULL:
        reply_null(&c.reply)
    elif not check_type(c, entry, TYPE_SET):
        return
    elif argc == 2:
        set_random(entry, &e.ks.random, NULL, &member)
        reply_bulk(&c.reply, set_text(&member, scratch))
    elif count < 0:
        reply_with_repeats(e, c, entry, -count)
    else:
        reply_distinct(e, c, entry, count)


# ---- SPOP


cdef struct Popped:
    # SPOP with a count, on its way
    Engine* engine
    Client* client
    Slice key
    Buf bytes                        # of the members that the next SREM will name
    size_t[SREM_MEMBERS] lengths     # of each of them
    int count


cdef void tell_popped(Popped* p) noexcept nogil:
    """Propagates the removal of the members gathered so far."""
    cdef Slice[SREM_MEMBERS + 2] words
    cdef const char* at = p.bytes.data
    cdef int i
    if p.count == 0:
        buf_clear(&p.bytes)
        return
    words[0] = slice_text(b"SREM")
    words[1] = p.key
    for i in range(p.count):
        words[i + 2] = slice_of(at, p.lengths[i])
        at += p.lengths[i]
    propagate_instead(p.engine, p.client, p.count + 2, words)
    buf_clear(&p.bytes)
    p.count = 0


cdef void add_popped(Popped* p, Slice member) noexcept nogil:
    cdef Slice[3] alone
    reply_bulk(&p.client.reply, member)
    if buf_append(&p.bytes, member.ptr, member.len) != 0:
        # what is gathered can be told, and this one from where it lies
        tell_popped(p)
        alone[0] = slice_text(b"SREM")
        alone[1] = p.key
        alone[2] = member
        propagate_instead(p.engine, p.client, 3, alone)
        return
    p.lengths[p.count] = member.len
    p.count += 1
    if p.count == SREM_MEMBERS:
        tell_popped(p)


cdef void reply_all(Client* c, Entry* entry) noexcept nogil:
    cdef SetIter it
    cdef char[SET_TEXT] scratch
    set_iter(&it, entry)
    while set_iter_next(&it):
        reply_bulk(&c.reply, set_text(&it.member, scratch))
    set_iter_done(&it)


cdef void pop_drawn(Popped* p, Entry* entry, uint64_t count) noexcept nogil:
    """Draws and removes one after the other."""
    cdef char[SET_TEXT] scratch
    cdef LpItem member
    cdef Slice text
    while count:
        set_random(entry, &p.engine.ks.random, NULL, &member)
        text = set_text(&member, scratch)
        add_popped(p, text)
        set_remove(entry, text)
        count -= 1


cdef void pop_packed(Popped* p, Entry* entry, Entry* kept, uint64_t count) noexcept nogil:
    """Walks a small set; what is not popped goes into `kept`."""
    cdef char[SET_TEXT] scratch
    cdef SetIter it
    cdef Choice choice
    choice.left = set_length(entry)
    choice.wanted = count
    set_iter(&it, entry)
    while set_iter_next(&it):
        if choose(&choice, &p.engine.ks.random):
            add_popped(p, set_text(&it.member, scratch))
        else:
            set_add_item(kept, &p.engine.settings, &it.member)
    set_iter_done(&it)


cdef void pop_all_but(Popped* p, Entry* entry, Entry* kept, uint64_t count) noexcept nogil:
    """Draws count members that go into `kept`, and pops the rest."""
    cdef char[SET_TEXT] scratch
    cdef SetIter it
    cdef LpItem member
    while count:
        set_random(entry, &p.engine.ks.random, NULL, &member)
        set_add_item(kept, &p.engine.settings, &member)
        set_remove_item(entry, &member)
        count -= 1
    set_iter(&it, entry)
    while set_iter_next(&it):
        add_popped(p, set_text(&it.member, scratch))
    set_iter_done(&it)


cdef void pop_some(Engine* e, Client* c, Slice key, Entry* entry, uint64_t count) noexcept nogil:
    """Pops fewer than all."""
    cdef Popped popped
    cdef Entry* kept
    cdef uint64_t remaining = set_length(entry) - count
    popped.engine = e
    popped.client = c
    popped.key = key
    popped.count = 0
    buf_init(&popped.bytes)
    if set_table(entry) != NULL and remaining * KEEP_FEW > count:
        pop_drawn(&popped, entry, count)
    else:
        kept = set_new_intset(key) if entry_encoding(entry) == ENC_INTSET else set_new_listpack(key)
        if set_table(entry) == NULL:
            pop_packed(&popped, entry, kept, count)
        else:
            pop_all_but(&popped, entry, kept, remaining)
        set_swap(entry, kept)
        free_entry(&e.ks, kept)
    members_removed(c, key, entry, b"spop", count)
    tell_popped(&popped)
    buf_free(&popped.bytes)


cdef void pop_whole(Engine* e, Client* c, Slice key, Entry* entry) noexcept nogil:
    cdef uint64_t count = set_length(entry)
    cdef Slice[2] effect
    reply_all(c, entry)
    delete_key(c.db, key)
    mutated(c.db, key, NOTIFY_SET, b"spop", count)
    notify(c.db, NOTIFY_GENERIC, b"del", key)
    effect[0] = slice_text(b"UNLINK") if e.settings.lazyfree_lazy_server_del else slice_text(b"DEL")
    effect[1] = key
    propagate_instead(e, c, 2, effect)


cdef void pop_one(Engine* e, Client* c, Slice key, Entry* entry) noexcept nogil:
    cdef char[SET_TEXT] scratch
    cdef LpItem member
    cdef Slice[3] effect
    set_random(entry, &e.ks.random, NULL, &member)
    effect[0] = slice_text(b"SREM")
    effect[1] = key
    effect[2] = set_text(&member, scratch)
    reply_bulk(&c.reply, effect[2])
    # before the member's bytes go
    propagate_instead(e, c, 3, effect)
    set_remove(entry, effect[2])
    members_removed(c, key, entry, b"spop", 1)


cdef void spop_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SPOP key [count]. Propagates SREM with the members, up to 1024 in one command, or the deletion of the key when all go."""
    cdef Entry* entry
    cdef int64_t count = 1
    if argc > 3:
        reply_syntax_error(c)
        return
    if argc == 3 and not arg_in_range(c, argv[2], 0, INT64_MAX, &count, b"ERR value is out of range, must be positive"):
        return
    entry = open_for_write(c.db, argv[1])
    if not check_type(c, entry, TYPE_SET):
        return
    if argc == 2:
        if entry == NULL:
            reply_null(&c.reply)
        else:
            pop_one(e, c, argv[1], entry)
    elif entry == NULL or count == 0:
        reply_set(&c.reply, 0)
    elif <uint64_t>count >= set_length(entry):
        reply_set(&c.reply, set_length(entry))
        pop_whole(e, c, argv[1], entry)
    else:
        reply_set(&c.reply, count)
        pop_some(e, c, argv[1], entry, count)
