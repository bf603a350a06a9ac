"""FUNCTION, FCALL and FCALL_RO: libraries that are well and libraries that are not, and calls of what they registered.

Redis keeps libraries and functions by their hashes, so what is listed has no order, and of several names that are taken any is told.
"""

from __future__ import annotations

from tests.differential.groups.group import Group, commands
from tests.differential.steps import Step, Unit
from tests.differential.values import Source
from tests.unit.rdb_bytes import payload, string

LIBRARIES = [b"one", b"Two", b"three_3", b"four"]
FUNCTIONS = [b"f1", b"f2", b"Get_it", b"f4", b"f5"]
ALL_FLAGS = ["no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys"]

BODIES = [
    "return 1",
    "return keys[1]",
    "return args[1]",
    "return {keys, args}",
    "return {#keys, #args}",
    "return redis.call('GET', keys[1] or 'k')",
    "return redis.call('SET', keys[1] or 'k', args[1] or 'v')",
    "return redis.pcall('SET', keys[1] or 'k', args[1] or 'v')",
    "return redis.call('INCR', keys[1] or 'k')",
    "return redis.call('RPUSH', keys[1] or 'k', unpack(args))",
    "return redis.call('LRANGE', keys[1] or 'k', 0, -1)",
    "local k = keys[1] or 'k' redis.call('DEL', k) redis.call('HSET', k, 'f', 'v') return redis.call('HGETALL', k)",
    "local k = keys[1] or 'k' redis.call('DEL', k) redis.call('HSET', k, 'f', 'v') redis.setresp(3) return redis.call('HGETALL', k)",
    "return redis.call('DEL', unpack(keys))",
    "return redis.call('TYPE', keys[1] or 'k')",
    "return redis.call('nosuch')",
    "return redis.pcall('nosuch')",
    "return redis.call('GET')",
    "return redis.call('FUNCTION', 'LIST')",
    "return redis.call('FCALL', 'f1', 0)",
    "return redis.call('EVAL', 'return 1', 0)",
    "return redis.call('BLPOP', keys[1] or 'k', 0)",
    "redis.call('SET', keys[1] or 'k', 'x') redis.call('INCR', keys[1] or 'k') return 2",
    "redis.call('INCR', keys[1] or 'k') redis.call('RPUSH', keys[2] or 'k', 'x') return redis.call('INCR', keys[1] or 'k')",
    "error('boom')",
    "error({err='CODE boom'})",
    "error({err='boom'})",
    "error()",
    "return {err='MY error'}",
    "return {ok='fine'}",
    "return redis.error_reply('WRONG it is')",
    "return redis.status_reply('fine')",
    "return redis.sha1hex(args[1] or '')",
    "return redis.register_function('later', function() end)",
    "return load_time.register_function('later', function() end)",
    "return KEYS[1]",
    "return ARGV[1]",
    "return nosuch",
    "x = 1",
    "redis.x = 1",
    "keys.x = 1 return keys.x",
    "local t = 1 return t.x.y",
    "return nil",
    "return false",
    "return true",
    "return 3.99",
    "return {1, 2, nil, 4}",
    "return {double=1.5}",
    "return {map={a=1}}",
    "counter = counter + 1",
    "n = n + 1 return n",
    "return redis.REDIS_VERSION",
    "return redis.REDIS_VERSION_NUM",
    "return redis.breakpoint()",
    "return redis.replicate_commands()",
    "return redis.set_repl(redis.REPL_NONE)",
    "return type(redis.acl_check_cmd)",
    "return type(print)",
    "return pcall(redis.call, 'nosuch')",
    "local ok, e = pcall(redis.call, 'INCR', keys[1] or 'k') return e",
    "return loadstring('return 1')()",
    "return table.concat(keys, ',')",
    "return string.rep('ab', 3)",
    "return tostring(nil)",
    "return tonumber(args[1])",
    "return setmetatable({}, {__index=function() return 1 end}).x",
    "return cjson.encode(args)",
    "return select('#', 1, 2, 3)",
]
"""What functions do; `n` is a local of the library and `load_time` what it had as `redis` when it was loaded.

No command of theirs gets an argument that is nil: when a function's last call was refused for that, Redis 8.2.3 dies in FUNCTION FLUSH."""

AT_LOAD = [
    "return foo",
    "redis.call('GET', 'a')",
    "redis.pcall('GET', 'a')",
    "x = 1",
    "local a = b.c",
    "error('x')",
    "local x = 1",
    "foo bar",
    "redis.log(redis.LOG_DEBUG, 'loaded')",
    "redis.setresp(3)",
    "redis.sha1hex('')",
    "redis.x = 1",
    "cjson.decode('{}')",
    "string.foo = 1",
    "local t = {} t[1] = redis.REDIS_VERSION",
    "pcall(redis.register_function)",
    "if",
    "return 1",
    "redis.register_function()",
    "redis.register_function('a1')",
    "redis.register_function('a1', 1)",
    "redis.register_function({}, function() end)",
    "redis.register_function('a2', function() end, 1)",
    "redis.register_function('a-b', function() end)",
    "redis.register_function('', function() end)",
    "redis.register_function('dup', function() end) redis.register_function('dup', function() end)",
    "redis.register_function{}",
    "redis.register_function{function_name='b1'}",
    "redis.register_function{callback=function() end}",
    "redis.register_function{function_name='b3', callback=1}",
    "redis.register_function{function_name={}, callback=function() end}",
    "redis.register_function{function_name='b4', callback=function() end, foo=1}",
    "redis.register_function{function_name='b6', callback=function() end, flags={'foo'}}",
    "redis.register_function{function_name='b7', callback=function() end, flags={1}}",
    "redis.register_function{function_name='b8', callback=function() end, flags='no-writes'}",
    "redis.register_function{function_name='b12', callback=function() end, description={}}",
    "redis.register_function{'x', function() end}",
]
"""What a library does when it is loaded, beside registering."""

FIRST_LINES = [
    b"", b"#", b"#!", b"#!lua", b"#!lua\n", b"#!lua name=\n", b"#!lua name=a b\n", b"#!lua name=a name=b\n", b"#!lua name=a foo=b\n",
    b"#!lua name=a-b\n", b"#!js name=a\n", b"#!js name=a-b\n", b"#!js x=a\n", b"#!js\n", b"#! lua name=a\n", b"#! \n", b"#!  name=a\n",
    b"#!lua name=\"a\n", b"#!lua x\n", b"#!lua\0 name=a\n", b"#!lua name=a\0b\n", b"#!lua nam=\n", b"#!lua name\n", b"#!lua name=\"a\"b\n",
    b"#!lua\x0bname=a\n", b"\n#!lua name=a\n", b"return 1", b"#!lua name=a",
]  # fmt: skip


def name_of(source: Source) -> bytes:
    """A function's name, now and then in other letters than it was registered, or none."""
    name = source.pick(FUNCTIONS)
    if source.random.random() < 0.1:
        name = name.swapcase()
    return b"nosuch" if source.random.random() < 0.05 else name


def registration(source: Source, name: str) -> str:
    """A call of redis.register_function."""
    random = source.random
    function = f"function(keys, args) {random.choice(BODIES)} end"
    if random.random() < 0.3:
        return f"redis.register_function('{name}', {function})"
    parts = [f"function_name='{name}'", f"callback={function}"]
    if random.random() < 0.6:
        flags = ["no-writes"] if random.random() < 0.5 else [flag for flag in ALL_FLAGS if random.random() < 0.3]
        parts.append(f"flags={{{', '.join(map(repr, flags))}}}")
    if random.random() < 0.3:
        parts.append("description='what it does'")
    random.shuffle(parts)
    return f"redis.register_function{{{', '.join(parts)}}}"


def library(source: Source) -> bytes:
    """A library's code, now and then a wrong one."""
    random = source.random
    if random.random() < 0.06:
        return random.choice(FIRST_LINES) + b"redis.register_function('f1', function() end)"
    engine = random.choice([b"lua", b"lua", b"lua", b"LUA"])
    name = source.pick(LIBRARIES)
    first = b"#!%s %s%s\n" % (engine, random.choice([b"name=", b"NAME="]), random.choice([name, name, name, b'"%s"' % name, name.lower()]))
    lines = ["local n = 0", "local load_time = redis"]
    functions = random.sample(FUNCTIONS, random.choice([1, 1, 1, 2, 3]))
    lines += [registration(source, one.decode()) for one in functions]
    if random.random() < 0.12:
        lines.insert(random.randrange(len(lines) + 1), random.choice(AT_LOAD))
    return first + random.choice(["\n", " "]).join(lines).encode()


def load(source: Source) -> Unit:
    """FUNCTION LOAD, mostly with REPLACE, so that functions come and go."""
    words = [b"FUNCTION", b"LOAD"]
    if source.random.random() < 0.7:
        words.append(source.pick([b"REPLACE", b"replace"]))
    if source.random.random() < 0.02:
        words.append(source.pick([b"REPLACE", b"foo"]))
    return commands([*words, library(source)])


def call(source: Source) -> Unit:
    """FCALL or FCALL_RO, mostly with as many keys as it says."""
    random = source.random
    keys = [source.anykey() for _ in range(random.choice([0, 1, 1, 1, 2]))]
    args = [source.shortval() for _ in range(random.choice([0, 1, 1, 2]))]
    count = b"%d" % len(keys) if random.random() < 0.93 else source.pick([b"-1", b"5", b"x", b" 1", b"99999999999999999999", b"0"])
    return commands([source.pick([b"FCALL", b"FCALL", b"FCALL", b"FCALL_RO"]), name_of(source), count, *keys, *args])


def restore(source: Source) -> Unit:
    """FUNCTION RESTORE of libraries, or of what is none."""
    random = source.random
    bodies = [b"\xf5" + string(library(source)) for _ in range(random.choice([0, 1, 1, 1, 2]))]
    if random.random() < 0.08:
        bodies.append(source.pick([b"\xf6\x01a", b"\x00\x01a", b"\xf5", b"\xff", b"\xf5\xc0\x01"]))
    data = payload(b"".join(bodies))
    if random.random() < 0.05:
        data = source.pick([data[:-1] + b"x", b"", b"x", data[3:], b"x" * 30])
    policy = [source.pick([b"FLUSH", b"APPEND", b"REPLACE", b"replace", b"foo"])] if random.random() < 0.7 else []
    more = [b"foo"] if random.random() < 0.02 else []
    return commands([b"FUNCTION", b"RESTORE", data, *policy, *more], check="auto" if len(bodies) < 2 else "outline")


def listing(source: Source) -> Unit:
    """FUNCTION LIST in each form."""
    words = [b"FUNCTION", b"LIST"]
    for _ in range(source.random.choice([0, 1, 1, 2])):
        words += source.random.choice([[b"WITHCODE"], [b"LIBRARYNAME", source.pick([b"*", b"t*", b"ONE", b"[a-o]*", b"nosuch"])], [b"foo"]])
    if source.random.random() < 0.05:
        words.append(b"LIBRARYNAME")
    return commands(words)


def together(source: Source) -> Unit:
    """Functions in a transaction."""
    made = [source.random.choice([load, call, call])(source) for _ in range(source.random.randint(1, 4))]
    steps = [step for unit in made for step in unit.steps]
    return Unit((Step((b"MULTI",)), *steps, Step((b"EXEC",))))


GROUP = Group(
    "functions",
    "any",
    """
    2   FUNCTION DELETE libraryname
    1   FUNCTION FLUSH [(ASYNC|SYNC|'foo)]
    1   FUNCTION FLUSH SYNC ASYNC
    2   FUNCTION STATS
    4   FUNCTION DUMP
    1   FUNCTION KILL
    1   FUNCTION (LOAD|DELETE|DUMP|RESTORE|KILL|STATS|'foo)
    1   FUNCTION (DUMP|KILL|STATS) 'foo
    1   FUNCTION LIST 'a 'b 'c 'd
    1   FCALL
    1   FCALL_RO 'f1
    1   GET anykey
    """,
    [(14, load), (40, call), (5, restore), (6, listing), (3, together)],
)
