"""Judge reliable provisional responses and PRACK (RFC 3262 sections 3, 4 and 7.2)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from sip.message.request import Request
from sip.message.response import Response
from sip.testing.judges.conversation import Asked, Conversation, status_of
from sip.testing.judges.finding import Finding, Force
from sip.testing.judges.passage import Passage
from sip.testing.judges.reading import cseq_of, has_option, line, rack_of, read, rseq_of, start_line
from sip.testing.judges.timers import T1

_UAS: Final = "RFC 3262 section 3"
#: Copies of a reliable response after which it has come without a PRACK: it is repeated as long as there is none.
_WITHOUT_PRACK: Final = 4


def check_reliable(dialog: Conversation) -> Iterator[Finding]:
    """What is sent reliably has numbers in a row, and is acknowledged by its number."""
    pracks = [each for each in dialog.within() if each.request.method == "PRACK"]
    for invite in dialog.asked:
        if invite.request.method == "INVITE":
            yield from _numbered(invite, pracks)
            yield from _acknowledged(dialog, invite, pracks)
    known = {
        (rseq_of(each.message), *_invite_of(each))
        for each in dialog.passages
        if each.response is not None and "RSeq" in each.message.headers
    }
    for prack in pracks:
        rack = rack_of(prack.request)
        if known and rack is not None and rack not in known:
            clause = "RAck has the numbers of a reliable response, from its RSeq and CSeq"
            yield _finding("RFC 3262 section 7.2", clause, line(prack.request, "RAck"), prack.by, prack.request)


def _numbered(invite: Asked, pracks: list[Asked]) -> Iterator[Finding]:
    sent = _reliable(invite)
    for before, each in pairwise(sent):
        here, there = rseq_of(before.message), rseq_of(each.message)
        if here is None or there is None:
            continue
        if there != here + 1:
            clause = "RSeq of the next reliable response is greater by one"
            messages = before.message, each.message
            yield _finding(_UAS, clause, f"{there} after {here}", each.sender, *messages)
        if before is sent[0] and not any(
            rack_of(prack.request) == (here, *_invite_of(before)) for prack in _by(pracks, each.at)
        ):
            clause = "no second reliable response is sent until the first is acknowledged"
            yield _finding(_UAS, clause, "no PRACK before it", each.sender, before.message, each.message)
    final = invite.final
    if final is None or not sent:
        return
    for each in sent:
        if each.at > final.at:
            clause = "no new reliable response follows the final one"
            yield _finding(_UAS, clause, start_line(each.message), each.sender, final.message, each.message)
        acknowledged = any(
            rack_of(prack.request) == (rseq_of(each.message), *_invite_of(each)) for prack in _by(pracks, final.at)
        )
        if status_of(final) < 300 and each.at <= final.at and not acknowledged and _describes(each) and pracks:
            clause = "a 2xx waits until what described the session reliably is acknowledged"
            yield _finding(_UAS, clause, "no PRACK before it", final.sender, each.message, final.message)


def _acknowledged(dialog: Conversation, invite: Asked, pracks: list[Asked]) -> Iterator[Finding]:
    """RFC 3262 section 4: PRACK is sent."""
    for first in _reliable(invite):
        copies = [each for each in invite.responses if bytes(each.message) == bytes(first.message)]
        numbers = (rseq_of(first.message), *_invite_of(first))
        if any(rack_of(prack.request) == numbers for prack in pracks) or not dialog.comes_by(invite.tag):
            continue
        known = [each for each in copies if each.arrived]
        doubtful = [each for each in copies if each.arrived is None]
        got = known[0] if known else doubtful[_WITHOUT_PRACK - 1] if len(doubtful) >= _WITHOUT_PRACK else None
        final = invite.final
        if got is None or dialog.until < got.at + T1 or (final is not None and final.at < got.at + T1):
            continue
        clause, seen = "a reliable response is acknowledged by PRACK", f"{len(copies)} copies and no PRACK"
        yield _finding("RFC 3262 section 4", clause, seen, invite.by, invite.request, got.message)


def _reliable(invite: Asked) -> list[Passage]:
    """Reliable responses, each once."""
    found: dict[int, Passage] = {}
    for each in invite.responses:
        number = rseq_of(each.message)
        if number is not None and 100 < status_of(each) < 200 and has_option(each.message, "Require", "100rel"):
            found.setdefault(number, each)
    return sorted(found.values(), key=lambda each: each.at)


def _by(pracks: list[Asked], at: float) -> list[Asked]:
    return [each for each in pracks if each.at <= at]


def _invite_of(passage: Passage) -> tuple[object, ...]:
    cseq = cseq_of(passage.message)
    return (None, None) if cseq is None else (cseq.number, cseq.method)


def _describes(passage: Passage) -> bool:
    return bool(passage.message.body) and read(lambda: passage.message.content_type) == "application/sdp"


def _finding(source: str, clause: str, seen: str, by: object, *messages: Request | Response) -> Finding:
    return Finding(source=source, force=Force.MUST, clause=clause, seen=seen, by=by, messages=messages)
