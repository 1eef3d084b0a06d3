"""A Focus that is killed and begun again with what it wrote: nobody is hung up, and every command ends once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import focus
from pyc3p.elements import FarmPlan, Handset, Person
from tests.simulation.restarting import Killed, Restarting

WES, LOU = "sip:wes@example.com", "sip:lou@example.com"
BOB, CAROL = "sip:bob@example.com", "sip:carol@example.com"
PEOPLE = (
    Person(name="presenter", user="ann", display_name="Ann"),
    Person(name="watcher", user="wes", display_name="Wes"),
    Person(name="late", user="lou", display_name="Lou"),
)
HANDSETS = (
    Handset(name="phone-bob", user="bob", ring_time=0.3),
    Handset(name="phone-carol", user="carol", ring_time=0.3),
)
#: Times that the Focus writes in an evening without accident, at least.
SAVES = 34


class Evening(Restarting):
    """A whole conference, in steps, whatever is killed meanwhile."""

    def __init__(self) -> None:
        super().__init__(FarmPlan(people=PEOPLE, handsets=HANDSETS, durable=True))
        self.commands: list[focus.CommandId] = []
        self.register_phones()

    def until(self, predicate: Callable[[], bool], what: str) -> None:
        """Wait; a Focus that is killed meanwhile is begun again at once."""
        while True:
            try:
                self.network.run_until(predicate, 200.0, what=what)
                return
            except Killed:
                self.restart(away=0.0)

    def rest(self, seconds: float) -> None:
        """Let time pass."""
        end = self.network.now + seconds
        self.network.clock.at(end, lambda: None)
        self.until(lambda: self.network.now >= end, "rest")

    def come(self, name: str) -> None:
        """Join and subscribe, again if need be."""
        client = self.client(name)
        for _ in range(5):
            if client.state is focus.ClientState.OUT:
                client.join(self.uri, now=self.network.now)
                self.sim.kick(name)
                self.until(lambda: client.state in (focus.ClientState.OUT, focus.ClientState.JOINED), f"{name} joins")
        if client.roster is None:
            client.subscribe(now=self.network.now)
            self.sim.kick(name)
            self.rest(3.0)

    def begin(self) -> None:
        """A conference that others can wait for, with two people."""
        self.client("presenter").create_conference(subject="A meeting", lobby=True, now=self.network.now)
        self.sim.kick("presenter")
        self.uri = self.wait_for("presenter", focus.ConferenceCreated).conference_uri
        self.come("presenter")
        self.come("watcher")

    def give(self, command: Callable[[focus.Client, float], focus.CommandId]) -> focus.CommandId:
        """A command of the presenter, until it has ended."""
        self.come("presenter")
        given = self.command("presenter", command)
        self.commands.append(given)
        self.until(lambda: bool(self.outcomes("presenter", given)), "the end of a command")
        return given

    def play(self) -> None:
        """The whole evening: dial, mute all, lock, lobby, roles, dial, eject."""
        self.begin()
        self.give(lambda client, now: client.add_user(BOB, now=now))
        self.give(lambda client, now: client.mute_all(True, may_unmute=False, now=now))
        self.give(lambda client, now: client.set_lock(True, now=now))
        self.come("late")
        self.give(lambda client, now: client.set_lobby_access([LOU], granted=True, now=now))
        self.give(lambda client, now: client.modify_user_roles(WES, "presenter", now=now))
        self.give(lambda client, now: client.add_user(CAROL, now=now))
        self.give(lambda client, now: client.delete_user(BOB, now=now))
        self.rest(35.0)

    # What must hold --------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Long after everything."""
        for command in self.commands:
            assert len(self.outcomes("presenter", command)) == 1
        assert self.statuses(BOB) == []
        for person in ("presenter", "watcher", "late"):
            if self.client(person).state is focus.ClientState.JOINED and self.client(person).roster is not None:
                assert self.roster(person) == self.true_roster(), person
            self.check_versions(person)
        # Each was called once, if that command got as far as an MCU.
        assert self.invites("bob") <= 1
        assert self.invites("carol") <= 1

    def check_versions(self, person: str) -> None:
        """No version says two things, and after a restart all are above those of before."""
        said: dict[tuple[str, int], bytes] = {}
        before: dict[str, int] = {}
        for at, subscription, version, body in self.documents(person):
            assert said.setdefault((subscription, version), body) == body
            if any(at < restart for restart in self.restarts):
                before[subscription] = max(version, before.get(subscription, 0))
            else:
                assert version > before.get(subscription, 0)

    def check_works(self) -> None:
        """What a presenter commands is done: carol is put out and called, or the other way round."""
        for _ in range(2):
            there = bool(self.statuses(CAROL))
            given = self.give(
                lambda client, now, there=there: (  # type: ignore[misc]
                    client.delete_user(CAROL, now=now) if there else client.add_user(CAROL, now=now)
                )
            )
            (outcome,) = self.outcomes("presenter", given)
            assert outcome.succeeded, outcome.text
            self.rest(2.0)
            assert self.statuses(CAROL) == ([] if there else ["audio-video connected muted"])


def test_the_evening_without_accident() -> None:
    evening = Evening()
    evening.play()
    evening.check()
    assert all(evening.outcomes("presenter", command)[0].succeeded for command in evening.commands)
    assert evening.statuses(CAROL) == ["audio-video connected muted"]
    evening.check_works()
    assert evening.saves > SAVES


@pytest.mark.parametrize("save", range(1, SAVES + 1))
def test_killed_after_any_step_it_goes_on(save: int) -> None:
    evening = Evening()
    evening.kill_at(save)
    evening.play()
    assert len(evening.restarts) == 1
    evening.check()
    evening.check_works()
