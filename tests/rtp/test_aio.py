"""Media ports on loopback."""

from __future__ import annotations

import asyncio
import random
import select
import selectors
import socket
from collections.abc import Awaitable, Callable

import pytest

from rtp.aio import Arrival, MediaPorts, MediaPortsConfig, OpenPorts

SEEDED = random.Random(7).randrange


class Records:
    def __init__(self) -> None:
        self.seen: list[tuple[str, tuple[str, int], tuple[str, int], bytes]] = []

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
        assert transport == "UDP"
        self.seen.append((layer, source, destination, data))


class Bench:
    """Ports, and a batch that can be waited for."""

    def __init__(self, *, traced: bool = True, draw: Callable[[int], int] = SEEDED, **settings: object) -> None:
        self.records = Records()
        self.batches: list[list[Arrival]] = []
        self.changed = asyncio.Event()
        config = MediaPortsConfig(**{"port_range": (42_001, 42_999), **settings})  # type: ignore[arg-type]
        self.ports = MediaPorts(self.take, config=config, trace=self.records if traced else None, draw=draw)

    def take(self, batch: list[Arrival]) -> None:
        self.batches.append(batch)
        self.changed.set()

    @property
    def arrivals(self) -> list[Arrival]:
        return [arrival for batch in self.batches for arrival in batch]

    async def until(self, count: int) -> list[Arrival]:
        while len(self.arrivals) < count:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 5)
        return self.arrivals


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await scenario()

    asyncio.run(main())


def test_a_leg_has_an_even_port_and_the_next_one() -> None:
    async def scenario() -> None:
        bench = Bench()
        first, second = bench.ports.open("a"), bench.ports.open("b")
        for opened in (first, second):
            assert opened.rtp[1] % 2 == 0
            assert opened.rtcp == ("127.0.0.1", opened.rtp[1] + 1)
        assert first != second
        assert len(bench.ports) == 2
        with pytest.raises(ValueError, match="has ports"):
            bench.ports.open("a")
        bench.ports.close_all()
        bench.ports.close("a")
        assert len(bench.ports) == 0

    run(scenario)


def test_datagrams_go_from_leg_to_leg_and_are_traced() -> None:
    async def scenario() -> None:
        bench = Bench()
        a, b = bench.ports.open("a"), bench.ports.open("b")
        bench.ports.send(
            [("a", "rtp", b"sound", b.rtp), ("a", "rtcp", b"report", b.rtcp), ("b", "rtp", b"back", a.rtp)]
        )
        arrivals = await bench.until(3)
        assert {arrival[:4] for arrival in arrivals} == {
            ("b", "rtp", b"sound", a.rtp),
            ("b", "rtcp", b"report", a.rtcp),
            ("a", "rtp", b"back", b.rtp),
        }
        assert bench.records.seen.count(("rtp", a.rtp, b.rtp, b"sound")) == 2  # once sent, once received
        assert ("rtcp", a.rtcp, b.rtcp, b"report") in bench.records.seen
        bench.ports.close_all()

    run(scenario)


def test_what_comes_in_one_turn_is_one_batch() -> None:
    async def scenario() -> None:
        bench = Bench()
        opened = bench.ports.open("a")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            for number in range(20):
                peer.sendto(bytes([number]), opened.rtp)
        arrivals = await bench.until(20)
        assert [arrival.data for arrival in arrivals] == [bytes([number]) for number in range(20)]
        assert len(bench.batches) < 20
        bench.ports.close_all()

    run(scenario)


def test_a_full_batch_drops_the_rest() -> None:
    async def scenario() -> None:
        bench = Bench(traced=False, batch=5, drain=10)
        opened = bench.ports.open("a")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            for _ in range(10):
                peer.sendto(b"x", opened.rtp)
        await bench.until(5)
        assert bench.ports.dropped_in == 5
        bench.ports.send([("a", "rtp", b"to myself", opened.rtp)])
        assert (await bench.until(6))[-1].data == b"to myself"
        assert bench.records.seen == []
        bench.ports.close_all()

    run(scenario)


def test_what_cannot_be_sent_is_counted() -> None:
    async def scenario() -> None:
        bench = Bench()
        bench.ports.open("a")
        bench.ports.send([("nobody", "rtp", b"", ("127.0.0.1", 9)), ("a", "rtp", b"", ("2001:db8::1", 9))])
        assert (bench.ports.unknown, bench.ports.dropped_out) == (1, 1)
        bench.ports.close_all()

    run(scenario)


def test_an_unreachable_peer_does_not_stop_the_leg() -> None:
    async def scenario() -> None:
        bench = Bench()
        a, b = bench.ports.open("a"), bench.ports.open("b")
        bench.ports.close("b")
        for _ in range(3):
            bench.ports.send([("a", "rtp", b"x", b.rtp)])
            await asyncio.sleep(0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.sendto(b"still here", a.rtp)
        assert (await bench.until(1))[0].data == b"still here"
        bench.ports.close_all()

    run(scenario)


def test_a_used_up_range_is_an_error_and_a_taken_port_is_passed_over() -> None:
    async def scenario() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 43_003))  # the odd half of the first pair
            bench = Bench(port_range=(43_002, 43_006))
            assert bench.ports.open("a") == OpenPorts(("127.0.0.1", 43_004), ("127.0.0.1", 43_005))
            with pytest.raises(OSError, match="no free pair"):
                bench.ports.open("b")
            bench.ports.close("a")
            assert bench.ports.open("b").rtp[1] == 43_004
            bench.ports.close_all()

    run(scenario)


def test_ports_are_drawn_at_random_and_the_same_seed_draws_the_same() -> None:
    async def scenario() -> None:
        seeds = [Bench(draw=random.Random(seed).randrange) for seed in (1, 2)]
        drawn = []
        for bench in [*seeds, Bench(draw=random.Random(1).randrange)]:
            drawn.append([bench.ports.open(number).rtp[1] for number in range(5)])
            bench.ports.close_all()
        assert drawn[0] == drawn[2]
        assert drawn[0] != drawn[1]
        assert drawn[0] != sorted(drawn[0])

    run(scenario)


def test_a_port_that_was_given_back_rests_while_others_are_free() -> None:
    async def scenario() -> None:
        bench = Bench(port_range=(43_100, 43_119))
        used = []
        for number in range(6):
            used.append(bench.ports.open(number).rtp[1])
            bench.ports.close(number)
        assert len(set(used)) == 6
        opened = {bench.ports.open(number).rtp[1] for number in range(10)}  # and in the end each is used
        assert len(opened) == 10
        bench.ports.close_all()

    run(scenario)


def test_an_address_that_is_not_ours_is_an_error() -> None:
    async def scenario() -> None:
        bench = Bench(host="192.0.2.1")
        with pytest.raises(OSError, match=r"[Cc]annot assign|not available"):
            bench.ports.open("a")

    run(scenario)


def test_ip_version_6() -> None:
    async def scenario() -> None:
        bench = Bench(host="::1")
        a, b = bench.ports.open("a"), bench.ports.open("b")
        bench.ports.send([("a", "rtp", b"six", b.rtp)])
        assert (await bench.until(1))[0][:4] == ("b", "rtp", b"six", a.rtp)
        bench.ports.close_all()

    if socket.has_ipv6:
        run(scenario)


def test_with_many_legs_each_datagram_comes_once_and_in_order() -> None:
    async def scenario() -> None:
        bench = Bench(traced=False)
        opened = {number: bench.ports.open(number) for number in range(40)}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            for turn in range(5):
                for ports in opened.values():
                    peer.sendto(bytes([turn]), ports.rtp)
                await asyncio.sleep(0.002 * turn)
        arrivals = await bench.until(200)
        for number in opened:
            assert [each.data[0] for each in arrivals if each.key == number] == list(range(5))
        bench.ports.close_all()

    run(scenario)


def test_with_many_legs_a_batch_waits_for_the_tick_but_not_for_ever() -> None:
    async def scenario() -> None:
        bench = Bench(traced=False)
        opened = [bench.ports.open(number) for number in range(40)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.sendto(b"first", opened[0].rtp)
            bench.ports.drain()
            assert [each.data for each in bench.arrivals] == [b"first"]  # at once, whether the loop has seen it or not
            bench.ports.drain()
            assert len(bench.batches) == 1  # nothing more
            peer.sendto(b"second", opened[3].rtp)
            assert (await bench.until(2))[1].data == b"second"  # nobody asked
        bench.ports.close_all()

    run(scenario)


def test_with_many_legs_a_full_batch_is_handed_over_at_once() -> None:
    async def scenario() -> None:
        bench = Bench(traced=False, batch=5)
        opened = [bench.ports.open(number) for number in range(40)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            for ports in opened[:12]:
                peer.sendto(b"x", ports.rtp)
            bench.ports.drain()
        assert [len(batch) for batch in bench.batches] == [5, 5, 2]
        assert bench.ports.dropped_in == 0
        bench.ports.close_all()

    run(scenario)


def test_where_there_is_no_epoll_the_loop_watches_each_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "epoll", raising=False)

    async def scenario() -> None:
        bench = Bench()
        _, b = bench.ports.open("a"), bench.ports.open("b")
        bench.ports.send([("a", "rtp", b"one", b.rtp), ("a", "rtp", b"two", b.rtp)])
        assert [each.data for each in await bench.until(2)] == [b"one", b"two"]
        bench.ports.drain()
        bench.ports.close("a")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.sendto(b"three", b.rtp)
            assert (await bench.until(3))[-1].data == b"three"
        bench.ports.close_all()

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(scenario())
