"""Who was thrown out, from when, and until when nobody could have let them in again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

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


def ejections(given: Sequence[Given], log: Iterable[Told], users: Iterable[str]) -> list[Ejection]:
    """The ejections of ``users`` that were confirmed and that no other command contradicts.

    A command to have the same user called that was open when the ejection was given may be carried out after it, if
    somebody else gave it, or over UDP, where nothing has an order.
    """
    ends: dict[tuple[str, int, focus.CommandId], tuple[float, bool]] = {}
    for told in log:
        if isinstance(told.event, TERMINAL):
            key = (told.element, told.start, told.event.command)
            ends.setdefault(key, (told.at, isinstance(told.event, focus.CommandSucceeded)))
    wanted = frozenset(users)
    calls = [each for each in given if each.what == "addUser"]
    found = []
    for each in given:
        over, succeeded = ends.get((each.element, each.start, each.command), (math.inf, False))
        if each.what != "deleteUser" or not succeeded or each.target not in wanted:
            continue
        disputed, until = False, math.inf
        for call in calls:
            ended = ends.get((call.element, call.start, call.command), (math.inf, False))[0]
            if call.at >= each.at:
                until = min(until, call.at)
            elif ended >= each.at and (call.element != each.element or each.transport != "tcp"):
                disputed = True
        if not disputed and until > over:
            found.append(Ejection(user=each.target, conference=each.conference, since=over, until=until))
    return found
