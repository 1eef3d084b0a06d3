"""The MCUs that failed a conference, as its Focus says, and whether they are there again.

A Focus names the MCUs that failed it (``exclude``) for as long as it looks for another one. Where there is no other, it
asks again soon; an MCU that is still away would be given to it each time, and each time it would have to find out. So
the Factory remembers when it was told, for each conference apart: an MCU that one Focus cannot reach may be well for
all others. From then on the MCU is out of the question for that conference until it has announced itself, or answered
a probe: it is asked at once, for the Focus may have been slow to notice, and one that was started anew announces
itself. Then it is given, also where it is still excluded, if there is no other.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from mcu.factory.registry import KnownMcu, Registry

#: Conferences of which it is remembered, 0.2 kB each; the one told of longest ago gives way. A farm that loses its
#: largest hosts has fewer.
MAX_CONFERENCES: Final = 10_000


class FailedMcus:
    """Ids of MCUs by place: conference and media type."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._told: OrderedDict[str, dict[str, float]] = OrderedDict()  #: when a Focus told of each, monotonic seconds

    def __len__(self) -> int:
        return len(self._told)

    def told(self, place: str, excluded: Iterable[str], *, now: float) -> list[KnownMcu]:
        """A Focus names these; those of which that is news. Of one that it was not given again it knows nothing new."""
        told = self._told.pop(place, {})
        known = (each for each in map(self._registry.get, excluded) if each is not None and each.answered is not None)
        new = [each for each in known if each.mcu_id not in told]
        told |= {each.mcu_id: now for each in new}
        if told:
            self._told[place] = told
        while len(self._told) > MAX_CONFERENCES:
            self._told.popitem(last=False)
        return new

    def given(self, place: str, mcu_id: str) -> None:
        """An MCU gets the conference again."""
        told = self._told.get(place, {})
        told.pop(mcu_id, None)
        if not told:
            self._told.pop(place, None)

    def away(self, place: str) -> frozenset[str]:
        """Those that were not heard since."""
        return frozenset(each for each, at in self._told.get(place, {}).items() if not self._answered(each, at))

    def back(self, place: str) -> frozenset[str]:
        """Those that were."""
        return frozenset(each for each, at in self._told.get(place, {}).items() if self._answered(each, at))

    def _answered(self, mcu_id: str, since: float) -> bool:
        known = self._registry.get(mcu_id)
        return known is not None and known.answered is not None and known.answered > since
