"""Chance of the operating system."""

from __future__ import annotations

import random
import secrets

_SYSTEM = random.SystemRandom()


class SystemEntropy:
    """Numbers that nobody can predict."""

    def token(self, nbytes: int) -> str:
        """Return ``nbytes`` random bytes as hexadecimal text."""
        return secrets.token_hex(nbytes)

    def integer(self, bits: int) -> int:
        """Return a whole number from 0 to ``2**bits - 1``."""
        return secrets.randbits(bits)

    def uniform(self) -> float:
        """Return a number that is at least 0 and less than 1."""
        return _SYSTEM.random()


def live_entropy() -> SystemEntropy:
    """A source for an `rtp.MediaStream` or an `rtp.AudioSession` that is not for tests."""
    return SystemEntropy()
