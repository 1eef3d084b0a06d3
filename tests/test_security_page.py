"""The page on security names tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
NAMED: Final = re.compile(r"``(tests/[^`:]+?)(?:::(\w+))?``")
ALONE: Final = re.compile(r"``(test_\w+)``")  #: the name of a test whose file stands before it


def astray(text: str) -> list[str]:
    """What is named and is not there."""
    wrong = []
    for path, name in NAMED.findall(text):
        if not (ROOT / path).exists():
            wrong.append(path)
        elif name:
            nodes = ast.walk(ast.parse((ROOT / path).read_text()))
            if name not in {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}:
                wrong.append(f"{path}::{name}")
    names = functions_of_all_tests()
    return [*wrong, *(name for name in ALONE.findall(text) if name not in names)]


@cache
def functions_of_all_tests() -> frozenset[str]:
    """The names of all test functions."""
    sources = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    return frozenset(re.findall(r"^(?:async )?def (test_\w+)", sources, re.MULTILINE))


def test_every_test_that_is_named_exists() -> None:
    page = (ROOT / "docs" / "security.rst").read_text()
    assert len(NAMED.findall(page)) > 10
    assert astray(page) == []


@pytest.mark.parametrize(
    "named", ["tests/none.py", "tests/test_security_page.py::test_nothing", "test_nothing_of_that_name"]
)
def test_what_is_not_there_is_found(named: str) -> None:
    assert astray(f"``{named}`` and ``tests/test_security_page.py::test_what_is_not_there_is_found``") == [named]
