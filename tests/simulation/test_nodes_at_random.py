"""Nodes die, are cut off and come back, the store is away or forgets, and people go on: what must hold in the end."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

import focus
from tests.altered.seed_of_commit import SEED
from tests.simulation.nodes import FOCI, Nodes

PEOPLE = ("alice", "bob", "carol")
PHONES = 4
NUMBER = 4  #: seeds that each commit is tried with
#: Seconds in which each dialog has been refreshed (`ClientConfig.session_expires`), and whoever joined again is told.
REFRESHED = 800.0


class Evening:
    """A conference of three at three nodes, with four phones that are called and put out again."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.nodes = Nodes(*PEOPLE, phones=PHONES, mcus=2, seed=seed)
        self.nodes.network.sound = (0.2, 10.0)  # of ten seconds: it costs most
        self.given: list[tuple[str, focus.CommandId]] = []
        self.quiet = 240.0  #: seconds after the last trouble
        self.story: list[str] = []
        self.conference = self.nodes.created("alice")
        for name in PEOPLE:
            self.nodes.join(name, self.conference)

    def note(self, what: str) -> None:
        self.story.append(f"{self.nodes.network.now:.2f} {what}")

    # What people do --------------------------------------------------------------------------------------------------

    def act(self) -> None:
        name, phone = PEOPLE[0], self.nodes.phone_uri(self.chance.randrange(PHONES))
        client = self.nodes.clients[name]
        if client.state is not focus.ClientState.JOINED:
            return
        acts: list[tuple[str, Callable[[float], focus.CommandId]]] = [
            ("dials", lambda now: client.add_user(phone, now=now)),
            ("dials", lambda now: client.add_user(phone, now=now)),
            ("ejects", lambda now: client.delete_user(phone, now=now)),
            ("mutes all", lambda now: client.mute_all(self.chance.random() < 0.5, now=now)),
        ]
        what, give = self.chance.choice(acts)
        self.note(f"{name} {what} {phone}")
        self.given.append((name, give(self.nodes.network.now)))
        self.nodes.hosts[name].kick()

    # What goes wrong -------------------------------------------------------------------------------------------------

    def trouble(self) -> None:
        nodes, chance = self.nodes, self.chance
        what = chance.choice(["kill", "kill", "start", "start", "cut", "mend", "away", "back", "forget", "hint"])
        name = chance.choice(FOCI)
        server = nodes.servers.get(name)
        self.note(f"{what} {name}")
        if what == "kill" and server is not None and len(nodes.servers) > 1:
            nodes.kill(name)
        elif what == "start" and server is None:
            nodes.start(name)
        elif what in ("cut", "mend") and server is not None:
            server.store.away = what == "cut"
        elif what in ("away", "back"):
            nodes.store_away = what == "away"
        elif what == "forget" and chance.random() < 0.5:
            self.forget()
        elif what == "hint":
            nodes.hint = name

    def forget(self) -> None:
        """The store is started anew, empty, whoever is there or not.

        If the owner is dead at that moment, nobody knows of the conference any more. Clients are told so when their
        dialogs are refreshed, and begin it again.
        """
        self.nodes.store.forget_everything(run=str(self.nodes.network.now))
        self.quiet = REFRESHED

    def mend(self) -> None:
        self.nodes.store_away = False
        for server in self.nodes.servers.values():
            server.store.away = False

    def play(self, steps: int) -> None:
        for _ in range(steps):
            if self.chance.random() < 0.35:
                self.trouble()
            else:
                self.act()
            self.nodes.run(self.chance.choice([0.05, 0.3, 1.0, 4.0]))
        self.note("everything is well again")
        self.mend()
        for name in FOCI:
            if name not in self.nodes.servers:
                self.nodes.start(name)
        self.nodes.run(self.quiet)

    # What must hold --------------------------------------------------------------------------------------------------

    def check(self) -> None:
        nodes = self.nodes
        for name, command in self.given:
            assert len(nodes.ends(name, command)) == 1, command
        owners = nodes.owners(self.conference)
        assert len(owners) <= 1
        claimed = {key: owner for key, (owner, _) in nodes.store.claims.items()}
        assert list(claimed.values()) == owners
        truth = nodes.true_roster(self.conference) if owners else {}
        for name in PEOPLE:
            if nodes.clients[name].state is focus.ClientState.JOINED:
                assert nodes.roster(name) == truth, name
        phones = [user for user, _ in truth if user.startswith("sip:phone")]
        legs = sum(each.legs for each in nodes.mcus.values())
        assert legs == len(phones)


@pytest.mark.parametrize("number", range(NUMBER))
def test_whatever_becomes_of_nodes_and_store_in_the_end_one_owner_says_what_there_is(number: int) -> None:
    evening = Evening(SEED % 10**9 + number)
    evening.play(40)
    try:
        evening.check()
    except AssertionError as error:
        error.add_note("\n".join([f"seed {evening.seed}", *evening.story]))
        raise
