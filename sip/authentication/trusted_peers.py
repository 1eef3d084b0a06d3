"""Peers that are believed when they say who somebody is: the trust domain of RFC 3325 section 2.3."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from itertools import repeat
from operator import contains

from sip.errors import LocalProtocolError, refuse_one_name
from sip.flow import Flow
from sip.syntax.uri_parts import canonical_host


class TrustedPeers:
    """Networks, and names that a certificate proves.

    A network is trusted by source addresses, which anybody can write into a datagram: name only networks into which
    nobody else can send. Raises LocalProtocolError for what is no network.
    """

    def __init__(self, networks: Iterable[str] = (), names: Iterable[str] = ()) -> None:
        refuse_one_name("networks", networks)
        refuse_one_name("names", names)
        try:
            self._networks = tuple(ipaddress.ip_network(each) for each in networks)
        except ValueError as error:
            raise LocalProtocolError(f"not a network: {error}") from error
        self._names = frozenset(canonical_host(name) for name in names)

    def __contains__(self, flow: Flow) -> bool:
        """Whether the peer at the other end of a flow is one of them."""
        if any(canonical_host(name) in self._names for name in flow.peer_identity):
            return True
        return self.include_host(flow.remote.host, will_prove_it=False)

    def include_host(self, host: str, *, will_prove_it: bool) -> bool:
        """Whether a host is one of them: an address of a network, or one of the names.

        A name counts only where whoever is reached by it has to prove it first, as over TLS (RFC 5922).
        """
        if will_prove_it and canonical_host(host) in self._names:
            return True
        try:
            source = ipaddress.ip_address(host)
        except ValueError:
            return False
        # Who listens on :: sees IPv4 peers at mapped addresses (RFC 4291 section 2.5.5.2).
        mapped = source.ipv4_mapped if isinstance(source, ipaddress.IPv6Address) else None
        return any(map(contains, self._networks, repeat(mapped or source)))
