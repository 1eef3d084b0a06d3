"""A whole farm on a simulated network: what most tests begin with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import attrs

import sip
from pyc3p.elements.farm import Builder, Farm, FarmPlan, build_element, build_farm
from pyc3p.elements.farm_edge import EDGE
from pyc3p.elements.parts import Place
from pyc3p.simnet.conditions import Conditions
from pyc3p.simnet.disk import Disk, SimDisk
from pyc3p.simnet.group import SimGroup
from pyc3p.simnet.host import SimHost
from pyc3p.simnet.network import SimNetwork
from sip import Destination

#: Entropy of an element that is built for the first time has no number in its label, later ones have.
_AGAIN: Final = "{name} start {number}"
#: Seconds until the proxy in front of several nodes sees by its probes that one is gone.
NOTICED: Final = 1.0


class SimFarm:
    """Every element of a plan on one network. Hosts are found by the names of the elements.

    ``replace`` makes some of them by functions of yours in place of ours: ``{"focus": my_focus}``.
    """

    def __init__(
        self,
        plan: FarmPlan,
        *,
        seed: int = 1,
        conditions: Conditions | None = None,
        replace: Mapping[str, Builder] | None = None,
    ) -> None:
        self.network = SimNetwork(seed, conditions)
        self._entropy = sip.SeededEntropy(f"farm {seed}".encode())
        self._starts: Counter[str] = Counter()
        self.farm: Farm = build_farm(plan, _places(plan), self._entropy, replace, clock=lambda: self.network.now)
        self.group = SimGroup(self.network) if plan.foci else None  #: several nodes, and the store that they share
        self.disks: dict[str, Disk] = {}  #: what elements that are durable have written, by name
        for name in plan.names:
            self.network.trace.names.add(name)
        places = self.farm.places
        transports = {person.transport.upper() for person in plan.people}
        entry = places[EDGE if plan.foci else "focus"].host
        self.network.add_name(plan.domain, *(Destination(transport, entry, 5060) for transport in sorted(transports)))
        if not plan.foci:
            self._route_factory(plan)
        self.hosts: dict[str, SimHost] = {name: self._run(name) for name in self.farm.elements}

    def _route_factory(self, plan: FarmPlan) -> None:
        """The Focus Factory shares the domain with the Focus; its port tells them apart."""
        factory = self.farm.places["focus-factory"]
        self.network.add_port(plan.domain, factory.sip_port, factory.host)

    def _run(self, name: str) -> SimHost:
        if self.group is not None and name in self.farm.plan.foci:
            way = self.group.join(name, self.farm.cores[name], self.farm.mcu_factories[name])
            self.disks[name] = way
            host = self.network.add(self.farm.elements[name], self.farm.places[name].host, disk=way)
            way.attach(host)
            return host
        disk = self.disks.setdefault(name, SimDisk(self.network, name))
        return self.network.add(self.farm.elements[name], self.farm.places[name].host, disk=disk)

    def kick(self, *names: str) -> None:
        """Carry what commands to these elements caused; without names to all."""
        for name in names or tuple(self.hosts):
            self.hosts[name].kick()

    # Ends and beginnings ---------------------------------------------------------------------------------------------

    def stop(self, name: str, *, without_a_word: bool = False) -> None:
        """End an element as ``kill -9`` does, or, without a word, as a machine that loses its power."""
        self.network.remove(self.hosts[name], without_a_word=without_a_word)
        if (edge := self.farm.edge) is not None and name in edge.up:
            # Its probes show it.
            self.network.clock.after(NOTICED, lambda: self._is_down(name))

    def _is_down(self, name: str) -> None:
        if self.hosts[name].off and self.farm.edge is not None:
            self.farm.edge.up.pop(name, None)

    def start(self, name: str, *, with_state: bool = True) -> SimHost:
        """Begin an element anew at its address: with what its machines had written, or as if there were nothing."""
        self._starts[name] += 1
        number = self._starts[name]
        element = build_element(self.farm, name, self._entropy.child(_AGAIN.format(name=name, number=number)))
        if not with_state:
            self.disks[name].wipe()
        host = self.hosts[name] = self._run(name)
        if pieces := self.disks[name].pieces:
            host.run(element.restore(pieces, now=self.network.now))
        if self.farm.edge is not None and name in self.farm.plan.foci:
            self.farm.edge.up[name] = None
        return host

    def restart(self, name: str, *, with_state: bool = True, without_a_word: bool = False) -> SimHost:
        """Stop an element and start it at once."""
        self.stop(name, without_a_word=without_a_word)
        return self.start(name, with_state=with_state)

    def step_clock(self, name: str, seconds: float) -> None:
        """Let somebody set the wall clock of an element's machine: who starts there afterwards sees another time.

        A machine that runs counts monotonic seconds from its start, and notices nothing.
        """
        place = self.farm.places[name]
        self.farm.places[name] = attrs.evolve(place, wall_clock=place.wall_clock + seconds)


def _places(plan: FarmPlan) -> dict[str, Place]:
    """One address each; the Focus Factory has a SIP port of its own."""
    return {
        name: Place(
            name=name,
            host=f"192.0.2.{number}",
            trusted=("192.0.2.0/25",),
            sip_port=5062 if name == "focus-factory" else 5060,
            http_port=8444,
        )
        for number, name in enumerate(plan.names, start=1)
    }
