"""The ways to connect: IPv4, IPv6, Unix sockets, TLS; who is turned away, and who is closed for being silent."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import ssl
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.process import measure
from tests.process.certificates import Certificates
from tests.process.launch import UnixClient, answers, linux_only
from tests.resp import ConnectionClosed, RawClient, encode
from tests.servers import StartServer, free_port
from tests.waiting import wait_until
from zippy.server import listeners
from zippy.server.access import PROTECTED, is_loopback
from zippy.server.server import Server
from zippy.settings import Settings

PIPELINE = encode(("PING",)) * 50_000


def has_ipv6() -> bool:
    """Whether ::1 can be had."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def fields_of(client: RawClient) -> dict[str, str]:
    """What CLIENT INFO tells of a client."""
    return dict(field.split("=", 1) for field in client("CLIENT", "INFO").value.decode().split())


def other_address() -> str:
    """An address of this machine beside the loopback's; "": there is none."""
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        try:
            # nothing is sent
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        address = str(probe.getsockname()[0])
    return "" if address.startswith("127.") else address


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """One authority and its certificates for all these tests."""
    return Certificates(tmp_path_factory.mktemp("tls"))


class TestAddresses:
    """TCP and Unix sockets."""

    def test_default_is_the_loopback(self, start_server: StartServer) -> None:
        """Without `bind`, only this machine is listened to, over both versions of IP where there are two."""
        server = start_server()
        with server.client() as client:
            assert client("CONFIG", "GET", "bind").plain() == [b"bind", b"127.0.0.1 -::1"]
            assert client("CLIENT", "INFO").value.split()[1].startswith(b"addr=127.0.0.1:")
        assert answers(lambda: RawClient("::1", server.port)) == has_ipv6()

    @pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
    def test_ipv6(self, start_server: StartServer) -> None:
        """An IPv6 client, and its address as Redis writes it."""
        server = start_server()
        with RawClient("::1", server.port) as client:
            fields = client("CLIENT", "INFO").value.split()
            assert fields[1].startswith(b"addr=[::1]:")
            assert fields[2] == b"laddr=[::1]:%d" % server.port

    def test_address_that_was_reached(self, start_server: StartServer, tmp_path: Path) -> None:
        """laddr is that of the connection, and not that of what listens; CLIENT KILL finds clients by it."""
        path = tmp_path / "s"
        server = start_server(config={"bind": "*", "unixsocket": path})
        with server.client() as first, UnixClient(path) as local:
            own = f"127.0.0.1:{server.port}"
            assert fields_of(first)["laddr"] == own
            found = fields_of(local)
            assert (found["addr"], found["laddr"]) == (f"{path}:0", f"{path}:0")
            listed = {line.split()[2] for line in first("CLIENT", "LIST").value.decode().splitlines()}
            assert listed == {f"laddr={own}", f"laddr={path}:0"}
            assert first("CLIENT", "KILL", "LADDR", f"{path}:0").value == 1
            assert local.is_closed(timeout=20)
            assert first("CLIENT", "KILL", "LADDR", f"0.0.0.0:{server.port}").value == 0
            assert first("CLIENT", "KILL", "LADDR", own, "SKIPME", "no").value == 1
            assert first.is_closed(timeout=20)

    @linux_only
    def test_one_of_several_addresses(self, start_server: StartServer) -> None:
        """Clients of one listening socket are told apart by the address that they have reached."""
        server = start_server(config={"bind": "*"})
        with server.client() as first, RawClient("127.0.0.2", server.port) as second:
            second_address = f"127.0.0.2:{server.port}"
            assert fields_of(second)["laddr"] == second_address
            assert first("CLIENT", "KILL", "LADDR", second_address).value == 1
            assert second.is_closed(timeout=20)
            assert first("PING").value == b"PONG"

    @pytest.mark.parametrize("mode", [0o700, 0o770, 0o777])
    def test_unix_socket(self, start_server: StartServer, tmp_path: Path, mode: int) -> None:
        """A Unix socket beside TCP, with the mode that was asked for; its clients have the path as their address."""
        path = tmp_path / "s"
        server = start_server(config={"unixsocket": path, "unixsocketperm": f"{mode:o}"})
        assert stat.S_IMODE(path.stat().st_mode) == mode
        with UnixClient(path) as client:
            assert client("CLIENT", "INFO").value.split()[1] == f"addr={path}:0".encode()
            assert b" flags=U " in client("CLIENT", "INFO").value
            client.send_bytes(PIPELINE)
            assert all(client.read().value == b"PONG" for _ in range(50_000))
        assert answers(server.client)

    def test_long_unix_path_in_monitor(self, start_server: StartServer, tmp_path: Path) -> None:
        """MONITOR shows the whole path, and nothing that lies behind it."""
        path = tmp_path / ("s" * (106 - len(str(tmp_path))))
        server = start_server(config={"unixsocket": path})
        with server.client() as monitor, UnixClient(path) as client:
            assert monitor("MONITOR").value == b"OK"
            assert client("ECHO", "x").value == b"x"
            assert monitor.read().value.partition(b" ")[2] == f'[0 unix:{path}] "ECHO" "x"'.encode()

    def test_unix_path_that_cannot_be(self, start_server: StartServer) -> None:
        """The start ends with Redis's message."""
        with pytest.raises(RuntimeError, match="Failed opening Unix socket: bind: No such file or directory"):
            start_server(config={"unixsocket": "/nosuchdir/s"})


class TestTls:
    """TLS, with and without certificates of clients."""

    @pytest.fixture
    def context(self, certificates: Certificates) -> ssl.SSLContext:
        """A client's side that knows the authority but shows no certificate."""
        return ssl.create_default_context(cafile=certificates.certificate("ca"))

    @staticmethod
    def connect(port: int, context: ssl.SSLContext) -> RawClient:
        """A connection over TLS."""
        client = RawClient("127.0.0.1", port)
        try:
            client.socket = context.wrap_socket(client.socket, server_hostname="127.0.0.1")
        except BaseException:
            client.close()
            raise
        return client

    def test_client_certificate(self, start_server: StartServer, certificates: Certificates, context: ssl.SSLContext) -> None:
        """By default a client must show a certificate that the authority has signed."""
        port = free_port()
        server = start_server(config=certificates.settings(port))
        # in TLS 1.3 the client hears of the refusal when it reads
        with pytest.raises((ssl.SSLError, ConnectionClosed, ConnectionError)):
            self.connect(port, context)("PING")
        context.load_cert_chain(certificates.certificate("stranger"), certificates.key("stranger"))
        with pytest.raises((ssl.SSLError, ConnectionClosed, ConnectionError)):
            self.connect(port, context)("PING")
        context.load_cert_chain(certificates.certificate("client"), certificates.key("client"))
        with self.connect(port, context) as client:
            assert client("PING").value == b"PONG"
            assert fields_of(client)["laddr"] == f"127.0.0.1:{port}"
        assert answers(server.client)

    @pytest.mark.parametrize("wish", ["no", "optional"])
    def test_without_certificate(self, start_server: StartServer, certificates: Certificates, context: ssl.SSLContext, wish: str) -> None:
        """tls-auth-clients no and optional let others in."""
        port = free_port()
        start_server(config=certificates.settings(port) | {"tls-auth-clients": wish})
        with self.connect(port, context) as client:
            assert client("PING").value == b"PONG"

    def test_traffic(self, start_server: StartServer, certificates: Certificates, context: ssl.SSLContext) -> None:
        """Large values and long pipelines, in both directions at once."""
        port = free_port()
        start_server(config=certificates.settings(port) | {"tls-auth-clients": "no"})
        value = bytes(range(256)) * 40_000
        with self.connect(port, context) as client:
            assert client("SET", "a", value).value == b"OK"
            assert client("GET", "a").value == value
            for _ in range(3):
                client.send_bytes(PIPELINE[: len(PIPELINE) // 10])
                client.send("GET", "a")
            for _ in range(3):
                assert all(client.read().value == b"PONG" for _ in range(5000))
                assert client.read().value == value

    def test_handshakes_have_a_place_each(self, start_server: StartServer, certificates: Certificates, context: ssl.SSLContext) -> None:
        """Who never finishes the handshake counts in maxclients; those beyond it are closed at once."""
        port = free_port()
        server = start_server(config=certificates.settings(port) | {"tls-auth-clients": "no", "maxclients": 20})
        with server.client() as admin:
            # it alone has its place before the others ask for one
            measure.wait_alone(admin)
            silent = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(100)]
            wait_until(lambda: measure.stat(admin, "rejected_connections") == 81)
            for sock in silent[19:]:
                with contextlib.suppress(ConnectionError):
                    assert sock.recv(10) == b""
            with server.client() as client:
                assert client.read().value == b"ERR max number of clients reached"
            silent[0].close()
            wait_until(lambda: self.answers_over_tls(port, context))
            for sock in silent:
                sock.close()
            wait_until(lambda: answers(server.client))

    def answers_over_tls(self, port: int, context: ssl.SSLContext) -> bool:
        """Whether there is a place for a client."""
        try:
            with self.connect(port, context) as client:
                return client("PING").value == b"PONG"
        except (OSError, ConnectionClosed):
            return False

    def test_handshake_takes_too_long(self, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is closed, and its place is free again."""
        monkeypatch.setattr(listeners, "HANDSHAKE_SECONDS", 0.01)

        async def run() -> bytes:
            settings = Settings()
            for name, value in (certificates.settings(free_port()) | {"port": "0", "save": ""}).items():
                settings.set(name, str(value))
            server = Server(settings)
            await server.start()
            reader, writer = await asyncio.open_connection("127.0.0.1", settings.integer("tls-port"))
            try:
                return await asyncio.wait_for(reader.read(), 10)
            finally:
                assert not server.admission.arriving
                writer.close()
                await server.stop()

        assert asyncio.run(run()) == b""

    def test_plain_client(self, start_server: StartServer, certificates: Certificates) -> None:
        """Who does not speak TLS is closed, and random bytes are as well."""
        port = free_port()
        server = start_server(config=certificates.settings(port))
        for data in (encode(("PING",)), b"\x16\x03\x01\xff\xff" + b"x" * 1000, b"\0" * 10_000):
            with RawClient("127.0.0.1", port) as client:
                client.send_bytes(data)
                try:
                    while client.socket.recv(1000):
                        pass
                except ConnectionError:
                    pass
        assert answers(server.client)

    def test_versions(self, start_server: StartServer, certificates: Certificates, context: ssl.SSLContext) -> None:
        """tls-protocols shuts versions out."""
        port = free_port()
        start_server(config=certificates.settings(port) | {"tls-auth-clients": "no", "tls-protocols": "TLSv1.3"})
        with self.connect(port, context) as client:
            assert isinstance(client.socket, ssl.SSLSocket) and client.socket.version() == "TLSv1.3"
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            self.connect(port, context)

    def test_change(self, start_server: StartServer, certificates: Certificates, context: ssl.SSLContext) -> None:
        """CONFIG SET opens TLS, asks for certificates, refuses files that are not there, and closes it."""
        port = free_port()
        server = start_server()
        with server.client() as client:
            words = [word for pair in (certificates.settings(port) | {"tls-auth-clients": "no"}).items() for word in pair]
            assert client("CONFIG", "SET", *words).value == b"OK"
            with self.connect(port, context) as secure:
                assert secure("PING").value == b"PONG"
                assert client("CONFIG", "SET", "tls-auth-clients", "yes").value == b"OK"
                assert secure("PING").value == b"PONG"
            with pytest.raises((ssl.SSLError, ConnectionClosed, ConnectionError)):
                self.connect(port, context)("PING")
            reply = client("CONFIG", "SET", "tls-cert-file", "/nosuchfile")
            assert reply.value == (
                b"ERR CONFIG SET failed (possibly related to argument 'tls-cert-file') - "
                b"Unable to update TLS configuration. Check server logs."
            )
            context.load_cert_chain(certificates.certificate("client"), certificates.key("client"))
            with self.connect(port, context) as secure:
                assert secure("PING").value == b"PONG"
            assert client("CONFIG", "SET", "tls-port", "0").value == b"OK"
            assert not answers(lambda: RawClient("127.0.0.1", port))

    def test_only_tls(self, start_server: StartServer, certificates: Certificates, context: ssl.SSLContext) -> None:
        """A silent client that never finishes its handshake keeps nobody out."""
        port = free_port()
        start_server(config=certificates.settings(port) | {"tls-auth-clients": "no"})
        with RawClient("127.0.0.1", port), self.connect(port, context) as client:
            assert client("PING").value == b"PONG"

    def test_without_a_certificate_file(self, start_server: StartServer) -> None:
        """TLS without a certificate is no TLS: the start ends."""
        with pytest.raises(RuntimeError, match="No tls-cert-file configured!"):
            start_server(config={"tls-port": free_port()})


class TestProtectedMode:
    """Without a password, only this machine is served, whatever `bind` says."""

    @pytest.fixture
    def server(self) -> Iterator[Callable[..., Server]]:
        """server(name=value, ...): a server that does not listen."""

        async def made(settings: Settings) -> Server:
            return Server(settings)

        def make(**changes: str) -> Server:
            settings = Settings()
            for name, value in changes.items():
                settings.set(name.replace("_", "-"), value)
            return asyncio.run(made(settings))

        yield make

    @pytest.mark.parametrize("peer", [("127.0.0.1", 1), ("127.8.9.1", 1), ("::1", 1, 0, 0), ("::ffff:127.0.0.1", 1, 0, 0)])
    def test_this_machine(self, peer: Any) -> None:
        """The loopback's addresses."""
        assert is_loopback(peer)

    @pytest.mark.parametrize("peer", [("192.0.2.1", 1), ("1.127.0.1", 1), ("::2", 1, 0, 0), ("::ffff:192.0.2.1", 1, 0, 0), None])
    def test_other_machines(self, peer: Any) -> None:
        """Other addresses, and none."""
        assert not is_loopback(peer)

    def test_who_is_let_in(self, server: Callable[..., Server]) -> None:
        """This machine is, others are if there is a password or it was switched off."""
        assert server().access.refusal(is_local=True) is None
        assert server().access.refusal(is_local=False) == PROTECTED
        assert server(protected_mode="no").access.refusal(is_local=False) is None
        assert server(requirepass="x").access.refusal(is_local=False) is None

    @pytest.mark.skipif(not other_address(), reason="this machine has the loopback's addresses alone")
    def test_over_another_address(self, start_server: StartServer) -> None:
        """Who does not come over the loopback is told why and closed, unless it was switched off."""
        server = start_server(config={"bind": "*"})
        with server.client() as admin:
            with RawClient(other_address(), server.port) as client:
                assert client.read().value == PROTECTED[1:-2]
                assert client.is_closed(timeout=20)
            assert measure.stat(admin, "rejected_connections") == 1
            assert admin("CONFIG", "SET", "protected-mode", "no").value == b"OK"
            with RawClient(other_address(), server.port) as client:
                fields = fields_of(client)
                assert fields["addr"].startswith(f"{other_address()}:") and fields["laddr"] == f"{other_address()}:{server.port}"

    def test_words(self) -> None:
        """One line, with the prefix that clients look for, and the ways out."""
        assert PROTECTED.startswith(b"-DENIED ") and PROTECTED.endswith(b".\r\n") and PROTECTED.count(b"\n") == 1
        for way in (b"requirepass", b"CONFIG SET protected-mode no", b"--protected-mode no"):
            assert way in PROTECTED


def timers(port: int, client: RawClient) -> set[str]:
    """What the kernel waits for at a server's end of a client's connection: "02" is the time for a keepalive probe, "00" nothing."""
    own = client.socket.getsockname()[1]
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    # the kernel may show a row twice when others come and go meanwhile
    return {row[5][:2] for row in rows if row[1].endswith(f":{port:04X}") and row[2].endswith(f":{own:04X}")}


class TestLimits:
    """How many clients, and for how long."""

    def test_maxclients(self, start_server: StartServer) -> None:
        """One too many is told so and closed; when one leaves there is room again."""
        server = start_server(config={"maxclients": 3})
        first = server.client()
        # whoever saw that the server was ready has left its place
        measure.wait_alone(first)
        second, third = (server.client() for _ in range(2))
        assert [client("PING").value for client in (first, second, third)] == [b"PONG"] * 3
        with server.client() as fourth:
            assert fourth.read().value == b"ERR max number of clients reached"
            assert fourth.is_closed(timeout=20)
        assert b"rejected_connections:1\r\n" in first("INFO", "stats").value
        third.close()
        wait_until(lambda: b"connected_clients:2\r\n" in first("INFO", "clients").value)
        with server.client() as fourth:
            assert fourth("PING").value == b"PONG"
        assert first("CONFIG", "SET", "maxclients", "1").value == b"OK"
        # those who are in stay
        assert second("PING").value == b"PONG"

    def test_more_than_the_system_allows(self, start_server: StartServer) -> None:
        """A limit above that of open files is refused, and tells what can be had."""
        with start_server().client() as client:
            reply = client("CONFIG", "SET", "maxclients", "4000000000").value
            assert reply.startswith(b"ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system is not able")
            assert client("CONFIG", "GET", "maxclients").plain() == [b"maxclients", b"10000"]

    @linux_only
    def test_keepalive(self, start_server: StartServer) -> None:
        """The socket of a client really has keepalive, as the kernel shows it; a change of the setting is for those who come later."""
        server = start_server(config={"tcp-keepalive": 300})
        with server.client() as first, server.client() as admin:
            assert admin("CONFIG", "SET", "tcp-keepalive", "0").value == b"OK"
            with server.client() as second:
                assert second("PING").value == b"PONG"
                wait_until(lambda: (timers(server.port, first), timers(server.port, second)) == ({"02"}, {"00"}))
            assert admin("CONFIG", "SET", "tcp-keepalive", "10").value == b"OK"
            with server.client() as third:
                assert third("PING").value == b"PONG"
                wait_until(lambda: timers(server.port, third) == {"02"})

    @linux_only
    def test_no_descriptor_is_left(self, start_server: StartServer) -> None:
        """Connections that the system has no descriptor for wait, with a line in the log, and are served when there is one."""
        server = start_server()
        assert server.process is not None
        with server.client() as first, contextlib.ExitStack() as stack:
            assert first("PING").value == b"PONG"
            used = {int(entry.name) for entry in Path(f"/proc/{server.process.pid}/fd").iterdir()}
            before = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
            # places are given from the lowest on, and there may be some between
            free = set(range(max(used))) - used
            resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (max(used) + 3, before[1]))
            clients = [stack.enter_context(server.client()) for _ in range(len(free) + 5)]
            wait_until(lambda: "Accepting client connection: Too many open files" in server.log())
            assert all(client("PING").value == b"PONG" for client in (first, *clients[:2]))
            resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, before)
            assert all(client("PING").value == b"PONG" for client in clients)

    def test_places_per_turn(self, start_server: StartServer) -> None:
        """Those beyond max-new-connections-per-cycle come in the next turns; maxclients counts those of the same turn."""
        server = start_server(config={"max-new-connections-per-cycle": 2, "maxclients": 6})
        with server.client() as admin, contextlib.ExitStack() as stack:
            measure.wait_alone(admin)
            # while it does not look, all of them come to wait
            admin.send("DEBUG", "SLEEP", "0.3")
            clients = [stack.enter_context(server.client()) for _ in range(8)]
            assert admin.read().value == b"OK"
            answered = [client("PING").value for client in clients[:5]]
            assert answered == [b"PONG"] * 5
            for client in clients[5:]:
                assert client.read().value == b"ERR max number of clients reached"
            assert admin("CONFIG", "SET", "maxclients", "7").value == b"OK"
            assert stack.enter_context(server.client())("PING").value == b"PONG"

    def test_timeout(self, start_server: StartServer) -> None:
        """Silent clients are closed after `timeout` seconds; busy, blocked, subscribed and monitoring ones are not."""
        server = start_server(config={"hz": 100})
        with server.client() as busy, measure.stopped_clock(busy) as move, contextlib.ExitStack() as stack:
            assert busy("CONFIG", "SET", "timeout", 1).value == b"OK"
            silent, blocked, subscribed, monitor = (stack.enter_context(server.client()) for _ in range(4))
            blocked.send("BLPOP", "a", "0")
            wait_until(lambda: busy.info("clients")["blocked_clients"] == "1")
            subscribed("SUBSCRIBE", "c")
            monitor("MONITOR")
            assert silent("PING").value == b"PONG"
            move(1.1)
            assert silent.is_closed(timeout=20)
            assert busy("RPUSH", "a", "x").value == 1
            assert blocked.read().plain() == [b"a", b"x"]
            assert busy("PUBLISH", "c", "m").value == 1
            assert subscribed.read().plain() == [b"message", b"c", b"m"]
            assert monitor.read().value.endswith(b'"PING"')

    def test_timeout_of_many(self, start_server: StartServer) -> None:
        """More silent clients than are looked at together go all the same, and no other one."""
        server = start_server(config={"hz": 100})
        with server.client() as busy, measure.stopped_clock(busy) as move, contextlib.ExitStack() as stack:
            assert busy("CONFIG", "SET", "timeout", 1).value == b"OK"
            silent = [stack.enter_context(server.client()) for _ in range(600)]
            measure.wait_connected(busy, 601)
            move(1.1)
            measure.wait_alone(busy)
            assert all(client.is_closed(timeout=20) for client in silent)

    def test_what_many_hold(self, start_server: StartServer) -> None:
        """INFO tells of the memory of more clients than it would count, within a second or so."""
        server = start_server()
        with contextlib.ExitStack() as stack:
            admin, large, *_ = [stack.enter_context(server.client()) for _ in range(600)]

            def held() -> int:
                return int(admin.info("memory")["mem_clients_normal"])

            measure.wait_connected(admin, 600)
            before = held()
            assert before > 600 * 500
            large("MULTI")
            large("SET", "k", "x" * (1 << 20))
            wait_until(lambda: before + (1 << 20) < held() < before + (2 << 20))
            large("DISCARD")
            wait_until(lambda: held() < before + (1 << 20))

    def test_many_are_closed_at_once(self, start_server: StartServer) -> None:
        """More than a pass closes: all are gone for the server at once, and their sockets are closed by and by."""
        server = start_server()
        with contextlib.ExitStack() as stack:
            admin = stack.enter_context(server.client())
            others = [stack.enter_context(server.client()) for _ in range(300)]
            measure.wait_connected(admin, 301)
            assert admin("CLIENT", "KILL", "TYPE", "normal").value == len(others)
            assert b"connected_clients:1\r\n" in admin("INFO", "clients").value
            assert all(client.is_closed(timeout=20) for client in others)

    def test_timeout_begins_anew_with_a_reply(self, start_server: StartServer) -> None:
        """Who waited for longer than `timeout`, and was served, is as silent as from then on."""
        server = start_server(config={"hz": 100})
        with server.client() as other, measure.stopped_clock(other) as move, server.client() as blocked:
            assert other("CONFIG", "SET", "timeout", 2).value == b"OK"
            blocked.send("BLPOP", "a", "0")
            wait_until(lambda: other.info("clients")["blocked_clients"] == "1")
            move(3)
            with server.client() as silent:
                assert silent("PING").value == b"PONG"
                move(0.5)
                other("RPUSH", "a", "x")
                assert blocked.read().plain() == [b"a", b"x"]
                move(1.8)
                # when this one is gone, all have been looked at
                assert silent.is_closed(timeout=20)
            assert blocked("PING").value == b"PONG"

    def test_no_file_is_left(self, start_server: StartServer) -> None:
        """Connections that were refused, cut or closed leave no descriptor behind."""
        if sys.platform != "linux":
            pytest.skip("looks at /proc")
        server = start_server(config={"maxclients": 20})
        assert server.process is not None
        folder = Path(f"/proc/{server.process.pid}/fd")

        def open_files() -> int:
            return len(list(folder.iterdir()))

        before = wait_until(open_files)
        for _ in range(5):
            clients = [server.client() for _ in range(40)]
            for client in clients:
                client.send_bytes(b"*3\r\n$3\r\nSET\r\n")
            for client in clients:
                client.close()
        wait_until(lambda: open_files() <= before)
