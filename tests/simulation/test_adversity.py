"""Things that go wrong at a bad moment: each command ends once all the same, and everybody sees the same in the end."""

import re
from collections.abc import Callable

import pytest

import focus
import mcu
import sip
from pyc3p.elements import FarmPlan, Handset, Person
from pyc3p.phone import CallEnd, PhoneReleased, PhoneRinging, Reaction
from pyc3p.simnet import Conditions, HttpFault, Meeting
from pyc3p.simnet.passing import Passing
from pyc3p.trace.ladder import Step

BOB, CAROL, ANN, WES = (f"sip:{name}@example.com" for name in ("bob", "carol", "ann", "wes"))
Meet = Callable[..., Meeting]


def faults_of(meeting: Meeting, *commands: tuple[str, focus.CommandId]) -> list[str]:
    """What is not as it should be in the end: open commands, rosters that differ, calls that nobody knows of."""
    found = [str(command) for name, command in commands if len(meeting.outcomes(name, command)) != 1]
    truth = meeting.true_roster()
    for name, client in meeting.sim.farm.clients.items():
        if client.state is focus.ClientState.JOINED and meeting.roster(name) != truth:
            found.append(f"{name} sees {meeting.roster(name)}, not {truth}")
    legs = sum(mcu.legs for name, mcu in meeting.sim.farm.mcus.items() if not meeting.host(name).off)
    if legs != len([state for state in truth.values() if state.startswith("audio-video")]):
        found.append(f"{legs} legs, roster {truth}")
    return found


def settled(meeting: Meeting, *commands: tuple[str, focus.CommandId]) -> None:
    """In the end, after four minutes at most: one outcome a command, equal rosters, no forgotten call."""
    for _ in range(25):
        meeting.network.run_for(10.0)
        if not faults_of(meeting, *commands):
            break
    meeting.network.run_for(1.0)
    assert faults_of(meeting, *commands) == []


def focus_of(meeting: Meeting) -> focus.Focus:
    found = meeting.sim.farm.cores["focus"].focus
    assert found is not None
    return found


@pytest.mark.parametrize("after", [0.0, 0.003, 0.006, 0.009, 0.012, 0.02, 0.3, 0.6])
def test_an_mcu_dies_at_any_moment_of_a_call(meet: Meet, after: float) -> None:
    meeting = meet(mcus=("mcu-1", "mcu-2"))
    dialling = meeting.dial("presenter", BOB)
    meeting.network.run_for(after)
    meeting.network.remove(meeting.host("mcu-1"))
    settled(meeting, ("presenter", dialling))
    again = meeting.dial("presenter", CAROL)
    assert meeting.outcome("presenter", again).succeeded
    settled(meeting, ("presenter", again))
    assert meeting.statuses(CAROL) == ["audio-video connected"]


@pytest.mark.parametrize("after", [0.0, 0.003, 0.006, 0.009, 0.012, 0.02, 0.3, 0.6])
def test_a_conference_is_ended_at_any_moment_of_a_call(meet: Meet, after: float) -> None:
    meeting = meet()
    dialling = meeting.dial("presenter", BOB)
    meeting.network.run_for(after)
    ending = meeting.command("presenter", lambda client, now: client.end_conference(now=now))
    settled(meeting, ("presenter", dialling), ("presenter", ending))
    assert meeting.outcomes("presenter", ending)[0].succeeded
    assert (focus_of(meeting).conferences, meeting.sim.farm.mcus["mcu"].conferences) == ((), ())
    for released in meeting.host("phone-bob").of(PhoneReleased):
        assert released.end in (CallEnd.CANCELLED, CallEnd.HUNG_UP_THERE)
    assert focus_of(meeting).next_timeout() is None


@pytest.mark.parametrize("fault", [HttpFault.REFUSED, HttpFault.SILENT, HttpFault.ANSWER_LOST, HttpFault.GARBAGE])
def test_answers_of_an_mcu_are_lost_for_a_while(meet: Meet, fault: HttpFault) -> None:
    meeting = meet(mcus=("mcu-1", "mcu-2"))
    meeting.outcome("presenter", meeting.dial("presenter", CAROL))
    meeting.network.web.faults["mcu-1"] = fault
    dialling = meeting.dial("presenter", BOB)
    meeting.network.run_for(70.0)
    meeting.network.web.faults.clear()
    settled(meeting, ("presenter", dialling))


def test_a_focus_that_is_away_for_less_than_a_minute_keeps_its_calls(meet: Meet) -> None:
    meeting = meet()
    meeting.outcome("presenter", meeting.dial("presenter", BOB))
    meeting.network.web.faults["focus"] = HttpFault.REFUSED
    meeting.network.run_for(30.0)  # the MCU asks after it
    meeting.network.run_for(50.0)
    meeting.network.web.faults.clear()
    settled(meeting)
    assert meeting.statuses(BOB) == ["audio-video connected"]


def test_a_focus_that_is_away_for_longer_loses_its_calls(meet: Meet) -> None:
    meeting = meet()
    meeting.outcome("presenter", meeting.dial("presenter", BOB))
    meeting.network.remove(meeting.host("focus"))
    meeting.network.run_for(100.0)
    assert meeting.wait_for("phone-bob", PhoneReleased).end is CallEnd.HUNG_UP_THERE
    assert meeting.sim.farm.mcus["mcu"].conferences == ()


@pytest.mark.parametrize("seed", range(3))
def test_two_presenters_want_opposite_things_at_once(meet: Meet, seed: int) -> None:
    people = (
        Person(name="presenter", user="ann", display_name="Ann"),
        Person(name="watcher", user="wes", display_name="Wes"),
        Person(name="second", user="ann", display_name="Ann, elsewhere"),
    )
    meeting = meet(people=people, seed=seed, conditions=Conditions(jitter=0.004, loss=0.05))
    commands = [("presenter", meeting.dial("presenter", BOB)), ("second", meeting.dial("second", BOB))]
    meeting.network.run_for(0.01 * seed)
    commands += [("presenter", meeting.eject("presenter", BOB)), ("second", meeting.dial("second", CAROL))]
    for name, locked in (("presenter", True), ("second", False)):
        lock = meeting.command(name, lambda client, now, locked=locked: client.set_lock(locked, now=now))
        commands.append((name, lock))
    settled(meeting, *commands)
    assert meeting.statuses(CAROL) == ["audio-video connected"]


def test_a_user_with_several_devices_and_a_phone_is_ejected_from_all(meet: Meet) -> None:
    people = (
        Person(name="presenter", user="ann", display_name="Ann"),
        Person(name="watcher", user="wes", display_name="Wes"),
        Person(name="second", user="wes", display_name="Wes, elsewhere"),
    )
    meeting = meet(
        people=people,
        conference_policy=focus.ConferenceRules(phone_of=lambda user, called: called.text == BOB),
        dial_out_policy=mcu.DialOutRules(phone_of=lambda user, address: address == BOB),
    )
    own = meeting.command("watcher", lambda client, now: client.add_user(WES, endpoint_uri=BOB, now=now))
    assert meeting.outcome("watcher", own).succeeded
    ejecting = meeting.eject("presenter", WES)
    assert meeting.outcome("presenter", ejecting).succeeded
    settled(meeting, ("presenter", ejecting))
    assert meeting.statuses(WES) == []
    for name in ("watcher", "second"):
        assert meeting.host(name).of(focus.Left)[-1].cause is focus.LeaveCause.DISMISSED
    assert meeting.wait_for("phone-bob", PhoneReleased).end is CallEnd.HUNG_UP_THERE


def test_a_lock_does_not_stop_a_phone_that_rings_already(meet: Meet) -> None:
    meeting = meet()
    dialling = meeting.dial("presenter", BOB)
    meeting.wait_for("phone-bob", PhoneRinging)
    lock = meeting.command("presenter", lambda client, now: client.set_lock(True, now=now))
    assert meeting.outcome("presenter", lock).succeeded
    assert meeting.outcome("presenter", dialling).succeeded
    settled(meeting, ("presenter", dialling), ("presenter", lock))
    assert meeting.statuses(BOB) == ["audio-video connected"]


def test_a_phone_that_still_rings_cannot_be_muted(meet: Meet) -> None:
    meeting = meet(bob=Reaction.IGNORE)
    meeting.dial("presenter", BOB)
    meeting.wait_for("phone-bob", PhoneRinging)
    meeting.network.run_for(0.1)
    roster = meeting.client("presenter").roster
    assert roster is not None
    assert roster.users is not None
    (endpoint,) = next(user for user in roster.users.users if user.entity == BOB).endpoints
    mute = meeting.command("presenter", lambda client, now: client.mute(BOB, endpoint=endpoint.entity, now=now))
    outcome = meeting.outcome("presenter", mute)
    assert isinstance(outcome.event, focus.CommandFailed)
    assert (outcome.event.status, outcome.text) == (404, "mediaDoesntExist")


@pytest.mark.parametrize("after", [0.0, 0.003, 0.01, 0.6])
def test_a_client_whose_connection_breaks_comes_back(meet: Meet, after: float) -> None:
    meeting = meet()
    dialling = meeting.dial("presenter", BOB)
    meeting.network.run_for(after)
    meeting.network.break_connections("presenter")
    settled(meeting, ("presenter", dialling))
    assert meeting.client("presenter").state is focus.ClientState.JOINED
    assert meeting.statuses(BOB) == ["audio-video connected"]


def test_a_subscription_is_mended_when_a_connection_breaks_that_the_session_does_not_use() -> None:
    people = (
        Person(name="presenter", user="ann", display_name="Ann"),
        Person(name="watcher", user="wes", display_name="Wes", transport="udp"),
    )
    meeting = Meeting(FarmPlan(people=people, handsets=[Handset(name="phone-bob", user="bob")]), seed=1)
    network, watcher = meeting.network, meeting.client("watcher")
    meeting.register_phones()
    meeting.open()
    watcher.leave(now=network.now)
    meeting.sim.kick("watcher")
    network.run_for(40.0)
    network.refusing.add("focus")  # then it joins over UDP
    watcher.join(meeting.uri, now=network.now)
    meeting.sim.kick("watcher")
    network.run_for(10.0)
    network.refusing.clear()
    watcher.subscribe(now=network.now)
    meeting.sim.kick("watcher")
    network.run_for(1.0)
    network.break_connections("watcher")
    network.run_for(1.0)
    assert meeting.outcome("presenter", meeting.dial("presenter", BOB)).succeeded
    network.run_for(1.0)
    assert meeting.roster("watcher") == meeting.true_roster()


def in_the_conference(meeting: Meeting, uri: str) -> bool:
    """Whether a user is connected in the roster of the Focus."""
    return meeting.statuses(uri) == ["audio-video connected"]


def steps(meeting: Meeting) -> list[Step]:
    return [item for item in meeting.network.ladder().items if isinstance(item, Step)]


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_phone_that_is_killed_is_gone_within_100_s(meet: Meet, told: bool, transport: str) -> None:
    meeting = meet(outbound_proxy=sip.Uri.parse(f"sip:192.0.2.7;transport={transport};lr"))
    network = meeting.network
    network.tells_undelivered = told  # the proxy hears at once that nobody is there, and says so each time
    for each in (BOB, CAROL):
        assert meeting.outcome("presenter", meeting.dial("presenter", each)).succeeded
    network.run_for(3.0)
    assert any(step.transport == transport.upper() and step.target == "phone-bob" for step in steps(meeting))
    network.remove(meeting.host("phone-bob"))
    network.run_for(50.0)
    assert in_the_conference(meeting, BOB)
    network.run_for(50.0)
    assert meeting.statuses(BOB) == []
    assert in_the_conference(meeting, CAROL)
    settled(meeting)


def test_a_silent_phone_outlives_a_proxy_that_starts_anew(meet: Meet) -> None:
    meeting = meet(dead_media=None)
    network = meeting.network
    network.tells_undelivered = True
    assert meeting.outcome("presenter", meeting.dial("presenter", BOB)).succeeded
    network.run_for(1.0)
    meeting.host("phone-bob").element.media = None  # not a packet any more
    network.run_for(55.0)
    network.deaf.add("proxy")
    network.run_for(15.0)
    assert in_the_conference(meeting, BOB)
    network.deaf.clear()
    network.run_for(200.0)
    assert in_the_conference(meeting, BOB)


def stumbling(*methods: str) -> Callable[[Passing], bytes]:
    """Bob's phone answers 500 to requests inside a call with these methods."""

    def alter(passing: Passing) -> bytes:
        asked = re.search(rb"\r\nCSeq: \d+ (\w+)", passing.data)
        if passing.sender == "phone-bob" and asked is not None and asked[1].decode() in methods:
            return passing.data.replace(b"SIP/2.0 200 OK", b"SIP/2.0 500 Server Internal Error", 1)
        return passing.data

    return alter


def test_a_phone_that_stumbles_over_the_question_lives_while_it_sends(meet: Meet) -> None:
    meeting = meet(dead_media=None)
    network = meeting.network
    assert meeting.outcome("presenter", meeting.dial("presenter", BOB)).succeeded
    network.run_for(1.0)
    network.middle = stumbling("UPDATE", "INVITE")
    phone = meeting.host("phone-bob").element
    media = phone.media
    phone.media = None
    network.run_for(65.0)
    assert [step.label for step in steps(meeting) if step.target == "mcu" and "500" in step.label]
    phone.media = media
    meeting.host("phone-bob").kick()
    network.run_for(100.0)
    assert in_the_conference(meeting, BOB)


@pytest.mark.parametrize(("methods", "lives"), [(("UPDATE",), True), (("UPDATE", "INVITE"), False)])
def test_a_silent_phone_lives_by_any_answer_of_its_own(meet: Meet, methods: tuple[str, ...], lives: bool) -> None:
    meeting = meet(dead_media=None)
    network = meeting.network
    assert meeting.outcome("presenter", meeting.dial("presenter", BOB)).succeeded
    network.run_for(1.0)
    network.middle = stumbling(*methods)
    meeting.host("phone-bob").element.media = None
    network.run_for(250.0)
    assert in_the_conference(meeting, BOB) is lives
