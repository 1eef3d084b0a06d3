"""A conference that goes on: a presenter has two phones called, which say a tone and look at what they get.

``python fuzz/talking.py HOST:PORT`` prints a line of JSON when both are connected, and one for each line that it reads:
how long the longest gap between two packets was since the line before, how many came, and how many were missing. It
ends the conference when its input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import sip
from pyc3p.commands.invite import Invite, InviteOptions
from pyc3p.commands.output import Output
from pyc3p.elements import parts
from pyc3p.elements.loopback import reserved_ports
from pyc3p.elements.node import Node
from pyc3p.phone import PhoneConfig, PhoneRegistered, ToneSource
from pyc3p.trace.trace import ElementTrace, Trace
from rtp.aio import MediaPortsConfig
from sip.aio import live_entropy

NAMES = ("talker-one", "talker-two")
LIMIT = 15.0  #: seconds for the conference to come up, and to end


class Quiet(Output):
    """Says nothing: standard output is for the figures."""

    def tell(self, text: str, style: str = "", **fields: object) -> None:
        pass


class Ear(ElementTrace):
    """What comes to one phone."""

    def __init__(self, name: str) -> None:
        super().__init__(Trace(readers=[]), name)
        self.sends_to: tuple[str, int] | None = None
        self.ssrc = 0
        self._own: set[tuple[str, int]] = set()
        self._last: float | None = None
        self._number: int | None = None
        self.restart()

    def restart(self) -> None:
        """Count anew."""
        self.gap, self.packets, self.missing = 0.0, 0, 0

    def add_address(self, *addresses: tuple[str, int]) -> None:
        self._own.update(addresses)

    def record(
        self,
        *,
        layer: str,
        transport: str,
        source: tuple[str, int],
        destination: tuple[str, int],
        data: bytes,
        at: float,
    ) -> None:
        if layer != "rtp":
            return
        if destination not in self._own:
            self.sends_to, self.ssrc = destination, int.from_bytes(data[8:12], "big")
            return
        number = int.from_bytes(data[2:4], "big")
        if self._last is not None and self._number is not None:
            self.gap = max(self.gap, at - self._last)
            self.missing += (number - self._number - 1) & 0xFFFF
        self._last, self._number = at, number
        self.packets += 1

    @property
    def figures(self) -> dict[str, object]:
        """Since the last restart."""
        return {
            "gap": round(self.gap, 4),
            "packets": self.packets,
            "missing": self.missing,
            "port": self.sends_to and self.sends_to[1],
            "ssrc": self.ssrc,
        }


async def phone(name: str, host: str, port: int, tone: float) -> tuple[Node, Ear]:
    """A phone that is registered."""
    with reserved_ports(1, host) as ports:
        place = parts.Place(name=name, host=host, sip_port=ports[0])
    config = PhoneConfig(
        aor=str(sip.Uri("sip", host, name)),
        contact=place.sip_uri(name),
        registrar=sip.Uri("sip", host),
        outbound_proxy=sip.Uri("sip", host, port=port),
        ring_time=0.1,
    )
    element, machine = parts.phone(place, config, entropy=live_entropy(), source=ToneSource(tone))
    ear = Ear(name)
    node = Node(element, media=MediaPortsConfig(host=host, port_range=(50_000, 50_199)), trace=ear)
    await node.start()
    machine.register(now=node.now)
    node.kick()
    await node.wait_for(lambda: bool(node.of(PhoneRegistered)), LIMIT, "the registration")
    return node, ear


async def talk(host: str, port: int) -> None:
    """Until the input ends."""
    phones = [await phone(name, host, port, tone) for name, tone in zip(NAMES, (440.0, 1030.0), strict=True)]
    ears = [ear for _, ear in phones]
    options = InviteOptions(
        targets=tuple(f"sip:{name}@{host}" for name in NAMES), server=(host, port), aor=f"sip:presenter@{host}"
    )
    invite = Invite(options, Quiet(as_json=True))
    running = asyncio.ensure_future(invite.run())
    async with asyncio.timeout(LIMIT):
        while not running.done() and not (len(invite.reached) == 2 and all(ear.packets for ear in ears)):
            await asyncio.sleep(0.05)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while True:
        print(json.dumps([ear.figures for ear in ears]), flush=True)
        for ear in ears:
            ear.restart()
        if not await lines.readline():
            break
        if running.done():
            raise SystemExit("the presenter left")
    invite.obey("end")
    async with asyncio.timeout(LIMIT):
        await running
    for node, _ in phones:
        await node.stop()


if __name__ == "__main__":
    where, _, number = sys.argv[1].rpartition(":")
    asyncio.run(talk(where, int(number)))
