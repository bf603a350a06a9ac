"""What must stand at the head of files and handlers."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.floors.imports import PACKAGE, needs_sources
from zippy.commandspec.rows import all_rows
from zippy.commandspec.spec import CommandSpec
from zippy.commandspec.syntax import syntax

pytestmark = needs_sources

CYTHON_HANDLER = re.compile(r'^cdef void (\w+_command)\(Engine\* e, [^)]*\) noexcept nogil:\n    """([\s\S]*?)"""', re.MULTILINE)
HANDLER_FOLDERS = ("server", "persistence", "replication", "cluster")


def joined(text: str) -> str:
    """The text in one line."""
    return " ".join(text.split())


def cython_docstrings() -> dict[str, str]:
    """The docstrings of the handlers in Cython by module.function."""
    return {
        f"{path.stem}.{function}": joined(text)
        for path in (PACKAGE / "_core" / "commands").glob("*.pyx")
        for function, text in CYTHON_HANDLER.findall(path.read_text())
    }


def python_docstrings() -> dict[str, str]:
    """The docstrings of the handlers in Python by command."""
    found = {}
    for path in (path for folder in HANDLER_FOLDERS for path in (PACKAGE / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found |= {name: joined(ast.get_docstring(node) or "") for name in commands_of(node)}
    return found


def commands_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The commands that a function is registered for."""
    return [
        str(decorator.args[0].value)
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "command"
        if isinstance(decorator.args[0], ast.Constant)
    ]


def begins_with_syntax(docstring: str, spec: CommandSpec) -> bool:
    """Name and arguments, then the end of a sentence or a colon."""
    line = f"{spec.name.upper().replace('|', ' ')} {syntax(spec)}".strip()
    return docstring.startswith(line) and docstring[len(line) : len(line) + 1] in {".", ":"}


def test_handlers_in_cython_begin_with_their_syntax() -> None:
    """As the spec has it, word by word."""
    docstrings = cython_docstrings()
    specs = [spec for _, spec in all_rows() if spec.handler is not None]
    assert [spec.handler for spec in specs if not begins_with_syntax(docstrings.get(str(spec.handler), ""), spec)] == []


def test_handlers_in_python_begin_with_their_syntax() -> None:
    """As the spec has it, word by word."""
    docstrings = python_docstrings()
    specs = {spec.name: spec for _, spec in all_rows()}
    assert [name for name, docstring in docstrings.items() if not begins_with_syntax(docstring, specs[name])] == []


@pytest.mark.parametrize("folder", ["commands", "ground", "keyspace", "resp", "testing", "values", "."])
def test_cython_files_have_heads(folder: str) -> None:
    """A docstring or a comment that says what the file holds or why it is built so; what its functions promise is in the .pxd."""
    paths = sorted((PACKAGE / "_core" / folder).glob("*.pyx"))
    assert paths
    assert [path.name for path in paths if not starts_with_head(path)] == []


def starts_with_head(path: Path) -> bool:
    """Whether the first line is a comment or begins a docstring."""
    return path.read_text().startswith(("# ", '"""'))
