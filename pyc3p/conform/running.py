"""One run: what the target is, then case after case, within a time."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import attrs

from pyc3p.conform.bench import Bench, BenchSettings, Facts
from pyc3p.conform.case import Blame, Case, NotApplicable, Silent, Trait
from pyc3p.conform.findings import GONE, Found, Outcome, Report, Verdict
from pyc3p.conform.kind import SIP, AnyTarget, Kind
from pyc3p.conform.wire import Pace
from pyc3p.version import VERSION
from sip import Credentials, DigestClient, Entropy
from sip.testing import Force

#: Seconds that a target gets to come back after it stopped answering.
COMES_BACK: Final = 10.0
#: Why cases were not tried after KeyboardInterrupt.
INTERRUPTED: Final = "the run was interrupted"


@attrs.frozen(kw_only=True)
class Plan:
    """What is to be done."""

    target: AnyTarget
    bench: BenchSettings
    cases: Sequence[Case]
    limit: float = 600.0  #: seconds in all
    slow: bool = False  #: whether cases that take long are run
    ours: bool = False  #: whether it is held to conventions of this project, which nobody else has to follow
    kind: Kind = SIP
    known: frozenset[str] = frozenset()  #: findings that are known
    credentials: Callable[[str], Credentials | None] | None = None  #: by realm


class Run:
    """A run. ``on_case`` is called before each case, ``on_outcome`` after it."""

    def __init__(
        self,
        plan: Plan,
        *,
        entropy: Entropy,
        on_case: Callable[[Case, int, int], None] = lambda case, number, of: None,
        on_outcome: Callable[[Outcome], None] = lambda outcome: None,
    ) -> None:
        self._plan, self._entropy = plan, entropy
        self._on_case, self._on_outcome = on_case, on_outcome
        self._pace = Pace(plan.bench.rate)
        self._digest = None if plan.credentials is None else DigestClient(plan.credentials, entropy=entropy)
        self._told: set[str] = set()  #: keys of findings
        self._silent: dict[str, str] = {}  #: cases in which nothing came, and what was said of that
        self.facts = Facts()

    def play(self) -> Report:
        """All of it. Raises Blame when nothing answers at the target.

        KeyboardInterrupt ends it after the case that is tried: what came of the others is in the report.
        """
        begun = time.monotonic()
        started = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        self._plan.kind.probe(self._bench, self.facts)
        report = Report(
            target=str(self._plan.target),
            server=self.facts.server,
            version=VERSION,
            started=started,
            traits=tuple(each.value for each in Trait if each in self.facts.traits),
            lacks={each.value: why for each, why in self.facts.lacks.items() if each not in self.facts.traits},
            known=self._plan.known,
            words=tuple(self._plan.target.words),
            suite=self._plan.kind.name,
        )
        stopped = ""
        for number, case in enumerate(self._plan.cases):
            if not stopped and time.monotonic() - begun > self._plan.limit:
                stopped = f"no time was left of {self._plan.limit:g} s"
            if stopped:
                outcome = Outcome(case=case, verdict=Verdict.NOT_RUN, why=stopped)
            else:
                self._on_case(case, number, len(self._plan.cases))
                try:
                    outcome = self._outcome(case)
                except KeyboardInterrupt:
                    report.interrupted, stopped = True, INTERRUPTED
                    outcome = Outcome(case=case, verdict=Verdict.NOT_RUN, why=stopped)
                if any(each.id.startswith(GONE) for each in outcome.found):
                    try:
                        stopped = "" if self._comes_back() else f"the target does not answer since {case.id}"
                    except KeyboardInterrupt:
                        report.interrupted, stopped = True, INTERRUPTED
            report.outcomes.append(outcome)
            self._on_outcome(outcome)
        report.seconds = time.monotonic() - begun
        return report

    def _bench(self) -> Bench:
        plan = self._plan
        return plan.kind.make(
            plan.target, self.facts, plan.bench, entropy=self._entropy, pace=self._pace, digest=self._digest
        )

    def _outcome(self, case: Case) -> Outcome:
        why = self._inapplicable(case)
        if why:
            return Outcome(case=case, verdict=Verdict.SKIPPED, why=why)
        begun, bench, found = time.monotonic(), self._bench(), list[Found]()
        verdict, why = Verdict.PASSED, ""
        try:
            case.run(bench)
        except NotApplicable as reason:
            verdict, why = Verdict.SKIPPED, str(reason)
        except Blame as wrong:
            if isinstance(wrong, Silent):
                self._silent[case.id] = wrong.seen
            found.append(Found(id=case.id, source=case.clause, force=case.force, clause=case.wanted, seen=wrong.seen))
        except Exception:  # a fault of ours is not one of the target's
            verdict, why = Verdict.BROKEN, traceback.format_exc(limit=-6)
        except KeyboardInterrupt:
            self._plan.kind.tidy(bench)  # calls and registrations of this case end all the same
            raise
        records, names = tuple(bench.wire.records), bench.names()
        # What a judge has seen before is told once: the case itself is not to blame for it.
        found += [each for each in self._plan.kind.judged(case, bench) if each.key not in self._told]
        self._told |= {each.key for each in found}
        self._plan.kind.tidy(bench)
        gone = self._gone()
        if gone:
            found.append(
                Found(
                    id=f"{GONE}{case.id}",
                    source=self._plan.kind.gone(self.facts),
                    force=Force.MUST,
                    clause="an element answers a right request, whatever it was sent before",
                    seen=gone,
                )
            )
        return Outcome(
            case=case,
            verdict=Verdict.FAILED if found and verdict is not Verdict.BROKEN else verdict,
            why=why,
            found=tuple(found),
            records=records,
            names=names,
            seconds=time.monotonic() - begun,
        )

    def _inapplicable(self, case: Case) -> str:
        if self._plan.target.transport not in case.over:
            return f"not over {self._plan.target.transport}"
        if case.slow and not self._plan.slow:
            return "it takes long: --slow runs it"
        if case.force is Force.OURS and not self._plan.ours:
            return "it is a convention of pyc3p: --ours tries it"
        lacking = [each for each in case.applies if each not in self.facts.traits]
        if lacking:
            why = self.facts.lacks.get(lacking[0], "")
            return f"only for what {lacking[0].value}" + (f": {why}" if why else "")
        unmet = next((each for each in case.needs if each in self._silent), None)
        return f"it needs what {unmet} tries, and there was {self._silent[unmet]}" if unmet else ""

    def _gone(self) -> str:
        """Why the target counts as gone; empty when it answers."""
        bench = self._bench()
        try:
            bench.check_alive()
        except Silent as wrong:
            return wrong.seen
        except Blame:
            return ""
        finally:
            self._plan.kind.tidy(bench)  # where it was a call
        return ""

    def _comes_back(self) -> bool:
        until = time.monotonic() + COMES_BACK
        while time.monotonic() < until:
            if not self._gone():
                return True
            time.sleep(0.5)
        return False


def chosen(cases: Iterable[Case], select: Sequence[str]) -> list[Case]:
    """The cases whose id, family or clause begins as one of ``select`` says; all of them for none."""
    if not select:
        return list(cases)
    wanted = [each.lower() for each in select]
    return [
        case
        for case in cases
        if any(case.id.startswith(each) or _clause_starts(case.clause.lower(), each) for each in wanted)
    ]


def _clause_starts(clause: str, wanted: str) -> bool:
    """``RFC 3261 section 9`` chooses 9.1, not 91."""
    return clause == wanted or clause.startswith((f"{wanted} ", f"{wanted}."))
