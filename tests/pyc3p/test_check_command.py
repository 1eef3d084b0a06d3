"""``pyc3p check``: a trace is judged, and what is wrong with it is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs
import pytest

from pyc3p import Record
from pyc3p.check.judging import check_records
from pyc3p.check.selecting import JUDGED
from pyc3p.cli import main
from pyc3p.trace.pcapng import write_pcapng
from sip.testing import Act, Network, Passage, Side, Step, perform

TALK = (Step(0.02, Side.CALLEE, Act.RING), Step(1.0, Side.CALLEE, Act.ANSWER), Step(1.0, Side.CALLER, Act.BYE))
DESCRIPTION = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
ADDRESSES = {"alice": ("192.0.2.1", 5060), "bob": ("192.0.2.2", 5060)}


def call(transport: str = "udp") -> list[Record]:
    """A call of our own, as a trace has it."""
    net = Network(seed=1)
    perform(TALK, caller=net.agent("alice"), callee=net.agent("bob"), transport=transport)
    return [
        Record(
            at=each.at,
            layer="sip",
            transport=each.transport,
            source=ADDRESSES[str(each.sender)],
            destination=ADDRESSES[str(each.receiver)],
            data=described(each),
        )
        for each in net.passages()
    ]


def described(passage: Passage) -> bytes:
    """A message with a description that is one: endpoints do not look into what they carry, judges do."""
    host = ADDRESSES[str(passage.sender)][0].encode()
    body = DESCRIPTION.replace(b"192.0.2.1", host)
    return bytes(passage.message.evolve(body=body) if passage.message.body else passage.message)


def without_max_forwards(records: Sequence[Record]) -> list[Record]:
    return [changed(each, lambda data: data.replace(b"Max-Forwards: 70\r\n", b"")) for each in records]


def changed(record: Record, how: Callable[[bytes], bytes]) -> Record:
    return attrs.evolve(record, data=how(record.data))


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["check", *map(str, arguments)])
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture
def right(tmp_path: Path) -> Path:
    path = tmp_path / "right.pcap"
    write_pcapng(path, call())
    return path


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "wrong.pcap"
    write_pcapng(path, without_max_forwards(call()))
    return path


def test_a_right_call_passes(right: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(right) == 0
    assert "Nothing is wrong" in capsys.readouterr().out


def test_what_is_wrong_is_told_with_its_clause_and_its_messages(
    wrong: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(wrong) == 1
    told = capsys.readouterr().out
    assert "MUST RFC 3261 section 8.1.1 by alice" in told
    assert "every request has Max-Forwards" in told
    assert "seen: no Max-Forwards" in told
    assert "INVITE ─" in told


def test_the_same_matter_is_told_once_or_each_time(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(wrong)
    once = capsys.readouterr().out
    run(wrong, "--every")
    each = capsys.readouterr().out
    assert once.count("every request has Max-Forwards") == 1
    assert "3 times" in once
    assert each.count("every request has Max-Forwards") == 3


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--fail-on", "never"], 0),
        (["--select", "RFC 3261 section 8.1"], 1),
        (["--select", "RFC 3261 section 8"], 1),
        (["--select", "max-forwards"], 1),
        (["--select", "RFC 3261 section 17"], 0),
        (["--select", "RFC 3261 section 8.1.1.1"], 0),
        (["--by", "alice", "--name", "alice=192.0.2.1:5060"], 1),
        (["--by", "bob", "--name", "bob=192.0.2.2:5060"], 0),
    ],
)
def test_what_is_looked_for_decides(wrong: Path, options: list[str], code: int) -> None:
    assert run(wrong, *options) == code


def test_machines_get_one_object_a_line(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(wrong, "--json")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["severity"] for each in lines] == ["must"] * 3
    assert lines[0]["source"] == "RFC 3261 section 8.1.1"
    assert lines[0]["messages"][0]["label"] == "INVITE"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_over_every_transport_our_own_call_is_right(transport: str, tmp_path: Path) -> None:
    path = tmp_path / "call.pcap"
    write_pcapng(path, call(transport))
    assert run(path, "--severity", "ours", "--fail-on", "should") == 0


def test_a_packet_that_two_interfaces_saw_is_one(right: Path) -> None:
    doubled = [again for each in call() for again in (each, each)]
    assert check_records(doubled) == []


def test_what_cannot_be_read_is_a_finding() -> None:
    broken = changed(call()[0], lambda data: data.replace(b"CSeq: 1 INVITE", b"no colon here"))
    (verdict, *_) = check_records([broken])
    assert verdict.finding.source.startswith("RFC 3261 section 7")


BREAKS: dict[str, tuple[bytes, bytes, str]] = {
    "no colon": (b"CSeq: 1 INVITE", b"no colon here", "section 7.3.1"),
    "too long": (b"Content-Length: ", b"Content-Length: 9", "section 18.3"),
    "no number": (b"Content-Length: ", b"Content-Length: -", "section 20.14"),
    "no Call-ID": (b"Call-ID: ", b"X-Call-ID: ", "section 8.1.1"),
    "another version": (b" SIP/2.0\r\n", b" SIP/3.0\r\n", "section 7.1"),
    "a version in small letters": (b" SIP/2.0\r\n", b" sip/2.0\r\n", "section 7.1"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_cannot_be_read_is_of_its_sender_and_of_its_clause(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, clause = BREAKS[name]
    records = call()
    write_pcapng(tmp_path / "a.pcap", [changed(records[0], lambda data: data.replace(old, new, 1)), *records[1:]])
    assert run(tmp_path / "a.pcap", "--json", "--severity", "must") == 1
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (f"RFC 3261 {clause}", "alice", "192.0.2.1:5060") in [
        (each["source"], each["by"], each["address"]) for each in found
    ]


def test_a_message_that_is_larger_than_we_take_is_no_fault_of_its_sender() -> None:
    many = b"".join(b"X-%d: y\r\n" % number for number in range(2_000))
    long = changed(call()[0], lambda data: data.replace(b"Max-Forwards: 70\r\n", b"Max-Forwards: 70\r\n" + many))
    assert [each.severity.value for each in check_records([long])] == ["ours"]


def test_two_faults_that_nobody_can_read_are_two_matters() -> None:
    records = call()
    one = changed(records[0], lambda data: data.replace(b"CSeq: 1 INVITE", b"no colon here"))
    other = changed(records[0], lambda data: data.replace(b"Call-ID: ", b"X-Call-ID: "))
    assert len({each.kind for each in check_records([one, attrs.evolve(other, at=9.0)])}) == 2


def test_any_address_of_an_element_chooses_it(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wanted in ("192.0.2.1:5060", "alice"):
        assert run(wrong, "--by", wanted) == 1
        assert "every request has Max-Forwards" in capsys.readouterr().out


def test_the_port_from_which_an_element_connects_chooses_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = [
        attrs.evolve(each, source=("192.0.2.1", 40000)) if each.source == ADDRESSES["alice"] else each
        for each in without_max_forwards(call())
    ]
    write_pcapng(tmp_path / "a.pcap", records)
    assert run(tmp_path / "a.pcap", "--by", "192.0.2.1:40000") == 1
    assert run(tmp_path / "a.pcap", "--by", "192.0.2.1:5060") == 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--by", "nobody"], "alice, callee"),
        (["--by", "192.0.2.9:5060"], "alice, callee"),
        (["--select", "RFC 9999"], "no clause of it is judged"),
        (["--select", "RFC3261 section 8"], "a clause is written as"),
        (["--select", ""], "it is empty"),
    ],
)
def test_what_can_choose_nothing_is_refused(
    wrong: Path, options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(wrong, *options) == 2
    seen = capsys.readouterr()
    assert told in seen.err
    assert "Nothing is wrong" not in seen.out


def test_what_is_left_out_is_told(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(wrong, "--select", "maxforwards") == 0
    told = capsys.readouterr().out
    assert "Nothing is wrong" not in told
    assert "3 findings are of something else" in told


def test_a_file_with_nothing_in_it_was_judged_by_nobody(tmp_path: Path) -> None:
    write_pcapng(tmp_path / "empty.pcap", [])
    assert run(tmp_path / "empty.pcap") == 2


def test_every_document_of_a_judge_can_be_asked_for() -> None:
    root = Path(__file__).parents[2]
    places = ("sip/testing/judges", "rtp/testing/judges", "c3p/testing", "pyc3p/check")
    named = {
        int(number)
        for place in places
        for path in (root / place).glob("*.py")
        for number in re.findall(r'"RFC (\d+)', path.read_text())
    }
    assert named <= JUDGED


def test_a_file_that_is_no_trace_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.pcap").write_text("nothing of the kind")
    assert run(tmp_path / "x.pcap") == 2
    assert "neither a capture" in capsys.readouterr().err
