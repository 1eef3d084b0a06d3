"""Kamailio at the edge, as the documentation sets it up, in front of a server with registrar, proxy and users."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.programs import HOST, answers_options, free_port, module_path, require, running, wait_for_text
from tests.interop.test_users import DOMAIN, PASSWORDS, invite, served

SERVER = "127.0.0.2"
CONFIG = Path(__file__).parents[2] / "docs" / "kamailio.cfg"


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[int]:
    """The port of a Kamailio in front of a server."""
    require("kamailio")
    with served(tmp_path, "--host", SERVER) as server, at_the_edge(tmp_path, server) as port:
        yield port


@contextlib.contextmanager
def at_the_edge(folder: Path, server: int) -> Iterator[int]:
    port, config, run = free_port(), folder / "kamailio.cfg", folder / "kamailio-run"
    run.mkdir()
    text = CONFIG.read_text().replace("192.0.2.10:5060", f"{SERVER}:{server}").replace("192.0.2.10", SERVER)
    text = text.replace("192.0.2.30:5060", f"{HOST}:{port}")
    config.write_text(f'debug=1\nlog_stderror=yes\nmpath="{module_path("kamailio")}/"\n{text}')
    command = ["kamailio", "-f", str(config), "-DD", "-E", "-m", "32", "-M", "4", "-w", str(run), "-Y", str(run)]
    with running(command, folder / "kamailio.log", cwd=folder):
        answers_options(port)
        yield port


def test_a_phone_registers_through_the_edge_and_is_called_back_through_it(edge: int, tmp_path: Path) -> None:
    log = tmp_path / "phone.log"
    environment = {**os.environ, "PYC3P_USERNAME": "bob", "PYC3P_PASSWORD": PASSWORDS["bob"]}
    words = ["env", *(f"{name}={environment[name]}" for name in ("PYC3P_USERNAME", "PYC3P_PASSWORD"))]
    words += [sys.executable, "-m", "pyc3p", "phone", "--as", f"sip:bob@{DOMAIN}", "--server", f"{HOST}:{edge}"]
    with running(words, log, cwd=tmp_path):
        wait_for_text(log, "registered for")
        done = invite(edge, f"sip:bob@{DOMAIN}", password=PASSWORDS["ann"])
        wait_for_text(log, "call over")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"call bob@{DOMAIN}: done" in done.stdout


def test_a_presenter_without_the_password_gets_nothing_at_the_edge_either(edge: int) -> None:
    assert invite(edge, f"sip:bob@{DOMAIN}", password="wrong").returncode != 0


def test_the_edge_relays_nobody_to_other_domains(edge: int) -> None:
    assert answer_to(edge, "OPTIONS", "sip:bob@other.example").startswith("SIP/2.0 403 ")


def answer_to(port: int, method: str, target: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((HOST, 0))
        stranger.settimeout(5.0)
        here = f"{HOST}:{stranger.getsockname()[1]}"
        lines = (
            f"{method} {target} SIP/2.0",
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bKstranger",
            f"From: <sip:stranger@{HOST}>;tag=1",
            f"To: <{target}>",
            f"Call-ID: stranger@{HOST}",
            f"CSeq: 1 {method}",
            "Max-Forwards: 70",
            "Content-Length: 0",
        )
        stranger.sendto("\r\n".join((*lines, "", "")).encode(), (HOST, port))
        return stranger.recv(4096).decode()
