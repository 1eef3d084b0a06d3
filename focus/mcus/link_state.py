"""Life of the link from one conference to the MCU of one media type (docs/wire-flow.rst)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class LinkState(enum.Enum):
    """Where the link stands. Commands wait in every state but READY."""

    __hash__ = object.__hash__

    ABSENT = "absent"
    ALLOCATING = "allocating"  #: the MCU Factory is asked for an MCU
    #: the MCU that had it is told of the conference again: after a restart, or since it obeyed another claim
    RESUMING = "resuming"
    INITIALISING = "initialising"  #: the MCU is told of the conference
    READY = "ready"
    FAILED = "failed"  #: no MCU can be had, or the one assigned is gone
    CLOSED = "closed"  #: the conference is over


class Purpose(enum.Enum):
    """What the exchange that is open is for."""

    ALLOCATE = "allocate"
    INITIALISE = "initialise"
    COMMAND = "command"
    RESYNCHRONISE = "resynchronise"
    CLEAR = "clear"  #: have an MCU drop what it had of the conference before it gets it anew


class LinkInput(enum.Enum):
    """What can happen to it."""

    __hash__ = object.__hash__

    NEEDED = "needed"
    RESUME = "resume"  #: it had an MCU before a restart
    ALLOCATED = "allocated"
    INITIALISED = "initialised"
    REFUSED = "refused"  #: this MCU, or the factory, did not do it
    EXHAUSTED = "exhausted"  #: and nothing is left to try
    LOST = "lost"  #: the assigned MCU failed
    OUTRANKED = "outranked"  #: the assigned MCU obeys a higher claim to the conference
    CLOSE = "close"


LINK: Final[Mapping[tuple[LinkState, LinkInput], LinkState]] = {
    (LinkState.ABSENT, LinkInput.NEEDED): LinkState.ALLOCATING,
    (LinkState.FAILED, LinkInput.NEEDED): LinkState.ALLOCATING,
    (LinkState.ALLOCATING, LinkInput.ALLOCATED): LinkState.INITIALISING,
    (LinkState.ALLOCATING, LinkInput.EXHAUSTED): LinkState.FAILED,
    (LinkState.ABSENT, LinkInput.RESUME): LinkState.RESUMING,
    (LinkState.RESUMING, LinkInput.INITIALISED): LinkState.READY,
    (LinkState.RESUMING, LinkInput.LOST): LinkState.FAILED,
    (LinkState.RESUMING, LinkInput.OUTRANKED): LinkState.RESUMING,
    (LinkState.RESUMING, LinkInput.CLOSE): LinkState.CLOSED,
    (LinkState.INITIALISING, LinkInput.INITIALISED): LinkState.READY,
    (LinkState.INITIALISING, LinkInput.REFUSED): LinkState.ALLOCATING,
    (LinkState.INITIALISING, LinkInput.EXHAUSTED): LinkState.FAILED,
    (LinkState.INITIALISING, LinkInput.OUTRANKED): LinkState.INITIALISING,
    (LinkState.READY, LinkInput.LOST): LinkState.FAILED,
    (LinkState.READY, LinkInput.OUTRANKED): LinkState.RESUMING,
    (LinkState.ABSENT, LinkInput.CLOSE): LinkState.CLOSED,
    (LinkState.ALLOCATING, LinkInput.CLOSE): LinkState.CLOSED,
    (LinkState.FAILED, LinkInput.CLOSE): LinkState.CLOSED,
    (LinkState.INITIALISING, LinkInput.CLOSE): LinkState.CLOSED,
    (LinkState.READY, LinkInput.CLOSE): LinkState.CLOSED,
}
