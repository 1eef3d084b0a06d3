"""Parameters behind a value: ``;name=value;flag`` (RFC 3261 ``generic-param``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar, Self, TypeVar, overload

from sip.errors import LocalProtocolError, MalformedHeader
from sip.syntax.grammar import (
    QUOTED,
    TOKEN_CHARS,
    VALUE_CHARS,
    Report,
    assume,
    is_quoted,
    is_token,
    quote,
    tolerate,
    unquote,
)

# RFC 3261 section 25.1, behind a SEMI:
#   generic-param  =  token [ EQUAL gen-value ]
#   gen-value      =  token / host / quoted-string
#   SEMI           =  SWS ";" SWS
#   EQUAL          =  SWS "=" SWS
_PARAM = re.compile(rf"[ \t]*+;[ \t]*+([^\s;,=\"]*+)[ \t]*+(?:=[ \t]*+({QUOTED}|[^\s;,\"]*+))?+[ \t]*+", re.DOTALL)
_VALUE = re.compile(rf"[{VALUE_CHARS}]++")
#: Names and values of what matched COMMON, or that of URIs, whose names may have more characters; no value is empty, a
#: flag has an empty one.
_common_pairs = re.compile(r';([^;=]++)(?:=("[^"]*+"|[^;]++))?+').findall
#: Parameters as nearly everybody writes them: no blanks, no escapes, all in the grammar.
COMMON = rf'(?:;[{TOKEN_CHARS}]++(?:=(?:[{VALUE_CHARS}]++|"[^"\\\r\n]*+"))?+)*+'

T = TypeVar("T")
_new = object.__new__


class Params(Mapping[str, str | None]):
    """Ordered parameters; names compare without case, values are shown without their quotes.

    A flag has the value None. Built from a mapping, values that are not tokens are quoted; a value that is
    already one well-formed quoted-string is taken as it is. Parameters that nobody touched keep their spelling.
    """

    __slots__ = ("_raw", "_text", "_values")

    _common: ClassVar[re.Pattern[str]] = re.compile(COMMON)  # what `parse_common` reads
    _raw: tuple[tuple[str, str | None], ...] | None  # None: only the text is kept so far
    _text: str | None
    _values: dict[str, str | None]

    def __init__(self, values: Mapping[str, str | None] | Params = {}) -> None:  # noqa: B006 (never written)
        if isinstance(values, Params):
            raw = values._pairs()
        else:
            raw = tuple((self._name(name), self._encode(value)) for name, value in values.items())
        self._fill(raw)

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read ``;a=b;c``; raises MalformedHeader."""
        if (report is assume or report is tolerate) and cls._common.fullmatch(text):
            return cls.parse_common(text)
        raw: list[tuple[str, str | None]] = []
        position, end = 0, len(text)
        while position < end:
            match = _PARAM.match(text, position)
            if match is None:
                raise MalformedHeader("parameters", text)
            name, value = match.groups()
            position = match.end()
            if name:
                raw.append((name, cls._checked(name, value, report)))
            elif value is not None:
                raise MalformedHeader("parameters", text, "a value without a name")
            else:
                report("empty parameter")
        made = cls._of(tuple(raw))
        if len(made._values) != len(raw):
            report("a parameter is given twice")
        return made

    @classmethod
    def parse_common(cls, text: str) -> Self:
        """Read what matched COMMON."""
        made = _new(cls)
        made._text, made._raw = text, None
        made._values = values = {}
        if text:
            for name, value in _common_pairs(text):
                name = name.lower()
                if name not in values:
                    values[name] = None if not value else value if value[0] != '"' else value[1:-1]
        return made

    @classmethod
    def _of(cls, raw: tuple[tuple[str, str | None], ...]) -> Self:
        made = cls.__new__(cls)
        made._fill(raw)
        return made

    def _fill(self, raw: tuple[tuple[str, str | None], ...]) -> None:
        self._raw, self._text = raw, None
        values: dict[str, str | None] = {}
        for name, value in raw:
            values.setdefault(self._decode_name(name), None if value is None else self._decode(value))
        self._values = values

    def _pairs(self) -> tuple[tuple[str, str | None], ...]:
        """Names and values as they are on the wire."""
        if self._raw is None:
            self._raw = tuple([(name, value or None) for name, value in _common_pairs(self._text or "")])
        return self._raw

    @staticmethod
    def _checked(name: str, value: str | None, report: Report) -> str | None:
        if not is_token(name):
            report("a parameter name is not a token")
        if value is not None and value[:1] != '"' and not _VALUE.fullmatch(value):
            report("a parameter value is neither token, host nor quoted")
        return value

    @staticmethod
    def _name(name: str) -> str:
        if not is_token(name):
            raise LocalProtocolError(f"not a parameter name: {name!r}")
        return name

    @staticmethod
    def _encode(value: str | None) -> str | None:
        if value is None or _VALUE.fullmatch(value):
            return value
        if is_quoted(value):
            return value
        return quote(value)

    @staticmethod
    def _decode_name(name: str) -> str:
        return name.lower()

    @staticmethod
    def _decode(value: str) -> str:
        return unquote(value)

    def __getitem__(self, name: str) -> str | None:
        return self._values[name.lower()]

    @overload
    def get(self, key: str, /) -> str | None: ...
    @overload
    def get(self, key: str, default: str | None, /) -> str | None: ...
    @overload
    def get(self, key: str, default: T, /) -> str | T | None: ...
    def get(self, key: str, default: object = None, /) -> object:
        """Value of a parameter; None for a flag."""
        return self._values.get(key.lower(), default)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def with_(self, changes: Mapping[str, str | None]) -> Self:
        """The same with some parameters set; known ones keep their place."""
        wanted = {name.lower(): (self._name(name), self._encode(value)) for name, value in changes.items()}
        pairs = self._pairs()
        if not self._values.keys().isdisjoint(wanted):
            pairs = tuple([wanted.pop(name.lower(), (name, value)) for name, value in pairs])
        return self._of((*pairs, *wanted.values()))

    def without(self, *names: str) -> Self:
        """The same without the named parameters."""
        gone = {name.lower() for name in names}
        return self._of(tuple(item for item in self._pairs() if item[0].lower() not in gone))

    def __str__(self) -> str:
        if self._text is None:
            self._text = "".join([f";{name}" if value is None else f";{name}={value}" for name, value in self._pairs()])
        return self._text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._values!r})"

    def __eq__(self, other: object) -> bool:
        return self._values == other._values if isinstance(other, Params) else NotImplemented

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))


def parse_q(text: str | None) -> float:
    """A ``qvalue``, 0.0 to 1.0 (RFC 3261 section 25.1); 1.0 when it is missing or makes no sense."""
    if not text or len(text) > 8 or not text.replace(".", "", 1).isdecimal() or not text.isascii():
        return 1.0
    return min(float(text), 1.0)
