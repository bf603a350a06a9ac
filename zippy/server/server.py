"""The server: it owns a core, its listeners and its clients, and keeps time for it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from zippy._core.session import Core, Session, seed_hashes
from zippy.server import (  # noqa: F401  they register their handlers
    client_commands,
    command_table,
    config,
    connection,
    debug,
    help,
    info,
    lolwut,
    memory,
    shutdown,
    slowlog,
)
from zippy.server.clients import ClientState, text_address
from zippy.server.info import Info
from zippy.server.listeners import Listeners
from zippy.server.meter import Meter
from zippy.server.registry import bind_all
from zippy.setting_types import Setting, Value, number
from zippy.settings import SETTINGS, Settings

log = logging.getLogger("zippy")

PROTECTED = (
    b"-DENIED zippy is running in protected mode because protected mode is enabled and no password is set for the default user. In this "
    b"mode connections are only accepted from the loopback interface. To let other computers connect: set a password with "
    b"'requirepass', or switch protected mode off with 'CONFIG SET protected-mode no' from the loopback interface, "
    b"or start zippy with --protected-mode no.\r\n"
)
TOO_MANY = b"-ERR max number of clients reached\r\n"
EXPIRE_US = 1000  # a step of active expiry; with the interval, a quarter of the time at most
EXPIRE_INTERVAL = 0.003  # seconds
COMPACT_US = 500  # a step of compaction; with the interval, a fifth of the time at most
COMPACT_INTERVAL = 0.002  # seconds


class Server:
    """A core with its settings, clients and listeners. Made and used inside a running event loop, by one thread."""

    def __init__(self, settings: Settings, config_path: str | None = None) -> None:
        self.settings = settings
        self.config_path = config_path  # the file that CONFIG REWRITE writes
        self.core = Core(settings.integer("databases"), int.from_bytes(os.urandom(8), "little"))
        self.core.server = self
        self.core.log_exception = log.exception
        self.core.on_limit = self.log_limit
        bind_all(self.core)
        self.listeners = Listeners(self)
        self.run_id = os.urandom(20).hex()
        self.replication_id = os.urandom(20).hex()
        self.started_at = time.time()
        self.cron_paused = False
        self.stopped: asyncio.Future[int] | None = None
        self.cron_task: asyncio.Task[None] | None = None
        self.compacting = False  # a further step is arranged
        self.expiring = False  # the same for active expiry
        self.is_saving: Callable[[], bool] = lambda: False  # in the background: memory is shared, or being walked
        self.on_cron: list[Callable[[], None]] = []  # services' periodic work
        # services' last work, called with shut_down's `save`; False: refused
        self.on_stop: list[Callable[[bool | None], Awaitable[bool]]] = []
        self.services: dict[str, Any] = {}  # by name: where the handlers of a service find it
        self.stopping: asyncio.Task[bool] | None = None
        self.config_lines: dict[str, Callable[[], list[str]]] = {}  # by directive: lines of CONFIG REWRITE that are no settings
        self.password_hashes: set[bytes] = set()
        self.push_settings()
        self.meter = Meter(self.core)
        self.on_cron.append(self.meter.sample)
        self.info = Info(self)

    @staticmethod
    def seed() -> None:
        """Seeds the hash function from the system's randomness; once a process, before the first server."""
        seed_hashes(int.from_bytes(os.urandom(8), "little"))

    def push_settings(self) -> None:
        """Hands the settings that the core reads to it, now and whenever one changes."""
        for setting in SETTINGS:
            if setting.core:
                self.follow(setting.name, partial(self.push, setting))
        self.follow("requirepass", self.push_password)
        self.follow("client-output-buffer-limit", self.push_output_limits)
        self.follow("maxmemory", self.push_clients_limit)
        self.follow("maxmemory-clients", self.push_clients_limit)

    def follow(self, name: str, listener: Callable[[Any], None]) -> None:
        """Calls the listener with the setting's value, now and after each change."""
        self.settings.on_change(name, listener)
        listener(self.settings.value(name))

    def push(self, setting: Setting, value: Value) -> None:
        """Hands one setting down as a number."""
        self.core.set_setting(setting.name, number(setting, value))

    def push_password(self, password: Any) -> None:
        """Keeps the hash of the default user's password; without one, nobody has to authenticate."""
        self.password_hashes = {hashlib.sha256(password.encode("utf-8", "surrogateescape")).digest()} if password else set()
        self.core.set_setting("require-authentication", int(bool(self.password_hashes)))

    def has_user(self, name: str) -> bool:
        """Whether access control knows a user of this name."""
        return name == "default"

    def push_output_limits(self, limits: Any) -> None:
        """Hands client-output-buffer-limit down: (hard, soft, seconds) of normal, replica, pubsub."""
        for output_class, (hard, soft, seconds) in enumerate(limits):
            self.core.set_output_limit(output_class, hard, soft, seconds)

    def push_clients_limit(self, _: Any) -> None:
        """Hands maxmemory-clients down: bytes, or minus the percentage of maxmemory."""
        limit = self.settings.integer("maxmemory-clients")
        self.core.set_clients_limit(limit if limit >= 0 else self.settings.integer("maxmemory") * -limit // 100)

    # Connections

    def admit(self, stream: Any, transport: Any, is_tls: bool) -> Session | None:
        """Admits a new connection: its session, or None when it was turned away. stream: drives the session; transport: asyncio's
        interface."""
        sock = transport.get_extra_info("socket")
        # whoever is gone already has no peer name any more
        peer = transport.get_extra_info("peername")
        local = text_address(transport.get_extra_info("sockname"))
        is_unix = sock.family == socket.AF_UNIX
        has_place = self.listeners.arrived(stream)
        refusal = TOO_MANY if not has_place and self.is_full() else self.refusal(peer, is_unix)
        if refusal:
            self.core.count_rejected()
            transport.write(refusal)
            transport.close()
            return None
        address = local if is_unix else text_address(peer)
        self.listeners.tune(transport, is_unix)
        state = ClientState(address, local, sock.fileno())
        return Session(self.core, stream, address.encode(), state, is_unix, is_tls)

    def is_full(self) -> bool:
        """Whether there is no place for another client; connections whose handshakes are not done have one each."""
        return len(self.core.sessions) + len(self.listeners.arriving) >= self.settings.integer("maxclients")

    def refusal(self, peer: Any, is_unix: bool) -> bytes | None:
        """Why this peer may not connect, as an error reply."""
        if is_unix or self.password_hashes or not self.settings.flag("protected-mode"):
            return None
        host = str(peer[0]) if isinstance(peer, tuple) else ""
        if host == "::1" or host.startswith(("127.", "::ffff:127.")):
            return None
        return PROTECTED

    def log_limit(self, session: Session, reason: str) -> None:
        """Notes that a client is closed for being too large."""
        log.warning("Client closed: id=%d addr=%s, %s", session.id, session.state.address if session.state else "", reason)

    # Life

    def has_loop(self) -> bool:
        """Whether an event loop serves it; in process there is none, and nothing can be awaited."""
        return self.stopped is not None

    async def start(self) -> None:
        """Opens the listeners and starts the cron. OSError when an address cannot be had."""
        loop = asyncio.get_running_loop()
        self.stopped = loop.create_future()
        self.core.schedule_turn_end = loop.call_soon
        self.core.free_between_turns(loop.call_soon)
        self.core.schedule_wake = lambda delay: loop.call_later(delay, self.core.wake)
        await self.listeners.open()
        self.cron_task = loop.create_task(self.cron(), name="zippy-cron")

    async def cron(self) -> None:
        """Runs `hz` times a second: expiry, time limits of clients, the services' periodic work."""
        while True:
            await asyncio.sleep(1 / self.settings.integer("hz"))
            if self.cron_paused:
                continue
            try:
                self.core.cron()
                if not self.expiring:
                    self.expire()
                if not self.compacting:
                    self.compact()
                self.core.close_idle(self.settings.integer("timeout"))
                for work in self.on_cron:
                    work()
            except Exception:
                log.exception("cron failed")

    def expire(self) -> None:
        """A step of active expiry, and the next ones in short intervals while many keys are found expired."""
        self.expiring = False
        if not self.cron_paused and self.core.expire(EXPIRE_US):
            self.expiring = True
            asyncio.get_running_loop().call_later(EXPIRE_INTERVAL, self.expire)

    def compact(self) -> None:
        """A step of compaction, and the next ones in short intervals until nothing worth it is left."""
        self.compacting = False
        if self.settings.flag("activedefrag") and not self.is_saving() and self.core.compact(COMPACT_US):
            self.compacting = True
            asyncio.get_running_loop().call_later(COMPACT_INTERVAL, self.compact)

    async def stop(self) -> None:
        """Closes everything; data is saved before, by shut_down."""
        if self.cron_task is not None:
            self.cron_task.cancel()
        self.listeners.close()
        for session in list(self.core.sessions.values()):
            session.kill()
        self.core.end_turn()
        self.listeners.close_connections()

    def shut_down(self, save: bool | None = None, force: bool = False) -> asyncio.Task[bool]:
        """Begins to stop in good order: services save (None: as the settings say), then everything closes. False: a service refused."""
        if self.stopping is None:
            self.stopping = asyncio.get_running_loop().create_task(self.carry_out_stop(save, force), name="zippy-shutdown")
        return self.stopping

    def abort_shut_down(self) -> bool:
        """Takes a shut_down back that is waiting for services; False: there is none."""
        if self.stopping is None:
            return False
        self.stopping.cancel()
        self.stopping = None
        return True

    async def carry_out_stop(self, save: bool | None, force: bool) -> bool:
        """The body of shut_down."""
        for work in self.on_stop:
            if not await work(save) and not force:
                log.warning("Errors trying to shut down. Check the log for more information")
                self.stopping = None
                return False
        await self.stop()
        if self.stopped is not None and not self.stopped.done():
            self.stopped.set_result(0)
        return True

    async def wait_stopped(self) -> int:
        """Waits for the end of a shut_down; the process's exit code."""
        assert self.stopped is not None
        return await self.stopped
