"""Code on pages of the documentation is narrow enough to be read there, and every example stands on one."""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / "docs"
PAGES: Final = sorted(each for each in DOCS.rglob("*.rst") if "_build" not in each.parts)
COLUMNS: Final = 88  #: that are read without scrolling beside the table of contents

_LITERAL: Final = re.compile(r"\.\. (?:code-block|code|parsed-literal)::|(?!\.\. ).*::$")
_PROMPT: Final = re.compile(r"(?:>>>|\.\.\.) ")
_INCLUDED: Final = re.compile(r"\.\. literalinclude:: (\S+)")


def code_of(text: str) -> Iterator[tuple[int, str]]:
    """Lines of code with their numbers, without the indent of the block that they stand in."""
    block: int | None = None
    inside = 0
    for number, line in enumerate(text.splitlines(), 1):
        said, indent = line.strip(), len(line) - len(line.lstrip())
        if block is not None and said and indent <= block:
            block = None
        if block is None:
            if _PROMPT.match(said):
                yield number, said
            elif _LITERAL.fullmatch(said) or _LITERAL.match(said):
                block, inside = indent, 0
        elif said:
            inside = inside or indent
            yield number, line[inside:] if indent >= inside else said


def outputs_of(text: str) -> Iterator[tuple[int, str]]:
    """What examples print, with the numbers of their lines."""
    for example in doctest.DocTestParser().get_examples(text):
        for line in example.want.splitlines():
            yield example.lineno + 1, line


def included(page: Path) -> Iterator[Path]:
    for name in _INCLUDED.findall(page.read_text(encoding="utf-8")):
        yield (page.parent / name).resolve()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_code_is_narrow(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [number for each in (code_of, outputs_of) for number, line in each(text) if len(line) > COLUMNS] == []
    for path in included(page):
        assert [line for line in path.read_text(encoding="utf-8").splitlines() if len(line) > COLUMNS] == [], path


def test_every_example_stands_on_a_page() -> None:
    shown = {path for page in PAGES for path in included(page)}
    assert {path for path in (ROOT / "examples").glob("*.py") if path not in shown} == set()


def test_wide_code_is_found() -> None:
    wide = "x" * 89
    page = f"Said::\n\n    {wide}\n\n{wide}\n\n.. code-block:: toml\n   :linenos:\n\n   {wide}\n\n>>> {wide}\n"
    assert [number for number, line in code_of(page) if len(line) > COLUMNS] == [3, 10, 12]
