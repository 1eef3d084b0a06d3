"""Keep-alives from the client's side (RFC 5626 section 4.4)."""

from itertools import pairwise

import pytest

from sip import (
    EndpointConfig,
    Flow,
    FlowLost,
    InviteReceived,
    LocalProtocolError,
    RequestReceived,
    ResponseReceived,
    SessionFlowLost,
)
from sip.testing.network import Agent, Network

PING, PONG = b"\r\n\r\n", b"\r\n"
FLOW_TIMER = [("Flow-Timer", "100")]
OUTBOUND = [("Require", "outbound")]
MICROSOFT = [("ms-keep-alive", "UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300")]


@pytest.fixture
def phone(net: Network) -> Agent:
    return net.agent("phone", EndpointConfig(keep_alive=True))


@pytest.fixture
def server(net: Network, phone: Agent) -> Agent:
    return net.agent("server")


def grants(server: Agent, seconds: int = 600, headers: list[tuple[str, str]] | None = None) -> None:
    """Answer each REGISTER as a registrar does that grants no more than ``seconds``."""

    def answer(event: RequestReceived) -> None:
        asked = event.request.expires or 0
        kept = [("Contact", f"{each};expires={min(asked, seconds)}") for each in event.request.contact if asked]
        assert event.transaction is not None
        server.endpoint.respond(event.transaction, 200, headers=[*kept, *(headers or [])], now=server.net.now)

    server.on(RequestReceived, answer)


def register(phone: Agent, server: Agent, transport: str = "tcp", *, expires: int = 3600, user: str = "phone") -> Flow:
    phone.endpoint.request(
        "ua",
        "REGISTER",
        f"sip:{server.host};transport={transport}",
        from_=f"<sip:{user}@example.com>",
        to=f"<sip:{user}@example.com>",
        headers=[("Contact", f"<sip:{user}@{phone.host}:5060;transport={transport}>"), ("Expires", expires)],
        call_id=f"registration of {user}".replace(" ", "-"),
        now=phone.net.now,
    )
    phone.net.run(0.1)
    return next(flow for flow in phone.net.wire.flows.values() if flow.local.host == phone.host)


def pings(net: Network) -> list[float]:
    return [each.at for each in net.log if each.data == PING]


def waits(net: Network) -> list[float]:
    return [later - earlier for earlier, later in pairwise(pings(net))]


# How often


@pytest.mark.parametrize(
    ("transport", "headers", "low", "high"),
    [
        ("tcp", OUTBOUND, 96, 120.1),
        ("tcp", FLOW_TIMER, 80, 100.1),
        ("tcp", MICROSOFT, 192, 240.1),
        ("tcp", [], 96, 120.1),
        ("udp", [], 24, 29.1),
        ("udp", FLOW_TIMER, 80, 100.1),
    ],
)
def test_pings_come_at_random_within_the_range(
    net: Network, phone: Agent, server: Agent, transport: str, headers: list[tuple[str, str]], low: float, high: float
) -> None:
    grants(server, 3600, headers)
    register(phone, server, transport)
    net.run(2500)
    assert len(pings(net)) > 8
    assert all(low <= wait <= high for wait in waits(net))
    assert len({round(wait, 3) for wait in waits(net)}) > 3
    assert phone.of(FlowLost) == []


def test_pongs_are_no_pings(net: Network, phone: Agent, server: Agent) -> None:
    grants(server, headers=OUTBOUND)
    register(phone, server)
    net.run(500)
    assert {each.by for each in net.log if each.data == PING} == {"phone"}
    assert {each.by for each in net.log if each.data == PONG} == {"server"}
    assert len([each for each in net.log if each.data == PONG]) == len(pings(net))


def test_nothing_is_sent_unless_that_was_configured(net: Network, server: Agent) -> None:
    plain = net.agent("plain")
    grants(server)
    register(plain, server)
    net.run(1000)
    assert pings(net) == []
    assert plain.idle


# When the flow is dead


@pytest.mark.parametrize("headers", [OUTBOUND, FLOW_TIMER])
def test_a_flow_without_answer_is_lost_after_ten_seconds(
    net: Network, phone: Agent, server: Agent, headers: list[tuple[str, str]]
) -> None:
    grants(server, headers=headers)
    flow = register(phone, server)
    server.deaf = True
    net.run(140)
    lost = phone.one(FlowLost)
    assert (lost.flow, lost.reason) == (flow, "no answer to a keep-alive")
    assert len(pings(net)) == 1
    assert phone.idle


def test_a_dialog_on_a_dead_flow_is_told(net: Network, phone: Agent, server: Agent) -> None:
    server.on(InviteReceived, lambda e: server.endpoint.accept(e.session, now=net.now))
    session = phone.invite(server.uri("tcp"))
    net.run(1)
    flow = phone.endpoint.session(session).flow
    assert flow is not None
    phone.endpoint.keep_alive(flow, now=net.now)
    server.deaf = True
    net.run(140)
    assert phone.one(SessionFlowLost).session == session


@pytest.mark.parametrize("headers", [MICROSOFT, [*MICROSOFT, *FLOW_TIMER], []])
def test_silence_is_fine_where_nobody_promised_to_answer(
    net: Network, phone: Agent, server: Agent, headers: list[tuple[str, str]]
) -> None:
    grants(server, headers=headers)
    register(phone, server)
    server.deaf = True
    net.run(560)
    assert phone.of(FlowLost) == []
    assert len(pings(net)) >= 2


def test_an_answer_that_waits_behind_a_message_is_waited_for_once_more(
    net: Network, phone: Agent, server: Agent
) -> None:
    grants(server, headers=OUTBOUND)
    flow = register(phone, server)
    server.deaf = True
    net.run(130, until=lambda: bool(pings(net)))
    net.inject(phone, b"MESSAGE sip:phone@192.0.2.1 SIP/2.0\r\n", flow)
    net.run(15)
    assert phone.of(FlowLost) == []
    net.run(6)
    assert phone.one(FlowLost)


# When it ends


def test_it_ends_with_the_registration(net: Network, phone: Agent, server: Agent) -> None:
    grants(server, 600)
    register(phone, server)
    net.run(300)
    before = len(pings(net))
    assert before
    register(phone, server, expires=0)
    net.run(40)
    assert phone.idle
    net.run(300)
    assert len(pings(net)) == before


def test_it_ends_when_the_registration_runs_out(net: Network, phone: Agent, server: Agent) -> None:
    grants(server, 60)
    register(phone, server, "udp")
    net.run(100)
    assert len(pings(net)) == 2
    assert phone.idle


def test_a_refresh_prolongs_it_and_one_of_two_users_does_not_end_it(net: Network, phone: Agent, server: Agent) -> None:
    grants(server, 300)
    register(phone, server)
    register(phone, server, user="desk")
    net.run(200)
    register(phone, server)
    register(phone, server, user="desk", expires=0)
    net.run(290)
    assert len(pings(net)) >= 4
    net.run(140)
    assert phone.idle


def test_it_ends_with_the_connection(net: Network, phone: Agent, server: Agent) -> None:
    grants(server, headers=OUTBOUND)
    flow = register(phone, server)
    net.close(phone, flow)
    assert phone.idle
    phone.endpoint.keep_alive(flow, now=net.now)
    assert phone.idle
    assert phone.endpoint.counters["ignored: keep-alive of a flow that is closed"] == 1


def test_a_core_may_ask_for_it(net: Network, server: Agent) -> None:
    plain = net.agent("plain")
    grants(server)
    flow = register(plain, server)
    plain.endpoint.keep_alive(flow, interval=50, now=net.now)
    net.run(400)
    assert all(40 <= wait <= 50.1 for wait in waits(net))
    plain.endpoint.stop_keep_alive(flow)
    plain.endpoint.stop_keep_alive(flow)
    assert plain.idle
    with pytest.raises(LocalProtocolError):
        plain.endpoint.keep_alive(flow, interval=0, now=net.now)


# What registrars say


@pytest.mark.parametrize(
    "headers",
    [
        [("Contact", "<sip:phone@198.51.100.7:40000>;expires=600")],  # as it saw it
        [("Contact", "<sip:phone@192.0.2.1:5060;transport=udp>"), ("Expires", "600")],
        [("Contact", "<sip:other@192.0.2.9>;expires=5, <sip:phone@192.0.2.1:5060;transport=udp>;expires=600")],
    ],
)
def test_what_was_granted_is_read_in_every_form(
    net: Network, phone: Agent, server: Agent, headers: list[tuple[str, object]]
) -> None:
    server.on(
        RequestReceived,
        lambda e: server.endpoint.respond(e.transaction, 200, headers=headers, now=net.now),  # type: ignore[arg-type]
    )
    register(phone, server, "udp", expires=600)
    net.run(800)
    assert 20 <= len(pings(net)) <= 25
    assert phone.idle


@pytest.mark.parametrize(
    ("headers", "expires"), [([("Contact", "<sip:phone@192.0.2.1>;;=")], 600), ([("Flow-Timer", "soon")], 600)]
)
def test_what_cannot_be_read_is_left_out(
    net: Network, phone: Agent, server: Agent, headers: list[tuple[str, object]], expires: int
) -> None:
    kept: list[tuple[str, object]] = [] if headers[0][0] == "Contact" else [("Contact", "<sip:phone@192.0.2.1>")]
    server.on(
        RequestReceived,
        lambda e: server.endpoint.respond(e.transaction, 200, headers=[*kept, *headers], now=net.now),  # type: ignore[arg-type]
    )
    register(phone, server, "udp", expires=expires)
    net.run(0.2)
    assert phone.one(ResponseReceived).response.status == 200


def test_a_query_keeps_nothing_alive(net: Network, phone: Agent, server: Agent) -> None:
    grants(server)
    phone.endpoint.request(
        "ua",
        "REGISTER",
        f"sip:{server.host};transport=udp",
        from_="<sip:phone@example.com>",
        to="<sip:phone@example.com>",
        now=net.now,
    )
    net.run(40)
    assert phone.idle


def test_an_asterisk_ends_it(net: Network, phone: Agent, server: Agent) -> None:
    grants(server)
    register(phone, server, "udp")
    server._reactions.clear()
    server.on(RequestReceived, lambda e: server.endpoint.respond(e.transaction, 200, now=net.now))  # type: ignore[arg-type]
    phone.endpoint.request(
        "ua",
        "REGISTER",
        f"sip:{server.host};transport=udp",
        from_="<sip:phone@example.com>",
        to="<sip:phone@example.com>",
        headers=[("Contact", "*"), ("Expires", 0)],
        call_id="registration-of-phone",
        cseq=2,
        now=net.now,
    )
    net.run(20)
    assert phone.idle
