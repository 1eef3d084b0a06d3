"""Networks by which hosts are told apart: those that are trusted, and what counts as one source."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from sip.errors import refuse_one_name

#: Bits of an IPv6 address that name a site's link; whoever has one of its addresses has all of them (RFC 4291 section
#: 2.5.4, RFC 6177 section 2).
_IPV6_PREFIX = 64
#: Addresses of IPv4 that nobody comes from: "this network", multicast and reserved (RFC 6890, RFC 5771).
_NOBODY = (ipaddress.IPv4Network("0.0.0.0/8"), ipaddress.IPv4Network("224.0.0.0/3"))
_GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")  #: all of IPv6 that is reached from everywhere (RFC 4291)
#: Hosts whose answer is remembered, some 200 octets each: reading an address costs more than all the rest of a look.
_REMEMBERED = 4_096


@lru_cache(maxsize=4_096)
def source_of(host: str) -> str:
    """Return what limits by source count ``host`` under: the address, of IPv6 its /64 network.

    A name, which only drivers of tests have, is its own source.
    """
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.strip("[]").partition("%")[0])
    except ValueError:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    if address.is_loopback:
        return str(address)
    return str(ipaddress.IPv6Network((address, _IPV6_PREFIX), strict=False))


def are_everybody(networks: Iterable[str]) -> bool:
    """Whether networks together hold everybody who can come from the Internet by IPv4, or by IPv6, as two halves do.

    Raises ValueError for what is no network.
    """
    refuse_one_name("networks", networks)
    read = [ipaddress.ip_network(each, strict=False) for each in networks]
    four = [each for each in read if isinstance(each, ipaddress.IPv4Network)]
    six = [each for each in read if isinstance(each, ipaddress.IPv6Network)]
    all_of_four = any(each.prefixlen == 0 for each in ipaddress.collapse_addresses([*four, *_NOBODY]))
    return all_of_four or any(_GLOBAL_IPV6.subnet_of(each) for each in ipaddress.collapse_addresses(six))


class Networks:
    """A set of networks, such as ``192.0.2.0/24``. Raises ValueError for what is none."""

    def __init__(self, networks: Iterable[str]) -> None:
        refuse_one_name("networks", networks)
        self._networks = tuple(ipaddress.ip_network(each) for each in networks)
        self._found: dict[str, bool] = {}  # by host, of those that were asked for lately

    def __bool__(self) -> bool:
        return bool(self._networks)

    def holds(self, source: str) -> bool:
        """Whether all addresses of what `source_of` returned are in these networks."""
        if "/" not in source:
            return source in self
        network = ipaddress.IPv6Network(source)
        return any(isinstance(each, ipaddress.IPv6Network) and network.subnet_of(each) for each in self._networks)

    def __contains__(self, host: object) -> bool:
        if not isinstance(host, str):
            return False
        found = self._found.get(host)
        if found is None:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            found = self._found[host] = self._holds_host(host)
        return found

    def _holds_host(self, host: str) -> bool:
        try:
            address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)
