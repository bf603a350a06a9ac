"""The commands of access control."""

from __future__ import annotations

import hashlib
import re

import pytest

from tests.commands.blocking import wait_blocked
from tests.commands.users import WRONG_PASSWORD, As, log_of, no_command, rules_of, told
from tests.replies import EMPTY, NIL, NIL3, NOT_AN_INTEGER, OK, array, bulk, error, integer, wrong_arguments
from tests.resp import Connect, RawClient, Reply

pytestmark = pytest.mark.usefixtures("as_user")

UNKNOWN = "Unknown command or category name in ACL"
AFTER_ALL = (
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start "
    "with an empty list of patterns"
)
NO_SUM = "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"


def sum_of(password: str) -> str:
    """What is kept of a password."""
    return hashlib.sha256(password.encode()).hexdigest()


class TestAclSetuser:
    """ACL SETUSER."""

    @pytest.mark.parametrize(
        ("rules", "described"),
        [
            ("", "off sanitize-payload resetchannels -@all"),
            ("on nopass", "on nopass sanitize-payload resetchannels -@all"),
            ("ON NoPass skip-sanitize-payload", "on nopass skip-sanitize-payload resetchannels -@all"),
            ("skip-sanitize-payload sanitize-payload on off", "off sanitize-payload resetchannels -@all"),
            ("allkeys allchannels allcommands", "off sanitize-payload ~* &* +@all"),
            ("~* &* +@all", "off sanitize-payload ~* &* +@all"),
            ("~a* %R~b %W~c %RW~d %r~b ~a*", "off sanitize-payload ~a* %R~b %W~c ~d resetchannels -@all"),
            ("%R~b ~c %W~b", "off sanitize-payload ~b ~c resetchannels -@all"),
            ("%R~* ~x", "off sanitize-payload %R~* ~x resetchannels -@all"),
            ("~x ~*", "off sanitize-payload ~* resetchannels -@all"),
            ("%R", "off sanitize-payload %R~ resetchannels -@all"),
            ("~x resetkeys ~y", "off sanitize-payload ~y resetchannels -@all"),
            ("&a &b &a", "off sanitize-payload resetchannels &a &b -@all"),
            ("&a allchannels", "off sanitize-payload &* -@all"),
            ("+get +SET -get", "off sanitize-payload resetchannels -@all +set -get"),
            ("+@all +get -get +@read", "off sanitize-payload resetchannels +@all -get +@read"),
            ("+@Read -@read +get", "off sanitize-payload resetchannels -@all -@read +get"),
            ("+get +@all", "off sanitize-payload resetchannels +@all"),
            ("+@all -get nocommands", "off sanitize-payload resetchannels -@all"),
            ("+config|get -config|set +config", "off sanitize-payload resetchannels -@all +config"),
            ("+config -config|set", "off sanitize-payload resetchannels -@all +config -config|set"),
            ("+select|0 +select|Ab +select|0", "off sanitize-payload resetchannels -@all +select|ab +select|0"),
            ("+select|0 -select", "off sanitize-payload resetchannels -@all -select"),
            ("+select|0 -@connection", "off sanitize-payload resetchannels -@all +select|0 -@connection"),
            ("(~x +get) ( %R~y &c +@all )", "off sanitize-payload resetchannels -@all (~x resetchannels -@all +get) "
             "(%R~y resetchannels &c +@all)"),
            ("() (allkeys allcommands allchannels)", "off sanitize-payload resetchannels -@all (resetchannels -@all) (~* &* +@all)"),
            ("(~x) clearselectors", "off sanitize-payload resetchannels -@all"),
            ("on nopass ~* &* +@all (~x) skip-sanitize-payload reset", "off sanitize-payload resetchannels -@all"),
        ],
    )  # fmt: skip
    def test_rules(self, raw: RawClient, rules: str, described: str) -> None:
        """What they come to, as ACL LIST says; that again, as rules, comes to the same."""
        assert raw("ACL", "SETUSER", "u", *rules.split()) == OK
        assert rules_of(raw, "u") == described
        assert raw("ACL", "SETUSER", "v", *described.split(" ")) == OK
        assert rules_of(raw, "v") == described

    @pytest.mark.parametrize(
        ("rule", "reason"),
        [
            *((rule, "Syntax error") for rule in ("foo", "%~x", "%", "%X~x", "%RR~x", "~x y", "~x\ty", "&a b", "on ", ")", "(on)")),
            *((rule, "Syntax error") for rule in ("(>p)", "((~x))", "+select|", "+config|")),
            *((rule, UNKNOWN) for rule in ("+nosuch", "-nosuch", "+@nosuch", "+@", "+", "-", "+|x", "+get ", "+@connection|x", "(+no)")),
            *((rule, UNKNOWN) for rule in ("+config|no", "-config|no", "-select|0", "+select|a|b", "(~x +get))")),
            ("+config|get|x", "Allowing first-arg of a subcommand is not supported"),
            ("<p", "The password you are trying to remove from the user does not exist"),
            ("!" + sum_of("p"), "The password you are trying to remove from the user does not exist"),
            *((f"{sign}{text}", NO_SUM) for sign in "#!" for text in ("", "ab", sum_of("p").upper(), sum_of("p")[:-1] + "g")),
        ],
    )
    def test_wrong_rules(self, raw: RawClient, rule: str, reason: str) -> None:
        """None of the rules beside the wrong one is obeyed."""
        raw("ACL", "SETUSER", "u", "~k", "&c")
        before = rules_of(raw, "u")
        assert raw("ACL", "SETUSER", "u", "on", rule, ">q") == error(f"ERR Error in ACL SETUSER modifier '{rule}': {reason}")
        assert rules_of(raw, "u") == before
        assert raw("ACL", "SETUSER", "new", rule) == error(f"ERR Error in ACL SETUSER modifier '{rule}': {reason}")
        assert raw("ACL", "GETUSER", "new") == NIL

    @pytest.mark.parametrize("rule", ["~x", "%R~x", "%RW~*", "%", "~a b", "(~* ~x)", "&x", "&a b"])
    def test_patterns_beside_all(self, raw: RawClient, rule: str) -> None:
        """They would have no effect."""
        reason = AFTER_ALL
        if rule.startswith("&"):
            reason = reason.replace("allkeys", "allchannels").replace("resetkeys", "resetchannels").replace("patterns", "channels")
        raw("ACL", "SETUSER", "u", "allkeys", "allchannels")
        assert raw("ACL", "SETUSER", "u", rule) == error(f"ERR Error in ACL SETUSER modifier '{rule}': {reason}")
        assert raw("ACL", "SETUSER", "u", "~*", "&*", "allkeys", "allchannels", "") == OK

    @pytest.mark.parametrize("rules", ["(", "on (", "(~x +get", "nosuch (", "()x", "(~x) (~y", "(" + "x" * 1000])
    def test_parentheses_that_stay_open(self, raw: RawClient, rules: str) -> None:
        opened = [word for word in rules.split() if word.startswith("(")][-1]
        assert raw("ACL", "SETUSER", "u", *rules.split()) == error(f"ERR Unmatched parenthesis in acl selector starting at '{opened}'.")

    @pytest.mark.parametrize("name", ["a b", "a\tb", "a\nb", "a\0b", " "])
    def test_names(self, raw: RawClient, name: str) -> None:
        assert raw("ACL", "SETUSER", name, "on") == error("ERR Usernames can't contain spaces or null characters")

    def test_passwords(self, raw: RawClient) -> None:
        raw("ACL", "SETUSER", "u", ">a", ">b", ">a", "#" + sum_of("c"))
        assert rules_of(raw, "u").split()[2:5] == ["#" + sum_of(word) for word in "abc"]
        raw("ACL", "SETUSER", "u", "<a", "!" + sum_of("c"))
        assert rules_of(raw, "u").split()[2:3] == ["#" + sum_of("b")]
        raw("ACL", "SETUSER", "u", "nopass")
        assert rules_of(raw, "u").startswith("off nopass sanitize-payload resetchannels")
        raw("ACL", "SETUSER", "u", ">b")
        assert rules_of(raw, "u").startswith("off sanitize-payload #")
        raw("ACL", "SETUSER", "u", "resetpass")
        assert rules_of(raw, "u") == "off sanitize-payload resetchannels -@all"

    def test_channels_of_new_users(self, raw: RawClient) -> None:
        """acl-pubsub-default, for selectors too."""
        raw("CONFIG", "SET", "acl-pubsub-default", "allchannels")
        raw("ACL", "SETUSER", "u", "(~x)")
        assert rules_of(raw, "u") == "off sanitize-payload &* -@all (~x &* -@all)"
        raw("CONFIG", "SET", "acl-pubsub-default", "resetchannels")
        raw("ACL", "SETUSER", "u", "reset")
        assert rules_of(raw, "u") == "off sanitize-payload resetchannels -@all"

    def test_no_log_shows_the_words(self, raw: RawClient) -> None:
        raw("CONFIG", "SET", "slowlog-log-slower-than", 0)
        raw("SLOWLOG", "RESET")
        raw("ACL", "SETUSER", "u", ">secret", "(~secret", ")")
        raw("ACL", "GETUSER", "u")
        raw("ACL", "DELUSER", "u", "v")
        words = [[word.value.decode() for word in entry.value[3].value] for entry in raw("SLOWLOG", "GET", 3).value]
        hidden = "(redacted)"
        assert words == [["ACL", "DELUSER", hidden, hidden], ["ACL", "GETUSER", hidden], ["ACL", "SETUSER", hidden, hidden, hidden, hidden]]

    def test_many_rules_cost_little(self, raw: RawClient) -> None:
        """A thousand patterns and first arguments, each given again and again."""
        rules = [f"~key:{i % 1000}:*" for i in range(20_000)] + [f"+select|{i % 100}" for i in range(5_000)]
        assert raw("ACL", "SETUSER", "u", *rules) == OK
        assert len(rules_of(raw, "u").split()) == 1000 + 100 + 4


class TestAclGetuser:
    """ACL GETUSER."""

    def test_all_of_it(self, raw: RawClient) -> None:
        raw("ACL", "SETUSER", "u", "on", ">p", "~a", "%R~b", "&c", "+@all", "-get", "(~x +set)", "()")
        assert raw("ACL", "GETUSER", "u") == array(
            bulk("flags"), array(bulk("on"), bulk("sanitize-payload")), bulk("passwords"), array(bulk(sum_of("p"))),
            bulk("commands"), bulk("+@all -get"), bulk("keys"), bulk("~a %R~b"), bulk("channels"), bulk("&c"), bulk("selectors"),
            array(
                array(bulk("commands"), bulk("-@all +set"), bulk("keys"), bulk("~x"), bulk("channels"), bulk("")),
                array(bulk("commands"), bulk("-@all"), bulk("keys"), bulk(""), bulk("channels"), bulk("")),
            ),
        )  # fmt: skip
        raw("HELLO", 3)
        reply = raw("ACL", "GETUSER", "u")
        assert reply.kind == "%"
        fields = {name.value: value for name, value in reply.value}
        assert fields[b"flags"] == Reply("~", (bulk("on"), bulk("sanitize-payload")))
        assert [selector.kind for selector in fields[b"selectors"].value] == ["%", "%"]

    def test_default(self, raw: RawClient) -> None:
        reply = raw("ACL", "GETUSER", "default")
        assert reply.value[1] == array(bulk("on"), bulk("nopass"), bulk("sanitize-payload"))
        assert [value.value for value in reply.value[5::2]] == [b"+@all", b"~*", b"&*", ()]

    def test_nobody(self, raw: RawClient) -> None:
        assert raw("ACL", "GETUSER", "nosuch") == NIL
        raw("HELLO", 3)
        assert raw("ACL", "GETUSER", "nosuch") == NIL3


class TestAclDeluser:
    """ACL DELUSER."""

    def test_it_closes_their_clients(self, raw: RawClient, as_user: As, connect: Connect) -> None:
        clients = [as_user("u", "+@all"), as_user("u"), as_user("v", "+@all", "allkeys")]
        assert raw("ACL", "DELUSER", "u", "nosuch", "u") == integer(1)
        assert [client.is_closed() for client in clients[:2]] == [True, True]
        assert clients[2]("ACL", "WHOAMI") == bulk("v")
        assert raw("ACL", "GETUSER", "u") == NIL

    def test_of_oneself(self, as_user: As) -> None:
        """The reply still comes."""
        client = as_user("u", "+@all")
        assert client("ACL", "DELUSER", "u") == integer(1)
        assert client.is_closed()

    def test_while_it_waits(self, raw: RawClient, as_user: As) -> None:
        client = as_user("u", "+@all", "allkeys")
        client.send("BLPOP", "l", 0)
        wait_blocked(raw)
        assert raw("ACL", "DELUSER", "u") == integer(1)
        assert client.is_closed()
        assert raw("RPUSH", "l", "a") == integer(1)
        assert raw("LLEN", "l") == integer(1)

    def test_default_stays(self, raw: RawClient) -> None:
        raw("ACL", "SETUSER", "u")
        assert raw("ACL", "DELUSER", "u", "default") == error("ERR The 'default' user cannot be removed")
        assert raw("ACL", "USERS") == array(bulk("default"), bulk("u"))


class TestAclList:
    """ACL LIST."""

    def test_by_name(self, raw: RawClient) -> None:
        for name in ("z", "a", "m"):
            raw("ACL", "SETUSER", name)
        lines = [line.value.decode().split()[1] for line in raw("ACL", "LIST").value]
        assert lines == ["a", "default", "m", "z"]


class TestAclUsers:
    """ACL USERS."""

    def test_by_name(self, raw: RawClient) -> None:
        raw("ACL", "SETUSER", "z")
        raw("ACL", "SETUSER", "a")
        assert raw("ACL", "USERS") == array(bulk("a"), bulk("default"), bulk("z"))


class TestAclWhoami:
    """ACL WHOAMI."""

    def test_who(self, raw: RawClient, as_user: As) -> None:
        assert raw("ACL", "WHOAMI") == bulk("default")
        client = as_user("u", "+@all")
        assert client("ACL", "WHOAMI") == bulk("u")
        assert client("AUTH", "default", "any") == OK
        assert client("ACL", "WHOAMI") == bulk("default")
        assert raw("ACL", "WHOAMI", "x") == wrong_arguments("acl|whoami")

    def test_after_reset(self, as_user: As) -> None:
        client = as_user("u", "+@all")
        assert client("RESET") == Reply("+", b"RESET")
        assert client("ACL", "WHOAMI") == bulk("default")

    def test_client_list(self, raw: RawClient, as_user: As) -> None:
        as_user("u", "+@all")
        lines = raw("CLIENT", "LIST").value.decode().splitlines()
        assert len([line for line in lines if " user=u " in line]) == 1
        assert raw("CLIENT", "KILL", "USER", "u") == integer(1)
        assert raw("CLIENT", "KILL", "USER", "nosuch") == error("ERR No such user 'nosuch'")


class TestAclCat:
    """ACL CAT."""

    def test_categories(self, raw: RawClient) -> None:
        names = [name.value for name in raw("ACL", "CAT").value]
        assert len(names) == 21
        assert names[:3] == [b"keyspace", b"read", b"write"]
        assert names[-1] == b"scripting"

    def test_commands(self, raw: RawClient) -> None:
        assert {name.value for name in raw("ACL", "CAT", "Transaction").value} == {b"multi", b"exec", b"discard", b"watch", b"unwatch"}
        assert {b"config|set", b"acl|setuser", b"shutdown"} <= {name.value for name in raw("ACL", "CAT", "admin").value}

    def test_wrong(self, raw: RawClient) -> None:
        assert raw("ACL", "CAT", "nosuch") == error("ERR Unknown category 'nosuch'")
        assert raw("ACL", "CAT", "x" * 1000) == error(f"ERR Unknown category '{'x' * 128}'")
        assert raw("ACL", "CAT", "a", "b") == error("ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP.")


class TestAclDryrun:
    """ACL DRYRUN."""

    @pytest.mark.parametrize(
        ("command", "told"),
        [
            ("get r", None), ("get w", "access the 'w' key"), ("set w 1", None), ("set w 1 get", "access the 'w' key"),
            ("set rw 1 get", None), ("copy r w", None), ("copy w r", "access the 'w' key"), ("exists w", None),
            ("exists x", "access the 'x' key"),
            ("mget r rw x", "access the 'x' key"), ("mget " + "r " * 50 + "x", "access the 'x' key"),
            ("xread streams r x 0 0", "access the 'x' key"),
            ("zunionstore w 2 r x", "access the 'x' key"), ("zunionstore w 2 r rw", None), ("zunionstore w a r r", None),
            ("sort r store x", "access the 'x' key"), ("sort r by x*", None), ("bitfield r get u8 0", None),
            ("bitfield r set u8 0 1", "access the 'r' key"), ("keys *", None), ("object encoding x", "access the 'x' key"),
            ("del r", "run the 'del' command"), ("config get x", None), ("config set x y", "run the 'config|set' command"),
            ("publish c1 x", None), ("publish d x", "access the 'd' channel"), ("subscribe c1 d", "access the 'd' channel"),
            ("psubscribe c*", None), ("psubscribe c?", "access the 'c?' channel"), ("unsubscribe d", None), ("select 0", None),
            ("select 1", "run the 'select' command"), ("auth a b", None),
        ],
    )  # fmt: skip
    def test_one_selector(self, raw: RawClient, command: str, told: str | None) -> None:
        rules = "%R~r* %W~w* ~rw* resetchannels &c* +@all -del -config|set -select +select|0"
        assert raw("ACL", "SETUSER", "u", *rules.split()) == OK
        expected = OK if told is None else bulk(f"User u has no permissions to {told}")
        assert raw("ACL", "DRYRUN", "u", *command.split()) == expected

    @pytest.mark.parametrize(
        ("command", "told"),
        [
            ("get x", None), ("set y 1", None), ("get z1", None), ("set z1 1", None), ("get y", "access the 'y' key"),
            ("set x 1", "access the 'x' key"), ("del z1 x", "access the 'x' key"), ("rename z1 z2", "access the 'z1' key"),
            ("auth u p", None), ("publish c x", "access the 'c' channel"),
        ],
    )  # fmt: skip
    def test_several_selectors(self, raw: RawClient, command: str, told: str | None) -> None:
        """One of them has to allow all of it."""
        rules = "~x +get (~y +set) (%R~z* +get) (%W~z* +@all -get)"
        assert raw("ACL", "SETUSER", "u", *rules.split()) == OK
        expected = OK if told is None else bulk(f"User u has no permissions to {told}")
        assert raw("ACL", "DRYRUN", "u", *command.split()) == expected

    def test_wrong(self, raw: RawClient) -> None:
        assert raw("ACL", "DRYRUN", "nosuch", "get", "x") == error("ERR User 'nosuch' not found")
        assert raw("ACL", "DRYRUN", "x" * 1000, "get", "x") == error(f"ERR User '{'x' * 1000}' not found")
        assert raw("ACL", "DRYRUN", "default", "nosuch", "x") == error("ERR Command 'nosuch' not found")
        assert raw("ACL", "DRYRUN", "default", "x" * 1000, "x") == error(f"ERR Command '{'x' * 1000}' not found")
        assert raw("ACL", "DRYRUN", "default", "config", "nosuch") == error("ERR Command 'config' not found")
        assert raw("ACL", "DRYRUN", "default", "get") == wrong_arguments("get")
        assert raw("ACL", "DRYRUN", "default", "config") == wrong_arguments("config")


class TestAclGenpass:
    """ACL GENPASS."""

    @pytest.mark.parametrize(("bits", "digits"), [(None, 64), (1, 1), (4, 1), (5, 2), (256, 64), (4096, 1024)])
    def test_length(self, raw: RawClient, bits: int | None, digits: int) -> None:
        words = [] if bits is None else [bits]
        made = {raw("ACL", "GENPASS", *words).value for _ in range(20)}
        assert all(re.fullmatch(rb"[0-9a-f]{%d}" % digits, password) for password in made)
        assert len(made) > 1

    def test_wrong(self, raw: RawClient) -> None:
        reason = error("ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096")
        assert [raw("ACL", "GENPASS", bits) for bits in (0, -1, 4097)] == [reason] * 3
        assert raw("ACL", "GENPASS", "a") == NOT_AN_INTEGER


class TestAclLog:
    """ACL LOG."""

    def test_reasons(self, raw: RawClient, as_user: As) -> None:
        client = as_user("u", "~x", "&c", "+get", "+publish", "+multi", "+exec")
        for words in (
            ("GET", "y"),
            ("DEL", "x"),
            ("CONFIG", "GET", "x"),
            ("PUBLISH", "d", "x"),
            ("auth", "u2", "p"),
            ("MULTI",),
            ("GET", "y"),
        ):
            client(*words)
        client("EXEC")
        assert [told(entry) for entry in log_of(raw)] == [
            (b"key", b"multi", b"y", b"u", 1),
            (b"auth", b"toplevel", b"auth", b"u2", 1),
            (b"channel", b"toplevel", b"d", b"u", 1),
            (b"command", b"toplevel", b"config|get", b"u", 1),
            (b"command", b"toplevel", b"del", b"u", 1),
            (b"key", b"toplevel", b"y", b"u", 1),
        ]

    def test_fields(self, raw: RawClient, as_user: As) -> None:
        client = as_user("u", "~x", "+get")
        raw("HELLO", 3)
        client("GET", "y")
        (entry,) = raw("ACL", "LOG").value
        names = "count reason context object username age-seconds client-info entry-id timestamp-created timestamp-last-updated"
        assert [name.value.decode() for name, _ in entry.value] == names.split()
        assert [value.kind for _, value in entry.value] == [":", "$", "$", "$", "$", ",", "$", ":", ":", ":"]
        info = dict(entry.value)[bulk("client-info")].value.decode()
        assert " user=u " in info
        assert " cmd=get " in info

    def test_alike_ones_are_one_entry(self, raw: RawClient, as_user: As) -> None:
        """Among the ten newest; an entry that is added to is the newest then."""
        client = as_user("u", "+get")
        for i in range(12):
            client("GET", f"k{i}")
        for key in ("k0", "k11", "k4", "k5"):
            client("GET", key)
        entries = log_of(raw)
        first = entries[-1]["entry-id"]
        assert [(entry["object"], entry["count"], entry["entry-id"] - first) for entry in entries][:6] == [
            (b"k5", 2, 5), (b"k4", 2, 4), (b"k11", 2, 11), (b"k0", 1, 12), (b"k10", 1, 10), (b"k9", 1, 9),
        ]  # fmt: skip

    def test_how_many(self, raw: RawClient, as_user: As) -> None:
        client = as_user("u", "+get")
        for i in range(15):
            client("GET", f"k{i}")
        assert len(raw("ACL", "LOG").value) == 10
        assert len(raw("ACL", "LOG", 3).value) == 3
        assert raw("ACL", "LOG", 0) == raw("ACL", "LOG", -1) == EMPTY
        raw("CONFIG", "SET", "acllog-max-len", 4)
        client("GET", "k14")
        assert len(raw("ACL", "LOG", 100).value) == 15
        client("GET", "one more")
        assert len(raw("ACL", "LOG", 100).value) == 4
        raw("CONFIG", "SET", "acllog-max-len", 0)
        client("GET", "none")
        assert raw("ACL", "LOG") == EMPTY
        assert raw("ACL", "LOG", "reset") == OK

    def test_wrong(self, raw: RawClient) -> None:
        assert raw("ACL", "LOG", "x") == NOT_AN_INTEGER
        assert raw("ACL", "LOG", "RESET", "x") == error("ERR unknown subcommand or wrong number of arguments for 'LOG'. Try ACL HELP.")

    def test_long_keys_are_kept_shortened(self, raw: RawClient, as_user: As) -> None:
        """Else whoever may do nothing could fill the memory with what it may not do."""
        client = as_user("u", "+get")
        client("GET", b"x" * 100_000)
        assert len(log_of(raw)[0]["object"]) == 4096

    def test_counters(self, raw: RawClient, as_user: As) -> None:
        client = as_user("u", "~x", "&c", "+get", "+publish")
        raw("CONFIG", "RESETSTAT")
        for words in (("GET", "y"), ("GET", "z"), ("DEL", "x"), ("PUBLISH", "d", "x"), ("AUTH", "u2", "p")):
            client(*words)
        info = raw("INFO", "stats").value.decode()
        assert re.findall(r"acl_access_denied_(\w+):(\d+)", info)[:4] == [("auth", "1"), ("cmd", "1"), ("key", "2"), ("channel", "1")]


NO_FILE = (
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then "
    "issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration."
)


class TestAclSave:
    """ACL SAVE; with a file it is tested in tests/process/test_users.py."""

    def test_without_a_file(self, raw: RawClient) -> None:
        assert raw("ACL", "SAVE") == error(NO_FILE)


class TestAclLoad:
    """ACL LOAD; with a file it is tested in tests/process/test_users.py."""

    def test_without_a_file(self, raw: RawClient) -> None:
        assert raw("ACL", "LOAD") == error(NO_FILE)


class TestPasswords:
    """AUTH and HELLO with users."""

    def test_each_is_right(self, raw: RawClient, connect: Connect) -> None:
        raw("ACL", "SETUSER", "u", "on", ">a", ">b", "+@all")
        client = connect()
        assert [client("AUTH", "u", word) for word in ("a", "b", "c", "", "A")] == [OK, OK, *[WRONG_PASSWORD] * 3]
        assert client("ACL", "WHOAMI") == bulk("u")

    def test_off(self, raw: RawClient, as_user: As) -> None:
        """Who is in stays in."""
        client = as_user("u", "+@all")
        raw("ACL", "SETUSER", "u", "off")
        assert client("ACL", "WHOAMI") == bulk("u")
        assert client("AUTH", "u", "any") == WRONG_PASSWORD

    def test_requirepass_is_the_default_users(self, raw: RawClient, connect: Connect) -> None:
        raw("CONFIG", "SET", "requirepass", "secret")
        assert rules_of(raw, "default") == f"on sanitize-payload #{sum_of('secret')} ~* &* +@all"
        stranger = connect()
        assert stranger("PING") == error("NOAUTH Authentication required.")
        raw("ACL", "SETUSER", "default", ">other")
        assert stranger("AUTH", "other") == OK
        assert raw("CONFIG", "GET", "requirepass").value[1] == bulk("secret")
        raw("CONFIG", "SET", "requirepass", "")
        assert rules_of(raw, "default") == "on nopass sanitize-payload ~* &* +@all"

    def test_strangers_when_the_default_user_changes(self, raw: RawClient, connect: Connect) -> None:
        """Who came when a password was asked for is a stranger whenever one is."""
        before = connect()
        assert before("PING").value == b"PONG"
        raw("ACL", "SETUSER", "default", "resetpass", ">p")
        after = connect()
        asked = error("NOAUTH Authentication required.")
        assert (before("PING").value, after("PING")) == (b"PONG", asked)
        raw("ACL", "SETUSER", "default", "nopass")
        assert after("PING").value == b"PONG"
        raw("ACL", "SETUSER", "default", "off")
        assert (before("PING").value, after("PING")) == (b"PONG", asked)
        assert after("HELLO", 3).value.startswith(b"NOAUTH HELLO must be called")

    def test_hello(self, raw: RawClient, as_user: As, connect: Connect) -> None:
        as_user("u", "+@all")
        client = connect()
        assert client("HELLO", 3, "AUTH", "u", "any").kind == "%"
        assert client("ACL", "WHOAMI") == bulk("u")
        assert client("HELLO", 3, "AUTH", "nosuch", "any") == WRONG_PASSWORD
        assert client("ACL", "WHOAMI") == bulk("u")

    def test_who_may_do_nothing_may_log_in(self, as_user: As) -> None:
        client = as_user("u")
        assert client("PING") == no_command("u", "ping")
        assert client("AUTH", "default", "any") == OK
