"""Cases find what is wrong, each in an element that is wrong in that one thing, and nothing in a right one."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence

import pytest

from pyc3p.conform import Verdict
from sip import Request, Response
from tests.pyc3p.conform.element import Plain, element, outcome_of, told, tried

Wrong = Callable[[Request, int], Sequence[Response | bytes] | None]
PLAIN = Plain()


def wrong_in(change: Wrong) -> Callable[[Request, int], Sequence[Response | bytes]]:
    """The right element, unless ``change`` has another answer."""

    def answer(request: Request, times: int) -> Sequence[Response | bytes]:
        changed = change(request, times)
        return PLAIN(request, times) if changed is None else changed

    return answer


def options(make: Callable[[Request, Response, int], Sequence[Response | bytes]]) -> Wrong:
    """Another answer to a plain OPTIONS."""

    def change(request: Request, times: int) -> Sequence[Response | bytes] | None:
        (right,) = PLAIN(request, times) or (None,)
        if request.method != "OPTIONS" or not isinstance(right, Response):
            return None
        return make(request, right, times)

    return change


def test_nothing_is_wrong_with_a_right_element() -> None:
    with element(PLAIN) as port:
        report = tried(port, "transactions", "headers", "torture", "malformed")
    assert not told(report)
    assert report.count(Verdict.PASSED) > 40


WRONG: dict[str, Wrong] = {
    "transactions.repeated-request": options(
        lambda request, right, times: [right.evolve(set={"To": f"{request.to};tag={times}"})]
    ),
    "transactions.rport": options(lambda request, right, times: [_without(right, ";rport=[0-9]+")]),
    "transactions.received": options(lambda request, right, times: [_without(right, ";received=[0-9.]+")]),
    "transactions.stray-ack": lambda request, times: (
        [PLAIN.response(request, 481)] if request.method == "ACK" else None
    ),
    "transactions.no-provisional": options(lambda request, right, times: [right.evolve(status=183), right]),
    "transactions.refusal-repeated": lambda request, times: [] if request.method == "INVITE" and times else None,
    "headers.unknown-method": lambda request, times: (
        [PLAIN.response(request, 200)] if request.method == "NEWMETHOD" else None
    ),
    "headers.unknown-extension": lambda request, times: (
        [PLAIN.response(request, 200)] if request.headers.get("Require") else None
    ),
    "headers.capabilities": options(lambda request, right, times: [right.evolve(remove=["Allow"])]),
    "headers.tags-differ": options(lambda request, right, times: [right.evolve(set={"To": f"{request.to};tag=1"})]),
    "torture.overlarge-numbers": lambda request, times: (
        [PLAIN.response(request, 200)] if "36893488147419103232" in str(request.headers.get("CSeq")) else None
    ),
    "torture.wide-range": lambda request, times: (
        [PLAIN.response(request, 400)] if request.method.startswith("!") else None
    ),
}


def _without(response: Response, pattern: str) -> bytes:
    """Bytes go out as they are: nothing is stamped."""
    return re.sub(pattern.encode(), b"", bytes(response))


@pytest.mark.parametrize("case", sorted(WRONG))
def test_a_case_finds_the_one_thing_that_is_wrong(case: str) -> None:
    with element(wrong_in(WRONG[case])) as port:
        report = tried(port, case)
    outcome = outcome_of(report, case)
    assert outcome.verdict is Verdict.FAILED, outcome
    assert case in [each.id for each in outcome.found]
    assert outcome.records


def test_judges_look_at_every_answer() -> None:
    altered = options(lambda request, right, times: [right.evolve(set={"CSeq": "99 OPTIONS"})])
    with element(wrong_in(altered)) as port:
        report = tried(port, "transactions.options")
    assert [found.source for _, found in report.findings()] == ["RFC 3261 section 8.2.6.2"]
    (found,) = report.new()
    assert found.id.endswith("@transactions.options")


def test_what_cannot_be_read_is_a_finding() -> None:
    garbled = options(lambda request, right, times: [b"SIP/2.0 OK 200\r\nVia: x\r\n\r\n", right])
    with element(wrong_in(garbled)) as port:
        report = tried(port, "transactions.options")
    assert [found.key for _, found in report.findings()] == ["unreadable"]


def test_an_element_that_falls_silent_is_found_and_the_rest_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyc3p.conform.running.COMES_BACK", 0.2)
    deaf = threading.Event()

    def dies(request: Request, times: int) -> Sequence[Response | bytes] | None:
        if request.method == "NEWMETHOD":
            deaf.set()
        return None

    with element(wrong_in(dies), deaf=deaf) as port:
        report = tried(port, "headers.unknown-method", "headers.unknown-header")
    (gone,) = [found for _, found in report.findings() if found.id == "gone@headers.unknown-method"]
    assert (gone.source, gone.force.value) == ("RFC 3261 section 11", "MUST")
    assert outcome_of(report, "headers.unknown-header").verdict is Verdict.NOT_RUN


def test_an_element_that_dies_elsewhere_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyc3p.conform.running.COMES_BACK", 0.2)
    deaf = threading.Event()

    def dies(request: Request, times: int) -> Sequence[Response | bytes] | None:
        if request.method == "NEWMETHOD":
            deaf.set()
        return None

    with element(wrong_in(dies), deaf=deaf) as port:
        report = tried(
            port, "headers.unknown-method", known=frozenset({"headers.unknown-method", "gone@headers.other"})
        )
    assert [found.id for found in report.new()] == ["gone@headers.unknown-method"]
    deaf.clear()
    known = frozenset(found.key for _, found in report.findings())
    with element(wrong_in(dies), deaf=deaf) as port:
        assert not tried(port, "headers.unknown-method", known=known).new()
