# Ids are read as leniently as Redis reads them, by C's strtoull: blanks in front, a plus, leading zeros, nothing behind a NUL.

from libc.stdint cimport UINT64_MAX
from libc.string cimport memchr
from zippy._core.ground.id_tree cimport stream_id_of, stream_id_step, stream_id_step_back
from zippy._core.ground.number cimport num_write_u64
from zippy._core.ground.slice cimport slice_of
from zippy._core.resp.writer cimport reply_bulk, reply_error

cdef enum:
    ID_WORD = 127                # bytes of the longest word that may be an id


cdef StreamId least_stream_id() noexcept nogil:
    return stream_id_of(0, 0)


cdef StreamId greatest_stream_id() noexcept nogil:
    return stream_id_of(UINT64_MAX, UINT64_MAX)


cdef bint is_plain_i64(const char* at, size_t len) noexcept nogil:
    """Whether it is how a negative integer would be written: those are refused, however else signs are read."""
    return len >= 2 and at[0] == c'-' and c'1' <= at[1] <= c'9'


cdef bint read_u64(const char* at, size_t len, uint64_t* n) noexcept nogil:
    cdef size_t i = 0
    cdef bint negative = False
    cdef uint64_t digit
    cdef uint64_t number = 0
    if is_plain_i64(at, len):
        return False
    while i < len and (at[i] == c' ' or c'\t' <= at[i] <= c'\r'):
        i += 1
    if i < len and (at[i] == c'+' or at[i] == c'-'):
        negative = at[i] == c'-'
        i += 1
    if i == len:
        return False
    while i < len:
        digit = <uint64_t>(at[i] - c'0')
        if not c'0' <= at[i] <= c'9' or number > UINT64_MAX // 10 or number * 10 > UINT64_MAX - digit:
            return False
        number = number * 10 + digit
        i += 1
    n[0] = 0 - number if negative else number
    return True


cdef bint read_stream_id(Slice word, uint64_t missing_seq, StreamId* id, bint* any_seq) noexcept nogil:
    cdef const char* nul
    cdef const char* dash
    cdef const char* seq
    cdef size_t seq_len
    if any_seq != NULL:
        any_seq[0] = False
    if word.len > ID_WORD or word.len == 0:
        return False
    nul = <const char*>memchr(word.ptr, 0, word.len)
    if nul != NULL:
        word.len = nul - word.ptr
    dash = <const char*>memchr(word.ptr, c'-', word.len)
    if dash == NULL:
        id.seq = missing_seq
        return read_u64(word.ptr, word.len, &id.ms)
    seq = dash + 1
    seq_len = word.ptr + word.len - seq
    if any_seq != NULL and seq_len == 1 and seq[0] == c'*':
        id.seq = 0
        any_seq[0] = True
    elif not read_u64(seq, seq_len, &id.seq):
        return False
    return read_u64(word.ptr, dash - word.ptr, &id.ms)


cdef bint arg_id(Client* c, Slice word, uint64_t missing_seq, StreamId* id) noexcept nogil:
    if read_stream_id(word, missing_seq, id, NULL):
        return True
    reply_error(&c.reply, b"ERR Invalid stream ID specified as stream command argument")
    return False


cdef bint arg_stream_id(Client* c, Slice word, StreamId* id) noexcept nogil:
    return arg_id(c, word, 0, id)


cdef bint is_sign(Slice word, char sign) noexcept nogil:
    return word.len == 1 and word.ptr[0] == sign


cdef bint arg_range_end_point(Client* c, Slice word, uint64_t missing_seq, StreamId* id, bint* left_out) noexcept nogil:
    left_out[0] = word.len > 1 and word.ptr[0] == c'('
    if left_out[0]:
        return arg_id(c, slice_of(word.ptr + 1, word.len - 1), missing_seq, id)
    if is_sign(word, c'-'):
        id[0] = least_stream_id()
    elif is_sign(word, c'+'):
        id[0] = greatest_stream_id()
    else:
        return arg_id(c, word, missing_seq, id)
    return True


cdef bint arg_range_start(Client* c, Slice word, StreamId* id) noexcept nogil:
    cdef bint left_out
    if not arg_range_end_point(c, word, 0, id, &left_out):
        return False
    if left_out and not stream_id_step(id):
        reply_error(&c.reply, b"ERR invalid start ID for the interval")
        return False
    return True


cdef bint arg_range_end(Client* c, Slice word, StreamId* id) noexcept nogil:
    cdef bint left_out
    if not arg_range_end_point(c, word, UINT64_MAX, id, &left_out):
        return False
    if left_out and not stream_id_step_back(id):
        reply_error(&c.reply, b"ERR invalid end ID for the interval")
        return False
    return True


cdef size_t write_stream_id(char* at, StreamId id) noexcept nogil:
    cdef size_t n = num_write_u64(at, id.ms)
    at[n] = c'-'
    return n + 1 + num_write_u64(at + n + 1, id.seq)


cdef Slice stream_id_slice(char* at, StreamId id) noexcept nogil:
    return slice_of(at, write_stream_id(at, id))


cdef void reply_stream_id(Reply* r, StreamId id) noexcept nogil:
    cdef char[STREAM_ID_TEXT] text
    reply_bulk(r, stream_id_slice(text, id))
