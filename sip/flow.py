"""Where bytes come from and go to: addresses, flows, destinations and what is to be sent."""

from __future__ import annotations

from typing import Final

import attrs

RELIABLE: Final = frozenset({"TCP", "TLS", "SCTP", "WS", "WSS"})
DEFAULT_PORTS: Final = {"UDP": 5060, "TCP": 5060, "TLS": 5061, "SCTP": 5060}


@attrs.frozen
class Address:
    """An IP address (no brackets around IPv6) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@attrs.frozen(eq=False)
class Flow:
    """A way to one peer: a connection, or for UDP a pair of local socket and remote address.

    Equal when the number and both addresses are equal. The driver never gives the number of a closed
    connection to another one, and keeps one number for each pair of UDP socket and remote address.
    """

    id: int
    transport: str  #: "UDP", "TCP" or "TLS"
    local: Address
    remote: Address
    peer_identity: tuple[str, ...] = ()  #: names that the peer's certificate proved, if any (RFC 5922)
    peer_users: tuple[str, ...] = ()  #: the ``sip:user@domain`` names in it; an `Authenticator` may believe them
    reliable: bool = attrs.field(init=False, repr=False)  #: whether the transport retransmits (RFC 3261 section 17)

    @reliable.default
    def _is_reliable(self) -> bool:
        return self.transport != "UDP"

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Flow):
            return NotImplemented
        return self.id == other.id and self.local == other.local and self.remote == other.remote

    def __hash__(self) -> int:
        return hash(self.id)


@attrs.frozen
class Destination:
    """An address that a flow is wanted to: the outcome of RFC 3263."""

    transport: str  #: "UDP", "TCP" or "TLS"
    host: str  #: an IP address, or a name that the driver resolves when it connects
    port: int
    server_name: str | None = None  #: the name that a TLS certificate must prove, None for the host itself


@attrs.frozen
class Transmit:
    """Bytes that the driver is to send on a flow: one whole message, or a keep-alive."""

    flow: Flow
    data: bytes = attrs.field(repr=False)
