"""Plain phones that call: sipp, baresip and linphone, at the dial-in number of a conference and at rooms."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyc3p.phone import ToneSource, listen_for
from rtp import ulaw_encode
from rtp.aio import read_wav, write_wav
from tests.interop.programs import (
    HOST,
    baresip,
    baresip_command,
    free_port,
    heard_by_baresip,
    linphone,
    require,
    twinkle,
    wait_for_text,
)
from tests.pyc3p.test_serve import arguments_of, command, read_until, serve_config

SCENARIOS = Path(__file__).parent / "scenarios"
LIMIT = 30.0  #: seconds that a step may take
BARESIP_TONE, LINPHONE_TONE = 700.0, 1030.0


def tone(file: Path, frequency: float, seconds: float = 60.0) -> Path:
    source = ToneSource(frequency)
    write_wav(file, b"".join(source.next_frame() for _ in range(int(seconds * 50))))
    return file


class Told:
    """What a command prints as JSON, read while it runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.lines = process, list[dict[str, object]]()

    def until(self, seen: Callable[[dict[str, object]], bool], what: str) -> dict[str, object]:
        found = next((line for line in self.lines if seen(line)), None)
        assert self.process.stdout is not None
        while found is None:
            text = self.process.stdout.readline()
            assert text, f"{what} was not told: {self.lines[-5:]}"
            line = json.loads(text)
            self.lines.append(line)
            found = line if seen(line) else None
        return found

    def roster(self, *words: str) -> None:
        """Until the roster has said all these words in a line."""
        wanted = " ".join(words)
        self.until(lambda line: all(word in str(line.get("roster", "")) for word in words), wanted)


@contextlib.contextmanager
def conference(*options: str) -> Iterator[tuple[int, str, Told, Told]]:
    """A server, and a presenter in a conference: SIP port, what phones call, and what both of them say."""
    config = serve_config()
    with command("serve", "--json", *arguments_of(config), *options) as server:
        read_until(server, "announced")
        at = f"127.0.0.1:{config.sip_port}"
        with command("invite", "--json", "--server", at, "--for", "300") as presenter:
            told = Told(presenter)
            address = str(told.until(lambda line: "dial_in" in line, "a number")["dial_in"])
            told.until(lambda line: "joined" in str(line.get("text")), "the join")
            yield config.sip_port, address, told, Told(server)
            presenter.send_signal(signal.SIGINT)
            presenter.communicate(timeout=20)


def sipp(folder: Path, scenario: str, address: str, *options: str, name: str = "sipp") -> subprocess.Popen[bytes]:
    """sipp that calls an address from a port of its own, with a scenario of ours, or its own one that is called uac."""
    user, _, where = address.removeprefix("sip:").partition("@")
    host, _, port = where.partition(":")
    played = ["-sn", "uac"] if scenario == "uac" else ["-sf", str(SCENARIOS / f"{scenario}.xml")]
    arguments = ["sipp", *played, "-i", HOST, "-p", str(free_port()), "-t", "u1"]
    arguments += ["-m", "1", "-nostdin", "-timeout", "20", "-timeout_error", "-trace_err", "-s", user]
    arguments += ["-error_file", str(folder / f"{name}.errors"), "-key", "domain", host, *options, f"{host}:{port}"]
    log = (folder / f"{name}.log").open("wb")
    return subprocess.Popen(arguments, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)


def finished(process: subprocess.Popen[bytes], folder: Path, name: str = "sipp") -> None:
    errors = folder / f"{name}.errors"
    status = process.wait(LIMIT)
    assert status == 0, errors.read_text() if errors.exists() else f"sipp ended with {status}"


@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_sipp_calls_the_number_as_it_is_and_hangs_up(tmp_path: Path, transport: str) -> None:
    """Its own scenario knows nothing of Record-Route."""
    require("sipp")
    with conference() as (_, address, presenter, _):
        process = sipp(tmp_path, "uac", address, "-d", "1000", "-t", transport)
        presenter.roster("sipp@127.0.0.1", "audio-video connected")
        finished(process, tmp_path)
        presenter.roster("sipp@127.0.0.1", "gone")


def test_sipp_calls_the_number_and_hangs_up(tmp_path: Path) -> None:
    require("sipp")
    with conference() as (_, address, presenter, _):
        process = sipp(tmp_path, "call", address)
        presenter.roster("caller@127.0.0.1", "audio-video connected")
        finished(process, tmp_path)
        presenter.roster("caller@127.0.0.1", "gone")


def test_sipp_at_a_number_that_is_none_is_refused(tmp_path: Path) -> None:
    require("sipp")
    with conference() as (port, _, _, _):
        process = sipp(tmp_path, "call", f"sip:222222222@127.0.0.1:{port}")
        assert process.wait(LIMIT) != 0
        assert "SIP/2.0 404" in (tmp_path / "sipp.errors").read_text()


def test_baresip_and_linphone_call_the_number_and_hear_each_other(tmp_path: Path) -> None:
    require("baresip", "linphonec")
    recording = tmp_path / "heard.wav"
    with conference() as (port, address, presenter, _):
        spoken = tone(tmp_path / "baresip.wav", BARESIP_TONE)
        with baresip(tmp_path, user="granny", domain=HOST, proxy=port, spoken=spoken) as log:
            baresip_command(log, "dial", address)
            presenter.roster("granny@127.0.0.1", "audio-video connected")
            other = tone(tmp_path / "linphone.wav", LINPHONE_TONE)
            with linphone(tmp_path, spoken=other, recording=recording, calls=address):
                presenter.until(
                    lambda line: "granny" not in (said := str(line.get("roster", "granny"))) and "connected" in said,
                    "linphone in the roster",
                )
                time.sleep(4.0)
            presenter.roster("gone")
            baresip_command(log, "hangup")
            presenter.roster("granny@127.0.0.1", "gone")
        heard = heard_by_baresip(log)
    assert listen_for(read_wav(heard), LINPHONE_TONE).heard
    assert listen_for(read_wav(recording), BARESIP_TONE).heard


#: Seconds for tests that start a command of ours several times: each takes its time to begin on a busy machine.
LONG = pytest.mark.timeout(400)

# Muted and ejected ----------------------------------------------------------------------------------------------------


def done(port: int, presenter: Told, *words: str) -> None:
    """The presenter does something to the conference, by ``pyc3p conference``."""
    uri = str(presenter.until(lambda line: "conference" in line, "the conference")["conference"])
    command, *rest = words
    line = [sys.executable, "-m", "pyc3p", "conference", command, uri, *rest, "--server", f"{HOST}:{port}"]
    ended = subprocess.run([*line, "--as", f"sip:presenter@{HOST}"], capture_output=True, text=True, timeout=90)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def listened(folder: Path, address: str, presenter: Told, speaker: str) -> Path:
    """What a linphone hears in four seconds of the conference in which the speaker is."""
    folder.mkdir()
    recording = folder / "heard.wav"
    presenter.lines.clear()

    def of_the_listener(word: str) -> Callable[[dict[str, object]], bool]:
        return lambda line: speaker not in (said := str(line.get("roster", speaker))) and word in said

    with linphone(folder, spoken=tone(folder / "spoken.wav", LINPHONE_TONE), recording=recording, calls=address):
        presenter.until(of_the_listener("audio-video connected"), "the listener")
        time.sleep(4.0)
    presenter.until(of_the_listener("audio-video gone"), "the end of the listener")
    return recording


def muted_and_ejected(folder: Path, port: int, address: str, presenter: Told, speaker: str, frequency: float) -> None:
    """Somebody who speaks is heard, but for the time in which it is muted; it is ejected."""
    uri = str(presenter.until(lambda line: "conference" in line, "the conference")["conference"])

    def do(*words: str) -> None:
        presenter.lines[:] = [{"conference": uri}]
        done(port, presenter, *words)

    do("mute", speaker)
    presenter.roster(speaker, "muted")
    assert not listen_for(read_wav(listened(folder / "muted", address, presenter, speaker)), frequency).heard
    do("unmute", speaker)
    heard = read_wav(listened(folder / "unmuted", address, presenter, speaker))
    assert listen_for(heard, frequency).heard
    do("eject", speaker)
    presenter.roster(speaker, "gone")


@LONG
def test_sipp_is_heard_muted_and_ejected(tmp_path: Path) -> None:
    require("sipp", "linphonec")
    source = ToneSource(BARESIP_TONE)
    samples = b"".join(source.next_frame() for _ in range(50))
    (tmp_path / "speech.ulaw").write_bytes(ulaw_encode(samples))
    with conference() as (port, address, presenter, _):
        process = sipp(tmp_path, "speaks", address, "-timeout", "60")
        presenter.roster("caller@127.0.0.1", "audio-video connected")
        muted_and_ejected(tmp_path, port, address, presenter, "caller@127.0.0.1", BARESIP_TONE)
        finished(process, tmp_path)


@LONG
def test_baresip_is_heard_muted_and_ejected(tmp_path: Path) -> None:
    require("baresip", "linphonec")
    spoken = tone(tmp_path / "baresip.wav", BARESIP_TONE, 300.0)  # at its end baresip hangs up
    with conference() as (port, address, presenter, _):  # noqa: SIM117
        with baresip(tmp_path, user="granny", domain=HOST, proxy=port, spoken=spoken) as log:
            baresip_command(log, "dial", address)
            presenter.roster("granny@127.0.0.1", "audio-video connected")
            muted_and_ejected(tmp_path, port, address, presenter, "granny@127.0.0.1", BARESIP_TONE)
            wait_for_text(log, "session closed")


@LONG
@pytest.mark.parametrize("whose", ["its own", "the presenter's"])
def test_baresip_holds_and_is_held(tmp_path: Path, whose: str) -> None:
    """What it hears on hold cannot be told: it decodes nothing then (``tests/mcu/test_hold.py`` has the music)."""
    require("baresip")
    spoken = tone(tmp_path / "baresip.wav", BARESIP_TONE, 300.0)
    with conference() as (port, address, presenter, _):  # noqa: SIM117
        with baresip(tmp_path, user="granny", domain=HOST, proxy=port, spoken=spoken) as log:
            baresip_command(log, "dial", address)
            presenter.roster("granny@127.0.0.1", "audio-video connected")
            uri = str(presenter.until(lambda line: "conference" in line, "the conference")["conference"])

            def seen(status: str, do: Callable[[], None]) -> None:
                presenter.lines[:] = [{"conference": uri}]
                do()
                presenter.roster("granny@127.0.0.1", status)

            if whose == "its own":
                seen("on-hold", lambda: baresip_command(log, "hold"))
                seen("connected", lambda: baresip_command(log, "resume"))
            else:
                seen("on-hold", lambda: done(port, presenter, "hold", "granny@127.0.0.1"))
                seen("connected", lambda: done(port, presenter, "resume", "granny@127.0.0.1"))
            baresip_command(log, "hangup")
            presenter.roster("granny@127.0.0.1", "gone")


@LONG
def test_linphone_is_muted_and_ejected(tmp_path: Path) -> None:
    require("linphonec")
    spoken, recording = tone(tmp_path / "linphone.wav", LINPHONE_TONE), tmp_path / "heard.wav"
    with conference() as (port, address, presenter, _):  # noqa: SIM117
        with linphone(tmp_path, spoken=spoken, recording=recording, calls=address):
            entry = presenter.until(
                lambda line: "audio-video connected" in str(line.get("roster")), "linphone in the roster"
            )
            name = str(entry["roster"]).split()[0].rstrip(":")
            for command, seen in (("mute", "muted"), ("eject", "gone")):
                done(port, presenter, command, name)
                presenter.roster(name, seen)
            wait_for_text(tmp_path / "linphone" / "linphone.log", "ended (No error)")


@LONG
def test_twinkle_calls_the_number_holds_is_muted_and_hangs_up(tmp_path: Path) -> None:
    require("twinkle-console")
    with conference() as (port, address, presenter, _), twinkle(tmp_path, user="granny") as (do, log):
        uri = str(presenter.until(lambda line: "conference" in line, "the conference")["conference"])
        do(f"call {address}")
        presenter.roster("granny@127.0.0.1", "audio-video connected")
        do("hold")
        presenter.roster("granny@127.0.0.1", "on-hold")
        presenter.lines[:] = [{"conference": uri}]
        do("retrieve")
        presenter.roster("granny@127.0.0.1", "audio-video connected")
        done(port, presenter, "mute", "granny@127.0.0.1")
        presenter.roster("granny@127.0.0.1", "muted")
        do("bye")
        wait_for_text(log, "call ended")
        presenter.roster("granny@127.0.0.1", "gone")


@contextlib.contextmanager
def rooms() -> Iterator[tuple[str, Told]]:
    """An MCU by itself whose callers make rooms; a room, and what it says."""
    config = serve_config()
    options = [f"--mcu-sip-port={config.mcu_sip_port}", f"--mcu-http-port={config.mcu_http_port}"]
    with command("serve", "mcu", "--open-rooms", "--json", "--media-ports=28200-28399", *options) as server:
        told = Told(server)
        told.until(lambda line: "ready" in line, "readiness")
        yield f"sip:standup@127.0.0.1:{config.mcu_sip_port}", told


def test_an_mcu_alone_makes_a_room_for_sipp_again_and_again(tmp_path: Path) -> None:
    require("sipp")
    with rooms() as (room, told):
        for name in ("one", "two"):
            process = sipp(tmp_path, "call", room, name=name)
            told.until(lambda line: line.get("event") == "LegEnded", "the end")
            finished(process, tmp_path, name)
            told.lines.clear()


def test_baresip_and_sipp_meet_in_a_room(tmp_path: Path) -> None:
    require("baresip", "sipp")
    with rooms() as (room, told):
        spoken = tone(tmp_path / "baresip.wav", BARESIP_TONE)
        port = int(room.rpartition(":")[2])
        with baresip(tmp_path, user="granny", domain=HOST, proxy=port, spoken=spoken, registers=False) as log:
            baresip_command(log, "dial", room)
            told.until(lambda line: "granny" in str(line) and "connected" in str(line), "baresip in the room")
            process = sipp(tmp_path, "call", room)
            told.until(lambda line: "caller@" in str(line) and "connected" in str(line), "sipp in the room")
            finished(process, tmp_path)
            baresip_command(log, "hangup")
