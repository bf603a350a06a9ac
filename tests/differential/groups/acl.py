"""Access control: users made by rules, clients that are them and try all kinds of commands, what is allowed without running it, what the
log tells of refusals, under a clock that is set.

The first connection stays the default user, who may do everything; on two others users log in before each unit. Left out is what a Redis
8.2.3 cannot do right: blanks in the argument of +command|argument and parentheses that stay open in a file crash it, AUTH in a transaction
replies twice, PFMERGE without a source is open to all, %RW~* is shown as ~* and is another rule; and quotes in selectors, which it
alone understands.
"""

from __future__ import annotations

from hashlib import sha256

from tests.differential.groups import stream
from tests.differential.groups.data import DATA
from tests.differential.groups.group import Group, commands
from tests.differential.steps import Step, Unit
from tests.differential.values import Source
from tests.since import is_known
from zippy.commandspec import COMMANDS
from zippy.commandspec.spec import CATEGORIES

USERS = [b"u1", b"u2", b"u3", b"\xc3\xbc", b'"', b"long-name-of-a-user"]
PASSWORDS = [b"p1", b"p2", b"", b"wrong", b"\xff\x00"]
NAMES = [spec.name.encode() for command in COMMANDS for spec in (command, *command.subcommands) if is_known(spec.since)]
KEYS = [
    b"s*", b"s0", b"s[1-3]", b"*0", b"l*", b"l?", b"x*", b"z*", b"h*", b"t*", b"n*", b"y*", b"b*", b"p*", b"g*", b"*", b"", b"?*", b"[^s]*",
    b"s\\*", b"missing", b"*[", b"\xff*",
]  # fmt: skip
CHANNELS = [b"c*", b"c1", b"news.*", b"", b"a", b"b?", b"*", b"[ab]"]
WORDS = [
    b"on", b"off", b"nopass", b"resetpass", b"sanitize-payload", b"skip-sanitize-payload", b"allkeys", b"resetkeys", b"allchannels",
    b"resetchannels", b"allcommands", b"nocommands", b"+@all", b"-@all", b"reset", b"clearselectors",
]  # fmt: skip
FIRST_WORDS = [b"select|0", b"select|1", b"select|Ab", b"get|s0", b"set|s1", b"bitop|and", b"lpos|l0"]
WRONG = [
    b"foo", b"", b"+nosuch", b"-nosuch|x", b"+config|nosuch", b"+config|get|x", b"+select|", b"-select|0", b"+@nosuch", b"+@", b"+", b"%~x",
    b"%R", b"%RR~x", b"%X~x", b"~a b", b"&a b", b">", b"#zz", b"!zz", b"<nosuch", b")", b"()", b"(on)", b"(~x", b"(+nosuch)", b"((~x))",
    b"+config|", b"+|x",
]  # fmt: skip
COMPLETE = [b"set", b"sortedset", b"list", b"hash", b"bitmap", b"hyperloglog", b"geo", b"pubsub", b"transaction"]
"""Categories of which zippy has all commands."""
OTHERS = (*DATA, stream.GROUP)
LOOK = [(b"ACL", b"LIST"), (b"ACL", b"USERS"), (b"ACL", b"LIST")]


def command_rule(source: Source) -> bytes:
    """What a user may run."""
    random = source.random
    sign = source.pick([b"+", b"+", b"-"])
    chance = random.random()
    if chance < 0.3:
        return sign + b"@" + random.choice(CATEGORIES).encode()
    if chance < 0.36:
        return b"+" + source.pick(FIRST_WORDS)
    name = source.pick(NAMES if chance < 0.8 else [b"get", b"set", b"config", b"config|get", b"select", b"client|list", b"del", b"auth"])
    return sign + (name.upper() if random.random() < 0.1 else name)


def selector_rule(source: Source) -> bytes:
    """A rule that may stand in a selector, too."""
    random = source.random
    chance = random.random()
    if chance < 0.4:
        return command_rule(source)
    if chance < 0.7:
        sign, pattern = source.pick([b"~", b"~", b"%R~", b"%W~", b"%RW~", b"%wr~"]), source.pick(KEYS)
        # for Redis this is not ~*, though it shows it so, and the file that it writes cannot be read
        return b"%R~*" if pattern == b"*" and sign != b"~" else sign + pattern
    if chance < 0.85:
        return b"&" + source.pick(CHANNELS)
    return source.pick(WORDS[6:14])


def password_rule(source: Source) -> bytes:
    """A rule about a password."""
    word = source.pick(PASSWORDS[:3])
    sign = source.pick([b">", b">", b">", b"<", b"#", b"!"])
    return sign + (sha256(word).hexdigest().encode() if sign in (b"#", b"!") else word)


def rule(source: Source) -> list[bytes]:
    """One rule, which may be several words."""
    random = source.random
    chance = random.random()
    if chance < 0.6:
        return [selector_rule(source)]
    if chance < 0.7:
        return [password_rule(source)]
    if chance < 0.85:
        return [source.pick(WORDS)]
    if chance < 0.97:
        inside = [selector_rule(source) for _ in range(random.randint(0, 4))]
        words = [b"(", *inside, b")"] if random.random() < 0.3 else (b"(" + b" ".join(inside) + b")").split(b" ")
        return [b" ".join(words)] if random.random() < 0.2 else words
    return [source.pick(WRONG)]


def rules(source: Source) -> list[bytes]:
    """Some rules; many of them make a user who may do a good deal, so that not all is refused."""
    random = source.random
    words = [word for _ in range(random.choice((1, 1, 2, 3, 5))) for word in rule(source)]
    if random.random() < 0.35:
        words = [source.pick([b"on", b"nopass", b"+@all", b"+@read", b"~*", b"%R~*", b"~s*", b"&*"]), *words, b"on", b"nopass"]
    return words


def change(source: Source) -> Unit:
    """Rules for a user, and what has become of the user."""
    user = source.pick(USERS)
    look = (b"ACL", b"GETUSER", user) if source.random.random() < 0.5 else source.random.choice(LOOK)
    return commands((b"ACL", b"SETUSER", user, *rules(source)), look)


NOT_TRIED = {
    "RANDOMKEY", "SCAN", "SPOP", "SRANDMEMBER", "HRANDFIELD", "ZRANDMEMBER", "SORT", "FLUSHALL", "FLUSHDB", "DEBUG", "OBJECT", "RESET",
    "MULTI", "EXEC", "DISCARD", "WATCH", "CLOCK", "HELLO",
}  # fmt: skip
"""What replies at random, empties all or belongs to units of their own."""


def a_command(source: Source) -> tuple[bytes, ...]:
    """A command of another group, which neither waits nor takes a time. Damaged HyperLogLogs are another group's matter."""
    key_type = source.key_type
    group = source.random.choice(OTHERS)
    source.key_type = group.key_type
    step = source.random.choice(group.unit(source).steps)
    source.key_type = key_type
    name = step.name
    waits = not step.wait or step.connection or name.startswith(("BL", "BR", "BZ", "X"))
    picks = step.check not in ("auto", "sorted") or name in NOT_TRIED
    if waits or picks or (group.name == "hyperloglog" and (not name.startswith("PF") or (name == "PFMERGE" and len(step.args) < 3))):
        return a_command(source)
    return step.args


def asked_command(source: Source) -> tuple[bytes, ...]:
    """A command for DRYRUN: of another group whatever it does, or of the administrator."""
    random = source.random
    if random.random() < 0.5:
        step = random.choice(random.choice(OTHERS).unit(source).steps)
        usable = step.name != "CLOCK" and not (step.name == "PFMERGE" and len(step.args) < 3)
        return step.args if usable else asked_command(source)
    channels = [source.channel() for _ in range(random.choice((1, 1, 2)))]
    return random.choice(
        [
            (b"PUBLISH", channels[0], b"m"), (b"SPUBLISH", channels[0], b"m"), (b"SUBSCRIBE", *channels), (b"SSUBSCRIBE", *channels),
            (b"PSUBSCRIBE", source.pick(CHANNELS)), (b"UNSUBSCRIBE", *channels), (b"CONFIG", b"GET", b"x"), (b"CONFIG", b"SET", b"x", b"y"),
            (b"SELECT", source.pick([b"0", b"1", b"AB", b"ab"])), (b"AUTH", b"x"), (b"MULTI",), (b"EXEC",), (b"NOSUCH", b"x"), (b"GET",),
            (b"CONFIG",), (b"CONFIG", b"NOSUCH"), (b"FLUSHALL",), (b"BLPOP", b"l0", b"s0", b"0"),
            (b"BLMOVE", b"l0", b"l1", b"LEFT", b"LEFT", b"0"),
            (b"XREAD", b"BLOCK", b"0", b"STREAMS", b"t0", b"t1", b"$", b"$"), (b"SORT", b"l0", b"BY", b"s*", b"STORE", b"l1"),
            (b"ACL", b"WHOAMI"), (b"CLIENT", b"LIST"), (b"PING",),
        ]
    )  # fmt: skip


def ask(source: Source) -> Unit:
    """DRYRUN of some commands by one user."""
    user = source.pick([*USERS, b"default", b"nosuch"])
    return commands(*[(b"ACL", b"DRYRUN", user, *asked_command(source)) for _ in range(source.random.randint(1, 3))])


def log_in(source: Source, connection: int) -> Step:
    """A user for a connection, or a wrong password."""
    password = source.pick([b"p1", b"p1", b"p2", b"", b"wrong"])
    if source.random.random() < 0.1:
        return Step((source.pick([b"HELLO", b"hello"]), b"2", b"AUTH", source.pick(USERS), password), connection, "outline")
    return Step((source.pick([b"AUTH", b"AUTH", b"auth"]), source.pick([*USERS, b"nosuch"]), password), connection)


def tries(source: Source) -> Unit:
    """A client logs in and tries some commands; at times its user is changed meanwhile."""
    random = source.random
    connection = random.choice((1, 2))
    steps = [log_in(source, connection)]
    for _ in range(random.randint(1, 5)):
        steps.append(Step(a_command(source), connection))
        if random.random() < 0.1:
            steps.append(Step((b"ACL", b"SETUSER", source.pick(USERS), *rules(source))))
    steps.append(Step(random.choice([(b"ACL", b"WHOAMI"), (b"PUBLISH", source.channel(), b"m"), (b"SPUBLISH", b"c1", b"m")]), connection))
    return Unit(tuple(steps))


def patterns(source: Source) -> Unit:
    """SORT with patterns of keys."""
    connection = 1
    words = [
        word
        for _ in range(source.random.randint(1, 3))
        for word in source.random.choice(
            [(b"BY", b"s*"), (b"GET", b"s*"), (b"GET", b"#"), (b"BY", b"nosort"), (b"LIMIT", b"0", b"1"), (b"ALPHA",)]
        )
    ]
    name = source.pick([b"SORT", b"SORT_RO"])
    return Unit((log_in(source, connection), Step((name, source.pick([b"l0", b"l1"]), *words), connection, "outline")))


def transaction(source: Source) -> Unit:
    """A transaction of a user, who is changed before EXEC."""
    random = source.random
    steps = [log_in(source, 1), Step((b"MULTI",), 1)]
    steps += [Step(a_command(source), 1) for _ in range(random.randint(0, 4))]
    if random.random() < 0.7:
        steps.append(Step((b"ACL", b"SETUSER", source.pick(USERS), *rules(source))))
    steps.append(Step((source.pick([b"EXEC", b"EXEC", b"DISCARD"]),), 1))
    # the next one begins without MULTI, whatever this user may do
    steps.append(Step((b"RESET",), 1))
    return Unit(tuple(steps), True)


def delete(source: Source) -> Unit:
    """Users go, whose clients have become the default user before: connections that are closed could not be compared."""
    leave = [Step((b"RESET",), connection) for connection in (1, 2)]
    names = [source.pick([*USERS, b"nosuch"]) for _ in range(source.random.randint(1, 3))]
    if source.random.random() < 0.1:
        names.append(b"default")
    return Unit((*leave, Step((b"ACL", b"DELUSER", *names)), Step((b"ACL", b"USERS"))), True)


def later(source: Source) -> Unit:
    """Time passes: refusals of an hour ago are entries of their own."""
    ms = source.random.choice((1, 500, 30_000, 59_999, 60_000, 60_001, 100_000)) if source.clock else 0
    return Unit((Step((b"CLOCK", b"%d" % ms), check="clock"),), True)


def look(source: Source) -> Unit:
    """What there is to see."""
    random = source.random
    words = random.choice(
        [
            (b"LOG",), (b"LOG", b"3"), (b"LOG", b"100"), (b"LOG", b"0"), (b"LOG", b"-1"), (b"LOG", b"x"), (b"LOG", b"RESET", b"x"),
            (b"LIST",), (b"USERS",), (b"WHOAMI",), (b"CAT",), (b"CAT", source.pick(COMPLETE)), (b"CAT", b"nosuch"),
            (b"GETUSER", b"default"),
            (b"GETUSER", source.pick(USERS)), (b"GENPASS", source.pick([b"1", b"5", b"256", b"4096", b"0", b"4097", b"-1", b"a"])),
            (b"GENPASS",), (b"WHOAMI", b"x"), (b"NOSUCH",), (), (b"SAVE",), (b"LOAD",), (b"CAT", b"a", b"b"), (b"GENPASS", b"1", b"2"),
        ]
    )  # fmt: skip
    if random.random() < 0.1:
        words = (b"LOG", b"RESET")
    if random.random() < 0.05:
        return commands((b"CONFIG", b"SET", b"acllog-max-len", source.pick([b"0", b"3", b"128"])))
    if random.random() < 0.05:
        return commands((b"CONFIG", b"SET", b"acl-pubsub-default", source.pick([b"allchannels", b"resetchannels"])))
    return commands((b"ACL", *words))


GROUP = Group(
    "acl",
    "any",
    "",
    [(24, change), (30, ask), (24, tries), (4, patterns), (8, transaction), (3, delete), (3, later), (14, look)],
    mangles=False,
    clock=True,
)
