"""One endpoint of ours over real sockets, and one sipp that plays the other side of a usage."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, Self, TypeVar

import attrs

from sip import Claim, Endpoint, EndpointConfig, Event, Listen, Pump, RequestId, SessionId, SubscriptionId
from sip.aio import SipTransport, live_entropy
from tests.interop.programs import HOST, free_port, require

SCENARIOS = Path(__file__).parent / "scenarios" / "usages"
E = TypeVar("E", bound=Event)
ME, PEER = "<sip:alice@example.com>", "<sip:bob@example.com>"
#: From of our requests: the scenarios know the tag.
ME_TAGGED = f"{ME};tag=alice"
SDP = "application/sdp"
STEP = 8.0  #: seconds that any step may take

METHODS = ("INVITE", "UPDATE", "INFO", "MESSAGE", "PUBLISH", "SUBSCRIBE", "REFER")


def description(direction: str = "sendrecv") -> bytes:
    """A session description of ours; nobody sends media in these tests."""
    lines = ("v=0", f"o=alice 1 1 IN IP4 {HOST}", "s=-", f"c=IN IP4 {HOST}", "t=0 0", "m=audio 40000 RTP/AVP 0")
    return "\r\n".join((*lines, f"a={direction}", "")).encode()


class Alice:
    """Our side: remembers what was reported, and reacts to it as told. Timers are a tenth of the usual ones."""

    owner = "alice"

    def __init__(self, transport: str = "UDP", host: str = HOST, **settings: Any) -> None:
        self.transport = transport
        self.host = host
        self.port = free_port()
        listen = (Listen("UDP", host, self.port), Listen("TCP", host, self.port))
        config = EndpointConfig(listen=listen, t1=0.05, t2=0.4, t4=0.5, min_se=2, min_subscription=2)
        self.endpoint = Endpoint(attrs.evolve(config, **settings), entropy=live_entropy())
        self.endpoint.add_core(
            self.owner,
            lambda request, flow: True,
            claim=Claim.ELEMENT,
            methods=METHODS,
            supported=("replaces", "join"),
            events=("presence",),
        )
        self.events: list[Event] = []
        self._reactions: list[Callable[[Event], object]] = []
        self._moved = asyncio.Event()
        self._sent: list[bytes] = []
        self._transport = SipTransport(Pump(self.endpoint, [self]), trace=self)

    async def __aenter__(self) -> Self:
        await self._transport.start()
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self._transport.stop()

    # What the core of an application does

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        self.events.append(event)
        for reaction in self._reactions:
            reaction(event)
        self._moved.set()
        return []

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, *, now: float) -> list[Event]:
        return []

    def take_events(self) -> list[Event]:
        return []

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
        if destination[1] != self.port and source[1] == self.port:
            self._sent.append(data)

    # What the tests do

    def sent(self, start: bytes) -> int:
        """How many messages that begin so went out of our port."""
        return sum(data.startswith(start) for data in self._sent)

    @property
    def now(self) -> float:
        return self._transport.now

    def kick(self) -> None:
        self._transport.kick()

    def on(self, kind: type[E], reaction: Callable[[E], object]) -> None:
        """Do something whenever an event of a kind comes."""
        self._reactions.append(lambda event: reaction(event) if isinstance(event, kind) else None)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def seen(self, kind: type[E], count: int = 1) -> E:
        """Wait for the event of a kind that makes it ``count`` of them."""

        async def wait() -> None:
            while len(self.of(kind)) < count:
                self._moved.clear()
                await self._moved.wait()

        try:
            await asyncio.wait_for(wait(), STEP)
        except TimeoutError:
            raise AssertionError(f"{count} {kind.__name__} did not come: {self.events}") from None
        return self.of(kind)[count - 1]

    async def quiet(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    def invite(self, target: str, *, offer: bool = True, session_expires: int | None = None) -> SessionId:
        session = self.endpoint.invite(
            self.owner,
            target,
            from_=ME_TAGGED,
            to=PEER,
            body=description() if offer else b"",
            content_type=SDP if offer else None,
            session_expires=session_expires,
            now=self.now,
        )
        self.kick()
        return session

    def accept(self, session: SessionId, *, session_expires: int | None = None) -> None:
        self.endpoint.accept(
            session, body=description(), content_type=SDP, session_expires=session_expires, now=self.now
        )

    def bye(self, session: SessionId) -> None:
        self.endpoint.bye(session, now=self.now)
        self.kick()

    def ask(
        self,
        target: str,
        method: str,
        cseq: int,
        *headers: tuple[str, str],
        body: bytes = b"",
        content_type: str | None = None,
    ) -> RequestId:
        """Send a request outside of dialogs; all of one test are one call for sipp."""
        request_id = self.endpoint.request(
            self.owner,
            method,
            target,
            from_=ME_TAGGED,
            to=PEER,
            headers=headers,
            body=body,
            content_type=content_type,
            call_id="asking",
            cseq=cseq,
            now=self.now,
        )
        self.kick()
        return request_id

    def subscribe(self, target: str, expires: int) -> SubscriptionId:
        subscription = self.endpoint.subscribe(
            self.owner,
            target,
            event="presence",
            accept=("text/plain",),
            expires=expires,
            from_=ME_TAGGED,
            to=PEER,
            now=self.now,
        )
        self.kick()
        return subscription


def play(talk: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run a test; where sipp is missing there is nothing that would have to be awaited."""
    require("sipp")
    asyncio.run(talk())


@contextlib.asynccontextmanager
async def bob(scenario: str, folder: Path, alice: Alice, *options: str) -> AsyncIterator[str]:
    """sipp with a scenario that calls ``alice`` or is called by her; gives its URI.

    The scenario must have been played to its end, without unexpected messages, when the block is left.
    """
    port, errors = free_port(), folder / f"{scenario}.errors"
    mode = {"UDP": "u1", "TCP": "t1"}[alice.transport]
    here = f"[{alice.host}]" if ":" in alice.host else alice.host
    command = ["sipp", "-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", alice.host, "-p", str(port), "-t", mode]
    command += ["-m", "1", "-nostdin", "-timeout", "20", "-timeout_error", "-trace_err", "-error_file", str(errors)]
    command += [*options, f"{here}:{alice.port}"]
    with (folder / f"{scenario}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        await taken(alice.host, port, alice.transport)
        yield f"sip:bob@{here}:{port};transport={alice.transport.lower()}"
        status = await asyncio.wait_for(process.wait(), STEP)
        assert status == 0, errors.read_text() if errors.exists() else f"sipp ended with {status}"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def taken(host: str, port: int, transport: str) -> None:
    """Until somebody listens on a port of ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    kind = socket.SOCK_DGRAM if transport == "UDP" else socket.SOCK_STREAM
    for _ in range(500):
        with socket.socket(family, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                return
        await asyncio.sleep(0.01)
    raise AssertionError(f"nobody listens on {transport} port {port}")
