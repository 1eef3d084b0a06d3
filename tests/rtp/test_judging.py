"""Judges of media: what our senders send is right, and what is changed in it is found by its clause."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import (
    PCMU,
    TELEPHONE_EVENT,
    Goodbye,
    LocalProtocolError,
    ReceiverReport,
    RtpPacket,
    SdesChunk,
    SenderReport,
    SourceDescription,
    SrtpContext,
    TelephoneEvent,
    build_compound,
)
from rtp.sdp.codec import STATIC
from rtp.testing import (
    Finding,
    MediaPacket,
    check_answer,
    check_description,
    check_next_description,
    check_stream,
    rtcp_compounds,
    rtp_packets,
    session_descriptions,
)

FORMATS = {0: PCMU, 101: TELEPHONE_EVENT}
PROFILE = "AES_CM_128_HMAC_SHA1_80"
CNAME = SourceDescription((SdesChunk(7, ((1, b"alice@example.com"),)),))


def talk(count: int = 200, *, first: int = 65_500) -> list[RtpPacket]:
    """Four seconds of sound, across the end of the sequence numbers."""
    return [
        RtpPacket(0, (first + number) % 2**16, 160 * number, 7, b"\xff" * 159 + bytes([number % 256]))
        for number in range(count)
    ]


def timed(packets: list[RtpPacket], ptime: float = 0.02) -> list[MediaPacket]:
    return [MediaPacket(number * ptime, bytes(each)) for number, each in enumerate(packets)]


def report(at: float, **changed: int) -> MediaPacket:
    sent = {"ntp_time": (1000 << 32) + int(at * 2**32), "rtp_time": int(at * 8000), "packet_count": int(at * 50)}
    made = SenderReport(7, octet_count=0, **{**sent, **changed})
    return MediaPacket(at, build_compound([made, CNAME]))


def clauses(found: list[Finding]) -> list[str]:
    return [each.clause for each in found]


def test_what_follows_the_rfcs_passes() -> None:
    reports = [report(at) for at in (1.0, 4.0)]
    assert check_stream(sorted([*timed(talk()), *reports], key=lambda each: each.at), formats=FORMATS) == []


def test_what_a_network_does_is_not_blamed() -> None:
    packets = timed(talk())
    del packets[50:60]
    packets[20], packets[21] = packets[21], packets[20]
    packets.insert(90, packets[89])
    assert check_stream(packets, formats=FORMATS) == []
    assert clauses(check_stream(packets, formats=FORMATS, complete=True)) == [
        "the sequence number increments by one for each packet"
    ]


Change = Callable[[list[RtpPacket]], object]


def evolve(place: int, **fields: object) -> Change:
    def changed(packets: list[RtpPacket]) -> None:
        packets[place] = attrs.evolve(packets[place], **fields)

    return changed


def slower(packets: list[RtpPacket]) -> None:
    packets[:] = [attrs.evolve(each, timestamp=each.timestamp // 2) for each in packets]


def standing_still(packets: list[RtpPacket]) -> None:
    packets[100:] = [attrs.evolve(each, timestamp=each.timestamp - 12_000) for each in packets[100:]]


@pytest.mark.parametrize(
    ("change", "clause"),
    [
        (evolve(100, sequence_number=30_000), "the sequence number increments by one for each packet"),
        (evolve(101, sequence_number=64), "a sequence number is of one packet"),
        (evolve(100, payload_type=18), "a format is sent that the other side has described"),
        (slower, "the timestamp is of a clock that increments linearly in time"),
        (standing_still, "the timestamp increases"),
    ],
)
def test_a_changed_packet_is_found(change: Change, clause: str) -> None:
    packets = talk()
    change(packets)
    assert clause in clauses(check_stream(timed(packets), formats=FORMATS))


def stamped(count: int, step: int, *, marker_at: int = -1, jump_at: int = -1, jump: int = 0) -> list[MediaPacket]:
    """Sound of 20 ms a packet, for less than the two seconds after which a clock can be told from lateness."""
    sound = []
    for number in range(count):
        stamp = step * number + (jump if 0 <= jump_at <= number else 0)
        sound.append(RtpPacket(0, number, stamp, 7, b"\xff" * 159 + bytes([number]), marker=number == marker_at))
    return timed(sound)


@pytest.mark.parametrize(
    ("packets", "clause"),
    [
        (stamped(50, 160, jump_at=20, jump=80_000), "the timestamp goes on as time does"),
        (stamped(50, 0), "the timestamp increments by as much as was sampled"),
        (stamped(50, 320), "the timestamp increments by as much as was sampled"),
    ],
)
def test_steps_that_are_wrong_are_found_at_once(packets: list[MediaPacket], clause: str) -> None:
    assert clauses(check_stream(packets, formats=FORMATS)) == [clause]


def test_a_clock_that_goes_on_over_silence_is_right() -> None:
    talk, more = stamped(20, 160), stamped(40, 160, jump_at=20, jump=80_000)[20:]
    assert check_stream([*talk, *(attrs.evolve(each, at=each.at + 10.0) for each in more)], formats=FORMATS) == []
    # The network held back what was said before the silence.
    held = [attrs.evolve(each, at=each.at + 1.5 * (number > 10)) for number, each in enumerate(talk)]
    late = [attrs.evolve(each, at=each.at + 10.0) for each in more]
    assert check_stream([*held, *late], formats=FORMATS) == []


def test_a_marker_begins_anew_and_nobody_is_blamed_at_once() -> None:
    assert check_stream(stamped(50, 160, jump_at=20, jump=80_000, marker_at=20), formats=FORMATS) == []


def test_events_and_comfort_noise_between_sound_are_right() -> None:
    comfort = {**FORMATS, 13: STATIC[13]} if 13 in STATIC else FORMATS
    sound = [RtpPacket.parse(each.data) for each in stamped(50, 160)]
    for number in range(10, 18):  # a digit, whose packets have one timestamp, in place of sound
        sound[number] = attrs.evolve(
            sound[number],
            payload_type=101,
            timestamp=1600,
            payload=bytes(TelephoneEvent(5, duration=160 * (number - 9))),
        )
    if 13 in comfort:
        sound[30] = attrs.evolve(sound[30], payload_type=13, payload=b"\x40")
    assert check_stream(timed(sound), formats=comfort) == []


def test_a_clock_that_stands_still_while_nothing_is_sent_is_found() -> None:
    packets = timed(talk())
    held = [attrs.evolve(each, at=each.at + 3.0) if each.at > 2.0 else each for each in packets]
    assert clauses(check_stream(held)) == ["the timestamp is of a clock that increments linearly in time"]


def test_another_packet_with_the_same_index_is_worse_when_it_is_encrypted() -> None:
    key = (b"k" * 16, b"s" * 14)
    packets = [SrtpContext(PROFILE, *key).protect(bytes(each)) for each in talk(10)]
    again = SrtpContext(PROFILE, *key).protect(bytes(attrs.evolve(talk(10)[9], payload=b"other")))
    found = check_stream([MediaPacket(0.02 * n, each) for n, each in enumerate([*packets, again])], srtp=PROFILE)
    assert [(each.source, each.force.value) for each in found] == [("RFC 3711 section 9.1", "MUST")]


def test_an_srtcp_index_that_is_used_again_is_found() -> None:
    key = (b"k" * 16, b"s" * 14)
    context = SrtpContext(PROFILE, *key)
    packets = [context.protect_rtcp(report(at).data) for at in (1.0, 6.0, 11.0)]
    seen = [MediaPacket(5.0 * n, each) for n, each in enumerate(packets)]
    assert check_stream(seen, srtp=PROFILE) == []
    again = SrtpContext(PROFILE, *key).protect_rtcp(report(16.0).data)
    assert clauses(check_stream([*seen, MediaPacket(15.0, again)], srtp=PROFILE)) == [
        "the SRTCP index is incremented for each packet"
    ]


@pytest.mark.parametrize(
    ("reports", "clause"),
    [
        ([MediaPacket(1.0, bytes(ReceiverReport(7)))], "a compound packet has SDES with CNAME"),
        ([MediaPacket(1.0, bytes(CNAME))], "a compound packet begins with a report"),
        ([MediaPacket(1.0, b"\x81\xc8\x00\x20" + bytes(24))], "RTCP can be read"),
        ([report(at / 2) for at in range(2, 12)], "the interval of reports is 5 s on average"),
        ([report(1.0), report(3.9, packet_count=60)], "the packet count is of all packets that were sent"),
        ([report(1.0), report(3.9, packet_count=1)], "the packet count does not decrease"),
        ([report(1.0), report(3.9, rtp_time=8000)], "the RTP timestamp of a report is of the same instant"),
        ([MediaPacket(1.0, build_compound([ReceiverReport(7), CNAME, Goodbye((7,))]))], "nothing of a source is sent"),
    ],
)
def test_reports_that_are_wrong_are_found(reports: list[MediaPacket], clause: str) -> None:
    packets = sorted([*timed(talk()), *reports], key=lambda each: each.at)
    assert any(each.startswith(clause) for each in clauses(check_stream(packets, formats=FORMATS)))


def test_a_report_may_stand_alone_where_that_was_agreed() -> None:
    assert check_stream([MediaPacket(1.0, bytes(ReceiverReport(7)))], reduced_size=True) == []


def events(*of: tuple[int, int, int]) -> list[MediaPacket]:
    made = [
        RtpPacket(101, number, timestamp, 7, bytes(TelephoneEvent(event, False, 10, duration)))
        for number, (timestamp, event, duration) in enumerate(of)
    ]
    return timed(made)


def test_events_are_judged() -> None:
    assert check_stream(events((0, 1, 160), (0, 1, 320), (900, 2, 160)), formats=FORMATS) == []
    assert clauses(check_stream(events((0, 1, 320), (0, 1, 160)), formats=FORMATS)) == [
        "the duration of an event grows"
    ]
    assert clauses(check_stream(events((0, 1, 160), (0, 2, 320)), formats=FORMATS)) == [
        "an event has a timestamp of its own"
    ]


def sdp(audio: str = "m=audio 4000 RTP/AVP 0", *more: str, version: int = 1) -> bytes:
    lines = ["v=0", f"o=- 1 {version} IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0", audio, *more]
    return "".join(f"{each}\r\n" for each in lines).encode()


def test_a_right_answer_passes() -> None:
    assert check_description(sdp()) == check_answer(sdp(), sdp()) == check_next_description(sdp(), sdp()) == []
    assert check_next_description(sdp(), sdp("m=audio 4002 RTP/AVP 0", version=2)) == []


@pytest.mark.parametrize(
    ("offer", "answer", "clause"),
    [
        (sdp(), sdp("m=audio 4000 RTP/AVP 0", "m=video 0 RTP/AVP 31"), "an answer has as many streams as its offer"),
        (sdp(), sdp("m=video 4000 RTP/AVP 31"), "a stream of an answer has the media type of the offer"),
        (sdp("m=audio 0 RTP/AVP 0"), sdp(), "a stream that is offered with port 0"),
        (sdp("m=audio 4000 RTP/AVP 0", "a=sendonly"), sdp(), "a stream that is offered sendonly"),
        (sdp(), sdp("m=audio 4000 RTP/AVP 8"), "an answer has a format of the offer"),
        (sdp(), sdp("m=audio 4000 RTP/SAVP 0"), "the transport of a stream is that of the offer"),
        (sdp(), sdp().replace(b"t=0 0", b"t=1 2"), "t= of an answer"),
    ],
)
def test_a_wrong_answer_is_found(offer: bytes, answer: bytes, clause: str) -> None:
    assert any(each.startswith(clause) for each in clauses(check_answer(offer, answer)))


@pytest.mark.parametrize(
    ("after", "clause"),
    [
        (sdp("m=audio 4002 RTP/AVP 0"), "a description that has changed"),
        (sdp("m=audio 4002 RTP/AVP 0", version=5), "the version in o= increments by one"),
    ],
)
def test_a_description_that_does_not_follow_the_last_is_found(after: bytes, clause: str) -> None:
    assert any(each.startswith(clause) for each in clauses(check_next_description(sdp(), after)))


def test_a_stream_that_is_gone_is_found() -> None:
    before = sdp("m=audio 4000 RTP/AVP 0", "m=video 0 RTP/AVP 31")
    assert "no stream is removed" in clauses(check_next_description(before, sdp(version=2)))


@pytest.mark.parametrize(
    ("description", "clause"),
    [
        (sdp("m=audio 4000 RTP/AVP 96"), "a dynamic payload type has an rtpmap"),
        (sdp().replace(b"c=IN IP4 192.0.2.1\r\n", b""), "there is a c= line for each stream"),
        (sdp().replace(b"s=-\r\n", b""), "a description follows the grammar"),
        (b"m=?", "a description is valid SDP"),
    ],
)
def test_a_description_that_is_wrong_by_itself_is_found(description: bytes, clause: str) -> None:
    assert any(each.startswith(clause) for each in clauses(check_description(description)))


DATAGRAMS = st.binary(max_size=40) | rtp_packets().map(bytes) | rtcp_compounds().map(build_compound)


@given(st.lists(st.tuples(DATAGRAMS, st.integers(0, 60)), max_size=8), st.sampled_from((None, PROFILE)))
def test_whatever_is_sent_is_judged(sent: list[tuple[bytes, int]], srtp: str | None) -> None:
    packets = [MediaPacket(0.02 * number, data[:end]) for number, (data, end) in enumerate(sent)]
    check_stream(packets, formats=FORMATS, srtp=srtp, complete=True)


@given(session_descriptions(), session_descriptions(), st.integers(0, 400))
def test_whatever_is_described_is_judged(one: object, other: object, end: int) -> None:
    here, there = bytes(one), bytes(other)[:end]  # type: ignore[call-overload]
    check_description(there)
    check_answer(here, there)
    check_next_description(here, there)
    assert check_answer(here, b"no description") == []


@pytest.mark.parametrize("direction", ["recvonly", "inactive"])
def test_who_said_that_it_does_not_send_sends_rtcp_alone(direction: str) -> None:
    reports = [report(1.0), report(3.0)]
    assert check_stream(reports, direction=direction) == []
    (found,) = check_stream(timed(talk(3)), formats=FORMATS, direction=direction)
    assert (found.source, found.seen) == ("RFC 3264 section 5.1", f"3 packets while it is {direction}")


def test_who_said_that_it_sends_may_send() -> None:
    for direction in ("sendrecv", "sendonly", None):
        assert check_stream(timed(talk()), formats=FORMATS, direction=direction) == []
    with pytest.raises(LocalProtocolError, match="direction must be one of"):
        check_stream([], direction="both")
