"""Sub-interpreters: the core is the main interpreter's alone, and says so wherever else it is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import zippy

# kinds: "legacy" shares the lock of the main interpreter, "isolated" has one of its own
MAKE = """
import sys
kind, path, said = sys.argv[1:]
if sys.version_info >= (3, 13):
    import _interpreters as interpreters
    there = interpreters.create(kind)
else:
    import _xxsubinterpreters as interpreters
    there = interpreters.create(isolated=kind == "isolated")
code = f'''
import sys
sys.path.insert(0, {path!r})
for attempt in range(2):
    try:
        import zippy
        zippy.Engine()
        text = "it was imported"
    except ImportError as error:
        text = str(error)
    with open({said!r}, "a") as file:
        file.write(text + chr(10))
'''
interpreters.run_string(there, code)
sys.path.insert(0, path)
import zippy
print(zippy.Engine().execute("PING").decode())
"""


@pytest.mark.parametrize("kind", ["legacy", "isolated"])
def test_refused(tmp_path: Path, kind: str) -> None:
    """One that comes first keeps nobody out either."""
    if sys.implementation.name != "cpython" or (kind == "isolated" and sys.version_info < (3, 12)):
        pytest.skip("this Python has none of that kind")
    said = tmp_path / "said"
    command = [sys.executable, "-c", MAKE, kind, str(Path(zippy.__file__).parents[1]), str(said)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout.strip()) == (0, "PONG"), ran.stderr
    told = said.read_text().splitlines()
    assert len(told) == 2
    assert all(line.startswith("zippy cannot be imported in a sub-interpreter: ") for line in told)
