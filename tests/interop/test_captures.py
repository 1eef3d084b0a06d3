"""Captures of ours in other programs: what is covered there is still what it was."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from pyc3p import Trace
from pyc3p.commands.demo import run_demo
from pyc3p.trace.pcapng import PcapngWriter
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


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a demonstration leaves."""
    require("tshark")
    output = tmp_path_factory.mktemp("demo")
    assert run_demo(output, as_json=True) == 0
    return output / "demo.pcapng"


def tshark(path: Path, *options: str) -> list[list[str]]:
    """The lines that tshark prints, cut at tabs."""
    command = ["tshark", "-r", str(path), *options]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "Lua" not in shown.stderr
    return [line.split("\t") for line in shown.stdout.splitlines()]


def fields(*names: str) -> list[str]:
    return ["-T", "fields", *(option for name in names for option in ("-e", name))]


def test_tshark_shows_a_demonstration_in_columns_with_names_and_comments(demo: Path) -> None:
    assert malformed(demo) == ""
    # Two passes: names are told when they become known.
    shown = tshark(demo, "-2", "-N", "n", "-Y", "sip || http", *fields("ip.src_host", "frame.comment"))
    elements = {"presenter", "watcher", "focus-factory", "focus", "mcu-factory", "mcu", "proxy"}
    assert elements | {"phone-bob", "phone-carol"} == {source for source, _ in shown}
    assert all(comment.startswith(f"{source} → ") for source, comment in shown)
    assert any(comment.startswith("focus → mcu: POST addUser dialed-out bob@example.com") for _, comment in shown)


def test_tshark_reads_c3p_with_a_script(demo: Path) -> None:
    script = f"lua_script:{Path(__file__).parents[2] / 'deploy' / 'pyc3p.lua'}"
    wanted = fields("c3p.document", "c3p.command", "c3p.code", "c3p.requestId", "c3p.user", "c3p.confEntity")
    shown = tshark(demo, "-X", script, "-Y", 'c3p.command == "addUser"', *wanted)
    assert {(line[0], line[2]) for line in shown} >= {("request", ""), ("response", "pending"), ("response", "success")}
    assert all(line[3] for line in shown)
    asked = [line for line in shown if line[0] == "request"]
    users = {"sip:ann@example.com", "sip:wes@example.com", "sip:bob@example.com", "sip:carol@example.com"}
    assert {user for line in asked for user in line[4].split(",")} == users
    assert len({line[5] for line in asked if line[5]}) == 1
    # SIP and HTTP, and nothing of it malformed.
    over = tshark(demo, "-X", script, "-Y", "c3p", *fields("frame.protocols", "_ws.malformed"))
    assert {"sip" in protocols for protocols, *_ in over} == {True, False}
    assert not any("".join(rest) for _, *rest in over)
    assert any("xml" in protocols for protocols, *_ in over)


def test_covered_secrets_are_not_malformed_for_tshark(tmp_path: Path) -> None:
    require("tshark")
    path = tmp_path / "a.pcapng"
    with PcapngWriter(path) as writer:
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
