"""Our claim to a conference, as its MCUs are told it (`focus.questions.placement`)."""

from __future__ import annotations

import attrs


@attrs.define
class Claim:
    """One for a conference, shared by the links to its MCUs."""

    epoch: int = 0  #: the higher one goes before; 0 where nobody else could own the conference
    outranked_by: int | None = None  #: the epoch of a higher claim that an MCU obeys, until somebody sees to it

    def outranked(self, epoch: int) -> None:
        """An MCU obeys another."""
        self.outranked_by = max(epoch, self.outranked_by or 0)
