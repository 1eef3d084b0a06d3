"""May an address be called, and how: the policy is asked about each, wherever it comes from."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from c3p import Role
from mcu.call_counts import CallCounts
from mcu.conference import Conference
from mcu.context import Context
from mcu.leg import Attempt, Leg
from mcu.legs.add_user import Participant
from mcu.legs.targets import Targets, number_or_user
from mcu.legs.undecided import Undecided
from mcu.media_policy import MediaTarget, MediaTerms
from mcu.policy import Allowed, Cause, Decision, DialOutQuestion, Refusal, RefusalReason
from mcu.telephone_number import number_in
from sip import AddressOfRecord, Uri, is_own_address

NO_WAY = Refusal(RefusalReason.TARGET, "no gateway for this number")
ELSEWHERE = Refusal(RefusalReason.TARGET_DENIED, "address leads to another host than it names")
NOT_IN_CLEAR = Refusal(RefusalReason.MEDIA, "SRTP is required, and the signalling to there is not encrypted")


@attrs.frozen(kw_only=True)
class Call:
    """Whose call it would be."""

    conference: Conference
    originator: AddressOfRecord | None
    originator_role: str | None
    role: str
    own: bool

    @classmethod
    def of_command(cls, conference: Conference, participant: Participant, originator_role: str | None) -> Call:
        """What a command wants."""
        return cls(
            conference=conference,
            originator=participant.originator,
            originator_role=originator_role,
            role=participant.role,
            own=participant.own,
        )

    @classmethod
    def of_leg(cls, leg: Leg) -> Call:
        """A leg that goes on to another address, for whoever had it called."""
        role = leg.request.originator_role if leg.request is not None else None
        return cls(
            conference=leg.conference, originator=leg.originator, originator_role=role, role=leg.role, own=leg.own
        )


class Permission:
    """Asks the policy of one MCU."""

    def __init__(self, context: Context, undecided: Undecided, terms: Callable[[MediaTarget], MediaTerms]) -> None:
        self._context, self._undecided = context, undecided
        self._targets = Targets(context.config, terms)
        self._counts = CallCounts()

    def decide(self, call: Call, uri: Uri, *, cause: Cause, now: float) -> Decision:
        """What the policy says; whatever is no decision is a refusal, and so is an address to which there is no way.

        What waits for a decision counts as a call, or a policy that takes its time would find room for each of them. An
        address with ``maddr`` leads to another host than the policy is asked about (RFC 3263 section 4): never called.
        """
        if "maddr" in uri.params:
            return ELSEWHERE
        decision: Decision | object = self._context.policy.decide(self._question(call, uri, cause, now))
        if isinstance(decision, Allowed) and not self._targets.has_way(uri):
            return NO_WAY
        if isinstance(decision, Decision):
            return decision
        return Refusal(RefusalReason.TARGET_DENIED, "nobody has decided it")

    def attempt(self, uri: Uri) -> Attempt | Refusal:
        """How an address that may be called is called."""
        attempt = self._targets.attempt(uri)
        if attempt is None:
            return NO_WAY
        return attempt if attempt.forms else NOT_IN_CLEAR

    def begun(self, call: Call, *, now: float) -> None:
        """A call counts from now on."""
        keys = (f"conference {call.conference.key}", self._key_of(call))
        self._counts.begun(*keys, now=now)

    def changed(self, call: Call) -> Refusal | None:
        """What has changed while a decision was awaited, and forbids what it may have allowed."""
        conference, config = call.conference, self._context.config
        if self._context.draining or conference.key not in self._context.conferences:
            return Refusal(RefusalReason.CONFERENCE, "conference is over")
        if conference.locked and (call.originator_role or Role.ATTENDEE) != Role.PRESENTER:
            return Refusal(RefusalReason.LOCKED, "conference is locked")
        if len(self._context.legs) >= config.max_legs or len(conference.legs) >= config.max_conference_legs:
            return Refusal(RefusalReason.CAPACITY, "no room for another call")
        return None

    def _question(self, call: Call, uri: Uri, cause: Cause, now: float) -> DialOutQuestion:
        conference, originator = call.conference, call.originator
        number = number_in(uri)
        waiting = self._undecided.calls_of_conference(conference)
        waiting_of_originator = self._undecided.calls_of_originator(originator)
        return DialOutQuestion(
            scheme=uri.scheme,
            domain=uri.host.lower() if uri.scheme in ("sip", "sips") else None,
            user=number_or_user(uri),
            address=str(uri),
            number=None if number is None else number.digits,
            originator=None if originator is None else originator.text,
            originator_role=call.originator_role,
            role=call.role,
            locked=conference.locked,
            conference=conference.uri,
            own_domain=conference.mcu_address.host,
            cause=cause,
            own=call.own,
            own_address=originator is not None and is_own_address(uri, originator),
            legs=len(conference.legs) + waiting,
            dialing=conference.dialing + waiting,
            legs_of_originator=self._legs_of(originator) + waiting_of_originator,
            recent=self._counts.of(f"conference {conference.key}", now=now) + waiting,
            recent_of_originator=self._counts.of(self._key_of(call), now=now) + waiting_of_originator,
        )

    def _legs_of(self, originator: AddressOfRecord | None) -> int:
        if originator is None:
            return 0
        legs = self._context.legs.values()
        return sum(leg.originator is not None and leg.originator.key == originator.key for leg in legs)

    @staticmethod
    def _key_of(call: Call) -> str:
        return f"user {call.originator.key if call.originator is not None else ''}"
