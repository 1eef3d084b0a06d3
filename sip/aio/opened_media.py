"""Who opens the media of calls, and who has none."""

from __future__ import annotations

from typing import Protocol, TypeVar

from sip.errors import LocalProtocolError
from sip.ua.call_media import CallMedia

M_co = TypeVar("M_co", bound=CallMedia, covariant=True)


class OpensMedia(Protocol[M_co]):
    """What opens the media of a call: `rtp.aio.AudioSession`, or a function with the same argument."""

    def __call__(self, *, host: str) -> M_co:
        """Media that receive at an address of this machine. Raises OSError when there are no ports."""
        ...


class NoMedia:
    """For a user agent that neither calls nor is called: messages and subscriptions alone. No call can be made."""

    def __init__(self, *, host: str) -> None:
        """Raises LocalProtocolError."""
        raise LocalProtocolError("calls need UserAgent(..., media=rtp.aio.AudioSession), or media of your own")

    def make_offer(self, *, held: bool | None = None, now: float) -> bytes:
        """Nothing."""
        return b""

    def receive_offer(self, offer: bytes, *, now: float) -> bytes:
        """Nothing."""
        return b""

    def receive_answer(self, answer: bytes, *, now: float) -> None:
        """Nothing."""

    def roll_back(self) -> None:
        """Nothing."""

    def end(self, *, now: float) -> None:
        """Nothing."""
