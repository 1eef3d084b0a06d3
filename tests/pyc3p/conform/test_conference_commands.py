"""``pyc3p conform focus`` and ``mcu``: targets, options, reports, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pyc3p.commands.command_line import run
from pyc3p.conform import focus_cases, mcu_cases, parse_focus_target, parse_mcu_target
from pyc3p.problems import UsageProblem
from tests.pyc3p.conform.meeting import own_focus, own_mcu

HASTE = ("--patience", "3", "--rate", "5000")
FACTORY = "sip:ann@example.com;gruu;opaque=app:conf:focusfactory"
CONFERENCE = "sip:ann@example.com;gruu;opaque=app:conf:focus:id:A1B2C3D4"


def test_a_focus_is_named_by_its_organizer_its_factory_or_a_conference() -> None:
    server = "tcp:127.0.0.1:5099"
    by_organizer = parse_focus_target("sip:ann@example.com", server=server)
    assert (str(by_organizer.organizer), str(by_organizer.factory)) == ("sip:ann@example.com", FACTORY)
    assert (by_organizer.address, by_organizer.port, by_organizer.transport) == ("127.0.0.1", 5099, "TCP")
    by_factory = parse_focus_target(FACTORY, server=server)
    assert str(by_factory.factory) == FACTORY
    by_conference = parse_focus_target(CONFERENCE, server=server, identity="sip:bob@example.com")
    assert (by_conference.factory, str(by_conference.conference)) == (None, CONFERENCE)
    assert str(by_conference.organizer) == "sip:bob@example.com"
    assert by_conference.words == (CONFERENCE, "--server", server, "--as", "sip:bob@example.com")


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("sip:example.com", {}),
        ("ann", {}),
        ("http://example.com", {}),
        ("sip:ann@example.com;opaque=user:epid:x;gruu", {}),
        ("sip:ann@127.0.0.1", {"attendee": "sip:ann@127.0.0.1"}),
        ("sip:ann@127.0.0.1", {"server": "127.0.0.1"}),
        ("sip:ann@127.0.0.1;transport=sctp", {}),
    ],
)
def test_what_names_no_focus_is_wrong_usage(text: str, given: dict[str, str]) -> None:
    with pytest.raises(UsageProblem):
        parse_focus_target(text, **given)


def test_an_mcu_is_named_by_its_url() -> None:
    target = parse_mcu_target(
        "http://127.0.0.1:8445/LiveServer/audio-video", organizer="sip:ann@example.com", secret="s"
    )
    assert (target.address, target.port, target.path) == ("127.0.0.1", 8445, "/LiveServer/audio-video")
    assert "s" not in target.words
    assert "'s'" not in repr(target)
    for wrong in ("127.0.0.1:8445", "ftp://127.0.0.1/", "http://", "http://127.0.0.1:x/"):
        with pytest.raises(UsageProblem):
            parse_mcu_target(wrong)


def test_there_are_cases_for_both(capsys: pytest.CaptureFixture[str]) -> None:
    for suite, cases, least in (("focus", focus_cases(), 60), ("mcu", mcu_cases(), 40)):
        assert run(["conform", suite, "--list", "--json"]) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert len(lines) == len(cases)
        assert all(line["wanted"] and line["clause"] for line in lines)
        # Without what is only ours there is still more than a sample.
        assert sum(line["force"] != "our convention" for line in lines) >= least


def test_what_is_a_convention_of_ours_says_so() -> None:
    for case in (*focus_cases(), *mcu_cases()):
        assert case.clause.startswith("pyc3p") == (case.force.value == "our convention"), case.id


def test_a_focus_is_tried_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    junit, page = tmp_path / "junit.xml", tmp_path / "page.html"
    with own_focus() as target:
        words = ["conform", "focus", *target.words, *HASTE, "--select", "factory.created", "--select", "dial-out.busy"]
        assert run([*words, "--ours", "--junit", str(junit), "--html", str(page)]) == 0
    assert "It has phones called." in capsys.readouterr().out
    suite = ET.parse(junit).getroot()[0]
    names = {f"{each.get('classname')}.{each.get('name')}" for each in suite}
    assert {"conform.factory.created", "conform.dial-out.busy"} <= names
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "0")
    assert "factory.created" in page.read_text()


def test_an_mcu_is_tried_from_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with own_mcu() as target:
        monkeypatch.setenv("PYC3P_SECRET", target.secret)
        words = ["conform", "mcu", target.url, *HASTE]
        assert run([*words, "--select", "calls.answered", "--json"]) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [line["verdict"] for line in lines if line["kind"] == "case"] == ["passed"]
        assert target.secret not in json.dumps(lines)
        monkeypatch.setenv("PYC3P_SECRET", "another one")
        assert run([*words, "--select", "calls.answered", "--json"]) == 2
    assert "cannot be tried: addConference is answered HTTP 401" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["focus", "sip:ann@1.1.1.1"],
        ["mcu", "http://1.1.1.1:8445/"],
        ["focus", "sip:ann@127.0.0.1", "--server", "tcp:127.0.0.1:9", "--patience", "0.2"],
        ["mcu", "http://127.0.0.1:9/", "--patience", "0.2"],
        ["focus"],
        ["mcu"],
        ["mcu", "http://127.0.0.1:8445/", "--ca", "x.pem"],
    ],
)
def test_nobody_of_ones_own_is_wrong_usage(words: list[str]) -> None:
    assert run(["conform", *words]) == 2
