# A step at a time: a count, a length, an argument. Incomplete input leaves the parser at the step that it has come to, so that no byte is
# looked at twice.

from libc.stdint cimport intptr_t
from libc.string cimport memchr, memcmp, memcpy, memmove, memset
from zippy._core.ground.buf cimport buf_append, buf_drop_front, buf_free, buf_init, buf_reserve, slice_of
from zippy._core.ground.format cimport format_text
from zippy._core.ground.mem cimport mem_free, mem_realloc, mem_size, mem_try_alloc, mem_try_realloc
from zippy._core.ground.number cimport num_read_i64
from zippy._core.ground.words cimport WORD_FOUND, WORD_UNBALANCED, word_next

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    /* a header of one or two digits without leading zeros, where eight bytes can be read: where it ends; NULL: it is something else */
    static inline const char* zippy_short_header(const char* at, char kind, int64_t* n) {
        uint64_t word, digit, second;
        memcpy(&word, at, 8);
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
    #endif
        digit = (word >> 8 & 255) - '0';
        if (digit - 1 > 8) return NULL;
        *n = (int64_t)digit;
        if ((word & 0xFFFF00FF) == (0x0A0D0000u | (uint8_t)kind)) return at + 4;
        second = (word >> 16 & 255) - '0';
        if (second > 9 || (word & 0xFFFF0000FF) != (0x0A0D000000u | (uint8_t)kind)) return NULL;
        *n = (int64_t)(digit * 10 + second);
        return at + 5;
    }
    """
    const char* zippy_short_header(const char* at, char kind, int64_t* n) noexcept nogil

cdef enum:
    INLINE_MAX = 64 * 1024        # bytes of an inline request or of a header line
    READ_STEP = 16 * 1024         # smallest room offered to a read
    BULK_STEP = 256 * 1024        # largest for a block of an argument's own: what is read in one turn is copied and may be new memory
    FIRST_BULK = READ_STEP        # bytes that such a block begins with: a client that only announces a huge value gets no huge one
    STREAM_STEP_MAX = 256 * 1024  # largest room for who fills the room that he is offered
    FIRST_ARGS = 64               # room for arguments that a batch begins with
    BATCH_ARGS = 1024             # room for arguments that a batch keeps
    WHOLE_ARGS = 256              # a longer command is parsed as it comes
    BATCH_BYTES = 32 * 1024       # looking ahead ends here: what was read first should still be in the cache when it runs
    KEPT_SCRATCH = 4096


cdef enum:
    # beside ParseStatus, between the functions of this file
    HEADER = 2     # a command's header was read, its arguments follow
    SKIPPED = 3    # an empty command was consumed


cdef void parser_init(Parser* p, int64_t max_bulk) noexcept nogil:
    memset(p, 0, sizeof(Parser))
    buf_init(&p.own)
    buf_init(&p.scratch)
    p.args_left = -1
    p.bulk_len = -1
    p.max_args = PARSER_MAX_ARGS
    p.max_bulk = p.largest = max_bulk


cdef void parser_free(Parser* p) noexcept nogil:
    buf_free(&p.own)
    buf_free(&p.scratch)
    mem_free(p.kept)
    p.kept = NULL
    drop_bulks(p)


cdef void batch_free(Batch* b) noexcept nogil:
    mem_free(b.argv)
    b.argv = NULL
    b.argv_cap = 0


cdef void parser_limit(Parser* p, int64_t max_args, int64_t max_bulk) noexcept nogil:
    p.max_args = max_args
    p.max_bulk = max_bulk


# Arguments in blocks of their own. All are of the command whose bytes are the first in the parser's own buffer, which lacks theirs.


cdef inline bint awaits_bulk(const Parser* p) noexcept nogil:
    """Whether the next bytes belong to the block that is being filled."""
    return p.filling and p.filled < <size_t>p.bulk_len


cdef inline char* bulk_data(const Parser* p, int i) noexcept nogil:
    return p.bulks[i].block + PARSER_BULK_ROOM


cdef inline size_t bulk_size(const Parser* p, size_t have) noexcept nogil:
    """Bytes of the argument that its block has room for, if so many have arrived. A long one grows without a copy."""
    return min(2 * have, <size_t>p.bulk_len)


cdef int begin_bulk(Parser* p) noexcept nogil:
    """Gives the argument that has begun to arrive a block and moves what is there of it; -1: out of memory."""
    cdef size_t have = p.end - p.pos
    cdef char* block
    if have > <size_t>p.bulk_len:
        # but for the end of its line it is complete
        return 0
    block = <char*>mem_try_alloc(PARSER_BULK_ROOM + bulk_size(p, max(have, <size_t>FIRST_BULK // 2)))
    if block == NULL:
        return -1
    if p.bulk_count == p.bulk_cap:
        p.bulk_cap = p.bulk_cap * 2 if p.bulk_cap else 1
        p.bulks = <Bulk*>mem_realloc(p.bulks, p.bulk_cap * sizeof(Bulk))
    p.bulks[p.bulk_count].block = block
    p.bulks[p.bulk_count].place = p.kept_count
    p.bulk_count += 1
    p.bulk_room += mem_size(block)
    p.filling = True
    p.filled = 0
    if have:
        memcpy(block + PARSER_BULK_ROOM, p.base + p.pos, have)
    add_to_bulk(p, have)
    p.end = p.pos
    if not p.external:
        p.own.len = p.pos
    return 0


cdef inline void add_to_bulk(Parser* p, size_t n) noexcept nogil:
    p.filled += n
    p.bulk_bytes += n


cdef char* bulk_target(Parser* p, size_t most, size_t* room) noexcept nogil:
    """Where the next bytes of the argument go, at most so many; *room is 0 when out of memory."""
    cdef Bulk* bulk = &p.bulks[p.bulk_count - 1]
    cdef size_t before = mem_size(bulk.block)
    cdef char* block
    if before == PARSER_BULK_ROOM + p.filled:
        block = <char*>mem_try_realloc(bulk.block, PARSER_BULK_ROOM + bulk_size(p, p.filled))
        if block == NULL:
            room[0] = 0
            return bulk.block
        bulk.block = block
        p.bulk_room += mem_size(block) - before
        before = mem_size(block)
    room[0] = before - PARSER_BULK_ROOM - p.filled
    if room[0] > <size_t>p.bulk_len - p.filled:
        room[0] = <size_t>p.bulk_len - p.filled
    if room[0] > most:
        room[0] = most
    return bulk.block + PARSER_BULK_ROOM + p.filled


cdef void drop_bulks(Parser* p) noexcept nogil:
    """Frees the blocks that nobody took over."""
    cdef int i
    for i in range(p.bulk_count):
        mem_free(p.bulks[i].block)
    mem_free(p.bulks)
    p.bulks = NULL
    p.bulk_count = p.bulk_cap = 0
    p.bulk_bytes = p.bulk_room = 0
    p.bulks_whole = False
    p.filling = False


cdef void put_back(Parser* p) noexcept nogil:
    """Makes the complete command that was not run an incomplete one that lacks nothing: it can't be parsed again without its blocks."""
    cdef Batch* b = p.batch
    if b.count > 1:
        p.pos = b.requests[1].start
    elif p.args_left >= 0:
        p.pos = p.start
    p.start = b.requests[0].start
    p.args_left = 0
    p.bulk_len = -1
    p.bulks_whole = False
    b.argv_count = b.requests[0].argc
    b.count = 0


cdef Bulk* parser_bulk(Parser* p, int place, Slice argument) noexcept nogil:
    cdef Bulk* bulk
    if not p.bulks_whole:
        return NULL
    while p.bulk_at < p.bulk_count and p.bulks[p.bulk_at].place < place:
        p.bulk_at += 1
    if p.bulk_at == p.bulk_count:
        return NULL
    bulk = &p.bulks[p.bulk_at]
    # a command that is run for another one has arguments of its own
    return bulk if bulk.block != NULL and bulk_data(p, p.bulk_at) == argument.ptr else NULL


cdef char* parser_target(Parser* p, size_t* room) noexcept nogil:
    cdef size_t want = p.step if p.step > READ_STEP else READ_STEP
    if p.own.len == 0:
        return NULL
    if awaits_bulk(p):
        return bulk_target(p, BULK_STEP, room)
    if p.own.cap - p.own.len < want and buf_reserve(&p.own, want) != 0:
        room[0] = 0
        return p.own.data
    # not all that there is: short arguments take ten times as long to parse as to read
    room[0] = min(p.own.cap - p.own.len, <size_t>STREAM_STEP_MAX)
    return p.own.data + p.own.len


cdef inline void set_step(Parser* p, size_t n) noexcept nogil:
    p.step = n if n < STREAM_STEP_MAX else STREAM_STEP_MAX


cdef void parser_filled(Parser* p, size_t n) noexcept nogil:
    if awaits_bulk(p):
        add_to_bulk(p, n)
        return
    # more is on its way to who has no room for it
    set_step(p, 2 * n if n == p.own.cap - p.own.len else n)
    p.own.len += n


cdef int parser_begin(Parser* p, Batch* batch, const char* data, size_t len) noexcept nogil:
    cdef size_t part
    cdef char* target
    while len and awaits_bulk(p):
        target = bulk_target(p, len, &part)
        if part == 0:
            return -1
        memcpy(target, data, part)
        add_to_bulk(p, part)
        data += part
        len -= part
    if p.own.len == 0 and len > 0:
        set_step(p, len)
        p.base = data
        p.end = len
        p.external = True
    else:
        if len > 0 and buf_append(&p.own, data, len) != 0:
            return -1
        p.base = p.own.data
        p.end = p.own.len
        p.external = False
    p.batch = batch
    batch.at = batch.count = batch.argv_count = 0
    if p.kept_count:
        mem_free(batch.argv)
        batch.argv = p.kept
        batch.argv_cap = p.kept_cap
        batch.argv_count = p.kept_count
        p.kept = NULL
        p.kept_cap = 0
    return 0


cdef void move_arguments(Batch* b, int first, int count, intptr_t distance) noexcept nogil:
    """From addresses to offsets and back."""
    cdef int i
    for i in range(first, first + count):
        b.argv[i].ptr = <const char*>(<intptr_t>b.argv[i].ptr + distance)
    b.moved += count


cdef inline size_t unread_from(const Parser* p) noexcept nogil:
    """Where the first byte is that no returned command holds."""
    if p.batch != NULL and p.batch.at < p.batch.count:
        return p.batch.requests[p.batch.at].start
    return p.start if p.args_left >= 0 else p.pos


cdef bint keep_arguments(Parser* p) noexcept nogil:
    """Takes the arguments of the incomplete command out of the batch; only those that this read brought are looked at. False: out of
    memory."""
    cdef Batch* b = p.batch
    cdef int first = first_free(b)
    cdef int count = b.argv_count - first
    if count == 0:
        return True
    move_arguments(b, first + p.kept_count, count - p.kept_count, -<intptr_t>(p.base + p.start))
    p.kept_count = count
    if first == 0:
        p.kept = b.argv
        p.kept_cap = b.argv_cap
        b.argv = NULL
        b.argv_cap = 0
        return True
    p.kept = <Slice*>mem_try_alloc(count * sizeof(Slice))
    if p.kept == NULL:
        p.kept_count = 0
        return False
    p.kept_cap = count
    memcpy(p.kept, b.argv + first, count * sizeof(Slice))
    return True


cdef int parser_end(Parser* p) noexcept nogil:
    cdef size_t consumed
    cdef int status = 0
    if p.scratch.cap > KEPT_SCRATCH:
        buf_free(&p.scratch)
    if p.bulks_whole:
        if p.batch.at:
            drop_bulks(p)
        else:
            put_back(p)
    consumed = unread_from(p)
    if p.batch.at < p.batch.count:
        # commands that were not asked for: they will be parsed again
        p.pos = consumed
        p.args_left = -1
        p.bulk_len = -1
    elif p.args_left >= 0 and not keep_arguments(p):
        status = -1
    if p.batch.argv_cap > BATCH_ARGS:
        batch_free(p.batch)
    p.batch = NULL
    if p.bulk_len >= PARSER_LARGE_BULK and not p.filling and begin_bulk(p) != 0:
        status = -1
    if p.external:
        if p.end > consumed and buf_append(&p.own, p.base + consumed, p.end - consumed) != 0:
            status = -1
        p.external = False
    elif consumed >= p.own.len:
        buf_free(&p.own)
    elif consumed * 2 >= p.own.len:
        # moving the rest only once half is consumed keeps the cost of a long pipeline linear
        buf_drop_front(&p.own, consumed)
    else:
        consumed = 0
    p.start -= consumed if p.start >= consumed else p.start
    p.pos -= consumed
    p.base = NULL
    p.end = 0
    return status


cdef inline bint bulks_are_read(const Parser* p) noexcept nogil:
    """Whether the command that the blocks belong to was returned."""
    return p.bulks_whole and p.batch.at > 0


cdef size_t parser_pending(const Parser* p) noexcept nogil:
    cdef size_t bytes = (p.end if p.base != NULL else p.own.len) - unread_from(p)
    return bytes if bulks_are_read(p) else bytes + p.bulk_bytes


cdef size_t parser_held(const Parser* p) noexcept nogil:
    return p.own.len + p.bulk_bytes


cdef size_t parser_room(const Parser* p) noexcept nogil:
    return p.own.cap + p.bulk_room


cdef size_t parser_request_size(const Parser* p) noexcept nogil:
    cdef size_t bytes
    if p.batch == NULL or p.batch.at == 0:
        return 0
    bytes = unread_from(p) - p.batch.requests[p.batch.at - 1].start
    return bytes + p.bulk_bytes if p.bulks_whole and p.batch.at == 1 else bytes


cdef void parser_unread(Parser* p) noexcept nogil:
    p.batch.at -= 1


cdef inline int first_free(const Batch* b) noexcept nogil:
    """Where the arguments of the command behind the complete ones begin."""
    return b.requests[b.count - 1].first + b.requests[b.count - 1].argc if b.count else 0


cdef void drop_requests(Batch* b) noexcept nogil:
    """Forgets the complete commands; the arguments of an incomplete one behind them move to the front."""
    cdef int first = first_free(b)
    if first:
        b.argv_count -= first
        if b.argv_count:
            memmove(b.argv, b.argv + first, b.argv_count * sizeof(Slice))
    b.at = b.count = 0


cdef int parser_look_ahead(Parser* p) noexcept nogil:
    cdef Batch* b = p.batch
    cdef size_t from_pos = p.pos
    cdef int ahead = b.ahead if b.ahead else BATCH_REQUESTS
    cdef int status = PARSE_COMMAND
    if p.bulks_whole:
        drop_bulks(p)
    drop_requests(b)
    if p.args_left < 0:
        b.argv_count = 0
    while status == PARSE_COMMAND:
        if p.args_left < 0 and p.pos < p.end:
            parse_whole(p, ahead, from_pos + BATCH_BYTES)
        if b.count >= ahead or p.pos - from_pos >= BATCH_BYTES:
            break
        status = parse_one(p)
    if status == PARSE_ERROR and b.count:
        # it is found again when its turn comes
        p.pos = p.start
        p.args_left = -1
        p.bulk_len = -1
    return status


cdef void skip_nothing(Parser* p) noexcept nogil:
    """Passes over empty lines and requests without arguments: a read may bring a hundred thousand of them, and none ends the turn."""
    cdef const char* at = p.base + p.pos
    cdef const char* end = p.base + p.end
    while True:
        if end - at >= 2 and memcmp(at, b"\r\n", 2) == 0:
            at += 2
        elif end - at >= 4 and memcmp(at, b"*0\r\n", 4) == 0:
            at += 4
        else:
            break
    p.pos = at - p.base


cdef int parse_one(Parser* p) noexcept nogil:
    cdef Batch* b = p.batch
    cdef int status
    while True:
        if p.args_left < 0:
            skip_nothing(p)
            p.start = p.pos
            b.argv_count = first_free(b)
            if p.pos >= p.end:
                return PARSE_MORE
            if p.base[p.pos] != c'*':
                if b.count:
                    # its arguments are put into scratch, which has room for one command
                    return PARSE_MORE
                status = parse_inline(p)
            else:
                status = parse_header(p)
            if status == SKIPPED:
                continue
            if status != HEADER:
                return status
        return parse_arguments(p)


cdef void finish_request(Parser* p) noexcept nogil:
    """The arguments of the command that begins at start are complete."""
    cdef Batch* b = p.batch
    cdef Request* request = &b.requests[b.count]
    cdef int i
    request.start = p.start
    request.first = first_free(b)
    request.argc = b.argv_count - request.first
    b.count += 1
    if p.kept_count:
        move_arguments(b, request.first, p.kept_count, <intptr_t>(p.base + p.start))
        p.kept_count = 0
    if p.bulk_count and not p.bulks_whole:
        for i in range(p.bulk_count):
            b.argv[request.first + p.bulks[i].place].ptr = bulk_data(p, i)
        p.bulk_at = 0
        p.bulks_whole = True


cdef int fail(Parser* p, const char* what) noexcept nogil:
    format_text(p.error, sizeof(p.error), b"Protocol error: %s", what)
    return PARSE_ERROR


cdef int read_line(Parser* p, Slice* line) noexcept nogil:
    """The line at pos without its CR LF, consumed; PARSE_MORE when it has not all come, PARSE_ERROR when it is too long."""
    cdef const char* here = p.base + p.pos
    cdef const char* cr = <const char*>memchr(here, 13, p.end - p.pos)
    if cr == NULL:
        return PARSE_ERROR if p.end - p.pos > INLINE_MAX else PARSE_MORE
    if <size_t>(cr - here) + 2 > p.end - p.pos:
        return PARSE_MORE
    line[0] = slice_of(here, cr - here)
    p.pos += line.len + 2
    return HEADER


cdef int parse_header(Parser* p) noexcept nogil:
    cdef Slice line
    cdef int64_t count
    cdef int status = read_line(p, &line)
    if status == PARSE_ERROR:
        return fail(p, b"too big mbulk count string")
    if status == PARSE_MORE:
        return PARSE_MORE
    if not num_read_i64(slice_of(line.ptr + 1, line.len - 1), &count) or count > PARSER_MAX_ARGS:
        return fail(p, b"invalid multibulk length")
    if count > p.max_args:
        return fail(p, b"unauthenticated multibulk length")
    if count <= 0:
        return SKIPPED
    p.args_left = count
    p.bulk_len = -1
    return HEADER


cdef int parse_arguments(Parser* p) noexcept nogil:
    cdef Batch* b = p.batch
    cdef int status
    while p.args_left > 0:
        if p.bulk_len < 0:
            status = parse_bulk_header(p)
            if status != HEADER:
                return status
        if p.filling:
            if p.filled < <size_t>p.bulk_len or p.end - p.pos < 2:
                return PARSE_MORE
            if not add_argument(b, bulk_data(p, p.bulk_count - 1), p.bulk_len):
                return fail(p, b"out of memory")
            p.pos += 2
            p.filling = False
        elif p.end - p.pos < <size_t>p.bulk_len + 2:
            return PARSE_MORE
        else:
            if not add_argument(b, p.base + p.pos, p.bulk_len):
                return fail(p, b"out of memory")
            p.pos += p.bulk_len + 2
        p.bulk_len = -1
        p.args_left -= 1
    finish_request(p)
    p.args_left = -1
    return PARSE_COMMAND


cdef inline bint add_argument(Batch* b, const char* ptr, size_t len) noexcept nogil:
    """Room is made by what arrives, not by what a header announces. False: out of memory."""
    if b.argv_count == b.argv_cap and not grow_argv(b):
        return False
    b.argv[b.argv_count] = slice_of(ptr, len)
    b.argv_count += 1
    return True


cdef bint grow_argv(Batch* b) noexcept nogil:
    """False: out of memory."""
    cdef int cap = b.argv_cap * 2 if b.argv_cap else FIRST_ARGS
    cdef void* longer = mem_try_realloc(b.argv, cap * sizeof(Slice))
    if longer == NULL:
        return False
    b.argv = <Slice*>longer
    b.argv_cap = cap
    return True


cdef const char* read_long_header(const char* at, const char* end, char kind, int64_t* n) noexcept nogil:
    """read_header without its short cut."""
    cdef int64_t value
    cdef const char* last = at + 9
    if end - at < 4 or at[0] != kind or not c'1' <= at[1] <= c'9':
        return NULL
    value = at[1] - c'0'
    at += 2
    while c'0' <= at[0] <= c'9':
        value = value * 10 + (at[0] - c'0')
        at += 1
        if at == last or at == end:
            return NULL
    if end - at < 2 or at[0] != 13 or at[1] != 10:
        return NULL
    n[0] = value
    return at + 2


cdef inline const char* read_header(const char* at, const char* end, char kind, int64_t* n) noexcept nogil:
    """A kind, a number without leading zeros, CR LF: where they end. NULL: it is something else, has not all come, or is too long."""
    cdef const char* after = zippy_short_header(at, kind, n) if end - at >= 8 else NULL
    return after if after != NULL else read_long_header(at, end, kind, n)


cdef inline void parse_whole(Parser* p, int ahead, size_t until) noexcept nogil:
    """Parses the commands at pos of which all is there and that need no care, until there are `ahead` in the batch or pos has come to
    `until`. What stops it is for parse_one."""
    cdef Batch* b = p.batch
    cdef Request* request = &b.requests[b.count]
    cdef Request* enough = &b.requests[ahead]
    cdef const char* end = p.base + p.end
    cdef const char* begin = p.base + p.pos
    cdef const char* at
    cdef int64_t count
    cdef int64_t length
    cdef Slice* argument
    cdef Slice* stop
    while request < enough and <size_t>(begin - p.base) < until:
        at = read_header(begin, end, c'*', &count)
        if at == NULL or count > WHOLE_ARGS or count > p.max_args or not has_room(b, count):
            break
        argument = b.argv + b.argv_count
        stop = argument + count
        while argument != stop:
            at = read_header(at, end, c'$', &length)
            if at == NULL or length > p.max_bulk or end - at < length + 2:
                break
            argument[0] = slice_of(at, length)
            argument += 1
            at += length + 2
        if argument != stop:
            break
        request.start = begin - p.base
        request.first = b.argv_count
        request.argc = <int>count
        request += 1
        b.argv_count += <int>count
        begin = at
    b.count = <int>(request - b.requests)
    p.pos = begin - p.base


cdef inline bint has_room(Batch* b, int64_t count) noexcept nogil:
    """Makes room for so many arguments more. False: out of memory; where one is added after the other it fails again, and says so."""
    while b.argv_cap - b.argv_count < count:
        if not grow_argv(b):
            return False
    return True


cdef int parse_bulk_header(Parser* p) noexcept nogil:
    cdef int64_t length
    cdef int status
    if p.pos >= p.end:
        return PARSE_MORE
    status = read_bulk_header(p, &length)
    if status != HEADER:
        return status
    if length > p.max_bulk:
        if p.max_args == PARSER_UNAUTHENTICATED_ARGS and length <= p.largest:
            return fail(p, b"unauthenticated bulk length")
        return fail(p, b"invalid bulk length")
    p.bulk_len = length
    return HEADER


cdef int read_bulk_header(Parser* p, int64_t* length) noexcept nogil:
    cdef const char* after = read_header(p.base + p.pos, p.base + p.end, c'$', length)
    cdef Slice line
    cdef char got[24]
    cdef int status
    if after != NULL:
        p.pos = after - p.base
        return HEADER
    status = read_line(p, &line)
    if status == PARSE_ERROR:
        return fail(p, b"too big bulk count string")
    if status == PARSE_MORE:
        return PARSE_MORE
    if line.len == 0 or line.ptr[0] != c'$':
        format_text(got, sizeof(got), b"expected '$', got '%c'", line.ptr[0])
        return fail(p, got)
    if not num_read_i64(slice_of(line.ptr + 1, line.len - 1), length) or length[0] < 0:
        return fail(p, b"invalid bulk length")
    return HEADER


cdef int parse_inline(Parser* p) noexcept nogil:
    cdef Batch* b = p.batch
    cdef const char* here = p.base + p.pos
    cdef const char* newline = <const char*>memchr(here, 10, p.end - p.pos)
    cdef size_t length
    if newline != NULL and memchr(here, 0, newline - here) != NULL:
        # Redis looks for the line's end in a C string, which a NUL ends: what follows is never read
        newline = NULL
    if newline == NULL:
        return fail(p, b"too big inline request") if p.end - p.pos > INLINE_MAX else PARSE_MORE
    length = newline - here
    p.pos += length + 1
    if length > 0 and here[length - 1] == 13:
        length -= 1
    if split_arguments(p, here, length) != 0:
        return fail(p, b"unbalanced quotes in request")
    if p.scratch.failed:
        return fail(p, b"out of memory")
    if b.argv_count == 0:
        return SKIPPED
    # they were offsets while scratch grew
    move_arguments(b, 0, b.argv_count, <intptr_t>p.scratch.data)
    finish_request(p)
    return PARSE_COMMAND


cdef int split_arguments(Parser* p, const char* line, size_t length) noexcept nogil:
    """Words of an inline request into scratch; -1 when a quote is not closed. Scratch is failed where memory ends."""
    cdef size_t i = 0
    cdef size_t begin = 0
    cdef int found
    p.scratch.len = 0
    found = word_next(line, length, &i, &p.scratch)
    while found == WORD_FOUND:
        if not add_argument(p.batch, <const char*><intptr_t>begin, p.scratch.len - begin):
            p.scratch.failed = True
            return 0
        begin = p.scratch.len
        found = word_next(line, length, &i, &p.scratch)
    return -1 if found == WORD_UNBALANCED else 0
