"""``pyc3p trace``: what is looked at of a capture, by which names, with which remarks, drawn how."""

from __future__ import annotations

import datetime
import json
import re
import shutil
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import attrs
import pytest

from pyc3p import Ladder, Names, Record
from pyc3p.cli import main
from pyc3p.trace.ladder import Act, Band, Remark, Step
from pyc3p.trace.ladder_html import render_html
from pyc3p.trace.ladder_svg import render_svg
from pyc3p.trace.ladder_text import render_text
from pyc3p.trace.naming import MAX_SEEN, Naming
from pyc3p.trace.notes import SLOW, notes_on
from pyc3p.trace.pcapng import write_pcapng
from pyc3p.trace.selection import Selection
from pyc3p.trace.trace import dump_record

SERVER, PHONE, OTHER = ("192.0.2.1", 5060), ("192.0.2.7", 5060), ("192.0.2.8", 5062)
CONF = "sip:ann@example.com;gruu;opaque=app:conf:focus:id:7BA9D7E4"
SDP = b"v=0\r\no=- 1 1 IN IP4 {}\r\ns=-\r\nc=IN IP4 {}\r\nt=0 0\r\nm=audio {} RTP/AVP 0\r\n"


def sdp(host: str, port: int) -> bytes:
    return f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n".encode()


@attrs.frozen(kw_only=True)
class Talk:
    """One SIP transaction between two addresses, as it stands in a capture."""

    method: str = "OPTIONS"
    here: tuple[str, int] = PHONE
    there: tuple[str, int] = SERVER
    user: str = "bob"
    to: str = "sip:bob@example.com"
    call: str = "c1"
    branch: str = "z9hG4bK1"
    via: tuple[str, int] | None = None
    contact: tuple[str, int] | None = None

    def _head(self, start: str) -> str:
        host, port = self.via or self.here
        at = self.contact
        return (
            f"{start}\r\nVia: SIP/2.0/UDP {host}:{port};branch={self.branch}\r\n"
            f"From: <sip:{self.user}@example.com>;tag=1\r\nTo: <{self.to}>\r\nCall-ID: {self.call}\r\n"
            f"CSeq: 1 {self.method}\r\n" + (f"Contact: <sip:x@{at[0]}:{at[1]}>\r\n" if at else "")
        )

    def ask(self, at: float, body: bytes = b"") -> Record:
        head = self._head(f"{self.method} {self.to} SIP/2.0")
        data = f"{head}Max-Forwards: 70\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        return Record(at=at, layer="sip", transport="UDP", source=self.here, destination=self.there, data=data)

    def answer(self, at: float, status: str = "200 OK", body: bytes = b"", more: str = "") -> Record:
        data = f"{self._head(f'SIP/2.0 {status}')}{more}Content-Length: {len(body)}\r\n\r\n".encode() + body
        return Record(at=at, layer="sip", transport="UDP", source=self.there, destination=self.here, data=data)


def posted(at: float, document: str, answer: str, *, port: int = 40_000) -> list[Record]:
    """One exchange of C3P between an MCU and a Factory."""
    ends = ("192.0.2.2", port), ("192.0.2.1", 8444)
    ask = f"POST /x HTTP/1.1\r\nContent-Length: {len(document)}\r\n\r\n{document}".encode()
    back = f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\n\r\n{answer}".encode()
    first = Record(at=at, layer="http", transport="TCP", source=ends[0], destination=ends[1], data=ask)
    return [first, attrs.evolve(first, at=at + 0.01, source=ends[1], destination=ends[0], data=back)]


def announcement(at: float, code: str = "success") -> list[Record]:
    request = '<request requestId="1"><registerMcu mcuId="m"/></request>'
    return posted(at, request, f'<response requestId="1" code="{code}"><registerMcu/></response>')


def rtp(at: float, source: tuple[str, int], destination: tuple[str, int]) -> Record:
    data = struct.pack("!BBHII", 0x80, 0, int(at * 50) & 0xFFFF, 160, 9) + bytes(160)
    return Record(at=at, layer="rtp", transport="UDP", source=source, destination=destination, data=data)


def remarks(*records: Record) -> list[str]:
    return [item.text for item in Ladder.of(records).items if isinstance(item, Remark)]


# Names ---------------------------------------------------------------------------------------------------------------


def test_who_registers_is_called_by_name_from_its_first_message_on() -> None:
    call = Talk(method="INVITE", here=("192.0.2.7", 49_999), via=PHONE, user="bob", to="sip:joe@example.com")
    register = Talk(method="REGISTER", contact=PHONE, branch="z9hG4bK2", call="r")
    incoming = Talk(method="INVITE", here=SERVER, there=PHONE, branch="z9hG4bK3", call="c3", user="joe")
    records = [call.ask(0.0), register.ask(0.1), register.answer(0.2), incoming.ask(0.3)]
    assert Ladder.of(records).columns == ("bob", "joe")


def test_a_phone_with_the_port_of_the_server_is_not_the_server() -> None:
    names = Names()
    names.add("focus", ("0.0.0.0", 5060))
    register = Talk(method="REGISTER", contact=PHONE)
    incoming = Talk(method="INVITE", here=SERVER, there=PHONE, branch="z9hG4bK3", call="c3")
    assert Ladder.of([register.ask(0.0), register.answer(0.1), incoming.ask(0.2)], names).columns == ("focus", "bob")


def test_who_calls_and_who_answers_are_called_by_from_and_to() -> None:
    call = Talk(method="INVITE", here=PHONE, there=OTHER, user="bob", to="sip:joe@example.com", contact=PHONE)
    answer = attrs.evolve(call, contact=OTHER).answer(0.1)
    assert Ladder.of([call.ask(0.0), answer]).columns == ("bob", "joe")


def test_a_conference_is_no_person_and_a_gateway_is_none_of_its_callers() -> None:
    focus = Talk(here=SERVER, there=OTHER).ask(0.0)
    of_conference = attrs.evolve(focus, data=focus.data.replace(b"sip:bob@example.com>;tag", CONF.encode() + b">;tag"))
    callers = [
        Talk(method="INVITE", user=user, branch=f"z9hG4bK{user}", call=user, there=("192.0.2.9", 5060)).ask(1.0)
        for user in ("ann", "bob", "joe")
    ]
    assert set(Ladder.of([of_conference, *callers]).columns) == {
        "192.0.2.1:5060",
        "192.0.2.8:5062",
        "192.0.2.7:5060",
        "192.0.2.9:5060",
    }


def test_two_phones_of_one_user_are_two_columns() -> None:
    records = [
        Talk(method="REGISTER", here=here, contact=here, branch=f"z9hG4bK{here[1]}").ask(0.0) for here in (PHONE, OTHER)
    ]
    assert Ladder.of(records).columns[:2] == ("bob", "bob 192.0.2.8")


def test_what_somebody_named_keeps_its_name() -> None:
    names = Names()
    names.add("desk phone", PHONE)
    register = Talk(method="REGISTER", here=("192.0.2.7", 50_000), via=PHONE, contact=PHONE)
    assert "desk phone" in Ladder.of([register.ask(0.0)], names).columns
    assert "bob" not in names.elements


def test_what_is_remembered_of_addresses_is_bounded() -> None:
    naming = Naming(Names())
    for number in range(MAX_SEEN + 100):
        naming.learn(Talk(here=(f"host{number}", 5060)).ask(0.0))
    naming.settle()
    assert len(naming._elements) <= MAX_SEEN + 2


# What is looked at ---------------------------------------------------------------------------------------------------


def conversation() -> list[Record]:
    """Two calls with media, one of which is in a conference, which a document over HTTP speaks of too."""
    one = Talk(method="INVITE", here=SERVER, there=PHONE, user="mcu", call="one", branch="z9hG4bKa")
    one = attrs.evolve(one, to="sip:bob@example.com")
    two = Talk(method="INVITE", here=SERVER, there=OTHER, user="mcu", call="two", branch="z9hG4bKb")
    two = attrs.evolve(two, to="sip:carol@example.com")
    bye = attrs.evolve(one, method="BYE", branch="z9hG4bKc")
    document = f'<request requestId="4"><addUser><conferenceKeys confEntity="{CONF}"/></addUser></request>'
    server, bob, carol = ("192.0.2.1", 30_000), ("192.0.2.7", 40_000), ("192.0.2.8", 40_000)
    records = [
        *posted(0.0, document, '<response requestId="4" code="pending"><addUser/></response>'),
        one.ask(1.0, sdp(*server)),
        one.answer(1.1, body=sdp(*bob)),
        two.ask(1.2, sdp(server[0], 30_002)),
        attrs.evolve(two, contact=OTHER).answer(1.3, body=sdp(*carol)),
        *(rtp(2 + n / 50, server, bob) for n in range(3)),
        *(rtp(2 + n / 50, (server[0], 30_002), carol) for n in range(3)),
        bye.ask(9.0),
        bye.answer(9.1),
    ]
    return [attrs.evolve(records[0]), *records[1:]]


def kept(selection: Selection) -> list[str]:
    chosen = selection.of(conversation(), Names())
    return [each.data.split(b"\r\n")[0].decode() if each.layer != "rtp" else "rtp" for each in chosen]


def test_a_call_is_its_dialog_and_its_media() -> None:
    assert kept(Selection(call_id="one")) == [
        "INVITE sip:bob@example.com SIP/2.0",
        "SIP/2.0 200 OK",
        *["rtp"] * 3,
        "BYE sip:bob@example.com SIP/2.0",
        "SIP/2.0 200 OK",
    ]


@pytest.mark.parametrize("user", ["carol", "carol@example.com", "sip:carol@example.com"])
def test_a_user_is_found_by_address_and_by_name(user: str) -> None:
    assert kept(Selection(user=user)) == ["INVITE sip:carol@example.com SIP/2.0", "SIP/2.0 200 OK", *["rtp"] * 3]


@pytest.mark.parametrize("user", ["carol@example", "arol", "carol@example.co", "arol@example.com"])
def test_who_is_called_alike_is_somebody_else(user: str) -> None:
    assert kept(Selection(user=user)) == []


@pytest.mark.parametrize("conference", [CONF, "7BA9D7E4", "7ba9d7e4", CONF + "?conversation-id=1"])
def test_a_conference_is_found_by_its_uri_and_by_its_identifier_with_the_answers(conference: str) -> None:
    assert kept(Selection(conference=conference)) == ["POST /x HTTP/1.1", "HTTP/1.1 200 OK"]


def test_the_beginning_or_all_but_the_end_is_left_out() -> None:
    assert (
        kept(Selection(since=8)) == kept(Selection(since=-0.2)) == ["BYE sip:bob@example.com SIP/2.0", "SIP/2.0 200 OK"]
    )


def test_heartbeats_are_shown_once_and_when_they_are_answered_otherwise() -> None:
    ping = Talk()
    pings = [
        each
        for n in range(3)
        for each in (attrs.evolve(ping, branch=f"z{n}").ask(n), attrs.evolve(ping, branch=f"z{n}").answer(n + 0.1))
    ]
    records = [
        *pings,
        *(each for n in range(10, 14) for each in announcement(n)),
        *announcement(20, "failure"),
        *announcement(21, "failure"),
        *announcement(22),
    ]
    shown = Selection().of(records, Names())
    assert [each.at for each in shown if each.layer == "sip"] == [0, 0.1]
    assert [each.at for each in shown if each.layer == "http"] == [10, 10.01, 20, 20.01, 22, 22.01]
    assert Selection(heartbeats=True).of(records, Names()) == records


def test_a_heartbeat_without_answer_is_shown() -> None:
    pings = [attrs.evolve(Talk(), branch=f"z{n}").ask(n) for n in range(3)]
    assert Selection().of(pings, Names()) == pings


# Remarks -------------------------------------------------------------------------------------------------------------


def test_what_took_long_and_what_failed_is_said_where_it_happens() -> None:
    call = Talk(method="INVITE", here=SERVER, there=PHONE)
    quick = Talk(branch="z9hG4bKq", call="q")
    records = [
        quick.ask(0.0),
        quick.answer(SLOW / 2),
        call.ask(1.0),
        call.ask(1.5),
        call.answer(1.9, "100 Trying"),
        call.answer(7.0, "180 Ringing"),
        call.answer(8.0, "486 Busy Here", more='ms-diagnostics: 7003;reason="in a call"\r\n'),
    ]
    assert remarks(*records) == [
        "the first answer to INVITE to bob@example.com came after 0.9 s, sent 2 times",
        "INVITE to bob@example.com: 6.0 s until it rang",
        "INVITE to bob@example.com failed: 486 Busy Here (in a call)",
    ]
    lines = render_text(Ladder.of(records)).splitlines()
    assert "486 Busy Here" in lines[-2]
    assert lines[-1].strip() == "✘ INVITE to bob@example.com failed: 486 Busy Here (in a call)"


def test_no_answer_is_said_only_where_one_could_have_come() -> None:
    asked = Talk()
    later = attrs.evolve(asked, branch="z9hG4bKl", call="l")
    assert remarks(asked.ask(0.0), asked.ask(0.5), later.ask(9.0)) == ["OPTIONS is not answered, sent 2 times"]


@pytest.mark.parametrize("method", ["ACK", "BENOTIFY"])
def test_what_nobody_answers_is_not_missed(method: str) -> None:
    assert remarks(Talk(method=method).ask(0.0), attrs.evolve(Talk(), branch="z9hG4bKl").ask(9.0)) == []


def test_a_challenge_is_no_failure() -> None:
    asked = Talk()
    assert remarks(asked.ask(0.0), asked.answer(0.1, "401 Unauthorized")) == []


def test_commands_that_fail_are_said_over_http_and_as_results() -> None:
    assert remarks(*announcement(0.0, "failure")) == ["POST registerMcu failed: failure"]
    result = '<response requestId="4" code="failure" reason="otherFailure"><addUser/></response>'
    info = Talk(method="INFO", here=SERVER, there=PHONE)
    assert remarks(info.ask(0.0, result.encode()), info.answer(0.1)) == ["addUser failed: otherFailure"]


def test_sound_one_way_is_said() -> None:
    one, other = ("192.0.2.1", 30_000), ("192.0.2.7", 40_000)
    ladder = Ladder.of([rtp(n / 50, one, other) for n in range(200)])
    (band,) = ladder.items
    assert isinstance(band, Band)
    assert band.detail.endswith("nothing from 192.0.2.7:40000")


def test_of_nothing_there_is_nothing_to_say() -> None:
    assert notes_on([]) == []


# Pictures ------------------------------------------------------------------------------------------------------------


def drawn() -> Ladder:
    ladder = Ladder.of(conversation(), acts=[(-1.0, "First & foremost"), (1.15, "Then <b>")])
    ladder.number(lambda step: "5" if step.label == "INVITE" and "bob" in step.detail else "")
    return ladder


def test_acts_and_numbers_are_in_every_picture() -> None:
    ladder = drawn()
    assert [item.text for item in ladder.items if isinstance(item, Act)] == ["First & foremost", "Then <b>"]
    assert isinstance(ladder.items[0], Act)
    svg = render_svg(ladder)
    ElementTree.fromstring(svg)
    assert svg.count('class="number"') == 1
    for picture in (svg, render_html(ladder)):
        assert "First &amp; foremost" in picture
        assert "<b>" not in picture
    assert "▸ First & foremost" in render_text(ladder)
    assert "▸ First & foremost" in render_text(ladder, width=60)


def test_the_page_has_every_message_whole_and_nothing_of_it_is_markup() -> None:
    evil = b"<script>alert(1)</script>" + b"x" * 3000 + b"the end"
    message = Talk(method="MESSAGE").ask(0.0, evil)
    page = render_html(Ladder.of([message]), title="<x>")
    assert "<script" not in page
    assert "the end" in page
    assert "&lt;script&gt;" in page
    assert set(re.findall(r'href="#(\w+)"', page)) <= {*re.findall(r'id="(\w+)"', page), "ladder"}


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    return int(exit_.value.code or 0)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    write_pcapng(tmp_path / "calls.pcapng", conversation())
    return tmp_path / "calls.pcapng"


def test_the_command_line_chooses_and_draws(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = capture.with_suffix(".html")
    assert run("trace", capture, "--user", "carol", "--since", "1", "--json", "--html", page) == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("label") for line in shown] == ["INVITE", "200 OK", None]
    assert shown[2]["between"] == ["mcu", "carol"]
    assert shown[0]["at"] == 1.2  # counted from the beginning of the capture, as --since is
    assert "carol" in page.read_text(encoding="utf-8")


def test_heartbeats_of_one_element_are_known_by_whatever_connection_they_come(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = '<request requestId="1"><registerMcu mcuId="m"><sip-uri>sip:192.0.2.2:5070</sip-uri></registerMcu></request>'
    answer = '<response requestId="1" code="success"><registerMcu/></response>'
    beats = [each for n in range(4) for each in posted(n * 10.0, said, answer, port=40_000 + n)]
    write_pcapng(tmp_path / "a.pcapng", beats)
    assert run("trace", tmp_path / "a.pcapng", "--json") == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert run("trace", tmp_path / "a.pcapng", "--json", "--heartbeats") == 0
    assert len(capsys.readouterr().out.splitlines()) == 8


#: 23:59:52 at Berlin, so that a time after midnight is one in the conversation, which takes some seconds.
EVENING: Final = datetime.datetime.fromisoformat("2026-03-31T23:59:52+02:00").timestamp()


@pytest.fixture
def of_an_evening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    write_pcapng(tmp_path / "evening.pcapng", conversation(), wall_clock=EVENING)
    yield tmp_path / "evening.pcapng"
    monkeypatch.undo()
    time.tzset()


def first_after(capture: Path, when: str, capsys: pytest.CaptureFixture[str]) -> float:
    assert run("trace", capture, "--since", when, "--heartbeats", "--json") == 0
    return float(json.loads(capsys.readouterr().out.splitlines()[0])["at"])


@pytest.mark.parametrize(
    "when",
    ["8", "00:00", "00:00:00", "00:00+02:00", "22:00Z", "2026-04-01", "2026-04-01T00:00", "2026-03-31T22:00:00Z"],
)
def test_it_begins_at_the_moment_that_was_named(
    of_an_evening: Path, when: str, capsys: pytest.CaptureFixture[str]
) -> None:
    everything = first_after(of_an_evening, "0", capsys)
    assert everything < 8 <= first_after(of_an_evening, when, capsys)


@pytest.mark.parametrize("when", ["23:59", "2026-03-31T20:00", "2026-03-31", "23:59:52"])
def test_all_of_it_is_after_a_moment_before_it(
    of_an_evening: Path, when: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert first_after(of_an_evening, when, capsys) == first_after(of_an_evening, "0", capsys)


@pytest.mark.parametrize("when", ["2026-04-01T00:05", "2027-01-01"])
def test_after_its_end_there_is_nothing_and_when_it_was_is_said(
    of_an_evening: Path, when: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("trace", of_an_evening, "--since", when) == 1
    assert "they are of 2026-03-31 23:59:52 to 2026-04-01 00:00:01" in capsys.readouterr().err


@pytest.mark.parametrize("when", ["yesterday", "25:00", "", "nan", "inf", "2026-02-30", "14:5"])
def test_what_is_no_moment_is_refused_with_what_is_wanted(
    capture: Path, when: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("trace", capture, "--since", when) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert repr(when) in said
    assert "a time of day (14:05, 14:05:30)" in said


def test_a_trace_file_has_no_time_of_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.trace").write_text("".join(f"{dump_record(record)}\n" for record in conversation()))
    assert run("trace", tmp_path / "a.trace", "--since", "14:00") == 2
    assert "give --since in seconds" in capsys.readouterr().err
    assert run("trace", tmp_path / "a.trace", "--since", "-0.2") == 0


def test_nothing_that_fits_is_said(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("trace", capture, "--call-id", "none") == 1
    assert "none is what was asked for" in capsys.readouterr().err


def test_png_is_drawn_by_what_is_installed(capture: Path) -> None:
    if not any(map(shutil.which, ("rsvg-convert", "chromium", "chromium-browser", "google-chrome"))):
        pytest.skip("nothing that draws a PNG is installed: apt-get install librsvg2-bin")
    png = capture.with_suffix(".png")
    assert run("trace", capture, "--png", png) == 0
    data = png.read_bytes()
    assert data.startswith(b"\x89PNG")
    width, height = struct.unpack("!II", data[16:24])
    assert width > 400
    assert height > 300


def test_without_a_program_for_png_one_is_named(
    capture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert run("trace", capture, "--png", capture.with_suffix(".png")) == 1
    assert "librsvg2-bin" in capsys.readouterr().err


def test_a_ladder_that_is_too_long_for_png_says_how_to_get_less(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [attrs.evolve(Talk(), branch=f"z{n}").ask(n / 10) for n in range(600)]
    write_pcapng(tmp_path / "long.pcapng", many)
    assert run("trace", tmp_path / "long.pcapng", "--png", tmp_path / "a.png") == 1
    assert "--since" in capsys.readouterr().err


def test_steps_of_json_say_what_they_are(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("trace", capture, "--json") == 0
    kinds = {tuple(sorted(json.loads(line))) for line in capsys.readouterr().out.splitlines()}
    assert any("media" in kind for kind in kinds)
    assert any("label" in kind for kind in kinds)
    assert all(isinstance(item, Step | Band | Act | Remark) for item in drawn().items)
