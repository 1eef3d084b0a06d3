"""Notifications to a Focus: one at a time, minimal while it answers, whole after any failure."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from c3p import (
    AddUser,
    Code,
    ConferenceInfo,
    ConferenceKeys,
    DeleteConference,
    ExchangeFailure,
    GetConference,
    Notify,
    Reply,
    Request,
    Response,
    User,
    Users,
)
from mcu import ConferenceEndCause, ConferenceEnded
from mcu.focus_link import FocusLink, FocusLinkSettings
from tests.mcu.harness import CALLBACK, CONFERENCE, World, guid, ringing


class Talk:
    """A conference whose state is the names of its users, its link, and a Focus that believes what it is told."""

    def __init__(self, **settings: float) -> None:
        self.now = 0.0
        self.users: list[str] = []
        self.under_way: list[Notify | Response] = []
        self.known: ConferenceInfo | None = None
        self.versions: list[int] = []
        self.answered: list[str] = []
        self.link = FocusLink(
            conference=CONFERENCE,
            mcu_uri="sip:mcu",
            url="https://focus.example.com/",
            assignment="7",
            settings=FocusLinkSettings(**settings),  # type: ignore[arg-type]
            now=0.0,
        )
        self.fetch()

    @property
    def due(self) -> float | None:
        return self.link.next_timeout()

    def full(self, version: int) -> ConferenceInfo:
        users = tuple(User(entity=name, state="full") for name in self.users)
        return ConferenceInfo(entity=CONFERENCE, state="full", version=version, users=Users(state="full", users=users))

    def change(self, name: str, state: str) -> None:
        if state == "full":
            self.users.append(name)
        else:
            self.users.remove(name)
        users = Users(state="partial", users=(User(entity=name, state=state),))
        self.link.notify(ConferenceInfo(entity=CONFERENCE, state="partial", users=users))
        self.fetch()

    def respond(self, request_id: str, code: Code = Code.SUCCESS) -> None:
        command = AddUser(conference_keys=ConferenceKeys(conf_entity=CONFERENCE), user=User(entity="sip:x"))
        request = Request(request_id=request_id, from_="a", to="b", command=command)
        self.link.respond(request.respond(code))
        self.fetch()

    def fetch(self) -> None:
        """Post what may be posted: one document at a time."""
        document = self.link.document_to_send(self.full, now=self.now)
        if document is not None:
            self.under_way.append(document)
        assert len(self.under_way) <= 1

    def deliver(self, outcome: Reply | ExchangeFailure, *, believed: bool = True) -> Notify | Response | None:
        """Let the document under way arrive."""
        self.fetch()
        if not self.under_way:
            return None
        document = self.under_way.pop()
        if believed:
            self._believe(document)
        if isinstance(outcome, Reply):
            self.link.replied(outcome, now=self.now)
        else:
            self.link.failed(now=self.now)
        self.fetch()
        return document

    def _believe(self, document: Notify | Response) -> None:
        if isinstance(document, Response):
            self.answered.append(document.request_id)
            return
        info = document.conference_info
        assert info.version is not None
        self.versions.append(info.version)
        if self.known is not None and self.known.version is not None and info.version <= self.known.version:
            return  # Older than the answer to getConference.
        self.known = info if info.state == "full" else self.known and self.known.apply(info)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        if self.due is not None and self.due <= self.now:
            self.link.handle_timeout(now=self.now)
            self.fetch()

    @property
    def believed(self) -> set[str]:
        users = self.known.users if self.known is not None else None
        return {user.entity for user in users.users} if users is not None else set()


OK = Reply(200)


def state_of(document: Notify | Response | None) -> str | None:
    assert isinstance(document, Notify)
    return document.conference_info.state


def test_first_whole_then_changes_one_at_a_time_in_order() -> None:
    talk = Talk()
    talk.change("sip:a", "full")
    talk.change("sip:b", "full")
    assert state_of(talk.deliver(OK)) == "full"
    assert state_of(talk.deliver(OK)) == "partial"
    assert state_of(talk.deliver(OK)) == "partial"
    assert talk.deliver(OK) is None
    assert talk.versions == [1, 2, 3]
    assert talk.believed == {"sip:a", "sip:b"}


@pytest.mark.parametrize("failure", [ExchangeFailure.CONNECT, ExchangeFailure.TIMEOUT, Reply(500), Reply(404)])
def test_after_a_failure_the_next_document_is_whole(failure: Reply | ExchangeFailure) -> None:
    talk = Talk()
    talk.deliver(OK)
    talk.change("sip:a", "full")
    talk.change("sip:b", "full")
    talk.deliver(failure, believed=False)
    assert talk.deliver(OK) is None
    talk.pass_time(1.0)
    assert state_of(talk.deliver(OK)) == "full"
    assert talk.deliver(OK) is None
    assert talk.believed == {"sip:a", "sip:b"}


def test_retries_wait_1_2_4_up_to_30_seconds_and_then_the_focus_is_gone() -> None:
    talk = Talk(give_up=1000.0)
    waits = []
    for _ in range(8):
        talk.deliver(ExchangeFailure.CONNECT, believed=False)
        assert talk.due is not None
        waits.append(talk.due - talk.now)
        talk.pass_time(talk.due - talk.now)
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
    assert not talk.link.focus_lost(talk.now)
    assert talk.link.focus_lost(1000.0)


def test_a_focus_that_comes_back_just_before_its_time_is_over_is_found() -> None:
    talk = Talk(give_up=60.0)
    while talk.now < 58.0:
        talk.deliver(ExchangeFailure.CONNECT, believed=False)
        assert talk.due is not None
        waited = talk.due - talk.now
        talk.pass_time(waited)
    assert not talk.link.focus_lost(talk.now)
    assert waited <= 2.0
    talk.deliver(OK)
    assert not talk.link.focus_lost(1000.0)


def test_a_focus_that_wants_to_be_left_alone_for_longer_than_it_may_be_away_is_asked_before() -> None:
    talk = Talk(give_up=60.0)
    talk.deliver(Reply(503, retry_after=100), believed=False)
    assert talk.due == 30.0


def test_a_focus_that_drains_says_when_to_come_back() -> None:
    talk = Talk()
    talk.deliver(Reply(503, retry_after=20), believed=False)
    assert talk.due == 20.0


def test_a_response_follows_the_changes_before_it() -> None:
    talk = Talk()
    talk.change("sip:a", "full")
    talk.respond("1")
    assert isinstance(talk.deliver(OK), Notify)
    assert isinstance(talk.deliver(OK), Notify)
    assert isinstance(talk.deliver(OK), Response)


def test_responses_go_out_even_while_changes_fail() -> None:
    talk = Talk()
    talk.respond("1")
    talk.deliver(Reply(404), believed=False)
    assert isinstance(talk.deliver(OK), Response)
    assert talk.answered == ["1"]


def test_a_lost_response_is_sent_again_and_a_refused_one_is_not() -> None:
    talk = Talk()
    talk.deliver(OK)
    talk.respond("1")
    talk.deliver(ExchangeFailure.CONNECT, believed=False)
    talk.pass_time(1.0)
    assert isinstance(talk.deliver(Reply(404)), Response)
    assert talk.deliver(OK) is None
    assert talk.answered == ["1"]


def test_a_final_response_replaces_pending_ones_that_wait() -> None:
    talk = Talk()
    talk.respond("1", Code.PENDING)
    talk.respond("1", Code.SUCCESS)
    talk.deliver(OK)
    response = talk.deliver(OK)
    assert isinstance(response, Response)
    assert response.code is Code.SUCCESS
    assert talk.deliver(OK) is None


def test_what_waits_is_bounded() -> None:
    talk = Talk(max_documents=3, max_responses=2)
    talk.deliver(OK)
    for number in range(10):
        talk.change(f"sip:{number}", "full")
        talk.respond(str(number))
    assert state_of(talk.deliver(OK)) == "partial"
    assert state_of(talk.deliver(OK)) == "full"
    assert talk.link.dropped == 8


@pytest.mark.parametrize("somebody", [True, False])
def test_a_quiet_focus_is_asked_whether_it_is_there(somebody: bool) -> None:
    talk = Talk()
    talk.deliver(OK)
    if somebody:
        talk.change("sip:a", "full")
        talk.deliver(OK)
    assert talk.due == 30.0
    talk.pass_time(30.0)
    document = talk.deliver(OK)
    assert isinstance(document, Notify)
    assert document.conference_info.users is None
    assert talk.due == 60.0


class TheFocusConverges(RuleBasedStateMachine):
    """Whatever is lost, at the end of any run in which the Focus answers again it knows the state."""

    names = st.sampled_from(["sip:a", "sip:b", "sip:c", "sip:d"])

    @initialize()
    def begin(self) -> None:
        self.talk = Talk(max_documents=3, give_up=1e9)

    @rule(name=names)
    def come_or_go(self, name: str) -> None:
        self.talk.change(name, "deleted" if name in self.talk.users else "full")

    @rule(outcome=st.sampled_from([OK, OK, Reply(500), ExchangeFailure.CONNECT]))
    def arrive(self, outcome: Reply | ExchangeFailure) -> None:
        self.talk.deliver(outcome, believed=outcome is OK)

    @rule()
    def arrive_but_the_answer_is_lost(self) -> None:
        self.talk.deliver(ExchangeFailure.TIMEOUT)

    @rule(seconds=st.floats(0.1, 40.0))
    def wait(self, seconds: float) -> None:
        self.talk.pass_time(seconds)

    @precondition(lambda self: not self.talk.under_way)
    @rule()
    def ask(self) -> None:
        self.talk.known = self.talk.full(self.talk.link.snapshot())
        self.talk.fetch()

    @invariant()
    def versions_only_grow(self) -> None:
        assert self.talk.versions == sorted(set(self.talk.versions))

    def teardown(self) -> None:
        for _ in range(12):
            self.talk.pass_time(31.0)
            while self.talk.deliver(OK) is not None:
                pass
        assert self.talk.believed == set(self.talk.users)


TestConvergence = TheFocusConverges.TestCase
TestConvergence.settings = settings(max_examples=25, stateful_step_count=20)


# In a whole MCU ------------------------------------------------------------------------------------------------------


def test_a_conference_without_focus_closes_after_a_minute() -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    ringing_phone = world.phone(8, ringing)
    world.dial(7)
    world.run(10.0)
    world.focus.reply = ExchangeFailure.CONNECT
    world.dial(8)
    world.run(59.0)
    assert world.mcu.conferences == (CONFERENCE,)
    world.run(2.0)
    assert list(world.mcu.conferences) == []
    (ended,) = [event for event in world.events if isinstance(event, ConferenceEnded)]
    assert ended.cause is ConferenceEndCause.FOCUS_LOST
    assert {type(event).__name__ for event in phone.seen} >= {"SessionEnded"}
    assert {type(event).__name__ for event in ringing_phone.seen} >= {"SessionCancelled"}
    sent = len(world.focus.exchanges)
    world.run(200.0)
    assert len(world.focus.exchanges) == sent
    assert world.mcu.next_timeout() is None


def test_a_conference_without_legs_ends_when_its_focus_does_not_know_it() -> None:
    world = World()
    world.start()
    keys = ConferenceKeys(conf_entity=CONFERENCE)
    refused = world.post(DeleteConference(conference_keys=keys), originator_role="attendee")
    assert isinstance(refused.document, Response)
    assert refused.document.code is Code.FAILURE
    world.run(200.0)
    assert world.mcu.conferences == (CONFERENCE,)  # its Focus still answers
    world.focus.reply = Reply(404)
    world.run(100.0)
    assert list(world.mcu.conferences) == []
    (ended,) = [event for event in world.events if isinstance(event, ConferenceEnded)]
    assert ended.cause is ConferenceEndCause.FOCUS_LOST
    assert world.mcu.next_timeout() is None


def test_a_conference_without_legs_of_which_its_focus_says_nothing_ends() -> None:
    world = World()
    world.start()
    world.run(299.0)
    world.post(GetConference(conference_keys=ConferenceKeys(conf_entity=CONFERENCE)))
    world.run(299.0)
    assert world.mcu.conferences == (CONFERENCE,)  # it was asked for
    world.run(2.0)
    (ended,) = [event for event in world.events if isinstance(event, ConferenceEnded)]
    assert ended.cause is ConferenceEndCause.ORPHANED
    assert list(world.mcu.conferences) == []
    world.run(200.0)
    assert world.mcu.next_timeout() is None


def test_a_conference_with_legs_is_no_orphan_and_its_time_begins_with_the_end_of_the_last() -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    world.dial(7)
    world.run(1_000.0)
    assert world.mcu.legs == 1
    phone.hang_up()
    world.run(299.0)
    assert world.mcu.conferences == (CONFERENCE,)
    world.run(2.0)
    assert list(world.mcu.conferences) == []


def test_the_late_end_of_an_earlier_assignment_does_not_end_the_one_that_is_now() -> None:
    world = World()
    world.start()
    world.run(1.0)
    keys = ConferenceKeys(conf_entity=CONFERENCE)
    notify = [one.document for one in world.focus.exchanges if isinstance(one.document, Notify)][-1]
    assert notify.assignment  # by which a Focus tells MCUs of one principal apart
    late = world.post(DeleteConference(conference_keys=keys, assignment="1000001"))
    assert late.status == 404
    assert world.mcu.conferences == (CONFERENCE,)
    world.post(DeleteConference(conference_keys=keys, assignment=notify.assignment))
    assert list(world.mcu.conferences) == []


def test_a_focus_that_comes_back_in_time_claims_the_conference_again() -> None:
    world = World()
    world.start()
    world.phone(7)
    world.dial(7)
    world.focus.reply = ExchangeFailure.CONNECT
    world.run(50.0)
    world.focus.reply = Reply(200)
    reply = world.start(callback="https://focus2.example.com/")
    assert reply.status == 200
    world.run(30.0)
    assert world.mcu.conferences == (CONFERENCE,)
    last = world.focus.exchanges[-1]
    assert last.url == "https://focus2.example.com/"
    users = world.focus.notifications[-1].users
    assert users is None or users.users[0].endpoints[0].entity == guid(7)
    assert world.eject(7).status == 200


def test_a_second_focus_does_not_get_a_conference_that_has_one() -> None:
    world = World(focus_peers=frozenset({"focus", "focus2"}))
    world.start()
    world.phone(7)
    world.dial(7)
    assert world.start(peer="stranger", callback="https://stranger.example.com/", locked=True).status == 403
    assert world.start(peer="focus2", callback="https://focus2.example.com/", locked=True).status == 403
    assert world.eject(7, peer="focus2").status == 403
    world.run(10.0)
    assert {exchange.url for exchange in world.focus.exchanges} == {CALLBACK}
    assert world.eject(7).status == 200
    world.focus.reply = ExchangeFailure.CONNECT
    world.run(200.0)
    assert world.start(peer="focus2", callback="https://focus2.example.com/").status == 200  # the first is gone


def test_a_focus_is_called_back_on_its_own_hosts_only() -> None:
    world = World(callback_hosts={"focus": frozenset({"focus.example.com"})})
    for callback in ("http://elsewhere.example.com/", "http://focus.example.com@elsewhere.example.com/"):
        assert world.start(callback=callback).status == 403
    assert world.mcu.conferences == ()
    assert world.start(callback="https://focus.example.com:8444/LiveServer/Focus").status == 200
    assert world.start(callback="http://elsewhere.example.com/").status == 403
    assert all(exchange.peer == "focus" for exchange in world.focus.exchanges)
