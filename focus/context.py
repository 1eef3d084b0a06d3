"""What the parts of one Focus share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import attrs

from c3p import Exchanges
from focus.answers import Answer, Remembered, refuse
from focus.config import FocusConfig
from focus.exchange_owner import ConferenceExchangeOwner
from focus.mcus.farewells import Farewells
from focus.questions.placement import OnlyFocus, Placement
from focus.refusal import Refused
from sip import Endpoint, Entropy, Event, RequestId, SessionId, SubscriptionId, TransactionId


@attrs.define
class Context:
    """The endpoint, the settings, the C3P exchanges, and where events for the application go."""

    endpoint: Endpoint
    config: FocusConfig
    exchanges: Exchanges[ConferenceExchangeOwner]
    emit: Callable[[Event], None]
    correlations: Entropy  #: names of commands
    farewells: Farewells
    placement: Placement = attrs.Factory(OnlyFocus)
    #: What carries the result of a command, until it is answered: key of the conference, and which result it is.
    results: dict[RequestId, tuple[str, Remembered, str]] = attrs.Factory(dict)
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
