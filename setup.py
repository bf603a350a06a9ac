"""Builds the Cython core: one module for each .pyx below zippy/_core, in parallel, generated C in build/, linked into one shared object.

ZIPPY_DEBUG=1 gives bounds checks, assertions and live-object counters; ZIPPY_SANITIZE=1 adds AddressSanitizer and
UndefinedBehaviorSanitizer (every block then comes from malloc, so that each has its own red zone); ZIPPY_FUZZ=1, with
CC=clang, both of these and the counters that a coverage-guided fuzzer reads.

zippy/_core/testing is for our tests alone: it is built in place, with any of these, and with ZIPPY_TESTING=1.
"""

import os
import sys
import time
from pathlib import Path

from Cython.Build import cythonize
from Cython.Compiler.Errors import CompileError
from setuptools import Extension, find_packages, setup

if str(Path(__file__).parent.resolve()) not in sys.path:  # a front end that isolates the build leaves it out
    sys.path.insert(0, str(Path(__file__).parent.resolve()))
from building.kinds import BUILD, DEBUG, TESTING, args_of, macros_of
from building.linked import Linked
from building.parallel import ParallelBuild
from building.structs import check_structs
from building.wheel import Wheel
from zippy import settings_core
from zippy.commandspec import rows

GENERATED = Path("build/generated")  # cimports find its .pxd files as they find those of zippy/
CACHE = Path("build/cache")
WORKERS = int(os.environ.get("ZIPPY_BUILD_JOBS", os.cpu_count() or 1))

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "nonecheck": DEBUG,
    "legacy_implicit_noexcept": False,
    "auto_pickle": False,
    # functions are plain built-in ones: what Python functions have beside that would be a sixteenth of the wheel
    "binding": False,
    # nor do they take the name of an only argument, nor look for a shorter way to call what they call: a sixtieth of it
    "always_allow_keywords": False,
    "optimize.unpack_method_calls": False,
}


def generated() -> dict[str, Path]:
    """Writes the modules that are made of data, where they have changed; their .pyx by module."""
    core, header, source = Path("zippy/_core"), settings_core.header(), settings_core.source()
    texts = {core / "commands/rows.pyx": rows.source(), core / "values/settings.pxd": header, core / "values/settings.pyx": source}
    for name, text in texts.items():
        path = GENERATED / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    return {".".join(name.with_suffix("").parts): GENERATED / name for name in texts if name.suffix == ".pyx"}


def extensions() -> list[Extension]:
    """One extension a .pyx, named by its path."""
    paths = [path for path in Path("zippy/_core").rglob("*.pyx") if TESTING or path.parent.name != "testing"]
    written = {".".join(path.with_suffix("").parts): path for path in paths}
    return [
        Extension(name, [str(path)], define_macros=macros_of(path), extra_compile_args=args_of(path))
        for name, path in sorted((written | generated()).items())
    ]


class Build(ParallelBuild):
    workers = WORKERS
    testing = TESTING


def cythonized() -> list[Extension]:
    """The extensions with their C files made."""
    began = time.time()
    try:
        made = cythonize(
            extensions(),
            build_dir=f"{BUILD}/cython",
            cache=str(CACHE),
            include_path=[".", str(GENERATED)],
            nthreads=WORKERS,
            compiler_directives=DIRECTIVES,
        )
    except CompileError:
        # what did not compile is kept there as well, and the next build would take it for good
        for kept in CACHE.iterdir():
            if kept.stat().st_mtime >= began:
                kept.unlink()
        raise
    return [check_structs(extension) for extension in made]


building = any(name in sys.argv for name in ("build_ext", "build", "bdist_wheel", "editable_wheel", "develop", "install"))
setup(
    packages=find_packages(include=["zippy*"], exclude=[] if TESTING else ["zippy._core.testing"]),
    ext_modules=[Linked(cythonized())] if building else [],
    cmdclass={"build_ext": Build, "bdist_wheel": Wheel},
    options={"build": {"build_base": BUILD}},
)
