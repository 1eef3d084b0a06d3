"""Real phones and a server that asks for passwords: ``pyc3p serve --users``."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyc3p.elements.loopback import reserved_ports
from pyc3p.users import change_users, entries_of
from tests.interop.programs import HOST, baresip, free_port, require, running, wait_for_text
from tests.interop.test_sip_peers import play, sipp, write_tone

DOMAIN = "example.com"
PASSWORDS = {"bob": "zanzibar", "ann": "geheim"}


@contextlib.contextmanager
def served(folder: Path, *more: str) -> Iterator[int]:
    """A server on loopback whose users have passwords; its SIP port."""
    users = folder / "users"
    for name, password in PASSWORDS.items():
        change_users(users, remove=name, realm=DOMAIN, add=entries_of(name, DOMAIN, password))
    names = ("--sip-port", "--mcu-sip-port", "--http-port", "--mcu-http-port")
    with reserved_ports(4) as ports:
        options = [word for name, port in zip(names, ports, strict=True) for word in (name, str(port))]
    log = folder / "served.log"
    media = free_port() & ~1
    command = [sys.executable, "-m", "pyc3p", "serve", "--domain", DOMAIN, "--users", str(users), *options, *more]
    command += ["--media-ports", f"{media}-{media + 99}", "--drain-timeout", "0"]
    with running(command, log, cwd=folder):
        wait_for_text(log, "stop with Ctrl-C")
        yield ports[0]


def invite(port: int, target: str, *, user: str = "ann", password: str | None) -> subprocess.CompletedProcess[str]:
    """``pyc3p invite`` of somebody whose password is in the environment, for two seconds."""
    command = [sys.executable, "-m", "pyc3p", "invite", target, "--server", f"{HOST}:{port}"]
    known = {} if password is None else {"PYC3P_USERNAME": user, "PYC3P_PASSWORD": password}
    return subprocess.run(
        [*command, "--as", f"sip:{user}@{DOMAIN}", "--for", "2"],
        env={**os.environ, **known},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_baresip_registers_with_its_password_and_is_called_into_a_conference(tmp_path: Path, transport: str) -> None:
    require("baresip")
    spoken = tmp_path / "spoken.wav"
    write_tone(spoken, seconds=5)
    with served(tmp_path) as port:
        more = ";auth_user=bob;auth_pass=zanzibar"
        phone = baresip(
            tmp_path, user="bob", domain=DOMAIN, proxy=port, spoken=spoken, transport=transport, account_more=more
        )
        with phone as log:
            done = invite(port, f"sip:bob@{DOMAIN}", password="geheim")
            assert done.returncode == 0, done.stdout + done.stderr
            assert f"call bob@{DOMAIN}: done" in done.stdout
            wait_for_text(log, "session closed")
            for password, told in (("wrong", "does not take the password of 'ann'"), (None, "wants a password")):
                refused = invite(port, f"sip:bob@{DOMAIN}", password=password)
                assert refused.returncode == 1
                assert refused.stderr.count("\n") == 1
                assert told in refused.stderr
            spoofed = invite(port, f"sip:bob@{DOMAIN}", user="bob", password="geheim")
            assert "does not take the password of 'bob'" in spoofed.stderr


def test_baresip_with_a_wrong_password_is_not_registered(tmp_path: Path) -> None:
    require("baresip")
    spoken = tmp_path / "spoken.wav"
    write_tone(spoken, seconds=1)
    wrong = ";auth_user=bob;auth_pass=wrong"
    refused = "401 Unauthorized"
    with (
        served(tmp_path) as port,
        baresip(
            tmp_path, user="bob", domain=DOMAIN, proxy=port, spoken=spoken, account_more=wrong, told=refused
        ) as log,
    ):
        time.sleep(3.0)  # it asks again, with the password, and might be let in
        assert "200 OK" not in log.read_text()


@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_sipp_calls_sipp_with_one_password_for_registrar_and_proxy(tmp_path: Path, transport: str) -> None:
    require("sipp")
    phone = str(free_port())
    with served(tmp_path) as port:
        register = ["-m", "1", "-t", transport, "-key", "phone_port", phone]
        play(sipp("register", port, tmp_path, *register), tmp_path)
        with running(
            sipp("answer", port, tmp_path, "-p", phone, "-t", transport), tmp_path / "phone.log", cwd=tmp_path
        ):
            options = ["-m", "5", "-r", "5", "-t", transport, "-key", "callee", "bob", "-auth_uri", f"bob@{DOMAIN}"]
            called = sipp("call_with_password", port, tmp_path, *options, user="ann")
            called[called.index("-ap") + 1] = "geheim"
            play(called, tmp_path)


def test_sipp_without_a_password_calls_nobody(tmp_path: Path) -> None:
    require("sipp")
    with served(tmp_path) as port, pytest.raises(AssertionError, match="407 Proxy Authentication Required"):
        play(sipp("call", port, tmp_path, "-m", "1"), tmp_path)


LINPHONE = """\
[sip]
sip_port={own}
sip_tcp_port={own}
bind_address={host}
guess_hostname=0
default_proxy=0
[proxy_0]
reg_proxy=sip:{host}:{port}
reg_identity=sip:bob@{domain}
reg_sendregister=1
reg_expires=300
[auth_info_0]
username=bob
passwd={password}
realm={domain}
domain={domain}
"""


@contextlib.contextmanager
def linphone(folder: Path, port: int, password: str) -> Iterator[Path]:
    """A linphone that registers; its log of messages."""
    config, log = folder / "linphonerc", folder / "linphone.log"
    config.write_text(LINPHONE.format(own=free_port(), host=HOST, port=port, domain=DOMAIN, password=password))
    (folder / ".local/share/linphone").mkdir(parents=True)
    phone = subprocess.Popen(
        ["linphonec", "-d", "5", "-l", str(log), "-c", str(config)],
        stdin=subprocess.PIPE,  # it ends when nobody types any more
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env={**os.environ, "HOME": str(folder)},
    )
    try:
        yield log
    finally:
        phone.kill()
        phone.communicate()


@pytest.mark.parametrize(("password", "state"), [("zanzibar", "Ok"), ("wrong", "Failed")])
def test_linphone_registers_with_its_password_and_no_other(tmp_path: Path, password: str, state: str) -> None:
    require("linphonec")
    with served(tmp_path) as port, linphone(tmp_path, port, password) as log:
        wait_for_text(log, f"to [LinphoneRegistration{state}]")
