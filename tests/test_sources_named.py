"""Who reads a comment, a docstring or a page can find what it refers to: in this repository, or in public."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("c3p", "sip", "rtp", "focus", "mcu", "pyc3p")
EVERYWHERE: Final = (*PACKAGES, "examples", "docs", "fuzz", "benchmarks", "deploy", "tests")

#: What a section is of: a standard, a published specification, a page of ours.
SOURCE: Final = re.compile(
    r"RFC ?\d|MS-[A-Z]|\bdraft-|\bXML\b|\bG\.7|E\.164|Q\.850|V\.152|X3\.4|Unicode|FIPS|PEP \d"
    r"|docs/[\w/-]+\.rst|:(?:doc|ref):"
)
SECTION: Final = re.compile(r"\b[Ss]ections? [A-Z]?\d|\(\d+\.\d+(?:\.\d+)*\)")
#: Names of files, and numbers of lists, that could only be found by who wrote them.
FILE: Final = re.compile(r"[\w/-]+\.(?:md|rst|py)\b")
NUMBERED: Final = re.compile(r"\b(?:[Dd]ecisions?|[Ff]lows?|[Ii]ssues?|profile|clients) \d+\b")


def texts_of(source: str) -> Iterator[tuple[int, str]]:
    """Docstrings, and comments that stand together."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            said = ast.get_docstring(node)
            if said:
                yield getattr(node, "lineno", 1), said
    block: list[str] = []
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if block and token.start[0] != last + 1:
                yield last, " ".join(block)
                block = []
            block.append(token.string)
            last = token.start[0]
    if block:
        yield last, " ".join(block)


def unknown_sections(source: str, *, by_module: bool) -> list[str]:
    """Sections of which nobody says what they are of; ``by_module``: the head of the module may say it."""
    found = list(texts_of(source))
    head = found[0][1] if found else ""
    return [
        f"line {line}: {section[0]}"
        for line, text in found
        if (section := SECTION.search(text)) and not SOURCE.search(text) and not (by_module and SOURCE.search(head))
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_section_says_what_it_is_of(package: str) -> None:
    by_module = package in ("sip", "rtp")  # which follow one standard a module
    for path in sorted((ROOT / package).rglob("*.py")):
        assert unknown_sections(path.read_text(), by_module=by_module) == [], path


def test_a_section_of_nothing_is_found() -> None:
    assert unknown_sections('"""Who may (7.4)."""', by_module=False) == ["line 1: (7.4)"]
    assert unknown_sections("x = 1  # section 3.5", by_module=False) == ["line 1: section 3"]
    assert unknown_sections('"""RFC 3261."""\nx = 1  # section 3.5', by_module=True) == []
    assert unknown_sections('"""RFC 3261."""\nx = 1  # section 3.5', by_module=False) == ["line 2: section 3"]


def pages() -> list[Path]:
    found = [ROOT / "README.rst"]
    for place in EVERYWHERE:
        found += [each for each in (ROOT / place).rglob("*") if each.suffix in (".py", ".rst", ".lua", ".cfg")]
    return [each for each in found if "_build" not in each.parts and each != Path(__file__)]


def test_documents_that_are_named_are_there() -> None:
    names = {each.name for each in ROOT.rglob("*") if ".venv" not in each.parts}
    for path in pages():
        texts = [text for _, text in texts_of(path.read_text())] if path.suffix == ".py" else [path.read_text()]
        for text in texts:
            missing = [each for each in FILE.findall(text) if each.endswith(".md") or "docs/" in each]
            assert [each for each in missing if Path(each).name not in names] == [], path
            assert NUMBERED.findall(text) == [], path
