"""Dialling in (docs/ways-in.rst): the Focus announces a participant, then its INVITE comes; or it calls a room.

Anybody can write the From of an announced participant. So the address that the answer to ``addUser`` gives has a secret
in it, which only whoever had itself announced is told, and which serves once. Without it the identity must be asserted
by a peer that is trusted.
"""

from __future__ import annotations

import hmac
from typing import Final

from c3p import (
    MCU_CONFERENCE_URI,
    MCU_SERVER_URI,
    AddUser,
    C3PError,
    ConnectionInfo,
    ErrorId,
    Request,
    Response,
    Role,
    focus_uri_of,
)
from mcu.conference import Conference
from mcu.config import SDP
from mcu.context import Context, Wait
from mcu.diagnostics import diagnostics
from mcu.identity import conference_id
from mcu.leg import Leg
from mcu.leg_state import Input, State
from mcu.legs.add_user import Participant
from mcu.legs.asserted import asserted_identities
from mcu.legs.dial_out import DialOut
from mcu.legs.doors import Doors
from mcu.legs.rooms import NoRoom, Rooms
from mcu.legs.termination import Termination, disconnection_of
from mcu.media_policy import MediaTarget
from mcu.medium import Medium, Unusable
from mcu.outcome import Ending
from mcu.policy import Refusal, RefusalReason
from mcu.responses import accepted
from sip import InviteReceived, NameAddr, SessionConfirmed, SipError, aor_key, body_of
from sip import Request as SipRequest

_SECRET: Final = "reservation"  #: URI parameter of ours; clients call the address as it was given to them
_SECRET_OCTETS: Final = 16  #: nobody guesses 128 bits within the minute that a reservation lasts


class DialIn:
    """Reservations and the calls that redeem them."""

    def __init__(
        self, context: Context, medium: Medium, termination: Termination, dial_out: DialOut, doors: Doors
    ) -> None:
        self._context, self._medium, self._termination, self._dial_out = context, medium, termination, dial_out
        self._descriptions, self._doors = medium.descriptions, doors
        settings = context.config.rooms
        self.rooms = None if settings is None else Rooms(context, medium, settings)  #: ``None``: there are none

    def reserve(
        self, conference: Conference, request: Request, participant: Participant, *, now: float
    ) -> Response | Refusal:
        """Expect a call: the answer says where it is to go."""
        config = self._context.config
        # What a Focus wants by itself it has decided, lock and all: somebody who is in has come by phone, too.
        if conference.locked and request.originator is not None and request.originator_role != Role.PRESENTER:
            return Refusal(RefusalReason.LOCKED, "conference is locked")
        check = request.command.entry_check if isinstance(request.command, AddUser) else None
        door = self._doors.made_for(conference, check, now=now)
        if isinstance(door, Refusal):
            return door
        leg = participant.leg(self._context.next_leg_id(), conference, State.RESERVED, request, now=now)
        open_ = sum(one.state is State.RESERVED for one in conference.legs_of(leg.user_key))
        if open_ >= config.max_reservations_of_user:
            return Refusal(RefusalReason.CAPACITY, "too many calls of this user are announced")
        leg.request = None
        leg.reservation, leg.door = self._context.entropy.token(_SECRET_OCTETS), door
        self._context.legs[leg.id] = leg
        conference.add(leg)
        self._context.deadlines.set((Wait.ARRIVAL, leg), now + config.reservation_timeout)
        self._context.notify(conference, self._context.documents.added(leg), now=now)
        address = config.sip_contact.with_params({_SECRET: leg.reservation})
        where = {MCU_SERVER_URI: str(address), MCU_CONFERENCE_URI: conference.mcu_uri}
        return accepted(request, self._context.documents.endpoint(leg), ConnectionInfo.of(where))

    def invited(self, event: InviteReceived, *, now: float) -> None:
        """An INVITE: it must be for a conference of ours and from somebody who was announced, or for a room."""
        if self.rooms is not None and self.rooms.is_room(event.request.uri):
            self._enter(self.rooms, event, now)
            return
        leg, conference = self._announced(event.request), self._called(event.request)
        if leg is None and conference is None:
            self._reject(event, 404, ErrorId.CONFERENCE_NOT_ON_MCU, "no such conference on this MCU", now)
            return
        if leg is None and conference is not None:
            leg = self._vouched_for(conference, event)
        if leg is None:
            self._reject(event, 403, ErrorId.CONFERENCE_NOT_PROVISIONED, "this participant was not announced", now)
            return
        self._take(leg, event, now)

    def _enter(self, rooms: Rooms, event: InviteReceived, now: float) -> None:
        try:
            leg = rooms.leg_for(event, now=now)
        except NoRoom as refused:
            self._reject(event, refused.status, refused.error_id, refused.text, now)
        else:
            self._take(leg, event, now)

    def _take(self, leg: Leg, event: InviteReceived, now: float) -> None:
        """The call of a leg: it is answered when there is what the medium needs."""
        request = event.request
        leg.life.process(Input.INVITED)
        leg.reservation = ""
        leg.offer, leg.invited_at, leg.call_id = body_of(request, SDP), now, request.call_id
        leg.signalling_encrypted = event.flow.transport == "TLS"
        caller = request.from_.uri
        leg.terms = self._descriptions.terms(
            MediaTarget(
                outgoing=False,
                scheme=caller.scheme,
                domain=caller.host.lower(),
                user=caller.user,
                signalling_encrypted=leg.signalling_encrypted,
            )
        )
        self._context.bind(leg, event.session)
        self._context.deadlines.set((Wait.ARRIVAL, leg), None)
        if self._medium.prepare(leg, now=now):
            self.prepared(leg, now=now)

    def _called(self, request: SipRequest) -> Conference | None:
        """The conference whose MCU-Conference-URI is in To."""
        try:
            key = conference_id(focus_uri_of(str(request.to.uri)))
        except C3PError:
            return None
        return self._context.conferences.get(key or "")

    def _announced(self, request: SipRequest) -> Leg | None:
        """The reservation whose secret is shown. Of a phone To is the number that it dialled, and says nothing."""
        if _SECRET not in request.uri.params:
            return None
        shown = (request.uri.params[_SECRET] or "").encode()
        waiting = (leg for leg in self._context.legs.values() if leg.state is State.RESERVED)
        return next((leg for leg in waiting if hmac.compare_digest(leg.reservation.encode(), shown)), None)

    def _vouched_for(self, conference: Conference, event: InviteReceived) -> Leg | None:
        """Without a secret: a reservation of somebody of whom a trusted peer says that it calls."""
        if _SECRET in event.request.uri.params or event.flow not in self._context.config.trusted_peers:
            return None
        callers = {aor_key(each.uri) for each in asserted_identities(event.request) if each.uri.scheme != "tel"}
        waiting = [leg for leg in conference.legs.values() if leg.state is State.RESERVED]
        return next((leg for leg in waiting if leg.user_key in callers), None)

    def _reject(self, event: InviteReceived, status: int, error_id: int, text: str, now: float) -> None:
        header = diagnostics(error_id, self._context.config.mcu_id, text)
        self._context.endpoint.reject(event.session, status, headers=(header,), now=now)

    def prepared(self, leg: Leg, *, now: float) -> None:
        """What the medium needs is there, such as open ports: the call can be answered."""
        assert leg.session is not None
        config = self._context.config
        leg.life.process(Input.PORT_OPENED)
        body = self._descriptions.answer(leg)
        if isinstance(body, Unusable):
            self._unusable(leg, body, now)
            return
        leg.accepted = True
        contact = NameAddr(config.sip_contact, params={"isfocus": None} if config.dial_in_isfocus else {})
        try:
            self._context.endpoint.accept(leg.session, body=body, content_type=SDP, contact=contact, now=now)
        except SipError:
            # It was cancelled in this very moment; the event is on its way.
            self._context.counters["accepted too late"] += 1
        self._context.deadlines.set((Wait.PORT, leg), None)

    def _unusable(self, leg: Leg, why: Unusable, now: float) -> None:
        assert leg.session is not None
        self._context.endpoint.reject(leg.session, 488, headers=why.headers, now=now)
        leg.life.process(Input.UNUSABLE)
        self._context.sessions.pop(leg.session, None)
        self._termination.over(
            leg,
            disconnection_of(Ending.NO_MEDIA, status=488, reason=why.text, error_id=why.error_id),
            now=now,
        )

    def confirmed(self, leg: Leg, event: SessionConfirmed, *, now: float) -> None:
        """The ACK: into the conference."""
        unusable = self._descriptions.confirm(leg, body_of(event.request, SDP))
        if unusable is not None:
            disconnection = disconnection_of(Ending.NO_MEDIA, reason=unusable.text, error_id=unusable.error_id)
            self._termination.give_up(leg, disconnection, now=now)
            return
        leg.life.process(Input.CONFIRMED)
        leg.connected_at = now
        carried = self._medium.connect(leg, now=now)
        if leg.door is not None:
            self._doors.arrived(leg, leg.door, carried, now=now)
        else:
            self._dial_out.report_connected(leg, carried, now=now)
