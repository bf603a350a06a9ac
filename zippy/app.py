"""Wires a server and its services together and runs it."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from functools import partial
from typing import Any

from zippy._core.cluster import ClusterMap, key_slot
from zippy._core.published import deliver, take_published
from zippy.cluster.commands import ClusterCommands
from zippy.cluster.nodes_file import NodesFileError
from zippy.cluster.service import ClusterNode
from zippy.config_file import FATAL_HEAD, ConfigFileError, Directive
from zippy.functions import functions_of, import_modules
from zippy.persistence.append_only import AppendOnly
from zippy.persistence.folder_lock import FolderError, FolderLock
from zippy.persistence.snapshots import Snapshots
from zippy.replication.service import Replication
from zippy.server.process import (
    end_process,
    follow_folder,
    follow_huge_pages,
    follow_maxclients,
    go_to_background,
    log_unused,
    remove_file,
    set_up_log,
    tell_caller,
    tell_service_manager,
    write_pidfile,
)
from zippy.server.registry import bind
from zippy.server.server import Server
from zippy.server.tls import link_context, tls_context
from zippy.settings import SettingError, Settings, find_setting
from zippy.version import __version__

try:
    import uvloop
except ImportError:
    uvloop = None  # type: ignore[assignment]

log = logging.getLogger("zippy")

# Thresholds of Python's garbage collector. By its own it goes through all that 2,500 clients are made of when they have come, which takes
# 9 ms, and as long nobody is accepted. Cycles that errors make are young when they are garbage; the young take a quarter of a millisecond.
COLLECTOR = (700, 2, 1000)


class Application:
    """One server process: from settings to exit code."""

    def __init__(self, settings: Settings, config_path: str | None, directives: list[Directive]) -> None:
        self.settings = settings
        self.config_path = config_path
        self.directives = directives
        self.caller: int | None = None  # the descriptor that tells who started it in the background that it is ready

    def run(self) -> int:
        """Runs the server on uvloop, or on asyncio's own loop where uvloop is missing; the exit code."""
        try:
            set_up_log(self.settings)
        except OSError as error:
            print(f"\n{FATAL_HEAD}Can't open the log file: {error.strerror}", file=sys.stderr)
            return 1
        if self.settings.flag("daemonize"):
            self.caller = go_to_background()
        return asyncio.run(self.serve()) if uvloop is None else uvloop.run(self.serve())

    async def serve(self) -> int:
        """Starts, waits for the end, stops."""
        Server.seed()
        if self.settings.flag("cluster-enabled"):
            self.keep_one_database()
        server = Server(self.settings, self.config_path)
        follow_folder(self.settings)
        snapshots = Snapshots(server.core, self.settings, asyncio.get_running_loop(), FolderLock(alone=False))
        snapshots.hurries = True
        append_only = AppendOnly(server.core, self.settings, snapshots, end_process)
        server.cron.is_saving = snapshots.is_saving
        server.join(snapshots)
        server.join(append_only)
        replication = Replication(server.core, self.settings, snapshots, lambda: link_context(self.settings))
        snapshots.origin = replication.origin
        append_only.replicas = replication
        server.login.role = lambda: "replica" if replication.is_replica else "master"
        replication.on_ack = append_only.wake_waiters
        replication.log_synced = append_only.synced_offset
        replication.log_taken = append_only.taken_offset
        server.info.begin("replication")
        server.join(replication)
        server.shutdown.patience.append(replication.wait_for_replicas)
        if not self.add_functions(server):
            return 1
        node = self.join_cluster(server, replication) if self.settings.flag("cluster-enabled") else None
        try:
            self.obey_directives(server)
        except ConfigFileError as error:
            print(f"\n{error}", file=sys.stderr)
            return 1
        if not server.access.load_at_start():
            return 1
        log.info("zippy %s is starting, pid=%d", __version__, os.getpid())
        log_unused(self.settings)
        follow_maxclients(self.settings)
        follow_huge_pages(self.settings)
        try:
            append_only.load_at_start()
            if node is not None:
                node.load()
        except (FolderError, NodesFileError) as error:
            log.critical("%s. Exiting.", error)
            return 1
        try:
            if node is not None:
                # whoever can ask this node something can have others meet it
                node.bind()
            await server.start()
            loaded = {} if self.settings.flag("appendonly") else snapshots.loaded
            replication.begin(loaded, None if node is None else node.primary_address())
            if node is not None:
                await node.start()
        except (OSError, SettingError) as error:
            log.warning("%s", getattr(error, "strerror", None) or error)
            return 1
        pidfile = self.write_pidfile()
        self.catch_signals(server)
        # the collector need not go through modules and tables, some 4 ms, whenever many clients have come
        gc.freeze()
        if uvloop is not None:
            # asyncio's own transports leave cycles when they end, and those of TLS are large
            gc.set_threshold(*COLLECTOR)
        log.info("Ready to accept connections %s", server.listeners.describe())
        tell_service_manager(self.settings, "READY=1\nSTATUS=Ready to accept connections\n")
        if self.caller is not None:
            tell_caller(self.caller)
        code = await server.shutdown.wait()
        tell_service_manager(self.settings, "STOPPING=1\n")
        remove_file(pidfile)
        log.info("zippy is now ready to exit, bye bye...")
        return code

    def keep_one_database(self) -> None:
        """Has the server make one database alone: a cluster has no others."""
        setting = find_setting("databases")
        assert setting is not None
        if self.settings.integer("databases") != 1:
            log.warning("WARNING: Changing databases number from %d to 1 since we are in cluster mode", self.settings.integer("databases"))
            self.settings.put(setting, 1)

    def join_cluster(self, server: Server, replication: Replication) -> ClusterNode:
        """Makes the server a node of a cluster."""
        slots = ClusterMap(server.core)
        slots.enable()
        node = ClusterNode(
            self.settings, slots, replication, partial(deliver, server.core),
            lambda serves: tls_context(self.settings) if serves else link_context(self.settings), end_process,
        )  # fmt: skip
        server.core.on_published = lambda: node.publish_all(take_published(server.core))
        server.config.on_resetstat.append(slots.reset_stats)
        server.login.mode = "cluster"
        server.join(node)
        bind(server.core, ClusterCommands(node, key_slot))
        return node

    def add_functions(self, server: Server) -> bool:
        """Imports the modules of functions in Python; False: one cannot be had, and the log tells why."""
        names: Any = self.settings.value("functions-module")
        if not names:
            return True
        try:
            server.add_functions(functions_of(import_modules(names)))
        except (SystemExit, Exception) as error:
            # whatever the operator's code raises
            log.error("functions-module %s: %s: %s", " ".join(names), type(error).__name__, error, exc_info=error)
            return False
        return True

    def write_pidfile(self) -> str:
        """The path of the process file, "" if there is none. It is written once the addresses are ours: another server's file stays."""
        try:
            return write_pidfile(self.settings)
        except OSError as error:
            log.warning("Failed to write PID file: %s", error)
            return ""

    def obey_directives(self, server: Server) -> None:
        """Carries out the lines of the configuration that are no settings; ConfigFileError names the line that cannot be."""
        for directive in self.directives:
            if directive.name == "rename-command":
                problem = server.core.rename_command(directive.words[0].lower().encode(), directive.words[1].lower().encode())
                if problem:
                    raise directive.error(problem)
            elif directive.name == "user":
                server.access.define(directive)
            else:
                raise directive.error(f"zippy does not know '{directive.name}' lines")

    def catch_signals(self, server: Server) -> None:
        """SIGTERM and SIGINT stop the server in good order; a SIGINT while it stops ends it at once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop_by_signal, server, number.name)

    def stop_by_signal(self, server: Server, name: str) -> None:
        """Does what the signal's shutdown-on setting says."""
        if server.shutdown.under_way is not None:
            log.info("Received %s while shutting down", name)
            return
        log.info("Received %s, scheduling shutdown...", name)
        # the last save keeps the loop busy, so only the system can still act on a signal
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        options: Any = self.settings.value(f"shutdown-on-{name.lower()}")
        save = True if "save" in options else False if "nosave" in options else None
        server.shutdown.begin(save, "force" in options, "now" in options).add_done_callback(lambda _: self.catch_signals(server))
