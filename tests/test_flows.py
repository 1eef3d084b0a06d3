"""The page of the flows names tests: they are there, and each row has one."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "flows.rst"
_NAMED = re.compile(r"``(tests/[\w/]+\.py)::(\w+)``")
#: Where a row begins, and the cells after its first one.
_ROW = re.compile(
    r"^   \* - (?P<step>.+)\n     - (?P<what>.+)\n     - (?P<simulated>.+)\n     - (?P<real>.+)$", re.MULTILINE
)
#: What is written where there are no tests, and why.
_NOT_BUILT = "not built: "


@cache
def names_in(file: str) -> frozenset[str]:
    path = ROOT / file
    if not path.exists():
        return frozenset()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(each.name for each in ast.parse(path.read_text()).body if isinstance(each, functions))


def rows(text: str) -> list[re.Match[str]]:
    return [each for each in _ROW.finditer(text) if each["step"] != "Step"]


def missing(text: str) -> list[str]:
    """Tests that the page names and nobody has."""
    return [f"{file}::{name}" for file, name in _NAMED.findall(text) if name not in names_in(file)]


def bare(text: str) -> list[str]:
    """Rows without a test, for which no reason is given."""
    return [
        f"{each['step']}: {each['what']}"
        for each in rows(text)
        if not _NAMED.search(each["simulated"]) and not each["simulated"].startswith(_NOT_BUILT)
    ]


def test_every_test_that_the_page_names_exists() -> None:
    text = PAGE.read_text()
    assert missing(text) == []
    assert bare(text) == []
    assert {f"{number}." for number in range(1, 13)} == set(re.findall(r"^(\d+\.) .+\n-+$", text, re.MULTILINE))


def test_tests_with_real_programs_are_with_real_programs() -> None:
    for each in rows(PAGE.read_text()):
        assert all(file.startswith("tests/interop/") for file, _ in _NAMED.findall(each["real"])), each["step"]
        assert not any(file.startswith("tests/interop/") for file, _ in _NAMED.findall(each["simulated"])), each["step"]


@pytest.mark.parametrize(
    "row",
    [
        "   * - 1\n     - a\n     - ``tests/test_flows.py::test_that_was_renamed``\n     - \\-",
        "   * - 1\n     - a\n     - ``tests/test_no_file.py::test_x``\n     - \\-",
        "   * - 1\n     - a\n     - soon\n     - \\-",
    ],
)
def test_a_row_whose_test_is_gone_is_found(row: str) -> None:
    assert missing(row) or bare(row)
