"""The server: it makes a core and the parts around it, joins services to them, starts and stops them."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Protocol

from zippy._core.python_functions import install
from zippy._core.session import Core, seed_hashes
from zippy.functions import Function
from zippy.server import client_commands, command_table, connection, debug, lolwut, memory, slowlog
from zippy.server.access import Access
from zippy.server.admission import Admission
from zippy.server.client_commands import Clients
from zippy.server.command_times import CommandTimes
from zippy.server.config import Config
from zippy.server.connection import Login
from zippy.server.core_settings import push_settings
from zippy.server.cron import Cron
from zippy.server.debug import Debug
from zippy.server.help import bind_help
from zippy.server.identity import Identity
from zippy.server.info import Info, Sections
from zippy.server.key_sizes import KeySizesCount
from zippy.server.listeners import Listeners
from zippy.server.loop import Loop
from zippy.server.memory import Memory
from zippy.server.meter import Meter
from zippy.server.placeholders import Placeholders
from zippy.server.registry import bind
from zippy.server.scripts import log_scripts
from zippy.server.shutdown import Shutdown
from zippy.server.slowlog import LatencyDoctor
from zippy.settings import Settings

log = logging.getLogger("zippy")


class Service(Protocol):
    """What is joined to a server. Its methods may be handlers (`@command`) and subcommands of DEBUG (`@debug`)."""

    def cron(self) -> None:
        """Its periodic work."""

    def stop(self, save: bool | None) -> bool:
        """Its last work; save: whether data is to be saved, None: as the settings say. False: it refuses."""

    def sections(self) -> Sections:
        """For INFO."""


class Server:
    """A core with its parts. Made and used inside a running event loop, by one thread; config_path: what CONFIG REWRITE writes."""

    def __init__(self, settings: Settings, config_path: str | None = None) -> None:
        self.settings = settings
        self.core = Core(settings.integer("databases"), int.from_bytes(os.urandom(8), "little"))
        self.core.log_exception = log.exception
        log_scripts(self.core)
        push_settings(self.core, settings)
        self.access = Access(self.core, settings)
        self.admission = Admission(self.core, settings, self.access)
        self.listeners = Listeners(self.core, settings, self.admission)
        self.meter = Meter(self.core)
        self.cron = Cron(self.core, settings)
        self.cron.work.append(self.meter.sample)
        self.shutdown = Shutdown(self.stop)
        self.identity = Identity(self.core, settings, config_path)
        self.debug = Debug(settings, self.cron, self.identity)
        self.debug.add(debug, self.debug)
        sizes = KeySizesCount(self.core)
        self.info = Info(sizes)
        self.config = Config(self.core, settings, self.meter, config_path)
        if not settings.text("aclfile"):
            self.config.lines["user"] = self.access.lines
        clients = Clients(self.core, settings, self.access)
        own_memory = Memory(self.core, settings, self.meter)
        # what services may know better comes first
        self.info.add(Placeholders(self.core, settings, self.identity), self.identity, self.listeners, clients, own_memory, self.cron)
        self.info.add(self.meter, CommandTimes(self.core, settings), sizes)
        bind_help(self.core)
        bind(self.core, client_commands, command_table, connection, lolwut, memory, slowlog)
        bind(self.core, self.access, clients, self.config, LatencyDoctor(settings), Login(self.access))
        bind(self.core, self.debug, self.info, own_memory, self.shutdown)

    @staticmethod
    def seed() -> None:
        """Seeds the hash function from the system's randomness; once a process, before the first server."""
        seed_hashes(int.from_bytes(os.urandom(8), "little"))

    def add_functions(self, functions: list[Function]) -> None:
        """Has FCALL find functions in Python; once, before data is loaded. ValueError when a name is taken."""
        install(self.core, functions)

    def join(self, service: Service) -> None:
        """Joins a service: its handlers are bound, its work is done in time, and INFO tells of it."""
        bind(self.core, service)
        self.debug.add(service)
        self.cron.work.append(service.cron)
        self.shutdown.work.append(service.stop)
        self.info.add(service)

    async def start(self) -> None:
        """Opens the listeners and starts the cron. OSError when an address cannot be had."""
        loop = asyncio.get_running_loop()
        self.shutdown.arm()
        self.core.schedule_turn_end = loop.call_soon
        self.listeners.open(loop)
        self.core.serve_while_busy(self.listeners.accept_all)
        self.keep_time(loop)

    def keep_time(self, loop: Loop) -> None:
        """Has the loop do all that comes with time."""
        self.core.free_between_turns(loop.call_soon)
        self.core.schedule_wake = lambda delay: loop.call_later(delay, self.core.wake)
        self.cron.start(loop)

    async def stop(self) -> None:
        """Closes everything; data is saved before, by `shutdown`."""
        self.cron.stop()
        self.listeners.close()
        for session in list(self.core.sessions.values()):
            session.kill()
        self.core.end_turn()
        self.listeners.close_connections()
