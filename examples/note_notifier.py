"""A presence-like notifier: everybody has a note, a MESSAGE changes it, and whoever subscribed is told.

Run: python examples/note_notifier.py serve 127.0.0.1:5070
     python examples/note_notifier.py watch 127.0.0.1:5070 alice
     python examples/note_notifier.py write 127.0.0.1:5070 alice "out for lunch"
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict

from sip import (
    Claim,
    Endpoint,
    EndpointConfig,
    Event,
    Listen,
    NotifyReceived,
    Pump,
    RequestFailed,
    RequestReceived,
    ResponseReceived,
    SubscribeReceived,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionId,
)
from sip.aio import SipTransport, live_entropy

PACKAGE, DOCUMENT = "presence", "text/plain"
ME = "<sip:note@example.com>"


class Quiet:
    """What a core without timers and without events of its own has in common with others."""

    owner = "note"

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        endpoint.add_core(
            self.owner,
            lambda request, flow: True,
            claim=Claim.ELEMENT,
            methods=("SUBSCRIBE", "MESSAGE"),
            events=(PACKAGE,),
        )

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, *, now: float) -> list[Event]:
        return []

    def take_events(self) -> list[Event]:
        return []


class Notifier(Quiet):
    """Keeps notes, and who wants to know."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._notes: defaultdict[str, bytes] = defaultdict(bytes)
        self._watched: dict[SubscriptionId, str] = {}

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        if isinstance(event, SubscribeReceived):
            user = event.request.uri.user or ""
            if event.initial:
                self._watched[event.subscription] = user
            self.endpoint.accept_subscription(event.subscription, now=now)
            self._tell(event.subscription, now)  # every SUBSCRIBE is answered by a NOTIFY (RFC 6665 section 4.2.1.2)
        elif isinstance(event, SubscriptionEnded):
            self._watched.pop(event.subscription, None)
        elif isinstance(event, RequestReceived) and event.transaction is not None:
            user = event.request.uri.user or ""
            self._notes[user] = event.request.body
            self.endpoint.respond(event.transaction, 200, now=now)
            for subscription, watched in list(self._watched.items()):
                if watched == user:
                    self._tell(subscription, now)
        return []

    def _tell(self, subscription: SubscriptionId, now: float) -> None:
        if subscription in self._watched:
            note = self._notes[self._watched[subscription]]
            self.endpoint.notify(subscription, body=note, content_type=DOCUMENT, now=now)


class Watcher(Quiet):
    """Prints what it is told, until nothing more can come."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.done = asyncio.Event()

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        if isinstance(event, NotifyReceived):
            print(f"{event.state}: {event.body.decode()!r}", flush=True)
        elif isinstance(event, SubscriptionEnded | SubscriptionFailed | ResponseReceived | RequestFailed):
            print(type(event).__name__, flush=True)
            self.done.set()
        return []


async def main(what: str, place: str, user: str = "", note: str = "") -> None:
    host, _, port = place.rpartition(":")
    listen = Listen("UDP", host, int(port) if what == "serve" else 0)
    endpoint = Endpoint(EndpointConfig(listen=(listen,)), entropy=live_entropy())
    core = Notifier(endpoint) if what == "serve" else Watcher(endpoint)
    transport = SipTransport(Pump(endpoint, [core]))
    await transport.start()
    target, now = f"sip:{user}@{place}", transport.now
    if what == "watch":
        endpoint.subscribe(core.owner, target, event=PACKAGE, from_=ME, to=f"<{target}>", expires=600, now=now)
    elif what == "write":
        body = note.encode()
        endpoint.request(
            core.owner, "MESSAGE", target, from_=ME, to=f"<{target}>", body=body, content_type=DOCUMENT, now=now
        )
    transport.kick()
    print(f"{what} at {place}", flush=True)
    await (core.done if isinstance(core, Watcher) else asyncio.Event()).wait()
    await transport.stop()


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:5]))
    except KeyboardInterrupt:
        print("stopped")
