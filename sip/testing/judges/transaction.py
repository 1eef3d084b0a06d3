"""Judge one transaction at one hop: what was sent, how often, and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from sip.message.request import Request
from sip.message.response import Response
from sip.testing.judges.cancelling import check_ack, check_cancel, check_cancelled
from sip.testing.judges.finding import Finding, Force
from sip.testing.judges.passage import Passage, distinct, surely_arrived
from sip.testing.judges.reading import call_id_of, cseq_of, line, start_line, to_tag
from sip.testing.judges.request import check_request
from sip.testing.judges.response import check_response
from sip.testing.judges.timers import (
    LONGEST,
    T1,
    T2,
    TRYING_DUE,
    first_too_soon,
    too_soon,
    without_answers,
)

_CLIENT = {True: "RFC 3261 section 17.1.1.2", False: "RFC 3261 section 17.1.2.2"}
_SERVER = {True: "RFC 3261 section 17.2.1", False: "RFC 3261 section 17.2.2"}


@attrs.frozen
class Transaction:
    """Its messages, apart."""

    requests: tuple[Passage, ...]  #: copies of the request
    responses: tuple[Passage, ...]
    acks: tuple[Passage, ...]
    cancels: tuple[Passage, ...]
    others: tuple[Passage, ...]  #: other requests of the same branch
    until: float  #: when watching ended, or the element that might have done something was last heard of

    @property
    def invite(self) -> bool:
        """Whether it is an INVITE transaction."""
        return bool(self.requests) and _request(self.requests[0]).method == "INVITE"

    @property
    def finals(self) -> tuple[Passage, ...]:
        """Final responses, with their copies."""
        return tuple(each for each in self.responses if _response(each).status >= 200)

    @classmethod
    def of(cls, passages: Sequence[Passage], until: float | None = None) -> Transaction:
        """Sort messages that share a hop and a branch; CANCEL and what answers it is a transaction of its own."""
        requests = [each for each in passages if each.request is not None]
        methods = [_request(each).method for each in requests]
        own = next((method for method in methods if method not in ("ACK", "CANCEL")), None)
        own = own or next((method for method in methods if method == "CANCEL"), "ACK")
        first = next((each for each in requests if _request(each).method == own), None)
        number = cseq_of(first.message) if first is not None else None
        copies = [each for each in requests if first is not None and cseq_of(each.message) == number]
        return cls(
            requests=tuple(each for each in copies if _request(each).method == own),
            responses=tuple(each for each in passages if each.response is not None and _is_for(each, own)),
            acks=tuple(each for each in requests if own != "ACK" and _request(each).method == "ACK"),
            cancels=tuple(each for each in requests if own != "CANCEL" and _request(each).method == "CANCEL"),
            others=tuple(
                each for each in requests if each not in copies and _request(each).method not in ("ACK", "CANCEL")
            ),
            until=max([each.at for each in passages], default=0.0) if until is None else until,
        )


def _request(passage: Passage) -> Request:
    assert passage.request is not None
    return passage.request


def _response(passage: Passage) -> Response:
    assert passage.response is not None
    return passage.response


def _is_for(passage: Passage, method: str) -> bool:
    cseq = cseq_of(passage.message)
    return cseq is None or cseq.method == method


def check_transaction(passages: Sequence[Passage], *, until: float | None = None) -> list[Finding]:
    """Judge the messages of one hop that share the topmost Via, in the order of sending: see `transactions_of`.

    That is a request with its copies, the responses, and of an INVITE its CANCEL with the answers, and the ACK to what
    is no 2xx. Each message is judged by itself (`check_request`, `check_response`), and then when it was sent
    (RFC 3261 sections 9.1, 9.2 and 17, RFC 4320). What did not happen is blamed only if there was time for it:
    ``until`` is when watching ended, by default with the last of the messages. Raises nothing.
    """
    whole = Transaction.of(passages, until)
    found = list(_transaction(whole))
    found += _strange_answers(passages)
    if whole.cancels:
        own = {id(each) for each in (*whole.requests, *whole.responses, *whole.acks, *whole.others)}
        cancelling = Transaction.of([each for each in passages if id(each) not in own], whole.until)
        found += _transaction(cancelling)
        if whole.invite:
            invite = whole.requests[0]
            found += check_cancelled(invite, whole.responses, cancelling.responses, until=whole.until)
    return found


def _transaction(whole: Transaction) -> Iterator[Finding]:
    for copies in distinct([*whole.requests, *whole.acks]):
        for finding in check_request(_request(copies[0]), transport=copies[0].transport):
            yield attrs.evolve(finding, by=copies[0].sender)
    if not whole.requests:
        return
    request = _request(whole.requests[0])
    for copies in distinct(whole.responses):
        for finding in check_response(request, _response(copies[0])):
            yield attrs.evolve(finding, by=copies[0].sender)
    if request.method in ("ACK", "BENOTIFY"):
        return  # to which nothing is answered
    yield from _unique(whole)
    yield from _repeated_requests(whole)
    yield from _answered_in_time(whole)
    yield from _finals(whole)
    yield from _repeated_finals(whole)
    if whole.invite:
        yield from check_ack(whole.requests[0], whole.responses, whole.acks, until=whole.until)
    if request.method != "CANCEL":
        yield from check_cancel(whole.requests[0], whole.responses, whole.cancels)


def _strange_answers(passages: Sequence[Passage]) -> Iterator[Finding]:
    """RFC 3261 section 8.2.6.2: what has the branch of a request, but the method of none, answers it."""
    asked = [each for each in passages if each.request is not None]
    methods = {_request(each).method for each in asked} | {
        cseq.method for each in asked if (cseq := cseq_of(each.message))
    }
    strange = [each for each in passages if each.response is not None and (cseq := cseq_of(each.message))]
    for each in strange:
        cseq, request = cseq_of(each.message), next((one for one in asked if one.at <= each.at), None)
        if cseq is None or request is None or cseq.method in methods or cseq.method in ("ACK", "CANCEL"):
            continue
        if call_id_of(each.message) == call_id_of(request.message) and each.sender == request.receiver:
            yield Finding(
                source="RFC 3261 section 8.2.6.2",
                force=Force.MUST,
                clause="CSeq equals that of the request",
                seen=line(each.message, "CSeq"),
                by=each.sender,
                messages=(request.message, each.message),
            )
            return


def _unique(whole: Transaction) -> Iterator[Finding]:
    """RFC 3261 section 8.1.1.7: a branch is of one request."""
    for other in whole.others:
        yield Finding(
            source="RFC 3261 section 8.1.1.7",
            force=Force.MUST,
            clause="a branch is used for one request, and its CANCEL and the ACK to what is no 2xx",
            seen=f"{cseq_of(whole.requests[0].message)} and {cseq_of(other.message)}",
            by=other.sender,
            messages=(whole.requests[0].message, other.message),
        )


def _repeated_requests(whole: Transaction) -> Iterator[Finding]:
    """RFC 3261 sections 17.1.1.2 and 17.1.2.2: a request is repeated as it was, when its timer fires."""
    first, source = whole.requests[0], _CLIENT[whole.invite]

    def finding(force: Force, clause: str, seen: str, shown: Passage) -> Finding:
        messages = (first.message, shown.message)
        return Finding(source=source, force=force, clause=clause, seen=seen, by=first.sender, messages=messages)

    for copies in distinct(whole.requests)[1:]:
        clause = "a request is repeated as it was sent before"
        yield finding(Force.MUST, clause, "another message with the same branch and CSeq", copies[0])
    if len(whole.requests) < 2:
        return
    last, times = whole.requests[-1], [each.at for each in whole.requests]
    if all(each.reliable for each in whole.requests):
        clause = "nothing is repeated on a reliable transport"
        yield finding(Force.SHOULD, clause, f"{len(times)} copies", last)
        return
    if seen := too_soon(times, cap=None if whole.invite else T2):
        yield finding(Force.MUST, "intervals between copies double", seen, last)
    elif seen := first_too_soon(times):
        yield finding(Force.SHOULD, "the first copy comes after T1, which is 500 ms or more", seen, last)
    got = surely_arrived(whole.responses if whole.invite else whole.finals)
    late = [each for each in whole.requests if got is not None and each.at > got.at + T1]
    if late:
        clause = "INVITE is repeated until anything answers it" if whole.invite else "repeated until the final response"
        yield finding(Force.SHOULD, clause, f"{len(late)} copies after {start_line(_got(got).message)}", late[-1])


def _got(passage: Passage | None) -> Passage:
    assert passage is not None
    return passage


def _answered_in_time(whole: Transaction) -> Iterator[Finding]:
    """RFC 3261 section 17.2.1 and RFC 4320 section 4.1: when there has to be an answer, and when no 100."""
    first = whole.requests[0]
    request, answers = _request(first), whole.responses

    def finding(source: str, clause: str, seen: str, *more: Passage) -> Finding:
        messages = (request, *(each.message for each in more))
        return Finding(source=source, force=Force.MUST, clause=clause, seen=seen, by=first.receiver, messages=messages)

    if whole.invite:
        waited = _silence(whole, T1, 2)
        if waited is not None:
            clause = "100 is sent at once, unless another response is within 200 ms"
            yield finding("RFC 3261 section 17.2.1", clause, f"nothing for {waited:.3f} s", *answers[:1])
        return
    waited = _silence(whole, TRYING_DUE + T1, 3)
    if waited is not None and request.method != "CANCEL":
        clause = "100 is sent where there is no other response when Timer E is reset to T2, after 3.5 s"
        yield finding("RFC 4320 section 4.1", clause, f"nothing for {waited:.3f} s", *answers[:1])
    early = [each for each in answers if _response(each).status == 100 and not each.reliable]
    if early and early[0].at - first.at < TRYING_DUE * 0.9:
        clause = "no 100 over an unreliable transport before Timer E is reset to T2, after 3.5 s"
        yield finding("RFC 4320 section 4.1", clause, f"100 after {early[0].at - first.at:.3f} s", early[0])


def _silence(whole: Transaction, longest: float, copies: int) -> float | None:
    """Seconds after which nothing had come, if that is too long and cannot be for want of the request."""
    end = min([each.at for each in whole.responses], default=whole.until)
    asked = [each for each in whole.requests if each.at <= end]
    arrived = next((each for each in asked if each.arrived or (each.arrived is None and each.reliable)), None)
    if arrived is None:
        doubtful = [each for each in asked if each.arrived is None]
        if len(doubtful) < copies or end - doubtful[-1].at < T1:
            return None
        arrived = doubtful[0]
    waited = end - (arrived.at if arrived.arrived_at is None else arrived.arrived_at)
    return waited if waited > longest else None


def _finals(whole: Transaction) -> Iterator[Finding]:
    """RFC 3261 sections 17.2.1 and 17.2.2: one final response, and nothing after it."""
    finals, source = whole.finals, _SERVER[whole.invite]
    if not finals:
        return

    def finding(force: Force, clause: str, shown: Passage) -> Finding:
        messages = (whole.requests[0].message, finals[0].message, shown.message)
        seen = f"{start_line(shown.message)} after {start_line(finals[0].message)}"
        return Finding(source=source, force=force, clause=clause, seen=seen, by=shown.sender, messages=messages)

    before = {_outcome(finals[0])}
    for each in finals[1:]:
        forked = whole.invite and all(200 <= status < 300 for status, _ in {*before, _outcome(each)})
        if _outcome(each) not in before and not forked:
            force = Force.SHOULD if whole.invite else Force.MUST
            yield finding(force, "a request has one final response, which stays the same when it is repeated", each)
        before.add(_outcome(each))
    known = {bytes(each.message) for each in whole.responses if each.at <= finals[0].at}
    for each in whole.responses:
        late = each.at > finals[0].at + T1 and _response(each).status < 200
        if late and bytes(each.message) not in known:
            yield finding(Force.SHOULD, "no provisional response follows the final one", each)


def _outcome(passage: Passage) -> tuple[int, str | None]:
    response = _response(passage)
    return response.status, to_tag(response)


def _repeated_finals(whole: Transaction) -> Iterator[Finding]:
    """RFC 3261 sections 17.2.1 and 17.2.2: what is repeated, because of a timer or of the request."""
    for copies in distinct(whole.finals):
        response = _response(copies[0])
        asked_again = [each for each in whole.requests if each.at > copies[0].at]

        def finding(force: Force, clause: str, seen: str, copies: list[Passage] = copies) -> Finding:
            messages = (whole.requests[0].message, copies[-1].message)
            source, by = _SERVER[whole.invite], copies[0].sender
            return Finding(source=source, force=force, clause=clause, seen=seen, by=by, messages=messages)

        times = [each.at for each in copies]
        reliable = all(each.reliable for each in copies)
        if not asked_again and whole.invite and not (reliable and response.status >= 300):
            if seen := too_soon(without_answers(times, len(whole.requests)), cap=T2):
                yield finding(Force.SHOULD, "intervals between copies of a final response double up to T2", seen)
        elif not asked_again and len(copies) > 2 * len(whole.requests):  # a network may double what it carries
            clause = "a final response is repeated because of a copy of its request" + " alone" * (not whole.invite)
            yield finding(Force.SHOULD, clause, f"{len(copies)} copies")
        last = surely_arrived(each for each in asked_again if each.at < copies[0].at + LONGEST * 0.9)
        answered = len(copies) > 1
        if last is not None and not answered and not whole.invite and whole.until > last.at + T1:
            clause = "a copy of the request is answered as the request was"
            yield finding(Force.MUST, clause, f"{len(asked_again)} copies and no answer to them")
