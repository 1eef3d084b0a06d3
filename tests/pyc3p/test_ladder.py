import struct
from xml.etree import ElementTree

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import c3p
from c3p.testing import documents
from pyc3p import Ladder, Names, Record
from pyc3p.trace.ladder import MAX_COLUMNS, OTHERS, Band, Step
from pyc3p.trace.ladder_svg import render_svg
from pyc3p.trace.ladder_text import render_text
from pyc3p.trace.summary import Kind, describe_document, summarize

CONF = "sip:ann@example.com;gruu;opaque=app:conf:focus:id:0123456789ABCDEF"
AV = c3p.mcu_uri(CONF, "audio-video")
ANN, FOCUS, MCU, PROXY, BOB = ((f"192.0.2.{number}", 5060) for number in range(1, 6))
SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.3\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0 8\r\n"

ANSWER = SDP.replace(b"192.0.2.3", b"192.0.2.5").replace(b"30000", b"40000")

ADD_USER = c3p.Request(
    request_id="7",
    from_="sip:ann@example.com",
    to=CONF,
    command=c3p.AddUser(
        mcu_uri=AV,
        conference_keys=c3p.ConferenceKeys(conf_entity=CONF),
        user=c3p.User(
            entity="sip:bob@example.com",
            endpoints=(c3p.Endpoint(entity="{A}", joining_method="dialed-out"),),
        ),
    ),
)


def names() -> Names:
    known = Names()
    for name, address in (("presenter", ANN), ("focus", FOCUS), ("mcu", MCU), ("proxy", PROXY), ("phone", BOB)):
        known.add(name, address)
    return known


def sip_request(method: str, body: bytes = b"", content_type: str = "", extra: str = "", to: str = CONF) -> bytes:
    kind = f"Content-Type: {content_type}\r\n" if body else ""
    return (
        f"{method} {to} SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
        f"From: <sip:ann@example.com>;tag=1\r\nTo: <{to}>\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n{extra}{kind}"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def sip_response(status: str, method: str, body: bytes = b"", content_type: str = "", extra: str = "") -> bytes:
    kind = f"Content-Type: {content_type}\r\n" if body else ""
    return (
        f"SIP/2.0 {status}\r\nVia: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
        f"From: <sip:ann@example.com>;tag=1\r\nTo: <{CONF}>;tag=2\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n{extra}{kind}"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def http(start: str, document: bytes = b"") -> bytes:
    return f"{start}\r\nContent-Length: {len(document)}\r\n\r\n".encode() + document


def record(at: float, source: tuple, destination: tuple, data: bytes, layer: str = "sip") -> Record:
    transport = "TCP" if layer == "http" else "UDP"
    return Record(at=at, layer=layer, transport=transport, source=source, destination=destination, data=data)


def rtp(sequence: int, payload_type: int = 0) -> bytes:
    return struct.pack("!BBHII", 0x80, payload_type, sequence, sequence * 160, 9) + bytes(160)


def call() -> list[Record]:
    response = ADD_USER.respond(c3p.Code.SUCCESS)
    busy = ADD_USER.respond(c3p.Code.FAILURE, reason="otherFailure", command_reason="dialOutBusy")
    records = [
        record(10.0, ANN, FOCUS, sip_request("INFO", bytes(ADD_USER), c3p.CCCP_TYPE)),
        record(10.1, FOCUS, ANN, sip_response("202 Accepted", "INFO")),
        record(10.2, FOCUS, MCU, http("POST /LiveServer/audio-video HTTP/1.1", bytes(ADD_USER)), "http"),
        record(10.3, MCU, FOCUS, http("HTTP/1.1 200 OK", bytes(ADD_USER.respond(c3p.Code.PENDING))), "http"),
        record(10.4, MCU, PROXY, sip_request("INVITE", SDP, "application/sdp", to="sip:bob@example.com")),
        record(10.5, PROXY, BOB, sip_request("INVITE", SDP, "application/sdp", to="sip:bob@example.com")),
        record(10.6, BOB, PROXY, sip_response("180 Ringing", "INVITE")),
        record(10.7, BOB, PROXY, sip_response("486 Busy Here", "INVITE", extra="ms-diagnostics: 7003;reason=x\r\n")),
        record(10.8, FOCUS, ANN, sip_request("INFO", bytes(response), c3p.CCCP_TYPE)),
        record(10.9, FOCUS, ANN, sip_request("INFO", bytes(busy), c3p.CCCP_TYPE)),
        record(10.95, BOB, PROXY, sip_response("200 OK", "INVITE", ANSWER, "application/sdp")),
    ]
    media = ("192.0.2.3", 30000), ("192.0.2.5", 40000)
    for number in range(5):
        records.append(record(11 + number / 50, *media, rtp(number), "rtp"))
        records.append(record(11.01 + number / 50, *reversed(media), rtp(number, 8), "rtp"))
    report = bytes.fromhex("80c9000100000009")
    records.append(record(11.2, ("192.0.2.3", 30001), ("192.0.2.5", 40001), report, "rtcp"))
    return records


def test_steps_say_what_an_engineer_asks() -> None:
    ladder = Ladder.of(call(), names())
    told = [(item.label, item.detail) for item in ladder.items if isinstance(item, Step)]
    assert told[0] == ("INFO", "addUser dialed-out bob@example.com #7")
    assert told[1] == ("202 Accepted", "INFO")
    assert told[2] == ("POST", "addUser dialed-out bob@example.com #7")
    assert told[3] == ("200 OK", "addUser pending #7")
    assert told[4] == ("INVITE", "bob@example.com SDP audio 30000 [0 8]")
    assert told[7] == ("486 Busy Here", "INVITE error 7003")
    assert told[8] == ("INFO", "addUser success #7")
    assert told[9] == ("INFO", "addUser failure otherFailure/dialOutBusy #7")


def test_media_is_one_band_with_both_directions_and_its_reports() -> None:
    ladder = Ladder.of(call(), names())
    (band,) = [item for item in ladder.items if isinstance(item, Band)]
    assert (band.forth, band.back, band.reports) == (5, 5, 1)
    assert (band.left, band.right) == ("mcu", "phone")
    assert band.label == "RTP PCMU+PCMA"


def test_columns_stand_in_the_order_of_the_names_and_media_ports_are_learnt_from_sdp() -> None:
    ladder = Ladder.of(call(), names())
    assert ladder.columns == ("presenter", "focus", "mcu", "proxy", "phone")


def test_the_client_end_of_a_connection_is_found_by_its_via() -> None:
    ladder = Ladder.of([record(0, ("192.0.2.1", 49999), FOCUS, sip_request("INFO"))], names())
    assert ladder.columns == ("presenter", "focus")


def test_changes_of_the_roster_are_told_in_short() -> None:
    alerting = c3p.Endpoint(entity="{A}", state="partial", session_type="audio-video", status="alerting")
    gone = c3p.Endpoint(entity="{B}", session_type="audio-video", status="disconnected", disconnection_method="busy")
    users = (
        c3p.User(entity="sip:bob@example.com", state="partial", endpoints=(alerting,)),
        c3p.User(entity="sip:eve@example.com", state="partial", endpoints=(gone,)),
        c3p.User(entity="sip:joe@example.com", state="deleted"),
    )
    info = c3p.ConferenceInfo(entity=CONF, state="partial", version=4, users=c3p.Users(state="partial", users=users))
    body = bytes(info)
    detail = summarize(record(0, FOCUS, ANN, sip_request("BENOTIFY", body, c3p.CONFERENCE_INFO_TYPE))).detail
    assert detail == (
        "partial v4: bob@example.com audio-video alerting; eve@example.com audio-video disconnected (busy); "
        "joe@example.com gone"
    )
    notify = c3p.Notify(notification_id=3, from_=AV, to=CONF, conference_info=info)
    assert describe_document(notify).startswith("notify partial v4: bob@example.com")
    assert describe_document(attrs.evolve(info, state="deleted")) == "conference deleted"


@pytest.mark.parametrize(
    ("data", "layer", "kind"),
    [
        (b"", "sip", Kind.MALFORMED),
        (b"\xff\xfe not SIP", "sip", Kind.MALFORMED),
        (b"", "http", Kind.CONTROL),
        (b"HTTP/1.1 abc", "http", Kind.CONTROL),
        (b"HTTP/1.1 \xb200 OK", "http", Kind.CONTROL),  # a digit for Python, and no number
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "http", Kind.FAILURE),
        (b"POST /x HTTP/1.1\r\n\r\n<no xml", "http", Kind.CONTROL),
    ],
)
def test_anything_can_be_put_into_words(data: bytes, layer: str, kind: Kind) -> None:
    assert summarize(record(0, ANN, FOCUS, data, layer)).kind is kind


@given(documents(), st.integers(0, 4000), st.binary(max_size=6), st.booleans())
def test_whatever_is_damaged_can_be_put_into_words(
    document: c3p.Document, place: int, damage: bytes, over_http: bool
) -> None:
    body = bytes(document)
    data = http("POST /x HTTP/1.1", body) if over_http else sip_request("INFO", body, c3p.CCCP_TYPE)
    damaged = data[:place] + damage + data[place + len(damage) :]
    each = record(0, ANN, FOCUS, damaged, "http" if over_http else "sip")
    assert summarize(each).label
    assert Ladder.of([each]).items


def test_text_shows_columns_arrows_and_bands() -> None:
    text = render_text(Ladder.of(call(), names()), width=170, title="A call")
    lines = text.splitlines()
    assert lines[0] == "A call"
    assert lines[1].split() == ["presenter", "focus", "mcu", "proxy", "phone"]
    assert "─ INFO ──" in lines[2]
    assert "▶" in lines[2]
    assert "◀" in lines[3]
    assert any("═ RTP PCMU" in line and "5 → 5 ← packets" in line for line in lines)
    assert max(map(len, lines)) <= 170


def test_long_texts_are_cut_to_the_width() -> None:
    long = record(0, ANN, FOCUS, sip_request("SUBSCRIBE", to="sip:" + "x" * 300 + "@example.com"))
    assert max(map(len, render_text(Ladder.of([long], names()), width=100).splitlines())) <= 100


def test_a_narrow_terminal_gets_lines_that_name_both_ends() -> None:
    ladder = Ladder.of(call(), names())
    lines = render_text(ladder, width=80).splitlines()
    assert lines[0] == "presenter, focus, mcu, proxy, phone"
    assert "presenter → focus" in lines[1]
    assert "INFO  addUser dialed-out" in lines[1]
    assert any("mcu ⇄ phone" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_a_message_to_itself_and_media_inside_an_element_are_lines_of_text() -> None:
    known = names()
    known.add("mcu", ("192.0.2.3", 30000), ("192.0.2.3", 30002))
    inside = record(0, ("192.0.2.3", 30000), ("192.0.2.3", 30002), rtp(1), "rtp")
    text = render_text(Ladder.of([record(0, MCU, MCU, sip_request("OPTIONS")), inside], known))
    assert "mcu → mcu OPTIONS" in text
    assert "mcu ⇄ mcu RTP PCMU" in text


def test_who_posts_is_the_one_element_of_its_host() -> None:
    posted = record(0, ("192.0.2.3", 49152), ("192.0.2.2", 8444), http("POST /x HTTP/1.1"), "http")
    known = names()
    known.add("focus", ("192.0.2.2", 8444))
    assert Ladder.of([posted], known).columns == ("focus", "mcu")


HOME = "127.0.0.1"


def on_one_host() -> list[Record]:
    """A client, a Focus and an MCU at one address, as they stand in a capture that nobody named."""
    announcement = c3p.Request(
        request_id="1",
        from_="sip:mcu@127.0.0.1:5070",
        to="http://127.0.0.1:8444/LiveServer/MCUFactory",
        command=c3p.RegisterMcu(
            mcu_id="mcu-1",
            http_url="http://127.0.0.1:8445/LiveServer/audio-video",
            sip_uri="sip:mcu@127.0.0.1:5070",
            mcu_types=("audio-video",),
        ),
    )
    return [
        record(0.0, (HOME, 40000), (HOME, 5060), sip_request("SUBSCRIBE"), "sip"),
        record(
            0.1, (HOME, 41000), (HOME, 8445), http("POST /LiveServer/audio-video HTTP/1.1", bytes(ADD_USER)), "http"
        ),
        record(
            0.2, (HOME, 42000), (HOME, 8444), http("POST /LiveServer/MCUFactory HTTP/1.1", bytes(announcement)), "http"
        ),
        record(0.3, (HOME, 5070), (HOME, 5060), sip_request("INVITE"), "sip"),
        record(0.4, (HOME, 42000), (HOME, 8444), http("POST /LiveServer/Focus HTTP/1.1"), "http"),
    ]


def test_without_names_nobody_is_taken_for_a_client_who_is_not() -> None:
    steps = [item for item in Ladder.of(on_one_host()).items if isinstance(item, Step)]
    assert steps[1].source == "127.0.0.1:41000"  # nothing says who that is
    assert len({steps[0].source, steps[1].source, steps[2].source}) == 3


def test_an_mcu_is_known_by_what_it_announces() -> None:
    steps = [item for item in Ladder.of(on_one_host()).items if isinstance(item, Step)]
    assert steps[2].source == steps[3].source == steps[4].source


def test_with_one_of_many_named_the_others_do_not_get_its_name() -> None:
    known = Names()
    known.add("focus", (HOME, 5060))
    steps = [item for item in Ladder.of(on_one_host(), known).items if isinstance(item, Step)]
    assert [step.source for step in steps].count("focus") == 0


def test_svg_is_well_formed_and_escapes_what_peers_sent() -> None:
    evil = record(0, ANN, FOCUS, sip_request("MESSAGE", b"</text><script>\x00\xff", "text/plain"))
    known = names()
    known.add("<&>", ("192.0.2.66", 5060))
    records = [evil, *call(), record(20, ("192.0.2.66", 5060), ("192.0.2.66", 5060), sip_request("OPTIONS"))]
    svg = render_svg(Ladder.of(records, known), title="a <b> & c")
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert "<script>" not in svg
    assert "&lt;&amp;&gt;" in svg
    assert "RTP PCMU" in svg


def test_a_flood_of_elements_and_messages_is_bounded() -> None:
    records = [record(0, (f"192.0.2.{number}", 1), FOCUS, sip_request("OPTIONS")) for number in range(100)]
    ladder = Ladder(names(), limit=50)
    for item in records:
        ladder.add(item)
    assert len(ladder.columns) <= MAX_COLUMNS + 1
    assert OTHERS in ladder.columns
    assert (len(ladder.items), ladder.dropped) == (50, 50)
    assert "50 more messages" in render_text(ladder)
    assert "50 more messages" in render_svg(ladder)


def test_an_empty_ladder_can_be_drawn() -> None:
    assert render_text(Ladder())
    assert ElementTree.fromstring(render_svg(Ladder())) is not None
