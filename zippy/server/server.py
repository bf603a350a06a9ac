"""The server: parts around a core, and the listeners that clients come through; it starts and stops them."""

from __future__ import annotations

import asyncio

from zippy.server.admission import Admission
from zippy.server.listeners import Listeners
from zippy.server.migration import Migration
from zippy.server.parts import Parts, Service
from zippy.server.registry import bind
from zippy.server.shutdown import Shutdown
from zippy.server.tls import link_context
from zippy.settings import Settings


class Server(Parts):
    """Parts that are reached through sockets. Made and used inside a running event loop."""

    def __init__(self, settings: Settings, config_path: str | None = None) -> None:
        super().__init__(settings, config_path)
        self.admission = Admission(self.core, settings, self.access)
        self.listeners = Listeners(self.core, settings, self.admission)
        self.info.add(self.listeners)
        self.shutdown = Shutdown(self.stop)
        bind(self.core, self.shutdown, Migration(self.core, settings, lambda: link_context(settings)))

    def join(self, service: Service) -> None:
        """Joins a service, as Parts.join; the end of the server waits for its last work."""
        super().join(service)
        self.shutdown.work.append(service.stop)

    async def start(self) -> None:
        """Opens the listeners and starts the cron. OSError when an address cannot be had."""
        loop = asyncio.get_running_loop()
        self.shutdown.arm()
        self.core.schedule_turn_end = loop.call_soon
        self.listeners.open(loop)
        self.core.serve_while_busy(self.listeners.accept_all)
        self.keep_time(loop)

    async def stop(self) -> None:
        """Closes everything; data is saved before, by `shutdown`."""
        self.cron.stop()
        self.listeners.close()
        for session in list(self.core.sessions.values()):
            session.kill()
        self.core.end_turn()
        self.listeners.close_connections()
