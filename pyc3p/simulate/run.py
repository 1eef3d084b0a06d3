"""One simulation from one seed: people, phones and troubles for some minutes, then quiet, then everybody goes."""

from __future__ import annotations

import hashlib
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import attrs

import c3p
import focus
from pyc3p.simulate import checks
from pyc3p.simulate.acts import Act, perform
from pyc3p.simulate.scenario import Scenario
from pyc3p.simulate.trouble import begin, end_all
from pyc3p.simulate.world import World
from sip.testing import faults

#: Virtual seconds in which everything comes right once nothing goes wrong any more: what was cut off is given up
#: after 100 s without a sign of life, and what waits for an answer of an MCU after 180 s.
SETTLING: Final = 330.0
#: Virtual seconds after which nothing is left once everybody has gone: longer than an MCU waits for a Focus, a Focus
#: for an MCU, a leg for sound.
LONG: Final = 500.0
#: ... and for a conference in which nobody ever was, or nobody is who has an account (FocusConfig.unattended_timeout).
_LONGEST: Final = 700.0


@attrs.frozen(kw_only=True)
class Result:
    """What came of a simulation."""

    seed: int
    scenario: str
    minutes: float
    complaints: tuple[str, ...]
    counts: Mapping[str, int]  #: of commands, troubles and what was sent
    digest: str  #: of every byte that was sent and when: the same for the same seed, wherever it runs
    story: Callable[[], str] = attrs.field(repr=False, eq=False)  #: the ladder, which is long

    @property
    def replay(self) -> str:
        """The command that shows it again."""
        return f"pyc3p simulate --scenario {self.scenario} --seed {self.seed} --minutes {self.minutes:g}"


class Simulation:
    """Runs one seed. ``on_built`` is given the world before anything happens: a test breaks something in it."""

    def __init__(
        self, scenario: Scenario, seed: int, *, minutes: float, on_built: Callable[[World], None] | None = None
    ) -> None:
        self._scenario, self._seed, self._minutes = scenario, seed, minutes
        self.world = World(scenario.plan(), seed=seed, conditions=scenario.conditions, lobby=scenario.lobby)
        self._counts: Counter[str] = Counter()
        if on_built is not None:
            on_built(self.world)

    def run(self) -> Result:
        """Let it happen, and look at it."""
        world = self.world
        for name in world.phones:
            world.register(name)
        world.network.run_for(5.0)
        before = self._sizes()
        complaints: list[str] = []
        try:
            self._happen()
            self._settle()
            complaints += self._rosters()
            lost = self._lost_flows()
            self._finish()
            complaints += self._last_checks(before, lost)
        except Exception:  # what breaks the simulation itself is a failure with a seed as well
            complaints.append(f"the simulation broke:\n{traceback.format_exc(limit=-6)}"[:4000])
        return Result(
            seed=self._seed,
            scenario=self._scenario.name,
            minutes=self._minutes,
            complaints=tuple(dict.fromkeys(complaints)),
            counts=dict(sorted(self._counts.items())),
            digest=self._digest(),
            story=world.network.story,
        )

    # Phases ----------------------------------------------------------------------------------------------------------

    def _happen(self) -> None:
        world, scenario = self.world, self._scenario
        end = world.network.now + 60.0 * self._minutes
        while world.network.now < end:
            if world.choices.happens(scenario.trouble_share):
                trouble = world.choices.weighted(scenario.trouble)
                self._counts[f"trouble: {trouble.value}"] += 1
                begin(world, trouble, keep_state=scenario.restarts_keep_state)
            else:
                act: Act = world.choices.weighted(scenario.acts)
                self._counts[f"act: {act.value}"] += 1
                perform(world, act)
            world.network.run_for(world.choices.pause())

    def _settle(self) -> None:
        """Nothing goes wrong any more; who is in a conference asks for it, and finds out whether that is so."""
        world = self.world
        world.settling = True
        end_all(world)
        world.network.run_for(SETTLING / 2)
        for name in world.clients:
            client = world.client(name)
            if client is not None and client.state is focus.ClientState.JOINED:
                world.give(name, "getConference", "", lambda client, now: client.get_conference(now=now))
        world.network.run_for(SETTLING)

    def _finish(self) -> None:
        world = self.world
        world.settling = False
        for name in world.clients:
            client = world.client(name)
            if client is not None and client.state not in (focus.ClientState.OUT, focus.ClientState.LEAVING):
                client.leave(now=world.network.now)
                world.sim.kick(name)
        world.network.run_for(2.0)
        for name in world.foci:
            machine = world.focus_of(name)
            for uri in machine.conferences:
                machine.end_conference(uri, now=world.network.now)
            world.sim.kick(name)
        for name in world.phones:
            world.sim.farm.phones[name].hang_up(now=world.network.now)
            world.sim.kick(name)
        world.network.run_for(LONG if not self._kept_conferences() else _LONGEST)

    def _kept_conferences(self) -> bool:
        return any(one.conferences for one in self.world.sim.farm.mcus.values())

    # Looking ---------------------------------------------------------------------------------------------------------

    def _rosters(self) -> list[str]:
        world = self.world
        complaints = []
        owners = {name: world.focus_of(name) for name in world.foci}
        active = {uri for machine in owners.values() for uri in machine.conferences}
        everywhere = {uri for one in world.sim.farm.mcus.values() for uri in one.conferences}
        for uri in sorted(active | everywhere):
            seen: dict[str, c3p.ConferenceInfo | None] = {}
            for name in world.clients:
                client = world.sim.farm.clients[name]
                if client.state is focus.ClientState.JOINED and client.conference_uri == uri and world.watches(name):
                    seen[name] = client.roster
            legs = {
                name: info for name, one in world.sim.farm.mcus.items() if (info := one.conference(uri)) is not None
            }
            truths = {name: roster for name, one in owners.items() if (roster := one.roster(uri)) is not None}
            complaints += checks.owners(uri, truths)
            truth = next(iter(truths.values()), None)
            complaints += checks.differences(uri, truth, seen, legs)
            complaints += checks.locks(uri, truth, legs)
        return complaints

    def _last_checks(self, before: checks.Sizes, lost: set[object]) -> list[str]:
        world = self.world
        farm = world.sim.farm
        handsets = {farm.aor(each.user): each for each in farm.plan.handsets}
        phone_of = {uri: each.name for uri, each in handsets.items()}
        tone_of = {uri: float(getattr(each.source, "frequency", 0.0)) for uri, each in handsets.items()}
        ejected = checks.ejections(world.given, world.log, world.phone_uris)
        self._counts["commands"] = len(world.given)
        self._counts["ejections that are watched"] = len(ejected)
        self._counts["sip messages"] = sum(each.receiver is not None for each in world.crossings)
        events: dict[str, list[object]] = {}
        for told in world.log:
            events.setdefault(told.element, []).append(told.event)
        return [
            *world.raised,
            *faults(**events),  # type: ignore[arg-type]
            *checks.endings(world.given, world.log, world.starts),
            *checks.ejected_and_hearing(
                ejected, world.network.recording, world.network.trace.names, phone_of, farm.mcus.__contains__
            ),
            *checks.ejected_and_heard(ejected, world.ears, phone_of, tone_of),
            *checks.unanswered_requests(world.crossings, world.deaths, lost, proxies=world.proxies),
            *checks.grown(before, self._sizes()),
        ]

    def _lost_flows(self) -> set[object]:
        """What names the connections that broke until now."""
        streams = self.world.network.streams
        named = {each.flow for each in self.world.crossings if isinstance(each.flow, tuple)}
        return {each for each in named if not streams.whole(each[0])}

    def _sizes(self) -> dict[str, dict[str, int]]:
        farm = self.world.sim.farm
        kept = {
            name: dict(element.pump.endpoint.sizes)
            for name, element in farm.elements.items()
            if element.pump is not None
        }
        for name, one in farm.mcus.items():
            kept[f"{name} itself"] = dict(one.sizes)
        for name in self.world.foci:
            kept[f"{name} itself"] = self.world.focus_of(name).sizes
        if (group := self.world.sim.group) is not None:
            kept["the store"] = {"claims": len(group.store.claims), "conferences": len(group.store.written)}
        proxy = farm.cores["proxy"].proxy
        assert proxy is not None
        kept["proxy itself"] = dict(proxy.sizes)
        return kept

    def _digest(self) -> str:
        """Of all that crossed the network. Rounding hides nothing: times are sums of what was drawn."""
        digest = hashlib.sha256()
        for record in self.world.network.recording:
            digest.update(f"{record.at:.9f} {record.layer} {record.source} {record.destination} ".encode())
            digest.update(record.data)
        return digest.hexdigest()


def simulate(scenario: Scenario, seed: int, *, minutes: float) -> Result:
    """Run one seed."""
    return Simulation(scenario, seed, minutes=minutes).run()
