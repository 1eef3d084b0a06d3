"""Whether the media plane stays as it is for an hour: memory, drift and lateness while legs come and go.

Run ``python benchmarks/soak.py [--minutes 60] [--legs 60] [--rooms 6] [--stay 20] [--single-port]``. Linux only. The
legs are here, over real UDP, the phones in another process on the other core. A leg stays for some seconds (``--stay``,
on average), then it says goodbye and another one comes, to any of the rooms; a third of them have SRTP, and each pauses
now and then and presses a key. One leg stays to the end. Each line is a part of the time: legs that came so far, memory
of the process, how far the sound of the leg that stays has moved against the clock, how late ticks were and how many of
them less than 10 ms, packets that the leg that stays missed, and what is open. At the end everything has to be closed;
the exit status is 1 when it is not.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import random
import select
import socket
import time
from multiprocessing.connection import Connection
from typing import Final, NamedTuple, cast

import attrs
from media_plane import HOST, SUITE, key, stream

from mcu import LegId, MixerSettings
from mcu.plane.arrivals import Arrived
from mcu.plane.conference_audio import ConferenceAudio
from mcu.plane.line import Line, Sent
from mcu.plane.plane import MediaPlane
from rtp import RtpSender, SrtpContext, TelephoneEvent, ulaw_encode
from rtp.aio import Arrival, MediaPorts, MediaPortsConfig, SharedPort, media_ports

FRAME: Final = 0.02
LATE: Final = 0.010  #: seconds
MOST_BEHIND: Final = 5  #: frames; what is later is skipped
SOUND: Final = ulaw_encode(
    b"".join((6000 if at // 10 % 2 else -6000).to_bytes(2, "little", signed=True) for at in range(160))
)


class Stayed(NamedTuple):
    """What the phone of the leg that stays has heard."""

    drift: float  #: seconds by which its timestamps are ahead of the clock
    missed: int  #: packets


@attrs.define(eq=False)
class Phone:
    """One phone, in the other process."""

    socket: socket.socket
    sender: RtpSender
    context: SrtpContext | None
    due: float
    chance: random.Random
    pause_ends: float = 0.0
    first: tuple[float, int, int] | None = None  #: arrival, timestamp and sequence number of what it heard first
    heard: int = 0
    stayed: Stayed = Stayed(0.0, 0)

    def send(self, now: float) -> None:
        """One frame of sound, a key or nothing."""
        self.due += FRAME
        if self.chance.random() < 0.002:
            self.pause_ends = now + self.chance.random()
        if now < self.pause_ends:
            self.sender.advance(160)
            return
        pressed = self.chance.random() < 0.002
        payload, kind = (bytes(TelephoneEvent(5, True, 10, 160)), 101) if pressed else (SOUND, 0)
        data = self.sender.packet(payload, kind, now=now)
        self.sender.advance(160)
        self.socket.send(data if self.context is None else self.context.protect(data))

    def read(self) -> None:
        """What has come."""
        try:
            while True:
                data, now = self.socket.recv(2048), time.monotonic()
                if data[1] & 0x7F == 0:
                    self._note(int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:8], "big"), now)
        except OSError:  # nothing more, or the far end has closed
            return

    def _note(self, number: int, timestamp: int, now: float) -> None:
        self.heard += 1
        if self.first is None:
            self.first = now, timestamp, number
        at, begin, _ = self.first
        # The count of packets that were due says how often the 32 bits have wrapped.
        expected = round((now - at) / FRAME) * 160
        sound = expected + ((timestamp - begin - expected + (1 << 31)) % (1 << 32)) - (1 << 31)
        self.stayed = Stayed(sound / 8000 - (now - at), round((now - at) / FRAME) + 1 - self.heard)


def phones(pipe: Connection) -> None:
    """The other process: is told of phones that come and go."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    known: dict[int, Phone] = {}
    poll = select.epoll()
    by_socket: dict[int, Phone] = {}
    while True:
        while pipe.poll():
            match pipe.recv():
                case ("add", int(number), int(port), bool(srtp)):
                    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    opened.setblocking(False)
                    opened.bind((HOST, 0))
                    opened.connect((HOST, port))
                    context = SrtpContext(SUITE, *key(number).master()) if srtp else None
                    chance = random.Random(number)
                    sender = RtpSender(
                        ssrc=1_000_000 + number,
                        sequence_number=chance.getrandbits(16),
                        timestamp=chance.getrandbits(32),
                    )
                    due = time.monotonic() + chance.random() * FRAME
                    known[number] = by_socket[opened.fileno()] = Phone(opened, sender, context, due, chance)
                    poll.register(opened, select.EPOLLIN)
                    pipe.send(opened.getsockname())
                case ("remove", int(number)):
                    phone = known.pop(number)
                    poll.unregister(phone.socket)
                    del by_socket[phone.socket.fileno()]
                    phone.socket.close()
                case ("ask", int(number)):
                    pipe.send(known[number].stayed)
                case _:
                    return
        now = time.monotonic()
        for phone in known.values():
            while phone.due <= now:
                phone.send(now)
        for ready, _ in poll.poll(0.002):
            by_socket[ready].read()


class Soak:
    """The legs that are here."""

    def __init__(self, pipe: Connection, options: argparse.Namespace) -> None:
        self.pipe, self.options = pipe, options
        self.loop = asyncio.get_running_loop()
        self.chance = random.Random(1)
        self.plane = MediaPlane(MixerSettings(), level_interval=0.1)
        config = MediaPortsConfig(host=HOST, port_range=(40_000, 49_999), shared=options.single_port)
        self.ports: MediaPorts | SharedPort = media_ports(self.arrived, config=config)
        self.rooms = [self.plane.open(f"sip:{number}@example.com") for number in range(options.rooms)]
        self.legs: dict[LegId, tuple[Line, ConferenceAudio]] = {}
        self.came = 0
        self.late: list[float] = []

    def arrived(self, batch: list[Arrival]) -> None:
        self.plane.receive(cast("list[Arrived]", batch), lambda leg, events, at: None)

    def join(self) -> None:
        """One leg more."""
        self.came += 1
        leg, srtp = LegId(self.came), self.came % 3 == 0
        self.pipe.send(("add", self.came, self.ports.open(leg).rtp[1], srtp))
        address = self.pipe.recv()
        self.ports.expect(leg, rtp=address, rtcp=None)
        room = self.chance.choice(self.rooms)
        self.legs[leg] = room.add(leg, stream(self.came, address, srtp=srtp)), room

    def leave(self, leg: LegId) -> None:
        """One leg is over."""
        line, room = self.legs.pop(leg)
        room.remove(leg)
        line.held.bye(now=self.loop.time())
        self.ports.send((leg, *sent) for sent in line.held.data_to_send())
        self.ports.close(leg)
        self.pipe.send(("remove", leg))

    def change(self) -> None:
        """Now and then somebody goes, and somebody else comes; the first leg stays."""
        others = [leg for leg in self.legs if leg != 1]
        if others and self.chance.random() < FRAME * len(others) / self.options.stay:
            self.leave(self.chance.choice(others))
        if len(self.legs) < self.options.legs:
            self.join()

    async def run(self) -> bool:
        """Until the time is over; whether nothing is left open."""
        for _ in range(self.options.legs):
            self.join()
        due = begin = self.loop.time()
        end, told = begin + 60 * self.options.minutes, begin
        while due < end:
            due += FRAME
            await asyncio.sleep(max(0.0, due - self.loop.time()))
            late = self.loop.time() - due
            self.late.append(late)
            self.ports.drain()
            if late > MOST_BEHIND * FRAME:  # as an MCU does
                self.plane.skip(due)
            else:
                self.tick(due)
            self.change()
            if due - told >= self.options.tell:
                told = due
                self.tell(due - begin)
        if self.late:
            self.tell(due - begin)
        for leg in tuple(self.legs):
            self.leave(leg)
        for room in tuple(self.rooms):
            room.close()
        self.pipe.send(("end",))
        left = len(self.ports) + len(self.plane.conferences) + len(self.plane.broken)
        self.ports.close_all()
        print(f"left open: {left}")
        return not left

    def tick(self, due: float) -> None:
        out: list[Sent] = []
        self.plane.tick(due, out)
        for line in self.plane.due(due):
            _, reports = self.plane.timeout(line, due)
            out += [(line.leg, *sent) for sent in reports]
        self.ports.send(out)

    def tell(self, passed: float) -> None:
        self.pipe.send(("ask", 1))
        stayed: Stayed = self.pipe.recv()
        late, self.late = sorted(self.late), []
        soon = sum(each < LATE for each in late) / len(late)
        steady = sum(line.flow is not None for line, _ in self.legs.values())
        print(
            f"{passed:>7.0f} s{self.came:>8}{memory():>8.1f} MB{1000 * stayed.drift:>8.1f} ms"
            f"{1000 * late[len(late) // 2]:>8.2f}{1000 * late[int(len(late) * 0.999)]:>8.2f}{1000 * late[-1]:>8.2f} ms"
            f"{100 * soon:>9.3f} %{stayed.missed:>8}{len(self.ports):>7}{steady:>7}",
            flush=True,
        )


def memory() -> float:
    """Resident memory of this process in MB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--legs", type=int, default=60)
    parser.add_argument("--rooms", type=int, default=6)
    parser.add_argument("--stay", type=float, default=20.0, help="seconds that a leg stays, on average")
    parser.add_argument("--tell", type=float, default=60.0, help="seconds of one line")
    parser.add_argument("--single-port", action="store_true", help="all legs behind one UDP port")
    options = parser.parse_args()
    here, there = multiprocessing.Pipe()
    cores = os.sched_getaffinity(0)
    other = multiprocessing.Process(target=phones, args=(there,))
    other.start()
    os.sched_setaffinity(0, {min(cores)})
    print(
        f"{'time':>9}{'came':>8}{'memory':>11}{'drift':>11}{'late p50':>8}{'p99.9':>8}{'worst':>11}{'< 10 ms':>11}"
        f"{'missed':>8}{'ports':>7}{'steady':>7}"
    )

    async def soak() -> bool:
        return await Soak(here, options).run()

    try:
        return 0 if asyncio.run(soak()) else 1
    finally:
        other.join(5)
        other.kill()


if __name__ == "__main__":
    raise SystemExit(main())
