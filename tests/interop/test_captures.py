"""Captures of ours in other programs: what is covered there is still what it was."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

from pyc3p import Trace
from pyc3p.trace.pcap import PcapWriter
from tests.interop.programs import malformed, require

SDP = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0\r\n"
    b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + base64.b64encode(bytes(range(30))) + b"|2^31|1:1\r\n"
)
INVITE = (
    b"INVITE sip:bob:geheim@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa\r\n"
    b"Max-Forwards: 70\r\nFrom: <sip:ann@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: c1\r\n"
    b'CSeq: 1 INVITE\r\nProxy-Authorization: Digest username="ann", realm="r", nonce="n", uri="sip:bob@example.com",'
    b' response="0123456789abcdef0123456789abcdef", cnonce="a\\"b,c", nc=00000001, qop=auth\r\n'
    b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n" % len(SDP) + SDP
)
POST = (
    b"POST /LiveServer/Focus HTTP/1.1\r\nHost: 192.0.2.2:8444\r\nAuthorization: Bearer 0123456789abcdef\r\n"
    b"Content-Type: application/cccp+xml\r\nContent-Length: 0\r\n\r\n"
)


def test_covered_secrets_are_not_malformed_for_tshark(tmp_path: Path) -> None:
    require("tshark")
    path = tmp_path / "a.pcap"
    with PcapWriter(path) as writer:
        trace = Trace(readers=[writer])
        ends = {"source": ("192.0.2.1", 5060), "destination": ("192.0.2.2", 5060)}
        trace.record(layer="sip", transport="UDP", data=INVITE, at=0.0, **ends)
        ends = {"source": ("192.0.2.1", 40000), "destination": ("192.0.2.2", 8444)}
        trace.record(layer="http", transport="TCP", data=POST, at=0.1, **ends)
    assert malformed(path) == ""
    command = [
        "tshark",
        "-r",
        str(path),
        "-T",
        "fields",
        "-e",
        "sdp.crypto.crypto_suite",
        "-e",
        "sip.auth.digest.response",
    ]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "AES_CM_128_HMAC_SHA1_80" in shown
    assert "0" * 32 in shown
