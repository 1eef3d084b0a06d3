"""Whole conferences over real sockets: clients and phones in this process, ``pyc3p serve`` in one of its own.

Run ``python benchmarks/conference_load.py [--conferences 60] [--lanes 4] [--talk 1]``. Linux only. In each lane one
conference follows the other: a presenter creates it, presenter and watcher join and subscribe, the presenter calls
three phones, of which one answers and stays, one answers and is ejected or hangs up, and one answers, is busy,
declines or lets it ring; they talk; the presenter ends it. It prints conferences and calls a second, the server's CPU
time and memory, and the RTP packets that phones missed; it fails when anything ended in another way than it should.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import attrs

import c3p
import focus
import sip
from pyc3p.element import Element
from pyc3p.elements import Place, parts
from pyc3p.elements.loopback import reserved_ports
from pyc3p.elements.node import Node
from pyc3p.phone import Phone, PhoneConfig, PhoneRegistered, PhoneReleased, Reaction, ToneSource
from rtp.aio import MediaPortsConfig
from sip import Event
from sip.aio import live_entropy, wall_clock

HOST = "127.0.0.1"
STEP = 20.0  #: seconds that any step may take on a busy machine
RINGING = 0.2  #: seconds until a phone is answered
MEDIA_PORTS = 50_000  #: of the phones; each gets the next ten

E = TypeVar("E", bound=Event)


class Deaf:
    """A sink that keeps nothing, so that this process does not grow."""

    def write(self, frame: bytes) -> None:
        """Forget it."""


class Party:
    """A client or a phone: a node, and what it has told since somebody looked."""

    def __init__(self, name: str, element: Element, media: MediaPortsConfig | None = None) -> None:
        self.name = name
        self.node = Node(element, media=media, on_event=self._told)
        self._events: list[Event] = []
        self._news = asyncio.Event()

    def _told(self, event: Event) -> None:
        self._events.append(event)
        self._news.set()

    def forget(self) -> None:
        """Begin a new story."""
        self._events.clear()
        self.node.events.clear()

    async def told(self, *kinds: type[E], where: Callable[[E], bool] = lambda event: True) -> E:
        """Wait for an event of one of the kinds that is as wanted."""
        async with asyncio.timeout(STEP):
            while True:
                for event in self._events:
                    if isinstance(event, kinds) and where(event):
                        return event
                self._news.clear()
                await self._news.wait()


class Lane:
    """Two clients and three phones that have one conference after the other."""

    def __init__(self, number: int, server: tuple[str, int], ports: list[int], talk: float) -> None:
        self._talk = talk
        self.calls = self.lost = self.received = 0
        self.failures: list[str] = []
        self.clients: list[tuple[Party, focus.Client]] = []
        self.phones: list[tuple[Party, Phone, str]] = []
        for each in range(2):
            self._add_client(f"client-{number}-{each}", server)
        for each in range(3):
            self._add_phone(f"phone-{number}-{each}", server, ports[each], MEDIA_PORTS + (number * 3 + each) * 10)

    def _add_client(self, name: str, server: tuple[str, int]) -> None:
        config = focus.ClientConfig(
            aor=f"sip:{name}@{server[0]}",
            outbound_proxy=sip.Uri("sip", server[0], port=server[1], params={"transport": "tcp", "lr": None}),
        )
        place = Place(name=name, host=HOST, transports=("TCP", "UDP"), wall_clock=wall_clock())
        element, client = parts.client(place, config, entropy=live_entropy())
        self.clients.append((Party(name, element), client))

    def _add_phone(self, name: str, server: tuple[str, int], port: int, media: int) -> None:
        place = Place(name=name, host=HOST, sip_port=port, wall_clock=wall_clock())
        aor = f"sip:{name}@{server[0]}"
        config = PhoneConfig(
            aor=aor,
            contact=place.sip_uri(name),
            registrar=sip.Uri("sip", server[0]),
            outbound_proxy=sip.Uri("sip", server[0], port=server[1]),
            ring_time=RINGING,
        )
        element, phone = parts.phone(place, config, entropy=live_entropy(), source=ToneSource(440.0))
        phone.recorder = Deaf()
        self.phones.append((Party(name, element, MediaPortsConfig(port_range=(media, media + 9))), phone, aor))

    async def start(self) -> None:
        """Open everything, and register the phones."""
        for party, _ in self.clients:
            await party.node.start()
        for party, phone, _ in self.phones:
            await party.node.start()
            phone.register(now=party.node.now)
            party.node.kick()
            await party.told(PhoneRegistered)

    async def stop(self) -> None:
        """Close everything."""
        for party in [*(each[0] for each in self.clients), *(each[0] for each in self.phones)]:
            await party.node.stop()

    async def run(self, rounds: int) -> None:
        """Have conferences."""
        for number in range(rounds):
            for party in [*(each[0] for each in self.clients), *(each[0] for each in self.phones)]:
                party.forget()
            try:
                await self._conference(number)
            except TimeoutError:
                self.failures.append("a step took too long")
                return

    async def _conference(self, number: int) -> None:
        presenter, client = self.clients[0]
        client.create_conference(now=presenter.node.now)
        presenter.node.kick()
        created = await presenter.told(focus.ConferenceCreated, focus.CommandFailed)
        if not isinstance(created, focus.ConferenceCreated):
            self.failures.append(f"no conference: {created}")
            return
        for party, each in self.clients:
            each.join(created.conference_uri, now=party.node.now)
            party.node.kick()
            await party.told(focus.Joined)
            each.subscribe(now=party.node.now)
            party.node.kick()
        reaction = (Reaction.ANSWER, Reaction.BUSY, Reaction.DECLINE, Reaction.IGNORE)[number % 4]
        self.phones[2][1].reaction = reaction
        commands = [client.add_user(aor, now=presenter.node.now) for _, _, aor in self.phones]
        presenter.node.kick()
        expected = (True, True, reaction is Reaction.ANSWER)
        for command, reached in zip(commands[: 2 if reaction is Reaction.IGNORE else 3], expected, strict=False):
            self._check(await self._outcome(command), reached)
        await asyncio.sleep(self._talk)
        await self._less(number)
        await self._over(c3p.conf_id_of(created.conference_uri) or "")

    async def _outcome(self, command: focus.CommandId) -> Event:
        def wanted(event: Event) -> bool:
            return isinstance(event, focus.CommandSucceeded | focus.CommandFailed) and event.command == command

        return await self.clients[0][0].told(Event, where=wanted)

    def _check(self, outcome: Event, reached: bool) -> None:
        self.calls += 1
        if isinstance(outcome, focus.CommandSucceeded) is not reached:
            self.failures.append(str(outcome))

    async def _less(self, number: int) -> None:
        """The second phone goes: by itself, or ejected."""
        self._count_packets()
        party, phone, aor = self.phones[1]
        if number % 2:
            phone.hang_up(now=party.node.now)
            party.node.kick()
        else:
            presenter, client = self.clients[0]
            command = client.delete_user(aor, now=presenter.node.now)
            presenter.node.kick()
            if not isinstance(await self._outcome(command), focus.CommandSucceeded):
                self.failures.append("an ejection failed")
        await party.told(PhoneReleased)

    def _count_packets(self) -> None:
        for _, phone, _ in self.phones:
            counters = phone.counters
            if counters is not None:
                self.lost += counters.lost
                self.received += counters.received

    async def _over(self, conference_id: str) -> None:
        presenter, client = self.clients[0]
        client.end_conference(now=presenter.node.now)
        presenter.node.kick()
        for party, _ in self.clients:
            await party.told(focus.Left)
        for party, _, _ in self.phones:
            await party.told(PhoneReleased)
        record = client.delete_record(conference_id, now=presenter.node.now)
        presenter.node.kick()
        if not isinstance(await self._outcome(record), focus.CommandSucceeded):
            self.failures.append("a record could not be deleted")


@attrs.frozen
class Usage:
    """What a process has used so far."""

    seconds: float  #: of CPU
    resident: int  #: kB
    descriptors: int


def usage(pid: int) -> Usage:
    """Of a running process (proc(5))."""
    process = Path(f"/proc/{pid}")
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    resident = next(line for line in (process / "status").read_text().splitlines() if line.startswith("VmRSS"))
    return Usage(seconds, int(resident.split()[1]), len(list((process / "fd").iterdir())))


def serve(ports: list[int], output: Path) -> subprocess.Popen[bytes]:
    """The server, with its output in a file."""
    names = ("--sip-port", "--mcu-sip-port", "--http-port", "--mcu-http-port")
    options = [text for name, port in zip(names, ports, strict=True) for text in (name, str(port))]
    options += ["--state", str(output.with_suffix(".sqlite"))]  # as servers run, on the disk where the output is
    with output.open("wb") as file:
        return subprocess.Popen([sys.executable, "-m", "pyc3p", "serve", *options], stdout=file, stderr=file)


async def drive(server: tuple[str, int], ports: list[int], rounds: int, talk: float) -> list[Lane]:
    """All lanes at once; each has three phones at three of the ports."""
    made = [Lane(each, server, ports[each * 3 : each * 3 + 3], talk) for each in range(len(ports) // 3)]
    for lane in made:
        await lane.start()
    await asyncio.gather(*(lane.run(rounds) for lane in made))
    for lane in made:
        await lane.stop()
    return made


def report(lanes: list[Lane], conferences: int, took: float, readings: list[Usage]) -> None:
    """The table."""
    calls, lost = sum(lane.calls for lane in lanes), sum(lane.lost for lane in lanes)
    received = sum(lane.received for lane in lanes)
    first, middle, last, rested = readings
    spent = last.seconds - first.seconds
    print(f"conferences    {conferences} in {took:.1f} s: {conferences / took:.2f} a second")
    print(f"calls          {calls}: {calls / took:.2f} a second")
    print(f"server CPU     {spent / conferences * 1e3:.0f} ms a conference, {spent / took:.0%} of one core")
    memory = f"{first.resident} kB before, {middle.resident} half way, {last.resident} at the end"
    print(f"server memory  {memory}, {rested.resident} after a rest")
    print(
        f"descriptors    {first.descriptors} before, {last.descriptors} at the end, {rested.descriptors} after a rest"
    )
    print(f"RTP            {received} packets at the phones, {lost} lost")


def main() -> int:
    """Run one load, print its figures; 1 when something ended in another way than it should."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--conferences", type=int, default=60)
    options.add_argument("--lanes", type=int, default=4, help="conferences at once")
    options.add_argument("--talk", type=float, default=1.0, help="seconds")
    options.add_argument("--rest", type=float, default=40.0, help="seconds from the end of the load to the last look")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "serve.txt"
        with reserved_ports(4 + 3 * chosen.lanes) as ports:
            pass
        server = serve(ports[:4], output)
        try:
            while "Phones register" not in output.read_text():
                time.sleep(0.05)
            rounds = max(chosen.conferences // chosen.lanes // 2, 1)
            readings, lanes, started = [usage(server.pid)], list[Lane](), time.monotonic()
            for _ in range(2):
                lanes += asyncio.run(drive((HOST, ports[0]), ports[4:], rounds, chosen.talk))
                readings.append(usage(server.pid))
            took = time.monotonic() - started
            time.sleep(chosen.rest)
            readings.append(usage(server.pid))
        finally:
            server.terminate()
            code = server.wait()
        report(lanes, 2 * rounds * chosen.lanes, took, readings)
        failures = [text for lane in lanes for text in lane.failures]
        failures += [line for line in output.read_text().splitlines() if "Traceback" in line or "Error" in line]
        if code:
            failures.append(f"the server ended with {code}")
    for text in failures:
        print(f"FAILED: {text}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
