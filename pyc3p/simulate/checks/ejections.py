"""Who was thrown out, from when, and until when nobody could have let them in again."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

import focus
from pyc3p.simulate.checks.commands import TERMINAL
from pyc3p.simulate.history import Given, Told


@attrs.frozen(kw_only=True)
class Ejection:
    """Somebody was thrown out of a conference, which was confirmed."""

    user: str
    conference: str
    since: float
    until: float  #: when somebody wanted that user called again; infinity when nobody did

    def __str__(self) -> str:
        return f"{self.user}, thrown out at {self.since:.3f} s"


#: Seconds after which nobody is in a conference any more on an MCU that its Focus has given up: 60 s without a Focus
#: until it closes, and what it waits for until it knows that nobody is there (decided, not ours to shorten).
ABANDONED: Final = 100.0
#: Seconds before its end in which a command may have been for an MCU that was given up.
_WAITED: Final = 200.0


class _End(enum.Enum):
    """How a command ended."""

    DONE = "done"
    NOT_DONE = "not done"
    UNKNOWN = "nobody knows"


def ejections(given: Sequence[Given], log: Sequence[Told], users: Iterable[str]) -> list[Ejection]:
    """The ejections of ``users`` that were confirmed and that no other command contradicts.

    A command to have the same user called that was open when the ejection was given may be carried out after it, if
    somebody else gave it, or over UDP, where nothing has an order. One that was refused, or failed, lets nobody in,
    unless its MCU was given up meanwhile: that one may go on with the call until it hears so. Who may be in another
    conference is not looked at.
    Of an MCU that was given up nobody can throw anybody out: it closes by itself, and the ejection counts from then.
    """
    ends: dict[tuple[str, int, focus.CommandId], tuple[float, _End]] = {}
    for told in log:
        if isinstance(told.event, TERMINAL):
            ends.setdefault((told.element, told.start, told.event.command), (told.at, _end(told.event)))
    given_up = [told.at for told in log if isinstance(told.event, focus.McuLost)]
    unknown, wanted = (math.inf, _End.UNKNOWN), frozenset(users)
    calls = [
        (each, *ends.get((each.element, each.start, each.command), unknown)) for each in given if each.what == "addUser"
    ]
    found = []
    for each in given:
        over, how = ends.get((each.element, each.start, each.command), unknown)
        if each.what != "deleteUser" or how is not _End.DONE or each.target not in wanted:
            continue
        until, disputed = math.inf, False
        for call, ended, outcome in calls:
            lost = any(call.at <= at <= ended for at in given_up)
            if call.target != each.target or (outcome is _End.NOT_DONE and not lost):
                continue
            if call.conference != each.conference and call.at < each.at:
                disputed = True  # what is heard may be of that one
            elif call.at >= each.at:
                until = min(until, call.at)
            elif ended >= each.at:
                disputed |= call.element != each.element or each.transport != "tcp"
            elif outcome is _End.UNKNOWN:
                disputed = True
        if any(over - _WAITED <= at <= over for at in given_up):
            over += ABANDONED  # the phone may be on the MCU that nobody reaches
        if not disputed and until > over:
            found.append(Ejection(user=each.target, conference=each.conference, since=over, until=until))
    return found


def _end(event: object) -> _End:
    if isinstance(event, focus.CommandFailed):
        certain = (focus.FailureReason.REFUSED, focus.FailureReason.FAILURE)
        return _End.NOT_DONE if event.reason in certain else _End.UNKNOWN
    # Without an answer it was concluded from the roster, or from the end of the conference: nobody confirmed it.
    return _End.UNKNOWN if isinstance(event, focus.CommandSucceeded) and event.response is None else _End.DONE
