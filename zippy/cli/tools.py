"""The commands for data files: check, export, import, restore."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

from zippy.cli.fetch import NoCopyError, fetch
from zippy.cli.live import connect, is_address
from zippy.cli.progress import Bar
from zippy.persistence.check import Checker, Report, cut
from zippy.persistence.convert import FORMATS, Outcome, Place, convert, format_of, new_file, refuse_present, write
from zippy.persistence.data_files import DataFileError, find_log
from zippy.persistence.moments import moment_text, moments, parse_moment, restore
from zippy.persistence.scratch import Scratch
from zippy.server.parts import Parts
from zippy.setting_types import memory_of

FINE, DAMAGED, NOT_DONE = 0, 1, 2

FORMS = """\
Forms (SOURCE is told by its content, TARGET by its name or --format):
  rdb       a snapshot                                  dump.rdb
  aof       the folder of an append-only log            appendonlydir
  aof-file  an append-only log in one file              appendonly.aof
  jsonl     JSON, a key a line                          data.jsonl, or - for standard output or input
            a server, through redis-py                  redis://:PASSWORD@HOST:6379, rediss://..., unix://...

A line of JSON: {"db": 0, "key": "k", "type": "hash", "expires_at_ms": 1700000000000, "value": {"field": "text"}}
  Bytes that are not UTF-8 are {"base64": "..."}. A string's value is a string; of a list and a set an array; of a hash an object, or an
  array of [field, value]; of a sorted set an array of [member, score], a score being a string like "1.5" or "-inf". Other types have
  "dump" in the place of "value": what the command DUMP gives, in base64. A library of functions is {"library_code": "#!lua name=..."}.

A server as SOURCE is asked for a copy as a replica would be (PSYNC), so what comes out is what it held at one moment. One that gives
none (a service that does not let replicas be made, a user without +psync) goes on while its keys are read one by one.
"""


def main(arguments: Sequence[str]) -> int:
    """Runs `zippy COMMAND ...`; the exit code."""
    given = parser().parse_args(arguments)
    Parts.seed()
    try:
        code: int = given.run(given)
        sys.stdout.flush()
        return code
    except DataFileError as error:
        print(f"zippy {given.command}: {error}", file=sys.stderr)
        return NOT_DONE
    except BrokenPipeError:
        # whoever read the output has enough; Python must not try to flush the rest
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_DONE
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        print(f"zippy {given.command}: {name}{error.strerror or error}", file=sys.stderr)
        return NOT_DONE
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """The command line of the tools."""
    top = argparse.ArgumentParser(prog="zippy", allow_abbrev=False)
    commands = top.add_subparsers(dest="command", required=True)
    add_check(commands)
    add_convert(commands, "export", "Write the data of a snapshot, a log or a server as JSON lines, or in another form.")
    add_convert(commands, "import", "Bring JSON lines, or data in another form, into a snapshot, a log or a server.")
    add_restore(commands)
    return top


def add_check(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`zippy check`."""
    check = commands.add_parser(
        "check",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Read data files in full, as a server would, and say what they hold and what is wrong with them.",
        epilog="Exit code: 0 all is fine, 1 something is damaged, 2 zippy could not read it.",
    )
    check.add_argument(
        "path", type=Path, metavar="PATH", help="an RDB file, an append-only file, a manifest, a log's folder or a server's data folder"
    )
    check.add_argument(
        "--repair",
        action="store_true",
        help="cut an unfinished end of a log off, after a question; for a server that is stopped. Nothing else is ever changed",
    )
    check.add_argument("--yes", action="store_true", help="don't ask")
    check.set_defaults(run=run_check)


def add_convert(commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, what: str) -> None:
    """`zippy export` and `zippy import`."""
    command = commands.add_parser(name, formatter_class=argparse.RawDescriptionHelpFormatter, description=what, epilog=FORMS)
    command.add_argument("source", metavar="SOURCE")
    if name == "export":
        command.add_argument("target", metavar="TARGET", nargs="?", default="-")
    else:
        command.add_argument("target", metavar="TARGET")
    command.add_argument("--format", choices=FORMATS, help="the form of TARGET")
    command.add_argument(
        "--rate", type=memory, default=0, metavar="BYTES", help="take no more than this a second from a server: 10mb; default: no limit"
    )
    command.add_argument("--force", action="store_true", help="replace TARGET if it is there; in a server, keys that are there")
    command.set_defaults(run=run_convert)


def memory(text: str) -> int:
    """An option's bytes."""
    found = memory_of(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of bytes, as 500kb or 10mb")
    return found


def add_restore(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`zippy restore`."""
    command = commands.add_parser(
        "restore",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Write what an append-only log held at a moment to a new snapshot or log. SOURCE stays as it is.",
        epilog="""\
The log needs times, which a server writes with aof-timestamp-enabled yes; `zippy check` tells from when to when they go.
What is restored is all that was logged up to and including the second of MOMENT. A transaction belongs to the second in which
it begins, a command with no time of its own to the last time before it. Keys keep their times of expiry: those that are over
by now go when a server loads the result.
""",
    )
    command.add_argument("source", type=Path, metavar="SOURCE", help="a log: its folder, a server's data folder, a manifest, a file")
    command.add_argument("target", type=Path, metavar="TARGET", help="a snapshot (NAME.rdb), a log's folder, or JSON lines (NAME.jsonl)")
    command.add_argument(
        "--until", required=True, metavar="MOMENT", help="2026-11-23T08:00:00Z (UTC unless it says more), or seconds since 1970"
    )
    command.add_argument("--format", choices=FORMATS, help="the form of TARGET")
    command.add_argument("--force", action="store_true", help="replace TARGET if it is there")
    command.set_defaults(run=run_restore)


# zippy check


def run_check(given: argparse.Namespace) -> int:
    """Checks, and repairs if asked to."""
    reports = Checker(Bar()).check(given.path)
    for report in reports:
        tell(report)
    bad = [report for report in reports if not report.good]
    code = FINE if not bad else NOT_DONE if all(report.unsupported for report in bad) else DAMAGED
    if given.repair and code == DAMAGED:
        return repair(given, reports)
    return code


def tell(report: Report) -> None:
    """Says what was found of one file."""
    print(f"{report.path}: {report.what}{', '.join(['', *report.facts])}")
    for problem in report.problems:
        print(f"  {'CANNOT BE READ' if report.unsupported else 'DAMAGED'}: {problem}")
    if report.good:
        print("  fine")
    for note in report.notes:
        print(f"  {note}")


def repair(given: argparse.Namespace, reports: list[Report]) -> int:
    """Cuts unfinished ends off, if nothing else is wrong."""
    bad = [report for report in reports if not report.good]
    if any(report.torn_at is None for report in bad):
        print("Nothing was changed: there is damage that no cut repairs.")
        return DAMAGED
    for report in bad:
        if not given.yes and not agreed(report):
            print("Nothing was changed.")
            return DAMAGED
        print(f"{report.path}: cut {cut(report):,} bytes off the end; it has {report.torn_at:,} bytes now")
    return FINE


def agreed(report: Report) -> bool:
    """Asks whether to cut. Without a terminal nobody can answer."""
    if not sys.stdin.isatty():
        raise DataFileError("nobody is there to be asked; --yes repairs without a question")
    assert report.torn_at is not None
    answer = input(f"Cut {report.path.stat().st_size - report.torn_at:,} bytes off the end of {report.path}? [y/N] ")
    return answer.strip().lower() in {"y", "yes"}


# zippy export, import, restore


def run_convert(given: argparse.Namespace) -> int:
    """From one form to another."""
    with contextlib.ExitStack() as stack:
        if str(given.source) == "-":
            source: Place = open(0, "rb", closefd=False)  # noqa: SIM115
        elif is_address(given.source):
            kind = given.format or (format_of(Path(given.target)) if is_file(given.target) else "")
            if kind == "rdb" and is_file(given.target) and fetch_snapshot(given):
                return FINE
            source = fetched(given, stack)
        else:
            source = Path(given.source)
        return convert_from(source, given)


def is_file(target: str) -> bool:
    """Whether a target is a file or folder."""
    return target != "-" and not is_address(target)


def fetch_snapshot(given: argparse.Namespace) -> bool:
    """Puts a server's snapshot in its place as it comes; False: the server gives none."""
    target = Path(given.target)
    try:
        with new_file(target, given.force) as temporary, temporary.open("xb") as file:
            fetch(given.source, file, given.rate, Bar())
            file.flush()
            os.fsync(file.fileno())
    except NoCopyError:
        # whoever tries to make do without it says so
        return False
    print(f"{target}: {target.stat().st_size:,} bytes", file=sys.stderr)
    return True


def fetched(given: argparse.Namespace, stack: contextlib.ExitStack) -> Place:
    """A copy of a server's data, in a file that goes with the stack; or the server, if it gives none."""
    # beside the target there is room for what the target will take
    beside = Path(given.target).absolute().parent if is_file(given.target) else None
    file = stack.enter_context(tempfile.NamedTemporaryFile(suffix=".rdb", dir=beside))  # noqa: SIM115
    try:
        fetch(given.source, cast(BinaryIO, file), given.rate, Bar())
    except NoCopyError as error:
        print(f"{error}: the keys are read one by one, while the server goes on", file=sys.stderr)
        return connect(given.source)
    file.flush()
    return Path(file.name)


def convert_from(source: Place, given: argparse.Namespace) -> int:
    """To the target that was named."""
    if str(given.target) == "-":
        if given.format not in (None, "jsonl"):
            raise DataFileError("standard output is for JSON lines; name a TARGET")
        # buffered, even where Python was told to write at once
        target: Place = open(1, "wb", closefd=False)  # noqa: SIM115
    else:
        target = connect(given.target) if is_address(given.target) else Path(given.target)
    kind = given.format or (format_of(target) if isinstance(target, Path) else "")
    outcome = convert(source, target, kind, given.force, Bar())
    tell_notes(outcome.notes)
    tell_outcome(given.target, outcome.keys, outcome.gone)
    return FINE


def tell_notes(notes: list[str]) -> None:
    """On standard error, since standard output may be the data."""
    for note in notes:
        print(note, file=sys.stderr)


def tell_outcome(target: object, keys: int, gone: int) -> None:
    """How much was written."""
    over = f"; {gone:,} were left out, their time was over" if gone else ""
    if str(target) != "-":
        print(f"{target}: {keys:,} keys{over}", file=sys.stderr)


def run_restore(given: argparse.Namespace) -> int:
    """A moment of a log to a new file."""
    try:
        until = parse_moment(given.until)
    except ValueError as error:
        raise DataFileError(f"--until: {error}") from None
    kind = given.format or format_of(given.target)
    refuse_present(given.target, given.force)
    with contextlib.closing(Scratch()) as scratch:
        files = restore(scratch, find_log(given.source), until, Bar())
        found = moments(files)
        if not any(file.stopped for file in files) and found and until > found[1]:
            print(f"The log ends at {moment_text(found[1])}; everything in it is restored.", file=sys.stderr)
        tell_notes([note for file in files for note in file.notes])
        outcome = Outcome(scratch.counts[0])
        write(scratch, given.target, kind, given.force, Bar(), outcome)
        tell_outcome(given.target, outcome.keys, outcome.gone)
    return FINE
