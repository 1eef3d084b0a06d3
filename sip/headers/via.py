"""Via (RFC 3261 section 20.42, RFC 3581 for rport)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Self

from sip.errors import LocalProtocolError, MalformedHeader
from sip.syntax.grammar import TOKEN_CHARS, Report, assume, is_token, tolerate
from sip.syntax.params import COMMON, Params
from sip.syntax.uri_parts import HOSTNAME, PORT, checked_host, local_host

# RFC 3261 section 25.1:
#   via-parm       =  sent-protocol LWS sent-by *( SEMI via-params )
#   via-params     =  via-ttl / via-maddr / via-received / via-branch / via-extension
#   sent-protocol  =  protocol-name SLASH protocol-version SLASH transport
#   transport      =  "UDP" / "TCP" / "TLS" / "SCTP" / other-transport
#   sent-by        =  host [ COLON port ]
# RFC 3581 section 5, one more of the via-params:
#   response-port  =  "rport" [EQUAL 1*DIGIT]
#: A Via as nearly everybody writes it. Groups: transport, host, port, parameters.
_COMMON = re.compile(rf"SIP/2\.0/([{TOKEN_CHARS}]++) ({HOSTNAME})(?::({PORT}))?+({COMMON})")
_ANY = re.compile(
    rf"[ \t]*+([{TOKEN_CHARS}]++)[ \t]*+/[ \t]*+([{TOKEN_CHARS}]++)[ \t]*+/[ \t]*+([{TOKEN_CHARS}]++)[ \t]++"
    r"([\w.\-]++|\[[0-9A-Fa-f:.]++(?:%[\w.\-]++)?+\])[ \t]*+(?::[ \t]*+([0-9]{1,9}+)[ \t]*+)?+((?:;.*+)?)",
    re.DOTALL,
)
_new = object.__new__


class Via:
    """One hop that the request passed. Immutable and hashable; prints as it was written."""

    __slots__ = ("_host", "_literal", "_match", "_params", "_port", "_text", "_transport")

    _match: re.Match[str] | None  # of the common form; the parts are taken from it when they are asked for
    _transport: str
    _host: str
    _literal: str  # a host as it was written, if that is not how ``_host`` has it; else not set
    _port: int | None
    _params: Params | None
    _text: str | None

    def __init__(
        self,
        transport: str,
        host: str,
        port: int | None = None,
        params: Mapping[str, str | None] = {},
    ) -> None:
        """Build one; raises LocalProtocolError for what cannot be written."""
        if not is_token(transport):
            raise LocalProtocolError(f"not a transport: {transport!r}")
        if port is not None and not 0 <= port <= 65535:
            raise LocalProtocolError(f"not a port: {port}")
        self._transport, self._host, self._port, self._params = transport, local_host(host), port, Params(params)
        self._match = self._text = None

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader."""
        match = _COMMON.fullmatch(text)
        if match is not None and "%" not in text and (report is assume or report is tolerate):
            made = _new(cls)
            made._match, made._text = match, text
            made._params = None
            return made
        return cls._parse_slowly(text, report)

    @classmethod
    def _parse_slowly(cls, text: str, report: Report) -> Self:
        match = _ANY.fullmatch(text)
        if match is None:
            raise MalformedHeader("Via", text)
        name, version, transport, host, port, params = match.groups()
        if name.upper() != "SIP" or version != "2.0":
            # RFC 4475 section 3.1.1.1 has one below the top: still a hop, never ours.
            report("a Via of another protocol")
        if port is not None and int(port) > 65535:
            raise MalformedHeader("Via", text, "port")
        made = cls.__new__(cls)
        made._match, made._text = None, text
        made._transport, made._params = transport, Params.parse(params, report)
        made._host = checked_host(host, text, report)
        if host != (f"[{made._host}]" if ":" in made._host else made._host):
            made._literal = host
        if "%" in (made.received or ""):
            report("a zone in an IPv6 address")
        made._port = None if port is None else int(port)
        return made

    @property
    def transport(self) -> str:
        """Transport as written; compare it without case."""
        return self._transport if self._match is None else self._match[1]

    @property
    def host(self) -> str:
        """Sent-by host as `Uri.host` has it: in lower case, so that hosts that are one compare equal."""
        if self._match is None:
            return self._host
        host = self._match[2].lower()
        return host[:-1] if host[-1] == "." else host

    @property
    def port(self) -> int | None:
        """Sent-by port as written."""
        if self._match is None:
            return self._port
        port = self._match[3]
        return None if port is None else int(port)

    @property
    def params(self) -> Params:
        """Parameters of the hop."""
        if self._params is None:
            assert self._match is not None
            self._params = Params.parse_common(self._match[4])
        return self._params

    @property
    def branch(self) -> str | None:
        """Transaction identifier; missing from RFC 2543 peers and from Microsoft clients on streams."""
        return (self.params if self._params is None else self._params)._values.get("branch")

    @property
    def received(self) -> str | None:
        """Source address seen by the next hop, an IPv6 address without brackets."""
        value = self.params.get("received")
        return value[1:-1] if value and value[0] == "[" and value[-1] == "]" else value

    @property
    def rport(self) -> int | None:
        """Source port seen by the next hop; None when absent or asked for without a value (`wants_rport`)."""
        value = self.params.get("rport")
        return int(value) if value and value.isdecimal() and len(value) <= 5 else None

    @property
    def wants_rport(self) -> bool:
        """Whether the sender asked for responses to its source port (RFC 3581)."""
        return "rport" in (self.params if self._params is None else self._params)._values

    @property
    def sent_by(self) -> str:
        """``host:port``, a name in lower case."""
        sent_by = self._sent_by()
        return sent_by if ":" in self.host else sent_by.lower()

    def _sent_by(self) -> str:
        """``host:port`` as written on the wire."""
        host = self._match[2] if self._match is not None else getattr(self, "_literal", None)
        host = host or (f"[{self.host}]" if ":" in self.host else self.host)
        return host if self.port is None else f"{host}:{self.port}"

    def with_params(self, changes: Mapping[str, str | None] = {}, /, **more: str | None) -> Self:
        """The same hop with some parameters set; None makes a flag."""
        made = type(self).__new__(type(self))
        made._match, made._text = self._match, None
        if self._match is None:
            made._transport, made._host, made._port = self._transport, self._host, self._port
            if (literal := getattr(self, "_literal", None)) is not None:
                made._literal = literal
        made._params = self.params.with_({**changes, **more})
        return made

    def __str__(self) -> str:
        if self._text is None:
            if self._match is None:
                self._text = f"SIP/2.0/{self._transport} {self._sent_by()}{self._params}"
            else:
                self._text = f"{self._match.string[: self._match.start(4)]}{self._params}"
        return self._text

    def _structure(self) -> tuple[object, ...]:
        return self.transport.upper(), self.host, self.port, self.params

    def __eq__(self, other: object) -> bool:
        return self._structure() == other._structure() if isinstance(other, Via) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._structure())

    def __repr__(self) -> str:
        return f"Via({str(self)!r})"
