"""Settings of the asyncio driver: limits of what the network may make it hold."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import attrs

from sip.field_types import ABOVE_ZERO, checks_types
from sip.flow import Destination


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class TransportSettings:
    """Limits of one `SipTransport`, each with its unit and its reason."""

    connect_timeout: float = 5.0  #: seconds for TCP and TLS together; after it the next destination is tried
    lookup_timeout: float = 5.0  #: seconds for one DNS question
    first_data_timeout: float = 30.0  #: seconds that an accepted connection may stay silent before its first byte
    message_timeout: float = 30.0  #: seconds from the first byte of a message on a connection to its last
    stop_timeout: float = 1.0  #: seconds for what is written already to leave when the transport stops
    max_connections: int = 4_000  #: accepted and own; an unpatched process has few more file descriptors to give
    max_connections_per_source: int = 200  #: accepted from one address; a large site behind one NAT stays below it
    max_udp_flows: int = 20_000  #: remote UDP addresses remembered, about 300 bytes each
    #: messages in one turn of the loop, of all datagrams together and of all streams together, so that timers and media
    #: get theirs: 16 of the usual ones take some 3 ms
    turn: int = attrs.field(default=16, metadata=ABOVE_ZERO)
    turn_time: float = (
        0.004  #: seconds after which a turn ends with fewer messages; a packet of sound comes every 20 ms
    )
    #: octets of a stream looked at in one go; with the line breaks of a run it is one item
    read_piece: int = attrs.field(default=16 * 1024, metadata=ABOVE_ZERO)
    #: octets received on a connection that wait their turn; then the peer has to wait
    read_buffer: int = attrs.field(default=64 * 1024, metadata=ABOVE_ZERO)
    #: messages sent in one turn of the loop, so that a large fan-out does not block media
    send_slice: int = attrs.field(default=256, metadata=ABOVE_ZERO)
    write_buffer: int = 256 * 1024  #: octets a connection may hold back before its flow counts as blocked
    max_unsent_datagrams: int = 1_000  #: kept while a socket takes no more; then they are dropped, as a router would
    socket_buffer: int = (
        4 * 1024 * 1024
    )  #: octets asked for in each direction of a UDP socket; the system may give less
    #: Where hosts are reached from here, if not at their address. What peers are told of ourselves
    #: (``Listen.public_host``) may be an address of a router, which sends nothing back in.
    reached_at: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    #: reads a second from one address that are looked at; ordinary peers stay far below
    source_rate: float = attrs.field(default=10_000.0, metadata=ABOVE_ZERO)
    #: reads at once from one address that are looked at
    source_burst: float = attrs.field(default=20_000.0, metadata=ABOVE_ZERO)
    max_sources: int = attrs.field(default=10_000, metadata=ABOVE_ZERO)  #: addresses whose rate is remembered

    def reach(self, destination: Destination) -> Destination:
        """The destination as it is reached from here; its name stays what a certificate has to prove."""
        host = self.reached_at.get(destination.host)
        if host is None:
            return destination
        return attrs.evolve(destination, host=host, server_name=destination.server_name or destination.host)


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class TlsContexts:
    """What TLS listeners and connections use. The caller decides whom to trust.

    ``server`` is needed for listeners, ``client`` for connections. With ``client.verify_mode`` other than CERT_NONE
    the certificate must prove the domain that was asked for (RFC 5922 section 7.3); ``check_hostname`` of the context
    should be off, because it knows nothing of SIP URIs in certificates. For mutual TLS ask for certificates in
    ``server``.
    """

    server: ssl.SSLContext | None = None
    client: ssl.SSLContext | None = None
