"""One element in a process: what happens at its edges."""

import asyncio
import errno
from collections.abc import Callable, Coroutine

import attrs
import pytest

import c3p
from mcu import LegId, MediaPortReleased, MediaPortWanted
from pyc3p import Recording, Trace
from pyc3p.element import Address, Element, Outgoing
from pyc3p.elements import event_loop
from pyc3p.elements.node import HttpSettings, Node
from pyc3p.problems import Problem, port_problem
from rtp.aio import MediaPortsConfig
from sip import Event

CONF = "sip:ann@example.com;gruu;opaque=app:conf:focus:id:0123456789ABCDEF"


@attrs.define(eq=False)
class Machine:
    """Everything that a node can drive, without SIP."""

    due: float | None = None
    fired: list[float] = attrs.Factory(list)
    outbox: list[c3p.Exchange] = attrs.Factory(list)
    outcomes: list[object] = attrs.Factory(list)
    ports: list[Address] = attrs.Factory(list)
    heard: list[bytes] = attrs.Factory(list)
    sounds: list[Outgoing] = attrs.Factory(list)
    told: list[Event] = attrs.Factory(list)

    def next_timeout(self) -> float | None:
        return self.due

    def handle_timeout(self, *, now: float) -> list[Event]:
        self.due = None
        self.fired.append(now)
        return []

    def take_events(self) -> list[Event]:
        taken, self.told = self.told, []
        return taken

    def c3p_to_send(self) -> list[c3p.Exchange]:
        taken, self.outbox = self.outbox, []
        return taken

    def receive_reply(self, exchange_id: int, reply: c3p.Reply, *, now: float) -> list[Event]:
        self.outcomes.append(reply.status)
        return [Event(owner="reply")]

    def exchange_failed(self, exchange_id: int, reason: c3p.ExchangeFailure, *, now: float) -> list[Event]:
        self.outcomes.append(reason)
        return [Event(owner="failure")]

    def receive_c3p(self, document: object, *, peer: str, now: float) -> c3p.Reply:
        assert isinstance(document, c3p.Request)
        self.outcomes.append(peer)
        self.told.append(Event(owner="asked"))
        return c3p.Reply(200, document.respond(c3p.Code.SUCCESS))

    def media_opened(self, leg: LegId, *, rtp: Address, rtcp: Address, advertised: str, now: float) -> list[Event]:
        self.ports += [rtp, rtcp]
        return [Event(owner=advertised)]

    def media_failed(self, leg: LegId, reason: str, *, now: float) -> list[Event]:
        return [Event(owner="no ports")]

    def receive_media(self, batch) -> list[Event]:
        self.heard += [data for _, _, data, _, _ in batch]
        return [Event(owner="heard")]

    def tick(self, now: float) -> list[Outgoing]:
        taken, self.sounds = self.sounds, []
        return taken

    def next_tick(self) -> float | None:
        return 0.0 if self.sounds else None


def exchange(url: str) -> c3p.Exchange:
    request = c3p.Request(request_id="1", from_=CONF, to="mcu", command=c3p.GetMcuHealth())
    return c3p.Exchange(1, url, request, timeout=2.0)


def node(machine: Machine, **more: object) -> Node:
    element = Element.of("one", services={"/x": machine}, others=[machine])
    return Node(element, **more)  # type: ignore[arg-type]


def test_timers_fire_and_events_are_told() -> None:
    machine = Machine()

    async def scenario() -> None:
        one = node(machine)
        await one.start()
        machine.due = one.now + 0.02
        machine.told.append(Event(owner="told"))
        one.kick()
        assert [event.owner for event in one.events] == ["told"]
        await asyncio.sleep(0.1)
        await one.stop()
        await one.stop()
        one.kick()

    asyncio.run(scenario())
    assert len(machine.fired) == 1


@pytest.mark.parametrize("run", [asyncio.run, event_loop.run])
def test_what_is_due_already_is_done_at_once_on_any_loop(run: Callable[[Coroutine[None, None, None]], None]) -> None:
    machine = Machine()

    async def scenario() -> None:
        one = node(machine)
        await one.start()
        machine.due = one.now - 1.0
        one.kick()
        one.kick()
        await asyncio.sleep(0.1)
        await one.stop()

    run(scenario())
    assert len(machine.fired) == 1


def test_documents_are_posted_and_answered() -> None:
    asked, asking, recording = Machine(), Machine(), Recording()

    async def scenario() -> None:
        trace = Trace(readers=[recording])
        server = node(asked, http=HttpSettings(secret="a", known={"b": "other"}), trace=trace.element("server"))
        await server.start()
        port = server._server.port  # type: ignore[union-attr]
        client = node(asking, http=HttpSettings(secret="b"), trace=trace.element("client"))
        await client.start()
        asking.outbox.append(exchange(f"http://127.0.0.1:{port}/x"))
        client.kick()
        await client.wait_for(lambda: bool(asking.outcomes), 5.0, "the answer")
        await server.wait_for(lambda: bool(server.events), 5.0, "what it set in motion")
        await client.stop()
        await server.stop()

    asyncio.run(scenario())
    assert asking.outcomes == [200]
    assert asked.outcomes == ["other"]
    assert [record.layer for record in recording] == ["http", "http"]


def test_without_http_nothing_can_be_posted() -> None:
    machine = Machine()

    async def scenario() -> None:
        one = node(machine)
        await one.start()
        machine.outbox.append(exchange("http://127.0.0.1:9/x"))
        one.kick()
        await one.wait_for(lambda: bool(one.events), 5.0, "the failure")
        await one.stop()

    asyncio.run(scenario())
    assert machine.outcomes == [c3p.ExchangeFailure.CONNECT]


def test_media_ports_open_carry_and_close() -> None:
    machine = Machine()

    async def scenario() -> None:
        one = node(machine, media=MediaPortsConfig(port_range=(43_300, 43_301)), advertise="192.0.2.1")
        await one.start()
        machine.told.append(MediaPortWanted(owner="", leg=LegId(1)))
        one.kick()
        assert one.events[-1].owner == "192.0.2.1"
        machine.sounds.append((LegId(1), "rtp", b"sound", machine.ports[0]))
        one.kick()
        await one.wait_for(lambda: bool(machine.heard), 5.0, "its own sound")
        machine.told.append(MediaPortWanted(owner="", leg=LegId(2)))
        one.kick()
        assert one.events[-1].owner == "no ports"
        machine.told.append(MediaPortReleased(owner="", leg=LegId(1)))
        machine.told.append(MediaPortWanted(owner="", leg=LegId(3)))
        one.kick()
        assert one.events[-1].owner == "192.0.2.1"
        await one.stop()

    asyncio.run(scenario())
    assert machine.heard == [b"sound"]


def test_what_does_not_happen_is_a_problem() -> None:
    async def scenario() -> None:
        one = node(Machine())
        with pytest.raises(Problem, match=r"the impossible did not happen within 0\.01 s"):
            await one.wait_for(lambda: False, 0.01, "the impossible")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EADDRINUSE, "or another program; stop it or choose another with --p"),
        (errno.EACCES, "port 80 needs more rights; choose one above 1023 with --p"),
        (errno.EADDRNOTAVAIL, "h is no address of this machine; choose one with --host"),
        (errno.EMFILE, "cannot listen on h port 80: too many"),
    ],
)
def test_a_listener_that_cannot_be_opened_is_explained(number: int, words: str) -> None:
    problem = port_problem("x", "h", 80, "--p", OSError(number, "too many"))
    assert words in str(problem)
