"""A phone of the field, and a plain TLS client, at `pyc3p serve` over TLS."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyc3p.phone import ToneSource, listen_for
from pyc3p.phone.wav import read_wav, write_wav
from tests.certificates import Authority
from tests.interop.programs import HOST, baresip, free_port, heard_by_baresip, require, running, wait_for_text

BARESIP_TONE, OUR_TONE = 700.0, 1030.0


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


@contextlib.contextmanager
def serving(folder: Path, authority: Authority) -> Iterator[tuple[int, Path]]:
    """`pyc3p serve` with TLS; gives its port for that, and its log."""
    made = authority.certify(HOST)
    ports = [free_port() for _ in range(6)]
    names = ("sip_port", "mcu_sip_port", "http_port", "mcu_http_port")
    config = "".join(f"{name} = {port}\n" for name, port in zip(names, ports, strict=False))
    config += 'media_ports = "44200-44399"\n[tls]\n'
    config += f'certificate = "{made.certificate}"\nkey = "{made.key}"\nca = "{authority.ca}"\n'
    config += f"port = {ports[4]}\nmcu_port = {ports[5]}\n"
    file, log = folder / "serve.toml", folder / "serve.log"
    file.write_text(config)
    command = [sys.executable, "-m", "pyc3p", "serve", "--config", str(file)]
    with running(command, log, cwd=Path(__file__).parents[2]):
        wait_for_text(log, "announced itself", limit=20)
        yield ports[4], log


def invited(port: int, authority: Authority, target: str, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pyc3p", "invite", target, "--server", f"{HOST}:{port}", "--tls"]
    command += ["--ca", authority.ca, "--for", "3", *more]
    return subprocess.run(
        command,
        cwd=Path(__file__).parents[2],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_baresip_registers_over_tls_and_is_called_into_a_conference(tmp_path: Path, authority: Authority) -> None:
    require("baresip")
    spoken = tmp_path / "spoken.wav"
    source = ToneSource(BARESIP_TONE)
    write_wav(spoken, b"".join(source.next_frame() for _ in range(500)))
    with serving(tmp_path, authority) as (port, log):
        phone = baresip(
            tmp_path,
            user="bob",
            domain=HOST,
            proxy=port,
            spoken=spoken,
            transport="tls",
            more=f"sip_cafile {authority.ca}\nsip_verify_server yes\n",
        )
        carol = [sys.executable, "-m", "pyc3p", "phone", "--as", f"sip:carol@{HOST}", "--server", f"{HOST}:{port}"]
        carol += ["--tls", "--ca", authority.ca, "--tone", str(OUR_TONE), "--for", "30"]
        carol += ["--record", str(tmp_path / "carol.wav")]
        with phone as phone_log, running(carol, tmp_path / "carol.log", cwd=Path(__file__).parents[2]):
            wait_for_text(tmp_path / "carol.log", "registered for")
            done = invited(port, authority, f"sip:bob@{HOST}", f"sip:carol@{HOST}")
            assert f"call bob@{HOST}: done" in done.stdout, done
            wait_for_text(phone_log, "terminated", limit=5)
        assert "transport=tls" in log.read_text()
    assert listen_for(read_wav(heard_by_baresip(phone_log)), OUR_TONE).heard


def test_openssl_sees_the_certificate_and_no_old_protocol(tmp_path: Path, authority: Authority) -> None:
    require("openssl")
    with serving(tmp_path, authority) as (port, log):
        client = ["openssl", "s_client", "-connect", f"{HOST}:{port}", "-CAfile", authority.ca]

        def asked(*more: str) -> str:
            done = subprocess.run(
                [*client, *more], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False
            )
            return done.stdout + done.stderr

        assert "Verify return code: 0 (ok)" in asked("-verify_ip", HOST)
        assert "IP address mismatch" in asked("-verify_ip", "127.0.0.2")
        assert "TLSv1.2" in asked("-tls1_2")
        assert "Cipher is (NONE)" in asked("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
        wait_for_text(log, "could not connect to port")
