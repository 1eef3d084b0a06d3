"""Lists of places in settings: who is trusted, where requests may go."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from sip.errors import LocalProtocolError, SipError, refuse_one_name
from sip.flow import DEFAULT_PORTS, Flow
from sip.syntax.host_name import is_host_name
from sip.syntax.uri import Uri
from sip.syntax.uri_parts import canonical_host
from sip.transport.locate import is_numeric, reached_host


class Places:
    """Hosts, ``host:port``, networks (``192.0.2.0/24``), domains with all below them (``.example.com``), or ``*``.

    Raises LocalProtocolError for what is none of these: a typing error opens nothing, and closes nothing in silence.
    """

    def __init__(self, places: Iterable[str]) -> None:
        refuse_one_name("places", places)
        self._everywhere = False
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        self._below: list[str] = []
        self._hosts: set[tuple[str, int | None]] = set()
        for place in places:
            self._add(place.strip())

    def _add(self, place: str) -> None:
        if place == "*":
            self._everywhere = True
        elif "/" in place:
            try:
                self._networks.append(ipaddress.ip_network(place))
            except ValueError as error:
                raise LocalProtocolError(f"not a network: {place!r} ({error})") from error
        elif place.startswith(".") and is_host_name(place[1:]):
            self._below.append(place.lower())
        elif is_numeric(place):
            self._hosts.add((canonical_host(place), None))
        else:
            try:
                uri = Uri.parse(f"sip:{place}")
            except SipError as error:
                raise LocalProtocolError(f"not a host: {place!r}") from error
            if not is_host_name(uri.host) or uri.user is not None or uri.params:
                raise LocalProtocolError(f"not a host: {place!r}")
            self._hosts.add((uri.host, uri.port))

    def include(self, uri: Uri) -> bool:
        """Whether a URI leads to one of them; its ``maddr`` goes before its host."""
        return uri.scheme in ("sip", "sips") and self._include(reached_host(uri), _port(uri))

    def include_source(self, flow: Flow) -> bool:
        """Whether a flow comes from one of them: where a port was said, from that port."""
        return self._include(canonical_host(flow.remote.host), flow.remote.port)

    def _include(self, host: str, port: int) -> bool:
        if self._everywhere or (host, None) in self._hosts or (host, port) in self._hosts:
            return True
        if self._networks and is_numeric(host):
            address = ipaddress.ip_address(host.partition("%")[0])
            return any(address in network for network in self._networks)
        return any(host.endswith(end) for end in self._below)


def _port(uri: Uri) -> int:
    return uri.port or DEFAULT_PORTS["TLS" if uri.scheme == "sips" or uri.transport == "tls" else "UDP"]
