"""Scripts in Lua from a grammar: calls, conversions both ways, errors, patterns, the sandbox; and the commands around them."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha1
from random import Random

from tests.differential.grammar import compile_template
from tests.differential.groups.group import Group, written
from tests.differential.steps import Step, Unit
from tests.differential.values import Source

CALLED = """
    SET skey shortval
    GET skey
    INCR skey
    INCRBYFLOAT skey real
    APPEND skey shortval
    GETRANGE skey 0 3
    STRLEN skey
    RPUSH lkey item+
    LPOP lkey
    LRANGE lkey 0 -1
    LLEN lkey
    BLPOP lkey 0.01
    BLMOVE lkey lkey LEFT RIGHT 0
    SADD xkey member+
    SCARD xkey
    SISMEMBER xkey word
    ZADD zkey scored
    ZSCORE zkey word
    ZRANGE zkey 0 -1 WITHSCORES
    ZINCRBY zkey 1.5 word
    HSET hkey field shortval
    HGET hkey field
    HLEN hkey
    DEL anykey
    EXISTS anykey
    TYPE anykey
    OBJECT ENCODING anykey
    XLEN tkey
    EXPIRE skey 10000
    PERSIST skey
    PUBLISH 'c shortval
    SELECT 0
    PING
    ECHO shortval
    MULTI
    SUBSCRIBE 'x
    'nosuch
    GET
    CONFIG GET 'port
    CONFIG 'nosuch
    SCRIPT FLUSH
"""
CALLED_WRITERS = [compile_template(text) for text in CALLED.strip().splitlines()]
NUMBERS = [
    "0",
    "1",
    "-1",
    "3",
    "3.99",
    "-3.99",
    "0.1",
    "1e15",
    "2^53",
    "1e17",
    "2^62",
    "2^63",
    "-2^63",
    "1e300",
    "1/0",
    "-1/0",
    "0/0",
    "1e-7",
    "-0",
]
WORDS = ["", "a", "b", "10", "1.5", " x", "err", "ERR x", "a b", "WRONGTYPE no", "a\\r\\nb", "\\0", "\\255", "-x y", "--x y", "OK"]
SUBJECTS = [
    "",
    "a",
    "hello world",
    "key = value",
    "f(a,(b),c)",
    "THE (quick) fox",
    "2024-01-02",
    "aaa",
    "a.b.c",
    "\\0a\\0",
    "x^$y",
    "%d",
    "[a]",
]
ITEMS = ["a", ".", "%a", "%d", "%s", "%w", "%p", "%x", "%u", "%l", "%c", "%z", "%A", "%D", "%W", "[a-c]", "[^a]", "[%w_]", "[]a]", "[^]]",
         "%.", "%%", "%(", "-", "l", "o", "=", "[a-]", "^", "$"]  # fmt: skip
FUNCTIONS = ["sha1hex", "setresp", "set_repl", "replicate_commands", "breakpoint", "debug"]
SUFFIXES = ["", "", "", "*", "+", "-", "?"]
PARTS = ["(", ")", "()", "%b()", "%bxy", "%f[%w]", "%1", "%2", "[", "%", "^", "$", "%b", "%f"]
GLOBALS = [
    "print",
    "x",
    "redis",
    "string",
    "table",
    "math",
    "os",
    "_G",
    "KEYS",
    "ARGV",
    "load",
    "setfenv",
    "debug",
    "io",
    "coroutine",
    "next",
]
BIG_NUMBERS = ["0", "-12", "123456789012345678901234567890", "-98765432109876543210"]
TABLES = ["_G", "redis", "string", "table", "math", "os", "coroutine", "getmetatable('')", "getmetatable(_G)", "{}", "KEYS"]


def literal(text: bytes) -> str:
    """The bytes as a string of Lua."""
    return "'" + "".join(chr(c) if 32 <= c < 127 and c not in b"'\\" else f"\\{c:03d}" for c in text) + "'"


def value(random: Random, depth: int = 3) -> str:
    """An expression without effects."""
    kind = random.randrange(16 if depth else 6)
    if kind < 2:
        return random.choice(NUMBERS)
    if kind < 4:
        return f"'{random.choice(WORDS)}'"
    if kind < 6:
        return random.choice(["true", "false", "nil", "KEYS[1]", "ARGV[1]", "#KEYS"])
    inner = [value(random, depth - 1) for _ in range(random.randrange(4))]
    first = inner[0] if inner else "1"
    if kind < 10:
        return "{" + ",".join(inner) + "}"
    field = random.choice(["err", "ok", "double", "big_number", "x", "map", "set"])
    if kind == 10 and field == "big_number":
        # another text is sent as it is, and clients that read RESP with care close the connection
        return f"{{big_number='{random.choice(BIG_NUMBERS)}'}}"
    if kind == 10:
        return f"{{{field}={first}}}"
    if kind == 11:
        return f"{{map={{[{value(random, 0)} or 1]={first}}}}}"
    if kind == 12:
        return f"{{set={{[{value(random, 0)} or 1]=true}}}}"
    if kind == 13:
        return f"{{verbatim_string={{format='{random.choice(['txt', 'mkd', 'a', 'long'])}',string={first}}}}}"
    if kind == 14:
        return f"redis.{random.choice(['error_reply', 'status_reply'])}({first})"
    return f"{{double={random.choice(NUMBERS)}}}"


def called(source: Source) -> str:
    """The arguments of redis.call."""
    random = source.random
    args = [literal(arg) for arg in written(source, random.choice(CALLED_WRITERS))]
    # a number could have it wait for longer than Redis can
    if random.random() < 0.15 and not args[0].upper().startswith("'BL"):
        args[random.randrange(len(args))] = random.choice([*NUMBERS, "KEYS[1]", "ARGV[1]", "{}", "nil", "true"])
    if random.random() < 0.02:
        args = []
    return ",".join(args)


def pattern(random: Random) -> str:
    """A pattern, now and then a wrong one."""
    text = "^" if random.random() < 0.1 else ""
    for _ in range(random.randrange(1, 5)):
        item = random.choice(PARTS) if random.random() < 0.25 else random.choice(ITEMS) + random.choice(SUFFIXES)
        text += f"({item})" if random.random() < 0.2 else item
    return f"'{text}'"


def matching(random: Random) -> str:
    """A use of a pattern."""
    subject, what = f"'{random.choice(SUBJECTS)}'", pattern(random)
    init = random.choice(["", "", ",2", ",-2", ",100", ",-100", ",0"])
    replacement = random.choice(
        ["'%0'", "'%1'", "'<%1%2>'", "''", "'%%'", "'x'", "{a='A',l=1}", "string.upper", "function(a,b) return b end", "{}", "5", "true"]
    )
    return random.choice([
        f"return {{string.find({subject},{what}{init})}}",
        f"return {{string.find({subject},{what},1,true)}}",
        f"return {{string.match({subject},{what}{init})}}",
        f"return {{string.gsub({subject},{what},{replacement}{random.choice(['', ',1', ',0', ',2'])})}}",
        f"local t={{}} for a,b in string.gmatch({subject},{what}) do t[#t+1]=a t[#t+1]=b or 'none' end return t",
        f"return ({subject}):rep({random.choice(NUMBERS[:6])})",
    ])  # fmt: skip


def sandbox(random: Random) -> str:
    """What may and may not be done to globals and tables."""
    table, name = random.choice(TABLES), random.choice(GLOBALS)
    return random.choice([
        f"{name}=1", f"return type({name})", f"_G.{name}=1", f"return type(rawget(_G,'{name}'))", f"rawset({table},'x',1)",
        f"setmetatable({table},{{}})",
        f"return type(getmetatable({table}))", f"table.insert({table},1)", f"table.remove({table})", f"table.sort({table})",
        f"local n=0 for k,v in pairs({table}) do n=n+1 end return n>0", f"return type(next({table}))", f"return #{table}",
        f"return {table}.x",
        f"local t={table} t.x=1 return 1", f"return table.concat({table})", f"return rawequal({table},{table})",
        f"return loadstring('return {name}')()",
        f"return loadstring('{name}=1')()", "return string.format('%s|%5.1f|%d|%q|%x', 'a', 1.25, 3, 'b', 255)",
        "return string.format('%y',1)",
        "return {tostring(1e15), tostring(0.1), tostring(-0), tostring(1/0)}",
        "math.randomseed(7) return {math.random(10), math.random(5,6)}",
        "return math.random(0)", "return select('#', unpack({}, 1, 8000))", "return {pcall(unpack, {}, 1, 1e8)}",
        "return coroutine.wrap(function() coroutine.yield(redis.call('PING')) end)()",
        "local function f() return f() + 1 end return f()",
        "return xpcall(function() error({err='X y'}) end, function(e) return e.err end)",
    ])  # fmt: skip


def failing(random: Random, source: Source) -> str:
    """An error, and who catches it."""
    # Redis 8.2.3 sends line breaks of errors that are raised as they are, which is the end of the reply
    raised = value(random).replace("\\r\\n", " ")
    what = random.choice(
        [f"error({raised})", f"redis.call({called(source)})", "local x = nil + 1", "error('x', 2)", "error('x', 0)", "y = 1"]
    )
    return random.choice([
        what, f"\n\n{what}", f"return {{pcall(function() {what} end)}}",
        f"return {{xpcall(function() {what} end, function(e) return e end)}}",
        f"local function f() {what} end\nlocal ok, e = pcall(f)\nreturn e", f"local ok, e = pcall(function() {what} end) error(e)",
    ])  # fmt: skip


def script(source: Source) -> str:
    """A script."""
    random = source.random
    makers: list[Callable[[], str]] = [
        lambda: f"return {value(random)}",
        lambda: f"return redis.call({called(source)})",
        lambda: f"return redis.pcall({called(source)})",
        lambda: f"local a=redis.pcall({called(source)}) local b=redis.pcall({called(source)}) return {{a,b}}",
        lambda: f"redis.pcall({called(source)}) redis.pcall({called(source)}) return redis.call({called(source)})",
        lambda: f"local r=redis.pcall({called(source)}) return type(r)=='table' and (r.err or r.ok or r.double and 'double' or #r) or r",
        lambda: f"redis.call('SET',KEYS[1] or 'k',{random.choice(NUMBERS)}) return redis.call('GET',KEYS[1] or 'k')",
        lambda: failing(random, source),
        lambda: matching(random),
        lambda: sandbox(random),
        lambda: (
            f"return redis.{random.choice(FUNCTIONS)}({value(random, 0)})"
        ),
        lambda: random.choice(["return (", "x y", "for", "return '", "\\27Lua", "return 1 1", "goto x", "local function"]),
    ]
    text = random.choices(makers, [6, 6, 6, 3, 3, 2, 2, 4, 6, 4, 1, 1])[0]()
    if random.random() < 0.2:
        text = "redis.setresp(3) " + text
    if random.random() < 0.05:
        text = (
            random.choice(
                ["#!lua\n", "#!lua flags=no-writes\n", "#!lua flags=allow-oom,no-writes\n", "#!lua flags=x\n", "#!lua name=x\n", "#!js\n"]
            )
            + text
        )
    return text


def run(source: Source) -> Unit:
    """A script is run, loaded or run by its name."""
    random = source.random
    body = script(source).encode("latin-1")
    keys = [source.anykey() for _ in range(random.choice([0, 0, 1, 2]))]
    args = [source.shortval() for _ in range(random.randrange(3))]
    count = str(len(keys)).encode() if random.random() < 0.98 else random.choice([b"-1", b"x", b"9", b"1.5"])
    tail = (count, *keys, *args)
    name = sha1(body).hexdigest().encode()
    kind = random.random()
    if kind < 0.7:
        return Unit((Step((b"EVAL", body, *tail)),))
    if kind < 0.8:
        return Unit((Step((b"EVAL_RO", body, *tail)),))
    if kind < 0.9:
        return Unit((Step((b"SCRIPT", b"LOAD", body)), Step((b"EVALSHA", name, *tail)), Step((b"SCRIPT", b"EXISTS", name, b"x"))))
    if kind < 0.97:
        return Unit((Step((b"EVALSHA", name, *tail)), Step((b"EVAL", body, *tail)), Step((b"EVALSHA_RO", name.upper(), *tail))))
    return Unit((Step((b"MULTI",)), Step((b"EVAL", body, *tail)), Step((b"EVALSHA", name, *tail)), Step((b"EXEC",))))


TEMPLATES = """
1   SCRIPT FLUSH [(SYNC|ASYNC|word)]
1   SCRIPT EXISTS word+
1   SCRIPT KILL
"""

GROUP = Group("scripting", "string", TEMPLATES, [(60, run)])
