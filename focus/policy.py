"""Who may do what: pure functions over facts, no state (C3P reference 7.1, 7.4, 8, 10)."""

from __future__ import annotations

import enum
from typing import Final

import attrs

from c3p import AdmissionPolicy, McuType, Role
from focus import refusal
from focus.identity import is_authenticated
from focus.records import ConferenceRecord
from focus.refusal import Refusal
from sip import AddressOfRecord, same_user

PRESENTER: Final = Role.PRESENTER.value
ATTENDEE: Final = Role.ATTENDEE.value
ROLES: Final = frozenset({PRESENTER, ATTENDEE})

#: The bit of `autopromote` that lets the organizer's own enterprise present (inferred from captures of 0x80008000).
AUTOPROMOTE_ENTERPRISE: Final = 0x8000

#: Only these can call somebody (conference join methods, section 4); data and sharing are joined by their own protocol.
DIAL_OUT_TYPES: Final = frozenset({McuType.AUDIO_VIDEO.value, McuType.CHAT.value})


@attrs.frozen(kw_only=True)
class ConferencePolicy:
    """What a deployment decides for all conferences of a Focus."""

    organizer_may_be_ejected: bool = False
    demotion: bool = True  #: OCS refused to make a presenter an attendee; later servers do it
    presenters_wish: bool = False  #: whether an enterprise user who asks for presenter gets it without being listed


class Verdict(enum.Enum):
    """What becomes of somebody who wants to join."""

    ADMITTED = "admitted"
    LOBBY = "lobby"


@attrs.frozen(kw_only=True)
class Admission:
    """The way in, and as what."""

    verdict: Verdict
    role: str


@attrs.frozen(kw_only=True)
class Requester:
    """Facts about the sender of a command."""

    user: AddressOfRecord  #: authenticated
    role: str
    in_lobby: bool = False

    @property
    def presents(self) -> bool:
        """Whether the sender is a presenter who has been let in."""
        return self.role == PRESENTER and not self.in_lobby


def is_organizer(record: ConferenceRecord, user: AddressOfRecord) -> bool:
    """Whether `user` owns the conference."""
    return same_user(record.owner, user)


def listed_role(record: ConferenceRecord, user: AddressOfRecord) -> str | None:
    """The role that was set for `user` at scheduling, None for those not invited."""
    return next((role for listed, role in record.listed if same_user(listed, user)), None)


def in_enterprise(record: ConferenceRecord, user: AddressOfRecord) -> bool:
    """Whether `user` is of the organizer's own domain."""
    own, host = record.owner.uri, user.uri
    return own is not None and host is not None and own.host == host.host


def granted_role(record: ConferenceRecord, user: AddressOfRecord, wish: str | None, policy: ConferencePolicy) -> str:
    """The role of a user who joins: organizer, then those listed, then the autopromote mask (7.1)."""
    if is_organizer(record, user):
        return PRESENTER
    if not is_authenticated(user):
        return ATTENDEE
    listed = listed_role(record, user)
    if listed is not None:
        return listed
    promoted = bool((record.autopromote or 0) & AUTOPROMOTE_ENTERPRISE)
    wished = policy.presenters_wish and wish == PRESENTER
    return PRESENTER if in_enterprise(record, user) and (promoted or wished) else ATTENDEE


def admit(
    record: ConferenceRecord,
    user: AddressOfRecord,
    *,
    wish: str | None,
    locked: bool,
    lobby_capable: bool,
    already_in: bool,
    policy: ConferencePolicy,
) -> Admission | Refusal:
    """Whether `user` may join, at once or through the lobby, and as what (7.1).

    `already_in`: another device of the same user has been let in, which a lock does not undo.
    """
    role = granted_role(record, user, wish, policy)
    if is_organizer(record, user) or already_in:
        return Admission(verdict=Verdict.ADMITTED, role=role)
    invited = _is_invited(record, user)
    if invited and not (locked and role != PRESENTER):
        return Admission(verdict=Verdict.ADMITTED, role=role)
    if lobby_capable and (invited or record.lobby_capable):
        return Admission(verdict=Verdict.LOBBY, role=role)
    return refusal.LOCKED if invited else refusal.NOT_AUTHORISED.saying("not admitted to this conference")


def _is_invited(record: ConferenceRecord, user: AddressOfRecord) -> bool:
    if record.admission_policy == AdmissionPolicy.ANONYMOUS:
        return True
    if not is_authenticated(user):
        return False
    if listed_role(record, user) is not None:
        return True
    return record.admission_policy != AdmissionPolicy.CLOSED_AUTHENTICATED and in_enterprise(record, user)


def authorise_presenter(requester: Requester) -> Refusal | None:
    """Ejecting, roles, lock, lobby, mute all, announcements and the end are for presenters (section 10)."""
    return None if requester.presents else refusal.NOT_AUTHORISED.saying("only a presenter may do that")


def authorise_dial_out(
    record: ConferenceRecord, requester: Requester, target: AddressOfRecord, *, locked: bool
) -> Refusal | None:
    """Who may have somebody called (7.4)."""
    if requester.presents:
        return None
    if requester.in_lobby:
        return refusal.NOT_AUTHORISED.saying("in the lobby")
    if locked:
        return refusal.LOCKED
    if not is_authenticated(requester.user) and not record.anonymous_dialout:
        return refusal.NOT_AUTHORISED.saying("anonymous participants may not dial out")
    if same_user(target, requester.user) or record.attendee_dialout:
        return None
    return refusal.THIRD_PARTY_DIAL_OUT


def authorise_dial_in(requester: Requester, target: AddressOfRecord) -> Refusal | None:
    """Everybody who has been let in may announce a connection of his own (7.5)."""
    if requester.in_lobby:
        return refusal.NOT_AUTHORISED.saying("in the lobby")
    return None if same_user(target, requester.user) else refusal.INVALID_TARGET.saying("dial-in is for oneself")


def authorise_eject(
    record: ConferenceRecord,
    requester: Requester,
    target: AddressOfRecord,
    *,
    from_one_mcu: bool,
    policy: ConferencePolicy,
) -> Refusal | None:
    """Presenters eject others; anybody may take itself off an MCU; the organizer stays unless the policy says so."""
    if from_one_mcu and same_user(target, requester.user):
        return None
    denied = authorise_presenter(requester)
    if denied is not None:
        return denied
    if is_organizer(record, target) and not policy.organizer_may_be_ejected and not from_one_mcu:
        return refusal.NOT_AUTHORISED.saying("the organizer cannot be ejected")
    return None


def authorise_roles(
    record: ConferenceRecord, requester: Requester, target: AddressOfRecord, role: str, *, policy: ConferencePolicy
) -> Refusal | None:
    """Presenters change roles, but not the organizer's (7.3)."""
    denied = authorise_presenter(requester)
    if denied is not None:
        return denied
    if role == ATTENDEE and is_organizer(record, target):
        return refusal.NOT_AUTHORISED.saying("the organizer stays a presenter")
    if role == ATTENDEE and not policy.demotion:
        return refusal.NOT_IMPLEMENTED.saying("demotion is not supported here")
    return None


def authorise_media(
    requester: Requester, target: AddressOfRecord, *, opens: bool, may_modify_own: bool
) -> Refusal | None:
    """Presenters mute anybody; others themselves, and open their own filter only where the rules allow it (7.8).

    `may_modify_own` is what the `mayModifyOwnFilters` rules of the MCU's view say for the requester's role.
    """
    if requester.presents:
        return None
    if requester.in_lobby or not same_user(target, requester.user):
        return refusal.NOT_AUTHORISED.saying("only a presenter may change the media of others")
    return None if may_modify_own or not opens else refusal.NOT_AUTHORISED.saying("you may not unmute yourself")
