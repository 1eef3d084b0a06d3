"""What a store of state is, wherever it keeps it: in memory, in a file, in a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from sip import Piece

#: A Call-ID, a tag or a user's name may have octets that are no UTF-8; a key has surrogates for them.
KEY_ERRORS: Final = "surrogatepass"


class StoreUnavailable(Exception):
    """A store did not take, or did not give, what it was asked for: one line for an operator says why.

    What was asked may be asked again: a store that is away comes back.
    """


class StoreInUse(StoreUnavailable):
    """A store is somebody else's: a server that runs, another program, a later version. Nobody may write there."""


class StateStore(Protocol):
    """Keeps pieces of state under their keys; the last one written under a key counts.

    Calls of one caller are carried out in the order in which they were begun.
    """

    async def load(self, prefix: str = "") -> list[Piece]:
        """Return the pieces whose key is ``prefix`` or goes on after it with another part; all for an empty one.

        ``prefix`` is made by `sip.piece_key`, so that ``conference/a`` does not find ``conference/ab``. No piece has
        a value of None. In no order. Raises StoreUnavailable.
        """
        ...

    async def write(self, pieces: Sequence[Piece]) -> None:
        """Write pieces, all of them or none; those with a value of None are removed. Returns when they are safe.

        Raises StoreUnavailable; what of them is then written is not known, and the same may be written again.
        """
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of everything. May be called again; raises nothing."""
        ...


def key_octets(key: str) -> bytes:
    """A key as a store writes it."""
    return key.encode("utf-8", KEY_ERRORS)


def read_key(octets: bytes) -> str:
    """A key as a store has it. Raises UnicodeDecodeError for what `key_octets` does not make."""
    return octets.decode("utf-8", KEY_ERRORS)


def is_under(key: str, prefix: str) -> bool:
    """Whether `StateStore.load` finds a key with a prefix."""
    return not prefix or key == prefix or key.startswith(prefix + "/")
