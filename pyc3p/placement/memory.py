"""Leases and claims in memory, shared by the nodes of one process: for tests, and for what needs no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from mcu import is_factory_place
from pyc3p.placement.belonging import Belonging
from pyc3p.placement.store import Claimed, Granted, LeaseLost, Node, Nodes, Refused, Whole
from sip import Piece


@attrs.define
class _Lease:
    node: Node
    until: float  #: seconds of the clock of the store


class MemoryPlacement:
    """What a server would do, one call after the other; ``clock`` is its own, in seconds."""

    def __init__(self, clock: Callable[[], float], *, run: str = "1") -> None:
        self.run = run  #: of the store; another one says that it was started anew
        self.claims: dict[str, tuple[str, int]] = {}  #: node and epoch by key
        self.written: dict[str, dict[str, Piece]] = {}  #: what is written of conferences, by key
        self.own: dict[str, dict[str, Piece]] = {}  #: what belongs to a node and to no conference, by its name
        self.places: dict[str, Piece] = {}  #: which MCU has which conference (`mcu.is_factory_place`)
        self._clock = clock
        self._belonging: dict[str, Belonging] = {}  #: as each node would know it, by its name
        self._leases: dict[str, _Lease] = {}
        self._known: set[str] = set()

    def renew_now(self, node: Node, *, lifetime: float) -> Nodes:
        """`PlacementStore.renew`; raises LeaseLost."""
        lease = self._lease(node.name)
        if lease is not None and lease.node.incarnation != node.incarnation:
            raise LeaseLost(f"{node.name} is there already")
        self._leases[node.name] = _Lease(node, self._clock() + lifetime)
        self._known.add(node.name)
        alive = {name: lease.node.address for name in self._known if (lease := self._lease(name)) is not None}
        gone = tuple(sorted(self._known - set(alive)))
        claims = sum(owner == node.name for owner, _ in self.claims.values())
        return Nodes(run=self.run, alive=alive, gone=gone, claims=claims)

    def leave_now(self, node: Node) -> None:
        """`PlacementStore.leave`."""
        if self._has_lease(node):
            del self._leases[node.name]

    def claim_now(self, key: str, node: Node, *, held: int, above: int) -> Granted | Refused:
        """`PlacementStore.claim`; raises LeaseLost."""
        if not self._has_lease(node):
            raise LeaseLost(node.name)
        owner, epoch = self.claims.get(key, ("", 0))
        if owner not in ("", node.name) and self._lease(owner) is not None and epoch >= held:
            return Refused(node=owner)
        granted = held if epoch < held > above else max(epoch, above, held) + 1
        self.claims[key] = (node.name, granted)
        pieces = () if held else tuple(self.written.get(key, {}).values())
        for piece in pieces:
            self._belonging_for(node).conference_of(piece)
        return Granted(epoch=granted, pieces=pieces)

    def owner_now(self, key: str) -> Claimed | None:
        """`PlacementStore.owner`."""
        owner, _ = self.claims.get(key, ("", 0))
        return Claimed(node=owner, alive=self._lease(owner) is not None) if owner else None

    def claims_of_now(self, name: str) -> list[str]:
        """`PlacementStore.claims_of`."""
        found = [key for key, (owner, _) in self.claims.items() if owner == name]
        if not found and self._lease(name) is None:
            self._known.discard(name)
        return found

    def release_now(self, key: str, node: Node, *, epoch: int) -> None:
        """`PlacementStore.release`."""
        if self.claims.get(key) == (node.name, epoch):
            del self.claims[key]
            self.written.pop(key, None)
            self._belonging_for(node).forget(key)

    def rewrite_now(self, key: str, node: Node, pieces: Whole) -> None:
        """`PlacementStore.rewrite`."""
        given = pieces()
        if given is not None and self.claims.get(key, ("", 0))[0] == node.name:
            self.written[key] = {piece.key: piece for piece in given}

    def write_now(self, node: Node, pieces: Sequence[Piece]) -> None:
        """Write what changed of the conferences that ``node`` has, as `StateStore.write`; the rest is left out.

        Which MCU has a conference may be written by each.
        """
        belonging = self._belonging_for(node)
        for piece in pieces:
            if is_factory_place(piece):
                _put(self.places, piece)
                continue
            key = belonging.conference_of(piece)
            if key is None:
                _put(self.own.setdefault(node.name, {}), piece)
                continue
            if self.claims.get(key, ("", 0))[0] == node.name:
                _put(self.written.setdefault(key, {}), piece)
        belonging.removed(pieces)

    def _belonging_for(self, node: Node) -> Belonging:
        return self._belonging.setdefault(node.name, Belonging())

    def own_of(self, name: str) -> list[Piece]:
        """What a node has written that belongs to no conference."""
        return list(self.own.get(name, {}).values())

    def forget_everything(self, *, run: str) -> None:
        """Be started anew, empty."""
        self.run = run
        self.claims.clear()
        self.written.clear()
        self.own.clear()
        self.places.clear()
        self._leases.clear()
        self._known.clear()

    def _lease(self, name: str) -> _Lease | None:
        lease = self._leases.get(name)
        return lease if lease is not None and lease.until > self._clock() else None

    def _has_lease(self, node: Node) -> bool:
        lease = self._lease(node.name)
        return lease is not None and lease.node.incarnation == node.incarnation

    # As a store that takes time --------------------------------------------------------------------------------------

    async def renew(self, node: Node, *, lifetime: float) -> Nodes:
        """`PlacementStore.renew`."""
        return self.renew_now(node, lifetime=lifetime)

    async def leave(self, node: Node) -> None:
        """`PlacementStore.leave`."""
        self.leave_now(node)

    async def claim(self, key: str, node: Node, *, held: int, above: int) -> Granted | Refused:
        """`PlacementStore.claim`."""
        return self.claim_now(key, node, held=held, above=above)

    async def owner(self, key: str) -> Claimed | None:
        """`PlacementStore.owner`."""
        return self.owner_now(key)

    async def claims_of(self, name: str) -> list[str]:
        """`PlacementStore.claims_of`."""
        return self.claims_of_now(name)

    async def release(self, key: str, node: Node, *, epoch: int) -> None:
        """`PlacementStore.release`."""
        self.release_now(key, node, epoch=epoch)

    async def rewrite(self, key: str, node: Node, pieces: Whole) -> None:
        """`PlacementStore.rewrite`."""
        self.rewrite_now(key, node, pieces)


def _put(kept: dict[str, Piece], piece: Piece) -> None:
    if piece.value is None:
        kept.pop(piece.key, None)
    else:
        kept[piece.key] = piece
