"""A request for a conference that may be another node's: asked for, sent on once, given back, or refused in time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import sip
from pyc3p.placement import forwarding as module
from pyc3p.placement.forwarding import LONGEST_WAIT, Forwarding, OwnerWanted
from pyc3p.placement.handover import HEADER
from sip import Address, Endpoint, EndpointConfig, Event, Flow, Listen, LocalProtocolError, Pump, SeededEntropy

CONFERENCE = "sip:alice@example.com;gruu;opaque=app:conf:focus:id:ABC123"
OTHER = "sip:192.0.2.12:5060;transport=tcp"


class Answering:
    """The core that a request is given back to."""

    owner = "answering"

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint, self.seen = endpoint, list[str]()
        endpoint.add_core(
            self.owner, lambda request, flow: True, claim=sip.Claim.CONFERENCE, methods=("INFO", "MESSAGE")
        )

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        if isinstance(event, sip.RequestReceived):
            assert event.transaction is not None
            self.seen.append(event.request.method)
            self.endpoint.respond(event.transaction, 200, now=now)
        return []

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, *, now: float) -> list[Event]:
        return []

    def take_events(self) -> list[Event]:
        return []


class Node:
    """One node, its clients over UDP, and the connections to other nodes."""

    def __init__(self) -> None:
        self.now = 0.0
        entropy = SeededEntropy(b"node")
        config = EndpointConfig(listen=(Listen("UDP", "192.0.2.11", 5060), Listen("TCP", "192.0.2.11", 5060)))
        self.endpoint = Endpoint(config, entropy=entropy.child("endpoint"))
        self.here: set[str] = set()
        self.forwarding = Forwarding(
            self.endpoint,
            domains=("example.com",),
            is_here=lambda key: key in self.here,
            secret="of all nodes",
            entropy=entropy.child("forwarding"),
        )
        self.answering = Answering(self.endpoint)
        self.pump = Pump(self.endpoint, [self.forwarding, self.answering])
        self.events: list[Event] = []
        self.sent: list[tuple[Flow, sip.Request | sip.Response]] = []

    def receive(
        self,
        method: str = "MESSAGE",
        number: int = 1,
        *,
        host: str = "198.51.100.7",
        tag: str = "",
        target: str = CONFERENCE,
        handed_over: str = "",
    ) -> None:
        flow = Flow(1, "UDP", Address("192.0.2.11", 5060), Address(host, 5060))
        invite = "INVITE" if method in ("INVITE", "CANCEL") else method
        lines: Sequence[str] = (
            f"{method} {target} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:5060;branch=z9hG4bK{invite}{number}",
            "From: <sip:bob@example.com>;tag=1",
            f"To: <{CONFERENCE}>{tag}",
            f"Call-ID: {number}",
            f"CSeq: 1 {method}",
            "Contact: <sip:bob@198.51.100.7>",
            "Max-Forwards: 70",
            *([f"{HEADER}: {handed_over}"] if handed_over else ()),
            "Content-Length: 0",
        )
        self.settle(self.pump.receive_data("\r\n".join((*lines, "", "")).encode(), flow=flow, now=self.now))

    def settle(self, events: Sequence[Event] = ()) -> None:
        told = [*events, *self.pump.settle(now=self.now)]
        for event in told:
            if isinstance(event, sip.ConnectWanted):
                flow = Flow(
                    9, "TCP", Address("192.0.2.11", 40_000), Address(event.destination.host, event.destination.port)
                )
                told += self.pump.settle(self.endpoint.flow_opened(event.id, flow, now=self.now), now=self.now)
        self.events += told
        for transmit in self.pump.data_to_send():
            self.sent.append((transmit.flow, sip.parse_message(transmit.data)))

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.settle(self.pump.handle_timeout(now=self.now))

    @property
    def wanted(self) -> list[OwnerWanted]:
        return [each for each in self.events if isinstance(each, OwnerWanted)]

    @property
    def statuses(self) -> list[int]:
        return [each.status for _, each in self.sent if isinstance(each, sip.Response)]

    def forwarded(self) -> list[sip.Request]:
        return [each for flow, each in self.sent if isinstance(each, sip.Request) and flow.remote.host == "192.0.2.12"]

    def found(self, address: str | None, number: int = -1) -> None:
        self.forwarding.owner_found(self.wanted[number].id, address, now=self.now)
        self.settle()


def test_what_another_node_has_is_sent_there_and_the_answer_is_remembered_for_a_second() -> None:
    node = Node()
    node.receive()
    (wanted,) = node.wanted
    assert not wanted.in_dialog
    node.found(OTHER)
    (request,) = node.forwarded()
    assert str(request.uri) == CONFERENCE
    assert [via.host for via in request.via] == ["192.0.2.11", "198.51.100.7"]
    node.receive(number=2, tag=";tag=9")
    assert len(node.forwarded()) == 2
    assert len(node.wanted) == 1
    node.now += 1.5
    node.receive(number=3, tag=";tag=9")
    assert len(node.wanted) == 2
    assert node.wanted[-1].in_dialog


def test_what_nobody_has_is_given_to_the_core_behind() -> None:
    node = Node()
    node.receive()
    assert node.answering.seen == []
    node.found(None)
    assert node.answering.seen == ["MESSAGE"]
    assert node.statuses == [200]


def test_what_is_here_is_not_asked_for() -> None:
    node = Node()
    node.here.add(sip.conference_key(sip.Uri.parse(CONFERENCE)))
    node.receive()
    assert node.wanted == []
    assert node.answering.seen == ["MESSAGE"]


def test_what_another_node_sent_on_is_not_sent_on_again() -> None:
    node = Node()
    node.receive()
    node.found(OTHER)
    (passed,) = node.forwarded()
    other = Node()
    other.receive(host="192.0.2.12", handed_over=passed.headers.get(HEADER) or "")
    assert other.wanted == []
    assert other.answering.seen == ["MESSAGE"]


@pytest.mark.parametrize("said", ["", "believed", f"believed;proof={'0' * 64}"])
def test_who_only_says_so_is_no_node(said: str) -> None:
    node = Node()
    node.receive(host="192.0.2.12", handed_over=said)
    assert len(node.wanted) == 1


def test_those_that_ask_at_the_same_time_wait_for_one_answer() -> None:
    node = Node()
    for number in range(3):
        node.receive(number=number)
    assert len(node.wanted) == 1
    node.found(None)
    assert node.answering.seen == ["MESSAGE"] * 3


@pytest.mark.parametrize("late", [False, True])
def test_who_waits_in_vain_is_told_when_to_try_again(late: bool) -> None:
    node = Node()
    node.receive()
    if late:
        node.wait(LONGEST_WAIT)
    else:
        node.forwarding.owner_unknown(node.wanted[0].id, now=node.now)
        node.settle()
    ((_, response),) = [each for each in node.sent if isinstance(each[1], sip.Response)]
    assert isinstance(response, sip.Response)
    assert response.status == 503
    assert response.headers.get("Retry-After") == "5"
    node.found(OTHER)  # an answer that nobody waits for
    assert node.forwarded() == []
    assert node.forwarding.sizes["waiting"] == 0


def test_a_call_that_is_given_up_while_it_waits() -> None:
    node = Node()
    node.receive("INVITE")
    node.receive("CANCEL")
    assert [status for status in node.statuses if status > 100] == [200, 487]
    node.found(OTHER)
    assert node.forwarded() == []


def test_no_more_wait_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    node = Node()
    for number in range(3):
        node.receive(number=number)
    assert node.statuses == [503]
    assert node.forwarding.sizes["waiting"] == 2


def test_an_ack_that_is_for_nobody_is_dropped_and_counted() -> None:
    node = Node()
    node.receive("ACK", tag=";tag=9")
    node.found(None)
    assert node.sent == []
    assert node.forwarding.counters == {"dropped: for nobody": 1}
    node.receive("ACK", number=2, tag=";tag=9")
    node.found(OTHER)
    assert [each.method for each in node.forwarded()] == ["ACK"]


def test_a_request_is_given_back_by_who_has_it_and_once() -> None:
    node = Node()
    node.receive()
    (event,) = node.forwarding._waiting.values()
    transaction = event[0].transaction  # type: ignore[union-attr]
    assert transaction is not None
    with pytest.raises(LocalProtocolError):
        node.endpoint.hand_on(transaction, owner="answering", now=0.0)
    node.found(None)
    with pytest.raises(LocalProtocolError):
        node.endpoint.hand_on(transaction, owner="forwarding", now=0.0)
