"""Typed values of header fields: parsed when they are first asked for, and kept; and what is done about the illegible.

A value that does not follow its grammar raises where it is read, until somebody says that it is to count as absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from sip.errors import MalformedHeader, RemoteProtocolError, SipError
from sip.headers.auth_params import split_auth
from sip.headers.names import Shape, canonical_name, key_of, shape_of
from sip.headers.table import PARSERS, Parser
from sip.message.defects import Defect
from sip.message.headers import Headers
from sip.syntax.grammar import Report, split_addresses, split_list

NONE: Final[frozenset[str]] = frozenset()
_ONE_A_LINE: Final = frozenset(("authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate"))
_SECRET: Final = frozenset(("authorization", "proxy-authorization"))


class HeaderValues:
    """Header lines as they came, and what they say."""

    __slots__ = ("_cache", "_defects", "_report", "_strict", "_unread", "headers")

    headers: Headers  #: header lines in wire order
    _strict: bool
    _report: Report  # for the first reading of a value
    _defects: list[Defect]
    _cache: dict[str, Any]
    _unread: frozenset[str] | None  # keys of what counts as absent because nobody can read it; None: reading it raises

    def header(self, name: str) -> object | None:
        """Typed value of a header: a tuple for list headers, else the first value or None.

        Raises MalformedHeader, but not for a message that an endpoint received: see `ignore_unreadable`.
        """
        key = key_of(name)
        shape = shape_of(key)
        if shape is Shape.LIST or (shape is Shape.LINES and key in PARSERS):
            values: tuple[object, ...] = self._list(key)
            return values
        value: object | None = self._single(key)
        return value

    def _single(self, key: str) -> Any:
        cache = self._cache
        if key in cache:
            return cache[key]
        values = (self.headers._index or self.headers.by_key).get(key)
        if values is None:
            return None
        parser = PARSERS.get(key)
        if len(values) > 1 and self._unread is not None and shape_of(key) is Shape.SINGLE:
            self._unread |= {key}  # check() has noted that there are several
            value = None
        else:
            try:
                value = values[0] if parser is None else parser(values[0], self._report)  # as in `_parsed`
            except SipError:
                assert parser is not None
                value = self._with_care_or_absent(parser, key, values[0])
        cache[key] = value
        return value

    def _with_care_or_absent(self, parser: Parser, key: str, text: str) -> Any:
        try:
            return self._parsed_with_care(parser, key, text)
        except SipError:
            if self._unread is None:
                raise
            self._note_unread(key)
            return None

    def _note_unread(self, key: str) -> None:
        self._unread = (self._unread or NONE) | {key}
        self._defects.append(Defect(canonical_name(key), "cannot be read"))

    def _required(self, key: str) -> Any:
        value = self._single(key)
        if value is None:
            raise RemoteProtocolError(f"no {canonical_name(key)} header")
        return value

    def _list(self, key: str) -> Any:
        cache = self._cache
        if key in cache:
            return cache[key]
        lines = (self.headers._index or self.headers.by_key).get(key)
        if lines is None:
            return ()
        parser = PARSERS[key]
        value: tuple[Any, ...]
        try:
            if len(lines) == 1 and "," not in lines[0] and lines[0]:
                try:
                    value = (parser(lines[0], self._report),)
                except SipError:
                    value = (self._parsed_with_care(parser, key, lines[0]),)
            else:
                value = tuple([self._parsed(parser, key, item) for item in self._items(key, lines)])
        except MalformedHeader:
            found = self._addresses(parser, key, lines)
            if found is None:
                if self._unread is None:
                    raise
                found = self._legible(parser, key, lines)
            value = found
        cache[key] = value
        return value

    def _addresses(self, parser: Parser, key: str, lines: tuple[str, ...]) -> tuple[Any, ...] | None:
        """The items of a list of addresses with odd quotes in their names; None when it is none, or still illegible."""
        if self._strict or shape_of(key) is not Shape.LIST or not any('"' in line and "," in line for line in lines):
            return None
        known = len(self._defects)
        try:
            return tuple([self._parsed(parser, key, item) for line in lines for item in split_addresses(line)])
        except SipError:
            del self._defects[known:]
            return None

    def _legible(self, parser: Parser, key: str, lines: tuple[str, ...]) -> tuple[Any, ...]:
        """Those items of a list that can be read."""
        self._note_unread(key)
        values = []
        for item in self._items(key, lines):
            with suppress(SipError):
                values.append(self._parsed(parser, key, item))
        return tuple(values)

    def _items(self, key: str, lines: tuple[str, ...]) -> Sequence[str]:
        if shape_of(key) is not Shape.LIST:
            return self._credentials(key, lines) if key in _ONE_A_LINE else lines
        items: list[str] = []
        for line in lines:
            listed = split_list(line)
            items += listed
        return items

    def _credentials(self, key: str, lines: tuple[str, ...]) -> Sequence[str]:
        """Challenges or credentials one by one, where a line has several."""
        items = [item for line in lines for item in split_auth(line)]
        if len(items) != len(lines):
            if self._strict:
                raise MalformedHeader(canonical_name(key), "***", "several in one line")
            self._defects.append(Defect(canonical_name(key), "several in one line"))
        return items

    def _parsed(self, parser: Parser, key: str, text: str) -> Any:
        try:
            # Nearly every value keeps to the grammar, so the quick reading comes first.
            return parser(text, self._report)
        except SipError:
            return self._parsed_with_care(parser, key, text)

    def _parsed_with_care(self, parser: Parser, key: str, text: str) -> Any:
        name, shown = canonical_name(key), "***" if key in _SECRET else text
        found: dict[str, None] = {}

        def report(what: str) -> None:
            if self._strict:
                raise MalformedHeader(name, shown, what)
            found[what] = None

        try:
            value = parser(text, report)
        except SipError as error:
            raise MalformedHeader(name, shown) from (None if key in _SECRET else error)
        self._defects += [Defect(name, what) for what in found]
        return value

    def ignore_unreadable(self) -> None:
        """From now on a value that nobody can read is absent, and a defect; in a list only the item is.

        An endpoint does this to whatever it received and checked, so that reading what a peer sent never raises:
        what must be readable was read before (`sip.core.acted_on`). `unreadable` tells what was left out.
        """
        if self._unread is None:
            self._unread = NONE

    def unreadable(self, name: str) -> bool:
        """Whether a header, or an item of it, is there but cannot be read, or comes more often than it may."""
        key = key_of(name)
        if key not in self.headers.by_key:
            return False
        if self._unread is not None:
            self.header(key)
            return key in self._unread
        try:
            self.header(key)
        except MalformedHeader:
            return True
        return len(self.headers.by_key[key]) > 1 and shape_of(key) is Shape.SINGLE

    @property
    def defects(self) -> tuple[Defect, ...]:
        """Deviations that were tolerated so far: in framing at once, in a value when it is first read.

        After ``check(all=True)`` it is complete.
        """
        return tuple(dict.fromkeys(self._defects))
