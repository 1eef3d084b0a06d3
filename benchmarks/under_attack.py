"""What a phone in a call hears while somebody attacks the server: the largest gap between two packets of its sound.

``python benchmarks/under_attack.py`` starts ``pyc3p serve`` on loopback, calls two phones into a conference (one plays
a tone, the other is this program) and measures seconds without attack and with each attack in turn. Gaps are between
the arrivals that the kernel notes (SO_TIMESTAMPNS), so that what this program does meanwhile is not in them. Nothing
else should run on the machine; ``--rounds`` repeats everything and the table has the median and the largest gap.

``--turns`` measures on a busy machine too: the CPU time of the longest turn of the server's event loop, during which
nothing else can be done. The server has no call then.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import itertools
import multiprocessing
import os
import re
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import focus
import sip
from pyc3p.elements import parts
from pyc3p.elements.node import Node

HOST = "127.0.0.1"
SO_TIMESTAMPNS = 35  # asm-generic/socket.h
_TIMESPEC = struct.Struct("@qq")
ROOT = Path(__file__).resolve().parent.parent


def request(method: str, number: int, *lines: str, uri: str = f"sip:{HOST}", body: bytes = b"") -> bytes:
    """One request of a stranger over TCP."""
    head = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/TCP {HOST};branch=z9hG4bKattack{number}",
        "Max-Forwards: 70",
        f"From: <sip:stranger@{HOST}>;tag=s{number}",
        f"To: <{uri}>",
        f"Call-ID: attack-{number}-{os.getpid()}",
        f"CSeq: 1 {method}",
        *lines,
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def elements(number: int) -> bytes:
    """A SERVICE of one megabyte and 250,000 elements."""
    body = b'<request xmlns="urn:ietf:params:xml:ns:cccp" requestId="1" from="sip:a@b" to="sip:a@b"><getConferences>'
    body += b"<a/>" * ((1_040_000 - 200) // 4) + b"</getConferences></request>"
    factory = f"sip:stranger@{HOST};gruu;opaque=app:conf:focusfactory"
    return request("SERVICE", number, "Content-Type: application/cccp+xml", uri=factory, body=body)


ATTACKS: dict[str, Callable[[int], bytes]] = {
    "1 MB SERVICE of 250,000 elements": elements,
    "5 MB of line breaks": lambda number: b"\r\n" * 2_500_000,
    "3,000 pipelined OPTIONS": lambda number: b"".join(request("OPTIONS", 10_000 * number + n) for n in range(3_000)),
    "10,000 headers": lambda number: request("OPTIONS", number, *(f"X-{n}: y" for n in range(10_000))),
    "one header of 1 MB": lambda number: request("OPTIONS", number, "Subject: " + "x" * 1_000_000),
    "thousands of Via": lambda number: request(
        "OPTIONS", number, *("Via: " + ",".join(["SIP/2.0/TCP a;branch=z9hG4bK1"] * 500) for _ in range(4))
    ),
    "thousands of Route": lambda number: request(
        "OPTIONS", number, *("Route: " + ",".join(["<sip:a;lr>"] * 1_200) for _ in range(4))
    ),
    "thousands of commas": lambda number: request("OPTIONS", number, *("Contact: " + "," * 15_000 for _ in range(4))),
}


def attack(make: Callable[[int], bytes], port: int, seconds: float, parallel: int) -> None:
    """Send an attack again and again, on some connections at once, and read what comes back."""
    end = time.monotonic() + seconds

    def one(number: int) -> None:
        data = make(number)
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1.0) as sock:
                reader = threading.Thread(target=_drain, args=(sock,), daemon=True)
                reader.start()
                sock.sendall(data)
                time.sleep(0.05)

    threads = [threading.Thread(target=one, args=(index + 1,), daemon=True) for index in range(parallel)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + 5.0)


def _drain(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while sock.recv(1 << 16):
            pass


class Listener:
    """A phone that answers at once, sends silence once a second, and notes when sound arrives."""

    def __init__(self, server: int) -> None:
        self.arrivals: list[float] = []
        self._sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sip.bind((HOST, 0))
        self._sip.connect((HOST, server))
        self._rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._rtp.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._rtp.bind((HOST, 0))
        self._register()
        for work in (self._answer, self._listen):
            threading.Thread(target=work, daemon=True).start()

    def _register(self) -> None:
        port = self._sip.getsockname()[1]
        lines = [
            f"REGISTER sip:{HOST} SIP/2.0",
            f"Via: SIP/2.0/UDP {HOST}:{port};branch=z9hG4bKregister;rport",
            "Max-Forwards: 70",
            f"From: <sip:listener@{HOST}>;tag=l",
            f"To: <sip:listener@{HOST}>",
            "Call-ID: listener",
            "CSeq: 1 REGISTER",
            f"Contact: <sip:listener@{HOST}:{port}>",
            "Expires: 3600",
            "Content-Length: 0",
        ]
        self._sip.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        if b" 200 " not in self._sip.recv(65_536):
            raise SystemExit("the phone could not register")

    def _answer(self) -> None:
        while True:
            text = self._sip.recv(65_536).decode(errors="replace")
            method = text.split(" ", 1)[0]
            if method in ("INVITE", "BYE", "OPTIONS", "UPDATE", "CANCEL"):
                self._sip.send(self._response(text, method).encode())

    def _response(self, text: str, method: str) -> str:
        kept = [line for line in text.split("\r\n") if re.match(r"(?i)(via|from|call-id|cseq|record-route):", line)]
        to = next(line for line in text.split("\r\n") if line.lower().startswith("to:"))
        body = ""
        if method in ("INVITE", "UPDATE"):
            port = self._rtp.getsockname()[1]
            body = (
                f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
                f"m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
            )
        lines = [
            "SIP/2.0 200 OK",
            *kept,
            to if ";tag=" in to else f"{to};tag=listener",
            f"Contact: <sip:listener@{HOST}:{self._sip.getsockname()[1]}>",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def _listen(self) -> None:
        told, sequence = 0.0, 0
        while True:
            _, ancillary, _, source = self._rtp.recvmsg(2_048, 128)
            for level, kind, data in ancillary:
                if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                    seconds, nanoseconds = _TIMESPEC.unpack(data)
                    self.arrivals.append(seconds + nanoseconds / 1e9)
            if time.monotonic() - told > 1.0:
                told, sequence = time.monotonic(), sequence + 1
                self._rtp.sendto(struct.pack("!BBHII", 0x80, 0, sequence, sequence * 8_000, 7) + b"\xff" * 160, source)

    def gaps(self, seconds: float) -> list[float]:
        """Milliseconds between packets from now on."""
        begin = len(self.arrivals)
        time.sleep(seconds)
        heard = self.arrivals[begin:]
        return [1e3 * (after - before) for before, after in itertools.pairwise(heard)]


async def longest_turns(seconds: float, parallel: int) -> dict[str, float]:
    """Milliseconds of CPU of the longest turn of a server's loop, by attack."""
    port = _free_port()
    place = parts.Place(name="server", host=HOST, sip_port=port)
    store = focus.MemoryStore()
    settings = parts.CoreSettings(domain=HOST, store=store)
    cores = ("registrar", "proxy", "focus-factory", "focus")
    element, _ = parts.server(place, cores, settings, entropy=sip.SeededEntropy(b"attacked"))
    node = Node(element, remember=False)
    await node.start()
    loop, found = asyncio.get_running_loop(), dict[str, float]()
    longest, began = 0.0, time.thread_time()

    def turn() -> None:
        nonlocal longest, began
        now = time.thread_time()
        longest, began = max(longest, now - began), now
        loop.call_soon(turn)

    turn()
    for name in ("no attack", *ATTACKS):
        gc.collect()
        gc.freeze()
        longest, began = 0.0, time.thread_time()
        if name in ATTACKS:
            attackers = multiprocessing.Process(target=attack, args=(ATTACKS[name], port, seconds, parallel))
            attackers.start()
            while attackers.is_alive():
                await asyncio.sleep(0.05)
        else:
            await asyncio.sleep(seconds)
        found[name] = 1e3 * longest
    await node.stop()
    return found


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def running(*command: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program of ours, ended in the end."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "pyc3p", *command], stdout=file, stderr=file, stdin=subprocess.PIPE, cwd=ROOT
        )
        try:
            yield process
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20.0)
            process.kill()


def wait_for(what: str, holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(f"{what} did not happen")
        time.sleep(0.1)


def main() -> None:
    """Measure and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--parallel", type=int, default=2, help="connections that attack at once")
    options.add_argument("--allowed", type=float, default=20.0, help="milliseconds above the run without attack")
    options.add_argument("--turns", action="store_true", help="CPU of the longest turn of the loop instead of sound")
    asked = options.parse_args()
    if asked.turns:
        print(f"{'longest turn of the loop, ms of CPU':<36}")
        for name, longest in asyncio.run(longest_turns(asked.seconds, asked.parallel)).items():
            print(f"{name:<36}{longest:>9.1f}")
        return
    with contextlib.ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port, mcu = _free_port(), _free_port()
        ports = ("--sip-port", str(port), "--mcu-sip-port", str(mcu), "--http-port", str(_free_port()))
        more = ("--mcu-http-port", str(_free_port()), "--drain-timeout", "0", "--state", str(logs / "state"))
        serve = stack.enter_context(running("serve", *ports, *more, log=logs / "serve"))
        wait_for("serving", lambda: "stop with" in (logs / "serve").read_text() or serve.poll() is not None)
        at = f"{HOST}:{port}"
        phone = ("phone", "--as", f"sip:speaker@{HOST}", "--server", at, "--tone", "440", "--ring-time", "0")
        stack.enter_context(running(*phone, log=logs / "phone"))
        wait_for("registering", lambda: "registered" in (logs / "phone").read_text().lower())
        listener = Listener(port)
        called = ("invite", f"sip:listener@{HOST}", f"sip:speaker@{HOST}", "--server", at)
        stack.enter_context(running(*called, log=logs / "invite"))
        wait_for("the call", lambda: len(listener.arrivals) > 200)
        found: dict[str, list[float]] = {}
        for _ in range(asked.rounds):
            for name, make in ATTACKS.items():
                found.setdefault("no attack", []).append(max(listener.gaps(asked.seconds), default=1e3 * asked.seconds))
                attackers = threading.Thread(
                    target=attack, args=(make, port, asked.seconds - 0.5, asked.parallel), daemon=True
                )
                attackers.start()
                found.setdefault(name, []).append(max(listener.gaps(asked.seconds), default=1e3 * asked.seconds))
                attackers.join()
        usual = max(found["no attack"])
        print(f"{'largest gap in ms':<36}{'median':>9}{'largest':>9}")
        for name, gaps in found.items():
            over = "  too much" if max(gaps) > usual + asked.allowed else ""
            print(f"{name:<36}{statistics.median(gaps):>9.1f}{max(gaps):>9.1f}{over}")


if __name__ == "__main__":
    main()
