# What a reader wants is worked out once, when its command comes: ReadPlan and, behind it, the id of each key ($ and + are ids then). Who
# waits is served from that. All keys are looked at for errors before the first one is read.

from libc.stdint cimport INT64_MAX, int64_t, uint32_t, uint64_t
from zippy._core.ground.id_tree cimport StreamId, stream_id_compare, stream_id_step, stream_id_step_back
from zippy._core.ground.mem cimport mem_free, mem_try_alloc
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_choice, arg_i64, arg_i64_or, arg_in_range, arg_option, check_type, option_table, options_begin,
    reply_out_of_memory, reply_syntax_error
)
from zippy._core.commands.client cimport serve_or_block, want_keys
from zippy._core.commands.engine cimport propagate_nothing
from zippy._core.commands.stream_claim cimport forget_deleted, propagate_claim
from zippy._core.commands.stream_group cimport check_group, consumer_seen, idle_ms, propagate_consumer, propagate_read
from zippy._core.commands.stream_id cimport arg_stream_id, greatest_stream_id, is_sign, least_stream_id, reply_stream_id
from zippy._core.commands.stream_range cimport reply_entries, reply_entry, reply_entry_of, reply_fields
from zippy._core.commands.types cimport CLIENT_RETRY, Wanted
from zippy._core.keyspace.db cimport lookup_peek, lookup_read, open_for_write
from zippy._core.keyspace.effects cimport mutated_aside
from zippy._core.keyspace.types cimport NOTIFY_STREAM
from zippy._core.resp.writer cimport (
    reply_array, reply_bulk, reply_cut, reply_defer, reply_defer_array, reply_defer_map, reply_error, reply_error_about, reply_int,
    reply_null_array
)
from zippy._core.values.entry cimport TYPE_STREAM, Entry
from zippy._core.values.stream cimport (
    Stream, StreamIter, stream_group, stream_group_advance, stream_iter, stream_iter_next, stream_last_entry, stream_of
)
from zippy._core.values.stream_idle cimport pending_earliest, pending_idle
from zippy._core.values.stream_group cimport (
    Pending, PendingIter, StreamConsumer, StreamGroup, pending_iter, pending_iter_next, pending_put
)

cdef enum ReadFlag:
    READ_COUNT = 1 << 0
    READ_BLOCK = 1 << 1
    READ_STREAMS = 1 << 2
    READ_GROUP = 1 << 3
    READ_NOACK = 1 << 4
    READ_CLAIM = 1 << 5

cdef enum:
    FEW_STREAMS = 8              # a plan for so many needs no memory of its own

cdef int64_t FAR_MS = 1_000_000_000_000      # nobody waits for so long

cdef OptionTable READ_OPTIONS = option_table("xread xreadgroup", [
    ("count", READ_COUNT, 0, 1),
    ("block", READ_BLOCK, 0, 1),
    ("streams", READ_STREAMS, 0, 2),
    ("group", READ_GROUP, 0, 2),
    ("noack", READ_NOACK),
    ("claim", READ_CLAIM, 0, 1),
])


cdef struct ReadPlan:
    int group_at                 # in argv: the group's name, and behind it the consumer's; 0: XREAD
    bint no_ack
    int64_t count                # of each stream's entries; -1: all
    int64_t claim_ms             # entries that have been pending for so long come first; -1: none do


cdef struct ReadArguments:
    ReadPlan plan
    bint blocks
    int64_t timeout_us           # 0: for ever
    int first_key                # in argv
    int keys                     # and as many ids behind them


cdef inline StreamId* ids_of(ReadPlan* plan) noexcept nogil:
    return <StreamId*>(plan + 1)


cdef bint arg_block(Engine* e, Client* c, Slice word, int64_t* us) noexcept nogil:
    """Reads a timeout in milliseconds."""
    cdef int64_t ms
    if not arg_i64_or(c, word, &ms, b"ERR timeout is not an integer or out of range"):
        return False
    if ms < 0:
        reply_error(&c.reply, b"ERR timeout is negative")
        return False
    if ms > INT64_MAX - e.ks.clock.ms:
        reply_error(&c.reply, b"ERR timeout is out of range")
        return False
    us[0] = (ms if ms < INT64_MAX // 2000 else INT64_MAX // 2000) * 1000
    return True


cdef void reply_only_for_groups(Client* c, const char* option) noexcept nogil:
    cdef Slice none = Slice(NULL, 0)
    reply_error_about(&c.reply, option, none, b" option is only supported by XREADGROUP. You called XREAD instead.")


cdef bint arg_read_option(Engine* e, Client* c, Options* o, uint32_t option, bint grouped, ReadArguments* a) noexcept nogil:
    if option == READ_COUNT:
        if not arg_i64(c, o.value[0], &a.plan.count):
            return False
        if a.plan.count <= 0:
            a.plan.count = -1
        return True
    if option == READ_BLOCK:
        a.blocks = True
        return arg_block(e, c, o.value[0], &a.timeout_us)
    if not grouped:
        reply_only_for_groups(
            c, b"ERR The GROUP" if option == READ_GROUP else b"ERR The NOACK" if option == READ_NOACK else b"ERR The CLAIM"
        )
        return False
    if option == READ_CLAIM:
        return arg_in_range(c, o.value[0], 0, INT64_MAX, &a.plan.claim_ms, b"ERR min-idle-time must be a positive integer")
    if option == READ_GROUP:
        a.plan.group_at = o.at - 2
    else:
        a.plan.no_ack = True
    return True


cdef bint arg_streams(Client* c, int argc, int at, bint grouped, ReadArguments* a) noexcept nogil:
    """Takes all words from argv[at] on for keys and, as many, ids."""
    if (argc - at) & 1:
        reply_error(
            &c.reply, b"ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified." if grouped
            else b"ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be specified."
        )
        return False
    a.first_key = at
    a.keys = (argc - at) // 2
    return True


cdef bint arg_read(Engine* e, Client* c, int argc, Slice* argv, bint grouped, ReadArguments* a) noexcept nogil:
    cdef Options options
    cdef uint32_t option
    a.plan.group_at = 0
    a.plan.no_ack = False
    a.plan.count = -1
    a.plan.claim_ms = -1
    a.blocks = False
    a.timeout_us = 0
    a.keys = 0
    options_begin(&options, &READ_OPTIONS, argc, argv, 1)
    while options.at < argc:
        if options.at < argc - 1 and arg_choice(&READ_OPTIONS, argv[options.at]) == READ_STREAMS:
            if not arg_streams(c, argc, options.at + 1, grouped, a):
                return False
            break
        option = arg_option(&options)
        if option == 0:
            break
        if not arg_read_option(e, c, &options, option, grouped, a):
            return False
    if a.keys == 0:
        reply_syntax_error(c)
        return False
    if grouped and a.plan.group_at == 0:
        reply_error(&c.reply, b"ERR Missing GROUP option for XREADGROUP")
        return False
    return True


cdef bint check_key(Client* c, const ReadPlan* plan, Slice* argv, Slice key, Entry* entry) noexcept nogil:
    """Whether the key may be read as the plan has it; False: replied with an error."""
    if plan.group_at:
        return check_group(c, key, entry, argv[plan.group_at], b"' in XREADGROUP with GROUP option") != NULL
    return check_type(c, entry, TYPE_STREAM)


cdef bint read_group_id(Client* c, Slice word, StreamId* id) noexcept nogil:
    if is_sign(word, c'>'):
        id[0] = greatest_stream_id()
        return True
    if is_sign(word, c'$'):
        reply_error(
            &c.reply, b"ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by "
            b"specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set."
        )
        return False
    if is_sign(word, c'+'):
        reply_error(
            &c.reply, b"ERR The + ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by "
            b"specifying a proper ID, or use the > ID to get new messages. The + ID would just return an empty result set."
        )
        return False
    return arg_stream_id(c, word, id)


cdef bint read_plain_id(Client* c, Stream* s, Slice word, StreamId* id) noexcept nogil:
    """s: the stream, NULL if it is absent."""
    if is_sign(word, c'$'):
        id[0] = s.last_id if s != NULL else least_stream_id()
        return True
    if is_sign(word, c'+'):
        id[0] = least_stream_id()
        if s != NULL and stream_last_entry(s, id):
            stream_id_step_back(id)
        elif s != NULL:
            id[0] = s.last_id
        return True
    if is_sign(word, c'>'):
        reply_error(&c.reply, b"ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.")
        return False
    return arg_stream_id(c, word, id)


cdef bint make_plan(Client* c, Slice* argv, const ReadArguments* a, ReadPlan* plan) noexcept nogil:
    """Works out the ids; False: replied with an error."""
    cdef StreamId* ids = ids_of(plan)
    cdef Entry* entry
    cdef Slice word
    cdef int i
    plan[0] = a.plan
    for i in range(a.keys):
        entry = lookup_read(c.db, argv[a.first_key + i])
        if not check_key(c, plan, argv, argv[a.first_key + i], entry):
            return False
        word = argv[a.first_key + a.keys + i]
        if plan.group_at:
            if not read_group_id(c, word, &ids[i]):
                return False
        elif not read_plain_id(c, stream_of(entry) if entry != NULL else NULL, word, &ids[i]):
            return False
    return True


cdef void read(Engine* e, Client* c, int argc, Slice* argv, bint grouped) noexcept nogil:
    # the plan takes the place of one id or two
    cdef StreamId[FEW_STREAMS + 2] few
    cdef ReadPlan* plan = <ReadPlan*>few
    cdef ReadArguments a
    cdef Wanted w
    cdef size_t size
    if not arg_read(e, c, argc, argv, grouped, &a):
        return
    size = sizeof(ReadPlan) + <size_t>a.keys * sizeof(StreamId)
    if a.keys > FEW_STREAMS:
        plan = <ReadPlan*>mem_try_alloc(size)
        if plan == NULL:
            reply_out_of_memory(c)
            return
    if make_plan(c, argv, &a, plan):
        want_keys(&w, read_wanted, argv, a.first_key, a.keys, TYPE_STREAM)
        w.removal = grouped
        w.timeout_us = a.timeout_us
        w.state = Slice(<char*>plan, size)
        if a.blocks:
            serve_or_block(e, c, &w)
        elif not read_wanted(e, c, &w):
            reply_null_array(&c.reply)
    if plan != <ReadPlan*>few:
        mem_free(plan)


cdef bint read_wanted(Engine* e, Client* c, const Wanted* w) noexcept nogil:
    cdef ReadPlan* plan = <ReadPlan*>w.state.ptr
    cdef size_t place
    cdef int64_t served = 0
    cdef int i
    if plan.group_at:
        propagate_nothing(e)
    if c.flags & CLIENT_RETRY:
        for i in range(w.first_key, w.first_key + w.key_count):
            if not check_key(c, plan, w.argv, w.argv[i], lookup_read(c.db, w.argv[i])):
                return True
    place = reply_defer(&c.reply)
    for i in range(w.key_count):
        if plan.group_at:
            served += read_for_group(e, c, w, plan, w.argv[w.first_key + i], ids_of(plan)[i])
        else:
            served += read_plainly(c, plan, w.argv[w.first_key + i], ids_of(plan)[i])
    if served == 0:
        if plan.claim_ms >= 0:
            c.block.again_at_us = next_claim(e, c, w, plan)
        return False
    if c.reply.proto == 2:
        reply_defer_array(&c.reply, place, served)
    else:
        reply_defer_map(&c.reply, place, served)
    return True


cdef inline void reply_key(Client* c, Slice key) noexcept nogil:
    if c.reply.proto == 2:
        reply_array(&c.reply, 2)
    reply_bulk(&c.reply, key)


cdef bint read_plainly(Client* c, const ReadPlan* plan, Slice key, StreamId after) noexcept nogil:
    """Replies with what comes behind an id; False: nothing does."""
    cdef Entry* entry = lookup_read(c.db, key)
    cdef StreamId last
    if entry == NULL or not stream_last_entry(stream_of(entry), &last) or stream_id_compare(last, after) <= 0:
        return False
    stream_id_step(&after)
    reply_key(c, key)
    reply_entries(&c.reply, stream_of(entry), after, last, False, plan.count)
    return True


cdef bint read_for_group(Engine* e, Client* c, const Wanted* w, const ReadPlan* plan, Slice key, StreamId after) noexcept nogil:
    """Replies with what is new to the group, or with what is pending for the consumer; False: nothing is new."""
    cdef Entry* entry = open_for_write(c.db, key)
    cdef Stream* s
    cdef StreamGroup* group
    cdef StreamConsumer* consumer
    cdef StreamId last
    cdef bint fresh
    cdef bint history
    cdef bint new
    cdef size_t place = reply_defer(&c.reply)
    if entry == NULL:
        return False
    s = stream_of(entry)
    group = stream_group(s, w.argv[plan.group_at])
    consumer = consumer_seen(e, c, key, group, w.argv[plan.group_at + 1], &fresh)
    new = stream_last_entry(s, &last) and stream_id_compare(last, group.last_id) > 0
    history = stream_id_compare(after, greatest_stream_id()) != 0
    if fresh and (plan.no_ack or history or not new):
        propagate_consumer(e, c, key, group, consumer)
    if not history and not new and plan.claim_ms < 0:
        return False
    reply_key(c, key)
    if history:
        stream_id_step(&after)
        reply_history(e, c, s, group, consumer, after, plan.count)
    elif not deliver(e, c, plan, key, s, group, consumer, new):
        reply_cut(&c.reply, place)
        return False
    return True


cdef bint deliver(
    Engine* e, Client* c, const ReadPlan* plan, Slice key, Stream* s, StreamGroup* group, StreamConsumer* consumer, bint new
) noexcept nogil:
    """Replies with what others left pending for too long, and then with what is new to the group; False: there is nothing."""
    cdef size_t place = reply_defer(&c.reply)
    cdef int64_t told = 0
    if plan.claim_ms >= 0:
        told = claim_idle(e, c, plan, key, s, group, consumer)
    if new and told != plan.count:
        told += deliver_new(e, c, plan, key, s, group, consumer, plan.count - told if plan.count > 0 else -1)
    reply_defer_array(&c.reply, place, told)
    return told != 0


cdef int64_t deliver_new(
    Engine* e, Client* c, const ReadPlan* plan, Slice key, Stream* s, StreamGroup* group, StreamConsumer* consumer, int64_t count
) noexcept nogil:
    """Replies with what is new to the group; from now on it is pending for the consumer. Told to others as XCLAIM for each entry and, with
    NOACK alone, XGROUP SETID. How many."""
    cdef StreamIter it
    cdef StreamId start = group.last_id
    cdef int64_t told = 0
    cdef Pending p
    stream_id_step(&start)
    stream_iter(&it, s, start, greatest_stream_id(), False)
    p.consumer = consumer
    p.time = e.ks.clock.ms
    p.count = 1
    while told != count and stream_iter_next(&it):
        reply_delivered(c, &it, plan.claim_ms >= 0, 0, 0)
        stream_group_advance(s, group, it.id)
        if not plan.no_ack:
            p.id = it.id
            pending_put(group, &p)
            consumer.active = e.ks.clock.ms
            propagate_claim(e, c, key, group, &p)
        told += 1
    propagate_read(e, c, key, group)
    mutated_aside(c.db, key, NOTIFY_STREAM, NULL, 1)
    return told


cdef void reply_delivered(Client* c, StreamIter* it, bint claiming, int64_t idle, uint64_t count) noexcept nogil:
    """The entry at hand; to who claims with the time since its last delivery and how often it was delivered before."""
    cdef StreamId id = it.id
    if not claiming:
        reply_entry(&c.reply, it)
        return
    reply_array(&c.reply, 4)
    reply_stream_id(&c.reply, id)
    reply_fields(&c.reply, it)
    reply_int(&c.reply, idle)
    reply_int(&c.reply, <int64_t>count)


cdef int64_t claim_idle(
    Engine* e, Client* c, const ReadPlan* plan, Slice key, Stream* s, StreamGroup* group, StreamConsumer* consumer
) noexcept nogil:
    """Replies with the entries that have been pending for longest, and gives them to the consumer. Told to others as XCLAIM. How many."""
    cdef uint64_t room = group.pending.count
    cdef uint64_t found
    cdef uint64_t i
    cdef int64_t told = 0
    cdef Pending* idle
    if plan.count > 0 and <uint64_t>plan.count < room:
        room = <uint64_t>plan.count
    if room == 0 or plan.claim_ms > e.ks.clock.ms:
        return 0
    idle = <Pending*>mem_try_alloc(room * sizeof(Pending))
    if idle == NULL:
        c.reply.out.failed = True
        return 0
    found = pending_idle(group, e.ks.clock.ms - plan.claim_ms, idle, room)
    for i in range(found):
        told += claim_one(e, c, key, s, group, consumer, &idle[i])
    mem_free(idle)
    return told


cdef bint claim_one(
    Engine* e, Client* c, Slice key, Stream* s, StreamGroup* group, StreamConsumer* consumer, Pending* p
) noexcept nogil:
    """False: it is no longer in the stream, and is forgotten."""
    cdef StreamIter it
    stream_iter(&it, s, p.id, p.id, False)
    if not stream_iter_next(&it):
        forget_deleted(e, c, key, group, p)
        return False
    reply_delivered(c, &it, True, idle_ms(e, p.time), p.count)
    p.consumer = consumer
    p.time = e.ks.clock.ms
    p.count += 1
    pending_put(group, p)
    consumer.active = e.ks.clock.ms
    propagate_claim(e, c, key, group, p)
    mutated_aside(c.db, key, NOTIFY_STREAM, NULL, 1)
    return True


cdef int64_t next_claim(Engine* e, Client* c, const Wanted* w, const ReadPlan* plan) noexcept nogil:
    """When an entry will have been pending for long enough (monotonic clock, us), at the latest if nothing is pending now."""
    cdef int64_t wait = plan.claim_ms
    cdef int64_t left
    cdef Entry* entry
    cdef int i
    if wait > FAR_MS:
        return 0
    for i in range(w.first_key, w.first_key + w.key_count):
        entry = lookup_peek(c.db, w.argv[i])
        if entry == NULL:
            continue
        left = pending_earliest(stream_group(stream_of(entry), w.argv[plan.group_at]))
        if left != INT64_MAX:
            left += plan.claim_ms - e.ks.clock.ms
            wait = min(wait, left)
    return e.ks.clock.mono_us + (wait if wait > 0 else 1) * 1000


cdef void reply_history(
    Engine* e, Client* c, Stream* s, StreamGroup* group, StreamConsumer* consumer, StreamId start, int64_t count
) noexcept nogil:
    """Replies with what is pending for the consumer, and counts that as a delivery; nobody else is told of it, as in Redis. A deleted entry
    has no fields."""
    cdef PendingIter it
    cdef size_t place = reply_defer(&c.reply)
    cdef int64_t told = 0
    pending_iter(&it, group, consumer, start)
    while told != count and pending_iter_next(&it):
        if reply_entry_of(&c.reply, s, it.pending.id):
            it.pending.time = e.ks.clock.ms
            it.pending.count += 1
            pending_put(group, &it.pending)
        else:
            reply_array(&c.reply, 2)
            reply_stream_id(&c.reply, it.pending.id)
            reply_null_array(&c.reply)
        told += 1
    reply_defer_array(&c.reply, place, told)


cdef void xread_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]."""
    read(e, c, argc, argv, False)


cdef void xreadgroup_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [CLAIM min-idle-time] [NOACK] STREAMS key [key ...] id [id ...].
    Propagates XCLAIM for each entry that it delivers or claims, and XGROUP SETID."""
    read(e, c, argc, argv, True)
