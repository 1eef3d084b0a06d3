"""Session descriptions: grammar, dialects, limits."""

from __future__ import annotations

import contextlib

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import (
    Attribute,
    Codec,
    Connection,
    Direction,
    LimitExceeded,
    LocalRtpError,
    MalformedSdp,
    MediaDescription,
    Origin,
    RtpError,
    SdpLimits,
    SessionDescription,
)
from rtp.testing import session_descriptions
from rtp.testing.dialects import ALL, COMMUNICATOR_2005, COMMUNICATOR_2007, LYNC_2010, PIDGIN_WITHOUT_MEDIA

HEAD = b"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"


def parse(data: bytes) -> SessionDescription:
    return SessionDescription.parse(data)


@pytest.mark.parametrize("name", ALL)
def test_every_dialect_comes_back_the_same(name: str) -> None:
    description = parse(ALL[name])
    assert parse(bytes(description)) == description


def test_a_description_in_the_order_of_the_grammar_comes_back_byte_for_byte() -> None:
    assert bytes(parse(COMMUNICATOR_2005)) == COMMUNICATOR_2005
    assert bytes(parse(COMMUNICATOR_2007)) == COMMUNICATOR_2007


@given(session_descriptions())
def test_round_trip(description: SessionDescription) -> None:
    assert parse(bytes(description)) == description


def parse_or_refuse(data: bytes) -> None:
    with contextlib.suppress(RtpError):
        description = parse(data)
        assert parse(bytes(description)) == description
        for media in description.media:
            assert len(media.codecs) <= len(media.formats)


@given(st.binary(max_size=300))
def test_any_bytes_parse_or_raise_our_error(data: bytes) -> None:
    parse_or_refuse(data)
    parse_or_refuse(HEAD + data)


@given(st.lists(st.sampled_from(["m=audio 1 RTP/AVP 0", "a=", "a=rtpmap:0", "a=rtpmap:0 /", "c=IN", "b=x", "o=", "z"])))
def test_any_lines_parse_or_raise_our_error(lines: list[str]) -> None:
    parse_or_refuse(HEAD + "\n".join(lines).encode())


def test_the_parts_of_a_media_line() -> None:
    audio, video = parse(COMMUNICATOR_2005).media
    assert (audio.kind, audio.port, audio.proto) == ("audio", 5050, "RTP/AVP")
    assert audio.formats == ("97", "111", "112", "6", "0", "8", "4", "5", "3", "101")
    assert audio.rtpmap(6) == Codec(6, "DVI4", 16000)
    assert audio.rtpmap(101) == Codec(101, "telephone-event", fmtp="0-16")
    assert audio.key == "base64:c29tZSBwaHJhc2U"
    assert (video.kind, video.payload_types) == ("video", (34, 31))


def test_a_static_number_needs_no_rtpmap_and_a_dynamic_one_does() -> None:
    media = parse(HEAD + b"m=audio 4000 RTP/AVP 8 99 300 x 13\r\n").media[0]
    assert [codec.encoding for codec in media.codecs] == ["PCMA", "CN"]


def test_a_broken_rtpmap_spoils_only_its_own_number() -> None:
    media = parse(HEAD + b"m=audio 4000 RTP/AVP 98 0\r\na=rtpmap:98 SPEEX\r\na=rtpmap:0 PCMU/8000/1\r\n").media[0]
    assert media.codecs == (Codec(0, "PCMU"),)


def test_of_several_fmtp_the_first_counts() -> None:
    lines = b"m=audio 4000 RTP/AVP 101\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=fmtp:101 0-16\n"
    media = parse(HEAD + lines).media[0]
    assert media.fmtp(101) == "0-15"
    assert media.attributes_named("fmtp") == ("101 0-15", "101 0-16")


@pytest.mark.parametrize("text", ["0 PCMU/8000/2", "96 opus/48000/2", "96 L16/44100"])
def test_rtpmap_round_trip(text: str) -> None:
    assert Codec.from_rtpmap(text).rtpmap == text


@pytest.mark.parametrize("text", ["", "0", "0 PCMU", "0 /8000", "x PCMU/8000", "128 A/8000", "0 A/y", "0 A/99999999"])
def test_a_broken_rtpmap_is_malformed(text: str) -> None:
    with pytest.raises(MalformedSdp):
        Codec.from_rtpmap(text)


def test_strange_channels_mean_one() -> None:
    assert Codec.from_rtpmap("31 H261/90000/x").channels == 1


def test_a_blank_that_slipped_into_a_value_is_dropped() -> None:
    audio = parse(LYNC_2010).media[0]
    assert audio.attribute("ice-ufrag") == "6nxO"
    assert audio.attribute("ice-pwd") == "cCmZTvyMI9rlW1oAqJQ5rWpF"


def test_the_blank_of_other_attributes_stays() -> None:
    assert parse(HEAD + b"a=note: x\r\n").attribute("note") == " x"


def test_lf_line_ends_and_blank_lines_at_the_end_are_taken() -> None:
    assert parse(HEAD.replace(b"\r\n", b"\n") + b"\n\n") == parse(HEAD)


def test_a_byte_order_mark_is_dropped() -> None:
    assert parse(b"\xef\xbb\xbf" + HEAD) == parse(HEAD)


def test_lines_and_attributes_that_nobody_knows_survive() -> None:
    body = HEAD.replace(b"t=0 0\r\n", b"t=0 0\r\nr=7d 1h 0\r\nk=prompt\r\nq=odd\r\na=x-mediabw:main\r\n") + (
        b"m=audio 4000/2 RTP/AVP 0\r\ni=about\r\ny=odd too\r\na=x-source:main\r\na=flag\r\n"
    )
    assert bytes(parse(body)) == body


def test_a_session_without_a_connection() -> None:
    body = HEAD.replace(b"c=IN IP4 192.0.2.1\r\n", b"") + b"m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.2\r\n"
    assert bytes(parse(body)) == body


def test_octets_that_are_no_utf_8_survive() -> None:
    body = HEAD + b"a=x:\xff\xfe\r\n"
    assert bytes(parse(body)) == body


def test_media_without_formats_is_taken_only_when_refused() -> None:
    assert parse(PIDGIN_WITHOUT_MEDIA).media[0].formats == ()
    with pytest.raises(MalformedSdp):
        parse(HEAD + b"m=audio 4000 RTP/AVP\r\n")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"hello",
        b"o=- 1 1 IN IP4 x\r\ns=-\r\n",
        b"v=1\r\no=- 1 1 IN IP4 x\r\ns=-\r\n",
        b"v=1\r\no=- 1 1 IN IP4 x\r\ns=-\r\nm=audio 4000 RTP/AVP 0\r\n",
        HEAD + b"m=audio x RTP/AVP 0\r\n",
        HEAD + b"m=audio 65536 RTP/AVP 0\r\n",
        HEAD + b"m=audio 4000\r\n",
        HEAD + b"m=audio 4000 RTP/AVP\r\n",
        HEAD + b"m=\r\nm=video x RTP/AVP 34\r\n",
    ],
)
def test_what_leaves_nothing_usable_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedSdp):
        parse(body)


def test_strict_parsing_takes_a_correct_description() -> None:
    assert SessionDescription.parse(COMMUNICATOR_2005, strict=True) == parse(COMMUNICATOR_2005)


@pytest.mark.parametrize(
    "limits", [SdpLimits(octets=100), SdpLimits(lines=5), SdpLimits(media=1), SdpLimits(formats=3)]
)
def test_each_limit_is_kept(limits: SdpLimits) -> None:
    with pytest.raises(LimitExceeded):
        SessionDescription.parse(COMMUNICATOR_2005, limits=limits)


@pytest.mark.parametrize("bad", ["a\r\nm=audio 1 RTP/AVP 0", "a\nb", "a\0b"])
def test_nothing_breaks_out_of_its_line(bad: str) -> None:
    description = attrs.evolve(parse(HEAD), attributes=(Attribute("x", bad),))
    with pytest.raises(LocalRtpError):
        bytes(description)


def test_direction_of_the_media_beats_that_of_the_session() -> None:
    body = HEAD + b"a=inactive\r\nm=audio 1 RTP/AVP 0\r\nm=audio 1 RTP/AVP 0\r\na=recvonly\r\n"
    description = parse(body)
    assert [description.direction_of(media) for media in description.media] == [
        Direction.INACTIVE,
        Direction.RECVONLY,
    ]
    plain = parse(HEAD + b"m=audio 1 RTP/AVP 0\r\n")
    assert plain.direction_of(plain.media[0]) is Direction.SENDRECV


def test_connection_of_the_media_beats_that_of_the_session() -> None:
    description = parse(HEAD + b"m=audio 1 RTP/AVP 0\r\nm=audio 1 RTP/AVP 0\r\nc=IN IP4 192.0.2.9\r\n")
    first, second = (description.connection_of(media) for media in description.media)
    assert first == Connection("192.0.2.1")
    assert second == Connection("192.0.2.9")


@pytest.mark.parametrize(
    ("text", "usable", "hold"),
    [
        ("IN IP4 192.0.2.1", True, False),
        ("IN IP6 2001:db8::1", True, False),
        ("IN IP4 media.example.com", True, False),
        ("IN IP4 0.0.0.0", False, True),
        ("IN IP6 ::", False, True),
        ("IN IP4 (null)", False, False),
        ("IN IP4 1.2.3.456", False, False),
        ("IN IP4 224.2.1.1/127", False, False),
        ("ATM NSAP 1234", False, False),
    ],
)
def test_which_addresses_can_be_sent_to(text: str, usable: bool, hold: bool) -> None:
    connection = Connection.parse(text)
    assert (connection.usable, connection.on_hold, str(connection)) == (usable, hold, text)


def test_bandwidth_is_read_by_kind() -> None:
    description = parse(COMMUNICATOR_2005)
    assert description.bandwidth("CT") == 1000
    assert description.bandwidth("AS") is None
    assert parse(HEAD + b"b=CT:lots\r\n").bandwidth("CT") is None


def test_content_is_compared_without_the_version() -> None:
    description = parse(COMMUNICATOR_2005)
    later = attrs.evolve(description, origin=attrs.evolve(description.origin, session_version=7))
    assert later != description
    assert later.same_content(description)
    assert not description.same_content(attrs.evolve(description, name="other"))


def test_the_address_family_follows_from_the_address() -> None:
    assert str(Origin(1, 2, "2001:db8::1")) == "- 1 2 IN IP6 2001:db8::1"
    assert str(Connection("192.0.2.1")) == "IN IP4 192.0.2.1"


def test_questions_about_media() -> None:
    description = parse(LYNC_2010)
    audio, video, _ = description.media
    assert description.media_of_kind("video") == (video,)
    assert (audio.rejected, video.rejected) == (False, True)
    assert (audio.has("rtcp-mux"), audio.attribute("rtcp-mux"), audio.attribute("mid")) == (True, "", None)
    assert str(description).startswith("v=0\r\n")


def test_a_changed_media_section_derives_its_codecs_anew() -> None:
    media = MediaDescription(
        kind="audio", port=5004, formats=("0", "96"), attributes=(Attribute("rtpmap", "96 opus/48000/2"),)
    )
    assert [codec.encoding for codec in media.codecs] == ["PCMU", "opus"]
    turned = attrs.evolve(media, formats=("96", "8"), attributes=(Attribute("rtpmap", "96 G722/8000"),))
    assert [codec.encoding for codec in turned.codecs] == ["G722", "PCMA"]
    again = attrs.evolve(turned, formats=media.formats, attributes=media.attributes)
    assert again == media
    assert hash(again) == hash(media)
