"""Changes to the header lines of a message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sip.errors import LocalProtocolError
from sip.headers.names import KEYS, key_of
from sip.message.headers import Field, checked_field, checked_fields


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
        self._set: dict[str, list[Field]] = {}
        for name, value in to_set.items():
            self._set[key_of(name)] = _lines(name, value)
        self._add = checked_fields(add) if add else []
        self._prepend = checked_fields(prepend) if prepend else []
        self._removed = set(map(key_of, remove))
        self.touched = {*self._removed, *self._set}
        for name, _ in (*self._add, *self._prepend):
            self.touched.add(key_of(name))

    def applied(self, fields: list[Field]) -> list[Field]:
        """The header lines after the changes: first removed, then set, then prepended and added."""
        keys = []
        for name, _ in fields:
            keys.append(KEYS.get(name) or name.lower())
        for key in self._removed:
            _cut(fields, keys, key)
        for key, lines in self._set.items():
            place = _cut(fields, keys, key)
            fields[place:place] = lines
            keys[place:place] = [key] * len(lines)
        for field in reversed(self._prepend):
            key = key_of(field[0])
            place = _place(keys, key)
            fields.insert(place, field)
            keys.insert(place, key)
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


def _cut(fields: list[Field], keys: list[str], key: str) -> int:
    """Take out all lines of one header; returns where the first of them stood, or the end."""
    count = keys.count(key)
    if count == 0:
        return len(keys)
    place = keys.index(key)
    if count == 1:
        del fields[place], keys[place]
    else:
        kept = [index for index, found in enumerate(keys) if found != key]
        fields[:] = [fields[index] for index in kept]
        keys[:] = [keys[index] for index in kept]
    return place


def _place(keys: list[str], key: str) -> int:
    """Where a line goes to stand before the others of its name; a new one goes behind the Vias."""
    if key in keys:
        return keys.index(key)
    return len(keys) - keys[::-1].index("via") if "via" in keys else 0
