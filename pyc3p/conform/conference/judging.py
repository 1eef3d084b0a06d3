"""What the judges say of the documents of a Focus: of each by itself, of each command, of each subscription."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from c3p import ConferenceInfo, Response
from c3p.testing import Finding, check_document, check_exchange, check_roster_sequence
from pyc3p.conform.findings import Found, found_by_judge, judged
from sip.testing import Force

if TYPE_CHECKING:
    from pyc3p.conform.case import Case
    from pyc3p.conform.conference.bench import FocusBench
    from pyc3p.conform.conference.member import Member


def judged_focus(case: Case, bench: FocusBench) -> list[Found]:
    """All of it, and what the judges of SIP say. Conventions of this project are no findings."""
    found = judged(case, bench.arrivals, bench.wire.records, bench.names())
    if case.hard:
        return found
    known = {each.id: each for each in found}
    for member in bench.members:
        for finding in _of(member):
            if finding.force.value != Force.OURS.value:
                made = found_by_judge(case, finding)
                known.setdefault(made.id, made)
        for problem in member.problems:
            made = Found(
                id=f"document-unreadable@{case.id}",
                source="RFC 4575 section 4.1",
                force=Force.MUST,
                clause="a document is well-formed and valid",
                seen=problem,
            )
            known.setdefault(made.id, made)
    return list(known.values())


def _of(member: Member) -> Iterator[Finding]:
    for told in member.notified:
        yield from check_document(told.data)
    documents = [each.document for each in member.notified if isinstance(each.document, ConferenceInfo)]
    yield from check_roster_sequence(documents)
    for answered in member.asked:
        if answered.request is not None and answered.responses:
            yield from check_exchange(answered.request, once(answered.responses))


def once(responses: tuple[Response, ...]) -> list[Response]:
    """What came twice, in the SIP response and in an INFO that says the same, once."""
    return [each for number, each in enumerate(responses) if each not in responses[:number]]
