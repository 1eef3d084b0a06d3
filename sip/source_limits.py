"""What one source may have open at one endpoint: the limits of `EndpointConfig` that end in ``_per_source``."""

from __future__ import annotations

from sip.config import EndpointConfig
from sip.networks import Networks
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

    def may_ask(self, source: str, method: str) -> bool:
        """Whether a source may have one more request open."""
        share = self.transactions
        if share.held.get(source, 0) >= share.most and not share.has_room(source):
            return False
        share = self.invites
        return method != "INVITE" or share.held.get(source, 0) < share.most or share.has_room(source)
