"""What a machine still holds: the tables below it that are not empty, found by looking at all of them.

For the end of a test in which everything is over: whatever is listed then has been left behind. Nobody has to name
the tables, so that the next one is found too::

    assert held(endpoint, but=("_proven",)) == {}
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterator
from typing import Final

import attrs

_PACKAGES: Final = frozenset(("sip", "c3p", "rtp", "focus", "mcu", "pyc3p"))
_TABLES: Final = (dict, set, list, deque)


def held(machine: object, *, but: Collection[str] = ()) -> dict[str, int]:
    """Return the number of things in each table below ``machine`` that has any, by the path of its attributes.

    Settings and other frozen values are not looked into, nor is what stands in a table; a ``Counter`` is no table.
    ``but`` names attributes, at any depth, that may hold something: caches, what is fixed from the start.
    """
    found: dict[str, int] = {}
    seen: set[int] = set()
    waiting: deque[tuple[str, object]] = deque([("", machine)])
    while waiting:
        path, each = waiting.popleft()
        if id(each) in seen:
            continue
        seen.add(id(each))
        for name, value in _attributes(each):
            if name in but or isinstance(value, Counter):
                continue
            below = f"{path}.{name}" if path else name
            if isinstance(value, _TABLES):
                if value:
                    found[below] = len(value)
            elif _is_ours(value):
                waiting.append((below, value))
    return dict(sorted(found.items()))


def _attributes(each: object) -> Iterator[tuple[str, object]]:
    names = {name: None for kind in type(each).__mro__ for name in getattr(kind, "__slots__", ()) if name[:2] != "__"}
    for name in [*getattr(each, "__dict__", ()), *names]:
        if hasattr(each, name):
            yield name, getattr(each, name)


def _is_ours(value: object) -> bool:
    kind = type(value)
    if kind.__module__.partition(".")[0] not in _PACKAGES:
        return False
    return not (attrs.has(kind) and _is_frozen(kind)) and not isinstance(value, type)


def _is_frozen(kind: type) -> bool:
    return "frozen" in kind.__setattr__.__name__
