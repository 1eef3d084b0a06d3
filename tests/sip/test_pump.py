"""The pump: every event reaches its owner, the rest the application."""

from sip import (
    Address,
    Claim,
    ConnectWanted,
    Endpoint,
    EndpointConfig,
    Event,
    Flow,
    Listen,
    Pump,
    RequestReceived,
    ResponseReceived,
    SeededEntropy,
)


class Echo:
    """A core that answers every request, and asks the same back."""

    def __init__(self, endpoint: Endpoint, owner: str) -> None:
        self.endpoint = endpoint
        self.owner = owner
        self.seen: list[Event] = []
        self.due: float | None = None
        self.commanded: list[Event] = []
        endpoint.add_core(
            owner, lambda request, flow: request.uri.user == owner, claim=Claim.ELEMENT, methods=("MESSAGE",)
        )

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        self.seen.append(event)
        if isinstance(event, RequestReceived) and event.transaction is not None:
            self.endpoint.respond(event.transaction, 200, now=now)
            self.endpoint.request(
                self.owner,
                "MESSAGE",
                "sip:x@192.0.2.2;transport=udp",
                from_="<sip:a@x.org>",
                to="<sip:b@x.org>",
                now=now,
            )
            self.due = now + 5
        return [Event(owner="")]

    def next_timeout(self) -> float | None:
        return self.due

    def handle_timeout(self, *, now: float) -> list[Event]:
        self.due = None
        self.commanded.append(Event(owner=""))
        return [Event(owner="")]

    def take_events(self) -> list[Event]:
        taken, self.commanded = self.commanded, []
        return taken


FLOW = Flow(1, "UDP", Address("192.0.2.1", 5060), Address("192.0.2.2", 5060))


def message(user: str) -> bytes:
    return (
        f"MESSAGE sip:{user}@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK{user}\r\n"
        f"From: <sip:x@x.org>;tag=1\r\nTo: <sip:{user}@x.org>\r\nCall-ID: {user}\r\nCSeq: 1 MESSAGE\r\n"
        "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def test_each_core_sees_its_own_events_and_the_driver_the_questions() -> None:
    endpoint = Endpoint(EndpointConfig(listen=(Listen("UDP", "192.0.2.1", 5060),)), entropy=SeededEntropy(b"x"))
    one, two = Echo(endpoint, "one"), Echo(endpoint, "two")
    pump = Pump(endpoint, [one, two])
    out = pump.receive_data(message("one"), flow=FLOW, now=0.0)
    assert [type(event) for event in out] == [Event, ConnectWanted]
    assert [type(event) for event in one.seen] == [RequestReceived]
    assert two.seen == []
    question = out[1]
    assert isinstance(question, ConnectWanted)
    assert pump.settle(endpoint.flow_opened(question.id, FLOW, now=0.0), now=0.0) == []
    sent = [transmit.data.split()[0] for transmit in pump.data_to_send()]
    assert sent == [b"SIP/2.0", b"MESSAGE"]
    pump.receive_data(message("two"), flow=FLOW, now=0.1)
    assert [type(event) for event in two.seen] == [RequestReceived]


def test_timeouts_of_endpoint_and_cores_are_merged() -> None:
    endpoint = Endpoint(EndpointConfig(), entropy=SeededEntropy(b"x"))
    core = Echo(endpoint, "one")
    pump = Pump(endpoint, [core])
    assert pump.next_timeout() is None
    pump.receive_data(message("one"), flow=FLOW, now=0.0)
    due = pump.next_timeout()
    assert due is not None
    assert due <= 5.0
    out = []
    while (at := pump.next_timeout()) is not None:
        out += pump.handle_timeout(now=at)
    # Its own event, the one that its timeout left behind, and one for the request that found no flow.
    assert len(out) == 3
    assert not [event for event in core.seen if isinstance(event, ResponseReceived)]
    assert not any(endpoint.sizes.values())
