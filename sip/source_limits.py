"""What one source may have open at one endpoint: the limits of `EndpointConfig` that end in ``_per_source``."""

from __future__ import annotations

from typing import Final

from sip.config import EndpointConfig
from sip.flow import Flow
from sip.networks import Networks, source_of
from sip.shares import Shares

#: Anybody can send datagrams in the name of a source: they take nothing from what it may have open by connections.
_BY_DATAGRAMS: Final = " by datagrams"


class SourceLimits:
    """What each source has open. Sources in ``EndpointConfig.trusted_networks`` have no limit but those of all."""

    def __init__(self, config: EndpointConfig) -> None:
        trusted = Networks(config.trusted_networks).holds

        def asker(holder: str) -> bool:
            return trusted(holder.removesuffix(_BY_DATAGRAMS))

        self.transactions = Shares(config.max_transactions_per_source, exempt=asker)
        self.invites = Shares(config.max_invites_per_source, exempt=asker)
        self.sessions = Shares(config.max_sessions_per_source, exempt=trusted)
        self.subscriptions = Shares(config.max_subscriptions_per_source, exempt=trusted)
        self.unfinished = Shares(config.max_unfinished_per_source, exempt=trusted)

    def asker(self, flow: Flow) -> str:
        """Return what requests that come on a flow count under."""
        source = source_of(flow.remote.host)
        return source + _BY_DATAGRAMS if flow.transport == "UDP" else source

    def may_ask(self, source: str, method: str) -> bool:
        """Whether one more request may be open under what `asker` returned."""
        share = self.transactions
        if share.held.get(source, 0) >= share.most and not share.has_room(source):
            return False
        share = self.invites
        return method != "INVITE" or share.held.get(source, 0) < share.most or share.has_room(source)
