"""Whose calls a user agent makes and takes: an address, and the way to its servers."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from sip.errors import LocalProtocolError, RemoteProtocolError
from sip.field_types import ABOVE_ZERO, checks_types
from sip.headers.name_addr import NameAddr
from sip.syntax.uri import Uri


def as_uri(value: Uri | str, field: str, example: str) -> Uri:
    """A SIP URI that our caller gave, as text or read; raises LocalProtocolError that names the field."""
    try:
        uri = Uri.parse(value) if isinstance(value, str) else value
    except RemoteProtocolError:
        uri = None
    if not isinstance(uri, Uri) or uri.scheme not in ("sip", "sips"):
        raise LocalProtocolError(f"{field} must be a SIP URI such as {example}, not {value!r}")
    return uri


def _aor(value: Uri | str) -> Uri:
    return as_uri(value, "aor", "sip:bob@example.com")


def _registrar(value: Uri | str | None) -> Uri | None:
    return None if value is None else as_uri(value, "registrar", "sip:example.com")


def _contact(value: Uri | str | None) -> Uri | None:
    return None if value is None else as_uri(value, "contact", "sip:bob@192.0.2.1:5060")


def _proxies(value: Uri | str | Iterable[Uri | str]) -> tuple[Uri, ...]:
    given = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str | bytes) else (value,)
    return tuple(as_uri(each, "proxies", "sip:192.0.2.1:5060;transport=tcp") for each in given)


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class Account:
    """One address of a user agent. URIs may be given as text."""

    aor: Uri = attrs.field(converter=_aor)  #: address-of-record, such as ``sip:bob@example.com``
    display_name: str | None = None
    #: where it registers; None: at its domain (RFC 3261 section 10.2)
    registrar: Uri | None = attrs.field(default=None, converter=_registrar)
    #: where requests go first, best first: when one does not answer, the next is tried. None: to the target itself
    proxies: tuple[Uri, ...] = attrs.field(default=(), converter=_proxies)
    #: where calls reach it; None: at the address that its endpoint listens on, by the transport of the first proxy
    contact: Uri | None = attrs.field(default=None, converter=_contact)
    expires: int = 300  #: seconds asked for; a registrar may want more, or grant less
    #: seconds at most after a first failed registration; twice as long each time
    retry: float = attrs.field(default=5.0, metadata=ABOVE_ZERO)
    #: seconds at most after many (RFC 5626 section 4.5)
    max_retry: float = attrs.field(default=1800.0, metadata=ABOVE_ZERO)
    #: seconds at least until credentials that were refused are shown again: they are as wrong then, unless somebody
    #: mends the registrar's (RFC 3261 section 22.1)
    refused_retry: float = 300.0

    def __attrs_post_init__(self) -> None:
        if self.expires <= 0:
            raise LocalProtocolError(f"expires must be some seconds, not {self.expires}")

    @property
    def address(self) -> NameAddr:
        """The address with its name."""
        return NameAddr(self.aor, self.display_name)

    @property
    def domain(self) -> Uri:
        """Where it registers."""
        return self.registrar or Uri(self.aor.scheme, self.aor.host)

    @property
    def transport(self) -> str | None:
        """What its first proxy is spoken to over, None where that is open: there its calls come from, too."""
        if not self.proxies:
            return None
        return "TLS" if self.proxies[0].scheme == "sips" else (self.proxies[0].transport or "").upper() or None

    def route(self, proxy: int) -> tuple[NameAddr, ...]:
        """Preloaded Route over one of its proxies, counted from 0 and on from the first again; empty without any."""
        if not self.proxies:
            return ()
        return (NameAddr(self.proxies[proxy % len(self.proxies)].with_params(lr=None)),)
