"""The chat MCU: who says something is heard by all others, and told who did not hear it."""

from __future__ import annotations

import attrs
import pytest

from c3p import (
    COMPOSING_TYPE,
    DELIVERY_REPORT_TYPE,
    AddUser,
    Code,
    Composing,
    ConferenceKeys,
    DeleteConference,
    DeliveryReport,
    Media,
    MediaKeys,
    ModifyConferenceLock,
    ModifyEndpointMedia,
)
from mcu import LegConnected, LegEnded, MessagePassedOn
from rtp import SessionDescription
from sip import SessionFailed
from tests.mcu.chat_world import CHAT, PIDGIN, Chatter, ChatWorld, description
from tests.mcu.harness import CONFERENCE, SDP, guid


def three(**settings: object) -> tuple[ChatWorld, Chatter, Chatter, Chatter]:
    world = ChatWorld(**settings)
    world.start()
    ann, bob, carol = (world.chatter(name).enter() for name in ("ann", "bob", "carol"))
    return world, ann, bob, carol


# Getting in


def test_who_was_announced_is_in_as_soon_as_it_calls() -> None:
    world = ChatWorld()
    world.start()
    ann = world.chatter("ann").enter()
    response = ann.answer.response
    (line,) = SessionDescription.parse(response.body).media
    assert (line.kind, line.proto, line.formats) == ("message", "sip", ("null",))
    assert "text/plain" in line.attributes_named("accept-types")[0]
    assert "ms-text-format" not in response.supported
    assert "isfocus" in response.contact[0].params  # type: ignore[union-attr]
    assert world.statuses() == {ann.user: "connected"}
    (connected,) = [each for each in world.events if isinstance(each, LegConnected)]
    assert connected.user == ann.user
    users = world.focus.roster.users
    assert users is not None
    (endpoint,) = users.users[0].endpoints
    (stream,) = endpoint.media
    assert (endpoint.session_type, endpoint.joining_method) == ("chat", "dialed-in")
    assert (stream.type, stream.status, stream.src_id) == ("chat", "sendrecv", None)


@pytest.mark.parametrize("kind", ["message", "x-ms-message"])
def test_the_answer_has_the_word_of_the_offer(kind: str) -> None:
    world = ChatWorld()
    world.start()
    ann = world.chatter("ann").enter(description(PIDGIN, kind=kind))
    assert [line.kind for line in SessionDescription.parse(ann.answer.response.body).media] == [kind]


def test_lines_beside_the_one_of_messages_are_refused_in_the_answer() -> None:
    world = ChatWorld()
    world.start()
    offer = b"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=x\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
    ann = world.chatter("ann").enter(offer + description().partition(b"t=0 0\r\n")[2])
    lines = SessionDescription.parse(ann.answer.response.body).media
    assert [(line.kind, line.port) for line in lines] == [("audio", 0), ("message", 5060)]


@pytest.mark.parametrize(
    "offer",
    [
        description(proto="TCP/MSRP"),
        description(kind="audio", proto="RTP/AVP"),
        b"nothing",
        description().replace(b"5060", b"0"),
    ],
)
def test_a_call_without_messages_by_sip_is_refused(offer: bytes) -> None:
    world = ChatWorld()
    world.start()
    ann = world.chatter("ann").enter(offer)
    failed = ann.agent.one(SessionFailed)
    assert failed.status == 488
    assert failed.response is not None
    assert "ms-diagnostics" in failed.response.headers
    assert world.statuses() == {}


def test_a_call_without_an_offer_gets_one_and_the_ack_answers_it() -> None:
    world = ChatWorld()
    world.start()
    ann, bob = world.chatter("ann").enter(), world.chatter("bob", "text/html")
    reply = world.announce(bob)
    command = reply.document.command if reply.document is not None else None
    assert isinstance(command, AddUser)
    assert command.connection_info is not None
    bob.call(command.connection_info.get("Mcu-Server-Uri") or "", b"")
    assert bob.session is not None
    bob.agent.endpoint.ack(bob.session, body=description("text/html"), content_type=SDP, now=world.now)
    world.run(0.1)
    ann.say("<b>hi</b>", "text/html")
    assert bob.texts == ["<b>hi</b>"]


def test_a_stranger_is_not_let_in() -> None:
    world = ChatWorld()
    world.start()
    eve = world.chatter("eve")
    eve.call("sip:chat@192.0.2.1:5060", description())
    assert eve.agent.one(SessionFailed).status == 403


def test_a_presenter_has_somebody_called() -> None:
    world = ChatWorld()
    world.start()
    ann, bob = world.chatter("ann").enter(), world.chatter("bob")
    assert world.announce(bob, method="dialed-out").document.code is Code.PENDING  # type: ignore[union-attr]
    (invite,) = world.requests("INVITE", world.mcu_agent)
    assert str(invite.from_.uri) == CHAT
    assert invite.headers.get("ms-text-format") is None
    assert [line.kind for line in SessionDescription.parse(invite.body).media] == ["message"]
    assert world.statuses() == {ann.user: "connected", bob.user: "connected"}
    bob.say("hello")
    assert ann.texts == ["hello"]


# Saying something


def test_what_one_says_all_others_hear_and_nobody_twice() -> None:
    world, ann, bob, carol = three()
    ann.say("hi there")
    assert (ann.texts, bob.texts, carol.texts) == ([], ["hi there"], ["hi there"])
    assert ann.answers == [202]
    (heard,) = bob.heard
    assert heard.headers.get("Ms-Sender") == f'"Ann" <{ann.user}>'
    assert heard.headers.get("Content-Type") == "text/plain; charset=UTF-8;msgr=WAA"
    assert "Message-Id" not in heard.headers
    assert "Contact" not in heard.headers
    assert str(heard.from_.uri) == CHAT
    (passed,) = [each for each in world.events if isinstance(each, MessagePassedOn)]
    assert (passed.user, passed.size, passed.recipients) == (ann.user, 8, 2)


def test_the_sender_is_who_the_focus_says_whatever_the_client_writes() -> None:
    world, ann, bob, _ = three()
    assert ann.session is not None
    ann.agent.endpoint.request_in_session(
        ann.session,
        "MESSAGE",
        headers=(("Ms-Sender", "<sip:boss@example.com>"), ("P-Asserted-Identity", "<sip:boss@example.com>")),
        body=b"you are all fired",
        content_type="text/plain",
        now=world.now,
    )
    world.run(0.1)
    (heard,) = bob.heard
    assert heard.headers.get_all("Ms-Sender") == (f'"Ann" <{ann.user}>',)
    assert "P-Asserted-Identity" not in heard.headers


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", "plain"),
        ("text/html", "<i>x</i>"),
        ("text/rtf", r"{\rtf1 x}"),
        ("text/plain;charset=utf-8", "żółw"),
    ],
)
def test_formats_go_on_as_they_come(content_type: str, body: str) -> None:
    world = ChatWorld()
    world.start()
    ann, bob = (world.chatter(name, "text/plain text/html text/rtf").enter() for name in ("ann", "bob"))
    ann.say(body, content_type)
    assert bob.texts == [body]
    assert bob.heard[0].headers.get("Content-Type") == content_type


ALTERNATIVES = (
    "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhi\r\n"
    "--b\r\nContent-Type: text/html\r\n\r\n<b>hi</b>\r\n--b--\r\n"
)


@pytest.mark.parametrize(
    ("accept", "text", "content_type"),
    [
        ("multipart/alternative text/plain", ALTERNATIVES, 'multipart/alternative; boundary="b"'),
        ("text/plain text/html", "hi", "text/plain; charset=utf-8"),
        ("text/html", "<b>hi</b>", "text/html"),
        ("*", ALTERNATIVES, 'multipart/alternative; boundary="b"'),
        (None, "hi", "text/plain; charset=utf-8"),
    ],
)
def test_of_several_forms_each_gets_what_it_can_show(accept: str | None, text: str, content_type: str) -> None:
    world = ChatWorld()
    world.start()
    ann, bob = world.chatter("ann").enter(), world.chatter("bob", accept).enter()
    ann.say(ALTERNATIVES, 'multipart/alternative; boundary="b"')
    assert (bob.texts, bob.heard[0].headers.get("Content-Type")) == ([text], content_type)


def test_messages_of_several_arrive_in_their_order_even_when_one_is_slow() -> None:
    world, ann, bob, carol = three()
    carol.status = 0
    for number in range(5):
        (ann if number % 2 else bob).say(str(number))
    dan = world.chatter("dan").enter()
    ann.say("late")
    assert dan.texts == ["late"]
    assert bob.texts == ["1", "3", "late"]
    assert len(set(carol.texts)) == 1  # the first one, again and again
    carol.status = 200
    world.run(200)
    assert list(dict.fromkeys(carol.texts))[1:] == ["1", "2", "3", "4", "late"]


def test_who_may_not_speak_is_refused_and_who_is_deaf_hears_nothing() -> None:
    world, ann, bob, _ = three()

    def filter_of(number: int, who: Chatter, **filters: str) -> None:
        keys = MediaKeys(conf_entity=CONFERENCE, user_entity=who.user, endpoint_entity=guid(number), media_id="1")
        world.post(ModifyEndpointMedia(media_keys=keys, media=Media(id="1", **filters)))  # type: ignore[arg-type]

    filter_of(1, ann, ingress_filter="block")
    ann.say("me")
    assert (ann.answers, bob.texts) == ([403], [])
    users = world.focus.roster.users
    assert users is not None
    assert users.users[0].endpoints[0].media[0].ingress_filter == "block"
    filter_of(1, ann, ingress_filter="unblock")
    filter_of(2, bob, egress_filter="block")
    ann.say("again")
    assert (ann.answers, bob.texts) == ([403, 202], [])


# What is refused


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("image/gif", "GIF89a", 415),
        ("text/x-msmsgsinvite", "Invitation-Command: INVITE", 415),
        ("multipart/alternative;boundary=b", "--b\r\nContent-Type: image/gif\r\n\r\nx\r\n--b--\r\n", 415),
        ("multipart/alternative", "no boundary", 415),
        (COMPOSING_TYPE, "<isComposing/>", 400),
        (COMPOSING_TYPE, "not XML", 400),
        ("text/plain", "x" * 1001, 413),
    ],
)
def test_what_cannot_be_passed_on_is_refused_and_the_session_goes_on(content_type: str, body: str, status: int) -> None:
    _, ann, bob, _ = three(max_message=1000)
    ann.say(body, content_type)
    ann.say("still here")
    assert (ann.answers, bob.texts) == ([status, 202], ["still here"])


def test_a_flood_is_refused_until_it_is_over() -> None:
    world, ann, bob, carol = three(messages_at_once=3, messages_a_second=1.0)
    for number in range(5):
        ann.say(str(number))
    carol.say("others may")
    assert ann.answers == [202, 202, 202, 500, 500]
    assert bob.texts == ["0", "1", "2", "others may"]
    world.run(2)
    ann.say("calm")
    assert bob.texts[-1] == "calm"
    assert world.mcu.counters["messages refused: too many"] == 2


def test_what_waits_for_one_member_is_bounded() -> None:
    world, ann, bob, carol = three(max_waiting=2)
    carol.status = 0
    for number in range(5):
        ann.say(str(number))
    assert bob.texts == ["0", "1", "2", "3", "4"]
    assert world.mcu.sizes["messages"] == 3
    assert world.mcu.counters["messages dropped: too many wait"] == 2
    assert [report.recipients[0].status for report in reports(ann)] == [503, 503]


def test_a_message_outside_of_a_session_is_refused() -> None:
    world = ChatWorld()
    world.start()
    eve = world.chatter("eve")
    eve.agent.ask("sip:chat@192.0.2.1:5060", headers=(("Content-Type", "text/plain"),))
    world.run(0.1)
    assert eve.answers == [403]


# Reports


def reports(who: Chatter) -> list[DeliveryReport]:
    assert all(each.headers.get("Content-Type") == DELIVERY_REPORT_TYPE for each in who.reports)
    return [DeliveryReport.parse(each.body) for each in who.reports]


def test_the_sender_is_told_once_when_all_have_it() -> None:
    _, ann, _, _ = three()
    ann.say("hi")
    (report,) = reports(ann)
    (answer,) = [
        each.response for each in ann.agent.events if getattr(each, "response", None) and each.response.status == 202
    ]  # type: ignore[attr-defined]
    assert report == DeliveryReport(message_id=answer.headers.get("Message-Id") or "")


@pytest.mark.parametrize(("status", "told"), [(486, 486), (415, 415), (0, 408), (503, 503)])
def test_the_sender_is_told_who_did_not_get_it(status: int, told: int) -> None:
    world, ann, bob, carol = three()
    bob.status = status
    ann.say("hi")
    world.run(40)
    (report,) = reports(ann)
    assert [(each.uri, each.status) for each in report.recipients] == [(f"<{bob.user}>", told)]
    assert carol.texts == ["hi"]
    assert world.statuses()[bob.user] == "connected"  # silence and refusals end nothing
    bob.status = 200
    ann.say("once more")
    assert bob.texts[-1] == "once more"


def test_who_does_not_know_the_dialog_any_more_is_out() -> None:
    world, ann, bob, _ = three()
    bob.status = 481
    ann.say("hi")
    assert bob.user not in world.statuses()
    assert [each.status for each in reports(ann)[0].recipients] == [481]


def test_who_could_show_nothing_of_it_counts_as_not_reached() -> None:
    world = ChatWorld()
    world.start()
    ann, bob = world.chatter("ann").enter(), world.chatter("bob", "text/html").enter()
    ann.say("plain")
    assert bob.texts == []
    assert [each.status for each in reports(ann)[0].recipients] == [415]


def test_a_client_that_knows_no_reports_gets_none() -> None:
    world = ChatWorld()
    world.start()
    ann, bob = world.chatter("ann", "text/plain").enter(), world.chatter("bob").enter()
    ann.say("hi")
    assert (bob.texts, ann.reports) == (["hi"], [])


def test_what_waits_for_somebody_who_leaves_is_reported() -> None:
    world, ann, bob, _ = three()
    bob.status = 0
    ann.say("one")
    ann.say("two")
    bob.status = 200
    bob.leave()
    assert [[each.status for each in report.recipients] for report in reports(ann)] == [[480], [480]]
    assert world.mcu.sizes["messages"] == 0


# Typing


def test_that_somebody_is_writing_is_shown_to_those_who_can_see_it() -> None:
    world = ChatWorld()
    world.start()
    ann, bob, carol = (
        world.chatter(n, a).enter() for n, a in (("ann", PIDGIN), ("bob", PIDGIN), ("carol", "text/plain"))
    )
    ann.say(bytes(Composing(state="active", refresh=60)), COMPOSING_TYPE)
    (sign,) = bob.heard
    assert Composing.parse(sign.body).active
    assert sign.headers.get("Ms-Sender") == f'"Ann" <{ann.user}>'
    assert (carol.heard, ann.answers, ann.reports) == ([], [200], [])


def test_a_sign_is_short_and_holds_for_an_hour_at_most() -> None:
    _world, ann, bob, _ = three()
    ann.say(bytes(Composing(state="active", content_type="x" * 30_000)), COMPOSING_TYPE)
    assert (ann.answers, bob.heard) == ([413], [])
    ann.say(bytes(Composing(state="active", refresh=10**19)), COMPOSING_TYPE)
    (sign,) = bob.heard
    assert Composing.parse(sign.body).refresh == 3600


def test_too_many_signs_are_forgotten_without_a_word() -> None:
    _world, ann, bob, _ = three(signs_at_once=2, signs_a_second=0.1)
    for _ in range(5):
        ann.say(bytes(Composing(state="active")), COMPOSING_TYPE)
    assert (ann.answers, len(bob.heard)) == ([200] * 5, 2)


def test_signs_can_be_switched_off() -> None:
    _, ann, bob, _ = three(typing=False)
    ann.say(bytes(Composing(state="active")), COMPOSING_TYPE)
    assert (ann.answers, bob.heard) == ([200], [])


def test_keys_that_two_party_clients_tell_are_understood_and_kept() -> None:
    world, ann, bob, _ = three()
    assert ann.session is not None
    ann.agent.endpoint.request_in_session(
        ann.session, "INFO", body=b"<KeyboardActivity/>", content_type="application/xml", now=world.now
    )
    world.run(0.1)
    assert (ann.answers, bob.heard) == ([200], [])


# Who comes late


def test_who_comes_late_hears_nothing_of_before() -> None:
    world, ann, _bob, _ = three()
    ann.say("secret")
    assert world.chatter("dan").enter().texts == []


def test_who_comes_late_hears_as_much_as_is_kept() -> None:
    world, ann, _bob, _ = three(history=2)
    for text in ("one", "two", "three"):
        ann.say(text)
    dan = world.chatter("dan").enter()
    world.run(0.1)
    assert dan.texts == ["two", "three"]
    assert all(
        each.headers.get("Date") and each.headers.get("Ms-Sender") == f'"Ann" <{ann.user}>' for each in dan.heard
    )
    assert len(reports(ann)) == 3  # of before


# The end


def test_the_lock_stands_in_the_view_of_the_chat() -> None:
    world, *_ = three()
    world.post(ModifyConferenceLock(conference_keys=ConferenceKeys(conf_entity=CONFERENCE), locked=True))
    view = world.focus.roster.conference_view
    assert view is not None
    (shown,) = view.views
    assert (shown.entity, shown.entity_state.locked) == (CHAT, True)  # type: ignore[union-attr]
    assert [entry.type for entry in shown.entity_state.media] == ["chat"]  # type: ignore[union-attr]


def test_who_is_ejected_gets_a_bye_from_the_chat() -> None:
    world, ann, bob, _ = three()
    world.eject(bob)
    assert bob.is_out
    (bye,) = world.requests("BYE", world.mcu_agent)
    assert str(bye.from_.uri) == CHAT
    assert bob.user not in world.statuses()
    ann.say("without him")
    assert bob.texts == []


def test_who_leaves_is_gone() -> None:
    world, _ann, bob, _ = three()
    bob.leave()
    (ended,) = [each for each in world.events if isinstance(each, LegEnded)]
    assert (ended.user, ended.method) == (bob.user, "departed")
    assert bob.user not in world.statuses()


def test_at_the_end_of_the_conference_everybody_is_out_and_nothing_stays() -> None:
    world, ann, bob, carol = three(history=5)
    ann.say("bye")
    world.post(DeleteConference(conference_keys=ConferenceKeys(conf_entity=CONFERENCE)))
    world.run(40)
    assert all(each.is_out for each in (ann, bob, carol))
    assert {name: size for name, size in world.mcu.sizes.items() if size} == {}
    assert not any(world.mcu_agent.endpoint.sizes.values())


def test_a_new_session_of_the_same_call_replaces_the_one_that_its_client_forgot() -> None:
    world, ann, bob, _ = three()
    call = world.requests("INVITE", bob.agent)[0].call_id
    again = Chatter.__new__(Chatter)
    again.__dict__.update(bob.__dict__)
    again.enter(call_id=call)
    world.run(0.1)
    users = world.focus.roster.users
    assert users is not None
    (entry,) = [user for user in users.users if user.entity == bob.user]
    assert [endpoint.status for endpoint in entry.endpoints] == ["connected"]
    assert attrs.asdict(entry.endpoints[0])["entity"] == guid(4)
    ann.say("once")
    assert bob.texts == ["once"]


@pytest.mark.parametrize("again", [description("text/html"), b""])
def test_a_member_may_say_in_mid_session_what_it_takes(again: bytes) -> None:
    world, ann, bob, _ = three()
    assert bob.session is not None
    bob.agent.endpoint.reinvite(bob.session, body=again, content_type=SDP if again else None, now=world.now)
    world.run(0.1)
    if not again:
        bob.agent.endpoint.ack(bob.session, body=description("text/html"), content_type=SDP, now=world.now)
        world.run(0.1)
    ann.say("<b>x</b>", "text/html")
    ann.say("plain")
    assert bob.texts == ["<b>x</b>"]


def test_a_description_without_messages_changes_nothing() -> None:
    world, ann, bob, _ = three()
    assert bob.session is not None
    bob.agent.endpoint.reinvite(
        bob.session, body=description(kind="audio", proto="RTP/AVP"), content_type=SDP, now=world.now
    )
    world.run(0.1)
    assert bob.answers == [488]
    ann.say("hi")
    assert bob.texts == ["hi"]


def test_media_of_other_kinds_are_not_for_this_mcu() -> None:
    world = ChatWorld()
    world.start()
    bob = world.chatter("bob")
    reply = world.announce(bob, method="dialed-out", media=(Media(id="1", type="audio"),))
    assert reply.document is not None
    assert reply.document.command_reason == "dialOutMedia"


def test_it_announces_itself_as_a_chat_mcu() -> None:
    world = ChatWorld(factory_url="https://factory.example.com/LiveServer/MCUFactory")
    world.run(1)
    (announcement, *_) = [each for each in world.focus.documents if hasattr(each, "command")]
    assert announcement.command.mcu_types == ("chat",)  # type: ignore[union-attr]
