"""A core with the parts that answer for it, whoever its callers are: what a server and an engine in process have in common."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from zippy._core.ground.hash import seed_hashes
from zippy._core.python_functions import install
from zippy._core.resp.kinds import ReplyError
from zippy._core.resp.values import Words
from zippy._core.session import Core, Session
from zippy.functions import Function
from zippy.server import client_commands, command_table, connection, debug, lolwut, memory, slowlog
from zippy.server.access import Access
from zippy.server.arguments import syntax_error
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
from zippy.server.log import log
from zippy.server.memory import Memory
from zippy.server.meter import Meter
from zippy.server.placeholders import Placeholders
from zippy.server.registry import bind
from zippy.server.scripts import log_scripts
from zippy.server.slowlog import LatencyDoctor
from zippy.settings import Settings

if TYPE_CHECKING:
    # an engine in process has no loop, and loads none
    from zippy.server.loop import Loop

SHUTDOWN_OPTIONS = {b"nosave", b"save", b"now", b"force", b"abort"}
NO_PROCESS = "ERR This engine has no process of its own to shut down"
NO_SHUTDOWN = "ERR No shutdown in progress."
NO_CLUSTER = "ERR This instance has cluster support disabled"


class Service(Protocol):
    """What is joined to a core. Its methods may be handlers (`@command`) and subcommands of DEBUG (`@debug`)."""

    def cron(self) -> None:
        """Its periodic work."""

    def stop(self, save: bool | None) -> bool:
        """Its last work; save: whether data is to be saved, None: as the settings say. False: it refuses."""

    def sections(self) -> Sections:
        """For INFO."""


def shutdown_options(args: Words) -> set[bytes]:
    """The options of SHUTDOWN, in lower case; ReplyError when they are none, or exclude each other."""
    options = [word.lower() for word in args[1:]]
    wanted = set(options)
    if not wanted <= SHUTDOWN_OPTIONS or {b"save", b"nosave"} <= wanted or (b"abort" in wanted and len(options) > 1):
        raise syntax_error()
    return wanted


def refuse_shutdown(session: Session, args: Words) -> Any:
    """SHUTDOWN, where no server answers for it."""
    raise ReplyError(NO_SHUTDOWN if b"abort" in shutdown_options(args) else NO_PROCESS)


def no_cluster(session: Session, args: Words) -> Any:
    """CLUSTER, where there is none."""
    raise ReplyError(NO_CLUSTER)


@cache
def cluster_commands(names: tuple[str, ...]) -> tuple[str, ...]:
    """The subcommands of CLUSTER among the names of commands."""
    return tuple(name for name in names if name.startswith("cluster|"))


def refuse_cluster(core: Core) -> None:
    """Binds all subcommands of CLUSTER to a refusal; a node of a cluster binds them anew."""
    for name in cluster_commands(core.command_names):
        core.bind(name, no_cluster)


class Parts:
    """A core with its parts. Made and used by one thread at a time; config_path: what CONFIG REWRITE writes."""

    def __init__(self, settings: Settings, config_path: str | None = None) -> None:
        self.settings = settings
        self.core = Core(settings.integer("databases"), int.from_bytes(os.urandom(8), "little"))
        self.core.log_exception = log.exception
        log_scripts(self.core)
        push_settings(self.core, settings)
        self.access = Access(self.core, settings)
        self.meter = Meter(self.core)
        self.cron = Cron(self.core, settings)
        self.cron.work.append(self.meter.sample)
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
        self.info.add(Placeholders(self.core, settings, self.identity), self.identity, clients, own_memory, self.cron)
        self.info.add(self.meter, CommandTimes(self.core, settings), sizes)
        bind_help(self.core)
        refuse_cluster(self.core)
        bind(self.core, client_commands, command_table, connection, lolwut, memory, slowlog)
        self.login = Login(self.access)
        bind(self.core, self.access, clients, self.config, LatencyDoctor(settings), self.login)
        bind(self.core, self.debug, self.info, own_memory)
        self.core.bind("shutdown", refuse_shutdown)

    @staticmethod
    def seed() -> None:
        """Seeds the hash function from the system's randomness; once a process, before the first core."""
        seed_hashes(int.from_bytes(os.urandom(8), "little"))

    def add_functions(self, functions: list[Function]) -> None:
        """Has FCALL find functions in Python; once, before data is loaded. ValueError when a name is taken."""
        install(self.core, functions)

    def join(self, service: Service) -> None:
        """Joins a service: its handlers are bound, its work is done in time, and INFO tells of it."""
        bind(self.core, service)
        self.debug.add(service)
        self.cron.work.append(service.cron)
        self.info.add(service)

    def keep_time(self, loop: Loop) -> None:
        """Has the loop do all that comes with time."""
        self.core.free_between_turns(loop.call_soon)
        self.core.schedule_wake = lambda delay: loop.call_later(delay, self.core.wake)
        self.cron.start(loop)
