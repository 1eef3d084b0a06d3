"""A participant that the Focus announced calls the MCU."""

from __future__ import annotations

from collections.abc import Sequence

from c3p import MCU_CONFERENCE_URI, MCU_SERVER_URI, AddUser, ConferenceKeys, Endpoint, User
from mcu import Ending, LegConnected, LegEnded, LegId
from rtp import OfferAnswerSession, SessionDescription
from sip import Headers, Multipart, NameAddr, Part, SessionAnswered, SessionFailed, TrustedPeers, Uri
from tests.mcu.harness import AV, CONFERENCE, MCU_HOST, Code, Phone, World, guid

CONTACT = f"sip:mcu@{MCU_HOST}:5060"


def announce(world: World, number: int = 7, **more: object) -> str:
    """Have a user announced; the address that it is told to call."""
    reply = world.dial(number, method="dialed-in", **more)  # type: ignore[arg-type]
    assert reply.document is not None
    assert reply.document.code is Code.SUCCESS
    command = reply.document.command
    assert isinstance(command, AddUser)
    info = command.connection_info
    assert info is not None
    assert info.get(MCU_CONFERENCE_URI) == AV
    address = info.get(MCU_SERVER_URI)
    assert address is not None
    return address


def call(
    world: World,
    phone: Phone,
    where: str,
    number: int = 7,
    *,
    to: str = AV,
    body: bytes | None = None,
    headers: Sequence[tuple[str, object]] = (),
) -> None:
    phone.now = world.now
    phone.negotiation = OfferAnswerSession(phone.capabilities, address=phone.address.host, port=4000)
    offer = bytes(phone.negotiation.make_offer()) if body is None else body
    phone.session = phone.endpoint.invite(
        "phone",
        where,
        from_=NameAddr(f"sip:user{number}@198.51.100.{number}"),
        to=NameAddr(Uri.parse(to)),
        headers=headers,
        body=offer,
        content_type="application/sdp" if offer else None,
        now=world.now,
    )
    world.settle()


def answered(phone: Phone) -> SessionAnswered:
    (event,) = [event for event in phone.seen if isinstance(event, SessionAnswered)]
    return event


def refused(phone: Phone) -> tuple[int | None, str]:
    (event,) = [event for event in phone.seen if isinstance(event, SessionFailed)]
    assert event.response is not None
    return event.status, (event.response.headers.get("ms-diagnostics") or "").partition(";")[0]


def test_announced_called_and_connected() -> None:
    world = World()
    world.start()
    where = announce(world)
    assert where.startswith(CONTACT)
    assert world.focus.history(guid(7)) == ["dialing-in"]
    phone = world.phone(7)
    call(world, phone, where)
    response = answered(phone).response
    assert [str(contact) for contact in response.contact] == [f"<{CONTACT}>;isfocus"]
    assert phone.negotiation is not None
    agreement = phone.negotiation.receive_answer(SessionDescription.parse(response.body))
    assert agreement.audio is not None
    phone.stream = phone.make_stream(agreement.audio)
    world.run(0.5)
    assert len(phone.heard) > 20
    assert world.focus.history(guid(7)) == ["dialing-in", "connected"]
    assert len(world.of(LegConnected)) == 1
    phone.hang_up()
    world.run(0.1)
    assert world.ended().method == "departed"


def test_a_call_without_offer_gets_ours() -> None:
    world = World()
    world.start()
    where = announce(world)
    phone = world.phone(7)
    call(world, phone, where, body=b"")
    negotiation = OfferAnswerSession(phone.capabilities, address=phone.address.host, port=4000)
    answer, _ = negotiation.receive_offer(SessionDescription.parse(answered(phone).response.body))
    assert phone.session is not None
    phone.endpoint.ack(phone.session, body=bytes(answer), content_type="application/sdp", now=world.now)
    world.settle()
    assert world.focus.history(guid(7)) == ["dialing-in", "connected"]


def test_an_ack_without_usable_answer_ends_the_call() -> None:
    world = World()
    world.start()
    where = announce(world)
    phone = world.phone(7)
    call(world, phone, where, body=b"")
    assert phone.session is not None
    phone.endpoint.ack(phone.session, body=b"nonsense", content_type="application/sdp", now=world.now)
    world.run(0.1)
    assert world.ended().ending is Ending.NO_MEDIA
    assert world.mcu.legs == 0


def test_who_was_not_announced_is_refused() -> None:
    world = World()
    world.start()
    announce(world)
    stranger = world.phone(8)
    call(world, stranger, CONTACT, 8)
    assert refused(stranger) == (403, "7006")


def test_who_writes_the_from_of_an_announced_participant_does_not_get_in() -> None:
    world = World()
    world.start()
    where = announce(world)
    mallory = world.phone(66)
    call(world, mallory, CONTACT)
    assert refused(mallory) == (403, "7006")
    eve = world.phone(67)
    call(world, eve, f"{CONTACT};reservation={'0' * 32}")
    assert refused(eve) == (403, "7006")
    empty = world.phone(68)
    call(world, empty, f"{CONTACT};reservation")
    assert refused(empty) == (403, "7006")
    assert world.focus.history(guid(7)) == ["dialing-in"]
    phone = world.phone(7)
    call(world, phone, where)
    assert answered(phone)


def test_the_address_of_a_reservation_serves_once_and_lets_its_own_participant_in() -> None:
    world = World()
    world.start()
    first, second = announce(world), announce(world, 8)
    assert first != second
    phone = world.phone(8)
    call(world, phone, second, 9)
    assert answered(phone)
    assert world.focus.history(guid(7)) == ["dialing-in"]
    again = world.phone(9)
    call(world, again, second, 8)
    assert refused(again) == (403, "7006")


def test_an_address_whose_minute_is_over_lets_nobody_in() -> None:
    world = World()
    world.start()
    where = announce(world)
    world.run(61.0)
    announce(world, endpoint=guid(17))
    phone = world.phone(7)
    call(world, phone, where)
    assert refused(phone) == (403, "7006")


def test_a_trusted_peer_says_who_calls_and_no_other() -> None:
    world = World(trusted_peers=TrustedPeers(["198.51.100.1/32"]))
    world.start()
    announce(world)
    asserted = [("P-Asserted-Identity", "<sip:user7@198.51.100.7>")]
    phone = world.phone(7)
    call(world, phone, CONTACT, headers=asserted)
    assert refused(phone) == (403, "7006")
    proxy = world.phone(1)
    call(world, proxy, CONTACT)  # it says nothing
    assert refused(proxy) == (403, "7006")
    proxy.seen.clear()
    call(world, proxy, CONTACT, 9, headers=asserted)
    assert answered(proxy)


def test_a_conference_that_is_not_here_is_404() -> None:
    world = World()
    phone = world.phone(7)
    call(world, phone, CONTACT)
    assert refused(phone) == (404, "7002")


def test_an_offer_that_cannot_be_used_is_488() -> None:
    world = World()
    world.start()
    where = announce(world)
    phone = world.phone(7)
    call(world, phone, where, body=b"nonsense")
    assert refused(phone) == (488, "7008")
    assert world.ended().ending is Ending.NO_MEDIA
    assert world.focus.history(guid(7)) == ["dialing-in", "disconnected", "gone"]


def test_no_port_is_480() -> None:
    world = World()
    world.start()
    where = announce(world)
    world.ports = "fail"
    phone = world.phone(7)
    call(world, phone, where)
    assert refused(phone)[0] == 480
    assert world.ended().ending is Ending.NO_PORT


def test_a_caller_that_gives_up_is_gone() -> None:
    world = World()
    world.start()
    where = announce(world)
    world.ports = "later"
    phone = world.phone(7)
    call(world, phone, where)
    assert phone.session is not None
    phone.endpoint.cancel(phone.session, now=world.now)
    world.run(1.0)
    assert world.ended().method == "departed"
    assert world.mcu.legs == 0


def test_a_reservation_lasts_a_minute() -> None:
    world = World()
    world.start()
    announce(world)
    world.run(59.9)
    assert world.of(LegEnded) == []
    world.run(0.2)
    assert world.ended().method == "failed"
    assert world.focus.history(guid(7)) == ["dialing-in", "disconnected", "gone"]


def test_the_reservations_of_one_user_are_limited() -> None:
    world = World(max_reservations_of_user=2)
    world.start()
    codes = []
    for number in (1, 2, 3):
        endpoint = Endpoint(entity=guid(number), joining_method="dialed-in")
        user = User(entity="sip:eve@example.com", roles=("attendee",), endpoints=(endpoint,))
        keys = ConferenceKeys(conf_entity=CONFERENCE)
        reply = world.post(AddUser(conference_keys=keys, user=user), originator=None, originator_role=None)
        assert reply.document is not None
        codes.append((reply.document.code.value, reply.document.reason))
    assert codes == [("success", None), ("success", None), ("failure", "serverBusy")]
    announce(world, 8)  # others go on


def test_a_locked_conference_takes_no_attendee() -> None:
    world = World()
    world.start(locked=True)
    reply = world.dial(7, method="dialed-in", originator_role="attendee")
    assert reply.document is not None
    assert reply.document.command_reason == "conferenceLocked"
    announce(world, 8)


def test_ejected_before_and_after_the_call() -> None:
    world = World()
    world.start()
    announce(world)
    world.eject(7)
    assert world.ended().method == "booted"
    assert world.focus.final("3").code is Code.SUCCESS


def test_an_address_that_is_no_conference_is_404() -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    call(world, phone, CONTACT, to="sip:mcu@192.0.2.1:5060")
    assert refused(phone) == (404, "7002")


def test_an_offer_without_audio_is_488() -> None:
    world = World()
    world.start()
    where = announce(world)
    phone = world.phone(7)
    body = b"v=0\r\no=- 0 0 IN IP4 198.51.100.7\r\ns=x\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n"
    call(world, phone, where, body=body)
    assert refused(phone) == (488, "7008")


def test_a_call_that_was_cancelled_in_the_moment_it_is_accepted() -> None:
    world = World()
    world.start()
    where = announce(world)
    world.ports = "later"
    phone = world.phone(7)
    call(world, phone, where)
    assert phone.session is not None
    world.run(0.5)
    phone.endpoint.cancel(phone.session, now=world.now)
    (cancel,) = phone.endpoint.data_to_send()
    events = world.mcu_agent.endpoint.receive_data(cancel.data, flow=world.flow_from(phone), now=world.now)
    world.mcu.media_opened(LegId(1), rtp=(MCU_HOST, 4), rtcp=(MCU_HOST, 5), advertised=MCU_HOST, now=world.now)
    world.events += [event for one in events for event in world.mcu.handle_event(one, now=world.now)]
    world.run(0.1)
    assert world.ended().method == "departed"
    assert world.mcu.legs == 0


def test_an_offer_beside_another_part_is_answered() -> None:
    world = World()
    world.start()
    where = announce(world)
    phone = world.phone(7)
    phone.now = world.now
    phone.negotiation = OfferAnswerSession(phone.capabilities, address=phone.address.host, port=4000)
    optional = Headers([("Content-Type", "application/isup"), ("Content-Disposition", "signal;handling=optional")])
    parts = (Part(b"x", optional), Part.of("application/sdp", bytes(phone.negotiation.make_offer())))
    body = Multipart(parts, "b1")
    phone.session = phone.endpoint.invite(
        "phone",
        where,
        from_=NameAddr("sip:user7@198.51.100.7"),
        to=NameAddr(Uri.parse(AV)),
        body=bytes(body),
        content_type=str(body.content_type),
        now=world.now,
    )
    world.settle()
    answer = SessionDescription.parse(answered(phone).response.body)
    assert answer.media[0].port
    phone.negotiation.receive_answer(answer)
    world.run(0.1)
    assert any(isinstance(event, LegConnected) for event in world.events)
