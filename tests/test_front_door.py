"""The names that tools outside of this repository call exist and do what their table says."""

from __future__ import annotations

import pytest

import c3p
import focus
import mcu
import rtp
import sip

REQUEST = (
    b"INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKabc\r\n"
    b"Record-Route: <sip:p.example.com;lr>\r\nRoute: <sip:q.example.com;lr>\r\n"
    b"From: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nContact: *\r\nCall-ID: x\r\n"
    b"CSeq: 7 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 4\r\n\r\nbodyrest"
)
SDP = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\n"
)


def test_sip_messages() -> None:
    request = sip.parse_message(REQUEST)
    assert isinstance(request, sip.Request)
    assert (request.method, str(request.uri), request.body) == ("INVITE", "sip:bob@example.com", b"body")
    (via,) = request.via
    assert (via.host, via.port, via.transport, via.branch) == ("192.0.2.1", 5070, "UDP", "z9hG4bKabc")
    assert request.contact == (sip.STAR,)
    assert [str(entry.uri) for entry in (*request.route, *request.record_route)] == [
        "sip:q.example.com;lr",
        "sip:p.example.com;lr",
    ]
    assert (request.from_.tag, request.to.tag, request.call_id) == ("1", None, "x")
    assert (request.cseq.number, request.cseq.method) == (7, "INVITE")
    assert {hash(request.uri), hash(request.from_), hash(via), hash(request.cseq)}
    request.check()
    response = request.response(200)
    assert (response.status, response.reason) == (200, "OK")
    assert "Via" in response.headers


def test_sip_errors_and_streams() -> None:
    with pytest.raises(sip.RemoteProtocolError) as caught:
        sip.parse_message(b"\x00\x01garbage")
    assert isinstance(caught.value, sip.SipError)
    assert isinstance(caught.value, ValueError)
    assert 400 <= caught.value.status_hint < 600
    assert [type(each) for each in sip.StreamParser().receive_data(REQUEST[:-4] + b"\r\n\r\n")] == [
        sip.Request,
        sip.Keepalive,
    ]
    assert sip.Uri.parse("sip:a@example.com").host == "example.com"
    assert sip.NameAddr.parse("<sip:a@example.com>").uri.user == "a"


def test_rtp() -> None:
    offer = rtp.SessionDescription.parse(SDP)
    assert bytes(offer) == SDP
    (media,) = offer.media
    assert (media.kind, media.port, media.proto, tuple(media.formats)) == ("audio", 4000, "RTP/AVP", ("0", "101"))
    answer = rtp.answer(offer, rtp.Capabilities())
    assert rtp.negotiate(offer, answer) is not None
    packet = rtp.RtpPacket.parse(bytes.fromhex("80800001000000a000000001") + b"sound")
    assert (packet.payload_type, packet.sequence_number, packet.timestamp, packet.ssrc) == (0, 1, 160, 1)
    assert (packet.marker, tuple(packet.csrc), bytes(packet.payload)) == (True, (), b"sound")
    assert bytes(packet).endswith(b"sound")
    assert rtp.parse_rtcp(bytes.fromhex("80c9000100000001"))
    assert rtp.TelephoneEvent.parse(b"\x01\x8a\x00\xa0").end
    with pytest.raises(rtp.RtpError):
        rtp.RtpPacket.parse(b"short")
    assert issubclass(rtp.RtpError, ValueError)


def test_srtp_is_symmetric() -> None:
    key, salt = bytes(16), bytes(14)
    here, there = (rtp.SrtpContext("AES_CM_128_HMAC_SHA1_80", key, salt) for _ in range(2))
    packet = bytes.fromhex("80000001000000a000000001") + b"sound"
    assert there.unprotect(here.protect(packet)) == packet
    report = bytes.fromhex("80c9000100000001")
    assert there.unprotect_rtcp(here.protect_rtcp(report)) == report


def test_c3p() -> None:
    data = (
        b'<request xmlns="urn:ietf:params:xml:ns:cccp" requestId="0" from="sip:a@example.com" to="sip:b@example.com">'
        b"<getConferencingCapabilities/></request>"
    )
    request = c3p.parse_document(data)
    assert isinstance(request, c3p.Request)
    assert (request.request_id, request.from_, request.to) == ("0", "sip:a@example.com", "sip:b@example.com")
    response = request.respond(c3p.Code.SUCCESS)
    assert (response.code, response.reason) == (c3p.Code.SUCCESS, None)
    assert c3p.parse_document(bytes(response)) == response
    old, new = (c3p.ConferenceInfo(entity="sip:c@example.com", version=version) for version in (1, 2))
    assert old.apply(c3p.diff(old, new)) == new.settled()
    with pytest.raises(c3p.C3PError):
        c3p.parse_document(b"<nonsense")
    assert issubclass(c3p.C3PError, ValueError)


def test_machines() -> None:
    for module, names in (
        (sip, ("Endpoint", "Pump", "Registrar", "Proxy", "SeededEntropy", "Flow", "Transmit")),
        (focus, ("Focus", "FocusFactory", "Client")),
        (mcu, ("Mcu", "McuFactory", "Mixer")),
        (c3p, ("Notify", "Exchange", "Reply")),
    ):
        for name in names:
            assert callable(getattr(module, name)), name
            assert name in module.__all__
