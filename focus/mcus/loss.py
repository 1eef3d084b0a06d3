"""What happens when an MCU dies (conferencing-flows 11).

`McuLink.mark_lost` is told: the MCU cannot be reached, was silent too often, does not know the conference any more, or
began to count its versions anew. Then, in this order:

1. The link has no MCU. What was on its way to it is forgotten, and its principals are remembered (`LostMcus`).
2. All that it owned leaves the roster (`take_off`), and the application hears ``McuLost``.
3. Every command that waited for its answer fails with ``timeout``.
4. Another MCU is asked for, with this one excluded. Commands that were not sent yet wait for that one.
5. Should the first come back and notify, it is told to drop the conference (`McuLink.turn_away`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from focus.mcus.address import McuAddress
from focus.roster import Roster
from sip import ConferenceAddress

#: MCUs that failed and may come back are remembered; three attempts name at most six principals.
_MOST_LOST: Final = 12


class LostMcus:
    """The MCUs that failed one conference, by principal, with the URL at which each is told to drop it."""

    def __init__(self, urls: Mapping[str, str] = {}) -> None:
        self._urls = dict(urls)

    def add(self, address: McuAddress) -> None:
        """It failed; the oldest give way."""
        for principal in address.principals:
            self._urls[principal] = address.http_url
        while len(self._urls) > _MOST_LOST:
            del self._urls[next(iter(self._urls))]

    def assigned(self, address: McuAddress) -> None:
        """It is in use again, so no longer one to turn away."""
        self._urls = {name: url for name, url in self._urls.items() if name not in address.principals}

    @property
    def urls(self) -> dict[str, str]:
        """Where each is, by principal, oldest first."""
        return dict(self._urls)

    def pop(self, principal: str) -> str | None:
        """The URL of an MCU that came back, once; None when it is none of these."""
        return self._urls.pop(principal, None)


def take_off(roster: Roster, mcu_type: str, view: ConferenceAddress) -> None:
    """All that an MCU owned goes: endpoints of its type, users without any other, and its view."""
    for _, user in roster.holders(mcu_type):
        for endpoint in list(user.of_type(mcu_type).values()):
            roster.remove_endpoint(user.address, endpoint.entity)
    roster.remove_view(view)
