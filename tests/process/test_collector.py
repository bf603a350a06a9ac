"""What Python's garbage collector may do in a server: it holds everybody up."""

from __future__ import annotations

from pathlib import Path

from tests.servers import StartServer

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
