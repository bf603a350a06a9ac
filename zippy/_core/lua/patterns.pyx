# Written from Lua 5.1's manual; what it leaves open was asked of Redis. A pattern ends at its first NUL, as in Lua 5.1. Nothing here is
# owned but by Lua, so that an error may jump out of any depth.

from libc.stddef cimport ptrdiff_t, size_t
from libc.string cimport memcmp, memcpy, strpbrk
from zippy._core.lua.api cimport (
    LUA_TFUNCTION, LUA_TNIL, LUA_TNUMBER, LUA_TSTRING, LUA_TTABLE, lua_call, lua_checkstack, lua_gettable, lua_insert, lua_isstring,
    lua_newuserdata, lua_pop, lua_pushcclosure, lua_pushcfunction, lua_pushinteger, lua_pushlstring, lua_pushnil, lua_pushvalue,
    lua_replace, lua_setfield, lua_settop, lua_toboolean, lua_tointeger, lua_tolstring, lua_type, lua_typename, lua_upvalueindex,
    luaL_argerror, luaL_checkinteger, luaL_checklstring
)
from zippy._core.lua.vm cimport vm_of, vm_raise, vm_raise_about

cdef extern from "<ctype.h>" nogil:
    int isalnum(int c)
    int isalpha(int c)
    int iscntrl(int c)
    int isdigit(int c)
    int islower(int c)
    int ispunct(int c)
    int isspace(int c)
    int isupper(int c)
    int isxdigit(int c)
    int tolower(int c)

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <string.h>
    #if defined(_WIN32)
    static void* zippy_find_bytes(const void* in, size_t n, const void* what, size_t m) {
        const char* at = in;
        for (; n >= m; at++, n--) if (memcmp(at, what, m) == 0) return (void*)at;
        return NULL;
    }
    #else
    extern void* memmem(const void*, size_t, const void*, size_t);
    static void* zippy_find_bytes(const void* in, size_t n, const void* what, size_t m) { return memmem(in, n, what, m); }
    #endif
    """
    void* find_bytes "zippy_find_bytes"(const void* data, size_t size, const void* what, size_t length) noexcept nogil

cdef enum:
    CAPTURES = 32                # of one pattern
    UNFINISHED = -1              # length of a capture whose end has not come
    POSITION = -2                # length of a capture that is a place
    DEPTH = 1000                 # repeated items of a pattern that are matched within each other
    STEPS = 1 << 16              # of matching until it is looked at how long the script has run
    LONGEST = 512 << 20          # bytes of a string that rep makes


cdef struct Capture:
    const char* at
    ptrdiff_t length


cdef struct Match:
    lua_State* L
    const char* source
    const char* end
    int level                    # captures that have begun
    int depth
    unsigned int steps
    Capture[CAPTURES] captures


cdef struct Growing:
    # a string that is being made, in a block of Lua's
    lua_State* L
    int place                    # of the block on the stack
    char* data
    size_t length
    size_t room


# Matching


cdef const char* fail(Match* m, const char* text) noexcept nogil:
    vm_raise(m.L, text, True)
    return NULL


cdef inline void step(Match* m) noexcept nogil:
    m.steps += 1
    if m.steps % STEPS == 0:
        vm_of(m.L).hook(m.L, NULL)


cdef const char* item_end(Match* m, const char* p) noexcept nogil:
    """Behind the single item that begins at p: a character, a class or a set."""
    cdef char c = p[0]
    p += 1
    if c == c'%':
        if p[0] == 0:
            return fail(m, b"malformed pattern (ends with '%')")
        return p + 1
    if c != c'[':
        return p
    if p[0] == c'^':
        p += 1
    while True:
        # the first of a set may be a bracket
        if p[0] == 0:
            return fail(m, b"malformed pattern (missing ']')")
        c = p[0]
        p += 1
        if c == c'%' and p[0] != 0:
            p += 1
        if p[0] == c']':
            return p + 1


cdef bint in_class(int c, int name) noexcept nogil:
    """Whether c is of the class that a letter behind % names; other characters stand for themselves."""
    cdef int lower = tolower(name)
    cdef bint found
    if lower == c'a':
        found = isalpha(c) != 0
    elif lower == c'c':
        found = iscntrl(c) != 0
    elif lower == c'd':
        found = isdigit(c) != 0
    elif lower == c'l':
        found = islower(c) != 0
    elif lower == c'p':
        found = ispunct(c) != 0
    elif lower == c's':
        found = isspace(c) != 0
    elif lower == c'u':
        found = isupper(c) != 0
    elif lower == c'w':
        found = isalnum(c) != 0
    elif lower == c'x':
        found = isxdigit(c) != 0
    elif lower == c'z':
        found = c == 0
    else:
        return name == c
    return not found if isupper(name) else found


cdef bint in_set(int c, const unsigned char* p, const unsigned char* last) noexcept nogil:
    """Whether c is in the set from the bracket at p to that at `last`."""
    cdef bint wanted = True
    if p[1] == c'^':
        wanted = False
        p += 1
    p += 1
    while p < last:
        if p[0] == c'%':
            p += 1
            if in_class(c, p[0]):
                return wanted
        elif p[1] == c'-' and p + 2 < last:
            if p[0] <= c <= p[2]:
                return wanted
            p += 2
        elif p[0] == c:
            return wanted
        p += 1
    return not wanted


cdef inline bint is_item(int c, const char* p, const char* end) noexcept nogil:
    """Whether c is what the item from p to end asks for."""
    if p[0] == c'.':
        return True
    if p[0] == c'%':
        return in_class(c, <unsigned char>p[1])
    if p[0] == c'[':
        return in_set(c, <const unsigned char*>p, <const unsigned char*>end - 1)
    return <unsigned char>p[0] == c


cdef inline bint fits(Match* m, const char* s, const char* p, const char* end) noexcept nogil:
    return s < m.end and is_item(<unsigned char>s[0], p, end)


cdef const char* match_balance(Match* m, const char* s, const char* p) noexcept nogil:
    cdef int open_ones = 1
    if p[0] == 0 or p[1] == 0:
        return fail(m, b"unbalanced pattern")
    if s >= m.end or s[0] != p[0]:
        return NULL
    s += 1
    while s < m.end:
        if s[0] == p[1]:
            open_ones -= 1
            if open_ones == 0:
                return s + 1
        elif s[0] == p[0]:
            open_ones += 1
        step(m)
        s += 1
    return NULL


cdef const char* match_most(Match* m, const char* s, const char* p, const char* end) noexcept nogil:
    """As many of the item as fit, then fewer."""
    cdef ptrdiff_t count = 0
    cdef const char* found
    while fits(m, s + count, p, end):
        step(m)
        count += 1
    while count >= 0:
        found = match_at(m, s + count, end + 1)
        if found != NULL:
            return found
        count -= 1
    return NULL


cdef const char* match_fewest(Match* m, const char* s, const char* p, const char* end) noexcept nogil:
    cdef const char* found
    while True:
        found = match_at(m, s, end + 1)
        if found != NULL:
            return found
        if not fits(m, s, p, end):
            return NULL
        s += 1


cdef const char* begin_capture(Match* m, const char* s, const char* p, ptrdiff_t length) noexcept nogil:
    cdef const char* found
    if m.level >= CAPTURES:
        return fail(m, b"too many captures")
    m.captures[m.level].at = s
    m.captures[m.level].length = length
    m.level += 1
    found = match_at(m, s, p)
    if found == NULL:
        m.level -= 1
    return found


cdef const char* end_capture(Match* m, const char* s, const char* p) noexcept nogil:
    cdef int i = m.level - 1
    cdef const char* found
    while i >= 0 and m.captures[i].length != UNFINISHED:
        i -= 1
    if i < 0:
        return fail(m, b"invalid pattern capture")
    m.captures[i].length = s - m.captures[i].at
    found = match_at(m, s, p)
    if found == NULL:
        m.captures[i].length = UNFINISHED
    return found


cdef const char* match_capture(Match* m, const char* s, char digit) noexcept nogil:
    """What a capture before has matched, once more."""
    cdef int i = digit - c'1'
    cdef size_t length
    if i < 0 or i >= m.level or m.captures[i].length == UNFINISHED:
        return fail(m, b"invalid capture index")
    # of a place nothing is as long
    length = <size_t>m.captures[i].length
    if <size_t>(m.end - s) >= length and memcmp(m.captures[i].at, s, length) == 0:
        return s + length
    return NULL


cdef const char* match_frontier(Match* m, const char* s, const char* p) noexcept nogil:
    """Behind the set at p, if s is where its characters begin; else NULL."""
    cdef const char* end
    cdef int before = 0 if s == m.source else <unsigned char>(s - 1)[0]
    if p[0] != c'[':
        return fail(m, b"missing '[' after '%f' in pattern")
    end = item_end(m, p)
    if in_set(before, <const unsigned char*>p, <const unsigned char*>end - 1):
        return NULL
    return end if in_set(<unsigned char>s[0], <const unsigned char*>p, <const unsigned char*>end - 1) else NULL


cdef const char* match_at(Match* m, const char* s, const char* p) noexcept nogil:
    """The end of what the pattern p matches from s on, or NULL."""
    cdef const char* found
    m.depth += 1
    if m.depth > DEPTH:
        return fail(m, b"pattern too complex")
    found = match_items(m, s, p)
    m.depth -= 1
    return found


cdef const char* match_items(Match* m, const char* s, const char* p) noexcept nogil:
    cdef const char* end
    cdef const char* found
    while True:
        step(m)
        if p[0] == 0:
            return s
        if p[0] == c'(':
            return begin_capture(m, s, p + 2, POSITION) if p[1] == c')' else begin_capture(m, s, p + 1, UNFINISHED)
        if p[0] == c')':
            return end_capture(m, s, p + 1)
        if p[0] == c'$' and p[1] == 0:
            return s if s == m.end else NULL
        if p[0] == c'%' and p[1] == c'b':
            s = match_balance(m, s, p + 2)
            if s == NULL:
                return NULL
            p += 4
            continue
        if p[0] == c'%' and p[1] == c'f':
            p = match_frontier(m, s, p + 2)
            if p == NULL:
                return NULL
            continue
        if p[0] == c'%' and isdigit(<unsigned char>p[1]):
            s = match_capture(m, s, p[1])
            if s == NULL:
                return NULL
            p += 2
            continue
        end = item_end(m, p)
        if end[0] == c'*':
            return match_most(m, s, p, end)
        if end[0] == c'-':
            return match_fewest(m, s, p, end)
        if end[0] == c'+':
            return match_most(m, s + 1, p, end) if fits(m, s, p, end) else NULL
        if end[0] == c'?':
            if fits(m, s, p, end):
                found = match_at(m, s + 1, end + 1)
                if found != NULL:
                    return found
            p = end + 1
            continue
        if not fits(m, s, p, end):
            return NULL
        s += 1
        p = end


cdef inline const char* match_from(Match* m, const char* s, const char* p) noexcept nogil:
    m.level = 0
    m.depth = 0
    return match_at(m, s, p)


cdef void push_capture(Match* m, int i, const char* s, const char* end) noexcept nogil:
    """Pushes a capture; the first one is all that was matched if the pattern has none."""
    if i >= m.level:
        if i == 0:
            lua_pushlstring(m.L, s, end - s)
        else:
            fail(m, b"invalid capture index")
    elif m.captures[i].length == POSITION:
        lua_pushinteger(m.L, m.captures[i].at - m.source + 1)
    elif m.captures[i].length == UNFINISHED:
        fail(m, b"unfinished capture")
    else:
        lua_pushlstring(m.L, m.captures[i].at, <size_t>m.captures[i].length)


cdef int push_captures(Match* m, const char* s, const char* end) noexcept nogil:
    """Pushes all captures, or what was matched, unless s is NULL; how many."""
    cdef int count = 1 if m.level == 0 and s != NULL else m.level
    cdef int i
    if not lua_checkstack(m.L, count):
        fail(m, b"too many captures")
    for i in range(count):
        push_capture(m, i, s, end)
    return count


cdef void begin_match(Match* m, lua_State* L, const char* source, size_t length) noexcept nogil:
    m.L = L
    m.source = source
    m.end = source + length
    m.steps = 0


# Functions


cdef size_t begin_at(lua_State* L, size_t length) noexcept nogil:
    """Where the third argument has the search begin, from 0 on."""
    cdef ptrdiff_t at = 1
    if lua_type(L, 3) > LUA_TNIL:
        at = luaL_checkinteger(L, 3)
    if at < 0:
        at += <ptrdiff_t>length + 1
    at -= 1
    if at < 0:
        return 0
    return <size_t>at if <size_t>at < length else length


cdef int find_plainly(lua_State* L, const char* s, size_t length, size_t begin, const char* what, size_t size) noexcept nogil:
    cdef const char* found = s + begin if size == 0 else <const char*>find_bytes(s + begin, length - begin, what, size)
    if found == NULL:
        lua_pushnil(L)
        return 1
    lua_pushinteger(L, found - s + 1)
    lua_pushinteger(L, found - s + <ptrdiff_t>size)
    return 2


cdef int search(lua_State* L, bint finds) noexcept nogil:
    cdef Match m
    cdef size_t length, size, begin
    cdef const char* s = luaL_checklstring(L, 1, &length)
    cdef const char* p = luaL_checklstring(L, 2, &size)
    cdef const char* end
    cdef bint anchored
    begin = begin_at(L, length)
    if finds and (lua_toboolean(L, 4) or strpbrk(p, b"^$*+?.([%-") == NULL):
        return find_plainly(L, s, length, begin, p, size)
    anchored = p[0] == c'^'
    if anchored:
        p += 1
    begin_match(&m, L, s, length)
    s += begin
    while True:
        end = match_from(&m, s, p)
        if end != NULL:
            if not finds:
                return push_captures(&m, s, end)
            lua_pushinteger(L, s - m.source + 1)
            lua_pushinteger(L, end - m.source)
            return push_captures(&m, NULL, NULL) + 2
        if anchored or s == m.end:
            lua_pushnil(L)
            return 1
        s += 1


cdef int string_find(lua_State* L) noexcept nogil:
    """string.find(text, pattern [, begin [, plain]])."""
    return search(L, True)


cdef int string_match(lua_State* L) noexcept nogil:
    """string.match(text, pattern [, begin])."""
    return search(L, False)


cdef int next_match(lua_State* L) noexcept nogil:
    """The iterator of gmatch. Upvalues: the text, the pattern, where to go on."""
    cdef Match m
    cdef size_t length
    cdef const char* text = lua_tolstring(L, lua_upvalueindex(1), &length)
    cdef const char* p = lua_tolstring(L, lua_upvalueindex(2), NULL)
    cdef const char* s = text + lua_tointeger(L, lua_upvalueindex(3))
    cdef const char* end
    begin_match(&m, L, text, length)
    while s <= m.end:
        end = match_from(&m, s, p)
        if end != NULL:
            # behind an empty match the next one begins a character later
            lua_pushinteger(L, end - text + (1 if end == s else 0))
            lua_replace(L, lua_upvalueindex(3))
            return push_captures(&m, s, end)
        s += 1
    return 0


cdef int string_gmatch(lua_State* L) noexcept nogil:
    """string.gmatch(text, pattern)."""
    luaL_checklstring(L, 1, NULL)
    luaL_checklstring(L, 2, NULL)
    lua_settop(L, 2)
    lua_pushinteger(L, 0)
    lua_pushcclosure(L, next_match, 3)
    return 1


cdef void growing_begin(Growing* g, lua_State* L, int place, size_t room) noexcept nogil:
    """The block is pushed, which has to come to that place."""
    g.L = L
    g.place = place
    g.length = 0
    g.room = room
    g.data = <char*>lua_newuserdata(L, room)


cdef void growing_add(Growing* g, const char* data, size_t size) noexcept nogil:
    cdef char* larger
    if size > g.room - g.length:
        g.room = max(g.room * 2, g.length + size)
        larger = <char*>lua_newuserdata(g.L, g.room)
        memcpy(larger, g.data, g.length)
        g.data = larger
        lua_replace(g.L, g.place)
    memcpy(g.data + g.length, data, size)
    g.length += size


cdef void growing_add_value(Growing* g) noexcept nogil:
    """Adds the string or number on top, and takes it off."""
    cdef size_t size
    cdef const char* text = lua_tolstring(g.L, -1, &size)
    # the value must stay while its bytes are copied, and the block comes to its place below it
    lua_insert(g.L, g.place + 1)
    growing_add(g, text, size)
    lua_settop(g.L, g.place)


cdef void add_pattern(Match* m, Growing* g, const char* s, const char* end) noexcept nogil:
    """Adds the third argument with its captures put in."""
    cdef size_t size, i
    cdef const char* text = lua_tolstring(m.L, 3, &size)
    i = 0
    while i < size:
        if text[i] != c'%':
            growing_add(g, text + i, 1)
        else:
            i += 1
            if not isdigit(<unsigned char>text[i]):
                growing_add(g, text + i, 1)
            elif text[i] == c'0':
                growing_add(g, s, end - s)
            else:
                push_capture(m, text[i] - c'1', s, end)
                growing_add_value(g)
        i += 1


cdef void add_replacement(Match* m, Growing* g, const char* s, const char* end) noexcept nogil:
    """Adds what takes the place of a match."""
    cdef lua_State* L = m.L
    cdef int kind = lua_type(L, 3)
    if kind == LUA_TSTRING or kind == LUA_TNUMBER:
        add_pattern(m, g, s, end)
        return
    if kind == LUA_TFUNCTION:
        lua_pushvalue(L, 3)
        lua_call(L, push_captures(m, s, end), 1)
    else:
        push_capture(m, 0, s, end)
        lua_gettable(L, 3)
    if not lua_toboolean(L, -1):
        lua_pop(L, 1)
        growing_add(g, s, end - s)
    elif not lua_isstring(L, -1):
        vm_raise_about(L, b"invalid replacement value (a ", lua_typename(L, lua_type(L, -1)), b")")
    else:
        growing_add_value(g)


cdef int string_gsub(lua_State* L) noexcept nogil:
    """string.gsub(text, pattern, replacement [, most])."""
    cdef Match m
    cdef Growing g
    cdef size_t length
    cdef const char* s = luaL_checklstring(L, 1, &length)
    cdef const char* p = luaL_checklstring(L, 2, NULL)
    cdef const char* end
    cdef int kind = lua_type(L, 3)
    cdef ptrdiff_t most = <ptrdiff_t>length + 1
    cdef ptrdiff_t count = 0
    cdef bint anchored = p[0] == c'^'
    if lua_type(L, 4) > LUA_TNIL:
        most = <int>luaL_checkinteger(L, 4)
    if kind not in (LUA_TNUMBER, LUA_TSTRING, LUA_TFUNCTION, LUA_TTABLE):
        return luaL_argerror(L, 3, b"string/function/table expected")
    lua_settop(L, 4)
    growing_begin(&g, L, 5, length + 1)
    begin_match(&m, L, s, length)
    if anchored:
        p += 1
    while count < most:
        end = match_from(&m, s, p)
        if end != NULL:
            count += 1
            add_replacement(&m, &g, s, end)
        if end != NULL and end > s:
            s = end
        elif s < m.end:
            growing_add(&g, s, 1)
            s += 1
        else:
            break
        if anchored:
            break
    growing_add(&g, s, m.end - s)
    lua_pushlstring(L, g.data, g.length)
    lua_pushinteger(L, count)
    return 2


cdef int string_rep(lua_State* L) noexcept nogil:
    """string.rep(text, count)."""
    cdef size_t length, i
    cdef const char* s = luaL_checklstring(L, 1, &length)
    cdef int count = <int>luaL_checkinteger(L, 2)
    cdef char* data
    if count <= 0 or length == 0:
        lua_pushlstring(L, b"", 0)
        return 1
    if <size_t>count > LONGEST // length:
        return vm_raise(L, b"resulting string too large", True)
    data = <char*>lua_newuserdata(L, length * count)
    for i in range(<size_t>count):
        memcpy(data + i * length, s, length)
    lua_pushlstring(L, data, length * count)
    return 1


cdef void pattern_functions(lua_State* L) noexcept nogil:
    lua_pushcfunction(L, string_find)
    lua_setfield(L, -2, b"find")
    lua_pushcfunction(L, string_match)
    lua_setfield(L, -2, b"match")
    lua_pushcfunction(L, string_gmatch)
    lua_pushvalue(L, -1)
    lua_setfield(L, -3, b"gmatch")
    lua_setfield(L, -2, b"gfind")
    lua_pushcfunction(L, string_gsub)
    lua_setfield(L, -2, b"gsub")
    lua_pushcfunction(L, string_rep)
    lua_setfield(L, -2, b"rep")
