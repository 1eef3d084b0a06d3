"""Who may call, and what is asked of it: a participant at an MCU of the conference, anybody at the dial-in number."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from c3p import EntryCheck, McuType, focus_uri_of, mcu_type_of
from focus import refusal
from focus.conference import Conference
from focus.guests import guest_in
from focus.identity import ANONYMOUS_HOST, Known, insist_on, is_authenticated, name_of
from focus.inside import Inside
from focus.join import if_legible
from focus.policy import Admission, AdmissionVerdict, JoinQuestion
from focus.questions.placement import Owned
from focus.questions.procedure import Kind, Line, Steps, Turn, decided, settled
from focus.records import ConferenceRecord
from focus.refusal import Refusal, Refused
from focus.subscription_policy import NOT_JOINED
from focus.ways_in.way import Way, Ways
from sip import AddressOfRecord, ConferenceAddress, Entropy, Flow, Identified, Request, canonical_host

_TOKEN_OCTETS: Final = 6  #: in the name of a caller that nobody knows
_MOST_NAME: Final = 64  #: characters of what such a caller says it is


class NoNumber(Exception):
    """A number that leads to no conference: the request is for other cores. Never leaves this package."""


class Callers:
    """Decides about INVITEs, and has MCUs expect them."""

    def __init__(self, inside: Inside, ways: Ways, entropy: Entropy, domains: Container[str]) -> None:
        self._inside, self._ways, self._entropy, self._domains = inside, ways, entropy, domains
        self._context, self._active = inside.context, inside.active

    # A participant -----------------------------------------------------------------------------------------------

    def participant(self, request: Request, flow: Flow, known: Known, turn: Turn) -> Steps[Way]:
        """Where the call of somebody goes who is in the conference, to an MCU of which it is (docs/ways-in.rst).

        Raises Refused.
        """
        text = str(request.uri)
        address, mcu_type = ConferenceAddress.read(focus_uri_of(text)), mcu_type_of(text) or ""
        yield Line(address.key)
        conference = self._active.get(address.key)
        name = self._name(request, flow, known, conference)
        if conference is None:
            raise Refused(refusal.UNKNOWN_CONFERENCE)
        if mcu_type not in conference.record.mcu_types:
            raise Refused(refusal.MCU_NOT_ENABLED)
        if name is None or not conference.participants.of_user(name.key):
            raise Refused(NOT_JOINED)
        found = conference.roster.find(name)
        if found is None or found.in_lobby:
            raise Refused(refusal.NOT_AUTHORISED.saying("in the lobby"))
        try:
            return (
                yield from self._ways.to_mcu(
                    conference, name, mcu_type, turn, role=found.role, display_text=found.display_text
                )
            )
        finally:
            self._active.settle(conference, now=turn.now)

    @staticmethod
    def _name(request: Request, flow: Flow, known: Known, conference: Conference | None) -> AddressOfRecord | None:
        """Under which name the sender takes part; a guest is known by the connection on which it joined."""
        guest = guest_in(request, known)
        if guest is None:
            return name_of(insist_on(known), request)
        here = conference.participants.of_user(guest.key) if conference is not None else []
        if not any(one.flow == flow for one in here):
            insist_on(known)
            raise Refused(NOT_JOINED)
        return guest

    # A number --------------------------------------------------------------------------------------------------------

    def number_of(
        self, number: str, request: Request, flow: Flow, known: Known, turn: Turn
    ) -> Steps[ConferenceAddress]:
        """Where a number leads. Raises NoNumber, and Refused for who has tried too many."""
        numbers = self._context.config.numbers
        assert numbers is not None
        if not isinstance(known, Identified):
            self._inside.guests.check_number(request, flow, now=turn.now)
        uri = yield from decided(numbers.conference_of(number), Kind.NUMBER)
        if uri is None:
            if not isinstance(known, Identified):
                self._inside.guests.wrong_number(request, flow, now=turn.now)
            raise NoNumber
        return ConferenceAddress.read(uri)

    # A phone -----------------------------------------------------------------------------------------------------

    def phone(self, number: str, request: Request, flow: Flow, known: Known, turn: Turn) -> Steps[Way]:
        """Where the call of a phone goes that has called a dial-in number. Raises Refused, and NoNumber."""
        address = yield from self.number_of(number, request, flow, known, turn)
        yield Line(address.key)
        active = self._active.get(address.key)
        record = active.record if active is not None else (yield from settled(self._inside.records.find(address)))
        if record is None or record.is_over(self._context.endpoint.wall_clock + turn.now):
            raise Refused(refusal.UNKNOWN_CONFERENCE)
        if McuType.AUDIO_VIDEO not in record.mcu_types:
            raise Refused(refusal.MCU_NOT_ENABLED)
        user, display_text = self._caller(request, known)
        admission = yield from self._admitted(record, user, active)
        if not isinstance(admission, Admission):
            insist_on(known)  # with the password of an account it may be another answer
            raise Refused(admission)
        if self._context.draining and active is None:
            raise Refused(refusal.DRAINING.after(self._context.config.drain_retry_after))
        check, guesser = None, None
        if admission.verdict is AdmissionVerdict.PASSCODE:
            check, guesser = self._inside.guests.asked(record, request, flow, now=turn.now)
        elif admission.verdict is AdmissionVerdict.LOBBY:
            check = EntryCheck(lobby=True)
        conference = self._active.get(address.key) or (yield from self._activate(address, record, turn))
        try:
            return (
                yield from self._ways.to_mcu(
                    conference,
                    user,
                    McuType.AUDIO_VIDEO.value,
                    turn,
                    role=admission.role,
                    display_text=display_text,
                    check=check,
                    guesser=guesser,
                )
            )
        finally:
            # Somebody who does not get in must not leave an empty conference behind.
            self._active.settle(conference, now=turn.now)

    def _admitted(
        self, record: ConferenceRecord, user: AddressOfRecord, active: Conference | None
    ) -> Steps[Admission | Refusal]:
        question = JoinQuestion(
            record=record,
            user=user,
            wish=None,
            locked=active is not None and active.locked,
            lobby_capable=True,  # the MCU has one for phones
            already_in=False,
            by_phone=True,
        )
        admission = yield from decided(self._context.config.policy.admit(question))
        if isinstance(admission, Admission | Refusal):
            return admission
        return refusal.NOT_AUTHORISED.saying("nobody has decided it")

    def _caller(self, request: Request, known: Known) -> tuple[AddressOfRecord, str | None]:
        """Who calls, as the roster shows it. Raises Refused: who calls itself a user of ours has to prove it.

        Somebody known has its own name. Anybody else gets one that is nobody's, each call another, so that it can be
        ejected and let in by itself; what it says it is stands behind that, marked as what it is.
        """
        said = request.from_
        if isinstance(known, Identified) and is_authenticated(known.user):
            hidden = name_of(known, request)
            if hidden is not None and is_authenticated(hidden):
                return hidden, if_legible(said.display_name)
            return self._nobody(), None
        if not isinstance(known, Identified) and canonical_host(said.uri.host) in self._domains:
            insist_on(known)
        name = if_legible(said.uri.user) if said.uri.host != ANONYMOUS_HOST else None
        return self._nobody(), f"unverified {name[:_MOST_NAME]}" if name else None

    def _nobody(self) -> AddressOfRecord:
        return AddressOfRecord.read(f"sip:phone-{self._entropy.token(_TOKEN_OCTETS)}@{ANONYMOUS_HOST}")

    def _activate(self, address: ConferenceAddress, record: ConferenceRecord, turn: Turn) -> Steps[Conference]:
        if self._active.full:
            raise Refused(refusal.BUSY)
        placement = self._context.placement
        owned = yield from settled(placement.claim(address))
        if not isinstance(owned, Owned):
            raise Refused(refusal.ELSEWHERE)
        if (taken_over := self._active.get(address.key)) is not None:
            return taken_over  # the claim brought what its last owner had
        try:
            if self._active.full:
                raise Refused(refusal.BUSY)
            self._active.attendance.begin(address.key, record)
        except Refused:
            placement.release(address, owned.epoch)
            raise
        return self._active.activate(address, record, epoch=owned.epoch, now=turn.now)
