"""The doors of the packages, and under which name what they have is documented. Needs no Sphinx."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, TypeVar

#: What is entered from outside, in the order in which a name that has several doors is looked for.
DOORS: Final = (
    *("sip", "c3p", "rtp", "focus", "mcu", "pyc3p"),
    *("sip.aio", "focus.aio", "c3p.aio", "rtp.aio", "mcu.aio", "sip.testing", "c3p.testing", "rtp.testing"),
    *("pyc3p.elements", "pyc3p.phone", "pyc3p.simnet", "pyc3p.simulate", "pyc3p.state", "pyc3p.testing"),
    "pyc3p.conform",
)


def public(module: Any) -> list[str]:
    """Return the public names of a door: those of its ``__all__``, or what it defines."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
    return [name for name in own if not name.startswith("_") and not isinstance(vars(module)[name], TypeVar)]


@cache
def places() -> dict[str, str]:
    """Return, for each way to write a public name, the name under which it is documented."""
    found: dict[str, str] = {}
    for door in DOORS:
        module = importlib.import_module(door)
        for name in public(module):
            value, full = getattr(module, name), f"{door}.{name}"
            found[full] = full
            home = getattr(value, "__module__", None) or ""
            if home.partition(".")[0] in DOORS:  # else it is Python's, as ``types`` for every union
                found.setdefault(f"{home}.{getattr(value, '__qualname__', name)}", full)
    return found


def written_ways(target: str, module: str | None, owner: str | None) -> Iterator[str]:
    """Yield what a reference may mean, the nearest first."""
    if owner:
        yield f"{module}.{owner}.{target}"
    if module:
        yield f"{module}.{target}"
        yield f"{module.partition('.')[0]}.{target}"
    yield target
    for door in DOORS:
        yield f"{door}.{target}"


def place_of(target: str, module: str | None, owner: str | None) -> str | None:
    """Return the documented name that a reference means, a member of a class included."""
    for way in written_ways(target, module, owner):
        if way in places():
            return places()[way]
        head, _, member = way.rpartition(".")
        if head in places():
            door, _, name = places()[head].rpartition(".")
            if hasattr(getattr(importlib.import_module(door), name), member) or member in getattr(
                getattr(importlib.import_module(door), name), "__annotations__", ()
            ):
                return f"{places()[head]}.{member}"
    return None


def first_argument(written: str) -> str:
    """Return what stands before the first comma that is in no bracket.

    >>> first_argument("dict[str, int] | None, Attribute('x')]")
    'dict[str, int] | None'
    """
    depth = 0
    for place, character in enumerate(written):
        depth += (character in "[(") - (character in "])")
        if character == "," and depth == 0:
            return written[:place]
    return written
