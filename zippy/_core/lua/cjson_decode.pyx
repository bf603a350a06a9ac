# A string without escapes is pushed from where it lies, one with escapes is put together in the state's buffer. Tables grow as their items
# are put in, never made larger in advance: `pairs` goes over them in an order that follows from that, and it is the one that scripts know.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport strtod
from zippy._core.ground.buf cimport Buf, buf_append, buf_append_byte, buf_clear
from zippy._core.ground.format cimport format_text
from zippy._core.lua.api cimport (
    lua_checkstack, lua_createtable, lua_pushboolean, lua_pushlightuserdata, lua_pushlstring, lua_pushnumber, lua_rawset, lua_rawseti
)
from zippy._core.lua.arguments cimport raise_text, string_argument
from zippy._core.lua.scratch cimport scratch_begin, scratch_raise

cdef enum:
    MESSAGE = 128
    EXACT_DIGITS = 15                # a double holds every integer of so many
    EXACT_POWER = 22                 # and every power of ten up to this one

cdef enum Token:
    TOKEN_OBJECT
    TOKEN_OBJECT_END
    TOKEN_ARRAY
    TOKEN_ARRAY_END
    TOKEN_STRING
    TOKEN_NUMBER
    TOKEN_BOOLEAN
    TOKEN_NULL
    TOKEN_COLON
    TOKEN_COMMA
    TOKEN_END
    TOKEN_ERROR                      # what is wrong is in Reader.text
    # and what a first byte may mean beside these
    BYTE_BLANK
    BYTE_WORD                        # of a word, or a number with one
    BYTE_PLUS


cdef struct Reader:
    lua_State* L
    const DecodeSettings* settings
    Buf* scratch                     # strings with escapes
    const char* data
    const char* at                   # what is not yet read; a NUL ends it
    const char* start                # of the token; of an error the place that is told
    const char* text                 # of a string its bytes, of an error its name
    size_t length
    double number
    bint boolean


cdef const char* TOKEN_NAMES[12]
TOKEN_NAMES[:] = [
    b"T_OBJ_BEGIN", b"T_OBJ_END", b"T_ARR_BEGIN", b"T_ARR_END", b"T_STRING", b"T_NUMBER", b"T_BOOLEAN", b"T_NULL", b"T_COLON", b"T_COMMA",
    b"T_END", b""
]
cdef unsigned char[256] kinds        # a Token by its first byte
cdef char[256] escaped               # the byte that a letter behind a backslash stands for; 'u' and 0 for none
cdef bint[256] stops                 # bytes that are no plain part of a string
cdef double[EXACT_POWER + 1] powers


def fill_tables():
    """What bytes mean."""
    for i in range(256):
        kinds[i] = TOKEN_ERROR
        stops[i] = i in b'"\\\0'
        escaped[i] = 0
    for text, kind in (
        (b"{", TOKEN_OBJECT), (b"}", TOKEN_OBJECT_END), (b"[", TOKEN_ARRAY), (b"]", TOKEN_ARRAY_END), (b'"', TOKEN_STRING),
        (b"-0123456789", TOKEN_NUMBER), (b":", TOKEN_COLON), (b",", TOKEN_COMMA), (b"\0", TOKEN_END), (b" \t\n\r", BYTE_BLANK),
        (b"tfniNI", BYTE_WORD), (b"+", BYTE_PLUS),
    ):
        for byte in text:
            kinds[byte] = kind
    for letter, byte in zip(b'"\\/bfnrtu', b'"\\/\b\f\n\r\tu', strict=True):
        escaped[letter] = byte
    for i in range(EXACT_POWER + 1):
        powers[i] = 10.0**i


fill_tables()


cdef Token error_token(Reader* r, const char* start, const char* text) noexcept nogil:
    r.start = start
    r.text = text
    return TOKEN_ERROR


cdef int hexadecimal(const char* digits) noexcept nogil:
    """The number of four hexadecimal digits, or -1."""
    cdef int value = 0
    cdef int i
    cdef char digit
    for i in range(4):
        digit = digits[i] | 32
        if c'0' <= digits[i] <= c'9':
            value = value << 4 | digits[i] - c'0'
        elif c'a' <= digit <= c'f':
            value = value << 4 | digit - c'a' + 10
        else:
            return -1
    return value


cdef void append_utf8(Buf* out, uint32_t code) noexcept nogil:
    if code < 0x80:
        buf_append_byte(out, <char>code)
        return
    if code < 0x800:
        buf_append_byte(out, <char>(0xC0 | code >> 6))
    else:
        if code < 0x10000:
            buf_append_byte(out, <char>(0xE0 | code >> 12))
        else:
            buf_append_byte(out, <char>(0xF0 | code >> 18))
            buf_append_byte(out, <char>(0x80 | code >> 12 & 63))
        buf_append_byte(out, <char>(0x80 | code >> 6 & 63))
    buf_append_byte(out, <char>(0x80 | code & 63))


cdef bint read_unicode(Reader* r) noexcept nogil:
    """Reads a \\uXXXX, or two that are a pair of surrogates; False for anything else."""
    cdef int code = hexadecimal(r.at + 2)
    cdef int low
    if code < 0:
        return False
    r.at += 6
    if code & 0xF800 == 0xD800:
        if code & 0x400 or r.at[0] != c'\\' or r.at[1] != c'u':
            return False
        low = hexadecimal(r.at + 2)
        if low < 0 or low & 0xFC00 != 0xDC00:
            return False
        r.at += 6
        code = ((code & 0x3FF) << 10 | low & 0x3FF) + 0x10000
    append_utf8(r.scratch, code)
    return True


cdef Token read_escaped_string(Reader* r, const char* plain) noexcept nogil:
    """Reads a string whose first escape has been come to; it begins at `plain`."""
    cdef const char* escape
    cdef char byte
    r.scratch.len = 0
    while True:
        while not stops[<unsigned char>r.at[0]]:
            r.at += 1
        buf_append(r.scratch, plain, r.at - plain)
        if r.at[0] != c'\\':
            break
        escape = r.at
        byte = escaped[<unsigned char>r.at[1]]
        if byte == 0:
            return error_token(r, escape, b"invalid escape code")
        if byte != c'u':
            buf_append_byte(r.scratch, byte)
            r.at += 2
        elif not read_unicode(r):
            return error_token(r, escape, b"invalid unicode escape code")
        plain = r.at
    if r.at[0] == 0:
        return error_token(r, r.at, b"unexpected end of string")
    r.at += 1
    if r.scratch.failed:
        scratch_raise(r.L, r.scratch, b"")
    r.text = r.scratch.data
    r.length = r.scratch.len
    return TOKEN_STRING


cdef inline Token read_string(Reader* r) noexcept nogil:
    cdef const char* p = r.at + 1
    cdef const char* plain = p
    while not stops[<unsigned char>p[0]]:
        p += 1
    r.at = p
    if p[0] == c'"':
        r.at += 1
        r.text = plain
        r.length = p - plain
        return TOKEN_STRING
    return read_escaped_string(r, plain)


cdef inline bint is_digit(char c) noexcept nogil:
    return c'0' <= c <= c'9'


cdef bint begins_with(const char* text, const char* word) noexcept nogil:
    """Whether the text begins with a word of three small letters, in any case."""
    return (text[0] | 32) == word[0] and (text[1] | 32) == word[1] and (text[2] | 32) == word[2]


cdef bint is_no_json(const char* p) noexcept nogil:
    """Whether what looks like a number is one that C reads and JSON has not."""
    if p[0] == c'+':
        return True
    if p[0] == c'-':
        p += 1
    if p[0] == c'0':
        return (p[1] | 32) == c'x' or is_digit(p[1])
    return begins_with(p, b"inf") or begins_with(p, b"nan")


cdef Token read_any_number(Reader* r) noexcept nogil:
    cdef char* end
    r.number = strtod(r.at, &end)
    if end == r.at:
        return error_token(r, r.start, b"invalid number")
    r.at = end
    return TOKEN_NUMBER


cdef inline Token read_number(Reader* r) noexcept nogil:
    """Reads a number; the usual ones, of few digits and without an exponent, by an exact division."""
    cdef const char* p = r.at + (r.at[0] == c'-')
    cdef const char* first = p
    cdef const char* point = NULL
    cdef uint64_t value = 0
    cdef double number
    if not r.settings.invalid_numbers and is_no_json(r.at):
        return error_token(r, r.start, b"invalid number")
    while is_digit(p[0]):
        value = value * 10 + <uint64_t>(p[0] - c'0')
        p += 1
        if p[0] == c'.' and point == NULL:
            p += 1
            point = p
    # more digits than these wrap in `value`, which then is not looked at; of what follows, these letters go on with a number
    if p - first > EXACT_DIGITS or p == first or (p[0] | 32) == c'e' or (p[0] | 32) == c'x':
        return read_any_number(r)
    number = <double>value
    if point != NULL:
        number /= powers[p - point]
    r.number = -number if r.at[0] == c'-' else number
    r.at = p
    return TOKEN_NUMBER


cdef Token read_word(Reader* r) noexcept nogil:
    cdef const char* p = r.at
    if p[0] == c't' and p[1] == c'r' and p[2] == c'u' and p[3] == c'e':
        r.at += 4
        r.boolean = True
        return TOKEN_BOOLEAN
    if p[0] == c'f' and p[1] == c'a' and p[2] == c'l' and p[3] == c's' and p[4] == c'e':
        r.at += 5
        r.boolean = False
        return TOKEN_BOOLEAN
    if p[0] == c'n' and p[1] == c'u' and p[2] == c'l' and p[3] == c'l':
        r.at += 4
        return TOKEN_NULL
    if r.settings.invalid_numbers and is_no_json(p):
        return read_any_number(r)
    return error_token(r, p, b"invalid token")


cdef inline Token next_token(Reader* r) noexcept nogil:
    cdef unsigned char kind = kinds[<unsigned char>r.at[0]]
    while kind == BYTE_BLANK:
        r.at += 1
        kind = kinds[<unsigned char>r.at[0]]
    r.start = r.at
    if kind == TOKEN_STRING:
        return read_string(r)
    if kind == TOKEN_NUMBER:
        return read_number(r)
    if kind < TOKEN_END:
        r.at += 1
        return <Token>kind
    if kind == TOKEN_END:
        return TOKEN_END
    if kind == BYTE_WORD or kind == BYTE_PLUS:
        return read_word(r)
    return error_token(r, r.at, b"invalid token")


cdef void refuse(Reader* r, Token found, const char* expected) noexcept nogil:
    cdef char[MESSAGE] text
    cdef const char* name = r.text
    if found != TOKEN_ERROR:
        name = TOKEN_NAMES[<int>found]
    format_text(text, MESSAGE, b"Expected %s but found %s at character %d", expected, name, <int>(r.start - r.data + 1))
    buf_clear(r.scratch)
    raise_text(r.L, text)


cdef void push_table(Reader* r, int depth, int places) noexcept nogil:
    """Pushes a table if it may lie in `depth` - 1 others and there is room for it and so many places more."""
    cdef char[MESSAGE] text
    if depth <= r.settings.max_depth and lua_checkstack(r.L, 2):
        lua_createtable(r.L, 0, 0)
        if lua_checkstack(r.L, places):
            return
    format_text(text, MESSAGE, b"Found too many nested data structures (%d) at character %d", depth, <int>(r.at - r.data))
    buf_clear(r.scratch)
    raise_text(r.L, text)


cdef void read_array(Reader* r, int depth) noexcept nogil:
    cdef Token token
    cdef int count = 0
    push_table(r, depth, 1)
    token = next_token(r)
    if token == TOKEN_ARRAY_END:
        return
    while True:
        push_value(r, token, depth)
        count += 1
        lua_rawseti(r.L, -2, count)
        token = next_token(r)
        if token == TOKEN_ARRAY_END:
            return
        if token != TOKEN_COMMA:
            refuse(r, token, b"comma or array end")
        token = next_token(r)


cdef void read_object(Reader* r, int depth) noexcept nogil:
    cdef Token token
    push_table(r, depth, 2)
    token = next_token(r)
    if token == TOKEN_OBJECT_END:
        return
    while True:
        if token != TOKEN_STRING:
            refuse(r, token, b"object key string")
        lua_pushlstring(r.L, r.text, r.length)
        token = next_token(r)
        if token != TOKEN_COLON:
            refuse(r, token, b"colon")
        push_value(r, next_token(r), depth)
        lua_rawset(r.L, -3)
        token = next_token(r)
        if token == TOKEN_OBJECT_END:
            return
        if token != TOKEN_COMMA:
            refuse(r, token, b"comma or object end")
        token = next_token(r)


cdef void push_value(Reader* r, Token token, int depth) noexcept nogil:
    """Pushes the value that begins with this token, in so many tables."""
    if token == TOKEN_STRING:
        lua_pushlstring(r.L, r.text, r.length)
    elif token == TOKEN_NUMBER:
        lua_pushnumber(r.L, r.number)
    elif token == TOKEN_OBJECT:
        read_object(r, depth + 1)
    elif token == TOKEN_ARRAY:
        read_array(r, depth + 1)
    elif token == TOKEN_BOOLEAN:
        lua_pushboolean(r.L, r.boolean)
    elif token == TOKEN_NULL:
        lua_pushlightuserdata(r.L, NULL)
    else:
        refuse(r, token, b"value")


cdef int cjson_decode(lua_State* L, const DecodeSettings* settings) noexcept nogil:
    cdef Reader r
    cdef Token token
    cdef size_t length
    r.L = L
    r.settings = settings
    r.data = string_argument(L, 1, &length)
    r.at = r.data
    r.scratch = scratch_begin(L)
    if length >= 2 and (r.data[0] == 0 or r.data[1] == 0):
        return raise_text(L, b"JSON parser does not support UTF-16 or UTF-32")
    push_value(&r, next_token(&r), 0)
    token = next_token(&r)
    if token != TOKEN_END:
        refuse(&r, token, b"the end")
    buf_clear(r.scratch)
    return 1
