"""All legs behind one pair of ports, told apart by their addresses."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack

from mcu import LegId, MediaPeerKnown
from rtp import OfferAnswerSession, RtpPacket, SessionDescription, ulaw_decode, ulaw_encode
from rtp.aio import MediaPortsConfig, SharedPort
from sip import ResponseReceived
from tests.mcu.harness import Phone, World
from tests.mcu.test_aio import Live, phone_socket, sdp
from tests.mcu.test_dial_in import announce, call, refused
from tests.mcu.test_media import reinvite


def known(world: World) -> list[tuple[LegId, tuple[str, int] | None, tuple[str, int] | None]]:
    return [(each.leg, each.rtp, each.rtcp) for each in world.events if isinstance(each, MediaPeerKnown)]


def description(phone: Phone, host: str, port: int) -> bytes:
    return bytes(OfferAnswerSession(phone.capabilities, address=host, port=port).make_offer())


def status_of_last(phone: Phone) -> int:
    return [event for event in phone.seen if isinstance(event, ResponseReceived)][-1].response.status


def test_the_application_is_told_where_the_media_of_each_leg_come_from() -> None:
    world = World(single_port=True)
    world.start()
    for number in (1, 2):
        world.phone(number)
        world.dial(number)
        world.run(0.1)
    first, second = known(world)
    assert first == (1, ("198.51.100.1", 4000), ("198.51.100.1", 4001))
    assert second == (2, ("198.51.100.2", 4000), ("198.51.100.2", 4001))


def test_without_it_nothing_is_told() -> None:
    world = World()
    world.start()
    world.phone(1)
    world.dial(1)
    world.run(0.1)
    assert known(world) == []


def test_a_phone_that_answers_with_the_address_of_another_leg_is_refused_and_the_other_stays() -> None:
    world = World(single_port=True)
    world.start()
    one = world.phone(1)
    two = world.phone(2, lambda phone, event: phone.answer(sdp_of("198.51.100.1", 4000)))
    world.dial(1)
    world.dial(2)
    world.run(0.2)
    ended = world.ended()
    assert ended.user.startswith("sip:user2@")
    assert ended.reason is not None
    assert "another call has its RTP at 198.51.100.1 port 4000" in ended.reason
    assert len(known(world)) == 1
    assert world.mcu.legs == 1
    one.hang_up()
    world.run(0.2)
    del two
    world.dial(2, endpoint="{22222222-0000-0000-0000-000000000000}")  # now nobody has it
    world.run(0.2)
    assert known(world)[-1][1] == ("198.51.100.1", 4000)
    assert world.mcu.legs == 1


def sdp_of(host: str, port: int) -> bytes:
    return sdp(port).replace(b"127.0.0.1", host.encode())


def test_a_caller_with_the_address_of_another_leg_gets_488() -> None:
    world = World(single_port=True)
    world.start()
    world.phone(1)
    world.dial(1)
    world.run(0.2)
    where = announce(world)
    caller = world.phone(7)
    call(world, caller, where, body=sdp_of("198.51.100.1", 4000))
    assert refused(caller)[0] == 488
    assert world.mcu.legs == 1
    assert "another call has its RTP" in (world.ended().reason or "")


def test_who_moves_to_a_taken_address_is_refused_and_stays_where_it_was() -> None:
    world = World(single_port=True)
    world.start()
    one, _ = world.phone(1), world.phone(2)
    world.dial(1)
    world.dial(2)
    world.run(0.1)
    reinvite(world, one, body=description(one, "198.51.100.2", 4000))
    assert status_of_last(one) == 488
    assert len(known(world)) == 2
    reinvite(world, one, body=description(one, "0.0.0.0", 4000))  # on hold: it is where it was
    assert len(known(world)) == 2
    reinvite(world, one, body=description(one, "198.51.100.1", 5000))
    assert known(world)[2:] == [(1, ("198.51.100.1", 5000), ("198.51.100.1", 5001))]
    assert world.mcu.legs == 2


def test_a_name_is_no_address_to_know_a_leg_by() -> None:
    world = World(single_port=True)
    world.start()
    world.phone(1, lambda phone, event: phone.answer(sdp_of("phone.example.com", 4000)))
    world.dial(1)
    world.run(0.2)
    assert "numeric address" in (world.ended().reason or "")


def test_sound_goes_from_leg_to_leg_through_one_port_and_strangers_are_not_heard() -> None:
    async def run() -> None:
        live = Live(MediaPortsConfig(port_range=(43_260, 43_261)), single_port=True)
        with ExitStack() as stack:
            sockets = [stack.enter_context(phone_socket()) for _ in range(2)]
            stranger = stack.enter_context(phone_socket())
            live.world.start()
            ports = []
            for number, opened in enumerate(sockets, 1):
                body = sdp(opened.getsockname()[1])
                phone = live.world.phone(number, lambda phone, event, body=body: phone.answer(body))  # type: ignore[misc]
                live.world.dial(number)
                live.settle()
                ports.append(SessionDescription.parse(phone.last.request.body).media[0].port)
            assert set(ports) == {43_260}
            assert isinstance(live.driver.ports, SharedPort)
            heard = await talk(live, sockets, stranger)
            assert max(heard) > 2_000  # the first phone, loud and clear
            assert live.driver.ports.strangers > 0
        live.driver.close()

    asyncio.run(run())


async def talk(live: Live, sockets: list[socket.socket], stranger: socket.socket) -> list[int]:
    """The first phone talks, the stranger louder: what the second hears."""
    loud, louder = (ulaw_encode(level.to_bytes(2, "little", signed=True) * 160) for level in (3_000, 12_000))
    heard: list[int] = []
    for number in range(400):
        for opened, ssrc, payload in ((sockets[0], 5, loud), (stranger, 6, louder)):
            opened.sendto(bytes(RtpPacket(0, number, 160 * number, ssrc, payload)), ("127.0.0.1", 43_260))
        data = await asyncio.wait_for(live.loop.sock_recv(sockets[1], 2048), 5.0)
        if data[1] & 0x7F == 0:
            pcm = ulaw_decode(data[12 + 4 * (data[0] & 15) :])
            heard.append(int.from_bytes(pcm[-2:], "little", signed=True))
        if heard and heard[-1] > 2_000:
            break
    assert max(heard) < 4_000
    return heard
