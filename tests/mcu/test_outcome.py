"""The table of endings."""

from __future__ import annotations

import pytest

from mcu import OUTCOMES, Ending, ending_of_status


@pytest.mark.parametrize(
    ("status", "method", "reason", "command_reason", "error_id", "retry_safe"),
    [
        (486, "busy", "otherFailure", "dialOutBusy", None, True),
        (600, "busy", "otherFailure", "dialOutBusy", None, True),
        (408, "failed", "timeout", "dialOutTimeout", 7003, False),
        (480, "failed", "timeout", "dialOutTimeout", 7003, False),
        (603, "failed", "otherFailure", "dialOutDeclined", None, False),
        (403, "failed", "otherFailure", "dialOutDeclined", None, False),
        (401, "failed", "otherFailure", "dialOutDeclined", None, False),
        (433, "failed", "otherFailure", "dialOutDeclined", None, False),
        (607, "failed", "otherFailure", "dialOutDeclined", None, False),
        (302, "failed", "otherFailure", "dialOutDeclined", None, False),
        (404, "failed", "otherFailure", "dialOutNotFound", None, False),
        (410, "failed", "otherFailure", "dialOutNotFound", None, False),
        (484, "failed", "otherFailure", "dialOutNotFound", None, False),
        (485, "failed", "otherFailure", "dialOutNotFound", None, False),
        (604, "failed", "otherFailure", "dialOutNotFound", None, False),
        (415, "failed", "otherFailure", "dialOutMedia", 7008, False),
        (488, "failed", "otherFailure", "dialOutMedia", 7008, False),
        (606, "failed", "otherFailure", "dialOutMedia", 7008, False),
        (500, "failed", "otherFailure", "dialOutFailed", None, True),
        (504, "failed", "otherFailure", "dialOutFailed", None, True),
        (503, "failed", "serverBusy", "dialOutFailed", None, True),
    ],
)
def test_final_statuses(
    status: int, method: str, reason: str, command_reason: str, error_id: int | None, retry_safe: bool
) -> None:
    outcome = OUTCOMES[ending_of_status(status)]
    assert outcome.status == "disconnected"
    assert outcome.code == "failure"
    assert (outcome.method, outcome.reason, outcome.command_reason) == (method, reason, command_reason)
    assert (outcome.error_id, outcome.retry_safe) == (error_id, retry_safe)


def test_every_ending_has_a_row_and_only_the_answer_is_a_success() -> None:
    assert set(OUTCOMES) == set(Ending)
    assert {ending for ending, outcome in OUTCOMES.items() if outcome.code == "success"} == {Ending.ANSWERED}


def test_a_transport_that_failed_after_ringing_is_not_safe_to_retry() -> None:
    assert OUTCOMES[Ending.UNREACHABLE].retry_safe
    assert not OUTCOMES[Ending.LOST].retry_safe
