"""What goes wrong in a simulation: each trouble begins, and ends by itself after a while."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from pyc3p.elements.farm_edge import EDGE
from pyc3p.simnet import Conditions, HttpFault
from pyc3p.simnet.group import STORE, SimGroup
from pyc3p.simulate.world import World

T = TypeVar("T")

#: Seconds for which something goes wrong, at least and at most, and how often in ten: shorter than what anybody waits
#: for, shorter than a document or a connection waits, and longer than an MCU does without its Focus.
_SPANS: Final = {(0.1, 5.0): 5, (5.0, 40.0): 4, (40.0, 100.0): 1}

_BAD: Final = Conditions(loss=0.3, latency=0.08, jitter=0.2, duplication=0.1, reordering=0.2, media_loss=0.1)


class Trouble(enum.Enum):
    """One thing that goes wrong."""

    RESET = "the connections of somebody break"
    HALF_OPEN = "somebody's end of its connections is gone, and nobody is told"
    CUT = "nothing passes between two"
    CUT_ONE_WAY = "nothing passes from one to another"
    ALONE = "nothing passes to and from somebody"
    SLOW_READER = "somebody reads slowly, or not at all"
    BAD_LINK = "a link loses, doubles and delays"
    HTTP_REFUSED = "somebody takes no C3P"
    HTTP_SILENT = "somebody does not answer C3P, nor carry it out"
    HTTP_ANSWER_LOST = "the answers of somebody to C3P are lost"
    HTTP_GARBAGE = "somebody answers C3P with junk"
    MCU_DIES = "an MCU dies, and is away for a while"
    MCU_RESTARTS = "an MCU starts anew"
    FACTORY_RESTARTS = "the MCU Factory starts anew"
    PROXY_RESTARTS = "the proxy, with its registrar, starts anew"
    PHONE_DIES = "a phone loses its power for a while"
    CLIENT_DIES = "a client dies, and comes back"
    FOCUS_RESTARTS = "the Focus starts anew"
    FOCUS_DIES = "the Focus dies, and is away for a while"
    CLOCK_STEPS = "somebody sets a clock, and what runs there starts anew"
    STORE_AWAY = "the store that nodes share is away for a while"
    STORE_CUT = "one node does not reach that store, or is not reached"
    STORE_FORGETS = "that store starts anew, and is empty"
    NODE_DRAINS = "a node hands over what it has, and starts anew"
    WRONG_NODE = "the proxy in front of nodes gives conferences to others than before"


#: Who speaks with whom, so that cuts are where something would pass.
def _links(world: World) -> Sequence[tuple[str, str]]:
    mcus, foci = tuple(world.sim.farm.mcus), world.foci
    if world.sim.group is not None:
        return (
            *((name, EDGE) for name in world.clients),
            *((name, "proxy") for name in (*world.phones, *mcus)),
            *((one, other) for one in foci for other in (EDGE, *mcus)),
            *itertools.combinations(foci, 2),
        )
    return (
        *((name, "focus") for name in world.clients),
        *((name, "proxy") for name in world.phones),
        *(("focus", name) for name in mcus),
        *((name, "proxy") for name in mcus),
        *((name, "mcu-factory") for name in mcus),
        ("focus", "mcu-factory"),
    )


def begin(world: World, trouble: Trouble, *, keep_state: bool | None) -> None:
    """Let it go wrong; ``keep_state``: whether a Focus that starts anew has what it had written, None: chance says."""
    if trouble is Trouble.CLOCK_STEPS:
        name = world.choices.one_of(world.parts)
        world.sim.step_clock(name, world.choices.one_of((-3600.0, -5.0, 5.0, 3600.0)))
        _restart(world, name, keep_state=keep_state, away=0.0)
    elif trouble in _STORE:
        assert world.sim.group is not None  # there are several nodes where this happens
        _STORE[trouble](world, world.sim.group)
    elif trouble in _HTTP:
        _http(world, _HTTP[trouble])
    elif trouble in _DEATHS:
        names, stays_away = _DEATHS[trouble]
        away = _span(world) if stays_away else world.choices.between(0.0, 2.0)
        _restart(world, world.choices.one_of(names(world)), keep_state=keep_state, away=away)
    else:
        _NETWORK[trouble](world)


def end_all(world: World) -> None:
    """Let nothing be wrong any more: everything runs, and everything passes."""
    network = world.network
    network.links.mend_all()
    if world.sim.group is not None:
        world.sim.group.away = False
    network.links.condition_all(Conditions())
    network.streams.reading.clear()
    network.web.faults.clear()
    for name in world.sim.hosts:
        if not world.is_on(name):
            world.start(name, with_state=True)


def _drop(table: dict[str, T], name: str) -> None:
    table.pop(name, None)


def _for_a_while(world: World, end: Callable[[], None]) -> None:
    world.network.clock.after(_span(world), end)


def _span(world: World) -> float:
    least, most = world.choices.weighted(_SPANS)
    return world.choices.between(least, most)


# The network ---------------------------------------------------------------------------------------------------------


def _anybody(world: World) -> str:
    return world.choices.one_of(tuple(world.sim.hosts))


def _reset(world: World) -> None:
    world.network.break_connections(_anybody(world))


def _half_open(world: World) -> None:
    name = _anybody(world)
    for flow in world.network.streams.ends_of(name):
        world.network.streams.lose_end(flow)
        world.sim.hosts[name].flow_closed(flow)


def _cut(world: World, both: bool) -> None:
    one, other = world.choices.one_of(_links(world))
    if world.choices.happens(0.5):
        one, other = other, one
    world.network.links.cut(one, other, both=both)
    _for_a_while(world, lambda: world.network.links.mend(one, other, both=both))


def _alone(world: World) -> None:
    name = _anybody(world)
    world.network.unreachable.add(name)
    _for_a_while(world, lambda: world.network.unreachable.discard(name))


def _slow_reader(world: World) -> None:
    name = _anybody(world)
    reading = world.network.streams.reading
    reading[name] = 0.0 if world.choices.happens(0.3) else world.choices.between(300.0, 5_000.0)
    _for_a_while(world, lambda: _drop(reading, name))


def _bad_link(world: World) -> None:
    one, other = world.choices.one_of(_links(world))
    links = world.network.links
    links.condition(one, other, _BAD)
    _for_a_while(world, lambda: links.condition(one, other, links.conditions))


_NETWORK: Final[Mapping[Trouble, Callable[[World], None]]] = {
    Trouble.RESET: _reset,
    Trouble.HALF_OPEN: _half_open,
    Trouble.CUT: lambda world: _cut(world, True),
    Trouble.CUT_ONE_WAY: lambda world: _cut(world, False),
    Trouble.ALONE: _alone,
    Trouble.SLOW_READER: _slow_reader,
    Trouble.BAD_LINK: _bad_link,
}


# C3P over HTTP -------------------------------------------------------------------------------------------------------

_HTTP: Final = {
    Trouble.HTTP_REFUSED: HttpFault.REFUSED,
    Trouble.HTTP_SILENT: HttpFault.SILENT,
    Trouble.HTTP_ANSWER_LOST: HttpFault.ANSWER_LOST,
    Trouble.HTTP_GARBAGE: HttpFault.GARBAGE,
}


def _http(world: World, fault: HttpFault) -> None:
    factory = () if world.sim.group is not None else ("mcu-factory",)
    name = world.choices.one_of((*world.foci, *factory, *world.sim.farm.mcus, *world.sim.farm.mcus))
    faults = world.network.web.faults
    faults[name] = fault
    _for_a_while(world, lambda: _drop(faults, name))


# Deaths --------------------------------------------------------------------------------------------------------------

#: Who dies, and whether it stays away.
_DEATHS: Final[Mapping[Trouble, tuple[Callable[[World], Sequence[str]], bool]]] = {
    Trouble.MCU_DIES: (lambda world: tuple(world.sim.farm.mcus), True),
    Trouble.MCU_RESTARTS: (lambda world: tuple(world.sim.farm.mcus), False),
    Trouble.FACTORY_RESTARTS: (lambda world: ("mcu-factory",), False),
    Trouble.PROXY_RESTARTS: (lambda world: ("proxy",), False),
    Trouble.PHONE_DIES: (lambda world: world.phones, True),
    Trouble.CLIENT_DIES: (lambda world: world.clients, True),
    Trouble.FOCUS_RESTARTS: (lambda world: world.foci, False),
    Trouble.FOCUS_DIES: (lambda world: world.foci, True),
}


def _restart(world: World, name: str, *, keep_state: bool | None, away: float) -> None:
    if not world.is_on(name):
        return
    with_state = world.choices.happens(0.7) if keep_state is None else keep_state
    world.stop(name, without_a_word=world.choices.happens(0.4))
    host = world.sim.hosts[name]

    def start() -> None:
        if world.sim.hosts[name] is host:
            world.start(name, with_state=with_state)

    world.network.clock.after(away, start)


# Several nodes -------------------------------------------------------------------------------------------------------

#: Seconds for which a node that has handed everything over sends on what still comes to it (`NodesSettings.linger`).
_LINGER: Final = 5.0


def _store_away(world: World, group: SimGroup) -> None:
    group.away = True

    def back() -> None:
        group.away = False

    _for_a_while(world, back)


def _store_cut(world: World, group: SimGroup) -> None:
    name, both = world.choices.one_of(world.foci), world.choices.happens(0.6)
    ends = (name, STORE) if world.choices.happens(0.5) else (STORE, name)
    world.network.links.cut(*ends, both=both)
    _for_a_while(world, lambda: world.network.links.mend(*ends, both=both))


def _drain(world: World, group: SimGroup) -> None:
    name = world.choices.one_of(world.foci)
    placed, host = world.sim.farm.cores[name].placed, world.sim.hosts[name]
    if host.off or placed is None or placed.has_left:
        return
    placed.drain(now=world.network.now)
    world.sim.kick(name)

    def look() -> None:
        if host.off:
            return
        if not placed.has_left:
            world.network.clock.after(1.0, look)
        else:
            world.network.clock.after(_LINGER, stop)

    def stop() -> None:
        _restart(world, name, keep_state=True, away=0.5)

    look()


def _wrong_node(world: World, group: SimGroup) -> None:
    edge = world.sim.farm.edge
    assert edge is not None
    edge.salt = str(world.choices.index(1000))


_STORE: Final[Mapping[Trouble, Callable[[World, SimGroup], None]]] = {
    Trouble.STORE_AWAY: _store_away,
    Trouble.STORE_CUT: _store_cut,
    Trouble.STORE_FORGETS: lambda world, group: group.forget(),
    Trouble.NODE_DRAINS: _drain,
    Trouble.WRONG_NODE: _wrong_node,
}
