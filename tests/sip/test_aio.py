"""SIP over real sockets of the loopback interface."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import socket
import ssl
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path

import attrs
import dns.message
import dns.rcode
import dns.zonefile
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pyc3p.elements import event_loop
from sip import (
    Claim,
    Destination,
    Endpoint,
    EndpointConfig,
    Event,
    Flow,
    FlowLost,
    InternalFault,
    Listen,
    Pump,
    Request,
    RequestFailed,
    RequestId,
    RequestReceived,
    Response,
    ResponseReceived,
    SeededEntropy,
    TraceSink,
    parse_message,
)
from sip.aio import (
    Naptr,
    Question,
    RecordType,
    SipTransport,
    Srv,
    SystemResolver,
    TlsContexts,
    TransportSettings,
    certificate_identity,
    live_entropy,
    wall_clock,
)
from sip.aio.connector import open_connection
from sip.aio.edge_trace import MessageCutter
from sip.aio.resolver import look_up
from sip.aio.tls import proves
from sip.aio.udp import UdpSocket, bind_udp
from sip.transport.locate import Target

HOST = "127.0.0.1"


def run(scenario: Callable[[], Coroutine[None, None, None]]) -> None:
    """On the loop of the standard library, and on the other one that people use for servers."""
    asyncio.run(asyncio.wait_for(scenario(), 20.0))
    event_loop.run(asyncio.wait_for(scenario(), 20.0))


class Phone:
    """A core that answers MESSAGE and remembers what it was told."""

    owner = "phone"

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.received: list[tuple[Request, Flow]] = []
        self.outcomes: dict[RequestId, Event] = {}
        self.changed = asyncio.Event()
        self.reply = b""
        endpoint.add_core(self.owner, lambda request, flow: True, claim=Claim.ELEMENT, methods=("MESSAGE",))

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        if isinstance(event, RequestReceived) and event.transaction is not None:
            self.received.append((event.request, event.flow))
            self.endpoint.respond(event.transaction, 200, body=self.reply, now=now)
        elif isinstance(event, ResponseReceived | RequestFailed):
            self.outcomes[event.request_id] = event
        self.changed.set()
        return [event]

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, *, now: float) -> list[Event]:
        return []

    def take_events(self) -> list[Event]:
        return []


@attrs.define
class Record:
    transport: str
    source: tuple[str, int]
    destination: tuple[str, int]
    data: bytes


class Records:
    """A trace sink."""

    def __init__(self) -> None:
        self.all: list[Record] = []

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
        assert layer == "sip"
        assert at > 0
        self.all.append(Record(transport, source, destination, data))


class Element:
    """A phone on sockets."""

    def __init__(
        self,
        *listen: str,
        host: str = HOST,
        port: int = 0,
        trace: TraceSink | None = None,
        tls: TlsContexts | None = None,
        settings: TransportSettings | None = None,
        resolver: object = None,
    ) -> None:
        entropy = live_entropy()
        config = EndpointConfig(listen=tuple(Listen(each, host, port) for each in listen))
        self.endpoint = Endpoint(config, entropy=entropy, wall_clock=wall_clock())
        self.phone = Phone(self.endpoint)
        self.events: list[Event] = []
        self.transport = SipTransport(
            Pump(self.endpoint, [self.phone]),
            entropy=entropy,
            on_events=self.events.extend,
            trace=trace,
            tls=tls,
            settings=settings,
            resolver=resolver,  # type: ignore[arg-type]
        )

    async def __aenter__(self) -> Element:
        await self.transport.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.transport.stop()

    def port(self, transport: str) -> int:
        return next(each.port for each in self.transport.listening if each.transport == transport)

    def send(self, target: str, body: bytes = b"hello") -> RequestId:
        sent = self.endpoint.request(
            "phone",
            "MESSAGE",
            target,
            from_="<sip:alice@example.com>",
            to="<sip:bob@example.com>",
            body=body,
            content_type="text/plain",
            now=self.transport.now,
        )
        self.transport.kick()
        return sent

    async def outcome(self, request_id: RequestId) -> Event:
        await self.until(lambda: request_id in self.phone.outcomes)
        return self.phone.outcomes[request_id]

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.phone.changed.clear()
            await self.phone.changed.wait()


def status(event: Event) -> int | str:
    return event.response.status if isinstance(event, ResponseReceived) else getattr(event, "reason", "")


def uri(element: Element, transport: str, host: str = HOST) -> str:
    host = f"[{host}]" if ":" in host else host
    return f"sip:bob@{host}:{element.port(transport)};transport={transport.lower()}"


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_request_and_its_answer_travel(transport: str, host: str) -> None:
    async def scenario() -> None:
        async with Element(transport, host=host) as bob, Element(transport, host=host) as alice:
            assert status(await alice.outcome(alice.send(uri(bob, transport, host)))) == 200
            ((request, flow),) = bob.phone.received
            assert request.body == b"hello"
            assert (flow.transport, flow.remote.host, flow.local.host) == (transport, host, host)

    run(scenario)


@pytest.mark.parametrize(("everywhere", "host"), [("0.0.0.0", "127.0.0.1"), ("::", "::1")])
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_who_listens_everywhere_still_names_the_address_that_the_peer_sees(
    everywhere: str, host: str, transport: str
) -> None:
    async def scenario() -> None:
        async with Element(transport, host=everywhere) as bob, Element(transport, host=everywhere) as alice:
            assert status(await alice.outcome(alice.send(uri(bob, transport, host)))) == 200
            ((request, flow),) = bob.phone.received
            assert (request.via[0].host, request.via[0].port) == (host, alice.port(transport))
            assert flow.local.host == host

    run(scenario)


class Exploding(Phone):
    """A core that raises at each event and at its first timeout."""

    due: float | None = None

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        super().handle_event(event, now=now)
        raise RuntimeError("the core")

    def next_timeout(self) -> float | None:
        return self.due

    def handle_timeout(self, *, now: float) -> list[Event]:
        self.due = None
        raise RuntimeError("the timeout")


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_core_that_raises_is_logged_with_its_traceback_and_the_next_message_is_read(
    transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with Element(transport) as alice, Element(transport) as bob:
            bob.phone.__class__ = Exploding
            for _ in range(2):
                assert status(await alice.outcome(alice.send(uri(bob, transport)))) == 200
            assert len(bob.phone.received) == 2
            assert len([event for event in bob.events if isinstance(event, InternalFault)]) == 2
            bob.phone.due = bob.transport.now + 0.01  # type: ignore[attr-defined]
            bob.transport.kick()
            while not any(getattr(event, "doing", "") == "handle_timeout" for event in bob.events):
                await asyncio.sleep(0.01)
            assert status(await alice.outcome(alice.send(uri(bob, transport)))) == 200

    run(scenario)
    assert "phone could not handle RequestReceived" in caplog.text
    assert "phone could not handle_timeout" in caplog.text
    assert "Traceback" in caplog.text


def test_an_application_that_raises_at_its_events_is_logged_and_timers_go_on(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(events: list[Event]) -> None:
        raise RuntimeError("the application")

    async def scenario() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind((HOST, 0))
            silent.setblocking(False)
            async with Element("UDP") as alice, Element("UDP") as bob:
                alice.transport._on_events = refuse
                assert status(await alice.outcome(alice.send(uri(bob, "UDP")))) == 200
                alice.send(f"sip:bob@{HOST}:{silent.getsockname()[1]}")
                loop = asyncio.get_running_loop()
                first, second = [await loop.sock_recv(silent, 65535) for _ in range(2)]
                assert first == second

    run(scenario)
    assert "the application could not handle its events" in caplog.text


def test_events_reach_the_application_and_it_may_command_at_once() -> None:
    async def scenario() -> None:
        async with Element("UDP") as bob, Element("UDP") as alice:
            again: list[RequestId] = []

            def on_events(events: list[Event]) -> None:
                if not again and any(isinstance(each, ResponseReceived) for each in events):
                    again.append(alice.send(uri(bob, "UDP")))

            alice.transport._on_events = on_events
            alice.send(uri(bob, "UDP"))
            await alice.until(lambda: bool(again))
            assert status(await alice.outcome(again[0])) == 200

    run(scenario)


def test_large_bodies_cross_a_stream_in_both_directions() -> None:
    async def scenario() -> None:
        async with Element("TCP") as bob, Element("TCP") as alice:
            bob.phone.reply = b"y" * 900_000
            sent = alice.send(uri(bob, "TCP"), b"x" * 900_000)
            outcome = await alice.outcome(sent)
            assert isinstance(outcome, ResponseReceived)
            assert outcome.response.body == bob.phone.reply

    run(scenario)


def test_one_connection_serves_all_requests_to_one_place() -> None:
    async def scenario() -> None:
        async with Element("TCP") as bob, Element("TCP") as alice:
            sent = [alice.send(uri(bob, "TCP")) for _ in range(10)]
            assert [status(await alice.outcome(each)) for each in sent] == [200] * 10
            assert status(await alice.outcome(alice.send(uri(bob, "TCP")))) == 200
            assert len({flow.id for _, flow in bob.phone.received}) == 1

    run(scenario)


def test_a_burst_of_datagrams_is_all_answered() -> None:
    async def scenario() -> None:
        settings = TransportSettings(turn=8, send_slice=3)
        async with Element("UDP", settings=settings) as bob, Element("UDP", settings=settings) as alice:
            sent = [alice.send(uri(bob, "UDP")) for _ in range(200)]
            assert {status(await alice.outcome(each)) for each in sent} == {200}

    run(scenario)


def test_a_refused_connection_fails_the_request() -> None:
    async def scenario() -> None:
        async with Element("TCP") as alice:
            with socket.create_server((HOST, 0)) as listener:
                port = listener.getsockname()[1]
            assert status(await alice.outcome(alice.send(f"sip:bob@{HOST}:{port};transport=tcp"))) == "transport"

    run(scenario)


def test_a_connection_that_breaks_fails_what_waits_on_it() -> None:
    async def scenario() -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(10)
            writer.transport.abort()

        server = await asyncio.start_server(hang_up, HOST, 0)
        async with server, Element("TCP") as alice:
            port = server.sockets[0].getsockname()[1]
            assert status(await alice.outcome(alice.send(f"sip:bob@{HOST}:{port};transport=tcp"))) == "transport"

    run(scenario)


@pytest.mark.skipif("not __import__('sys').platform.startswith('linux')", reason="ICMP errors are read on Linux only")
def test_an_unreachable_port_fails_a_udp_request_at_once() -> None:
    async def scenario() -> None:
        async with Element("UDP") as alice:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
                gone.bind((HOST, 0))
                port = gone.getsockname()[1]
            for _ in range(3):
                assert status(await alice.outcome(alice.send(f"sip:bob@{HOST}:{port}"))) == "transport"
            async with Element("UDP") as bob:  # and the socket lives on
                assert status(await alice.outcome(alice.send(uri(bob, "UDP")))) == 200

    run(scenario)


def test_a_port_in_use_leaves_nothing_open() -> None:
    async def scenario() -> None:
        with socket.create_server((HOST, 0)) as taken:
            port = taken.getsockname()[1]
            element = Element("UDP", "TCP", port=port)
            with pytest.raises(OSError, match="in use"):
                await element.transport.start()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
                free.bind((HOST, port))  # the UDP socket that was opened first is closed again
            await element.transport.stop()

    run(scenario)


def test_stop_sends_what_is_waiting_closes_and_can_be_called_twice() -> None:
    async def scenario() -> None:
        before = asyncio.all_tasks()
        bob, alice = Element("TCP"), Element("TCP")
        await bob.transport.start()
        await alice.transport.start()
        await alice.outcome(alice.send(uri(bob, "TCP")))
        target = uri(bob, "TCP")
        alice.endpoint.request(
            "phone", "MESSAGE", target, from_="<sip:a@example.com>", to="<sip:b@example.com>", now=alice.transport.now
        )
        await alice.transport.stop()
        await alice.transport.stop()
        await bob.until(lambda: len(bob.phone.received) == 2)
        await bob.transport.stop()
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await asyncio.open_connection(HOST, bob.port("TCP"))
        assert asyncio.all_tasks() == before

    run(scenario)


def test_the_trace_shows_each_message_once_with_both_addresses() -> None:
    async def scenario() -> None:
        records = Records()
        async with Element("UDP", "TCP") as bob, Element("UDP", "TCP", trace=records) as alice:
            for transport in ("UDP", "TCP"):
                await alice.outcome(alice.send(uri(bob, transport)))
                sent, got = records.all
                records.all.clear()
                assert sent.transport == got.transport == transport
                assert isinstance(parse_message(sent.data), Request)
                assert isinstance(parse_message(got.data), Response)
                assert sent.source == got.destination
                assert sent.destination == got.source == (HOST, bob.port(transport))

    run(scenario)


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Whether the other end closes without having said anything."""
    try:
        return await reader.read(1) == b""
    except ConnectionError:
        return True


def test_too_many_connections_from_one_source_are_refused() -> None:
    async def scenario() -> None:
        async with Element("TCP", settings=TransportSettings(max_connections_per_source=2)) as bob:
            opened = [await asyncio.open_connection(HOST, bob.port("TCP")) for _ in range(3)]
            assert await is_closed(opened[2][0])
            assert bob.transport.counters["refused: too many connections"] == 1
            opened[0][1].write(b"\r\n\r\n")
            assert await opened[0][0].read(2) == b"\r\n"  # the others live

    run(scenario)


def test_a_connection_on_which_a_message_takes_for_ever_is_closed_and_one_with_many_messages_is_not() -> None:
    message = (
        b"MESSAGE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK%d\r\nMax-Forwards: 70\r\n"
        b"From: <sip:a@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: %d\r\nCSeq: 1 MESSAGE\r\n"
        b"Content-Length: 0\r\n\r\n"
    )

    async def scenario() -> None:
        async with Element("TCP", settings=TransportSettings(message_timeout=1.0)) as bob:
            slow, slow_writer = await asyncio.open_connection(HOST, bob.port("TCP"))
            busy, busy_writer = await asyncio.open_connection(HOST, bob.port("TCP"))
            slow_writer.write(b"MESS")
            busy_writer.write(b"MESS")
            gone = asyncio.ensure_future(is_closed(slow))
            for number in range(15):  # never between two messages
                busy_writer.write((message % (number, number))[4:] + b"MESS")
                assert (await busy.readuntil(b"\r\n")).startswith(b"SIP/2.0 200")
                await busy.readuntil(b"\r\n\r\n")
                if not gone.done():
                    slow_writer.write(b"A")
                await asyncio.sleep(0.08)
            assert await gone
            assert await is_closed(busy)
            for writer in (slow_writer, busy_writer):
                writer.close()

    run(scenario)


def test_a_connection_that_stays_silent_is_closed() -> None:
    async def scenario() -> None:
        async with Element("TCP", settings=TransportSettings(first_data_timeout=0.05)) as bob:
            reader, _ = await asyncio.open_connection(HOST, bob.port("TCP"))
            assert await is_closed(reader)

    run(scenario)


def test_a_stream_that_loses_its_framing_is_answered_and_closed() -> None:
    async def scenario() -> None:
        async with Element("TCP") as bob:
            reader, writer = await asyncio.open_connection(HOST, bob.port("TCP"))
            lines = [
                "MESSAGE sip:b@example.com SIP/2.0",
                f"Via: SIP/2.0/TCP {HOST}:1;branch=z9hG4bK1",
                "From: <sip:a@example.com>;tag=1",
                "To: <sip:b@example.com>",
                "Call-ID: 1",
                "CSeq: 1 MESSAGE",
                "Content-Length: many",
                "",
                "",
            ]
            writer.write("\r\n".join(lines).encode())
            assert (await reader.read()).startswith(b"SIP/2.0 400 ")
            assert bob.phone.received == []

    run(scenario)


def test_no_more_own_connections_than_allowed() -> None:
    async def scenario() -> None:
        async with Element("TCP") as bob, Element("TCP", settings=TransportSettings(max_connections=0)) as alice:
            assert status(await alice.outcome(alice.send(uri(bob, "TCP")))) == "transport"

    run(scenario)


def test_a_datagram_needs_a_socket_of_its_family() -> None:
    async def scenario() -> None:
        async with Element("UDP") as alice:
            assert status(await alice.outcome(alice.send("sip:bob@[::1]:5060"))) == "transport"

    run(scenario)


def test_a_flood_from_one_source_is_cut() -> None:
    async def scenario() -> None:
        settings = TransportSettings(source_rate=0.001, source_burst=5.0)
        async with Element("UDP", settings=settings) as bob:
            loop = asyncio.get_running_loop()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
                for _ in range(20):
                    flood.sendto(b"x" * 30, (HOST, bob.port("UDP")))
                while bob.transport.counters["dropped: too many datagrams from one source"] < 15:
                    await asyncio.sleep(0)
            assert loop.is_running()

    run(scenario)


def test_a_fast_stream_has_to_wait_and_loses_nothing() -> None:
    async def scenario() -> None:
        settings = TransportSettings(source_rate=200.0, source_burst=1.0)
        async with Element("TCP", settings=settings) as bob, Element("TCP") as alice:
            sent = [alice.send(uri(bob, "TCP"), b"x" * 200_000) for _ in range(3)]
            assert {status(await alice.outcome(each)) for each in sent} == {200}

    run(scenario)


def test_a_peer_that_does_not_read_blocks_its_flow_only_and_misses_nothing_later() -> None:
    async def scenario() -> None:
        may_read, has_read = asyncio.Event(), asyncio.Event()
        expected = 30 * 800_000
        total = 0

        async def read_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal total
            await may_read.wait()
            while total < expected and (data := await reader.read(1_000_000)):
                total += len(data)
            has_read.set()
            writer.close()

        server = await asyncio.start_server(read_late, HOST, 0, limit=1024)
        async with server, Element("TCP") as alice, Element("TCP") as bob:
            port = server.sockets[0].getsockname()[1]
            for _ in range(30):
                alice.send(f"sip:slow@{HOST}:{port};transport=tcp", b"x" * 800_000)
            assert status(await alice.outcome(alice.send(uri(bob, "TCP")))) == 200
            may_read.set()
            await has_read.wait()
            assert total >= expected

    run(scenario)


def test_timers_run_and_an_unanswered_datagram_is_sent_again() -> None:
    async def scenario() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind((HOST, 0))
            silent.setblocking(False)
            async with Element("UDP") as alice:
                alice.send(f"sip:bob@{HOST}:{silent.getsockname()[1]}")
                loop = asyncio.get_running_loop()
                first, second = [await loop.sock_recv(silent, 65535) for _ in range(2)]
                assert first == second

    run(scenario)


# Names ---------------------------------------------------------------------------------------------------------------


class Zone:
    """A resolver with records of its own."""

    def __init__(self, records: dict[tuple[str, RecordType], tuple[Naptr | Srv | str, ...]]) -> None:
        self.records = records
        self.asked: list[Question] = []

    async def answer(self, question: Question) -> tuple[Naptr | Srv | str, ...]:
        self.asked.append(question)
        return self.records.get((question.name, question.type), ())


def test_names_are_located_and_the_next_server_is_tried_when_one_is_down() -> None:
    async def scenario() -> None:
        async with Element("TCP") as bob:
            with socket.create_server((HOST, 0)) as listener:
                dead = listener.getsockname()[1]
            zone = Zone(
                {
                    ("_sip._tcp.example.com", RecordType.SRV): (
                        Srv(priority=1, weight=0, port=dead, target="a.example.com"),
                        Srv(priority=2, weight=0, port=bob.port("TCP"), target="a.example.com"),
                    ),
                    ("a.example.com", RecordType.A): (HOST,),
                }
            )
            async with Element("TCP", resolver=zone) as alice:
                assert status(await alice.outcome(alice.send("sip:bob@example.com"))) == 200
            assert zone.asked[0] == Question("example.com", RecordType.NAPTR)

    run(scenario)


def test_the_next_server_is_tried_when_nobody_is_at_the_port_of_the_first() -> None:
    async def scenario() -> None:
        async with Element("UDP") as bob:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.bind((HOST, 0))
                dead = probe.getsockname()[1]
            servers = (
                Srv(priority=1, weight=0, port=dead, target="a.example.com"),
                Srv(priority=2, weight=0, port=bob.port("UDP"), target="a.example.com"),
            )
            zone = Zone(
                {
                    ("_sip._udp.example.com", RecordType.SRV): servers,
                    ("a.example.com", RecordType.A): (HOST,),
                }
            )
            async with Element("UDP", resolver=zone) as alice:
                assert status(await alice.outcome(alice.send("sip:bob@example.com"))) == 200
                assert alice.endpoint.counters["request sent to another server"] == 1

    run(scenario)


def test_pings_are_answered_and_keep_a_connection() -> None:
    async def scenario() -> None:
        trace = Records()
        async with Element("TCP", trace=trace) as bob, Element("TCP") as alice:
            await alice.outcome(alice.send(uri(bob, "TCP")))
            (connection,) = alice.transport._connections
            alice.endpoint.keep_alive(connection.flow, interval=0.05, now=alice.transport.now)
            alice.transport.kick()
            while sum(record.data == b"\r\n" for record in trace.all) < 3:
                await asyncio.sleep(0.01)
            assert sum(record.data == b"\r\n\r\n" for record in trace.all) >= 3
            assert not any(isinstance(event, FlowLost) for event in alice.events)

    run(scenario)


def test_a_name_without_address_fails_the_request() -> None:
    async def scenario() -> None:
        async with Element("UDP", resolver=Zone({})) as alice:
            assert status(await alice.outcome(alice.send("sip:bob@nowhere.example"))) == "transport"

    run(scenario)


def test_the_system_knows_localhost() -> None:
    async def scenario() -> None:
        target = Target(host="localhost", transport="TCP")
        found = await look_up(target, SystemResolver(), uniform=lambda: 0.5, transports=("TCP",))
        assert ("TCP", HOST, 5060) in [(each.transport, each.host, each.port) for each in found]

    run(scenario)


class NameServer(asyncio.DatagramProtocol):
    """Answers DNS questions of a zone file."""

    ZONE = """
example.com. 60 NAPTR 10 20 "s" "SIP+D2T" "" _sip._tcp.example.com.
_sip._tcp.example.com. 60 SRV 1 2 5070 localhost.
"""

    def __init__(self) -> None:
        self.questions: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        question = dns.message.from_wire(data)
        answer = dns.message.make_response(question)
        asked = question.question[0]
        self.questions.append(str(asked))
        found = [
            each
            for each in dns.zonefile.read_rrsets(self.ZONE)
            if (each.name, each.rdtype) == (asked.name, asked.rdtype)
        ]
        if found:
            answer.answer.extend(found)
        else:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(answer.to_wire(), source)  # type: ignore[attr-defined]


def test_naptr_and_srv_come_from_the_name_server_once() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        transport, server = await loop.create_datagram_endpoint(NameServer, (HOST, 0))
        port = transport.get_extra_info("sockname")[1]
        resolver = SystemResolver(nameservers=(HOST,), port=port)
        for _ in range(2):
            target = Target(host="example.com")
            found = await look_up(target, resolver, uniform=lambda: 0.5, transports=("UDP", "TCP"))
            assert ("TCP", HOST, 5070) in [(each.transport, each.host, each.port) for each in found]
        assert len(server.questions) == 2
        assert await resolver.answer(Question("missing.example.com", RecordType.SRV)) == ()
        assert await resolver.answer(Question("_sip._tcp.localhost", RecordType.SRV)) == ()
        transport.close()

    run(scenario)


def test_a_name_server_that_says_nothing_has_no_records() -> None:
    async def scenario() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind((HOST, 0))
            resolver = SystemResolver(timeout=0.1, nameservers=(HOST,), port=silent.getsockname()[1])
            assert await resolver.answer(Question("example.com", RecordType.NAPTR)) == ()
        assert await SystemResolver().answer(Question("no.such.host.invalid", RecordType.A)) == ()

    run(scenario)


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example", "a\0b", "\udcff", ":\0", "-", "ex\u00e4..mple"])
def test_a_host_that_no_name_can_be_has_no_address_and_no_connection(host: str) -> None:
    async def scenario() -> None:
        resolver = SystemResolver()
        for kind in RecordType:
            assert await resolver.answer(Question(host, kind)) == ()
        async with Element("UDP") as alice:
            for destination in (Destination("TCP", host, 5060), Destination("TLS", HOST, 5061, host)):
                with pytest.raises(OSError):
                    await open_connection(
                        alice.transport,
                        destination,
                        local_host=None,
                        tls=TlsContexts(client=ssl.create_default_context()),
                        settings=TransportSettings(),
                    )

    run(scenario)


# UDP sockets ---------------------------------------------------------------------------------------------------------


class Reluctant(socket.socket):
    """A socket that takes nothing until it is told to."""

    willing = False

    def sendto(self, *arguments: object) -> int:
        if not self.willing:
            raise BlockingIOError
        return super().sendto(*arguments)  # type: ignore[arg-type]


def test_datagrams_wait_in_order_for_a_socket_that_takes_none_and_not_without_limit() -> None:
    async def scenario() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
            there.bind((HOST, 0))
            there.setblocking(False)
            sock = Reluctant(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setblocking(False)
            sock.bind((HOST, 0))
            made = udp_socket(sock, TransportSettings(max_unsent_datagrams=3))
            flow = made.flow_to(there.getsockname())
            for number in range(5):
                made.send(b"%d" % number, flow)
            sock.willing = True
            loop = asyncio.get_running_loop()
            assert [await loop.sock_recv(there, 10) for _ in range(3)] == [b"0", b"1", b"2"]
            made.send(b"5", flow)
            assert await loop.sock_recv(there, 10) == b"5"
            made.close()

    run(scenario)


def udp_socket(
    sock: socket.socket, settings: TransportSettings, failed: Callable[[Flow], None] = lambda flow: None
) -> UdpSocket:
    numbers = iter(range(1, 1000))
    return UdpSocket(
        sock,
        loop=asyncio.get_running_loop(),
        settings=settings,
        new_flow=lambda made, local, remote: Flow(next(numbers), "UDP", local, remote),
        received=lambda data, flow: None,
        drained=lambda: None,
        failed=failed,
    )


def test_flows_of_udp_peers_are_the_same_while_they_are_remembered() -> None:
    async def scenario() -> None:
        settings = TransportSettings(max_udp_flows=2)
        made = udp_socket(bind_udp(HOST, 0, settings), settings)
        peers = [(HOST, port) for port in (1001, 1002, 1003)]
        first = made.flow_to(peers[0])
        assert made.flow_to(peers[0]) is first
        made.flow_to(peers[1])
        made.flow_to(peers[2])
        assert made.flow_to(peers[0]) != first
        made.close()

    run(scenario)


def test_a_datagram_that_the_system_refuses_is_reported() -> None:
    async def scenario() -> None:
        settings = TransportSettings()
        told: list[Flow] = []
        made = udp_socket(bind_udp(HOST, 0, settings), settings, told.append)
        flow = made.flow_to((HOST, 1001))
        made.send(b"x" * 70_000, flow)
        while not told:
            await asyncio.sleep(0)
        assert told == [flow]
        made.close()

    run(scenario)


# TLS -----------------------------------------------------------------------------------------------------------------


class Authority:
    """A certificate authority for one test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        self.certificate = self._sign(self.name, self.key.public_key(), (), authority=True)
        (folder / "ca.pem").write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        names: Iterable[x509.GeneralName],
        *,
        authority: bool = False,
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, label: str, *names: x509.GeneralName) -> tuple[str, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, label)])
        certificate = self._sign(subject, key.public_key(), names)
        paths = self.folder / f"{label}.pem", self.folder / f"{label}.key"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return str(paths[0]), str(paths[1])

    def contexts(self, label: str, *names: x509.GeneralName) -> TlsContexts:
        chain = self.issue(label, *names)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname = False
        for context in (server, client):
            context.load_cert_chain(*chain)
            context.load_verify_locations(self.folder / "ca.pem")
        server.verify_mode = ssl.CERT_OPTIONAL
        return TlsContexts(server=server, client=client)


def sip_uri(domain: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(f"sip:{domain}")


def dns_name(name: str) -> x509.DNSName:
    return x509.DNSName(name)


def tls_zone(port: int) -> Zone:
    return Zone(
        {
            ("_sips._tcp.b.example.com", RecordType.SRV): (
                Srv(priority=1, weight=0, port=port, target="h.example.com"),
            ),
            ("h.example.com", RecordType.A): (HOST,),
        }
    )


def test_tls_proves_both_ends(tmp_path: Path) -> None:
    async def scenario() -> None:
        authority = Authority(tmp_path)
        bobs = authority.contexts("bob", sip_uri("b.example.com"), dns_name("h.example.com"))
        async with Element("TLS", tls=bobs) as bob:
            alices = authority.contexts("alice", sip_uri("a.example.com"))
            async with Element("TLS", tls=alices, resolver=tls_zone(bob.port("TLS"))) as alice:
                assert status(await alice.outcome(alice.send("sips:bob@b.example.com"))) == 200
            ((_, flow),) = bob.phone.received
            assert (flow.transport, flow.peer_identity) == ("TLS", ("a.example.com",))

    run(scenario)


def test_a_user_is_known_by_the_name_in_a_certificate(tmp_path: Path) -> None:
    async def scenario() -> None:
        authority = Authority(tmp_path)
        bobs = authority.contexts("bob", sip_uri("b.example.com"), dns_name("h.example.com"))
        async with Element("TLS", tls=bobs) as bob:
            alices = authority.contexts("alice", sip_uri("alice@a.example.com"), sip_uri("a.example.com"))
            async with Element("TLS", tls=alices, resolver=tls_zone(bob.port("TLS"))) as alice:
                assert status(await alice.outcome(alice.send("sips:bob@b.example.com"))) == 200
            ((_, flow),) = bob.phone.received
            assert (flow.peer_users, flow.peer_identity) == (("sip:alice@a.example.com",), ("a.example.com",))

    run(scenario)


def test_a_server_that_is_somebody_else_gets_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        authority = Authority(tmp_path)
        bobs = authority.contexts("bob", dns_name("h.example.com"), dns_name("*.example.com"))
        async with Element("TLS", tls=bobs) as bob:
            alices = authority.contexts("alice")
            async with Element("TLS", tls=alices, resolver=tls_zone(bob.port("TLS"))) as alice:
                assert status(await alice.outcome(alice.send("sips:bob@b.example.com"))) == "transport"
            assert bob.phone.received == []

    run(scenario)


def test_an_address_in_the_certificate_stands_for_itself(tmp_path: Path) -> None:
    async def scenario() -> None:
        authority = Authority(tmp_path)
        bobs = authority.contexts("bob", x509.IPAddress(ipaddress.ip_address(HOST)))
        async with Element("TLS", tls=bobs) as bob, Element("TLS", tls=authority.contexts("alice")) as alice:
            assert status(await alice.outcome(alice.send(uri(bob, "TLS")))) == 200

    run(scenario)


def test_tls_needs_contexts() -> None:
    async def scenario() -> None:
        with pytest.raises(ValueError, match="TlsContexts"):
            await Element("TLS").transport.start()
        async with Element("TCP") as alice:
            assert status(await alice.outcome(alice.send(f"sips:bob@{HOST}"))) == "transport"

    run(scenario)


@pytest.mark.parametrize(
    ("certificate", "names"),
    [
        ({"subjectAltName": (("URI", "sip:Example.com"), ("DNS", "host.example.com"))}, ("example.com",)),
        ({"subjectAltName": (("URI", "sip:bob@example.com"), ("DNS", "host.example.com"))}, ("host.example.com",)),
        ({"subjectAltName": (("DNS", "a.example"), ("DNS", "b.example"))}, ("a.example", "b.example")),
        ({"subject": ((("commonName", "old.example"),),)}, ("old.example",)),
        ({"subject": ((("commonName", "old.example"),),), "subjectAltName": (("URI", "http://x"),)}, ()),
    ],
)
def test_the_domains_of_a_certificate(certificate: dict[str, object], names: tuple[str, ...]) -> None:
    assert certificate_identity(certificate) == names


def test_names_are_compared_letter_by_letter() -> None:
    certificate: dict[str, object] = {"subjectAltName": (("DNS", "*.example.com"), ("IP Address", "192.0.2.1"))}
    assert not proves(certificate, "a.example.com")
    assert proves(certificate, "192.0.2.1")
    assert not proves(certificate, "192.0.2.2")


# The rest ------------------------------------------------------------------------------------------------------------


def test_a_stream_is_cut_into_messages_wherever_it_is_split() -> None:
    message = b"MESSAGE sip:b@example.com SIP/2.0\r\nl: 4\r\n\r\nbody"
    bare = b"OPTIONS sip:b@example.com SIP/2.0\r\nVia: x\r\n\r\n"
    stream = message + b"\r\n\r\n" + bare + message
    for size in (1, 7, len(stream)):
        cutter = MessageCutter()
        cut = [each for at in range(0, len(stream), size) for each in cutter.cut(stream[at : at + size])]
        assert b"".join(cut) == stream
        assert [each for each in cut if each.strip()] == [message, bare, message]


def test_an_endless_header_is_shown_as_it_comes() -> None:
    cutter = MessageCutter()
    assert cutter.cut(b"x" * 300_000) == [b"x" * 300_000]


def test_live_entropy_differs_and_seeded_does_not() -> None:
    assert live_entropy().token(8) != live_entropy().token(8)
    assert SeededEntropy(b"1").token(8) == SeededEntropy(b"1").token(8)
