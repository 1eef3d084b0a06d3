"""Where SSRCs, first sequence numbers, keys and random waits come from: one injected source."""

from __future__ import annotations

from typing import Protocol


class Entropy(Protocol):
    """A source of chance: `rtp.aio.live_entropy()` live, a seeded one in tests. Those of `sip` are such sources too."""

    def token(self, nbytes: int) -> str:
        """Return ``nbytes`` random bytes as hexadecimal text."""
        ...

    def integer(self, bits: int) -> int:
        """Return a whole number from 0 to ``2**bits - 1``."""
        ...

    def uniform(self) -> float:
        """Return a number that is at least 0 and less than 1."""
        ...


def octets_of(entropy: Entropy, size: int) -> bytes:
    """``size`` random octets, for keys."""
    return bytes.fromhex(entropy.token(size))
