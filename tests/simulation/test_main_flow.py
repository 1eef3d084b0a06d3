"""A presenter adds legacy phones to a conference: docs/wire-flow.rst, whole, in virtual time."""

from collections.abc import Callable

import attrs

import focus
import mcu.events
from pyc3p import Ladder
from pyc3p.phone import CallEnd, PhoneReleased, listen_for
from pyc3p.phone.wav import Recorder
from pyc3p.simnet import Meeting
from pyc3p.trace.ladder import Band, Step

BOB, CAROL, ANN, WES = (f"sip:{user}@example.com" for user in ("bob", "carol", "ann", "wes"))
Meet = Callable[..., Meeting]


def steps(meeting: Meeting, source: str, target: str) -> list[str]:
    """What went from one element to another, in words."""
    items = [item for item in meeting.network.ladder().items if isinstance(item, Step)]
    return [f"{item.label} {item.detail}".strip() for item in items if (item.source, item.target) == (source, target)]


def audio(meeting: Meeting, name: str) -> bytes:
    recorder = meeting.phone(name).recorder
    assert isinstance(recorder, Recorder)
    return recorder.audio


def test_a_phone_is_called_and_everybody_sees_it(meet: Meet) -> None:
    meeting = meet()
    assert meeting.outcome("presenter", meeting.dial("presenter", BOB)).succeeded
    meeting.network.run_for(0.1)
    assert meeting.statuses(BOB) == ["audio-video connected"]
    stages = ["audio-video dialing-out", "audio-video alerting", "audio-video connected"]
    for name in ("presenter", "watcher"):
        assert meeting.history(name, BOB) == stages
        assert meeting.roster(name) == meeting.true_roster()


def test_every_system_of_the_flow_does_its_part(meet: Meet) -> None:
    meeting = meet()
    meeting.outcome("presenter", meeting.dial("presenter", BOB))
    meeting.network.run_for(1.0)
    assert any(
        step.startswith("INFO addUser dialed-out bob@example.com") for step in steps(meeting, "presenter", "focus")
    )
    assert any(step.startswith("202 Accepted") for step in steps(meeting, "focus", "presenter"))
    assert steps(meeting, "focus", "mcu-factory")[0].startswith("POST addConference")
    to_mcu = steps(meeting, "focus", "mcu")
    assert to_mcu[0].startswith("POST addConference")
    assert any(step.startswith("POST addUser dialed-out bob@example.com") for step in to_mcu)
    assert steps(meeting, "mcu", "proxy")[0].startswith("INVITE bob@example.com SDP audio")
    assert any(step.startswith("INVITE bob@example.com") for step in steps(meeting, "proxy", "phone-bob"))
    assert any("connected" in step for step in steps(meeting, "mcu", "focus"))
    bands = [item for item in meeting.network.ladder().items if isinstance(item, Band)]
    assert [{band.left, band.right} for band in bands] == [{"mcu", "phone-bob"}]
    assert min(bands[0].forth, bands[0].back) > 40


def test_two_phones_hear_each_other_and_not_themselves(meet: Meet) -> None:
    meeting = meet()
    for user in (BOB, CAROL):
        assert meeting.outcome("presenter", meeting.dial("presenter", user)).succeeded
    meeting.network.run_for(2.0)
    at_bob, at_carol = audio(meeting, "phone-bob"), audio(meeting, "phone-carol")
    assert listen_for(at_bob, 1000).heard
    assert not listen_for(at_bob, 440).heard
    assert listen_for(at_carol, 440).heard
    assert not listen_for(at_carol, 1000).heard


def test_commands_given_at_once_wait_for_the_same_mcu(meet: Meet) -> None:
    meeting = meet()
    commands = [meeting.dial("presenter", user) for user in (BOB, CAROL)]
    assert all(meeting.outcome("presenter", command).succeeded for command in commands)
    assert sum(step.startswith("POST addConference") for step in steps(meeting, "focus", "mcu-factory")) == 1
    assert sum(step.startswith("POST addConference") for step in steps(meeting, "focus", "mcu")) == 1


def test_an_ejected_phone_is_hung_up_and_leaves_the_roster(meet: Meet) -> None:
    meeting = meet()
    meeting.outcome("presenter", meeting.dial("presenter", BOB))
    assert meeting.outcome("presenter", meeting.eject("presenter", BOB)).succeeded
    assert meeting.wait_for("phone-bob", PhoneReleased).end is CallEnd.HUNG_UP_THERE
    meeting.network.run_for(0.5)
    for name in ("presenter", "watcher"):
        assert meeting.history(name, BOB)[-2:] == ["audio-video disconnected (booted)", "gone"]
        assert meeting.roster(name) == meeting.true_roster()


def test_the_end_of_the_conference_ends_everything(meet: Meet) -> None:
    meeting = meet()
    meeting.outcome("presenter", meeting.dial("presenter", BOB))
    command = meeting.command("presenter", lambda client, now: client.end_conference(now=now))
    assert meeting.outcome("presenter", command).succeeded
    for name in ("presenter", "watcher"):
        assert meeting.wait_for(name, focus.Left).conference_uri == meeting.uri
    assert meeting.wait_for("phone-bob", PhoneReleased).end is CallEnd.HUNG_UP_THERE
    assert meeting.wait_for("mcu", mcu.events.ConferenceEnded).conference == meeting.uri
    meeting.network.run_for(60.0)
    assert meeting.sim.farm.elements["focus"].next_timeout() is None


def test_a_client_that_leaves_does_not_end_the_conference(meet: Meet) -> None:
    meeting = meet()
    meeting.outcome("presenter", meeting.dial("presenter", BOB))
    meeting.client("watcher").leave(now=meeting.network.now)
    meeting.sim.kick("watcher")
    meeting.wait_for("watcher", focus.Left)
    meeting.network.run_for(0.5)
    assert {user for user, _ in meeting.roster("presenter")} == {ANN, BOB}


def test_the_same_seed_gives_the_same_conference(meet: Meet) -> None:
    def story(seed: int) -> list[object]:
        meeting = meet(seed=seed)
        meeting.outcome("presenter", meeting.dial("presenter", BOB))
        return [attrs.astuple(record) for record in meeting.network.recording]

    assert story(5) == story(5)
    assert story(5) != story(6)


def test_a_conference_can_be_drawn_and_captured(meet: Meet, tmp_path) -> None:
    from pyc3p.trace.capture import read_records
    from pyc3p.trace.pcapng import write_pcapng

    meeting = meet()
    meeting.outcome("presenter", meeting.dial("presenter", BOB))
    meeting.network.run_for(0.5)
    assert write_pcapng(tmp_path / "a.pcapng", meeting.network.recording) == 0
    again = Ladder.of(read_records(tmp_path / "a.pcapng"), meeting.network.trace.names)
    ladder = meeting.network.ladder()
    assert again.columns == ladder.columns
    assert [item.label for item in again.items] == [item.label for item in ladder.items]
