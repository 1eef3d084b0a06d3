"""The driver for asyncio: real ports on loopback, and a tick every 20 ms."""

from __future__ import annotations

import asyncio
import socket

from mcu import DtmfReceived, LegConnected, LegEnded
from mcu.aio import MediaDriver
from rtp import SessionDescription
from rtp.aio import MediaPortsConfig
from sip import Event
from tests.mcu.harness import World, silent


class Live:
    """A world whose SIP and C3P are carried in memory, and whose media goes over sockets."""

    def __init__(self, ports: MediaPortsConfig, **settings: object) -> None:
        self.loop = asyncio.get_running_loop()
        self.world = World(**settings)
        self.world.wire.clock.now = self.loop.time()
        self.driver = MediaDriver(self.world.mcu, on_events=self.happened, ports=ports)
        self.world.media = self.driver.handle
        self.events: list[Event] = []

    def happened(self, events: list[Event]) -> None:
        self.events += events

    def settle(self) -> None:
        self.world.wire.clock.now = self.loop.time()
        self.world.settle()
        self.driver.rearm()


async def heard(listener: socket.socket, count: int) -> list[bytes]:
    loop = asyncio.get_running_loop()
    return [await asyncio.wait_for(loop.sock_recv(listener, 2048), 5.0) for _ in range(count)]


def phone_socket() -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setblocking(False)
    opened.bind(("127.0.0.1", 0))
    return opened


def sdp(port: int) -> bytes:
    return (
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"
    ).encode()


def test_ports_are_opened_and_a_packet_leaves_every_20_ms() -> None:
    async def run() -> None:
        live = Live(MediaPortsConfig(port_range=(41000, 41999)))
        with phone_socket() as listener:
            port = listener.getsockname()[1]
            phone = live.world.phone(7, lambda phone, event: phone.answer(sdp(port)))
            live.world.start()
            live.world.dial(7)
            live.settle()
            assert len(live.driver.ports) == 1
            assert any(isinstance(event, LegConnected) for event in live.world.events)
            packets = await heard(listener, 10)
            numbers = [int.from_bytes(data[2:4], "big") for data in packets if data[1] & 0x7F == 0]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            phone.now = live.loop.time()
            phone.hang_up()
            live.settle()
            assert any(isinstance(event, LegEnded) for event in live.world.events)
            while len(live.driver.ports):
                await asyncio.sleep(0)
        live.driver.close()
        live.driver.close()

    asyncio.run(run())


def test_what_a_phone_sends_reaches_the_mcu() -> None:
    async def run() -> None:
        live = Live(MediaPortsConfig(port_range=(42000, 42999)))
        with phone_socket() as speaker:
            phone = live.world.phone(7, lambda phone, event: phone.answer(sdp(speaker.getsockname()[1])))
            live.world.start()
            live.world.dial(7)
            live.settle()
            port = SessionDescription.parse(phone.last.request.body).media[0].port
            key_five = bytes([0x80, 0x80 | 101, 0, 1, 0, 0, 0, 9, 0, 0, 0, 7, 5, 10, 0, 160])
            speaker.sendto(key_five, ("127.0.0.1", port))
            await heard(speaker, 3)
            assert [event.digit for event in live.events if isinstance(event, DtmfReceived)] == ["5"]
            with phone_socket() as other:
                # Closed in the same turn of the loop in which something has come in, before it is handed over.
                live.loop.add_reader(other, live.driver.close)
                speaker.sendto(key_five, ("127.0.0.1", port))
                speaker.sendto(b"close", other.getsockname())
                while len(live.driver.ports):
                    await asyncio.sleep(0)
                live.loop.remove_reader(other)
                await asyncio.sleep(0)
        assert live.world.mcu.legs == 1

    asyncio.run(run())


def test_a_range_that_is_used_up_fails_the_leg() -> None:
    async def run() -> None:
        with phone_socket() as holder:
            even = holder.getsockname()[1] & ~1
            live = Live(MediaPortsConfig(port_range=(even, even + 1)))
            live.world.start()
            live.world.phone(7, silent)
            live.world.dial(7)
            live.settle()
            ended = live.world.ended()
            assert ended.reason is not None
            assert "no free pair of media ports" in ended.reason
            live.driver.close()

    asyncio.run(run())
