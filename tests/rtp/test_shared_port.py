"""One pair of ports for all legs, on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest

from rtp.aio import Arrival, MediaPortsConfig, SharedPort, many_messages
from rtp.aio.many_messages import LONGEST, MOST, Messages, OneByOne, messages
from tests.rtp.test_aio import Records

HOST = "127.0.0.1"


class Bench:
    """A shared port, and what came."""

    def __init__(self, *, first: int, host: str = HOST, traced: bool = False) -> None:
        self.arrivals: list[Arrival] = []
        self.changed = asyncio.Event()
        self.records = Records()
        config = MediaPortsConfig(host=host, port_range=(first, first + 9))
        self.port = SharedPort(self.take, config=config, trace=self.records if traced else None)

    def take(self, batch: list[Arrival]) -> None:
        self.arrivals += batch
        self.changed.set()

    async def until(self, count: int) -> list[Arrival]:
        while len(self.arrivals) < count:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 5)
        return self.arrivals


@contextmanager
def peer(host: str = HOST) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as opened:
        opened.settimeout(5)
        opened.bind((host, 0))
        yield opened


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await scenario()

    asyncio.run(main())


@pytest.mark.parametrize("one_by_one", [False, True])
@pytest.mark.parametrize("host", [HOST, "::1"])
def test_the_source_says_which_leg_it_is(host: str, one_by_one: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if one_by_one:
        monkeypatch.setattr("rtp.aio.shared_port.messages", OneByOne)

    async def scenario() -> None:
        bench = Bench(first=43_200, host=host, traced=True)
        with peer(host) as alice, peer(host) as bob, peer(host) as stranger:
            ports = bench.port.open("a")
            assert bench.port.open("b") == ports
            assert len(bench.port) == 2
            alice_at, bob_at = alice.getsockname()[:2], bob.getsockname()[:2]
            bench.port.expect("a", rtp=alice_at, rtcp=None)
            bench.port.expect("b", rtp=bob_at, rtcp=alice_at)
            for sender, data, to in (
                (alice, b"from a", ports.rtp),
                (stranger, b"from nobody", ports.rtp),
                (stranger, b"from nobody", ports.rtcp),
                (bob, b"from b", ports.rtp),
                (alice, b"report", ports.rtcp),
                (alice, bytes(LONGEST + 1), ports.rtp),
            ):
                sender.sendto(data, to)
            got = sorted(each[:4] for each in await bench.until(3))
            assert got == [
                ("a", "rtp", b"from a", alice_at),
                ("b", "rtcp", b"report", alice_at),
                ("b", "rtp", b"from b", bob_at),
            ]
            assert bench.port.strangers == 2
            bench.port.send(
                [("a", "rtp", b"to a", alice_at), ("b", "rtp", b"to b", bob_at), ("nobody", "rtp", b"", bob_at)]
            )
            assert alice.recv(99) == b"to a"
            assert bob.recvfrom(99)[0] == b"to b"
            assert bench.port.unknown == 1
            assert ("rtp", ports.rtp, bob_at, b"to b") in bench.records.seen
            assert ("rtcp", alice_at, ports.rtcp, b"report") in bench.records.seen
        bench.port.close_all()
        assert len(bench.port) == 0

    if host == HOST or socket.has_ipv6:
        run(scenario)


def test_an_address_is_that_of_one_leg() -> None:
    async def scenario() -> None:
        bench = Bench(first=43_210)
        with peer() as phone, peer() as other:
            ports = bench.port.open("a")
            bench.port.open("b")
            address, moved = phone.getsockname(), other.getsockname()
            bench.port.expect("a", rtp=address, rtcp=None)
            with pytest.raises(ValueError, match="is that of another leg, 'a'"):
                bench.port.expect("b", rtp=address, rtcp=None)
            bench.port.expect("a", rtp=address, rtcp=None)  # again
            bench.port.expect("a", rtp=moved, rtcp=None)  # a new description
            phone.sendto(b"too late", ports.rtp)
            other.sendto(b"from a", ports.rtp)
            assert (await bench.until(1))[0].data == b"from a"
            assert bench.port.strangers == 1
            bench.port.expect("b", rtp=address, rtcp=None)
            bench.port.close("b")
            bench.port.close("b")
            bench.port.open("c")
            bench.port.expect("c", rtp=address, rtcp=None)
            phone.sendto(b"from c", ports.rtp)
            assert (await bench.until(2))[1][:3] == ("c", "rtp", b"from c")
        bench.port.close_all()

    run(scenario)


def test_what_is_no_leg_or_no_address_is_an_error_of_ours() -> None:
    async def scenario() -> None:
        bench = Bench(first=43_220)
        with pytest.raises(ValueError, match="has no ports"):
            bench.port.expect("a", rtp=(HOST, 9), rtcp=None)
        bench.port.open("a")
        with pytest.raises(ValueError, match="has ports already"):
            bench.port.open("a")
        bench.port.expect("a", rtp=("phone.example.com", 9), rtcp=("192.0.2.1", 70_000))
        assert bench.port.unreachable == 2
        bench.port.send([("a", "rtp", b"x", ("2001:db8::1", 9))])
        assert bench.port.dropped_out == 1
        other = Bench(first=43_220)
        with pytest.raises(OSError, match="in use"):
            other.port.open("a")
        bench.port.close_all()
        assert other.port.open("a").rtp == (HOST, 43_220)  # the pair was given back
        other.port.close_all()

    run(scenario)


def test_many_legs_at_once() -> None:
    async def scenario() -> None:
        bench = Bench(first=43_230)
        count = MOST + 40
        with peer() as phone, peer() as other:  # one would hold less than all of them
            opened = {bench.port.open(number) for number in range(count)}
            (ports,) = opened
            bench.port.expect(7, rtp=phone.getsockname(), rtcp=None)
            to = [(phone, other)[number % 2].getsockname() for number in range(count)]
            bench.port.send((number, "rtp", number.to_bytes(2, "big"), to[number]) for number in range(count))
            got = [[int.from_bytes(each.recv(99), "big") for _ in range(count // 2)] for each in (phone, other)]
            assert got == [list(range(0, count, 2)), list(range(1, count, 2))]
            for number in range(20):
                phone.sendto(bytes([number]) * (number + 1), ports.rtp)
            bench.port.drain()
            assert [(each.key, each.data) for each in bench.arrivals] == [
                (7, bytes([number]) * (number + 1)) for number in range(20)
            ]
            phone.sendto(b"nobody asked", ports.rtp)
            await bench.until(21)
        bench.port.close_all()

    run(scenario)


@pytest.mark.parametrize("way", [messages, OneByOne])
def test_an_unreachable_peer_costs_its_own_datagram(way: Callable[[socket.socket], Messages]) -> None:
    with peer() as ours, peer() as theirs:
        ours.setblocking(False)
        many = way(ours)
        nowhere, there = many.handle(("255.255.255.255", 9)), many.handle(theirs.getsockname())
        assert many.send([(b"one", there), (b"lost", nowhere), (b"two", there)]) == 1
        assert [theirs.recv(9), theirs.recv(9)] == [b"one", b"two"]
        assert many.address(there) == theirs.getsockname()
        assert many.receive() == []


def test_without_such_calls_it_goes_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoLibrary:
        def __init__(self, name: None, use_errno: bool) -> None:
            pass

    monkeypatch.setattr(many_messages.ctypes, "CDLL", NoLibrary)
    with peer() as ours:
        assert isinstance(messages(ours), OneByOne)
