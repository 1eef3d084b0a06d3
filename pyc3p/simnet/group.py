"""Several nodes and the store that they share, which is somewhere on the network: it may be away, cut off, or forget.

The store itself is `MemoryPlacement`. What a node wants of it takes time each way, and an answer that does not come may
be one to what was done all the same, as with a Redis.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from mcu import McuFactory, is_factory_place
from pyc3p.elements.parts import SipCores
from pyc3p.placement.events import Claim, FindOwner, Leave, ListClaims, Operation, Release, Renew, Rewrite
from pyc3p.placement.memory import MemoryPlacement
from pyc3p.placement.store import LeaseLost
from pyc3p.simnet.disk import Disk, Writer
from sip import Event, Piece, StateChange

if TYPE_CHECKING:
    from pyc3p.simnet.host import SimHost
    from pyc3p.simnet.network import SimNetwork

#: What the store is called where links are cut.
STORE: Final = "store"
#: Seconds to the store, and back.
WAY: Final = 0.002
#: Seconds after which what could not be written is written again (`pyc3p.state.writer`).
RETRY: Final = 1.0


class SimGroup:
    """The store, and the ways of all nodes to it."""

    def __init__(self, network: SimNetwork) -> None:
        self.network = network
        self.store = MemoryPlacement(lambda: network.now)
        self.away = False  #: whether it answers nobody
        self.ways: dict[str, Way] = {}  #: of the nodes that run, by name
        self._starts = 1

    def forget(self) -> None:
        """The store is started anew, and is empty."""
        self._starts += 1
        self.store.forget_everything(run=str(self._starts))
        for way in self.ways.values():
            way.missed = True

    def passes(self, sender: str, receiver: str) -> bool:
        """Whether something gets from one to the other; one of them is the store."""
        return not self.away and not self.network.links.is_cut(sender, receiver)

    def join(self, name: str, cores: SipCores, factory: McuFactory) -> Way:
        """The way of a node that is about to start."""
        way = self.ways[name] = Way(self, name, cores, factory)
        return way

    def tell_places(self, teller: Way, pieces: list[Piece]) -> None:
        """The other MCU Factories hear which MCU has which conference, as far as they are reached."""
        for way in self.ways.values():
            if way is not teller:
                self.network.clock.after(WAY, partial(way.hear, pieces))


class Way(Disk):
    """One node and the store, as long as the node lives."""

    def __init__(self, group: SimGroup, name: str, cores: SipCores, factory: McuFactory) -> None:
        assert cores.placed is not None
        self.missed = False  #: whether something was told that it did not hear
        self._group, self._name, self._placed, self._factory = group, name, cores.placed, factory
        self._member = cores.placed.member
        self._host: SimHost | None = None
        self._unwritten: dict[str, Piece] = {}
        self._failing = False

    @property
    def pieces(self) -> list[Piece]:
        """What a node is given that starts: what is its own, and which MCU has which conference."""
        if not self._reaches():
            return []
        return [*self._group.store.own_of(self._name), *self._group.store.places.values()]

    def wipe(self) -> None:
        """What is its own is gone."""
        self._group.store.own.pop(self._name, None)

    def attach(self, host: SimHost) -> None:
        """It is the node of this host."""
        self._host = host
        host.on_worked = self.work
        host.inside = self._saw
        host.kick()

    def _saw(self, event: Event) -> None:
        self._placed.handle_event(event, now=self._group.network.now)

    def _after(self, act: Callable[[], None], seconds: float = WAY) -> None:
        def do() -> None:
            if self._host is not None and not self._host.off:
                act()

        self._group.network.clock.after(seconds, do)

    def _reaches(self) -> bool:
        return self._group.passes(self._name, STORE)

    def _is_reached(self) -> bool:
        return self._group.passes(STORE, self._name)

    # Operations ------------------------------------------------------------------------------------------------------

    def work(self) -> None:
        """Begin what the member wants."""
        for number, operation in self._member.operations(now=self._group.network.now):
            self._after(partial(self._arrive, number, operation))

    def _arrive(self, number: int, operation: Operation) -> None:
        """At the store. Whoever asked may be dead by now, which the store does not know."""
        if not self._reaches():
            return
        lost, answer = False, None
        try:
            answer = self._carried_out(operation)
        except LeaseLost:
            lost = True
        self._after(partial(self._answer, number, operation, answer, lost))

    def _answer(self, number: int, operation: Operation, answer: object, lost: bool) -> None:
        assert self._host is not None
        if not self._is_reached():
            return
        now = self._group.network.now
        if lost:
            self._placed.failed(number, lost=True, now=now)
        else:
            self._placed.done(number, answer, now=now)
        if isinstance(operation, Renew) and self.missed:
            self.missed = False
            self._factory.learn(list(self._group.store.places.values()), whole=True)
        self._host.kick()

    def _carried_out(self, operation: Operation) -> object:
        store = self._group.store
        match operation:
            case Renew():
                return store.renew_now(operation.node, lifetime=operation.lifetime)
            case Leave():
                store.leave_now(operation.node)
            case Claim():
                return store.claim_now(operation.key, operation.node, held=operation.held, above=operation.above)
            case FindOwner():
                return store.owner_now(operation.key)
            case ListClaims():
                return store.claims_of_now(operation.name)
            case Rewrite():
                store.rewrite_now(operation.key, operation.node, operation.pieces)
            case Release():
                store.release_now(operation.key, operation.node, epoch=operation.epoch)
        return None

    # State -----------------------------------------------------------------------------------------------------------

    def write(self, change: StateChange, host: Writer) -> None:
        """Write what changed; while the store takes nothing, nobody waits for it."""
        self._unwritten.update((piece.key, piece) for piece in change.pieces)
        if self._failing:
            self._after(partial(host.persisted, change), 0.0)
        else:
            self._after(partial(self._write, change, host))

    def _write(self, change: StateChange | None, host: Writer) -> None:
        if not self._reaches():
            if change is not None:
                self._after(partial(host.persisted, change), RETRY)
            if change is None or not self._failing:
                self._failing = True
                self._after(partial(self._write, None, host), RETRY)
            return
        self._failing = False
        waiting, self._unwritten = self._unwritten, {}
        self._group.store.write_now(self._member.node, tuple(waiting.values()))
        places = [piece for piece in waiting.values() if is_factory_place(piece)]
        if places:
            self._group.tell_places(self, places)
        if change is not None:
            host.persisted(change)

    def hear(self, pieces: list[Piece]) -> None:
        """Another MCU Factory has given a conference to an MCU."""
        if self._host is None or self._host.off:
            return
        if not self._is_reached():
            self.missed = True
            return
        self._factory.learn(pieces)
        self._host.kick()
