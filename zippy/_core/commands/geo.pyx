# GEOADD is ZADD with other scores: it is propagated as that, so that who reads a log needs no arithmetic.

from libc.math cimport isnan
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcpy
from zippy._core.ground.buf cimport slice_text
from zippy._core.ground.format cimport format_text
from zippy._core.ground.geohash cimport GEO_HASH_TEXT, geo_distance, geo_is_valid, geo_point, geo_score, geo_write_hash
from zippy._core.ground.mem cimport mem_free, mem_try_alloc
from zippy._core.ground.number cimport NUM_I64_TEXT, num_write_i64
from zippy._core.ground.slice cimport slice_of
from zippy._core.commands.args cimport (
    OptionTable, Options, arg_choice, arg_double, arg_option, check_type, lowest_bit, option_table, options_begin, reply_out_of_memory,
    reply_syntax_error
)
from zippy._core.commands.engine cimport propagate_instead
from zippy._core.commands.sorted_set cimport add_pairs
from zippy._core.keyspace.db cimport lookup_read
from zippy._core.resp.writer cimport (
    reply_array, reply_bulk, reply_double, reply_error, reply_error_slice, reply_null, reply_null_array
)
from zippy._core.values.entry cimport TYPE_ZSET, Entry
from zippy._core.values.zset cimport ZSET_NX, ZSET_XX, zset_score

cdef extern from "<math.h>" nogil:
    long long llrint(double x)

cdef enum:
    POINTS = 4               # that need no memory of their own
    ADD_CH = 1 << 15         # beside the values' ZSET_ bits
    PAIR_ERROR = 1024        # bytes of an error with two doubles in plain digits

cdef enum Unit:
    UNIT_M = 1 << 0
    UNIT_KM = 1 << 1
    UNIT_FT = 1 << 2
    UNIT_MI = 1 << 3

cdef OptionTable GEOADD_OPTIONS = option_table("geoadd", [("nx", ZSET_NX), ("xx", ZSET_XX), ("ch", ADD_CH)])
cdef OptionTable UNITS = option_table(
    "geodist geosearch geosearchstore georadius georadius_ro georadiusbymember georadiusbymember_ro",
    [("m", UNIT_M), ("km", UNIT_KM), ("ft", UNIT_FT), ("mi", UNIT_MI)],
)
cdef double[4] METERS = [1, 1000, 0.3048, 1609.34]     # of the units, in the order of their bits


cdef struct Addition:
    # what ZADD will be told: the members' scores, the words that it is propagated with and the texts of the scores among them
    double* scores
    Slice* words
    char* texts
    int pairs


# ---- arguments and replies


cdef bint read_point(Client* c, const Slice* words, GeoPoint* point) noexcept nogil:
    cdef char[PAIR_ERROR] text
    if not arg_double(c, words[0], &point.longitude) or not arg_double(c, words[1], &point.latitude):
        return False
    if geo_is_valid(point[0]):
        return True
    reply_error_slice(&c.reply, slice_of(text, format_text(
        text, PAIR_ERROR, b"ERR invalid longitude,latitude pair %f,%f", point.longitude, point.latitude)))
    return False


cdef bint read_unit(Client* c, Slice word, double* meters) noexcept nogil:
    cdef uint32_t unit = arg_choice(&UNITS, word)
    if unit == 0:
        reply_error(&c.reply, b"ERR unsupported unit provided. please use M, KM, FT, MI")
        return False
    meters[0] = METERS[lowest_bit(unit)]
    return True


cdef void reply_point(Reply* r, GeoPoint point) noexcept nogil:
    reply_array(r, 2)
    reply_double(r, point.longitude)
    reply_double(r, point.latitude)


cdef void reply_distance(Reply* r, double distance) noexcept nogil:
    cdef char[NUM_I64_TEXT + 8] text
    cdef int64_t parts
    cdef size_t length
    cdef int i
    if isnan(distance):
        reply_bulk(r, slice_text(b"nan"))
        return
    # rounded as a product, as Redis does, which is not always what the exact decimals would be rounded to
    parts = llrint(distance * 10000)
    length = num_write_i64(text, parts // 10000)
    parts %= 10000
    text[length] = c'.'
    for i in range(4):
        text[length + 4 - i] = <char>(c'0' + parts % 10)
        parts //= 10
    reply_bulk(r, slice_of(text, length + 5))


# ---- adding


cdef void add_points(Engine* e, Client* c, const Slice* argv, int at, const Options* options, Addition* a) noexcept nogil:
    """Reads the points at argv[at], adds their members, and propagates ZADD with the same options, which end at argv[at]."""
    cdef GeoPoint point
    cdef Slice* pairs = a.words + at
    cdef int i
    for i in range(a.pairs):
        if not read_point(c, argv + at + 3 * i, &point):
            return
        a.scores[i] = geo_score(point)
        pairs[2 * i + 1] = argv[at + 3 * i + 2]
    if not add_pairs(e, c, argv[1], a.pairs, pairs, a.scores, <int>(options.flags & ~<uint32_t>ADD_CH), (options.flags & ADD_CH) != 0):
        return
    memcpy(a.words, argv, at * sizeof(Slice))
    a.words[0] = slice_text(b"zadd")
    for i in range(a.pairs):
        pairs[2 * i].ptr = a.texts + i * NUM_I64_TEXT
        pairs[2 * i].len = num_write_i64(a.texts + i * NUM_I64_TEXT, <int64_t>a.scores[i])
    propagate_instead(e, c, at + 2 * a.pairs, a.words)


cdef void geoadd_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]. Reads all points before it adds the first; is
    propagated as ZADD."""
    cdef double[POINTS] scores
    cdef Slice[5 + 2 * POINTS] words
    cdef char[POINTS * NUM_I64_TEXT] texts
    cdef Addition a
    cdef Options options
    cdef int at
    options_begin(&options, &GEOADD_OPTIONS, argc, argv, 2)
    while options.at < argc and arg_option(&options):
        pass
    at = options.at
    a.scores = scores
    a.words = words
    a.texts = texts
    a.pairs = (argc - at) // 3
    if a.pairs == 0 or (argc - at) % 3 or (options.flags & ZSET_NX and options.flags & ZSET_XX):
        reply_syntax_error(c)
    elif a.pairs <= POINTS and at <= 5:
        add_points(e, c, argv, at, &options, &a)
    else:
        a.words = <Slice*>mem_try_alloc(argc * sizeof(Slice) + a.pairs * (sizeof(double) + NUM_I64_TEXT))
        if a.words == NULL:
            reply_out_of_memory(c)
            return
        a.scores = <double*>(a.words + argc)
        a.texts = <char*>(a.scores + a.pairs)
        add_points(e, c, argv, at, &options, &a)
        mem_free(a.words)


# ---- asking


cdef void geodist_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """GEODIST key member1 member2 [M | KM | FT | MI]."""
    cdef Entry* entry
    cdef double unit = 1
    cdef double score
    cdef double other
    if argc > 5:
        reply_syntax_error(c)
        return
    if argc == 5 and not read_unit(c, argv[4], &unit):
        return
    entry = lookup_read(c.db, argv[1])
    if not check_type(c, entry, TYPE_ZSET):
        return
    if entry != NULL and zset_score(entry, argv[2], &score) and zset_score(entry, argv[3], &other):
        reply_distance(&c.reply, geo_distance(geo_point(score), geo_point(other)) / unit)
    else:
        reply_null(&c.reply)


cdef void geohash_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """GEOHASH key [member [member ...]]."""
    cdef Entry* entry = lookup_read(c.db, argv[1])
    cdef char[GEO_HASH_TEXT] text
    cdef double score
    cdef int i
    if not check_type(c, entry, TYPE_ZSET):
        return
    reply_array(&c.reply, argc - 2)
    for i in range(2, argc):
        if entry != NULL and zset_score(entry, argv[i], &score):
            geo_write_hash(text, geo_point(score))
            reply_bulk(&c.reply, slice_of(text, GEO_HASH_TEXT))
        else:
            reply_null(&c.reply)


cdef void geopos_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """GEOPOS key [member [member ...]]."""
    cdef Entry* entry = lookup_read(c.db, argv[1])
    cdef double score
    cdef int i
    if not check_type(c, entry, TYPE_ZSET):
        return
    reply_array(&c.reply, argc - 2)
    for i in range(2, argc):
        if entry != NULL and zset_score(entry, argv[i], &score):
            reply_point(&c.reply, geo_point(score))
        else:
            reply_null_array(&c.reply)
