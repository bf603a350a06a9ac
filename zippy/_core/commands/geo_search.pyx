"""All six commands read a request, which GEORADIUS and its kin write at fixed places and GEOSEARCH as options, then search, sort if they
are to, and reply or store.

Where a number of nearest members is asked for, no more than these are kept: a heap with the farthest at its top. Members at the same
distance are in the order in which the search came to them.
"""

from libc.stdint cimport UINT64_MAX, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy
from zippy._core.ground.buf cimport slice_compare, slice_text
from zippy._core.ground.geohash cimport (
    GeoArea, GeoPoint, GeoSearch, GeoShape, geo_bits, geo_point, geo_search_begin, geo_search_holds, geo_search_next
)
from zippy._core.ground.hash cimport hash_bytes
from zippy._core.ground.mem cimport mem_free, mem_try_alloc, mem_try_realloc
from zippy._core.ground.number cimport NUM_I64_TEXT, num_read_double, num_read_i64, num_write_i64
from zippy._core.ground.slice cimport slice_of
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_i64, arg_option, check_type, option_table, options_begin, reply_out_of_memory, reply_syntax_error
)
from zippy._core.commands.growth cimport Growth, growth_begin, growth_takes
from zippy._core.commands.geo cimport read_point, read_unit, reply_distance, reply_point
from zippy._core.keyspace.db cimport delete_key, lookup_read, open_for_write, put_over
from zippy._core.keyspace.effects cimport mutated
from zippy._core.keyspace.lazy_free cimport free_entry
from zippy._core.keyspace.types cimport NOTIFY_GENERIC, NOTIFY_ZSET
from zippy._core.resp.writer cimport Reply, reply_array, reply_bulk, reply_error, reply_error_about, reply_int
from zippy._core.values.entry cimport TYPE_ZSET, Entry
from zippy._core.values.zset cimport (
    ZSetIter, zset_append, zset_find_score, zset_iter_next, zset_iter_score, zset_new_tree, zset_order, zset_score, zset_table,
    zset_try_listpack
)

cdef enum SearchFlag:
    WITH_COORD = 1 << 0
    WITH_DIST = 1 << 1
    WITH_HASH = 1 << 2
    WITH_ANYTHING = WITH_COORD | WITH_DIST | WITH_HASH
    HAS_COUNT = 1 << 3
    ANY_OF_THEM = 1 << 4
    ASCENDING = 1 << 5
    DESCENDING = 1 << 6
    SORTED = ASCENDING | DESCENDING
    STORE = 1 << 7
    STORE_DISTANCES = 1 << 8
    FROM_MEMBER = 1 << 9
    FROM_POINT = 1 << 10
    BY_RADIUS = 1 << 11
    BY_BOX = 1 << 12

cdef enum:
    MEMBER = 48              # bytes, about, of a member that is stored beside its text
    FEW = 32                 # matches that need no memory of their own
    STEPS_BEFORE_SEEK = 16   # members that are read one after the other to come behind those that lie outside, before the tree is asked

REPLY_ROWS = [
    ("withcoord", WITH_COORD),
    ("withdist", WITH_DIST),
    ("withhash", WITH_HASH),
    ("count", HAS_COUNT, 0, 1),
    ("any", ANY_OF_THEM),
    ("asc", ASCENDING),
    ("desc", DESCENDING),
]
SHAPE_ROWS = [
    ("frommember", FROM_MEMBER, FROM_POINT, 1),
    ("fromlonlat", FROM_POINT, FROM_MEMBER, 2),
    ("byradius", BY_RADIUS, BY_BOX, 1),
    ("bybox", BY_BOX, BY_RADIUS, 1),
]

cdef OptionTable GEOSEARCH_OPTIONS = option_table("geosearch", [*REPLY_ROWS, *SHAPE_ROWS])
# What a reply may have beside members is read, and then refused in an error of its own
cdef OptionTable GEOSEARCHSTORE_OPTIONS = option_table("geosearchstore", [*REPLY_ROWS, *SHAPE_ROWS, ("storedist", STORE_DISTANCES)])
cdef OptionTable GEORADIUS_OPTIONS = option_table("georadius georadiusbymember", [
    *REPLY_ROWS,
    ("store", STORE, 0, 1),
    ("storedist", STORE_DISTANCES, 0, 1),
])
cdef OptionTable GEORADIUS_RO_OPTIONS = option_table("georadius_ro georadiusbymember_ro", REPLY_ROWS)


cdef struct Request:
    Entry* entry             # that is searched; NULL: absent
    GeoShape shape
    uint32_t flags           # SearchFlag bits; of SORTED the one that counts
    int64_t count            # of members, 0: all
    Slice store              # key of the outcome; ptr NULL: it is replied
    bint store_distances     # as scores, else the geohashes


cdef struct Match:
    double distance          # meters
    double score
    Slice member             # borrowed of the entry; ptr NULL: the integer len, as a listpack has it


cdef struct Found:
    Match* matches           # first `few`; with `nearest` a heap, the one to go first at its top
    uint64_t count
    uint64_t room
    uint64_t limit           # of the count
    bint nearest             # of all that there are, those that come first are kept; else the search ends at the limit
    const Request* request
    const GeoSearch* search
    bint failed              # out of memory
    Match[FEW] few


# ---- the request


cdef bint read_size(Client* c, Slice word, double* size, const char* error) noexcept nogil:
    if num_read_double(word, size):
        return True
    reply_error(&c.reply, error)
    return False


cdef bint read_circle(Client* c, const Slice* words, GeoShape* shape) noexcept nogil:
    """A radius and its unit."""
    shape.is_box = False
    if not read_size(c, words[0], &shape.radius, b"ERR need numeric radius"):
        return False
    if shape.radius < 0:
        reply_error(&c.reply, b"ERR radius cannot be negative")
        return False
    return read_unit(c, words[1], &shape.unit)


cdef bint read_box(Client* c, const Slice* words, GeoShape* shape) noexcept nogil:
    """Width, height and their unit."""
    shape.is_box = True
    if (not read_size(c, words[0], &shape.width, b"ERR need numeric width")
            or not read_size(c, words[1], &shape.height, b"ERR need numeric height")):
        return False
    if shape.width < 0 or shape.height < 0:
        reply_error(&c.reply, b"ERR height or width cannot be negative")
        return False
    return read_unit(c, words[2], &shape.unit)


cdef bint read_member(Client* c, Request* q, Slice member) noexcept nogil:
    """The center is a member's point; of what is absent nobody asks."""
    cdef double score
    if q.entry == NULL:
        return True
    if not zset_score(q.entry, member, &score):
        reply_error(&c.reply, b"ERR could not decode requested zset member")
        return False
    q.shape.center = geo_point(score)
    return True


cdef bint read_count(Client* c, Slice word, int64_t* count) noexcept nogil:
    if not arg_i64(c, word, count):
        return False
    if count[0] > 0:
        return True
    reply_error(&c.reply, b"ERR COUNT must be > 0")
    return False


cdef bint read_shape(Client* c, Options* options, int words, GeoShape* shape) noexcept nogil:
    """BYRADIUS or BYBOX, which has just been read, with so many words behind it of which one is an argument for the option's row."""
    if options.argc - options.at < words - 1:
        reply_syntax_error(c)
        return False
    options.at += words - 1
    return read_circle(c, options.value, shape) if words == 2 else read_box(c, options.value, shape)


cdef bint read_option(Client* c, Options* options, Request* q) noexcept nogil:
    cdef uint32_t option = arg_option(options)
    if option == 0:
        reply_syntax_error(c)
        return False
    if option == HAS_COUNT:
        return read_count(c, options.value[0], &q.count)
    if option & SORTED:
        # the last one counts
        q.flags = (q.flags & ~<uint32_t>SORTED) | option
    elif option == FROM_MEMBER:
        return read_member(c, q, options.value[0])
    elif option == FROM_POINT:
        return read_point(c, options.value, &q.shape.center)
    elif option & (BY_RADIUS | BY_BOX):
        return read_shape(c, options, 2 if option == BY_RADIUS else 3, &q.shape)
    elif option & (STORE | STORE_DISTANCES):
        q.store_distances = option == STORE_DISTANCES
        if options.table == &GEORADIUS_OPTIONS:
            q.store = options.value[0]
    return True


cdef bint read_options(Client* c, const OptionTable* table, int argc, const Slice* argv, int at, Request* q) noexcept nogil:
    """Reads all options and looks whether they go together; False: replied with an error. The entry, the store of GEOSEARCHSTORE, and the
    shape of GEORADIUS are there already."""
    cdef Options options
    cdef bint is_search = table == &GEOSEARCH_OPTIONS or table == &GEOSEARCHSTORE_OPTIONS
    options_begin(&options, table, argc, argv, at)
    while options.at < argc:
        if not read_option(c, &options, q):
            return False
    q.flags |= options.flags & ~<uint32_t>SORTED
    if q.store.ptr != NULL and q.flags & WITH_ANYTHING:
        reply_error_about(&c.reply, b"ERR ", slice_text(b"GEOSEARCHSTORE" if is_search else b"STORE option in GEORADIUS"),
                          b" is not compatible with WITHDIST, WITHHASH and WITHCOORD options")
    elif is_search and not q.flags & (FROM_MEMBER | FROM_POINT):
        reply_error_about(&c.reply, b"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ", argv[0], b"")
    elif is_search and not q.flags & (BY_RADIUS | BY_BOX):
        reply_error_about(&c.reply, b"ERR exactly one of BYRADIUS and BYBOX can be specified for ", argv[0], b"")
    elif q.flags & ANY_OF_THEM and not q.count:
        reply_error(&c.reply, b"ERR the ANY argument requires COUNT argument")
    else:
        # a number of members are the nearest ones, if it does not matter in which order they come
        if q.count and not q.flags & (SORTED | ANY_OF_THEM):
            q.flags |= ASCENDING
        return True
    return False


# ---- what was found


cdef Slice member_of(const Match* match, char* scratch) noexcept nogil:
    """scratch has NUM_I64_TEXT bytes."""
    if match.member.ptr != NULL:
        return match.member
    return slice_of(scratch, num_write_i64(scratch, <int64_t>match.member.len))


cdef int area_of(const GeoSearch* s, double score) noexcept nogil:
    cdef int i = 0
    while i < s.area_count - 1 and not s.areas[i].min <= score < s.areas[i].max:
        i += 1
    return i


cdef bint was_found_before(const GeoSearch* s, const Match* a, const Match* b) noexcept nogil:
    cdef char[NUM_I64_TEXT] scratch
    cdef char[NUM_I64_TEXT] other
    cdef int area = area_of(s, a.score)
    cdef int area_of_other = area_of(s, b.score)
    if area != area_of_other:
        return area < area_of_other
    if a.score != b.score:
        return a.score < b.score
    return slice_compare(member_of(a, scratch), member_of(b, other)) < 0


cdef bint precedes(const Found* f, const Match* a, const Match* b) noexcept nogil:
    """Whether a comes before b when they are sorted."""
    if a.distance != b.distance:
        return (a.distance > b.distance) == ((f.request.flags & DESCENDING) != 0)
    return was_found_before(f.search, a, b)


cdef void sink(const Found* f, uint64_t at, uint64_t count) noexcept nogil:
    """Moves the match at a place of a heap down until none below it comes after it."""
    cdef Match moved = f.matches[at]
    cdef uint64_t child = 2 * at + 1
    while child < count:
        if child + 1 < count and precedes(f, &f.matches[child], &f.matches[child + 1]):
            child += 1
        if not precedes(f, &moved, &f.matches[child]):
            break
        f.matches[at] = f.matches[child]
        at = child
        child = 2 * at + 1
    f.matches[at] = moved


cdef void make_heap(const Found* f) noexcept nogil:
    cdef uint64_t i = f.count // 2
    while i > 0:
        i -= 1
        sink(f, i, f.count)


cdef void sort(Found* f) noexcept nogil:
    """In place, in O(n log n) whatever the order was."""
    cdef uint64_t left = f.count
    cdef Match last
    make_heap(f)
    while left > 1:
        left -= 1
        last = f.matches[left]
        f.matches[left] = f.matches[0]
        f.matches[0] = last
        sink(f, 0, left)


cdef bint make_room(Found* f) noexcept nogil:
    cdef uint64_t room = 2 * f.room
    cdef Match* matches
    if f.matches == f.few:
        matches = <Match*>mem_try_alloc(room * sizeof(Match))
        if matches != NULL:
            memcpy(matches, f.few, sizeof(f.few))
    else:
        matches = <Match*>mem_try_realloc(f.matches, room * sizeof(Match))
    if matches == NULL:
        f.failed = True
        return False
    f.matches = matches
    f.room = room
    return True


cdef bint add(Found* f, const ZSetIter* it, double distance) noexcept nogil:
    """Adds the member that the walk came to last; False: no more are wanted."""
    cdef Match match = Match(distance, it.score, it.member)
    cdef int64_t number = 0
    if it.member.ptr == it.scratch:
        # of an integer in a listpack the text is gone with the next step
        num_read_i64(it.member, &number)
        match.member = slice_of(NULL, <size_t>number)
    if f.nearest and f.count == f.limit:
        if precedes(f, &match, &f.matches[0]):
            f.matches[0] = match
            sink(f, 0, f.count)
        return True
    if f.count == f.room and not make_room(f):
        return False
    f.matches[f.count] = match
    f.count += 1
    if not f.nearest:
        return f.count < f.limit
    if f.count == f.limit:
        make_heap(f)
    return True


# ---- searching


cdef bint search_area(Found* f, const GeoArea* area) noexcept nogil:
    """Adds what there is in one of the areas; False: no more is wanted."""
    cdef ZSetIter it
    cdef double next = area.min
    cdef double distance
    cdef int steps = 0
    zset_iter_score(&it, f.request.entry, next)
    while zset_iter_next(&it) and it.score < area.max:
        if it.score < next:
            steps += 1
            if steps == STEPS_BEFORE_SEEK and zset_table(it.entry) != NULL:
                zset_iter_score(&it, it.entry, next)
            continue
        steps = 0
        next = geo_search_next(f.search, it.score)
        if it.score < next or not geo_search_holds(f.search, geo_point(it.score), &distance):
            continue
        if not add(f, &it, distance):
            return False
    return True


cdef void search(Found* f, const Request* q, GeoSearch* s) noexcept nogil:
    """Finds what is asked for, sorted if it is to be."""
    cdef int i
    f.matches = f.few
    f.count = 0
    f.room = FEW
    f.limit = <uint64_t>q.count if q.count else UINT64_MAX
    f.nearest = q.count != 0 and not q.flags & ANY_OF_THEM
    f.request = q
    f.search = s
    f.failed = False
    geo_search_begin(s, &q.shape)
    for i in range(s.area_count):
        if not search_area(f, &s.areas[i]):
            break
    if q.flags & SORTED and not f.failed:
        sort(f)


cdef void reply_match(Reply* r, const Match* match, const Request* q) noexcept nogil:
    cdef char[NUM_I64_TEXT] scratch
    cdef uint32_t flags = q.flags
    if flags & WITH_ANYTHING:
        reply_array(r, 1 + ((flags & WITH_COORD) != 0) + ((flags & WITH_DIST) != 0) + ((flags & WITH_HASH) != 0))
    reply_bulk(r, member_of(match, scratch))
    if flags & WITH_DIST:
        reply_distance(r, match.distance / q.shape.unit)
    if flags & WITH_HASH:
        reply_int(r, <int64_t>geo_bits(match.score))
    if flags & WITH_COORD:
        reply_point(r, geo_point(match.score))


cdef void store_nothing(Client* c, Slice key) noexcept nogil:
    if delete_key(c.db, key):
        mutated(c.db, key, NOTIFY_GENERIC, b"del", 1)
    reply_int(&c.reply, 0)


cdef bint fill(Entry* result, const Found* f, const Request* q) noexcept nogil:
    """Puts the matches into an empty sorted set of zset_new_tree. False: out of memory."""
    cdef char[NUM_I64_TEXT] scratch
    cdef const Match* match
    cdef Growth growth
    cdef Slice member
    cdef uint64_t hash
    cdef uint64_t i
    growth_begin(&growth)
    for i in range(f.count):
        match = &f.matches[i]
        member = member_of(match, scratch)
        if not growth_takes(&growth, member.len + MEMBER):
            return False
        hash = hash_bytes(member.ptr, member.len)
        if zset_find_score(result, member, hash) == NULL:
            zset_append(result, member, hash, match.distance / q.shape.unit if q.store_distances else match.score)
    return zset_order(result)


cdef void store(Engine* e, Client* c, const Found* f, const Request* q, const char* event) noexcept nogil:
    cdef Entry* result
    if f.count == 0:
        store_nothing(c, q.store)
        return
    result = zset_new_tree(q.store, f.count)
    if not fill(result, f, q):
        free_entry(&e.ks, result)
        reply_out_of_memory(c)
        return
    zset_try_listpack(result, &e.settings)
    open_for_write(c.db, q.store)
    put_over(c.db, result)
    mutated(c.db, q.store, NOTIFY_ZSET, event, <int64_t>f.count)
    reply_int(&c.reply, <int64_t>f.count)


cdef void answer(Engine* e, Client* c, const Request* q, const char* event) noexcept nogil:
    """Searches, and replies or stores with an event of that name."""
    cdef GeoSearch s
    cdef Found f
    cdef uint64_t i
    if q.entry == NULL and q.store.ptr != NULL:
        store_nothing(c, q.store)
        return
    if q.entry == NULL:
        reply_array(&c.reply, 0)
        return
    search(&f, q, &s)
    if f.failed:
        reply_out_of_memory(c)
    elif q.store.ptr != NULL:
        store(e, c, &f, q, event)
    else:
        reply_array(&c.reply, <int64_t>f.count)
        for i in range(f.count):
            reply_match(&c.reply, &f.matches[i], q)
    if f.matches != f.few:
        mem_free(f.matches)


# ---- the commands


cdef bint begin(Client* c, Slice key, Request* q) noexcept nogil:
    """Opens what is searched; False: it is no sorted set, and the reply was written."""
    q.entry = lookup_read(c.db, key)
    q.flags = 0
    q.count = 0
    q.store = slice_of(NULL, 0)
    q.store_distances = False
    q.shape = GeoShape(GeoPoint(0, 0), False, 0, 0, 0, 1)
    return check_type(c, q.entry, TYPE_ZSET)


cdef void geosearch_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """GEOSEARCH key <FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS radius <M | KM | FT | MI> | BYBOX width height <M | KM
    | FT | MI>> [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]."""
    cdef Request q
    if begin(c, argv[1], &q) and read_options(c, &GEOSEARCH_OPTIONS, argc, argv, 2, &q):
        answer(e, c, &q, b"")


cdef void geosearchstore_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """GEOSEARCHSTORE destination source <FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS radius <M | KM | FT | MI> | BYBOX
    width height <M | KM | FT | MI>> [ASC | DESC] [COUNT count [ANY]] [STOREDIST]. Stores geohashes as scores, or distances in the unit
    given."""
    cdef Request q
    if not begin(c, argv[2], &q):
        return
    q.store = argv[1]
    if read_options(c, &GEOSEARCHSTORE_OPTIONS, argc, argv, 3, &q):
        answer(e, c, &q, b"geosearchstore")


cdef void search_circle(Engine* e, Client* c, const OptionTable* table, int argc, Slice* argv, bint by_member) noexcept nogil:
    """GEORADIUS and its kin: center, radius and unit are at fixed places."""
    cdef Request q
    cdef int at = 3 if by_member else 4
    if not begin(c, argv[1], &q):
        return
    if by_member and q.entry != NULL and not read_member(c, &q, argv[2]):
        return
    if not by_member and not read_point(c, argv + 2, &q.shape.center):
        return
    # of a key that is absent Redis does not read the radius around a member
    if (q.entry != NULL or not by_member) and not read_circle(c, argv + at, &q.shape):
        return
    if read_options(c, table, argc, argv, at + 2, &q):
        answer(e, c, &q, b"georadiusstore")


cdef void georadius_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """GEORADIUS key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]
    [STORE key | STOREDIST key]. STORE and STOREDIST: the last one counts."""
    search_circle(e, c, &GEORADIUS_OPTIONS, argc, argv, False)


cdef void georadius_ro_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """GEORADIUS_RO key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC |
    DESC]."""
    search_circle(e, c, &GEORADIUS_RO_OPTIONS, argc, argv, False)


cdef void georadiusbymember_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """GEORADIUSBYMEMBER key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC] [STORE
    key | STOREDIST key]. As GEORADIUS."""
    search_circle(e, c, &GEORADIUS_OPTIONS, argc, argv, True)


cdef void georadiusbymember_ro_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """GEORADIUSBYMEMBER_RO key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]."""
    search_circle(e, c, &GEORADIUS_RO_OPTIONS, argc, argv, True)
