"""Attacks by rules of users, by many users, and by client-side caching of many keys and prefixes."""

from __future__ import annotations

from bench.attacks.attacker import Act, Arm, Attack, Attacker, Ground, many, run, sent, words
from bench.wire import Word, request

USERS = 10_000
RULES = 100_000
PATTERNS = 10_000
PREFIXES = 10_000
CLIENTS = 10_000
TRACKED = 1_000_000
USER = "worker"


def changed(*rules: Word) -> Arm:
    """ACL SETUSER with many rules."""

    def arm(attacker: Attacker) -> Act:
        attacker.undo.append(lambda: attacker.client("ACL", "DELUSER", USER))
        return words("ACL", "SETUSER", USER, *rules)(attacker)

    return arm


def about_user(rules: tuple[Word, ...], *command: Word) -> Arm:
    """A command about a user with many rules."""

    def arm(attacker: Attacker) -> Act:
        attacker.require("ACL", "SETUSER", USER, *rules)
        attacker.undo.append(lambda: attacker.client("ACL", "DELUSER", USER))
        return words(*command)(attacker)

    return arm


def among_users(*command: Word) -> Arm:
    """A command where there are many users."""

    def arm(attacker: Attacker) -> Act:
        with_users(attacker)
        return words(*command)(attacker)

    return arm


def with_users(attacker: Attacker) -> None:
    """Many users, who are gone when the attack is over."""
    names = many("user", USERS)
    rules = ("on", "nopass", "~some:*", "&news", "+@read", "-keys")
    run(attacker.client, b"".join(request("ACL", "SETUSER", name, *rules) for name in names))
    attacker.undo.append(lambda: attacker.client("ACL", "DELUSER", *names))


def loaded_users(attacker: Attacker) -> Act:
    """ACL LOAD of many users in the place of the same."""
    with_users(attacker)
    attacker.require("ACL", "SAVE")
    return words("ACL", "LOAD")(attacker)


def clients_of_user(*command: Word) -> Arm:
    """A command about a user whom many clients are."""

    def arm(attacker: Attacker) -> Act:
        attacker.require("ACL", "SETUSER", USER, "on", "nopass", "~*", "&*", "+@all")
        attacker.undo.append(lambda: attacker.client("ACL", "DELUSER", USER))
        for peer in attacker.connect_more(CLIENTS):
            peer("AUTH", USER, "x")
        return words(*command)(attacker)

    return arm


def denied(*command: Word) -> Arm:
    """A command about a long log of what was denied."""

    def arm(attacker: Attacker) -> Act:
        attacker.set_for_now("acllog-max-len", USERS, 128)
        attacker.undo.append(lambda: attacker.client("ACL", "LOG", "RESET"))
        run(attacker.client, b"".join(request("AUTH", name, "x") for name in many("nobody", USERS)))
        return words(*command)(attacker)

    return arm


def tracking(attacker: Attacker, *options: Word) -> None:
    """A connection that tracks as the options say, and reads what the attacker says."""
    run(attacker.connect_more(1)[0], request("HELLO", 3) + request("CLIENT", "TRACKING", "ON", *options))


PREFIXED = ("BCAST", *(word for name in many("prefix", PREFIXES) for word in ("PREFIX", name)))


def broadcast(*command: Word) -> Arm:
    """A command beside a client that tracks many prefixes."""

    def arm(attacker: Attacker) -> Act:
        tracking(attacker, *PREFIXED)
        return words(*command)(attacker)

    return arm


def stop_broadcast(attacker: Attacker) -> Act:
    """A client that tracked many prefixes and leaves."""
    tracking(attacker, *PREFIXED)
    return attacker.others[-1].close


def written_together(attacker: Attacker) -> Act:
    """Many keys that one MSET changes and that a client hears of."""
    tracking(attacker, "BCAST")
    return words("MSET", *(word for i in range(10_000) for word in ("work", i)))(attacker)


def tracked_by_many(*command: Word) -> Arm:
    """A command that changes what many clients have read."""

    def arm(attacker: Attacker) -> Act:
        data = request("HELLO", 3) + request("CLIENT", "TRACKING", "ON") + request("GET", "work")
        for peer in attacker.connect_more(CLIENTS):
            run(peer, data)
        return words(*command)(attacker)

    return arm


def read_by_one(attacker: Attacker) -> None:
    """Many keys that one client has read and tracks."""
    tracking(attacker)
    names = many("key", TRACKED)
    run(attacker.others[-1], b"".join(request("MGET", *names[first : first + 1000]) for first in range(0, TRACKED, 1000)))


def many_tracked(*command: Word) -> Arm:
    """A command where many keys are tracked."""

    def arm(attacker: Attacker) -> Act:
        read_by_one(attacker)
        return words(*command)(attacker)

    return arm


def limit_tracked(attacker: Attacker) -> Act:
    """A limit far below the keys that are tracked."""
    attacker.undo.append(lambda: attacker.client("CONFIG", "SET", "tracking-table-max-keys", TRACKED))
    return many_tracked("CONFIG", "SET", "tracking-table-max-keys", 1)(attacker)


def leave_tracked(attacker: Attacker) -> Act:
    """The end of a client that tracked many keys."""
    read_by_one(attacker)
    return attacker.others[-1].close


def read_many(attacker: Attacker) -> Act:
    """One command that reads many keys of one who tracks."""
    tracking(attacker)
    peer, data = attacker.others[-1], request("MGET", *many("key", TRACKED // 10))
    return lambda: run(peer, data)


KEY_PATTERNS = tuple(f"~{name}*" for name in many("pattern", PATTERNS))
RULED = (
    Attack("ACL SETUSER +get -get 100,000 times", changed(*["+get", "-get"] * (RULES // 2))),
    Attack("ACL SETUSER +@all -@all 100,000 times", changed(*["+@all", "-@all"] * (RULES // 2))),
    Attack("ACL SETUSER +@read -@write 100,000 times", changed(*["+@read", "-@write"] * (RULES // 2))),
    Attack("ACL SETUSER +config|x 100,000 times", changed(*["+config|get", "-config|set"] * (RULES // 2))),
    Attack("ACL SETUSER of 10,000 patterns", changed(*KEY_PATTERNS)),
    Attack("ACL SETUSER of one pattern 100,000 times", changed(*["~pattern*"] * RULES)),
    Attack("ACL SETUSER of 10,000 channels", changed("resetchannels", *(f"&{name}" for name in many("news", PATTERNS)))),
    Attack("ACL SETUSER of 10,000 passwords", changed(*(f">{name}" for name in many("word", PATTERNS)))),
    Attack("ACL SETUSER of 10,000 selectors", changed(*["(+get ~x*)"] * PATTERNS)),
    Attack("ACL SETUSER of a pattern of 10 MB", changed("~" + "x" * 10_000_000)),
    Attack("ACL SETUSER of a rule of 10 MB", changed("+" + "x" * 10_000_000)),
    Attack("ACL SETUSER of a password of 50 MB", changed(">" + "x" * 50_000_000)),
    Attack("ACL GETUSER with 10,000 patterns", about_user(KEY_PATTERNS, "ACL", "GETUSER", USER)),
    Attack("ACL DRYRUN with 10,000 patterns", about_user(
        (*KEY_PATTERNS, "+@all"), "ACL", "DRYRUN", USER, "MGET", *["pattern:00009999x"] * 1000)),
    Attack("ACL SETUSER, one more with 10,000 patterns", about_user(KEY_PATTERNS, "ACL", "SETUSER", USER, "on")),
)  # fmt: skip
MANY_USERS = (
    Attack("ACL LIST of 10,000", among_users("ACL", "LIST")),
    Attack("ACL USERS of 10,000", among_users("ACL", "USERS")),
    Attack("ACL SETUSER beside 10,000", among_users("ACL", "SETUSER", "user:00000005", "+get")),
    Attack("ACL SAVE of 10,000", among_users("ACL", "SAVE")),
    Attack("ACL LOAD of 10,000", loaded_users),
    Attack("ACL DELUSER of 10,000", among_users("ACL", "DELUSER", *many("user", USERS))),
    Attack("ACL SETUSER of 10,000 clients", clients_of_user("ACL", "SETUSER", USER, "-get")),
    Attack("ACL SETUSER of 10,000 clients, channels", clients_of_user("ACL", "SETUSER", USER, "resetchannels", "&news")),
    Attack("ACL DELUSER of 10,000 clients", clients_of_user("ACL", "DELUSER", USER)),
    Attack("ACL LOG of 10,000", denied("ACL", "LOG", 10_000)),
    Attack("ACL LOG RESET of 10,000", denied("ACL", "LOG", "RESET")),
    Attack("AUTH denied beside a log of 10,000", denied("AUTH", "nobody:x", "x")),
    Attack("ACL WHOAMI 100,000 times", sent(request("ACL", "WHOAMI") * 100_000)),
)
TRACKERS = (
    Attack("CLIENT TRACKING with 10,000 prefixes", words("CLIENT", "TRACKING", "ON", *PREFIXED)),
    Attack("10,000 prefixes tracked: SET", broadcast("SET", "work", "x")),
    Attack("10,000 prefixes tracked: FLUSHALL", broadcast("FLUSHALL")),
    Attack("10,000 prefixes tracked: disconnect", stop_broadcast),
    Attack("all tracked: MSET of 10,000", written_together),
    Attack("10,000 clients track a key: SET", tracked_by_many("SET", "work", "x")),
    Attack("10,000 clients track a key: FLUSHALL", tracked_by_many("FLUSHALL")),
    Attack("a million keys tracked: FLUSHALL", many_tracked("FLUSHALL")),
    Attack("a million keys tracked: FLUSHALL SYNC", many_tracked("FLUSHALL", "SYNC")),
    Attack("a million keys tracked: limit of one", limit_tracked),
    Attack("a million keys tracked: disconnect", leave_tracked),
    Attack("MGET of 100,000 tracked keys", read_many),
)
ACCESS = Ground("users", lambda attacker: None, (*RULED, *MANY_USERS, *TRACKERS))
