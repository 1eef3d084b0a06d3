"""The side that takes documents: which requests are looked at, what is a document, how a reply is written."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from c3p.carriage.http import CONTENT_TYPE, HttpAnswer, HttpHead, field_value, has_field
from c3p.carriage.settings import ServerSettings
from c3p.documents import parse_document
from c3p.envelope import Notify, Request, Response
from c3p.errors import C3PError, MalformedDocument
from c3p.exchange import Reply
from c3p.media_types import CCCP_TYPE

BROKEN_OFF: Final = HttpAnswer(status=400)  #: the body ended before its end, or broke HTTP
TOO_SLOW: Final = HttpAnswer(status=408)  #: the body took longer than ``ServerSettings.body_timeout``
TOO_LARGE: Final = HttpAnswer(status=413)  #: the body is larger than ``ServerSettings.limits.size``
FAULT: Final = HttpAnswer(status=500)  #: something of ours failed; the peer is not told what it was
_MOST_DIGITS: Final = 18  #: of Content-Length; nobody has an exabyte to send


def admit(
    head: HttpHead,
    *,
    peer: str | None,
    paths: Container[str],
    in_progress: int = 0,
    settings: ServerSettings | None = None,
) -> HttpAnswer | None:
    """Look at a request before its body is read; None lets it in, an answer ends it.

    ``peer`` is the principal that asks, None or empty for nobody who is known: 401. ``paths`` are those that are
    served, ``in_progress`` is how many other requests are being answered. Of a request that was let in read at most
    ``settings.limits.size`` octets of body (else :data:`TOO_LARGE`) in ``settings.body_timeout`` seconds (else
    :data:`TOO_SLOW`).
    """
    settings = settings or ServerSettings()
    if not peer:
        return HttpAnswer(status=401, fields=(("WWW-Authenticate", "Bearer"),))
    if in_progress >= settings.most_requests:
        return HttpAnswer(status=503, fields=(("Retry-After", str(settings.busy_retry_after)),))
    if head.path not in paths:
        return HttpAnswer(status=404)
    if head.method != "POST":
        return HttpAnswer(status=405, fields=(("Allow", "POST"),))
    if not _is_c3p(head):
        return HttpAnswer(status=415)
    return _sized(head, settings.limits.size)


def _is_c3p(head: HttpHead) -> bool:
    media_type = (field_value(head.fields, "Content-Type") or "").partition(";")[0].strip().lower()
    encoded = has_field(head.fields, "Content-Encoding")
    return media_type == CCCP_TYPE and (
        not encoded or (field_value(head.fields, "Content-Encoding") or "").lower() == "identity"
    )


def _sized(head: HttpHead, most: int) -> HttpAnswer | None:
    """Refuse a length that is too large, and one that nobody can count; a chunked body has none."""
    if not has_field(head.fields, "Content-Length"):
        return None
    length = field_value(head.fields, "Content-Length") or ""
    if not (length.isascii() and length.isdigit()) or len(length) > _MOST_DIGITS:
        return BROKEN_OFF
    return TOO_LARGE if int(length) > most else None


def posted(body: bytes, *, settings: ServerSettings | None = None) -> Request | Response | Notify | HttpAnswer:
    """The document in a body, or the answer (400, 413) to a body that has none."""
    limits = (settings or ServerSettings()).limits
    try:
        document = parse_document(body, limits=limits)
    except C3PError as error:
        return HttpAnswer(status=error.status_hint if isinstance(error, MalformedDocument) else 400)
    # A roster document is no message: it comes inside a notify.
    return document if isinstance(document, Request | Response | Notify) else HttpAnswer(status=400)


def answer_with(reply: Reply) -> HttpAnswer:
    """A machine's reply as HTTP. Raises LocalProtocolError when its document cannot be written down."""
    body = bytes(reply.document) if reply.document is not None else b""
    fields = [("Content-Type", CONTENT_TYPE)] if body else []
    if reply.retry_after is not None:
        fields.append(("Retry-After", str(reply.retry_after)))
    return HttpAnswer(status=reply.status, fields=tuple(fields), body=body)
