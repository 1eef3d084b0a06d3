"""Cut down what broke something: to the fewest inputs, and of these to the fewest octets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def fewest(items: Sequence[T], breaks: Callable[[Sequence[T]], bool]) -> list[T]:
    """The fewest of some items, in their order, that still break it: none can be left out any more.

    Pieces are left out, the largest first, as in delta debugging. ``breaks`` is asked about each try; ``items`` are
    known to break it. It is up to the caller to let ``breaks`` say False when no time is left.
    """
    kept = list(items)
    size = max(len(kept) // 2, 1)
    while kept:
        at, smaller = 0, False
        while at < len(kept):
            tried = kept[:at] + kept[at + size :]
            if len(tried) < len(kept) and breaks(tried):
                kept, smaller = tried, True
            else:
                at += size
        if size == 1 and not smaller:
            break
        size = max(size // 2, 1) if not smaller or size > 1 else 1
    return kept


def fewest_octets(inputs: Sequence[bytes], breaks: Callable[[Sequence[bytes]], bool]) -> list[bytes]:
    """The fewest inputs that break it, each with the fewest lines, and these with the fewest octets."""
    kept = fewest(inputs, breaks)
    for place in range(len(kept)):
        for cut in (_lines, _octets):
            parts = cut(kept[place])

            smaller: list[bytes] = fewest(parts, _in_place(kept, place, breaks))
            kept[place] = b"".join(smaller)
    return kept


def _in_place(
    inputs: Sequence[bytes], place: int, breaks: Callable[[Sequence[bytes]], bool]
) -> Callable[[Sequence[bytes]], bool]:
    """Whether it still breaks when one input is made of some parts alone."""
    before, after = list(inputs[:place]), list(inputs[place + 1 :])
    return lambda parts: breaks([*before, b"".join(parts), *after])


def _lines(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


def _octets(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]
