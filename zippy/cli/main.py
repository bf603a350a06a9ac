"""The console scripts: `zippy` and `zippy-server` start a server as redis-server does; `zippy check` and others are about data files."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from zippy.app import Application
from zippy.cli import tools
from zippy.config_file import ConfigFileError, load_command_line
from zippy.settings import Settings
from zippy.version import REDIS_VERSION, __version__

USAGE = """\
Usage: zippy [FILE | -] [--SETTING VALUE ...]
       zippy check | export | import | restore ...
       zippy --version | --help

FILE is in redis.conf syntax; "-" reads it from standard input. Every setting of the file may be given as an option instead.

  zippy                                    on 127.0.0.1:6379, data in this folder
  zippy --port 7777 --dir /var/lib/zippy
  zippy /etc/zippy.conf --loglevel verbose
  zippy --save "" --appendonly no          nothing is kept

The settings and their values: CONFIG GET * in a running server.

  zippy check PATH                         are these data files whole? --repair cuts an unfinished end off
  zippy export SOURCE [TARGET]             a snapshot or log as JSON lines
  zippy import SOURCE TARGET               JSON lines as a snapshot or log
  zippy restore SOURCE TARGET --until T    what a log held at a moment

Each has a --help of its own. A configuration file of such a name is given as ./check.
"""

TOOLS = ("check", "export", "import", "restore")


def main() -> NoReturn:
    """Reads the command line, runs the server or a tool, exits."""
    arguments = sys.argv[1:]
    if arguments[:1] in (["-v"], ["--version"]):
        print(f"Redis server v={REDIS_VERSION} sha=00000000:0 malloc=zippy bits=64 build=zippy-{__version__}")
        sys.exit(0)
    if arguments[:1] in (["-h"], ["--help"]):
        print(USAGE, end="")
        sys.exit(0)
    if arguments[:1] and arguments[0] in TOOLS:
        sys.exit(tools.main(arguments))
    settings = Settings()
    try:
        loaded = load_command_line(settings, arguments, sys.stdin.buffer)
    except ConfigFileError as error:
        sys.exit(f"\n{error}")
    os.chdir(settings.text("dir"))
    sys.exit(Application(settings, loaded.path, loaded.directives).run())
