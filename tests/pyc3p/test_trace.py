import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyc3p import Names, Record, Recording, Trace
from pyc3p.trace.trace import dump_record, load_record, text_address

FOCUS, PROXY = ("127.0.0.1", 5070), ("127.0.0.1", 5060)
EPHEMERAL = ("127.0.0.1", 40001)


def send(sink, source, destination, data=b"OPTIONS", at=0.0, layer="sip", transport="TCP"):
    sink.record(layer=layer, transport=transport, source=source, destination=destination, data=data, at=at)


def test_both_ends_of_a_hop_make_one_record() -> None:
    recording = Recording()
    trace = Trace(readers=[recording])
    focus, proxy = trace.element("focus", FOCUS), trace.element("proxy", PROXY)
    send(focus, FOCUS, PROXY, at=1.0)
    send(proxy, FOCUS, PROXY, at=1.1)
    assert [record.at for record in recording] == [1.0]
    assert trace.joined == 1


def test_a_retransmission_is_a_record_of_its_own() -> None:
    recording = Recording()
    trace = Trace(readers=[recording])
    focus, proxy = trace.element("focus", FOCUS), trace.element("proxy", PROXY)
    send(focus, FOCUS, PROXY, at=1.0)
    send(focus, FOCUS, PROXY, at=1.5)
    send(proxy, FOCUS, PROXY, at=1.6)
    assert [record.at for record in recording] == [1.0, 1.5]


@pytest.mark.parametrize("knows_itself", [True, False])
def test_an_element_that_asks_itself_over_http_makes_one_record_of_each_message(knows_itself: bool) -> None:
    recording = Recording()
    trace = Trace(readers=[recording])
    server = trace.element("focus", *([FOCUS] if knows_itself else []))
    client = server.client_side()
    question, answer = b"POST / HTTP/1.1\r\n\r\n1", b"HTTP/1.1 200 OK\r\n\r\n1"
    for at in (1.0, 2.0):
        send(client, EPHEMERAL, FOCUS, question, at=at, layer="http")
        send(server, EPHEMERAL, FOCUS, question, at=at + 0.1, layer="http")
        send(server, FOCUS, EPHEMERAL, answer, at=at + 0.2, layer="http")
        send(client, FOCUS, EPHEMERAL, answer, at=at + 0.3, layer="http")
    assert [record.at for record in recording] == [1.0, 1.2, 2.0, 2.2]
    assert trace.names.label(EPHEMERAL) == "focus"


def test_an_element_that_sends_to_itself_makes_one_record() -> None:
    recording = Recording()
    trace = Trace(readers=[recording])
    both = trace.element("server", FOCUS, PROXY)
    for at in (1.0, 1.1, 1.5, 1.6):  # sent and received, and once more
        send(both, FOCUS, PROXY, at=at, transport="UDP")
    assert [record.at for record in recording] == [1.0, 1.5]


def test_a_peer_at_the_same_port_as_a_listener_on_every_address_is_somebody_else() -> None:
    recording = Recording()
    trace = Trace(readers=[recording])
    server = trace.element("server", ("0.0.0.0", 5060))
    for at in (1.0, 1.5):  # a retransmission
        send(server, ("192.0.2.9", 5060), ("192.0.2.1", 5060), at=at, transport="UDP")
    assert [record.at for record in recording] == [1.0, 1.5]


def test_who_is_asked_elsewhere_does_not_get_the_name_of_who_asks() -> None:
    trace = Trace()
    asking = trace.element("focus", FOCUS).client_side()
    elsewhere = ("192.0.2.20", 8445)
    for _ in range(2):
        send(asking, EPHEMERAL, elsewhere, b"POST / HTTP/1.1\r\n\r\n", layer="http")
        send(asking, elsewhere, EPHEMERAL, b"HTTP/1.1 200 OK\r\n\r\n", layer="http")
    assert trace.names.get(EPHEMERAL) == "focus"
    assert trace.names.get(elsewhere) is None


def test_the_ephemeral_address_of_a_client_gets_its_name() -> None:
    trace = Trace()
    trace.element("focus", FOCUS)
    client = trace.element("client")
    send(client, EPHEMERAL, FOCUS)
    assert trace.names.label(EPHEMERAL) == "client"
    assert trace.names.elements == ("focus", "client")


def test_a_server_does_not_take_the_address_of_its_peer() -> None:
    trace = Trace()
    focus = trace.element("focus", FOCUS)
    send(focus, EPHEMERAL, FOCUS)
    assert trace.names.label(EPHEMERAL) == "127.0.0.1:40001"


def test_a_listener_on_every_address_is_found_by_its_port() -> None:
    names = Names()
    names.add("proxy", ("0.0.0.0", 5060))
    assert names.get(("192.0.2.7", 5060)) == "proxy"
    assert names.get(("192.0.2.7", 5061)) is None


def test_names_are_bounded() -> None:
    names = Names(limit=2)
    names.add("a", ("h", 1), ("h", 2), ("h", 3))
    assert [names.get(("h", port)) for port in (1, 2, 3)] == [None, "a", "a"]


def test_names_survive_a_file() -> None:
    names = Names(["first"])
    names.add("a phone", ("::1", 5060), ("0.0.0.0", 7))
    again = Names.load(names.dump())
    assert again.elements == ("first", "a phone")
    assert (again.get(("::1", 5060)), again.get(("192.0.2.1", 7))) == ("a phone", "a phone")
    assert again.at_host("::1") == {"a phone"}
    with pytest.raises(ValueError, match="not a line of names"):
        Names.load("nonsense\n")


def test_secrets_are_covered_unless_unsafe() -> None:
    for unsafe in (False, True):
        recording = Recording()
        send(Trace(readers=[recording], unsafe=unsafe), FOCUS, PROXY, b"Authorization: Bearer abc\r\n")
        (record,) = recording
        assert (b"abc" in record.data) is unsafe


def test_a_full_recording_drops_media_first() -> None:
    recording = Recording(limit=20)
    trace = Trace(readers=[recording])
    send(trace, FOCUS, PROXY, b"first")
    for number in range(40):
        send(trace, FOCUS, PROXY, b"%d" % number, layer="rtp", transport="UDP")
    assert len(recording) <= 20
    assert [record.data for record in recording.of_layer("sip")] == [b"first"]
    for number in range(40):
        send(trace, FOCUS, PROXY, b"%d" % number)
    assert len(recording) <= 20
    assert recording.dropped >= 60


def test_data_stays_out_of_the_repr() -> None:
    assert "secret" not in repr(
        Record(at=0, layer="sip", transport="UDP", source=FOCUS, destination=PROXY, data=b"secret")
    )


def test_ipv6_is_written_in_brackets() -> None:
    assert text_address(("2001:db8::1", 5060)) == "[2001:db8::1]:5060"


@given(st.floats(0, 1e6), st.binary(), st.integers(0, 65535))
def test_a_record_survives_the_trace_file(at: float, data: bytes, port: int) -> None:
    record = Record(
        at=round(at, 6), layer="sip", transport="UDP", source=("h", port), destination=("::1", port), data=data
    )
    assert load_record(dump_record(record)) == record


@pytest.mark.parametrize("line", ["", "{}", "[]", '{"at": "x"}', "null"])
def test_a_line_that_is_no_record_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="not a trace record"):
        load_record(line)


def test_a_reader_that_raises_disturbs_nobody_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    kept: list[Record] = []

    def broken(record: Record) -> None:
        raise OSError(28, "No space left on device")

    trace = Trace(readers=[broken, kept.append])
    sink = trace.element("a", ("192.0.2.1", 5060))
    for n in range(3):
        sink.record(
            layer="sip",
            transport="UDP",
            source=("192.0.2.1", 5060),
            destination=("192.0.2.2", 5060),
            data=b"OPTIONS sip:b SIP/2.0\r\n\r\n" + bytes([n]),
            at=float(n),
        )
    assert len(kept) == 3
    assert len(caplog.records) == 1


def test_what_cannot_be_looked_through_for_secrets_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def blind(layer: str, data: bytes) -> bytes:
        raise RecursionError

    monkeypatch.setattr("pyc3p.trace.trace.mask", blind)
    kept: list[Record] = []
    trace = Trace(readers=[kept.append])
    for _ in range(2):
        trace.record(layer="sip", transport="UDP", source=("a", 1), destination=("b", 2), data=b"secret", at=0.0)
    assert kept == []
    assert trace.lost == 2
    assert len(caplog.records) == 1
