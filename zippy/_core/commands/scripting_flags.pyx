# Redis splits the line into words as it does lines of its configuration, so a word may stand in quotes.

from libc.string cimport memchr
from zippy._core.ground.buf cimport Buf, buf_append, buf_append_text, buf_free, buf_init, slice_equal, slice_of, slice_text
from zippy._core.commands.args cimport reply_out_of_memory
from zippy._core.commands.scripting_types cimport (
    SCRIPT_ALLOW_OOM, SCRIPT_ALLOW_STALE, SCRIPT_CROSS_SLOT, SCRIPT_DECLARES, SCRIPT_NO_CLUSTER, SCRIPT_NO_WRITES
)
from zippy._core.resp.writer cimport reply_error, reply_error_slice


cdef bint wrong(Client* c, const char* text, Slice what) noexcept nogil:
    """Replies with an error about a word of the line; False."""
    cdef Buf line
    buf_init(&line)
    buf_append_text(&line, text)
    buf_append(&line, what.ptr, what.len)
    if line.failed:
        reply_out_of_memory(c)
    else:
        reply_error_slice(&c.reply, slice_of(line.data, line.len))
    buf_free(&line)
    return False


cdef uint64_t flag_of(Slice word) noexcept nogil:
    """A SCRIPT_ bit; 0: there is no such flag."""
    if slice_equal(word, slice_text(b"no-writes")):
        return SCRIPT_NO_WRITES
    if slice_equal(word, slice_text(b"allow-oom")):
        return SCRIPT_ALLOW_OOM
    if slice_equal(word, slice_text(b"allow-stale")):
        return SCRIPT_ALLOW_STALE
    if slice_equal(word, slice_text(b"no-cluster")):
        return SCRIPT_NO_CLUSTER
    if slice_equal(word, slice_text(b"allow-cross-slot-keys")):
        return SCRIPT_CROSS_SLOT
    return 0


cdef bint read_flags(Client* c, Slice list, uint64_t* flags) noexcept nogil:
    """Reads words that commas separate; an empty list has none."""
    cdef Slice word
    cdef const char* comma
    cdef uint64_t flag
    while list.len:
        comma = <const char*>memchr(list.ptr, c',', list.len)
        word = slice_of(list.ptr, comma - list.ptr if comma != NULL else list.len)
        flag = flag_of(word)
        if flag == 0:
            return wrong(c, b"ERR Unexpected flag in script shebang: ", word)
        flags[0] |= flag
        if comma == NULL:
            return True
        list = slice_of(comma + 1, list.len - word.len - 1)
        if list.len == 0:
            return wrong(c, b"ERR Unexpected flag in script shebang: ", list)
    return True


cdef inline bint is_blank(char at) noexcept nogil:
    return at == 32 or 9 <= at <= 13


cdef bint next_word(Slice* rest, Slice* word, bint* closed) noexcept nogil:
    """Takes the next word off; it may stand in quotes. False: there is none left. closed: its quotes end."""
    cdef size_t i = 0
    cdef size_t begin
    cdef char quote
    closed[0] = True
    while i < rest.len and is_blank(rest.ptr[i]):
        i += 1
    if i == rest.len:
        return False
    quote = rest.ptr[i]
    if quote == 34 or quote == 39:
        i += 1
        begin = i
        while i < rest.len and rest.ptr[i] != quote:
            i += 1
        word[0] = slice_of(rest.ptr + begin, i - begin)
        closed[0] = i < rest.len
        i += 1 if closed[0] else 0
    else:
        begin = i
        while i < rest.len and not is_blank(rest.ptr[i]):
            i += 1
        word[0] = slice_of(rest.ptr + begin, i - begin)
    rest[0] = slice_of(rest.ptr + i, rest.len - i)
    return True


cdef bint read_first_line(Client* c, Slice* body, uint64_t* flags) noexcept nogil:
    cdef const char* end
    cdef Slice rest, word
    cdef bint closed
    cdef bint first = True
    if body.len < 2 or body.ptr[0] != c'#' or body.ptr[1] != c'!':
        return True
    end = <const char*>memchr(body.ptr, 10, body.len)
    if end == NULL:
        reply_error(&c.reply, b"ERR Invalid script shebang")
        return False
    flags[0] = SCRIPT_DECLARES
    rest = slice_of(body.ptr, end - body.ptr)
    body[0] = slice_of(end, body.len - rest.len)
    while next_word(&rest, &word, &closed):
        if not closed:
            reply_error(&c.reply, b"ERR Invalid engine in script shebang")
            return False
        if first:
            first = False
            if not slice_equal(word, slice_text(b"#!lua")):
                return wrong(c, b"ERR Unexpected engine in script shebang: ", word)
        elif word.len >= 6 and slice_equal(slice_of(word.ptr, 6), slice_text(b"flags=")):
            if not read_flags(c, slice_of(word.ptr + 6, word.len - 6), flags):
                return False
        else:
            return wrong(c, b"ERR Unknown lua shebang option: ", word)
    return True
