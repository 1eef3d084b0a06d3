"""A whole farm on a simulated network: what most tests begin with."""

from __future__ import annotations

import sip
from pyc3p.elements.farm import Farm, FarmPlan, build_farm
from pyc3p.elements.parts import Place
from pyc3p.simnet.conditions import Conditions
from pyc3p.simnet.host import SimHost
from pyc3p.simnet.network import SimNetwork
from sip import Destination


class SimFarm:
    """Every element of a plan on one network. Hosts are found by the names of the elements."""

    def __init__(self, plan: FarmPlan, *, seed: int = 1, conditions: Conditions | None = None) -> None:
        self.network = SimNetwork(seed, conditions)
        self.farm: Farm = build_farm(plan, _places(plan), sip.SeededEntropy(f"farm {seed}".encode()))
        for name in plan.names:
            self.network.trace.names.add(name)
        places = self.farm.places
        transports = {person.transport.upper() for person in plan.people}
        self.network.add_name(
            plan.domain,
            *(Destination(transport, places["focus"].host, 5060) for transport in sorted(transports)),
        )
        self._route_factory(plan)
        self.hosts: dict[str, SimHost] = {
            name: self.network.add(element, places[name].host) for name, element in self.farm.elements.items()
        }

    def _route_factory(self, plan: FarmPlan) -> None:
        """The Focus Factory shares the domain with the Focus; its port tells them apart."""
        factory = self.farm.places["focus-factory"]
        self.network.add_port(plan.domain, factory.sip_port, factory.host)

    def kick(self, *names: str) -> None:
        """Carry what commands to these elements caused; without names to all."""
        for name in names or tuple(self.hosts):
            self.hosts[name].kick()


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
