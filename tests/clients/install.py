"""Installs what tests/clients runs: several redis-py, arq, and node's clients, below one folder outside of the tree.

    pip install -r tests/clients/requirements.txt
    python -m tests.clients.install          # ZIPPY_CLIENTS=/some/folder chooses where

What is there already is left alone, so CI may keep the folder between runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

REDIS_PY = ("5.0.8", "5.3.1", "7.4.0", "8.0.0", "8.1.0")


def cache_folder() -> Path:
    """Where the clients are kept."""
    chosen = os.environ.get("ZIPPY_CLIENTS")
    return Path(chosen) if chosen else Path.home() / ".cache" / "zippy-clients"


def install_redis_py(folder: Path, version: str) -> None:
    """redis-py alone, to be put on PYTHONPATH: its few dependencies come from the interpreter that runs it."""
    target = folder / f"redis-{version}"
    if not target.is_dir():
        pip = [sys.executable, "-m", "pip", "-q", "install", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--target", str(target), f"redis=={version}"], check=True)


def install_arq(folder: Path) -> None:
    """arq alone: it asks for a redis-py below 6, and works with those that are above."""
    if not (folder / "arq").is_dir():
        pip = [sys.executable, "-m", "pip", "-q", "install", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--target", str(folder / "arq"), "arq>=0.26"], check=True)


def install_node_clients(folder: Path) -> None:
    """What package.json names; again when it names something else."""
    wanted, kept = Path(__file__).with_name("package.json"), folder / "package.json"
    if not (folder / "node_modules").is_dir() or kept.read_text() != wanted.read_text():
        shutil.copy(wanted, folder)
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"], cwd=folder, check=True)


def main() -> None:
    """Installs all."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for version in REDIS_PY:
        install_redis_py(folder, version)
    install_arq(folder)
    install_node_clients(folder)


if __name__ == "__main__":
    main()
