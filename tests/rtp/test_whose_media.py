"""The media of a leg belong to the phone that was called: who else sends or asks is not heard, and gets nothing."""

from __future__ import annotations

import struct

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtp import (
    Capabilities,
    Crypto,
    Encryption,
    Goodbye,
    InlineKey,
    MediaStream,
    MediaStreamConfig,
    OfferAnswerSession,
    ReceiverReport,
    Role,
    RtpPacket,
    SrtpContext,
    UnprovenPolicy,
    answer,
    build_compound,
    negotiate,
    offer,
    ulaw_encode,
)

Address = tuple[str, int]

US: Address = ("192.0.2.1", 4000)
PHONE: Address = ("198.51.100.2", 5000)
NAT: Address = ("203.0.113.5", 33_000)
STRANGER: Address = ("203.0.113.99", 7000)
VICTIM: Address = ("192.0.2.77", 9)
SOUND, ALIEN = (ulaw_encode(struct.pack("<h", level) * 160) for level in (9000, -20_000))
SUITE = "AES_CM_128_HMAC_SHA1_80"


class Sender:
    """Somebody with an RTP stream."""

    def __init__(
        self, ssrc: int, payload: bytes = SOUND, *, sequence: int = 65_000, timestamp: int = 2**32 - 900
    ) -> None:
        self.ssrc, self.payload, self.sequence, self.timestamp = ssrc, payload, sequence, timestamp

    def packet(self) -> bytes:
        data = bytes(RtpPacket(0, self.sequence & 0xFFFF, self.timestamp & 0xFFFF_FFFF, self.ssrc, self.payload))
        self.sequence += 1
        self.timestamp += 160
        return data


class Leg:
    """A leg of ours, and a clock that gives and takes a frame every 20 ms."""

    def __init__(self, config: MediaStreamConfig | None = None, *, secure: bool = False) -> None:
        self.now = 0.0
        self.ours, self.theirs = (_side(fill, secure) for fill in (1, 2))
        self.local = OfferAnswerSession(self.ours, address=US[0], port=US[1])
        self.remote = OfferAnswerSession(self.theirs, address=PHONE[0], port=PHONE[1])
        agreement = self.local.receive_answer(self.remote.receive_offer(self.local.make_offer())[0]).audio
        assert agreement is not None
        self.stream = MediaStream(
            agreement, ssrc=1, sequence_number=1, timestamp=1, cname="us", uniform=lambda: 0.5, now=0.0, config=config
        )
        self.phone, self.stranger = Sender(1000), Sender(666, ALIEN)
        self.sent: list[Address] = []  #: destinations of RTP
        self.heard: list[int] = []  #: peak of each frame, 0 for none

    def move(self, address: Address) -> None:
        """The phone says in a new offer that it is elsewhere."""
        side = OfferAnswerSession(self.theirs, address=address[0], port=address[1])
        _, agreement = self.local.receive_offer(side.make_offer())
        assert agreement.audio is not None
        self.stream.update(agreement.audio, now=self.now)

    def run(self, seconds: float, *speakers: tuple[Sender, Address]) -> None:
        """Each of these sends all the time from an address."""
        for _ in range(round(seconds * 50)):
            for sender, address in speakers:
                self.stream.receive("rtp", sender.packet(), address, now=self.now)
            frame = self.stream.pop_frame(now=self.now + 0.003)
            self.heard.append(max(struct.unpack("<160h", frame), key=abs) if frame else 0)
            out = self.stream.send_frame(bytes(320), now=self.now + 0.003)
            self.sent += [packet.destination for packet in out]
            self.now += 0.02

    def pause(self, seconds: float) -> None:
        """The phone says nothing, and sends nothing; its numbers stay, its time goes on."""
        self.phone.timestamp += round(8000 * seconds)

    def rtcp(self, source: Address, *packets: object) -> None:
        self.stream.receive("rtcp", build_compound(packets), source, now=self.now)  # type: ignore[arg-type]


def _side(fill: int, secure: bool) -> Capabilities:
    if not secure:
        return Capabilities()
    line = Crypto(1, SUITE, (InlineKey(bytes([fill]) * 30),))
    return Capabilities(encryption=Encryption.REQUIRED, crypto=(line,))


def rtcp_of(address: Address) -> Address:
    return (address[0], address[1] + 1)


# Who is heard --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [PHONE, NAT])
@pytest.mark.parametrize("spoken", [0.6, 4.0])
@pytest.mark.parametrize("knows_the_source", [False, True])
@pytest.mark.parametrize("wait", [0.6, 10.0])
@pytest.mark.parametrize("intrusion", [0.04, 60.0])
def test_a_stranger_in_a_pause_is_not_heard_and_gets_nothing(
    address: Address, spoken: float, knows_the_source: bool, wait: float, intrusion: float
) -> None:
    leg = Leg()
    leg.run(spoken, (leg.phone, address))
    leg.sent.clear()
    intruder = Sender(1000, ALIEN, sequence=leg.phone.sequence) if knows_the_source else leg.stranger
    leg.pause(wait + intrusion)
    leg.run(wait)
    leg.run(intrusion, (intruder, STRANGER))
    assert set(leg.sent) == {address}
    assert min(leg.heard) >= 0
    leg.run(1.0, (leg.phone, address))
    assert leg.heard[-1] > 8000


@pytest.mark.parametrize("address", [PHONE, NAT])
def test_a_stranger_before_the_first_packet_of_the_phone_loses_the_leg_to_it(address: Address) -> None:
    leg = Leg()
    leg.run(0.04, (leg.stranger, STRANGER))
    assert leg.stream.destination == STRANGER
    leg.run(1.0)
    leg.run(1.0, (leg.phone, address))
    assert leg.stream.destination == address
    assert leg.heard[-1] > 8000


@pytest.mark.parametrize("late", [0.5, 5.0, 60.0])
def test_a_phone_at_its_own_address_is_heard_though_a_stranger_sends_all_the_time(late: float) -> None:
    leg = Leg()
    leg.run(late, (leg.stranger, STRANGER))
    leg.run(1.0, (leg.stranger, STRANGER), (leg.phone, PHONE))
    assert leg.stream.destination == PHONE
    assert set(leg.sent[-40:]) == {PHONE}
    assert leg.heard[-1] > 8000


def test_two_forged_packets_of_the_signalled_address_cost_a_phone_behind_a_nat_a_moment_only() -> None:
    leg = Leg()
    leg.run(5.0, (leg.phone, NAT))
    leg.run(0.04, (leg.stranger, PHONE), (leg.phone, NAT))
    leg.run(1.0, (leg.phone, NAT))
    assert leg.stream.destination == NAT
    assert leg.heard[-1] > 8000


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0.0, 20.0),
            st.sampled_from([STRANGER, ("203.0.113.99", 7001), (PHONE[0], 5002), (US[0], 1)]),
            st.sampled_from([1000, 666, 667]),
            st.integers(0, 0xFFFF),
            st.integers(0, 2**32 - 1),
        ),
        max_size=40,
    ),
    st.sampled_from([PHONE, NAT]),
)
def test_no_packets_of_strangers_in_a_pause_change_where_a_leg_sends(
    packets: list[tuple[float, Address, int, int, int]], address: Address
) -> None:
    leg = Leg()
    leg.run(4.0, (leg.phone, address))
    for after, source, ssrc, sequence, timestamp in sorted(packets):
        for more in range(3):
            data = RtpPacket(0, sequence + more & 0xFFFF, timestamp + 160 * more & 0xFFFF_FFFF, ssrc, ALIEN)
            if source[0] == address[0] and ssrc == 1000:
                continue  # at the same host, with the same numbers, it may be the phone itself
            leg.stream.receive("rtp", bytes(data), source, now=leg.now + after)
    assert leg.stream.destination == address
    assert leg.stream.remote_ssrc == 1000


# What may change -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pause", [0.0, 2.0, 60.0])
def test_another_port_of_the_host_is_followed_when_source_number_and_time_go_on(pause: float) -> None:
    leg = Leg()
    leg.run(4.0, (leg.phone, NAT))
    leg.pause(pause)
    leg.run(pause)
    leg.run(2.0, (leg.phone, (NAT[0], 44_000)))
    assert leg.stream.destination == (NAT[0], 44_000)
    assert leg.heard[-1] > 8000


@pytest.mark.parametrize(
    "other",
    [
        Sender(1000, ALIEN, sequence=65_000 - 300),
        Sender(1000, ALIEN, sequence=65_000 + 20_000),
        Sender(1000, ALIEN, sequence=65_300, timestamp=2**31),
        Sender(667, ALIEN, sequence=65_300),
    ],
)
def test_another_port_of_the_host_is_not_followed_when_they_do_not(other: Sender) -> None:
    leg = Leg()
    leg.run(4.0, (leg.phone, NAT))
    leg.run(1.0, (other, (NAT[0], 44_000)))
    assert leg.stream.destination == NAT
    assert min(leg.heard) >= 0


def test_another_source_at_the_address_of_the_phone_is_followed() -> None:
    leg = Leg()
    leg.run(4.0, (leg.phone, NAT))
    leg.run(1.0, (Sender(2000, sequence=5, timestamp=7), NAT))
    assert leg.stream.remote_ssrc == 2000
    assert leg.heard[-1] > 8000


@pytest.mark.parametrize("first", [PHONE, NAT])
def test_a_new_description_moves_the_leg_and_opens_it_anew(first: Address) -> None:
    leg = Leg()
    leg.run(4.0, (leg.phone, first))
    leg.move(("198.51.100.3", 6000))
    assert leg.stream.destination == ("198.51.100.3", 6000)
    elsewhere = ("203.0.113.6", 1234)
    leg.run(1.0, (leg.phone, elsewhere))
    assert leg.stream.destination == elsewhere
    leg.run(5.0)
    leg.run(1.0, (leg.stranger, STRANGER))
    assert leg.stream.destination == elsewhere


def test_an_authenticated_packet_moves_the_leg_and_nothing_else_does() -> None:
    leg = Leg(secure=True)
    remote = leg.theirs.crypto[0]
    context = SrtpContext(SUITE, *remote.master())

    def speak(source: Address, seconds: float) -> None:
        for _ in range(round(50 * seconds)):
            leg.stream.receive("rtp", context.protect(leg.phone.packet()), source, now=leg.now)
            leg.run(0.02)

    speak(NAT, 4.0)
    leg.run(1.0, (leg.stranger, STRANGER))
    held_back = context.protect(leg.phone.packet())
    speak(NAT, 1.0)
    leg.stream.receive("rtp", held_back, STRANGER, now=leg.now)
    assert leg.stream.destination == NAT
    elsewhere = ("203.0.113.77", 44)
    speak(elsewhere, 0.02)
    assert leg.stream.destination == elsewhere
    speak(elsewhere, 1.0)
    assert leg.heard[-1] > 8000
    assert min(leg.heard) >= 0


def test_a_stranger_who_sends_under_our_source_does_not_make_us_take_another() -> None:
    leg = Leg()
    leg.run(1.0, (leg.phone, PHONE))
    echo = Sender(leg.stream.ssrc, ALIEN)
    for port in range(7000, 7040):
        assert leg.stream.receive("rtp", echo.packet(), (STRANGER[0], port), now=leg.now) == []
    assert leg.stream.counters().looped == 40


# RTCP ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [PHONE, NAT])
def test_the_goodbye_of_a_stranger_ends_nothing(address: Address) -> None:
    leg = Leg()
    leg.run(4.0, (leg.phone, address))
    leg.rtcp(rtcp_of(address), ReceiverReport(1000, ()))
    leg.now += 4.0
    for source in (STRANGER, rtcp_of(STRANGER), (address[0], 99)):
        leg.rtcp(source, ReceiverReport(666, ()), Goodbye((1000,)))
    assert leg.stream.remote_ssrc == 1000
    assert leg.stream.counters().refused >= 3


def test_reports_go_to_who_sends_the_sound() -> None:
    leg = Leg()
    leg.run(4.0, (leg.phone, NAT))
    leg.rtcp(rtcp_of(NAT), ReceiverReport(1000, ()))
    leg.rtcp(rtcp_of(STRANGER), ReceiverReport(1000, ()))
    leg.now += 10.0
    leg.stream.handle_timeout(now=leg.now)
    assert {out.destination for out in leg.stream.data_to_send()} == {rtcp_of(NAT)}
    leg.rtcp((NAT[0], 60_000), ReceiverReport(1000, ()))  # its NAT forgot it; it is of the source that is heard
    leg.now += 10.0
    leg.stream.handle_timeout(now=leg.now)
    assert {out.destination for out in leg.stream.data_to_send()} == {(NAT[0], 60_000)}


# How much an address gets that sent nothing --------------------------------------------------------------------------


def test_sound_is_not_reflected_to_a_third_address_for_longer_than_a_moment() -> None:
    leg = Leg()
    leg.move(VICTIM)
    leg.run(3.0)
    leg.sent.clear()
    leg.run(60.0)
    assert leg.sent == [VICTIM] * len(leg.sent)
    assert 58 <= len(leg.sent) <= 61
    assert leg.stream.counters().withheld > 2900


@pytest.mark.parametrize("ptime", [10, 20, 30, 60])
def test_one_packet_a_second_whatever_its_length(ptime: int) -> None:
    offered = offer(Capabilities(), *US)
    agreement = negotiate(offered, answer(offered, Capabilities(ptime=ptime), *PHONE), Role.OFFERER).audio
    assert agreement is not None
    leg = Leg()
    leg.stream.update(agreement, now=0.0)
    leg.run(3.0)
    leg.sent.clear()
    leg.run(20.0)
    assert 18 <= len(leg.sent) <= 21 * (2 if ptime == 10 else 1)


def test_new_descriptions_do_not_add_up_to_a_flood() -> None:
    leg = Leg()
    for number in range(60):
        leg.move((VICTIM[0], 10 + number))
        leg.run(1.0)
    assert len(leg.sent) <= 2 * 150 + 60


def test_who_moves_to_a_third_address_after_speaking_does_not_flood_it() -> None:
    leg = Leg()
    for _ in range(10):
        leg.move(PHONE)
        leg.run(1.0, (leg.phone, PHONE))
        leg.move(VICTIM)
        leg.run(1.0)
    assert leg.sent.count(VICTIM) <= 150 + 10


@pytest.mark.parametrize("by", ["rtp", "rtcp"])
def test_an_address_that_shows_itself_late_gets_everything_and_keeps_it_through_a_long_pause(by: str) -> None:
    leg = Leg()
    leg.run(20.0)
    if by == "rtp":
        leg.run(0.1, (leg.phone, PHONE))
    else:
        leg.rtcp(rtcp_of(PHONE), ReceiverReport(1000, ()))
    leg.sent.clear()
    leg.run(70.0)
    assert leg.sent == [PHONE] * 3500


def test_who_is_trusted_gets_everything() -> None:
    leg = Leg(MediaStreamConfig(unproven=None))
    leg.run(30.0)
    assert len(leg.sent) == 1500


def test_the_moment_and_the_distance_can_be_set() -> None:
    policy = UnprovenPolicy(grace=0.0, interval=10.0)
    leg = Leg(attrs.evolve(MediaStreamConfig(), unproven=policy))
    leg.run(35.0)
    assert len(leg.sent) == 4
