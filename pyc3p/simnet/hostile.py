"""A whole conference with a man in the middle, which has to survive him. Needs the extra ``testing``.

Somebody creates a conference, two people join and subscribe, a phone is dialled, muted and thrown out. One message of
all that is altered: a header, a line of a session description, an element or attribute of a document, over SIP or HTTP.
Then everybody leaves, everything comes to its end, and a proper conference follows::

    assert not play(plan_of(Seeded("seed", 17)))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import attrs

from pyc3p.elements.farm import FarmPlan, Handset
from pyc3p.simnet.bodies import BodyAlteration, BodyHow
from pyc3p.simnet.conditions import Conditions
from pyc3p.simnet.failed import SimulationFailed
from pyc3p.simnet.meeting import Meeting
from pyc3p.simnet.passing import Passing
from sip import LocalProtocolError, Request
from sip.testing import (
    JUNK,
    Alteration,
    Chooser,
    Crossing,
    alteration,
    faults,
    leftovers,
    met_with_silence,
    unanswered,
    with_length,
)

__all__ = ["HostileMeeting", "Plan", "plan_of", "play"]

BOB = "sip:bob@example.com"
#: Seconds after which nothing may be left: longer than an MCU waits for a Focus, a Focus for an MCU, a leg for sound.
LONG = 500.0
#: No two messages at the same moment, no chance: what is altered is always the same message.
_CALM = Conditions(jitter=0.0, split=0.0)


@attrs.frozen
class Plan:
    """What is done to which message."""

    alteration: Alteration | BodyAlteration

    def __str__(self) -> str:
        return f"conference, {self.alteration}"


class HostileMeeting:
    """A meeting, and whoever stands in the middle of it."""

    def __init__(self, alter: Alteration | BodyAlteration | None = None, *, seed: int = 1) -> None:
        self.alter = alter
        self.crossings: list[Crossing] = []
        self.changed: list[tuple[Passing, bytes]] = []
        self.raised: list[str] = []
        self._different: dict[bytes, bytes] = {}
        plan = FarmPlan(handsets=[Handset(name="phone", user="bob")])
        self.meeting = Meeting(plan, seed=seed, conditions=_CALM)
        self.network = self.meeting.network
        self.network.faults_raise = False
        self.network.middle = self._pass

    def _pass(self, passing: Passing) -> bytes:
        arrived = self._different.get(passing.data)
        if arrived is None:
            arrived = passing.data
            if self.alter is not None and self.alter.message == len(self._different):
                arrived = self._altered(passing, self.alter)
                self.changed.append((passing, arrived))
            self._different[passing.data] = arrived
        if passing.layer == "sip":
            crossing = Crossing(
                sender=passing.sender,
                receiver=passing.receiver or None,
                flow=passing.stream,
                sent=passing.data,
                arrived=arrived,
            )
            self.crossings.append(crossing)
        return arrived

    @staticmethod
    def _altered(passing: Passing, alter: Alteration | BodyAlteration) -> bytes:
        if isinstance(alter, Alteration):
            return alter.apply(passing.data) if passing.layer == "sip" else passing.data
        if passing.layer == "http":
            return alter.apply(passing.data)
        return with_length(passing.data, alter.apply(passing.data.partition(b"\r\n\r\n")[2]))

    # What people do --------------------------------------------------------------------------------------------------

    def _try(self, command: Callable[[], object]) -> bool:
        """Do something that may not be possible any more, or not happen."""
        try:
            command()
        except (LocalProtocolError, SimulationFailed):
            return False
        except Exception as error:
            if type(error).__name__ != "LocalProtocolError":  # the one of another package
                self.raised.append(f"a command raised {type(error).__name__}: {error}")
            return False
        return True

    def happen(self) -> None:
        """The whole conference, as far as it comes."""
        meeting = self.meeting
        self._try(meeting.register_phones)
        if self._try(meeting.open):
            self._dial()

    def _dial(self) -> None:
        meeting, network = self.meeting, self.network
        self._try(lambda: meeting.outcome("presenter", meeting.dial("presenter", BOB), limit=100.0))
        network.run_for(1.0)
        self._try(lambda: meeting.outcome("presenter", meeting.eject("presenter", BOB), limit=100.0))
        network.run_for(1.0)

    def finish(self) -> None:
        """Everybody leaves; what is still there is ended, and time passes."""
        meeting, network = self.meeting, self.network
        for name, client in meeting.sim.farm.clients.items():
            self._try(lambda client=client: client.leave(now=network.now))  # type: ignore[misc]
            meeting.sim.kick(name)
        network.run_for(2.0)
        focus = meeting.sim.farm.cores["focus"].focus
        assert focus is not None
        for uri in focus.conferences:
            self._try(lambda uri=uri: focus.end_conference(uri, now=network.now))  # type: ignore[misc]
        meeting.sim.kick("focus")
        for name, phone in meeting.sim.farm.phones.items():
            self._try(lambda phone=phone: phone.hang_up(now=network.now))  # type: ignore[misc]
            meeting.sim.kick(name)
        network.run_for(LONG)
        self._wait_for_quiet()

    def _wait_for_quiet(self) -> None:
        """Registrations are refreshed now and then; they are not what is looked for."""
        for _ in range(100):
            if not self._kept():
                return
            self.network.run_for(1.0)

    def _kept(self) -> list[str]:
        farm = self.meeting.sim.farm
        kept: dict[str, dict[str, int]] = {}
        for name, element in farm.elements.items():
            if element.pump is not None:
                sizes = element.pump.endpoint.sizes
                kept[name] = {what: number for what, number in sizes.items() if what != "timers"}
        for name, one in farm.mcus.items():
            kept[f"{name} itself"] = {"conferences": len(one.conferences), "legs": one.legs}
        focus, proxy = farm.cores["focus"].focus, farm.cores["proxy"].proxy
        assert focus is not None
        assert proxy is not None
        kept["focus itself"] = {"conferences": len(focus.conferences)}
        kept["proxy itself"] = proxy.sizes
        return leftovers(**kept)

    def complaints(self) -> list[str]:
        """What did not hold."""
        events = {name: host.events for name, host in self.meeting.sim.hosts.items()}
        return [*self.raised, *faults(**events), *unanswered(self.crossings, self._excuse), *self._kept()]

    def _excuse(self, receiver: str, request: Request) -> bool:
        """A proxy whose branches were silent says nothing rather than 408, but to INVITE (RFC 4320 section 4.2)."""
        if receiver != "proxy" or request.method in ("INVITE", "REGISTER", "CANCEL"):
            return False
        return met_with_silence(self.crossings, receiver, request)

    def proper_conference(self) -> list[str]:
        """With nobody in the middle: another conference, in which the phone is dialled."""
        meeting, network = self.meeting, self.network
        self.alter = None
        self.crossings.clear()
        for host in meeting.sim.hosts.values():
            host.events.clear()
        try:
            meeting.register_phones()
            meeting.open()
            outcome = meeting.outcome("presenter", meeting.dial("presenter", BOB), limit=100.0)
        except Exception as error:
            return [f"no proper conference afterwards: {type(error).__name__}: {str(error)[:200]}"]
        network.run_for(1.0)
        seen = meeting.roster("watcher") == meeting.true_roster()
        self.finish()
        if not outcome.succeeded:
            return [f"nobody could be dialled afterwards: {outcome.text}"]
        return [] if seen else ["the roster was wrong afterwards"]


@cache
def _messages() -> tuple[Sequence[int], Sequence[int]]:
    """Which of the different messages have headers, and which a body, when nobody disturbs."""
    hostile = HostileMeeting()
    hostile.happen()
    everything = list(enumerate(hostile._different))
    headed = [at for at, data in everything if not data.startswith(b"<")]
    described = [at for at, data in everything if not data.endswith(b"\r\n\r\n")]
    return headed, described


def plan_of(choose: Chooser) -> Plan:
    """Any plan: every third alters a header, the others a body."""
    headed, described = _messages()
    if choose.index(3) == 0:
        chosen = alteration(choose, len(headed))
        return Plan(attrs.evolve(chosen, message=headed[chosen.message]))
    how = tuple(BodyHow)[choose.index(len(BodyHow))]
    junk = ""
    if how is BodyHow.REPLACE:
        junk = choose.text() if choose.index(3) == 0 else JUNK[choose.index(len(JUNK))]
    return Plan(BodyAlteration(described[choose.index(len(described))], choose.index(60), how, junk))


def play(plan: Plan) -> list[str]:
    """Let it happen; return what did not hold."""
    hostile = HostileMeeting(plan.alteration)
    hostile.happen()
    hostile.finish()
    wrong = hostile.complaints()
    wrong += hostile.proper_conference()
    wrong += [f"after a proper conference: {each}" for each in hostile.complaints() if each not in wrong]
    if wrong and hostile.changed:
        passing, arrived = hostile.changed[0]
        wrong[0] += f"\n{passing.sender} -> {passing.receiver} ({passing.layer}):\n{arrived.decode('utf-8', 'replace')}"
    return wrong
