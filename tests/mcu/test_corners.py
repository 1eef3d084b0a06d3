"""What happens seldom: late answers, odd phones, strange addresses."""

from __future__ import annotations

import attrs
import pytest

from c3p import AddUser, ConferenceKeys, Endpoint, GetConference, Reply, User
from mcu import Ending, Gateway, GatewayTable, LegConnected, LegHeld, LegId, MissingExtra
from mcu.identity import conference_id, user_id
from rtp import Direction, OfferAnswerSession, SessionDescription
from sip import (
    InviteReceived,
    Response,
    ResponseReceived,
    SessionCancelled,
    SessionConfirmed,
    SessionId,
    SessionProgressed,
    SessionRefreshed,
    Uri,
)
from tests.mcu.harness import AV, CONFERENCE, Code, Phone, World, guid, refusing, ringing, silent

FIRST = SessionId(1)  #: what an endpoint calls its first session


def test_the_first_provisional_may_come_after_the_cancel() -> None:
    world = World()
    world.start()
    world.lost = {"SIP/2.0 100"}
    phone = world.phone(7, silent)
    world.dial(7)
    world.eject(7)
    assert not any(isinstance(event, SessionCancelled) for event in phone.seen)
    phone.now = world.now
    phone.ring()
    world.run(1.0)
    assert any(isinstance(event, SessionCancelled) for event in phone.seen)
    assert world.focus.history(guid(7)) == ["dialing-out", "disconnecting", "disconnected", "gone"]
    assert world.ended().ending is Ending.CANCELLED


def test_a_second_eject_while_the_first_is_under_way_waits_for_the_same_end() -> None:
    world = World()
    world.start()
    world.lost = {"CANCEL sip"}
    world.phone(7, ringing)
    world.dial(7)
    world.eject(7)
    world.eject(7)
    world.lost = set()
    world.run(2.0)
    assert world.focus.final("3").code is Code.SUCCESS
    assert world.focus.final("4").code is Code.SUCCESS
    assert world.ended().ending is Ending.CANCELLED


def test_a_busy_signal_that_crosses_our_cancel_changes_nothing() -> None:
    world = World()
    world.start()
    world.lost = {"CANCEL sip"}
    phone = world.phone(7, ringing)
    world.dial(7)
    world.eject(7)
    phone.refuse(486)
    world.run(1.0)
    assert world.ended().ending is Ending.CANCELLED
    assert world.focus.final("2").reason == "requestCancelled"


def test_the_conference_ends_while_a_cancel_is_under_way() -> None:
    from c3p import DeleteConference

    world = World()
    world.start()
    world.lost = {"CANCEL sip"}
    world.phone(7, ringing)
    world.dial(7)
    world.eject(7)
    world.post(DeleteConference(conference_keys=ConferenceKeys(conf_entity=CONFERENCE)))
    assert world.ended().ending is Ending.CANCELLED
    world.lost = set()
    world.run(5.0)
    assert world.mcu.next_timeout() is None


def test_the_conference_ends_while_a_port_is_being_opened() -> None:
    from c3p import DeleteConference

    world = World()
    world.start()
    world.ports = "later"
    phone = world.phone(7)
    world.dial(7)
    world.post(DeleteConference(conference_keys=ConferenceKeys(conf_entity=CONFERENCE)))
    assert world.ended().ending is Ending.CANCELLED
    assert phone.invites == []


def test_a_180_after_the_200_is_nothing() -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    world.dial(7)
    late = SessionProgressed(owner="mcu", session=FIRST, response=Response.build(180))
    assert world.mcu.handle_event(late, now=world.now) == []
    assert world.mcu.handle_event(SessionRefreshed(owner="mcu", session=FIRST), now=world.now) == []
    unasked = SessionConfirmed(owner="mcu", session=FIRST, request=phone.last.request)
    assert world.mcu.handle_event(unasked, now=world.now) == []
    assert phone.invites


def test_events_of_sessions_that_are_over_are_nothing() -> None:
    from sip import FailureCause, SessionFailed

    world = World()
    gone = SessionFailed(
        owner="mcu",
        session=SessionId(99),
        status=None,
        response=None,
        cause=FailureCause.TIMEOUT,
        before_provisional=True,
    )
    assert world.mcu.handle_event(gone, now=world.now) == []
    late = SessionProgressed(owner="mcu", session=SessionId(99), response=Response.build(180))
    assert world.mcu.handle_event(late, now=world.now) == []


def test_a_redirection_after_ringing_stays_alerting() -> None:
    world = World()
    world.start()

    def moving(phone: Phone, event: InviteReceived) -> None:
        phone.ring()
        phone.refuse(302, ("Contact", "<sip:user@198.51.100.8>"))

    world.phone(7, moving)
    world.phone(8, silent)
    world.dial(7)
    assert world.focus.history(guid(7)) == ["dialing-out", "alerting"]
    reply = world.post(GetConference(conference_keys=ConferenceKeys(conf_entity=CONFERENCE)))
    assert reply.document is not None
    assert isinstance(reply.document.command, GetConference)
    info = reply.document.command.conference_info
    assert info is not None
    assert info.users is not None
    assert info.users.users[0].endpoints[0].status == "alerting"
    world.run(61.0)
    assert world.ended().ending is Ending.UNANSWERED


def test_a_redirection_without_usable_target_is_the_end() -> None:
    world = World()
    world.start()
    world.phone(7, refusing(302, ("Contact", "<tel:+4930123456>")))
    world.dial(7)
    assert world.ended().ending is Ending.DECLINED


def test_a_phone_that_answers_on_hold() -> None:
    world = World()
    world.start()

    def held(phone: Phone, event: InviteReceived) -> None:
        phone.negotiation = OfferAnswerSession(phone.capabilities, address=phone.address.host, port=4000)
        offer = SessionDescription.parse(event.request.body)
        answer, _ = phone.negotiation.receive_offer(offer, direction=Direction.SENDONLY)
        phone.answer(bytes(answer))

    world.phone(7, held)
    world.dial(7)
    world.run(0.2)
    assert len(world.of(LegConnected)) == 1
    assert len(world.of(LegHeld)) == 1
    assert world.focus.history(guid(7)) == ["dialing-out", "on-hold"] or world.focus.history(guid(7))[-2:] == [
        "connected",
        "on-hold",
    ]


def test_the_answer_may_have_come_with_a_183() -> None:
    world = World()
    world.start()

    def gateway(phone: Phone, event: InviteReceived) -> None:
        phone.ring(183, phone.description())
        phone.answer(b"", content_type=None)

    phone = world.phone(7, gateway, level=1000)
    world.dial(7)
    world.run(0.5)
    assert world.focus.final("2").code is Code.SUCCESS
    assert len(phone.heard) > 20


def test_an_identity_that_does_not_parse_is_left_out() -> None:
    world = World(outbound_proxy=Uri.parse("sip:198.51.100.7"))
    world.start()
    world.phone(7, lambda phone, event: phone.answer(headers=[("P-Asserted-Identity", "<<")]))
    world.dial(7)
    users = world.focus.roster.users
    assert users is not None
    assert users.users[0].endpoints[0].asserted_identity is None


@pytest.mark.parametrize("originator", [None, "alice"])
def test_a_requester_that_is_no_address_is_not_named_to_the_phone(originator: str | None) -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    world.dial(7, originator=originator)
    assert phone.last.request.headers.get("Referred-By") is None
    assert phone.last.request.headers.get("P-Asserted-Identity") is None


def test_a_conference_without_subject_has_the_name_of_the_mcu() -> None:
    from c3p import AddConference, ConferenceInfo
    from tests.mcu.harness import CALLBACK

    world = World()
    world.post(AddConference(conference_info=ConferenceInfo(entity=CONFERENCE), callback_uri=CALLBACK))
    phone = world.phone(7)
    world.dial(7)
    assert phone.last.request.from_.display_name == "Conference"


def add(world: World, user: User) -> Reply:
    return world.post(AddUser(conference_keys=ConferenceKeys(conf_entity=CONFERENCE), user=user))


def test_commands_that_say_too_much_are_malformed() -> None:
    world = World()
    world.start()
    one = User(entity="sip:user7@198.51.100.7")
    endpoint = Endpoint(entity=guid(1), joining_method="dialed-out")
    for user in (
        attrs.evolve(one, endpoints=(endpoint, attrs.evolve(endpoint, entity=guid(2)))),
        attrs.evolve(one, roles=("attendee", "presenter")),
        attrs.evolve(one, display_text="x" * 300),
    ):
        reply = add(world, user)
        assert reply.document is not None
        assert reply.document.reason == "requestMalformed"


def test_numbers_that_are_none_and_gateways_that_cannot_be_called() -> None:
    world = World(gateways=GatewayTable((Gateway(prefix="", domain="not a host"),)))
    world.start()
    for uri in ("tel:abc", "tel:+4930"):
        reply = world.dial(7, endpoint_uri=uri)
        assert reply.document is not None
        assert reply.document.command_reason == "dialOutNotFound"


def test_a_gateway_may_have_a_next_hop_of_its_own() -> None:
    gateway = Gateway(prefix="+", domain="trunk.example.com", next_hop="sip:198.51.100.9")
    world = World(gateways=GatewayTable((gateway,)))
    world.start()
    trunk = world.phone(9)
    world.dial(7, endpoint_uri="tel:+4930123456")
    assert [str(route) for route in trunk.last.request.route] == ["<sip:198.51.100.9;lr>"]


def test_an_address_that_no_request_can_be_sent_to_fails_the_leg() -> None:
    world = World()
    world.start()
    world.dial(7, endpoint_uri="sip:bob@198.51.100.7;method=MESSAGE?Subject=x")
    world.run(40.0)
    assert world.ended().ending is not Ending.ANSWERED


# Inside a call -------------------------------------------------------------------------------------------------------


def statuses(phone: Phone) -> list[int]:
    return [event.response.status for event in phone.seen if isinstance(event, ResponseReceived)]


def test_an_offer_of_another_type_is_415() -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    world.dial(7)
    assert phone.session is not None
    phone.endpoint.reinvite(phone.session, body=b"x", content_type="text/plain", now=world.now)
    world.run(0.1)
    assert statuses(phone) == [415]


def test_an_offer_that_ends_all_media_is_answered_in_kind_and_counts_as_hold() -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    world.dial(7)
    assert phone.session is not None
    body = b"v=0\r\no=- 0 9 IN IP4 198.51.100.7\r\ns=x\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n"
    phone.endpoint.reinvite(phone.session, body=body, content_type="application/sdp", now=world.now)
    world.run(0.1)
    assert statuses(phone) == [200]
    users = world.focus.roster.users
    assert users is not None
    assert users.users[0].endpoints[0].status == "on-hold"
    assert users.users[0].endpoints[0].media[0].status == "inactive"


def test_an_answer_in_the_ack_that_cannot_be_used_leaves_the_call_as_it_was() -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    world.dial(7)
    assert phone.session is not None
    phone.endpoint.reinvite(phone.session, now=world.now)
    world.settle()
    phone.endpoint.ack(phone.session, body=b"nonsense", content_type="application/sdp", now=world.now)
    world.run(0.1)
    assert world.mcu.counters["unusable answers in ACK"] == 1
    assert world.mcu.legs == 1


def test_an_echo_under_our_own_ssrc_makes_us_take_another() -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    world.dial(7)
    world.run(0.1)
    at = world.mcu.next_tick()
    assert at is not None
    (mine,) = [data for _, kind, data, _ in world.mcu.tick(at) if kind == "rtp"]
    world.mcu.receive_media([(LegId(1), "rtp", mine, ("198.51.100.7", 4000), at)])
    (after,) = [data for _, kind, data, _ in world.mcu.tick(at + 0.02) if kind == "rtp"]
    assert mine[8:12] != after[8:12]
    assert phone.invites


def test_options_are_answered() -> None:
    from sip import NameAddr

    world = World()
    phone = world.phone(7)
    phone.endpoint.request(
        "phone",
        "OPTIONS",
        "sip:mcu@192.0.2.1:5060",
        from_=NameAddr("sip:user7@198.51.100.7"),
        to=NameAddr("sip:mcu@192.0.2.1:5060"),
        now=world.now,
    )
    world.run(0.1)
    assert statuses(phone) == [200]


def test_an_offer_that_crosses_ours_is_491_and_an_ack_without_answer_closes_ours() -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    world.dial(7)
    assert phone.session is not None
    assert phone.negotiation is not None
    phone.endpoint.reinvite(phone.session, now=world.now)
    world.settle()
    body = bytes(phone.negotiation.make_offer(direction=Direction.SENDONLY))
    phone.endpoint.update(phone.session, body=body, content_type="application/sdp", now=world.now)
    world.settle()
    phone.endpoint.ack(phone.session, now=world.now)
    world.settle()
    phone.endpoint.reinvite(phone.session, body=body, content_type="application/sdp", now=world.now)
    world.run(0.1)
    assert statuses(phone) == [200, 491, 200]
    assert world.mcu.counters["offers never answered"] == 1


def test_an_update_with_an_offer_while_it_rings_is_491() -> None:
    world = World()
    world.start()
    phone = world.phone(7, ringing)
    world.dial(7)
    body = bytes(OfferAnswerSession(phone.capabilities, address="198.51.100.7", port=4000).make_offer())
    phone.endpoint.update(phone.last.session, body=body, content_type="application/sdp", now=world.now)
    world.run(0.1)
    assert statuses(phone) == [491]


def test_an_offer_that_changes_nothing_is_not_reported() -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    world.dial(7)
    assert phone.session is not None
    assert phone.negotiation is not None
    before = len(world.focus.notifications)
    body = bytes(phone.negotiation.make_offer())
    phone.endpoint.reinvite(phone.session, body=body, content_type="application/sdp", now=world.now)
    world.run(0.1)
    assert statuses(phone) == [200]
    assert len(world.focus.notifications) == before


def test_info_with_sdp_is_not_understood() -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    world.dial(7)
    assert phone.session is not None
    phone.endpoint.request_in_session(phone.session, "INFO", body=b"v=0", content_type="application/sdp", now=world.now)
    world.run(0.1)
    assert statuses(phone) == [415]


def test_who_is_muted_while_it_rings_is_muted_when_it_answers() -> None:
    from c3p import Media, MediaKeys, ModifyEndpointMedia

    world = World()
    world.start()
    phone = world.phone(7, ringing)
    world.dial(7)
    user = "sip:user7@198.51.100.7"
    keys = MediaKeys(conf_entity=CONFERENCE, user_entity=user, endpoint_entity=guid(7), media_id="1")
    world.post(ModifyEndpointMedia(media_keys=keys, media=Media(id="1", status="recvonly")))
    phone.answer()
    world.run(0.1)
    users = world.focus.roster.users
    assert users is not None
    (media,) = users.users[0].endpoints[0].media
    assert (media.status, media.ingress_filter) == ("recvonly", "block")


@pytest.mark.parametrize("rtpmap", ["9 G722/8000", "96 PCMU/16000"])
def test_codecs_that_cannot_be_mixed_are_refused_at_once(rtpmap: str) -> None:
    from mcu import LocalError
    from rtp import PCMU, Capabilities, Codec

    with pytest.raises(LocalError, match=rtpmap.split()[1]):
        World(capabilities=Capabilities(codecs=(PCMU, Codec.from_rtpmap(rtpmap))))


def test_a_deleted_conference_gives_up_telling_a_focus_that_is_gone() -> None:
    from c3p import DeleteConference, ExchangeFailure

    world = World()
    world.start()
    world.phone(7, ringing)
    world.dial(7)
    world.focus.reply = ExchangeFailure.CONNECT
    world.post(DeleteConference(conference_keys=ConferenceKeys(conf_entity=CONFERENCE)))
    world.run(59.0)
    assert world.mcu.next_timeout() is not None
    world.run(40.0)
    assert world.mcu.next_timeout() is None


# Keys ----------------------------------------------------------------------------------------------------------------


def test_addresses_of_other_kinds_have_no_way_out() -> None:
    from mcu import McuConfig
    from mcu.legs.targets import Targets, number_or_user
    from sip import Uri

    config = McuConfig(mcu_id="m", http_url="http://h", sip_contact=Uri.parse("sip:mcu@192.0.2.1"))
    assert Targets(config, config.media_policy.terms).attempt(Uri.parse("http://example.com/")) is None
    assert number_or_user(Uri.parse("tel:+49xyz")) is None
    assert number_or_user(Uri.parse("tel:+49-30")) == "+4930"
    assert number_or_user(Uri.parse("sip:bob@example.com")) == "bob"


def test_spelling_without_meaning_is_folded() -> None:
    assert conference_id(CONFERENCE) == conference_id(CONFERENCE.replace("alice", "ALICE"))
    assert conference_id(CONFERENCE) != conference_id(AV)
    assert conference_id("nonsense") is None
    assert user_id("sip:Alice@Example.com;transport=tcp") == user_id("sip:alice@example.com")
    assert user_id(" Nonsense ") == "nonsense"


def test_a_missing_extra_names_itself() -> None:
    error = MissingExtra("numpy", "mcu", "mixing")
    assert str(error) == "mixing needs numpy: pip install '.[mcu]' in a checkout"
    assert (error.name, error.extra) == ("numpy", "mcu")
