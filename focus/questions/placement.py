"""Which Focus has a conference: this one without asking, or the one that the application finds out.

Of several Foci each conference has one owner. Who owns it says a claim, which names the node and has an epoch: a number
that only goes up. MCUs obey the highest epoch that they were told, so that of two Foci that both believe in their claim
the older one is turned away; it is told the epoch, and may claim above it if it is still the owner (`Outranked`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs

from focus.events import ClaimReleased, ClaimWanted
from focus.questions.procedure import Kind, Later
from focus.questions.procedures import Procedures
from sip import ConferenceAddress, Event


@attrs.frozen
class Owned:
    """A conference is ours."""

    epoch: int  #: of the claim; 0 where nobody else could have it


@attrs.frozen
class OwnedElsewhere:
    """A conference is that of another node."""

    node: str


Ownership = Owned | OwnedElsewhere


class Placement(Protocol):
    """Whose a conference is."""

    def claim(self, address: ConferenceAddress, *, above: int = 0) -> Ownership | Later[Ownership]:
        """Make a conference ours, with an epoch higher than ``above``."""

    def release(self, address: ConferenceAddress, epoch: int) -> None:
        """A conference needs no owner any more."""


class OnlyFocus:
    """Every conference is ours. MCUs that remember a higher epoch, of a time with others, are outbid."""

    def claim(self, address: ConferenceAddress, *, above: int = 0) -> Owned:
        """It is."""
        return Owned(above + 1 if above else 0)

    def release(self, address: ConferenceAddress, epoch: int) -> None:
        """Nobody is waiting for it."""


class AskingPlacement:
    """The application, asked by events."""

    def __init__(self, procedures: Procedures, emit: Callable[[Event], None], owner: str) -> None:
        self._procedures, self._emit, self._owner = procedures, emit, owner

    def claim(self, address: ConferenceAddress, *, above: int = 0) -> Later[Ownership]:
        """Ask."""
        number = self._procedures.new_id()
        wanted = ClaimWanted(owner=self._owner, id=number, key=address.key, conference_uri=address.text, above=above)
        return Later(kind=Kind.CLAIM, id=number, question=wanted)

    def release(self, address: ConferenceAddress, epoch: int) -> None:
        """Tell."""
        released = ClaimReleased(owner=self._owner, key=address.key, conference_uri=address.text, epoch=epoch)
        self._emit(released)
