"""What elements do with the torture messages of RFC 4475 and RFC 5118, by datagram and over a connection.

A user agent, a registrar and a proxy get them; what they say is what the RFCs suggest, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs
import pytest

from sip import (
    Address,
    Claim,
    ConnectWanted,
    Destination,
    Endpoint,
    EndpointConfig,
    Event,
    Flow,
    FlowLost,
    InviteReceived,
    Listen,
    PasswordStore,
    Proxy,
    ProxyConfig,
    Pump,
    Registrar,
    RegistrarConfig,
    RequestReceived,
    ResolveWanted,
    SeededEntropy,
    Uri,
)
from tests.sip.test_rfc5118 import request as ipv6_request

MESSAGES: Final = Path(__file__).parent / "rfc4475"
HERE: Final = "192.0.2.10"
NAMES: Final = sorted(path.stem for path in MESSAGES.glob("*.dat"))


@attrs.frozen(kw_only=True)
class Outcome:
    """What came of one message."""

    statuses: tuple[int, ...] = ()  #: of the answers
    taken: tuple[str, ...] = ()  #: methods of requests that the core got
    forwarded: tuple[str, ...] = ()  #: Request-URIs of requests that went on
    closed: bool = False  #: whether the connection was given up
    wire: bytes = b""  #: all that was sent


class Element:
    """One element, and the network around it."""

    def __init__(self, transport: str) -> None:
        config = EndpointConfig(listen=(Listen("UDP", HERE, 5060), Listen("TCP", HERE, 5060)))
        self.endpoint = Endpoint(config, entropy=SeededEntropy(b"element"))
        self.pump = Pump(self.endpoint, [])
        self.flow = Flow(id=1, transport=transport, local=Address(HERE, 5060), remote=Address("198.51.100.1", 5060))

    def take(self, data: bytes) -> Outcome:
        """Receive some bytes and do everything that follows from them at once."""
        events = self._answered(self.pump.receive_data(data, flow=self.flow, now=0.0))
        sent = [out.data for out in self.endpoint.data_to_send()]
        requests = [each.request for each in events if isinstance(each, RequestReceived | InviteReceived)]
        return Outcome(
            statuses=tuple(int(wire[8:11]) for wire in sent if wire.startswith(b"SIP/2.0")),
            taken=tuple(request.method for request in requests),
            forwarded=tuple(wire.split(b" ")[1].decode() for wire in sent if not wire.startswith(b"SIP/2.0")),
            closed=any(isinstance(each, FlowLost) for each in events),
            wire=b"".join(sent),
        )

    def _answered(self, events: Sequence[Event]) -> list[Event]:
        """Give each flow and each address that is asked for."""
        waiting, seen = list(events), []
        while waiting:
            event = waiting.pop(0)
            seen.append(event)
            caused: list[Event] = []
            if isinstance(event, ResolveWanted):
                caused = self.endpoint.resolved(event.id, [Destination("UDP", "203.0.113.1", 5060)], now=0.0)
            elif isinstance(event, ConnectWanted):
                to = event.destination
                flow = Flow(id=2, transport=to.transport, local=self.flow.local, remote=Address(to.host, to.port))
                caused = self.endpoint.flow_opened(event.id, flow, now=0.0)
            waiting += self.pump.settle(caused, now=0.0)
        return seen


def user_agent(transport: str) -> Element:
    element = Element(transport)
    accept = ("application/sdp", "multipart/mixed")
    methods = ("INVITE", "MESSAGE")
    element.endpoint.add_core("ua", lambda *_: True, claim=Claim.ELEMENT, methods=methods, accept=accept)
    return element


def proxy(transport: str) -> Element:
    element = Element(transport)
    core = Proxy(element.endpoint, ProxyConfig(open_relay=True), entropy=SeededEntropy(b"proxy"))
    element.pump = Pump(element.endpoint, [core])
    return element


def registrar(transport: str, passwords: PasswordStore | None = None) -> tuple[Element, Registrar]:
    element = Element(transport)
    config = RegistrarConfig(domains=("example.com",))
    core = Registrar(element.endpoint, config, entropy=SeededEntropy(b"registrar"), credentials=passwords)
    element.pump = Pump(element.endpoint, [core])
    return element, core


def octets(name: str) -> bytes:
    return (MESSAGES / f"{name}.dat").read_bytes()


INVITE_TAKEN, MESSAGE_TAKEN, NOTHING = (("INVITE",), ("MESSAGE",), ())
#: At a user agent: the status, or what its core gets.
AT_A_USER_AGENT: Final[dict[str, int | tuple[str, ...]]] = {
    "wsinv": 481,  # well formed, but its To tag names no dialog
    **{"esc01": INVITE_TAKEN, "longreq": INVITE_TAKEN, "lwsstart": INVITE_TAKEN, "baddate": INVITE_TAKEN},
    **{"inv2543": INVITE_TAKEN, "ltgtruri": INVITE_TAKEN, "mpart01": MESSAGE_TAKEN},
    **{"lwsdisp": 200, "semiuri": 200, "transports": 200, "trws": 200, "badaspec": 200, "baddn": 200},
    **{"badbranch": 200, "zeromf": 200},  # to an endpoint no hops left mean nothing
    **{"intmeth": 501, "esc02": 501, "mismatch02": 501},
    # REGISTER, at an element that is no registrar.
    **{"escnull": 405, "dblreq": 405, "regbadct": 405, "unksm2": 405, "regaut01": 405},
    **{"cparam01": 405, "cparam02": 405, "regescrt": 405},
    **{"badinv01": 400, "clerr": 400, "ncl": 400, "scalar02": 400, "quotbal": 400, "lwsruri": 400},
    **{"escruri": 400, "mismatch01": 400, "insuf": 400, "multi01": 400, "mcl01": 400},
    **{"badvers": 505, "unkscm": 416, "novelsc": 416, "bext01": 420, "invut": 415, "sdp01": 406},
    # Responses to nothing that was asked.
    **dict.fromkeys(("unreason", "noreason", "scalarlg", "bigcode", "bcast"), NOTHING),
}
#: Where a connection differs: the rest of the message may still come, or nothing says where it ends.
OVER_A_CONNECTION: Final[dict[str, int | tuple[str, ...]]] = {"clerr": NOTHING, "baddn": NOTHING, "inv2543": 400}
#: Nothing says where the message ends, or nothing that can be believed.
CLOSES: Final = {"ncl", "mcl01", "inv2543", "badvers", "bigcode"}


def test_every_message_is_sent_to_a_user_agent() -> None:
    assert sorted(AT_A_USER_AGENT) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_user_agent_answers_a_datagram(name: str) -> None:
    expected = AT_A_USER_AGENT[name]
    outcome = user_agent("UDP").take(octets(name))
    assert (outcome.statuses, outcome.taken) == (((expected,), ()) if isinstance(expected, int) else ((), expected))
    assert not outcome.closed


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"dblreq"}))
def test_a_user_agent_answers_on_a_connection(name: str) -> None:
    expected = OVER_A_CONNECTION.get(name, AT_A_USER_AGENT[name])
    outcome = user_agent("TCP").take(octets(name))
    assert (outcome.statuses, outcome.taken) == (((expected,), ()) if isinstance(expected, int) else ((), expected))
    assert outcome.closed == (name in CLOSES)


def test_octets_behind_a_message_are_the_next_one_on_a_connection() -> None:
    # The second one lacks the Contact that RFC 3261 wants of an INVITE.
    assert user_agent("TCP").take(octets("dblreq")).statuses == (405, 400)


def test_a_connection_outlives_a_message_that_is_of_no_use() -> None:
    agent = user_agent("TCP")
    outcome = agent.take(octets("lwsdisp") + octets("insuf") + octets("lwsruri") + octets("transports"))
    assert (outcome.statuses, outcome.closed) == ((200, 400, 400, 200), False)


def test_what_an_answer_explains() -> None:
    agent = user_agent("UDP")
    unknown = b"Unsupported: nothingsupportsthis, nothingsupportsthiseither\r\n"
    assert unknown in agent.take(octets("bext01")).wire
    assert b"Accept: application/sdp, multipart/mixed\r\n" in agent.take(octets("invut")).wire
    assert b"Warning: 399 " in agent.take(octets("sdp01")).wire
    assert b"Allow: " in agent.take(octets("intmeth")).wire


def test_an_empty_transaction_identifier_identifies_nothing() -> None:
    agent, wire = user_agent("UDP"), octets("badbranch")
    other = re.sub(rb"Call-ID: [^\r]*", b"Call-ID: another", wire)
    assert [b"Call-ID: another" in agent.take(each).wire for each in (wire, other)] == [False, True]


def test_a_peer_of_rfc_2543_can_be_talked_to() -> None:
    agent = user_agent("UDP")
    (event,) = [
        each
        for each in agent.pump.receive_data(octets("inv2543"), flow=agent.flow, now=0.0)
        if isinstance(each, InviteReceived)
    ]
    session = agent.endpoint.session(event.session)
    assert session.remote_target == Uri.parse("sip:+13035551111@ift.client.example.net;user=phone")


#: At a proxy: the status, else it goes on as it is.
AT_A_PROXY: Final[dict[str, int]] = {
    **{name: status for name in NAMES if (status := AT_A_USER_AGENT[name]) in (400, 505)},  # type: ignore[misc]
    **{"mismatch02": 501, "zeromf": 483, "bext01": 420, "unkscm": 416, "novelsc": 416},
}


@pytest.mark.parametrize("name", NAMES)
def test_a_proxy_forwards_or_refuses(name: str) -> None:
    outcome = proxy("UDP").take(octets(name))
    if name in AT_A_PROXY:
        assert (outcome.statuses, outcome.forwarded) == ((AT_A_PROXY[name],), ())
    elif AT_A_USER_AGENT[name] == NOTHING:  # responses; one of them would have gone to a broadcast address
        assert outcome == Outcome()
    else:
        assert (outcome.statuses, len(outcome.forwarded)) == ((), 1)


def test_what_a_proxy_leaves_alone() -> None:
    forwarded = proxy("UDP").take(octets("intmeth")).wire
    lines = [b"Request-URI", *(line for line in octets("intmeth").split(b"\r\n") if line[:2] in (b"To", b"Fr"))]
    assert all(line.partition(b": ")[2] in forwarded for line in lines[1:])
    assert (
        b"Unsupported: noproxiessupportthis, nordoanyproxiessupportthis\r\n" in proxy("UDP").take(octets("bext01")).wire
    )


def test_a_proxy_sends_no_more_blanks_than_there_should_be() -> None:
    assert proxy("UDP").take(octets("lwsstart")).wire.startswith(b"INVITE sip:user@example.com SIP/2.0\r\n")
    assert proxy("UDP").take(octets("trws")).wire.startswith(b"OPTIONS sip:remote-target@example.com SIP/2.0\r\n")


AT_A_REGISTRAR: Final = {
    **{"escnull": 200, "dblreq": 200, "cparam01": 200, "cparam02": 200, "regescrt": 200, "regaut01": 200},
    **{"regbadct": 400, "unksm2": 400, "esc02": 501},
}


@pytest.mark.parametrize("name", AT_A_REGISTRAR)
def test_a_registrar_answers(name: str) -> None:
    element, _ = registrar("UDP")
    assert element.take(octets(name)).statuses == (AT_A_REGISTRAR[name],)


def test_a_registrar_that_asks_for_credentials_does_not_know_every_scheme() -> None:
    element, _ = registrar("UDP", PasswordStore({"j.user": "secret"}))
    outcome = element.take(octets("regaut01"))
    assert outcome.statuses == (401,)
    assert b"WWW-Authenticate: Digest " in outcome.wire


def test_parameters_of_a_contact_end_where_they_belong() -> None:
    for name, uri in (
        ("cparam01", "sip:+19725552222@gw1.example.net"),
        ("cparam02", "sip:+19725552222@gw1.example.net;unknownparam"),
        ("regescrt", "sip:user@example.com?Route=%3Csip:sip.example.com%3E"),
    ):
        element, _ = registrar("UDP")
        wire = element.take(octets(name)).wire
        assert f"<{uri}>".encode() in wire


IPV6: Final = {
    "4.1": (ipv6_request("OPTIONS sip:[2001:db8::10]"), 200),
    "4.2": (ipv6_request("OPTIONS sip:2001:db8::10"), 400),
    "4.3": (ipv6_request("OPTIONS sip:[2001:db8::10:5070]"), 200),
    "4.4": (ipv6_request("OPTIONS sip:[2001:db8::10]:5070"), 200),
    "4.7": (ipv6_request("OPTIONS sip:a@h.example", "Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bK1"), 200),
    "4.9": (ipv6_request("OPTIONS sip:a@h.example", "Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bK1"), 200),
    "4.10": (ipv6_request("OPTIONS sip:user@[2001:db8:::192.0.2.1]"), 200),
}


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
@pytest.mark.parametrize("section", IPV6)
def test_ipv6_addresses_are_answered(section: str, transport: str) -> None:
    wire, status = IPV6[section]
    assert user_agent(transport).take(wire).statuses == (status,)
