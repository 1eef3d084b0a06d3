"""Every command ends exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import focus
from pyc3p.simulate.history import Given, Told

#: The events that end a command of a client.
TERMINAL = (
    focus.CommandSucceeded,
    focus.CommandFailed,
    focus.ConferenceCreated,
    focus.CapabilitiesReceived,
    focus.Joined,
    focus.JoinFailed,
)


def endings(given: Iterable[Given], log: Iterable[Told], starts: dict[str, int]) -> list[str]:
    """Complain of commands that have not ended, or more than once, or were never given.

    ``starts`` is how often each client has been started again: the commands of one that was killed are gone with it.
    """
    ended: Counter[tuple[str, int, focus.CommandId]] = Counter()
    for told in log:
        if isinstance(told.event, TERMINAL):
            ended[told.element, told.start, told.event.command] += 1
    complaints = []
    known = set()
    for each in given:
        key = (each.element, each.start, each.command)
        known.add(key)
        times = ended[key]
        if times > 1 or (not times and each.start == starts.get(each.element, 0)):
            how = "never" if not times else f"{times} times"
            complaints.append(
                f"{each.element}: {each.what} {each.target} (command {each.command}, {each.at:.3f} s) ended {how}"
            )
    complaints += [f"{key[0]}: command {key[2]} ended, which nobody gave" for key in ended if key not in known]
    return complaints
