"""Where clients connect: TCP, TLS and Unix sockets.

The listening sockets are made here, at once: so CONFIG SET knows whether an address can be had before it answers. Connections are
accepted here as well. Plain ones are accepted and served by the reactor where the system has one. The others go to asyncio, which tells of
them when TLS's handshake is done: until then they are counted here, or those that never finish it would be outside of every limit.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
import ssl
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

from zippy._core import reactor
from zippy._core.session import Core, Transport
from zippy._core.transport import StreamProtocol
from zippy.server.admission import Admission
from zippy.server.clients import text_address
from zippy.server.info import Fields, Sections, UntilSet
from zippy.server.loop import Loop
from zippy.server.tls import TLS_SETTINGS, tls_context
from zippy.server.unix_address import unix_address
from zippy.settings import SettingError, Settings

log = logging.getLogger("zippy")

ANY_ADDRESS = {"*": "0.0.0.0", "::*": "::"}
RETRY_SECONDS = 0.1  # until connections are accepted again after the system had no descriptor left
HANDSHAKE_SECONDS = 10.0  # for TLS's handshake
NO_SUCH_FAMILY = {errno.EAFNOSUPPORT, errno.EPFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT, errno.ENOPROTOOPT}


class Place(NamedTuple):
    """An address to listen on: "tcp" or "tls", a host as in `bind` without its dash, a port."""

    kind: str
    host: str
    port: int


# takes a connection that waits at a socket, where there may be so many clients; False: none waits; OSError: the system cannot give one
Take = Callable[[int], bool]
Stream = tuple[asyncio.BaseProtocol, Transport]  # what asyncio tells of a connection, and what its session speaks to


class Listeners:
    """All listening sockets of a server."""

    def __init__(self, core: Core, settings: Settings, admission: Admission) -> None:
        self.core = core
        self.settings = settings
        self.admission = admission
        self.sockets: dict[Place, socket.socket] = {}
        self.unix: socket.socket | None = None
        self.unix_path = ""
        self.context: ssl.SSLContext | None = None
        self.opened_with: dict[str, Any] = {}  # the settings behind what is open
        self.loop: Loop | None = None  # that they are open in
        self.reactor: reactor.Reactor | None = None  # serves plain connections, unless asyncio has to
        self.new_stream: Callable[[], Stream] = self.plain_stream  # for a connection that asyncio serves
        self.serving: dict[socket.socket, Take] = {}  # what takes a new connection of a socket of ours
        self.tasks: set[asyncio.Task[None]] = set()  # that see to connections that asyncio serves until they are clients
        for name in self.asked_for():
            settings.on_change(name, partial(self.change, name))
        settings.on_change("tcp-keepalive", self.tune_all)

    def open(self, loop: Loop) -> None:
        """Opens what the settings ask for. OSError or SettingError when that cannot be had; nothing stays open then."""
        self.begin(loop)
        try:
            self.opened_with = self.asked_for()
            self.context = tls_context(self.settings) if self.opened_with["tls-port"] else None
            self.sockets = self.open_places(self.places())
            path = self.settings.text("unixsocket")
            if path:
                self.bind_unix(path, self.settings.integer("unixsocketperm"))
            if not self.sockets and self.unix is None:
                raise OSError(errno.EADDRNOTAVAIL, "Configured to not listen anywhere, exiting.")
        except BaseException:
            self.close()
            self.close_connections()
            raise
        self.serve_all()

    def open_unix(self, loop: Loop, path: str, mode: int) -> None:
        """Opens a Unix socket alone, whatever the settings say. OSError when that cannot be had; nothing stays open then."""
        self.begin(loop)
        try:
            self.bind_unix(path, mode)
        except BaseException:
            self.close()
            self.close_connections()
            raise
        self.serve_all()

    def begin(self, loop: Loop) -> None:
        """Connections will be served in this loop."""
        self.loop = loop
        if self.settings.text("io-transport") == "auto" and reactor.available():
            self.reactor = reactor.Reactor(self.core, loop)

    def plain_stream(self) -> Stream:
        """A stream whose callbacks run in the only thread that uses the core."""
        stream = StreamProtocol(self.admission.admit)
        return stream, stream

    def asked_for(self) -> dict[str, Any]:
        """The settings that say where to listen, and how."""
        return {name: self.settings.value(name) for name in ("port", "tls-port", "bind", *TLS_SETTINGS)}

    def places(self) -> dict[Place, bool]:
        """Where the settings want it to listen; True: it may be missing from the machine."""
        addresses: Any = self.settings.value("bind")
        ports = [(kind, self.settings.integer(name)) for kind, name in (("tcp", "port"), ("tls", "tls-port"))]
        return {
            Place(kind, address.removeprefix("-"), port): address.startswith("-") for kind, port in ports if port for address in addresses
        }

    # Sockets

    def open_places(self, places: dict[Place, bool]) -> dict[Place, socket.socket]:
        """Listening sockets on all the places, or OSError and none."""
        opened: dict[Place, socket.socket] = {}
        for place, optional in places.items():
            try:
                opened[place] = self.bind_tcp(place)
            except OSError as error:
                reason = error.strerror or str(error)
                log.warning("Warning: Could not create server TCP listening socket %s:%d: bind: %s", place.host, place.port, reason)
                if error.errno in NO_SUCH_FAMILY or (optional and error.errno == errno.EADDRNOTAVAIL):
                    continue
                for sock in opened.values():
                    sock.close()
                raise OSError(error.errno, f"Failed listening on port {place.port} ({place.kind}), aborting.") from error
        return opened

    def bind_tcp(self, place: Place) -> socket.socket:
        """A listening socket on the first address that the host's name stands for and that can be had."""
        failure = OSError(errno.EADDRNOTAVAIL, "the name has no address")
        host = ANY_ADDRESS.get(place.host, place.host)
        try:
            found = socket.getaddrinfo(host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except ValueError:
            # no name can look like this
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL)) from None
        for family, kind, protocol, _, address in found:
            with contextlib.ExitStack() as unless_opened:
                try:
                    sock = unless_opened.enter_context(socket.socket(family, kind, protocol))
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    if family == socket.AF_INET6:
                        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    sock.bind(address)
                    self.admission.tune(sock)
                    self.listen(sock)
                except OSError as error:
                    failure = error
                    continue
                unless_opened.pop_all()
                return sock
        raise failure

    def bind_unix(self, path: str, mode: int) -> None:
        """Listens on a Unix socket; a file left by a dead server is replaced. mode: who may connect; 0: as the system says."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self.unix = socket.socket(socket.AF_UNIX)
        try:
            with unix_address(path) as address:
                self.unix.bind(address)
                self.admission.asked_for[address] = path
            self.unix_path = os.path.abspath(path)
            if mode:
                os.chmod(path, mode)
            self.listen(self.unix)
        except OSError as error:
            raise OSError(error.errno, f"Failed opening Unix socket: bind: {error.strerror}") from error

    def listen(self, sock: socket.socket) -> None:
        """From now on the system accepts connections for us."""
        sock.listen(self.settings.integer("tcp-backlog"))
        sock.setblocking(False)

    # Serving

    def serve(self, sock: socket.socket, kind: str) -> None:
        """Has the connections of a socket of ours taken."""
        if kind == "tls" or self.reactor is None:
            self.serving[sock] = partial(self.take_stream, sock, kind == "tls")
        else:
            of_listener = sock.fileno(), self.admission.paces(sock), self.admission.reached(sock)
            self.serving[sock] = partial(self.take_link, self.reactor, *of_listener)
        self.the_loop.add_reader(sock, self.accept, sock)

    @property
    def the_loop(self) -> Loop:
        """The loop of what is open."""
        assert self.loop is not None
        return self.loop

    def accept(self, sock: socket.socket) -> None:
        """Takes the connections that wait at a socket; those beyond the limit of one turn, the next time."""
        take = self.serving[sock]
        limit = self.admission.limit()
        # ended here, as for the loop to end it would be a round of its own
        ends_turn = self.core.open_turn()
        try:
            # mostly it is one alone
            if take(limit) and reactor.somebody_waits(sock.fileno()):
                for _ in range(self.settings.integer("max-new-connections-per-cycle") - 1):
                    if not take(limit):
                        break
        except OSError as error:
            log.warning("Accepting client connection: %s", error.strerror)
            self.the_loop.remove_reader(sock)
            self.the_loop.call_later(RETRY_SECONDS, self.accept_again, sock)
        finally:
            if ends_turn:
                self.core.end_turn()

    def accept_all(self) -> None:
        """Takes the connections that wait anywhere: while a script runs the loop tells of none."""
        for sock in list(self.serving):
            self.accept(sock)

    def accept_again(self, sock: socket.socket) -> None:
        """Looks at a socket again, unless it was closed meanwhile."""
        if sock in self.serving:
            self.the_loop.add_reader(sock, self.accept, sock)

    def take_link(self, links: reactor.Reactor, listener: int, paces: bool, reached: str, limit: int) -> bool:
        """Has the reactor take a connection and serve it. See Take; paces, reached: of the listening socket, see Admission."""
        link = links.accept(listener, paces)
        if link is None:
            return False
        session = self.admission.admit_link(link, limit, reached)
        if session is not None:
            try:
                link.start(session)
            except OSError as error:
                log.warning("A connection could not be served: %s", error.strerror)
        return True

    def take_stream(self, listener: socket.socket, is_tls: bool, limit: int) -> bool:
        """Takes a connection and has asyncio serve it. See Take. With TLS it has a client's place from now on; if there is none, it is
        closed at once."""
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        connection.setblocking(False)
        stream, transport = self.new_stream()
        if is_tls:
            if self.admission.is_full(limit):
                self.core.count_rejected()
                # before the handshake nobody would understand a reason
                connection.close()
                return True
            self.admission.arriving.add(transport)
        task = self.the_loop.create_task(self.connect(connection, stream, transport, is_tls), name="zippy-connection")
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return True

    async def connect(self, connection: socket.socket, stream: asyncio.BaseProtocol, transport: Transport, is_tls: bool) -> None:
        """Sees to it that a connection becomes a client, or goes away in time."""
        context, seconds = (self.context, HANDSHAKE_SECONDS) if is_tls else (None, None)
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(lambda: stream, connection, ssl=context, ssl_handshake_timeout=seconds)
        except OSError as error:
            log.debug("A connection could not be served: %s", error)
            connection.close()
        finally:
            self.admission.arriving.discard(transport)

    def stop_serving(self, sockets: Iterable[socket.socket]) -> None:
        """Has their connections taken no more; they keep listening."""
        for sock in sockets:
            if self.serving.pop(sock, None) is not None:
                self.the_loop.remove_reader(sock)

    def serve_all(self) -> None:
        """Serves whatever is not served yet."""
        for place, sock in list(self.sockets.items()):
            if sock not in self.serving and sock.fileno() >= 0:
                self.serve(sock, place.kind)
        if self.unix is not None and self.unix not in self.serving:
            self.serve(self.unix, "unix")

    # Changes

    def change(self, name: str, value: Any) -> None:
        """CONFIG SET of one of the settings that say where and how to listen. SettingError: it cannot be, and nothing has changed."""
        if not self.opened_with:
            return
        asked_for = self.asked_for()
        changed = {other for other, now in asked_for.items() if now != self.opened_with[other]}
        context = self.context
        if asked_for["tls-port"] and changed - {"port", "bind"}:
            try:
                context = tls_context(self.settings)
            except (OSError, SettingError) as error:
                log.warning("TLS cannot be had like this: %s", error)
                raise SettingError("Unable to update TLS configuration. Check server logs.") from error
        try:
            self.move(bind_changed="bind" in changed)
        except SettingError:
            # sockets that had to go first were opened anew
            self.serve_all()
            raise
        self.context = context
        self.opened_with = asked_for
        self.serve_all()

    def tune_all(self, _: Any) -> None:
        """CONFIG SET of what connections that come later have set."""
        for sock in self.sockets.values():
            self.admission.tune(sock)

    def move(self, bind_changed: bool) -> None:
        """Opens the places that are new and closes those that are gone; SettingError when a new one cannot be had."""
        places = self.places()
        new = {place: optional for place, optional in places.items() if place not in self.sockets}
        gone = {place: sock for place, sock in self.sockets.items() if place not in places}
        # one address may cover another on the same port, so the old ones go first there
        if bind_changed:
            self.close_places(gone)
        try:
            opened = self.open_places(new)
        except OSError as error:
            if not bind_changed:
                raise SettingError("Unable to listen on this port. Check server logs.") from error
            self.sockets.update(self.open_places(dict.fromkeys(gone, True)))
            raise SettingError("Failed to bind to specified addresses.") from error
        if not bind_changed:
            self.close_places(gone)
        self.sockets.update(opened)

    def close_places(self, places: Iterable[Place]) -> None:
        """Listens there no more; connections stay."""
        for place in list(places):
            sock = self.sockets.pop(place)
            self.stop_serving([sock])
            sock.close()

    def close(self) -> None:
        """Stops listening and removes the Unix socket."""
        self.close_places(self.sockets)
        if self.unix is not None:
            self.stop_serving([self.unix])
            self.unix.close()
            self.unix = None
        self.opened_with = {}
        self.hide()

    def hide(self) -> None:
        """Removes the Unix socket's file."""
        if self.unix_path:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.unix_path)
            self.unix_path = ""

    def close_connections(self) -> None:
        """Closes at once what the reactor serves, and what is still arriving."""
        for task in self.tasks:
            task.cancel()
        if self.reactor is not None:
            self.reactor.close()
            self.reactor = None
        self.loop = None

    # Connections

    def describe(self) -> str:
        """The addresses as key=value facts for the log."""
        facts = [f"{place.kind}={text_address(sock.getsockname())}" for place, sock in self.sockets.items()]
        return " ".join(facts + ([f"unix={self.unix_path}"] if self.unix_path else []))

    def sections(self) -> Sections:
        """For INFO."""
        return {"server": UntilSet(self.settings, self.fields)}

    def fields(self) -> Fields:
        """For INFO: a line for each kind of listening socket that the settings ask for."""
        addresses: Any = self.settings.value("bind")
        binds = ",".join([f"bind={address}" for address in addresses])
        ports = [("tcp", self.settings.integer("port")), ("tls", self.settings.integer("tls-port"))]
        lines = [f"name={kind},{binds},port={port}" for kind, port in ports if port]
        path = self.settings.text("unixsocket")
        lines += [f"name=unix,bind={path}"] if path else []
        return {f"listener{number}": line for number, line in enumerate(lines)}
