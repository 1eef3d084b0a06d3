"""What a member of a group of nodes wants done, and what it reports."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from pyc3p.placement.store import Node, Whole
from sip import Event, Piece

# Operations of the store, each answered by ``Member.done`` or ``Member.failed`` -------------------------------------


@attrs.frozen
class Renew:
    """`PlacementStore.renew`."""

    node: Node
    lifetime: float


@attrs.frozen
class Leave:
    """`PlacementStore.leave`."""

    node: Node


@attrs.frozen
class Claim:
    """`PlacementStore.claim`."""

    key: str
    node: Node
    held: int
    above: int


@attrs.frozen
class FindOwner:
    """`PlacementStore.owner`."""

    key: str


@attrs.frozen
class ListClaims:
    """`PlacementStore.claims_of`."""

    name: str


@attrs.frozen
class Release:
    """`PlacementStore.release`."""

    key: str
    node: Node
    epoch: int


@attrs.frozen
class Rewrite:
    """`PlacementStore.rewrite`."""

    key: str
    node: Node
    pieces: Whole = attrs.field(repr=False)


Operation = Renew | Leave | Claim | FindOwner | ListClaims | Release | Rewrite


# Events ---------------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class LeaseHeld(Event):
    """This node is one of those that may claim: at the start, and after it was not."""

    nodes: tuple[str, ...]  #: that are there


@attrs.frozen(kw_only=True)
class LeaseLapsed(Event):
    """The lease could not be renewed in time. What runs goes on, nothing new is begun."""


@attrs.frozen(kw_only=True)
class ClaimMade(Event):
    """An answer to ``Member.claim``: the conference is ours."""

    want: int
    key: str
    epoch: int
    pieces: Sequence[Piece] = attrs.field(repr=False)  #: of its last owner, which is gone


@attrs.frozen(kw_only=True)
class ClaimRefused(Event):
    """An answer to ``Member.claim``: the conference is that of another node."""

    want: int
    node: str


@attrs.frozen(kw_only=True)
class ClaimFailed(Event):
    """An answer to ``Member.claim`` or ``Member.find_owner``: nobody can say."""

    want: int


@attrs.frozen(kw_only=True)
class OwnerFound(Event):
    """An answer to ``Member.find_owner``."""

    want: int
    node: str | None  #: None: there is no claim
    alive: bool = False  #: whether that node is there


@attrs.frozen(kw_only=True)
class ClaimRenewed(Event):
    """A claim of ours was made again, because the store may have lost it, or given it away.

    The state that goes with it may be lost as well: all of it is to be written again (``Member.rewrite``).
    """

    key: str
    epoch: int


@attrs.frozen(kw_only=True)
class ClaimLost(Event):
    """Another node has a conference that was ours. It is to be forgotten, and who follows it here is to look for it."""

    key: str
    node: str


@attrs.frozen(kw_only=True)
class TakenOver(Event):
    """A conference of a node that is gone is ours now, and goes on from what that one wrote."""

    key: str
    epoch: int
    pieces: Sequence[Piece] = attrs.field(repr=False)
