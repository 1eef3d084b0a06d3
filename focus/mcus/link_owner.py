"""What a link to an MCU needs of the conference that it belongs to."""

from __future__ import annotations

from typing import Protocol, TypeVar

from c3p import Command, ConferenceInfo
from focus.mcus.address import McuAddress
from focus.mcus.claim import Claim
from focus.mcus.relay import Failure

Link = TypeVar("Link", contravariant=True)


class LinkOwner(Protocol[Link]):
    """What the conference does about what happens on a link."""

    claim: Claim  #: to the conference

    def describe_for(self, link: Link) -> ConferenceInfo:
        """The conference as the MCU has to know it."""

    def mcu_ready(self, link: Link, address: McuAddress, info: ConferenceInfo | None, *, now: float) -> None:
        """The MCU is bootstrapped; `info` is its own part of the conference."""

    def mcu_lost(self, link: Link, address: McuAddress, reason: str, *, now: float) -> None:
        """The MCU failed: nothing of it is true any more."""

    def no_mcu(self, link: Link, failure: Failure, *, now: float) -> None:
        """None can be had."""

    def may_send(self, link: Link, command: Command) -> bool:
        """Whether a command may go out now; those behind it need not wait for it."""

    def mcu_part_replaced(self, link: Link, info: ConferenceInfo, *, now: float) -> None:
        """The answer to `resynchronise`: the MCU's whole part of the conference."""
