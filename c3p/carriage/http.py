"""Heads and answers of HTTP as plain values, whatever library reads and writes them."""

from __future__ import annotations

from typing import Final

import attrs

from c3p.media_types import CCCP_TYPE

#: Names and values of HTTP fields in their order; a name may be there twice.
Fields = tuple[tuple[str, str], ...]

CONTENT_TYPE: Final = f"{CCCP_TYPE}; charset=utf-8"


@attrs.frozen(kw_only=True)
class HttpHead:
    """A request before its body."""

    method: str
    path: str  #: without query, as it was sent
    fields: Fields = ()


@attrs.frozen(kw_only=True)
class HttpAnswer:
    """What a server answers. ``Content-Length`` and ``Date`` are for the library to add."""

    status: int
    fields: Fields = ()
    body: bytes = b""


def field_value(fields: Fields, name: str) -> str | None:
    """Value of a field, None when it is missing or there twice.

    None of the fields that count here may be there twice, and two readers of such a message would take one each.
    """
    wanted = name.lower()
    values = [value for given, value in fields if given.lower() == wanted]
    return values[0].strip() if len(values) == 1 else None


def has_field(fields: Fields, name: str) -> bool:
    """Whether a field is there at all."""
    wanted = name.lower()
    return any(given.lower() == wanted for given, _ in fields)
