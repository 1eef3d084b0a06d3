"""Changes to the header lines of a message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sip.errors import LocalProtocolError
from sip.header_names import key_of
from sip.headers import Field, checked_field

__all__ = ["Changes", "framed"]


class Changes:
    """What one `evolve` asks for, checked before anything is made. Raises LocalProtocolError."""

    __slots__ = ("_add", "_prepend", "_removed", "_set", "body", "touched")

    def __init__(
        self,
        body: bytes | None,
        to_set: Mapping[str, object],
        add: Iterable[tuple[str, object]],
        prepend: Iterable[tuple[str, object]],
        remove: Iterable[str],
    ) -> None:
        if isinstance(remove, str):
            raise LocalProtocolError("remove takes several names")
        self.body = None if body is None else bytes(body)
        self._set = {key_of(name): _lines(name, value) for name, value in to_set.items()}
        self._add = [checked_field(name, value) for name, value in add]
        self._prepend = [checked_field(name, value) for name, value in prepend]
        self._removed = {key_of(name) for name in remove}
        named = [key_of(name) for name, _ in (*self._add, *self._prepend)]
        self.touched = frozenset((*self._removed, *self._set, *named))

    def applied(self, fields: list[Field]) -> list[Field]:
        """The header lines after the changes: first removed, then set, then prepended and added."""
        if self._removed:
            fields = [field for field in fields if key_of(field[0]) not in self._removed]
        for key, lines in self._set.items():
            fields = _replaced(fields, key, lines)
        for field in self._prepend:
            fields.insert(_place(fields, key_of(field[0])), field)
        return fields + self._add


def framed(fields: list[Field], body: bytes) -> list[Field]:
    """Header lines with exactly one Content-Length, which is right, at the end."""
    kept = [field for field in fields if key_of(field[0]) != "content-length"]
    kept.append(("Content-Length", str(len(body))))
    return kept


def _lines(name: str, value: object) -> list[Field]:
    if value is None:
        return []
    if isinstance(value, list | tuple):
        return [checked_field(name, item) for item in value]
    return [checked_field(name, value)]


def _replaced(fields: list[Field], key: str, lines: list[Field]) -> list[Field]:
    """Lines of one header replaced where the first of them stood, or appended."""
    kept: list[Field] = []
    place: int | None = None
    for field in fields:
        if key_of(field[0]) == key:
            place = len(kept) if place is None else place
        else:
            kept.append(field)
    at = len(kept) if place is None else place
    return kept[:at] + lines + kept[at:]


def _place(fields: list[Field], key: str) -> int:
    """Where a line goes to stand before the others of its name; a new one goes behind the Vias."""
    behind_vias = 0
    for index, (name, _) in enumerate(fields):
        found = key_of(name)
        if found == key:
            return index
        if found == "via":
            behind_vias = index + 1
    return behind_vias
