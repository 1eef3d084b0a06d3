"""The conformance machine: Hypothesis chooses what the tester does, the tester says what is wrong with the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from sip.testing.conformance.call_cases import CASES as _IN_CALLS
from sip.testing.conformance.calling_cases import CASES as _CALLING
from sip.testing.conformance.case import Case
from sip.testing.conformance.element import SipElement
from sip.testing.conformance.encounter import NotConforming
from sip.testing.conformance.registering import Account, Registering
from sip.testing.conformance.registrar_cases import CASES as REGISTRAR_CASES
from sip.testing.conformance.serving_cases import CASES as _SERVING
from sip.testing.conformance.stories import REGISTRAR_STORIES, STORIES, Story
from sip.testing.conformance.tester import Targets, Tester
from sip.testing.judges.finding import Force

#: Every case for user agents, in the order of the documentation.
SIP_CASES: Final[tuple[Case, ...]] = (*_SERVING, *_IN_CALLS, *_CALLING)
#: Seconds after which every transaction is over, ours and theirs, and every BYE for a missing ACK is out.
_END: Final = 150.0


class ElementConformance(RuleBasedStateMachine):
    """What the conformance machines for one element have in common."""

    #: What fails a run: by default what the sources demand; with ``Force.SHOULD`` what they advise as well.
    fails_on: ClassVar[tuple[Force, ...]] = (Force.MUST,)
    tester: Tester

    def __init__(self) -> None:
        super().__init__()

    def make_element(self) -> SipElement:
        """Make a new element, at time 0 and at 192.0.2.1, port 5060."""
        raise NotImplementedError

    stories: ClassVar[Mapping[str, Story]] = {}  #: cases in an order that is worth a try before any other

    @classmethod
    def tell(cls, story: str) -> None:
        """Play one of the ``stories``; raises NotConforming, also for what the element itself raises."""
        machine = cls()
        try:
            for case, drawn in cls.stories[story]:
                if case.ready(machine.tester):
                    machine.do(case, **drawn)
            machine.teardown()
        except NotConforming:
            raise
        except Exception as error:
            raise machine.tester.encounter.raised(error) from error

    def do(self, case: Case, **drawn: Any) -> None:
        """Let the tester do something; raises NotConforming for what was seen to be wrong."""
        self.tester.encounter.case = case.name
        case.act(self.tester, **drawn)
        self.judge()

    def judge(self) -> None:
        """Raise NotConforming for what has been found."""
        encounter = self.tester.encounter
        found = [
            (finding, case)
            for finding, case in zip(encounter.findings, encounter.found_by, strict=True)
            if finding.force in self.fails_on
        ]
        if found:
            raise NotConforming([finding for finding, _ in found], encounter.story(), found[0][1])


class SipElementConformance(ElementConformance):
    """Drives a user agent of yours by the rules of RFC 3261, in virtual time.

    Say how it is made and whom it serves; the class is run as any machine of Hypothesis::

        class MyPhone(SipElementConformance):
            answers = "sip:bob@192.0.2.1"

            def make_element(self) -> SipElement:
                return Adapter(...)

        TestMyPhone = MyPhone.TestCase

    A failure is a `NotConforming` with the clause of the source that was broken, and the fewest messages that show it.
    """

    stories: ClassVar[Mapping[str, Story]] = STORIES
    answers: ClassVar[str] = "sip:answers@192.0.2.1"  #: whose calls are taken
    rings: ClassVar[str | None] = None  #: whose calls ring for longer than a minute
    refuses: ClassVar[str | None] = None  #: whose calls are refused

    def __init__(self) -> None:
        super().__init__()
        targets = Targets(answers=self.answers, rings=self.rings, refuses=self.refuses)
        self.tester = Tester(self.make_element(), targets)

    def teardown(self) -> None:
        """Let everything come to its end; what is owed until then is looked at."""
        tester = self.tester
        tester.called.silent = False
        tester.encounter.wait(_END)
        for call in tester.open_calls():
            tester.ask("BYE", "", "hangs up at the end", call=call)
        tester.encounter.wait(_END)
        tester.judge_traffic()
        self.judge()


class RegistrarConformance(ElementConformance):
    """Drives a registrar of yours by section 10.3 of RFC 3261, with digest, in virtual time.

    It serves ``domain`` for the user ``account``::

        class MyRegistrar(RegistrarConformance):
            domain = "example.com"
            account = Account(aor="sip:alice@example.com", user="alice", password="secret")

            def make_element(self) -> SipElement:
                return Adapter(...)
    """

    stories: ClassVar[Mapping[str, Story]] = REGISTRAR_STORIES
    domain: ClassVar[str] = "example.com"
    account: ClassVar[Account] = Account(aor="sip:alice@example.com", user="alice", password="secret")

    def __init__(self) -> None:
        super().__init__()
        self.tester = Tester(self.make_element(), Targets(answers=f"sip:{self.domain}"))
        self.tester.registering = Registering(self.tester, self.account, self.domain)

    def teardown(self) -> None:
        """Look at what was owed."""
        self.tester.encounter.wait(5.0)
        self.tester.judge_traffic()
        self.judge()


def _rule(case: Case) -> Callable[..., None]:
    """A rule of Hypothesis for a case."""

    def step(self: ElementConformance, **drawn: Any) -> None:
        self.do(case, **drawn)

    step.__name__ = step.__qualname__ = case.name
    step.__doc__ = f"{case.source}: {case.clause}"
    given: dict[str, Any] = dict(case.given)
    decorate: Callable[[Callable[..., None]], Callable[..., None]] = rule(**given)
    made = decorate(step)

    def is_ready(self: Any) -> bool:
        return case.ready(self.tester)

    guard: Any = precondition(is_ready)
    guarded: Callable[..., None] = guard(made)
    return guarded


for _machine, _cases in ((SipElementConformance, SIP_CASES), (RegistrarConformance, REGISTRAR_CASES)):
    for _each in _cases:
        setattr(_machine, _each.name, _rule(_each))
