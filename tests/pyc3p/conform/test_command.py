"""``pyc3p conform``: options, reports, exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pyc3p.commands.command_line import run
from sip import Request, Response
from tests.pyc3p.conform.element import ALLOW, Plain, element

HASTE = ("--patience", "1", "--rate", "5000")


def wrong(request: Request, times: int) -> list[Response | bytes]:
    """Takes whatever method there is."""
    plain = Plain()
    if request.method == "NEWMETHOD":
        return [plain.response(request, 200, ALLOW, ("Server", "<script>alert(1)</script>"))]
    return plain(request, times)


@pytest.fixture
def target() -> Iterator[str]:
    with element(wrong) as port:
        yield f"udp:127.0.0.1:{port}"


def test_the_exit_code_says_whether_something_is_wrong(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["conform", "sip", target, *HASTE, "--select", "headers.unknown-method"]) == 1
    out = capsys.readouterr().out
    assert "RFC 3261 section 8.2.1" in out
    assert "seen: 200 OK" in out
    assert run(["conform", "sip", target, *HASTE, "--select", "headers.compact-forms"]) == 0
    select = ("--select", "headers.unknown-method", "--fail-on", "never")
    assert run(["conform", "sip", target, *HASTE, *select]) == 0


def test_a_finding_that_is_known_is_no_failure(target: str, tmp_path: Path) -> None:
    known = str(tmp_path / "known")
    select = ("--select", "headers.unknown-method")
    assert run(["conform", "sip", target, *HASTE, *select, "--write-baseline", known]) == 1
    assert run(["conform", "sip", target, *HASTE, *select, "--baseline", known]) == 0
    (tmp_path / "known").write_text("something-else # of another\n")
    assert run(["conform", "sip", target, *HASTE, *select, "--baseline", known]) == 1


def test_a_finding_is_replayed_with_its_ladder(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["conform", "sip", target, *HASTE, "--replay", "headers.unknown-method"]) == 1
    out = capsys.readouterr().out
    assert "alice" in out
    assert "target" in out
    assert "NEWMETHOD" in out
    assert run(["conform", "sip", target, *HASTE, "--replay", "no.such"]) == 2


def test_machines_get_a_line_for_each_case(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["conform", "sip", target, *HASTE, "--json", "--select", "headers"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [lines[0]["kind"], lines[-1]["kind"]] == ["run", "sum"]
    cases = {line["case"]: line for line in lines if line["kind"] == "case"}
    (finding,) = cases["headers.unknown-method"]["findings"]
    assert finding["seen"] == "200 OK"
    assert lines[-1]["findings"] == ["headers.unknown-method"]
    assert cases["headers.compact-forms"]["verdict"] == "passed"


def test_ci_gets_junit_xml(target: str, tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    run(["conform", "sip", target, *HASTE, "--select", "headers", "--select", "proxy", "--junit", str(file)])
    suite = ET.parse(file).getroot()[0]
    tests = {f"{test.get('classname')}.{test.get('name')}": test for test in suite}
    assert suite.get("failures") == "1"
    failure = tests["conform.headers.unknown-method"].find("failure")
    assert failure is not None
    assert "200 OK" in str(failure.get("message"))
    assert f"pyc3p conform sip {target} --replay headers.unknown-method" in str(failure.text)
    assert "NEWMETHOD" in str(failure.text)
    assert tests["conform.proxy.loop-ends"].find("skipped") is not None
    assert tests["conform.headers.compact-forms"].find("failure") is None


@pytest.mark.parametrize(("fail_on", "failures"), [("must", "0"), ("should", "1"), ("never", "0")])
def test_ci_fails_for_what_the_command_fails_for(fail_on: str, failures: str, tmp_path: Path) -> None:
    def bare(request: Request, times: int) -> list[Response | bytes]:
        """OPTIONS has no Allow, which it SHOULD have."""
        made = Plain()(request, times)
        return [each.evolve(remove=["Allow"]) if isinstance(each, Response) else each for each in made]

    junit, known = tmp_path / "junit.xml", tmp_path / "known"
    with element(bare) as port:
        words = ["conform", "sip", f"udp:127.0.0.1:{port}", *HASTE, "--select", "headers.capabilities"]
        words += ["--junit", str(junit), "--fail-on", fail_on]
        assert run([*words, "--write-baseline", str(known)]) == int(failures)
        suite = ET.parse(junit).getroot()[0]
        assert suite.get("failures") == failures
        if failures == "0":
            assert "--replay headers.capabilities" in str(suite[0].findtext("system-out"))
        assert run([*words, "--baseline", str(known)]) == 0
    suite = ET.parse(junit).getroot()[0]
    assert suite.get("failures") == "0"
    assert "(known)" in str(suite[0].findtext("system-out"))


def test_foreign_networks_have_to_be_named_twice(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["conform", "sip", "udp:1.1.1.1:5060"]) == 2
    assert "--foreign 1.1.1.1" in capsys.readouterr().err
    assert run(["conform", "sip", "udp:1.1.1.1:5060", "--foreign", "1.1.1.2"]) == 2


@pytest.mark.parametrize("words", [["sctp:127.0.0.1:5060"], ["127.0.0.1"], [], ["udp:127.0.0.1:0"], ["udp::5060"]])
def test_a_target_that_is_none_is_wrong_usage(words: list[str]) -> None:
    assert run(["conform", "sip", *words]) == 2


def test_nobody_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["conform", "sip", "udp:127.0.0.1:9", "--patience", "0.2"]) == 2
    assert run(["conform", "sip", "tcp:127.0.0.1:9", "--patience", "0.2"]) == 2
    assert run(["conform", "sip", "udp:no-such-host.invalid:5060"]) == 2
    assert capsys.readouterr().err.count("\n") == 3


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C reaches the run, also where the tests were started with the signal ignored, as in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_who_interrupts_a_run_keeps_what_was_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {each: tmp_path / each for each in ("junit", "html", "write-baseline")}
    options = [word for name, file in files.items() for word in (f"--{name}", str(file))]

    def interrupted(request: Request, times: int) -> list[Response | bytes]:
        if "NewFangledHeader" in request.headers:
            signal.raise_signal(signal.SIGINT)
        return wrong(request, times)

    with element(interrupted) as port:
        cases = ("--select", "headers.unknown-method", "--select", "headers.unknown-header")
        assert run(["conform", "sip", f"udp:127.0.0.1:{port}", *HASTE, *cases, *options]) == 130
    out = capsys.readouterr().out
    assert "1 failed, 1 not run" in out
    assert "headers.unknown-method" in files["write-baseline"].read_text()
    assert "headers.unknown-method" in files["html"].read_text()
    assert ET.parse(files["junit"]).getroot()[0].get("failures") == "1"


def test_all_cases_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["conform", "sip", "--list", "--json"]) == 0
    cases = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(cases) > 150
    assert all(case["wanted"] and case["clause"].startswith("RFC ") for case in cases)
    assert run(["conform", "sip", "--list", "--select", "RFC 3261 section 9"]) == 0
    chosen = capsys.readouterr().out.splitlines()
    assert chosen
    assert all(line.startswith("cancel.") for line in chosen)


def test_the_page_of_the_cases_is_up_to_date() -> None:
    page = Path(__file__).parents[3] / "docs" / "conformance_cases.py"
    done = subprocess.run([sys.executable, str(page), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
