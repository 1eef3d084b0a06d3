"""Real phones register with our registrar and call each other through our proxy."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import subprocess
import threading
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from sip import Endpoint, EndpointConfig, Listen, PasswordStore, Proxy, ProxyConfig, Pump, Registrar, RegistrarConfig
from sip.aio import SipTransport, live_entropy, wall_clock
from tests.interop.programs import HOST, baresip, free_port, kamailio, require, running, wait_for_text

SCENARIOS = Path(__file__).parent / "scenarios"
DOMAIN = "example.com"
#: For sipp, which binds some ports from there on: below those that the system hands out, other ones in each process.
MEDIA_PORTS = itertools.count(20_000 + os.getpid() % 100 * 100, 10)


class Server:
    """A registrar and proxy for example.com on UDP and TCP, in a thread with an event loop of its own."""

    def __init__(self, credentials: PasswordStore | None = None) -> None:
        self.port = free_port()
        entropy = live_entropy()
        listen = (Listen("UDP", HOST, self.port), Listen("TCP", HOST, self.port))
        endpoint = Endpoint(EndpointConfig(listen=listen), entropy=entropy, wall_clock=wall_clock())
        config = RegistrarConfig(domains=(DOMAIN,))
        self.registrar = Registrar(endpoint, config, entropy=entropy, credentials=credentials)
        self.proxy = Proxy(endpoint, ProxyConfig(domains=(DOMAIN,)), entropy=entropy, location=self.registrar.lookup)
        self._transport = SipTransport(Pump(endpoint, [self.registrar, self.proxy]), entropy=entropy)

    @contextlib.contextmanager
    def running(self) -> Iterator[Server]:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._transport.start(), loop).result(10)
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._transport.stop(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def contacts(self, user: str) -> list[str]:
        return [str(each.uri) for each in self.registrar.lookup(f"sip:{user}@{DOMAIN}")]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server().running() as made:
        yield made


def sipp(scenario: str, port: int, folder: Path, *options: str, user: str = "bob", domain: str = DOMAIN) -> list[str]:
    """The command of a sipp that plays a scenario towards a port of ours."""
    place = ["-sf", str(SCENARIOS / f"{scenario}.xml")]
    names = ["-s", user, "-au", user, "-ap", "zanzibar", "-key", "domain", domain]
    common = ["-i", HOST, "-mi", HOST, "-mp", str(next(MEDIA_PORTS)), "-nostdin", "-timeout", "40", "-timeout_error"]
    if "-p" not in options:
        common += ["-p", str(free_port())]
    errors = ["-trace_err", "-error_file", str(folder / f"{scenario}-{user}.errors")]
    return ["sipp", f"{HOST}:{port}", *place, *names, *common, *errors, *options]


def play(command: list[str], folder: Path) -> None:
    """Run a sipp to its end; its exit code says whether all calls went well."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    errors = "\n".join(path.read_text()[-3000:] for path in folder.glob("*.errors"))
    assert done.returncode == 0, f"{' '.join(command)}\n{errors}\n{done.stdout[-2000:]}"


@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_sipp_registers_and_is_called_by_sipp(server: Server, tmp_path: Path, transport: str) -> None:
    require("sipp")
    phone = str(free_port())
    register = ["-m", "1", "-t", transport, "-key", "phone_port", phone]
    play(sipp("register", server.port, tmp_path, *register), tmp_path)
    name = {"u1": "UDP", "t1": "TCP"}[transport]
    assert server.contacts("bob") == [f"sip:bob@{HOST}:{phone};transport={name}"]
    answering = sipp("answer", server.port, tmp_path, "-p", phone, "-t", transport)
    with running(answering, tmp_path / "phone.log", cwd=tmp_path):
        play(sipp("call", server.port, tmp_path, "-m", "50", "-r", "25", "-t", transport), tmp_path)
    assert not server.proxy.counters


def test_a_caller_on_tcp_and_a_phone_on_udp(server: Server, tmp_path: Path) -> None:
    require("sipp")
    phone = str(free_port())
    play(sipp("register", server.port, tmp_path, "-m", "1", "-key", "phone_port", phone), tmp_path)
    with running(sipp("answer", server.port, tmp_path, "-p", phone), tmp_path / "phone.log", cwd=tmp_path):
        play(sipp("call", server.port, tmp_path, "-m", "20", "-r", "20", "-t", "t1"), tmp_path)


def test_sipp_answers_our_challenge(tmp_path: Path) -> None:
    require("sipp")
    with Server(PasswordStore({"bob": "zanzibar", "eve": "other"})).running() as server:
        register = ["-m", "1", "-key", "phone_port", "5060"]
        play(sipp("register", server.port, tmp_path, *register), tmp_path)
        assert len(server.contacts("bob")) == 1
        with pytest.raises(AssertionError, match="401"):
            play(sipp("register", server.port, tmp_path, *register, user="eve"), tmp_path)
        assert server.contacts("eve") == []


def test_baresip_registers_and_is_called_by_way_of_kamailio(tmp_path: Path) -> None:
    require("sipp", "baresip", "kamailio")
    spoken = tmp_path / "spoken.wav"
    write_tone(spoken, seconds=5)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(PasswordStore({"bob": "zanzibar"})).running())
        phone = baresip(
            tmp_path,
            user="bob",
            domain=DOMAIN,
            proxy=server.port,
            spoken=spoken,
            account_more=";auth_user=bob;auth_pass=zanzibar",
        )
        log = stack.enter_context(phone)
        upstream = stack.enter_context(kamailio(tmp_path, domain="upstream.example"))
        assert len(server.contacts("bob")) == 1
        # The caller's request goes through Kamailio, which records its route, and then through our proxy.
        play(sipp("call", upstream, tmp_path, "-m", "1", domain=f"{HOST}:{server.port}"), tmp_path)
        wait_for_text(log, "session closed")


def test_baresip_registers_over_tcp_and_is_called_down_its_connection(server: Server, tmp_path: Path) -> None:
    require("sipp", "baresip")
    spoken = tmp_path / "spoken.wav"
    write_tone(spoken, seconds=5)
    phone = baresip(tmp_path, user="bob", domain=DOMAIN, proxy=server.port, spoken=spoken, transport="tcp")
    with phone as log:
        (binding,) = server.registrar.lookup(f"sip:bob@{DOMAIN}")
        assert binding.flow is not None
        assert binding.flow.transport == "TCP"
        play(sipp("call", server.port, tmp_path, "-m", "1"), tmp_path)
        wait_for_text(log, "session closed")


def write_tone(path: Path, *, seconds: int) -> None:
    """A square wave, loud enough to be told from silence."""
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes((b"\x00\x10" * 10 + b"\x00\xf0" * 10) * 400 * seconds)
