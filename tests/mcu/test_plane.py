"""The media plane does with arrays what a `MediaStream` for each leg and a `Mixer` for each conference do.

Both are driven with the same packets, and what leaves is equal, octet for octet: the sound of the mix is in it.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable, Iterable

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu import ActiveSpeaker, LegId, Mixer, MixerSettings, Playback, SpeakerSettings, Tap
from mcu.audio.level_meter import LevelMeter
from mcu.plane.arrivals import Arrived
from mcu.plane.conference_audio import ConferenceAudio
from mcu.plane.line import Line, Sent
from mcu.plane.plane import MediaPlane
from rtp import (
    Capabilities,
    ComfortNoise,
    Crypto,
    Direction,
    Goodbye,
    InlineKey,
    MediaAgreement,
    MediaEvent,
    MediaStream,
    MediaStreamConfig,
    RtpPacket,
    SenderReport,
    SrtpContext,
    TelephoneEvent,
    UnprovenPolicy,
    alaw_encode,
    answer,
    build_compound,
    negotiate,
    offer,
    ulaw_encode,
)

FRAME = 0.02
LEVEL_INTERVAL = 0.1
SUITES = (None, None, "AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM")
Key = tuple[str, int]


def key(number: int, suite: str) -> Crypto:
    """What one side encrypts with; both sides can tell."""
    octets = random.Random(number).randbytes(28 if suite.startswith("AEAD") else 30)
    return Crypto(1, suite, (InlineKey(octets),))


def agreement(number: int, law: str = "PCMU", ptime: int = 20, suite: str | None = None) -> MediaAgreement:
    """What the MCU has agreed on with phone ``number``."""
    ours = offer(Capabilities(), "192.0.2.1", 40_000 + 2 * number)
    codecs = tuple(codec for codec in Capabilities().codecs if codec.encoding != ("PCMA" if law == "PCMU" else "PCMU"))
    theirs = answer(ours, Capabilities(codecs=codecs), "192.0.2.9", 10_000 + 2 * number)
    audio = negotiate(ours, theirs).audio
    assert audio is not None
    if suite is not None:
        audio = attrs.evolve(audio, local_crypto=key(number, suite), remote_crypto=key(-1 - number, suite))
    return attrs.evolve(audio, ptime=ptime)


def stream(number: int, agreed: MediaAgreement, *, trusted: bool, now: float = 0.0) -> MediaStream:
    config = MediaStreamConfig(silence_timeout=None, unproven=None if trusted else UnprovenPolicy())
    chance = random.Random(number)
    return MediaStream(
        agreed,
        ssrc=1000 + number,
        sequence_number=65_500 + number,
        timestamp=2**32 - 5_000 * number,
        cname=f"leg{number}",
        uniform=chance.random,
        now=now,
        config=config,
    )


@attrs.define(eq=False)
class ReferenceLeg:
    """A leg as it is mixed without a plane."""

    stream: MediaStream
    due: float = -math.inf
    playback: Playback | None = None

    def refresh(self) -> None:
        at = self.stream.next_timeout()
        self.due = math.inf if at is None else at


class ReferenceConference:
    """One `Mixer`, and a stream for each leg."""

    def __init__(self, conference: ConferenceAudio) -> None:
        self.legs: dict[LegId, ReferenceLeg] = {}
        self.mixer: Mixer[LegId] = Mixer(MixerSettings())
        self.speaker: ActiveSpeaker[LegId] = ActiveSpeaker(SpeakerSettings())
        self.meter: LevelMeter[LegId] = LevelMeter(LEVEL_INTERVAL)
        self.levels: dict[LegId, int] | None = None
        self.announcements = type(conference.announcements)()
        self.taps: list[tuple[LegId | None, list[bytes]]] = []

    def tick(self, now: float, out: list[Sent]) -> None:
        self.levels = None
        if not self.legs:
            return
        frames = {number: leg.stream.pop_frame(now=now) for number, leg in self.legs.items()}
        mix = self.mixer.mix(frames, self.announcements.next_frame())
        for tapped, sound in self.taps:
            if tapped is None:
                sound.append(mix.whole)
            else:
                sound.append((None if self.mixer.is_muted(tapped) else frames[tapped]) or bytes(320))
        for number, leg in self.legs.items():
            frame = None if leg.playback is None else leg.playback.next_frame()
            if frame is None:
                leg.playback = None
            pcm = mix.frame(number) if frame is None else frame
            csrc = mix.contributors_to(number) if frame is None else ()
            for sent in leg.stream.send_frame(payload=leg.stream.encode(pcm), csrc=csrc, now=now):
                out.append((number, *sent))
        self.speaker.update(self.mixer.energies, now=now)
        self.levels = self.meter.update(self.mixer.energies, now=now)

    def skip(self, now: float) -> None:
        for _, sound in self.taps:
            sound.append(bytes(320))
        for leg in self.legs.values():
            leg.stream.pop_frame(now=now)
            leg.stream.send_frame(now=now)


class Both:
    """The same conferences twice: with a plane, and without."""

    def __init__(self, conferences: int = 1, *, enough: int = 1) -> None:
        self.plane = MediaPlane(
            MixerSettings(), level_interval=LEVEL_INTERVAL, jitter=MediaStreamConfig().jitter, enough=enough
        )
        opened = [self.plane.open(f"sip:{each}@example.com") for each in range(conferences)]
        self.rooms = [(each, ReferenceConference(each)) for each in opened]
        self.legs: dict[LegId, tuple[int, Line, ReferenceLeg]] = {}
        self.taps: list[tuple[Tap, list[bytes]]] = []
        self.now = 0.0
        self.ticks = 0
        self.steady = 0  #: legs that were in steady flow, tick by tick
        self.heard: list[bytes] = []

    def add(
        self,
        number: int,
        room: int = 0,
        law: str = "PCMU",
        *,
        trusted: bool = True,
        ptime: int = 20,
        suite: str | None = None,
    ) -> LegId:
        leg = LegId(number)
        agreed = agreement(number, law, ptime, suite)
        conference, reference = self.rooms[room]
        line = conference.add(leg, stream(number, agreed, trusted=trusted, now=self.now))
        reference.legs[leg] = ReferenceLeg(stream(number, agreed, trusted=trusted, now=self.now))
        reference.mixer.add(leg)
        self.legs[leg] = room, line, reference.legs[leg]
        return leg

    def remove(self, leg: LegId) -> None:
        room, line, reference = self.legs.pop(leg)
        conference, other = self.rooms[room]
        assert conference.remove(leg) == other.speaker.remove(leg)
        other.mixer.remove(leg)
        other.meter.remove(leg)
        del other.legs[leg]
        other.taps = [each for each in other.taps if each[0] != leg]
        for each in (line.stream, reference.stream):
            each.bye(now=self.now)
        assert line.stream.data_to_send() == reference.stream.data_to_send()

    def tap(self, room: int, leg: LegId | None) -> None:
        tap = Tap("sip:0@example.com", limit=10_000)
        self.rooms[room][0].taps.add(leg, tap)
        sound: list[bytes] = []
        self.rooms[room][1].taps.append((leg, sound))
        self.taps.append((tap, sound))

    def each_stream(self, leg: LegId, action: Callable[[MediaStream], None]) -> None:
        _, line, reference = self.legs[leg]
        action(line.stream)
        action(reference.stream)
        self.plane.changed(line)
        reference.refresh()

    def receive(self, batch: list[Arrived]) -> None:
        ours: list[tuple[LegId, list[MediaEvent]]] = []
        self.plane.receive(batch, lambda leg, events, at: ours.append((leg, events)))
        theirs: list[tuple[LegId, list[MediaEvent]]] = []
        for leg, kind, data, source, at in batch:
            events = self.legs[leg][2].stream.receive(kind, data, source, now=at)
            if events:
                theirs.append((leg, events))
                self.legs[leg][2].refresh()
        assert ours == theirs

    def tick(self, *, skipped: bool = False) -> list[Sent]:
        self.ticks += 1
        self.now = now = self.ticks * FRAME
        ours: list[Sent] = []
        theirs: list[Sent] = []
        if skipped:
            self.plane.skip(now)
        else:
            self.plane.tick(now, ours)
        for _, reference in self.rooms:
            if skipped:
                reference.skip(now)
            else:
                reference.tick(now, theirs)
        our_events, their_events = [], []
        for line in self.plane.due(now):
            events, reports = self.plane.timeout(line, now)
            our_events += [(line.leg, event) for event in events]
            ours += [(line.leg, *sent) for sent in reports]
        for leg, (_, _, other) in self.legs.items():
            if now >= other.due:
                their_events += [(leg, event) for event in other.stream.handle_timeout(now=now)]
                other.refresh()
                theirs += [(leg, *sent) for sent in other.stream.data_to_send()]
        assert not self.plane.broken
        assert sorted(ours) == sorted(theirs)
        assert sorted(map(repr, our_events)) == sorted(map(repr, their_events))
        for conference, reference in self.rooms:
            assert conference.speaker == reference.speaker.current
            assert skipped or not reference.legs or conference.levels == reference.levels
        self.steady += sum(line.flow is not None for _, line, _ in self.legs.values())
        return ours

    def finish(self) -> None:
        """What is left is equal, too."""
        for _, line, reference in self.legs.values():
            assert self.plane.counters_of(line) == reference.stream.counters()
            assert line.stream.counters() == reference.stream.counters()
            assert line.stream.last_heard == reference.stream.last_heard
            assert line.stream.next_timeout() == reference.stream.next_timeout()
        for tap, sound in self.taps:
            assert tap.take() == b"".join(sound)


class PhoneOfTest:
    """What sends to one leg: mostly sound in its turn, sometimes something else."""

    def __init__(self, leg: LegId, law: str, chance: random.Random, suite: str | None = None) -> None:
        self.leg, self.law, self.chance = leg, law, chance
        self.context = None if suite is None else SrtpContext(suite, *key(-1 - leg, suite).master())
        self.ssrc, self.number, self.time = 5000 + leg, chance.randrange(65_536), chance.randrange(2**32)
        self.source = ("192.0.2.9", 10_000 + 2 * leg)
        self.loud = chance.choice([0, 30, 3_000, 9_000])
        self.held_back: deque[tuple[bytes, tuple[str, int]]] = deque()

    def sound(self, samples: int = 160) -> bytes:
        if self.chance.random() < 0.02:
            self.loud = self.chance.choice([0, 30, 3_000, 9_000, 30_000])
        pcm = b"".join(
            self.chance.randint(-self.loud, self.loud).to_bytes(2, "little", signed=True) for _ in range(samples)
        )
        return ulaw_encode(pcm) if self.law == "PCMU" else alaw_encode(pcm)

    def packet(self, payload: bytes, kind: int | None = None, *, marker: bool = False, advance: int = 160) -> bytes:
        kind = (0 if self.law == "PCMU" else 8) if kind is None else kind
        data = bytes(RtpPacket(kind, self.number, self.time, self.ssrc, payload, marker))
        self.number = self.number + 1 & 0xFFFF
        self.time = self.time + advance & 0xFFFF_FFFF
        return data if self.context is None else self.context.protect(data)

    def report(self, *packets: SenderReport | Goodbye) -> bytes:
        data = build_compound(packets)
        return data if self.context is None else self.context.protect_rtcp(data)

    def frame(self, odd: float, reached: float) -> Iterable[Arrived]:
        """What arrives before the next tick, after ``reached``."""
        chance = self.chance
        at = reached + chance.random() * FRAME
        while self.held_back:
            data, source = self.held_back.popleft()
            yield self.leg, "rtp", data, source, at
        if chance.random() >= odd:
            yield self.leg, "rtp", self.packet(self.sound()), self.source, at
            return
        what = chance.randrange(17)
        if what == 0:
            self.packet(b"")  # lost
        elif what == 1:
            self.time = self.time + 160 & 0xFFFF_FFFF  # silent
        elif what == 2:
            self.held_back.append((self.packet(self.sound()), self.source))
        elif what == 3:
            data = self.packet(self.sound())
            yield self.leg, "rtp", data, self.source, at
            yield self.leg, "rtp", data, self.source, at
        elif what == 4:
            yield self.leg, "rtp", self.packet(self.sound(), marker=True), self.source, at
        elif what == 5:
            end = chance.random() < 0.7
            key = TelephoneEvent(chance.randrange(16), end, 10, 400)
            yield self.leg, "rtp", self.packet(bytes(key), 101), self.source, at
        elif what == 6:
            yield self.leg, "rtp", self.packet(bytes(ComfortNoise(50)), 13), self.source, at
        elif what == 7:
            yield self.leg, "rtp", self.packet(self.sound(80), advance=80), self.source, at
            yield self.leg, "rtp", self.packet(self.sound(80), advance=80), self.source, at
        elif what == 8:
            report = SenderReport(self.ssrc, 1 << 40, self.time, 5, 800)
            yield self.leg, "rtcp", self.report(report), (self.source[0], self.source[1] + 1), at
        elif what == 9:
            stranger = RtpPacket(0, 7, 9, 77, self.sound())
            yield self.leg, "rtp", bytes(stranger), ("203.0.113.5", 4000), at
            yield self.leg, "rtp", self.packet(self.sound()), self.source, at
        elif what == 10:
            self.time = self.time + chance.choice([1, 160, 8_000, 40_000, -3_000]) & 0xFFFF_FFFF
            yield self.leg, "rtp", self.packet(self.sound()), self.source, at
        elif what == 11:
            self.number = self.number + chance.choice([1, 2, 50, 4_000]) & 0xFFFF
            yield self.leg, "rtp", self.packet(self.sound()), self.source, at
        elif what == 12:
            yield self.leg, "rtp", chance.randbytes(chance.choice([0, 3, 11, 172])), self.source, at
        elif what == 13:
            burst = [self.packet(self.sound()) for _ in range(chance.randrange(2, 12))]
            yield from ((self.leg, "rtp", data, self.source, at) for data in burst)
        elif what == 14:
            self.ssrc += 1000
            yield self.leg, "rtp", self.packet(self.sound()), self.source, at
        elif what == 15:
            data = bytearray(self.packet(self.sound()))
            data[-1] ^= 1  # another sound, and with SRTP a forged one
            yield self.leg, "rtp", bytes(data), self.source, at
            yield self.leg, "rtp", self.packet(self.sound()), self.source, at
        else:
            yield (
                self.leg,
                "rtcp",
                self.report(SenderReport(self.ssrc, 1, 2, 3, 4), Goodbye((self.ssrc,))),
                (
                    self.source[0],
                    self.source[1] + 1,
                ),
                at,
            )


def controlled(both: Both, chance: random.Random, phones: dict[LegId, PhoneOfTest]) -> None:
    """Somebody mutes, plays, holds, comes or goes."""
    leg = chance.choice(sorted(both.legs))
    room, line, reference = both.legs[leg]
    conference, other = both.rooms[room]
    what = chance.randrange(9)
    if what == 0:
        muted, deaf = chance.random() < 0.5, chance.random() < 0.3
        conference.filter(leg, muted=muted, deaf=deaf)
        other.mixer.set_muted(leg, muted)
        other.mixer.set_deaf(leg, deaf)
    elif what == 1:
        gains = {"input_gain": chance.choice([0.0, 0.5, 1.0, 8.0]), "output_gain": chance.choice([0.0, 0.3, 1.0, 4.0])}
        conference.set_gains(leg, **gains)
        other.mixer.set_gains(leg, **gains)
    elif what == 2:
        sound = chance.randbytes(2 * chance.randrange(1, 2_000))
        assert conference.announcements.play(sound) == other.announcements.play(sound)
    elif what == 3:
        sound = chance.randbytes(2 * chance.randrange(1, 900))
        both.plane.play(line, Playback(sound))
        reference.playback = Playback(sound)
    elif what == 4:
        both.each_stream(leg, lambda each: each.send_dtmf("12", duration=0.04, pause=0.02))
    elif what == 5:
        direction = chance.choice([Direction.SENDRECV, Direction.SENDONLY, Direction.INACTIVE, Direction.RECVONLY])
        agreed = attrs.evolve(reference.stream.agreement, direction=direction)
        both.each_stream(leg, lambda each: each.update(agreed, now=both.now))
    elif what == 6 and len(both.legs) > 1:
        both.remove(leg)
        del phones[leg]
    elif what == 7:
        both.tap(room, chance.choice([None, leg]))
    else:
        suite = chance.choice(SUITES)
        room = chance.randrange(len(both.rooms))
        new = both.add(max(both.legs) + 1, room, chance.choice(["PCMU", "PCMA"]), suite=suite)
        phones[new] = PhoneOfTest(new, both.legs[new][1].codec, chance, suite)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    rooms=st.integers(1, 3),
    legs=st.integers(1, 7),
    odd=st.sampled_from([0.0, 0.01, 0.1, 0.5]),
    control=st.sampled_from([0.0, 0.02, 0.2]),
    ticks=st.integers(1, 120),
    enough=st.sampled_from([1, 1, 1, 3, 6, 100]),
)
def test_what_leaves_is_the_same_with_and_without_a_plane(
    seed: int, rooms: int, legs: int, odd: float, control: float, ticks: int, enough: int
) -> None:
    chance = random.Random(seed)
    both = Both(rooms, enough=enough)
    phones: dict[LegId, PhoneOfTest] = {}
    for number in range(1, legs + 1):
        law = chance.choice(["PCMU", "PCMU", "PCMA"])
        ptime = chance.choice([20, 20, 20, 30, 40])
        suite, trusted = chance.choice(SUITES), chance.random() < 0.5
        leg = both.add(number, chance.randrange(rooms), law, trusted=trusted, ptime=ptime, suite=suite)
        phones[leg] = PhoneOfTest(leg, law, chance, suite)
    for _ in range(ticks):
        batch = [each for phone in phones.values() if phone.loud for each in phone.frame(odd, both.now)]
        both.receive(sorted(batch, key=lambda each: each[4]))
        if chance.random() < control:
            controlled(both, chance, phones)
        both.tick(skipped=chance.random() < odd / 10)
    both.finish()


def talk(both: Both, phones: list[PhoneOfTest], ticks: int) -> None:
    for _ in range(ticks):
        both.receive([each for phone in phones for each in phone.frame(0.0, both.now)])
        both.tick()


@pytest.mark.parametrize("suite", [None, "AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM"])
@pytest.mark.parametrize("law", ["PCMU", "PCMA"])
def test_legs_with_ordinary_packets_are_in_steady_flow(law: str, suite: str | None) -> None:
    both = Both()
    chance = random.Random(1)
    phones = [PhoneOfTest(both.add(number, law=law, suite=suite), law, chance, suite) for number in range(1, 7)]
    for phone in phones:
        phone.loud = 3_000
    talk(both, phones, 20)
    both.steady = 0
    talk(both, phones, 100)
    assert both.steady > 0.97 * 600  # when a report is due the stream has its leg for a moment
    both.finish()


def test_who_makes_every_packet_an_odd_one_is_heard_as_far_as_its_allowance_goes() -> None:
    both = Both()
    leg = both.add(1)
    phone = PhoneOfTest(leg, "PCMU", random.Random(1))
    flood: list[Arrived] = [
        (leg, "rtp", bytes([0x80, 101]) + bytes(14), phone.source, 0.001 * number / 50) for number in range(1000)
    ]
    both.plane.receive(flood, lambda leg, events, at: None)
    dropped = both.plane.counters["packets beyond the allowance of a leg"]
    assert 900 <= dropped < 1000
    second = [(leg, "rtp", data, source, at + 1.0) for leg, _, data, source, at in flood]
    both.plane.receive(second, lambda leg, events, at: None)
    assert both.plane.counters["packets beyond the allowance of a leg"] < 2 * dropped + 10  # and then again


@pytest.mark.parametrize("suite", ["AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM"])
def test_who_forges_packets_of_srtp_uses_up_an_allowance_too(suite: str) -> None:
    both = Both()
    leg = both.add(1, suite=suite)
    phone = PhoneOfTest(leg, "PCMU", random.Random(1), suite)
    talk(both, [phone], 30)
    line = both.legs[leg][1]
    assert line.flow is not None
    forged = bytearray(phone.packet(phone.sound()))
    forged[-1] ^= 1
    flood: list[Arrived] = [(leg, "rtp", bytes(forged), phone.source, both.now + 0.001)] * 1000
    both.plane.receive(flood, lambda leg, events, at: None)
    assert both.plane.counters["packets beyond the allowance of a leg"] > 900
    assert 0 < line.stream.counters().unauthenticated < 100


def test_a_stranger_does_not_use_up_the_allowance_of_a_phone() -> None:
    both = Both()
    leg = both.add(1, ptime=30)  # no steady flow: each packet of the phone is for its stream
    phone = PhoneOfTest(leg, "PCMU", random.Random(1))
    for _ in range(50):
        noise: list[Arrived] = [
            (leg, "rtp", bytes(RtpPacket(0, number, 0, 77, bytes(160))), ("203.0.113.5", 4000), both.now)
            for number in range(40)
        ]
        both.plane.receive(noise + list(phone.frame(0.0, both.now)), lambda leg, events, at: None)
        both.now += FRAME
    assert both.plane.counters["packets beyond the allowance of a leg"] > 1000
    assert both.legs[leg][1].stream.counters().received >= 49


def test_what_is_counted_of_a_leg_in_steady_flow_is_up_to_date() -> None:
    both = Both()
    phones = [PhoneOfTest(both.add(number), "PCMU", random.Random(number)) for number in (1, 2)]
    talk(both, phones, 60)
    for _, line, reference in both.legs.values():
        assert line.flow is not None
        assert both.plane.counters_of(line) == reference.stream.counters()
        assert line.flow is not None  # to ask changes nothing


def test_with_few_legs_and_with_many_the_sound_goes_on_without_a_step() -> None:
    both = Both(enough=6)
    chance = random.Random(3)
    phones: list[PhoneOfTest] = []
    seen = set()
    for number in range(1, 9):
        phones.append(PhoneOfTest(both.add(number), "PCMU", chance))
        talk(both, phones, 5)
        seen.add(both.plane.arrays)
    while len(phones) > 1:
        both.remove(phones.pop().leg)
        talk(both, phones, 5)
    both.finish()
    assert seen == {True, False}
    assert not both.plane.arrays
