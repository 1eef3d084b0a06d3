"""The conference machines: Hypothesis chooses what people do, and an element of yours takes part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

import focus
import sip
from pyc3p.element import Element
from pyc3p.elements.farm import Builder, Farm
from pyc3p.elements.parts import Place
from pyc3p.simnet import SimulationFailed
from pyc3p.testing.cases import MEETING_CASES, MeetingCase
from pyc3p.testing.judging import judge_all, judge_end, judge_legs, judge_quiet
from pyc3p.testing.stage import PRESENTER, Stage
from pyc3p.testing.stories import STORIES
from sip.testing import Finding, Force, NotConforming

#: Seconds in which whatever is under way comes to its end: longer than a phone rings, and than a command waits.
_QUIET: Final = 70.0
#: ... in which everybody has hung up whose conference is over
_SOON: Final = 5.0
#: ... and in which everything is gone: longer than an MCU waits for a Focus that has gone.
_END: Final = 130.0


class MeetingConformance(RuleBasedStateMachine):
    """What the machines for a Focus and for an MCU have in common: one conference, in which people do things."""

    #: What fails a run: by default what the sources demand.
    fails_on: ClassVar[tuple[Force, ...]] = (Force.MUST,)
    judged: ClassVar[str]  #: the name of the element
    stories: ClassVar[Mapping[str, Any]] = STORIES  #: cases in an order that is worth a try before any other

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage(self.replaced())
        self._guard(self.stage.begin)

    def replaced(self) -> Mapping[str, Builder]:
        """What is made by somebody else."""
        return {}

    def do(self, case: MeetingCase, **drawn: Any) -> None:
        """Let people do something; raises NotConforming for what was seen to be wrong."""
        self.stage.case = case.name
        self._guard(lambda: case.act(self.stage, **drawn))
        self.judge()

    def judge(self) -> None:
        """Raise NotConforming for what has been found."""
        stage = self.stage
        found = [
            (finding, case)
            for finding, case in zip(stage.findings, stage.found_by, strict=True)
            if finding.force in self.fails_on
        ]
        if found:
            raise NotConforming([finding for finding, _ in found], stage.story(), found[0][1])

    def _guard(self, act: Callable[[], object]) -> None:
        """Do something that never ends when the element does not do its part."""
        try:
            act()
        except SimulationFailed as failed:
            self.stage.blame("pyc3p.testing", Force.MUST, "what is begun comes to its end", str(failed).splitlines()[0])
            self.judge()
            raise
        except NotConforming:
            raise
        except Exception as error:
            raise self._raised(error) from error

    def _raised(self, error: Exception) -> NotConforming:
        """What an element raised, as a finding, with what was sent last and all that came before."""
        stage = self.stage
        finding = Finding(
            source="pyc3p.testing",
            force=Force.MUST,
            clause="whatever arrives, and whatever is due, nothing raises",
            seen=f"{type(error).__name__}: {error}",
            messages=tuple(each.passing.data for each in stage.sent[-1:]),
        )
        return NotConforming([finding], stage.story(), stage.case)

    def teardown(self) -> None:
        """Everything comes to its end: quiet first, then nothing."""
        stage = self.stage
        network = stage.network
        network.sound = (0.0, 20.0)  # nobody listens any more
        network.run_for(_QUIET)
        stage.case = "the end"
        judge_quiet(stage)
        self.judge()
        client = stage.meeting.client(PRESENTER)
        if client.state is focus.ClientState.JOINED:
            stage.give(PRESENTER, "ends the conference", lambda client, now: client.end_conference(now=now))
        network.run_for(_SOON)
        stage.case = "the end"
        judge_legs(stage)
        network.run_for(_END)
        stage.case = "the end"
        judge_end(stage)
        judge_all(stage, self.judged)
        self.judge()

    @classmethod
    def tell(cls, story: str) -> None:
        """Play one of the ``stories``; raises NotConforming, also for what the element itself raises."""
        machine = cls()
        for case, drawn in cls.stories[story]:
            if case.ready(machine.stage):
                machine.do(case, **drawn)
        machine._guard(machine.teardown)


class FocusConformance(MeetingConformance):
    """Drives a Focus of yours: clients join it, phones are called through it, an MCU of this library obeys it.

    Say how it is made; without that it is the one of this library::

        class MyFocusConforms(FocusConformance):
            def make_focus(self, farm, place, entropy):
                return Element.of("focus", pump=..., services={...})

        TestMyFocus = MyFocusConforms.TestCase
    """

    judged = "focus"

    def replaced(self) -> Mapping[str, Builder]:
        """The Focus, where there is one of yours."""
        return {} if type(self).make_focus is FocusConformance.make_focus else {"focus": self.make_focus}

    def make_focus(self, farm: Farm, place: Place, entropy: sip.Entropy) -> Element:
        """Make a Focus at a place; the farm has the addresses of the others."""
        raise NotImplementedError


class McuConformance(MeetingConformance):
    """Drives an MCU of yours: a Focus of this library commands it, and it calls the phones.

    ``make_mcu`` is as ``make_focus`` of `FocusConformance`.
    """

    judged = "mcu"

    def replaced(self) -> Mapping[str, Builder]:
        """The MCU, where there is one of yours."""
        return {} if type(self).make_mcu is McuConformance.make_mcu else {"mcu": self.make_mcu}

    def make_mcu(self, farm: Farm, place: Place, entropy: sip.Entropy) -> Element:
        """Make an MCU at a place; the farm has the addresses of the others."""
        raise NotImplementedError


def _rule(case: MeetingCase) -> Callable[..., None]:
    """A rule of Hypothesis for a case."""

    def step(self: MeetingConformance, **drawn: Any) -> None:
        self.do(case, **drawn)

    step.__name__ = step.__qualname__ = case.name
    step.__doc__ = f"{case.source}: {case.clause}"
    given: dict[str, Any] = dict(case.given)
    decorate: Any = rule(**given)
    made: Callable[..., None] = decorate(step)

    def is_ready(self: Any) -> bool:
        return case.ready(self.stage)

    guard: Any = precondition(is_ready)
    guarded: Callable[..., None] = guard(made)
    return guarded


for _each in MEETING_CASES:
    setattr(MeetingConformance, _each.name, _rule(_each))
