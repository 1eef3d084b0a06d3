"""Stories of conferences: cases in an order that is worth a try before any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pyc3p.testing import cases
from pyc3p.testing.cases import MeetingCase

Step = tuple[MeetingCase, Mapping[str, Any]]


def _wait(seconds: float) -> Step:
    return cases.time_passes, {"seconds": seconds}


def _dials(who: str, muted: bool = False) -> Step:
    return cases.dials, {"who": who, "muted": muted}


_BOTH: Final[tuple[Step, ...]] = (_dials("dan"), _dials("eve"), _wait(2.0))
_SPEAK: Final[Step] = (cases.speak_to_each_other, {})
_WHOLE: Final[Step] = (cases.asks_for_everything, {})

STORIES: Final[Mapping[str, Sequence[Step]]] = {
    "two phones speak with each other": (*_BOTH, _SPEAK),
    "somebody is thrown out and called again": (
        *(*_BOTH, (cases.ejects, {"who": "dan"}), _wait(2.0), _dials("dan"), _wait(2.0), _SPEAK),
    ),
    "somebody is thrown out while he is called": (_dials("dan"), (cases.ejects, {"who": "dan"}), _wait(8.0)),
    "somebody is muted and unmuted": (
        *(*_BOTH, (cases.mutes, {"muted": True}), _wait(8.0)),
        *((cases.mutes, {"muted": False}), _wait(2.0), _SPEAK),
    ),
    "somebody comes in muted": (_dials("eve"), _dials("dan", muted=True), _wait(8.0), _wait(2.0)),
    "calls that fail": (*((cases.dials_somebody_busy, {}), (cases.dials_nobody, {}), _wait(8.0), _WHOLE, _wait(2.0)),),
    "a conference is locked and unlocked": (
        *(_dials("dan"), _wait(2.0), (cases.locks, {"locked": True}), _wait(2.0), _WHOLE),
        *((cases.somebody_joins, {}), _wait(2.0), (cases.locks, {"locked": False}), _wait(2.0)),
    ),
    "roles change": (
        *((cases.gives_a_role, {"presenter": True}), _wait(2.0), (cases.gives_a_role, {"presenter": False})),
        *(_wait(2.0), _WHOLE, _wait(2.0)),
    ),
    "an attendee oversteps": (
        *(_dials("dan"), _wait(2.0)),
        *((cases.attendee_oversteps, {"what": what}) for what in ("lock", "call", "throw out", "promote", "end")),
        _wait(8.0),
    ),
    "somebody comes late and leaves early": (
        *(*_BOTH, (cases.somebody_joins, {}), _wait(2.0), _dials("dan"), (cases.somebody_leaves, {}), _wait(8.0)),
        *(_WHOLE, _wait(2.0)),
    ),
    "a phone hangs up": (*_BOTH, (cases.phone_hangs_up, {}), _wait(2.0), _WHOLE, _wait(2.0)),
    "everything at once": (
        *(_dials("dan"), _dials("eve"), (cases.locks, {"locked": True}), (cases.gives_a_role, {"presenter": True})),
        *(_wait(0.3), (cases.mutes, {"muted": True}), (cases.ejects, {"who": "eve"}), _wait(0.01), _dials("eve")),
        *((cases.somebody_joins, {}), _WHOLE, _wait(8.0)),
    ),
}
