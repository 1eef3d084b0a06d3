"""The side that posts documents: what is sent, what an answer means, what may be sent again, what waits for what."""

from __future__ import annotations

from typing import Final

import attrs

from c3p.binding.xml import DEFAULT_LIMITS, DocumentLimits
from c3p.carriage.http import CONTENT_TYPE, Fields, HttpAnswer, field_value
from c3p.conference.entity_key import uri_key
from c3p.documents import parse_document
from c3p.envelope import Notify, Request, Response
from c3p.errors import C3PError
from c3p.exchange import Exchange, ExchangeFailure, Reply
from c3p.uris import focus_uri_of

_MOST_DIGITS: Final = 9  #: of Retry-After; more than thirty years is no answer


@attrs.frozen(kw_only=True)
class HttpPost:
    """A ``POST`` that carries one document. ``Host`` and ``Content-Length`` are for the library to add."""

    url: str
    fields: Fields = attrs.field(repr=False)  #: a secret may be among them
    body: bytes


def post_of(exchange: Exchange, *, secret: str | None = None) -> HttpPost:
    """What an exchange sends; ``secret`` proves who sends it, where no certificate does.

    Raises LocalProtocolError when the document cannot be written down.
    """
    fields: list[tuple[str, str]] = [("Content-Type", CONTENT_TYPE), ("Accept", CONTENT_TYPE)]
    if secret is not None:
        fields.append(("Authorization", f"Bearer {secret}"))
    return HttpPost(url=exchange.url, fields=tuple(fields), body=bytes(exchange.document))


def outcome_of(
    exchange: Exchange, answer: HttpAnswer, *, limits: DocumentLimits = DEFAULT_LIMITS
) -> Reply | ExchangeFailure:
    """What an answer means for an exchange. Redirects are not followed: they are no answer."""
    if len(answer.body) > limits.size:
        return ExchangeFailure.UNUSABLE
    document = _response_of(exchange, answer.body, limits)
    if answer.status == 200:
        asked = isinstance(exchange.document, Request)
        usable = document is not None or not (answer.body or asked)
        return Reply(200, document) if usable else ExchangeFailure.UNUSABLE
    if answer.status == 202:
        return Reply(202)
    if 400 <= answer.status < 600:
        return Reply(answer.status, document, _retry_after(answer.fields))
    return ExchangeFailure.UNUSABLE


def failure_of(*, connected: bool) -> ExchangeFailure:
    """What it means that no answer came: without a connection nothing was done there, with one it may have been."""
    return ExchangeFailure.TIMEOUT if connected else ExchangeFailure.CONNECT


def may_repeat(exchange: Exchange, outcome: Reply | ExchangeFailure) -> bool:
    """Whether an exchange that ended so may be tried again, once."""
    return outcome is ExchangeFailure.CONNECT and exchange.idempotent


def lane_of(exchange: Exchange) -> tuple[str, str, bool]:
    """What an exchange waits behind: those to the same URL about the same conference; notifications cross them."""
    return exchange.url, _conference(exchange.document), isinstance(exchange.document, Notify)


def _conference(document: Request | Response | Notify) -> str:
    for uri in (document.to, document.from_):
        try:
            return uri_key(focus_uri_of(uri))
        except C3PError:
            continue
    return ""


def _response_of(exchange: Exchange, body: bytes, limits: DocumentLimits) -> Response | None:
    """The response in a body, if it is one and answers what was asked."""
    try:
        document = parse_document(body, limits=limits) if body else None
    except C3PError:
        return None
    asked = exchange.document
    if not isinstance(document, Response):
        return None
    return document if not isinstance(asked, Request) or document.request_id == asked.request_id else None


def _retry_after(fields: Fields) -> int | None:
    text = field_value(fields, "Retry-After") or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None
