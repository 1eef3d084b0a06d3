"""Calls over real UDP sockets: sipp calls our user agent server, which runs in a process of its own.

Run ``python benchmarks/sip_load.py [--rate 800] [--calls 100000] [--rest 40]``. It needs sipp and Linux. Each call is
INVITE, 180, 200, ACK, BYE, 200. It prints failed calls, the server's CPU time for a call, the share of one core that
the load took, and the server's memory before the load, at its end, and some time after it, when every transaction
has ended. Each reading of memory comes after a full garbage collection: only that empties the free lists of CPython,
whose scattered objects would keep the memory around them from going back to the system.
"""

import argparse
import asyncio
import csv
import gc
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sip import Claim, Endpoint, EndpointConfig, Event, Flow, InviteReceived, Listen, Pump, Request
from sip.aio import SipTransport, TransportSettings, live_entropy, wall_clock

HOST = "127.0.0.1"
ANSWER = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)
#: Room for every transaction for 64*T1 (32 s), at several times the highest rate that is measured.
ENDPOINT_LIMIT = 500_000


class Answerer:
    """A core that rings and answers every call at once."""

    owner = "uas"

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        endpoint.add_core(self.owner, self.claims, claim=Claim.ELEMENT, methods=("INVITE",))

    def claims(self, request: Request, flow: Flow) -> bool:
        return True

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        if isinstance(event, InviteReceived):
            self.endpoint.progress(event.session, 180, now=now)
            self.endpoint.accept(event.session, body=ANSWER, content_type="application/sdp", now=now)
        return []

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, *, now: float) -> list[Event]:
        return []

    def take_events(self) -> list[Event]:
        return []


async def serve() -> None:
    """Answer calls until standard input closes; a line on it asks for memory and CPU time."""
    listen = (Listen("UDP", HOST, 0),)
    config = EndpointConfig(listen=listen, max_transactions=ENDPOINT_LIMIT, max_sessions=ENDPOINT_LIMIT)
    endpoint = Endpoint(config, entropy=live_entropy(), wall_clock=wall_clock())
    transport = SipTransport(
        Pump(endpoint, [Answerer(endpoint)]), settings=TransportSettings(source_rate=1e9, source_burst=1e9)
    )
    await transport.start()
    print(transport.listening[0].port, flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        used = os.times()
        gc.collect()
        print(resident_kilobytes(), used.user + used.system, flush=True)
    await transport.stop()


def resident_kilobytes() -> int:
    """Memory of this process (proc(5), VmRSS)."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def measure(server: "subprocess.Popen[str]") -> tuple[int, float]:
    """Memory in kB and CPU seconds of the server."""
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write("\n")
    server.stdin.flush()
    memory, seconds = server.stdout.readline().split()
    return int(memory), float(seconds)


def call(port: int, rate: int, calls: int, folder: Path) -> tuple[int, int, float]:
    """Have sipp make the calls; give successful and failed ones, and the seconds it took."""
    statistics = folder / "sipp.csv"
    command = [
        "sipp",
        f"{HOST}:{port}",
        "-sn",
        "uac",
        "-i",
        HOST,
        "-r",
        str(rate),
        "-m",
        str(calls),
        "-d",
        "0",
        "-l",
        "100000",
    ]
    command += ["-nostdin", "-trace_stat", "-stf", str(statistics), "-fd", "1"]
    started = time.monotonic()
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    took = time.monotonic() - started
    with statistics.open() as lines:
        last = list(csv.DictReader(lines, delimiter=";"))[-1]
    return int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"]), took


def main() -> None:
    """Run one load and print its figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rate", type=int, default=800, help="calls a second")
    options.add_argument("--calls", type=int, default=100_000)
    options.add_argument(
        "--rest", type=float, default=40.0, help="seconds between the end of the load and the last reading"
    )
    options.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.serve:
        asyncio.run(serve())
        return
    command = [sys.executable, __file__, "--serve"]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server,
    ):
        assert server.stdout is not None
        port = int(server.stdout.readline())
        before, cpu_before = measure(server)
        succeeded, failed, took = call(port, chosen.rate, chosen.calls, Path(folder))
        at_end, cpu = measure(server)
        time.sleep(chosen.rest)
        after, _ = measure(server)
        server.communicate()
    spent = cpu - cpu_before
    print(f"calls            {succeeded} succeeded, {failed} failed, in {took:.1f} s: {succeeded / took:.0f} a second")
    print(f"server CPU       {spent / max(succeeded, 1) * 1e6:.0f} us a call, {spent / took:.0%} of one core")
    print(f"server memory    {before} kB before, {at_end} kB at the end, {after} kB {chosen.rest:.0f} s later")


if __name__ == "__main__":
    main()
