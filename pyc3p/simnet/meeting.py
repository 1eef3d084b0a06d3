"""A conference on a simulated network, in the words of the people in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import attrs

import focus
from pyc3p.elements.farm import Builder, FarmPlan
from pyc3p.phone import Phone, PhoneRegistered
from pyc3p.roster import endpoint_states
from pyc3p.simnet.conditions import Conditions
from pyc3p.simnet.conference import SimFarm
from pyc3p.simnet.host import SimHost
from pyc3p.simnet.network import SimNetwork
from sip import Event

E = TypeVar("E", bound=Event)

#: Virtual seconds that a step may take where nothing is lost; with losses retransmissions go on for 32 s.
STEP = 40.0
_TERMINAL = (focus.CommandSucceeded, focus.CommandFailed)


@attrs.frozen
class Outcome:
    """How a command of a client ended."""

    event: focus.CommandSucceeded | focus.CommandFailed

    @property
    def succeeded(self) -> bool:
        """Whether it was carried out."""
        return isinstance(self.event, focus.CommandSucceeded)

    @property
    def text(self) -> str:
        """``success``, or why it failed."""
        return self.event.text if isinstance(self.event, focus.CommandFailed) else "success"


class Meeting:
    """Everybody's client, every phone, and the conference that they are in."""

    def __init__(
        self,
        plan: FarmPlan,
        *,
        seed: int = 1,
        conditions: Conditions | None = None,
        replace: Mapping[str, Builder] | None = None,
    ) -> None:
        self.sim = SimFarm(plan, seed=seed, conditions=conditions, replace=replace)
        self.uri = ""

    @property
    def network(self) -> SimNetwork:
        """Where it all happens."""
        return self.sim.network

    def host(self, name: str) -> SimHost:
        """The host of an element."""
        return self.sim.hosts[name]

    def client(self, name: str) -> focus.Client:
        """The client of an element."""
        return self.sim.farm.clients[name]

    def phone(self, name: str) -> Phone:
        """The phone of an element."""
        return self.sim.farm.phones[name]

    # Beginning -------------------------------------------------------------------------------------------------------

    def register_phones(self) -> None:
        """Let every phone register."""
        for name, phone in self.sim.farm.phones.items():
            phone.register(now=self.network.now)
            self.sim.kick(name)
        for name in self.sim.farm.phones:
            self.wait_for(name, PhoneRegistered)

    def open(self) -> None:
        """The first of the people creates the conference; all join and subscribe."""
        first, *others = self.sim.farm.clients
        self.client(first).create_conference(subject="A meeting", now=self.network.now)
        self.sim.kick(first)
        self.uri = self.wait_for(first, focus.ConferenceCreated).conference_uri
        for name in (first, *others):
            self.join(name)

    def join(self, name: str) -> None:
        """Join and subscribe."""
        self.client(name).join(self.uri, now=self.network.now)
        self.sim.kick(name)
        self.wait_for(name, focus.Joined)
        self.client(name).subscribe(now=self.network.now)
        self.sim.kick(name)
        self.wait_for(name, focus.RosterChanged)

    # Commands --------------------------------------------------------------------------------------------------------

    def command(self, name: str, give: Callable[[focus.Client, float], focus.CommandId]) -> focus.CommandId:
        """Give a command; its outcome comes later."""
        command = give(self.client(name), self.network.now)
        self.sim.kick(name)
        return command

    def dial(self, name: str, uri: str) -> focus.CommandId:
        """Have somebody called."""
        return self.command(name, lambda client, now: client.add_user(uri, now=now))

    def eject(self, name: str, uri: str) -> focus.CommandId:
        """Have somebody thrown out."""
        return self.command(name, lambda client, now: client.delete_user(uri, now=now))

    def outcomes(self, name: str, command: focus.CommandId) -> list[Outcome]:
        """Every terminal event of a command: there must be one in the end."""
        events = [event for event in self.host(name).events if isinstance(event, _TERMINAL)]
        return [Outcome(event) for event in events if event.command == command]

    def outcome(self, name: str, command: focus.CommandId, *, limit: float = 200.0) -> Outcome:
        """Wait until a command has ended."""
        ended = lambda event: isinstance(event, _TERMINAL) and event.command == command  # noqa: E731
        seen = self.host(name).newest(Event, ended)
        self.network.run_until(seen, limit, what="the end of a command")
        return self.outcomes(name, command)[0]

    # Looking ---------------------------------------------------------------------------------------------------------

    def wait_for(self, name: str, kind: type[E], *, limit: float = STEP) -> E:
        """Wait until an element has told something; the first of that kind."""
        host = self.host(name)
        self.network.run_until(host.newest(kind), limit, what=f"{kind.__name__} at {name}")
        return host.of(kind)[0]

    def roster(self, name: str) -> dict[tuple[str, str], str]:
        """What a client sees: status by user and endpoint."""
        roster = self.client(name).roster
        return endpoint_states(roster) if roster is not None else {}

    def true_roster(self) -> dict[tuple[str, str], str]:
        """What the Focus holds."""
        conferences = self.sim.farm.cores["focus"].focus
        info = conferences.roster(self.uri) if conferences is not None else None
        return endpoint_states(info) if info is not None else {}

    def history(self, name: str, user: str) -> list[str]:
        """The states of a user's endpoints in the order in which a client saw them, each once in a row."""
        seen: list[str] = []
        for event in self.host(name).of(focus.RosterChanged):
            states = [state for (uri, _), state in endpoint_states(event.roster).items() if uri == user]
            now = ", ".join(states) or "gone"
            if (seen or now != "gone") and (not seen or seen[-1] != now):
                seen.append(now)
        return seen

    def statuses(self, uri: str) -> list[str]:
        """States of a user in the roster of the Focus."""
        return [state for (user, _), state in self.true_roster().items() if user == uri]
