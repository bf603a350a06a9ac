"""Most commands say in their key specs which words are keys. A few cannot: their keys, or what happens to them, depend on options; these
have a function of their own here, as they have in Redis."""

from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint32_t
from zippy._core.commands.args cimport Options, OptionTable, arg_choice, arg_option, lowest_bit, option_table, options_begin
from zippy._core.ground.buf cimport slice_is
from zippy._core.ground.number cimport num_read_i64
from zippy._core.commands.types cimport (
    BEGIN_INDEX, BEGIN_UNKNOWN, CMD_PUBSUB, FIND_KEYNUM, FIND_UNKNOWN, KEY_ACCESS, KEY_DELETE, KEY_INCOMPLETE, KEY_INSERT, KEY_NOT_KEY,
    KEY_OW, KEY_RO, KEY_RW, KEY_UPDATE, KEY_VARIABLE_FLAGS, KeySpec
)

cdef enum:
    READ = KEY_RO | KEY_ACCESS
    STORE = KEY_OW | KEY_UPDATE
    CHANGE = KEY_RW | KEY_ACCESS | KEY_UPDATE
    NOT_SHOWN = KEY_INCOMPLETE | KEY_VARIABLE_FLAGS

cdef enum Word:
    WORD_GET = 1 << 0
    WORD_STORE = 1 << 1
    WORD_OTHER = 1 << 2          # its arguments are no options and no keys

# Of the options of a few commands those that tell something about keys, or have arguments that might look so
cdef OptionTable SET_WORDS = option_table("", [
    ("get", WORD_GET),
    ("ifeq", WORD_GET),
    ("ifne", WORD_GET),
    ("ifdeq", WORD_GET),
    ("ifdne", WORD_GET),
])
cdef OptionTable BITFIELD_WORDS = option_table("", [("get", WORD_GET, 0, 2), ("overflow", WORD_OTHER, 0, 1)])
cdef OptionTable SORT_WORDS = option_table("", [
    ("store", WORD_STORE, 0, 1),
    ("get", WORD_GET, 0, 1),
    ("by", WORD_OTHER, 0, 1),
    ("limit", WORD_OTHER, 0, 2),
])


cdef struct Found:
    KeyRef* keys
    int room
    int count


cdef inline void add(Found* found, int place, uint32_t flags) noexcept nogil:
    if found.count < found.room:
        found.keys[found.count].place = place
        found.keys[found.count].flags = flags
    found.count += 1


cdef int command_keys(const Command* command, int argc, const Slice* argv, KeyRef* keys, int room) noexcept nogil:
    cdef Found found = Found(keys, room, 0)
    cdef int i
    if command.keys_by != NULL:
        return command.keys_by(argc, argv, keys, room)
    for i in range(command.key_spec_count):
        if not add_keys(&found, &command.key_specs[i], argc, argv, False):
            return keys_counted_laxly(command, argc, argv, keys, room)
    return found.count


cdef int command_slot_words(const Command* command, int argc, const Slice* argv, KeyRef* keys, int room) noexcept nogil:
    cdef Found found = Found(keys, room, 0)
    cdef KeySpec spec
    cdef int i
    if command.keys_by != NULL:
        return max(command.keys_by(argc, argv, keys, room), 0)
    for i in range(command.key_spec_count):
        if command.key_specs[i].find == FIND_KEYNUM:
            # of keys that are counted the destination comes last: the first one decides which error is told
            return max(keys_counted_laxly(command, argc, argv, keys, room), 0)
    for i in range(command.key_spec_count):
        spec = command.key_specs[i]
        if command.flags & CMD_PUBSUB:
            spec.flags &= ~<uint32_t>KEY_NOT_KEY
        if not add_keys(&found, &spec, argc, argv, False):
            return 0
    return found.count


cdef int keys_counted_laxly(const Command* command, int argc, const Slice* argv, KeyRef* keys, int room) noexcept nogil:
    """Where a number of keys is not plain, Redis asks a function of the command's: it counts more laxly, gives a destination last, and
    knows no flags."""
    cdef Found found = Found(keys, room, 0)
    cdef bint counted = False
    cdef int turn
    cdef int i
    for turn in range(2):
        for i in range(command.key_spec_count):
            if (command.key_specs[i].find == FIND_KEYNUM) == (turn == 0):
                counted = counted or turn == 0
                if not add_keys(&found, &command.key_specs[i], argc, argv, True):
                    return KEYS_UNKNOWN
    return found.count if counted else KEYS_UNKNOWN


cdef bint add_keys(Found* found, const KeySpec* spec, int argc, const Slice* argv, bint lax) noexcept nogil:
    """Adds the keys that one spec tells of; False when they cannot be made out."""
    cdef int64_t first = spec.position
    cdef int64_t last
    cdef int64_t count
    cdef int64_t place
    if spec.flags & KEY_NOT_KEY or spec.begin == BEGIN_UNKNOWN or spec.find == FIND_UNKNOWN:
        return True
    if spec.begin != BEGIN_INDEX:
        first = behind_keyword(spec, argc, argv)
        if first < 0:
            return True
    if spec.find == FIND_KEYNUM:
        if first + spec.count_at >= argc:
            return False
        count = lax_count(argv[first + spec.count_at]) if lax else plain_count(argv[first + spec.count_at])
        if not 0 < count <= argc:
            return False
        first += spec.first
        last = first + (count - 1) * spec.step
    elif spec.last >= 0:
        last = first + spec.last
    elif spec.limit < 2:
        last = argc + spec.last
    else:
        last = first + (argc - first) // spec.limit + spec.last
    if last >= argc or first >= argc:
        return False
    place = first
    while place <= last:
        add(found, <int>place, 0 if lax else spec.flags & ~<uint32_t>NOT_SHOWN)
        place += spec.step
    return True


cdef int behind_keyword(const KeySpec* spec, int argc, const Slice* argv) noexcept nogil:
    """The place behind a spec's keyword, -1: it is not there."""
    cdef int place = spec.position if spec.position > 0 else argc + spec.position
    cdef int step = 1 if spec.position > 0 else -1
    while 0 < place < (argc - 1 if step > 0 else argc):
        if slice_is(argv[place], spec.keyword):
            return place + 1
        place += step
    return -1


cdef int64_t plain_count(Slice word) noexcept nogil:
    """A number of keys in plain digits, 0 for anything else."""
    cdef int64_t count
    return count if num_read_i64(word, &count) and count > 0 else 0


cdef int64_t lax_count(Slice word) noexcept nogil:
    """A number of keys as C's atoi reads it: blanks in front, a sign, anything behind it; the low 32 bits of a long count."""
    cdef size_t i = 0
    cdef bint negative = False
    cdef int64_t number = 0
    while i < word.len and (word.ptr[i] == c' ' or c'\t' <= word.ptr[i] <= c'\r'):
        i += 1
    if i < word.len and (word.ptr[i] == c'-' or word.ptr[i] == c'+'):
        negative = word.ptr[i] == c'-'
        i += 1
    while i < word.len and c'0' <= word.ptr[i] <= c'9':
        if number > (INT64_MAX - (word.ptr[i] - c'0')) // 10:
            # the low 32 bits of the largest and of the smallest long are no number of keys
            return 0
        number = number * 10 + (word.ptr[i] - c'0')
        i += 1
    return <int32_t>(-number if negative else number)


cdef bint command_has_keys(const Command* command) noexcept nogil:
    cdef int i
    for i in range(command.key_spec_count):
        if not command.key_specs[i].flags & KEY_NOT_KEY:
            return True
    return False


cdef int set_keys(int argc, const Slice* argv, KeyRef* keys, int room) noexcept nogil:
    """SET reads the old value for GET and for conditions on it only."""
    cdef Found found = Found(keys, room, 0)
    cdef uint32_t flags = STORE
    cdef int i
    for i in range(3, argc):
        if arg_choice(&SET_WORDS, argv[i]) == WORD_GET:
            flags = CHANGE
    add(&found, 1, flags)
    return found.count


cdef int bitfield_keys(int argc, const Slice* argv, KeyRef* keys, int room) noexcept nogil:
    """BITFIELD that only gets changes nothing; one with too few words at its end might."""
    cdef Found found = Found(keys, room, 0)
    cdef Options options
    options_begin(&options, &BITFIELD_WORDS, argc, argv, 2)
    while options.at < argc and arg_option(&options):
        pass
    add(&found, 1, READ if options.at == argc else CHANGE)
    return found.count


cdef int pfmerge_keys(int argc, const Slice* argv, KeyRef* keys, int room) noexcept nogil:
    """PFMERGE changes its destination though there be no source. Redis cannot tell its keys then, and so lets everybody make one."""
    cdef Found found = Found(keys, room, 0)
    cdef int i
    add(&found, 1, KEY_RW | KEY_ACCESS | KEY_INSERT)
    for i in range(2, argc):
        add(&found, i, READ)
    return found.count


cdef int migrate_keys(int argc, const Slice* argv, KeyRef* keys, int room) noexcept nogil:
    """MIGRATE: its keys are behind KEYS, where the one at the usual place must be empty then."""
    cdef Found found = Found(keys, room, 0)
    cdef int i
    cdef int at = 6
    while at < argc and not slice_is(argv[at], b"keys"):
        at += 2 if slice_is(argv[at], b"auth") else 3 if slice_is(argv[at], b"auth2") else 1
    if at < argc and argv[3].len:
        return 0
    for i in range(at + 1, argc):
        add(&found, i, KEY_RW | KEY_ACCESS | KEY_DELETE)
    if found.count == 0:
        add(&found, 3, KEY_RW | KEY_ACCESS | KEY_DELETE)
    return found.count


cdef int sort_keys(int argc, const Slice* argv, KeyRef* keys, int room) noexcept nogil:
    """SORT: the last STORE counts."""
    cdef Found found = Found(keys, room, 0)
    cdef Options options
    options_begin(&options, &SORT_WORDS, argc, argv, 2)
    while options.at < argc:
        if not arg_option(&options):
            options.at += 1
    add(&found, 1, READ)
    if options.flags & WORD_STORE:
        add(&found, options.places[lowest_bit(WORD_STORE)], STORE)
    return found.count
