"""A mistake of our caller is named where it is made, and changes nothing."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any, Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import c3p
import focus
import mcu
import rtp
import sip
from sip.testing import Network

WRONG: Final = [
    (lambda: sip.Listen("UPD", "127.0.0.1", 5060), "Listen: transport must be one of 'UDP', 'TCP', 'TLS', not 'UPD'"),
    (
        lambda: sip.Listen("UDP", "127.0.0.1", 70_000),
        "Listen: port must be a port, a number from 0 to 65535, not 70000",
    ),
    (lambda: sip.Listen("UDP", "127.0.0.1", "5060"), "not '5060'"),  # type: ignore[arg-type]
    (lambda: sip.Listen("UDP", "", 5060), "Listen: host must be a str that is not empty, not ''"),
    (
        lambda: sip.EndpointConfig(listen=("127.0.0.1:5060",)),  # type: ignore[arg-type]
        "EndpointConfig: listen must be made of sip.Listen, not '127.0.0.1:5060'",
    ),
    (
        lambda: focus.ClientConfig(aor="alice@example.com"),
        "ClientConfig: aor must be a SIP address such as 'sip:alice@example.com', not 'alice@example.com'",
    ),
    (
        lambda: focus.ClientConfig(aor="sip:alice@example.com", outbound_proxy="sip:192.0.2.1"),  # type: ignore[arg-type]
        "ClientConfig: outbound_proxy must be a sip.Uri, as in sip.Uri.parse('sip:192.0.2.1'), not 'sip:192.0.2.1'",
    ),
    (
        lambda: sip.RegistrarConfig(domains="example.com"),  # type: ignore[arg-type]
        "RegistrarConfig: domains must be a tuple of names such as ('example.com',), not 'example.com'",
    ),
    (lambda: sip.ProxyConfig(domains="example.com"), "ProxyConfig: domains must be"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("make", "says"), WRONG, ids=[says.split(",")[0] for _, says in WRONG])
def test_a_setting_that_cannot_be_right_is_named(make: Any, says: str) -> None:
    with pytest.raises(sip.LocalProtocolError, match=re.escape(says)):
        make()


# Unknown sessions and commands ---------------------------------------------------------------------------------------

#: What may come for something that is over or was before a restart, and is then no mistake.
MAY_BE_LATE: Final = {"hand_on"}
ID: Final = re.compile(r"(Session|Subscription|Transaction|Request|Want|Leg)Id\b")
PLAIN: Final = {"str": "INFO", "int": 200, "float": 1.0, "bytes": b"", "bool": True, "now": 1.0, "status": 486}
FLOW: Final = sip.Flow(77, "UDP", sip.Address("192.0.2.1", 5060), sip.Address("192.0.2.2", 5060))


def machine_of_sip() -> sip.Endpoint:
    agent = Network(seed=1).agent("alice", core=False)
    agent.endpoint.add_core("mine", lambda request, flow: True, claim=sip.Claim.ELEMENT, methods=())
    return agent.endpoint


def with_ids(machine: Any) -> Iterator[tuple[str, Any]]:
    """Public methods that are told a session, a subscription, a request or a question by its number."""
    for name, method in inspect.getmembers(machine, inspect.ismethod):
        parameters = inspect.signature(method).parameters.values()
        if not name.startswith("_") and any(ID.search(str(each.annotation)) for each in parameters):
            yield name, method


def arguments(method: Any, number: int) -> dict[str, Any]:
    """Something that fits for each parameter that must be given, and an id for each that can be."""
    found: dict[str, Any] = {}
    for each in inspect.signature(method).parameters.values():
        written = str(each.annotation)
        if ID.search(written):
            found[each.name] = number
        elif each.default is each.empty:
            kind = written.partition("[")[0].partition(" ")[0]
            plain = PLAIN.get(each.name, PLAIN.get(kind, "sip:bob@example.com" if "Uri" in written else ()))
            found[each.name] = FLOW if written == "Flow" else plain
    return found


@given(st.integers(min_value=1, max_value=2**40))
def test_a_number_that_nobody_gave_is_a_mistake_of_our_caller_and_changes_nothing(number: int) -> None:
    endpoint = machine_of_sip()
    before = endpoint.sizes
    for name, method in with_ids(endpoint):
        if name not in MAY_BE_LATE:
            with pytest.raises(sip.LocalProtocolError):
                method(**arguments(method, number))
    assert (endpoint.sizes, endpoint.take_events(), endpoint.data_to_send()) == (before, [], [])


def test_that_is_asked_of_all_commands() -> None:
    names = {name for name, _ in with_ids(machine_of_sip())}
    assert {"accept", "bye", "cancel", "notify", "respond", "resolved", "flow_opened", "unsubscribe"} <= names
    assert len(names) > 25


#: What a question of a machine is answered with. Answers may be late: to something that is over they are nothing.
ANSWERS: Final = {
    "exchange_failed",
    "receive_reply",
    "media_opened",
    "media_failed",
}
NUMBERED: Final = re.compile(r"(Session|Subscription|Transaction|Request|Want|Leg|Command|Invitation)Id\b")
BY_NAME: Final = {"exchange_id", "want_id", "pending_id"}
GIVEN: Final[dict[str, Any]] = {
    "now": 1.0,
    "reason": c3p.ExchangeFailure.CONNECT,
    "reply": c3p.Reply(200),
    "record": None,
    "records": (),
    "found": None,
    "decision": mcu.Allowed(),
    "identification": None,
    "rtp": ("192.0.2.1", 4000),
    "rtcp": ("192.0.2.1", 4001),
    "advertised": "192.0.2.1",
}


def all_machines() -> dict[str, Any]:
    """One of each, with nothing going on in it."""
    net = Network(seed=1)

    def endpoint(name: str) -> sip.Endpoint:
        return net.agent(name, core=False).endpoint

    def chance(name: str) -> sip.SeededEntropy:
        return sip.SeededEntropy(name.encode())

    at: dict[str, Any] = {
        "mcu_id": "m",
        "http_url": "http://192.0.2.1/x",
        "sip_contact": sip.Uri.parse("sip:192.0.2.1"),
    }
    records = focus.MemoryStore()
    machines: list[Any] = [
        focus.Focus(endpoint("a"), focus.FocusConfig(domain="example.com"), store=records, entropy=chance("a")),
        focus.FocusFactory(
            endpoint("b"), focus.FactoryConfig(domain="example.com"), store=records, entropy=chance("b")
        ),
        focus.Client(endpoint("c"), focus.ClientConfig(aor="sip:ann@example.com"), entropy=chance("c")),
        mcu.Mcu(endpoint("d"), mcu.McuConfig(**at), entropy=chance("d")),
        mcu.ChatMcu(endpoint("e"), mcu.ChatMcuConfig(**at), entropy=chance("e")),
        mcu.McuFactory(mcu.FactoryConfig()),
        sip.Registrar(endpoint("f"), sip.RegistrarConfig(domains=("example.com",)), entropy=chance("f")),
        sip.Proxy(endpoint("g"), sip.ProxyConfig(domains=("example.com",)), entropy=chance("g")),
    ]
    return {type(machine).__name__: machine for machine in machines}


def told_ids(machine: Any) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Public methods with an id in what they are told: name, method, arguments of which 0 stands for the id."""
    for name, method in inspect.getmembers(machine, inspect.ismethod):
        parameters = inspect.signature(method).parameters
        ids = {each for each, one in parameters.items() if each in BY_NAME or NUMBERED.match(str(one.annotation))}
        if name.startswith("_") or not ids:
            continue
        rest = {
            each: GIVEN.get(each, "sip:x@example.com")
            for each, one in parameters.items()
            if each not in ids and one.default is one.empty
        }
        yield name, method, dict.fromkeys(ids, 0) | rest


@pytest.mark.parametrize("name", sorted(all_machines()))
@given(number=st.integers(min_value=1, max_value=2**40))
def test_an_id_that_nobody_gave_raises_nothing_but_that_and_changes_nothing(name: str, number: int) -> None:
    machine = all_machines()[name]
    events = machine.take_events() if hasattr(machine, "take_events") else []
    for method_name, method, arguments in told_ids(machine):
        ids = [each for each, value in arguments.items() if value == 0]
        given_id = {each: f"id {number}" if each == "pending_id" else number for each in ids}
        if method_name in ANSWERS:
            found = method(**(arguments | given_id))
            assert all(isinstance(each, mcu.MediaPortReleased) for each in found or ())  # the port is not needed
        else:
            with pytest.raises((sip.LocalProtocolError, focus.LocalProtocolError, mcu.LocalProtocolError)):
                method(**(arguments | given_id))
    if hasattr(machine, "take_events"):
        assert (events, machine.take_events()) == ([], [])
    assert not hasattr(machine, "c3p_to_send") or list(machine.c3p_to_send()) == []


def test_that_is_asked_of_what_is_told_ids() -> None:
    asked = {(name, method) for name, machine in all_machines().items() for method, *_ in told_ids(machine)}
    some = {("Focus", "decided"), ("Mcu", "media_opened"), ("Client", "decline_invitation"), ("Proxy", "identified")}
    assert some <= asked
    assert len(asked) > 20


def test_an_unknown_conference_is_a_mistake_too() -> None:
    agent = Network(seed=1).agent("focus", core=False)
    config = focus.FocusConfig(domain="example.com")
    machine = focus.Focus(agent.endpoint, config, store=focus.MemoryStore(), entropy=sip.SeededEntropy(b"f"))
    for command in (machine.end_conference, machine.release):
        with pytest.raises(focus.LocalProtocolError, match=r"sip:nobody@example\.com"):
            command("sip:nobody@example.com", now=1.0)


# What is printed -----------------------------------------------------------------------------------------------------


def test_what_is_as_it_would_be_anyway_is_not_printed() -> None:
    listen = sip.Listen("UDP", "192.0.2.1", 5060)
    assert repr(listen) == "Listen(transport='UDP', host='192.0.2.1', port=5060)"
    assert repr(sip.EndpointConfig(listen=(listen,), t1=1.0)) == f"EndpointConfig(listen=({listen!r},), t1=1.0)"
    assert repr(focus.ClientConfig(aor="sip:a@example.com")) == "ClientConfig(aor='sip:a@example.com')"
    assert repr(focus.FocusConfig(domain="example.org")) == "FocusConfig(domain='example.org')"
    assert repr(mcu.FactoryConfig(forget_after=7.0)) == "FactoryConfig(forget_after=7.0)"
    assert repr(mcu.DialOutRules()) == "DialOutRules()"
    assert repr(rtp.Capabilities(ptime=30)) == "Capabilities(ptime=30)"
    assert repr(c3p.DocumentLimits(size=1000)) == "DocumentLimits(size=1000)"


def test_an_event_is_printed_in_a_line_that_can_be_read() -> None:
    event = sip.SessionEnded(owner="ua", session=sip.SessionId(7), cause=sip.EndCause.BYE_RECEIVED)
    assert str(event) == "SessionEnded(owner='ua', session=7, cause=EndCause.BYE_RECEIVED)"


EVENTS: Final = [
    each
    for module in (sip, focus, mcu)
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, sip.Event)
]


@pytest.mark.parametrize("kind", EVENTS, ids=lambda each: f"{each.__module__}.{each.__name__}")
def test_no_event_is_printed_in_another_way(kind: type[sip.Event]) -> None:
    assert kind.__repr__ is sip.Shown.__repr__
    long = kind(**{field.alias or field.name: "x" * 1_000 for field in attrs.fields(kind)})
    assert len(repr(long)) < 160 * (1 + len(attrs.fields(kind)))


def test_a_refused_subscription_says_why() -> None:
    net = Network(seed=1)
    alice, bob = net.agent("alice"), net.agent("bob", core=False)
    bob.endpoint.add_core("mine", lambda request, flow: True, claim=sip.Claim.ELEMENT, methods=("INVITE",))
    uri = bob.uri()
    alice.endpoint.subscribe("ua", uri, event="presence", from_="<sip:a@example.com>", to=f"<{uri}>", now=net.now)
    alice.take(())
    net.run(1)
    failed = alice.one(sip.SubscriptionFailed)
    assert (failed.status, failed.reason, failed.text) == (405, "Method Not Allowed", "405 Method Not Allowed")
