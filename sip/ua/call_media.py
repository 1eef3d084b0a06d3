"""What a call asks of whoever has its media: descriptions, and keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable


class CallMedia(Protocol):
    """Offers and answers of one call (RFC 3264); `rtp.AudioSession` is one.

    A description of the other side that cannot be used raises a ValueError: the other side is refused with its
    ``status_hint``, else with 488.
    """

    def make_offer(self, *, held: bool | None = None, now: float) -> bytes:
        """Our offer. ``held`` asks the other side to be silent, or to speak again; None leaves that as it is."""
        ...

    def receive_offer(self, offer: bytes, *, now: float) -> bytes:
        """Our answer to an offer of the other side."""
        ...

    def receive_answer(self, answer: bytes, *, now: float) -> None:
        """The answer to our offer."""
        ...

    def roll_back(self) -> None:
        """Our offer was refused: all stays as it was."""
        ...

    def end(self, *, now: float) -> None:
        """The call is over. Called once."""
        ...


@runtime_checkable
class KeyMedia(Protocol):
    """Media that also know of keys (DTMF)."""

    @property
    def key_types(self) -> Sequence[str]:
        """Media types of INFO bodies with a key in them."""
        ...

    def read_key(self, body: bytes) -> str:
        """The key in such a body; raises ValueError."""
        ...

    def send_keys(self, digits: str) -> None:
        """Press keys; raises ValueError when the other side takes none this way."""
        ...


def refusal_status(error: ValueError) -> int:
    """The status with which a description is refused that media could not use."""
    hint = getattr(error, "status_hint", None)
    return hint if isinstance(hint, int) and 300 <= hint < 700 else 488
