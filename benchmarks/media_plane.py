"""How many legs one core carries over real UDP: a media plane in this process, phones in another on the other core.

Run ``python benchmarks/media_plane.py [--legs 200] [--rooms 1] [--talk all] [--seconds 5] [--single-port] [--srtp]``.
Linux only. Each leg has a port of its own here, or all have one, and each phone a socket there; each phone sends G.711
in packets of 20 ms, or, with ``--talk three``, three of each room do after a second in which all have shown themselves.
The same is measured leg by leg (``before``) and with arrays (``plane``), in turn, and what bare ``sendto`` and
``recvfrom`` of such packets cost on this machine in the same minute. It prints the share of the core, legs a core, what
a leg and tick cost as a multiple of one bare send and receive, and of what the phones got: packets a second and the gap
between two of them. A rate below 50 with a share of the core below one means that the other core could not keep up.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import random
import resource
import select
import socket
import time
from multiprocessing.connection import Connection
from typing import NamedTuple, cast

import attrs

from mcu import LegId, MixerSettings
from mcu.plane.arrivals import Arrived
from mcu.plane.line import Sent
from mcu.plane.plane import ENOUGH, MediaPlane
from rtp import (
    Capabilities,
    Crypto,
    InlineKey,
    MediaStream,
    MediaStreamConfig,
    RtpSender,
    SrtpContext,
    answer,
    negotiate,
    offer,
    ulaw_encode,
)
from rtp.aio import Arrival, MediaPortsConfig, media_ports

HOST = "127.0.0.1"
FRAME = 0.02
WARM = 1.5  #: seconds before anything is measured
WATCHED = 40  #: phones whose gaps are noted
NEVER = 1 << 30  #: legs from which on there are arrays


class Heard(NamedTuple):
    """What the phones got."""

    rate: float  #: packets a second and leg
    gap: float  #: seconds between two packets, of which 99 of 100 are shorter


SUITE = "AES_CM_128_HMAC_SHA1_80"


def key(number: int) -> Crypto:
    """Of one leg, in both directions: their sources differ."""
    return Crypto(1, SUITE, (InlineKey(number.to_bytes(30, "big")),))


def phones(pipe: Connection, talk: str, rooms: int, seconds: float, srtp: bool) -> None:
    """The other process: is told the ports of the legs and sends and counts for some seconds."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    ports: list[int] = pipe.recv()
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in ports]
    poll = select.epoll()
    index = {}
    for number, (opened, port) in enumerate(zip(sockets, ports, strict=True)):
        opened.setblocking(False)
        opened.bind((HOST, 0))
        opened.connect((HOST, port))
        poll.register(opened, select.EPOLLIN)
        index[opened.fileno()] = number
    pipe.send([opened.getsockname() for opened in sockets])
    pipe.recv()
    contexts = [SrtpContext(SUITE, *key(number).master()) if srtp else None for number in range(len(sockets))]
    pipe.send(_talk(sockets, poll, index, talk, rooms, seconds, contexts))


def _talk(
    sockets: list[socket.socket],
    poll: select.epoll,
    index: dict[int, int],
    talk: str,
    rooms: int,
    seconds: float,
    contexts: list[SrtpContext | None],
) -> Heard:
    senders = [RtpSender(ssrc=9000 + number, sequence_number=0, timestamp=0) for number in range(len(sockets))]
    payload = ulaw_encode(
        b"".join((6000 if at // 10 % 2 else -6000).to_bytes(2, "little", signed=True) for at in range(160))
    )
    begin, got, gaps = time.monotonic(), 0, []
    last: dict[int, float] = {}
    due = [begin + FRAME * number / len(sockets) for number in range(len(sockets))]
    turn = 0
    while (now := time.monotonic()) < begin + WARM + seconds:
        for _ in range(len(sockets)):  # whoever is late has to hear as well
            if due[turn] > now:
                break
            if talk == "all" or turn < 3 * rooms or now < begin + 1.0:
                sender = senders[turn]
                data, context = sender.packet(payload, 0, now=now), contexts[turn]
                sockets[turn].send(data if context is None else context.protect(data))
                sender.advance(160)
            due[turn] += FRAME
            turn = (turn + 1) % len(sockets)
        for number, _ in poll.poll(max(0.0, min(0.002, due[turn] - now))):
            data = sockets[index[number]].recv(2048)
            at = time.monotonic()
            if data[1] & 0x7F or at < begin + WARM:
                continue
            got += 1
            if index[number] < WATCHED:
                if index[number] in last:
                    gaps.append(at - last[index[number]])
                last[index[number]] = at
    gaps.sort()
    return Heard(got / seconds / len(sockets), gaps[int(len(gaps) * 0.99)] if gaps else 0.0)


def stream(number: int, address: tuple[str, int], *, srtp: bool = False) -> MediaStream:
    """A leg that agreed on mu-law with the phone at ``address``."""
    offered = offer(Capabilities(), HOST, 40_000)
    audio = negotiate(offered, answer(offered, Capabilities(), *address)).audio
    assert audio is not None
    if srtp:
        audio = attrs.evolve(audio, local_crypto=key(number), remote_crypto=key(number))
    config = MediaStreamConfig(silence_timeout=None)
    return MediaStream(
        audio,
        ssrc=1 + number,
        sequence_number=0,
        timestamp=0,
        cname="bench",
        uniform=random.Random(number).random,
        now=asyncio.get_running_loop().time(),
        config=config,
    )


async def serve(
    pipe: Connection, legs: int, rooms: int, seconds: float, enough: int, single_port: bool, srtp: bool
) -> tuple[float, Heard]:
    """Carry the legs for some seconds; the share of the core that it took."""
    loop = asyncio.get_running_loop()
    plane = MediaPlane(MixerSettings(), enough=enough)

    def arrived(batch: list[Arrival]) -> None:
        plane.receive(cast("list[Arrived]", batch), lambda leg, events, at: None)

    config = MediaPortsConfig(host=HOST, port_range=(40_000, 49_999), shared=single_port)
    ports = media_ports(arrived, config=config)
    pipe.send([ports.open(LegId(number)).rtp[1] for number in range(legs)])
    conferences = [plane.open(f"sip:{number}@example.com") for number in range(rooms)]
    for number, address in enumerate(pipe.recv()):
        ports.expect(LegId(number), rtp=address, rtcp=None)
        conferences[number % rooms].add(LegId(number), stream(number, address, srtp=srtp))
    pipe.send("go")
    due = begin = loop.time()
    spent = 0.0
    while due < begin + WARM + seconds:
        due += FRAME
        await asyncio.sleep(max(0.0, due - loop.time()))
        if not spent and due >= begin + WARM:
            spent = time.process_time()
        ports.drain()
        out: list[Sent] = []
        plane.tick(due, out)
        for line in plane.due(due):
            plane.timeout(line, due)
        ports.send(out)
    share = (time.process_time() - spent) / seconds
    ports.close_all()
    return share, pipe.recv()


def carried(
    legs: int, rooms: int, talk: str, seconds: float, enough: int, *, single_port: bool = False, srtp: bool = False
) -> tuple[float, Heard]:
    """One run."""
    here, there = multiprocessing.Pipe()
    cores = os.sched_getaffinity(0)
    other = multiprocessing.Process(target=phones, args=(there, talk, rooms, seconds, srtp))
    other.start()  # it takes the last core
    os.sched_setaffinity(0, {min(cores)})
    try:
        return asyncio.run(serve(here, legs, rooms, seconds, enough, single_port, srtp))
    finally:
        other.join()
        os.sched_setaffinity(0, cores)


def bare(count: int = 20_000) -> float:
    """CPU seconds of one ``sendto`` and one ``recvfrom`` of a packet of 172 octets."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two,
    ):
        two.bind((HOST, 0))
        address, data = two.getsockname(), bytes(172)
        begin = time.process_time()
        for _ in range(count):
            one.sendto(data, address)
            two.recvfrom(2048)
        return (time.process_time() - begin) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--legs", type=int, nargs="+", default=[200])
    parser.add_argument("--rooms", type=int, default=1)
    parser.add_argument("--talk", choices=["all", "three"], default="all")
    parser.add_argument("--seconds", type=float, default=5.0, help="that are measured, in each run")
    parser.add_argument("--only", choices=["before", "plane"], help="one of the two")
    parser.add_argument("--single-port", action="store_true", help="all legs behind one UDP port")
    parser.add_argument("--srtp", action="store_true", help="AES-CM; the phones seal, and do not open")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    print(f"{options.rooms} rooms, {options.talk} send; legs a core = legs / share of the core")
    print(f"{'legs':>5} {'what':<8}{'core':>7}{'legs a core':>13}{'of bare':>9}{'rx/s':>7}{'gap p99':>9}")
    for legs in options.legs:
        for name, enough in (("before", NEVER), ("plane", ENOUGH)):
            if options.only in (None, name):
                unit = bare()
                share, heard = carried(
                    legs,
                    options.rooms,
                    options.talk,
                    options.seconds,
                    enough,
                    single_port=options.single_port,
                    srtp=options.srtp,
                )
                of_bare = share * FRAME / legs / unit
                print(
                    f"{legs:>5} {name:<8}{share:>7.2f}{legs / share:>13,.0f}{of_bare:>9.2f}{heard.rate:>7.1f}"
                    f"{1000 * heard.gap:>6.1f} ms"
                )


if __name__ == "__main__":
    main()
