"""What is tested: an address of a server, and whether it may be tested."""

from __future__ import annotations

import ipaddress
import socket
from typing import Final

import attrs

from pyc3p.commands.addresses import is_loopback, parse_address
from pyc3p.problems import UsageProblem
from sip import Address, Uri

TRANSPORTS: Final = ("udp", "tcp", "tls")
_DEFAULT_PORTS: Final = {"udp": 5060, "tcp": 5060, "tls": 5061}


@attrs.frozen(kw_only=True)
class Target:
    """A SIP element at an address."""

    transport: str  #: "UDP", "TCP" or "TLS"
    host: str  #: as it was named
    port: int
    address: str  #: the IP address that the name stands for
    domain: str  #: of the users there
    domain_port: int | None = None  #: in their addresses; None: none, which means 5060
    user: str | None = None  #: whom to call; None: the address itself

    @property
    def remote(self) -> Address:
        """Where messages go."""
        return Address(self.address, self.port)

    @property
    def uri(self) -> Uri:
        """The element itself, or the user there who was named: what requests are for that are for nobody else."""
        if self.transport == "TLS":
            return Uri("sip", self.host, self.user, port=self.port, params={"transport": "tls"})
        params = {"transport": "tcp"} if self.transport == "TCP" else {}
        return Uri("sip", self.host, self.user, port=self.port, params=params)

    def aor(self, user: str) -> Uri:
        """The address of a user there."""
        return Uri("sip", self.domain, user, port=self.domain_port)

    @property
    def registrar(self) -> Uri:
        """What a REGISTER is for: the domain of the users (RFC 3261 section 10.2)."""
        return Uri("sip", self.domain, port=self.domain_port)

    @property
    def authority(self) -> str:
        """The domain of the users as it stands in their addresses: with brackets and port where it has them."""
        return str(self.registrar).removeprefix("sip:")

    @property
    def words(self) -> tuple[str, ...]:
        """What names it at the command line."""
        port = self.port if self.port != _DEFAULT_PORTS[self.transport.lower()] else None
        named = (self.domain, self.domain_port) != (self.host, port)
        domain = ("--domain", self.domain) if named else ()
        return (str(self), *(() if self.user is None else ("--user", self.user)), *domain)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport.lower()}:{host}:{self.port}"


def parse_sip_target(text: str, *, domain: str | None = None, user: str | None = None) -> Target:
    """``udp:HOST:PORT``, tcp or tls; the port may be left out. Raises UsageProblem, for a name that is none too.

    ``domain`` is the host unless it is given. The host keeps a port that is not the usual one: without it the address
    of a user would name whoever listens at 5060 there, and a proxy would rightly pass on to that one.
    """
    transport, colon, place = text.partition(":")
    if not colon or transport.lower() not in TRANSPORTS:
        raise UsageProblem(f"{text!r} is no target; write it as udp:HOST:PORT, tcp:HOST:PORT or tls:HOST:PORT")
    usual = _DEFAULT_PORTS[transport.lower()]
    host, port = parse_address(place, default_port=usual, option="the target")
    return Target(
        transport=transport.upper(),
        host=host,
        port=port,
        address=address_of(host),
        domain=domain or host,
        domain_port=port if domain is None and port != usual else None,
        user=user,
    )


def address_of(host: str) -> str:
    """The IP address of a host; of several that of IPv4. Raises UsageProblem."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        raise UsageProblem(f"there is no host {host}; is the name right?") from error
    addresses = [str(address[0]) for *_, address in found]
    return next((each for each in addresses if ":" not in each), addresses[0])


def is_own(address: str) -> bool:
    """Whether an address is of this machine, or of a network that nobody reaches from outside."""
    if is_loopback(address):
        return True
    found = ipaddress.ip_address(address.partition("%")[0])
    # What stands in documents is private by that word, too, and is nobody's.
    return found.is_private or found.is_link_local


def check_permitted(host: str, address: str, *, foreign: str | None) -> None:
    """Raises UsageProblem for a server elsewhere, unless ``foreign`` names it a second time."""
    if foreign is not None and foreign != host:
        raise UsageProblem(f"--foreign {foreign!r} is not the host of the target, {host!r}")
    if foreign is None and not is_own(address):
        raise UsageProblem(
            f"{host} ({address}) is in no network of your own: thousands of odd messages would go there. If it is "
            f"yours to test, name it a second time with --foreign {host}"
        )
