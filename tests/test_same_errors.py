"""A Focus and an MCU that refuse for the same cause say the same (docs/commands.rst)."""

from __future__ import annotations

import pytest

from c3p import MEANINGS, SIP_STATUS, CommandReason, ErrorId, Reason
from focus import Refusal, refusal
from mcu import OUTCOMES, RefusalReason

SAME = {
    RefusalReason.UNAUTHORIZED: refusal.NOT_AUTHORISED,
    RefusalReason.THIRD_PARTY: refusal.THIRD_PARTY_DIAL_OUT,
    RefusalReason.LOCKED: refusal.LOCKED,
    RefusalReason.ROLE: refusal.INVALID_ROLE,
    RefusalReason.UNPARSEABLE: refusal.UNPARSEABLE,
    RefusalReason.CONTENT: refusal.BAD_ADD_USER,
    RefusalReason.ENDPOINT_NAME: refusal.BAD_ENDPOINT,
    RefusalReason.USER: refusal.INVALID_TARGET,
    RefusalReason.ENDPOINT: refusal.NO_SUCH_ENDPOINT,
    RefusalReason.STREAM: refusal.NO_SUCH_MEDIA,
    RefusalReason.MCU_URI: refusal.INVALID_MCU,
    RefusalReason.NOT_SUPPORTED: refusal.NOT_IMPLEMENTED,
}


@pytest.mark.parametrize("reason", SAME, ids=lambda each: each.name)
def test_the_same_cause_has_the_same_error(reason: RefusalReason) -> None:
    of_the_focus: Refusal = SAME[reason]
    assert (reason.error_id, reason.reason) == (of_the_focus.error_id, of_the_focus.general)
    assert reason.command_reason == (of_the_focus.specific or CommandReason.OTHER_FAILURE)


def test_an_address_that_cannot_be_called_is_an_invalid_target_user_for_both() -> None:
    assert RefusalReason.TARGET.error_id is refusal.INVALID_TARGET.error_id


@pytest.mark.parametrize("reason", RefusalReason, ids=lambda each: each.name)
def test_every_refusal_of_an_mcu_uses_the_vocabulary(reason: RefusalReason) -> None:
    assert isinstance(reason.reason, Reason)
    assert isinstance(reason.command_reason, CommandReason)
    assert isinstance(reason.error_id, ErrorId)
    assert reason.error_id in SIP_STATUS
    assert reason.error_id in MEANINGS


def test_every_outcome_of_a_dial_out_uses_the_vocabulary() -> None:
    for outcome in OUTCOMES.values():
        assert outcome.reason is None or outcome.reason in set(Reason)
        assert outcome.command_reason is None or outcome.command_reason in {*CommandReason, Reason.REQUEST_CANCELLED}
        assert outcome.error_id is None or isinstance(outcome.error_id, ErrorId)
