"""What the MCU itself allows."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from mcu import Allowed, Cause, DialOutPolicy, DialOutQuestion, DialOutRules, Refusal, RefusalReason

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
    own_domain="example.com",
)


def refusal(policy: DialOutRules | None = None, **changes: Any) -> RefusalReason | None:
    decision = (policy or DialOutRules()).decide(attrs.evolve(ASKED, **changes))
    if isinstance(decision, Refusal):
        return decision.reason
    assert isinstance(decision, Allowed)
    return None


def number(digits: str) -> dict[str, Any]:
    """What a question says of a ``tel:`` address."""
    return {"scheme": "tel", "domain": None, "user": digits, "number": digits}


def test_a_presenter_may_dial() -> None:
    assert refusal() is None
    assert refusal(DialOutRules(numbers=("+49",)), **number("+4930")) is None
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
        ({"legs_of_originator": 250}, RefusalReason.CAPACITY),
        ({"recent": 300}, RefusalReason.CAPACITY),
        ({"recent_of_originator": 300}, RefusalReason.CAPACITY),
    ],
)
def test_refusals(changes: dict[str, Any], reason: RefusalReason) -> None:
    assert refusal(**changes) is reason


def test_attendees_may_dial_where_the_policy_says_so_but_not_into_a_locked_conference() -> None:
    policy = DialOutRules(dial_out_roles=frozenset({"presenter", "attendee"}))
    assert refusal(policy, originator_role="attendee") is None
    assert refusal(policy, originator_role="attendee", locked=True) is RefusalReason.LOCKED


def test_anybody_may_have_its_own_phone_called_unless_the_policy_or_the_number_says_no() -> None:
    mine = {"originator_role": "attendee", "own": True, "own_address": True}
    assert refusal(**mine) is None
    assert refusal(DialOutRules(own_phone=False), **mine) is RefusalReason.UNAUTHORIZED
    assert refusal(locked=True, **mine) is RefusalReason.LOCKED
    rules = DialOutRules(numbers=("+1555", "+1900"), denied_prefixes=("+1900",))
    by_phone = {"originator_role": "attendee", "own": True}
    assert refusal(rules, **by_phone, **number("+15550100")) is None
    assert refusal(rules, **by_phone, **number("+19005550100")) is RefusalReason.TARGET_DENIED
    assert refusal(rules, **by_phone, **number("+4930")) is RefusalReason.TARGET_DENIED


def test_somebody_elses_phone_is_not_ones_own_under_whatever_name_it_is_called() -> None:
    other = {"originator_role": "attendee", "own": True, "user": "carol", "address": "sip:carol@example.com"}
    assert refusal(**other) is RefusalReason.THIRD_PARTY
    desk = "sip:alice@192.0.2.7:5070"
    rules = DialOutRules(phone_of=lambda who, address: (who, address) == ("sip:alice@example.com", desk), domains=None)
    assert refusal(rules, **{**other, "address": desk}) is None
    assert (
        refusal(rules, **{**other, "originator": "sip:bob@example.com", "address": desk}) is RefusalReason.THIRD_PARTY
    )


def test_domains_and_numbers_can_be_denied() -> None:
    policy = DialOutRules(domains=frozenset({"example.net"}), denied_prefixes=("+1900", "00"), numbers=None)
    assert refusal(policy) is None
    assert refusal(policy, domain="example.net") is None
    assert refusal(policy, domain="example.org") is RefusalReason.TARGET_DENIED
    assert refusal(policy, **number("+19005550100")) is RefusalReason.TARGET_DENIED
    assert refusal(policy, user="0019005550100") is RefusalReason.TARGET_DENIED
    assert refusal(policy, **number("+15550100")) is None
    assert refusal(DialOutRules(domains=None), domain="example.org") is None


def test_without_a_setting_the_own_domain_is_called_and_no_number() -> None:
    assert refusal(domain="example.org") is RefusalReason.TARGET_DENIED
    assert refusal(**number("+15550100")) is RefusalReason.TARGET_DENIED
    assert refusal(user="+15550100", number="+15550100") is RefusalReason.TARGET_DENIED
    assert refusal(own_domain=None) is RefusalReason.TARGET_DENIED


def test_who_may_have_numbers_called_is_a_setting() -> None:
    rules = DialOutRules(numbers=("+1555",), number_roles=frozenset({"presenter"}))
    assert refusal(rules, **number("+15550100")) is None
    attendee = {"originator_role": "attendee", "own": True}
    assert refusal(rules, **attendee, **number("+15550100")) is RefusalReason.UNAUTHORIZED


def test_a_redirected_call_is_counted_already() -> None:
    counted = {"legs": 250, "dialing": 50, "recent": 300, "cause": Cause.REDIRECTION}
    assert refusal(**counted) is None
    assert refusal(**{**counted, "scheme": "http"}) is RefusalReason.TARGET


def test_a_reason_says_what_the_response_holds() -> None:
    reason = RefusalReason.CAPACITY
    assert (reason.reason, reason.command_reason, reason.error_id) == ("serverBusy", "otherFailure", 7000)


def test_settings_written_in_the_older_way_are_rules() -> None:
    assert DialOutPolicy(own_phone=False) == DialOutRules(own_phone=False)
