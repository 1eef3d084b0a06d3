"""What differs between the kinds of MCU: what goes on in a leg, and what its session descriptions say.

Conferences, commands, roster, the way to the Focus and the life of a leg are the same for sound that is mixed and for
messages that are passed on. What they need of the medium are these two protocols.
"""

from __future__ import annotations

from typing import Protocol

import attrs

from mcu.conference import Conference
from mcu.leg import Leg
from mcu.media_policy import MediaTarget, MediaTerms
from sip import Response


@attrs.frozen
class Unusable:
    """A session description that no leg can be made of."""

    error_id: int  #: for ``ms-diagnostics`` and the response to the command (MS-OCER)
    text: str
    headers: tuple[tuple[str, object], ...] = ()  #: of the 488, if one is sent


@attrs.frozen(kw_only=True)
class Carried:
    """How a leg is carried, once it is connected."""

    codec: str = ""
    encrypted: bool = False
    held: bool = False  #: the far end holds from the start


class Descriptions(Protocol):
    """The session descriptions of legs."""

    def terms(self, target: MediaTarget) -> MediaTerms:
        """How media go to and from an address."""

    def offer(self, leg: Leg) -> bytes:
        """Our offer to the address that is called now; another one each time."""

    def receive_answer(self, leg: Leg, response: Response) -> Unusable | None:
        """The answer in a 2xx to our INVITE."""

    def answer(self, leg: Leg) -> bytes | Unusable:
        """What our 2xx says to the INVITE of a dial-in: an answer, or an offer where that had none."""

    def confirm(self, leg: Leg, body: bytes) -> Unusable | None:
        """The ACK of our 2xx came, with an answer where that had an offer."""


class Medium(Protocol):
    """What goes on in conferences and legs."""

    @property
    def descriptions(self) -> Descriptions:
        """What its legs offer and answer."""

    def open(self, conference: Conference) -> None:
        """A conference is here."""

    def close(self, conference: Conference) -> None:
        """It is gone, and so are its legs."""

    def prepare(self, leg: Leg, *, now: float) -> bool:
        """Get what a call needs before it is made or answered. False: the application is asked for it, and answers."""

    def connect(self, leg: Leg, *, now: float) -> Carried:
        """Both sides have agreed: it begins."""

    def release(self, leg: Leg, *, now: float) -> None:
        """The leg is over, however far it came."""

    def apply_filters(self, leg: Leg) -> None:
        """The filters of a leg are others, or it is held or taken back."""
