"""Direction of a media line, seen from the side that wrote it (RFC 8866 section 6.7)."""

from __future__ import annotations

from enum import StrEnum


class Direction(StrEnum):
    """``sendrecv``, ``sendonly``, ``recvonly`` or ``inactive``."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    sends: bool
    receives: bool

    def __init__(self, word: str) -> None:
        self.sends = word in ("sendrecv", "sendonly")
        self.receives = word in ("sendrecv", "recvonly")

    @classmethod
    def of(cls, *, sends: bool, receives: bool) -> Direction:
        """The direction with these two halves."""
        if sends:
            return cls.SENDRECV if receives else cls.SENDONLY
        return cls.RECVONLY if receives else cls.INACTIVE

    @property
    def reversed(self) -> Direction:
        """The same state seen from the other side."""
        return Direction.of(sends=self.receives, receives=self.sends)

    def __and__(self, other: Direction) -> Direction:
        """What both of two wishes of the same side allow."""
        return Direction.of(sends=self.sends and other.sends, receives=self.receives and other.receives)
