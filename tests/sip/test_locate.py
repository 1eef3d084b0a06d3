"""RFC 3263: from a URI and the records that are known to destinations in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import Destination, Uri, is_numeric
from sip.aio import Naptr, Question, RecordType, Srv
from sip.transport.locate import Records, Target, locate, srv_order


def middle() -> float:
    return 0.5


def target(uri: str) -> Target:
    return Target.of(Uri.parse(uri))


def found(uri: str, records: Records = {}, **settings: object) -> list[tuple[str, str, int]]:  # noqa: B006
    located = locate(target(uri), records, uniform=middle, **settings)  # type: ignore[arg-type]
    assert not located.questions, located.questions
    return [(d.transport, d.host, d.port) for d in located.destinations]


def asked(uri: str, records: Records = {}) -> set[tuple[str, str]]:  # noqa: B006
    located = locate(target(uri), records, uniform=middle)
    return {(question.type.value, question.name) for question in located.questions}


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sip:192.0.2.1", ("UDP", "192.0.2.1", 5060)),
        ("sip:192.0.2.1:5070", ("UDP", "192.0.2.1", 5070)),
        ("sip:192.0.2.1;transport=tcp", ("TCP", "192.0.2.1", 5060)),
        ("sip:192.0.2.1;transport=TLS", ("TLS", "192.0.2.1", 5061)),
        ("sips:192.0.2.1", ("TLS", "192.0.2.1", 5061)),
        ("sips:192.0.2.1;transport=tcp", ("TLS", "192.0.2.1", 5061)),
        ("sip:[2001:db8::1]:5070", ("UDP", "2001:db8::1", 5070)),
        ("sip:bob@example.com;maddr=192.0.2.9", ("UDP", "192.0.2.9", 5060)),
    ],
)
def test_numeric_addresses_need_no_records(uri: str, expected: tuple[str, str, int]) -> None:
    assert found(uri) == [expected]


def test_a_port_or_a_transport_leaves_out_naptr() -> None:
    assert asked("sip:example.com:5070") == {("A", "example.com"), ("AAAA", "example.com")}
    assert asked("sip:example.com;transport=tcp") == {("SRV", "_sip._tcp.example.com"), *asked("sip:example.com:1")}
    assert asked("sip:example.com") == {("NAPTR", "example.com")}


def question(text: str) -> Question:
    type_, _, name = text.partition(" ")
    return Question(name, RecordType(type_))


def answers(records: dict[str, tuple[Naptr | Srv | str, ...]]) -> Records:
    return {question(text): value for text, value in records.items()}


def srv(port: int, name: str, priority: int = 0, weight: int = 0) -> Srv:
    return Srv(priority=priority, weight=weight, port=port, target=name)


def naptr(order: int, preference: int, service: str, replacement: str, flags: str = "s") -> Naptr:
    return Naptr(order=order, preference=preference, flags=flags, service=service, replacement=replacement)


#: The example of RFC 3263 section 4.1.
EXAMPLE = answers(
    {
        "NAPTR example.com": (
            naptr(90, 50, "SIP+D2U", "_sip._udp.example.com."),
            naptr(50, 50, "SIPS+D2T", "_sips._tcp.example.com."),
            naptr(90, 40, "SIP+D2T", "_sip._tcp.example.com."),
            naptr(10, 10, "E2U+mail", "irrelevant.example.com."),
        ),
        "SRV _sips._tcp.example.com": (srv(5061, "server1.example.com."),),
        "SRV _sip._tcp.example.com": (srv(5060, "server1.example.com", 0, 1), srv(5060, "server2.example.com", 1)),
        "SRV _sip._udp.example.com": (srv(5060, "server2.example.com"),),
        "A server1.example.com": ("192.0.2.1",),
        "AAAA server1.example.com": ("2001:db8::1",),
        "A server2.example.com": ("192.0.2.2",),
        "AAAA server2.example.com": (),
    }
)


def test_naptr_gives_transports_in_its_order_and_srv_the_servers() -> None:
    assert found("sip:bob@example.com", EXAMPLE) == [
        ("TLS", "192.0.2.1", 5061),
        ("TLS", "2001:db8::1", 5061),
        ("TCP", "192.0.2.1", 5060),
        ("TCP", "2001:db8::1", 5060),
        ("TCP", "192.0.2.2", 5060),
        ("UDP", "192.0.2.2", 5060),
    ]


def test_sips_takes_tls_only() -> None:
    assert {d[0] for d in found("sips:bob@example.com", EXAMPLE)} == {"TLS"}


def test_only_usable_transports_and_families_are_offered() -> None:
    only_udp = found("sip:bob@example.com", EXAMPLE, transports=("UDP",))
    assert only_udp == [("UDP", "192.0.2.2", 5060)]
    six = found("sip:bob@example.com", EXAMPLE, transports=("TLS",), families=(RecordType.AAAA,))
    assert six == [("TLS", "2001:db8::1", 5061)]


def test_without_naptr_srv_of_each_transport_is_tried() -> None:
    records = answers(
        {
            "NAPTR example.com": (),
            "SRV _sip._udp.example.com": (),
            "SRV _sip._tcp.example.com": (srv(5080, "a.example.com"),),
            "SRV _sips._tcp.example.com": (),
            "A a.example.com": ("192.0.2.1",),
            "AAAA a.example.com": (),
        }
    )
    assert found("sip:example.com", records) == [("TCP", "192.0.2.1", 5080)]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [("sip:example.com", ("UDP", "192.0.2.1", 5060)), ("sips:example.com", ("TLS", "192.0.2.1", 5061))],
)
def test_without_naptr_and_srv_the_name_itself_is_the_server(uri: str, expected: tuple[str, str, int]) -> None:
    services = ("_sip._udp", "_sip._tcp", "_sips._tcp")
    records = {question(f"SRV {each}.example.com"): () for each in services}
    more = answers({"NAPTR example.com": (), "A example.com": ("192.0.2.1",), "AAAA example.com": ()})
    assert found(uri, {**records, **more}) == [expected]


def test_a_transport_of_the_uri_falls_back_to_the_address_when_srv_has_nothing() -> None:
    records = answers(
        {"SRV _sip._tcp.example.com": (), "A example.com": ("192.0.2.1",), "AAAA example.com": ("2001:db8::1",)}
    )
    expected = [("TCP", "192.0.2.1", 5060), ("TCP", "2001:db8::1", 5060)]
    assert found("sip:example.com;transport=tcp", records) == expected


def test_a_service_that_is_declared_absent_is_not_tried() -> None:
    records = answers(
        {
            "NAPTR example.com": (naptr(1, 1, "SIP+D2T", "_sip._tcp.example.com"),),
            "SRV _sip._tcp.example.com": (srv(0, "."),),
        }
    )
    assert found("sip:example.com", records, transports=("TCP",)) == []


def test_names_that_the_certificate_must_prove_are_those_of_the_uri() -> None:
    located = locate(target("sips:bob@example.com"), EXAMPLE, uniform=middle)
    assert {d.server_name for d in located.destinations} == {"example.com"}
    assert locate(target("sips:192.0.2.1"), {}, uniform=middle).destinations == (Destination("TLS", "192.0.2.1", 5061),)


def test_an_impossible_transport_gives_nothing() -> None:
    assert found("sips:192.0.2.1;transport=udp") == []
    assert found("sip:192.0.2.1;transport=sctp") == []


def test_numeric_hosts_are_told_from_names() -> None:
    assert is_numeric("192.0.2.1")
    assert is_numeric("[2001:db8::1]")
    assert is_numeric("fe80::1%eth0")
    assert not is_numeric("example.com")


def test_srv_order_follows_priority_then_weight() -> None:
    first, second = srv(1, "a", priority=1, weight=9), srv(2, "b", priority=1, weight=1)
    last = srv(3, "c", priority=2, weight=99)
    assert srv_order([last, second, first], lambda: 0.99) == [first, second, last]
    assert srv_order([last, second, first], lambda: 0.0) == [second, first, last]


@given(
    st.lists(st.builds(srv, st.integers(1, 9), st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 9))),
    st.floats(0, 1, exclude_max=True),
)
def test_srv_order_keeps_every_record_and_the_priorities(records: list[Srv], chance: float) -> None:
    ordered = srv_order(records, lambda: chance)
    assert sorted(ordered, key=repr) == sorted(records, key=repr)
    assert [r.priority for r in ordered] == sorted(r.priority for r in records)
