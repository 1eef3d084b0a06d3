"""What happens when an MCU dies (docs/design-decisions.rst).

`McuLink.mark_lost` is told: the MCU cannot be reached, was silent too often, does not know the conference any more, or
began to count its versions anew. Then, in this order:

1. The link has no MCU. What was on its way to it is forgotten, and its principals are remembered (`Assigned`).
2. All that it owned leaves the roster (`take_off`), and the application hears ``McuLost``.
3. Every command that waited for its answer fails with ``timeout``.
4. Another MCU is asked for, with this one excluded. Commands that were not sent yet wait for that one.
5. The first is told to drop the conference (`focus.mcus.farewells`), and again whenever it comes back and notifies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from focus.mcus.farewells import Assignment, Farewells
from focus.roster import Roster
from sip import ConferenceAddress

#: MCUs that failed and may come back are remembered; three attempts name at most six principals.
_MOST_LOST: Final = 12


class Assigned:
    """Which MCU one conference has, and which it had: these are told to drop it, and not believed any more."""

    def __init__(self, farewells: Farewells) -> None:
        self._farewells = farewells
        self._lost: dict[str, Assignment] = {}  #: by principal, the oldest first
        self.now: Assignment | None = None  #: from the addConference on

    def recall(self, mcu: Callable[[str, str], Assignment], urls: Mapping[str, str]) -> None:
        """Know those again that failed before a restart; ``mcu`` makes an assignment of principal and URL."""
        self._lost = {principal: mcu(principal, url) for principal, url in urls.items()}

    @property
    def urls(self) -> dict[str, str]:
        """Where each that failed is, by principal, the oldest first."""
        return {principal: one.address.http_url for principal, one in self._lost.items()}

    def assign(self, assignment: Assignment) -> None:
        """An MCU is sent the conference. It is not one to turn away any more."""
        self.now = assignment
        url = assignment.address.http_url
        self._lost = {name: one for name, one in self._lost.items() if one.address.http_url != url}

    def trusts(self, peer: str, assignment: str | None) -> bool:
        """Whether `peer` is the principal of the MCU that is assigned now, and does not name an earlier assignment."""
        now = self.now
        if now is None or peer not in now.address.principals:
            return False
        return None in (assignment, now.id) or assignment == now.id

    def let_go(self, *, owed: bool, now: float) -> None:
        """The MCU is not ours any more; ``owed``: it has the conference, or may have."""
        assignment, self.now = self.now, None
        if assignment is None:
            return
        for principal in assignment.address.principals:
            self._lost[principal] = assignment
        while len(self._lost) > _MOST_LOST:
            del self._lost[next(iter(self._lost))]
        if owed:
            self._farewells.owe(assignment, now=now)

    def turn_away(self, peer: str, *, now: float) -> bool:
        """If `peer` is an MCU that failed before and came back: tell it to drop the conference."""
        assignment = self._lost.get(peer)
        if assignment is not None:
            self._farewells.owe(assignment, now=now)
        return assignment is not None


def take_off(roster: Roster, mcu_type: str, view: ConferenceAddress) -> int:
    """All that an MCU owned goes: endpoints of its type, users without any other, and its view.

    Returns how many users it had.
    """
    holders = list(roster.holders(mcu_type))
    for _, user in holders:
        for endpoint in list(user.of_type(mcu_type).values()):
            roster.remove_endpoint(user.address, endpoint.entity)
    roster.remove_view(view)
    return len(holders)
