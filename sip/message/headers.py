"""The header fields of one message as they came: an ordered multimap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import overload

from sip.errors import LocalProtocolError
from sip.headers.names import COMPACT, KEYS, key_of
from sip.syntax.grammar import BREAK, is_token

Field = tuple[str, str]


class Headers:
    """Header lines in wire order. Immutable.

    Names compare without case and compact forms stand for the full name. Values are text: unfolded, trimmed, octets
    that are not UTF-8 kept as surrogate escapes, so that they leave as they came.
    """

    __slots__ = ("_fields", "_index")

    def __init__(self, fields: Iterable[Field] = ()) -> None:
        """Build from name and value pairs; raises LocalProtocolError for what is not one header line."""
        self._fields = checked_fields(fields)
        self._index: dict[str, tuple[str, ...]] | None = None

    @classmethod
    def _of(cls, fields: list[Field]) -> Headers:
        made = cls.__new__(cls)
        made._fields, made._index = fields, None
        return made

    @property
    def by_key(self) -> Mapping[str, tuple[str, ...]]:
        """Values by key (full name in lower case), in wire order."""
        index = self._index
        if index is None:
            index = self._index = index_of(self._fields)
        return index

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    @overload
    def get(self, name: str, default: None) -> str | None: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """First value of that header."""
        values = (self._index or self.by_key).get(KEYS.get(name) or name.lower())
        return values[0] if values else default

    def get_all(self, name: str) -> tuple[str, ...]:
        """The value of each line of that header."""
        return (self._index or self.by_key).get(KEYS.get(name) or name.lower(), ())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (KEYS.get(name) or name.lower()) in (self._index or self.by_key)

    def __iter__(self) -> Iterator[Field]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        return self._keyed() == other._keyed() if isinstance(other, Headers) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self._keyed()))

    def _keyed(self) -> list[Field]:
        return [(key_of(name), value) for name, value in self._fields]

    def __repr__(self) -> str:
        # Names only: values may be credentials.
        return f"<Headers {', '.join(name for name, _ in self._fields)}>"


def index_of(fields: list[Field]) -> dict[str, tuple[str, ...]]:
    """Values by key."""
    index: dict[str, tuple[str, ...]] = {}
    for name, value in fields:
        index[KEYS.get(name) or name.lower()] = (value,)
    return index if len(index) == len(fields) else _index_of_repeated(fields)


def _index_of_repeated(fields: Iterable[Field]) -> dict[str, tuple[str, ...]]:
    """The same when some header has several lines."""
    index: dict[str, tuple[str, ...]] = {}
    repeated: dict[str, list[str]] = {}
    for name, value in fields:
        key = KEYS.get(name) or name.lower()
        if key not in index:
            index[key] = (value,)
        elif key in repeated:
            repeated[key].append(value)
        else:
            repeated[key] = [index[key][0], value]
    for key, values in repeated.items():
        index[key] = tuple(values)
    return index


def checked_field(name: str, value: object) -> Field:
    """One header line from its parts, with the name in full. Raises LocalProtocolError: nothing else can get in."""
    if name not in KEYS and not is_token(name):
        raise LocalProtocolError(f"not a header name: {name!r}")
    text = str(value).strip(" \t")
    if not (text.isascii() and text.isprintable()):  # hardly ever
        checked_text(name, text)
    return COMPACT.get(name, name), text


def checked_fields(fields: Iterable[tuple[str, object]]) -> list[Field]:
    """Several header lines. Raises LocalProtocolError."""
    if isinstance(fields, dict | str | bytes) and fields:  # whose letters would be taken for names and values
        raise LocalProtocolError(f"headers must be pairs, such as [('Subject', 'lunch')], not {fields!r}")
    return [checked_field(name, value) for name, value in fields]


def checked_text(what: str, text: str) -> str:
    """Text that fits into one line of a message. Raises LocalProtocolError."""
    if text.isascii() and text.isprintable():
        return text  # nearly always
    if BREAK.search(text):
        raise LocalProtocolError(f"{what} does not fit on one line")
    if not text.isascii():
        try:
            text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise LocalProtocolError(f"{what} cannot be written as UTF-8") from None
    return text
