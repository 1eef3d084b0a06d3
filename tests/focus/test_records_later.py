"""A store that needs time: questions and answers, order, limits, and those who go while they wait."""

from __future__ import annotations

import itertools

import attrs
import pytest
from focus_site import DOMAIN, Phone, RawPeer, Site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from late_store import LateStore
from test_factory import ALICE, ID, Scheduler, record

from c3p import (
    AddConference,
    Code,
    Command,
    ConferenceInfo,
    ConferenceKeys,
    DeleteConference,
    GetConference,
    GetConferences,
    ModifyConference,
    Request,
    Response,
    parse_document,
)
from focus import (
    ConferenceActivated,
    ConferenceEnded,
    ConferenceRecord,
    Focus,
    FocusConfig,
    Joined,
    JoinFailed,
    LocalProtocolError,
    RecordAdded,
    RecordRemoved,
    RecordsWanted,
    RecordWanted,
    RecordWriteWanted,
    Written,
)
from focus.questions import procedures
from sip import InternalFault, SeededEntropy
from sip import Response as SipResponse

KEYS = ConferenceKeys(conference_id=ID)
TIMEOUT = FocusConfig().answer_timeout


def late_site(**focus: object) -> tuple[Site, LateStore, str]:
    """A site whose store is slow, and the URI of a conference of alice's in it."""
    site = Site(late=True, **focus)
    store = LateStore(site, at_once=True)
    conference = site.created(site.client("alice"))
    store.at_once = False
    return site, store, conference


def joining(site: Site, name: str, conference: str) -> Phone:
    """A client that has sent its INVITE."""
    phone = site.client(name)
    phone.client.join(conference, now=site.net.now)
    site.net.run()
    return phone


def status(phone: Phone) -> int | None:
    """How a join ended: 200, or the refusal; None while it has not."""
    if phone.node.of(Joined):
        return 200
    failed = phone.node.of(JoinFailed)
    return failed[0].status if failed else None


def invitation(conference: str, branch: str) -> bytes:
    """A joining INVITE as bytes; what it asks for does not matter."""
    return RawPeer.message(
        f"""INVITE {conference} SIP/2.0
        Via: SIP/2.0/TCP 192.0.2.77:5060;branch=z9hG4bK{branch}
        Max-Forwards: 70
        From: <sip:raw{branch}@{DOMAIN}>;tag=1
        To: <{conference}>
        Contact: <sip:raw@192.0.2.77;transport=tcp>
        Call-ID: {branch}
        CSeq: 1 INVITE"""
    )


# The Focus -----------------------------------------------------------------------------------------------------------


def test_a_join_waits_for_its_record_and_goes_on_with_it() -> None:
    site, store, conference = late_site()
    bob = joining(site, "bob", conference)
    assert status(bob) is None
    (wanted,) = store.open
    assert isinstance(wanted, RecordWanted)
    assert wanted.conference_uri == conference
    store.answer()
    assert status(bob) == 200
    assert site.focus.conferences == (conference,)


def test_in_an_active_conference_nothing_is_asked() -> None:
    site, store, conference = late_site()
    joining(site, "bob", conference)
    store.answer()
    assert status(joining(site, "carol", conference)) == 200
    assert store.open == []


def test_a_record_that_the_store_does_not_have_is_404_and_one_that_is_over_as_well() -> None:
    site, store, conference = late_site()
    nobody = joining(site, "bob", conference + "X")
    store.answer()
    assert status(nobody) == 404
    late = joining(site, "carol", conference)
    wanted = store.open.pop()
    over = attrs.evolve(site.store.get(wanted.key), expires_at=site.focus._context.endpoint.wall_clock + site.net.now)  # type: ignore[union-attr]
    site.focus.record_found(wanted.id, over, now=site.net.now)
    site.net.run()
    site.node.take([])
    site.net.run()
    assert status(late) == 404


def test_joins_of_one_conference_keep_their_order_and_ask_once() -> None:
    site, store, conference = late_site()
    phones = [joining(site, name, conference) for name in ("bob", "carol", "dave")]
    assert len(store.open) == 1
    store.answer()
    assert [status(one) for one in phones] == [200, 200, 200]
    assert [event.user for event in site.node.events if type(event).__name__ == "ParticipantJoined"] == [
        f"sip:{name}@{DOMAIN}" for name in ("bob", "carol", "dave")
    ]


def test_joins_of_different_conferences_do_not_wait_for_each_other() -> None:
    site, store, first = late_site()
    store.at_once = True
    second = site.created(site.client("erin"))
    store.at_once = False
    bob, carol = joining(site, "bob", first), joining(site, "carol", second)
    store.answer(store.open[1])
    assert (status(bob), status(carol)) == (None, 200)


def test_a_store_that_never_answers_is_503_in_time_and_nothing_is_kept() -> None:
    site, store, conference = late_site()
    phones = [joining(site, "bob", conference), joining(site, "carol", conference)]
    assert site.focus.next_timeout() == pytest.approx(site.net.now + TIMEOUT, abs=1.0)
    site.net.run(TIMEOUT + 1.0)
    assert [status(one) for one in phones] == [503, 503]
    assert phones[0].node.last(JoinFailed).status == 503
    assert (len(site.focus._procedures), site.focus.next_timeout()) == (0, None)
    store.answer()  # too late: it is dropped
    assert site.focus.conferences == ()
    assert status(joining(site, "dave", conference)) is None
    store.answer()
    assert site.focus.conferences == (conference,)


def test_a_store_that_says_that_it_failed_is_503_at_once_and_the_next_in_line_asks_anew() -> None:
    site, store, conference = late_site()
    bob, carol = joining(site, "bob", conference), joining(site, "carol", conference)
    store.fail()
    assert (status(bob), status(carol)) == (503, None)
    store.answer()
    assert status(carol) == 200


def test_an_answer_that_nobody_asked_for_is_a_mistake_of_the_caller_and_changes_nothing() -> None:
    site, store, conference = late_site()
    bob = joining(site, "bob", conference)
    wanted = store.open[0]
    with pytest.raises(LocalProtocolError):
        site.focus.record_found(wanted.id + 1, None, now=site.net.now)
    with pytest.raises(LocalProtocolError):
        site.focus.identified("x", None, now=site.net.now)
    with pytest.raises(LocalProtocolError):
        site.factory.record_written(wanted.id, now=site.net.now)
    with pytest.raises(LocalProtocolError):
        site.factory.store_failed(99, now=site.net.now)
    assert status(bob) is None
    store.answer()
    assert status(bob) == 200
    with pytest.raises(LocalProtocolError):
        site.focus.record_found(wanted.id, None, now=site.net.now)
    with pytest.raises(LocalProtocolError):
        site.focus.store_failed(wanted.id, now=site.net.now)
    assert site.focus.conferences == (conference,)


def test_a_caller_who_gives_up_lets_the_next_one_go_on() -> None:
    site, store, conference = late_site()
    bob, carol = joining(site, "bob", conference), joining(site, "carol", conference)
    first = store.open[0]
    site.net.run(0.5)  # a CANCEL waits for 100
    bob.client.leave(now=site.net.now)
    site.net.run()
    assert (status(bob), status(carol)) == (487, None)
    assert len(store.open) == 2  # carol's question
    store.answer(store.open[1])
    assert status(carol) == 200
    store.answer(first)
    assert len(site.node.of(ConferenceActivated)) == 1


def test_who_gives_up_in_a_line_leaves_the_others_there() -> None:
    site, store, conference = late_site()
    bob, carol, dave = (joining(site, name, conference) for name in ("bob", "carol", "dave"))
    site.net.run(0.5)
    carol.client.leave(now=site.net.now)
    site.net.run()
    store.answer()
    assert [status(one) for one in (bob, carol, dave)] == [200, 487, 200]


def test_how_many_wait_is_limited_and_the_others_are_refused_at_once() -> None:
    site, store, conference = late_site(max_waiting_joins=2)
    phones = [joining(site, name, conference) for name in ("bob", "carol", "dave")]
    assert [status(one) for one in phones] == [None, None, 503]
    store.answer()
    assert [status(one) for one in phones] == [200, 200, 503]
    other = joining(site, "erin", conference + "X")
    more = joining(site, "frank", conference + "Y")
    assert status(joining(site, "grace", conference + "Z")) == 503
    assert (status(other), status(more), len(store.open)) == (None, None, 2)


def test_one_source_does_not_take_all_places_and_gets_its_own_back() -> None:
    site, store, conference = late_site(max_waiting_per_source=2)
    bob = site.client("bob")
    flow = site.net.pair(bob.node, site.node, "TCP")[1]
    for number in range(3):
        invite = invitation(conference + str(number), f"{number}")
        site.node.take(site.node.endpoint.receive_data(invite, flow=flow, now=site.net.now))
    assert len(store.open) == 2
    assert status(joining(site, "carol", conference)) is None
    assert len(store.open) == 3
    store.answer_all()
    assert site.focus._procedures._of_source == {}


def test_nobody_is_let_in_on_a_connection_that_has_broken() -> None:
    site, store, conference = late_site()
    bob, carol = joining(site, "bob", conference), joining(site, "carol", conference)
    site.net.unreachable(bob.node)
    site.net.break_off(next(iter(site.net.connections(bob.node))))
    store.answer_all()
    assert (status(carol), len(site.focus.roster(conference).users.users)) == (200, 1)  # type: ignore[union-attr]


def test_a_record_that_is_deleted_while_a_join_reads_it_ends_the_conference() -> None:
    site, store, conference = late_site()
    bob = joining(site, "bob", conference)
    found = site.store.get(store.open[0].key)
    site.store.remove(store.open[0].key)
    site.focus.record_replaced(conference, None, now=site.net.now)
    site.focus.record_found(store.open.pop().id, found, now=site.net.now)
    site.node.take([])
    site.net.run()
    assert status(bob) == 200
    assert site.focus.conferences == ()
    assert len(site.node.of(ConferenceEnded)) == 1


def test_a_change_that_is_announced_is_asked_for_and_without_an_answer_the_conference_goes_on() -> None:
    site, store, conference = late_site()
    joining(site, "bob", conference)
    store.answer()
    site.focus.record_changed(conference, now=site.net.now)
    site.node.take([])
    assert len(store.open) == 1
    store.fail()
    assert site.focus.conferences == (conference,)
    site.store.remove(site.focus._active.get(next(iter(site.focus._active)).key).key)  # type: ignore[union-attr]
    site.focus.record_changed(conference, now=site.net.now)
    site.node.take([])
    store.answer()
    assert site.focus.conferences == ()
    site.focus.record_changed(conference, now=site.net.now)  # not active: of no interest
    site.node.take([])
    assert store.open == []


def test_a_conference_that_ended_while_its_record_was_asked_for_stays_ended() -> None:
    site, store, conference = late_site()
    joining(site, "bob", conference)
    store.answer()
    site.focus.record_changed(conference, now=site.net.now)
    site.node.take([])
    site.focus.end_conference(conference, now=site.net.now)
    store.answer()
    assert site.focus.conferences == ()
    assert len(site.node.of(ConferenceEnded)) == 1


def test_what_is_asked_anew_after_its_time_is_not_asked() -> None:
    """A store that is so late that the time is over at the very moment of its answer."""
    site, store, peer = factory_site()
    asked(peer, record(), 1)
    store.answer_all()
    asked(peer, DeleteConference(conference_keys=KEYS), 2)
    site.factory.record_found(
        store.open[0].id, site.store.of_organizer(f"alice@{DOMAIN}")[0], now=site.net.now + TIMEOUT
    )
    site.node.take([])
    site.net.run()
    assert codes(peer) == [Code.SUCCESS, 503]
    assert len(site.store.of_organizer(f"alice@{DOMAIN}")) == 1


def test_of_questions_given_up_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(procedures, "_REMEMBERED", 1)
    site, store, conference = late_site()
    joining(site, "bob", conference)
    joining(site, "carol", conference + "X")
    site.net.run(TIMEOUT + 1.0)
    first, second = store.open
    with pytest.raises(LocalProtocolError):
        store.answer(first)
    store.answer(second)


def test_a_subscription_without_join_waits_for_the_record_too() -> None:
    site, store, conference = late_site()
    peer = Scheduler(site)
    text = f"""SUBSCRIBE {conference} SIP/2.0
    Via: SIP/2.0/TCP 192.0.2.77:5060;branch=z9hG4bKsub
    Max-Forwards: 70
    From: <{ALICE}>;tag=1
    To: <{conference}>
    Contact: <sip:alice@192.0.2.77;transport=tcp>
    Call-ID: sub
    CSeq: 1 SUBSCRIBE
    Event: conference"""
    assert peer.send(text) == []
    store.answer()
    (answer,) = peer.received
    assert isinstance(answer, SipResponse)
    assert answer.status == 403


def test_what_breaks_when_an_answer_comes_is_the_fault_of_that_request_alone() -> None:
    site, store, conference = late_site()
    site.net.faults_raise = False
    bob, carol = joining(site, "bob", conference), joining(site, "carol", conference)
    wanted = store.open.pop()
    site.focus.record_found(wanted.id, "no record", now=site.net.now)  # type: ignore[arg-type]
    site.node.take([])
    site.net.run()
    assert (status(bob), status(carol)) == (500, None)
    assert len(site.node.of(InternalFault)) == 1
    store.answer()
    assert status(carol) == 200


def test_a_remote_factory_is_for_a_store_that_answers_at_once() -> None:
    site = Site()
    with pytest.raises(LocalProtocolError):
        Focus(
            site.node.endpoint,
            FocusConfig(owner="another", records_url="http://records.example.com/"),
            store=None,
            entropy=SeededEntropy(b"x"),
        )


# The Focus Factory ---------------------------------------------------------------------------------------------------


def asked(peer: Scheduler, command: Command, number: int = 0) -> None:
    """Send a command without waiting for its answer."""
    factory = f"{ALICE};gruu;opaque=app:conf:focusfactory"
    document = Request(request_id=str(number), from_=ALICE, to=factory, command=command)
    peer.send(
        f"""SERVICE {factory} SIP/2.0
        Via: SIP/2.0/TCP 192.0.2.77:5060;branch=z9hG4bKlate{number}
        Max-Forwards: 70
        From: <{ALICE}>;tag=1
        To: <{factory}>
        Call-ID: late-{number}
        CSeq: 1 SERVICE
        Content-Type: application/cccp+xml""",
        bytes(document),
    )


def answers(peer: Scheduler) -> list[Response | int]:
    """What came back so far: C3P responses, or the SIP status of a refusal."""
    found: list[Response | int] = []
    for one in peer.received:
        assert isinstance(one, SipResponse)
        document = parse_document(one.body) if one.status == 200 else None
        if one.status >= 200:
            found.append(document if isinstance(document, Response) else one.status)
    return found


def codes(peer: Scheduler) -> list[Code | int]:
    """The same in short."""
    return [one if isinstance(one, int) else one.code for one in answers(peer)]


def factory_site() -> tuple[Site, LateStore, Scheduler]:
    site = Site(late=True)
    return site, LateStore(site), Scheduler(site)


def test_a_record_is_added_changed_listed_and_removed_by_questions() -> None:
    site, store, peer = factory_site()
    asked(peer, record(), 1)
    (wanted,) = store.open
    assert isinstance(wanted, RecordWriteWanted)
    assert (wanted.before, wanted.after and wanted.after.conference_id, wanted.organizer_key) == (
        None,
        ID,
        f"alice@{DOMAIN}",
    )
    assert answers(peer) == []
    store.answer_all()
    assert len(site.node.of(RecordAdded)) == 1
    asked(peer, ModifyConference(conference_keys=KEYS, conference_info=record().conference_info), 2)
    assert isinstance(store.open[0], RecordWanted)
    store.answer_all()
    asked(peer, GetConferences(), 3)
    assert isinstance(store.open[0], RecordsWanted)
    store.answer_all()
    asked(peer, DeleteConference(conference_keys=KEYS), 4)
    store.answer_all()
    asked(peer, GetConference(conference_keys=KEYS), 5)
    store.answer_all()
    assert codes(peer) == [Code.SUCCESS, Code.SUCCESS, Code.SUCCESS, Code.SUCCESS, Code.FAILURE]
    listed = answers(peer)[2]
    assert isinstance(listed, Response)
    assert isinstance(listed.command, GetConferences)
    assert [info.version for info in listed.command.conference_infos] == [2]
    assert len(site.node.of(RecordRemoved)) == 1


def test_commands_of_one_organizer_are_carried_out_in_their_order() -> None:
    _site, store, peer = factory_site()
    asked(peer, record(), 1)
    asked(peer, DeleteConference(conference_keys=KEYS), 2)
    asked(peer, GetConference(conference_keys=KEYS), 3)
    assert len(store.open) == 1
    store.answer_all()
    assert [one.request_id for one in answers(peer) if isinstance(one, Response)] == ["1", "2", "3"]
    assert codes(peer) == [Code.SUCCESS, Code.SUCCESS, Code.FAILURE]


def test_a_store_at_hand_that_lost_a_record_is_asked_again_and_then_given_up() -> None:
    site = Site()
    peer = Scheduler(site)
    peer.asked(record())

    def replace(key: str, changed: ConferenceRecord) -> None:
        raise KeyError(key)

    site.store.replace = replace  # type: ignore[method-assign]
    answer = peer.asked(ModifyConference(conference_keys=KEYS, conference_info=record().conference_info))
    assert (answer.code, answer.reason) == (Code.FAILURE, "serverBusy")


def test_a_store_that_is_full_when_a_record_changes_is_a_failure() -> None:
    site, store, peer = factory_site()
    asked(peer, record(), 1)
    store.answer_all()
    asked(peer, ModifyConference(conference_keys=KEYS, conference_info=record().conference_info), 2)
    store.answer()
    site.factory.record_written(store.open.pop().id, Written.FULL, now=site.net.now)
    site.node.take([])
    site.net.run()
    assert codes(peer) == [Code.SUCCESS, Code.FAILURE]


@pytest.mark.parametrize("outcome", [Written.EXISTS, Written.FULL])
def test_what_keeps_a_record_from_being_added_is_a_failure(outcome: Written) -> None:
    site, store, peer = factory_site()
    asked(peer, record(), 1)
    site.factory.record_written(store.open.pop().id, outcome, now=site.net.now)
    site.node.take([])
    site.net.run()
    assert codes(peer) == [Code.FAILURE]
    assert site.node.of(RecordAdded) == []


def test_a_change_that_another_factory_overtook_is_carried_out_on_what_is_there_now() -> None:
    site, store, peer = factory_site()
    asked(peer, record(), 1)
    store.answer_all()
    asked(peer, ModifyConference(conference_keys=KEYS, conference_info=record(subject="Ours").conference_info), 2)
    key = store.open[0].key  # type: ignore[union-attr]
    store.answer()
    there = site.store.get(key)
    assert there is not None
    site.store.replace(key, attrs.evolve(there, display_text="Theirs", version=there.version + 1))
    store.answer_all()
    changed = site.store.get(key)
    assert changed is not None
    assert (changed.subject, changed.display_text, changed.version) == ("Ours", "Theirs", 3)


def test_a_change_that_is_overtaken_again_and_again_is_given_up() -> None:
    site, store, peer = factory_site()
    asked(peer, record(), 1)
    store.answer_all()
    asked(peer, ModifyConference(conference_keys=KEYS, conference_info=record().conference_info), 2)
    for _ in range(20):
        if not store.open:
            break
        if isinstance(store.open[0], RecordWriteWanted):
            site.factory.record_written(store.open.pop().id, Written.CHANGED, now=site.net.now)
            site.node.take([])
            site.net.run()
        else:
            store.answer()
    assert codes(peer) == [Code.SUCCESS, Code.FAILURE]


def test_a_write_that_came_too_late_is_reported_all_the_same_and_ends_the_conference() -> None:
    site, store, peer = factory_site()
    asked(peer, record(), 1)
    store.answer_all()
    (added,) = site.node.of(RecordAdded)
    bob = joining(site, "bob", added.conference_uri)
    store.answer_all()
    assert status(bob) == 200
    asked(peer, DeleteConference(conference_keys=KEYS), 2)
    store.answer()
    site.net.run(site.factory.config.answer_timeout + 1.0)
    assert codes(peer) == [Code.SUCCESS, 503]
    assert site.focus.conferences == (added.conference_uri,)
    store.answer()
    assert len(site.node.of(RecordRemoved)) == 1
    assert site.focus.conferences == ()


def test_a_store_that_fails_is_503_to_an_organizer() -> None:
    _site, store, peer = factory_site()
    for number, command in enumerate((record(), GetConference(conference_keys=KEYS), GetConferences())):
        asked(peer, command, number)
        store.fail()
    assert codes(peer) == [503, 503, 503]
    assert all(one.headers.get("Retry-After") for one in peer.received if isinstance(one, SipResponse))


def test_records_over_http_are_for_a_store_at_hand() -> None:
    site = Site(late=True, factory=attrs.evolve(Site().factory.config, record_readers=frozenset({"focus-1"})))
    request = Request(request_id="1", from_="x", to="y", command=GetConference(conference_keys=KEYS))
    assert site.factory.receive_c3p(request, peer="focus-1", now=0.0).status == 503


# Whatever the answers take -------------------------------------------------------------------------------------------

FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


class Scene:
    """Requests of some people about two conferences, with a store at hand or one that is slow."""

    def __init__(self, *, late: bool) -> None:
        self.site = Site(late=late)
        self.store = LateStore(self.site, at_once=True)
        self.conferences = [self.site.created(self.site.client("alice"), conference_id=f"MEETING{n}") for n in (1, 2)]
        self.store.at_once = False
        self.phones: list[Phone] = []
        self.peer = Scheduler(self.site)
        self._numbers = itertools.count(10)

    def act(self, step: tuple[str, int]) -> None:
        """Do something without waiting for what comes of it."""
        kind, which = step
        uri = self.conferences[which % 2]
        if kind == "join":
            self.phones.append(joining(self.site, f"guest{len(self.phones)}", uri))
        elif kind == "join nothing":
            self.phones.append(joining(self.site, f"guest{len(self.phones)}", uri + "X"))
        else:
            keys = ConferenceKeys(conference_id=f"MEETING{1 + which % 2}")
            asked(self.peer, self.command(kind, keys, which), next(self._numbers))

    @staticmethod
    def command(kind: str, keys: ConferenceKeys, which: int) -> Command:
        info: ConferenceInfo | None = record(keys.conference_id, subject=f"Subject {which}").conference_info
        return {
            "add": AddConference(conference_info=info),
            "modify": ModifyConference(conference_keys=keys, conference_info=info),
            "delete": DeleteConference(conference_keys=keys),
            "get": GetConference(conference_keys=keys),
            "list": GetConferences(),
        }[kind]

    @property
    def end(self) -> object:
        """What everybody was told, who is where, and what is stored."""
        rosters = [self.site.focus.roster(uri) for uri in self.conferences]
        users = [[one.entity for one in each.users.users] if each and each.users else [] for each in rosters]
        stored = self.site.store.of_organizer(f"alice@{DOMAIN}")
        said = [
            (one.request_id, one.code, one.reason, one.command and one.command.name)
            if isinstance(one, Response)
            else one
            for one in answers(self.peer)
        ]
        return [status(one) for one in self.phones], users, said, stored


def played(steps: list[tuple[str, int]], order: list[int], *, late: bool) -> Scene:
    """Steps, and between them answers to questions in the order drawn."""
    scene = Scene(late=late)
    chosen = itertools.chain(order, itertools.repeat(0))
    for step in steps:
        scene.act(step)
        for _ in range(next(chosen) % 3):
            if scene.store.open:
                scene.store.answer(scene.store.open[next(chosen) % len(scene.store.open)])
    while scene.store.open:
        scene.store.answer(scene.store.open[next(chosen) % len(scene.store.open)])
    return scene


JOINS = st.lists(st.tuples(st.sampled_from(["join", "join nothing"]), st.integers(0, 5)), max_size=6)
COMMANDS = st.lists(
    st.tuples(st.sampled_from(["add", "modify", "delete", "get", "list"]), st.integers(0, 5)), max_size=8
)
ORDER = st.lists(st.integers(0, 5), max_size=12)


@FEW
@given(JOINS, ORDER)
def test_joins_end_as_with_a_store_in_memory(steps: list[tuple[str, int]], order: list[int]) -> None:
    assert played(steps, order, late=True).end == played(steps, order, late=False).end


@FEW
@given(COMMANDS, ORDER)
def test_commands_of_an_organizer_end_as_with_a_store_in_memory(steps: list[tuple[str, int]], order: list[int]) -> None:
    assert played(steps, order, late=True).end == played(steps, order, late=False).end


@FEW
@given(st.lists(st.one_of(JOINS, COMMANDS), max_size=4), ORDER)
def test_whatever_crosses_each_is_answered_once_and_no_conference_outlives_its_record(
    parts: list[list[tuple[str, int]]], order: list[int]
) -> None:
    steps = [step for part in parts for step in part]
    scene = played(steps, order, late=True)
    assert None not in [status(one) for one in scene.phones]
    sent = sum(kind not in ("join", "join nothing") for kind, _ in steps)
    assert len(answers(scene.peer)) == sent
    stored = {one.focus_uri: one for one in scene.site.store.of_organizer(f"alice@{DOMAIN}")}
    for conference in scene.site.focus._active:
        assert conference.record == stored[conference.focus_uri]
    assert len(scene.site.focus._procedures) == len(scene.site.factory._procedures) == 0
