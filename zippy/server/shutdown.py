"""SHUTDOWN."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from zippy._core.resp.kinds import NO_REPLY, OK, ReplyError
from zippy.server.arguments import syntax_error
from zippy.server.registry import command

if TYPE_CHECKING:
    from zippy._core.session import Session

OPTIONS = {b"nosave", b"save", b"now", b"force", b"abort"}


@command("shutdown")
def shutdown(session: Session, args: list[bytes]) -> Any:
    """SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]. NOW would not wait for replicas that lag."""
    options = [word.lower() for word in args[1:]]
    wanted = set(options)
    if not wanted <= OPTIONS or {b"save", b"nosave"} <= wanted or (b"abort" in wanted and len(options) > 1):
        raise syntax_error()
    server = session.core.server
    if b"abort" in wanted:
        if not server.abort_shut_down():
            raise ReplyError("ERR No shutdown in progress.")
        return OK
    if server.stopped is None:
        raise ReplyError("ERR This engine has no process of its own to shut down")
    save = True if b"save" in wanted else False if b"nosave" in wanted else None
    return carry_out(server.shut_down(save, b"force" in wanted))


async def carry_out(stopping: asyncio.Task[bool]) -> Any:
    """Waits for the end, which ends this connection too, or for the refusal of a service."""
    try:
        stopped = await asyncio.shield(stopping)
    except asyncio.CancelledError:
        if not stopping.cancelled():
            raise
        stopped = False
    if not stopped:
        raise ReplyError("ERR Errors trying to SHUTDOWN. Check logs.")
    return NO_REPLY
