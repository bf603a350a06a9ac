"""The end of a server in good order, and SHUTDOWN."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from zippy._core.resp.kinds import NO_REPLY, OK, ReplyError
from zippy._core.resp.values import Words
from zippy._core.session import Session
from zippy.server.parts import NO_SHUTDOWN, shutdown_options
from zippy.server.registry import command

log = logging.getLogger("zippy")

BUSY = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."


class Shutdown:
    """Ends a server. close: closes everything, once the services have done their last work."""

    def __init__(self, close: Callable[[], Awaitable[None]]) -> None:
        self.close = close
        # services' last work, called with `save` of `begin`; False: refused
        self.work: list[Callable[[bool | None], bool]] = []
        # what is waited for before that, unless the end has to come now
        self.patience: list[Callable[[], Awaitable[None]]] = []
        self.ended: asyncio.Future[int] | None = None  # None: it has not been armed
        self.under_way: asyncio.Task[bool] | None = None

    def arm(self) -> None:
        """Makes it possible, in the running loop."""
        self.ended = asyncio.get_running_loop().create_future()

    def begin(self, save: bool | None = None, force: bool = False, now: bool = False) -> asyncio.Task[bool]:
        """Begins to stop: services save (None: as the settings say), then everything closes. False: a service refused. now: nobody is
        waited for before."""
        if self.under_way is None:
            self.under_way = asyncio.get_running_loop().create_task(self.carry_out(save, force, now), name="zippy-shutdown")
        return self.under_way

    def abort(self) -> bool:
        """Takes a shutdown back that is waiting for services; False: there is none."""
        if self.under_way is None:
            return False
        self.under_way.cancel()
        self.under_way = None
        return True

    async def carry_out(self, save: bool | None, force: bool, now: bool) -> bool:
        """The body of `begin`."""
        for wait in self.patience if not now else ():
            await wait()
        for work in self.work:
            if not work(save) and not force:
                log.warning("Errors trying to shut down. Check the log for more information")
                self.under_way = None
                return False
        await self.close()
        if self.ended is not None and not self.ended.done():
            self.ended.set_result(0)
        return True

    async def wait(self) -> int:
        """Waits for the end; the process's exit code."""
        assert self.ended is not None
        return await self.ended

    @command("shutdown")
    def shutdown(self, session: Session, args: Words) -> Any:
        """SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]. NOW does not wait for replicas that lag."""
        wanted = shutdown_options(args)
        if b"abort" in wanted:
            if not self.abort():
                raise ReplyError(NO_SHUTDOWN)
            return OK
        if session.core.is_busy:
            # only when nothing is saved may a script that has written be ended in its middle
            if b"nosave" not in wanted:
                raise ReplyError(BUSY)
            session.core.stop_script()
        save = True if b"save" in wanted else False if b"nosave" in wanted else None
        return refusal_of(self.begin(save, b"force" in wanted, b"now" in wanted))


async def refusal_of(stopping: asyncio.Task[bool]) -> Any:
    """Waits for the end, which ends the connection too, or for the refusal of a service."""
    try:
        stopped = await asyncio.shield(stopping)
    except asyncio.CancelledError:
        if not stopping.cancelled():
            raise
        stopped = False
    if not stopped:
        raise ReplyError("ERR Errors trying to SHUTDOWN. Check logs.")
    return NO_REPLY
