"""Wires a server and its services together and runs it."""

from __future__ import annotations

import asyncio
import logging
import signal

from zippy.server.server import Server
from zippy.settings import Settings

log = logging.getLogger("zippy")


async def serve(settings: Settings) -> int:
    """Runs a server until it is told to stop; the process's exit code."""
    server = Server(settings)
    await server.start()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.request_stop, 0)
    log.info("Ready to accept connections")
    code = await server.wait_stopped()
    await server.stop(save=True)
    return code


def run(settings: Settings) -> int:
    """Runs `serve` on uvloop, or on asyncio's own loop where uvloop is missing."""
    Server.seed()
    try:
        import uvloop
    except ImportError:
        return asyncio.run(serve(settings))
    return uvloop.run(serve(settings))
