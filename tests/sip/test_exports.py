"""The front door of the package."""

from __future__ import annotations

import ast
from pathlib import Path

import sip


def test_every_exported_name_exists_once() -> None:
    assert len(set(sip.__all__)) == len(sip.__all__)
    missing = [name for name in sip.__all__ if not hasattr(sip, name)]
    assert missing == []


def test_what_is_imported_is_exported() -> None:
    tree = ast.parse(Path(sip.__file__).read_text())
    imported = {
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert imported - {"annotations"} == set(sip.__all__)


def test_importing_the_package_does_not_import_hypothesis() -> None:
    for path in Path(sip.__file__).parent.rglob("*.py"):
        names = {
            alias.name.partition(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in ([ast.alias(node.module or "")] if isinstance(node, ast.ImportFrom) else node.names)
        }
        assert "hypothesis" not in names or "testing" in path.parts, path
