"""May this leg be dialled? The MCU asks for itself, whatever the Focus has allowed (decisions 5)."""

from __future__ import annotations

import enum
from typing import Final, Protocol

import attrs

from c3p import CommandReason, ErrorId, Reason, Role

__all__ = ["DialOutPolicy", "DialOutQuestion", "DialPolicy", "Refusal", "RefusalReason"]

ROLES: Final = frozenset({Role.PRESENTER.value, Role.ATTENDEE.value})


class RefusalReason(enum.Enum):
    """Why a command is refused before anything is sent: C3P reason, specific reason, ErrorId.

    A cause for which a Focus refuses as well has the ErrorId that the Focus gives (c3p 7 and 8), so that it does not
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


@attrs.frozen(kw_only=True)
class DialOutQuestion:
    """What is known when a leg is about to be dialled, or redirected."""

    scheme: str  #: of the address to call: ``sip``, ``sips`` or ``tel``
    domain: str | None  #: lower case; ``None`` for ``tel:``
    user: str | None  #: user part, or the number of a ``tel:`` URI
    originator: str | None  #: URI of who asked, as the Focus authenticated it
    originator_role: str | None
    role: str  #: wanted for the one who is called
    locked: bool  #: the conference takes nobody new from attendees
    legs: int  #: of the conference, this one not counted
    dialing: int  #: of those, still without an answer
    redirected: bool = False  #: the address comes from a 3xx (decisions 27)
    own: bool = False  #: the originator has itself called, at whatever address


class DialPolicy(Protocol):
    """Anything that answers a question with a refusal, or ``None`` for yes."""

    def decide(self, question: DialOutQuestion) -> Refusal | None: ...


@attrs.frozen(kw_only=True)
class DialOutPolicy:
    """The rules that come with the package; each can be switched.

    Dialling costs somebody money and makes phones ring: a command whose originator has no known role is
    treated as one of an attendee.
    """

    schemes: frozenset[str] = frozenset({"sip", "sips", "tel"})
    #: Domains that may be called; ``None`` leaves it to the outbound proxy.
    domains: frozenset[str] | None = None
    dial_out_roles: frozenset[str] = frozenset({Role.PRESENTER.value})
    own_phone: bool = (
        True  #: whether others may have their own phone called (c3p 10); numbers are looked at all the same
    )
    #: Number prefixes that are never called (premium services and the like).
    denied_prefixes: tuple[str, ...] = ()
    max_legs: int = 250  #: in one conference: what one core mixes in real time with room to spare
    max_dialing: int = 50  #: unanswered at once in one conference: a wrong list does not ring a whole company

    def decide(self, question: DialOutQuestion) -> Refusal | None:
        """Refuse, or return ``None``. Who asks comes first, so that others learn nothing about targets."""
        return self._requester(question) or self._target(question) or self._room(question)

    def _requester(self, question: DialOutQuestion) -> Refusal | None:
        role = question.originator_role or Role.ATTENDEE.value
        if role not in self.dial_out_roles and not question.own:
            return Refusal(RefusalReason.THIRD_PARTY, f"{role} may not dial out to others")
        if role not in self.dial_out_roles and not self.own_phone:
            return Refusal(RefusalReason.UNAUTHORIZED, f"{role} may not dial out")
        if question.role not in ROLES:
            return Refusal(RefusalReason.ROLE, "no such role")
        if question.locked and role != Role.PRESENTER:
            return Refusal(RefusalReason.LOCKED, "conference is locked")
        return None

    def _target(self, question: DialOutQuestion) -> Refusal | None:
        if question.scheme not in self.schemes:
            return Refusal(RefusalReason.TARGET, "address of this kind cannot be called")
        if self.domains is not None and question.domain is not None and question.domain not in self.domains:
            return Refusal(RefusalReason.TARGET_DENIED, "domain may not be called")
        if self.denied_prefixes and (question.user or "").startswith(self.denied_prefixes):
            return Refusal(RefusalReason.TARGET_DENIED, "number may not be called")
        return None

    def _room(self, question: DialOutQuestion) -> Refusal | None:
        if question.redirected:
            return None
        if question.legs >= self.max_legs or question.dialing >= self.max_dialing:
            return Refusal(RefusalReason.CAPACITY, "conference has as many calls as it may")
        return None
