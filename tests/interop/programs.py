"""Real programs on loopback: Kamailio, baresip, sipp and tshark, each with a small configuration of its own.

On CI a missing program fails the test; elsewhere the test is skipped with the line that installs it.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

DEBIAN_PACKAGE = {
    "sipp": "sip-tester",
    "baresip": "baresip",
    "kamailio": "kamailio",
    "tshark": "tshark",
    "linphonec": "linphone-cli",
    "twinkle-console": "twinkle-console",
    "redis-server": "redis-server",
    "openssl": "openssl",
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
}
MODULES = {
    "kamailio": ("/usr/lib/x86_64-linux-gnu/kamailio/modules", "/usr/lib/aarch64-linux-gnu/kamailio/modules"),
    "baresip": ("/usr/lib/baresip/modules",),
}
HOST = "127.0.0.1"
START_LIMIT = 60.0  #: seconds that a program may take to listen, on a machine that is busy, too


def require(*programs: str) -> None:
    """Skip, or on CI fail, unless every program is installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    if not missing:
        return
    packages = " ".join(DEBIAN_PACKAGE[program] for program in missing)
    reason = f"{', '.join(missing)} not installed: apt-get install --no-install-recommends {packages}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


#: Below the ports that systems give out: until a program has started, nobody gets its port by chance.
PORTS = range(20_000, 29_900)


def free_port() -> int:
    """A port that nobody uses for UDP and for TCP."""
    while True:
        port = random.choice(PORTS)
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram,
        ):
            stream.bind((HOST, port))
            datagram.bind((HOST, port))
            return port


def module_path(program: str) -> str:
    return next((path for path in MODULES[program] if Path(path).is_dir()), MODULES[program][0])


@contextlib.contextmanager
def running(
    command: list[str], log: Path, *, cwd: Path, grace: float = 5.0, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a process group of its own, ended by its id when the block is left."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for_text(log: Path, text: str, *, limit: float = START_LIMIT) -> None:
    """Until the program has written `text` to its log."""
    end = time.monotonic() + limit
    while text not in (written := log.read_text(errors="replace") if log.exists() else ""):
        if time.monotonic() > end:
            raise AssertionError(f"{text!r} not in {log.name} after {limit} s:\n{written[-3000:]}")
        time.sleep(0.05)


#: One process reads the datagrams: of two, one may forward a BYE before the other has forwarded the ACK, and sipp plays
#: its scenario in order.
KAMAILIO = """\
debug=1
log_stderror=yes
children=1
tcp_children=2
auto_aliases=no
alias="{domain}"
listen=udp:{host}:{port}
listen=tcp:{host}:{port}
mpath="{modules}/"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
{auth_module}
modparam("usrloc", "db_mode", 0)
modparam("rr", "enable_double_rr", 1)
request_route {{
    if (!mf_process_maxfwd_header("70")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
        sl_send_reply("404", "Not Found"); exit;
    }}
    t_check_trans();
    {auth_check}
    if (is_method("REGISTER")) {{ save("location"); exit; }}
    if (is_method("OPTIONS") && uri==myself && $rU==$null) {{ sl_send_reply("200", "OK"); exit; }}
    remove_hf("Route");
    if (is_method("INVITE|SUBSCRIBE")) {{ record_route(); }}
    if (uri==myself) {{
        if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
    }}
    t_relay();
}}
"""


#: Who registers or begins something is asked for a password; any user name will do.
KAMAILIO_AUTH = """
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("{domain}", "{password}", "0")) {{ www_challenge("{domain}", "1"); exit; }}
    }} else if (!is_method("OPTIONS|ACK")) {{
        if (!pv_proxy_authenticate("{domain}", "{password}", "0")) {{ proxy_challenge("{domain}", "1"); exit; }}
        consume_credentials();
    }}
"""


@contextlib.contextmanager
def kamailio(folder: Path, *, domain: str = "example.com", password: str | None = None) -> Iterator[int]:
    """Registrar and record-routing proxy for `domain`; gives its port, for UDP and TCP.

    With a `password` it asks everybody for it, in the realm that is called like the domain.
    """
    port = free_port()
    config = folder / "kamailio.cfg"
    asks = password is not None
    config.write_text(
        KAMAILIO.format(
            domain=domain,
            host=HOST,
            port=port,
            modules=module_path("kamailio"),
            auth_module='loadmodule "auth.so"' if asks else "",
            auth_check=KAMAILIO_AUTH.format(domain=domain, password=password) if asks else "",
        )
    )
    log = folder / "kamailio.log"
    run = folder / "kamailio-run"
    run.mkdir(exist_ok=True)
    command = ["kamailio", "-f", str(config), "-DD", "-E", "-m", "32", "-M", "4", "-w", str(run), "-Y", str(run)]
    with running(command, log, cwd=folder):
        answers_options(port)
        yield port


def answers_options(port: int, *, limit: float = START_LIMIT) -> None:
    """Until a SIP element answers OPTIONS over UDP."""
    end = time.monotonic() + limit
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        probe.settimeout(0.2)
        local = probe.getsockname()[1]
        for attempt in range(1000):
            request = (
                f"OPTIONS sip:{HOST}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {HOST}:{local};branch=z9hG4bKprobe{attempt}\r\n"
                f"From: <sip:probe@{HOST}>;tag=probe\r\nTo: <sip:{HOST}:{port}>\r\nCall-ID: probe{attempt}@{HOST}\r\n"
                "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
            )
            with contextlib.suppress(OSError):
                probe.sendto(request.encode(), (HOST, port))
                if probe.recv(4096).startswith(b"SIP/2.0 "):
                    return
            if time.monotonic() > end:
                raise AssertionError(f"nothing answers OPTIONS on UDP port {port} after {limit} s")


BARESIP = """\
sip_listen {host}:{port}
audio_source aufile,{spoken}
audio_alert aufile,{folder}/alert.wav
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_ports {rtp_from}-{rtp_to}
rtp_stats yes
net_interface {host}
snd_path {folder}
module_path {modules}
module g711.so
module aufile.so
module sndfile.so
module srtp.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {host}:{control}
"""


@contextlib.contextmanager
def baresip(
    folder: Path,
    *,
    user: str,
    domain: str,
    proxy: int,
    spoken: Path,
    transport: str = "udp",
    account_more: str = "",
    more: str = "",
    registers: bool = True,
    told: str = "200 OK",
) -> Iterator[Path]:
    """A phone that registers through `proxy`, answers by itself and speaks a WAV file; gives its log.

    `account_more` are parameters of its account, `more` lines of its configuration. `told` is what the registrar says.
    """
    place = folder / f"baresip-{user}"
    place.mkdir()
    port, control, rtp_from = free_port(), free_port(), free_port() & ~1
    config = BARESIP.format(
        host=HOST,
        port=port,
        control=control,
        spoken=spoken,
        folder=place,
        rtp_from=rtp_from,
        rtp_to=rtp_from + 20,
        modules=module_path("baresip"),
    )
    (place / "config").write_text(config + more)
    outbound = f"sip:{HOST}:{proxy};transport={transport}"
    interval = 60 if registers else 0
    account = f'<sip:{user}@{domain};transport={transport}>;outbound="{outbound}";regint={interval};answermode=auto'
    account += f";audio_codecs=PCMU,PCMA{account_more}"
    (place / "accounts").write_text(account + "\n")
    (place / "contacts").touch()
    log = place / "baresip.log"
    with running(["baresip", "-f", str(place), "-v"], log, cwd=place):
        wait_for_text(log, told if registers else "baresip is ready")
        yield log


def baresip_command(log: Path, command: str, params: str = "") -> None:
    """Have the phone with this log do something, as its menu would (ctrl_tcp, one netstring of JSON)."""
    config = (log.parent / "config").read_text()
    (line,) = [line for line in config.splitlines() if line.startswith("ctrl_tcp_listen")]
    host, _, port = line.split()[1].rpartition(":")
    text = json.dumps({"command": command, "params": params}).encode()
    with socket.create_connection((host, int(port)), timeout=START_LIMIT) as control:
        control.sendall(b"%d:%s," % (len(text), text))
        control.recv(4096)


def heard_by_baresip(log: Path) -> Path:
    """The recording of what the phone with this log decoded in its one call; complete once the phone has ended."""
    (recording,) = log.parent.glob("dump-*-dec.wav")
    return recording


LINPHONE = """\
[sip]
sip_port={port}
sip_tcp_port=0
sip_tls_port=0
media_encryption={encryption}
media_encryption_mandatory={mandatory:d}
default_proxy=0
[rtp]
audio_rtp_port={rtp}
[net]
firewall_policy=0
"""


@contextlib.contextmanager
def linphone(
    folder: Path,
    *,
    spoken: Path,
    recording: Path,
    encryption: str = "none",
    mandatory: bool = False,
    calls: str | None = None,
) -> Iterator[str]:
    """A phone that answers by itself, speaks a WAV file and records what it hears; gives its address.

    With ``calls`` it calls that address at once.
    """
    place = folder / "linphone"
    (place / ".local/share/linphone").mkdir(parents=True)  # without it linphone does not even open its ports
    port, rtp = free_port(), free_port() & ~1
    (place / "rc").write_text(LINPHONE.format(port=port, rtp=rtp, encryption=encryption, mandatory=mandatory))
    log = place / "linphone.log"
    command = ["linphonec", "-c", str(place / "rc"), "-a"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=place,
            env={**os.environ, "HOME": str(place)},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    assert process.stdin is not None
    try:
        wait_for_text(log, "linphonec>")
        for line in ("soundcard use files", f"play {spoken}", f"record {recording}"):
            process.stdin.write(f"{line}\n".encode())
            process.stdin.flush()
        answers_options(port)
        if calls is not None:
            process.stdin.write(f"call {calls}\n".encode())
            process.stdin.flush()
        yield f"sip:bob@{HOST}:{port}"
    finally:
        with contextlib.suppress(OSError):
            process.stdin.write(b"quit\n")
            process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


#: Files of twinkle, in ``.twinkle`` of its home. ALSA has a device that is none, so no sound card is needed.
TWINKLE = {
    "../.asoundrc": "pcm.!default { type null }\nctl.!default { type null }\n",
    "phone.cfg": "user_name={user}\nuser_domain={host}\ncodecs=g711u,g711a\nregister_at_startup=no\n",
    "twinkle.sys": "dev_ringtone=alsa:default\ndev_speaker=alsa:default\ndev_mic=alsa:default\n"
    "validate_audio_dev=no\nsip_port={port}\nsip_udp_port={port}\nrtp_port={rtp}\nplay_ringback=no\n"
    "start_user_profile=phone\nstart_user_host={host}\n",
}


@contextlib.contextmanager
def twinkle(folder: Path, *, user: str) -> Iterator[tuple[Callable[[str], None], Path]]:
    """A phone without sound, without an account: what takes its commands (``call``, ``hold``, ``bye``), and its log."""
    home = folder / "twinkle"
    (home / ".twinkle").mkdir(parents=True)
    port, rtp = free_port(), free_port() & ~1
    for name, text in TWINKLE.items():
        written = text if name.startswith("..") else text.format(user=user, host=HOST, port=port, rtp=rtp)
        (home / ".twinkle" / name).write_text(written)
    log = home / "twinkle.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["twinkle-console", "phone.cfg"],
            cwd=home,
            env={**os.environ, "HOME": str(home)},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    assert process.stdin is not None
    stdin = process.stdin

    def do(line: str) -> None:
        stdin.write(f"{line}\n".encode())
        stdin.flush()

    try:
        answers_options(port)
        yield do, log
    finally:
        with contextlib.suppress(OSError):
            do("quit")
            stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def tshark_capture(folder: Path, ports: str, name: str = "capture.pcap") -> Iterator[Path]:
    """What goes over loopback on `ports` (a capture filter) while the block runs."""
    capture, log = folder / name, folder / f"{name}.log"
    command = ["tshark", "-i", "lo", "-f", ports, "-w", str(capture), "-F", "pcap"]
    with running(command, log, cwd=folder):
        wait_for_text(log, "Capturing on")
        time.sleep(0.5)
        yield capture
        time.sleep(0.5)


def tshark_read(capture: Path, *arguments: str) -> str:
    """What tshark says of a capture."""
    done = subprocess.run(
        ["tshark", "-r", str(capture), *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def malformed(capture: Path, *arguments: str) -> str:
    """One line for each packet that tshark cannot dissect."""
    return tshark_read(capture, *arguments, "-Y", "_ws.malformed || _ws.short")


def rtp_streams(capture: Path, *arguments: str) -> list[tuple[int, int]]:
    """Packets and lost packets of each RTP stream in a capture."""
    table = tshark_read(capture, *arguments, "-o", "rtp.heuristic_rtp:TRUE", "-q", "-z", "rtp,streams")
    rows = [line.split() for line in table.splitlines() if "0x" in line]
    return [(int(row[row_start(row) + 1]), int(row[row_start(row) + 2])) for row in rows]


def row_start(row: list[str]) -> int:
    """Where the payload name ends: packets, lost and percentage follow it."""
    return next(index for index, cell in enumerate(row) if cell.startswith("(")) - 3
