"""An INVITE to a conference: who it is from, the record, what the policy says, and in (docs/commands.rst)."""

from __future__ import annotations

from c3p import focus_uri_of, is_focus_uri, mcu_type_of
from focus import refusal
from focus.active import ActiveConferences
from focus.conference import Conference
from focus.context import Context
from focus.guests import Guests, check_name
from focus.identity import Known, insist_on, name_of
from focus.join import Join, read_join
from focus.policy import Admission, JoinQuestion
from focus.questions.identification import identification, sender_of
from focus.questions.placement import Owned
from focus.questions.procedure import Line, Steps, Turn, decided, settled
from focus.questions.stores import Records
from focus.records import ConferenceRecord
from focus.refusal import Refusal, Refused
from focus.subscription_policy import NOT_JOINED
from sip import ConferenceAddress, InviteReceived


class Joining:
    """How somebody gets into a conference."""

    def __init__(self, context: Context, active: ActiveConferences, records: Records, guests: Guests) -> None:
        self._guests = guests
        self._context = context
        self._active = active
        self._records = records

    def procedure(self, event: InviteReceived, turn: Turn) -> Steps[None]:
        """From an INVITE to its answer."""
        try:
            yield from self._join(event, turn)
        except Refused as refused:
            self._context.reject(event, refused, now=turn.now)

    def _join(self, event: InviteReceived, turn: Turn) -> Steps[None]:
        address = ConferenceAddress.of(event.request.uri)
        yield Line(sender_of(event.request, event.flow))
        known = yield from identification(self._context.config.identify, event.request, event.flow)
        if not is_focus_uri(address.text):
            raise Refused(self._media_invite(address.text, event, known))
        yield Line(address.key)
        active = self._active.get(address.key)
        record = active.record if active is not None else (yield from settled(self._records.find(address)))
        if record is None or record.is_over(self._context.endpoint.wall_clock + turn.now):
            insist_on(known)
            raise Refused(refusal.UNKNOWN_CONFERENCE)
        yield from self._admit(event, record, known, turn)

    def _media_invite(self, uri: str, event: InviteReceived, known: Known) -> Refusal:
        """What a direct media INVITE to an MCU-Conference-URI is refused with."""
        conference = self._active.get(ConferenceAddress.read(focus_uri_of(uri)).key)
        name = name_of(insist_on(known), event.request)
        if conference is None:
            return refusal.UNKNOWN_CONFERENCE
        if mcu_type_of(uri) not in conference.record.mcu_types:
            return refusal.INVALID_MCU
        if name is None or not conference.participants.of_user(name.key):
            return NOT_JOINED
        return refusal.NOT_IMPLEMENTED.saying("This Focus has its MCUs dial out only")

    def _admit(self, event: InviteReceived, record: ConferenceRecord, known: Known, turn: Turn) -> Steps[None]:
        config = self._context.config
        address = ConferenceAddress.read(record.focus_uri)
        name = self._guests.joining(event.request, event.flow, record, known, now=turn.now)
        join = read_join(event.request, identity=name, conference=address)
        if config.require_session_timer and "timer" not in event.request.supported:
            raise Refused(refusal.TIMER_MISSING, join.document)
        self._active.attendance.check_room(join)
        conference = self._active.get(address.key)
        if conference is not None:
            check_name(join, event.flow, conference.participants)
        if self._context.draining and (conference is None or not conference.participants.of_user(join.user.key)):
            raise Refused(refusal.DRAINING.after(config.drain_retry_after), join.document)
        question = JoinQuestion(
            record=record,
            user=join.user,
            wish=join.wish,
            locked=conference is not None and conference.locked,
            lobby_capable=join.lobby_capable,
            already_in=conference is not None and conference.participants.is_let_in(join.user, event.flow),
        )
        try:
            admission = yield from decided(config.policy.admit(question))
        except Refused as refused:
            raise Refused(refused.refusal, join.document) from None
        if not isinstance(admission, Admission):
            undecided = refusal.NOT_AUTHORISED.saying("nobody has decided it")
            raise Refused(admission if isinstance(admission, Refusal) else undecided, join.document)
        if not self._context.endpoint.is_open(event.flow):
            raise Refused(refusal.GONE)
        # It may have ended, or even begun anew, while the policy took its time.
        conference = self._active.get(address.key) or (yield from self._activate(address, record, join, event, turn))
        try:
            conference.join(event, join, admission, now=turn.now)
            self._active.of_session[event.session] = conference
            self._active.attendance.joined(event.session, join.user)
        finally:
            # Somebody whom a full conference refuses must not leave an empty conference behind.
            self._active.settle(conference, now=turn.now)

    def _activate(
        self, address: ConferenceAddress, record: ConferenceRecord, join: Join, event: InviteReceived, turn: Turn
    ) -> Steps[Conference]:
        if self._active.full:
            raise Refused(refusal.BUSY, join.document)
        placement = self._context.placement
        owned = yield from settled(placement.claim(address))
        if not isinstance(owned, Owned):
            raise Refused(refusal.ELSEWHERE, join.document)
        if (taken_over := self._active.get(address.key)) is not None:
            return taken_over  # the claim brought what its last owner had
        try:
            if self._active.full or not self._context.endpoint.is_open(event.flow):
                raise Refused(refusal.BUSY, join.document)
            self._active.attendance.begin(address.key, record, join.document)
        except Refused:
            placement.release(address, owned.epoch)
            raise
        return self._active.activate(address, record, epoch=owned.epoch, now=turn.now)
