# Dynamic programming needs a whole table only to walk back from its end, and of each cell only which neighbour was larger. So one row
# of lengths is kept, and a bit a cell: a thirty-second of the table of lengths. The bound on its size is nevertheless the one that
# Redis's table has.

from libc.stddef cimport size_t
from libc.stdint cimport UINT32_MAX, int64_t, uint8_t, uint32_t
from zippy._core.ground.buf cimport slice_of
from zippy._core.ground.mem cimport mem_free, mem_try_alloc
from zippy._core.ground.number cimport NUM_I64_TEXT
from zippy._core.commands.args cimport Options, OptionTable, arg_i64, arg_option, option_table, options_begin, reply_syntax_error
from zippy._core.keyspace.db cimport lookup_read
from zippy._core.resp.writer cimport (
    reply_array, reply_bulk, reply_bulk_text, reply_defer, reply_defer_array, reply_error, reply_int, reply_map
)
from zippy._core.values.entry cimport TYPE_STRING, Entry, entry_string, entry_type


cdef enum LcsFlag:
    LCS_IDX = 1
    LCS_LEN = 2
    LCS_WITHMATCHLEN = 4
    LCS_MINMATCHLEN = 8

cdef OptionTable LCS_OPTIONS = option_table("lcs", [
    ("idx", LCS_IDX),
    ("len", LCS_LEN),
    ("withmatchlen", LCS_WITHMATCHLEN),
    ("minmatchlen", LCS_MINMATCHLEN, 0, 1),
])


cdef struct LcsRequest:
    uint32_t flags              # LcsFlag bits
    int64_t shortest            # MINMATCHLEN


cdef struct Lcs:
    Slice a
    Slice b
    size_t stride               # bytes of a row of `upward`
    uint8_t* upward             # a bit for each pair of prefixes: one byte less of a leaves more than one of b; NULL: not wanted
    uint32_t* row               # lengths for the prefixes of b
    uint32_t length


cdef struct Match:
    # a run of equal bytes, found from its end to its begin
    size_t a
    size_t b
    size_t len


cdef bint parse(Client* c, int argc, const Slice* argv, LcsRequest* request) noexcept nogil:
    """Reads the options; False: replied with an error."""
    cdef Options options
    cdef uint32_t option
    request.shortest = 0
    options_begin(&options, &LCS_OPTIONS, argc, argv, 3)
    while options.at < argc:
        option = arg_option(&options)
        if option == 0:
            reply_syntax_error(c)
            return False
        if option == LCS_MINMATCHLEN and not arg_i64(c, options.value[0], &request.shortest):
            return False
    request.flags = options.flags
    if request.flags & LCS_IDX and request.flags & LCS_LEN:
        reply_error(&c.reply, b"ERR If you want both the length and indexes, please just use IDX.")
        return False
    return True


cdef bint lcs_allocate(Lcs* lcs, bint with_path, int64_t bound, Client* c) noexcept nogil:
    """Room for the computation; False: replied with an error."""
    cdef size_t cells = (lcs.a.len + 1) * (lcs.b.len + 1)
    if lcs.a.len >= UINT32_MAX or lcs.b.len >= UINT32_MAX:
        reply_error(&c.reply, b"ERR String too long for LCS")
        return False
    if cells > <size_t>bound // sizeof(uint32_t):
        reply_error(&c.reply, b"ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
        return False
    lcs.stride = (lcs.b.len + 7) >> 3
    lcs.row = <uint32_t*>mem_try_alloc((lcs.b.len + 1) * sizeof(uint32_t))
    lcs.upward = <uint8_t*>mem_try_alloc(lcs.a.len * lcs.stride + 1) if with_path else NULL
    if lcs.row == NULL or with_path and lcs.upward == NULL:
        lcs_free(lcs)
        reply_error(&c.reply, b"ERR Insufficient memory, failed allocating transient memory for LCS")
        return False
    return True


cdef void lcs_free(Lcs* lcs) noexcept nogil:
    mem_free(lcs.row)
    mem_free(lcs.upward)


cdef void lcs_row(Lcs* lcs, char byte, uint8_t* upward) noexcept nogil:
    """Goes on by one byte of a: `row` becomes that of the longer prefix."""
    cdef size_t j
    cdef uint32_t diagonal = 0
    cdef uint32_t above
    cdef uint32_t left = 0
    cdef uint32_t larger
    cdef uint8_t bits = 0
    for j in range(lcs.b.len):
        above = lcs.row[j + 1]
        larger = above if above > left else left
        bits |= <uint8_t>((above > left) << (j & 7))
        left = diagonal + 1 if lcs.b.ptr[j] == byte else larger
        lcs.row[j + 1] = left
        diagonal = above
        if upward != NULL and (j & 7) == 7:
            upward[j >> 3] = bits
            bits = 0
    if upward != NULL and lcs.b.len & 7:
        upward[lcs.b.len >> 3] = bits


cdef void lcs_compute(Lcs* lcs) noexcept nogil:
    cdef size_t i
    for i in range(lcs.b.len + 1):
        lcs.row[i] = 0
    for i in range(lcs.a.len):
        lcs_row(lcs, lcs.a.ptr[i], lcs.upward + i * lcs.stride if lcs.upward != NULL else NULL)
    lcs.length = lcs.row[lcs.b.len]


cdef bint lcs_step(const Lcs* lcs, size_t* i, size_t* j) noexcept nogil:
    """One step back from the prefixes of i and j bytes (both > 0); True: their last bytes belong to the subsequence."""
    if lcs.a.ptr[i[0] - 1] == lcs.b.ptr[j[0] - 1]:
        i[0] -= 1
        j[0] -= 1
        return True
    if lcs.upward[(i[0] - 1) * lcs.stride + ((j[0] - 1) >> 3)] >> ((j[0] - 1) & 7) & 1:
        i[0] -= 1
    else:
        j[0] -= 1
    return False


cdef void reply_subsequence(Client* c, const Lcs* lcs) noexcept nogil:
    cdef char* text = <char*>mem_try_alloc(lcs.length + 1)
    cdef size_t at = lcs.length
    cdef size_t i = lcs.a.len
    cdef size_t j = lcs.b.len
    if text == NULL:
        reply_error(&c.reply, b"ERR Insufficient memory, failed allocating transient memory for LCS")
        return
    while at > 0:
        if lcs_step(lcs, &i, &j):
            at -= 1
            text[at] = lcs.a.ptr[i]
    reply_bulk(&c.reply, slice_of(text, lcs.length))
    mem_free(text)


cdef int reply_match(Client* c, const Match* match, const LcsRequest* request) noexcept nogil:
    """How many were replied: 0 for a match that is too short."""
    if match.len == 0 or <int64_t>match.len < request.shortest:
        return 0
    reply_array(&c.reply, 3 if request.flags & LCS_WITHMATCHLEN else 2)
    reply_array(&c.reply, 2)
    reply_int(&c.reply, <int64_t>match.a)
    reply_int(&c.reply, <int64_t>(match.a + match.len - 1))
    reply_array(&c.reply, 2)
    reply_int(&c.reply, <int64_t>match.b)
    reply_int(&c.reply, <int64_t>(match.b + match.len - 1))
    if request.flags & LCS_WITHMATCHLEN:
        reply_int(&c.reply, <int64_t>match.len)
    return 1


cdef void reply_matches(Client* c, const Lcs* lcs, const LcsRequest* request) noexcept nogil:
    cdef Match match
    cdef size_t i = lcs.a.len
    cdef size_t j = lcs.b.len
    cdef size_t place
    cdef int64_t count = 0
    match.len = 0
    reply_map(&c.reply, 2)
    reply_bulk_text(&c.reply, b"matches")
    place = reply_defer(&c.reply)
    while i > 0 and j > 0:
        if lcs_step(lcs, &i, &j):
            match.a = i
            match.b = j
            match.len += 1
        else:
            count += reply_match(c, &match, request)
            match.len = 0
    count += reply_match(c, &match, request)
    reply_defer_array(&c.reply, place, count)
    reply_bulk_text(&c.reply, b"len")
    reply_int(&c.reply, lcs.length)


cdef void lcs_command(Engine* e, Client* c, int argc, Slice* argv) noexcept nogil:
    """LCS key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]. Keeps one row of lengths and a bit a pair of bytes. Refuses
    what would take Redis more than proto-max-bulk-len."""
    cdef Entry* first = lookup_read(c.db, argv[1])
    cdef Entry* second = lookup_read(c.db, argv[2])
    cdef char[NUM_I64_TEXT] first_scratch
    cdef char[NUM_I64_TEXT] second_scratch
    cdef LcsRequest request
    cdef Lcs lcs
    if (first != NULL and entry_type(first) != TYPE_STRING) or (second != NULL and entry_type(second) != TYPE_STRING):
        reply_error(&c.reply, b"ERR The specified keys must contain string values")
        return
    if not parse(c, argc, argv, &request):
        return
    lcs.a = entry_string(first, first_scratch) if first != NULL else slice_of(b"", 0)
    lcs.b = entry_string(second, second_scratch) if second != NULL else slice_of(b"", 0)
    if not lcs_allocate(&lcs, not request.flags & LCS_LEN, e.settings.proto_max_bulk_len, c):
        return
    lcs_compute(&lcs)
    if request.flags & LCS_LEN:
        reply_int(&c.reply, lcs.length)
    elif request.flags & LCS_IDX:
        reply_matches(c, &lcs, &request)
    else:
        reply_subsequence(c, &lcs)
    lcs_free(&lcs)
