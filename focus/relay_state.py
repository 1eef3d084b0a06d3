"""Life of one command that the Focus relays to one MCU (conferencing-flows 4.4)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class RelayState(enum.Enum):
    """Where a relayed command stands."""

    NEW = "new"
    BOOTSTRAPPING = "bootstrapping"  #: waits for its MCU
    FORWARDED = "forwarded"  #: on its way to the MCU
    PENDING = "pending"  #: the MCU works on it
    DONE = "done"


class RelayInput(enum.Enum):
    """What can happen to it."""

    AUTHORISED = "authorised"
    MCU_READY = "mcu ready"
    MCU_PENDING = "mcu pending"
    MCU_FINAL = "mcu final"  #: success or failure from the MCU
    MCU_FAILED = "mcu failed"  #: no MCU, or the one that had it is gone
    TIMER = "timer"
    ABANDONED = "abandoned"  #: the conference ended


RELAY: Final[Mapping[tuple[RelayState, RelayInput], RelayState]] = {
    (RelayState.NEW, RelayInput.AUTHORISED): RelayState.BOOTSTRAPPING,
    (RelayState.BOOTSTRAPPING, RelayInput.MCU_READY): RelayState.FORWARDED,
    (RelayState.BOOTSTRAPPING, RelayInput.MCU_FAILED): RelayState.DONE,
    (RelayState.BOOTSTRAPPING, RelayInput.TIMER): RelayState.DONE,
    (RelayState.BOOTSTRAPPING, RelayInput.ABANDONED): RelayState.DONE,
    (RelayState.FORWARDED, RelayInput.MCU_PENDING): RelayState.PENDING,
    (RelayState.FORWARDED, RelayInput.MCU_FINAL): RelayState.DONE,
    (RelayState.FORWARDED, RelayInput.MCU_FAILED): RelayState.DONE,
    (RelayState.FORWARDED, RelayInput.TIMER): RelayState.DONE,
    (RelayState.FORWARDED, RelayInput.ABANDONED): RelayState.DONE,
    (RelayState.PENDING, RelayInput.MCU_PENDING): RelayState.PENDING,
    (RelayState.PENDING, RelayInput.MCU_FINAL): RelayState.DONE,
    (RelayState.PENDING, RelayInput.MCU_FAILED): RelayState.DONE,
    (RelayState.PENDING, RelayInput.TIMER): RelayState.DONE,
    (RelayState.PENDING, RelayInput.ABANDONED): RelayState.DONE,
}
