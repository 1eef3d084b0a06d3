"""How a client reaches the Focus inside a dialog: the conference is the Contact, the host stands in a Record-Route."""

from __future__ import annotations

from typing import Final

from sip import Endpoint, Flow, NameAddr, Request, Uri

_WILDCARDS: Final = frozenset({"0.0.0.0", "::", ""})


def own_name(endpoint: Endpoint, domain: str) -> str:
    """The name under which this element is known: the first address that peers are told, else its domain."""
    told = (one.public_host or one.host for one in endpoint.config.listen)
    return next((host for host in told if host not in _WILDCARDS), domain)


def contact_of(focus_uri: str) -> NameAddr:
    """The Contact of a Focus is the conference itself (RFC 4579 section 5.1)."""
    return NameAddr(focus_uri, None, {"isfocus": None})


def record_route(request: Request, flow: Flow, endpoint: Endpoint) -> tuple[tuple[str, object], ...]:
    """A Record-Route with our own address, for the answer to a request that begins a dialog.

    A Conference-URI names a domain and not a host. Where no proxy in front recorded itself, the Focus is its own
    front end: otherwise a client without DNS entries for the domain, or over UDP, could not send its ACK.
    """
    if request.record_route:
        return ()
    listen = next((one for one in endpoint.config.listen if one.transport == flow.transport), None)
    host = listen.public_host if listen is not None and listen.public_host else flow.local.host
    port = listen.public_port if listen is not None and listen.public_port else flow.local.port
    if host in _WILDCARDS:
        return ()
    uri = Uri("sip", host, port=port, params={"transport": flow.transport.lower(), "lr": None})
    return (("Record-Route", NameAddr(uri)),)
