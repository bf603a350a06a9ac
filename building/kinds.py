"""The kinds of build, as the environment asks for them, and what each tells the compiler and the linker."""

from __future__ import annotations

import os
import sys
from pathlib import Path

DEBUG = os.environ.get("ZIPPY_DEBUG") == "1"
FUZZ = os.environ.get("ZIPPY_FUZZ") == "1"
SANITIZE = FUZZ or os.environ.get("ZIPPY_SANITIZE") == "1"
IN_PLACE = any(word in sys.argv for word in ("--inplace", "-i", "develop", "editable_wheel"))
TESTING = DEBUG or SANITIZE or IN_PLACE or os.environ.get("ZIPPY_TESTING") == "1"
KIND = "-".join(name for name, wanted in (("debug", DEBUG), ("sanitize", SANITIZE), ("fuzz", FUZZ)) if wanted)
KIND = KIND or ("in-place" if IN_PLACE else "release")
BUILD = f"build/{KIND}"  # so a tree can have them side by side

compile_args = ["-std=c11", "-fno-strict-aliasing", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-unused-function",
                "-Wno-unused-parameter", "-Wno-missing-field-initializers", "-Wno-cast-function-type"]
link_args: list[str] = []
# what Cython packs itself a wheel cannot pack any further, and packs better
macros: list[tuple[str, str | None]] = [("ZIPPY_DEBUG", "1" if DEBUG else "0"), ("ZIPPY_SANITIZE", "1" if SANITIZE else "0"),
                                        ("CYTHON_NO_PYINIT_EXPORT", None), ("CYTHON_COMPRESS_STRINGS", "0")]
if DEBUG or SANITIZE:
    compile_args += ["-O1", "-g", "-fno-omit-frame-pointer"]
else:
    # tables for unwinding are for C++ and for debuggers; without them the wheel is a fifteenth smaller
    compile_args += ["-O2", "-g0", "-fno-asynchronous-unwind-tables"]
    if KIND == "release":  # in place profilers and bench/instructions.py ask for the functions' names
        link_args.append("-Wl,-x" if sys.platform == "darwin" else "-Wl,-s")
if SANITIZE:
    flags = ["-fsanitize=address,undefined", "-fno-sanitize=alignment", "-fno-sanitize-recover=undefined"]
    if FUZZ:
        flags.append("-fsanitize=fuzzer-no-link")
    compile_args += flags
    link_args += flags


# Modules that do little of the work of a request themselves, or none (INFO, the edges of saving and logging, access rules, libraries): a
# quarter less of them
SMALL = {
    "acl", "acl_clients", "acl_log", "acl_rules", "acl_user", "aof_file", "api", "append_load", "append_log", "callback_transport",
    "client", "client_ids", "cluster", "compact", "connection", "connection_client", "connection_login", "connection_tracking",
    "digest", "functions", "functions_lua", "generic_dump", "introspection", "key_sizes", "libraries", "linked", "live", "published",
    "python_functions", "rdb_file", "rdb_old", "replicas", "report", "sandbox", "saving_child", "scripting_cache", "scripting_flags",
    "scripting_library", "server", "session", "snapshot", "stream_info", "transfer", "transport", "users", "verify",
}


def args_of(path: Path) -> list[str]:
    """What the compiler is told for a module."""
    return [*compile_args, "-Os"] if path.stem in SMALL and not (DEBUG or SANITIZE) else compile_args


def macros_of(path: Path) -> list[tuple[str, str | None]]:
    """A release build has no assertions but in the testing modules, whose assertions are tests."""
    if DEBUG or SANITIZE or path.parent.name == "testing":
        return macros
    return [*macros, ("CYTHON_WITHOUT_ASSERTIONS", "1")]
