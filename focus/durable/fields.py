"""What stands in the pieces of one conference: a class for each kind, made of what is alive, or of what was written.

Whatever was written by somebody else's hand raises TypeError or ValueError here, or C3PError where it holds a document.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import attrs
from attrs.validators import deep_mapping, instance_of, optional

from c3p import (
    ConferenceInfo,
    ConferenceView,
    EntityView,
    Media,
    Request,
    State,
    User,
    Users,
    guid_key,
    parse_document,
)
from c3p import Endpoint as MediaEndpoint
from focus.answers import Answer
from focus.commands.plan import DialOut
from focus.durable.field_kinds import (
    is_flag,
    is_mcu_type,
    is_number,
    is_span_or_none,
    is_status,
    is_text,
    is_text_or_none,
    is_time_or_none,
    pairs,
    texts,
)
from focus.mcus.address import McuAddress
from focus.mcus.intent import Intent, IntentState, intent_life, key_of
from focus.mcus.link import McuLink
from focus.mcus.relay import ClientCommand, Relay, RelayState
from focus.notifier import Subscriber
from focus.participant import Participant
from focus.record_piece import read_record
from focus.records import ConferenceRecord
from focus.roster import RosterUser
from focus.roster_document import description_of, whole_user
from sip import AddressOfRecord, Endpoint, LocalProtocolError

S = TypeVar("S", bound=attrs.AttrsInstance)

#: Versions of documents that are written at once, so that not each of them has to be: after a restart they go on above.
#: They may be skipped, and 2**32 of them are enough for four million restarts.
VERSION_BLOCK: Final = 1000

#: The password in an address (RFC 3261 section 19.1.1).
_PASSWORD: Final = re.compile(r"(?<=[\w.%+-]):[^\s@:;?/<>\"]{1,128}(?=@)")


def plain(saved: attrs.AttrsInstance) -> dict[str, Any]:
    """The fields of one of these, as JSON can say them."""
    return attrs.asdict(saved, recurse=False)


def room_above(version: int, reserved: int) -> int:
    """Up to which version documents may go without being written again."""
    return version + VERSION_BLOCK if version > reserved else reserved


@attrs.frozen(kw_only=True)
class SavedHead:
    """What there is once; times are POSIX times."""

    record: dict[str, Any] = attrs.field(validator=instance_of(dict), repr=False)  #: as it counts for the activation
    locked: bool = attrs.field(validator=is_flag)
    room: int = attrs.field(validator=is_number)  #: of the roster, up to which it may have gone
    epoch: int = attrs.field(validator=is_number)  #: of the claim to the conference
    unattended_until: float | None = attrs.field(validator=is_time_or_none)

    def as_record(self) -> ConferenceRecord:
        """The record. Raises TypeError, ValueError or C3PError for one that is none, or that no document can show."""
        record = read_record(self.record)
        bytes(ConferenceInfo(entity=record.focus_uri, description=description_of(record)))
        return record


@attrs.frozen(kw_only=True)
class SavedUser:
    """A user of the roster, with all endpoints."""

    document: str = attrs.field(validator=is_text, repr=False)

    @classmethod
    def of(cls, user: RosterUser, focus_uri: str) -> SavedUser:
        """That of a user as it is."""
        info = ConferenceInfo(entity=focus_uri, state=State.PARTIAL, users=Users(users=(whole_user(user),)))
        return cls(document=bytes(info).decode())

    def user(self) -> RosterUser:
        """The user."""
        info = _document(self.document, ConferenceInfo)
        (user,) = info.users.users if info.users is not None else ()
        (role,) = user.roles
        endpoints = {guid_key(one.entity): one for one in user.endpoints}
        return RosterUser(AddressOfRecord.read(user.entity), role, user.display_text, endpoints)


@attrs.frozen(kw_only=True)
class SavedView:
    """What an MCU says of the conference as such."""

    document: str = attrs.field(validator=is_text, repr=False)

    @classmethod
    def of(cls, view: EntityView, focus_uri: str) -> SavedView:
        """That of a view as it is."""
        views = ConferenceView(views=(view,))
        return cls(document=bytes(ConferenceInfo(entity=focus_uri, conference_view=views)).decode())

    def view(self) -> EntityView:
        """The view."""
        info = _document(self.document, ConferenceInfo)
        (view,) = info.conference_view.views if info.conference_view is not None else ()
        return view


@attrs.frozen(kw_only=True)
class SavedParticipant:
    """A Focus dialog."""

    user: str = attrs.field(validator=is_text)
    endpoint: str = attrs.field(validator=is_text)
    host: str = attrs.field(validator=is_text)
    dialog: str = attrs.field(validator=is_text)  #: `sip.Endpoint.session_key`; empty where there is none

    @classmethod
    def of(cls, participant: Participant, endpoint: Endpoint) -> SavedParticipant:
        """That of a participant as it is."""
        dialog = ""
        if not participant.absent and not endpoint.is_over(participant.session):
            dialog = endpoint.session_key(participant.session)
        return cls(user=participant.user.text, endpoint=participant.endpoint, host=participant.host, dialog=dialog)

    def check(self, focus_uri: str) -> None:
        """Raises C3PError for names that no document can show."""
        here = MediaEndpoint(entity=self.endpoint)
        users = Users(users=(User(entity=AddressOfRecord.read(self.user).text, endpoints=(here,)),))
        bytes(ConferenceInfo(entity=focus_uri, users=users))


@attrs.frozen(kw_only=True)
class SavedAnswer:
    """What a repeated requestId is answered with."""

    status: int = attrs.field(validator=is_status)
    body: str = attrs.field(validator=is_text, repr=False)
    headers: tuple[tuple[str, str], ...] = attrs.field(converter=pairs)
    phrase: str | None = attrs.field(validator=is_text_or_none)
    told: bool = attrs.field(validator=is_flag)  #: whether nobody waits for it

    @classmethod
    def of(cls, answer: Answer, told: bool) -> SavedAnswer:
        """That of an answer."""
        return cls(
            status=answer.status, body=answer.body.decode(), headers=answer.headers, phrase=answer.phrase, told=told
        )

    def answer(self) -> Answer:
        """The answer."""
        return Answer(self.status, self.body.encode(), self.headers, self.phrase)


@attrs.frozen(kw_only=True)
class SavedSubscriber:
    """A subscription."""

    user: str = attrs.field(validator=is_text)
    dialog: str = attrs.field(validator=is_text)  #: `sip.Endpoint.subscription_key`
    limited: bool = attrs.field(validator=is_flag)
    room: int = attrs.field(validator=is_number)  #: up to which documents may have gone
    autoextend: float | None = attrs.field(validator=is_span_or_none)

    @classmethod
    def of(cls, subscriber: Subscriber, endpoint: Endpoint) -> SavedSubscriber:
        """That of a subscription as it is; room for further documents is reserved."""
        subscriber.reserved = room_above(subscriber.version, subscriber.reserved)
        try:
            dialog = endpoint.subscription_key(subscriber.subscription)
        except LocalProtocolError:  # it has ended, and we are about to hear of it
            dialog = ""
        return cls(
            user=subscriber.user,
            dialog=dialog,
            limited=subscriber.limited,
            room=subscriber.reserved,
            autoextend=subscriber.autoextend,
        )


@attrs.frozen(kw_only=True)
class SavedLink:
    """The link to an MCU of one type."""

    mcu_id: str = attrs.field(validator=is_text)  #: empty: there was none
    http_url: str = attrs.field(validator=is_text)
    sip_uri: str | None = attrs.field(validator=is_text_or_none)
    exclude: tuple[str, ...] = texts()
    lost: dict[str, str] = attrs.field(validator=deep_mapping(is_text, is_text, instance_of(dict)))

    @classmethod
    def of(cls, link: McuLink) -> SavedLink:
        """That of a link as it is."""
        address = link.address or McuAddress(mcu_id="", http_url="")
        exclude, lost = link.failed_mcus
        return cls(
            mcu_id=address.mcu_id, http_url=address.http_url, sip_uri=address.sip_uri, exclude=exclude, lost=lost
        )

    def address(self) -> McuAddress | None:
        """The MCU, None where there was none."""
        return McuAddress(mcu_id=self.mcu_id, http_url=self.http_url, sip_uri=self.sip_uri) if self.mcu_id else None


@attrs.frozen(kw_only=True)
class SavedCommand:
    """A command of a client that has not ended; times are POSIX times.

    What goes to MCUs is written apart, so that of this only what its result repeats is of use: no password in it.
    """

    requester: str = attrs.field(validator=is_text)
    participant: int | None = attrs.field(validator=optional(is_number))  #: who gets the result; None: nobody
    request: str = attrs.field(validator=is_text, repr=False)
    correlation: str = attrs.field(validator=is_text)
    received_at: float = attrs.field(validator=instance_of((int, float)))
    waiting_for: tuple[str, ...] = texts()
    everywhere: bool = attrs.field(validator=is_flag)
    agreed: bool = attrs.field(validator=is_flag)
    dialled: str | None = attrs.field(validator=is_text_or_none)  #: whom it has called
    role: str | None = attrs.field(validator=is_text_or_none)  #: ... and as what

    @classmethod
    def of(
        cls, command: ClientCommand, dialled: DialOut | None, participant: int | None, wall_clock: float
    ) -> SavedCommand:
        """That of a command as it is."""
        return cls(
            requester=command.requester,
            participant=participant,
            request=_PASSWORD.sub("", bytes(command.request).decode()),
            correlation=command.correlation,
            received_at=round(command.received_at + wall_clock, 3),
            waiting_for=tuple(sorted(command.waiting_for)),
            everywhere=command.everywhere,
            agreed=command.agreed,
            dialled=None if dialled is None else dialled.user.text,
            role=None if dialled is None else dialled.role,
        )

    def as_request(self) -> Request:
        """What the client asked for."""
        return _document(self.request, Request)

    def dial_out(self) -> DialOut | None:
        """Whom it has called."""
        return None if self.dialled is None else DialOut(AddressOfRecord.read(self.dialled), str(self.role))


@attrs.frozen(kw_only=True)
class SavedRelay:
    """A command on its way to an MCU."""

    order: int = attrs.field(validator=is_number)  #: they go out in this order
    mcu_type: str = attrs.field(validator=is_mcu_type)
    request: str = attrs.field(validator=is_text, repr=False)  #: as the MCU gets it, but for its ends
    parent: int | None = attrs.field(validator=optional(is_number))  #: number of the client's command
    sent: bool = attrs.field(validator=is_flag)  #: whether the MCU may have it

    @classmethod
    def of(cls, relay: Relay, order: int, focus_uri: str) -> SavedRelay:
        """That of a relay as it is."""
        request = Request(
            request_id=relay.request_id,
            from_=focus_uri,
            to=focus_uri,
            command=relay.command,
            originator=relay.originator,
            originator_role=relay.originator_role,
            correlation_id=relay.correlation,
        )
        return cls(
            order=order,
            mcu_type=relay.mcu_type,
            request=bytes(request).decode(),
            parent=None if relay.parent is None else relay.parent.number,
            sent=was_sent(relay),
        )

    def as_request(self) -> Request:
        """The command, and who it is from."""
        return _document(self.request, Request)


@attrs.frozen(kw_only=True)
class SavedIntent:
    """What is wanted of an MCU."""

    order: int = attrs.field(validator=is_number)
    mcu_type: str = attrs.field(validator=is_mcu_type)
    request: str = attrs.field(validator=is_text, repr=False)  #: what has it done; its requestId is that of the carrier
    before: str | None = attrs.field(validator=is_text_or_none, repr=False)  #: what had what was there before it done
    carried: bool = attrs.field(validator=is_flag)  #: whether there is a carrier
    seen: bool = attrs.field(validator=is_flag)
    agreed: bool = attrs.field(validator=is_flag)

    @classmethod
    def of(cls, intent: Intent, mcu_type: str, order: int, focus_uri: str) -> SavedIntent:
        """That of an intent as it is."""
        request = Request(
            request_id=intent.carrier or "0",
            from_=focus_uri,
            to=focus_uri,
            command=intent.command,
            originator=intent.originator,
            originator_role=intent.originator_role,
            correlation_id=intent.correlation,
        )
        before = None if intent.before is None else attrs.evolve(request, command=intent.before)
        return cls(
            order=order,
            mcu_type=mcu_type,
            request=bytes(request).decode(),
            before=None if before is None else bytes(before).decode(),
            carried=intent.carrier is not None,
            seen=intent.seen,
            agreed=intent.state is IntentState.AGREED,
        )

    def intent(self) -> Intent:
        """The intent; what the MCU may have done of it, or not, is in doubt. Raises ValueError when there is none."""
        request = _document(self.request, Request)
        key = key_of(request.command)
        if key is None:
            raise ValueError("nothing is wanted by that command")
        return Intent(
            key,
            request.command,
            originator=request.originator,
            originator_role=request.originator_role,
            correlation=request.correlation_id,
            carrier=request.request_id if self.carried else None,
            before=None if self.before is None else _document(self.before, Request).command,
            seen=self.seen,
            life=intent_life(IntentState.AGREED if self.agreed else IntentState.DOUBTED),
        )


@attrs.frozen(kw_only=True)
class SavedMuted:
    """What stays muted of a stream whose MCU is lost."""

    mcu_type: str = attrs.field(validator=is_mcu_type)
    document: str = attrs.field(validator=is_text, repr=False)

    @classmethod
    def of(cls, media: Media, mcu_type: str, focus_uri: str) -> SavedMuted:
        """That of a stream."""
        users = Users(users=(User(entity=focus_uri, endpoints=(MediaEndpoint(media=(media,)),)),))
        return cls(mcu_type=mcu_type, document=bytes(ConferenceInfo(entity=focus_uri, users=users)).decode())

    def media(self) -> Media:
        """The stream."""
        info = _document(self.document, ConferenceInfo)
        (user,) = info.users.users if info.users is not None else ()
        (endpoint,) = user.endpoints
        (media,) = endpoint.media
        return media


def was_sent(relay: Relay) -> bool:
    """Whether an MCU may have a command."""
    return relay.state not in (RelayState.NEW, RelayState.BOOTSTRAPPING)


D = TypeVar("D")


def _document(text: str, kind: type[D]) -> D:
    document = parse_document(text.encode())
    if not isinstance(document, kind):
        raise ValueError(f"not a {kind.__name__}")
    return document
