"""Where tags, branches, Call-IDs and random waits come from: one injected source with labelled children."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, Protocol

_BLOCK: Final = hashlib.sha256().digest_size


class Entropy(Protocol):
    """A source of chance. Live it is seeded from the operating system, in tests from a constant."""

    def token(self, nbytes: int) -> str:
        """Return ``nbytes`` random bytes as lower-case hexadecimal text."""
        ...

    def integer(self, bits: int) -> int:
        """Return a whole number from 0 to ``2**bits - 1``."""
        ...

    def uniform(self) -> float:
        """Return a number that is at least 0 and less than 1."""
        ...

    def child(self, label: str) -> Entropy:
        """Return an independent source; the same label of the same seed always gives the same values."""
        ...


class SeededEntropy:
    """HMAC-SHA-256 in counter mode over a seed.

    With an unpredictable seed of 32 bytes the values are unpredictable as well, so the same class serves
    live traffic and tests. Children are derived from the seed and the label alone: what one machine draws
    does not change what another gets.
    """

    __slots__ = ("_buffer", "_counter", "_offset", "_seed")

    def __init__(self, seed: bytes) -> None:
        self._seed = hashlib.sha256(b"pyc3p entropy" + seed).digest()
        self._counter = 0
        self._buffer = b""
        self._offset = 0

    def __repr__(self) -> str:
        return "SeededEntropy(...)"

    def token(self, nbytes: int) -> str:
        """Return ``nbytes`` random bytes as lower-case hexadecimal text."""
        return self._take(nbytes).hex()

    def integer(self, bits: int) -> int:
        """Return a whole number from 0 to ``2**bits - 1``."""
        nbytes = (bits + 7) // 8
        return int.from_bytes(self._take(nbytes), "big") >> (nbytes * 8 - bits)

    def uniform(self) -> float:
        """Return a number that is at least 0 and less than 1, with 53 bits of chance."""
        end = self._offset + 7  # as `_take` does, which a simulated network would call thousands of times a second
        if end > len(self._buffer):
            self._refill(7)
            end = 7
        taken, self._offset = self._buffer[self._offset : end], end
        return (int.from_bytes(taken, "big") >> 3) / (1 << 53)

    def child(self, label: str) -> SeededEntropy:
        """Return an independent source for ``label``."""
        return SeededEntropy(hmac.digest(self._seed, b"child:" + label.encode(), "sha256"))

    def _take(self, nbytes: int) -> bytes:
        end = self._offset + nbytes
        if end > len(self._buffer):
            self._refill(nbytes)
            end = nbytes
        taken = self._buffer[self._offset : end]
        self._offset = end
        return taken

    def _refill(self, nbytes: int) -> None:
        # Many small draws share one block; a draw never straddles two refills, so sizes alone decide the values.
        blocks = []
        for _ in range(max(4, -(-nbytes // _BLOCK))):
            blocks.append(hmac.digest(self._seed, b"block:%d" % self._counter, "sha256"))
            self._counter += 1
        self._buffer = b"".join(blocks)
        self._offset = 0
