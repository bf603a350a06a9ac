# A stream for tests, with an account of its own. An id is a pair of integers, an entry (id, [(field, value), ...]).

from libc.stdint cimport UINT64_MAX, int64_t, uint64_t
from libc.stdlib cimport calloc, free
from zippy._core.ground.id_tree cimport IdCursor, StreamId, id_tree_above, id_tree_next, stream_id_of
from zippy._core.ground.listpack cimport lp_bytes
from zippy._core.ground.mem cimport Account, mem_charge_to, mem_charged
from zippy._core.ground.slice cimport Slice, slice_of
from zippy._core.values.entry cimport Entry, entry_free_block, entry_memory
from zippy._core.values.settings cimport Settings, settings_defaults
from zippy._core.values.stream cimport (
    Stream, StreamIter, StreamTrim, stream_append, stream_blocks, stream_consumer_delete, stream_copy, stream_delete,
    stream_drop_references, stream_entries_up_to, stream_free_effort, stream_free_some, stream_group, stream_group_advance,
    stream_group_create, stream_group_delete, stream_group_lag, stream_has, stream_is_referenced, stream_iter, stream_iter_delete,
    stream_iter_field, stream_iter_next, stream_last_entry, stream_length, stream_memory, stream_new, stream_next_id, stream_of,
    stream_radix_nodes, stream_set_id, stream_take_remains, stream_trim
)
from zippy._core.values.stream_group cimport (
    Pending, PendingIter, StreamConsumer, StreamGroup, consumer_create, consumer_find, consumer_name, group_name,
    pending_find, pending_first, pending_iter, pending_iter_next, pending_last, pending_put, pending_remove
)

from zippy._core.values.value cimport value_free


cdef Slice slice_from(bytes text):
    return slice_of(<const char*>text, len(text))


cdef bytes text_of(Slice s):
    return s.ptr[:s.len]


cdef StreamId id_from(tuple pair):
    return stream_id_of(pair[0], pair[1])


cdef tuple pair_of(StreamId id):
    return id.ms, id.seq


cdef tuple pending_of(const Pending* p):
    return pair_of(p.id), text_of(consumer_name(p.consumer)), p.time, p.count


cdef list fields_of(StreamIter* it):
    cdef Slice field
    cdef Slice value
    pairs = []
    while it.fields:
        stream_iter_field(it, &field, &value)
        pairs.append((text_of(field), text_of(value)))
    return pairs


cdef class StreamValue:
    """A stream; what is done to it is charged to its account."""

    cdef Entry* entry
    cdef Stream* s
    cdef Settings settings
    cdef Account account
    cdef Account* before

    def __cinit__(self, int max_bytes=4096, int max_entries=100, bint empty=True):
        settings_defaults(&self.settings)
        self.settings.stream_node_max_bytes = max_bytes
        self.settings.stream_node_max_entries = max_entries
        self.begin()
        if empty:
            self.hold(stream_new(slice_of(b"key", 3)))
        self.end()

    def __dealloc__(self):
        self.close()

    cdef void hold(self, Entry* entry):
        self.entry = entry
        self.s = stream_of(entry)

    cdef void begin(self):
        self.before = mem_charged()
        mem_charge_to(&self.account)

    cdef void end(self):
        mem_charge_to(self.before)

    def close(self):
        """Free the stream; returns the account's bytes and blocks."""
        self.begin()
        if self.entry != NULL:
            value_free(self.entry)
        self.entry = NULL
        self.end()
        return self.account.used, self.account.blocks

    def free_in_steps(self, uint64_t items):
        """The same, so many blocks at a time; how many steps that took."""
        steps = 1
        self.begin()
        while not stream_free_some(self.entry, items):
            steps += 1
        entry_free_block(self.entry)
        self.entry = NULL
        self.end()
        return steps

    def __len__(self):
        return stream_length(self.entry)

    # Entries

    def append(self, tuple id, list pairs):
        """The StreamStatus."""
        cdef Slice* elements = <Slice*>calloc(2 * len(pairs) + 1, sizeof(Slice))
        cdef int status
        words = [word for pair in pairs for word in pair]
        for i, word in enumerate(words):
            elements[i] = slice_from(word)
        self.begin()
        status = stream_append(self.s, &self.settings, id_from(id), len(pairs), elements)
        self.end()
        free(elements)
        return status

    def next_id(self, uint64_t now):
        """The id of an entry that comes now; or None."""
        cdef StreamId id
        return pair_of(id) if stream_next_id(self.s, now, &id) else None

    def range(self, tuple start=(0, 0), tuple end=(UINT64_MAX, UINT64_MAX), bint backwards=False, read=None):
        """The entries between two ids; only of so many pairs' worth are fields read, where `read` says so."""
        cdef StreamIter it
        cdef Slice field
        cdef Slice value
        entries = []
        stream_iter(&it, self.s, id_from(start), id_from(end), backwards)
        while stream_iter_next(&it):
            if read is None:
                entries.append((pair_of(it.id), fields_of(&it)))
            else:
                for _ in range(min(read, it.fields)):
                    stream_iter_field(&it, &field, &value)
                entries.append(pair_of(it.id))
        return entries

    def delete_where(self, object chosen, bint backwards):
        """Delete those of all entries whose ids are chosen, in one iteration; the ids seen."""
        cdef StreamIter it
        seen = []
        self.begin()
        stream_iter(&it, self.s, stream_id_of(0, 0), stream_id_of(UINT64_MAX, UINT64_MAX), backwards)
        while stream_iter_next(&it):
            id = pair_of(it.id)
            seen.append(id)
            if id in chosen:
                stream_iter_delete(&it)
        self.end()
        return seen

    def delete(self, tuple id, int references=0):
        """StreamDeleted."""
        cdef int came_to
        self.begin()
        came_to = stream_delete(self.s, id_from(id), references)
        self.end()
        return came_to

    def has(self, tuple id):
        return stream_has(self.s, id_from(id))

    def last_entry(self):
        """Its id, or None."""
        cdef StreamId id
        return pair_of(id) if stream_last_entry(self.s, &id) else None

    def trim(self, int by, object to, bint approximate=False, uint64_t limit=0, int references=0, bint keep_remains=False):
        """How many entries are gone. What was cut off is freed, unless it is to be kept."""
        cdef StreamTrim trim
        cdef uint64_t removed
        trim.by = by
        trim.approximate = approximate
        trim.limit = limit
        trim.references = references
        trim.length = 0 if by else to
        trim.id = id_from(to) if by else stream_id_of(0, 0)
        self.begin()
        removed = stream_trim(self.s, &trim)
        self.end()
        if not keep_remains:
            self.free_remains()
        return removed

    def free_remains(self):
        """Free what trimming cut off; how many blocks that seemed to be."""
        cdef Entry* remains
        cdef uint64_t effort = 0
        self.begin()
        remains = stream_take_remains(self.s)
        if remains != NULL:
            effort = stream_free_effort(remains)
            value_free(remains)
        self.end()
        return effort

    def set_id(self, tuple id, int64_t added=-1, object deleted=None):
        cdef StreamId max_deleted = id_from(deleted) if deleted is not None else stream_id_of(0, 0)
        stream_set_id(self.s, id_from(id), added, &max_deleted if deleted is not None else NULL)

    @property
    def info(self):
        """What it remembers of its ids."""
        return {
            "length": self.s.length, "last": pair_of(self.s.last_id), "first": pair_of(self.s.first_id),
            "deleted": pair_of(self.s.max_deleted_id), "added": self.s.entries_added,
        }

    @property
    def blocks(self):
        """The listpacks by id, with how many entries the tree says they have."""
        cdef IdCursor c
        cdef bint more = id_tree_above(&self.s.blocks, stream_id_of(0, 0), &c)
        cdef const unsigned char* lp
        found = {}
        while more:
            lp = <const unsigned char*>c.numbers[0]
            found[pair_of(c.id)] = (lp[:lp_bytes(lp)], c.numbers[1])
            more = id_tree_next(&c)
        assert stream_blocks(self.s) == <uint64_t>len(found)
        return found

    @property
    def radix_nodes(self):
        return stream_radix_nodes(self.s)

    @property
    def effort(self):
        return stream_free_effort(self.entry)

    @property
    def used(self):
        """Bytes charged."""
        return self.account.used

    @property
    def memory(self):
        """The same, counted."""
        return entry_memory(self.entry) + stream_memory(self.entry, 0)

    @property
    def memory_guessed(self):
        """The same, from one sample of each kind."""
        return entry_memory(self.entry) + stream_memory(self.entry, 1)

    def copy(self):
        """Another one with the same content."""
        cdef StreamValue other = StreamValue(empty=False)
        other.settings = self.settings
        other.begin()
        other.hold(stream_copy(self.entry, slice_of(b"key", 3), -1))
        other.end()
        return other

    # Groups

    cdef StreamGroup* group(self, bytes name) except NULL:
        cdef StreamGroup* g = stream_group(self.s, slice_from(name))
        if g == NULL:
            raise KeyError(name)
        return g

    cdef StreamConsumer* consumer(self, StreamGroup* g, bytes name) except NULL:
        cdef StreamConsumer* c = consumer_find(g, slice_from(name))
        if c == NULL:
            raise KeyError(name)
        return c

    def create_group(self, bytes name, tuple last=(0, 0), int64_t read=-1):
        """False: there is one."""
        self.begin()
        made = stream_group_create(self.s, slice_from(name), id_from(last), read) != NULL
        self.end()
        return made

    def delete_group(self, bytes name):
        cdef StreamGroup* g = self.group(name)
        self.begin()
        stream_group_delete(self.s, g)
        self.end()
        self.free_remains()

    def create_consumer(self, bytes group, bytes name, int64_t now=0):
        """False: there is one."""
        cdef StreamGroup* g = self.group(group)
        self.begin()
        made = consumer_create(g, slice_from(name), now) != NULL
        self.end()
        return made

    def delete_consumer(self, bytes group, bytes name, bint keep_remains=False):
        """How many entries were pending. What they took is freed, unless it is to be kept."""
        cdef StreamGroup* g = self.group(group)
        cdef StreamConsumer* c = self.consumer(g, name)
        self.begin()
        pending = stream_consumer_delete(self.s, g, c)
        self.end()
        if not keep_remains:
            self.free_remains()
        return pending

    def put_pending(self, bytes group, tuple id, bytes consumer, int64_t time, uint64_t count):
        """Whether it is new."""
        cdef StreamGroup* g = self.group(group)
        cdef Pending p
        p.id = id_from(id)
        p.consumer = self.consumer(g, consumer)
        p.time = time
        p.count = count
        self.begin()
        new = pending_put(g, &p)
        self.end()
        return new

    def remove_pending(self, bytes group, tuple id):
        cdef StreamGroup* g = self.group(group)
        self.begin()
        found = pending_remove(g, id_from(id))
        self.end()
        return found

    def find_pending(self, bytes group, tuple id):
        cdef Pending p
        return pending_of(&p) if pending_find(self.group(group), id_from(id), &p) else None

    def edges(self, bytes group):
        """The least and the greatest pending id, or None."""
        cdef StreamId low
        cdef StreamId high
        cdef StreamGroup* g = self.group(group)
        return (pair_of(low), pair_of(high)) if pending_first(g, &low) and pending_last(g, &high) else None

    def pending(self, bytes group, bytes consumer=None, tuple start=(0, 0), removed=()):
        """The pending entries, of a consumer or of all; those of `removed` are taken out as soon as they were returned."""
        cdef StreamGroup* g = self.group(group)
        cdef StreamConsumer* c = self.consumer(g, consumer) if consumer is not None else NULL
        cdef PendingIter it
        found = []
        self.begin()
        pending_iter(&it, g, c, id_from(start))
        while pending_iter_next(&it):
            item = pending_of(&it.pending)
            found.append(item)
            if item[0] in removed:
                pending_remove(g, it.pending.id)
        self.end()
        return found

    @property
    def groups(self):
        """By name: last id, entries read, pending entries, and consumers with theirs and their moments."""
        cdef StreamGroup* g
        cdef StreamConsumer* c
        found = {}
        for i in range(self.s.group_count):
            g = self.s.groups[i]
            consumers = {}
            for j in range(g.count):
                c = g.consumers[j]
                consumers[text_of(consumer_name(c))] = (c.pending.count, c.seen, c.active)
                assert g.by_number[c.number] == c
            found[text_of(group_name(g))] = (pair_of(g.last_id), g.entries_read, g.pending.count, consumers)
        return found

    def advance(self, bytes group, tuple id):
        stream_group_advance(self.s, self.group(group), id_from(id))

    def lag(self, bytes group):
        """Entries still to be delivered, or None."""
        cdef int64_t lag
        return lag if stream_group_lag(self.s, self.group(group), &lag) else None

    def entries_up_to(self, tuple id):
        return stream_entries_up_to(self.s, id_from(id))

    def is_referenced(self, tuple id):
        return stream_is_referenced(self.s, id_from(id))

    def drop_references(self, tuple id):
        self.begin()
        stream_drop_references(self.s, id_from(id))
        self.end()
