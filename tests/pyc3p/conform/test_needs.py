"""One fault is told once: what needs the thing that is missing is skipped, and says which case has told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyc3p.conform import BenchSettings, Verdict, sip_cases
from sip import Request, Response
from tests.pyc3p.conform.element import ALLOW, Plain, element, outcome_of, tried

HASTE = BenchSettings(patience=0.7, rate=5000.0)
SDP = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


def phone(ignores: Callable[[Request], bool]) -> Callable[[Request, int], Sequence[Response | bytes]]:
    """Takes every call at once, and knows nothing of dialogs; it does not answer what it ignores."""
    plain = Plain()

    def answer(request: Request, times: int) -> Sequence[Response | bytes]:
        if ignores(request):
            return []
        if request.method == "INVITE" and "Require" not in request.headers:
            lines = [ALLOW, ("Supported", ""), ("Contact", f"<{request.uri}>"), ("Content-Type", "application/sdp")]
            return [plain.response(request, 200, *lines).evolve(body=SDP)]
        return [plain.response(request, 200)] if request.method == "BYE" else plain(request, times)

    return answer


def test_a_re_invite_that_is_ignored_is_one_finding() -> None:
    dependent = (
        *("dialogs.refused-reinvite", "dialogs.contact-again", "dialogs.unknown-extension"),
        *("offer-answer.version", "offer-answer.hold"),
    )
    with element(phone(lambda each: each.method == "INVITE" and each.to.tag is not None)) as port:
        report = tried(port, "dialogs.reinvite", *dependent, bench=HASTE)
    assert [found.id for _, found in report.findings() if found.seen.startswith("nothing")] == ["dialogs.reinvite"]
    for case in dependent:
        outcome = outcome_of(report, case)
        assert outcome.verdict is Verdict.SKIPPED
        assert "dialogs.reinvite" in outcome.why


def test_options_in_a_dialog_that_is_ignored_is_one_finding() -> None:
    with element(phone(lambda each: each.method == "OPTIONS" and each.to.tag is not None)) as port:
        report = tried(
            port, "user-agent.contact-of-answer", "dialogs.options", "dialogs.lower-cseq", "dialogs.other", bench=HASTE
        )
    assert [found.id for _, found in report.findings() if found.seen.startswith("nothing")] == ["dialogs.options"]
    assert outcome_of(report, "user-agent.contact-of-answer").verdict is Verdict.PASSED
    assert "dialogs.options" in outcome_of(report, "dialogs.lower-cseq").why


def test_without_100_there_is_no_timestamp_to_look_at() -> None:
    with element(phone(lambda each: each.method == "INVITE" and "Timestamp" in each.headers)) as port:
        report = tried(port, "transactions.timestamp", bench=HASTE)
    assert outcome_of(report, "transactions.timestamp").verdict is Verdict.SKIPPED


def test_what_a_case_needs_is_tried_before_it() -> None:
    place = {case.id: number for number, case in enumerate(sip_cases())}
    assert all(place[need] < place[case.id] for case in sip_cases() for need in case.needs)
    assert any(case.needs for case in sip_cases())
