"""Conformance of a Focus or an MCU of one's own, in a whole conference in virtual time.

A `Stage` is a conference with people and phones on ``pyc3p.simnet``; a case is something that one of them does. What
has to be true when a client is told that its command is done is looked at in that moment, from outside: at the phones,
in what they hear, in the rosters. What was sent is judged by the judges of ``sip.testing`` and ``c3p.testing`` in the
end. `FocusConformance` and `McuConformance` make rules of the cases, so that Hypothesis chooses their order.

Needs the extra ``testing``.
"""

from __future__ import annotations

from pyc3p.testing.cases import MEETING_CASES, MeetingCase
from pyc3p.testing.rules import FocusConformance, McuConformance, MeetingConformance
from pyc3p.testing.stage import Stage

__all__ = ["MEETING_CASES", "FocusConformance", "McuConformance", "MeetingCase", "MeetingConformance", "Stage"]
