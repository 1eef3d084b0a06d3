"""A failing simulation shows its seed and its ladder."""

from __future__ import annotations

from collections.abc import Callable, Generator

import pytest

from pyc3p.elements import FarmPlan, Handset
from pyc3p.phone import Reaction, ToneSource
from pyc3p.simnet import Conditions, Meeting

Meet = Callable[..., Meeting]
MEETINGS = pytest.StashKey[list[Meeting]]()


@pytest.fixture
def meet(request: pytest.FixtureRequest) -> Meet:
    """Begin a meeting: phones of bob and carol registered, ann (presenter) and wes (watcher) in the conference."""
    meetings = request.node.stash.setdefault(MEETINGS, [])

    def begin(
        *,
        seed: int = 1,
        conditions: Conditions | None = None,
        bob: Reaction = Reaction.ANSWER,
        hang_up_after: float | None = None,
        dead_media: float | None = 60.0,
        **plan: object,
    ) -> Meeting:
        handsets = (
            Handset(
                name="phone-bob",
                user="bob",
                source=ToneSource(440),
                reaction=bob,
                hang_up_after=hang_up_after,
                dead_media=dead_media,
            ),
            Handset(name="phone-carol", user="carol", source=ToneSource(1000)),
        )
        meeting = Meeting(FarmPlan(handsets=handsets, **plan), seed=seed, conditions=conditions)  # type: ignore[arg-type]
        meetings.append(meeting)
        meeting.register_phones()
        meeting.open()
        return meeting

    return begin


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" and report.failed:
        for meeting in item.stash.get(MEETINGS, []):
            report.sections.append(("simulation", meeting.network.story()))
    return report
