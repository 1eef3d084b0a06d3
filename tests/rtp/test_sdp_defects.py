"""What deployed programs write into session descriptions: taken, noted, printed again; refused when read strictly."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rtp import (
    Capabilities,
    Codec,
    Connection,
    MalformedSdp,
    NegotiationError,
    Origin,
    Role,
    RtpError,
    SessionDescription,
    answer,
    negotiate,
)
from rtp.testing.dialects import ALL, COMMUNICATOR_2005

BODY = (
    b"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)
KEY = b"inline:" + b"A" * 40


def parse(body: bytes) -> SessionDescription:
    return SessionDescription.parse(body)


def changed(old: bytes, new: bytes) -> bytes:
    assert old in BODY
    return BODY.replace(old, new)


#: Each with a piece that printing has to bring back, empty where the oddity is not in a value.
ODD = {
    "a session id beyond 64 bits": (changed(b"- 1 2", b"- 184467440737095516160 2"), b"- 184467440737095516160 2 "),
    "a version beyond 64 bits": (changed(b"- 1 2", b"- 1 99999999999999999999999"), b" 99999999999999999999999 "),
    "an attribute name with a blank": (BODY + b"a=my name:x\r\n", b"a=my name:x\r\n"),
    "an attribute name that is no token": (BODY + b"a=[odd]:x\r\n", b"a=[odd]:x\r\n"),
    "an attribute without a name": (BODY + b"a=:x\r\n", b"a=:x\r\n"),
    "an empty attribute": (BODY + b"a=\r\n", b"a=\r\n"),
    "an origin of five fields": (changed(b"- 1 2 IN IP4 192.0.2.1", b"- 1 2 IN IP4"), b"o=- 1 2 IN IP4\r\n"),
    "an origin with a name of two words": (changed(b"- 1 2", b"My Phone 1 2"), b"o=My Phone 1 2 IN IP4 192.0.2.1"),
    "an origin with words for numbers": (changed(b"- 1 2", b"- one two"), b"o=- one two IN IP4"),
    "an origin with a sign": (changed(b"- 1 2", b"- -1 +2"), b"o=- -1 +2 IN IP4"),
    "an empty origin": (changed(b"o=- 1 2 IN IP4 192.0.2.1", b"o="), b"o=\r\n"),
    "no origin": (changed(b"o=- 1 2 IN IP4 192.0.2.1\r\n", b""), b""),
    "two origins": (changed(b"s=-", b"o=- 3 3 IN IP4 x\r\ns=-"), b"o=- 3 3 IN IP4 x\r\n"),
    "no name": (changed(b"s=-\r\n", b""), b""),
    "an empty name": (changed(b"s=-", b"s="), b""),
    "two names": (changed(b"s=-", b"s=-\r\ns=again"), b"s=again\r\n"),
    "no time": (changed(b"t=0 0\r\n", b""), b""),
    "a time of one number": (changed(b"t=0 0", b"t=0"), b"t=0\r\n"),
    "no version": (changed(b"v=0\r\n", b""), b""),
    "a version that is no number": (changed(b"v=0", b"v=zero"), b""),
    "a version that is not first": (
        changed(b"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\n", b"o=- 1 2 IN IP4 x\r\nv=0\r\n"),
        b"",
    ),
    "information twice": (BODY + b"i=one\r\ni=two\r\n", b"i=two\r\n"),
    "information of the session twice": (changed(b"s=-", b"s=-\r\ni=one\r\ni=two"), b"i=two\r\n"),
    "a trailing NUL": (BODY + b"\0", b""),
    "trailing NULs after an empty line": (BODY + b"\r\n\0\0\0", b""),
    "a NUL in a line": (BODY + b"a=x\0y\r\n", b"a=xy\r\n"),
    "zeros before the numbers of an address": (
        changed(b"c=IN IP4 192.0.2.1", b"c=IN IP4 192.000.002.001"),
        b"192.000.002.001",
    ),
    "rtp/avp": (changed(b"RTP/AVP", b"rtp/avp"), b"m=audio 4000 rtp/avp 0 101\r\n"),
    "Audio": (changed(b"m=audio", b"m=Audio"), b"m=Audio 4000"),
    "IPV4": (changed(b"c=IN IP4", b"c=IN IPV4"), b"c=IN IPV4 192.0.2.1\r\n"),
    "IPv4 under the name of IPv6": (changed(b"c=IN IP4", b"c=IN IP6"), b"c=IN IP6 192.0.2.1\r\n"),
    "a type that nobody knows": (changed(b"c=IN IP4", b"c=IN IPX"), b"c=IN IPX 192.0.2.1\r\n"),
    "in ip4": (changed(b"c=IN IP4", b"c=in ip4"), b"c=in ip4 192.0.2.1\r\n"),
    "several c= in the session": (changed(b"t=0", b"c=IN IP4 192.0.2.7\r\nt=0"), b"c=IN IP4 192.0.2.7\r\n"),
    "c= of four fields": (changed(b"c=IN IP4 192.0.2.1", b"c=IN IP4 192.0.2.1 x"), b"c=IN IP4 192.0.2.1 x\r\n"),
    "an event without clock": (
        changed(b"telephone-event/8000", b"telephone-event"),
        b"a=rtpmap:101 telephone-event\r\n",
    ),
    "a codec without clock": (BODY + b"a=rtpmap:97 SPEEX\r\n", b"a=rtpmap:97 SPEEX\r\n"),
    "blanks in the origin": (changed(b"- 1 2", b"-  1 2"), b"o=-  1 2 IN IP4 192.0.2.1\r\n"),
    "a blank after the colon": (BODY + b"a=rtcp: 4001\r\n", b"a=rtcp:4001\r\n"),
    "blanks after the equal signs": (changed(b"c=IN", b"c= IN").replace(b"m=", b"m= "), b"m= audio 4000"),
    "a blank before the equal sign": (changed(b"m=", b"m ="), b"m=audio 4000"),
    "a blank before the letter": (changed(b"m=", b" m="), b"m=audio 4000"),
    "two blanks between fields": (changed(b"audio 4000", b"audio  4000"), b"m=audio  4000 RTP/AVP"),
    "no number of ports": (changed(b"4000", b"4000/"), b"m=audio 4000/ RTP/AVP"),
    "empty lines": (changed(b"t=0 0\r\n", b"t=0 0\r\n\r\n"), b""),
    "LF": (BODY.replace(b"\r\n", b"\n"), b""),
    "CR": (BODY.replace(b"\r\n", b"\r"), b""),
    "CR CR LF": (BODY.replace(b"\r\n", b"\r\r\n"), b""),
    "no end of the last line": (BODY.removesuffix(b"\r\n"), b""),
    "a byte order mark": (b"\xef\xbb\xbf" + BODY, b""),
    "a bandwidth without number": (changed(b"t=0", b"b=AS:\r\nt=0"), b"b=AS:\r\n"),
    "a bandwidth of one word": (changed(b"t=0", b"b=lots\r\nt=0"), b"b=lots\r\n"),
    "k= twice": (changed(b"a=rtp", b"k=clear:x\r\nk=clear:y\r\na=rtp"), b"k=clear:y\r\n"),
    "a line of no form": (BODY + b"no line\r\n", b"no line\r\n"),
    "an unknown letter": (BODY + b"q=odd\r\n", b"q=odd\r\n"),
    "an equal sign alone": (BODY + b"=\r\n", b"=\r\n"),
    "a line of the session in the media": (BODY + b"t=0 0\r\n", b"t=0 0\r\n"),
    "lines in another order": (changed(b"c=IN IP4 192.0.2.1\r\nt=0 0\r\n", b"t=0 0\r\nc=IN IP4 192.0.2.1\r\n"), b""),
    "the letter in upper case": (BODY + b"A=sendonly\r\n", b"a=sendonly\r\n"),
    "another medium that cannot be read": (BODY + b"m=video x RTP/AVP 34\r\n", b"m=video x RTP/AVP 34\r\n"),
    "another medium without formats": (BODY + b"m=video 4002 RTP/AVP\r\n", b"m=video 4002 RTP/AVP\r\n"),
    "another medium of one word": (BODY + b"m=video\r\n", b"m=video\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_an_odd_line_costs_a_defect_and_not_the_call(name: str) -> None:
    body, kept = ODD[name]
    description = parse(body)
    assert description.defects
    made = answer(description, Capabilities(), "192.0.2.2", 5000)
    assert made.media[0].formats == ("0", "101")
    assert [media.port for media in made.media[1:]] == [0] * (len(made.media) - 1)
    audio = negotiate(description, made, Role.ANSWERER).audio
    assert audio is not None
    assert audio.remote_rtp == ("192.0.2.1", 4000)
    assert audio.telephone_event == 101
    assert kept in bytes(description)
    assert parse(bytes(description)) == description


@pytest.mark.parametrize("name", ODD)
def test_strict_parsing_refuses_what_lenient_parsing_notes(name: str) -> None:
    with pytest.raises(MalformedSdp):
        SessionDescription.parse(ODD[name][0], strict=True)


def test_what_keeps_to_the_grammar_has_no_defects() -> None:
    assert parse(BODY).defects == ()
    assert parse(COMMUNICATOR_2005).defects == ()


@pytest.mark.parametrize(
    "line",
    [
        b"a=ptime:20.0",
        b"a=fmtp:101",
        b"a=fmtp:x",
        b"a=rtpmap:0\tPCMU/8000",
        b"a=rtpmap:",
        b"a=rtpmap:97 SPEEX/y",
        b"a=sendrecv\r\na=recvonly",
        b"c=IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.2",
        b"c=IN IP4\r\nc=IN IP4 192.0.2.1",
    ],
)
def test_other_lines_of_the_field_do_not_cost_the_call(line: bytes) -> None:
    description = parse(BODY + line + b"\r\n")
    assert line in bytes(description)
    assert answer(description, Capabilities(), "192.0.2.2", 5000).media[0].port == 5000


def test_zeros_before_a_port_are_legal() -> None:
    body = BODY.replace(b"4000", b"004000")
    description = SessionDescription.parse(body, strict=True)
    assert description.media[0].port == 4000
    assert bytes(description) == body


def test_several_connections_of_a_section_are_legal_and_printed() -> None:
    body = BODY.replace(b"a=rtpmap", b"c=IN IP4 224.2.1.1/127\r\nc=IN IP4 224.2.1.2/127\r\na=rtpmap")
    description = SessionDescription.parse(body, strict=True)
    assert [each.address for each in description.media[0].connections] == ["224.2.1.1", "224.2.1.2"]
    assert bytes(description) == body


def test_of_several_connections_the_first_that_can_be_used_is() -> None:
    body = BODY.replace(b"a=rtpmap", b"c=IN IP4 (null)\r\nc=IN IP4 192.0.2.7\r\na=rtpmap")
    description = parse(body)
    assert description.connection_of(description.media[0]) == Connection("192.0.2.7")


def test_a_connection_that_cannot_be_read_costs_its_line_only() -> None:
    body = BODY.replace(b"a=rtpmap", b"c=IN IP4\r\na=rtpmap") + b"m=audio 4002 RTP/AVP 0\r\n"
    made = answer(parse(body), Capabilities(), "192.0.2.2", 5000)
    assert [media.port for media in made.media] == [0, 5000]


def test_a_name_instead_of_an_address_is_taken() -> None:
    description = parse(BODY.replace(b"c=IN IP4 192.0.2.1", b"c=IN IP4 host.example.com"))
    assert description.defects == ()
    audio = negotiate(description, answer(description, Capabilities()), Role.ANSWERER).audio
    assert audio is not None
    assert audio.remote_rtp == ("host.example.com", 4000)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("IN IP4 192.000.002.001", "192.0.2.1"),
        ("IN IP4 000.000.000.000", "0.0.0.0"),
        ("IN IP4 010.000.000.001", "10.0.0.1"),
        ("IN IP6 [2001:db8::1]", "2001:db8::1"),
        ("IN IP4 2001:db8::1", "2001:db8::1"),
        ("in ip6 2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_numbers_of_an_address_are_decimal(text: str, address: str) -> None:
    connection = parse(BODY.replace(b"IN IP4 192.0.2.1\r\nt", text.encode() + b"\r\nt")).connection
    assert connection is not None
    assert (connection.address, str(connection)) == (address, text)
    assert connection.usable or connection.on_hold


def test_a_changed_value_is_printed_as_it_is_and_not_as_it_was_written() -> None:
    description = parse(ODD["an origin with words for numbers"][0])
    later = attrs.evolve(description.origin, session_version=7)
    assert str(later) == "- 0 7 IN IP4 192.0.2.1"
    connection = parse(ODD["in ip4"][0]).connection
    assert connection is not None
    assert str(attrs.evolve(connection, address="192.0.2.9")) == "IN IP4 192.0.2.9"
    media = parse(ODD["two blanks between fields"][0]).media[0]
    assert next(attrs.evolve(media, port=0).lines()) == "m=audio 0 RTP/AVP 0 101"


def test_a_value_alone_is_read_strictly() -> None:
    for read in (Origin.parse, Connection.parse):
        with pytest.raises(MalformedSdp):
            read("IN IP4")


def test_a_telephone_event_without_clock_has_that_of_telephony() -> None:
    assert Codec.from_rtpmap("101 telephone-event") == Codec(101, "telephone-event")


def test_a_medium_that_cannot_be_read_is_not_one_that_was_switched_off() -> None:
    description = parse(BODY.replace(b"m=audio 4000", b"m=audio 0") + b"m=audio x RTP/AVP 0\r\n")
    with pytest.raises(NegotiationError):
        answer(description, Capabilities())


def test_keys_are_in_no_defect_and_no_error() -> None:
    lines = (b"a=crypto 1 AES_CM_128_HMAC_SHA1_80 " + KEY, b"a:" + KEY, b"k =clear:" + KEY, b"m=audio x " + KEY)
    for line in lines:
        description = parse(BODY + line + b"\r\n")
        assert description.defects
        assert "AAAA" not in str(description.defects)
        assert "AAAA" not in repr(description.defects)
        with pytest.raises(MalformedSdp) as caught:
            SessionDescription.parse(BODY + line + b"\r\n", strict=True)
        assert "AAAA" not in str(caught.value)
    assert [str(each) for each in parse(BODY + b"no line\r\n").defects] == [
        "not a line of the form x=value: 'no line'",
        "line does not belong into a media description: 'no line'",
    ]


def test_keys_are_in_no_repr() -> None:
    body = BODY + b"k=clear:AAAA\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 " + KEY + b"\r\n"
    assert "AAAA" not in repr(parse(body))


def usable(body: bytes) -> bool:
    """Whether a m= line is left that says where and how."""
    lines = [line.split() for line in body.split(b"\r\n") if line.startswith(b"m=")]
    return any(len(line) > 3 and line[1].isdigit() and int(line[1]) < 65_536 for line in lines)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A description of the field with one line damaged."""
    lines = draw(st.sampled_from([BODY, *ALL.values()])).replace(b"\r\n", b"\n").split(b"\n")[:-1]
    index = draw(st.integers(0, len(lines) - 1))
    line = lines[index]
    cut = draw(st.integers(0, len(line)))
    junk = draw(st.sampled_from([b"", b" ", b"=", b"\0", b"\r", b"\xff", b"/", b":", b"x", b"-1", b"99999999999"]))
    replaced = draw(
        st.sampled_from([line[:cut] + junk + line[cut:], line[:cut] + junk + line[cut + 1 :], line[:cut], junk])
    )
    again = draw(st.sampled_from([[replaced], [line, line], [replaced, line], []]))
    return b"\r\n".join([*lines[:index], *again, *lines[index + 1 :]]) + b"\r\n"


@given(damaged())
@example(BODY.replace(b"v=0", b""))
def test_one_damaged_line_is_noted_or_leaves_nothing_to_use(body: bytes) -> None:
    try:
        description = parse(body)
    except RtpError:
        assert not usable(body) or not body.startswith(b"v=0\r")
        return
    assert parse(bytes(description)) == description
    try:
        strict = SessionDescription.parse(body, strict=True)
    except MalformedSdp:
        assert description.defects
    else:
        assert not description.defects
        assert strict == description
    try:
        made = answer(description, Capabilities())
    except NegotiationError:
        return
    assert len(made.media) == len(description.media)
    negotiate(description, made, Role.ANSWERER)


#: Mappings of a number with a meaning of its own: useless ones, and those that say another meaning.
STATIC_MAPPINGS = (
    "PCMU/0",
    "PCMU",
    "PCMU/",
    "PCMU/x",
    "/8000",
    "",
    "PCMA/8000",
    "PCMU/16000",
    "PCMU/8000/2",
    "opus/48000/2",
)


@given(st.lists(st.sampled_from(STATIC_MAPPINGS), min_size=1, max_size=3))
def test_what_is_said_of_a_number_with_a_meaning_of_its_own_does_not_change_it(mappings: list[str]) -> None:
    lines = "".join(f"a=rtpmap:0 {mapping}\r\n" for mapping in mappings).encode()
    offered = parse(BODY + lines)
    assert offered.media[0].codecs[0] == Codec(0, "PCMU")
    assert offered.defects
    made = answer(offered, Capabilities(address="192.0.2.2", port=5000))
    agreed = negotiate(offered, made, Role.ANSWERER).audio
    assert agreed is not None
    assert agreed.codec == Codec(0, "PCMU")
    assert bytes(offered) == BODY + lines
    with pytest.raises(MalformedSdp):
        SessionDescription.parse(BODY + lines, strict=True)


@pytest.mark.parametrize("mapping", ["pcmu/8000", "PCMU/8000/1", "PCMU/8000/0"])
def test_a_mapping_that_says_the_meaning_of_a_number_is_no_defect(mapping: str) -> None:
    offered = parse(BODY + f"a=rtpmap:0 {mapping}\r\n".encode())
    assert offered.media[0].codecs[0].key == ("PCMU", 8000, 1)
    assert offered.defects == ()


def test_a_number_that_is_free_means_what_its_mapping_says() -> None:
    offered = parse(
        changed(b"RTP/AVP 0 101", b"RTP/AVP 19 77 101") + b"a=rtpmap:77 PCMA/8000\r\na=rtpmap:19 PCMU/8000\r\n"
    )
    assert [codec.encoding for codec in offered.media[0].codecs] == ["PCMU", "PCMA", "telephone-event"]
    assert offered.defects == ()


def test_a_format_without_a_clock_cannot_be_used() -> None:
    offered = parse(changed(b"RTP/AVP 0 101", b"RTP/AVP 96 0 101") + b"a=rtpmap:96 PCMA/0\r\n")
    assert [codec.payload_type for codec in offered.media[0].codecs] == [0, 101]
    assert offered.defects
