"""What a store does for the nodes that share it: leases, claims, and the state of the conferences claimed.

Each operation is one step for everybody: of two nodes that claim the same conference one gets it. A claim has an epoch,
which is higher than that of every claim to the conference before it, as far as the store remembers; what it has
forgotten is known to MCUs (`focus.questions.placement`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import attrs

from sip import Piece

#: Octets that name one life of a process: two of them never have the same.
INCARNATION_OCTETS: Final = 8


#: Gives all that there is to write of a conference, as it is at that moment; None when it is not here any more.
Whole = Callable[[], Sequence[Piece] | None]


@attrs.frozen(kw_only=True)
class Node:
    """A process with a Focus, as others know it."""

    name: str  #: its principal
    incarnation: str  #: of this life of the process, so that one that was started again is not taken for the last one
    address: str  #: SIP URI at which it takes what is forwarded to it


@attrs.frozen(kw_only=True)
class Nodes:
    """Who is there, and who was."""

    run: str  #: of the store: another one means that it was started anew, and may have lost what was written last
    alive: Mapping[str, str]  #: addresses by name, of those with a lease
    gone: Sequence[str]  #: names of those without, whose conferences nobody may have
    claims: int = 0  #: how many conferences are claimed in the name of the node that asks


@attrs.frozen(kw_only=True)
class Granted:
    """The conference is ours."""

    epoch: int
    pieces: Sequence[Piece] = attrs.field(default=(), repr=False)  #: what its last owner wrote, where it was another


@attrs.frozen(kw_only=True)
class Refused:
    """Another node, which is there, has it."""

    node: str


@attrs.frozen(kw_only=True)
class Claimed:
    """Whose claim there is to a conference."""

    node: str
    alive: bool  #: whether that node has a lease; of one that has none the claim is for anybody


class LeaseLost(Exception):
    """The node has no lease: it lapsed, or another process has its name."""


class PlacementStore(Protocol):
    """Leases and claims. Each call raises `StoreUnavailable` when the store is away: perhaps it was done."""

    async def renew(self, node: Node, *, lifetime: float) -> Nodes:
        """Have, or keep, the lease of a node for ``lifetime`` seconds.

        Raises LeaseLost while another incarnation has it.
        """
        ...

    async def leave(self, node: Node) -> None:
        """Give the lease back: what the node has claimed is for the others."""
        ...

    async def claim(self, key: str, node: Node, *, held: int, above: int) -> Granted | Refused:
        """Make a conference that of ``node``, with an epoch above ``above`` and above every one before.

        ``held`` is the epoch with which the node believes to have it already, 0 when it does not. A store that knows of
        none as high as that has forgotten it: the claim holds again as it was, with that epoch, unless ``above`` wants
        a higher one. So of two that believe in a claim the later one wins, whoever comes first. Refused when the claim
        of another node that has a lease is not below ``held``. Raises LeaseLost.
        """
        ...

    async def owner(self, key: str) -> Claimed | None:
        """Whose claim there is to a conference; None when there is none."""
        ...

    async def claims_of(self, name: str) -> Sequence[str]:
        """The keys of what a node has claimed, whether it is there or not. One that is gone and has none is dropped."""
        ...

    async def release(self, key: str, node: Node, *, epoch: int) -> None:
        """A conference has ended: the claim and its state are dropped, unless the claim is another one by now."""
        ...

    async def rewrite(self, key: str, node: Node, pieces: Whole) -> None:
        """What is written of a conference is this and nothing else, if ``node`` has it.

        ``pieces`` is called when nothing else is being written, so that what is newer does not cross it. Where it
        gives None, nothing is written.
        """
        ...
