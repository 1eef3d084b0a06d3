"""Each failure of a dial-out (docs/wire-flow.rst): without loss the named outcome, exactly one terminal event."""

from collections.abc import Callable

import pytest

import c3p
import focus
import mcu
from pyc3p.phone import CallEnd, PhoneReleased, PhoneRinging, Reaction
from pyc3p.simnet import HttpFault, Meeting

BOB, CAROL = "sip:bob@example.com", "sip:carol@example.com"
Meet = Callable[..., Meeting]


def failure(meeting: Meeting, name: str, command: focus.CommandId) -> focus.CommandFailed:
    """The one terminal event of a command that must fail; long after it nothing else has come."""
    meeting.outcome(name, command)
    meeting.network.run_for(300.0)
    (outcome,) = meeting.outcomes(name, command)
    assert isinstance(outcome.event, focus.CommandFailed)
    return outcome.event


def check_rosters(meeting: Meeting) -> None:
    """Everybody sees what the Focus holds, and bob is not in it."""
    assert meeting.statuses(BOB) == []
    for name in ("presenter", "watcher"):
        assert meeting.roster(name) == meeting.true_roster()


@pytest.mark.parametrize(
    ("reaction", "reason", "specific", "seen", "words"),
    [
        (Reaction.BUSY, "otherFailure", "dialOutBusy", "audio-video disconnected (busy)", "486 Busy Here"),
        (Reaction.DECLINE, "otherFailure", "dialOutDeclined", "audio-video disconnected (failed)", "603 Decline"),
        (Reaction.IGNORE, "timeout", "dialOutTimeout", "audio-video disconnected (failed)", "dialOutTimeout"),
        (Reaction.UNUSABLE_MEDIA, "otherFailure", "dialOutMedia", "audio-video disconnected (failed)", "dialOutMedia"),
    ],
)
def test_a_phone_that_does_not_take_the_call(
    meet: Meet, reaction: Reaction, reason: str, specific: str, seen: str, words: str
) -> None:
    meeting = meet(bob=reaction)
    failed = failure(meeting, "presenter", meeting.dial("presenter", BOB))
    assert failed.reason is focus.FailureReason.FAILURE
    assert failed.response is not None
    assert (failed.response.reason, failed.response.command_reason) == (reason, specific)
    assert failed.text == words
    assert failed.retry_safe is (specific == "dialOutBusy")
    for name in ("presenter", "watcher"):
        history = meeting.history(name, BOB)
        assert history[0] == "audio-video dialing-out"
        assert history[-2:] == [seen, "gone"]
    check_rosters(meeting)


def test_a_phone_that_nobody_answers_is_no_longer_rung(meet: Meet) -> None:
    meeting = meet(bob=Reaction.IGNORE)
    start = meeting.network.now
    meeting.outcome("presenter", meeting.dial("presenter", BOB))
    assert meeting.network.now - start == pytest.approx(60.0, abs=1.0)
    assert meeting.wait_for("phone-bob", PhoneReleased).end is CallEnd.CANCELLED


def test_nobody_is_at_that_address(meet: Meet) -> None:
    meeting = meet()
    failed = failure(meeting, "presenter", meeting.dial("presenter", "sip:nobody@example.com"))
    assert failed.response is not None
    assert failed.response.command_reason in ("dialOutNotFound", "dialOutTimeout")  # 404, or 480 for a known user away
    check_rosters(meeting)


def test_an_attendee_may_not_dial_out(meet: Meet) -> None:
    meeting = meet()
    failed = failure(meeting, "watcher", meeting.dial("watcher", BOB))
    assert failed.reason is focus.FailureReason.REFUSED
    assert failed.status == 403
    assert failed.diagnostics is not None
    assert failed.diagnostics.error_id == c3p.ErrorId.THIRD_PARTY_DIAL_OUT_NOT_ALLOWED
    assert meeting.history("presenter", BOB) == []
    check_rosters(meeting)


def test_an_attendee_may_have_its_own_phone_called(meet: Meet) -> None:
    meeting = meet(
        conference_policy=focus.ConferenceRules(phone_of=lambda user, called: called.text == BOB),
        dial_out_policy=mcu.DialOutRules(phone_of=lambda user, address: address == BOB),
    )
    command = meeting.command(
        "watcher", lambda client, now: client.add_user("sip:wes@example.com", endpoint_uri=BOB, now=now)
    )
    assert meeting.outcome("watcher", command).succeeded
    meeting.network.run_for(1.0)
    assert meeting.statuses("sip:wes@example.com") == ["focus connected", "audio-video connected"]
    assert meeting.roster("presenter") == meeting.true_roster()


def test_an_attendee_may_not_have_the_phone_of_somebody_else_called_as_its_own(meet: Meet) -> None:
    meeting = meet()
    command = meeting.command(
        "watcher", lambda client, now: client.add_user("sip:wes@example.com", endpoint_uri=BOB, now=now)
    )
    assert failure(meeting, "watcher", command).status == 403
    assert meeting.statuses("sip:wes@example.com") == ["focus connected"]


@pytest.mark.parametrize("fault", [HttpFault.REFUSED, HttpFault.SILENT, HttpFault.GARBAGE])
def test_the_only_mcu_cannot_be_reached(meet: Meet, fault: HttpFault) -> None:
    meeting = meet()
    meeting.network.web.faults["mcu"] = fault
    failed = failure(meeting, "presenter", meeting.dial("presenter", BOB))
    assert failed.reason is focus.FailureReason.FAILURE
    assert failed.response is not None
    assert failed.response.reason in ("serverBusy", "timeout")
    assert meeting.history("watcher", BOB) == []
    check_rosters(meeting)
    meeting.network.web.faults.clear()
    assert meeting.outcome("presenter", meeting.dial("presenter", BOB)).succeeded


def test_another_mcu_is_taken_when_the_first_cannot_be_reached(meet: Meet) -> None:
    meeting = meet(mcus=("mcu-1", "mcu-2", "mcu-3"))
    meeting.network.web.faults["mcu-1"] = HttpFault.REFUSED
    meeting.network.web.faults["mcu-2"] = HttpFault.REFUSED
    assert meeting.outcome("presenter", meeting.dial("presenter", BOB)).succeeded
    assert meeting.sim.farm.mcus["mcu-3"].conferences == (meeting.uri,)


def test_there_is_no_mcu_factory(meet: Meet) -> None:
    meeting = meet()
    meeting.network.web.faults["mcu-factory"] = HttpFault.REFUSED
    failed = failure(meeting, "presenter", meeting.dial("presenter", BOB))
    assert failed.response is not None
    check_rosters(meeting)


def test_the_proxy_cannot_be_reached(meet: Meet) -> None:
    meeting = meet()
    meeting.network.unreachable.add("proxy")
    failed = failure(meeting, "presenter", meeting.dial("presenter", BOB))
    assert failed.response is not None
    assert failed.response.command_reason in ("dialOutFailed", "dialOutTimeout")
    check_rosters(meeting)


def test_the_mcu_dies_during_the_call(meet: Meet) -> None:
    meeting = meet()
    meeting.outcome("presenter", meeting.dial("presenter", BOB))
    meeting.network.remove(meeting.host("mcu"))
    failure(meeting, "presenter", meeting.dial("presenter", CAROL))
    check_rosters(meeting)


def test_the_presenter_ejects_a_phone_that_still_rings(meet: Meet) -> None:
    meeting = meet(bob=Reaction.IGNORE)
    dialing = meeting.dial("presenter", BOB)
    meeting.wait_for("phone-bob", PhoneRinging)
    meeting.network.run_for(0.5)
    ejecting = meeting.eject("presenter", BOB)
    assert meeting.outcome("presenter", ejecting).succeeded
    failed = failure(meeting, "presenter", dialing)
    assert failed.response is not None
    assert failed.response.reason == "requestCancelled"
    assert meeting.wait_for("phone-bob", PhoneReleased).end is CallEnd.CANCELLED
    for name in ("presenter", "watcher"):
        assert meeting.history(name, BOB)[-2:] == ["audio-video disconnected (booted)", "gone"]
    check_rosters(meeting)


@pytest.mark.parametrize("after", [0.0, 0.01, 0.05, 0.3, 1.0, 2.0])
@pytest.mark.parametrize("bob", [Reaction.IGNORE, Reaction.BUSY, Reaction.ANSWER])
def test_an_ejection_is_told_before_the_end_of_the_call_that_it_cancels(
    meet: Meet, bob: Reaction, after: float
) -> None:
    meeting = meet(bob=bob)
    dialing = meeting.dial("presenter", BOB)
    meeting.network.run_for(after)
    ejecting = meeting.eject("presenter", BOB)
    meeting.outcome("presenter", ejecting)
    (ejected,) = meeting.outcomes("presenter", ejecting)
    if not ejected.succeeded:
        # It was gone before: refused for that, and for nothing else.
        assert isinstance(ejected.event, focus.CommandFailed)
        assert (ejected.event.reason, ejected.event.status) == (focus.FailureReason.REFUSED, 404)
        assert len(meeting.outcomes("presenter", dialing)) == 1
    elif bob is Reaction.IGNORE:
        assert failure(meeting, "presenter", dialing).response is not None
        assert meeting.outcomes("presenter", dialing)[0].event.response.reason == "requestCancelled"
    meeting.network.run_for(40.0)
    check_rosters(meeting)


def test_the_callee_hangs_up(meet: Meet) -> None:
    meeting = meet(hang_up_after=3.0)
    assert meeting.outcome("presenter", meeting.dial("presenter", BOB)).succeeded
    assert meeting.wait_for("phone-bob", PhoneReleased).end is CallEnd.HUNG_UP_HERE
    meeting.network.run_for(1.0)
    for name in ("presenter", "watcher"):
        history = meeting.history(name, BOB)
        assert history[-1] == "gone"
        assert history[-2] in ("audio-video connected", "audio-video disconnected (departed)")
    check_rosters(meeting)


def test_the_callee_holds_and_comes_back(meet: Meet) -> None:
    meeting = meet()
    meeting.outcome("presenter", meeting.dial("presenter", BOB))
    for held, seen in ((True, "audio-video on-hold"), (False, "audio-video connected")):
        meeting.phone("phone-bob").hold(held, now=meeting.network.now)
        meeting.sim.kick("phone-bob")
        meeting.network.run_for(1.0)
        assert meeting.history("watcher", BOB)[-1] == seen


def test_the_presenter_leaves_while_it_rings_and_the_call_goes_on(meet: Meet) -> None:
    meeting = meet()
    meeting.dial("presenter", BOB)
    meeting.wait_for("phone-bob", PhoneRinging)
    meeting.client("presenter").leave(now=meeting.network.now)
    meeting.sim.kick("presenter")
    meeting.wait_for("presenter", focus.Left)
    meeting.network.run_for(2.0)
    assert meeting.history("watcher", BOB)[-1] == "audio-video connected"
    assert len(meeting.outcomes("presenter", focus.CommandId(0))) <= 1


def test_a_phone_is_muted_and_unmuted(meet: Meet) -> None:
    meeting = meet()
    meeting.outcome("presenter", meeting.dial("presenter", BOB))
    roster = meeting.client("presenter").roster
    assert roster is not None
    assert roster.users is not None
    (bob,) = [user for user in roster.users.users if user.entity == BOB]
    for muted in (True, False):
        command = meeting.command(
            "presenter",
            lambda client, now, muted=muted: client.mute(BOB, endpoint=bob.endpoints[0].entity, muted=muted, now=now),
        )
        assert meeting.outcome("presenter", command).succeeded
        meeting.network.run_for(0.5)
        assert meeting.history("watcher", BOB)[-1].endswith("muted") is muted
