# Redis describes a user by the rules that were given, without those that later ones made void: so do we, since a file that one of the two
# wrote is read by the other.

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memchr, memset
from zippy._core.ground.buf cimport (
    buf_append, buf_append_byte, buf_append_text, buf_clear, buf_free, buf_init, slice_is, slice_of, slice_text
)
from zippy._core.ground.hashtable cimport ht_find
from zippy._core.ground.mem cimport mem_zalloc
from zippy._core.ground.sha256 cimport SHA256_BYTES, sha256
from zippy._core.ground.slice cimport slice_equal
from zippy._core.commands.acl_user cimport (
    ACCESS_BOTH, ACCESS_READ, ACCESS_WRITE, ACL_WORDS, SELECTOR_ALL_CHANNELS, SELECTOR_ALL_COMMANDS, SELECTOR_ALL_KEYS,
    USER_NO_PASSWORD, USER_ON, USER_SKIPS_SANITIZING, Term, pattern_compile, selector_allow_all, selector_deny_all, selector_init,
    terms_add, terms_clear, terms_find, terms_remove, user_add_selector, user_clear_selectors
)
from zippy._core.commands.args cimport OptionTable, arg_choice, option_table
from zippy._core.commands.rows cimport category_commands, category_name
from zippy._core.commands.types cimport Command
from zippy._core.values.settings cimport ACL_PUBSUB_ALLCHANNELS

cdef enum:
    RULE_NAME = 64               # bytes of the longest name in a rule about commands that can be one

cdef enum UserWord:
    WORD_ON = 1
    WORD_OFF = 2
    WORD_NOPASS = 3
    WORD_RESETPASS = 4
    WORD_CLEARSELECTORS = 5
    WORD_RESET = 6

cdef enum:
    AT_ONCE = 64    # bytes

cdef enum SelectorWord:
    WORD_ALLKEYS = 1
    WORD_RESETKEYS = 2
    WORD_ALLCHANNELS = 3
    WORD_RESETCHANNELS = 4
    WORD_ALLCOMMANDS = 5
    WORD_NOCOMMANDS = 6

# Both are no options of ACL SETUSER but rules, which its spec knows as one argument: so they stand for no command's
cdef OptionTable USER_WORDS = option_table("", [
    ("on", WORD_ON),
    ("off", WORD_OFF),
    ("nopass", WORD_NOPASS),
    ("resetpass", WORD_RESETPASS),
    ("clearselectors", WORD_CLEARSELECTORS),
    ("reset", WORD_RESET),
])
cdef OptionTable SELECTOR_WORDS = option_table("", [
    ("allkeys", WORD_ALLKEYS),
    ("resetkeys", WORD_RESETKEYS),
    ("allchannels", WORD_ALLCHANNELS),
    ("resetchannels", WORD_RESETCHANNELS),
    ("allcommands", WORD_ALLCOMMANDS),
    ("nocommands", WORD_NOCOMMANDS),
])
RULE_OUT_OF_MEMORY = b"Out of memory"
RULE_UNKNOWN = b"Unknown command or category name in ACL"
cdef const char* SYNTAX = b"Syntax error"
cdef const char* AFTER_ALL_KEYS = (
    b"Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start "
    b"with an empty list of patterns"
)
cdef const char* AFTER_ALL_CHANNELS = (
    b"Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to "
    b"start with an empty list of channels"
)
cdef const char* NO_SUCH_PASSWORD = b"The password you are trying to remove from the user does not exist"
cdef const char* NO_SUM = b"The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
cdef const char* WORD_OF_SUBCOMMAND = b"Allowing first-arg of a subcommand is not supported"


cdef uint64_t category_of(Slice name) noexcept nogil:
    cdef int bit = 0
    while category_name(bit) != NULL:
        if slice_is(name, category_name(bit)):
            return <uint64_t>1 << bit
        bit += 1
    return 0


# Words to rules


cdef inline bint is_blank(char c) noexcept nogil:
    return c == c' ' or c'\t' <= c <= c'\r'


cdef bint has_blanks(Slice text) noexcept nogil:
    cdef size_t begin = 0
    cdef size_t i
    cdef unsigned char low = 0
    # what is long and has none is looked at by many bytes at once
    while text.len - begin >= AT_ONCE and not low:
        for i in range(<size_t>AT_ONCE):
            low |= <unsigned char>text.ptr[begin + i] <= <unsigned char>c' '
        begin += AT_ONCE
    if low:
        begin -= AT_ONCE
    for i in range(begin, text.len):
        if is_blank(text.ptr[i]) or text.ptr[i] == 0:
            return True
    return False


cdef inline bint begins(Slice word, char c) noexcept nogil:
    return word.len > 0 and word.ptr[0] == c


cdef inline bint closes(Slice word) noexcept nogil:
    return word.len > 0 and word.ptr[word.len - 1] == c')'


cdef inline Slice rest_of(Slice word, size_t skipped) noexcept nogil:
    return slice_of(word.ptr + skipped, word.len - skipped)


cdef void rules_begin(RuleReader* r, int argc, const Slice* argv) noexcept nogil:
    r.argc = argc
    r.argv = argv
    r.at = 0
    buf_init(&r.joined)


cdef void rules_end(RuleReader* r) noexcept nogil:
    buf_free(&r.joined)


cdef int rules_next(RuleReader* r, Slice* rule) noexcept nogil:
    cdef int first = r.at
    if first == r.argc:
        return RULE_END
    rule[0] = r.argv[first]
    r.at += 1
    if not begins(rule[0], c'(') or closes(rule[0]):
        return RULE_READ
    buf_clear(&r.joined)
    buf_append(&r.joined, rule.ptr, rule.len)
    while r.at < r.argc:
        buf_append_byte(&r.joined, c' ')
        buf_append(&r.joined, r.argv[r.at].ptr, r.argv[r.at].len)
        r.at += 1
        if closes(r.argv[r.at - 1]):
            rule[0] = slice_of(r.joined.data, r.joined.len)
            return RULE_NO_MEMORY if r.joined.failed else RULE_READ
    return RULE_UNMATCHED


cdef bint rules_are_closed(int argc, const Slice* argv, Slice* opened) noexcept nogil:
    cdef int i
    cdef bint is_open = False
    for i in range(argc):
        if not is_open and begins(argv[i], c'('):
            is_open = True
            opened[0] = argv[i]
        if is_open and closes(argv[i]):
            is_open = False
    return not is_open


# Rules about commands


cdef const Command* container_named(Engine* e, Slice name) noexcept nogil:
    """The command of this name that is no subcommand; NULL: there is none."""
    cdef const Command* command = <const Command*>ht_find(&e.commands, name)
    cdef int i
    if command != NULL and slice_equal(command.name, name):
        return command
    # rename-command may have called it otherwise
    for i in range(e.command_count):
        if e.all_commands[i].parent == NULL and slice_equal(e.all_commands[i].name, name):
            return &e.all_commands[i]
    return NULL


cdef const Command* command_named(Engine* e, Slice name) noexcept nogil:
    """The command or subcommand ("config|get") of this name, which is lower case, whatever rename-command calls it; NULL: there is none."""
    cdef const char* bar = <const char*>memchr(name.ptr, c'|', name.len)
    cdef const Command* container = container_named(e, slice_of(name.ptr, name.len if bar == NULL else bar - name.ptr))
    cdef const Command* command = container
    if bar == NULL or container == NULL:
        return container if bar == NULL else NULL
    # a container's subcommands follow it
    command += 1
    while command != e.all_commands + e.command_count and command.parent == container:
        if slice_equal(command.name, name):
            return command
        command += 1
    return NULL


cdef inline void set_bit(Selector* s, int id, bint allow) noexcept nogil:
    cdef uint64_t bit = <uint64_t>1 << (id & 63)
    if allow:
        s.commands[id >> 6] |= bit
    else:
        s.commands[id >> 6] &= ~bit


cdef void drop_first_words(Selector* s, const uint64_t* commands) noexcept nogil:
    """Some commands are allowed or forbidden as a whole: what was allowed for one first argument of theirs alone is void."""
    cdef Term* term = s.rules.first
    while s.first_words and term != NULL:
        if term.command >= 0 and commands[term.command >> 6] >> (term.command & 63) & 1:
            # the rule stays in the description, as in Redis, unless the command itself is named
            term.command = -1
            s.first_words -= 1
        term = term.next


cdef void set_command(const Engine* e, Selector* s, const Command* command, bint allow) noexcept nogil:
    """Allows or forbids a command with all its subcommands, which follow it."""
    cdef uint64_t[<int>ACL_WORDS] itself
    cdef int id = command.id
    set_bit(s, id, allow)
    if s.first_words:
        memset(itself, 0, sizeof(itself))
        itself[id >> 6] = <uint64_t>1 << (id & 63)
        drop_first_words(s, itself)
    id += 1
    while id < e.command_count and e.all_commands[id].parent == command:
        set_bit(s, id, allow)
        id += 1


cdef void set_category(Selector* s, uint64_t category, bint allow) noexcept nogil:
    """Allows or forbids the commands of one category."""
    cdef const uint64_t* commands
    cdef int bit = 0
    cdef int i
    while category >> bit != 1:
        bit += 1
    commands = category_commands(bit)
    for i in range(ACL_WORDS):
        if allow:
            s.commands[i] |= commands[i]
        else:
            s.commands[i] &= ~commands[i]
    drop_first_words(s, commands)


cdef void forget_rules_below(Selector* s, Slice name) noexcept nogil:
    """Takes out the rules about subcommands and first arguments of a command that is named itself now."""
    cdef Term* term = s.rules.first
    cdef Term* after
    while term != NULL:
        after = term.next
        if term.text.len > name.len and term.text.ptr[name.len] == c'|' and slice_equal(slice_of(term.text.ptr, name.len), name):
            s.first_words -= term.command >= 0
            terms_remove(&s.rules, term)
        term = after


cdef Term* note_rule(Selector* s, Slice name, bint allow, bint has_below) noexcept nogil:
    """Puts a rule last, in the place of earlier ones about the same."""
    cdef Term* term = terms_find(&s.rules, name)
    if term != NULL:
        s.first_words -= term.command >= 0
        terms_remove(&s.rules, term)
    if has_below:
        forget_rules_below(s, name)
    term = terms_add(&s.rules, name)
    term.flags = allow
    return term


cdef const char* first_word_rule(Engine* e, Selector* s, Slice name, bint allow) noexcept nogil:
    """command|word: allows a command with one first argument alone."""
    cdef const Command* command
    cdef Term* term
    cdef size_t bar = name.len - 1
    while bar > 0 and name.ptr[bar] != c'|':
        bar -= 1
    command = command_named(e, slice_of(name.ptr, bar))
    if not allow or bar == 0 or command == NULL:
        return RULE_UNKNOWN
    if command.parent != NULL:
        return WORD_OF_SUBCOMMAND
    if bar == name.len - 1:
        return SYNTAX
    if command.subcommands != NULL:
        return RULE_UNKNOWN
    term = note_rule(s, name, True, False)
    term.command = command.id
    term.word = <int>bar + 1
    s.first_words += 1
    return NULL


cdef const char* named_command_rule(Engine* e, Selector* s, Slice name, bint allow) noexcept nogil:
    """+command, -command|subcommand, +command|word, @category; the name is lower case."""
    cdef const Command* command
    cdef uint64_t category
    if begins(name, c'@'):
        category = category_of(rest_of(name, 1))
        if category == 0:
            return RULE_UNKNOWN
        note_rule(s, name, allow, False)
        set_category(s, category, allow)
        return NULL
    command = command_named(e, name)
    if command == NULL:
        return first_word_rule(e, s, name, allow)
    note_rule(s, name, allow, command.parent == NULL)
    set_command(e, s, command, allow)
    return NULL


cdef const char* command_rule(Engine* e, Selector* s, Slice rule) noexcept nogil:
    cdef bint allow = rule.ptr[0] == c'+'
    cdef Slice given = rest_of(rule, 1)
    cdef const char* wrong
    cdef Buf lower
    cdef size_t i
    cdef char c
    if slice_is(given, b"@all"):
        if allow:
            selector_allow_all(s)
        else:
            selector_deny_all(s)
        return NULL
    if given.len == 0 or has_blanks(given) or (given.len > RULE_NAME and memchr(given.ptr, c'|', RULE_NAME) == NULL):
        return RULE_UNKNOWN
    buf_init(&lower)
    for i in range(given.len):
        c = given.ptr[i]
        buf_append_byte(&lower, c + 32 if c'A' <= c <= c'Z' else c)
    wrong = RULE_OUT_OF_MEMORY
    if not lower.failed:
        wrong = named_command_rule(e, s, slice_of(lower.data, lower.len), allow)
    buf_free(&lower)
    return wrong


# Rules about keys and channels


cdef void allow_all_keys(Selector* s) noexcept nogil:
    s.flags |= SELECTOR_ALL_KEYS
    terms_clear(&s.keys)


cdef const char* key_rule(Selector* s, Slice pattern, uint32_t access) noexcept nogil:
    cdef Term* term
    if has_blanks(pattern):
        return SYNTAX
    term = terms_find(&s.keys, pattern)
    if term == NULL:
        term = terms_add(&s.keys, pattern)
        pattern_compile(term)
    term.flags |= access
    if term.flags == ACCESS_BOTH and slice_is(pattern, b"*"):
        # it is shown as ~*, which means this; Redis takes further patterns then, and cannot read the file that it writes
        allow_all_keys(s)
    return NULL


cdef const char* key_rule_with_access(Selector* s, Slice rule) noexcept nogil:
    """%R~pattern, %W~pattern, %RW~pattern."""
    cdef uint32_t access = 0
    cdef uint32_t one
    cdef size_t i = 1
    while i < rule.len and rule.ptr[i] != c'~':
        one = ACCESS_READ if rule.ptr[i] | 32 == c'r' else ACCESS_WRITE if rule.ptr[i] | 32 == c'w' else 0
        if one == 0 or access & one:
            return SYNTAX
        access |= one
        i += 1
    if access == 0:
        return SYNTAX
    return key_rule(s, rest_of(rule, i + 1 if i < rule.len else i), access)


cdef const char* channel_rule(Selector* s, Slice pattern) noexcept nogil:
    if slice_is(pattern, b"*"):
        s.flags |= SELECTOR_ALL_CHANNELS
        terms_clear(&s.channels)
        return NULL
    if s.flags & SELECTOR_ALL_CHANNELS:
        return AFTER_ALL_CHANNELS
    if has_blanks(pattern):
        return SYNTAX
    if terms_find(&s.channels, pattern) == NULL:
        pattern_compile(terms_add(&s.channels, pattern))
    return NULL


cdef const char* word_rule(Selector* s, Slice rule) noexcept nogil:
    cdef uint32_t word = arg_choice(&SELECTOR_WORDS, rule)
    if word == WORD_ALLCHANNELS:
        return channel_rule(s, slice_text(b"*"))
    if word == WORD_ALLKEYS:
        allow_all_keys(s)
    elif word == WORD_RESETKEYS:
        s.flags &= ~<uint32_t>SELECTOR_ALL_KEYS
        terms_clear(&s.keys)
    elif word == WORD_RESETCHANNELS:
        s.flags &= ~<uint32_t>SELECTOR_ALL_CHANNELS
        terms_clear(&s.channels)
    elif word == WORD_ALLCOMMANDS:
        selector_allow_all(s)
    elif word == WORD_NOCOMMANDS:
        selector_deny_all(s)
    else:
        return SYNTAX
    return NULL


cdef const char* selector_rule(Engine* e, Selector* s, Slice rule) noexcept nogil:
    """Changes what one selector allows."""
    if begins(rule, c'+') or begins(rule, c'-'):
        return command_rule(e, s, rule)
    if slice_is(rule, b"~*"):
        allow_all_keys(s)
        return NULL
    if begins(rule, c'~') or begins(rule, c'%'):
        if s.flags & SELECTOR_ALL_KEYS:
            return AFTER_ALL_KEYS
        return key_rule(s, rest_of(rule, 1), ACCESS_BOTH) if begins(rule, c'~') else key_rule_with_access(s, rule)
    if begins(rule, c'&'):
        return channel_rule(s, rest_of(rule, 1))
    return word_rule(s, rule)


cdef inline bint all_channels_by_default(const Engine* e) noexcept nogil:
    return e.settings.acl_pubsub_default == ACL_PUBSUB_ALLCHANNELS


cdef const char* add_selector(Engine* e, User* u, Slice inside) noexcept nogil:
    """The rules between two parentheses."""
    cdef Selector* s = <Selector*>mem_zalloc(sizeof(Selector))
    cdef const char* wrong = NULL
    cdef size_t begin
    cdef size_t end = 0
    selector_init(s, all_channels_by_default(e))
    # where a rule is wrong the user is thrown away, and this with it
    user_add_selector(u, s)
    while wrong == NULL:
        while end < inside.len and is_blank(inside.ptr[end]):
            end += 1
        begin = end
        while end < inside.len and not is_blank(inside.ptr[end]):
            end += 1
        if begin == end:
            break
        wrong = selector_rule(e, s, slice_of(inside.ptr + begin, end - begin))
    return wrong


# Rules about the user itself


cdef inline int digit_of(char c) noexcept nogil:
    return c - c'0' if c'0' <= c <= c'9' else c - c'a' + 10 if c'a' <= c <= c'f' else -1


cdef bint sum_of_text(Slice text, uint8_t* sum) noexcept nogil:
    cdef int i
    if text.len != 2 * SHA256_BYTES:
        return False
    for i in range(SHA256_BYTES):
        if digit_of(text.ptr[2 * i]) < 0 or digit_of(text.ptr[2 * i + 1]) < 0:
            return False
        sum[i] = <uint8_t>(digit_of(text.ptr[2 * i]) << 4 | digit_of(text.ptr[2 * i + 1]))
    return True


cdef const char* password_rule(User* u, Slice rule) noexcept nogil:
    """>password, #sum, <password, !sum: the first two add one, the others take it away."""
    cdef uint8_t[SHA256_BYTES] sum
    cdef Slice kept = slice_of(<const char*>sum, SHA256_BYTES)
    cdef Term* term
    if begins(rule, c'#') or begins(rule, c'!'):
        if not sum_of_text(rest_of(rule, 1), sum):
            return NO_SUM
    else:
        sha256(rule.ptr + 1, rule.len - 1, sum)
    term = terms_find(&u.passwords, kept)
    if begins(rule, c'<') or begins(rule, c'!'):
        if term == NULL:
            return NO_SUCH_PASSWORD
        terms_remove(&u.passwords, term)
        return NULL
    u.flags &= ~<uint32_t>USER_NO_PASSWORD
    if term == NULL:
        terms_add(&u.passwords, kept)
    return NULL


cdef void reset_user(Engine* e, User* u) noexcept nogil:
    """Makes a user as a new one is."""
    u.flags = 0
    terms_clear(&u.passwords)
    user_clear_selectors(u)
    selector_deny_all(&u.root)
    word_rule(&u.root, slice_text(b"resetkeys"))
    word_rule(&u.root, slice_text(b"resetchannels"))
    if all_channels_by_default(e):
        u.root.flags |= SELECTOR_ALL_CHANNELS


cdef bint user_word_rule(Engine* e, User* u, Slice rule) noexcept nogil:
    """Whether the rule is a word about the user itself, which is obeyed then."""
    cdef uint32_t word = arg_choice(&USER_WORDS, rule)
    if word == WORD_ON:
        u.flags |= USER_ON
    elif word == WORD_OFF:
        u.flags &= ~<uint32_t>USER_ON
    elif word == WORD_NOPASS:
        u.flags |= USER_NO_PASSWORD
        terms_clear(&u.passwords)
    elif word == WORD_RESETPASS:
        u.flags &= ~<uint32_t>USER_NO_PASSWORD
        terms_clear(&u.passwords)
    elif word == WORD_CLEARSELECTORS:
        user_clear_selectors(u)
    elif word == WORD_RESET:
        reset_user(e, u)
    elif slice_is(rule, b"skip-sanitize-payload"):
        u.flags |= USER_SKIPS_SANITIZING
    elif slice_is(rule, b"sanitize-payload"):
        u.flags &= ~<uint32_t>USER_SKIPS_SANITIZING
    else:
        return False
    return True


cdef const char* user_rule(Engine* e, User* u, Slice rule) noexcept nogil:
    # a word without letters is none
    if rule.len == 0 or user_word_rule(e, u, rule):
        return NULL
    if begins(rule, c'>') or begins(rule, c'<') or begins(rule, c'#') or begins(rule, c'!'):
        return password_rule(u, rule)
    if begins(rule, c'(') and closes(rule):
        return add_selector(e, u, slice_of(rule.ptr + 1, rule.len - 2))
    return selector_rule(e, &u.root, rule)


# Users to words


cdef void append_word(Buf* out, const char* prefix, Slice text) noexcept nogil:
    """Appends a word, and a blank before it unless it is the first."""
    if out.len:
        buf_append_byte(out, c' ')
    buf_append_text(out, prefix)
    buf_append(out, text.ptr, text.len)


cdef void describe_commands(const Selector* s, Buf* out) noexcept nogil:
    cdef const Term* rule = s.rules.first
    append_word(out, b"+@all" if s.flags & SELECTOR_ALL_COMMANDS else b"-@all", slice_of(NULL, 0))
    while rule != NULL:
        append_word(out, b"+" if rule.flags else b"-", rule.text)
        rule = rule.next


cdef void describe_keys(const Selector* s, Buf* out) noexcept nogil:
    cdef const Term* key = s.keys.first
    if s.flags & SELECTOR_ALL_KEYS:
        append_word(out, b"~*", slice_of(NULL, 0))
    while key != NULL:
        append_word(out, b"~" if key.flags == ACCESS_BOTH else b"%R~" if key.flags == ACCESS_READ else b"%W~", key.text)
        key = key.next


cdef void describe_channels(const Selector* s, Buf* out) noexcept nogil:
    cdef const Term* channel = s.channels.first
    if s.flags & SELECTOR_ALL_CHANNELS:
        append_word(out, b"&*", slice_of(NULL, 0))
    while channel != NULL:
        append_word(out, b"&", channel.text)
        channel = channel.next


cdef void describe_selector(const Selector* s, Buf* out) noexcept nogil:
    describe_keys(s, out)
    if not s.flags & SELECTOR_ALL_CHANNELS:
        append_word(out, b"resetchannels", slice_of(NULL, 0))
    describe_channels(s, out)
    describe_commands(s, out)


cdef void describe_password(Slice sum, char* text) noexcept nogil:
    cdef const char* digits = b"0123456789abcdef"
    cdef int i
    for i in range(SHA256_BYTES):
        text[2 * i] = digits[<uint8_t>sum.ptr[i] >> 4]
        text[2 * i + 1] = digits[<uint8_t>sum.ptr[i] & 15]


cdef void describe_user(const User* u, Buf* out) noexcept nogil:
    cdef const Term* password = u.passwords.first
    cdef const Selector* s = u.root.next
    cdef char[2 * SHA256_BYTES] text
    cdef Buf inside
    append_word(out, b"on" if u.flags & USER_ON else b"off", slice_of(NULL, 0))
    if u.flags & USER_NO_PASSWORD:
        append_word(out, b"nopass", slice_of(NULL, 0))
    append_word(out, b"skip-sanitize-payload" if u.flags & USER_SKIPS_SANITIZING else b"sanitize-payload", slice_of(NULL, 0))
    while password != NULL:
        describe_password(password.text, text)
        append_word(out, b"#", slice_of(text, sizeof(text)))
        password = password.next
    describe_selector(&u.root, out)
    buf_init(&inside)
    while s != NULL:
        buf_clear(&inside)
        describe_selector(s, &inside)
        append_word(out, b"(", slice_of(inside.data, inside.len))
        buf_append_byte(out, c')')
        # what the inner one had no memory for, the outer one lacks
        out.failed |= inside.failed
        s = s.next
    buf_free(&inside)
