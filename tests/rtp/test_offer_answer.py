"""Writing offers and answers."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given

from rtp import (
    CN,
    PCMA,
    PCMU,
    TELEPHONE_EVENT,
    Attribute,
    Capabilities,
    Codec,
    Connection,
    Crypto,
    Direction,
    Encryption,
    EncryptionMismatch,
    InlineKey,
    LocalRtpError,
    NoCommonCodec,
    Role,
    SessionDescription,
    answer,
    negotiate,
    offer,
)
from rtp.testing import capabilities, session_descriptions
from rtp.testing.dialects import BARESIP_OFFER, COMMUNICATOR_2005, COMMUNICATOR_2007, INSTANT_MESSAGES, LYNC_2010

MCU_OFFER = """\
v=0
o=- 3900000000 1 IN IP4 192.0.2.10
s=session
c=IN IP4 192.0.2.10
b=CT:1000
t=0 0
m=audio 40000 RTP/AVP 0 8 13 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=maxptime:200
a=rtcp:40001
a=label:main-audio
a=encryption:rejected
a=sendrecv
"""


def keys(fill: int, *suites: str) -> tuple[Crypto, ...]:
    names = suites or ("AES_CM_128_HMAC_SHA1_80",)
    lengths = {"AEAD_AES_128_GCM": 28}
    return tuple(
        Crypto(tag, name, (InlineKey(bytes([fill]) * lengths.get(name, 30)),)) for tag, name in enumerate(names, 1)
    )


def described(*lines: str, connection: str = "192.0.2.2") -> SessionDescription:
    head = f"v=0\no=- 1 1 IN IP4 192.0.2.2\ns=-\nc=IN IP4 {connection}\nt=0 0\n"
    return SessionDescription.parse((head + "\n".join(lines)).encode())


def test_the_offer_of_the_conference_server() -> None:
    made = offer(Capabilities(), "192.0.2.10", 40000, session_id=3_900_000_000)
    assert bytes(made) == MCU_OFFER.replace("\n", "\r\n").encode()


def test_options_of_an_offer() -> None:
    plain = Capabilities(announce_encryption=False, label=None, maxptime=None, bandwidth=None, rtcp_mux=True)
    made = offer(plain, "2001:db8::1", 40000, direction=Direction.SENDONLY)
    media = made.media[0]
    assert made.connection == Connection("2001:db8::1")
    assert not {"encryption", "label", "maxptime"} & {item.name for item in media.attributes}
    assert (media.attribute("rtcp"), media.has("rtcp-mux")) == ("40000", True)
    assert made.direction_of(media) is Direction.SENDONLY
    assert made.bandwidths == ()


def test_the_rtcp_port_can_be_anywhere() -> None:
    assert offer(Capabilities(), port=40000, rtcp_port=50001).media[0].attribute("rtcp") == "50001"
    assert offer(Capabilities(), port=65535).media[0].attribute("rtcp") is None


def test_capabilities_that_contradict_themselves_are_our_own_error() -> None:
    for broken in (
        Capabilities(codecs=()),
        Capabilities(telephone_event=Codec(8, "telephone-event")),
        Capabilities(encryption=Encryption.OPTIONAL),
    ):
        with pytest.raises(LocalRtpError):
            offer(broken)
        with pytest.raises(LocalRtpError):
            answer(offer(Capabilities()), broken)


# Answers


def test_an_answer_names_one_voice_codec_and_what_goes_with_it() -> None:
    made = answer(offer(Capabilities()), Capabilities(), "192.0.2.20", 6000)
    assert made.media[0].formats == ("0", "13", "101")
    assert made.connection == Connection("192.0.2.20")
    assert (made.media[0].port, made.media[0].attribute("rtcp")) == (6000, "6001")


def test_an_answer_can_list_all_that_is_common() -> None:
    both = Capabilities(one_codec=False)
    assert answer(offer(Capabilities(codecs=(PCMA, PCMU))), both).media[0].formats == ("8", "0", "13", "101")


def test_the_order_of_the_offer_decides() -> None:
    made = answer(offer(Capabilities(codecs=(PCMA, PCMU))), Capabilities(codecs=(PCMU, PCMA)))
    assert made.media[0].formats[0] == "8"


def test_the_numbers_of_the_offer_are_used() -> None:
    offered = described(
        "m=audio 5000 RTP/AVP 97 96 98", "a=rtpmap:97 pcmu/8000", "a=rtpmap:96 telephone-event/8000",
        "a=rtpmap:98 telephone-event/16000",
    )  # fmt: skip
    media = answer(offered, Capabilities()).media[0]
    assert media.formats == ("97", "96")
    assert media.rtpmap(97) == Codec(97, "PCMU")
    assert media.fmtp(96) == "0-16"


def test_a_format_under_two_numbers_is_answered_once() -> None:
    offered = described("m=audio 5000 RTP/AVP 0 96 0 8", "a=rtpmap:96 PCMU/8000")
    assert answer(offered, Capabilities(one_codec=False)).media[0].formats == ("0", "8")


def test_the_legacy_offer_gets_plain_rtp_and_no_video() -> None:
    made = answer(SessionDescription.parse(COMMUNICATOR_2005), Capabilities(), "192.0.2.20", 6000)
    audio, video = made.media
    assert (audio.proto, audio.formats) == ("RTP/AVP", ("0", "101"))
    assert audio.attribute("encryption") == "rejected"
    assert audio.key is None
    assert (video.kind, video.port, video.formats) == ("video", 0, ("34", "31"))


def test_a_plain_phone_is_not_told_about_encryption() -> None:
    audio = answer(SessionDescription.parse(BARESIP_OFFER), Capabilities()).media[0]
    assert not audio.has("encryption")
    assert audio.attribute("label") == "main-audio"
    assert audio.formats == ("0", "101")


def test_only_the_first_audio_line_is_taken() -> None:
    offered = described("m=audio 5000 RTP/AVP 9", "m=audio 5002 RTP/AVP 0", "m=audio 5004 RTP/AVP 0")
    assert [media.port for media in answer(offered, Capabilities(), port=6000).media] == [0, 6000, 0]


@pytest.mark.parametrize(
    "lines",
    [
        ["m=audio 5000 RTP/AVP 18 101", "a=rtpmap:101 telephone-event/8000"],
        ["m=audio 5000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"],
        ["m=audio 5000 RTP/AVP 13"],
        ["m=audio 5000 RTP/AVP 97"],
        ["m=audio 5000 UDP/TLS/RTP/SAVP 0"],
        ["m=audio 0 RTP/AVP 0", "m=video 5000 RTP/AVP 34"],
        ["m=audio 5000 RTP/AVP 0", "c=IN IP4 (null)"],
        ["m=video 5000 RTP/AVP 34"],
        [],
    ],
)
def test_without_anything_common_there_is_no_answer(lines: list[str]) -> None:
    with pytest.raises(NoCommonCodec) as caught:
        answer(described(*lines), Capabilities())
    assert caught.value.status_hint == 488


def test_instant_messages_are_not_audio() -> None:
    with pytest.raises(NoCommonCodec):
        answer(SessionDescription.parse(INSTANT_MESSAGES), Capabilities())


def test_an_offer_that_switches_everything_off_is_answered_in_kind() -> None:
    made = answer(described("m=audio 0 RTP/AVP 0", "a=mid:a"), Capabilities())
    assert [(media.port, media.formats, media.attribute("mid")) for media in made.media] == [(0, ("0",), "a")]


@given(session_descriptions(), capabilities())
def test_an_answer_mirrors_the_offer(offered: SessionDescription, own: Capabilities) -> None:
    try:
        made = answer(offered, own)
    except (NoCommonCodec, EncryptionMismatch):
        return
    assert [(media.kind, media.proto) for media in made.media] == [(media.kind, media.proto) for media in offered.media]
    for theirs, ours in zip(offered.media, made.media, strict=True):
        assert ours.formats
        assert ours.rejected or (not theirs.rejected and set(ours.formats) <= set(theirs.formats))
    assert SessionDescription.parse(bytes(made)) == made


@given(capabilities(), capabilities())
def test_any_two_sides_with_a_common_codec_agree(ours: Capabilities, theirs: Capabilities) -> None:
    offered = offer(ours, "192.0.2.1", 4000)
    common = {codec.key for codec in ours.codecs} & {codec.key for codec in theirs.codecs}
    if not common:
        with pytest.raises(NoCommonCodec):
            answer(offered, theirs)
        return
    audio = negotiate(offered, answer(offered, theirs, "192.0.2.2", 5000)).audio
    assert audio is not None
    assert audio.codec.key in common
    assert (audio.telephone_event is not None) == bool(ours.telephone_event and theirs.telephone_event)
    assert (audio.comfort_noise is not None) == bool(ours.comfort_noise and theirs.comfort_noise)


# Direction and hold


@pytest.mark.parametrize(
    ("offered", "wish", "answered"),
    [
        ("sendrecv", "sendrecv", "sendrecv"),
        ("sendrecv", "recvonly", "recvonly"),
        ("sendrecv", "inactive", "inactive"),
        ("sendonly", "sendrecv", "recvonly"),
        ("sendonly", "sendonly", "inactive"),
        ("recvonly", "sendrecv", "sendonly"),
        ("recvonly", "recvonly", "inactive"),
        ("inactive", "sendrecv", "inactive"),
    ],
)
def test_the_direction_of_an_answer(offered: str, wish: str, answered: str) -> None:
    made = answer(described("m=audio 5000 RTP/AVP 0", f"a={offered}"), Capabilities(), direction=Direction(wish))
    assert made.direction_of(made.media[0]) == answered


@pytest.mark.parametrize(
    ("stated", "answered"), [("sendrecv", "recvonly"), ("sendonly", "recvonly"), ("inactive", "inactive")]
)
def test_the_unspecified_address_means_hold(stated: str, answered: str) -> None:
    offered = described("m=audio 5000 RTP/AVP 0", f"a={stated}", connection="0.0.0.0")
    made = answer(offered, Capabilities())
    assert made.direction_of(made.media[0]) == answered


# rtcp-mux, label, mid


def test_multiplexing_needs_both_sides() -> None:
    offered = offer(Capabilities(rtcp_mux=True), port=4000)
    assert not answer(offered, Capabilities(), port=5000).media[0].has("rtcp-mux")
    media = answer(offered, Capabilities(rtcp_mux=True), port=5000).media[0]
    assert (media.has("rtcp-mux"), media.attribute("rtcp")) == (True, "5000")


def test_mid_is_mirrored() -> None:
    made = answer(described("m=audio 5000 RTP/AVP 0", "a=mid:0", "m=video 1 RTP/AVP 34", "a=mid:1"), Capabilities())
    assert [media.attribute("mid") for media in made.media] == ["0", "1"]


# Encryption (the result matrix of the optional encryption extension)


@pytest.mark.parametrize(
    ("offerer", "answerer", "result"),
    [
        ("required", "required", "RTP/SAVP"),
        ("required", "optional", "RTP/SAVP"),
        ("optional", "required", "RTP/SAVP"),
        ("optional", "optional", "RTP/SAVP"),
        ("optional", "rejected", "RTP/AVP"),
        ("rejected", "optional", "RTP/AVP"),
        ("rejected", "rejected", "RTP/AVP"),
        ("required", "rejected", None),
        ("rejected", "required", None),
    ],
)
def test_two_levels_of_encryption(offerer: str, answerer: str, result: str | None) -> None:
    ours = Capabilities(encryption=Encryption(offerer), crypto=keys(1))
    theirs = Capabilities(encryption=Encryption(answerer), crypto=keys(2))
    offered = offer(ours, "192.0.2.1", 4000)
    assert offered.media[0].proto == ("RTP/SAVP" if offerer == "required" else "RTP/AVP")
    assert offered.media[0].has("crypto") == (offerer != "rejected")
    if result is None:
        with pytest.raises(EncryptionMismatch) as caught:
            answer(offered, theirs)
        assert (caught.value.status_hint, caught.value.warning_code) == (488, 308)
        return
    made = answer(offered, theirs, "192.0.2.2", 5000)
    assert made.media[0].proto == result
    assert len(made.media[0].attributes_named("crypto")) == (result == "RTP/SAVP")
    audio = negotiate(offered, made).audio
    assert audio is not None
    assert audio.secure == (result == "RTP/SAVP")


def test_the_2007_client_is_answered_on_the_line_without_mki() -> None:
    own = Capabilities(encryption=Encryption.OPTIONAL, crypto=keys(2))
    audio = answer(SessionDescription.parse(COMMUNICATOR_2007), own).media[0]
    assert audio.proto == "RTP/SAVP"
    chosen = Crypto.parse(audio.attribute("crypto") or "")
    assert (chosen.tag, chosen.keys) == (3, own.crypto[0].keys)


def test_the_2007_client_gets_plain_rtp_when_we_reject_encryption() -> None:
    audio = answer(SessionDescription.parse(COMMUNICATOR_2007), Capabilities()).media[0]
    assert (audio.proto, audio.has("crypto"), audio.formats) == ("RTP/AVP", False, ("8", "13", "101"))


def test_the_2010_client_requires_encryption() -> None:
    offered = SessionDescription.parse(LYNC_2010)
    with pytest.raises(EncryptionMismatch):
        answer(offered, Capabilities())
    audio, video, sharing = answer(offered, Capabilities(encryption=Encryption.OPTIONAL, crypto=keys(3))).media
    assert (audio.proto, audio.formats[0], video.port, sharing.port) == ("RTP/SAVP", "0", 0, 0)


def test_the_legacy_client_has_no_keys_that_we_know() -> None:
    offered = SessionDescription.parse(COMMUNICATOR_2005)
    own = Capabilities(encryption=Encryption.OPTIONAL, crypto=keys(2))
    assert answer(offered, own).media[0].proto == "RTP/AVP"
    demanding = SessionDescription.parse(COMMUNICATOR_2005.replace(b"encryption:optional", b"encryption:required"))
    with pytest.raises(EncryptionMismatch):
        answer(demanding, own)


def test_our_order_does_not_matter_but_the_suite_must_be_ours() -> None:
    ours = Capabilities(encryption=Encryption.REQUIRED, crypto=keys(1, "AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM"))
    theirs = Capabilities(encryption=Encryption.REQUIRED, crypto=keys(2, "AEAD_AES_128_GCM"))
    offered = offer(ours, "192.0.2.1", 4000)
    audio = negotiate(offered, answer(offered, theirs, "192.0.2.2", 5000)).audio
    assert audio is not None
    assert audio.local_crypto == ours.crypto[1]
    assert audio.remote_crypto == attrs.evolve(theirs.crypto[0], tag=2)


def test_keys_without_any_word_about_encryption_mean_optional() -> None:
    offered = described("m=audio 5000 RTP/AVP 0", f"a=crypto:{keys(1)[0]}")
    own = Capabilities(encryption=Encryption.OPTIONAL, crypto=keys(2))
    assert answer(offered, own).media[0].has("crypto")
    assert not answer(offered, Capabilities()).media[0].has("crypto")


# New offers


def test_a_new_offer_counts_the_version_up_only_when_something_changed() -> None:
    first = offer(Capabilities(), "192.0.2.1", 4000, session_id=9)
    same = offer(Capabilities(), "192.0.2.1", 4000, previous=first)
    moved = offer(Capabilities(), "192.0.2.1", 4002, previous=same)
    assert same == first
    assert (moved.origin.session_id, moved.origin.session_version) == (9, 2)


def test_a_new_offer_keeps_every_slot() -> None:
    offered = described("m=video 5002 RTP/AVP 34", "m=audio 5000 RTP/AVP 0", "m=message 5004 sip null")
    ours = answer(offered, Capabilities(), "192.0.2.1", 4000)
    again = offer(Capabilities(), "192.0.2.1", 4000, direction=Direction.SENDONLY, previous=ours)
    assert [(media.kind, media.port) for media in again.media] == [("video", 0), ("audio", 4000), ("message", 0)]
    assert again.origin.session_version == 2


def test_a_new_offer_revives_the_slot_of_audio_or_adds_one() -> None:
    refused = described("m=video 0 RTP/AVP 34", "m=audio 0 RTP/AVP 0")
    assert [media.port for media in offer(Capabilities(), port=4000, previous=refused).media] == [0, 4000]
    video = described("m=video 0 RTP/AVP 34")
    assert [media.kind for media in offer(Capabilities(), port=4000, previous=video).media] == ["video", "audio"]


def test_an_answer_in_a_running_session_keeps_the_origin() -> None:
    first = answer(offer(Capabilities()), Capabilities(), "192.0.2.1", 4000, session_id=5)
    hold = described("m=audio 5000 RTP/AVP 0 13 101", "a=sendonly", "a=rtpmap:101 telephone-event/8000")
    second = answer(hold, Capabilities(), "192.0.2.1", 4000, previous=first)
    assert (second.origin.session_id, second.origin.session_version) == (5, 2)


def test_formats_in_an_offer() -> None:
    assert Capabilities(comfort_noise=None).formats == (PCMU, PCMA, TELEPHONE_EVENT)
    assert Capabilities(telephone_event=None).formats == (PCMU, PCMA, CN)
    assert Attribute("fmtp", "101 0-16") in offer(Capabilities()).media[0].attributes


# Lines that cannot be used

CRYPTO = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40
SECURE_LINE = ("m=audio 40000 RTP/SAVP 0", CRYPTO)
PLAIN_LINE = ("m=audio 40002 RTP/AVP 0",)
BEST_EFFORT_LINE = ("m=audio 40004 RTP/AVP 0", CRYPTO)
DTLS_LINE = (
    "m=audio 40006 UDP/TLS/RTP/SAVPF 0",
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
    "a=setup:actpass",
)
KEYLESS_LINE = ("m=audio 40008 RTP/SAVP 0", "a=crypto:1 UNKNOWN inline:AAAA")
PLAIN_SIDE = Capabilities(announce_encryption=False)
DEMANDING_SIDE = Capabilities(encryption=Encryption.REQUIRED, crypto=keys(2))
WILLING_SIDE = Capabilities(encryption=Encryption.OPTIONAL, crypto=keys(2))


@pytest.mark.parametrize(
    ("side", "lines", "accepted"),
    [
        (PLAIN_SIDE, (SECURE_LINE, PLAIN_LINE), 1),
        (PLAIN_SIDE, (PLAIN_LINE, SECURE_LINE), 0),
        (PLAIN_SIDE, (DTLS_LINE, SECURE_LINE, PLAIN_LINE), 2),
        (PLAIN_SIDE, (KEYLESS_LINE, PLAIN_LINE), 1),
        (PLAIN_SIDE, (SECURE_LINE, BEST_EFFORT_LINE), 1),
        (DEMANDING_SIDE, (SECURE_LINE, PLAIN_LINE), 0),
        (DEMANDING_SIDE, (PLAIN_LINE, SECURE_LINE), 1),
        (DEMANDING_SIDE, (DTLS_LINE, PLAIN_LINE, SECURE_LINE), 2),
        (DEMANDING_SIDE, (PLAIN_LINE, KEYLESS_LINE, BEST_EFFORT_LINE), 2),
        (WILLING_SIDE, (KEYLESS_LINE, PLAIN_LINE), 1),
        (WILLING_SIDE, (DTLS_LINE, SECURE_LINE), 1),
    ],
)
def test_a_line_that_cannot_be_used_is_refused_alone(
    side: Capabilities, lines: tuple[tuple[str, ...], ...], accepted: int
) -> None:
    offered = described(*(text for line in lines for text in line))
    made = answer(offered, side, "192.0.2.1", 6000)
    assert [media.port for media in made.media] == [6000 if n == accepted else 0 for n in range(len(lines))]
    assert [media.proto for media in made.media] == [media.proto for media in offered.media]
    for role in Role:
        audio = negotiate(offered, made, role).audio
        assert audio is not None
        assert audio.index == accepted
        assert audio.secure is (side.encryption is not Encryption.REJECTED and offered.media[accepted].has("crypto"))


@pytest.mark.parametrize(
    ("side", "lines"),
    [
        (PLAIN_SIDE, (SECURE_LINE,)),
        (PLAIN_SIDE, (DTLS_LINE, SECURE_LINE)),
        (PLAIN_SIDE, (SECURE_LINE, DTLS_LINE)),
        (DEMANDING_SIDE, (PLAIN_LINE, KEYLESS_LINE)),
    ],
)
def test_when_encryption_excludes_every_line_the_refusal_says_so(
    side: Capabilities, lines: tuple[tuple[str, ...], ...]
) -> None:
    with pytest.raises(EncryptionMismatch):
        answer(described(*(text for line in lines for text in line)), side)


@pytest.mark.parametrize("side", [WILLING_SIDE, DEMANDING_SIDE])
def test_best_effort_encryption_is_answered_with_keys_and_the_profile_of_the_offer(side: Capabilities) -> None:
    offered = described(*BEST_EFFORT_LINE)
    made = answer(offered, side, "192.0.2.1", 6000)
    assert (made.media[0].proto, len(made.media[0].attributes_named("crypto"))) == ("RTP/AVP", 1)
    for role in Role:
        audio = negotiate(offered, made, role).audio
        assert audio is not None
        assert audio.secure


def test_best_effort_encryption_is_answered_plain_by_a_plain_side() -> None:
    offered = described(*BEST_EFFORT_LINE)
    made = answer(offered, PLAIN_SIDE, "192.0.2.1", 6000)
    assert (made.media[0].proto, made.media[0].has("crypto")) == ("RTP/AVP", False)
    audio = negotiate(offered, made).audio
    assert audio is not None
    assert not audio.secure


def test_the_case_of_an_offer_is_mirrored() -> None:
    made = answer(described("m=AUDIO 40002 rtp/avp 0"), PLAIN_SIDE, "192.0.2.1", 6000)
    assert made.media[0].proto == "rtp/avp"


def test_keys_that_fit_one_line_of_an_answer_are_enough() -> None:
    offered = described(*SECURE_LINE, *PLAIN_LINE)
    answered = described("m=audio 5000 RTP/SAVP 0", CRYPTO.replace(":1 ", ":7 "), "m=audio 5002 RTP/AVP 0")
    agreement = negotiate(offered, answered)
    assert agreement.media[0] is None
    assert agreement.audio is not None
    assert agreement.audio.remote_rtp == ("192.0.2.2", 5002)


def test_an_answer_that_rejects_encryption_is_plain_whatever_else_it_says() -> None:
    offered = described(*BEST_EFFORT_LINE)
    audio = negotiate(offered, described("m=audio 5000 RTP/AVP 0", "a=encryption:rejected", CRYPTO)).audio
    assert audio is not None
    assert not audio.secure
