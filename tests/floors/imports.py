"""Reads what each module below zippy/ imports and cimports, from the text, without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "zippy"

needs_sources = pytest.mark.skipif(not PACKAGE.is_dir(), reason="the source tree is not here (tests run against an installed package)")

CYTHON_FROM = re.compile(r"^(\s*)from\s+([\w.]+)\s+c?import\s+(\([^)]*\)|[^\n]*)", re.MULTILINE)
CYTHON_IMPORT = re.compile(r"^(\s*)c?import\s+([\w., ]+?)(?:\s+as\s+\w+)?\s*$", re.MULTILINE)
CYTHON_TEXTS = re.compile(r'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'')


# Modules that the build makes as a whole, with their structs; commands/rows has its .pxd among the sources
GENERATED = frozenset({"zippy._core.values.settings"})
LINKED = "zippy._core.linked"  # what the build links all modules of the core into


@dataclass(frozen=True)
class Import:
    """One import, be it for types only: the file and line, the module meant, and whether it stands inside a function."""

    file: Path
    line: int
    target: str
    in_function: bool = False

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.target}"


def sources() -> list[Path]:
    """All Python and Cython files of the package."""
    return sorted(path for suffix in ("py", "pyx", "pxd") for path in PACKAGE.rglob(f"*.{suffix}"))


def module_of(path: Path) -> str:
    """The module that a file is, or belongs to (a .pxd to its .pyx)."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules() -> set[str]:
    """The names of all modules."""
    return {module_of(path) for path in sources()} | GENERATED | {LINKED}


def imports_of(path: Path, known: set[str]) -> Iterator[Import]:
    """The imports of a file."""
    for found in python_imports(path) if path.suffix == ".py" else cython_imports(path):
        line, base, names, in_function = found
        inner = [f"{base}.{name}" for name in names if f"{base}.{name}" in known]
        targets = inner if inner and len(inner) == len(names) else [*inner, base]
        for target in targets:
            yield Import(path, line, target, in_function)


Found = tuple[int, str, list[str], bool]


def python_imports(path: Path) -> Iterator[Found]:
    """Line, module, names, inside a function: of each import in a Python file."""

    def walk(node: ast.AST, in_function: bool) -> Iterator[Found]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from ((child.lineno, alias.name, [], in_function) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = "." * child.level + (child.module or "")
                yield child.lineno, base, [alias.name for alias in child.names], in_function
            else:
                is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from walk(child, in_function or is_function)

    yield from walk(ast.parse(path.read_text(), str(path)), False)


def cython_imports(path: Path) -> Iterator[Found]:
    """The same of a Cython file; docstrings and C text are passed over."""
    text = CYTHON_TEXTS.sub(lambda match: "\n" * match.group().count("\n"), path.read_text())
    lines = text.splitlines()
    for match in CYTHON_FROM.finditer(text):
        line = text.count("\n", 0, match.start(2)) + 1
        names = [word.split()[0] for word in match.group(3).strip("()").replace("\n", " ").split(",") if word.split()]
        yield line, match.group(2), names, inside_function(lines, line)
    for match in CYTHON_IMPORT.finditer(text):
        line = text.count("\n", 0, match.start(2)) + 1
        for name in match.group(2).split(","):
            yield line, name.split()[0], [], inside_function(lines, line)


def inside_function(lines: list[str], line: int) -> bool:
    """True when an indented line of a Cython file belongs to a function."""
    indent = len(lines[line - 1]) - len(lines[line - 1].lstrip())
    for above in reversed(lines[: line - 1]):
        width = len(above) - len(above.lstrip())
        if above.strip() and width < indent:
            indent = width
            if re.match(r"(async\s+)?(def|cpdef|cdef)\b(?!\s+(class|extern|struct|enum))[^=]*\(.*", above.strip()):
                return True
    return False
