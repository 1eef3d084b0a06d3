"""Settings of an endpoint: one frozen object, each value with its unit and its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import attrs

from sip.errors import LocalProtocolError
from sip.field_types import ABOVE_ZERO, checks_types
from sip.shown import Shown
from sip.syntax.uri_parts import canonical_host
from sip.wanted import must_all_be, must_be_one_of, must_be_port, must_be_text

if TYPE_CHECKING:
    from sip.authentication.digest import Credentials
    from sip.flow import Flow
    from sip.message.request import Request


@attrs.frozen(field_transformer=checks_types)
class Listen(Shown):
    """An address on which the driver accepts traffic, and what peers are told of it.

    ``public_host`` and ``public_port`` go into Via and Contact when the address that peers reach differs
    from the bound one (a wildcard address, a container, a one-to-one NAT). Raises LocalProtocolError for a transport
    that is not known, no host, and what is no port.
    """

    #: "UDP", "TCP" or "TLS"
    transport: str = attrs.field(validator=must_be_one_of("UDP", "TCP", "TLS"))
    host: str = attrs.field(validator=must_be_text)  #: address or name of an interface; ``0.0.0.0`` and ``::`` are all
    port: int = attrs.field(validator=must_be_port)  #: 0: any that is free
    public_host: str | None = None  #: what peers are told in place of ``host``
    public_port: int | None = attrs.field(default=None, validator=must_be_port)  #: ... and of ``port``

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the names by which it is known, its own and the one that peers are told."""
        return tuple(canonical_host(each) for each in (self.host, self.public_host) if each)


def _as_tuple(listen: Iterable[Listen]) -> tuple[Listen, ...]:
    if isinstance(listen, Listen | str | bytes) or not isinstance(listen, Iterable):
        raise LocalProtocolError(f"EndpointConfig: listen must be a tuple of sip.Listen, not {listen!r}")
    return tuple(listen)


def _as_lookup(
    credentials: Callable[[str], Credentials | None] | Mapping[str, Credentials] | None,
) -> Callable[[str], Credentials | None] | None:
    return credentials.get if isinstance(credentials, Mapping) else credentials


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class EndpointConfig(Shown):
    """How one SIP element behaves on the wire, and where it stops taking more."""

    #: Where it is reached; none for a client that only connects.
    listen: tuple[Listen, ...] = attrs.field(default=(), converter=_as_tuple, validator=must_all_be(Listen))
    user_agent: str | None = None  #: User-Agent of requests and Server of responses; None sends neither

    #: seconds, estimate of the round trip (RFC 3261 section 17.1.1.1)
    t1: float = attrs.field(default=0.5, metadata=ABOVE_ZERO)
    #: seconds, longest interval between non-INVITE requests and INVITE responses
    t2: float = attrs.field(default=4.0, metadata=ABOVE_ZERO)
    t4: float = 5.0  #: seconds, longest time that a message stays in the network
    trying_delay: float = 0.2  #: seconds until 100 is sent for an INVITE without answer (section 17.2.1)
    provisional_delay: float = 3.5  #: seconds until 100 is sent for any other request (RFC 4320 section 4.1)
    udp_max_request: int = 1300  #: octets; larger requests go over TCP where that is allowed (section 18.1.1)
    invite_lifetime: float = 300.0  #: seconds that an INVITE may stay unanswered, ours or a peer's; over Timer C

    #: seconds, interval offered when the core asks for a timer (RFC 4028 section 4)
    session_expires: int = attrs.field(default=1800, metadata=ABOVE_ZERO)
    min_se: int = 90  #: seconds, the floor of RFC 4028 section 5
    min_subscription: int = 60  #: seconds; shorter ones cost more in refreshes than they save
    #: seconds, when neither side names a duration (RFC 4575 section 3.4)
    subscription_expires: int = attrs.field(default=3600, metadata=ABOVE_ZERO)
    refer_expires: int = 180  #: seconds that the outcome of a REFER is reported for; longer than any ringing
    #: Seconds until a refresh of a session or subscription that was refused is tried again, where the refusal does not
    #: say; doubles up to the second. Short, because a session of 90 s leaves 15 s for all its tries.
    refresh_retry: float = attrs.field(default=2.0, metadata=ABOVE_ZERO)
    #: seconds; a notifier or peer that is busy for long is not pestered
    refresh_retry_longest: float = attrs.field(default=60.0, metadata=ABOVE_ZERO)
    keep_alive: bool = False  #: ping where our registrations are reached, so that NATs keep the way open (RFC 5626)
    #: seconds between pings on a connection at most (RFC 5626 section 4.4.1)
    keep_alive_interval: float = attrs.field(default=120.0, metadata=ABOVE_ZERO)
    offer_alias: bool = False  #: let servers use our connections for their own requests too (RFC 5923 section 5)
    #: Believe an alias over plain TCP when it names the address that the connection comes from. Over TLS it takes a
    #: certificate. Off, because whoever shares that address (behind a NAT, on a host) could take the place of others.
    trust_tcp_alias: bool = False
    reliable_provisionals: bool = False  #: list 100rel in Supported of our INVITEs (RFC 3262)
    #: Realm to credentials, as a function or a mapping; None never retries.
    credentials: Callable[[str], Credentials | None] | None = attrs.field(default=None, converter=_as_lookup)

    #: Networks of hosts that are believed to be where their datagrams say, and that may stand for many: our own proxies
    #: and other parts. No limit by source holds for them. Loopback, where no stranger's datagram comes from.
    trusted_networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    #: Whether a datagram shows that its source has read something of ours: `Authenticator.recognises`, if there is one.
    #: Such requests have a share of their own beside what anybody can send in the name of that source.
    recognises: Callable[[Request, Flow], bool] | None = None
    #: times the octets of its questions that a UDP source is answered with before it has shown that it reads answers
    amplification: int = 2

    max_transactions: int = 60_000  #: both sides together, those too that linger for half a minute after their answer,
    #: with about 2 KiB each; a call that a proxy forwards over UDP has four of them: enough for 500 calls a second
    #: Of one source (an address, of IPv6 a /64 network), a tenth of all or less, so that nobody is refused because of
    #: another. Behind one address of a large site are some hundreds of phones.
    max_transactions_per_source: int = 6_000  #: requests of a source, with those that linger after their answer
    max_invites_per_source: int = 500  #: INVITEs without final answer: each keeps phones ringing
    max_sessions_per_source: int = 1_000  #: sessions that a source began: calls, and joins of conferences
    max_subscriptions_per_source: int = 2_000  #: subscriptions that a source began: each costs a document per change
    max_unfinished_per_source: int = 16 * 1024 * 1024  #: octets of messages that are not complete, on all connections
    max_dialogs: int = 20_000  #: as many as transactions: each began with one
    max_sessions: int = 20_000  #: INVITE sessions, ringing and established
    max_subscriptions: int = 20_000  #: both sides together
    max_flows: int = 20_000  #: flows remembered for reuse; beyond it the least recently used is forgotten
    max_attempts: int = 4  #: servers tried for one request (RFC 3263 section 4.3); each may take 32 s to stay silent
    max_avoidance: float = 300.0  #: seconds for which the Retry-After of a 503 is believed when others could serve
    max_pending_per_destination: int = 256  #: requests that wait for one connection or one look-up
    max_blocked: int = 1_000  #: messages kept for one flow that does not take more; beyond it the flow counts as lost
    max_blocked_octets: int = 4 * 1024 * 1024  #: of them together: some rosters of a large conference
    #: Octets by which a NOTIFY to a UDP source that has not shown that it is there may exceed its SUBSCRIBE: Contact
    #: and Subscription-State make it that much larger. A larger document waits for the answer to a NOTIFY without.
    unproven_excess: int = 256
    max_notify_queue: int = 200  #: documents that wait for the answer to the NOTIFY before them
    max_ended_sessions: int = 1_000  #: remembered for 64*T1 after their end, dialogs and sessions each: 0.5 MiB
    max_forks: int = 16  #: early dialogs kept of one INVITE; more is a forking storm
