"""The demonstration runs on real sockets of the loopback interface."""

import json
from pathlib import Path
from xml.etree import ElementTree

import attrs
import pytest

from pyc3p import Ladder, Names
from pyc3p.cli import main
from pyc3p.commands.demo import plan, run_demo
from pyc3p.commands.demo_checks import check_history, check_main_job
from pyc3p.elements import Handset
from pyc3p.elements.loopback import own_addresses
from pyc3p.phone import Reaction, listen_for
from pyc3p.phone.wav import read_wav
from pyc3p.trace.capture import read_records
from pyc3p.trace.ladder import Band, Step

Lines = list[dict[str, object]]


@attrs.frozen
class Run:
    code: object
    lines: Lines
    output: Path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run, with what it printed."""
    output = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        printed: list[str] = []
        patch.setattr("sys.stdout.write", printed.append)
        with pytest.raises(SystemExit) as exit_:
            main(["demo", "--json", "--output", str(output)])
    lines = [json.loads(line) for line in "".join(printed).splitlines()]
    return Run(exit_.value.code, lines, output)


def test_nothing_is_missing(run: Run) -> None:
    failed = [line for line in run.lines if line.get("passed") is False]
    assert failed == []
    assert run.code == 0


def test_the_eight_steps_and_the_tones_are_shown(run: Run) -> None:
    checks = [str(line["check"]) for line in run.lines if "check" in line]
    assert [check[0] for check in checks[:8]] == list("12345678")
    assert {"phone-bob hears 1030 Hz", "phone-carol hears 440 Hz"} <= set(checks)
    assert {"phone-bob does not hear 440 Hz", "phone-carol does not hear 1030 Hz"} <= set(checks)


def test_both_subscribers_see_the_roster_change(run: Run) -> None:
    for name in ("presenter", "watcher"):
        seen = [line["roster"] for line in run.lines if line.get("seen_by") == name]
        states = ("dialing-out", "alerting", "connected", "disconnecting", "disconnected (booted)", "gone")
        assert [change for change in seen if str(change).startswith("bob")] == [
            f"bob@example.com: audio-video {state}" for state in states
        ]


def test_ladders_capture_and_recordings_are_written(run: Run) -> None:
    for name in ("ladder.svg", "main-job.svg"):
        ElementTree.fromstring((run.output / name).read_text(encoding="utf-8"))
    text = (run.output / "ladder.txt").read_text(encoding="utf-8")
    assert "addUser dialed-out bob@example.com" in text
    assert "RTP PCMU" in text
    assert listen_for(read_wav(run.output / "heard-by-phone-bob.wav"), 1030).heard
    assert listen_for(read_wav(run.output / "heard-by-phone-carol.wav"), 440).heard


def test_the_capture_tells_the_same_story(run: Run) -> None:
    records = read_records(run.output / "demo.pcapng")
    messages = [line for line in run.lines if "label" in line]
    assert sum(record.layer in ("sip", "http") for record in records) == len(messages)
    assert {record.layer for record in records} == {"sip", "http", "rtp", "rtcp"}
    assert {record.transport for record in records if record.layer == "sip"} == {"UDP", "TCP"}
    assert b"Bearer AAAA" in b"".join(record.data for record in records if record.layer == "http")


def test_each_missing_message_is_named(run: Run) -> None:
    ladder = Ladder()
    steps = [line for line in run.lines if "label" in line]
    from pyc3p.trace.summary import Kind

    ladder.items = [
        Step(
            at=0.0,
            source=str(line["from"]),
            target=str(line["to"]),
            label=str(line["label"]),
            detail=str(line["detail"]),
            kind=Kind.REQUEST,
            transport="TCP",
        )
        for line in steps
        if line["label"] != "180 Ringing" and line["to"] != "mcu-factory"
    ]
    ladder.items.append(Band(at=0.0, left="mcu", right="phone-bob", forth=50, back=5))
    checks = check_main_job(ladder, "bob@example.com", "phone-bob", ("presenter", "watcher"))
    assert [check.title[0] for check in checks if not check.passed] == ["2", "5", "6"]
    details = " ".join(check.detail for check in checks)
    assert "no POST addConference from focus to mcu-factory" in details
    assert "no 180  from phone-bob to proxy" in details
    assert "no RTP both ways" in details


def test_a_missing_roster_change_is_named() -> None:
    check = check_history("watcher", "Bob", ["audio-video dialing-out"], ["audio-video dialing-out", "gone"])
    assert not check.passed
    assert check.detail == "dialing-out"


def test_a_phone_that_is_silent_makes_the_demo_fail_loudly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quiet = attrs.evolve(
        plan(), handsets=[Handset(name="phone-bob", user="bob"), Handset(name="phone-carol", user="carol")]
    )
    assert run_demo(tmp_path, as_json=False, farm_plan=quiet) == 1
    out = capsys.readouterr().out
    assert "✘ phone-bob hears 1030 Hz" in out
    assert "SOMETHING IS MISSING" in out


def test_a_phone_that_declines_makes_the_demo_fail_loudly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bob, carol = plan().handsets
    declining = attrs.evolve(plan(), handsets=[attrs.evolve(bob, reaction=Reaction.DECLINE), carol])
    assert run_demo(tmp_path, as_json=False, farm_plan=declining) == 1
    assert "the call failed: 603 Decline" in capsys.readouterr().out
    assert (tmp_path / "ladder.svg").exists()


def test_names_of_a_capture_can_be_given_again(run: Run) -> None:
    assert Ladder.of(read_records(run.output / "demo.pcapng"), Names()).columns


def test_the_last_screen_sums_up_the_steps_in_their_order(run: Run) -> None:
    stages = [line for line in run.lines if "stage" in line]
    assert [line["stage"] for line in stages] == list("12345678")
    began = [float(str(line["began"])) for line in stages]
    assert began == sorted(began)
    assert all(float(str(line["seconds"])) >= 0 for line in stages)
    picture = (run.output / "main-job.svg").read_text(encoding="utf-8")
    assert picture.count('class="number"') == 8
    assert "▸ The presenter ejects Bob" in (run.output / "ladder.txt").read_text(encoding="utf-8")
    assert "addUser" in (run.output / "ladder.html").read_text(encoding="utf-8")


def test_each_element_has_an_address_of_its_own_where_there_are_several(run: Run) -> None:
    if len(set(own_addresses(2))) == 1:
        pytest.skip("this system has one address on loopback")
    elements = Names()
    records = read_records(run.output / "demo.pcapng", elements)
    hosts: dict[str, set[str]] = {}
    for record in records:
        hosts.setdefault(elements.label(record.source), set()).add(record.source[0])
    assert all(len(each) == 1 for each in hosts.values())
    assert len(set.union(*hosts.values())) == len(hosts) == 9


def test_without_further_addresses_all_are_at_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyc3p.elements.loopback.OWN_NETWORK", "203.0.113")  # of nobody here
    assert own_addresses(3) == ["127.0.0.1"] * 3
