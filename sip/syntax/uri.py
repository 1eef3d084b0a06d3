"""SIP, SIPS, tel and other absolute URIs (RFC 3261 sections 19.1 and 25.1, RFC 3966)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, Self

from sip.errors import LocalProtocolError, MalformedHeader
from sip.syntax.escaping import escape, normal, unescape
from sip.syntax.grammar import Report, assume, tolerate, unquote
from sip.syntax.params import Params
from sip.syntax.uri_parts import (
    ABSOLUTE,
    COMMON_PARAMS,
    COMMON_URI,
    COMMON_USER,
    FORBIDDEN,
    HEADER,
    PARAM,
    PASSWORD,
    SIP,
    TEL_NUMBER,
    TOLERABLE_HOST,
    checked_headers,
    checked_host,
    checked_port,
    checked_userinfo,
    local_host,
    split_user,
    without_root,
)

# visual-separator  =  "-" / "." / "(" / ")"   (RFC 3966 section 3)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_VISUAL = re.compile(r"[-.()]")
_new = object.__new__

#: Parameters that must match when either URI has them (RFC 3261 section 19.1.4).
_WEIGHTY: Final = ("user", "ttl", "method", "maddr", "transport")


class UriParams(Params):
    """Parameters of a URI: percent-escapes instead of quotes."""

    __slots__ = ()
    _common = re.compile(COMMON_PARAMS)

    @staticmethod
    def _checked(name: str, value: str | None, report: Report) -> str | None:
        if value is not None and value[:1] == '"':
            report("a URI parameter is quoted")
            return escape(unquote(value), PARAM)
        if value == "":
            report("a URI parameter is empty")
        return value

    @staticmethod
    def _name(name: str) -> str:
        if not name:
            raise LocalProtocolError("a URI parameter without a name")
        return escape(name, PARAM)

    @staticmethod
    def _encode(value: str | None) -> str | None:
        return escape(value, PARAM) if value else None

    @staticmethod
    def _decode_name(name: str) -> str:
        return unescape(name).lower()

    @staticmethod
    def _decode(value: str) -> str:
        return unescape(value)


class Uri:
    """One URI. Immutable and hashable.

    ``==`` and ``hash`` are structural: case of scheme and host and superfluous escapes do not matter, parameters
    compare in any order. The comparison of RFC 3261 section 19.1.4 is not transitive and so is `equivalent`.
    A parsed URI prints exactly as it was written.
    """

    __slots__ = (
        "_headers",
        "_key",
        "_literal",
        "_params",
        "_password",
        "_text",
        "_user",
        "host",
        "opaque_part",
        "port",
        "scheme",
    )

    scheme: str  #: in lower case
    _user: str | None
    _password: str | None
    #: in lower case, without the dot that may end a name (RFC 3261 section 25.1: it is the same name); an IPv6 address
    #: without its brackets, in the form of RFC 5952, so that it compares by value (RFC 5954 section 4.2); empty when
    #: the scheme has no host
    host: str
    _literal: str  # a host as it was written, if that is not how ``host`` has it; else not set
    port: int | None  #: as written
    _params: UriParams | str
    _headers: str
    opaque_part: str | None  #: what follows the scheme of a URI that is neither sip nor sips
    _text: str | None
    _key: tuple[object, ...] | None

    def __init__(
        self,
        scheme: str,
        host: str,
        user: str | None = None,
        *,
        password: str | None = None,
        port: int | None = None,
        params: Mapping[str, str | None] = {},
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Build a sip or sips URI; what a component cannot hold is escaped. Raises LocalProtocolError."""
        if scheme.lower() not in ("sip", "sips"):
            raise LocalProtocolError(f"not a scheme of SIP: {scheme!r}")
        if port is not None and not 0 <= port <= 65535:
            raise LocalProtocolError(f"not a port: {port}")
        self.scheme, self.host, self.port = scheme.lower(), local_host(host), port
        # A question mark in the user part is legal, but not everybody reads it so (decision 23).
        self._user = escape(user, COMMON_USER) if user else None
        self._password = None if password is None else escape(password, PASSWORD)
        self._params = UriParams(params)
        self._headers = "&".join([f"{_header_name(name)}={escape(value, HEADER)}" for name, value in headers])
        self.opaque_part = self._text = self._key = None

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read any absolute URI; raises MalformedHeader. Pass ``report=refuse`` to insist on the grammar."""
        match = COMMON_URI.fullmatch(text)
        if match is not None and (report is assume or report is tolerate):
            return cls._from_groups(match.groups(), text)
        trimmed = text.strip(" \t")
        if trimmed != text:
            report("blanks around a URI")
        sip = SIP.fullmatch(trimmed)
        return cls._parse_absolute(trimmed, report) if sip is None else cls._parse_sip(sip[1], sip[2], trimmed, report)

    @classmethod
    def _from_groups(cls, groups: tuple[str | None, ...], text: str) -> Self:
        """Build from the groups of COMMON and the text that they were found in."""
        scheme, user, password, host, port, params = groups
        assert scheme is not None
        assert host is not None
        made = _new(cls)
        made.scheme = scheme.lower()
        made._user, made._password = user, password
        made.host = host.lower()
        if host[-1] == ".":
            made._literal, made.host = made.host, without_root(made.host)
        made.port = None if port is None else int(port)
        made._params = params or ""
        made._headers = ""
        made._text = text
        made.opaque_part = made._key = None
        return made

    @classmethod
    def _parse_absolute(cls, text: str, report: Report) -> Self:
        match = ABSOLUTE.fullmatch(text)
        if match is None:
            schemeless = not _SCHEME.match(text)
            raise MalformedHeader("URI", text, "no scheme, as in sip:bob@example.com" if schemeless else "")
        made = cls.__new__(cls)
        made.scheme, made.opaque_part = match[1].lower(), match[2]
        made._user = made._password = made.port = made._key = None
        made.host = made._headers = ""
        made._params, made._text = "", text
        if made.scheme == "tel":
            number, semicolon, params = match[2].partition(";")
            if not TEL_NUMBER.fullmatch(number):
                report("characters that a telephone number does not have")
            made._params = UriParams.parse(semicolon + params, report)
        return made

    @classmethod
    def _parse_sip(cls, scheme: str, rest: str, text: str, report: Report) -> Self:
        """The general form: escapes, a question mark in the user part, and what real peers get wrong."""
        if FORBIDDEN.search(rest.replace('"', "")):
            raise MalformedHeader("URI", text, "blank or control character")
        userinfo, place = split_user(rest)
        place, _, headers = place.partition("?")
        hostport, semicolon, params = place.partition(";")
        match = TOLERABLE_HOST.fullmatch(hostport)
        if match is None:
            raise MalformedHeader("URI", text, "host")
        made = cls.__new__(cls)
        made.scheme, made._text, made.opaque_part, made._key = scheme.lower(), text, None, None
        made.host = checked_host(match[1], text, report)
        if match[1].lower() != (f"[{made.host}]" if ":" in made.host else made.host):
            made._literal = match[1].lower()
        made.port = checked_port(match[2], text, report)
        made._user, made._password = checked_userinfo(userinfo, text, report)
        made._params = UriParams.parse(semicolon + params, report) if semicolon else ""
        made._headers = checked_headers(headers, text, report)
        return made

    @property
    def user(self) -> str | None:
        """User part with escapes undone; None if there is none."""
        user = self._user
        return user if user is None or "%" not in user else unescape(user)

    @property
    def password(self) -> str | None:
        """Password with escapes undone."""
        password = self._password
        return password if password is None or "%" not in password else unescape(password)

    @property
    def params(self) -> UriParams:
        """URI parameters; names in lower case, values with escapes undone."""
        if isinstance(self._params, str):
            self._params = UriParams.parse_common(self._params)
        return self._params

    def param(self, name: str) -> str | None:
        """The value of one URI parameter, by its name in lower case; None for a flag, and when it is not there."""
        params = self._params
        if isinstance(params, str):
            if not params:
                return None
            params = self._params = UriParams.parse_common(params)
        return params._values.get(name)

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Header fields behind the question mark, escapes undone."""
        if not self._headers:
            return ()
        pairs = (item.partition("=") for item in self._headers.split("&"))
        return tuple((unescape(name), unescape(value)) for name, _, value in pairs)

    @property
    def transport(self) -> str | None:
        """The ``transport`` parameter in lower case."""
        value = self.param("transport")
        return None if value is None else value.lower()

    @property
    def lr(self) -> bool:
        """Whether this is a loose router (some write ``lr=on``)."""
        return "lr" in self.params._values

    @property
    def opaque(self) -> str | None:
        """The ``opaque`` parameter of a Microsoft GRUU."""
        return self.param("opaque")

    @property
    def host_port(self) -> str:
        """``host:port`` as it is written on the wire, brackets included."""
        host = getattr(self, "_literal", None) or (f"[{self.host}]" if ":" in self.host else self.host)
        return host if self.port is None else f"{host}:{self.port}"

    def with_params(self, changes: Mapping[str, str | None] = {}, /, **more: str | None) -> Self:
        """The same URI with some parameters set; None makes a flag."""
        return self._changed(self.params.with_({**changes, **more}), self._headers)

    def without_params(self, *names: str) -> Self:
        """The same URI without the named parameters; with no name, without any."""
        return self._changed(self.params.without(*(names or self.params)), self._headers)

    def address_of_record(self) -> Self:
        """User and host alone (RFC 3261 section 10.3 step 5): no password, port, parameters or headers."""
        made = self._changed(UriParams(), "")
        if self.opaque_part is None:
            made._password = made.port = None
            if made._user is not None:
                made._user = made._user.replace('"', "%22")  # tolerated, but it may not be written anywhere
        return made

    def without_headers(self) -> Self:
        """The same URI without its header part; itself when it has none."""
        return self._changed(self.params, "") if self._headers else self

    def _changed(self, params: UriParams, headers: str) -> Self:
        if self.opaque_part is not None and self.scheme != "tel":
            raise LocalProtocolError(f"a {self.scheme} URI has no parameters")
        made = type(self).__new__(type(self))
        made.scheme, made.host, made.port = self.scheme, self.host, self.port
        if (literal := getattr(self, "_literal", None)) is not None:
            made._literal = literal
        made._user, made._password = self._user, self._password
        made._params, made._headers = params, headers
        made.opaque_part = None if self.opaque_part is None else self.opaque_part.partition(";")[0] + str(params)
        made._text = made._key = None
        return made

    def equivalent(self, other: Uri) -> bool:
        """RFC 3261 section 19.1.4 for sip and sips, RFC 3966 section 5 for tel; otherwise ``==``."""
        if self.scheme == "tel" == other.scheme:
            return _tel_key(self) == _tel_key(other)
        if self.opaque_part is not None:
            return self == other
        if self._structure()[:5] != other._structure()[:5]:
            return False
        return self._params_agree(other) and _header_key(self) == _header_key(other)

    def _params_agree(self, other: Uri) -> bool:
        ours, theirs = self.params, other.params
        shared = [name for name in ours if name in theirs]
        if any((name in ours) != (name in theirs) for name in _WEIGHTY):
            return False
        return all((ours[name] or "").lower() == (theirs[name] or "").lower() for name in shared)

    def _structure(self) -> tuple[object, ...]:
        if self._key is None:
            user = None if self._user is None else normal(self._user)
            password = None if self._password is None else normal(self._password)
            who = (self.scheme, user, password, self.host, self.port)
            self._key = (*who, self.opaque_part, frozenset(self.params.items()), _header_key(self))
        return self._key

    def __eq__(self, other: object) -> bool:
        return self._structure() == other._structure() if isinstance(other, Uri) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._structure())

    def __str__(self) -> str:
        if self._text is None:
            self._text = self._print()
        return self._text

    def _print(self) -> str:
        if self.opaque_part is not None:
            return f"{self.scheme}:{self.opaque_part}"
        user = "" if self._user is None else self._user
        password = "" if self._password is None else f":{self._password}"
        at = "" if self._user is None else "@"
        headers = f"?{self._headers}" if self._headers else ""
        return f"{self.scheme}:{user}{password}{at}{self.host_port}{self.params}{headers}"

    def __repr__(self) -> str:
        return f"Uri({_covered(self)!r})"

    def without_password(self) -> Uri:
        """The same address without the password that RFC 3261 section 19.1.1 advises against; itself if it has none."""
        return self if self.password is None else Uri.parse(str(self).replace(f":{self._password}@", "@", 1))


def aor_key(uri: Uri) -> str:
    """Key of an address of record in tables: user and domain folded to lower case, no parameters."""
    if uri.opaque_part is not None:
        number = uri.opaque_part.partition(";")[0]
        return f"{uri.scheme}:{_VISUAL.sub('', number).lower() if uri.scheme == 'tel' else number}"
    return f"{(uri.user or '').lower()}@{uri.host}"


def conference_key(uri: Uri) -> str:
    """Key of a conference in tables: `aor_key` and the folded ``opaque``."""
    return f"{aor_key(uri)};{(uri.opaque or '').lower()}"


def _header_name(name: str) -> str:
    if not name:
        raise LocalProtocolError("a header of a URI without a name")
    return escape(name, HEADER)


def _header_key(uri: Uri) -> frozenset[tuple[str, str]]:
    return frozenset((name.lower(), value) for name, value in uri.headers)


def _tel_key(uri: Uri) -> tuple[str, frozenset[tuple[str, str | None]]]:
    number = (uri.opaque_part or "").partition(";")[0]
    return _VISUAL.sub("", number).lower(), frozenset((n, v and v.lower()) for n, v in uri.params.items())


def _covered(uri: Uri) -> str:
    return str(uri) if uri.password is None else str(uri).replace(f":{uri._password}@", ":***@", 1)
