"""What a link posts: one document at a time (C3P reference, 6)."""

from __future__ import annotations

from c3p import Command, Exchanges, Request
from focus.context import ConferenceExchangeOwner
from focus.mcus.claim import Claim
from focus.mcus.link_state import Purpose
from focus.mcus.relay import Relay


class LinkExchange:
    """The exchange of a link that is open, if one is, and what each of them carries."""

    def __init__(
        self, exchanges: Exchanges[ConferenceExchangeOwner], focus_uri: str, claim: Claim, timeout: float
    ) -> None:
        self._exchanges = exchanges
        self._focus_uri = focus_uri
        self._claim = claim
        self._timeout = timeout
        self._open: tuple[int, Purpose] | None = None

    @property
    def busy(self) -> bool:
        """Whether one is open."""
        return self._open is not None

    def request(self, command: Command, *, to: str, relay: Relay | None = None) -> Request:
        """A command of ours, or one that is relayed."""
        return Request(
            request_id=self._exchanges.new_request_id() if relay is None else relay.request_id,
            from_=self._focus_uri,
            to=to,
            command=command,
            originator=relay.originator if relay is not None else None,
            originator_role=relay.originator_role if relay is not None else None,
            correlation_id=relay.correlation if relay is not None else None,
            epoch=self._claim.epoch or None,
        )

    def post(self, url: str, document: Request, owner: ConferenceExchangeOwner, purpose: Purpose, *, peer: str) -> None:
        """Begin one; ``owner`` is told how it ends."""
        number = self._exchanges.post(url, document, owner=owner, timeout=self._timeout, peer=peer)
        self._open = (number, purpose)

    def post_aside(self, url: str, document: Request, *, peer: str) -> None:
        """Post something of which nobody wants to know how it ends."""
        self._exchanges.post(url, document, owner=None, timeout=self._timeout, peer=peer)

    def settle(self) -> Purpose:
        """The one that is open has ended: what it was for."""
        # Only the latest exchange is waited for: others are forgotten when it is posted.
        assert self._open is not None
        purpose, self._open = self._open[1], None
        return purpose

    def forget(self) -> None:
        """Wait no longer for the one that is open."""
        if self._open is not None:
            self._exchanges.forget(self._open[0])
            self._open = None
