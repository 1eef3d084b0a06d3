"""Each part of a system is killed in turn while real phones talk in a conference, and started again."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from focus import FocusConfig
from pyc3p.elements.loopback import reserved_ports
from tests.interop.programs import HOST, baresip, free_port, require, running, wait_for_text
from tests.interop.test_sip_peers import write_tone

DOMAIN = "example.com"
SECRET = "a secret of these tests that nobody guesses"
PARTS = ("registrar", "proxy", "focus-factory", "focus", "mcu-factory")
#: Seconds for what takes a moment on an idle machine, and longer where tests run side by side.
PATIENCE = 60.0


class System:
    """Focus and MCU in processes of their own, each of which can be killed and started again."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack, *, factory_apart: bool = False) -> None:
        self.folder, self._stack = folder, stack
        with reserved_ports(5) as ports:
            self.sip, self.http, self.mcu_sip, self.mcu_http, factory = ports
        self.media = free_port() & ~1
        self.factory = factory if factory_apart else self.http
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._clients: dict[Path, subprocess.Popen[bytes]] = {}
        self._starts = 0

    def start(self, name: str) -> Path:
        """Start a part, and wait until it serves; gives its log."""
        self._starts += 1
        log = self.folder / f"{name}-{self._starts}.log"
        command = [sys.executable, "-m", "pyc3p", "serve", *getattr(self, f"_{name}")()]
        environment = {**os.environ, "PYC3P_SECRET": SECRET}
        options = ["--domain", DOMAIN, "--drain-timeout", "0"]
        self.processes[name] = self._stack.enter_context(
            running([*command, *options], log, cwd=self.folder, environment=environment)
        )
        wait_for_text(log, "stop with Ctrl-C", limit=PATIENCE)
        return log

    @property
    def _factory_url(self) -> str:
        return f"http://{HOST}:{self.factory}/LiveServer/MCUFactory"

    def _focus(self) -> list[str]:
        ports = ["--sip-port", str(self.sip), "--http-port", str(self.http), "--mcu", "mcu-1"]
        apart = self.factory != self.http
        parts = [*PARTS[:-1], "--mcu-factory-url", self._factory_url] if apart else [*PARTS]
        return [*parts, *ports, "--state", str(self.folder / "focus.sqlite")]

    def _whole(self) -> list[str]:
        ports = ["--sip-port", str(self.sip), "--http-port", str(self.http)]
        ports += ["--mcu-sip-port", str(self.mcu_sip), "--mcu-http-port", str(self.mcu_http)]
        media = ["--media-ports", f"{self.media}-{self.media + 99}"]
        return [*ports, *media, "--state", str(self.folder / "whole.sqlite")]

    def _factory(self) -> list[str]:
        state = ["--state", str(self.folder / "factory.sqlite")]
        return ["mcu-factory", "--http-port", str(self.factory), "--mcu", "mcu-1", *state]

    def _mcu(self) -> list[str]:
        ports = ["--mcu-sip-port", str(self.mcu_sip), "--mcu-http-port", str(self.mcu_http)]
        media = ["--media-ports", f"{self.media}-{self.media + 99}", "--workers", "0"]
        proxy = f"sip:{HOST}:{self.sip}"
        return ["mcu", *ports, *media, "--mcu-factory-url", self._factory_url, "--outbound-proxy", proxy]

    def kill(self, name: str) -> None:
        """kill -9, and nothing else."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def invite(self, *arguments: str, user: str) -> Path:
        """``pyc3p invite`` of somebody; gives its log."""
        self._starts += 1
        log = self.folder / f"{user}-{self._starts}.log"
        server = ["--server", f"{HOST}:{self.sip}", "--as", f"sip:{user}@{DOMAIN}"]
        command = [sys.executable, "-m", "pyc3p", "invite", *arguments, *server]
        self._clients[log] = self._stack.enter_context(running(command, log, cwd=self.folder))
        return log

    def end(self, log: Path) -> None:
        """Let a presenter with this log go."""
        self._clients[log].terminate()
        self._clients[log].wait(PATIENCE)


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    require("baresip")
    with contextlib.ExitStack() as stack:
        made = System(tmp_path, stack)
        made.start("focus")
        made.start("mcu")
        yield made


def faults(system: System) -> list[str]:
    """What went wrong inside the programs."""
    logs = [path.read_text(errors="replace") for path in system.folder.glob("*.log")]
    return [line for log in logs for line in log.splitlines() if "internal fault" in line or "Traceback" in line]


def hears_something(log: Path) -> bool:
    """Whether a baresip gets sound from now on, as its status line says."""
    before, end = len(log.read_text(errors="replace")), time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if re.search(r"audio=\d+/[1-9]", log.read_text(errors="replace")[before:]):
            return True
        time.sleep(0.2)
    return False


def call_until_done(system: System, user: str, conference: str) -> bool:
    """Try again as a presenter would; a Focus asks for an MCU again 2 s after it had none."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        log = system.invite(f"sip:{user}@{DOMAIN}", "--conference", conference, user="ann")
        wait_for_text(log, f"call {user}@{DOMAIN}: ", limit=PATIENCE)
        if f"call {user}@{DOMAIN}: done" in log.read_text():
            return True
        time.sleep(3.0)
    return False


def conference_in(log: Path) -> str:
    found = re.search(r"conference (sip:\S+)", log.read_text())
    assert found is not None
    return found[1]


@contextlib.contextmanager
def phone(system: System, user: str) -> Iterator[Path]:
    """A phone of somebody, registered and talking when it is called."""
    spoken = system.folder / f"{user}.wav"
    write_tone(spoken, seconds=60)
    with baresip(system.folder, user=user, domain=DOMAIN, proxy=system.sip, spoken=spoken) as log:
        yield log


def test_a_focus_that_is_killed_comes_back_to_its_conference(system: System) -> None:
    with phone(system, "bob") as bob, phone(system, "carol") as carol:
        ann = system.invite(f"sip:bob@{DOMAIN}", user="ann")
        wait_for_text(ann, f"call bob@{DOMAIN}: done", limit=PATIENCE)
        system.kill("focus")
        focus = system.start("focus")
        # Carol has not registered again and is called all the same, into the conference that goes on.
        again = system.invite(f"sip:carol@{DOMAIN}", "--conference", conference_in(ann), user="ann")
        wait_for_text(again, f"call carol@{DOMAIN}: done", limit=PATIENCE)
        wait_for_text(again, f"bob@{DOMAIN} is on the phone", limit=PATIENCE)
        wait_for_text(ann, "joined again as presenter", limit=PATIENCE)
        assert hears_something(bob)
        assert hears_something(carol)
        assert "session closed" not in bob.read_text()
        assert "session closed" not in carol.read_text()
        assert "goes on with 1 in it" in focus.read_text()
        assert not faults(system)


def test_an_mcu_that_is_killed_takes_its_calls_along_and_the_conference_goes_on(system: System) -> None:
    with phone(system, "bob"), phone(system, "carol"):
        ann = system.invite(f"sip:bob@{DOMAIN}", user="ann")
        wait_for_text(ann, f"call bob@{DOMAIN}: done", limit=PATIENCE)
        system.kill("mcu")
        system.start("mcu")
        # The first command finds out that the MCU knows nothing any more; soon the conference has it again.
        assert call_until_done(system, "carol", conference_in(ann))
        wait_for_text(ann, f"bob@{DOMAIN} has left", limit=PATIENCE)
        wait_for_text(ann, f"carol@{DOMAIN} is on the phone", limit=PATIENCE)
        assert "over for us" not in ann.read_text()
        assert not faults(system)


def test_the_calls_of_an_mcu_that_is_killed_leave_the_roster_without_a_command(system: System) -> None:
    """Its connection ends with it. An MCU that is only silent would be missed after 45 s, and not before."""
    with phone(system, "bob"):
        ann = system.invite(f"sip:bob@{DOMAIN}", user="ann")
        wait_for_text(ann, f"call bob@{DOMAIN}: done", limit=PATIENCE)
        system.kill("mcu")
        wait_for_text(ann, f"bob@{DOMAIN} has left", limit=FocusConfig().mcu_silence - 10.0)
        assert "over for us" not in ann.read_text()
        assert not faults(system)


def test_an_mcu_factory_that_is_killed_is_missed_by_nobody_in_a_conference(tmp_path: Path) -> None:
    require("baresip")
    with contextlib.ExitStack() as stack:
        system = System(tmp_path, stack, factory_apart=True)
        for name in ("factory", "focus", "mcu"):
            system.start(name)
        with phone(system, "bob") as bob, phone(system, "carol"):
            ann = system.invite(f"sip:bob@{DOMAIN}", user="ann")
            wait_for_text(ann, f"call bob@{DOMAIN}: done", limit=PATIENCE)
            system.kill("factory")
            again = system.invite(f"sip:carol@{DOMAIN}", "--conference", conference_in(ann), user="ann")
            wait_for_text(again, f"call carol@{DOMAIN}: done", limit=PATIENCE)
            system.end(again)
            system.start("factory")
            other = system.invite(f"sip:carol@{DOMAIN}", user="dave")  # knows the MCU before it announces itself again
            wait_for_text(other, f"call carol@{DOMAIN}: done", limit=PATIENCE)
            assert "session closed" not in bob.read_text()
            assert "over for us" not in ann.read_text()
            assert not faults(system)


def test_a_whole_server_that_is_killed_loses_its_calls_and_keeps_the_conference(tmp_path: Path) -> None:
    require("baresip")
    with contextlib.ExitStack() as stack:
        system = System(tmp_path, stack)
        system.start("whole")
        with phone(system, "bob"), phone(system, "carol"):
            ann = system.invite(f"sip:bob@{DOMAIN}", user="ann")
            wait_for_text(ann, f"call bob@{DOMAIN}: done", limit=PATIENCE)
            system.kill("whole")
            time.sleep(2.0)  # its MCU, a worker, ends with it
            system.start("whole")
            assert call_until_done(system, "carol", conference_in(ann))
            assert not faults(system)
