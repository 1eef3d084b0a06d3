"""Who may do what (docs/commands.rst): the questions of a Focus, and the rules that answer by default.

A `ConferencePolicy` answers each question with a typed decision, at once or, with `sip.Pending`, later.
`ConferenceRules` is the one that comes with the package: settings over the pure functions below, which have no state.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, Final, Protocol

import attrs

from c3p import AdmissionPolicy, McuType, Role
from focus import refusal
from focus.identity import is_authenticated
from focus.records import ConferenceRecord
from focus.refusal import Refusal
from sip import AddressOfRecord, Pending, checks_types, is_own_address, same_user

PRESENTER: Final = Role.PRESENTER.value
ATTENDEE: Final = Role.ATTENDEE.value
ROLES: Final = frozenset({PRESENTER, ATTENDEE})

#: The bit of `autopromote` that lets the organizer's own enterprise present (inferred from captures of 0x80008000).
AUTOPROMOTE_ENTERPRISE: Final = 0x8000

#: Only these can call somebody (docs/commands.rst); data and sharing are joined by their own protocol.
DIAL_OUT_TYPES: Final = frozenset({McuType.AUDIO_VIDEO.value, McuType.CHAT.value})


class AdmissionVerdict(enum.Enum):
    """What becomes of somebody who wants to join."""

    ADMITTED = "admitted"
    LOBBY = "lobby"
    PASSCODE = "passcode"  #: of a phone: in, once it has keyed in the passcode of the record


@attrs.frozen(kw_only=True)
class Admission:
    """The way in, and as what."""

    verdict: AdmissionVerdict
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


# Questions -----------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class JoinQuestion:
    """May somebody join a conference, at once or through the lobby, and as what?"""

    record: ConferenceRecord
    user: AddressOfRecord  #: authenticated, as far as `FocusConfig.identify` does
    wish: str | None  #: role that was asked for
    locked: bool
    lobby_capable: bool  #: the client knows what a lobby is
    already_in: bool  #: another device of the same user has been let in
    by_phone: bool = False  #: a plain phone calls the dial-in number: it can wait in the lobby, and key in a passcode


@attrs.frozen(kw_only=True)
class PresentQuestion:
    """May somebody lock, end, mute all, let people in from the lobby, announce: what presenters do?"""

    record: ConferenceRecord
    requester: Requester
    command: str  #: name of the C3P command


@attrs.frozen(kw_only=True)
class DialOutQuestion:
    """May somebody have an address called (``addUser``, dial-out)?"""

    record: ConferenceRecord
    requester: Requester
    target: AddressOfRecord  #: who will be in the roster
    called: AddressOfRecord  #: the address that is called: that of `target`, or any other that the command names
    locked: bool


@attrs.frozen(kw_only=True)
class DialInQuestion:
    """May somebody announce a connection of a user to an MCU (``addUser``, dial-in)?"""

    record: ConferenceRecord
    requester: Requester
    target: AddressOfRecord


@attrs.frozen(kw_only=True)
class EjectQuestion:
    """May somebody eject a user (``deleteUser``)?"""

    record: ConferenceRecord
    requester: Requester
    target: AddressOfRecord
    from_one_mcu: bool  #: and not from the conference


@attrs.frozen(kw_only=True)
class RoleQuestion:
    """May somebody change the role of a user (``modifyUserRoles``)?"""

    record: ConferenceRecord
    requester: Requester
    target: AddressOfRecord
    role: str  #: presenter or attendee


@attrs.frozen(kw_only=True)
class MediaQuestion:
    """May somebody change a media filter of a user (``modifyEndpointMedia``)?"""

    record: ConferenceRecord
    requester: Requester
    target: AddressOfRecord
    opens: bool  #: the filter lets through afterwards
    may_modify_own: bool  #: what the `mayModifyOwnFilters` rules of the MCU's view say for the requester's role


CommandQuestion = PresentQuestion | DialOutQuestion | DialInQuestion | EjectQuestion | RoleQuestion | MediaQuestion


@attrs.frozen
class Allowed:
    """Yes. The other decisions are a `Refusal`, which says what the sender hears, and `sip.Pending`: later."""


Decision = Allowed | Refusal | Pending


class ConferencePolicy(Protocol):
    """What a deployment decides for all conferences of a Focus.

    Anything with these two methods. They are asked in the step in which a request came, and must not block: a policy
    that has to look something up returns `sip.Pending`. Nothing but an `Allowed` or an `Admission` lets anybody do
    anything.
    """

    def __new__(cls, *settings: Any, **more: Any) -> Any:
        """``ConferencePolicy(...)`` is an older way to write ``ConferenceRules(...)``."""
        return ConferenceRules(*settings, **more) if cls is ConferencePolicy else super().__new__(cls)

    def admit(self, question: JoinQuestion) -> Admission | Refusal | Pending:
        """Whether somebody joins."""
        ...

    def authorise(self, question: CommandQuestion) -> Decision:
        """Whether a command is carried out."""
        ...


def _own_address(user: AddressOfRecord, called: AddressOfRecord) -> bool:
    return is_own_address(called.uri, user)


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class ConferenceRules:
    """The rules of the protocol, with what it leaves to a deployment as settings."""

    organizer_may_be_ejected: bool = False
    demotion: bool = True  #: OCS refused to make a presenter an attendee; later servers do it
    presenters_wish: bool = False  #: whether an enterprise user who asks for presenter gets it without being listed
    #: Whether an address is a phone of a user, who may have it called without being a presenter. By default the user's
    #: own address is, where its phones are registered; a registrar knows more. Numbers are the MCU's to judge.
    phone_of: Callable[[AddressOfRecord, AddressOfRecord], bool] = _own_address

    def admit(self, question: JoinQuestion) -> Admission | Refusal:
        """Organizer, then those listed, then what the record says."""
        if question.by_phone:
            return admit_phone(question.record, question.user, locked=question.locked, policy=self)
        return admit(
            question.record,
            question.user,
            wish=question.wish,
            locked=question.locked,
            lobby_capable=question.lobby_capable,
            already_in=question.already_in,
            policy=self,
        )

    def authorise(self, question: CommandQuestion) -> Allowed | Refusal:
        """The rule for the kind of question."""
        return self._refusal(question) or Allowed()

    def _refusal(self, question: CommandQuestion) -> Refusal | None:
        record, requester = question.record, question.requester
        match question:
            case PresentQuestion():
                return authorise_presenter(requester)
            case DialOutQuestion(target=target, called=called, locked=locked):
                own = is_number(called) or self.phone_of(requester.user, called)
                return authorise_dial_out(record, requester, target, locked=locked, own_phone=own)
            case DialInQuestion(target=target):
                return authorise_dial_in(requester, target)
            case EjectQuestion(target=target, from_one_mcu=from_one_mcu):
                return authorise_eject(record, requester, target, from_one_mcu=from_one_mcu, policy=self)
            case RoleQuestion(target=target, role=role):
                return authorise_roles(record, requester, target, role, policy=self)
            case MediaQuestion(target=target, opens=opens, may_modify_own=may):
                return authorise_media(requester, target, opens=opens, may_modify_own=may)


def is_number(called: AddressOfRecord) -> bool:
    """Whether an address is a telephone number: which ones may be called is the MCU's to say, that knows its trunks."""
    return called.uri is not None and called.uri.scheme == "tel"


# Rules ---------------------------------------------------------------------------------------------------------------


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


def granted_role(record: ConferenceRecord, user: AddressOfRecord, wish: str | None, policy: ConferenceRules) -> str:
    """The role of a user who joins: organizer, then those listed, then the autopromote mask."""
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
    policy: ConferenceRules,
) -> Admission | Refusal:
    """Whether `user` may join, at once or through the lobby, and as what.

    `already_in`: another device of the same user has been let in, which a lock does not undo.
    """
    role = granted_role(record, user, wish, policy)
    if is_organizer(record, user) or already_in:
        return Admission(verdict=AdmissionVerdict.ADMITTED, role=role)
    invited = _is_invited(record, user)
    if invited and not (locked and role != PRESENTER):
        return Admission(verdict=AdmissionVerdict.ADMITTED, role=role)
    if lobby_capable and (invited or record.lobby_capable):
        return Admission(verdict=AdmissionVerdict.LOBBY, role=role)
    return refusal.LOCKED if invited else refusal.NOT_AUTHORISED.saying("not admitted to this conference")


def admit_phone(
    record: ConferenceRecord, user: AddressOfRecord, *, locked: bool, policy: ConferenceRules
) -> Admission | Refusal:
    """Whether a phone that calls the dial-in number gets in, at once, by passcode, or through the lobby.

    Somebody who is known, and may join, needs nothing else. Of anybody else the number is all that is known: the record
    says whether that is enough, and a passcode is asked for where it has one that can be keyed in. Who knows the
    passcode is as good as invited.
    """
    known = is_authenticated(user)
    role = granted_role(record, user, None, policy) if known else ATTENDEE
    if known and is_organizer(record, user):
        return Admission(verdict=AdmissionVerdict.ADMITTED, role=role)
    if locked and role != PRESENTER:
        return _waiting(role) if record.lobby_capable else refusal.LOCKED
    closed = record.admission_policy == AdmissionPolicy.CLOSED_AUTHENTICATED
    personally = listed_role(record, user) is not None or (not closed and in_enterprise(record, user))
    for_all = record.pstn_lobby_bypass or record.admission_policy == AdmissionPolicy.ANONYMOUS
    if (known and personally) or (for_all and record.passcode is None):
        return Admission(verdict=AdmissionVerdict.ADMITTED, role=role)
    if record.passcode is not None and record.passcode.isascii() and record.passcode.isdigit():
        return Admission(verdict=AdmissionVerdict.PASSCODE, role=role)
    return _waiting(role) if record.lobby_capable else refusal.NOT_AUTHORISED.saying("not admitted to this conference")


def _waiting(role: str) -> Admission:
    return Admission(verdict=AdmissionVerdict.LOBBY, role=role)


def _is_invited(record: ConferenceRecord, user: AddressOfRecord) -> bool:
    if record.admission_policy == AdmissionPolicy.ANONYMOUS:
        return True
    if not is_authenticated(user):
        return False
    if listed_role(record, user) is not None:
        return True
    return record.admission_policy != AdmissionPolicy.CLOSED_AUTHENTICATED and in_enterprise(record, user)


def authorise_presenter(requester: Requester) -> Refusal | None:
    """Ejecting, roles, lock, lobby, mute all, announcements and the end are for presenters."""
    return None if requester.presents else refusal.NOT_AUTHORISED.saying("only a presenter may do that")


def authorise_dial_out(
    record: ConferenceRecord, requester: Requester, target: AddressOfRecord, *, locked: bool, own_phone: bool = True
) -> Refusal | None:
    """Who may have somebody called: presenters, others themselves, at a phone of theirs (`own_phone`)."""
    if requester.presents:
        return None
    if requester.in_lobby:
        return refusal.NOT_AUTHORISED.saying("in the lobby")
    if locked:
        return refusal.LOCKED
    if not is_authenticated(requester.user) and not record.anonymous_dialout:
        return refusal.NOT_AUTHORISED.saying("anonymous participants may not dial out")
    if record.attendee_dialout or (same_user(target, requester.user) and own_phone):
        return None
    return refusal.THIRD_PARTY_DIAL_OUT


def authorise_dial_in(requester: Requester, target: AddressOfRecord) -> Refusal | None:
    """Everybody who has been let in may announce a connection of his own."""
    if requester.in_lobby:
        return refusal.NOT_AUTHORISED.saying("in the lobby")
    return None if same_user(target, requester.user) else refusal.INVALID_TARGET.saying("dial-in is for oneself")


def authorise_eject(
    record: ConferenceRecord,
    requester: Requester,
    target: AddressOfRecord,
    *,
    from_one_mcu: bool,
    policy: ConferenceRules,
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
    record: ConferenceRecord, requester: Requester, target: AddressOfRecord, role: str, *, policy: ConferenceRules
) -> Refusal | None:
    """Presenters change roles, but not the organizer's."""
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
    """Presenters mute anybody; others themselves, and open their own filter only where the rules allow it.

    `may_modify_own` is what the `mayModifyOwnFilters` rules of the MCU's view say for the requester's role.
    """
    if requester.presents:
        return None
    if requester.in_lobby or not same_user(target, requester.user):
        return refusal.NOT_AUTHORISED.saying("only a presenter may change the media of others")
    return None if may_modify_own or not opens else refusal.NOT_AUTHORISED.saying("you may not unmute yourself")
