"""After a case everybody leaves the conference, calls end, and what was changed is changed back."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from pyc3p.conform.case import Blame, NotApplicable
from pyc3p.conform.tidying import tidy
from sip import SipError

if TYPE_CHECKING:
    from pyc3p.conform.conference.bench import FocusBench

#: Seconds for each answer: that nobody answers any more is what the case has told.
_PATIENCE: Final = 1.5
_EXPECTED: Final = (Blame, NotApplicable, SipError, OSError, ValueError)


def tidy_focus(bench: FocusBench) -> None:
    """Do all that; what fails is left to the timers of the target."""
    bench.patience = bench.ring_patience = min(bench.patience, _PATIENCE)
    for act in bench.tidying:
        with contextlib.suppress(*_EXPECTED):
            act()
    for member in bench.members:
        member.answers_info = member.answers_notify = True
        with contextlib.suppress(*_EXPECTED):
            if member.following is not None and not member.subscription_state.lower().startswith("terminated"):
                member.subscribe_again(0)
    for phone in bench.phones:
        phone.tidy(bench.target)
    if bench.ground.spoilt:
        for conference_id in tuple(bench.ground.made):
            with contextlib.suppress(*_EXPECTED):
                bench.deleted(conference_id)
        bench.ground.uri = ""
    tidy(bench)
