"""The example with records in an SQLite file, in a process of its own, with a client over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

from focus import Client, ClientConfig, CommandFailed, ConferenceCreated, Joined, JoinFailed, Left
from sip import Endpoint, EndpointConfig, Event, Listen, Pump, Uri
from sip.aio import SipTransport, live_entropy, wall_clock

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "sqlite_records.py"
E = TypeVar("E", bound=Event)


@contextlib.asynccontextmanager
async def running(database: Path) -> AsyncIterator[str]:
    """The example, and where it listens; in the end it stops as told."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(EXAMPLE, database, "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PYTHONPATH": str(EXAMPLE.parent.parent)},
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
        process.send_signal(signal.SIGTERM)
        said = (await process.stdout.read()).decode()
        assert await process.wait() == 0, said
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class Person:
    """A client on its own sockets."""

    def __init__(self, name: str, server: str) -> None:
        entropy = live_entropy()
        listen = (Listen("TCP", "127.0.0.1", 0),)
        endpoint = Endpoint(EndpointConfig(listen=listen), entropy=entropy, wall_clock=wall_clock())
        config = ClientConfig(aor=f"sip:{name}@example.com", outbound_proxy=Uri.parse(server))
        self.client = Client(endpoint, config, entropy=entropy.child("client"))
        self.events: list[Event] = []
        self.happened = asyncio.Event()
        self.transport = SipTransport(Pump(endpoint, [self.client]), on_events=self._take)

    def _take(self, events: list[Event]) -> None:
        self.events += events
        self.happened.set()

    async def did(self, command: Callable[..., object], *given: object, expect: tuple[type[Event], ...]) -> Event:
        """Give a command, and wait for what it comes to."""
        command(*given, now=self.transport.now)
        self.transport.kick()
        while True:
            self.happened.clear()
            for event in self.events:
                if isinstance(event, expect):
                    self.events.clear()
                    return event
            await self.happened.wait()


def test_records_outlive_the_program_that_wrote_them(tmp_path: Path) -> None:
    async def scenario() -> None:
        database = tmp_path / "records.db"
        async with running(database) as server:
            alice = Person("alice", server)
            await alice.transport.start()
            created = await alice.did(alice.client.create_conference, expect=(ConferenceCreated, CommandFailed))
            assert isinstance(created, ConferenceCreated)
            await alice.transport.stop()
        async with running(database) as server:
            bob = Person("bob", server)
            await bob.transport.start()
            joined = await bob.did(bob.client.join, created.conference_uri, expect=(Joined, JoinFailed))
            assert isinstance(joined, Joined)
            await bob.did(bob.client.leave, expect=(Left,))
            nowhere = await bob.did(bob.client.join, created.conference_uri + "F", expect=(Joined, JoinFailed))
            assert isinstance(nowhere, JoinFailed)
            assert nowhere.status == 404
            await bob.transport.stop()

    asyncio.run(asyncio.wait_for(scenario(), 60.0))
