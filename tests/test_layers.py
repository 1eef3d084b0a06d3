"""The layers point one way, and the protocol packages touch neither clock, chance nor sockets."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("c3p", "sip", "rtp", "focus", "mcu", "pyc3p")
ALLOWED = {
    "c3p": {"c3p"},
    "sip": {"sip"},
    "rtp": {"rtp"},
    "focus": {"focus", "c3p", "sip"},
    "mcu": {"mcu", "c3p", "sip", "rtp"},
    "pyc3p": set(OURS),
}
#: What would bring a clock, chance or I/O into a machine.
OUTSIDE_WORLD = {"asyncio", "socket", "ssl", "time", "random", "secrets", "uuid", "selectors", "threading", "select"}
#: What only an extra installs; imported when first used.
EXTRAS = {"numpy", "hypothesis", "aiohttp", "click", "rich", "uvloop", "dns"}


def sources(package: str) -> Iterator[Path]:
    yield from sorted((ROOT / package).rglob("*.py"))


def imported(tree: ast.AST, package: str) -> Iterator[str]:
    """The top-level names that a module imports, wherever it does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield package if node.level else (node.module or "").partition(".")[0]


def imported_at_once(tree: ast.Module, package: str) -> Iterator[str]:
    """The names imported when the module is, not when one of its functions runs."""
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from imported(node, package)


def meets_the_world(path: Path) -> bool:
    relative = path.relative_to(ROOT)
    return relative.parts[0] == "pyc3p" or path.stem == "aio" or "aio" in relative.parts


@pytest.mark.parametrize("package", OURS)
def test_imports_point_one_way(package: str) -> None:
    for path in sources(package):
        wrong = set(imported(ast.parse(path.read_text()), package)) & set(OURS) - ALLOWED[package]
        assert not wrong, f"{path.relative_to(ROOT)} imports {sorted(wrong)}"


@pytest.mark.parametrize("package", OURS)
def test_only_aio_modules_and_the_application_meet_clock_chance_and_sockets(package: str) -> None:
    for path in sources(package):
        if not meets_the_world(path):
            wrong = set(imported(ast.parse(path.read_text()), package)) & OUTSIDE_WORLD
            assert not wrong, f"{path.relative_to(ROOT)} imports {sorted(wrong)}"


@pytest.mark.parametrize("package", OURS[:-1])
def test_extras_are_imported_when_first_used(package: str) -> None:
    for path in sources(package):
        if not meets_the_world(path) and "testing" not in path.relative_to(ROOT).as_posix():
            wrong = set(imported_at_once(ast.parse(path.read_text()), package)) & EXTRAS
            assert not wrong, f"{path.relative_to(ROOT)} needs {sorted(wrong)} to be imported"


@pytest.mark.parametrize("package", OURS)
def test_every_package_is_typed_and_declares_its_front_door(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()
    tree = ast.parse((ROOT / package / "__init__.py").read_text())
    names = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    names |= {
        node.target.id for node in tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    assert "__all__" in names


@pytest.mark.parametrize("package", OURS)
def test_no_grab_bags(package: str) -> None:
    assert not [path for path in sources(package) if path.stem in {"utils", "helpers", "common", "misc"}]
