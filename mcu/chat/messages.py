"""The medium of a chat: what one says is passed on to all others, each by the dialog of its own leg (MS-CONFIM 3.3).

A message is accepted first (202) and reported later: its recipients answer when they like, and a slow one delays
nobody else. Each has a queue of its own, in which the messages of everybody stand in the order in which they came.
When the last recipient has answered, or never will, the sender hears in one report who did not get it, if its client
knows such reports.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from c3p import DELIVERY_REPORT_TYPE, Composing
from mcu.chat.delivery import Delivery, Message
from mcu.chat.descriptions import ChatDescriptions
from mcu.chat.formats import Content, fitting
from mcu.chat.member import Letter, Member
from mcu.conference import Conference
from mcu.config import ChatMcuConfig
from mcu.context import Context
from mcu.events import LegId, MessagePassedOn
from mcu.leg import Leg
from mcu.medium import Carried
from sip import Date, NameAddr, RequestFailed, RequestId, ResponseReceived

#: What a recipient counts as that gave no answer of its own, by the reason of the failure.
_FAILURES: Final = {"timeout": 408, "ended": 481}
_UNREACHABLE: Final = 503
_LEFT: Final = 480  #: it went before it got everything
_NO_FORM: Final = 415  #: nothing that it could show
_FULL: Final = 503  #: more waits for it than may


class Messages:
    """Passes messages on in all conferences of one MCU. It is the `Medium` of a chat."""

    def __init__(self, context: Context, config: ChatMcuConfig) -> None:
        self._context, self._config = context, config
        self.descriptions = ChatDescriptions(context, config)
        self._ids = context.entropy.child("message-ids")
        self._members: dict[LegId, Member] = {}
        self._asked: dict[RequestId, Member | None] = {}  #: MESSAGEs that are not answered; None: a report
        self._past: dict[str, deque[Message]] = {}  #: by conference, for those who come later

    # The medium ------------------------------------------------------------------------------------------------------

    def open(self, conference: Conference) -> None:
        """A conference is here."""
        if self._config.history:
            self._past[conference.key] = deque(maxlen=self._config.history)

    def close(self, conference: Conference) -> None:
        """It is gone, and what was said with it."""
        self._past.pop(conference.key, None)

    def prepare(self, leg: Leg, *, now: float) -> bool:
        """Nothing is needed: messages run in the dialog."""
        return True

    def connect(self, leg: Leg, *, now: float) -> Carried:
        """It hears what is said from now on, and of the past what is kept of it."""
        member = Member(leg, self.descriptions.accepts[leg.id])
        self._members[leg.id] = member
        for message in self._past.get(leg.conference.key, ()):
            content = fitting(message.content, member.accept)
            if content is not None and message.sender_key != leg.user_key:
                self._put(member, Letter(content=content, named=message.named, sent_at=message.at), now)
        return Carried()

    def release(self, leg: Leg, *, now: float) -> None:
        """It is gone: what waits for it does not arrive."""
        self.descriptions.accepts.pop(leg.id, None)
        member = self._members.pop(leg.id, None)
        if member is None:
            return
        self._asked = {request: each for request, each in self._asked.items() if each is not member}
        for letter in member.take_all():
            self._settle(letter, leg, _LEFT, now)

    def apply_filters(self, leg: Leg) -> None:
        """They are looked at for each message."""

    def described_anew(self, leg: Leg) -> None:
        """The far end has said in mid-session what it takes."""
        member = self._members.get(leg.id)
        if member is not None:
            member.accept = self.descriptions.accepts[leg.id]

    @property
    def waiting(self) -> int:
        """Messages that have not been answered by those who are to get them."""
        return sum(len(each.waiting) + (each.under_way is not None) for each in self._members.values())

    # Saying something ------------------------------------------------------------------------------------------------

    def accept(self, leg: Leg, content: Content, *, now: float) -> Message:
        """Take a message of a member; ``pass_on`` does the rest, once its sender has its 202."""
        message = Message(
            id=self._ids.token(8),
            sender=leg.id,
            sender_key=leg.user_key,
            named=_named(leg),
            content=content,
            at=now,
        )
        if leg.conference.key in self._past:
            self._past[leg.conference.key].append(message)
        return message

    def pass_on(self, leg: Leg, message: Message, *, now: float) -> None:
        """Send it to everybody else who is in the conference and not deaf."""
        recipients = [each for each in self._others(leg) if not each.leg.egress_blocked]
        delivery = Delivery(message, open=len(recipients))
        self._context.emit(
            MessagePassedOn(
                **leg.about(self._context.config.owner),
                message_id=message.id,
                content_type=message.content.media_type,
                size=len(message.content.body),
                recipients=len(recipients),
            )
        )
        if not recipients:
            self._report(delivery, now)
        for member in recipients:
            content = fitting(message.content, member.accept)
            if content is None:
                self._settle(Letter(content=message.content, named="", delivery=delivery), member.leg, _NO_FORM, now)
            else:
                self._put(member, Letter(content=content, named=message.named, delivery=delivery), now)

    def tell_composing(self, leg: Leg, composing: Composing, content_type: str, *, now: float) -> None:
        """Pass on that somebody is writing, or is not any more, to those whose clients show it."""
        content = Content(content_type, bytes(composing))
        for member in self._others(leg):
            if member.accept.takes(content.media_type) and not member.leg.egress_blocked:
                self._put(member, Letter(content=content, named=_named(leg)), now)

    def _others(self, leg: Leg) -> Iterable[Member]:
        """Members of its conference but those of its own user: a client shows by itself what is typed there."""
        legs = [each for each in leg.conference.legs.values() if each.user_key != leg.user_key]
        return [self._members[each.id] for each in legs if each.id in self._members]

    # Sending ---------------------------------------------------------------------------------------------------------

    def _put(self, member: Member, letter: Letter, now: float) -> None:
        config = self._config
        if member.put(letter, most=config.max_waiting, most_octets=config.max_waiting_octets):
            self._send_next(member, now)
        else:
            self._context.counters["messages dropped: too many wait"] += 1
            self._settle(letter, member.leg, _FULL, now)

    def _send_next(self, member: Member, now: float) -> None:
        letter = member.next()
        if letter is None:
            return
        assert member.leg.session is not None  # a member has one until it is released
        headers: list[tuple[str, object]] = [("Ms-Sender", letter.named)]
        if letter.sent_at is not None:
            headers.append(
                ("Date", Date(datetime.fromtimestamp(self._context.endpoint.wall_clock + letter.sent_at, UTC)))
            )
        request = self._context.endpoint.request_in_session(
            member.leg.session,
            "MESSAGE",
            headers=headers,
            body=letter.content.body,
            content_type=letter.content.content_type,
            now=now,
        )
        self._asked[request] = member

    def answered(self, event: ResponseReceived | RequestFailed, *, now: float) -> None:
        """A recipient answered, or did not in time: the next message is sent to it."""
        member = self._asked.pop(event.request_id, None)
        if member is None:
            return
        letter = member.arrived()
        if letter is not None:
            self._settle(letter, member.leg, _status_of(event), now)
        self._send_next(member, now)

    def _settle(self, letter: Letter, recipient: Leg, status: int, now: float) -> None:
        if status >= 300:
            self._context.counters[f"messages not delivered: {status}"] += 1
        if letter.delivery is not None and letter.delivery.settle(recipient.user, status):
            self._report(letter.delivery, now)

    def _report(self, delivery: Delivery, now: float) -> None:
        """Tell the sender, if it is still there and knows what that is."""
        sender = self._members.get(delivery.message.sender)
        if sender is None or DELIVERY_REPORT_TYPE not in sender.accept.types or not sender.leg.connected:
            return
        assert sender.leg.session is not None
        request = self._context.endpoint.request_in_session(
            sender.leg.session,
            "NOTIFY",
            body=bytes(delivery.report(self._config.mcu_id)),
            content_type=DELIVERY_REPORT_TYPE,
            now=now,
        )
        self._asked[request] = None


def _named(leg: Leg) -> str:
    """Who says it. Never what the client writes of itself: whoever reads it could not tell."""
    return str(NameAddr(leg.user, leg.display_name and " ".join(leg.display_name.split())))


def _status_of(event: ResponseReceived | RequestFailed) -> int:
    if isinstance(event, ResponseReceived):
        return event.response.status
    return _FAILURES.get(event.reason, _UNREACHABLE)
