"""May this leg be dialled? The MCU asks for itself, whatever the Focus has allowed (docs/design-decisions.rst)."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, Final, Protocol

import attrs

from c3p import CommandReason, ErrorId, Reason, Role
from sip import MAY_BE_EMPTY, Pending, Shown, checks_types

ROLES: Final = frozenset({Role.PRESENTER.value, Role.ATTENDEE.value})


class RefusalReason(enum.Enum):
    """Why a command is refused before anything is sent: C3P reason, specific reason, ErrorId.

    A cause for which a Focus refuses as well has the ErrorId that the Focus gives, so that it does not
    matter who of the two finds it.
    """

    UNAUTHORIZED = (Reason.UNAUTHORIZED, CommandReason.OTHER_FAILURE, ErrorId.AUTHORIZATION_FAILED)
    THIRD_PARTY = (Reason.UNAUTHORIZED, CommandReason.OTHER_FAILURE, ErrorId.THIRD_PARTY_DIAL_OUT_NOT_ALLOWED)
    LOCKED = (Reason.UNAUTHORIZED, CommandReason.CONFERENCE_LOCKED, ErrorId.AUTHORIZATION_FAILED)
    TARGET = (Reason.OTHER_FAILURE, CommandReason.DIAL_OUT_NOT_FOUND, ErrorId.INVALID_TARGET_USER)
    TARGET_DENIED = (Reason.UNAUTHORIZED, CommandReason.DIAL_OUT_DECLINED, ErrorId.AUTHORIZATION_FAILED)
    ROLE = (Reason.REQUEST_MALFORMED, CommandReason.INVALID_ROLE, ErrorId.INVALID_ROLE)
    MEDIA = (Reason.OTHER_FAILURE, CommandReason.DIAL_OUT_MEDIA, ErrorId.UNEXPECTED_AT_THIS_TIME)
    CAPACITY = (Reason.SERVER_BUSY, CommandReason.OTHER_FAILURE, ErrorId.TOO_MANY_MEETINGS)
    DUPLICATE = (Reason.OTHER_FAILURE, CommandReason.OTHER_FAILURE, ErrorId.REPLACING_USER_NOT_ALLOWED)
    #: A document that only an MCU or an MCU Factory gets: addConference in their forms, registerMcu.
    MALFORMED = (Reason.REQUEST_MALFORMED, CommandReason.OTHER_FAILURE, ErrorId.UNEXPECTED_AT_THIS_TIME)
    UNPARSEABLE = (Reason.REQUEST_MALFORMED, CommandReason.OTHER_FAILURE, ErrorId.DOCUMENT_DOES_NOT_PARSE)
    CONTENT = (Reason.REQUEST_MALFORMED, CommandReason.OTHER_FAILURE, ErrorId.ADD_USER_CONTENT_INVALID)
    ENDPOINT_NAME = (Reason.REQUEST_MALFORMED, CommandReason.OTHER_FAILURE, ErrorId.MALFORMED_ENDPOINT_ENTITY)
    CONFERENCE = (Reason.OTHER_FAILURE, CommandReason.CONFERENCE_DOESNT_EXIST, ErrorId.CONFERENCE_NOT_ON_MCU)
    USER = (Reason.OTHER_FAILURE, CommandReason.USER_DOESNT_EXIST, ErrorId.INVALID_TARGET_USER)
    ENDPOINT = (Reason.OTHER_FAILURE, CommandReason.ENDPOINT_DOESNT_EXIST, ErrorId.INVALID_TARGET_USER)
    STREAM = (Reason.OTHER_FAILURE, CommandReason.MEDIA_DOESNT_EXIST, ErrorId.INVALID_TARGET_USER)
    MCU_URI = (Reason.OTHER_FAILURE, CommandReason.INVALID_MCU_URI, ErrorId.INVALID_MCU_URI)
    NOT_SUPPORTED = (Reason.NOT_SUPPORTED, CommandReason.OTHER_FAILURE, ErrorId.COMMAND_NOT_IMPLEMENTED)

    @property
    def reason(self) -> Reason:
        return self.value[0]

    @property
    def command_reason(self) -> CommandReason:
        return self.value[1]

    @property
    def error_id(self) -> ErrorId:
        return self.value[2]


@attrs.frozen
class Refusal:
    """A command that is not carried out."""

    reason: RefusalReason
    text: str  #: for people; goes into the diagnostics of the response


class Cause(enum.Enum):
    """Why an address is about to be called."""

    COMMAND = "command"  #: a command of the Focus names it
    REDIRECTION = "redirection"  #: a 3xx of whoever was called names it (docs/design-decisions.rst)


@attrs.frozen(kw_only=True)
class DialOutQuestion:
    """What is known when a leg is about to be dialled, or sent somewhere else."""

    scheme: str  #: of the address to call: ``sip``, ``sips`` or ``tel``
    domain: str | None  #: lower case; ``None`` for ``tel:``
    user: str | None  #: user part, or the number of a ``tel:`` URI
    address: str = ""  #: all of it
    number: str | None = None  #: the digits of a telephone number that it stands for (`mcu.telephone_number`)
    originator: str | None  #: URI of who asked, as the Focus authenticated it
    originator_role: str | None
    role: str  #: wanted for the one who is called
    locked: bool  #: the conference takes nobody new from attendees
    conference: str = ""  #: Conference-URI
    own_domain: str | None = None  #: of the conference
    cause: Cause = Cause.COMMAND
    own: bool = False  #: the originator has itself called, at whatever address
    own_address: bool = False  #: the address is that of the originator, where its phones are registered
    legs: int  #: of the conference, this one not counted
    dialing: int  #: of those, still without an answer
    legs_of_originator: int = 0  #: on this MCU
    recent: int = 0  #: calls that the conference began in the last minute
    recent_of_originator: int = 0  #: calls that the originator had begun in the last minute, on this MCU


@attrs.frozen
class Allowed:
    """Yes. The other decisions are a `Refusal`, which says what the Focus hears, and `sip.Pending`: later."""


Decision = Allowed | Refusal | Pending


class DialOutPolicy(Protocol):
    """Anything that decides about calls: at once, or by ``Mcu.decided`` when it returned `sip.Pending`.

    It is asked for each address, whether a command or a redirection names it, and must not block. Nothing but
    `Allowed` has anybody called.
    """

    def __new__(cls, *settings: Any, **more: Any) -> Any:
        """``DialOutPolicy(...)`` is an older way to write ``DialOutRules(...)``."""
        return DialOutRules(*settings, **more) if cls is DialOutPolicy else super().__new__(cls)

    def decide(self, question: DialOutQuestion) -> Decision:
        """Whether it is called."""
        ...


DialPolicy = DialOutPolicy  #: an older name


def _no_other_phone(originator: str, address: str) -> bool:
    return False


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class DialOutRules(Shown):
    """The rules that come with the package; each can be set.

    Dialling costs somebody money and makes phones ring: a command whose originator has no known role is
    treated as one of an attendee, and what is not named here is not called.
    """

    schemes: frozenset[str] = frozenset({"sip", "sips", "tel"})
    #: Domains that may be called beside that of the conference; ``None`` leaves it to the outbound proxy.
    domains: frozenset[str] | None = frozenset()
    #: Number prefixes that may be called, as ``tel:`` or in a SIP URI, with ``+`` for global numbers; an empty one is
    #: for all, ``None`` leaves it to the gateways.
    numbers: tuple[str, ...] | None = attrs.field(default=(), metadata=MAY_BE_EMPTY)
    #: Number prefixes that are never called (premium services and the like), whatever is allowed.
    denied_prefixes: tuple[str, ...] = ()
    dial_out_roles: frozenset[str] = frozenset({Role.PRESENTER.value})  #: who may have others called
    #: Whether those who may not have others called may have their own phone called: their own address, another
    #: that ``phone_of`` says is theirs, or a number that may be called.
    own_phone: bool = True
    phone_of: Callable[[str, str], bool] = _no_other_phone  #: whether an originator has a phone at an address
    number_roles: frozenset[str] = ROLES  #: who may have telephone numbers called
    max_legs: int = 250  #: in one conference: what one core mixes in real time with room to spare
    max_dialing: int = 50  #: unanswered at once in one conference: a wrong list does not ring a whole company
    max_legs_of_user: int = 250  #: that one user had called, in all conferences here: as many as one conference has
    #: Calls a minute of one conference, and of one user: more than people dial, and less than a program would.
    calls_a_minute: int = 300
    calls_a_minute_of_user: int = 300

    def decide(self, question: DialOutQuestion) -> Allowed | Refusal:
        """Refuse, or allow. Who asks comes first, so that others learn nothing about targets."""
        return self._requester(question) or self._target(question) or self._room(question) or Allowed()

    def _requester(self, question: DialOutQuestion) -> Refusal | None:
        role = question.originator_role or Role.ATTENDEE.value
        if role not in self.dial_out_roles and not question.own:
            return Refusal(RefusalReason.THIRD_PARTY, f"{role} may not dial out to others")
        if role not in self.dial_out_roles and not self.own_phone:
            return Refusal(RefusalReason.UNAUTHORIZED, f"{role} may not dial out")
        if role not in self.dial_out_roles and not self._is_own_phone(question):
            return Refusal(RefusalReason.THIRD_PARTY, "not a phone of whoever asks")
        if question.role not in ROLES:
            return Refusal(RefusalReason.ROLE, "no such role")
        if question.locked and role != Role.PRESENTER:
            return Refusal(RefusalReason.LOCKED, "conference is locked")
        if question.number is not None and role not in self.number_roles:
            return Refusal(RefusalReason.UNAUTHORIZED, f"{role} may not have telephone numbers called")
        return None

    def _is_own_phone(self, question: DialOutQuestion) -> bool:
        if question.own_address or question.scheme == "tel":
            return True
        return question.originator is not None and self.phone_of(question.originator, question.address)

    def _target(self, question: DialOutQuestion) -> Refusal | None:
        if question.scheme not in self.schemes:
            return Refusal(RefusalReason.TARGET, "address of this kind cannot be called")
        if question.domain is not None and not self._is_open(question.domain, question.own_domain):
            return Refusal(RefusalReason.TARGET_DENIED, "domain may not be called")
        names = (question.user or "", question.number or "")
        if self.denied_prefixes and any(name.startswith(self.denied_prefixes) for name in names):
            return Refusal(RefusalReason.TARGET_DENIED, "number may not be called")
        if question.number is None or self.numbers is None or question.number.startswith(self.numbers):
            return None
        return Refusal(RefusalReason.TARGET_DENIED, "number may not be called")

    def _is_open(self, domain: str, own: str | None) -> bool:
        return self.domains is None or domain == own or domain in self.domains

    def _room(self, question: DialOutQuestion) -> Refusal | None:
        if question.cause is Cause.REDIRECTION:
            return None  # it is counted already
        if question.legs >= self.max_legs or question.dialing >= self.max_dialing:
            return Refusal(RefusalReason.CAPACITY, "conference has as many calls as it may")
        if question.legs_of_originator >= self.max_legs_of_user:
            return Refusal(RefusalReason.CAPACITY, "whoever asks has as many calls as it may")
        if question.recent >= self.calls_a_minute or question.recent_of_originator >= self.calls_a_minute_of_user:
            return Refusal(RefusalReason.CAPACITY, "too many calls within a minute")
        return None
