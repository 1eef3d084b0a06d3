"""What a link to an MCU needs of the conference that it belongs to."""

from __future__ import annotations

from typing import Protocol

from c3p import Command, ConferenceInfo
from focus.mcus.address import McuAddress
from focus.mcus.claim import Claim
from focus.mcus.relay import Failure


class LinkOwner(Protocol):
    """What the conference does about what happens on its links, of which there is one for each media type."""

    claim: Claim  #: to the conference

    def describe_for(self, mcu_type: str) -> ConferenceInfo:
        """The conference as the MCU has to know it."""

    def may_send(self, mcu_type: str, command: Command) -> bool:
        """Whether a command may go out now; those behind it need not wait for it."""

    def mcu_ready(self, mcu_type: str, address: McuAddress, info: ConferenceInfo | None, *, now: float) -> None:
        """The MCU is bootstrapped; `info` is its own part of the conference."""

    def mcu_part_replaced(self, mcu_type: str, info: ConferenceInfo, *, now: float) -> None:
        """The answer to `McuLink.resynchronise`: the MCU's whole part of the conference."""

    def mcu_lost(self, mcu_type: str, address: McuAddress, reason: str, *, now: float) -> None:
        """The MCU failed: nothing of it is true any more."""

    def mcu_silent(self, mcu_type: str) -> None:
        """The MCU did not answer in time, and is not given up yet."""

    def no_mcu(self, mcu_type: str, failure: Failure, *, now: float) -> None:
        """None can be had."""
