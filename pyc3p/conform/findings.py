"""What came of a case, and what is told of it."""

from __future__ import annotations

import enum
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs

import c3p.testing
from pyc3p.conform.case import Case
from pyc3p.conform.peer import UNREADABLE
from pyc3p.conform.wire import Arrival
from pyc3p.trace.trace import Record
from sip import Request, SipError, parse_message
from sip.testing import Finding, Force, Passage, check_traffic

#: Characters of a clause in the id of what a judge found.
_LONGEST_WORDS: Final = 60
#: How the id of a finding begins that the target did not answer any more after a case.
GONE: Final = "gone@"
#: What the target is called in a ladder; elements of ours have other names.
TARGET: Final = "target"


class Verdict(enum.Enum):
    """How a case ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"  #: it does not apply, or could not be tried
    NOT_RUN = "not run"  #: no time was left, the target did not answer any more, or the run was interrupted
    BROKEN = "broken"  #: the case itself failed, which says nothing of the target


@attrs.frozen(kw_only=True)
class Found:
    """One thing that is not as its source wants it."""

    id: str  #: that of the case; before it ``what was wrong@`` where a judge found it
    source: str  #: document and section
    force: Force
    clause: str  #: what is wanted
    seen: str  #: what was there instead

    @property
    def key(self) -> str:
        """What a baseline knows it by: the same thing in another case is not new.

        But to be gone is: what ended it there is not what ended it here.
        """
        return self.id if self.id.startswith(GONE) else self.id.partition("@")[0]

    @property
    def case(self) -> str:
        """The case that shows it."""
        return self.id.rpartition("@")[2]


@attrs.define(kw_only=True)
class Outcome:
    """One case that was tried, or was not."""

    case: Case
    verdict: Verdict
    why: str = ""  #: of what is neither passed nor failed
    found: tuple[Found, ...] = ()
    records: tuple[Record, ...] = attrs.field(default=(), repr=False)
    names: dict[tuple[str, int], str] = attrs.field(factory=dict, repr=False)  #: who speaks at which address
    seconds: float = 0.0


@attrs.define(kw_only=True)
class Report:
    """A whole run."""

    target: str
    server: str  #: what it calls itself
    version: str  #: of the kit
    started: str  #: ISO 8601
    traits: tuple[str, ...]
    lacks: dict[str, str]  #: traits that it does not have, and why
    known: frozenset[str] = frozenset()  #: keys of the baseline
    outcomes: list[Outcome] = attrs.Factory(list)
    words: tuple[str, ...] = ()  #: what names the target at the command line
    suite: str = "sip"  #: whose cases they are
    interrupted: bool = False  #: whether whoever ran it had enough before the end
    seconds: float = 0.0

    def findings(self) -> Iterator[tuple[Outcome, Found]]:
        """All, in the order of the cases; what a judge saw again in a later case once."""
        seen: set[str] = set()
        for outcome in self.outcomes:
            for found in outcome.found:
                if found.key not in seen:
                    seen.add(found.key)
                    yield outcome, found

    def new(self) -> list[Found]:
        """Findings that the baseline does not know."""
        return [found for _, found in self.findings() if found.key not in self.known]

    def replay(self, found: Found) -> str:
        """The command that tries it again."""
        return shlex.join(("pyc3p", "conform", self.suite, *(self.words or (self.target,)), "--replay", found.id))

    def count(self, verdict: Verdict) -> int:
        """How many cases ended so."""
        return sum(each.verdict is verdict for each in self.outcomes)


def judged(
    case: Case, arrivals: Iterable[tuple[str, Arrival]], records: Iterable[Record], names: Mapping[tuple[str, int], str]
) -> list[Found]:
    """What the judges say of all that the target did, and what of it cannot be read.

    None of it where a case is wrong by intent: what a target does then is its own affair.
    """
    if case.hard:
        return []
    found: dict[str, Found] = {}
    for finding in check_traffic(_passages(records, names)):
        if finding.by == TARGET and finding.force is not Force.OURS and not _is_passed_on(finding):
            made = found_by_judge(case, finding)
            found.setdefault(made.id, made)
    for _, arrival in arrivals:
        if arrival.message is None:
            made = Found(
                id=f"unreadable@{case.id}",
                source="RFC 3261 section 7",
                force=Force.MUST,
                clause="what an element sends can be read",
                seen=arrival.problem,
            )
            found.setdefault(made.id, made)
    return list(found.values())


def _is_passed_on(finding: Finding) -> bool:
    """Whether it is about a request that the target has from us: what is in it is ours."""
    shown = finding.messages[-1]
    try:
        return isinstance(shown, Request) and len(shown.via) > 1
    except SipError:
        return False


def _passages(records: Iterable[Record], names: Mapping[tuple[str, int], str]) -> Iterator[Passage]:
    """What passed, but for what we have sent that is not beyond doubt."""
    for record in records:
        if record.layer != "sip":
            continue
        sender, receiver = names.get(record.source), names.get(record.destination)
        if TARGET not in (sender, receiver) and sender == receiver:
            continue
        try:
            message = parse_message(record.data, strict=sender != TARGET)
            message.check(all=sender != TARGET)
        except UNREADABLE:
            continue
        yield Passage(
            at=record.at,
            sender=sender or record.source,
            receiver=receiver or record.destination,
            message=message,
            transport=record.transport,
            arrived=sender == TARGET or None,
        )


def found_by_judge(case: Case, finding: Finding | c3p.testing.Finding) -> Found:
    """What a judge has found in a case."""
    words = re.sub(r"[^a-z0-9.]+", "-", f"{finding.source} {finding.clause}".lower().replace("section ", ""))
    return Found(
        id=f"{words[:_LONGEST_WORDS].strip('-')}@{case.id}",
        source=finding.source,
        force=Force(finding.force.value),
        clause=finding.clause + (f": {finding.expected}" if finding.expected else ""),
        seen=finding.seen,
    )
