"""Stands in for the build backend maturin where a source distribution is only unpacked: gives the metadata that is in it."""

from __future__ import annotations

import email
from pathlib import Path


def prepare_metadata_for_build_wheel(folder: str, settings: object = None) -> str:
    """Writes the metadata of a wheel into the folder; the name of what was written."""
    text = Path("PKG-INFO").read_text()
    known = email.message_from_string(text)
    made = Path(folder, f"{known['Name'].replace('-', '_')}-{known['Version']}.dist-info")
    made.mkdir()
    (made / "METADATA").write_text(text)
    (made / "WHEEL").write_text("Wheel-Version: 1.0\n")
    return made.name
