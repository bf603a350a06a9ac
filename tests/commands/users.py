"""Users for tests: made by rules, known by a connection each, gone afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.replies import OK, error
from tests.resp import RawClient, Reply

NO_KEY = error("NOPERM No permissions to access a key")
NO_CHANNEL = error("NOPERM No permissions to access a channel")
WRONG_PASSWORD = error("WRONGPASS invalid username-password pair or user is disabled.")
As = Callable[..., RawClient]
"""as_user("alice", "~a*", "+get"): a connection that is this user, who is made by the rules or changed by them."""


def no_command(user: str, command: str) -> Reply:
    """What a user is told who may not run a command."""
    return error(f"NOPERM User {user} has no permissions to run the '{command}' command")


def forget_users(raw: RawClient) -> None:
    """Leaves the default user alone, whom nothing is forbidden, and an empty log."""
    names = [name.value for name in raw("ACL", "USERS").value if name.value != b"default"]
    if names:
        raw("ACL", "DELUSER", *names)
    assert raw("ACL", "SETUSER", "default", "on", "nopass", "allkeys", "allchannels", "allcommands", "clearselectors") == OK
    assert raw("ACL", "LOG", "RESET") == OK


def rules_of(raw: RawClient, user: str) -> str:
    """The line that describes a user, without the words before its rules."""
    lines = [line.value.decode() for line in raw("ACL", "LIST").value]
    return next(line.removeprefix(f"user {user} ") for line in lines if line.startswith(f"user {user} "))


def log_of(raw: RawClient) -> list[dict[str, Any]]:
    """ACL LOG's entries, the newest first."""
    entries = raw("ACL", "LOG", 100).value
    pairs = [entry.value if entry.kind == "%" else list(zip(entry.value[::2], entry.value[1::2], strict=True)) for entry in entries]
    return [{name.value.decode(): value.value for name, value in entry} for entry in pairs]


def told(entry: dict[str, Any]) -> tuple[Any, ...]:
    """What is the same each time of an entry: reason, context, object, user, how often."""
    return entry["reason"], entry["context"], entry["object"], entry["username"], entry["count"]
