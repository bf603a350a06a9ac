"""Stores in folders, as their users meet them: folders that cannot be opened, and processes that end in any way."""

from __future__ import annotations

import itertools
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import zippy

SNAPSHOT = {"appendonly": "no", "save": "3600 1"}
NEWER = b"REDIS0099"


def python(code: str, *args: object) -> subprocess.CompletedProcess[str]:
    """Runs code in another process."""
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def written(folder: Path, **settings: str) -> Path:
    """A folder with a store of ten keys, closed."""
    with zippy.Engine(folder, **settings) as engine:
        for i in range(10):
            engine.execute("SET", i, "x" * 100)
    return folder


class TestOpening:
    """What a folder's user is told: which file, where, and why. It stays as it was."""

    @pytest.mark.parametrize("settings", [{}, SNAPSHOT])
    def test_newer(self, tmp_path: Path, settings: dict[str, str]) -> None:
        written(tmp_path, **settings)
        path = tmp_path / "dump.rdb" if settings else next((tmp_path / "appendonlydir").glob("*.base.rdb"))
        data = NEWER + path.read_bytes()[len(NEWER) :]
        path.write_bytes(data)
        problem = rf"{path}: a version of the format that zippy does not know at byte 9\. It was left as it is"
        with pytest.raises(zippy.FolderError, match=problem) as told:
            zippy.Engine(tmp_path, **settings)
        assert type(told.value) is zippy.FolderError
        assert path.read_bytes() == data
        with pytest.raises(zippy.FolderError, match="at byte 9"):
            zippy.connect(f"file:{tmp_path}?{'&'.join(f'{name}={value.replace(chr(32), chr(43))}' for name, value in settings.items())}")

    @pytest.mark.parametrize(("size", "problem"), [(0, "it ends too early at byte 0"), (90, r"it ends too early at byte \d+")])
    def test_cut(self, tmp_path: Path, size: int, problem: str) -> None:
        written(tmp_path, **SNAPSHOT)
        os.truncate(tmp_path / "dump.rdb", size)
        with pytest.raises(zippy.FolderError, match=rf"Cannot load the snapshot {tmp_path}/dump\.rdb: {problem}"):
            zippy.Engine(tmp_path, **SNAPSHOT)

    def test_manifest(self, tmp_path: Path) -> None:
        written(tmp_path)
        manifest = tmp_path / "appendonlydir" / "appendonly.aof.manifest"
        text = manifest.read_text()
        manifest.write_text("nonsense\n")
        with pytest.raises(zippy.FolderError, match=rf"Cannot read {manifest}: line 1"):
            zippy.Engine(tmp_path)
        manifest.write_text(text.replace("1.incr", "7.incr"))
        with pytest.raises(zippy.FolderError, match=rf"The manifest {manifest} names appendonly\.aof\.7\.incr\.aof, which is not there"):
            zippy.Engine(tmp_path)
        manifest.write_text(text)
        with zippy.Engine(tmp_path) as engine:
            assert engine.execute("DBSIZE") == 10

    def test_torn(self, tmp_path: Path) -> None:
        """A torn end is cut off, or refused if that is wished."""
        written(tmp_path)
        increment = next((tmp_path / "appendonlydir").glob("*.incr.aof"))
        os.truncate(increment, increment.stat().st_size - 5)
        with pytest.raises(zippy.FolderError, match=rf"of {increment} are the beginning of a command .*from byte \d+ on"):
            zippy.Engine(tmp_path, aof_load_truncated="no")
        with zippy.Engine(tmp_path) as engine:
            assert engine.execute("DBSIZE") == 9

    @pytest.mark.skipif(os.name != "posix", reason="this system has other rights")
    def test_read_only(self, tmp_path: Path) -> None:
        """Who may not write to a folder cannot keep a store there."""
        folder = written(tmp_path / "data")
        for path in (tmp_path, *tmp_path.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        for path in itertools.takewhile(lambda path: path != Path(tempfile.gettempdir()), tmp_path.parents):
            # pytest's own folders, which nobody else may enter
            path.chmod(0o755)
        code = """
import os, sys, zippy
import zippy.inprocess.kept
zippy.Engine().close()
if os.getuid() == 0:
    os.setuid(65534)
for path in sys.argv[1:]:
    try:
        zippy.Engine(path)
    except zippy.FolderError as error:
        print(error)
"""
        ran = python(code, folder, tmp_path / "new")
        for path in (tmp_path, *tmp_path.rglob("*")):
            path.chmod(0o755)
        assert ran.stdout.splitlines() == [
            f"Cannot keep data in the folder {folder}: Permission denied",
            f"Cannot make the folder {tmp_path / 'new'}: Permission denied",
        ], ran.stderr

    def test_no_space(self, tmp_path: Path) -> None:
        """Nothing stays locked, and it opens when there is space."""
        code = """
import resource, sys, zippy
resource.setrlimit(resource.RLIMIT_FSIZE, (0, -1))
try:
    zippy.Engine(sys.argv[1])
except zippy.FolderError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
with zippy.Engine(sys.argv[1]) as engine:
    print(engine.execute("SET", "a", 1))
"""
        ran = python(code, tmp_path)
        problem = f"Cannot write the append-only file in {tmp_path}/appendonlydir: File too large"
        assert ran.stdout.splitlines() == [problem, "b'OK'"], ran.stderr

    def test_no_name(self) -> None:
        """Nobody means the working folder by nothing."""
        with pytest.raises(ValueError, match="named"):
            zippy.Engine("")

    def test_errors_travel(self, tmp_path: Path) -> None:
        """They are zippy's by name, and processes can hand them to each other."""
        with zippy.Engine(tmp_path), pytest.raises(zippy.FolderInUse) as told:
            zippy.Engine(tmp_path)
        assert repr(zippy.FolderError) == "<class 'zippy.FolderError'>" and repr(zippy.FolderInUse) == "<class 'zippy.FolderInUse'>"
        copy = pickle.loads(pickle.dumps(told.value))
        assert (str(copy), copy.pid) == (str(told.value), os.getpid())


ENDING = """
import os, signal, sys, threading, zippy
from zippy.inprocess.engine import host_of
folder, settings, way = sys.argv[1], eval(sys.argv[2]), sys.argv[3]
engine = zippy.Engine(folder, **settings)
engine.execute("SET", "a", 1)

def at_rest():
    pause = threading.Event()
    while host_of(engine).kept.awake:
        pause.wait(0.01)

exec(way)
"""
SAVED = {
    "the program ends": "",
    "sys.exit": "sys.exit(3)",
    "an exception": "raise ValueError('of the program')",
    "Ctrl-C": "os.kill(os.getpid(), signal.SIGINT); threading.Event().wait(20)",
    "SIGTERM, caught": "signal.signal(signal.SIGTERM, lambda *_: sys.exit()); signal.raise_signal(signal.SIGTERM)",
    "a client is left open": "client = zippy.connect(engine); client.pubsub().subscribe('news')",
    "a thread waits": "threading.Thread(target=lambda: zippy.connect(engine).blpop(['list'], timeout=0), daemon=True).start()",
}


class TestEnds:
    """What is there after a process has ended."""

    @pytest.mark.parametrize("settings", [{}, SNAPSHOT], ids=["log", "snapshot"])
    @pytest.mark.parametrize("way", SAVED)
    def test_saved(self, tmp_path: Path, way: str, settings: dict[str, str]) -> None:
        """Whatever runs Python's exit saves."""
        ran = python(ENDING, tmp_path, settings, SAVED[way])
        assert "could not be saved" not in ran.stderr
        with zippy.Engine(tmp_path, **settings) as engine:
            assert engine.execute("GET", "a") == b"1"

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
    @pytest.mark.parametrize("policy", ["always", "everysec"])
    def test_killed(self, tmp_path: Path, policy: str, number: signal.Signals) -> None:
        """By SIGTERM's default too: the log has what was written until then, with always all that was answered."""
        wait = "at_rest(); " if policy == "everysec" else ""
        ran = python(ENDING, tmp_path, {"appendfsync": policy}, f"{wait}os.kill(os.getpid(), {int(number)}); threading.Event().wait(20)")
        assert ran.returncode == -number
        with zippy.Engine(tmp_path) as engine:
            assert engine.execute("GET", "a") == b"1"
