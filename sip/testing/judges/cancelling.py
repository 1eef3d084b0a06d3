"""Judge the ACK to what is no 2xx, and CANCEL, which share the hop and the branch of their INVITE."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from sip.message.request import Request
from sip.message.response import Response
from sip.testing.judges.finding import Finding, Force
from sip.testing.judges.passage import Passage, distinct, surely_arrived
from sip.testing.judges.reading import cseq_of, line, read, request_uri, start_line, to_tag, top_via
from sip.testing.judges.timers import LONGEST, T1

_ACK: Final = "RFC 3261 section 17.1.1.3"
_CANCEL: Final = "RFC 3261 section 9.1"


def check_ack(
    invite: Passage, responses: Sequence[Passage], acks: Sequence[Passage], *, until: float
) -> Iterator[Finding]:
    """RFC 3261 sections 8.1.1.7, 17.1.1.2 and 17.1.1.3."""
    finals = [each for each in responses if isinstance(each.message, Response) and each.message.status >= 200]
    refusals = [each for each in finals if isinstance(each.message, Response) and each.message.status >= 300]
    for copies in distinct(acks):
        ack = copies[0]
        if not responses:
            continue  # what the other side said was not seen
        if not finals:
            yield _finding(_ACK, "ACK follows a final response", "an ACK to none", invite, ack)
        elif not refusals:
            if not _has_branch(ack):
                continue  # which is found elsewhere; whose it is was told by Call-ID and CSeq
            clause = "the ACK to a 2xx has a branch of its own"
            yield _finding("RFC 3261 section 8.1.1.7", clause, line(ack.message, "Via"), invite, ack)
        else:
            yield from _ack(invite, refusals, ack)
    got = surely_arrived(refusals)
    if got is not None and not acks and until > got.at + T1:
        clause = "a final response that is no 2xx is acknowledged"
        seen = f"{len(refusals)} copies of {start_line(got.message)} and no ACK"
        yield _finding("RFC 3261 section 17.1.1.2", clause, seen, invite, got, by=invite.sender)


def _has_branch(passage: Passage) -> bool:
    via = top_via(passage.message)
    return via is not None and bool(via.params.get("branch"))


def _ack(invite: Passage, refusals: Sequence[Passage], ack: Passage) -> Iterator[Finding]:
    for name, same in _same_fields(invite.message, ack.message, ("Call-ID", "From", "Route")):
        if not same:
            yield _finding(_ACK, f"{name} of ACK equals that of the INVITE", line(ack.message, name), invite, ack)
    yield from _same_target("ACK", _ACK, invite, ack)
    tags = {to_tag(each.message) for each in refusals}
    if to_tag(ack.message) not in tags:
        clause = "To of ACK equals that of the response"
        yield _finding(_ACK, clause, line(ack.message, "To"), invite, refusals[-1], ack)
    yield from _number("ACK", _ACK, invite, ack)
    if len(read(lambda: ack.message.via) or ()) > 1:
        yield _finding(_ACK, "ACK has a single Via", line(ack.message, "Via"), invite, ack)
    if ack.transport.upper() != invite.transport.upper():
        clause = "ACK is sent with the transport of the INVITE"
        yield _finding("RFC 3261 section 17.1.1.2", clause, ack.transport, invite, ack)


def check_cancel(request: Passage, responses: Sequence[Passage], cancels: Sequence[Passage]) -> Iterator[Finding]:
    """RFC 3261 section 9.1."""
    for copies in distinct(cancels):
        cancel = copies[0]
        if isinstance(request.message, Request) and request.message.method != "INVITE":
            clause, seen = "only INVITE is cancelled", f"CANCEL of {request.message.method}"
            yield _finding(_CANCEL, clause, seen, request, cancel, force=Force.SHOULD)
        if responses and not any(each.at <= cancel.at for each in responses):
            clause = "CANCEL waits for a provisional response"
            yield _finding(_CANCEL, clause, "a CANCEL before any response", request, cancel)
        for name, same in _same_fields(request.message, cancel.message, ("Call-ID", "From", "To", "Route")):
            if not same:
                clause = f"{name} of CANCEL equals that of its request"
                yield _finding(_CANCEL, clause, line(cancel.message, name), request, cancel)
        yield from _same_target("CANCEL", _CANCEL, request, cancel)
        yield from _number("CANCEL", _CANCEL, request, cancel)
        if cancel.transport.upper() != request.transport.upper():
            clause = "CANCEL is sent with the transport of its request"
            yield _finding(_CANCEL, clause, cancel.transport, request, cancel)


def check_cancelled(
    request: Passage, responses: Sequence[Passage], answers: Sequence[Passage], *, until: float
) -> Iterator[Finding]:
    """RFC 3261 section 9.2: an INVITE whose CANCEL was answered 200 ends, with 487."""
    agreed = [each for each in answers if isinstance(each.message, Response) and each.message.status == 200]
    final = any(isinstance(each.message, Response) and each.message.status >= 200 for each in responses)
    if agreed and not final and until > agreed[0].at + LONGEST:
        clause = "an INVITE that is cancelled is answered 487"
        seen = f"no final response {until - agreed[0].at:.1f} s after the 200 to CANCEL"
        source = "RFC 3261 section 9.2"
        yield _finding(source, clause, seen, request, agreed[0], force=Force.SHOULD)


def _same_fields(
    request: Request | Response, other: Request | Response, names: Sequence[str]
) -> Iterator[tuple[str, bool]]:
    for name in names:
        here, there = request.headers.get_all(name), other.headers.get_all(name)
        if here == there:
            yield name, True
            continue
        wanted = _value(request, name)
        yield name, wanted is None or wanted == _value(other, name)


def _value(message: Request | Response, name: str) -> object:
    match name:
        case "Route":
            return read(lambda: message.route)
        case "From":
            return read(lambda: (message.from_.uri, message.from_.params))
        case "To":
            return read(lambda: (message.to.uri, message.to.params))
        case _:
            return read(lambda: message.call_id)


def _same_target(method: str, source: str, request: Passage, other: Passage) -> Iterator[Finding]:
    asked, seen = request.request, other.request
    assert asked is not None
    assert seen is not None
    wanted, got = request_uri(asked), request_uri(seen)
    if wanted is not None and wanted != got:
        clause = f"the Request-URI of {method} equals that of its request"
        yield _finding(source, clause, start_line(seen), request, other)


def _number(method: str, source: str, request: Passage, other: Passage) -> Iterator[Finding]:
    wanted, seen = cseq_of(request.message), cseq_of(other.message)
    if wanted is not None and seen is not None and wanted.number != seen.number:
        clause = f"the number in CSeq of {method} is that of its request"
        yield _finding(source, clause, line(other.message, "CSeq"), request, other)


def _finding(
    source: str, clause: str, seen: str, *passages: Passage, force: Force = Force.MUST, by: object = None
) -> Finding:
    messages = tuple(each.message for each in passages)
    return Finding(
        source=source, force=force, clause=clause, seen=seen, by=by or passages[-1].sender, messages=messages
    )
