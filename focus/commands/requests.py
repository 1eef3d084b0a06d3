"""C3P in SIP requests: reading what came."""

from __future__ import annotations

from typing import Final

from c3p import (
    CCCP_TYPE,
    STRANGERS_LIMITS,
    DocumentLimits,
    MalformedDocument,
    Reason,
    Request,
    UnknownCommand,
    parse_document,
)
from focus import refusal
from focus.refusal import Refusal, Refused
from sip import Request as SipRequest
from sip import body_of, refusal_of_body

#: Characters of a requestId that are kept for repetitions; a number of 11 digits is the longest that was ever seen.
_LONGEST_ID: Final = 64


def read_request(request: SipRequest, limits: DocumentLimits = STRANGERS_LIMITS) -> Request:
    """The C3P request in a body. Raises Refused: 3006 (415 where it is something else), 3004 for a command unknown.

    It is read before it is known who sent it, so that by default it may be no larger than a stranger's.
    """
    body, refused = body_of(request, CCCP_TYPE), refusal_of_body(request, (CCCP_TYPE,))
    if refused is not None and "Content-Type" in request.headers and (body or request.content_type == CCCP_TYPE):
        # The command is there, but so is something without which it must not be carried out (RFC 5621 section 8.4).
        raise Refused(Refusal(refused.status, None, "The body is not understood", Reason.NOT_SUPPORTED))
    if not body:
        foreign = request.body and refused is not None and refused.status == 415
        raise Refused(refusal.NOT_C3P if foreign else refusal.UNPARSEABLE)
    try:
        document = parse_document(body, limits=limits)
    except MalformedDocument as error:
        raise Refused(refusal.of_malformed(error)) from error
    if not isinstance(document, Request) or document.more or len(document.request_id) > _LONGEST_ID:
        raise Refused(refusal.UNPARSEABLE, document if isinstance(document, Request) else None)
    if isinstance(document.command, UnknownCommand):
        raise Refused(refusal.NOT_IMPLEMENTED, document)
    return document


def asks_nothing(request: SipRequest) -> bool:
    """Whether there is only a body in it that need not be understood (RFC 3261 section 20.11)."""
    return bool(request.body) and not body_of(request, CCCP_TYPE) and refusal_of_body(request, (CCCP_TYPE,)) is None
