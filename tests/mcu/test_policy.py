"""What the MCU itself allows."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from mcu import DialOutPolicy, DialOutQuestion, RefusalReason

ASKED = DialOutQuestion(
    scheme="sip",
    domain="example.com",
    user="bob",
    originator="sip:alice@example.com",
    originator_role="presenter",
    role="attendee",
    locked=False,
    legs=0,
    dialing=0,
)


def refusal(policy: DialOutPolicy | None = None, **changes: Any) -> RefusalReason | None:
    refused = (policy or DialOutPolicy()).decide(attrs.evolve(ASKED, **changes))
    return refused.reason if refused else None


def test_a_presenter_may_dial() -> None:
    assert refusal() is None
    assert refusal(scheme="tel", domain=None, user="+4930") is None
    assert refusal(locked=True) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"originator_role": "attendee"}, RefusalReason.THIRD_PARTY),
        ({"originator_role": None}, RefusalReason.THIRD_PARTY),
        ({"role": "owner"}, RefusalReason.ROLE),
        ({"scheme": "http"}, RefusalReason.TARGET),
        ({"legs": 250}, RefusalReason.CAPACITY),
        ({"dialing": 50}, RefusalReason.CAPACITY),
    ],
)
def test_refusals(changes: dict[str, Any], reason: RefusalReason) -> None:
    assert refusal(**changes) is reason


def test_attendees_may_dial_where_the_policy_says_so_but_not_into_a_locked_conference() -> None:
    policy = DialOutPolicy(dial_out_roles=frozenset({"presenter", "attendee"}))
    assert refusal(policy, originator_role="attendee") is None
    assert refusal(policy, originator_role="attendee", locked=True) is RefusalReason.LOCKED


def test_anybody_may_have_its_own_phone_called_unless_the_policy_or_the_number_says_no() -> None:
    assert refusal(originator_role="attendee", own=True) is None
    assert refusal(DialOutPolicy(own_phone=False), originator_role="attendee", own=True) is RefusalReason.UNAUTHORIZED
    assert refusal(originator_role="attendee", own=True, locked=True) is RefusalReason.LOCKED
    denying = DialOutPolicy(denied_prefixes=("+1900",))
    number = {"scheme": "tel", "domain": None, "user": "+19005550100"}
    assert refusal(denying, originator_role="attendee", own=True, **number) is RefusalReason.TARGET_DENIED


def test_domains_and_numbers_can_be_denied() -> None:
    policy = DialOutPolicy(domains=frozenset({"example.com"}), denied_prefixes=("+1900",))
    assert refusal(policy) is None
    assert refusal(policy, domain="example.org") is RefusalReason.TARGET_DENIED
    assert refusal(policy, scheme="tel", domain=None, user="+19005550100") is RefusalReason.TARGET_DENIED


def test_a_redirected_call_is_counted_already() -> None:
    assert refusal(legs=250, dialing=50, redirected=True) is None
    assert refusal(scheme="http", redirected=True) is RefusalReason.TARGET


def test_a_reason_says_what_the_response_holds() -> None:
    reason = RefusalReason.CAPACITY
    assert (reason.reason, reason.command_reason, reason.error_id) == ("serverBusy", "otherFailure", 7000)
