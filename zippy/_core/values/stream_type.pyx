# The row of streams. Blocks are saved and loaded as they are. What follows them in a file: the ids that the stream remembers, then each
# group with its pending entries (id, time, count) and its consumers with the ids that are pending for them. Redis has three forms of it:
#
#     RDB_STREAM_LISTPACKS      without first_id, max_deleted_id, entries_added and entries_read
#     RDB_STREAM_LISTPACKS_2    with them, since Redis 7.0; a consumer has one moment: that when it was seen
#     RDB_STREAM_LISTPACKS_3    since Redis 7.2: it has that of its last activity, too
#
# A file of an older version gets the third one, too, where a consumer was seen at another moment than it was active.

from libc.stdint cimport INT64_MAX, UINT64_MAX, int64_t, uint32_t, uint64_t
from zippy._core.ground.buf cimport slice_text
from zippy._core.ground.id_tree cimport (
    IdCursor, IdTree, StreamId, id_tree_above, id_tree_below, id_tree_clear, id_tree_find, id_tree_init, id_tree_next, id_tree_put,
    stream_id_compare, stream_id_is_zero, stream_id_of
)
from zippy._core.ground.listpack cimport lp_bytes, lp_free
from zippy._core.ground.number cimport NUM_I64_TEXT, num_write_u64
from zippy._core.ground.sha1 cimport Sha1
from zippy._core.ground.slice cimport Slice, slice_of
from zippy._core.values.command_writer cimport command_begin, command_int, command_word
from zippy._core.values.digest cimport digest_number, digest_text
from zippy._core.values.entry cimport ENC_STREAM, Entry, entry_key, entry_value
from zippy._core.values.rdb_packed cimport PACKED_LISTPACK, rdb_read_listpack, rdb_write_block
from zippy._core.values.rdb_stream cimport (
    RDB_CORRUPT, RDB_OK, RdbReader, RdbText, RdbWriter, rdb_fail, rdb_read_count, rdb_read_length, rdb_read_text, rdb_read_u64, rdb_take,
    rdb_text_free, rdb_write, rdb_write_length, rdb_write_string, rdb_write_u64
)
from zippy._core.values.settings cimport Settings
from zippy._core.values.stream cimport (
    Stream, StreamIter, stream_append_group, stream_copy, stream_entries_up_to, stream_free, stream_free_effort, stream_free_some,
    stream_has, stream_iter, stream_iter_field, stream_iter_next, stream_length, stream_loaded, stream_memory, stream_new, stream_of,
    stream_sort_groups, stream_take_block
)
from zippy._core.values.stream_group cimport (
    READ_UNKNOWN, PendingIter, StreamConsumer, StreamGroup, consumer_append, consumer_name, group_name, group_set_pending,
    group_sort_consumers, pending_iter, pending_iter_next
)
from zippy._core.values.types cimport RDB_STREAM_LISTPACKS, RDB_STREAM_LISTPACKS_2, RDB_STREAM_LISTPACKS_3, RdbPart

cdef enum:
    LARGE = 16                  # blocks and the like: longer ones are written in pieces
    PIECE = 64                  # pending entries of a piece
    ID_BYTES = 16
    PENDING_BYTES = ID_BYTES + 8 + 1   # a pending entry in a file, at least
    VERSION_OF_3 = 11           # of the format: the first that has RDB_STREAM_LISTPACKS_3

cdef enum Phase:
    # what is to be written next
    BLOCKS = 0
    GROUP = 1                   # its head
    GROUP_PENDING = 2
    CONSUMER = 3                # its head
    CONSUMER_PENDING = 4


cdef struct Part:
    # where a stream is that is being written
    IdCursor cursor             # in the tree of blocks or of pending entries
    bint more                   # it stands at one
    bint with_active            # RDB_STREAM_LISTPACKS_3
    int phase
    uint32_t group
    uint32_t consumer


# Writing


cdef bint was_idle_since(const Stream* s) noexcept nogil:
    """Whether a consumer was seen at another moment than it was active."""
    cdef const StreamGroup* g
    cdef uint32_t i
    cdef uint32_t j
    for i in range(s.group_count):
        g = s.groups[i]
        for j in range(g.count):
            if g.consumers[j].seen != g.consumers[j].active:
                return True
    return False


cdef int rdb_type(const Entry* e, int version) noexcept nogil:
    cdef const Stream* s = <const Stream*>entry_value(e)
    if version >= VERSION_OF_3 or (s != NULL and was_idle_since(s)):
        return RDB_STREAM_LISTPACKS_3
    return RDB_STREAM_LISTPACKS_2


cdef uint64_t weight(const Entry* e) noexcept nogil:
    cdef uint64_t effort = stream_free_effort(e)
    return effort if effort > LARGE else 0


cdef inline void write_id(RdbWriter* w, StreamId id) noexcept nogil:
    """As two numbers."""
    rdb_write_length(w, id.ms)
    rdb_write_length(w, id.seq)


cdef void id_bytes(StreamId id, unsigned char* text) noexcept nogil:
    """The id in the sixteen bytes that sort as it does."""
    cdef int i
    for i in range(8):
        text[i] = <unsigned char>(id.ms >> (56 - 8 * i))
        text[8 + i] = <unsigned char>(id.seq >> (56 - 8 * i))


cdef void write_id_bytes(RdbWriter* w, StreamId id) noexcept nogil:
    cdef unsigned char[ID_BYTES] text
    id_bytes(id, text)
    rdb_write(w, text, ID_BYTES)


cdef inline void enter(Part* p, const IdTree* t, int phase) noexcept nogil:
    """Stands at the first id of a tree, which the phase is about."""
    p.more = id_tree_above(t, stream_id_of(0, 0), &p.cursor)
    p.phase = phase


cdef void begin(RdbWriter* w, RdbPart* part) noexcept nogil:
    cdef Part* p = <Part*>part.state
    cdef const Stream* s = stream_of(part.entry)
    p.with_active = rdb_type(part.entry, w.version) == RDB_STREAM_LISTPACKS_3
    p.group = 0
    rdb_write_length(w, s.blocks.count)
    enter(p, &s.blocks, BLOCKS)
    part.done = False


cdef void write_stream_head(RdbWriter* w, const Stream* s) noexcept nogil:
    """What the stream remembers, and how many groups follow."""
    rdb_write_length(w, s.length)
    write_id(w, s.last_id)
    write_id(w, s.first_id)
    write_id(w, s.max_deleted_id)
    rdb_write_length(w, s.entries_added)
    rdb_write_length(w, s.group_count)


cdef void write_piece_of_block(RdbWriter* w, const Stream* s, Part* p) noexcept nogil:
    cdef unsigned char[ID_BYTES] id
    cdef const unsigned char* lp
    if not p.more:
        write_stream_head(w, s)
        p.phase = GROUP
        return
    lp = <const unsigned char*>p.cursor.numbers[0]
    id_bytes(p.cursor.id, id)
    rdb_write_string(w, slice_of(<const char*>id, ID_BYTES))
    rdb_write_block(w, lp, lp_bytes(lp))
    p.more = id_tree_next(&p.cursor)


cdef void write_group(RdbWriter* w, const StreamGroup* g, Part* p) noexcept nogil:
    """A group's head."""
    rdb_write_string(w, group_name(g))
    write_id(w, g.last_id)
    rdb_write_length(w, <uint64_t>g.entries_read)
    rdb_write_length(w, g.pending.count)
    enter(p, &g.pending, GROUP_PENDING)


cdef void write_pending(RdbWriter* w, const StreamGroup* g, Part* p) noexcept nogil:
    """Some pending entries of a group: id, time and count."""
    cdef int room = PIECE
    while p.more and room:
        write_id_bytes(w, p.cursor.id)
        rdb_write_u64(w, p.cursor.numbers[1])
        rdb_write_length(w, p.cursor.numbers[2])
        p.more = id_tree_next(&p.cursor)
        room -= 1
    if not p.more:
        rdb_write_length(w, g.count)
        p.consumer = 0
        p.phase = CONSUMER


cdef void write_consumer(RdbWriter* w, const StreamGroup* g, Part* p) noexcept nogil:
    """A consumer's head, or on to the next group."""
    cdef const StreamConsumer* c
    if p.consumer == g.count:
        p.group += 1
        p.phase = GROUP
        return
    c = g.consumers[p.consumer]
    rdb_write_string(w, consumer_name(c))
    rdb_write_u64(w, <uint64_t>c.seen)
    if p.with_active:
        rdb_write_u64(w, <uint64_t>c.active)
    rdb_write_length(w, c.pending.count)
    enter(p, &c.pending, CONSUMER_PENDING)


cdef void write_consumer_pending(RdbWriter* w, Part* p) noexcept nogil:
    """Some pending entries of a consumer: their ids."""
    cdef int room = PIECE
    while p.more and room:
        write_id_bytes(w, p.cursor.id)
        p.more = id_tree_next(&p.cursor)
        room -= 1
    if not p.more:
        p.consumer += 1
        p.phase = CONSUMER


cdef void write_next(RdbWriter* w, RdbPart* part) noexcept nogil:
    cdef Part* p = <Part*>part.state
    cdef const Stream* s = stream_of(part.entry)
    if p.phase == BLOCKS:
        write_piece_of_block(w, s, p)
    elif p.phase == GROUP and p.group == s.group_count:
        part.done = True
    elif p.phase == GROUP:
        write_group(w, s.groups[p.group], p)
    elif p.phase == GROUP_PENDING:
        write_pending(w, s.groups[p.group], p)
    elif p.phase == CONSUMER:
        write_consumer(w, s.groups[p.group], p)
    else:
        write_consumer_pending(w, p)


cdef void end(RdbPart* part) noexcept nogil:
    pass


# Reading


cdef StreamId id_of_bytes(const unsigned char* text) noexcept nogil:
    cdef StreamId id = stream_id_of(0, 0)
    cdef int i
    for i in range(8):
        id.ms = id.ms << 8 | text[i]
        id.seq = id.seq << 8 | text[8 + i]
    return id


cdef bint read_id(RdbReader* r, StreamId* id) noexcept nogil:
    """Two numbers."""
    return rdb_read_length(r, &id.ms) and rdb_read_length(r, &id.seq)


cdef bint read_id_bytes(RdbReader* r, StreamId* id) noexcept nogil:
    cdef const unsigned char* text = rdb_take(r, ID_BYTES)
    if text != NULL:
        id[0] = id_of_bytes(text)
    return text != NULL


cdef bint read_block(RdbReader* r, Stream* s) noexcept nogil:
    cdef RdbText text
    cdef StreamId id
    cdef unsigned char* lp
    if not rdb_read_text(r, &text):
        return False
    if text.s.len == ID_BYTES:
        id = id_of_bytes(<const unsigned char*>text.s.ptr)
    else:
        id = stream_id_of(0, 0)
        rdb_fail(r, RDB_CORRUPT, b"an id of a stream's block that is none")
    rdb_text_free(&text)
    lp = rdb_read_listpack(r, PACKED_LISTPACK, 1) if r.status == RDB_OK else NULL
    if lp == NULL:
        return False
    if stream_take_block(s, id, lp):
        return True
    lp_free(lp)
    rdb_fail(r, RDB_CORRUPT, b"a stream's block that is damaged")
    return False


cdef bint read_stream_head(RdbReader* r, int type, Stream* s) noexcept nogil:
    """What the stream remembers. How many entries there are and which is the first is known already."""
    cdef uint64_t length
    cdef uint64_t added = s.length
    cdef StreamId last_id
    cdef StreamId first_id
    cdef StreamId max_deleted_id = stream_id_of(0, 0)
    if not (rdb_read_length(r, &length) and read_id(r, &last_id)):
        return False
    if type != RDB_STREAM_LISTPACKS and not (read_id(r, &first_id) and read_id(r, &max_deleted_id) and rdb_read_length(r, &added)):
        return False
    if s.blocks.count and stream_id_compare(last_id, s.last_id) < 0:
        rdb_fail(r, RDB_CORRUPT, b"a stream whose last id is below an entry's")
        return False
    stream_loaded(s, last_id, added, max_deleted_id)
    return True


cdef bint skip_pending(RdbReader* r, uint64_t count) noexcept nogil:
    """Goes over a group's pending entries."""
    cdef uint64_t deliveries
    while count and rdb_take(r, ID_BYTES + 8) != NULL and rdb_read_length(r, &deliveries):
        count -= 1
    return count == 0


cdef bint read_consumer(RdbReader* r, int type, StreamGroup* g, IdTree* owners) noexcept nogil:
    """A consumer; the ids that are pending for it go to `owners` with its number."""
    cdef RdbText name
    cdef StreamConsumer* c
    cdef StreamId id
    cdef uint64_t number
    cdef uint64_t count
    if not rdb_read_text(r, &name):
        return False
    c = consumer_append(g, name.s)
    rdb_text_free(&name)
    number = c.number
    if not rdb_read_u64(r, <uint64_t*>&c.seen):
        return False
    c.active = c.seen
    if type == RDB_STREAM_LISTPACKS_3 and not rdb_read_u64(r, <uint64_t*>&c.active):
        return False
    if not rdb_read_count(r, &count, ID_BYTES):
        return False
    while count and read_id_bytes(r, &id):
        if stream_id_is_zero(id) or not id_tree_put(owners, id, &number):
            rdb_fail(r, RDB_CORRUPT, b"an entry of a stream that is pending twice, or has no id")
            return False
        count -= 1
    return r.status == RDB_OK


cdef bint read_pending(RdbReader* r, StreamGroup* g, uint64_t count, const IdTree* owners) noexcept nogil:
    """A group's pending entries, whose consumers are known."""
    cdef StreamId id
    cdef IdCursor owner
    cdef uint64_t time
    cdef uint64_t deliveries
    while count and read_id_bytes(r, &id) and rdb_read_u64(r, &time) and rdb_read_length(r, &deliveries):
        if not id_tree_find(owners, id, &owner) or not group_set_pending(g, id, <uint32_t>owner.numbers[0], <int64_t>time, deliveries):
            rdb_fail(r, RDB_CORRUPT, b"a pending entry of a stream without its consumer")
            return False
        count -= 1
    if r.status == RDB_OK and g.pending.count != owners.count:
        rdb_fail(r, RDB_CORRUPT, b"a consumer of a stream with an entry that is not pending")
    return r.status == RDB_OK


cdef bint read_consumers(RdbReader* r, int type, StreamGroup* g) noexcept nogil:
    """The pending entries of a group, and its consumers, which stand behind them and say whose they are."""
    cdef uint64_t pending
    cdef uint64_t consumers
    cdef size_t behind
    cdef size_t at
    cdef IdTree owners
    cdef bint good
    if not rdb_read_count(r, &pending, PENDING_BYTES):
        return False
    at = r.at
    if not skip_pending(r, pending) or not rdb_read_count(r, &consumers, 1 + 8 + 1):
        return False
    id_tree_init(&owners, 1)
    while consumers and read_consumer(r, type, g, &owners):
        consumers -= 1
    if r.status == RDB_OK and not group_sort_consumers(g):
        rdb_fail(r, RDB_CORRUPT, b"two consumers of a stream with the same name")
    behind = r.at
    r.at = at
    good = r.status == RDB_OK and read_pending(r, g, pending, &owners)
    if good:
        r.at = behind
    id_tree_clear(&owners)
    return good


cdef bint read_group(RdbReader* r, int type, Stream* s) noexcept nogil:
    cdef RdbText name
    cdef StreamGroup* g
    cdef uint64_t read
    if not rdb_read_text(r, &name):
        return False
    g = stream_append_group(s, name.s)
    rdb_text_free(&name)
    if not read_id(r, &g.last_id):
        return False
    g.entries_read = stream_entries_up_to(s, g.last_id)
    if type != RDB_STREAM_LISTPACKS:
        if not rdb_read_length(r, &read):
            return False
        g.entries_read = <int64_t>read
        if g.entries_read < READ_UNKNOWN:
            rdb_fail(r, RDB_CORRUPT, b"a group of a stream that has read less than nothing")
            return False
    return read_consumers(r, type, g)


cdef void read_into(RdbReader* r, int type, Stream* s) noexcept nogil:
    cdef uint64_t count
    if not rdb_read_count(r, &count, 2 * ID_BYTES):
        return
    while count and read_block(r, s):
        count -= 1
    if r.status != RDB_OK or not read_stream_head(r, type, s) or not rdb_read_count(r, &count, 1 + 2 + 2):
        return
    while count and read_group(r, type, s):
        count -= 1
    if r.status == RDB_OK and not stream_sort_groups(s):
        rdb_fail(r, RDB_CORRUPT, b"two groups of a stream with the same name")


cdef Entry* read_stream(RdbReader* r, int type, Slice key, const Settings* s) noexcept nogil:
    cdef Entry* e = stream_new(key)
    read_into(r, type, stream_of(e))
    return e


# Commands. XCLAIM takes only entries that are there: those that were deleted while they were pending are added, claimed and deleted again


cdef void word(RdbWriter* w, const char* text) noexcept nogil:
    command_word(w, slice_text(text))


cdef void id_word(RdbWriter* w, StreamId id) noexcept nogil:
    cdef char[2 * NUM_I64_TEXT] text
    cdef size_t len = num_write_u64(text, id.ms)
    text[len] = c"-"
    len += 1
    command_word(w, slice_of(text, len + num_write_u64(text + len, id.seq)))


cdef void command(RdbWriter* w, uint64_t words, const char* name, const Entry* e) noexcept nogil:
    """Begins a command with its key; so many words follow."""
    command_begin(w, words + 2)
    word(w, name)
    command_word(w, entry_key(e))


cdef void add_entry(RdbWriter* w, const Entry* e, StreamIter* it) noexcept nogil:
    cdef Slice field
    cdef Slice value
    command(w, 1 + 2 * it.fields, b"XADD", e)
    id_word(w, it.id)
    while it.fields:
        stream_iter_field(it, &field, &value)
        command_word(w, field)
        command_word(w, value)


cdef void add_stand_in(RdbWriter* w, const Entry* e, StreamId id) noexcept nogil:
    command(w, 3, b"XADD", e)
    id_word(w, id)
    word(w, b"x")
    word(w, b"y")


cdef void find_stand_ins(Stream* s, IdTree* gone) noexcept nogil:
    """The ids of entries that are pending and not there."""
    cdef IdCursor c
    cdef bint more
    cdef uint32_t i
    for i in range(s.group_count):
        more = id_tree_above(&s.groups[i].pending, stream_id_of(0, 0), &c)
        while more:
            if not stream_has(s, c.id):
                id_tree_put(gone, c.id, NULL)
            more = id_tree_next(&c)


cdef void add_entries(RdbWriter* w, const Entry* e, Stream* s, const IdTree* gone) noexcept nogil:
    """All entries and stand-ins, in order."""
    cdef StreamIter it
    cdef IdCursor c
    cdef bint more = id_tree_above(gone, stream_id_of(0, 0), &c)
    stream_iter(&it, s, stream_id_of(0, 0), stream_id_of(UINT64_MAX, UINT64_MAX), False)
    while stream_iter_next(&it):
        while more and stream_id_compare(c.id, it.id) < 0:
            add_stand_in(w, e, c.id)
            more = id_tree_next(&c)
        add_entry(w, e, &it)
    while more:
        add_stand_in(w, e, c.id)
        more = id_tree_next(&c)


cdef void add_nothing(RdbWriter* w, const Entry* e, const Stream* s) noexcept nogil:
    """Makes an empty stream: an entry that is trimmed at once."""
    command(w, 5, b"XADD", e)
    word(w, b"MAXLEN")
    word(w, b"0")
    id_word(w, stream_id_of(0, 1) if s.last_id.ms == 0 and s.last_id.seq == 0 else s.last_id)
    word(w, b"x")
    word(w, b"y")


cdef void set_ids(RdbWriter* w, const Entry* e, const Stream* s, const IdTree* gone) noexcept nogil:
    """What the stream remembers, or more where stand-ins need it."""
    cdef IdCursor c
    cdef StreamId last = s.last_id
    if id_tree_below(gone, stream_id_of(UINT64_MAX, UINT64_MAX), &c) and stream_id_compare(c.id, last) > 0:
        last = c.id
    command(w, 5, b"XSETID", e)
    id_word(w, last)
    word(w, b"ENTRIESADDED")
    command_int(w, <int64_t>max(s.entries_added, s.length + gone.count))
    word(w, b"MAXDELETEDID")
    id_word(w, s.max_deleted_id)


cdef void claim_pending(RdbWriter* w, const Entry* e, StreamGroup* g) noexcept nogil:
    cdef PendingIter it
    pending_iter(&it, g, NULL, stream_id_of(0, 0))
    while pending_iter_next(&it):
        command(w, 10, b"XCLAIM", e)
        command_word(w, group_name(g))
        command_word(w, consumer_name(it.pending.consumer))
        word(w, b"0")
        id_word(w, it.pending.id)
        word(w, b"TIME")
        command_int(w, it.pending.time)
        word(w, b"RETRYCOUNT")
        command_int(w, <int64_t>min(it.pending.count, <uint64_t>INT64_MAX))
        word(w, b"FORCE")
        word(w, b"JUSTID")


cdef void add_group(RdbWriter* w, const Entry* e, StreamGroup* g) noexcept nogil:
    cdef uint32_t i
    command_begin(w, 7)
    word(w, b"XGROUP")
    word(w, b"CREATE")
    command_word(w, entry_key(e))
    command_word(w, group_name(g))
    id_word(w, g.last_id)
    word(w, b"ENTRIESREAD")
    command_int(w, g.entries_read)
    for i in range(g.count):
        command_begin(w, 5)
        word(w, b"XGROUP")
        word(w, b"CREATECONSUMER")
        command_word(w, entry_key(e))
        command_word(w, group_name(g))
        command_word(w, consumer_name(g.consumers[i]))
    claim_pending(w, e, g)


cdef void delete_stand_ins(RdbWriter* w, const Entry* e, const Stream* s, const IdTree* gone) noexcept nogil:
    """Those before the first entry are trimmed, for XDEL would be remembered; the others were deleted by their ids."""
    cdef IdCursor c
    cdef bint more
    command(w, 2, b"XTRIM", e)
    word(w, b"MINID" if s.length else b"MAXLEN")
    if s.length:
        id_word(w, s.first_id)
    else:
        word(w, b"0")
    more = s.length and id_tree_above(gone, s.first_id, &c)
    while more:
        command(w, 1, b"XDEL", e)
        id_word(w, c.id)
        more = id_tree_next(&c)


cdef void rebuild(RdbWriter* w, Entry* e) noexcept nogil:
    cdef Stream* s = stream_of(e)
    cdef IdTree gone
    cdef uint32_t i
    id_tree_init(&gone, 0)
    find_stand_ins(s, &gone)
    if s.length or gone.count:
        add_entries(w, e, s, &gone)
    else:
        add_nothing(w, e, s)
    set_ids(w, e, s, &gone)
    for i in range(s.group_count):
        add_group(w, e, s.groups[i])
    if gone.count:
        delete_stand_ins(w, e, s, &gone)
        id_tree_clear(&gone)
        set_ids(w, e, s, &gone)


# Checksum: without the moments when consumers were seen, which no command can bring back


cdef void digest_id(Sha1* h, StreamId id) noexcept nogil:
    digest_number(h, id.ms)
    digest_number(h, id.seq)


cdef void digest_group(Sha1* h, StreamGroup* g) noexcept nogil:
    cdef PendingIter it
    cdef uint32_t i
    digest_text(h, group_name(g))
    digest_id(h, g.last_id)
    digest_number(h, <uint64_t>g.entries_read)
    digest_number(h, g.count)
    for i in range(g.count):
        digest_text(h, consumer_name(g.consumers[i]))
    digest_number(h, g.pending.count)
    pending_iter(&it, g, NULL, stream_id_of(0, 0))
    while pending_iter_next(&it):
        digest_id(h, it.pending.id)
        digest_text(h, consumer_name(it.pending.consumer))
        digest_number(h, <uint64_t>it.pending.time)
        digest_number(h, it.pending.count)


cdef void digest_stream(Sha1* h, Entry* e) noexcept nogil:
    cdef Stream* s = stream_of(e)
    cdef StreamIter it
    cdef Slice field
    cdef Slice value
    cdef uint32_t i
    digest_number(h, s.length)
    digest_id(h, s.last_id)
    digest_id(h, s.max_deleted_id)
    digest_number(h, s.entries_added)
    stream_iter(&it, s, stream_id_of(0, 0), stream_id_of(UINT64_MAX, UINT64_MAX), False)
    while stream_iter_next(&it):
        digest_id(h, it.id)
        digest_number(h, it.fields)
        while it.fields:
            stream_iter_field(&it, &field, &value)
            digest_text(h, field)
            digest_text(h, value)
    digest_number(h, s.group_count)
    for i in range(s.group_count):
        digest_group(h, s.groups[i])


cdef void stream_row(TypeOps* row) noexcept nogil:
    row.name = b"stream"
    row.encodings[<int>ENC_STREAM] = b"stream"
    row.readers[<int>RDB_STREAM_LISTPACKS] = read_stream
    row.readers[<int>RDB_STREAM_LISTPACKS_2] = read_stream
    row.readers[<int>RDB_STREAM_LISTPACKS_3] = read_stream
    row.part_bytes = sizeof(Part)
    row.free = stream_free
    row.free_some = stream_free_some
    row.free_effort = stream_free_effort
    row.copy = stream_copy
    row.length = stream_length
    row.memory = stream_memory
    row.rdb_type = rdb_type
    row.rdb_weight = weight
    row.rdb_begin = begin
    row.rdb_next = write_next
    row.rdb_end = end
    row.rebuild = rebuild
    row.digest = digest_stream
