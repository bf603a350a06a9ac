# Times become moments as they are read, and what is propagated is the moment, or the removal of the fields if it has passed. A field whose
# time is over is there still to HEXPIRE and its kin, which can give it more time, as in Redis.

from libc.stdint cimport INT64_MAX, int64_t, uint32_t
from libc.string cimport memcpy
from zippy._core.ground.buf cimport slice_text
from zippy._core.ground.mem cimport mem_free, mem_try_alloc
from zippy._core.ground.number cimport num_read_i64, num_write_i64
from zippy._core.ground.slice cimport slice_of
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_choice, arg_i64, arg_in_range, arg_option, check_type, option_table, options_begin, reply_out_of_memory
)
from zippy._core.commands.engine cimport propagate_instead, propagate_nothing
from zippy._core.commands.hash cimport fields_removed, find_live, opened_or_new
from zippy._core.keyspace.db cimport lookup_read, open_for_write
from zippy._core.keyspace.effects cimport mutated
from zippy._core.keyspace.element_expiry cimport element_is_over, elements_changed, elements_expired, elements_next
from zippy._core.keyspace.types cimport NOTIFY_HASH
from zippy._core.resp.writer cimport reply_array, reply_bulk, reply_error, reply_error_about, reply_int, reply_null
from zippy._core.values.element_expiry cimport LAST_MOMENT
from zippy._core.values.entry cimport ENC_LISTPACK_EX, NO_EXPIRY, TYPE_HASH, Entry, entry_encoding
from zippy._core.values.hash cimport (
    KEEP_EXPIRY, HashPair, hash_find, hash_keep_expiry, hash_make_room, hash_put, hash_remove, hash_set_expiry
)

cdef enum:
    TEXT = 24               # bytes that the text of an integer needs


cdef enum FieldReply:
    # for each field
    NO_FIELD = -2
    NO_TTL = -1
    UNCHANGED = 0           # a condition was against it
    CHANGED = 1
    REMOVED = 2             # its time is over already


cdef enum FieldsWord:
    FIELDS = 1

cdef OptionTable FIELDS_WORDS = option_table(
    "hexpire hpexpire hexpireat hpexpireat httl hpttl hexpiretime hpexpiretime hpersist hgetdel hgetex", [("fields", FIELDS, 0, 2)]
)


cdef enum Condition:
    ONLY_NEW = 1            # NX: only when the field has no expiry
    ONLY_EXISTING = 2       # XX
    ONLY_GREATER = 3        # GT: no expiry counts as infinite
    ONLY_LESS = 4           # LT

cdef OptionTable CONDITIONS = option_table("hexpire hpexpire hexpireat hpexpireat", [
    ("nx", ONLY_NEW),
    ("xx", ONLY_EXISTING),
    ("gt", ONLY_GREATER),
    ("lt", ONLY_LESS),
])


cdef enum Expiry:
    # how a time is given
    EXPIRY_EX = 1           # seconds from now on
    EXPIRY_PX = 2           # ms
    EXPIRY_EXAT = 4         # since the epoch
    EXPIRY_PXAT = 8
    EXPIRY_KEEP = 16        # KEEPTTL
    EXPIRY_PERSIST = 32
    ONLY_ABSENT = 64        # FNX: only if none of the fields is there
    ONLY_PRESENT = 128      # FXX: only if all of them are
    GIVEN_FIELDS = 256
    TIMES = EXPIRY_EX | EXPIRY_PX | EXPIRY_EXAT | EXPIRY_PXAT
    TIME_WORDS = TIMES | EXPIRY_KEEP
    FIELD_WORDS = ONLY_ABSENT | ONLY_PRESENT

cdef OptionTable HGETEX_OPTIONS = option_table("hgetex", [
    ("ex", EXPIRY_EX, 0, 1),
    ("px", EXPIRY_PX, 0, 1),
    ("exat", EXPIRY_EXAT, 0, 1),
    ("pxat", EXPIRY_PXAT, 0, 1),
    ("persist", EXPIRY_PERSIST),
])

cdef OptionTable HSETEX_OPTIONS = option_table("hsetex", [
    ("fnx", ONLY_ABSENT),
    ("fxx", ONLY_PRESENT),
    ("ex", EXPIRY_EX, 0, 1),
    ("px", EXPIRY_PX, 0, 1),
    ("exat", EXPIRY_EXAT, 0, 1),
    ("pxat", EXPIRY_PXAT, 0, 1),
    ("keepttl", EXPIRY_KEEP),
    ("fields", GIVEN_FIELDS, 0, 2),
])


# ---- arguments


cdef bint parse_fields(Client* c, int argc, const Slice* argv, int at, const char* not_positive) noexcept nogil:
    """FIELDS numfields field ... from argv[at] on, to the end; False: replied with an error."""
    cdef int64_t count
    if at >= argc or arg_choice(&FIELDS_WORDS, argv[at]) != FIELDS:
        reply_error(&c.reply, b"ERR Mandatory argument FIELDS is missing or not at the right position")
        return False
    if at + 1 < argc and not arg_in_range(c, argv[at + 1], 1, INT64_MAX, &count, not_positive):
        return False
    if at + 1 >= argc or count != argc - at - 2:
        reply_error(&c.reply, b"ERR The `numfields` parameter must match the number of arguments")
        return False
    return True


cdef bint parse_moment(Engine* e, Client* c, Slice text, uint32_t unit, const char* name, int64_t* when) noexcept nogil:
    """A time as ms since the epoch; unit: one of TIMES. False: replied with an error."""
    cdef int64_t base = e.ks.clock.ms if unit & (EXPIRY_EX | EXPIRY_PX) else 0
    if not arg_i64(c, text, when):
        return False
    if when[0] < 0:
        reply_error(&c.reply, b"ERR invalid expire time, must be >= 0")
        return False
    if unit & (EXPIRY_EX | EXPIRY_EXAT):
        when[0] = when[0] * 1000 if when[0] <= LAST_MOMENT // 1000 else INT64_MAX
    if when[0] > LAST_MOMENT - base:
        reply_error_about(&c.reply, b"ERR invalid expire time in '", slice_text(name), b"' command")
        return False
    when[0] += base
    return True


cdef inline bint has_passed(Engine* e, int64_t when) noexcept nogil:
    """Whether fields that expire then are to be removed at once. What is loaded, or comes from a master, tells itself when they go."""
    return when <= e.ks.clock.ms and not e.ks.loading and not e.ks.replica


cdef void propagate_fields(
    Engine* e, Client* c, int words, const Slice* head, Slice key, int count, const Slice* fields, bint counted
) noexcept nogil:
    """head[0] key head[1] ... of so many words, then the fields: counted, they are FIELDS numfields field ..."""
    cdef Slice* request
    cdef char[TEXT] number
    cdef int at = words + 1
    if not e.ks.effects.recording:
        propagate_nothing(e)
        return
    request = <Slice*>mem_try_alloc((words + count + 3) * sizeof(Slice))
    if request == NULL:
        e.ks.effects.stream.failed = True
        return
    request[0] = head[0]
    request[1] = key
    memcpy(request + 2, head + 1, (words - 1) * sizeof(Slice))
    if counted:
        request[at] = slice_text(b"FIELDS")
        request[at + 1] = slice_of(number, num_write_i64(number, count))
        at += 2
    memcpy(request + at, fields, count * sizeof(Slice))
    propagate_instead(e, c, at + count, request)
    mem_free(request)


cdef void propagate_removal(Engine* e, Client* c, Slice key, int count, const Slice* fields) noexcept nogil:
    """As HDEL, which older servers know too."""
    cdef Slice[1] head = [slice_text(b"HDEL")]
    propagate_fields(e, c, 1, head, key, count, fields, False)


cdef void propagate_moment(Engine* e, Client* c, Slice key, int64_t when, int count, const Slice* fields) noexcept nogil:
    cdef char[TEXT] number
    cdef Slice[2] head = [slice_text(b"HPEXPIREAT"), slice_of(number, num_write_i64(number, when))]
    propagate_fields(e, c, 2, head, key, count, fields, True)


# ---- HEXPIRE and its kin


cdef bint condition_holds(uint32_t condition, int64_t current, int64_t when) noexcept nogil:
    if condition == ONLY_NEW:
        return current == NO_EXPIRY
    if condition == ONLY_EXISTING:
        return current != NO_EXPIRY
    if condition == ONLY_GREATER:
        return current != NO_EXPIRY and when > current
    return condition != ONLY_LESS or current == NO_EXPIRY or when < current


cdef int set_field_expiry(Entry* entry, Slice field, uint32_t condition, int64_t when, bint passed) noexcept nogil:
    """A FieldReply."""
    cdef HashPair pair
    if not hash_find(entry, field, &pair):
        return NO_FIELD
    if not condition_holds(condition, pair.expiry, when):
        return UNCHANGED
    if passed:
        hash_remove(entry, field)
        return REMOVED
    hash_set_expiry(entry, field, when)
    return CHANGED


cdef void reply_no_fields(Client* c, int count) noexcept nogil:
    """The key is absent."""
    cdef int _
    reply_array(&c.reply, count)
    for _ in range(count):
        reply_int(&c.reply, NO_FIELD)


cdef void tell_expiry(
    Engine* e, Client* c, Slice key, Entry* entry, int64_t before, int64_t when, int changed, const Slice* fields, bint passed
) noexcept nogil:
    """After so many fields, moved to the beginning of `fields`, got an expiry; passed: or were removed as it is over."""
    if changed == 0:
        return
    if passed:
        propagate_removal(e, c, key, changed, fields)
        fields_removed(c, key, entry, changed, before)
        return
    propagate_moment(e, c, key, when, changed, fields)
    elements_changed(c.db, entry, before)
    mutated(c.db, key, NOTIFY_HASH, b"hexpire", changed)


cdef void set_expiry(Engine* e, Client* c, int argc, Slice* argv, uint32_t unit, const char* name) noexcept nogil:
    """HEXPIRE and its kin: unit is one of TIMES."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef uint32_t condition
    cdef int64_t when
    cdef int64_t before
    cdef Slice* fields
    cdef int outcome
    cdef int changed = 0
    cdef int at
    cdef int i
    if not check_type(c, entry, TYPE_HASH) or not parse_moment(e, c, argv[2], unit, name, &when):
        return
    condition = arg_choice(&CONDITIONS, argv[3])
    at = 4 if condition else 3
    if not parse_fields(c, argc, argv, at, b"ERR Parameter `numFields` should be greater than 0"):
        return
    if entry == NULL:
        reply_no_fields(c, argc - at - 2)
        return
    fields = <Slice*>mem_try_alloc((argc - at - 2) * sizeof(Slice))
    if fields == NULL:
        reply_out_of_memory(c)
        return
    before = elements_next(entry)
    # as Redis does, whether a field gets an expiry or not
    hash_keep_expiry(entry)
    reply_array(&c.reply, argc - at - 2)
    for i in range(at + 2, argc):
        outcome = set_field_expiry(entry, argv[i], condition, when, has_passed(e, when))
        if outcome >= CHANGED:
            fields[changed] = argv[i]
            changed += 1
        reply_int(&c.reply, outcome)
    tell_expiry(e, c, argv[1], entry, before, when, changed, fields, has_passed(e, when))
    mem_free(fields)


cdef void hexpire_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]. Propagates HPEXPIREAT with the moment and the fields that
    got it, or HDEL if that has passed."""
    set_expiry(e, c, argc, argv, EXPIRY_EX, b"hexpire")


cdef void hpexpire_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]. Propagates as HEXPIRE."""
    set_expiry(e, c, argc, argv, EXPIRY_PX, b"hpexpire")


cdef void hexpireat_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]. Propagates as HEXPIRE."""
    set_expiry(e, c, argc, argv, EXPIRY_EXAT, b"hexpireat")


cdef void hpexpireat_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]. Propagates as HEXPIRE."""
    set_expiry(e, c, argc, argv, EXPIRY_PXAT, b"hpexpireat")


# ---- asking


cdef int64_t told_expiry(Engine* e, const Entry* entry, const HashPair* pair, bint left, bint seconds) noexcept nogil:
    """The time left of a field that is there, or the moment; a begun second counts."""
    cdef int64_t ms = pair.expiry
    # in its last millisecond a field of a listpack has no time left, as in Redis, but can still be read
    cdef int64_t over = e.ks.clock.ms + (entry_encoding(entry) == ENC_LISTPACK_EX)
    if ms == NO_EXPIRY:
        return NO_TTL
    if ms < over and not e.ks.loading:
        return NO_FIELD
    if left:
        ms -= e.ks.clock.ms
    return (ms + 999) // 1000 if seconds else ms


cdef void reply_expiries(Engine* e, Client* c, int argc, Slice* argv, bint left, bint seconds) noexcept nogil:
    """HTTL and its kin."""
    cdef Entry* entry = lookup_read(c.db, argv[1])
    cdef HashPair pair
    cdef int i
    if not check_type(c, entry, TYPE_HASH):
        return
    if not parse_fields(c, argc, argv, 2, b"ERR Number of fields must be a positive integer"):
        return
    reply_array(&c.reply, argc - 4)
    for i in range(4, argc):
        if entry != NULL and hash_find(entry, argv[i], &pair):
            reply_int(&c.reply, told_expiry(e, entry, &pair, left, seconds))
        else:
            reply_int(&c.reply, NO_FIELD)


cdef void httl_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HTTL key FIELDS numfields field [field ...]."""
    reply_expiries(e, c, argc, argv, True, True)


cdef void hpttl_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HPTTL key FIELDS numfields field [field ...]."""
    reply_expiries(e, c, argc, argv, True, False)


cdef void hexpiretime_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HEXPIRETIME key FIELDS numfields field [field ...]."""
    reply_expiries(e, c, argc, argv, False, True)


cdef void hpexpiretime_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HPEXPIRETIME key FIELDS numfields field [field ...]."""
    reply_expiries(e, c, argc, argv, False, False)


cdef int persist_field(Client* c, Entry* entry, Slice field) noexcept nogil:
    """A FieldReply."""
    cdef HashPair pair
    if not hash_find(entry, field, &pair) or element_is_over(c.db, pair.expiry):
        return NO_FIELD
    if pair.expiry == NO_EXPIRY:
        return NO_TTL
    hash_set_expiry(entry, field, NO_EXPIRY)
    return CHANGED


cdef void hpersist_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HPERSIST key FIELDS numfields field [field ...]."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef int64_t before = elements_next(entry)
    cdef bint persisted = False
    cdef int outcome
    cdef int i
    if not check_type(c, entry, TYPE_HASH):
        return
    if not parse_fields(c, argc, argv, 2, b"ERR Number of fields must be a positive integer"):
        return
    reply_array(&c.reply, argc - 4)
    for i in range(4, argc):
        outcome = persist_field(c, entry, argv[i]) if entry != NULL else <int>NO_FIELD
        persisted = persisted or outcome == CHANGED
        reply_int(&c.reply, outcome)
    if persisted:
        elements_changed(c.db, entry, before)
        # one change however many there are, as in Redis
        mutated(c.db, argv[1], NOTIFY_HASH, b"hpersist", 1)


# ---- reading and removing, or with another expiry


cdef void hgetdel_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HGETDEL key FIELDS numfields field [field ...]. Propagates HDEL, which older servers know too."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef HashPair pair
    cdef int64_t before
    cdef int64_t removed = 0
    cdef int expired = 0
    cdef int i
    if not check_type(c, entry, TYPE_HASH):
        return
    if not parse_fields(c, argc, argv, 2, b"ERR Number of fields must be a positive integer"):
        return
    reply_array(&c.reply, argc - 4)
    for i in range(4, argc):
        if not find_live(c, entry, argv[i], &pair, &expired):
            reply_null(&c.reply)
            continue
        reply_bulk(&c.reply, pair.value)
        before = elements_next(entry)
        hash_remove(entry, argv[i])
        elements_changed(c.db, entry, before)
        removed += 1
    if removed:
        if expired:
            mutated(c.db, argv[1], NOTIFY_HASH, b"hexpired", 0)
        propagate_removal(e, c, argv[1], argc - 4, argv + 4)
        fields_removed(c, argv[1], entry, removed, elements_next(entry))
    elif expired:
        elements_expired(c.db, argv[1], entry)


cdef bint parse_hgetex(Engine* e, Client* c, int argc, const Slice* argv, int* at, uint32_t* option, int64_t* when) noexcept nogil:
    """The option, if there is one; where FIELDS is. False: replied with an error."""
    cdef Options options
    options_begin(&options, &HGETEX_OPTIONS, argc, argv, 2)
    option[0] = arg_option(&options)
    at[0] = options.at
    if option[0] & TIMES and not parse_moment(e, c, options.value[0], option[0], b"hgetex", when):
        return False
    if option[0] and at[0] == argc - 1:
        reply_error(&c.reply, b"ERR wrong number of arguments for 'hgetex' command")
        return False
    return parse_fields(c, argc, argv, at[0], b"ERR Number of fields must be a positive integer")


cdef bint changed_by_hgetex(Engine* e, Entry* entry, Slice field, int64_t current, uint32_t option, int64_t when) noexcept nogil:
    """Does to a field that is there what HGETEX was asked for; whether that was anything."""
    if option & TIMES and has_passed(e, when):
        hash_remove(entry, field)
        return True
    if option & TIMES:
        hash_set_expiry(entry, field, when)
        return True
    if option & EXPIRY_PERSIST and current != NO_EXPIRY:
        hash_set_expiry(entry, field, NO_EXPIRY)
        return True
    return False


cdef void tell_hgetex(
    Engine* e, Client* c, Slice key, Entry* entry, uint32_t option, int64_t when, int64_t changed, int count, const Slice* fields
) noexcept nogil:
    """After some fields of those were changed."""
    cdef Slice[1] head = [slice_text(b"HPERSIST")]
    if option & TIMES and has_passed(e, when):
        propagate_removal(e, c, key, count, fields)
        fields_removed(c, key, entry, changed, elements_next(entry))
    elif option & TIMES:
        propagate_moment(e, c, key, when, count, fields)
        mutated(c.db, key, NOTIFY_HASH, b"hexpire", changed)
    else:
        propagate_fields(e, c, 1, head, key, count, fields, True)
        mutated(c.db, key, NOTIFY_HASH, b"hpersist", changed)


cdef void hgetex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HGETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] FIELDS numfields field
    [field ...]. Propagates HPEXPIREAT, HPERSIST, or HDEL if the moment has passed."""
    cdef Entry* entry = open_for_write(c.db, argv[1])
    cdef HashPair pair
    cdef uint32_t option
    cdef int64_t when = 0
    cdef int64_t before
    cdef int64_t changed = 0
    cdef int expired = 0
    cdef int at
    cdef int i
    if not check_type(c, entry, TYPE_HASH) or not parse_hgetex(e, c, argc, argv, &at, &option, &when):
        return
    if entry != NULL and option:
        hash_keep_expiry(entry)
    reply_array(&c.reply, argc - at - 2)
    for i in range(at + 2, argc):
        if not find_live(c, entry, argv[i], &pair, &expired):
            reply_null(&c.reply)
            continue
        reply_bulk(&c.reply, pair.value)
        before = elements_next(entry)
        changed += changed_by_hgetex(e, entry, argv[i], pair.expiry, option, when)
        elements_changed(c.db, entry, before)
    if changed:
        if expired:
            mutated(c.db, argv[1], NOTIFY_HASH, b"hexpired", 0)
        tell_hgetex(e, c, argv[1], entry, option, when, changed, argc - at - 2, argv + at + 2)
    elif expired:
        elements_expired(c.db, argv[1], entry)


# ---- HSETEX


cdef struct SetEx:
    uint32_t flags              # bits of Expiry
    int64_t expiry              # the moment, NO_EXPIRY or KEEP_EXPIRY
    int time_at                 # the word of the time in argv, 0: none was given
    int fields_at               # the first field in argv
    int count                   # fields


cdef bint parse_set_fields(Client* c, int argc, const Slice* argv, SetEx* o) noexcept nogil:
    """numfields field value ... to the end, from the word before o.fields_at on; False: replied with an error."""
    cdef int64_t count = 0
    if argc - o.fields_at >= 2 and (not num_read_i64(argv[o.fields_at - 1], &count) or not 1 <= count <= 2147483647):
        reply_error(&c.reply, b"ERR invalid number of fields")
        return False
    if count * 2 != argc - o.fields_at:
        reply_error(&c.reply, b"ERR wrong number of arguments for 'hsetex' command")
        return False
    o.count = <int>count
    return True


cdef bint parse_hsetex(Engine* e, Client* c, int argc, const Slice* argv, SetEx* o) noexcept nogil:
    """False: replied with an error."""
    cdef Options options
    cdef uint32_t before = 0
    cdef uint32_t option
    o.expiry = NO_EXPIRY
    o.time_at = 0
    options_begin(&options, &HSETEX_OPTIONS, argc, argv, 2)
    while options.at < argc:
        option = arg_choice(&HSETEX_OPTIONS, argv[options.at])
        if option & FIELD_WORDS and before & FIELD_WORDS:
            reply_error(&c.reply, b"ERR Only one of FXX or FNX arguments can be specified")
            return False
        if option & TIME_WORDS and before & TIME_WORDS:
            reply_error(&c.reply, b"ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified")
            return False
        if option and arg_option(&options) == 0:
            break
        if option == 0:
            reply_error_about(&c.reply, b"ERR unknown argument: ", argv[options.at], b"")
            return False
        before |= option
        if option & TIMES:
            o.time_at = options.at - 2
            if not parse_moment(e, c, options.value[0], option, b"hsetex", &o.expiry):
                return False
        if option == EXPIRY_KEEP:
            o.expiry = KEEP_EXPIRY
        if option == GIVEN_FIELDS:
            o.flags = before
            o.fields_at = options.at - 1
            return parse_set_fields(c, argc, argv, o)
    reply_error(&c.reply, b"ERR wrong number of arguments for 'hsetex' command")
    return False


cdef bint may_set(Client* c, Entry* entry, const Slice* argv, const SetEx* o, int* expired) noexcept nogil:
    """Whether FNX and FXX let the fields be set."""
    cdef HashPair pair
    cdef int i
    if not o.flags & FIELD_WORDS:
        return True
    for i in range(o.fields_at, o.fields_at + 2 * o.count, 2):
        if find_live(c, entry, argv[i], &pair, expired) != ((o.flags & ONLY_PRESENT) != 0):
            return False
    return True


cdef void propagate_set(Engine* e, Client* c, int argc, Slice* argv, const SetEx* o) noexcept nogil:
    """The same request with the moment."""
    cdef char[TEXT] number
    cdef Slice[2] words
    if o.time_at == 0:
        return
    words[0] = argv[o.time_at]
    words[1] = argv[o.time_at + 1]
    argv[o.time_at] = slice_text(b"PXAT")
    argv[o.time_at + 1] = slice_of(number, num_write_i64(number, o.expiry))
    propagate_instead(e, c, argc, argv)
    # the slow log reads them again
    argv[o.time_at] = words[0]
    argv[o.time_at + 1] = words[1]


cdef void remove_set_fields(Engine* e, Client* c, Slice* argv, const SetEx* o, Entry* entry) noexcept nogil:
    """HSETEX with a moment that has passed: what it would set goes."""
    cdef Slice[1] head = [slice_text(b"HDEL")]
    cdef int64_t before = elements_next(entry)
    cdef int64_t removed = 0
    cdef Slice* fields = <Slice*>mem_try_alloc(o.count * sizeof(Slice))
    cdef int i
    for i in range(o.count):
        removed += hash_remove(entry, argv[o.fields_at + 2 * i])
        if fields != NULL:
            fields[i] = argv[o.fields_at + 2 * i]
    if fields != NULL:
        propagate_fields(e, c, 1, head, argv[1], o.count, fields, False)
    else:
        e.ks.effects.stream.failed = True
    mem_free(fields)
    fields_removed(c, argv[1], entry, removed, before)


cdef void hsetex_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """HSETEX key [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL] FIELDS
    numfields field value [field value ...]. Propagates itself with the moment, or HDEL if that has passed."""
    cdef SetEx o
    cdef Entry* entry
    cdef int64_t before
    cdef bint passed
    cdef int expired = 0
    cdef int i
    if not parse_hsetex(e, c, argc, argv, &o):
        return
    entry = open_for_write(c.db, argv[1])
    if not check_type(c, entry, TYPE_HASH):
        return
    if not may_set(c, entry, argv, &o, &expired):
        if expired:
            elements_expired(c.db, argv[1], entry)
        reply_int(&c.reply, 0)
        return
    if expired:
        mutated(c.db, argv[1], NOTIFY_HASH, b"hexpired", 0)
    before = elements_next(entry)
    entry = opened_or_new(c, argv[1], entry)
    hash_make_room(entry, &e.settings, 2 * o.count, argv + o.fields_at)
    for i in range(o.fields_at, argc, 2):
        hash_put(entry, &e.settings, argv[i], argv[i + 1], o.expiry)
    elements_changed(c.db, entry, before)
    passed = o.expiry >= 0 and has_passed(e, o.expiry)
    mutated(c.db, argv[1], NOTIFY_HASH, b"hset", 0 if passed else o.count)
    if passed:
        remove_set_fields(e, c, argv, &o, entry)
    elif o.expiry >= 0:
        mutated(c.db, argv[1], NOTIFY_HASH, b"hexpire", 0)
        propagate_set(e, c, argc, argv, &o)
    reply_int(&c.reply, 1)
