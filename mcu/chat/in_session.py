"""What a member's client sends within its session: messages, signs that it is writing, another description."""

from __future__ import annotations

import math
from typing import Final

import attrs

from c3p import COMPOSING_TYPE, C3PError, Composing, DisconnectionMethod, ErrorId
from mcu.chat.formats import PASSED_ON, Content, is_passed_on
from mcu.chat.messages import Messages
from mcu.config import SDP, ChatMcuConfig
from mcu.context import Context
from mcu.diagnostics import diagnostics
from mcu.leg import Disconnection, Leg
from mcu.legs.termination import Termination
from mcu.medium import Unusable
from sip import (
    ReinviteReceived,
    RequestFailed,
    RequestReceived,
    ResponseReceived,
    SessionConfirmed,
    TokenBuckets,
    TransactionId,
    UpdateReceived,
    body_of,
)

#: Octets of a sign that somebody is writing: a document with four short values.
_MOST_OF_A_SIGN: Final = 2_048
#: Seconds for which one may say that it holds; whoever writes for longer says so again (RFC 3994 section 3.4).
_LONGEST_REFRESH: Final = 3_600
KEYBOARD: Final = "application/xml"  #: of an INFO that says that a key was pressed, between two Microsoft clients
#: Types of bodies that are read.
BODIES: Final = (SDP, *PASSED_ON, COMPOSING_TYPE, KEYBOARD)
_ACCEPT: Final = (("Accept", ", ".join((*PASSED_ON, COMPOSING_TYPE))),)


class ChatInSession:
    """Answers requests inside the sessions of a chat.

    The statuses are those after which clients keep the session: 408, 480 and 481 would have one begin a new one.
    """

    def __init__(self, context: Context, config: ChatMcuConfig, messages: Messages, termination: Termination) -> None:
        self._context, self._config, self._messages, self._termination = context, config, messages, termination
        limit = config.max_legs
        self._said = TokenBuckets(rate=config.messages_a_second, burst=config.messages_at_once, limit=limit)
        self._typed = TokenBuckets(rate=config.signs_a_second, burst=config.signs_at_once, limit=limit)

    def requested(self, leg: Leg | None, event: RequestReceived, *, now: float) -> None:
        """MESSAGE, INFO."""
        assert event.transaction is not None  # only a proxy is given requests that are not to be answered
        if event.request.method == "INFO":
            # Keys that are pressed are of interest between two people only.
            self._context.endpoint.respond(event.transaction, 200, now=now)
        elif leg is None or not leg.connected:
            self._refuse(event.transaction, 403, "join the conference first", now)
        else:
            self._said_something(leg, event, event.transaction, now)

    def _said_something(self, leg: Leg, event: RequestReceived, transaction: TransactionId, now: float) -> None:
        content = Content(event.request.headers.get("Content-Type", ""), event.request.body)
        is_sign = content.media_type == COMPOSING_TYPE
        if len(content.body) > (_MOST_OF_A_SIGN if is_sign else self._config.max_message):
            self._refuse(transaction, 413, "message is too long", now)
        elif is_sign:
            self._composing(leg, content, transaction, now)
        elif not is_passed_on(content):
            self._context.endpoint.respond(transaction, 415, headers=_ACCEPT, now=now)
        elif leg.ingress_blocked:
            self._refuse(transaction, 403, "may not speak in this conference", now)
        elif not self._said.take(_key(leg), now=now):
            wait = math.ceil(self._said.wait(_key(leg), now=now))
            self._context.counters["messages refused: too many"] += 1
            self._context.endpoint.respond(transaction, 500, headers=(("Retry-After", str(wait)),), now=now)
        else:
            message = self._messages.accept(leg, content, now=now)
            self._context.endpoint.respond(transaction, 202, headers=(("Message-Id", message.id),), now=now)
            self._messages.pass_on(leg, message, now=now)

    def _composing(self, leg: Leg, content: Content, transaction: TransactionId, now: float) -> None:
        """A sign that is too many is forgotten: the next one, or the message, says more."""
        try:
            composing = Composing.parse(content.body)
        except C3PError:
            self._context.endpoint.respond(transaction, 400, now=now)
            return
        if composing.refresh is not None:
            composing = attrs.evolve(composing, refresh=min(composing.refresh, _LONGEST_REFRESH))
        self._context.endpoint.respond(transaction, 200, now=now)
        if self._config.typing and not leg.ingress_blocked and self._typed.take(_key(leg), now=now):
            self._messages.tell_composing(leg, composing, COMPOSING_TYPE, now=now)

    def _refuse(self, transaction: TransactionId, status: int, why: str, now: float) -> None:
        header = diagnostics(ErrorId.CONFERENCE_NOT_PROVISIONED, self._config.mcu_id, why)
        self._context.endpoint.respond(transaction, status, headers=(header,), now=now)

    # Descriptions ----------------------------------------------------------------------------------------------------

    def offered(self, leg: Leg, event: ReinviteReceived | UpdateReceived, *, now: float) -> None:
        """Another description: what the client takes may have changed."""
        endpoint, descriptions = self._context.endpoint, self._messages.descriptions
        if not leg.connected:
            endpoint.respond(event.transaction, 491, now=now)
            return
        answer = descriptions.reply(leg, body_of(event.request, SDP))
        if isinstance(answer, Unusable):
            endpoint.respond(event.transaction, 488, headers=answer.headers, now=now)
        else:
            self._messages.described_anew(leg)
            endpoint.respond(event.transaction, 200, body=answer, content_type=SDP, now=now)

    def confirmed(self, leg: Leg, event: SessionConfirmed, *, now: float) -> None:
        """The ACK of a re-INVITE without offer has the answer to ours; one that cannot be used changes nothing."""
        body = body_of(event.request, SDP)
        if body and self._messages.descriptions.read(leg, body) is None:
            self._messages.described_anew(leg)

    # Our own requests ------------------------------------------------------------------------------------------------

    def answered(self, event: ResponseReceived | RequestFailed, *, now: float) -> None:
        """A recipient has a message, or not."""
        self._messages.answered(event, now=now)

    def watch(self, leg: Leg, *, now: float) -> None:
        """The leg is connected. One of the same call is what its client has forgotten.

        pidgin-sipe begins each session of a conference under the same Call-ID.
        """
        for other in leg.conference.legs_of(leg.user_key):
            if other is not leg and other.connected and other.call_id == leg.call_id:
                replaced = Disconnection(method=DisconnectionMethod.DEPARTED, reason="replaced by a new session")
                self._termination.give_up(other, replaced, now=now)


def _key(leg: Leg) -> str:
    return f"{leg.conference.key} {leg.user_key}"
