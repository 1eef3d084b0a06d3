"""What the parts of one Focus share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import attrs

from c3p import Exchanges, Response
from focus.answers import Answer, Remembered, refuse
from focus.arrivals import Guesser
from focus.config import FocusConfig
from focus.events import RequestRefused
from focus.exchange_owner import ConferenceExchangeOwner
from focus.mcus.farewells import Farewells
from focus.mcus.relay import Failure
from focus.questions.placement import OnlyFocus, Placement
from focus.refusal import Refusal, Refused
from sip import (
    AddressOfRecord,
    Endpoint,
    Entropy,
    Event,
    Flow,
    InviteReceived,
    RequestId,
    SubscribeReceived,
    TransactionId,
)
from sip import Request as SipRequest


def told(owner: str, what: str, refusal: Refusal, request: SipRequest, flow: Flow | None) -> RequestRefused | None:
    """What the application is told of a refusal; None for a challenge, which most who are let in had first."""
    if refusal.status in (401, 407):
        return None
    return RequestRefused(
        owner=owner,
        what=what,
        status=refusal.status,
        reason=refusal.name,
        text=refusal.text,
        conference_uri=AddressOfRecord.read(str(request.to.uri)).text,
        sender=AddressOfRecord.read(str(request.from_.uri)).text,
        source="" if flow is None else flow.remote.host,
    )


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
    #: What became of relays that procedures wait for: number of the relay, and the answer of its MCU or why there is
    #: none. Whoever took a step hands them over after it.
    ended_relays: list[tuple[str, Response | Failure]] = attrs.Factory(list)
    deliver: Callable[[float], None] = lambda now: None  #: and how they are handed over
    guessed: Callable[[Guesser, str, float], None] = lambda guesser, user, now: (
        None
    )  #: a phone keyed in a wrong passcode
    draining: bool = False  #: nothing new is taken: neither conferences nor people who are not in one
    refusals: Counter[tuple[str, int, str]] = attrs.Factory(Counter)  #: by what was asked, SIP status and reason

    def refuse(self, what: str, refused: Refused, request: SipRequest, flow: Flow | None) -> Answer:
        """Count and tell of what is not carried out, and give the answer to it."""
        refusal = refused.refusal
        self.refusals[what, refusal.status, refusal.name] += 1
        if (event := told(self.config.owner, what, refusal, request, flow)) is not None:
            self.emit(event)
        return refuse(refusal, refused.document, server=self.config.server)

    def reject(self, event: InviteReceived, refused: Refused, *, now: float) -> None:
        """Refuse a join."""
        session, answer = event.session, self.refuse("join", refused, event.request, event.flow)
        self.endpoint.reject(
            session,
            answer.status,
            answer.phrase,
            headers=answer.headers,
            body=answer.body,
            content_type=answer.content_type,
            now=now,
        )

    def reject_subscription(self, event: SubscribeReceived, refused: Refused, *, now: float) -> None:
        """Refuse a SUBSCRIBE."""
        subscription, answer = event.subscription, self.refuse("subscribe", refused, event.request, event.flow)
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
