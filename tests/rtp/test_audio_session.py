"""The sound of one call: two sessions that agree, speak, hold, press keys and end."""

from __future__ import annotations

import pytest

import rtp


class Chance:
    """The same numbers each time, others for each label."""

    def __init__(self, start: int) -> None:
        self.number = start

    def integer(self, bits: int) -> int:
        self.number = self.number * 1_103_515_245 + 12_345 & 0xFFFFFFFF
        return self.number & (1 << bits) - 1

    def token(self, nbytes: int) -> str:
        return "".join(f"{self.integer(8):02x}" for _ in range(nbytes))

    def uniform(self) -> float:
        return 0.5


class Voice:
    """Says the same sample all the time."""

    def __init__(self, sample: int) -> None:
        self.frame = sample.to_bytes(2, "little", signed=True) * 160

    def next_frame(self) -> bytes:
        return self.frame


class Ear(list[bytes]):
    def write(self, frame: bytes) -> None:
        self.append(frame)


class Pair:
    """Two sessions and what lies between them."""

    def __init__(self, caller: rtp.Capabilities = rtp.PLAIN_PHONE, callee: rtp.Capabilities = rtp.PLAIN_PHONE) -> None:
        self.ears = Ear(), Ear()
        self.sessions = tuple(
            rtp.AudioSession(
                capabilities,
                address=f"192.0.2.{number}",
                port=4000,
                source=Voice(1000 * number),
                sink=self.ears[number - 1],
                entropy=Chance(number),
            )
            for number, capabilities in ((1, caller), (2, callee))
        )
        self.now = 0.0
        self.events: tuple[list[rtp.MediaEvent], list[rtp.MediaEvent]] = ([], [])

    def agree(self) -> None:
        caller, callee = self.sessions
        answer = callee.receive_offer(caller.make_offer(now=self.now), now=self.now)
        caller.receive_answer(answer, now=self.now)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.02)):
            self.now += 0.02
            for number, session in enumerate(self.sessions):
                due = session.next_timeout()
                if due is not None and due <= self.now:
                    self.events[number].extend(session.handle_timeout(now=self.now))
                self.carry(number)

    def carry(self, number: int) -> int:
        other, source = self.sessions[1 - number], (f"192.0.2.{number + 1}", 4000)
        packets = self.sessions[number].data_to_send()
        for kind, data, _ in packets:
            where = source if kind == "rtp" else (source[0], 4001)
            self.events[1 - number].extend(other.receive(kind, data, where, now=self.now))
        return len(packets)

    def loudest(self, number: int, seconds: float = 0.2) -> int:
        heard = b"".join(self.ears[number][-round(seconds / 0.02) :])
        return max(abs(int.from_bytes(heard[n : n + 2], "little", signed=True)) for n in range(0, len(heard), 2))


def test_both_hear_each_other() -> None:
    pair = Pair()
    pair.agree()
    pair.run(1.0)
    assert pair.loudest(0) == pytest.approx(2000, rel=0.05)
    assert pair.loudest(1) == pytest.approx(1000, rel=0.05)
    counters = pair.sessions[0].counters
    assert counters is not None
    assert counters.sent == pytest.approx(50, abs=1)


def test_keys_in_the_sound_are_told() -> None:
    pair = Pair()
    pair.agree()
    pair.run(0.2)
    pair.sessions[0].send_keys("4#")
    pair.run(1.0)
    pressed = [event.digit for event in pair.events[1] if isinstance(event, rtp.TelephoneEventStarted)]
    assert pressed == ["4", "#"]


def test_who_is_held_is_not_heard_until_that_ends() -> None:
    pair = Pair()
    pair.agree()
    pair.run(0.5)
    caller, callee = pair.sessions
    for held, level in ((True, 0), (False, 2000)):
        caller.receive_answer(
            callee.receive_offer(caller.make_offer(held=held, now=pair.now), now=pair.now), now=pair.now
        )
        pair.run(1.0)
        assert pair.loudest(0) == pytest.approx(level, rel=0.05)
        assert callee.held is held


def test_a_hold_that_is_refused_is_forgotten() -> None:
    pair = Pair()
    pair.agree()
    caller, callee = pair.sessions
    caller.make_offer(held=True, now=0.0)
    caller.roll_back()
    answer = caller.receive_offer(callee.make_offer(now=0.0), now=0.0)
    assert rtp.SessionDescription.parse(answer).media[0].attribute("sendonly") is None


def test_after_the_end_a_last_packet_and_silence() -> None:
    pair = Pair()
    pair.agree()
    pair.run(0.5)
    pair.sessions[0].end(now=pair.now)
    assert pair.carry(0) == 1
    assert any(isinstance(event, rtp.SourceLeft) for event in pair.events[1])
    assert pair.sessions[0].next_timeout() is None
    assert pair.sessions[0].handle_timeout(now=pair.now + 1) == []
    pair.sessions[0].end(now=pair.now)
    assert pair.sessions[0].data_to_send() == []


def test_a_late_timer_makes_up_for_a_few_frames_only() -> None:
    pair = Pair()
    pair.agree()
    pair.run(0.5)
    pair.sessions[0].handle_timeout(now=10.0)
    assert len([packet for packet in pair.sessions[0].data_to_send() if packet.kind == "rtp"]) == 5
    due = pair.sessions[0].next_timeout()
    assert due is not None
    assert due > 9.9


@pytest.mark.parametrize(
    ("offer", "status"),
    [
        (b"nonsense", 400),
        (b"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 1 RTP/AVP 18\r\n", 488),
    ],
)
def test_what_cannot_be_used_says_how_to_refuse_it(offer: bytes, status: int) -> None:
    session = Pair().sessions[0]
    with pytest.raises(rtp.RemoteProtocolError) as caught:
        session.receive_offer(offer, now=0.0)
    assert caught.value.status_hint == status
    assert session.agreement is None


def test_encrypted_calls_have_keys_of_their_own() -> None:
    secure = rtp.Capabilities(encryption=rtp.Encryption.REQUIRED)
    pair = Pair(secure, secure)
    pair.agree()
    pair.run(0.5)
    caller, callee = (session.agreement for session in pair.sessions)
    assert caller is not None
    assert callee is not None
    assert caller.secure
    assert caller.local_crypto != callee.local_crypto
    assert pair.loudest(0) == pytest.approx(2000, rel=0.05)


def test_a_stream_takes_its_numbers_from_chance_or_says_what_is_missing() -> None:
    pair = Pair()
    pair.agree()
    agreement = pair.sessions[0].agreement
    assert agreement is not None
    one, other = (rtp.MediaStream(agreement, entropy=Chance(seed), now=0.0) for seed in (1, 2))
    assert one.ssrc != other.ssrc
    assert rtp.MediaStream(agreement, entropy=Chance(1), ssrc=77, now=0.0).ssrc == 77
    with pytest.raises(rtp.LocalProtocolError, match="entropy="):
        rtp.MediaStream(agreement, ssrc=77, now=0.0)
