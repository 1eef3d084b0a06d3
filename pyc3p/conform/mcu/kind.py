"""An MCU as what is tried: what it is, what the judges say, and how it is left."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from c3p.testing import Finding, check_exchange, check_roster_sequence
from pyc3p.conform.case import Blame, NotApplicable, Silent, Trait
from pyc3p.conform.conference.judging import once
from pyc3p.conform.findings import Found, found_by_judge, judged
from pyc3p.conform.kind import Kind
from pyc3p.conform.mcu.bench import McuBench
from sip import SipError
from sip.testing import Force

if TYPE_CHECKING:
    from pyc3p.conform.bench import Facts
    from pyc3p.conform.case import Case

#: Seconds for each answer after a case: that nobody answers any more is what the case has told.
_PATIENCE: Final = 1.5
_EXPECTED: Final = (Blame, NotApplicable, SipError, OSError, ValueError)


def probe_mcu(make: Callable[[], McuBench], facts: Facts) -> None:
    """Fill in ``facts``. Raises Blame where nobody answers, or no conference can be had."""
    silent: Silent | None = None
    for trait, look in ((Trait.MCU, _takes_conferences), (Trait.CALLS, _calls)):
        bench = make()
        try:
            look(bench, facts)
        except Blame as wrong:
            facts.lacks[trait] = wrong.seen
            silent = wrong if isinstance(wrong, Silent) and silent is None else silent
        except NotApplicable as why:
            facts.lacks[trait] = str(why)
        else:
            facts.traits.add(trait)
        finally:
            tidy_mcu(bench)
    if Trait.MCU not in facts.traits:
        raise silent or Blame(facts.lacks[Trait.MCU])


def _takes_conferences(bench: McuBench, facts: Facts) -> None:
    replied = bench.add()
    facts.server = replied.http.field("Server")
    if not replied.succeeded:
        bench.skip(f"addConference is answered {replied.told}")


def _calls(bench: McuBench, facts: Facts) -> None:
    bench.stand()
    phone = bench.phone("probe")
    replied = bench.command(bench.dial(phone), within=bench.ring_patience)
    if not replied.succeeded:
        bench.skip(f"addUser for a phone that takes calls is answered {replied.told}")


def tidy_mcu(bench: McuBench) -> None:
    """Conferences are dropped and calls end; what fails is left to the timers of the target."""
    bench.patience = bench.ring_patience = min(bench.patience, _PATIENCE)
    bench.callback.deaf, bench.callback.refuses = False, None
    for conference in tuple(bench.added):
        with contextlib.suppress(*_EXPECTED):
            bench.conference = conference
            bench.drop(conference)
    for phone in bench.phones:
        phone.tidy(None)
    bench.wire.close()


def judged_mcu(case: Case, bench: McuBench) -> list[Found]:
    """What the judges say of its documents and its calls. Conventions of this project are no findings."""
    if case.hard:
        return []
    found = judged(case, bench.arrivals, bench.wire.records, bench.names())
    known = {each.id: each for each in found}
    for finding in _findings(bench):
        if finding.force.value != Force.OURS.value:
            made = found_by_judge(case, finding)
            known.setdefault(made.id, made)
    for problem in bench.callback.problems:
        made = Found(
            id=f"document-unreadable@{case.id}",
            source="MS-CONFBAS",
            force=Force.MUST,
            clause="what an MCU posts can be read",
            seen=problem,
        )
        known.setdefault(made.id, made)
    return list(known.values())


def _findings(bench: McuBench) -> Iterator[Finding]:
    taken = [each for each in bench.callback.notified if each.conference_info is not None]
    for conference in {each.to for each in taken}:
        yield from check_roster_sequence([each.conference_info for each in taken if each.to == conference])
    for replied in bench.asked:
        if replied.request is not None and replied.responses:
            yield from check_exchange(replied.request, once(replied.responses))


def _gone(facts: Facts) -> str:
    return "RFC 9110 section 9.3.3"


MCU: Final = Kind(name="mcu", make=McuBench, probe=probe_mcu, judged=judged_mcu, tidy=tidy_mcu, gone=_gone)
