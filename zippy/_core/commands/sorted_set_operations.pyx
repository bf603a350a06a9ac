"""The result is always built as a tree of its own, which the STORE commands put under the key and the others reply and free. (A
listpack would lose the sign of a zero.) It is put in order once, when all members are there and have their scores.

Inputs are read a window of members at a time, so that the places in the tables where a window's members are looked up are fetched together.
"""

from libc.math cimport isnan
from libc.stdint cimport INT64_MAX, int64_t, uint32_t, uint64_t
from libc.stdlib cimport qsort
from libc.string cimport memcpy, strlen
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.hashtable cimport Bucket, HashTable, ht_find_hashed, ht_prefetch, ht_prefetch_item, ht_reserve
from zippy._core.ground.mem cimport mem_free, mem_try_alloc
from zippy._core.ground.number cimport num_read_double
from zippy._core.ground.ordered_item cimport OtItem
from zippy._core.ground.slice cimport Slice, slice_of
from zippy._core.commands.args cimport (
    EACH_KEY, OptionTable, Options, arg_choice, arg_i64, arg_in_range, arg_option, option_table, options_begin,
    reply_out_of_memory, reply_syntax_error, reply_wrong_type
)
from zippy._core.commands.growth cimport Growth, growth_begin, growth_takes
from zippy._core.commands.sorted_set_range cimport reply_member, reply_members_header
from zippy._core.commands.types cimport Client, Engine
from zippy._core.keyspace.db cimport delete_key, lookup_read, open_for_write, put_over
from zippy._core.keyspace.lazy_free cimport free_entry
from zippy._core.keyspace.effects cimport mutated
from zippy._core.keyspace.types cimport NOTIFY_GENERIC, NOTIFY_ZSET
from zippy._core.resp.writer cimport reply_error, reply_error_about, reply_int
from zippy._core.values.entry cimport TYPE_SET, TYPE_ZSET, Entry, entry_type
from zippy._core.values.set cimport (
    SET_TEXT, SetIter, set_contains, set_iter, set_iter_done, set_iter_next, set_length, set_table, set_text
)
from zippy._core.values.zset cimport (
    ZSetIter, zset_append, zset_find_score, zset_iter, zset_iter_next, zset_length, zset_new_tree, zset_order, zset_score, zset_table,
    zset_try_listpack
)

cdef enum Aggregate:
    AGGREGATE_SUM = 1
    AGGREGATE_MIN = 2
    AGGREGATE_MAX = 3

cdef enum:
    MEMBER = 48              # bytes, about, of a member beside its text
    PLACE = 9                # bytes, about, of a member in a table
    WINDOW = 16              # members that are looked up together

cdef enum OperationFlag:
    OPERATION_WEIGHTS = 1
    OPERATION_AGGREGATE = 2
    OPERATION_WITHSCORES = 4
    OPERATION_LIMIT = 8

cdef OptionTable READ_OPTIONS = option_table("zunion zinter", [
    ("weights", OPERATION_WEIGHTS, 0, EACH_KEY),
    ("aggregate", OPERATION_AGGREGATE, 0, 1),
    ("withscores", OPERATION_WITHSCORES),
])
cdef OptionTable STORE_OPTIONS = option_table("zunionstore zinterstore", [
    ("weights", OPERATION_WEIGHTS, 0, EACH_KEY),
    ("aggregate", OPERATION_AGGREGATE, 0, 1),
])
cdef OptionTable AGGREGATE_WORDS = option_table("zunion zinter zunionstore zinterstore", [
    ("sum", AGGREGATE_SUM),
    ("min", AGGREGATE_MIN),
    ("max", AGGREGATE_MAX),
])
cdef OptionTable ZDIFF_OPTIONS = option_table("zdiff", [("withscores", OPERATION_WITHSCORES)])
cdef OptionTable ZDIFFSTORE_OPTIONS = option_table("zdiffstore", [])
cdef OptionTable ZINTERCARD_OPTIONS = option_table("zintercard", [("limit", OPERATION_LIMIT, 0, 1)])


cdef struct Source:
    # an input. Of 32 bytes: qsort makes a detour with more
    Entry* entry             # NULL: absent
    double weight
    uint64_t length
    int place                # among the command's keys
    bint plain               # a set


cdef struct SourceIter:
    bint plain               # a set
    SetIter members
    ZSetIter pairs


cdef struct Scored:
    # a member of an input
    Slice member             # borrowed from the input, or of scratch
    double score
    uint64_t hash
    bint dropped             # it won't be in the result
    char[SET_TEXT] scratch   # of one that the input holds as an integer


cdef struct Window:
    int count
    Scored[WINDOW] scored


cdef struct Operation:
    Engine* engine
    Client* client
    const char* name         # the command's, for errors and as the event
    Source* sources          # owned
    int count
    uint32_t aggregate       # an Aggregate
    bint with_scores
    int64_t limit            # 0: none
    Growth growth            # of the result: where it failed the rest is left out


ctypedef void (*combine_fn)(Operation* o, Entry* result) noexcept nogil


# ---- inputs


cdef HashTable* source_table(const Source* source) noexcept nogil:
    """Of its members; NULL: it is absent, or no table."""
    if source.entry == NULL:
        return NULL
    return set_table(source.entry) if source.plain else zset_table(source.entry)


cdef bint source_score(const Source* source, HashTable* table, const Scored* scored, double* score) noexcept nogil:
    """The table is source_table's. False: the member isn't there."""
    cdef void* item
    score[0] = 1
    if table != NULL:
        item = ht_find_hashed(table, scored.member, scored.hash)
        if item != NULL and not source.plain:
            score[0] = (<OtItem*>item).score
        return item != NULL
    if source.entry == NULL:
        return False
    return set_contains(source.entry, scored.member) if source.plain else zset_score(source.entry, scored.member, score)


cdef void source_iter(SourceIter* it, const Source* source) noexcept nogil:
    """Ends with source_iter_done; the source is not absent."""
    it.plain = source.plain
    if it.plain:
        set_iter(&it.members, source.entry)
    else:
        zset_iter(&it.pairs, source.entry, 0, False)


cdef bint source_iter_next(SourceIter* it, Scored* scored) noexcept nogil:
    if it.plain:
        if not set_iter_next(&it.members):
            return False
        scored.member = set_text(&it.members.member, scored.scratch)
        scored.score = 1
        return True
    if not zset_iter_next(&it.pairs):
        return False
    scored.member = it.pairs.member
    scored.score = it.pairs.score
    if scored.member.ptr == it.pairs.scratch:
        memcpy(scored.scratch, it.pairs.scratch, scored.member.len)
        scored.member.ptr = scored.scratch
    return True


cdef bint source_iter_window(SourceIter* it, Window* w) noexcept nogil:
    """The next members; False at the end."""
    cdef Scored* scored
    w.count = 0
    while w.count < WINDOW and source_iter_next(it, &w.scored[w.count]):
        scored = &w.scored[w.count]
        scored.hash = hash_bytes(scored.member.ptr, scored.member.len)
        scored.dropped = False
        w.count += 1
    return w.count > 0


cdef void source_iter_done(SourceIter* it) noexcept nogil:
    if it.plain:
        set_iter_done(&it.members)


cdef void fetch_places(HashTable* table, const Window* w) noexcept nogil:
    """Begins to read where the window's members are in a table, or would be; the table may be NULL."""
    cdef const Bucket* homes[WINDOW]
    cdef int i
    if table == NULL or table.count == 0:
        return
    for i in range(w.count):
        homes[i] = ht_prefetch(table, w.scored[i].hash)
    for i in range(w.count):
        ht_prefetch_item(homes[i], w.scored[i].hash)


cdef int shorter_first(const void* a, const void* b) noexcept nogil:
    cdef const Source* first = <const Source*>a
    cdef const Source* second = <const Source*>b
    if first.length != second.length:
        return -1 if first.length < second.length else 1
    return first.place - second.place


# ---- arguments


cdef bint find_sources(Operation* o, const Slice* keys) noexcept nogil:
    """Finds the inputs; False: a key holds something else, which was replied."""
    cdef Source* source
    cdef int i
    for i in range(o.count):
        source = &o.sources[i]
        source.place = i
        source.weight = 1
        source.length = 0
        source.entry = lookup_read(o.client.db, keys[i])
        source.plain = False
        if source.entry == NULL:
            continue
        if entry_type(source.entry) == TYPE_ZSET:
            source.length = zset_length(source.entry)
        elif entry_type(source.entry) == TYPE_SET:
            source.plain = True
            source.length = set_length(source.entry)
        else:
            reply_wrong_type(o.client)
            return False
    return True


cdef bint parse_weights(Operation* o, const Slice* words) noexcept nogil:
    cdef int i
    for i in range(o.count):
        if not num_read_double(words[i], &o.sources[i].weight):
            reply_error(&o.client.reply, b"ERR weight value is not a float")
            return False
    return True


cdef bint parse(Operation* o, const OptionTable* table, int argc, const Slice* argv, int at) noexcept nogil:
    cdef Options options
    cdef uint32_t option
    options_begin(&options, table, argc, argv, at)
    options.keys = o.count
    while options.at < argc:
        option = arg_option(&options)
        if option == OPERATION_WEIGHTS and not parse_weights(o, options.value):
            return False
        if option == OPERATION_AGGREGATE:
            o.aggregate = arg_choice(&AGGREGATE_WORDS, options.value[0])
        if option == 0 or o.aggregate == 0:
            reply_syntax_error(o.client)
            return False
        if option == OPERATION_LIMIT:
            if not arg_in_range(o.client, options.value[0], 0, INT64_MAX, &o.limit, b"ERR LIMIT can't be negative"):
                return False
    o.with_scores = (options.flags & OPERATION_WITHSCORES) != 0
    return True


cdef bint begin(
    Operation* o, Engine* e, Client* c, int argc, const Slice* argv, int at, const char* name, const OptionTable* table
) noexcept nogil:
    """Reads the arguments from the number of keys at argv[at] on; True: o.sources is to be freed. False: replied with an error."""
    cdef int64_t keys
    o.engine = e
    o.client = c
    o.name = name
    o.aggregate = AGGREGATE_SUM
    o.with_scores = False
    o.limit = 0
    growth_begin(&o.growth)
    if not arg_i64(c, argv[at], &keys):
        return False
    if keys < 1:
        reply_error_about(&c.reply, b"ERR at least 1 input key is needed for '", slice_of(name, strlen(name)), b"' command")
        return False
    if keys > argc - at - 1:
        reply_syntax_error(c)
        return False
    o.count = <int>keys
    o.sources = <Source*>mem_try_alloc(o.count * sizeof(Source))
    if o.sources == NULL:
        reply_out_of_memory(c)
        return False
    if find_sources(o, argv + at + 1) and parse(o, table, argc, argv, at + 1 + o.count):
        return True
    mem_free(o.sources)
    return False


# ---- combining


cdef inline double weighed(double score, double weight) noexcept nogil:
    """An infinite score with a weight of 0 counts as 0."""
    cdef double product = score * weight
    return 0 if isnan(product) else product


cdef double aggregated(double a, double b, uint32_t aggregate) noexcept nogil:
    cdef double sum
    if aggregate == AGGREGATE_SUM:
        # inf and -inf make 0
        sum = a + b
        return 0 if isnan(sum) else sum
    if aggregate == AGGREGATE_MIN:
        return b if b < a else a
    return b if b > a else a


cdef inline void put(Operation* o, Entry* result, const Scored* scored, double score) noexcept nogil:
    """A member that is absent."""
    if growth_takes(&o.growth, scored.member.len + MEMBER):
        zset_append(result, scored.member, scored.hash, score)


cdef inline void unite_one(Operation* o, Entry* result, const Scored* scored, double weight) noexcept nogil:
    cdef double score = weighed(scored.score, weight)
    cdef double* present = zset_find_score(result, scored.member, scored.hash)
    if present != NULL:
        present[0] = aggregated(present[0], score, o.aggregate)
    else:
        put(o, result, scored, score)


cdef void unite(Operation* o, Entry* result) noexcept nogil:
    cdef HashTable* table = zset_table(result)
    cdef SourceIter it
    cdef Window w
    cdef int i, j
    # sums of floats depend on their order: Redis goes from the smallest input to the largest
    qsort(o.sources, o.count, sizeof(Source), shorter_first)
    # no member of the largest is left out
    if growth_takes(&o.growth, o.sources[o.count - 1].length * PLACE):
        ht_reserve(table, o.sources[o.count - 1].length)
    for i in range(o.count):
        if o.sources[i].entry == NULL:
            continue
        source_iter(&it, &o.sources[i])
        while source_iter_window(&it, &w):
            fetch_places(table, &w)
            for j in range(w.count):
                unite_one(o, result, &w.scored[j], o.sources[i].weight)
        source_iter_done(&it)


cdef void keep_common(Operation* o, const Source* source, Window* w) noexcept nogil:
    """Drops what is not in this input too; the scores of the others become the aggregates."""
    cdef HashTable* table = source_table(source)
    cdef Scored* scored
    cdef double other
    cdef int i
    fetch_places(table, w)
    for i in range(w.count):
        scored = &w.scored[i]
        if scored.dropped:
            continue
        scored.dropped = not source_score(source, table, scored, &other)
        if not scored.dropped:
            # unlike a union's and the first input's, a product that is not a number is no 0 here
            scored.score = aggregated(scored.score, other * source.weight, o.aggregate)


cdef bint next_common(Operation* o, SourceIter* it, Window* w) noexcept nogil:
    """The next members of the first input, what is not in all others dropped; False at the end."""
    cdef int i
    if not source_iter_window(it, w):
        return False
    for i in range(w.count):
        w.scored[i].score = weighed(w.scored[i].score, o.sources[0].weight)
    for i in range(1, o.count):
        keep_common(o, &o.sources[i], w)
    return True


cdef void intersect(Operation* o, Entry* result) noexcept nogil:
    cdef SourceIter it
    cdef Window w
    cdef int i
    qsort(o.sources, o.count, sizeof(Source), shorter_first)
    if o.sources[0].entry == NULL:
        return
    source_iter(&it, &o.sources[0])
    while next_common(o, &it, &w):
        for i in range(w.count):
            if not w.scored[i].dropped:
                put(o, result, &w.scored[i], w.scored[i].score)
    source_iter_done(&it)


cdef int64_t intersection_length(Operation* o) noexcept nogil:
    cdef SourceIter it
    cdef Window w
    cdef int64_t count = 0
    cdef int i
    qsort(o.sources, o.count, sizeof(Source), shorter_first)
    if o.sources[0].entry == NULL:
        return 0
    source_iter(&it, &o.sources[0])
    while (o.limit == 0 or count < o.limit) and next_common(o, &it, &w):
        for i in range(w.count):
            count += not w.scored[i].dropped
    source_iter_done(&it)
    return min(count, o.limit) if o.limit else count


cdef void drop_common(const Source* source, Window* w) noexcept nogil:
    """Drops what is in this input."""
    cdef HashTable* table = source_table(source)
    cdef double score
    cdef int i
    fetch_places(table, w)
    for i in range(w.count):
        w.scored[i].dropped = w.scored[i].dropped or source_score(source, table, &w.scored[i], &score)


cdef void subtract(Operation* o, Entry* result) noexcept nogil:
    cdef SourceIter it
    cdef Window w
    cdef int i
    if o.sources[0].entry == NULL:
        return
    source_iter(&it, &o.sources[0])
    while source_iter_window(&it, &w):
        for i in range(1, o.count):
            drop_common(&o.sources[i], &w)
        for i in range(w.count):
            if not w.scored[i].dropped:
                put(o, result, &w.scored[i], w.scored[i].score)
    source_iter_done(&it)


# ---- commands


cdef void drop_result(Operation* o, Entry* result) noexcept nogil:
    """Ends an operation that found no memory."""
    free_entry(&o.engine.ks, result)
    mem_free(o.sources)
    reply_out_of_memory(o.client)


cdef void read_result(
    Engine* e, Client* c, int argc, Slice* argv, const char* name, const OptionTable* table, combine_fn combine
) noexcept nogil:
    cdef Operation o
    cdef ZSetIter it
    cdef Entry* result
    if not begin(&o, e, c, argc, argv, 1, name, table):
        return
    result = zset_new_tree(slice_of(b"", 0), 0)
    combine(&o, result)
    if o.growth.failed or not zset_order(result):
        drop_result(&o, result)
        return
    reply_members_header(&c.reply, <int64_t>zset_length(result), o.with_scores)
    zset_iter(&it, result, 0, False)
    while zset_iter_next(&it):
        reply_member(&c.reply, &it, o.with_scores)
    free_entry(&e.ks, result)
    mem_free(o.sources)


cdef void store_result(
    Engine* e, Client* c, int argc, Slice* argv, const char* name, const OptionTable* table, combine_fn combine
) noexcept nogil:
    cdef Operation o
    cdef Entry* result
    cdef int64_t length
    if not begin(&o, e, c, argc, argv, 2, name, table):
        return
    result = zset_new_tree(argv[1], 0)
    combine(&o, result)
    if o.growth.failed or not zset_order(result):
        drop_result(&o, result)
        return
    length = <int64_t>zset_length(result)
    if length:
        zset_try_listpack(result, &e.settings)
        open_for_write(c.db, argv[1])
        put_over(c.db, result)
        mutated(c.db, argv[1], NOTIFY_ZSET, name, 1)
    else:
        free_entry(&e.ks, result)
        if delete_key(c.db, argv[1]):
            mutated(c.db, argv[1], NOTIFY_GENERIC, b"del", 1)
    reply_int(&c.reply, length)
    mem_free(o.sources)


cdef void zunion_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZUNION numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]."""
    read_result(e, c, argc, argv, b"zunion", &READ_OPTIONS, unite)


cdef void zinter_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZINTER numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]."""
    read_result(e, c, argc, argv, b"zinter", &READ_OPTIONS, intersect)


cdef void zdiff_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZDIFF numkeys key [key ...] [WITHSCORES]."""
    read_result(e, c, argc, argv, b"zdiff", &ZDIFF_OPTIONS, subtract)


cdef void zunionstore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX]."""
    store_result(e, c, argc, argv, b"zunionstore", &STORE_OPTIONS, unite)


cdef void zinterstore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX]."""
    store_result(e, c, argc, argv, b"zinterstore", &STORE_OPTIONS, intersect)


cdef void zdiffstore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZDIFFSTORE destination numkeys key [key ...]."""
    store_result(e, c, argc, argv, b"zdiffstore", &ZDIFFSTORE_OPTIONS, subtract)


cdef void zintercard_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """ZINTERCARD numkeys key [key ...] [LIMIT limit]."""
    cdef Operation o
    if begin(&o, e, c, argc, argv, 1, b"zintercard", &ZINTERCARD_OPTIONS):
        reply_int(&c.reply, intersection_length(&o))
        mem_free(o.sources)
