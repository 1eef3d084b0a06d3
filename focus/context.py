"""What the parts of one Focus share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs

from c3p import ExchangeOwner, Exchanges
from focus.answers import Answer
from focus.config import FocusConfig
from sip import Endpoint, Event, TransactionId


class ConferenceExchangeOwner(ExchangeOwner, Protocol):
    """Who posts an exchange for one conference."""

    focus_uri: str  #: Conference-URI


@attrs.frozen(kw_only=True)
class Context:
    """The endpoint, the settings, the C3P exchanges, and where events for the application go."""

    endpoint: Endpoint
    config: FocusConfig
    exchanges: Exchanges[ConferenceExchangeOwner]
    emit: Callable[[Event], None]

    def answer(self, transaction: TransactionId, answer: Answer, *, now: float) -> None:
        """Answer a request that is not an INVITE."""
        self.endpoint.respond(
            transaction,
            answer.status,
            headers=answer.headers,
            body=answer.body,
            content_type=answer.content_type,
            now=now,
        )
