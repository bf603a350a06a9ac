"""Rules of access control against a model of a few lines: what a user may do after any sequence of them, and that what ACL LIST shows,
taken as rules, makes the same user. Rules with brackets, stars and long texts that mean nothing leave the server as it was."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.resp import RawClient
from tests.servers import ServerProcess

COMMANDS = ("get", "set", "del", "lpush", "config|get", "config|set", "select")
CATEGORIES = {
    "read": {"get"},
    "write": {"set", "del", "lpush"},
    "admin": {"config|get", "config|set"},
    "list": {"lpush"},
    "connection": {"select"},
}
KEYS = ("a", "ab", "b", "")
PATTERNS = ("a", "a*", "*b", "?", "[ab]", "b*", "")
CALLS = {"get": ("R", "get {}"), "set": ("W", "set {} v"), "del": ("W", "del {}"), "lpush": ("W", "lpush {} v")}


class Model:
    """One selector."""

    def __init__(self) -> None:
        self.commands: set[str] = set()
        self.keys: dict[str, set[str]] = {}
        self.all_keys = False

    def obey(self, rule: str) -> None:
        sign, name = rule[0], rule[1:]
        if rule == "allkeys":
            self.all_keys, self.keys = True, {}
        elif rule == "resetkeys":
            self.all_keys, self.keys = False, {}
        elif sign in "~%":
            access, pattern = rule.split("~", 1)
            if not self.all_keys:
                self.keys.setdefault(pattern, set()).update(access[1:] or "RW")
        else:
            named = set(COMMANDS) if name == "@all" else CATEGORIES[name[1:]] if name[0] == "@" else {name}
            named |= {command for command in COMMANDS if command.startswith(f"{name}|")}
            self.commands = self.commands | named if sign == "+" else self.commands - named

    def allows(self, command: str, key: str) -> bool:
        """Whether a command on a key is allowed."""
        need = CALLS[command][0]
        fits = any(need in access and matches(pattern, key) for pattern, access in self.keys.items())
        return command in self.commands and (self.all_keys or fits)


def matches(pattern: str, key: str) -> bool:
    """As a glob; nothing but an empty one fits an empty key."""
    return pattern == key == "" or (bool(key) and bool(pattern) and fnmatch.fnmatchcase(key, pattern))


command_rules = st.builds(
    lambda sign, name: sign + name,
    st.sampled_from("+-"),
    st.sampled_from([*COMMANDS, "config", "@all", *(f"@{name}" for name in CATEGORIES)]),
)
key_rules = st.builds(lambda sign, pattern: sign + pattern, st.sampled_from(["~", "%R~", "%W~", "%RW~"]), st.sampled_from(PATTERNS))
rules = st.lists(command_rules | key_rules | st.sampled_from(["allkeys", "resetkeys"]), max_size=12)
noise = st.text("()~%&+-@|*[]\\?^<>#! RWab\0\xff", max_size=30) | st.builds(
    lambda text, n: text * n, st.sampled_from("([*\\~"), st.integers(1, 3000)
)


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> Iterator[RawClient]:
    """A connection; the users are gone afterwards."""
    with server.client() as connection:
        yield connection
        connection("ACL", "DELUSER", "u", "v")


def described(client: RawClient, user: str) -> list[bytes]:
    """The rules that ACL LIST shows."""
    head = f"user {user} ".encode()
    return next(line.value for line in client("ACL", "LIST").value if line.value.startswith(head)).removeprefix(head).split(b" ")


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(own=rules, selector=rules)
def test_rules(client: RawClient, own: list[str], selector: list[str]) -> None:
    models = [Model(), Model()]
    client("ACL", "SETUSER", "u", "reset")
    for rule in own:
        # a pattern beside all of them is refused, in the model too
        client("ACL", "SETUSER", "u", rule)
        models[0].obey(rule)
    for rule in selector:
        models[1].obey(rule)
    words = f"({' '.join(rule for rule in selector)})"
    if client("ACL", "SETUSER", "u", words).is_error:
        models.pop()
    for command, (_, call) in CALLS.items():
        for key in KEYS:
            argv = [key if word == "{}" else word for word in call.split(" ")]
            allowed = any(model.allows(command, key) for model in models)
            assert (client("ACL", "DRYRUN", "u", *argv).value == b"OK") == allowed, (command, key)
    before = described(client, "u")
    client("ACL", "SETUSER", "v", "reset", *before)
    assert described(client, "v") == before


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(noise, max_size=6))
def test_noise(client: RawClient, words: list[str]) -> None:
    """Whatever comes: the user is as it was, or what it is shown to be."""
    client("ACL", "SETUSER", "u", "reset", "~a", "+get")
    before = described(client, "u")
    if client("ACL", "SETUSER", "u", *(word.encode("latin-1") for word in words)).is_error:
        assert described(client, "u") == before
    else:
        shown = described(client, "u")
        client("ACL", "SETUSER", "v", "reset", *shown)
        assert described(client, "v") == shown
