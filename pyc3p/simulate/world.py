"""A farm under simulation: what was given to it, and everything that it told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import c3p
import focus
import sip
from pyc3p.element import Element
from pyc3p.elements.farm import FarmPlan
from pyc3p.elements.farm_edge import EDGE
from pyc3p.phone import Phone
from pyc3p.simnet import Conditions, Passing, SimFarm, SimHost
from pyc3p.simulate.choices import Choices
from pyc3p.simulate.ear import Ear
from pyc3p.simulate.history import Death, Given, Told
from sip import Event
from sip.testing import Crossing

#: What guests have to know.
PASSCODE: Final = "271828"
#: Sound in 0.2 of 10 seconds: a minute of a conference costs a fiftieth of what it would.
SOUND: Final = (0.2, 10.0)
#: Seconds after which a client whose subscription or dialog was lost comes back, as an application would.
COMES_BACK: Final = 3.0
#: Conferences that are joined beside one another.
_MOST_CONFERENCES: Final = 2


class World:
    """What acts and troubles work on. Nothing in it is random but `choices`."""

    def __init__(self, plan: FarmPlan, *, seed: int, conditions: Conditions, lobby: bool) -> None:
        self.choices = Choices(sip.SeededEntropy(b"simulation %d" % seed))
        self.sim = SimFarm(plan, seed=seed, conditions=conditions)
        self.network = self.sim.network
        self.network.faults_raise = False
        self.network.sound = SOUND
        self.network.middle = self._sent
        self.network.on_arrival = self._arrived
        self.lobby = lobby
        self.clients: tuple[str, ...] = tuple(person.name for person in plan.people)
        self.accounts: tuple[str, ...] = tuple(person.name for person in plan.people if not person.guest)
        self.phones: tuple[str, ...] = tuple(handset.name for handset in plan.handsets)
        forwarded = {handset.forward_to for handset in plan.handsets}
        #: users who are called; at the phone to which others redirect nobody could tell who is meant
        self.callable: tuple[str, ...] = tuple(each.user for each in plan.handsets if each.user not in forwarded)
        self.phone_uris = frozenset(self.aor(user) for user in self.callable)
        self.conferences: list[str] = []  #: Conference-URIs, the newest last
        self.log: list[Told] = []
        self.given: list[Given] = []
        self.deaths: list[Death] = []
        self.crossings: list[Crossing] = []
        self.raised: list[str] = []  #: what commands raised that were given where they may be given
        self.ears: dict[str, list[Ear]] = {name: [] for name in self.phones}
        self.starts: dict[str, int] = {}
        self._watching: dict[str, None] = {}
        self.settling = False  #: whether clients that are out come back by themselves
        for name in self.sim.hosts:
            self._adopt(name)

    # Elements --------------------------------------------------------------------------------------------------------

    def _adopt(self, name: str) -> None:
        """Listen to an element that has just been started."""
        host = self.sim.hosts[name]
        host.on_event = lambda event: self._told(name, host, event)
        if name in self.ears:
            ear = Ear(lambda: self.network.now)
            self.ears[name].append(ear)
            self.sim.farm.phones[name].recorder = ear

    def is_on(self, name: str) -> bool:
        """Whether an element runs."""
        return not self.sim.hosts[name].off

    def stop(self, name: str, *, without_a_word: bool) -> None:
        """Kill an element."""
        self.deaths.append(Death(at=self.network.now, element=name))
        self.sim.stop(name, without_a_word=without_a_word)

    def start(self, name: str, *, with_state: bool) -> None:
        """Start an element that was killed."""
        self.starts[name] = self.starts.get(name, 0) + 1
        self._watching.pop(name, None)
        self.sim.start(name, with_state=with_state)
        self._adopt(name)
        if name in self.sim.farm.phones:
            self.register(name)

    def register(self, name: str) -> None:
        """Let a phone register."""
        self.sim.farm.phones[name].register(now=self.network.now)
        self.sim.kick(name)

    @property
    def elements(self) -> Iterator[tuple[str, Element]]:
        """Those that run."""
        for name, host in self.sim.hosts.items():
            if not host.off:
                yield name, host.element

    def client(self, name: str) -> focus.Client | None:
        """A client, None while it is not there."""
        return self.sim.farm.clients[name] if self.is_on(name) else None

    def phone(self, name: str) -> Phone | None:
        """A phone, None while it is not there."""
        return self.sim.farm.phones[name] if self.is_on(name) else None

    @property
    def foci(self) -> tuple[str, ...]:
        """The elements with a Focus."""
        return tuple(self.sim.farm.plan.foci) or ("focus",)

    @property
    def parts(self) -> tuple[str, ...]:
        """The servers that a wall clock is set for."""
        return (*self.foci, "proxy", *(() if self.sim.farm.plan.foci else ("mcu-factory",)))

    @property
    def proxies(self) -> tuple[str, ...]:
        """The elements that send requests on: one of several nodes does when it does not have the conference."""
        return ("proxy", EDGE, *self.sim.farm.plan.foci)

    def focus_of(self, name: str) -> focus.Focus:
        """The Focus of an element."""
        found = self.sim.farm.cores[name].focus
        assert found is not None
        return found

    @property
    def focus_machine(self) -> focus.Focus:
        """The Focus, where there is one."""
        return self.focus_of("focus")

    def aor(self, user: str) -> str:
        """The address of a user."""
        return self.sim.farm.aor(user)

    def aor_of(self, name: str) -> str:
        """The address of a client."""
        return self.sim.farm.clients[name].config.aor

    # What is heard of them -------------------------------------------------------------------------------------------

    def _told(self, name: str, host: SimHost, event: Event) -> None:
        start = self.starts.get(name, 0)
        self.log.append(Told(at=self.network.now, element=name, start=start, event=event))
        if isinstance(event, focus.ConferenceCreated):
            self.conferences.append(event.conference_uri)
        elif isinstance(event, focus.Joined):
            self._watching.pop(name, None)
            self._later(name, host, self.watch, 0.0)
        elif isinstance(event, focus.SubscriptionLost):
            self._watching.pop(name, None)
            self._later(name, host, self.watch, COMES_BACK)
        elif isinstance(event, focus.Left | focus.JoinFailed) and self.settling:
            self._later(name, host, self.come_back, COMES_BACK)

    def _later(self, name: str, host: SimHost, act: Callable[[str], None], delay: float) -> None:
        def do() -> None:
            if self.sim.hosts[name] is host and not host.off:
                act(name)

        self.network.clock.after(delay, do)

    def _sent(self, passing: Passing) -> bytes:
        if passing.layer == "sip":
            self.crossings.append(
                Crossing(sender=passing.sender, receiver=None, sent=passing.data, arrived=b"", at=self.network.now)
            )
        return passing.data

    def _arrived(self, passing: Passing) -> None:
        self.crossings.append(
            Crossing(
                sender=passing.sender,
                receiver=passing.receiver,
                flow=passing.stream,
                sent=b"",
                arrived=passing.data,
                at=self.network.now,
            )
        )

    # What people do --------------------------------------------------------------------------------------------------

    def give(self, name: str, what: str, target: str, give: Callable[[focus.Client, float], focus.CommandId]) -> None:
        """Give a command to a client, and note it. What raises is noted too: it was given where it may be."""
        client, now = self.sim.farm.clients[name], self.network.now
        conference = client.conference_uri or ""
        try:
            command = give(client, now)
        except Exception as error:
            if not (type(error).__name__ == "LocalProtocolError" and "too many" in str(error)):
                self.raised.append(f"{name}: {what} {target} raised {type(error).__name__}: {error}")
            return
        person = next(each for each in self.sim.farm.plan.people if each.name == name)
        self.given.append(
            Given(
                at=now,
                element=name,
                start=self.starts.get(name, 0),
                command=command,
                what=what,
                target=target,
                conference=conference,
                transport=person.transport,
            )
        )
        self.sim.kick(name)

    def enter(self, name: str) -> None:
        """Go into a conference, or create one where there is none, or there may be another."""
        client = self.sim.farm.clients[name]
        open_ones = self.conferences[-_MOST_CONFERENCES:]
        guest = client.config.aor.endswith("anonymous.invalid")
        if guest and not open_ones:
            return
        if not guest and (not open_ones or self.choices.happens(0.03)):
            self._create(name)
            return
        uri = open_ones[-1] if self.choices.happens(0.9) else self.choices.one_of(open_ones)
        self.join(name, uri)

    def join(self, name: str, uri: str) -> None:
        """Join a conference."""
        passcode = PASSCODE if self.aor_of(name).endswith("anonymous.invalid") else None
        self.give(name, "join", uri, lambda client, now: client.join(uri, passcode=passcode, now=now))

    def _create(self, name: str) -> None:
        self.give(
            name,
            "addConference",
            "",
            lambda client, now: client.create_conference(
                subject="A simulated meeting",
                admission_policy=c3p.AdmissionPolicy.ANONYMOUS,
                passcode=PASSCODE,
                lobby=self.lobby,
                presenters=tuple(self.aor_of(each) for each in self.accounts[:2]),
                now=now,
            ),
        )

    def watch(self, name: str) -> None:
        """Follow the conference, where a client is in one and does not follow it yet."""
        client = self.client(name)
        if client is not None and client.state is focus.ClientState.JOINED and not self.watches(name):
            self._watching[name] = None
            client.subscribe(now=self.network.now)
            self.sim.kick(name)

    def watches(self, name: str) -> bool:
        """Whether a client follows its conference, or has asked to."""
        return name in self._watching

    def come_back(self, name: str) -> None:
        """Go into the conference again that one was in."""
        client = self.client(name)
        if client is not None and client.state is focus.ClientState.OUT and self.conferences:
            self.join(name, self.conferences[-1])

    # What people see -------------------------------------------------------------------------------------------------

    def users(self, name: str) -> Sequence[c3p.User]:
        """Who is in the conference, as a client sees it."""
        roster = self.sim.farm.clients[name].roster
        return roster.users.users if roster is not None and roster.users is not None else ()

    def present(self, name: str) -> list[str]:
        """Their addresses."""
        return [user.entity for user in self.users(name)]

    def audio_endpoints(self, name: str) -> list[tuple[str, str]]:
        """User and endpoint of whoever can be muted."""
        return [
            (user.entity, endpoint.entity)
            for user in self.users(name)
            for endpoint in user.endpoints
            if endpoint.session_type == c3p.SessionType.AUDIO_VIDEO
        ]

    def in_lobby(self, name: str) -> tuple[str, ...]:
        """Who waits to be let in."""
        return tuple(
            user.entity
            for user in self.users(name)
            if any(one.session_type == c3p.SessionType.FOCUS and one.status == "on-hold" for one in user.endpoints)
        )
