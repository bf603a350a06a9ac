"""Builds the Cython core: one extension for each .pyx below zippy/_core, in parallel, generated C in build/.

ZIPPY_DEBUG=1 gives bounds checks, assertions and live-object counters; ZIPPY_SANITIZE=1 adds AddressSanitizer and
UndefinedBehaviorSanitizer (every block then comes from malloc, so that each has its own red zone); ZIPPY_FUZZ=1, with
CC=clang, both of these and the counters that a coverage-guided fuzzer reads.
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # a front end that isolates the build does not
from zippy import settings_core
from zippy.commandspec import rows

DEBUG = os.environ.get("ZIPPY_DEBUG") == "1"
FUZZ = os.environ.get("ZIPPY_FUZZ") == "1"
SANITIZE = FUZZ or os.environ.get("ZIPPY_SANITIZE") == "1"
GENERATED = Path("build/generated")  # cimports find its .pxd files as they find those of zippy/
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
}

compile_args = ["-std=c11", "-fno-strict-aliasing", "-Wall", "-Wextra", "-Wno-unused-function", "-Wno-unused-parameter",
                "-Wno-missing-field-initializers", "-Wno-cast-function-type"]
link_args: list[str] = []
macros: list[tuple[str, str | None]] = [("ZIPPY_DEBUG", "1" if DEBUG else "0"), ("ZIPPY_SANITIZE", "1" if SANITIZE else "0")]
if DEBUG or SANITIZE:
    compile_args += ["-O1", "-g", "-fno-omit-frame-pointer"]
else:
    compile_args += ["-O2", "-g0"]
if SANITIZE:
    flags = ["-fsanitize=address,undefined", "-fno-sanitize=alignment", "-fno-sanitize-recover=undefined"]
    if FUZZ:
        flags.append("-fsanitize=fuzzer-no-link")
    compile_args += flags
    link_args += flags


def macros_of(path: Path) -> list[tuple[str, str | None]]:
    """A release build has no assertions but in the testing modules, whose assertions are tests."""
    if DEBUG or SANITIZE or path.parent.name == "testing":
        return macros
    return [*macros, ("CYTHON_WITHOUT_ASSERTIONS", "1")]


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
    written = {".".join(path.with_suffix("").parts): path for path in Path("zippy/_core").rglob("*.pyx")}
    return [
        Extension(name, [str(path)], define_macros=macros_of(path), extra_compile_args=compile_args, extra_link_args=link_args)
        for name, path in sorted((written | generated()).items())
    ]


class ParallelBuild(build_ext):
    """build_ext that compiles as many extensions side by side as there are cores."""

    def finalize_options(self) -> None:
        super().finalize_options()
        if self.parallel is None:
            self.parallel = WORKERS


def cythonized() -> list[Extension]:
    """The extensions with their C files made."""
    include = [".", str(GENERATED)]
    return cythonize(extensions(), build_dir="build/cython", include_path=include, nthreads=WORKERS, compiler_directives=DIRECTIVES)


building = any(name in sys.argv for name in ("build_ext", "build", "bdist_wheel", "editable_wheel", "develop", "install"))
setup(ext_modules=cythonized() if building else [], cmdclass={"build_ext": ParallelBuild})
