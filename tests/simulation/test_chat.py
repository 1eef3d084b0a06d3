"""Chat in a whole conference: clients call the chat MCU by way of the Focus (docs/ways-in.rst), and invite."""

from __future__ import annotations

import pytest

import focus
import mcu
from c3p import DELIVERY_REPORT_TYPE
from pyc3p.elements.farm import FarmPlan, Handset, Person
from pyc3p.phone import Reaction
from pyc3p.simnet import Meeting
from sip import Event

ANN, WES, BOB = "sip:ann@example.com", "sip:wes@example.com", "sip:bob@example.com"
PEOPLE = (
    Person(name="presenter", user="ann", display_name="Ann"),
    Person(name="watcher", user="wes", display_name="Wes"),
)


class Chatting(Meeting):
    """A meeting with chat, in which two people are."""

    def __init__(self, **plan: object) -> None:
        rules = mcu.DialOutRules(domains=None)
        super().__init__(FarmPlan(people=PEOPLE, chat=True, dial_out_policy=rules, **plan))  # type: ignore[arg-type]
        both = ("audio-video", "chat")
        self.client("presenter").create_conference(subject="R & D", mcu_types=both, now=self.network.now)
        self.sim.kick("presenter")
        self.uri = self.wait_for("presenter", focus.ConferenceCreated).conference_uri

    def both_join(self) -> None:
        """Both are in the conference and its chat."""
        for name in ("presenter", "watcher"):
            self.join(name)
            self.command(name, lambda client, now: client.open_chat(now=now))
            self.wait_for(name, focus.ChatOpened)
        self.network.run_for(0.5)

    def say(self, name: str, text: str) -> None:
        """Somebody says something, and it is taken."""
        command = self.command(name, lambda client, now: client.say(text, now=now))
        assert self.outcome(name, command).succeeded
        self.network.run_for(0.5)

    def heard(self, name: str) -> list[tuple[str, str]]:
        """Who said what, as somebody was shown it."""
        return [(each.sender, each.text) for each in self.host(name).of(focus.MessageReceived)]

    def place(self, name: str, user: str) -> str:
        """The address of a client or phone itself."""
        return f"sip:{user}@{self.sim.farm.places[name].host}:5060"


def last(meeting: Meeting, name: str, kind: type[Event], limit: float = 100.0) -> Event:
    return meeting.wait_for(name, kind, limit=limit)


# docs/flows.rst, 5.1


def test_what_one_says_the_other_hears_and_both_are_in_the_roster() -> None:
    meeting = Chatting()
    meeting.both_join()
    meeting.say("presenter", "hello & <welcome>")
    meeting.say("watcher", "grüß Gott")
    assert meeting.heard("watcher") == [(ANN, "hello & <welcome>")]
    assert meeting.heard("presenter") == [(WES, "grüß Gott")]
    assert meeting.statuses(ANN) == meeting.statuses(WES) == ["focus connected", "chat connected"]
    roster = meeting.client("watcher").roster
    assert roster is not None
    assert roster.description is not None
    assert {entry.purpose for entry in roster.description.conf_uris} >= {"audio-video", "chat"}


def test_who_is_not_in_the_conference_is_not_let_into_its_chat() -> None:
    meeting = Chatting()
    with pytest.raises(focus.LocalProtocolError):
        meeting.client("watcher").open_chat(now=meeting.network.now)
    meeting.join("presenter")
    with pytest.raises(focus.LocalProtocolError):
        meeting.client("presenter").say("too early", now=meeting.network.now)


def test_a_conference_without_chat_has_none() -> None:
    meeting = Chatting()
    meeting.client("presenter").create_conference(now=meeting.network.now)
    meeting.sim.kick("presenter")
    host = meeting.host("presenter")
    meeting.network.run_until(lambda: len(host.of(focus.ConferenceCreated)) > 1, 10.0, what="a record")
    meeting.uri = host.of(focus.ConferenceCreated)[-1].conference_uri
    meeting.join("presenter")
    command = meeting.command("presenter", lambda client, now: client.open_chat(now=now))
    assert not meeting.outcome("presenter", command).succeeded
    with pytest.raises(focus.LocalProtocolError):
        meeting.client("presenter").say("nobody there", now=meeting.network.now)


def test_that_somebody_is_writing_is_seen() -> None:
    meeting = Chatting()
    meeting.both_join()
    for active in (True, False):
        command = meeting.command(
            "presenter", lambda client, now, active=active: client.show_composing(active, now=now)
        )
        assert meeting.outcome("presenter", command).succeeded
    meeting.network.run_for(0.5)
    signs = meeting.host("watcher").of(focus.ComposingChanged)
    assert [(each.sender, each.active) for each in signs] == [(ANN, True), (ANN, False)]


# docs/flows.rst, 7, 9 and 12


def test_who_is_ejected_hears_nothing_any_more() -> None:
    meeting = Chatting()
    meeting.both_join()
    assert meeting.outcome("presenter", meeting.eject("presenter", WES)).succeeded
    closed = last(meeting, "watcher", focus.ChatClosed)
    assert isinstance(closed, focus.ChatClosed)
    assert closed.dismissed
    meeting.say("presenter", "without him")
    assert meeting.heard("watcher") == []
    assert meeting.statuses(WES) == []


def test_who_joined_before_the_lock_may_still_open_the_chat() -> None:
    meeting = Chatting()
    for name in ("presenter", "watcher"):
        meeting.join(name)
    lock = meeting.command("presenter", lambda client, now: client.set_lock(True, now=now))
    assert meeting.outcome("presenter", lock).succeeded
    meeting.command("watcher", lambda client, now: client.open_chat(now=now))
    last(meeting, "watcher", focus.ChatOpened)


def test_the_chat_ends_with_the_conference_and_nothing_stays() -> None:
    meeting = Chatting()
    meeting.both_join()
    ended = meeting.command("presenter", lambda client, now: client.end_conference(now=now))
    assert meeting.outcome("presenter", ended).succeeded
    for name in ("presenter", "watcher"):
        last(meeting, name, focus.ChatClosed)
        last(meeting, name, focus.Left)
    meeting.network.run_for(60.0)
    assert meeting.true_roster() == {}


def test_leaving_the_chat_is_not_leaving_the_conference() -> None:
    meeting = Chatting()
    meeting.both_join()
    meeting.client("watcher").close_chat(now=meeting.network.now)
    meeting.sim.kick("watcher")
    meeting.network.run_for(1.0)
    assert meeting.statuses(WES) == ["focus connected"]
    closed = last(meeting, "watcher", focus.ChatClosed)
    assert isinstance(closed, focus.ChatClosed)
    assert not (closed.dismissed)
    assert not (closed.lost)


# docs/flows.rst, 6


def invite(meeting: Chatting, user: str, **more: object) -> focus.CommandId:
    return meeting.command("presenter", lambda client, now: client.invite_to_conference(user, now=now, **more))  # type: ignore[arg-type]


def test_who_is_invited_and_accepts_is_in() -> None:
    meeting = Chatting()
    meeting.join("presenter")
    invite(meeting, meeting.place("watcher", "wes"))
    invited = last(meeting, "watcher", focus.ConferenceInvited)
    assert isinstance(invited, focus.ConferenceInvited)
    assert (invited.inviter, invited.conference_uri, invited.subject) == (ANN, meeting.uri, "R & D")
    assert (invited.im, invited.audio, invited.video) == (True, True, False)
    last(meeting, "presenter", focus.InvitationRinging)
    meeting.command("watcher", lambda client, now: client.accept_invitation(invited.invitation, now=now))
    last(meeting, "presenter", focus.InvitationAccepted)
    last(meeting, "watcher", focus.Joined)
    meeting.network.run_for(1.0)
    assert meeting.statuses(WES) == ["focus connected"]


def test_an_invitation_that_was_answered_cannot_be_answered_again() -> None:
    meeting = Chatting()
    meeting.join("presenter")
    invite(meeting, meeting.place("watcher", "wes"))
    invited = last(meeting, "watcher", focus.ConferenceInvited)
    assert isinstance(invited, focus.ConferenceInvited)
    client, now = meeting.client("watcher"), meeting.network.now
    client.decline_invitation(invited.invitation, now=now)
    with pytest.raises(focus.LocalProtocolError):
        client.accept_invitation(invited.invitation, now=now)
    assert client.state is focus.ClientState.OUT
    meeting.sim.kick("watcher")
    failed = last(meeting, "presenter", focus.InvitationFailed)
    assert isinstance(failed, focus.InvitationFailed)
    assert (failed.cause, failed.status) == (focus.InvitationFailure.DECLINED, 603)


def test_nobody_answers_in_time_and_the_invitation_is_withdrawn() -> None:
    meeting = Chatting()
    meeting.join("presenter")
    invite(meeting, meeting.place("watcher", "wes"))
    failed = last(meeting, "presenter", focus.InvitationFailed)
    assert isinstance(failed, focus.InvitationFailed)
    assert failed.cause is focus.InvitationFailure.NO_ANSWER
    assert last(meeting, "watcher", focus.InvitationWithdrawn)


def test_an_invitation_can_be_withdrawn() -> None:
    meeting = Chatting()
    meeting.join("presenter")
    command = invite(meeting, meeting.place("watcher", "wes"))
    last(meeting, "watcher", focus.ConferenceInvited)
    meeting.client("presenter").cancel_invitation(command, now=meeting.network.now)
    meeting.sim.kick("presenter")
    last(meeting, "watcher", focus.InvitationWithdrawn)
    failed = last(meeting, "presenter", focus.InvitationFailed)
    assert isinstance(failed, focus.InvitationFailed)
    assert failed.cause is focus.InvitationFailure.CANCELLED


def test_nobody_is_there() -> None:
    meeting = Chatting()
    meeting.join("presenter")
    invite(meeting, "sip:nobody@192.0.2.99:5060")
    failed = last(meeting, "presenter", focus.InvitationFailed)
    assert isinstance(failed, focus.InvitationFailed)
    assert failed.cause in (focus.InvitationFailure.NOT_REACHED, focus.InvitationFailure.NO_ANSWER)


def with_a_phone(**handset: object) -> Chatting:
    return Chatting(handsets=(Handset(name="phone", user="bob", **handset),))  # type: ignore[arg-type]


def test_a_phone_that_knows_no_invitations_is_called_instead() -> None:
    meeting = with_a_phone()
    meeting.register_phones()
    meeting.join("presenter")
    invite(meeting, meeting.place("phone", "bob"))
    instead = last(meeting, "presenter", focus.CalledInstead)
    assert isinstance(instead, focus.CalledInstead)
    assert instead.status in (415, 488, 606)
    assert meeting.outcome("presenter", instead.call).succeeded
    assert meeting.statuses(meeting.place("phone", "bob")) == ["audio-video connected"]


def test_where_nobody_is_to_be_called_instead_the_invitation_just_fails() -> None:
    meeting = with_a_phone(reaction=Reaction.ANSWER)
    meeting.register_phones()
    meeting.join("presenter")
    invite(meeting, meeting.place("phone", "bob"), dial_out=False)
    failed = last(meeting, "presenter", focus.InvitationFailed)
    assert isinstance(failed, focus.InvitationFailed)
    assert failed.cause is focus.InvitationFailure.NOT_UNDERSTOOD


# Reports of delivery (MS-CONFIM 2.2.2)


@pytest.mark.parametrize("status", [415, 486])
def test_who_says_something_is_told_who_did_not_get_it(status: int) -> None:
    meeting = Chatting()
    meeting.both_join()
    wes = meeting.client("watcher")
    wes._chat._requested = lambda request, transaction, now: (  # type: ignore[method-assign]
        wes._endpoint.respond(transaction, status, now=now) or []
    )
    command = meeting.command("presenter", lambda client, now: client.say("hi", now=now))
    assert meeting.outcome("presenter", command).succeeded
    meeting.network.run_for(1.0)
    (event,) = meeting.host("presenter").of(focus.MessageNotDelivered)
    assert (event.command, event.recipients) == (command, ((WES, status),))


def test_who_reached_everybody_is_told_nothing_more() -> None:
    meeting = Chatting()
    meeting.both_join()
    meeting.say("presenter", "hi")
    meeting.network.run_for(40.0)
    assert meeting.host("presenter").of(focus.MessageNotDelivered) == []
    assert "MessageNotDelivered" not in meeting.network.story()
    recording = [each.data for each in meeting.network.recording if each.layer == "sip"]
    reports = [each for each in recording if each.startswith(b"NOTIFY ") and b"ms-imdn" in each]
    answers = [each for each in recording if each.startswith(b"SIP/2.0 4") and b" NOTIFY\r\n" in each]
    assert reports
    assert answers == []


def test_a_report_that_makes_no_sense_is_refused_and_the_chat_goes_on() -> None:
    meeting = Chatting()
    meeting.both_join()
    chat = next(core for core in meeting.sim.farm.elements["mcu"].pump.cores if isinstance(core, mcu.ChatMcu))  # type: ignore[union-attr]
    session = next(leg.session for leg in chat._context.legs.values() if leg.session is not None)
    for body, content_type in ((b"<nonsense", DELIVERY_REPORT_TYPE), (b"text", "text/plain")):
        endpoint, now = chat._context.endpoint, meeting.network.now
        endpoint.request_in_session(session, "NOTIFY", body=body, content_type=content_type, now=now)
        meeting.sim.kick("mcu")
        meeting.network.run_for(1.0)
    meeting.say("presenter", "hi")
