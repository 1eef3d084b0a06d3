"""When everything is over, nothing is left."""

from __future__ import annotations

from collections.abc import Mapping

Sizes = Mapping[str, Mapping[str, int]]  #: how much of what each element keeps


def grown(before: Sizes, after: Sizes) -> list[str]:
    """Complain of whatever elements keep more of than they did before anything happened."""
    return [
        f"{element} has {number} {what} left, {before.get(element, {}).get(what, 0)} before"
        for element, kept in after.items()
        for what, number in kept.items()
        if number > before.get(element, {}).get(what, 0)
    ]
