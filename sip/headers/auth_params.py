"""``scheme name=value, name="value"``: the form that challenges and credentials share (RFC 3261 section 25.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sip.errors import LocalProtocolError, MalformedHeader
from sip.syntax.grammar import CONTROLS, QUOTED, TOKEN_CHARS, Report, is_quoted, is_token, quote, unquote

# RFC 3261 section 25.1, for challenge and credentials alike; what stands for Digest there is of the same form:
#   other-challenge  =  auth-scheme LWS auth-param *(COMMA auth-param)
#   other-response   =  auth-scheme LWS auth-param *(COMMA auth-param)
#   auth-scheme      =  token
#   auth-param       =  auth-param-name EQUAL ( token / quoted-string )
#   auth-param-name  =  token
# RFC 7235 section 2.1 lets a scheme have this in place of parameters:
#   token68          =  1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
#: One parameter with the comma before it. Bare values may hold what base64 and URIs need, and the blanks of a realm:
#: peers leave quotes out.
_PARAM = re.compile(
    rf"[ \t]*+(?:,[ \t]*+)*+([{TOKEN_CHARS}]++)[ \t]*+=[ \t]*+"
    rf'({QUOTED}|[^\s,"]*+(?:[ \t]++[^\s,"=]++(?=[\s,]|\Z))*+)[ \t]*+(?=,|\Z)',
    re.DOTALL,
)
_SCHEME = re.compile(rf"[ \t]*+([{TOKEN_CHARS}]++)(?:[ \t]++|\Z)")
_BARE = re.compile(rf"[{TOKEN_CHARS}]++")
#: ``token68`` of RFC 7235 section 2.1 and what peers take for it.
TOKEN68 = re.compile(rf'[^\s{CONTROLS}",]*+')
_REST = re.compile(r"[ \t,]*+")
#: What stands between commas; what is left open runs to the end.
_ITEM = re.compile(r'(?:[^",]++|"(?:[^"\\]++|\\.)*+"?+)++', re.DOTALL)
#: The first parameter of a challenge with its scheme before it; or a scheme alone.
_WITH_SCHEME = re.compile(rf"[ \t]*+[{TOKEN_CHARS}]++[ \t]++[^\s=]", re.DOTALL)
_SCHEME_ALONE = re.compile(rf"[ \t]*+[{TOKEN_CHARS}]++[ \t]*+")


class AuthParams(Mapping[str, str]):
    """Ordered parameters; names compare without case, values are shown without quotes but printed as they came."""

    __slots__ = ("_raw", "_values")

    def __init__(self, values: Mapping[str, str] = {}) -> None:
        """Build from a mapping. A value that is not a token is quoted, unless it is one quoted-string already.

        Raises LocalProtocolError for a name that is no token.
        """
        raw = []
        for name, value in values.items():
            if not is_token(name):
                raise LocalProtocolError(f"not a parameter: {name!r}")
            raw.append((name, value if is_token(value) or is_quoted(value) else quote(value)))
        self._fill(raw)

    @classmethod
    def _of(cls, raw: list[tuple[str, str]]) -> AuthParams:
        made = cls.__new__(cls)
        made._fill(raw)
        return made

    def _fill(self, raw: list[tuple[str, str]]) -> None:
        self._raw = tuple(raw)
        self._values: dict[str, str] = {}
        for name, value in raw:
            self._values.setdefault(name.lower(), unquote(value))

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return self._values == other._values if isinstance(other, AuthParams) else NotImplemented

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __str__(self) -> str:
        return ", ".join([f"{name}={value}" for name, value in self._raw])

    def __repr__(self) -> str:
        # Names only: values may be credentials.
        return f"AuthParams({', '.join(self._values)})"


def read_auth(what: str, text: str, report: Report) -> tuple[str, str, AuthParams]:
    """Scheme, token68 (or nothing) and parameters of one header line; raises MalformedHeader without the value."""
    match = _SCHEME.match(text)
    if match is None:
        raise MalformedHeader(what, "***")
    rest = text[match.end() :]
    token68 = rest.strip(" \t")
    if token68 and "," not in token68 and not _PARAM.match(rest):
        if not TOKEN68.fullmatch(token68):
            raise MalformedHeader(what, "***")
        return match[1], token68, AuthParams()
    return match[1], "", read_params(what, rest, report)


def split_auth(text: str) -> list[str]:
    """Each challenge, or each set of credentials, of one header line.

    RFC 3261 section 20 gives each a line of its own; HTTP does not, and neither do servers that were made from it.
    """
    if "," not in text:
        return [text]
    found: list[list[str]] = []
    for item in reversed(_ITEM.findall(text)):
        # Backwards, because a word alone is a scheme only where a scheme, or nothing, follows.
        if not found or found[-1][0]:
            found.append(["", item])
        else:
            found[-1].append(item)
        alone = len(found[-1]) == 2 and _SCHEME_ALONE.fullmatch(item)
        if alone or _WITH_SCHEME.match(item):
            found[-1][0] = "scheme"
    values = [",".join(reversed(items)).strip(" \t") for _, *items in reversed(found)]
    if found and not found[-1][0]:
        return [text]  # it begins with none
    return values


def read_params(what: str, text: str, report: Report) -> AuthParams:
    """A comma list of parameters; raises MalformedHeader without the value."""
    raw: list[tuple[str, str]] = []
    position = 0
    while (match := _PARAM.match(text, position)) is not None:
        name, value = match.groups()
        if value[:1] != '"' and not _BARE.fullmatch(value):
            report("a parameter that should be quoted")
        raw.append((name, value))
        position = match.end()
    if _REST.fullmatch(text, position) is None:
        raise MalformedHeader(what, "***")
    made = AuthParams._of(raw)
    if len(made) != len(raw):
        report("a parameter is given twice")
    return made
