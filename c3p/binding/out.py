"""A document while it is written."""

from __future__ import annotations


class Out(list[str]):
    """Pieces of text in order, and the prefixes that they use: those are declared on the root."""

    __slots__ = ("prefixes",)

    prefixes: set[str]
