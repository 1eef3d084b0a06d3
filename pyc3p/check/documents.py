"""C3P and conference-info in a trace, over SIP and HTTP, judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs

import c3p
import sip
from c3p.testing import check_document, check_exchange, check_roster_sequence
from pyc3p.check.verdict import AnyFinding, Verdict
from pyc3p.trace.trace import Record
from sip.testing import Passage

_NOTIFYING: Final = frozenset(("NOTIFY", "BENOTIFY"))
_CHUNKED: Final = b"transfer-encoding: chunked"


@attrs.frozen(kw_only=True, eq=False)
class Carried:
    """A document on its way."""

    data: bytes
    document: c3p.Request | c3p.Response | c3p.Notify | c3p.ConferenceInfo | None  #: None: nobody can read it
    record: Record
    by: str
    link: object  #: what commands and their responses go over
    subscription: object  #: whose notification it is; None: of none
    first: bool = False  #: whether it comes with the beginning of the subscription


def in_sip(passages: Sequence[Passage], records: dict[int, Record]) -> Iterator[Carried]:
    """The documents in SIP, each once at each hop."""
    known: set[tuple[object, ...]] = set()
    for each in passages:
        message = each.message
        data = sip.body_of(message, c3p.CCCP_TYPE) or sip.body_of(message, c3p.CONFERENCE_INFO_TYPE)
        if not data or not message.headers.get("Content-Type"):
            continue
        try:
            call, cseq = message.call_id, message.cseq
            tags = frozenset((message.from_.tag, message.to.tag))
        except sip.SipError:
            continue
        hop = frozenset((each.sender, each.receiver))
        place = (call, cseq, getattr(message, "status", 0), each.sender, hop)
        if place in known:
            continue
        known.add(place)
        answers = isinstance(message, sip.Response) and cseq.method == "SUBSCRIBE" and message.status < 300
        notifies = isinstance(message, sip.Request) and message.method in _NOTIFYING
        yield Carried(
            data=data,
            document=_read(data),
            record=records[id(message)],
            by=str(each.sender),
            link=(call, hop),
            subscription=(call, tags, hop) if answers or notifies else None,
            first=answers,
        )


def in_http(records: Iterable[Record], called: Iterable[str]) -> Iterator[Carried]:
    """The documents in HTTP; ``called`` is who sent each record."""
    for record, by in zip(records, called, strict=True):
        head, _, body = record.data.partition(b"\r\n\r\n")
        if _CHUNKED in head.lower():
            body = _joined(body)
        if c3p.CCCP_TYPE.encode() in head.lower() and body.strip():
            yield Carried(data=body, document=_read(body), record=record, by=by, link="http", subscription=None)


def _joined(body: bytes) -> bytes:
    """A body without the framing of its chunks (RFC 9112 section 7.1); what is broken ends it."""
    joined = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        try:
            length = int(size.split(b";")[0], 16)
        except ValueError:
            break
        joined, body = joined + body[:length], body[length + 2 :]
    return joined


def _read(data: bytes) -> c3p.Request | c3p.Response | c3p.Notify | c3p.ConferenceInfo | None:
    try:
        return c3p.parse_document(data)
    except c3p.C3PError:
        return None


def judged(documents: Sequence[Carried]) -> Iterator[Verdict]:
    """What is wrong with the documents of a trace."""
    for each in documents:
        if each.subscription is not None or not isinstance(each.document, c3p.ConferenceInfo):
            yield from (_verdict(finding, each) for finding in check_document(each.data))
    yield from _exchanges(documents)
    yield from _rosters(documents)


def _verdict(finding: AnyFinding, *shown: Carried) -> Verdict:
    return Verdict(finding=finding, records=tuple(each.record for each in shown), by=shown[-1].by)


def _exchanges(documents: Sequence[Carried]) -> Iterator[Verdict]:
    asked: dict[tuple[object, ...], Carried] = {}
    answers: dict[tuple[object, ...], list[Carried]] = {}
    for each in documents:
        match each.document:
            case c3p.Request(request_id=number, from_=sender):
                asked[each.link, number, sender.lower()] = each
                answers[each.link, number, sender.lower()] = []
            case c3p.Response(request_id=number, to=sender):
                answers.get((each.link, number, sender.lower()), []).append(each)
    for key, request in asked.items():
        of_request = request.document
        responses = [each.document for each in answers[key] if isinstance(each.document, c3p.Response)]
        assert isinstance(of_request, c3p.Request)
        if responses:
            for finding in check_exchange(of_request, responses):
                shown = [each for each in answers[key] if any(each.document is one for one in finding.messages)]
                yield _verdict(finding, request, *shown)


def _rosters(documents: Sequence[Carried]) -> Iterator[Verdict]:
    subscriptions: dict[object, list[Carried]] = {}
    for each in documents:
        if each.subscription is not None and isinstance(each.document, c3p.ConferenceInfo):
            subscriptions.setdefault(each.subscription, []).append(each)
    for notified in subscriptions.values():
        infos = [each.document for each in notified if isinstance(each.document, c3p.ConferenceInfo)]
        for finding in check_roster_sequence(infos, from_the_start=notified[0].first):
            shown = [each for each in notified if any(each.document is one for one in finding.messages)]
            yield _verdict(finding, *shown)
