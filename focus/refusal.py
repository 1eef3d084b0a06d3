"""Why a request is not carried out: one value that becomes a SIP answer with ms-diagnostics, and a C3P failure."""

from __future__ import annotations

from typing import Final

import attrs

from c3p import MEANINGS, SIP_STATUS, CommandReason, ErrorId, MalformedDocument, Reason, Request


@attrs.frozen
class Refusal:
    """A SIP status, an ErrorId (MS-OCER), and what a C3P failure says instead."""

    status: int
    error_id: ErrorId | None
    text: str  #: reason of ms-diagnostics
    general: str = Reason.OTHER_FAILURE  #: response/@reason
    specific: str | None = None  #: reason on the command element
    for_people: bool = False  #: whether the text also goes into a Warning, which phones show
    retry_after: int | None = None  #: seconds after which it may be tried again
    headers: tuple[tuple[str, str], ...] = ()  #: further headers of the answer, such as a challenge
    phrase: str | None = None  #: reason phrase of the status line, None: that of the status

    def saying(self, text: str) -> Refusal:
        """The same refusal with a text that says more."""
        return attrs.evolve(self, text=text)

    def after(self, seconds: int) -> Refusal:
        """The same refusal, which holds for some seconds only."""
        return attrs.evolve(self, retry_after=seconds)

    @property
    def name(self) -> str:
        """What to count it under: one of few words, whatever the peer sent."""
        return self.error_id.name.lower() if self.error_id is not None else self.general


class Refused(Exception):
    """A request that is not carried out; `document` is what could be read of it. Never leaves this package."""

    def __init__(self, refusal: Refusal, document: Request | None = None) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal
        self.document = document


def _of(error_id: ErrorId, general: str = Reason.OTHER_FAILURE, specific: str | None = None) -> Refusal:
    return Refusal(SIP_STATUS[error_id], error_id, MEANINGS[error_id], general, specific)


BAD_FROM: Final = _of(ErrorId.BAD_FROM, Reason.UNAUTHORIZED)
BAD_TO: Final = _of(ErrorId.BAD_TO, Reason.REQUEST_MALFORMED)
INVALID_TARGET: Final = _of(ErrorId.INVALID_TARGET_USER, specific=CommandReason.USER_DOESNT_EXIST)
NO_SUCH_ENDPOINT: Final = _of(ErrorId.INVALID_TARGET_USER, specific=CommandReason.ENDPOINT_DOESNT_EXIST)
NO_SUCH_MEDIA: Final = _of(ErrorId.INVALID_TARGET_USER, specific=CommandReason.MEDIA_DOESNT_EXIST)
INVALID_ENTITY: Final = _of(ErrorId.INVALID_CONFERENCE_ENTITY, specific=CommandReason.CONFERENCE_DOESNT_EXIST)
NOT_IMPLEMENTED: Final = _of(ErrorId.COMMAND_NOT_IMPLEMENTED, Reason.NOT_SUPPORTED)
NOT_FOR_AN_MCU: Final = _of(ErrorId.CANNOT_TARGET_MCU, specific=CommandReason.INVALID_MCU_URI)
UNPARSEABLE: Final = _of(ErrorId.DOCUMENT_DOES_NOT_PARSE, Reason.REQUEST_MALFORMED)
#: A body of which no part is C3P, and which must be understood (RFC 3261 section 8.2.3).
NOT_C3P: Final = attrs.evolve(UNPARSEABLE, status=415, text="The body is not a C3P document")
#: A phone that calls a Conference-URI: what it asks for is not malformed, it is at the wrong address.
CALLED_BY_A_PHONE: Final = attrs.evolve(
    UNPARSEABLE,
    text="This is the address of a conference, which programs join with C3P and which cannot be called by phone; "
    "ask a presenter to add your phone number or address, and the conference will call you",
    for_people=True,
)
CALLED_WITH_SDP: Final = attrs.evolve(CALLED_BY_A_PHONE, status=415)
BAD_ADD_USER: Final = _of(ErrorId.ADD_USER_CONTENT_INVALID, Reason.REQUEST_MALFORMED)
BAD_ACCESS_METHOD: Final = _of(ErrorId.ACCESS_METHOD_NOT_ACCEPTABLE, Reason.REQUEST_MALFORMED)
BAD_ENDPOINT: Final = _of(ErrorId.MALFORMED_ENDPOINT_ENTITY, Reason.REQUEST_MALFORMED)
TIMER_MISSING: Final = _of(ErrorId.SESSION_TIMER_MISSING)
UNKNOWN_CONFERENCE: Final = _of(ErrorId.INVALID_CONFERENCE_URI, specific=CommandReason.CONFERENCE_DOESNT_EXIST)
INVALID_MCU: Final = _of(ErrorId.INVALID_MCU_URI, specific=CommandReason.INVALID_MCU_URI)
#: Published: 603 is for an MCU type that the conference does not have (docs/design-decisions.rst).
MCU_NOT_ENABLED: Final = attrs.evolve(INVALID_MCU, status=603, text="The media type is not enabled here")
NOT_AUTHORISED: Final = _of(ErrorId.AUTHORIZATION_FAILED, Reason.UNAUTHORIZED)
LOCKED: Final = attrs.evolve(NOT_AUTHORISED, text="The conference is locked", specific=CommandReason.CONFERENCE_LOCKED)
THIRD_PARTY_DIAL_OUT: Final = _of(ErrorId.THIRD_PARTY_DIAL_OUT_NOT_ALLOWED, Reason.UNAUTHORIZED)
INVALID_ROLE: Final = _of(ErrorId.INVALID_ROLE, Reason.REQUEST_MALFORMED, CommandReason.INVALID_ROLE)
BUSY: Final = Refusal(503, None, "Too much to do", Reason.SERVER_BUSY, retry_after=10)
DRAINING: Final = BUSY.saying("This server is being shut down and takes nothing new")
#: A store, a directory or a policy elsewhere is silent, or says that it cannot answer: it may in some seconds.
NO_ANSWER: Final = attrs.evolve(BUSY, text="No answer in time")
#: Who owns a conference cannot be found out at the moment, so nobody may begin it here.
PLACEMENT_FAILED: Final = attrs.evolve(NO_ANSWER, text="It cannot be found out which server has this conference")
#: Another node was quicker; the next request is forwarded there.
ELSEWHERE: Final = attrs.evolve(BUSY, text="Another server has this conference", retry_after=1)
STORE_FAILED: Final = attrs.evolve(NO_ANSWER, text="The conference records cannot be had")

#: A request of a dialog, from somebody who is not in it.
NOT_YOUR_DIALOG: Final = NOT_AUTHORISED.saying("That is the dialog of somebody else")
#: Of one that has ended meanwhile, or in which nobody is yet.
NOBODYS_DIALOG: Final = Refusal(481, None, "Nobody is in that dialog")

#: A call that is given up before anybody has it.
CANCELLED: Final = Refusal(487, None, "The call was given up", Reason.REQUEST_CANCELLED)

#: Nobody is there any more to hear the answer.
GONE: Final = Refusal(480, None, "The connection is gone")


def of_malformed(error: MalformedDocument) -> Refusal:
    """The refusal of a document that could not be read."""
    return Refusal(error.status_hint, error.error_id, MEANINGS[error.error_id], error.reason_hint)
