"""``[limits]``: what one source, and one user, may take of a server."""

from __future__ import annotations

import ipaddress

import attrs

import sip
from focus import FactoryConfig, FocusConfig
from pyc3p.problems import UsageProblem
from sip.aio import TransportSettings


@attrs.frozen(kw_only=True)
class LimitsSection:
    """Limits of a server, beside those on the whole, which are far above what one machine serves.

    A source is an address, of IPv6 a /64 network. Who has too much gets 503 with Retry-After; the others go on.
    """

    #: networks that no limit by source holds for, and whose addresses are believed over UDP: our own proxies, gateways,
    #: a LAN; beside loopback and the addresses of this server. Their REGISTER may say that it came through proxies
    trusted_networks: tuple[str, ...] = ()
    connections_per_source: int = 200  #: open at once
    requests_per_source: int = 6_000  #: open at once, with those that linger for 32 s after their answer
    invites_per_source: int = 500  #: not answered yet: each keeps phones ringing
    calls_per_source: int = 1_000  #: calls and joins of conferences that go on
    subscriptions_per_source: int = 2_000  #: each costs a document per change
    unfinished_per_source: int = 16 * 1024 * 1024  #: octets of messages that are not complete
    users_per_source: int = 1_000  #: registered from there; a large site behind one NAT
    bindings_per_source: int = 2_000  #: phones registered from there: two for each user
    conferences_per_organizer: int = 50  #: active at once
    joins_per_user: int = 100  #: in all conferences together
    invites_per_user: int = 50  #: not answered yet, through the proxy, where ``[identity]`` says who somebody is
    invites_a_minute_per_user: float = 120.0  #: the same, and as many at once
    creations_a_minute: float = 30.0  #: conferences that one user may create, after the first hundred
    creations_a_minute_per_source: float = 150.0  #: the same of one source, after the first five hundred

    def __attrs_post_init__(self) -> None:
        for network in self.trusted_networks:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                raise UsageProblem(
                    f"limits.trusted_networks must be networks such as 192.0.2.0/24, not {network!r}"
                ) from None
        if sip.are_everybody(self.trusted_networks):
            raise UsageProblem("limits.trusted_networks are everybody: then no limit holds; name your own networks")
        for field in attrs.fields(type(self))[1:]:
            value = getattr(self, field.name)
            if not 0 < value < float("inf"):
                raise UsageProblem(f"limits.{field.name} must be above 0, not {value:g}")

    def endpoint(self) -> sip.EndpointConfig:
        """What they are to an endpoint."""
        standard = sip.EndpointConfig()
        return attrs.evolve(
            standard,
            trusted_networks=(*standard.trusted_networks, *self.trusted_networks),
            max_transactions_per_source=self.requests_per_source,
            max_invites_per_source=self.invites_per_source,
            max_sessions_per_source=self.calls_per_source,
            max_subscriptions_per_source=self.subscriptions_per_source,
            max_unfinished_per_source=self.unfinished_per_source,
        )

    def transport(self) -> TransportSettings:
        """What they are to the sockets."""
        return TransportSettings(max_connections_per_source=self.connections_per_source)

    def registrar(self) -> sip.RegistrarConfig:
        """What they are to a registrar."""
        return sip.RegistrarConfig(
            max_users_per_source=self.users_per_source, max_bindings_per_source=self.bindings_per_source
        )

    def proxy(self) -> sip.ProxyConfig:
        """What they are to a proxy."""
        return sip.ProxyConfig(
            max_invites_per_user=self.invites_per_user, invites_a_minute_per_user=self.invites_a_minute_per_user
        )

    def focus(self) -> FocusConfig:
        """What they are to a Focus."""
        return FocusConfig(
            max_conferences_per_organizer=self.conferences_per_organizer, max_joins_per_user=self.joins_per_user
        )

    def factory(self) -> FactoryConfig:
        """What they are to a Focus Factory."""
        return FactoryConfig(
            creations_a_minute=self.creations_a_minute,
            creations_a_minute_per_source=self.creations_a_minute_per_source,
        )
