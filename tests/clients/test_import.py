"""What importing zippy and making an engine loads: what is not needed is not loaded, so that a short program starts at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import zippy

# of the standard library, what takes long to load
HEAVY = {"asyncio", "concurrent.futures", "dataclasses", "email", "hashlib", "inspect", "json", "logging", "multiprocessing", "platform"}
HEAVY |= {"glob", "random", "secrets", "socket", "ssl", "statistics", "subprocess", "tempfile", "zipfile"}
IN_A_FOLDER = {"ipaddress", "pathlib", "urllib.parse", "zippy.config_file"}  # what a store that is kept needs
OF_SERVERS = {f"zippy.server.{name}" for name in ("admission", "listeners", "process", "server", "shutdown", "tls")}
OF_SERVERS |= {"zippy._core.reactor", "zippy._core.transport"}
OF_THE_TABLE = {"zippy.commandspec.spec", "zippy.commandspec.table", "zippy.commandspec.reply"}  # the core has it compiled
KEPT = {"zippy.inprocess.kept", "zippy.persistence.append_only", "zippy.persistence.snapshots"}
OTHERS = {"redis", "zippy.app", "zippy.cli", "zippy.testing"}


def loaded_by(code: str, folder: Path) -> set[str]:
    """The modules that code loads in a Python of its own, which has loaded nothing for the sake of where packages are."""
    program = f"import sys; sys.path.insert(0, {str(Path(zippy.__file__).parents[1])!r})\n{code}\nprint(*sys.modules)"
    ran = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, timeout=60, check=True, cwd=folder)
    return set(ran.stdout.split())


def test_the_package(tmp_path: Path) -> None:
    assert {name for name in loaded_by("import zippy", tmp_path) if name.startswith("zippy")} == {"zippy", "zippy.version"}


def test_an_engine(tmp_path: Path) -> None:
    loaded = loaded_by("import zippy; zippy.Engine().execute('SET', 'a', 1)", tmp_path)
    assert not loaded & (HEAVY | IN_A_FOLDER | OF_SERVERS | OF_THE_TABLE | KEPT | OTHERS)


def test_an_engine_with_a_folder(tmp_path: Path) -> None:
    loaded = loaded_by("import zippy\nwith zippy.Engine('data') as engine: engine.execute('SET', 'a', 1)", tmp_path)
    assert loaded >= KEPT
    assert not loaded & (OF_SERVERS | OF_THE_TABLE | OTHERS | {"asyncio"})


def test_what_is_asked_for_is_loaded(tmp_path: Path) -> None:
    asked = "print(client.command_count() > 200, client.execute_command('CLIENT', 'HELP')[0][:6])"
    loaded = loaded_by(f"import site; site.main(); import zippy; client = zippy.connect(decode_responses=True); {asked}", tmp_path)
    assert loaded >= {"True", "CLIENT", *OF_THE_TABLE} - {"zippy.commandspec.reply"}
