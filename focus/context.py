"""What the parts of one Focus share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol

import attrs

from c3p import ExchangeOwner, Exchanges
from focus.answers import Answer, refuse
from focus.config import FocusConfig
from focus.questions.placement import OnlyFocus, Placement
from focus.refusal import Refused
from sip import Endpoint, Entropy, Event, SessionId, SubscriptionId, TransactionId


class ConferenceExchangeOwner(ExchangeOwner, Protocol):
    """Who posts an exchange for one conference."""

    focus_uri: str  #: Conference-URI


@attrs.define
class Context:
    """The endpoint, the settings, the C3P exchanges, and where events for the application go."""

    endpoint: Endpoint
    config: FocusConfig
    exchanges: Exchanges[ConferenceExchangeOwner]
    emit: Callable[[Event], None]
    correlations: Entropy  #: names of commands
    placement: Placement = attrs.Factory(OnlyFocus)
    draining: bool = False  #: nothing new is taken: neither conferences nor people who are not in one
    refusals: Counter[tuple[str, int, str]] = attrs.Factory(Counter)  #: by what was asked, SIP status and reason

    def refuse(self, what: str, refused: Refused) -> Answer:
        """Count what is not carried out, and give the answer to it."""
        refusal = refused.refusal
        self.refusals[what, refusal.status, refusal.name] += 1
        return refuse(refusal, refused.document, server=self.config.server)

    def reject(self, session: SessionId, refused: Refused, *, now: float) -> None:
        """Refuse a join."""
        answer = self.refuse("join", refused)
        self.endpoint.reject(
            session,
            answer.status,
            answer.phrase,
            headers=answer.headers,
            body=answer.body,
            content_type=answer.content_type,
            now=now,
        )

    def reject_subscription(self, subscription: SubscriptionId, refused: Refused, *, now: float) -> None:
        """Refuse a SUBSCRIBE."""
        answer = self.refuse("subscribe", refused)
        self.endpoint.reject_subscription(subscription, answer.status, answer.phrase, headers=answer.headers, now=now)

    def answer(self, transaction: TransactionId, answer: Answer, *, now: float) -> None:
        """Answer a request that is not an INVITE."""
        self.endpoint.respond(
            transaction,
            answer.status,
            answer.phrase,
            headers=answer.headers,
            body=answer.body,
            content_type=answer.content_type,
            now=now,
        )
