"""Tell watchers how somebody is: a notifier (RFC 6665, RFC 3856), and a watcher.

Run: .venv/bin/python examples/notifier.py sip:alice@example.com --host 192.0.2.10
     and type a new state in each line; elsewhere
     .venv/bin/python examples/notifier.py --watch "sip:alice@192.0.2.10;transport=tcp"
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from lxml import etree

from sip import (
    Claim,
    Endpoint,
    EndpointConfig,
    Event,
    Listen,
    NotifyReceived,
    Pump,
    SubscribeReceived,
    SubscriptionAccepted,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionId,
)
from sip.aio import SipTransport, live_entropy

PIDF = "application/pidf+xml"
NAMESPACE = "urn:ietf:params:xml:ns:pidf"


def document(entity: str, note: str) -> bytes:
    """A presence document (RFC 3863)."""
    root = etree.Element(f"{{{NAMESPACE}}}presence", {"entity": entity})
    tuple_ = etree.SubElement(root, f"{{{NAMESPACE}}}tuple", {"id": "desk"})
    status = etree.SubElement(tuple_, f"{{{NAMESPACE}}}status")
    etree.SubElement(status, f"{{{NAMESPACE}}}basic").text = "open"
    etree.SubElement(tuple_, f"{{{NAMESPACE}}}note").text = note
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def note_of(body: bytes) -> str:
    """The note in a presence document of a peer."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        return (
            etree.fromstring(body, parser).findtext(f".//{{{NAMESPACE}}}note")
            or "nothing"
        )
    except etree.XMLSyntaxError:
        return "nothing that can be read"


class Patient:
    """A core without timers of its own."""

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, *, now: float) -> list[Event]:
        return []

    def take_events(self) -> list[Event]:
        return []


class Notifier(Patient):
    """Has one state, and tells it to everybody who subscribed."""

    owner = "notifier"

    def __init__(self, endpoint: Endpoint, entity: str) -> None:
        self._endpoint, self._entity, self._note = endpoint, entity, "here"
        self._watchers: set[SubscriptionId] = set()
        mine, package = ("SUBSCRIBE",), ("presence",)
        endpoint.add_core(
            self.owner,
            lambda request, flow: True,
            claim=Claim.ELEMENT,
            methods=mine,
            events=package,
        )

    @property
    def is_watched(self) -> bool:
        return bool(self._watchers)

    def change(self, note: str, *, now: float) -> None:
        self._note = note
        for watcher in sorted(self._watchers):
            self._tell(watcher, now)

    def close(self, *, now: float) -> None:
        """End all subscriptions."""
        for watcher in sorted(self._watchers):
            self._endpoint.end_subscription(watcher, reason="noresource", now=now)

    def _tell(self, watcher: SubscriptionId, now: float) -> None:
        self._endpoint.notify(
            watcher, body=document(self._entity, self._note), content_type=PIDF, now=now
        )

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        match event:
            case SubscribeReceived():
                # An unknown package and too short a time are answered by the endpoint.
                self._endpoint.accept_subscription(event.subscription, now=now)
                if event.initial:
                    print(f"{event.request.from_.uri} watches", flush=True)
                    self._watchers.add(event.subscription)
                self._tell(event.subscription, now)
            case SubscriptionEnded():
                print(f"a watcher left: {event.reason}", flush=True)
                self._watchers.discard(event.subscription)
        return []


class Watcher(Patient):
    """Subscribes, and prints what it is told; the endpoint refreshes."""

    owner = "watcher"

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint, self._subscription = endpoint, SubscriptionId(0)
        self.over = asyncio.Event()
        endpoint.add_core(
            self.owner, lambda request, flow: True, claim=Claim.ELEMENT, methods=()
        )

    def watch(self, target: str, expires: int, *, now: float) -> None:
        self._subscription = self._endpoint.subscribe(
            self.owner,
            target,
            event="presence",
            accept=(PIDF,),
            expires=expires,
            from_="<sip:watcher@example.com>",
            to=f"<{target}>",
            now=now,
        )

    def leave(self, *, now: float) -> None:
        self._endpoint.unsubscribe(self._subscription, now=now)

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        match event:
            case SubscriptionAccepted():
                print(f"subscribed for {event.expires} s", flush=True)
            case NotifyReceived() if event.body:
                print(f"{event.state}: {note_of(event.body)}", flush=True)
            case SubscriptionFailed():
                print(f"refused: {event.status or 'no answer'}", flush=True)
                self.over.set()
            case SubscriptionEnded():
                print(f"ended: {event.reason}", flush=True)
                self.over.set()
        return []


async def typed() -> asyncio.StreamReader:
    """Standard input, without blocking."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


async def notify(transport: SipTransport, notifier: Notifier) -> None:
    """Tell every line of standard input; its end ends all subscriptions."""
    lines = await typed()
    while line := await lines.readline():
        notifier.change(line.decode().strip(), now=transport.now)
        transport.kick()
    notifier.close(now=transport.now)
    transport.kick()
    while notifier.is_watched:  # not for long: who does not answer counts as gone
        await asyncio.sleep(0.05)


async def watch(
    transport: SipTransport, watcher: Watcher, given: argparse.Namespace
) -> None:
    """Watch until the notifier ends it, or for the time that was asked for."""
    watcher.watch(given.uri, given.expires, now=transport.now)
    transport.kick()
    try:
        await asyncio.wait_for(watcher.over.wait(), given.seconds)
    except TimeoutError:
        watcher.leave(now=transport.now)
        transport.kick()
        await watcher.over.wait()


async def main(given: argparse.Namespace) -> None:
    listen = (
        Listen("UDP", given.host, given.port),
        Listen("TCP", given.host, given.port),
    )
    endpoint = Endpoint(EndpointConfig(listen=listen), entropy=live_entropy())
    core = Watcher(endpoint) if given.watch else Notifier(endpoint, given.uri)
    transport = SipTransport(Pump(endpoint, [core]))
    await transport.start()
    try:
        if isinstance(core, Watcher):
            await watch(transport, core, given)
        else:
            print(
                *(
                    f"sip:{at.host}:{at.port};transport={at.transport.lower()}"
                    for at in endpoint.listen
                ),
                flush=True,
            )
            await notify(transport, core)
    finally:
        await transport.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Tell or watch how somebody is.")
    parser.add_argument(
        "uri", help="whose state is told, or with --watch where to subscribe"
    )
    parser.add_argument("--watch", action="store_true", help="subscribe instead")
    parser.add_argument("--host", default="127.0.0.1", help="own address (127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="own SIP port (any)")
    parser.add_argument(
        "--expires",
        type=int,
        default=600,
        help="seconds to subscribe for, refreshed (600)",
    )
    parser.add_argument("--seconds", type=float, help="stop watching after this time")
    asyncio.run(main(parser.parse_args()))
