"""What one turn of the event loop does for those who send a lot, counted."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from sip import Claim, Endpoint, EndpointConfig, Event, Flow, Listen, Pump, RequestReceived, SeededEntropy
from sip.aio import SipTransport, TransportSettings

HOST = "127.0.0.1"
#: Time counts as well in life; here only the count is looked at.
COUNTED = TransportSettings(turn=8, turn_time=60.0)


def message(number: int, transport: str = "TCP", body: bytes = b"") -> bytes:
    head = (
        f"MESSAGE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/{transport} 127.0.0.1;branch=z9hG4bK{number};rport\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: {number}\r\n"
        f"CSeq: 1 MESSAGE\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Ledger:
    """A core that notes in which turn of the loop each message reached it, and from whom."""

    owner = "ledger"

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.turn = 0
        self.handled: list[tuple[int, Flow]] = []
        endpoint.add_core(self.owner, lambda request, flow: True, claim=Claim.ELEMENT, methods=("MESSAGE",))

    def count_turns(self) -> None:
        """Run first in each turn: callbacks that were waiting run before what was read."""
        self.turn += 1
        asyncio.get_running_loop().call_soon(self.count_turns)

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        if isinstance(event, RequestReceived) and event.transaction is not None:
            self.handled.append((self.turn, event.flow))
            self.endpoint.respond(event.transaction, 200, now=now)
        return []

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, *, now: float) -> list[Event]:
        return []

    def take_events(self) -> list[Event]:
        return []

    @property
    def most(self) -> int:
        """Most messages in one turn."""
        return max(Counter(turn for turn, _ in self.handled).values())

    async def until(self, count: int) -> None:
        while len(self.handled) < count:
            await asyncio.sleep(0.001)


def serving(
    scenario: Callable[[Ledger, SipTransport], Awaitable[None]], transport: str, settings: TransportSettings = COUNTED
) -> Ledger:
    """Run a scenario against a server on real sockets."""
    made: list[Ledger] = []

    async def run() -> None:
        config = EndpointConfig(listen=[Listen(transport, HOST, 0)])
        endpoint = Endpoint(config, entropy=SeededEntropy(b"turns"))
        ledger = Ledger(endpoint)
        made.append(ledger)
        server = SipTransport(Pump(endpoint, [ledger]), settings=settings)
        await server.start()
        ledger.count_turns()
        try:
            await scenario(ledger, server)
        finally:
            await server.stop()

    asyncio.run(asyncio.wait_for(run(), 20.0))
    return made[0]


def test_pipelined_requests_of_one_connection_are_handled_a_few_in_each_turn() -> None:
    async def scenario(ledger: Ledger, server: SipTransport) -> None:
        reader, writer = await asyncio.open_connection(HOST, server.listening[0].port)
        writer.write(b"".join(message(n) for n in range(300)))
        await ledger.until(300)
        answers = b""
        while answers.count(b"SIP/2.0 200") < 300:
            answers += await reader.read(1 << 16)
        writer.close()

    assert serving(scenario, "TCP").most <= COUNTED.turn


def test_many_connections_together_get_no_more_in_a_turn_than_one() -> None:
    async def scenario(ledger: Ledger, server: SipTransport) -> None:
        opened = [await asyncio.open_connection(HOST, server.listening[0].port) for _ in range(10)]
        for index, (_, writer) in enumerate(opened):
            writer.write(b"".join(message(100 * index + n) for n in range(30)))
        await ledger.until(300)
        for _, writer in opened:
            writer.close()

    assert serving(scenario, "TCP").most <= COUNTED.turn


def test_who_sends_one_message_does_not_wait_for_those_who_sent_hundreds() -> None:
    async def scenario(ledger: Ledger, server: SipTransport) -> None:
        _, flood = await asyncio.open_connection(HOST, server.listening[0].port)
        _, modest = await asyncio.open_connection(HOST, server.listening[0].port)
        flood.write(b"".join(message(n) for n in range(500)))
        await ledger.until(1)
        modest.write(message(1000))
        await ledger.until(501)
        flood.close()
        modest.close()

    ledger = serving(scenario, "TCP")
    flows = [flow.id for _, flow in ledger.handled]
    (place,) = [place for place, flow in enumerate(flows) if flows.count(flow) == 1]
    assert place < 400


def test_a_flood_of_datagrams_is_read_a_few_in_each_turn() -> None:
    async def scenario(ledger: Ledger, server: SipTransport) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for number in range(200):
                sock.sendto(message(number, "UDP"), (HOST, server.listening[0].port))
            await ledger.until(200)

    assert serving(scenario, "UDP").most <= COUNTED.turn


def test_what_a_peer_sent_before_it_closed_the_connection_is_handled_all_the_same() -> None:
    async def scenario(ledger: Ledger, server: SipTransport) -> None:
        _, writer = await asyncio.open_connection(HOST, server.listening[0].port)
        writer.write(b"".join(message(n) for n in range(100)))
        await writer.drain()
        writer.close()
        await ledger.until(100)

    assert len(serving(scenario, "TCP").handled) == 100


def test_a_peer_that_sends_faster_than_it_is_served_has_to_wait_and_gets_everything_through() -> None:
    settings = TransportSettings(turn=1, read_buffer=2_000, read_piece=500)
    bodies = [b"x" * 5_000] * 40

    async def scenario(ledger: Ledger, server: SipTransport) -> None:
        _, writer = await asyncio.open_connection(HOST, server.listening[0].port)
        writer.write(b"".join(message(n, body=body) for n, body in enumerate(bodies)))
        await ledger.until(40)
        writer.close()

    assert len(serving(scenario, "TCP", settings).handled) == 40


@pytest.mark.parametrize("octets", [100_000, 1_000_000])
def test_a_run_of_line_breaks_gets_one_answer_for_each_piece_that_is_read(octets: int) -> None:
    answered: list[bytes] = []

    async def scenario(ledger: Ledger, server: SipTransport) -> None:
        reader, writer = await asyncio.open_connection(HOST, server.listening[0].port)
        writer.write(b"\r\n" * (octets // 2) + message(1))
        got = b""
        while b"SIP/2.0 200" not in got:
            got += await reader.read(1 << 16)
        answered.append(got.partition(b"SIP/2.0")[0])
        writer.close()

    serving(scenario, "TCP")
    (answers,) = answered
    # A read may end anywhere, so that a run comes in some more pieces than it would have to.
    assert len(answers) <= 2 * (octets // COUNTED.read_piece * 8 + 8)
    assert set(answers) <= set(b"\r\n")
