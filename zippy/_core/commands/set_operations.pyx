# Redis chooses between algorithms by sizes, and the choice shows in the order of replies and in the encoding of what is stored; so these
# choose as it does.

from libc.stdint cimport INT64_MAX, int64_t, uint64_t
from libc.stdlib cimport qsort
from zippy._core.ground.listpack cimport LpItem
from zippy._core.ground.mem cimport mem_free, mem_try_alloc
from zippy._core.ground.number cimport num_read_i64
from zippy._core.ground.slice cimport Slice, slice_of
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_in_range, arg_option, check_type, option_table, options_begin, reply_out_of_memory,
    reply_syntax_error
)
from zippy._core.commands.growth cimport Growth, growth_begin, growth_takes
from zippy._core.commands.types cimport Client, Engine
from zippy._core.keyspace.db cimport delete_key, lookup_read, open_for_write, put_over
from zippy._core.keyspace.lazy_free cimport free_entry
from zippy._core.keyspace.effects cimport mutated
from zippy._core.keyspace.types cimport NOTIFY_GENERIC, NOTIFY_SET
from zippy._core.resp.writer cimport reply_bulk, reply_cut, reply_defer, reply_defer_set, reply_error, reply_int, reply_set
from zippy._core.values.entry cimport ENC_INTSET, TYPE_SET, Entry, entry_encoding
from zippy._core.values.set cimport (
    SET_TEXT, SetIter, set_add_item, set_iter, set_iter_done, set_iter_next, set_length, set_new_intset,
    set_new_listpack, set_new_table, set_remove_item, set_text, set_try_intset
)
from zippy._core.values.set_probe cimport SetProbe, probe_contains, probe_free, probe_init

cdef enum:
    MEMBER = 24         # bytes, about, of a member beside its text
    PROBED_SETS = 4     # a union of so many is replied by probing the earlier sets for each member, of more by building it


cdef struct Operands:
    Entry** sets        # NULL for an absent key
    SetProbe* probes    # of each set, in the same block
    int probed          # so many of them are made
    int count
    bint absent         # at least one key is


cdef struct Output:
    # where the members of the result go
    Engine* engine
    Client* client      # replied to, unless into is given
    Entry* into         # a set that takes them, or NULL
    int64_t count       # members so far
    Growth growth       # of `into`: where it failed the rest is left out


# ---- operands and result


cdef bint gather(Client* c, int count, const Slice* keys, Operands* operands) noexcept nogil:
    """Finds the sets; True: to be released. False: an error was replied, as when a key holds something else."""
    cdef int i
    operands.sets = <Entry**>mem_try_alloc(count * (sizeof(Entry*) + sizeof(SetProbe)))
    if operands.sets == NULL:
        reply_out_of_memory(c)
        return False
    operands.probes = <SetProbe*>(operands.sets + count)
    operands.probed = 0
    operands.count = count
    operands.absent = False
    for i in range(count):
        operands.sets[i] = lookup_read(c.db, keys[i])
        if operands.sets[i] == NULL:
            operands.absent = True
        elif not check_type(c, operands.sets[i], TYPE_SET):
            mem_free(operands.sets)
            return False
    return True


cdef void prepare_probes(Operands* operands, uint64_t lookups) noexcept nogil:
    """Each set will be asked for so many members; their order is final."""
    cdef int i
    operands.probed = operands.count
    for i in range(operands.count):
        probe_init(&operands.probes[i], operands.sets[i], lookups)


cdef void release(Operands* operands) noexcept nogil:
    cdef int i
    for i in range(operands.probed):
        probe_free(&operands.probes[i])
    mem_free(operands.sets)


cdef Output output_to(Engine* e, Client* c, Entry* into) noexcept nogil:
    cdef Output output
    output.engine = e
    output.client = c
    output.into = into
    output.count = 0
    growth_begin(&output.growth)
    return output


cdef void add(Output* output, const LpItem* member) noexcept nogil:
    """Adds a member to the set, as long as there is memory."""
    if growth_takes(&output.growth, (member.len if member.ptr != NULL else 0) + MEMBER):
        set_add_item(output.into, &output.engine.settings, member)


cdef inline void put(Output* output, const LpItem* member) noexcept nogil:
    cdef char[SET_TEXT] scratch
    output.count += 1
    if output.into != NULL:
        add(output, member)
    else:
        reply_bulk(&output.client.reply, set_text(member, scratch))


cdef void put_all(Output* output, Entry* entry) noexcept nogil:
    cdef SetIter it
    set_iter(&it, entry)
    while set_iter_next(&it):
        put(output, &it.member)
    set_iter_done(&it)


cdef void store(Engine* e, Client* c, const Output* output, Slice key, const char* event) noexcept nogil:
    """Puts the result under the key, or deletes the key if the result is empty; replies with its length. It goes with "del" even if
    its time was over, as long as nobody has noticed."""
    cdef Entry* result = output.into
    cdef int64_t length = set_length(result)
    if output.growth.failed:
        free_entry(&e.ks, result)
        reply_out_of_memory(c)
        return
    reply_int(&c.reply, length)
    if length:
        open_for_write(c.db, key)
        put_over(c.db, result)
        mutated(c.db, key, NOTIFY_SET, event, 1)
        return
    free_entry(&e.ks, result)
    if delete_key(c.db, key):
        mutated(c.db, key, NOTIFY_GENERIC, b"del", 1)


cdef int shorter_first(const void* a, const void* b) noexcept nogil:
    cdef uint64_t left = set_length((<Entry**>a)[0])
    cdef uint64_t right = set_length((<Entry**>b)[0])
    return <int>(left > right) - <int>(left < right)


cdef int longer_first(const void* a, const void* b) noexcept nogil:
    """Absent ones last."""
    cdef Entry* left = (<Entry**>a)[0]
    cdef Entry* right = (<Entry**>b)[0]
    if left == NULL or right == NULL:
        return <int>(left == NULL) - <int>(right == NULL)
    return shorter_first(b, a)


# ---- intersections


cdef void smallest_first(Operands* operands) noexcept nogil:
    """The set whose members are looked for in all others comes first."""
    qsort(operands.sets, operands.count, sizeof(Entry*), shorter_first)
    prepare_probes(operands, set_length(operands.sets[0]))


cdef inline bint in_all_others(const Operands* operands, const LpItem* member) noexcept nogil:
    cdef int i
    for i in range(1, operands.count):
        if operands.sets[i] != operands.sets[0] and not probe_contains(&operands.probes[i], member):
            return False
    return True


cdef void intersect(Output* output, Operands* operands) noexcept nogil:
    """The members of the first set that are in all others; no set is absent."""
    cdef SetIter it
    set_iter(&it, operands.sets[0])
    while set_iter_next(&it):
        if in_all_others(operands, &it.member):
            put(output, &it.member)
    set_iter_done(&it)


cdef uint64_t intersection_length(Operands* operands, uint64_t limit) noexcept nogil:
    """Counts up to the limit, 0: to the end."""
    cdef SetIter it
    cdef uint64_t count = 0
    set_iter(&it, operands.sets[0])
    while set_iter_next(&it):
        if in_all_others(operands, &it.member):
            count += 1
            if count == limit:
                break
    set_iter_done(&it)
    return count


cdef bint all_integers(Entry* entry) noexcept nogil:
    cdef SetIter it
    cdef bint found = True
    cdef int64_t n
    set_iter(&it, entry)
    while found and set_iter_next(&it):
        found = it.member.ptr == NULL or num_read_i64(slice_of(it.member.ptr, it.member.len), &n)
    set_iter_done(&it)
    return found


cdef void sinter_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SINTER key [key ...]."""
    cdef Operands operands
    cdef Output output = output_to(e, c, NULL)
    cdef size_t place
    if not gather(c, argc - 1, argv + 1, &operands):
        return
    if operands.absent:
        reply_set(&c.reply, 0)
    else:
        smallest_first(&operands)
        place = reply_defer(&c.reply)
        intersect(&output, &operands)
        reply_defer_set(&c.reply, place, output.count)
    release(&operands)


cdef void sinterstore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SINTERSTORE destination key [key ...]."""
    cdef Operands operands
    cdef Output output
    if not gather(c, argc - 2, argv + 2, &operands):
        return
    if operands.absent:
        output = output_to(e, c, set_new_intset(argv[1]))
    else:
        smallest_first(&operands)
        output = output_to(e, c, set_new_intset(argv[1]) if entry_encoding(operands.sets[0]) == ENC_INTSET else set_new_listpack(argv[1]))
        intersect(&output, &operands)
        if all_integers(output.into):
            set_try_intset(output.into, &e.settings)
    store(e, c, &output, argv[1], b"sinterstore")
    release(&operands)


cdef enum SintercardFlag:
    SINTERCARD_LIMIT = 1

cdef OptionTable SINTERCARD_OPTIONS = option_table("sintercard", [("limit", SINTERCARD_LIMIT, 0, 1)])


cdef void sintercard_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SINTERCARD numkeys key [key ...] [LIMIT limit]."""
    cdef Operands operands
    cdef Options options
    cdef int64_t keys
    cdef int64_t limit = 0
    if not arg_in_range(c, argv[1], 1, INT64_MAX, &keys, b"ERR numkeys should be greater than 0"):
        return
    if keys > argc - 2:
        reply_error(&c.reply, b"ERR Number of keys can't be greater than number of args")
        return
    options_begin(&options, &SINTERCARD_OPTIONS, argc, argv, 2 + <int>keys)
    while options.at < argc:
        if arg_option(&options) == 0:
            reply_syntax_error(c)
            return
        if not arg_in_range(c, options.value[0], 0, INT64_MAX, &limit, b"ERR LIMIT can't be negative"):
            return
    if not gather(c, <int>keys, argv + 2, &operands):
        return
    if operands.absent:
        reply_int(&c.reply, 0)
    else:
        smallest_first(&operands)
        reply_int(&c.reply, intersection_length(&operands, limit))
    release(&operands)


# ---- unions


cdef bint in_one_before(const Operands* operands, int count, const LpItem* member) noexcept nogil:
    cdef int i
    for i in range(count):
        if operands.sets[i] != NULL and probe_contains(&operands.probes[i], member):
            return True
    return False


cdef void unite_by_probing(Output* output, Operands* operands) noexcept nogil:
    cdef SetIter it
    cdef uint64_t members = 0
    cdef int i
    for i in range(operands.count):
        members += set_length(operands.sets[i]) if operands.sets[i] != NULL else 0
    prepare_probes(operands, members)
    for i in range(operands.count):
        if operands.sets[i] == NULL:
            continue
        set_iter(&it, operands.sets[i])
        while set_iter_next(&it):
            if not in_one_before(operands, i, &it.member):
                put(output, &it.member)
        set_iter_done(&it)


cdef void unite_into(Output* output, const Operands* operands) noexcept nogil:
    cdef int i
    for i in range(operands.count):
        if operands.sets[i] != NULL:
            put_all(output, operands.sets[i])


cdef void reply_and_free(Output* output) noexcept nogil:
    """Replies with the members of a set that was made for it."""
    cdef Entry* made = output.into
    output.into = NULL
    output.count = 0
    if not output.growth.failed:
        put_all(output, made)
    free_entry(&output.engine.ks, made)


cdef void end_reply(const Output* output, size_t before, size_t place) noexcept nogil:
    """Ends a reply that began at `before`, with its length at `place`."""
    if output.growth.failed:
        reply_cut(&output.client.reply, before)
        reply_out_of_memory(output.client)
    else:
        reply_defer_set(&output.client.reply, place, output.count)


cdef void sunion_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SUNION key [key ...]."""
    cdef Operands operands
    cdef Output output = output_to(e, c, NULL)
    cdef size_t before = c.reply.out.len
    cdef size_t place
    if not gather(c, argc - 1, argv + 1, &operands):
        return
    place = reply_defer(&c.reply)
    if operands.count <= PROBED_SETS:
        unite_by_probing(&output, &operands)
    else:
        output.into = set_new_table(argv[1])
        unite_into(&output, &operands)
        reply_and_free(&output)
    end_reply(&output, before, place)
    release(&operands)


cdef void sunionstore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SUNIONSTORE destination key [key ...]."""
    cdef Operands operands
    cdef Output output
    if not gather(c, argc - 2, argv + 2, &operands):
        return
    output = output_to(e, c, set_new_intset(argv[1]))
    unite_into(&output, &operands)
    store(e, c, &output, argv[1], b"sunionstore")
    release(&operands)


# ---- differences


cdef bint surely_empty(const Operands* operands) noexcept nogil:
    """Nothing to begin with, or the first set is to be taken from itself."""
    cdef int i
    if operands.sets[0] == NULL:
        return True
    for i in range(1, operands.count):
        if operands.sets[i] == operands.sets[0]:
            return True
    return False


cdef bint probing_is_cheaper(const Operands* operands) noexcept nogil:
    """Is looking for each member of the first set in the others less work than removing all their members from a copy?

    As Redis decides, halving the cost of probing since that ends at the first hit: the way shows in the result's encoding.
    """
    cdef uint64_t probes = 0
    cdef uint64_t removals = 0
    cdef int i
    for i in range(operands.count):
        if operands.sets[i] != NULL:
            probes += set_length(operands.sets[0])
            removals += set_length(operands.sets[i])
    return probes // 2 <= removals


cdef void subtract_by_probing(Output* output, Operands* operands) noexcept nogil:
    cdef SetIter it
    cdef int others = 0
    # what is in a large set is met soonest there
    qsort(operands.sets + 1, operands.count - 1, sizeof(Entry*), longer_first)
    while others + 1 < operands.count and operands.sets[others + 1] != NULL:
        others += 1
    operands.count = others + 1
    prepare_probes(operands, set_length(operands.sets[0]))
    set_iter(&it, operands.sets[0])
    while set_iter_next(&it):
        if not in_one_of_others(operands, &it.member):
            put(output, &it.member)
    set_iter_done(&it)


cdef inline bint in_one_of_others(const Operands* operands, const LpItem* member) noexcept nogil:
    cdef int i
    for i in range(1, operands.count):
        if probe_contains(&operands.probes[i], member):
            return True
    return False


cdef void subtract_from_copy(Output* output, const Operands* operands) noexcept nogil:
    cdef SetIter it
    cdef int i
    put_all(output, operands.sets[0])
    for i in range(1, operands.count):
        if operands.sets[i] == NULL or set_length(output.into) == 0:
            continue
        set_iter(&it, operands.sets[i])
        while set_iter_next(&it):
            set_remove_item(output.into, &it.member)
        set_iter_done(&it)


cdef Output subtract_and_reply(Engine* e, Client* c, const Operands* operands) noexcept nogil:
    cdef Slice nameless = slice_of(NULL, 0)
    cdef Entry* rest = set_new_intset(nameless) if entry_encoding(operands.sets[0]) == ENC_INTSET else set_new_table(nameless)
    cdef Output output = output_to(e, c, rest)
    subtract_from_copy(&output, operands)
    reply_and_free(&output)
    return output


cdef void sdiff_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SDIFF key [key ...]."""
    cdef Operands operands
    cdef Output output = output_to(e, c, NULL)
    cdef size_t before = c.reply.out.len
    cdef size_t place
    if not gather(c, argc - 1, argv + 1, &operands):
        return
    place = reply_defer(&c.reply)
    if not surely_empty(&operands):
        if probing_is_cheaper(&operands):
            subtract_by_probing(&output, &operands)
        else:
            output = subtract_and_reply(e, c, &operands)
    end_reply(&output, before, place)
    release(&operands)


cdef void sdiffstore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """SDIFFSTORE destination key [key ...]."""
    cdef Operands operands
    cdef Output output
    if not gather(c, argc - 2, argv + 2, &operands):
        return
    output = output_to(e, c, set_new_intset(argv[1]))
    if not surely_empty(&operands):
        if probing_is_cheaper(&operands):
            subtract_by_probing(&output, &operands)
        else:
            subtract_from_copy(&output, &operands)
    store(e, c, &output, argv[1], b"sdiffstore")
    release(&operands)
