"""A phone behind a NAT: what its description says is of no use, and what comes from it has another address."""

from __future__ import annotations

import struct

from mcu import LegEnded, LegId
from rtp import CODINGS, Direction, OfferAnswerSession, RtpPacket
from tests.mcu.harness import FRAME, Phone, World
from tests.mcu.test_media import EVERYBODY, after_g711, reinvite, take_answer

FIRST, SECOND = ("203.0.113.5", 33_000), ("203.0.113.77", 44)  #: as the world sees the phone
STRANGER = ("203.0.113.99", 7000)


class Behind:
    """The phone's side of its NAT, and the MCU's view of it."""

    def __init__(self) -> None:
        self.world = World(mixer=EVERYBODY)
        self.world.start()
        self.phone, self.other = self.world.phone(1), self.world.phone(2, level=2000)
        self.phone.make_stream = lambda audio: None  # type: ignore[method-assign,assignment,return-value]
        self.world.dial(1)
        self.world.dial(2)
        self.sequence, self.timestamp, self.ssrc = 5, 77, 1234
        self.sent_to: list[tuple[str, int]] = []
        hear = self.world._hear

        def note(packets: list[tuple[LegId, str, bytes, tuple[str, int]]]) -> None:
            self.sent_to += [to for leg, kind, _, to in packets if leg == 1 and kind == "rtp"]
            hear(packets)

        self.world._hear = note  # type: ignore[method-assign]

    def speak(self, seconds: float, source: tuple[str, int], level: int = 1000) -> None:
        law = CODINGS["PCMU"]
        for _ in range(round(seconds / FRAME)):
            payload = law.encode(struct.pack("<h", level) * 160)
            data = bytes(RtpPacket(0, self.sequence & 0xFFFF, self.timestamp & 0xFFFF_FFFF, self.ssrc, payload))
            self.sequence, self.timestamp = self.sequence + 1, self.timestamp + 160
            self.world.mcu.receive_media([(LegId(1), "rtp", data, source, self.world.now)])
            self.world.run(FRAME)

    def pause(self, seconds: float) -> None:
        self.world.run(seconds)
        self.timestamp += round(8000 * seconds)

    def heard(self) -> bool:
        return self.other.last_sample == after_g711(after_g711(1000))

    def moved(self, phone: Phone, host: str) -> None:
        offer = OfferAnswerSession(phone.capabilities, address=host, port=4000).make_offer()
        reinvite(self.world, phone, body=bytes(offer))


def test_it_is_heard_and_hears_from_its_first_words_through_pauses_hold_and_moves_to_its_last() -> None:
    call = Behind()
    call.pause(2.0)  # it starts late
    call.speak(1.0, FIRST)
    assert call.heard()
    call.sent_to.clear()
    call.pause(61.0)
    assert set(call.sent_to) == {FIRST}
    assert len(call.sent_to) > 3000
    call.speak(0.5, FIRST)
    assert call.heard()
    for direction in (Direction.SENDONLY, Direction.SENDRECV):
        reinvite(call.world, call.phone, direction)
        call.phone.stream = None
        assert call.phone.negotiation is not None
        call.pause(4.0)
        _answered(call.phone)
    call.sent_to.clear()
    call.speak(0.5, FIRST)
    assert call.heard()
    assert set(call.sent_to) == {FIRST}
    call.ssrc, call.sequence, call.timestamp = 999, 40_000, 1  # it starts its sound anew
    call.speak(0.5, FIRST)
    assert call.heard()
    call.moved(call.phone, "10.0.0.9")  # another network: another private address, another NAT
    call.speak(0.5, SECOND)
    assert call.heard()
    call.sent_to.clear()
    call.speak(0.5, SECOND)
    assert set(call.sent_to) == {SECOND}
    assert not call.world.of(LegEnded)


def test_a_stranger_in_its_pause_is_not_heard_and_hears_nothing() -> None:
    call = Behind()
    call.speak(1.0, FIRST)
    call.pause(1.0)
    call.sent_to.clear()
    own = call.ssrc, call.sequence, call.timestamp
    for ssrc in (own[0], 666):
        call.ssrc = ssrc
        call.speak(10.0, STRANGER, level=-8000)
        assert call.other.last_sample == 0
    assert set(call.sent_to) == {FIRST}
    call.ssrc, call.sequence, call.timestamp = own[0], own[1], own[2] + 160_000
    call.speak(0.5, FIRST)
    assert call.heard()


def _answered(phone: Phone) -> None:
    """Take the answer to its offer, without sound of its own."""

    class Nothing:
        def update(self, audio: object, *, now: float) -> None:
            pass

    phone.stream = Nothing()  # type: ignore[assignment]
    take_answer(phone)
    phone.stream = None
