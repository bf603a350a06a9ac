"""What Python's garbage collector may do in a server: it holds everybody up."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.process.certificates import Certificates
from tests.resp import RawClient
from tests.servers import StartServer, free_port
from tests.waiting import wait_until

pytest.importorskip("uvloop", reason="on asyncio's own loop the collector is as Python has it")

MODULE = """
import gc
import zippy

kept = []

@zippy.function
def keep(call, keys, args):
    before = gc.get_stats()
    kept.extend([] for _ in range(int(args[0])))
    return [after["collections"] - then["collections"] for after, then in zip(gc.get_stats(), before)]

@zippy.function
def waste(call, keys, args):
    before = gc.get_stats()
    for _ in range(int(args[0])):
        cycle = []
        cycle.append(cycle)
    return sum(after["collected"] - then["collected"] for after, then in zip(gc.get_stats(), before))

@zippy.function
def collect(call, keys, args):
    return gc.collect()
"""
OBJECTS = 200_000  # ten times as many as the objects of Python's that 2,500 clients are made of


def test_never_goes_through_all_because_many_came(start_server: StartServer, tmp_path: Path) -> None:
    (tmp_path / "collector_functions.py").write_text(MODULE)
    server = start_server("--functions-module", "collector_functions", cwd=tmp_path)
    with server.client() as client:
        young, middle, all_of_them = client("FCALL", "keep", 0, OBJECTS).plain()
        assert young > middle > 0
        assert all_of_them == 0
        # and what is garbage goes while it is young
        assert client("FCALL", "waste", 0, OBJECTS).value > OBJECTS * 0.9


def test_ended_connections_are_no_garbage(start_server: StartServer, tmp_path: Path) -> None:
    """Nor are those with TLS: what has become old would lie for long."""
    (tmp_path / "collector_functions.py").write_text(MODULE)
    certificates, port = Certificates(tmp_path), free_port()
    settings = certificates.settings(port) | {"tls-auth-clients": "no"}
    server = start_server("--functions-module", "collector_functions", cwd=tmp_path, config=settings)
    context = ssl.create_default_context(cafile=certificates.certificate("ca"))
    with server.client() as admin:
        clients = [server.client() for _ in range(20)] + [RawClient("127.0.0.1", port) for _ in range(20)]
        for client in clients[20:]:
            client.socket = context.wrap_socket(client.socket, server_hostname="127.0.0.1")
        assert [client("PING").value for client in clients] == [b"PONG"] * 40
        admin("FCALL", "collect", 0)
        for client in clients:
            client.close()
        wait_until(lambda: b"connected_clients:1\r\n" in admin("INFO", "clients").value)
        assert admin("FCALL", "collect", 0).value < 20
