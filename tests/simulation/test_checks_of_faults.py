"""Each thing that a simulation checks can fail: an element is broken on purpose, and that is found."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs
import pytest

import c3p
import focus
from pyc3p.element import C3PService, Document
from pyc3p.placement.events import ClaimLost
from pyc3p.simulate import SCENARIOS, Result, Simulation, checks
from pyc3p.simulate.acts import Act
from pyc3p.simulate.history import Death, Given, Told
from pyc3p.simulate.trouble import Trouble
from pyc3p.simulate.world import World
from sip import Event, NotifyReceived, Transmit
from sip.testing import Crossing

#: Calls and ejections, one after the other, with nothing that goes wrong by itself.
QUIET = attrs.evolve(
    SCENARIOS["calm"], name="quiet", acts={Act.DIAL: 12, Act.EJECT: 6, Act.ASK: 2, Act.MUTE: 2, Act.LEAVE: 1}
)

BOB = "sip:bob@example.com"


def played(break_it: Callable[[World], None] | None = None, *, seed: int = 3) -> Result:
    return Simulation(QUIET, seed, minutes=1.0, on_built=break_it).run()


def test_nothing_is_found_where_nothing_is_broken() -> None:
    result = played()
    assert result.complaints == ()
    assert result.counts["ejections that are watched"] > 0


def test_a_command_that_never_ends_is_found() -> None:
    def lose(world: World) -> None:
        client = world.sim.farm.clients["ann"]
        take = client.take_events
        client.take_events = lambda: [  # type: ignore[method-assign]
            event for event in take() if not isinstance(event, focus.CommandSucceeded)
        ]

    assert any("ended never" in each for each in played(lose).complaints)


def test_a_command_that_ends_twice_is_found() -> None:
    def twice(world: World) -> None:
        told = world.sim.hosts["ann"].on_event
        assert told is not None

        def tell(event: Event) -> None:
            told(event)
            if isinstance(event, focus.CommandSucceeded):
                told(event)

        world.sim.hosts["ann"].on_event = tell

    assert any("ended 2 times" in each for each in played(twice).complaints)


def test_what_a_machine_raises_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: focus.Focus, event: Event, now: float) -> None:
        raise KeyError("a table")

    from focus import focus as module

    monkeypatch.setitem(module._HANDLERS, module.SubscribeReceived, broken)  # type: ignore[arg-type]
    assert any("KeyError: 'a table'" in each for each in played().complaints)


def test_a_subscriber_that_misses_something_is_found() -> None:
    def miss(world: World) -> None:
        watch = world.sim.farm.clients["ben"]._watch
        handle = watch.handle

        def forgetful(event: Event, *, now: float) -> tuple[list[Event], bool]:
            return ([], False) if isinstance(event, NotifyReceived) and now > 20.0 else handle(event, now=now)

        watch.handle = forgetful  # type: ignore[method-assign]

    complaints = played(miss).complaints
    assert any("ben sees another roster than the Focus has" in each for each in complaints)


@attrs.define(eq=False)
class Liar:
    """An MCU that says that it has done what it was told, and has not."""

    service: C3PService
    about: type[c3p.Command] = c3p.DeleteUser

    def receive_c3p(self, document: Document, *, peer: str, now: float) -> c3p.Reply:
        if isinstance(document, c3p.Request) and isinstance(document.command, self.about):
            return c3p.Reply(200, document.respond(c3p.Code.SUCCESS))
        return self.service.receive_c3p(document, peer=peer, now=now)


def test_somebody_who_was_thrown_out_and_hears_and_is_heard_is_found() -> None:
    def lie(world: World) -> None:
        for name in world.sim.farm.mcus:
            element = world.sim.farm.elements[name]
            element.services = {path: Liar(service) for path, service in element.services.items()}

    complaints = played(lie).complaints
    assert any("still hears: " in each for each in complaints)
    assert any("is still heard by phone-" in each for each in complaints)


@pytest.mark.parametrize(("lost_at", "until"), [(None, math.inf), (25.5, 25.0), (40.0, math.inf)])
def test_a_call_that_failed_because_its_mcu_was_given_up_may_let_somebody_in_again(
    lost_at: float | None, until: float
) -> None:
    """Bob is thrown out at 21 s. The call at 25 s failed at 26 s; an MCU that was given up goes on with it."""

    def given(at: float, command: int, what: str) -> Given:
        number = focus.CommandId(command)
        return Given(
            at=at, element="ann", start=0, command=number, what=what, target=BOB, conference="c", transport="tcp"
        )

    def told(at: float, event: Event) -> Told:
        return Told(at=at, element="ann", start=0, event=event)

    request = c3p.Request(request_id="1", from_="a", to="b", command=c3p.GetConference())
    done = focus.CommandSucceeded(
        owner="client", command=focus.CommandId(1), response=request.respond(c3p.Code.SUCCESS)
    )
    failed = focus.CommandFailed(owner="client", command=focus.CommandId(2), reason=focus.FailureReason.FAILURE)
    log = [told(21.0, done), told(26.0, failed)]
    if lost_at is not None:
        lost = focus.McuLost(owner="focus", conference_uri="c", mcu_type="audio-video", mcu_id="m", reason="gone")
        log.append(told(lost_at, lost))
    (found,) = checks.ejections([given(20.0, 1, "deleteUser"), given(25.0, 2, "addUser")], log, [BOB])
    assert (found.since, found.until) == (21.0, until)


@pytest.mark.parametrize(("conference", "watched"), [("c", 1), ("another", 0)])
def test_who_may_be_in_another_conference_hears_something_all_the_same(conference: str, watched: int) -> None:
    request = c3p.Request(request_id="1", from_="a", to="b", command=c3p.GetConference())
    answer = request.respond(c3p.Code.SUCCESS)
    given, log = [], []
    for number, (at, what, where) in enumerate([(10.0, "addUser", conference), (20.0, "deleteUser", "c")]):
        command = focus.CommandId(number)
        fields = {"element": "ann", "start": 0, "command": command, "target": BOB, "transport": "tcp"}
        given.append(Given(at=at, what=what, conference=where, **fields))  # type: ignore[arg-type]
        done = focus.CommandSucceeded(owner="client", command=command, response=answer)
        log.append(Told(at=at + 1.0, element="ann", start=0, event=done))
    assert len(checks.ejections(given, log, [BOB])) == watched


def test_a_leg_of_which_the_focus_does_not_know_is_found() -> None:
    def lie(world: World) -> None:
        world.focus_machine.roster = lambda uri: None  # type: ignore[method-assign]

    assert any("the MCUs have other legs than the Focus" in each for each in played(lie).complaints)


def test_a_conference_that_two_nodes_have_is_found() -> None:
    def keep(world: World) -> None:
        """No node lets go of what another one has."""
        for name in world.foci:
            placed = world.sim.farm.cores[name].placed
            assert placed is not None
            report = placed._reported

            def reported(event: Event, now: float, report: Callable[[Event, float], None] = report) -> None:
                if not isinstance(event, ClaimLost):
                    report(event, now)

            placed._reported = reported  # type: ignore[method-assign]

    scenario = attrs.evolve(
        QUIET, foci=("focus-1", "focus-2"), restarts_keep_state=True, trouble={Trouble.STORE_CUT: 1}, trouble_share=0.4
    )
    complaints = Simulation(scenario, 1, minutes=1.0, on_built=keep).run().complaints
    assert any(each.startswith("focus-1 and focus-2 all have sip:") for each in complaints)


def test_a_lock_that_an_mcu_does_not_have_is_found() -> None:
    def lie(world: World) -> None:
        for name in world.sim.farm.mcus:
            element = world.sim.farm.elements[name]
            element.services = {
                path: Liar(service, about=c3p.ModifyConferenceLock) for path, service in element.services.items()
            }

    scenario = attrs.evolve(QUIET, acts={Act.DIAL: 3, Act.LOCK: 1})
    complaints = Simulation(scenario, 4, minutes=1.0, on_built=lie).run().complaints
    assert any("for the Focus it is locked" in each for each in complaints)


def sends(world: World, name: str, alter: Callable[[Transmit], list[Transmit]]) -> None:
    """Alter what an element sends."""
    pump = world.sim.farm.elements[name].pump
    assert pump is not None
    endpoint, before = pump.endpoint, pump.endpoint.data_to_send
    endpoint.data_to_send = lambda limit=None: [  # type: ignore[method-assign]
        each for transmit in before(limit) for each in alter(transmit)
    ]


def is_answer_to_bye(transmit: Transmit) -> bool:
    return transmit.data.startswith(b"SIP/2.0 200") and b" BYE\r\n" in transmit.data


def test_a_request_without_an_answer_is_found() -> None:
    def silent(world: World) -> None:
        for name in world.phones:
            sends(world, name, lambda transmit: [] if is_answer_to_bye(transmit) else [transmit])

    assert any("answered nothing to BYE" in each for each in played(silent).complaints)


@pytest.mark.parametrize(("arrived", "found"), [(100.0, 1), (950.0, 0), (1001.0, 1)])
def test_only_what_came_shortly_before_the_death_of_an_element_may_be_without_answer(
    arrived: float, found: int
) -> None:
    """The element lives, dies at 1000 s, and is started again; it would have had the time to answer the others."""
    asked = (
        b"OPTIONS sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
        b"From: <sip:a@example.com>;tag=1\r\nTo: <sip:bob@192.0.2.2>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n"
    )
    crossing = Crossing(sender="ann", receiver="bob", sent=b"", arrived=asked, at=arrived)
    assert len(checks.unanswered_requests([crossing], [Death(at=1000.0, element="bob")])) == found


def test_a_request_with_two_answers_is_found() -> None:
    def both(transmit: Transmit) -> list[Transmit]:
        if not is_answer_to_bye(transmit):
            return [transmit]
        return [transmit, attrs.evolve(transmit, data=transmit.data.replace(b"200 OK", b"500 Oh", 1))]

    def twice(world: World) -> None:
        for name in world.phones:
            sends(world, name, both)

    assert any("answered 200, 500 to BYE" in each for each in played(twice).complaints)


def test_what_is_left_is_found() -> None:
    def keep(world: World) -> None:
        for machine in world.sim.farm.mcus.values():
            machine._conferences.end = lambda conference, cause, *, now: None  # type: ignore[method-assign]

    complaints = played(keep).complaints
    assert any("itself has 1 conferences left, 0 before" in each for each in complaints)


def test_a_simulation_that_breaks_is_a_failure_with_a_seed() -> None:
    def broken(world: World) -> None:
        world.give = None  # type: ignore[assignment,method-assign]

    result = played(broken)
    assert "the simulation broke" in result.complaints[0]
    assert result.replay == "pyc3p simulate --scenario quiet --seed 3 --minutes 1"
