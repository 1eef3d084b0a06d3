"""The page that says where what is names files and definitions that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
ROW: Final = re.compile(
    r"^   \* - (?P<question>.+)\n     - ``(?P<file>[^`\n]+)``\n     -(?: ``(?P<name>\w+)``)?$", re.M
)


def rows(text: str) -> list[tuple[str, str, str | None]]:
    """Question, file and name of every row."""
    found = [(row["question"], row["file"], row["name"]) for row in ROW.finditer(text)]
    assert len(found) == text.count("\n   * - "), "a row is not question, file, name"
    return found


def defined(source: str) -> set[str]:
    """Every class, function, method and module-level name."""
    tree = ast.parse(source)
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def astray(root: Path, text: str) -> list[str]:
    """Rows that lead nowhere."""
    wrong = []
    for question, file, name in rows(text):
        path = root / file
        if not path.is_file():
            wrong.append(f"{question} {file} is not there")
        elif name is not None and name not in defined(path.read_text()):
            wrong.append(f"{question} {file} has no {name}")
    return wrong


PAGE: Final = (ROOT / "docs" / "where-is-what.rst").read_text()


def test_every_answer_exists() -> None:
    assert astray(ROOT, PAGE) == []


def test_no_question_is_asked_twice() -> None:
    questions = [question for question, _, _ in rows(PAGE)]
    assert len(questions) == len(set(questions)) > 40


@pytest.mark.parametrize(
    ("file", "name", "wrong"),
    [("sip/uri.py", "Uri", 0), ("sip/uri.py", "parse", 0), ("sip/uri.py", "Url", 1), ("sip/url.py", "Uri", 1)],
)
def test_an_answer_that_is_not_there_is_found(file: str, name: str, wrong: int, tmp_path: Path) -> None:
    (tmp_path / "sip").mkdir()
    (tmp_path / "sip" / "uri.py").write_text("class Uri:\n    def parse(self): ...\n")
    assert len(astray(tmp_path, f"\n   * - Where?\n     - ``{file}``\n     - ``{name}``\n")) == wrong
