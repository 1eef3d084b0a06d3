"""What one source may have open at one endpoint: the limits of `EndpointConfig` that end in ``_per_source``."""

from __future__ import annotations

from sip.config import EndpointConfig
from sip.flow import Flow
from sip.networks import Networks, source_of
from sip.shares import Shares

__all__ = ["SourceLimits"]


class SourceLimits:
    """What each source has open. Sources in ``EndpointConfig.trusted_networks`` have no limit but those of all."""

    def __init__(self, config: EndpointConfig) -> None:
        trusted = Networks(config.trusted_networks).holds
        self.transactions = Shares(config.max_transactions_per_source, exempt=trusted)
        self.invites = Shares(config.max_invites_per_source, exempt=trusted)
        self.sessions = Shares(config.max_sessions_per_source, exempt=trusted)
        self.subscriptions = Shares(config.max_subscriptions_per_source, exempt=trusted)
        self.unfinished = Shares(config.max_unfinished_per_source, exempt=trusted)

    def may_ask(self, flow: Flow, *, invites: bool) -> bool:
        """Whether a source may have one more request open."""
        source = source_of(flow.remote.host)
        return self.transactions.has_room(source) and not (invites and not self.invites.has_room(source))
