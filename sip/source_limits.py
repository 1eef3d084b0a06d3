"""What one source may have open at one endpoint: the limits of `EndpointConfig` that end in ``_per_source``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sip.config import EndpointConfig
from sip.flow import Flow
from sip.networks import Networks, source_of
from sip.shares import Shares

#: Anybody can send datagrams in the name of a source: they take nothing from what it may have open by connections, and
#: nothing from what it may have open by datagrams that show that it sends them. No source has a space in it.
_BY_DATAGRAMS: Final = " by datagrams"
_BY_PROVEN_DATAGRAMS: Final = " by proven datagrams"


class SourceLimits:
    """What each source has open. Sources in ``EndpointConfig.trusted_networks`` have no limit but those of all."""

    def __init__(self, config: EndpointConfig) -> None:
        trusted = Networks(config.trusted_networks).holds

        def exempt(holder: str) -> bool:
            return trusted(holder.partition(" ")[0])

        self.transactions = Shares(config.max_transactions_per_source, exempt=exempt)
        self.invites = Shares(config.max_invites_per_source, exempt=exempt)
        self.sessions = Shares(config.max_sessions_per_source, exempt=exempt)
        self.subscriptions = Shares(config.max_subscriptions_per_source, exempt=exempt)
        self.unfinished = Shares(config.max_unfinished_per_source, exempt=exempt)

    def asker(self, flow: Flow, method: str, shows_itself: Callable[[], bool]) -> str | None:
        """Return what a request that comes on a flow counts under; None when no more of its source may be open.

        ``shows_itself`` says whether it is no forgery: it is asked when all is taken that anybody can take.
        """
        source = source_of(flow.remote.host)
        if flow.transport != "UDP":
            return source if self._may_ask(source, method) else None
        if self._may_ask(holder := source + _BY_DATAGRAMS, method):
            return holder
        return holder if self._may_ask(holder := source + _BY_PROVEN_DATAGRAMS, method) and shows_itself() else None

    def _may_ask(self, holder: str, method: str) -> bool:
        share = self.transactions
        if share.held.get(holder, 0) >= share.most and not share.has_room(holder):
            return False
        share = self.invites
        return method != "INVITE" or share.held.get(holder, 0) < share.most or share.has_room(holder)
