"""Which Focus is tried: its address, the user that it knows, and the Focus Factory or a conference."""

from __future__ import annotations

from typing import Final

import attrs

from c3p import focus_factory_uri, is_focus_uri
from pyc3p.commands.addresses import parse_address
from pyc3p.conform.target import Target, address_of, parse_sip_target
from pyc3p.problems import UsageProblem
from sip import SipError, Uri

_FACTORY: Final = "app:conf:focusfactory"
_PORTS: Final = {"udp": 5060, "tcp": 5060, "tls": 5061}


@attrs.frozen(kw_only=True)
class FocusTarget:
    """A Focus, and a Focus Factory unless one conference was named."""

    named: str  #: as it was given
    server: Target  #: where requests go
    organizer: Uri  #: whose conferences they are: address of record
    attendee: Uri  #: the second user
    factory: Uri | None = None  #: the Focus Factory's URI of the organizer
    conference: Uri | None = None  #: the one conference that was named
    options: tuple[str, ...] = ()  #: with which it was named

    @property
    def transport(self) -> str:
        """Of the requests to it."""
        return self.server.transport

    @property
    def host(self) -> str:
        """As it was named."""
        return self.server.host

    @property
    def address(self) -> str:
        """The IP address of its host."""
        return self.server.address

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server.port

    @property
    def words(self) -> tuple[str, ...]:
        """What names it at the command line."""
        return (self.named, *self.options)

    def __str__(self) -> str:
        return self.named


def parse_focus_target(
    text: str, *, server: str | None = None, identity: str | None = None, attendee: str | None = None
) -> FocusTarget:
    """A Focus Factory's URI, a Conference-URI, or the address of an organizer. Raises UsageProblem.

    ``server`` is ``tcp:HOST:PORT`` or the like; by default the host and port of the URI, over TCP. ``identity`` is who
    organizes, by default the user of the URI; ``attendee`` somebody else there.
    """
    uri = _uri(text, "the target")
    if not uri.user:
        raise UsageProblem(f"{text!r} names no user: a conference is one of its organizer, as sip:ann@example.com")
    transport = (uri.transport or "tcp").lower()
    where = parse_sip_target(server) if server else _server(uri, transport)
    organizer = _uri(identity, "--as") if identity else Uri("sip", uri.host, uri.user)
    second = _uri(attendee, "--attendee") if attendee else Uri("sip", organizer.host, "conform-attendee")
    if (second.user, second.host) == (organizer.user, organizer.host):
        raise UsageProblem("--attendee is the organizer; name another user")
    conference = uri if is_focus_uri(text) else None
    if conference is None and uri.opaque is not None and uri.opaque.lower() != _FACTORY:
        raise UsageProblem(f"{text!r} is the address of neither a Focus Factory nor a conference")
    if conference is None:
        factory = uri if uri.opaque is not None else Uri.parse(focus_factory_uri(str(organizer)))
    else:
        factory = None
    given = (("--server", server), ("--as", identity), ("--attendee", attendee))
    return FocusTarget(
        named=text,
        server=attrs.evolve(where, domain=organizer.host, domain_port=organizer.port),
        organizer=organizer,
        attendee=second,
        factory=factory,
        conference=conference,
        options=tuple(word for name, value in given if value for word in (name, value)),
    )


def _uri(text: str, option: str) -> Uri:
    try:
        uri = Uri.parse(text)
    except SipError as error:
        raise UsageProblem(f"{option} must be a SIP URI such as sip:ann@example.com, not {text!r}") from error
    if uri.scheme not in ("sip", "sips") or not uri.host:
        raise UsageProblem(f"{option} must be a SIP URI such as sip:ann@example.com, not {text!r}")
    return uri


def _server(uri: Uri, transport: str) -> Target:
    if transport not in _PORTS:
        raise UsageProblem(f"transport={transport} is none that is spoken here; name one with --server tcp:HOST:PORT")
    place = f"[{uri.host}]" if ":" in uri.host else uri.host
    port = uri.port or _PORTS[transport]
    host, port = parse_address(f"{place}:{port}", default_port=port, option="the target")
    return Target(
        transport=transport.upper(), host=host, port=port, address=address_of(host), domain=host, domain_port=None
    )
