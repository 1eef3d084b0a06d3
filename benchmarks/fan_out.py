"""One participant joins a conference that a thousand follow over TCP: what that costs the Focus.

Run ``python benchmarks/fan_out.py``. A Focus without asyncio has its clients in the same process; the subscriptions are
those of one of them on connections of their own, each a real one on the loopback interface. The yardstick is to send
the same octets over the same connections and do nothing else. Figures are CPU time, the least of several joins.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import socket
import sys
import time
from collections.abc import Iterable
from types import FrameType

import c3p
import focus
import sip

DOMAIN = "example.com"
FOCUS = sip.Address("192.0.2.1", 5060)
#: Messages that are written before the event loop would look after others (`Endpoint.data_to_send`).
SLICE = 20


class Element:
    """One SIP element: an endpoint, its cores, and what it told."""

    def __init__(self, name: str, host: str) -> None:
        self.name, self.host = name, host
        self.entropy = sip.SeededEntropy(name.encode())
        config = sip.EndpointConfig(listen=(sip.Listen("TCP", host, 5060),), trusted_networks=("192.0.2.0/24",))
        self.endpoint = sip.Endpoint(config, entropy=self.entropy.child("endpoint"))
        self.pump = sip.Pump(self.endpoint, ())
        self.log: list[sip.Event] = []


class Site:
    """A Focus, two clients, and subscriptions whose other ends are sockets that nobody reads but the system."""

    def __init__(self, subscribers: int) -> None:
        self.now = 0.0
        self.numbers = itertools.count(1)
        self.ends: dict[int, tuple[Element, sip.Flow]] = {}
        self.sockets: dict[int, socket.socket] = {}  #: by flow of the Focus
        self.readers: list[socket.socket] = []
        self.subscribing = b""
        self.focus, self.bob = Element("focus", FOCUS.host), Element("bob", "192.0.2.11")
        alice = Element("alice", "192.0.2.10")
        store = focus.MemoryStore()
        settings = focus.FocusConfig(
            domain=DOMAIN,
            mcu_factory_url="http://factory.example.com/",
            callback_url="http://focus.example.com/",
            max_subscriptions=subscribers + 2,
            max_subscriptions_per_user=subscribers + 2,
        )
        machine = focus.Focus(self.focus.endpoint, settings, store=store, entropy=self.focus.entropy.child("focus"))
        factory = focus.FocusFactory(
            self.focus.endpoint, focus.FactoryConfig(domain=DOMAIN), store=store, entropy=self.focus.entropy.child("f")
        )
        self.focus.pump = sip.Pump(self.focus.endpoint, (machine, factory))
        self.elements = (self.focus, alice, self.bob)
        self.clients = [self._client(each) for each in (alice, self.bob)]
        presenter = self.clients[0]
        presenter.create_conference(now=self.now)
        self.settle()
        created = next(event for event in alice.log if isinstance(event, focus.ConferenceCreated))
        self.uri = created.conference_uri
        presenter.join(self.uri, now=self.now)
        self.settle()
        presenter.subscribe(now=self.now)
        self.settle()
        for number in range(subscribers - 1):
            self._subscribe(number)

    def _client(self, element: Element) -> focus.Client:
        proxy = sip.Uri.parse(f"sip:{FOCUS};transport=tcp")
        config = focus.ClientConfig(aor=f"sip:{element.name}@{DOMAIN}", outbound_proxy=proxy)
        client = focus.Client(element.endpoint, config, entropy=element.entropy.child("client"))
        element.pump = sip.Pump(element.endpoint, (client,))
        return client

    def _subscribe(self, number: int) -> None:
        """The SUBSCRIBE of the presenter once more, from another device: on its own connection, in its own dialog."""
        message = sip.parse_message(self.subscribing)
        assert isinstance(message, sip.Request)
        again = message.evolve(
            set={
                "Via": f"SIP/2.0/TCP 192.0.2.10:5060;branch=z9hG4bKagain{number}",
                "Call-ID": f"again-{number}@192.0.2.10",
                "From": f"<sip:alice@{DOMAIN}>;tag=again{number};epid={number:010x}",
            }
        )
        flow = sip.Flow(next(self.numbers), "TCP", FOCUS, sip.Address("192.0.2.10", 10_000 + number))
        here, there = loopback()
        self.sockets[flow.id] = here
        self.readers.append(there)
        self.take(self.focus, self.focus.pump.receive_data(bytes(again), flow=flow, now=self.now))
        answer = self.focus.pump.data_to_send()[0].data
        assert answer.startswith(b"SIP/2.0 200 "), answer

    def take(self, element: Element, events: Iterable[sip.Event]) -> None:
        """Answer the questions of an endpoint; keep the rest."""
        for event in events:
            if isinstance(event, sip.ConnectWanted):
                here = sip.Address(element.host, 40_000 + next(self.numbers))
                flow = sip.Flow(next(self.numbers), "TCP", here, FOCUS)
                back = sip.Flow(next(self.numbers), "TCP", FOCUS, here)
                self.ends[flow.id], self.ends[back.id] = (self.focus, back), (element, flow)
                opened = element.endpoint.flow_opened(event.id, flow, now=self.now)
                self.take(element, element.pump.settle(opened, now=self.now))
            else:
                element.log.append(event)

    def carry(self, out: sip.Transmit) -> None:
        """One message to a subscriber, or to whom it is for in this process."""
        connection = self.sockets.get(out.flow.id)
        if connection is not None:
            connection.send(out.data)
            return
        reader, flow = self.ends[out.flow.id]
        if out.data.startswith(b"SUBSCRIBE"):
            self.subscribing = out.data
        self.take(reader, reader.pump.receive_data(out.data, flow=flow, now=self.now))

    def settle(self) -> None:
        """Carry bytes until nobody has anything to say."""
        moved = True
        while moved:
            moved = False
            for element in self.elements:
                self.take(element, element.pump.settle(now=self.now))
                for out in element.pump.data_to_send():
                    self.carry(out)
                    moved = True

    def drain(self) -> None:
        """Read what the subscribers were sent."""
        for reader in self.readers:
            while True:
                try:
                    reader.recv(1 << 16)
                except BlockingIOError:
                    break


def loopback() -> tuple[socket.socket, socket.socket]:
    """Both ends of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = socket.create_connection(server.getsockname())
        there, _ = server.accept()
    for each in (here, there):
        each.setblocking(False)
    return here, there


class Join:
    """One participant's way in, step by step as an event loop would take them, and what it sent to the subscribers."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.steps: list[float] = []  #: seconds of CPU of the Focus and its sending, one step of the loop each
        self.sent: list[tuple[socket.socket, bytes]] = []

    def run(self) -> None:
        """Let the second client in."""
        site, bob = self.site, self.site.bob
        site.clients[1].join(site.uri, now=site.now)
        site.take(bob, bob.pump.settle(now=site.now))
        while unsent := bob.pump.data_to_send():
            for out in unsent:
                self._give(out)
            site.take(bob, bob.pump.settle(now=site.now))
        assert any(isinstance(event, focus.Joined) for event in bob.log)

    def _give(self, out: sip.Transmit) -> None:
        """Have the Focus take one message, and send what it has to."""
        site, pump = self.site, self.site.focus.pump
        flow = site.ends[out.flow.id][1]
        began = time.process_time()
        site.take(site.focus, pump.receive_data(out.data, flow=flow, now=site.now))
        self.steps.append(time.process_time() - began)
        while True:
            to_clients = []
            began = time.process_time()
            unsent = pump.data_to_send(SLICE)
            for each in unsent:
                connection = site.sockets.get(each.flow.id)
                if connection is None:
                    to_clients.append(each)
                else:
                    connection.send(each.data)
                    self.sent.append((connection, each.data))
            self.steps.append(time.process_time() - began)
            for each in to_clients:
                site.carry(each)
            if not unsent:
                return


def leave(site: Site) -> None:
    """Let the second client out again."""
    site.clients[1].leave(now=site.now)
    site.take(site.bob, site.bob.pump.settle(now=site.now))
    site.settle()
    site.bob.log.clear()
    site.drain()


def bare(sent: list[tuple[socket.socket, bytes]]) -> float:
    """Seconds of CPU that it takes only to send the same."""
    began = time.process_time()
    for connection, data in sent:
        connection.send(data)
    return time.process_time() - began


def documents(site: Site) -> int:
    """How often a document of the roster is serialised for one join."""
    found = 0
    code = c3p.ConferenceInfo.__bytes__.__code__

    def look(frame: FrameType, event: str, _: object) -> None:
        nonlocal found
        found += event == "call" and frame.f_code is code

    sys.setprofile(look)
    Join(site).run()
    sys.setprofile(None)
    leave(site)
    return found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subscribers", type=int, default=1_000)
    parser.add_argument("--joins", type=int, default=7, help="the cheapest counts")
    options = parser.parse_args()
    wanted = 2 * options.subscribers + 100
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    site = Site(options.subscribers)
    site.drain()
    print(f"serialised {documents(site)} times for a join")
    ours, theirs, longest, messages, octets = [], [], [], 0, 0
    for _ in range(options.joins):
        join = Join(site)
        join.run()
        messages, octets = len(join.sent), sum(len(data) for _, data in join.sent)
        site.drain()
        theirs.append(bare(join.sent))
        site.drain()
        ours.append(sum(join.steps))
        longest.append(max(join.steps))
        leave(site)
    least, bound = min(ours), min(theirs)
    print(f"{messages:,} messages of {octets // max(messages, 1):,} octets to {options.subscribers:,} subscribers")
    print(f"the Focus, sending included  {least * 1e3:8.1f} ms, {least / max(messages, 1) * 1e6:6.1f} us each")
    print(f"sending alone                {bound * 1e3:8.1f} ms, {bound / max(messages, 1) * 1e6:6.1f} us each")
    print(f"times                        {least / bound:8.1f}")
    print(f"longest step of the loop     {min(longest) * 1e3:8.1f} ms")


if __name__ == "__main__":
    main()
