"""Reading an offer and its answer."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given

from rtp import (
    PCMU,
    Capabilities,
    Codec,
    Direction,
    Encryption,
    EncryptionMismatch,
    MediaAgreement,
    NegotiationError,
    NoCommonCodec,
    Role,
    SessionDescription,
    answer,
    negotiate,
    offer,
)
from rtp.testing import session_descriptions
from rtp.testing.dialects import LINPHONE_ANSWER, PIDGIN_WITHOUT_MEDIA, SIPP_ANSWER

OFFER = offer(Capabilities(), "192.0.2.1", 4000)


def described(*lines: str, connection: str = "192.0.2.2") -> SessionDescription:
    head = f"v=0\no=- 1 1 IN IP4 192.0.2.2\ns=-\nc=IN IP4 {connection}\nt=0 0\n"
    return SessionDescription.parse((head + "\n".join(lines)).encode())


def audio_of(answered: SessionDescription, offered: SessionDescription = OFFER) -> MediaAgreement:
    found = negotiate(offered, answered).audio
    assert found is not None
    return found


def test_both_sides_read_the_same_call() -> None:
    answered = answer(OFFER, Capabilities(), "192.0.2.2", 5000)
    ours = audio_of(answered)
    theirs = negotiate(OFFER, answered, Role.ANSWERER).audio
    assert theirs is not None
    assert ours.codec == theirs.codec == PCMU
    assert (ours.remote_rtp, ours.remote_rtcp) == (("192.0.2.2", 5000), ("192.0.2.2", 5001))
    assert (theirs.remote_rtp, theirs.remote_rtcp) == (("192.0.2.1", 4000), ("192.0.2.1", 4001))
    assert (ours.telephone_event, ours.comfort_noise, ours.ptime, ours.label) == (101, 13, 20, "main-audio")


def test_an_answer_of_static_numbers_without_rtpmap() -> None:
    audio = audio_of(SessionDescription.parse(LINPHONE_ANSWER))
    assert (audio.codec, audio.telephone_event, audio.comfort_noise) == (PCMU, 101, None)
    assert audio.remote_rtcp == ("192.0.2.70", 7079)
    assert audio.direction is Direction.SENDRECV


def test_a_minimal_answer() -> None:
    audio = audio_of(SessionDescription.parse(SIPP_ANSWER))
    assert (audio.telephone_event, audio.remote_rtcp) == (None, ("192.0.2.90", 6001))


def test_whatever_we_offered_may_be_received() -> None:
    assert set(audio_of(SessionDescription.parse(SIPP_ANSWER)).receive_codecs) == {0, 8, 13, 101}


def test_the_peer_chooses_its_own_numbers() -> None:
    audio = audio_of(
        described("m=audio 5000 RTP/AVP 100 99", "a=rtpmap:100 PCMA/8000", "a=rtpmap:99 telephone-event/8000")
    )
    assert audio.codec == Codec(100, "PCMA")
    assert audio.telephone_event == 99
    assert audio.receive_codecs[8].encoding == "PCMA"


def test_formats_that_were_not_offered_are_passed_over() -> None:
    assert audio_of(described("m=audio 5000 RTP/AVP 18 9 8 0")).codec.encoding == "PCMA"


@pytest.mark.parametrize(
    ("lines", "rtcp"),
    [
        (["a=rtcp:7000"], ("192.0.2.2", 7000)),
        (["a=rtcp:7000 IN IP4 192.0.2.3"], ("192.0.2.3", 7000)),
        (["a=rtcp:nonsense"], ("192.0.2.2", 5001)),
        (["a=rtcp:0"], ("192.0.2.2", 5001)),
        (["a=rtcp:99999"], ("192.0.2.2", 5001)),
        ([], ("192.0.2.2", 5001)),
        (["a=rtcp-mux"], ("192.0.2.2", 5001)),
    ],
)
def test_where_rtcp_goes(lines: list[str], rtcp: tuple[str, int]) -> None:
    assert audio_of(described("m=audio 5000 RTP/AVP 0", *lines)).remote_rtcp == rtcp


def test_the_last_port_has_no_rtcp_port_after_it() -> None:
    assert audio_of(described("m=audio 65535 RTP/AVP 0")).remote_rtcp is None


def test_multiplexed_rtcp_goes_where_rtp_goes() -> None:
    mux = Capabilities(rtcp_mux=True)
    offered = offer(mux, "192.0.2.1", 4000)
    audio = audio_of(answer(offered, mux, "192.0.2.2", 5000), offered)
    assert (audio.rtcp_mux, audio.remote_rtcp) == (True, ("192.0.2.2", 5000))


@pytest.mark.parametrize(
    ("lines", "ptime"),
    [
        ([], 20),
        (["a=ptime:30"], 30),
        (["a=ptime:60", "a=maxptime:40"], 40),
        (["a=ptime:1"], 10),
        (["a=ptime:1000"], 200),
        (["a=ptime:25"], 20),
        (["a=ptime:30.0"], 30),
        (["a=ptime: 37.5 "], 30),
        (["a=ptime:x"], 20),
        (["a=ptime:0"], 20),
    ],
)
def test_the_length_of_packets_that_the_peer_wants(lines: list[str], ptime: int) -> None:
    assert audio_of(described("m=audio 5000 RTP/AVP 0", *lines)).ptime == ptime


@pytest.mark.parametrize(
    ("ours", "theirs", "result", "held"),
    [
        ("sendrecv", "sendrecv", "sendrecv", False),
        ("sendrecv", "recvonly", "sendonly", False),
        ("sendrecv", "sendonly", "recvonly", True),
        ("sendrecv", "inactive", "inactive", True),
        ("sendonly", "sendrecv", "sendonly", False),
        ("inactive", "inactive", "inactive", True),
    ],
)
def test_the_direction_of_both(ours: str, theirs: str, result: str, held: bool) -> None:
    offered = offer(Capabilities(), "192.0.2.1", 4000, direction=Direction(ours))
    audio = audio_of(described("m=audio 5000 RTP/AVP 0", f"a={theirs}"), offered)
    assert (audio.direction, audio.held) == (result, held)


def test_a_peer_on_hold_by_address_gets_nothing() -> None:
    audio = audio_of(described("m=audio 5000 RTP/AVP 0", connection="0.0.0.0"))
    assert (audio.remote_rtp, audio.remote_rtcp, audio.direction, audio.held) == (None, None, Direction.RECVONLY, True)


@pytest.mark.parametrize(
    "answered",
    [
        described("m=audio 0 RTP/AVP 0"),
        described("m=audio 5000 RTP/AVP 18"),
        described("m=audio 5000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"),
        described("m=audio 5000 TCP/RTP/AVP 0"),
        described("m=audio 5000 RTP/AVP 0", connection="(null)"),
        SessionDescription.parse(PIDGIN_WITHOUT_MEDIA),
    ],
)
def test_an_answer_that_cannot_be_used(answered: SessionDescription) -> None:
    with pytest.raises(NoCommonCodec):
        negotiate(OFFER, answered)


@pytest.mark.parametrize(
    "answered",
    [described(), described("m=audio 5000 RTP/AVP 0", "m=video 0 RTP/AVP 34"), described("m=video 5000 RTP/AVP 34")],
)
def test_an_answer_that_does_not_mirror_the_offer(answered: SessionDescription) -> None:
    with pytest.raises(NegotiationError):
        negotiate(OFFER, answered)


def test_a_session_that_was_switched_off_has_no_audio() -> None:
    off = described("m=audio 0 RTP/AVP 0")
    assert negotiate(off, off).audio is None


def test_refused_lines_are_none() -> None:
    offered = described("m=video 5000 RTP/AVP 34", "m=audio 5002 RTP/AVP 0")
    agreement = negotiate(offered, answer(offered, Capabilities()), Role.ANSWERER)
    assert agreement.media[0] is None
    assert agreement.audio is agreement.media[1]
    assert agreement.audio is not None
    assert agreement.audio.index == 1


KEY = "inline:" + "A" * 40


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        (["m=audio 1 RTP/SAVP 0", f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}"], ["m=audio 1 RTP/AVP 0"]),
        (["m=audio 1 RTP/SAVP 0", f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}"], ["m=audio 1 RTP/SAVP 0"]),
        (
            ["m=audio 1 RTP/SAVP 0", f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}"],
            ["m=audio 1 RTP/SAVP 0", f"a=crypto:2 AES_CM_128_HMAC_SHA1_80 {KEY}"],
        ),
        (
            ["m=audio 1 RTP/SAVP 0", f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}"],
            ["m=audio 1 RTP/SAVP 0", f"a=crypto:1 AES_CM_128_HMAC_SHA1_32 {KEY}"],
        ),
        (["m=audio 1 RTP/AVP 0"], ["m=audio 1 RTP/SAVP 0", f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}"]),
    ],
)
def test_an_answer_that_leaves_the_level_of_encryption(offered: list[str], answered: list[str]) -> None:
    with pytest.raises(EncryptionMismatch):
        negotiate(described(*offered), described(*answered))


@given(session_descriptions(), session_descriptions())
def test_any_pair_agrees_or_raises_our_error(offered: SessionDescription, answered: SessionDescription) -> None:
    for role in Role:
        with contextlib.suppress(NegotiationError):
            assert len(negotiate(offered, answered, role).media) == len(offered.media)


def test_levels_print_as_on_the_wire() -> None:
    assert [str(level) for level in Encryption] == ["rejected", "optional", "required"]


@pytest.mark.parametrize(
    ("line", "level", "held", "rtcp"),
    [
        ("b=AS:0", "media", True, False),
        ("b=TIAS:0", "media", True, False),
        ("b=CT:0", "session", True, False),
        ("b=AS:0", "session", True, False),
        ("b=RS:0\r\nb=RR:0", "media", False, False),
        ("b=RS:0", "media", False, True),
        ("b=AS:64", "media", False, True),
    ],
)
def test_a_bandwidth_of_zero_is_a_hold(line: str, level: str, held: bool, rtcp: bool) -> None:
    """RFC 3264 section 5: no media should be sent, and RTCP is off too; RFC 3556 section 2 for RTCP alone."""
    offered = offer(Capabilities(bandwidth=None), "192.0.2.1", 4000)
    answered = bytes(answer(offered, Capabilities(bandwidth=None), "192.0.2.2", 5000)).decode()
    before = "t=0 0" if level == "session" else "a=rtpmap:0"
    text = answered.replace(before, f"{line}\r\n{before}", 1)
    audio = negotiate(offered, SessionDescription.parse(text.encode())).audio
    assert audio
    assert audio.held is held
    assert audio.direction.sends is not held
    assert (audio.remote_rtcp is not None) is rtcp


def test_a_figure_of_the_line_beats_that_of_the_session() -> None:
    offered = offer(Capabilities(bandwidth=None), "192.0.2.1", 4000)
    answered = bytes(answer(offered, Capabilities(bandwidth="AS:0"), "192.0.2.2", 5000)).decode()
    text = answered.replace("a=rtpmap:0", "b=AS:64\r\na=rtpmap:0", 1)
    audio = negotiate(offered, SessionDescription.parse(text.encode())).audio
    assert audio
    assert not audio.held


@pytest.mark.parametrize("written", ["2001:DB8::1", "2001:db8:0:0:0:0:0:1", "2001:0db8::0001"])
def test_an_address_is_known_again_however_it_is_written(written: str) -> None:
    text = f"v=0\no=- 1 1 IN IP6 {written}\ns=-\nc=IN IP6 {written}\nt=0 0\nm=audio 5000 RTP/AVP 0\n"
    audio = audio_of(SessionDescription.parse(text.encode()))
    assert (audio.remote_rtp, audio.remote_rtcp) == (("2001:db8::1", 5000), ("2001:db8::1", 5001))
