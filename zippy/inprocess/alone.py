"""The commands between servers on an engine in process, which follows nobody, is followed by nobody and sends its keys to nobody."""

from __future__ import annotations

from typing import Any

from zippy._core.resp.kinds import ReplyError
from zippy._core.resp.values import Words
from zippy._core.session import Core, Session
from zippy.server.arguments import integer, timeout_of

NO_REPLICATION = "ERR an engine in process follows nobody and has no replicas; zippy-server does"
NO_MIGRATION = "ERR an engine in process sends no keys to other servers; zippy-server does"


def bind_alone(core: Core) -> None:
    """Has a core answer them."""
    for name in ("replicaof", "slaveof", "sync", "psync", "replconf", "failover"):
        core.bind(name, follows_nobody)
    core.bind("migrate", migrates_nothing)
    core.bind("role", role)
    core.bind("wait", wait)


def follows_nobody(session: Session, args: Words) -> Any:
    """REPLICAOF, SLAVEOF, SYNC, PSYNC, REPLCONF and FAILOVER."""
    raise ReplyError(NO_REPLICATION)


def migrates_nothing(session: Session, args: Words) -> Any:
    """MIGRATE."""
    raise ReplyError(NO_MIGRATION)


def role(session: Session, args: Words) -> Any:
    """ROLE."""
    return ["master", 0, []]


def wait(session: Session, args: Words) -> Any:
    """WAIT numreplicas timeout. No replica will ever come, so there is nothing to wait for."""
    integer(args[1])
    timeout_of(args[2])
    return 0
