"""A Focus and two clients in one process, without asyncio and without a socket.

This is all that a server has to do to embed the Focus over a transport of its own: hand
bytes to a pump with `receive_data`, send what `data_to_send` returns, answer
`ConnectWanted` with a flow, call `handle_timeout` when `next_timeout` says so, and
carry the C3P exchanges of the Focus over HTTP. Here the "network" is a dictionary, and
the MCU a function that answers as one would.

Run: .venv/bin/python examples/embed_focus.py
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import c3p
import focus
import sip

DOMAIN = "example.com"
FOCUS_ADDRESS = sip.Address("192.0.2.1", 5060)
PHONE = "sip:phone@example.org"


class Element:
    """One SIP element: an endpoint, its cores, and the pump that drives them."""

    def __init__(self, name: str, host: str) -> None:
        self.name = name
        self.address = sip.Address(host, 5060)
        self.entropy = sip.SeededEntropy(
            name.encode()
        )  # live, the seed comes from `secrets`
        listen = (sip.Listen("TCP", host, 5060),)
        self.endpoint = sip.Endpoint(
            sip.EndpointConfig(listen=listen), entropy=self.entropy.child("endpoint")
        )
        self.pump = sip.Pump(self.endpoint, ())
        self.log: list[sip.Event] = []

    def run(self, *cores: sip.Core) -> None:
        """Drive these cores from now on."""
        self.pump = sip.Pump(self.endpoint, cores)


class Wire:
    """Connects elements by address, carries their bytes; a real one has sockets."""

    def __init__(self, *elements: Element) -> None:
        self.now = 0.0
        self.elements = {element.address: element for element in elements}
        self.ends: dict[
            int, tuple[Element, sip.Flow]
        ] = {}  #: flow -> who reads it, and under which flow
        self.numbers = itertools.count(1)

    def take(self, element: Element, events: Iterable[sip.Event]) -> None:
        """Answer the questions of an endpoint; the rest is for the application."""
        for event in events:
            if isinstance(event, sip.ConnectWanted):
                flow = self.connect(
                    element, sip.Address(event.destination.host, event.destination.port)
                )
                opened = element.endpoint.flow_opened(event.id, flow, now=self.now)
                self.take(element, element.pump.settle(opened, now=self.now))
            else:
                element.log.append(event)

    def connect(self, element: Element, address: sip.Address) -> sip.Flow:
        """A connection from an element to an address."""
        here = sip.Address(element.address.host, 40_000 + next(self.numbers))
        flow = sip.Flow(next(self.numbers), "TCP", here, address)
        back = sip.Flow(next(self.numbers), "TCP", address, here)
        self.ends[flow.id], self.ends[back.id] = (
            (self.elements[address], back),
            (element, flow),
        )
        return flow

    def settle(self) -> None:
        """Carry bytes until nobody has anything to say."""
        moved = True
        while moved:
            moved = False
            for element in self.elements.values():
                self.take(element, element.pump.settle(now=self.now))
                for out in element.pump.data_to_send():
                    reader, flow = self.ends[out.flow.id]
                    self.take(
                        reader,
                        reader.pump.receive_data(out.data, flow=flow, now=self.now),
                    )
                    moved = True


def pretend_mcu(request: c3p.Request) -> c3p.Reply:
    """What an MCU Factory and an A/V MCU answer to the Focus over HTTP."""
    command = request.command
    if isinstance(command, c3p.AddConference) and command.mcu_type is not None:
        where = c3p.ConnectionInfo.of(
            {c3p.MCU_ID: "av1", c3p.MCU_HTTP_URI: "http://av1.example.com/"}
        )
        command = c3p.AddConference(
            conference_keys=command.conference_keys, connection_info=where
        )
    return c3p.Reply(200, request.respond(c3p.Code.SUCCESS, command=command))


def connected(request: c3p.Request) -> c3p.Notify:
    """The MCU's report that the user of an addUser answered."""
    assert isinstance(request.command, c3p.AddUser)
    asked = request.command.user
    endpoint = c3p.Endpoint(
        entity=asked.endpoints[0].entity,
        state=c3p.State.FULL,
        session_type=c3p.SessionType.AUDIO_VIDEO,
        status=c3p.Status.CONNECTED,
        joining_method=c3p.JoiningMethod.DIALED_OUT,
    )
    user = c3p.User(entity=asked.entity, state=c3p.State.FULL, endpoints=(endpoint,))
    users = c3p.Users(state=c3p.State.FULL, users=(user,))
    info = c3p.ConferenceInfo(
        entity=request.from_, state=c3p.State.FULL, version=1, users=users
    )
    return c3p.Notify(
        notification_id=1, from_=request.to, to=request.from_, conference_info=info
    )


def main() -> None:
    """Create a conference, join it twice, have a phone called, look at what all see."""
    server, alice, bob = (
        Element("focus", "192.0.2.1"),
        Element("alice", "192.0.2.10"),
        Element("bob", "192.0.2.11"),
    )
    wire = Wire(server, alice, bob)

    store = focus.MemoryStore()
    settings = focus.FocusConfig(
        domain=DOMAIN,
        mcu_factory_url="http://factory.example.com/",
        callback_url="http://focus.example.com/",
    )
    machine = focus.Focus(
        server.endpoint, settings, store=store, entropy=server.entropy.child("focus")
    )
    factory = focus.FocusFactory(
        server.endpoint,
        focus.FactoryConfig(domain=DOMAIN),
        store=store,
        entropy=server.entropy.child("factory"),
    )
    server.run(machine, factory)

    proxy = sip.Uri.parse(f"sip:{FOCUS_ADDRESS};transport=tcp")
    clients = []
    for element in (alice, bob):
        config = focus.ClientConfig(
            aor=f"sip:{element.name}@{DOMAIN}", outbound_proxy=proxy
        )
        client = focus.Client(
            element.endpoint, config, entropy=element.entropy.child("client")
        )
        element.run(client)
        clients.append(client)

    clients[0].create_conference(subject="An embedded Focus", now=wire.now)
    wire.settle()
    created = next(
        event for event in alice.log if isinstance(event, focus.ConferenceCreated)
    )
    print("created", created.conference_uri)

    for client in clients:
        client.join(created.conference_uri, now=wire.now)
        wire.settle()
        client.subscribe(now=wire.now)
        wire.settle()

    clients[0].add_user(PHONE, now=wire.now)
    wire.settle()
    while exchanges := machine.c3p_to_send():
        for exchange in exchanges:
            assert isinstance(exchange.document, c3p.Request)
            server.log += machine.receive_reply(
                exchange.id, pretend_mcu(exchange.document), now=wire.now
            )
            if isinstance(exchange.document.command, c3p.AddUser):
                machine.receive_c3p(
                    connected(exchange.document), peer="av1", now=wire.now
                )
        wire.settle()

    for client in clients:
        assert client.roster is not None
        assert client.roster.users is not None
        print(
            client.config.aor,
            "sees",
            ", ".join(user.entity for user in client.roster.users.users),
        )
    print(
        "alice's command:",
        [
            type(event).__name__
            for event in alice.log
            if "Command" in type(event).__name__
        ],
    )


if __name__ == "__main__":
    main()
