"""zippy.serve and zippy.serve_async: a server in this process, on an engine that is used in process at the same time."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.cache import CacheConfig
from redis.retry import Retry

import zippy
from tests.process.certificates import Certificates
from tests.servers import free_port
from tests.waiting import blocked, until, wait_until
from zippy.inprocess.engine import host_of

try:
    import uvloop
except ImportError:
    uvloop = None  # type: ignore[assignment]

SECONDS = 30  # after which a test that hangs is ended


def descriptors() -> list[str]:
    """What this process has open."""
    return os.listdir("/proc/self/fd") if sys.platform == "linux" else []


@pytest.fixture(scope="module", autouse=True)
def uvloop_has_run() -> None:
    """The first loop of uvloop in a process leaves a pipe of its own open."""
    if uvloop is not None:
        uvloop.run(asyncio.sleep(0))


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No thread and no descriptor of a server outlives its test."""
    gc.collect()
    before = len(descriptors())
    yield
    gc.collect()
    wait_until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("zippy-")])
    wait_until(lambda: len(descriptors()) <= before)


def over_socket(server: Any, **options: Any) -> redis.Redis:
    """A client of a server's address; its connections end with it."""
    return redis.Redis.from_url(server.url, socket_timeout=SECONDS, **options)


class TestServing:
    """Both doors of one engine."""

    @pytest.mark.parametrize("protocol", [2, 3])
    def test_one_store(self, protocol: int) -> None:
        with zippy.serve() as server, over_socket(server, protocol=protocol) as client:
            client.set("a", 1)
            inside = zippy.connect(server.engine, protocol=protocol)
            assert inside.get("a") == server.engine.execute("GET", "a") == b"1"
            inside.hset("h", mapping={"f": "1"})
            assert client.hgetall("h") == {b"f": b"1"}
            assert client.pipeline().incr("n").incr("n").execute() == [1, 2]

    def test_address(self) -> None:
        with zippy.serve() as server:
            assert server.host == "127.0.0.1" and server.port > 0 and server.unix_path == ""
            assert server.url == f"redis://127.0.0.1:{server.port}/0"
            assert repr(server) == f"<zippy server at 127.0.0.1:{server.port}>"
            assert zippy.connect(server.engine).config_get("port") == {"port": str(server.port)}
        assert repr(server) == f"<zippy server at 127.0.0.1:{server.port}, closed>"

    def test_all_addresses(self) -> None:
        """Of a server that listens anywhere, one that leads to it."""
        with zippy.serve(host="0.0.0.0") as server, over_socket(server) as client:
            assert server.host == "127.0.0.1" and client.ping()

    def test_unix_socket(self, tmp_path: Path) -> None:
        path = tmp_path / "s"
        with zippy.serve(None, unixsocket=str(path), unixsocketperm="600") as server:
            assert (server.url, server.unix_path, server.port, server.host) == (f"unix://{path}", str(path), 0, "")
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            with over_socket(server) as client:
                assert client.ping()
        assert not path.exists()

    def test_password(self) -> None:
        """Over the socket it is needed; who holds the engine has it already."""
        with zippy.serve(requirepass="sea side/?") as server:
            with over_socket(server) as client:
                assert client.ping()
            with redis.Redis(port=server.port) as stranger, pytest.raises(redis.AuthenticationError):
                stranger.ping()
            assert server.engine.execute("PING") == b"PONG"

    def test_given_engine(self) -> None:
        """It stays when its server ends, may be served again, and has its own settings back."""
        with zippy.Engine() as engine:
            inside = zippy.connect(engine)
            before = inside.config_get("port", "maxclients")
            for _ in range(3):
                with zippy.serve(engine=engine, maxclients=50) as server, over_socket(server) as client:
                    client.incr("n")
                    assert inside.config_get("maxclients") == {"maxclients": "50"}
            assert engine.execute("GET", "n") == b"3"
            assert inside.config_get("port", "maxclients") == before

    def test_folder(self, tmp_path: Path) -> None:
        """Kept, and saved at the end."""
        with zippy.serve(path=tmp_path, appendfsync="always") as server, over_socket(server) as client:
            client.set("a", 1)
        with zippy.Engine(tmp_path) as engine:
            assert engine.execute("GET", "a") == b"1"

    def test_functions(self) -> None:
        """Functions in Python are called over the socket."""

        @zippy.function(name="twice")
        def twice(call: Any, keys: list[bytes], args: list[bytes]) -> int:
            return 2 * int(args[0])

        with zippy.serve(functions=[twice]) as server, over_socket(server) as client:
            assert client.fcall("twice", 0, 21) == 42

    def test_tls(self, tmp_path: Path) -> None:
        """Replies that another thread's command brings come over TLS, too."""
        certificates = Certificates(tmp_path)
        settings = {name.replace("-", "_"): str(value) for name, value in certificates.settings(0).items() if name != "tls-port"}
        port = free_port()
        with zippy.serve(None, tls_port=port, **(settings | {"tls_auth_clients": "no"})) as server:
            assert server.url == f"rediss://127.0.0.1:{port}/0"
            with over_socket(server, ssl_ca_certs=certificates.certificate("ca"), ssl_check_hostname=False) as client:
                client.set("a", "x" * 3_000_000)
                assert len(client.get("a")) == 3_000_000
                with ThreadPoolExecutor() as pool:
                    popped = pool.submit(client.blpop, ["q"], 0)
                    wait_until(lambda: blocked(server.engine) == 1)
                    server.engine.execute("RPUSH", "q", "x")
                    assert popped.result(SECONDS) == (b"q", b"x")
                client.client_kill_filter(skipme=False, _type="normal")

    def test_asyncio_transport(self) -> None:
        """Where the system has no poll set of the reactor's, asyncio serves."""
        with zippy.serve(io_transport="asyncio") as server, over_socket(server) as client:
            assert client.pipeline().set("a", "x" * 2_000_000).get("a").execute()[1] == b"x" * 2_000_000
            with client.pubsub() as messages:
                messages.subscribe("c")
                assert messages.get_message(timeout=SECONDS)["type"] == "subscribe"
                zippy.connect(server.engine).publish("c", "m")
                assert messages.get_message(timeout=SECONDS)["data"] == b"m"


class TestBothSides:
    """What one client does is seen by those of the other door."""

    @pytest.fixture
    def server(self) -> Iterator[Any]:
        with zippy.serve() as server:
            yield server

    @pytest.fixture
    def clients(self, server: Any) -> Iterator[tuple[redis.Redis, redis.Redis]]:
        """Over the socket, and in process."""
        with over_socket(server) as outside:
            yield outside, zippy.connect(server.engine)

    @pytest.mark.parametrize("order", [1, -1])
    def test_blocked(self, server: Any, clients: tuple[redis.Redis, redis.Redis], order: int) -> None:
        """BLPOP on one side is served by LPUSH on the other."""
        waiting, pushing = clients[::order]
        with ThreadPoolExecutor() as pool:
            for value in (b"x", b"y"):
                popped = pool.submit(waiting.blpop, ["q"], 0)
                wait_until(lambda: blocked(server.engine) == 1)
                pushing.lpush("q", value)
                assert popped.result(SECONDS) == (b"q", value)

    @pytest.mark.parametrize("order", [1, -1])
    def test_time_is_over(self, clients: tuple[redis.Redis, redis.Redis], order: int) -> None:
        """Who waits in vain is answered, when nobody else calls."""
        assert clients[::order][0].blpop(["q"], 0.01) is None

    @pytest.mark.parametrize("order", [1, -1])
    def test_messages(self, clients: tuple[redis.Redis, redis.Redis], order: int) -> None:
        listening, speaking = clients[::order]
        with listening.pubsub() as messages:
            messages.psubscribe("c*")
            assert messages.get_message(timeout=SECONDS)["type"] == "psubscribe"
            assert speaking.publish("c1", "m") == 1
            assert messages.get_message(timeout=SECONDS)["data"] == b"m"

    @pytest.mark.parametrize("order", [1, -1])
    def test_monitor(self, clients: tuple[redis.Redis, redis.Redis], order: int) -> None:
        watching, watched = clients[::order]
        watched.ping()
        with watching.monitor() as monitor:
            watched.set("a", 1)
            assert monitor.next_command()["command"] == "SET a 1"

    def test_client_list_and_kill(self, clients: tuple[redis.Redis, redis.Redis]) -> None:
        outside, inside = clients
        for client, name in ((outside, "out"), (inside, "in")):
            client.client_setname(name)
        by_name = {each["name"]: each["id"] for each in outside.client_list()}
        assert by_name == {each["name"]: each["id"] for each in inside.client_list()} and {"in", "out"} <= set(by_name)
        assert inside.client_kill_filter(_id=by_name["out"]) == 1
        assert outside.client_kill_filter(_id=by_name["in"]) == 1
        assert inside.client_id() not in by_name.values() and outside.ping()

    def test_transaction(self, clients: tuple[redis.Redis, redis.Redis]) -> None:
        """A watched key that the other side changes."""
        outside, inside = clients
        with outside.pipeline() as transaction:
            transaction.watch("a")
            inside.set("a", 1)
            transaction.multi()
            transaction.set("a", 2)
            with pytest.raises(redis.WatchError):
                transaction.execute()

    def test_tracking(self, server: Any) -> None:
        """A client's cache hears of what is written in process."""
        with redis.Redis(port=server.port, protocol=3, cache_config=CacheConfig()) as client:
            server.engine.execute("SET", "a", 1)
            assert client.get("a") == client.get("a") == b"1"
            server.engine.execute("SET", "a", 2)
            wait_until(lambda: client.get("a") == b"2")

    def test_expiry_without_callers(self, clients: tuple[redis.Redis, redis.Redis]) -> None:
        """A server looks for expired keys by itself, and tells subscribers."""
        outside, inside = clients
        inside.config_set("notify-keyspace-events", "Ex")
        with outside.pubsub() as messages:
            messages.subscribe("__keyevent@0__:expired")
            assert messages.get_message(timeout=SECONDS)["type"] == "subscribe"
            inside.set("a", 1, px=1)
            assert messages.get_message(timeout=SECONDS)["data"] == b"a"

    def test_large_values_are_freed(self, server: Any, clients: tuple[redis.Redis, redis.Redis]) -> None:
        """In steps by the server; and by the engine's callers when it is closed in the middle."""
        outside, _ = clients
        for client in clients:
            client.sadd("s", *range(20_000))
            client.unlink("s")
            wait_until(lambda: b"lazyfree_pending_objects:0\r\n" in server.engine.execute("INFO", "memory"))
        outside.sadd("s", *range(20_000))
        outside.flushall(asynchronous=True)
        server.close()

    def test_threads(self, server: Any, clients: tuple[redis.Redis, redis.Redis]) -> None:
        """Many threads on both sides lose no count."""

        def count(client: redis.Redis) -> None:
            for _ in range(200):
                client.incr("n")
                client.execute_command("EVAL", "return redis.call('INCR', KEYS[1])", 1, "n")

        with ThreadPoolExecutor(6) as pool:
            for counted in [pool.submit(count, client) for client in clients * 3]:
                counted.result(SECONDS)
        assert server.engine.execute("GET", "n") == b"2400"

    def test_asyncio_client(self, server: Any) -> None:
        async def run() -> None:
            async with redis.asyncio.Redis.from_url(server.url) as outside:
                inside = zippy.connect_async(server.engine)
                for waiting, pushing in ((outside, inside), (inside, outside)):
                    popped = asyncio.ensure_future(waiting.blpop(["q"], 0))
                    await until(lambda: blocked(server.engine))
                    await pushing.lpush("q", "x")
                    assert await asyncio.wait_for(popped, SECONDS) == [b"q", b"x"] or popped.result() == (b"q", b"x")
                await inside.aclose()

        asyncio.run(run())

    def test_settings_of_sockets(self, clients: tuple[redis.Redis, redis.Redis]) -> None:
        """They are changed through a connection, whose thread the sockets are."""
        outside, inside = clients
        assert outside.config_set("timeout", 100) and inside.config_get("timeout") == {"timeout": "100"}
        with pytest.raises(redis.ResponseError, match="set it through a connection of the server"):
            inside.config_set("port", 0)

    def test_shutdown(self, clients: tuple[redis.Redis, redis.Redis]) -> None:
        """The process is not the server's to end."""
        for client in clients:
            with pytest.raises(redis.ResponseError, match="no process of its own"):
                client.execute_command("SHUTDOWN")


class TestErrors:
    """What cannot be, and says so."""

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"nosuch": 1}, "there is no setting 'nosuch'"),
            ({"port": 70_000}, "port=70000"),
            ({"maxclients": 0}, "maxclients=0"),
            ({"maxmemory": "lots"}, "maxmemory='lots'"),
            ({"daemonize": True}, "daemonize=True"),
            ({"appendonly": True}, "appendonly=True"),
            ({"engine": zippy.Engine(), "path": "x"}, "path and functions"),
        ],
    )
    def test_wrong_setting(self, settings: dict[str, Any], words: str) -> None:
        with pytest.raises(ValueError, match=words):
            zippy.serve(**settings)

    def test_wrong_setting_of_a_given_engine(self) -> None:
        with zippy.Engine() as engine:
            for settings in ({"nosuch": 1}, {"databases": 3}, {"maxmemory": "lots"}):
                with pytest.raises(ValueError, match=next(iter(settings))):
                    zippy.serve(engine=engine, **settings)  # type: ignore[arg-type]
            with zippy.serve(engine=engine):
                pass

    def test_port_in_use(self) -> None:
        with zippy.serve() as server, zippy.Engine() as engine:
            with pytest.raises(OSError, match=f"port {server.port}"):
                zippy.serve(server.port)
            with pytest.raises(OSError, match=f"port {server.port}"):
                zippy.serve(server.port, engine=engine)
            assert zippy.connect(engine).config_get("port") == {"port": "6379"}
            with zippy.serve(engine=engine) as other:
                assert other.port != server.port

    def test_nowhere(self) -> None:
        with pytest.raises(OSError, match="not listen anywhere"):
            zippy.serve(None)

    def test_tls_without_files(self) -> None:
        with pytest.raises(ValueError, match="tls-cert-file"):
            zippy.serve(None, tls_port=1)

    def test_twice(self) -> None:
        with zippy.serve() as server:
            with pytest.raises(RuntimeError, match="served already"):
                zippy.serve(engine=server.engine)
            assert server.engine.execute("PING") == b"PONG"
            with zippy.serve() as other:
                assert other.port != server.port

    def test_closed_engine(self) -> None:
        engine = zippy.Engine()
        engine.close()
        with pytest.raises(ConnectionError, match="closed"):
            zippy.serve(engine=engine)

    def test_settings_without_a_server(self) -> None:
        """They are refused by name, as ever."""
        with pytest.raises(ValueError, match=r"zippy\.serve"):
            zippy.Engine(port=1)
        with pytest.raises(redis.ResponseError, match=r"zippy\.serve"):
            zippy.connect().config_set("port", 1)


class TestTheEnd:
    """Closing, whatever is under way."""

    def test_clients_connected(self) -> None:
        with zippy.Engine() as engine:
            server = zippy.serve(engine=engine)
            clients = [over_socket(server, retry=None) for _ in range(20)]
            inside = zippy.connect(engine)
            assert all(client.ping() for client in [*clients, inside])
            server.close()
            server.close()
            for client in clients:
                with pytest.raises(redis.ConnectionError):
                    client.ping()
                client.close()
            assert inside.ping() and len(inside.client_list()) == 1

    @pytest.mark.parametrize("close", ["server", "engine"])
    def test_blocked_client(self, close: str) -> None:
        """It hears of the end as of a lost connection."""
        server = zippy.serve()
        with ThreadPoolExecutor() as pool, over_socket(server, retry=Retry(NoBackoff(), 0)) as client:
            popped = pool.submit(client.blpop, ["q"], 0)
            wait_until(lambda: blocked(server.engine) == 1)
            (server if close == "server" else server.engine).close()
            with pytest.raises(redis.ConnectionError):
                popped.result(SECONDS)
        server.close()

    def test_blocked_in_process(self) -> None:
        """The end of the server is none of a client's in process, nor of its deadline."""
        with zippy.Engine() as engine, ThreadPoolExecutor() as pool:
            server = zippy.serve(engine=engine)
            popped = pool.submit(zippy.connect(engine).blpop, ["q"], 0)
            wait_until(lambda: blocked(engine) == 1)
            in_vain = pool.submit(zippy.connect(engine).blpop, ["p"], 0.5)
            # it may be over before it was seen to wait
            wait_until(lambda: blocked(engine) == 2 or in_vain.done())
            server.close()
            assert in_vain.result(SECONDS) is None
            with zippy.serve(engine=engine) as server, over_socket(server) as client:
                client.rpush("q", "x")
                assert popped.result(SECONDS) == (b"q", b"x")

    def test_engine_closed(self, tmp_path: Path) -> None:
        engine = zippy.Engine(tmp_path)
        server = zippy.serve(engine=engine, unixsocket=str(tmp_path / "s"))
        with over_socket(server, retry=None) as client:
            client.set("a", 1)
            engine.close()
            assert not (tmp_path / "s").exists()
            with pytest.raises(redis.ConnectionError):
                client.ping()
        server.close()

    def test_holding_the_lock(self) -> None:
        """Who holds the engine's lock may close it; the thread ends afterwards."""
        server = zippy.serve()
        with server.engine.lock:
            server.engine.close()

    def test_process_ends(self, tmp_path: Path) -> None:
        """Without a word; what is kept is saved, and the Unix socket goes."""
        code = f"""
import zippy, redis
server = zippy.serve(path={str(tmp_path)!r}, unixsocket={str(tmp_path / "s")!r})
redis.Redis.from_url(server.url).set("a", 1)
"""
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert not (tmp_path / "s").exists()
        with zippy.Engine(tmp_path) as engine:
            assert engine.execute("GET", "a") == b"1"

    def test_nobody_refers_to_it(self, tmp_path: Path) -> None:
        """Its address is there until it is closed, or the process ends."""
        code = f"""
import gc, zippy, redis
url = zippy.serve(path={str(tmp_path)!r}).url
gc.collect()
redis.Redis.from_url(url).set("a", 1)
"""
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
        assert (ended.returncode, ended.stderr) == (0, "")
        with zippy.Engine(tmp_path) as engine:
            assert engine.execute("GET", "a") == b"1"

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
    def test_fork(self) -> None:
        """A child has none of the sockets: who waits hears of the end, though the child lives."""
        code = """
import os, signal, sys, zippy
server = zippy.serve()
with __import__("warnings").catch_warnings():
    __import__("warnings").simplefilter("ignore")
    print(server.port, flush=True)
    sys.stdin.readline()
    child = os.fork()
if not child:
    signal.pause()
print(child, flush=True)
signal.pause()
"""
        process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin and process.stdout
        with process:
            port = int(process.stdout.readline())
            client = redis.Redis(port=port, retry=None, socket_timeout=SECONDS)
            client.ping()
            process.stdin.write("\n")
            process.stdin.flush()
            child = int(process.stdout.readline())
            try:
                assert client.ping()
                process.kill()
                process.wait()
                with pytest.raises(redis.ConnectionError):
                    client.ping()
                with pytest.raises(ConnectionRefusedError):
                    socket.create_connection(("127.0.0.1", port))
            finally:
                os.kill(child, 9)
                client.close()


class TestServeAsync:
    """In the running loop."""

    def run(self, body: Callable[[], Any]) -> Any:
        return asyncio.run(asyncio.wait_for(body(), SECONDS))

    def test_one_store(self) -> None:
        async def body() -> None:
            async with await zippy.serve_async() as server, redis.asyncio.Redis.from_url(server.url) as client:
                await client.set("a", 1)
                assert server.engine.execute("GET", "a") == b"1"
                inside = zippy.connect_async(server.engine)
                popped = asyncio.ensure_future(inside.blpop(["q"], 0))
                await until(lambda: blocked(server.engine))
                await client.rpush("q", "x")
                assert tuple(await popped) == (b"q", b"x")
                assert await client.blpop(["q"], 0.01) is None
                await inside.aclose()
            assert repr(server).endswith("closed>")

        self.run(body)

    def test_another_thread(self) -> None:
        """Callers in process need not be in the loop's thread."""

        async def body() -> None:
            async with await zippy.serve_async() as server, redis.asyncio.Redis.from_url(server.url) as client:
                popped = asyncio.ensure_future(client.blpop(["q"], 0))
                await asyncio.to_thread(wait_until, lambda: blocked(server.engine) == 1)
                await asyncio.to_thread(server.engine.execute, "RPUSH", "q", "x")
                assert tuple(await popped) == (b"q", b"x")
                await client.sadd("s", *range(20_000))
                await asyncio.to_thread(server.engine.execute, "UNLINK", "s")
                assert await client.ping()

        self.run(body)

    def test_cancelled(self) -> None:
        """A task that is cancelled while it serves leaves nothing."""

        async def body() -> None:
            served = asyncio.Event()
            places: list[int] = []

            async def serve() -> None:
                async with await zippy.serve_async() as server:
                    places.append(server.port)
                    served.set()
                    await asyncio.sleep(SECONDS)

            task = asyncio.ensure_future(serve())
            await served.wait()
            async with redis.asyncio.Redis(port=places[0], retry=None) as client:
                assert await client.ping()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                with pytest.raises(redis.ConnectionError):
                    await client.ping()
            early = asyncio.ensure_future(zippy.serve_async())
            early.cancel()
            with pytest.raises(asyncio.CancelledError):
                await early

        self.run(body)

    @pytest.mark.parametrize("close", ["close", "engine", "thread"])
    def test_closed(self, close: str) -> None:
        async def body() -> None:
            server = await zippy.serve_async()
            async with redis.asyncio.Redis.from_url(server.url, retry=None) as client:
                popped = asyncio.ensure_future(client.blpop(["q"], 0))
                await until(lambda: blocked(server.engine))
                if close == "close":
                    await server.close()
                elif close == "engine":
                    server.engine.close()
                else:
                    await asyncio.to_thread(server.engine.close)
                with pytest.raises(redis.ConnectionError):
                    await popped
            await server.close()

        self.run(body)

    def test_loop_is_gone(self) -> None:
        """A loop that ends first leaves an engine that goes on without it."""
        server = asyncio.run(zippy.serve_async())
        engine = server.engine
        for each in ("a", "b"):
            engine.execute("SADD", each, *range(2000))
            engine.execute("UNLINK", each)
        assert zippy.connect(engine).blpop(["q"], 0.01) is None
        assert host_of(engine).timekeeper is None
        with zippy.serve(engine=engine) as other, over_socket(other) as client:
            assert client.ping()
        engine.close()

    @pytest.mark.skipif(uvloop is None, reason="uvloop is not here")
    def test_uvloop(self) -> None:

        async def body() -> None:
            async with await zippy.serve_async() as server, redis.asyncio.Redis.from_url(server.url) as client:
                assert await client.ping()
                await asyncio.to_thread(server.engine.execute, "SET", "a", 1)
                assert await client.get("a") == b"1"

        uvloop.run(body())
