"""A client with the habits of pidgin-sipe gets through everything (docs/clients.rst).

Its Via has no branch, its SUBSCRIBE no Expires; it offers no session timer, never refreshes and never answers an INFO.
"""

from __future__ import annotations

from focus_site import Site
from pidgin_peer import CONF, ME, PHONE, VIA, Pidgin

from c3p import Code, ConferenceInfo, Response, parse_document
from focus import CommandFinished, ConferenceEnded, ParticipantLeft
from sip import Request
from sip import Response as SipResponse


def joined(site: Site) -> Pidgin:
    pidgin = Pidgin(site)
    pidgin.create()
    pidgin.join()
    pidgin.subscribe()
    return pidgin


def test_it_creates_a_conference_and_learns_its_uri() -> None:
    response = Pidgin(Site()).create()
    assert response.code is Code.SUCCESS
    command = response.command
    assert command is not None
    assert command.conference_info.entity == CONF  # type: ignore[attr-defined]


def test_it_asks_what_there_is() -> None:
    response = Pidgin(Site()).service("<getConferencingCapabilities/>")
    assert response.command is not None
    assert response.command.mcu_types == ("audio-video",)  # type: ignore[attr-defined]


def test_it_joins_without_session_timer() -> None:
    pidgin = Pidgin(Site())
    pidgin.create()
    answer = pidgin.join()
    assert answer.status == 200
    assert answer.headers.get("CSeq") == "1 INVITE"
    assert answer.headers.get("Via") == VIA.partition(": ")[2]
    assert str(answer.to.uri) == CONF
    assert answer.to.tag
    assert answer.session_expires is None
    document = parse_document(answer.body)
    assert isinstance(document, Response)
    assert (document.code, document.request_id) == (Code.SUCCESS, "0")


def test_its_first_document_comes_with_the_answer() -> None:
    pidgin = Pidgin(Site())
    pidgin.create()
    pidgin.join()
    (answer,) = pidgin.subscribe()
    assert isinstance(answer, SipResponse)
    assert answer.status == 200
    assert answer.headers.get("ms-piggyback-cseq")
    assert answer.headers.get("Event") == "conference"
    document = parse_document(answer.body)
    assert isinstance(document, ConferenceInfo)
    assert document.users is not None
    assert [one.entity for one in document.users.users] == [ME]


def test_it_is_told_of_everything_although_it_never_answers_an_info() -> None:
    site = Site()
    mcu = site.mcu()
    pidgin = joined(site)
    assert pidgin.dial_out(1).status == 202
    mcu.answer_call(PHONE)
    assert any(isinstance(one, Request) and one.method == "INFO" for one in pidgin.received)
    # The INFO times out: it ends nothing, and delays nothing meanwhile.
    site.joined(site.client("bob"), CONF)
    assert pidgin.documents()[-1].users is not None
    site.net.run(60.0)
    assert pidgin.command(2, f'<getConference><conferenceKeys confEntity="{CONF}"/></getConference>').status == 200
    mcu.call(PHONE, "on-hold")
    last = pidgin.documents()[-1].users
    assert last is not None
    assert last.users[0].endpoints[0].status == "on-hold"
    assert site.node.of(ParticipantLeft) == []


def test_it_may_leave_several_infos_unanswered() -> None:
    site = Site()
    mcu = site.mcu()
    pidgin = joined(site)
    for number in range(1, 6):
        pidgin.dial_out(number, f"sip:phone{number}@example.org")
        mcu.answer_call(f"sip:phone{number}@example.org")
    assert len([one for one in pidgin.received if isinstance(one, Request) and one.method == "INFO"]) == 5
    site.net.run(100.0)
    assert len(site.node.of(CommandFinished)) == 5
    assert site.focus.conferences == (CONF,)


def test_it_stays_for_hours_without_a_refresh() -> None:
    site = Site()
    pidgin = joined(site)
    site.net.run(5 * 3600.0)
    assert site.focus.conferences == (CONF,)
    site.joined(site.client("bob"), CONF)
    last = pidgin.documents()[-1].users
    assert last is not None
    assert last.users[0].entity == "sip:bob@example.com"


def test_each_document_makes_sense_to_a_client_that_merges_by_user_and_endpoint() -> None:
    site = Site()
    mcu = site.mcu()
    pidgin = joined(site)
    pidgin.dial_out(1)
    mcu.answer_call(PHONE)
    mcu.call(PHONE, "on-hold")
    for document in pidgin.documents():
        for user in document.users.users if document.users is not None else ():
            assert user.state == "full"
            assert user.roles
            assert user.endpoints
            assert all(one.status and one.session_type for one in user.endpoints)
    mcu.hang_up(PHONE)
    last = pidgin.documents()[-1].users
    assert last is not None
    assert [(one.entity, one.state) for one in last.users] == [(PHONE, "deleted")]


def test_it_unsubscribes_on_a_fresh_call_id() -> None:
    site = Site()
    pidgin = joined(site)
    answers = pidgin.subscribe("subscribe2", expires="\n            Expires: 0")
    statuses = [one.status for one in answers if isinstance(one, SipResponse)]
    ends = [one for one in answers if isinstance(one, Request) and one.method in ("BENOTIFY", "NOTIFY")]
    assert statuses == [200]
    assert ends[0].call_id == "subscribe1"
    assert ends[0].subscription_state is not None
    assert ends[0].subscription_state.state == "terminated"
    before = len(pidgin.documents())
    site.joined(site.client("bob"), CONF)
    assert len(pidgin.documents()) == before


def test_a_fetch_without_a_live_subscription_gets_the_whole_once() -> None:
    site = Site()
    pidgin = Pidgin(site)
    pidgin.create()
    pidgin.join()
    (answer, *_) = pidgin.subscribe("fetch", expires="\n            Expires: 0")
    assert isinstance(answer, SipResponse)
    assert isinstance(parse_document(answer.body), ConferenceInfo)
    site.net.run(1.0)
    assert site.focus._active.of_subscription == {}


def test_it_leaves_by_bye() -> None:
    site = Site()
    pidgin = joined(site)
    answers = pidgin.in_dialog("BYE")
    assert isinstance(answers[0], SipResponse)
    assert answers[0].status == 200
    assert site.node.of(ConferenceEnded)


def test_the_end_of_its_connection_is_the_end_of_its_stay() -> None:
    site = Site()
    pidgin = joined(site)
    bob = site.joined(site.client("bob"), CONF)
    site.net.unreachable(pidgin.agent)
    site.net.break_off(pidgin.back)
    site.net.run(31.0)
    assert site.node.last(ParticipantLeft).user == ME
    assert bob.client.state.value in ("joined", "out")


def test_a_481_to_our_info_ends_its_dialog() -> None:
    site = Site()
    mcu = site.mcu()
    pidgin = joined(site)
    bob = site.joined(site.client("bob"), CONF)
    pidgin.dial_out(1)
    mcu.answer_call(PHONE)
    info = next(one for one in pidgin.received if isinstance(one, Request) and one.method == "INFO")
    answer = bytes(info.response(481))
    site.node.take(site.node.endpoint.receive_data(answer, flow=pidgin.back, now=site.net.now))
    site.net.run()
    assert site.node.last(ParticipantLeft).cause == "dialog gone"
    assert bob.user(ME) is None
