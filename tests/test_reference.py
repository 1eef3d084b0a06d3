"""The reference has every public name of every door, and every public method comes with it."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

DOCS: Final = Path(__file__).parents[1] / "docs"
sys.path.insert(0, str(DOCS))

doors = importlib.import_module("doors")

DOORS: Final[tuple[str, ...]] = doors.DOORS
HEAD: Final = re.compile(r"^\.\. door:: (\S+)$")


def listed(text: str) -> Iterator[tuple[str, str]]:
    """Door and name, for each name that a page lists."""
    door = None
    for line in text.splitlines():
        if found := HEAD.match(line):
            door = found[1]
        elif line.startswith("   ") and door is not None:
            yield from ((door, name) for name in line.split())
        elif line.strip():
            door = None


ALL: Final = [each for page in sorted((DOCS / "reference").glob("*.rst")) for each in listed(page.read_text())]


@pytest.mark.parametrize("door", DOORS)
def test_every_public_name_of_a_door_is_on_one_page(door: str) -> None:
    names = [name for of, name in ALL if of == door]
    assert sorted(names) == sorted(doors.public(importlib.import_module(door)))


def test_every_door_is_known() -> None:
    assert {door for door, _ in ALL} == set(DOORS)
    packages = [*DOCS.parent.glob("*/__init__.py"), *DOCS.parent.glob("*/aio/__init__.py")]
    packages += DOCS.parent.glob("*/testing/__init__.py")
    doors = {".".join(path.parent.relative_to(DOCS.parent).parts) for path in packages if "__all__" in path.read_text()}
    assert doors <= set(DOORS)


def undocumented(value: Any) -> list[str]:
    """Public methods and properties of a class without a docstring, which a page could say nothing about."""
    members = inspect.getmembers(value, lambda each: inspect.isroutine(each) or isinstance(each, property))
    ours = [(name, member) for name, member in members if not name.startswith("_")]
    home = value.__module__.partition(".")[0]
    return [
        name
        for name, member in ours
        if str(getattr(getattr(member, "fget", member), "__module__", None)).partition(".")[0] == home
        and not inspect.getdoc(getattr(value, name))
    ]


@pytest.mark.parametrize("door", DOORS)
def test_every_public_method_says_what_it_does(door: str) -> None:
    module = importlib.import_module(door)
    classes = [getattr(module, name) for name in doors.public(module) if inspect.isclass(getattr(module, name))]
    assert {f"{each.__name__}.{name}" for each in classes for name in undocumented(each)} == set()


@pytest.mark.parametrize(
    ("written", "module", "place"),
    [
        ("sip.endpoint.endpoint.Endpoint", None, "sip.Endpoint"),
        ("Endpoint", "sip", "sip.Endpoint"),
        ("Endpoint", "c3p", "c3p.Endpoint"),
        ("Endpoint.invite", "sip", "sip.Endpoint.invite"),
        ("accept", "sip", None),
        ("sip.Endpoint.no_such_method", None, None),
        ("SipTransport", "focus", "sip.aio.SipTransport"),
    ],
)
def test_a_reference_leads_to_the_door(written: str, module: str | None, place: str | None) -> None:
    assert doors.place_of(written, module, None) == place


def test_of_a_bound_field_the_page_shows_the_type() -> None:
    assert doors.first_argument("dict[str, int] | None, Child(CI, 'a', of=[1, 2])]") == "dict[str, int] | None"


#: Pages whose code is read on narrow screens; a prompt has four characters more.
NARROW: Final = ("howto", "tutorial", "topics")


def test_code_of_the_pages_is_narrow() -> None:
    pages = [page for folder in NARROW for page in sorted((DOCS / folder).glob("*.rst"))]
    assert len(pages) > 10
    code = re.compile(r"^(>>> |\.\.\. |    )")
    wide = [line for page in pages for line in page.read_text().splitlines() if code.match(line) and len(line) > 92]
    assert wide == []


def test_what_python_calls_an_alias_stands_for_none_of_ours() -> None:
    """``focus.Decision`` and ``mcu.Decision`` are both a ``types.UnionType``, and not the same for that."""
    assert {way.partition(".")[0] for way in doors.places()} <= {door.partition(".")[0] for door in DOORS}
