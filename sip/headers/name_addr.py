"""``name-addr`` and ``addr-spec`` with header parameters: From, To (RFC 3261 sections 20.20 and 20.39) and their like.

Contact and Route, which are made of them, have modules of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Self

from sip.errors import LocalProtocolError, MalformedHeader
from sip.syntax.grammar import QUOTED, TOKEN_CHARS, Report, assume, quote, split_addresses, tolerate, unquote
from sip.syntax.params import COMMON as COMMON_PARAMS
from sip.syntax.params import Params, parse_q
from sip.syntax.tokens import parse_delta_seconds
from sip.syntax.uri import Uri
from sip.syntax.uri_parts import COMMON as COMMON_URI

# RFC 3261 section 25.1:
#   from-spec     =  ( name-addr / addr-spec ) *( SEMI from-param )
#   name-addr     =  [ display-name ] LAQUOT addr-spec RAQUOT
#   addr-spec     =  SIP-URI / SIPS-URI / absoluteURI
#   display-name  =  *(token LWS)/ quoted-string
# Section 20: a URI with a comma, question mark or semicolon has to be in brackets; behind one without brackets come
# parameters of the header.
#: A name-addr as nearly everybody writes it. Groups: quoted name, plain name, the six of the URI, the parameters.
_COMMON = re.compile(
    rf'(?:"([^"\\\r\n]*+)"[ \t]*+|([{TOKEN_CHARS}][{TOKEN_CHARS} \t]*+)?+)<{COMMON_URI}>({COMMON_PARAMS})'
)
_NAME = re.compile(rf'[ \t]*+({QUOTED}|[^<"\r\n]*+)[ \t]*+<')
_TOKENS = re.compile(rf"[{TOKEN_CHARS} \t]*+")
_BARE = re.compile(r"[ \t]*+([A-Za-z][A-Za-z0-9+.\-]*+:[^\s;,?<>\"]++)[ \t]*+((?:;.*+)?)", re.DOTALL)
_BRACKETED: Final = re.compile(r"[ \t]*+[A-Za-z][A-Za-z0-9+.\-]*+:[^<>]*+(?=>)")
#: Opening brackets that are looked at when quotes do not tell which one is that of the URI.
_MOST_BRACKETS: Final = 8
_BARE_AFTER_NAME: Final = re.compile(
    rf"[ \t]*+({QUOTED}|[^<>\"\s:,;]++)[ \t]++([A-Za-z][A-Za-z0-9+.\-]*+:[^\s;,?<>\"]++)((?:;.*+)?)", re.DOTALL
)


_new = object.__new__


class NameAddr:
    """An address with an optional display name and header parameters. Immutable and hashable.

    ``==`` is structural: display name, URI and parameters. A parsed value prints exactly as it was written.
    """

    __slots__ = ("_match", "_name", "_params", "_text", "_uri")

    _match: re.Match[str] | None  # of the common form; the parts are taken from it when they are asked for
    _name: str | None
    _uri: Uri | None
    _params: Params | None
    _text: str | None

    def __init__(
        self,
        uri: Uri | str,
        display_name: str | None = None,
        params: Mapping[str, str | None] = {},
    ) -> None:
        """Build one; raises LocalProtocolError for what cannot be written."""
        self._uri = Uri.parse(uri) if isinstance(uri, str) else uri
        if display_name is not None and any(character in display_name for character in "\r\n"):
            raise LocalProtocolError("a display name is one line")
        self._name, self._params, self._text, self._match = display_name, Params(params), None, None

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        match = _COMMON.fullmatch(text)
        if match is not None and (report is assume or report is tolerate):
            made = _new(cls)
            made._match, made._text = match, text
            made._uri = made._params = None
            return made
        return cls._parse_slowly(text, report)

    @classmethod
    def _parse_slowly(cls, text: str, report: Report) -> Self:
        made = cls.__new__(cls)
        made._text, made._match = text, None
        match = _NAME.match(text)
        if match is not None:
            close = text.find(">", match.end())
            if close < 0:
                raise MalformedHeader("address", text, "no closing bracket")
            made._name = _display_name(match[1], report)
            made._uri = Uri.parse(text[match.end() : close], report)
            made._params = Params.parse(text[close + 1 :].strip(" \t"), report)
            return made
        bare = _BARE.fullmatch(text)
        if bare is not None:
            made._name, (address, params) = None, bare.groups()
        elif (after := _BARE_AFTER_NAME.fullmatch(text)) is not None:
            report("a display name before an address without angle brackets")
            name, address, params = after.groups()
            made._name = unquote(name)
        else:
            made._name, address, params = _quoted_within(text)
            report("quotes within a display name")
        made._uri, made._params = Uri.parse(address, report), Params.parse(params, report)
        return made

    @property
    def display_name(self) -> str | None:
        """Display name without its quotes; None when there is none."""
        if self._match is None:
            return self._name
        quoted, plain = self._match.group(1, 2)
        return quoted if plain is None else plain.rstrip(" \t")

    @property
    def uri(self) -> Uri:
        """The address."""
        if self._uri is None:
            assert self._match is not None
            match = self._match
            self._uri = Uri._from_groups(match.group(3, 4, 5, 6, 7, 8), match.string[match.start(3) : match.end(8)])
        return self._uri

    @property
    def params(self) -> Params:
        """Header parameters (outside the angle brackets)."""
        if self._params is None:
            assert self._match is not None
            self._params = Params.parse_common(self._match[9])
        return self._params

    @property
    def tag(self) -> str | None:
        """The ``tag`` parameter."""
        if self._params is None and self._match is not None:
            text = self._match[9]
            if not text:
                return None
            if text[:5] == ";tag=" and text[5] != '"' and ";" not in text[5:]:
                return text[5:]  # nearly always the only parameter
        return self.params.get("tag")

    @property
    def q(self) -> float:
        """Preference among contacts, 0.0 to 1.0; 1.0 when not said."""
        return parse_q(self.params.get("q"))

    @property
    def expires(self) -> int | None:
        """Seconds for which a contact is to be bound (RFC 3261 section 10.2.1.1); None when not said or no number."""
        value = self.params.get("expires")
        try:
            return None if value is None else parse_delta_seconds(value)
        except MalformedHeader:
            return None

    def with_params(self, changes: Mapping[str, str | None] = {}, /, **more: str | None) -> Self:
        """The same with some header parameters set; None makes a flag."""
        return self._changed(self.params.with_({**changes, **more}))

    def without_params(self, *names: str) -> Self:
        """The same without the named header parameters; with no name, without any."""
        return self._changed(self.params.without(*(names or self.params)))

    def with_tag(self, tag: str) -> Self:
        """The same with this tag."""
        return self._changed(self.params.with_({"tag": tag}))

    def _changed(self, params: Params) -> Self:
        made = _new(type(self))
        made._match, made._uri, made._params, made._text = self._match, self._uri, params, None
        if self._match is None:
            made._name = self._name
        return made

    def __str__(self) -> str:
        if self._text is None:
            if self._match is None:
                name = "" if self._name is None else f"{quote(self._name)} "
                self._text = f"{name}<{self._uri}>{self._params}"
            else:
                self._text = f"{self._match.string[: self._match.start(9)]}{self._params}"
        return self._text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NameAddr):
            return NotImplemented
        return (self.display_name or "", self.uri, self.params) == (other.display_name or "", other.uri, other.params)

    def __hash__(self) -> int:
        return hash((self.display_name or "", self.uri, self.params))

    def __repr__(self) -> str:
        return f"NameAddr({self.uri!r}, {self.display_name!r}, {dict(self.params)!r})"


def _display_name(text: str, report: Report) -> str | None:
    if text[:1] == '"':
        return unquote(text)
    name = text.strip(" \t")
    if not _TOKENS.fullmatch(name):
        report("a display name that should be quoted")
    return name or None


def _quoted_within(text: str) -> tuple[str, str, str]:
    """Name, URI and parameters where the name has quotes in it that are not escaped; raises MalformedHeader.

    The URI is in the last brackets that hold one and have nothing but parameters behind them. A quote that nobody
    closes is refused: it may hide anything (RFC 4475 section 3.1.2.6). So is a name in which another address of a list
    may have ended, for whoever reads the list to take apart.
    """
    start = len(text)
    for _ in range(_MOST_BRACKETS):
        start = text.rfind("<", 0, start)
        if start < 0:
            break
        match = _BRACKETED.match(text, start + 1)
        if match is None:
            continue
        name, params = text[:start].strip(" \t"), text[match.end() + 1 :].strip(" \t")
        if params[:1] not in ("", ";") or params.count('"') % 2 or not _may_be_name(name):
            continue
        inner = name[1:-1] if name[:1] == '"' == name[-1:] and len(name) > 1 else name
        return inner, match[0].strip(" \t"), params
    raise MalformedHeader("address", text)


def _may_be_name(name: str) -> bool:
    """Whether quotes that are not escaped leave no doubt that all of it is before the address."""
    quotes = name.count('"')
    if quotes % 2 and not (quotes > 2 and name[-1] == '"'):
        return False  # of an odd number the last one must end the name
    return "<" not in _outside_quotes(name) and len(split_addresses(name)) == 1


def _outside_quotes(name: str) -> str:
    """What stands outside of the outermost quotes of a name."""
    first, last = name.find('"'), name.rfind('"')
    return name if first < 0 else name[:first] + name[last + 1 :]
