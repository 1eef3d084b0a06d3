"""One INVITE-200-ACK-BYE call between two endpoints in one process, without sockets.

Run ``python benchmarks/sip_call.py``. Figures are CPU time, the best of several rounds, and are also given
as multiples of what h11 needs to parse one HTTP request with as many headers, measured in the same run.
"""

import argparse
import time
from collections.abc import Callable

import h11

from sip import (
    Address,
    Claim,
    ConnectWanted,
    Endpoint,
    EndpointConfig,
    Event,
    Flow,
    InviteReceived,
    Listen,
    SeededEntropy,
    SessionAnswered,
)

OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 8 101\r\n"
    b"a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
)
HTTP = (
    b"POST /conference HTTP/1.1\r\nHost: example.com\r\nUser-Agent: benchmark\r\nAccept: application/xml\r\n"
    b"Accept-Language: en\r\nAuthorization: Bearer 0123456789abcdef\r\n"
    b"X-From: <sip:alice@example.com>;tag=1928301774\r\nX-To: <sip:bob@example.com>\r\n"
    b"X-Call-Id: a84b4c76e66710\r\nX-CSeq: 314159 INVITE\r\nX-Contact: <sip:alice@192.0.2.1>\r\n"
    b"X-Max-Forwards: 70\r\nContent-Type: application/sdp\r\nContent-Length: 0\r\n\r\n"
)


class Side:
    """One endpoint and its flow to the other one."""

    def __init__(self, name: str, host: str, peer: str) -> None:
        # One peer makes all the calls, as a trunk does: no share of a stranger holds for it.
        config = EndpointConfig(listen=(Listen("UDP", host, 5060),), trusted_networks=(f"{peer}/32",))
        self.endpoint = Endpoint(config, entropy=SeededEntropy(name.encode()))
        self.endpoint.add_core("ua", lambda request, flow: True, claim=Claim.ELEMENT, methods=("INVITE", "INFO"))
        self.flow = Flow(1, "UDP", Address(host, 5060), Address(peer, 5060))

    def take(self, events: list[Event], now: float) -> list[Event]:
        """Answer the questions to the driver; return the rest."""
        rest = []
        for event in events:
            if isinstance(event, ConnectWanted):
                rest += self.endpoint.flow_opened(event.id, self.flow, now=now)
            else:
                rest.append(event)
        return rest


def exchange(caller: Side, callee: Side, now: float) -> list[Event]:
    """Carry what both sides send until they are quiet; return what happened."""
    happened: list[Event] = []
    while True:
        moved = False
        for here, there in ((caller, callee), (callee, caller)):
            for transmit in here.endpoint.data_to_send():
                moved = True
                events = there.endpoint.receive_data(transmit.data, flow=there.flow, now=now)
                happened += there.take(events, now)
        if not moved:
            return happened


def call(caller: Side, callee: Side, now: float) -> None:
    """Make one call and end it."""
    session = caller.endpoint.invite(
        "ua",
        "sip:bob@192.0.2.2:5060;transport=udp",
        from_="<sip:alice@example.com>",
        to="<sip:bob@example.com>",
        body=OFFER,
        content_type="application/sdp",
        now=now,
    )
    caller.take(caller.endpoint.take_events(), now)
    incoming = next(event for event in exchange(caller, callee, now) if isinstance(event, InviteReceived))
    callee.endpoint.accept(incoming.session, body=OFFER, content_type="application/sdp", now=now)
    assert any(isinstance(event, SessionAnswered) for event in exchange(caller, callee, now))
    caller.endpoint.bye(session, now=now)
    exchange(caller, callee, now)


def calls(count: int) -> Callable[[], int]:
    """Return a round of that many calls at 100 calls a second of virtual time."""
    caller, callee = Side("alice", "192.0.2.1", "192.0.2.2"), Side("bob", "192.0.2.2", "192.0.2.1")
    clock = [0.0]

    def one_round() -> int:
        for _ in range(count):
            clock[0] += 0.01
            for side in (caller, callee):
                due = side.endpoint.next_timeout()
                if due is not None and due <= clock[0]:
                    side.endpoint.handle_timeout(now=clock[0])
            call(caller, callee, clock[0])
        return count

    return one_round


def h11_parses() -> int:
    """Parse the HTTP request a thousand times."""
    for number in range(1000):
        connection = h11.Connection(h11.SERVER)
        connection.receive_data(HTTP.replace(b"1928301774", b"%010d" % number))
        assert isinstance(connection.next_event(), h11.Request)
    return 1000


def best(measured: Callable[[], int], rounds: int) -> float:
    """Return CPU microseconds for one, the best of several rounds."""
    times = []
    for _ in range(rounds):
        started = time.process_time()
        count = measured()
        times.append((time.process_time() - started) / count * 1e6)
    return min(times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="One call between two endpoints, next to one parse of h11.")
    parser.add_argument("--calls", type=int, default=1000, help="in a round")
    parser.add_argument("--rounds", type=int, default=5, help="the fastest counts")
    options = parser.parse_args()
    yardstick = best(h11_parses, options.rounds)
    one_call = best(calls(options.calls), options.rounds)
    print(f"{'what':44} {'us CPU':>8} {'of h11 parse':>13}")
    print(f"{'h11: parse one request':44} {yardstick:8.1f} {1.0:13.2f}")
    print(f"{'INVITE-200-ACK-BYE-200, both ends':44} {one_call:8.1f} {one_call / yardstick:13.2f}")


if __name__ == "__main__":
    main()
